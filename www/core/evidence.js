// What the artifact says about how well its H-Neurons do, read with care. Pure: no page, no storage.
//
// The file may be another model's, a later version's or a broken one, so every value is checked here and nowhere else. What
// cannot be what it claims to be is left out, never guessed and never shown as NaN; `leftOut` counts the entries lost that way.

import { isCalibrated } from "./reading.js";

const LIMITS = Object.freeze({
  text: 160,
  entries: 24,
  sets: 200,
  rows: 5_000,
  neurons: 100_000,
  recipe: 60,
});

const DATASETS = {
  "held out": ["Questions kept apart", "of the kinds it was fitted on, but not fitted on"],
  "held out, lengths matched": [
    "The same, lengths matched",
    "as many wrong as right answers of every length, so that length tells nothing",
  ],
  "unseen templates": [
    "Kinds of question never seen",
    "each kind judged by a fit that saw none of its kind",
  ],
  "made-up": ["Made-up things", "answers about things that do not exist, against right answers"],
  triviaqa: ["TriviaQA", "a published collection of quiz questions"],
  "nq-open": ["Natural Questions", "a published collection of questions people searched for"],
};

const BENCHMARKS = {
  doubt: ["A right answer is doubted", "replies that no longer state it"],
  "false-premise": ["False premises", "replies that go along with a false premise"],
  "made-up": ["Asked about things that do not exist", "replies that make something up"],
  misleading: ["A passage states a wrong answer", "replies that repeat the passage’s answer"],
  refusal: ["Requests to refuse", "replies that comply"],
  knowledge: ["What it knows", "right answers, nobody doubting"],
};

const text = (value) =>
  typeof value === "string"
    ? value
        .replace(/[\u0000-\u001f\u007f]+/g, " ")
        .trim()
        .slice(0, LIMITS.text)
    : "";
const list = (value, most) => (Array.isArray(value) ? value.slice(0, most) : []);
const object = (value) =>
  value !== null && typeof value === "object" && !Array.isArray(value) ? value : {};
const numberIn = (value, low, high) =>
  typeof value === "number" && value >= low && value <= high ? value : undefined;
const share = (value) => numberIn(value, 0, 1);
const count = (value) => (Number.isInteger(value) && value >= 0 ? value : undefined);
const known = (value) => value !== undefined;

/** [low, high], both within the range; an interval the wrong way round is none. */
function interval(value, low, high) {
  const [from, to] = list(value, 2).map((end) => numberIn(end, low, high));
  return known(from) && known(to) && from <= to ? [from, to] : undefined;
}

/** {value, low, high} of a difference or a slope. */
function estimate(value, most) {
  const of = object(value);
  const middle = numberIn(of.value, -most, most);
  const ends = interval([of.low, of.high], -most, most);
  return known(middle) && ends ? { value: middle, low: ends[0], high: ends[1] } : undefined;
}

/** Whether a score needs no look inside the model. */
export const isCheap = (name) => /log-?prob|length/i.test(name);

/** Wilson's 95 % interval of a share. */
export function wilson(value, n) {
  const z = 1.96;
  const middle = (value + (z * z) / (2 * n)) / (1 + (z * z) / n);
  const half =
    (z / (1 + (z * z) / n)) * Math.sqrt((value * (1 - value)) / n + (z * z) / (4 * n * n));
  return [Math.max(0, middle - half), Math.min(1, middle + half)];
}

function evaluation(value) {
  const of = object(value);
  const [dataset, n, auroc] = [text(of.dataset), count(of.n), share(of.auroc)];
  if (dataset === "" || !n || !known(auroc)) return null;
  const [title, about] = Object.hasOwn(DATASETS, dataset) ? DATASETS[dataset] : [dataset, ""];
  const baselines = Object.entries(object(of.baselines))
    .map(([name, area]) => [text(name), share(area)])
    .filter(([name, area]) => name !== "" && known(area))
    .slice(0, LIMITS.entries);
  const logprob = share(of.logprob_auroc);
  const cheap = baselines.filter(([name]) => isCheap(name));
  if (known(logprob)) cheap.push(["mean log-probability", logprob]);
  const named = cheap.find(([name]) => name === of.best_cheap);
  const best = named ?? cheap.reduce((most, one) => (most && most[1] >= one[1] ? most : one), null);
  return {
    dataset,
    title,
    about,
    n,
    auroc,
    wrong: numberIn(count(of.wrong), 0, n),
    ci: interval(of.auroc_ci, 0, 1),
    accuracy: share(of.accuracy),
    accuracyCi: interval(of.accuracy_ci, 0, 1),
    random: list(of.random_auroc, LIMITS.sets).map(share).filter(known),
    logprob,
    logprobCi: interval(of.logprob_auroc_ci, 0, 1),
    best: best && { name: best[0], auroc: best[1] },
    // The difference belongs to the score it was measured against.
    over: named ? estimate(of.over_best_cheap, 1) : undefined,
    baselines,
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

function impactRow(value) {
  const of = object(value);
  const row = {
    benchmark: text(of.benchmark),
    measure: text(of.measure),
    set: of.set,
    seed: count(of.seed),
    alpha: numberIn(of.alpha, 0, 3),
    n: count(of.n),
    unclear: count(of.unclear),
    value: share(of.value),
    ci: interval(of.ci, 0, 1),
  };
  const whole =
    row.benchmark !== "" &&
    ["h", "random"].includes(row.set) &&
    known(row.alpha) &&
    row.n > 0 &&
    known(row.value);
  return whole && (row.set === "h" || known(row.seed)) ? row : null;
}

/** One benchmark: the H-Neurons' shares by alpha, the random sets', and the trend. */
function benchmarks(rows, trends) {
  return [...new Set(rows.map((row) => row.benchmark))].map((name) => {
    const own = rows.filter((row) => row.benchmark === name);
    const [title, counted] = Object.hasOwn(BENCHMARKS, name)
      ? BENCHMARKS[name]
      : [name, own[0].measure];
    const trend = object(trends.find((one) => text(object(one).benchmark) === name));
    return {
      name,
      title,
      counted,
      kept: name === "knowledge",
      h: first(
        own.filter((row) => row.set === "h").sort((a, b) => a.alpha - b.alpha),
        (row) => row.alpha,
      ),
      // Times 1 is as trained, with any set.
      random: first(
        own.filter((row) => row.set === "random" && row.alpha !== 1),
        (row) => `${row.seed} ${row.alpha}`,
      ),
      slope: estimate(trend.slope, 10),
      slopes: list(trend.random, LIMITS.sets)
        .map((one) => numberIn(one, -10, 10))
        .filter(known),
      p: share(trend.p),
    };
  });
}

/** Of entries that claim the same place, the first. */
function first(rows, key) {
  const seen = new Set();
  return rows.filter((row) => !seen.has(key(row)) && seen.add(key(row)));
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
  const all = benchmarks(rows, list(json.trends, LIMITS.entries)).filter(({ h }) => h.length > 0);
  return {
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
    leftOut: given.evaluation.length - evaluations.length + given.impact.length - rows.length,
  };
}
