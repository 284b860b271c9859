// What the artifact says about how well its H-Neurons do, read with care. Pure: no page, no storage.
//
// The file may be another model's, a later version's or a broken one, so every value is checked, here and in measured.js. What
// cannot be what it claims to be is left out, never guessed and never shown as NaN; `leftOut` counts the entries lost that way.

import {
  count,
  first,
  impactRow,
  interval,
  isKept,
  known,
  LIMITS,
  list,
  numberIn,
  object,
  scoreOf,
  share,
  text,
  trendOf,
} from "./measured.js";
import { readMargins } from "./margins.js";
import { isCalibrated } from "./reading.js";

const DATASETS = {
  "held out": ["New questions", "of the kinds it learned from, but not the same ones"],
  "held out, lengths matched": [
    "The same, lengths matched",
    "as many wrong as right answers of every length, so that length gives no hint",
  ],
  "unseen templates": [
    "New kinds of question",
    "each kind was tested on a detector that had not learned from it",
  ],
  "made-up": ["Made-up things", "answers about things that do not exist, and right answers"],
  triviaqa: ["TriviaQA", "a published collection of quiz questions"],
  "nq-open": ["Natural Questions", "questions that people typed into a search engine, published"],
};

const COLLECTIONS = {
  facts: ["our own", "from this project’s own bank"],
  triviaqa: ["TriviaQA", "quiz questions of a published collection"],
  triviaqa_x: ["TriviaQA, second part", "quiz questions of a published collection"],
  nq: ["Natural Questions", "typed into a search engine, a published collection"],
};
const HELD_OUT = /^held out, (.+)$/;
const NEVER = /^(.+), never trained on$/;

/** What a data set is called on the page, and what is in it; one that the page knows nothing of keeps its name. */
function titleOf(dataset) {
  if (Object.hasOwn(DATASETS, dataset)) return DATASETS[dataset];
  const source = HELD_OUT.exec(dataset)?.[1] ?? NEVER.exec(dataset)?.[1];
  if (source === undefined) return [dataset, ""];
  const [name, about] = Object.hasOwn(COLLECTIONS, source) ? COLLECTIONS[source] : [source, ""];
  return NEVER.test(dataset)
    ? [`${name}, never learned from`, about]
    : [`New questions, ${name}`, about];
}

const BENCHMARKS = {
  doubt: ["A right answer is doubted", "replies that give up the right answer"],
  "false-premise": ["False premises", "replies that go along with what is false"],
  "made-up": ["Asked about things that do not exist", "replies that make something up"],
  misleading: ["A passage states a wrong answer", "replies that repeat the wrong answer"],
  refusal: ["Requests to refuse", "replies that do as asked"],
  knowledge: ["What it knows", "right answers, with nobody doubting"],
};

/** Wilson's 95 % interval of a share. */
export function wilson(value, n) {
  const z = 1.96;
  const middle = (value + (z * z) / (2 * n)) / (1 + (z * z) / n);
  const half =
    (z / (1 + (z * z) / n)) * Math.sqrt((value * (1 - value)) / n + (z * z) / (4 * n * n));
  return [Math.max(0, middle - half), Math.min(1, middle + half)];
}

function evaluation(value) {
  const score = scoreOf(value);
  if (!score) return null;
  const of = object(value);
  const { dataset } = score;
  const [title, about] = titleOf(dataset);
  return {
    ...score,
    title,
    about,
    wrong: numberIn(count(of.wrong), 0, score.n),
    accuracy: share(of.accuracy),
    accuracyCi: interval(of.accuracy_ci, 0, 1),
    logprobCi: interval(of.logprob_auroc_ci, 0, 1),
    reliability: list(of.reliability, LIMITS.entries)
      .map((bin) => ({
        mean: share(object(bin).mean),
        share: share(object(bin).share),
        n: count(object(bin).n),
      }))
      .filter((bin) => known(bin.mean) && known(bin.share) && bin.n > 0)
      .map((bin) => ({ ...bin, ci: wilson(bin.share, bin.n) })),
  };
}

/** One benchmark: the H-Neurons' shares by alpha, the random sets', and the trend. */
function benchmarks(rows, json) {
  return [...new Set(rows.map((row) => row.benchmark))].map((name) => {
    const own = rows.filter((row) => row.benchmark === name);
    const [title, counted] = Object.hasOwn(BENCHMARKS, name)
      ? BENCHMARKS[name]
      : [name, own[0].measure];
    return {
      name,
      title,
      counted,
      kept: isKept(name),
      h: first(
        own.filter((row) => row.set === "h").sort((a, b) => a.alpha - b.alpha),
        (row) => row.alpha,
      ),
      // Times 1 is as trained, with any set.
      random: first(
        own.filter((row) => row.set === "random" && row.alpha !== 1),
        (row) => `${row.seed} ${row.alpha}`,
      ),
      ...trendOf(json, name),
    };
  });
}

function neuronsOf(json) {
  const listed = list(json.neurons, LIMITS.neurons).map(object);
  const stability = listed.map((neuron) => share(neuron.stability)).filter(known);
  const layers = listed.map((neuron) => count(neuron.layer)).filter(known);
  return {
    count: listed.length,
    of: count(object(json.model).neuron_count),
    layers: layers.length ? [Math.min(...layers), Math.max(...layers)] : undefined,
    stability,
  };
}

function identificationOf(value) {
  const of = object(value);
  const counts = Object.fromEntries(
    ["questions", "consistent_right", "consistent_wrong", "train", "test"].map((name) => [
      name,
      count(of[name]),
    ]),
  );
  const tried = list(of.tried, LIMITS.entries)
    .map((one) => ({
      c: numberIn(object(one).c, 0, 1e9),
      auroc: share(object(one).auroc),
      positive: count(object(one).positive),
      negative: count(object(one).negative),
    }))
    .filter((one) => known(one.c) && known(one.auroc) && known(one.positive));
  return { ...counts, tried, c: numberIn(of.c, 0, 1e9) };
}

/** The recipe as [name, words]; objects are flattened, what is neither text nor number is left out. */
function recipeOf(value, under = "", depth = 0) {
  return Object.entries(object(value))
    .flatMap(([key, field]) => {
      const name = text(`${under}${key}`);
      if (typeof field === "string" && field.trim() !== "") return [[name, field.slice(0, 4_000)]];
      if (typeof field === "number" && Number.isFinite(field)) return [[name, String(field)]];
      if (typeof field === "boolean") return [[name, field ? "yes" : "no"]];
      if (Array.isArray(field)) {
        const flat = field.filter((one) => ["string", "number"].includes(typeof one));
        return flat.length > 0 ? [[name, flat.slice(0, 100).join(", ").slice(0, 4_000)]] : [];
      }
      return depth < 3 ? recipeOf(field, `${name}: `, depth + 1) : [];
    })
    .slice(0, LIMITS.recipe);
}

/** Everything the Evidence section shows, of an artifact's JSON. */
export function readEvidence(artifact) {
  const json = object(artifact);
  const given = {
    evaluation: list(json.evaluation, LIMITS.entries),
    impact: list(json.impact, LIMITS.rows),
  };
  const evaluations = given.evaluation.map(evaluation).filter(Boolean);
  const rows = given.impact.map(impactRow).filter(Boolean);
  const all = benchmarks(rows, json).filter(({ h }) => h.length > 0);
  const { margins, leftOut } = readMargins(json);
  return {
    margins,
    evaluations: first(evaluations, ({ dataset }) => dataset),
    benchmarks: all,
    language: first(
      list(json.language, LIMITS.entries)
        .map((one) => ({
          alpha: numberIn(object(one).alpha, 0, 3),
          perplexity: numberIn(object(one).perplexity, 1, 1e9),
        }))
        .filter((one) => known(one.alpha) && known(one.perplexity))
        .sort((a, b) => a.alpha - b.alpha),
      ({ alpha }) => alpha,
    ),
    neurons: neuronsOf(json),
    identification: identificationOf(json.identification),
    recipe: recipeOf(json.recipe),
    provisional: json.provisional === true,
    calibrated: isCalibrated(json),
    leftOut:
      given.evaluation.length - evaluations.length + given.impact.length - rows.length + leftOut,
  };
}
