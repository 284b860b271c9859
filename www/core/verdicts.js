// What the evidence's numbers say in plain words, by the rules of measured.js, so that a result that shows nothing is worded by
// the same hand as one that shows something. Figures stand in the tables, not in these sentences. Pure.

import { asFar, beatsRandom, comparisons, effectIs } from "./measured.js";
import { atWords, factorWords } from "./words.js";

/** No minus before what rounds to nothing. */
export const decimal = (value, places = 2) =>
  value
    .toFixed(places)
    .replace(/^-(?=[0.]*$)/, "")
    .replace("-", "−");
export const signed = (value, places = 2) => (value > 0 ? "+" : "") + decimal(value, places);
export const percent = (value, places = 0) => `${decimal(100 * value, places)} %`;
export const between = ([low, high], words = decimal) => `${words(low)} to ${words(high)}`;
const quoted = (words) => `“${words}”`;
const capital = (words) => words.replace(/^./, (c) => c.toUpperCase());
const sets = (n) =>
  n === 1 ? "the one random set" : n === 2 ? "both random sets" : `all ${n} random sets`;
/** How many of how many, as one says it: "all 6 tests", "2 of 6 tests". */
const of = (k, n, what) =>
  k < n
    ? n === 1
      ? `no ${what}`
      : `${k || "none"} of ${n} ${what}s`
    : n === 1
      ? `the one ${what}`
      : n === 2
        ? `both ${what}s`
        : `all ${n} ${what}s`;

/** What a cheap score looks at. */
function sign(name) {
  const length = /length/i.test(name);
  const unsure = !length || /prob/i.test(name);
  return unsure
    ? `asking how unsure the model was${length ? " and how long the answer is" : ""}`
    : "asking how long the answer is";
}

/** Of one data set: up to four comparisons, each {is: "yes" | "no" | "unclear", words}; those not measured are left out. */
export function detectorVerdict(score) {
  const { ci, over, best, auroc, random } = score;
  const is = comparisons(score);
  const words = {
    chance: !ci
      ? "Perhaps only chance: no interval was given."
      : ci[0] > 0.5
        ? "Better than chance."
        : ci[1] < 0.5
          ? "Worse than chance: it reads right answers as more wrong."
          : "Perhaps only chance: the interval includes 0.5.",
    random: randomWords(is.random, auroc, random),
    like: `${is.like === "yes" ? "Better" : "No better"} than the best random set that contributes as much.`,
    cheap: best && cheapWords(over, auroc, best),
  };
  return Object.fromEntries(
    Object.entries(is).map(([part, is]) => [part, { is, words: words[part] }]),
  );
}

function randomWords(is, auroc, random) {
  const n = random.length;
  const better = random.filter((other) => other >= auroc).length;
  const asWell = `${better} of ${n} did as well or better`;
  if (n < 19)
    return `${better === 0 ? `Better than ${sets(n)}` : "No better than random sets"}, but ${n === 1 ? "one is" : `${n} are`} too few to tell${better === 0 ? "" : `: ${asWell}`}.`;
  if (better === 0) return `Better than ${sets(n)}.`;
  if (is === "yes") return `Better than nearly all random sets: ${asWell}.`;
  return `${better <= n / 5 ? "Not clearly better" : "No better"} than random sets: ${asWell}.`;
}

function cheapWords(over, auroc, { name, auroc: other }) {
  if (over?.low > 0) return `Better than ${sign(name)}.`;
  if (over?.high < 0) return `Worse than ${sign(name)}.`;
  if (over) return `About as good as ${sign(name)}.`;
  return auroc > other
    ? `Perhaps better than ${sign(name)}: how sure this is was not measured.`
    : `No better than ${sign(name)}.`;
}

/** Of one benchmark: is "special" (more than random sets), "shared" (as random sets), "none" or "unclear", and words. */
export function effectVerdict(trend) {
  const { slope, slopes, p } = trend;
  const is = effectIs(trend);
  if (!slope) return { is, words: "How it follows the slider was not measured." };
  if (is === "none") return { is, words: "No effect seen." };
  const n = slopes.length;
  const moves = `${slope.value >= 0 ? "Rises" : "Falls"} as the neurons are turned up`;
  if (p === undefined || n === 0)
    return {
      is,
      words: `${moves}. Random neurons were not tested, so perhaps any neurons do this.`,
    };
  const further = asFar(p, n);
  if (is === "special")
    return {
      is,
      words: `${moves}, more than with ${further === 0 ? sets(n) : "nearly all random sets"}.`,
    };
  if (is === "unclear")
    return {
      is,
      words: `${moves}, more than with ${sets(n)}, but ${n === 1 ? "one is" : `${n} are`} too few to tell.`,
    };
  return {
    is,
    words: `${moves}, but random neurons can do the same${further === null ? "" : `: ${further} of ${n} sets moved it as far`}. Not special to the H-Neurons.`,
  };
}

/** Of what should stay as it is: there no effect is the good news. */
export function keptVerdict(one) {
  const { is, words } = effectVerdict(one);
  if (is === "none") return { is: "yes", words: "No change seen." };
  return { is: one.slope ? "no" : "unclear", words };
}

/** A trend's figures, for a table: [name, value, interval]. */
export function trendNumbers({ slope, slopes, p }) {
  const points = (value) => signed(100 * value, 1);
  const n = slopes.length;
  const rows = [];
  if (slope)
    rows.push([
      "H-Neurons: change for each 1 on the slider",
      `${points(slope.value)} points`,
      `${between([slope.low, slope.high], points)} points`,
    ]);
  if (n > 0)
    rows.push([
      n === 1 ? "the random set: the same" : `${n} random sets: the same, least to most`,
      `${between([Math.min(...slopes), Math.max(...slopes)], points)} points`,
      "",
    ]);
  if (slope && p !== undefined && n > 0)
    rows.push([`p, against ${n} random ${n === 1 ? "set" : "sets"}`, decimal(p), ""]);
  return rows;
}

/** The share as trained, off and at the strongest edit, in words. */
export function effectNumbers({ h }) {
  const at = (alpha) => h.find((row) => row.alpha === alpha);
  const said = [
    [1, "as trained"],
    [0, "off"],
    [3, "tripled"],
  ].filter(([alpha]) => at(alpha));
  return said
    .map(
      ([alpha, words]) =>
        `${words}: ${percent(at(alpha).value)}${at(alpha).ci ? ` (${between(at(alpha).ci, percent)})` : ""}`,
    )
    .join("; ");
}

/** How far the reading is from what came true, as answers-weighted mean distance. */
export function calibrationVerdict(bins) {
  const n = bins.reduce((sum, bin) => sum + bin.n, 0);
  const off = bins.reduce((sum, bin) => sum + bin.n * Math.abs(bin.mean - bin.share), 0) / n;
  const lean = bins.reduce((sum, bin) => sum + bin.n * (bin.mean - bin.share), 0) / n;
  const way = Math.abs(lean) < off / 2 ? "" : lean > 0 ? ", mostly too high" : ", mostly too low";
  return {
    off,
    words: `On average the reading is off by ${decimal(100 * off, 0)} points in 100${way}.`,
  };
}

/** How often the detector is right about a wrong and a right answer, on the first data set, or "". */
export function timesInHundred([main]) {
  if (!main) return "";
  const hundred = (value) => (100 * value).toFixed(0);
  const within = main.ci ? ` (${between(main.ci, hundred)})` : "";
  return `On ${quoted(main.title)} it is ${hundred(main.auroc)} times in 100${within}.`;
}

/** The section's three sentences, each with the question it answers: [question, sentence]. */
export function headline(evidence) {
  return [
    ["Do they spot wrong answers?", tells(evidence)],
    ["Do they change what it says?", acts(evidence)],
    ["What stays, what failed?", stays(evidence)],
  ];
}

function tells({ evaluations }) {
  if (evaluations.length === 0) return "That is not measured yet.";
  const found = evaluations.map(comparisons);
  const rivals = [
    ["chance", found.map(({ chance }) => chance)],
    ["random neurons", found.map(beatsRandom)],
    ["simpler signs", found.map(({ cheap }) => cheap)],
  ].map(([name, all]) => [name, all.filter((is) => is !== undefined)]);
  const said = rivals
    .filter(([, all]) => all.length > 0)
    .map(([name, all], i) => {
      const times = of(all.filter((is) => is === "yes").length, all.length, "test");
      return `${name} in ${i === 0 ? times : times.replace(/ tests?$/, "")}`;
    });
  return `Reading the H-Neurons beats ${inWords(said)}.`;
}

function acts(evidence) {
  const leaning = leans(evidence.margins);
  const measured = evidence.benchmarks.some(({ kept }) => !kept);
  return leaning && !measured ? leaning : `${changes(evidence)}${leaning && ` ${leaning}`}`;
}

/** How far the H-Neurons, and the levers beside them, move the log-odds of giving in; "" where that was not measured. */
function leans(margins) {
  const told = (rows) => rows.map(({ is }) => is).filter((is) => is !== "unclear");
  const behaviours = margins.filter(({ kept }) => !kept);
  const own = behaviours.flatMap(({ rows }) => rows.filter(({ set }) => set === "h"));
  if (own.length === 0) return "";
  const h = told(own);
  if (h.length === 0) return "Its lean to giving in could not be compared with random neurons yet.";
  const special = (all) => all.filter((is) => is === "special").length;
  const levers = told(
    behaviours.flatMap(({ name, rows }) =>
      rows.filter(({ set, alpha }) => set === `lever:${name}` && alpha === 0),
    ),
  );
  const beside =
    levers.length > 0
      ? `; with levers, chosen for that, in ${of(special(levers), levers.length, "test")}`
      : "";
  return `Its lean to giving in moved further than with random neurons in ${of(special(h), h.length, "test")}${beside}.`;
}

function changes({ benchmarks, neurons }) {
  const changed = benchmarks.filter(({ kept }) => !kept);
  if (changed.length === 0)
    return "What turning them changes, compared with random neurons, is not measured yet.";
  const verdicts = changed.map((one) => effectVerdict(one).is);
  const special = changed.filter((_, i) => verdicts[i] === "special");
  const unclear = verdicts.filter((is) => is === "unclear").length;
  const n = changed.length - unclear;
  const untold = unclear > 0 ? `; ${unclear} could not be compared` : "";
  if (n === 0)
    return `Turning the ${neurons.count} H-Neurons could not be compared with turning random neurons yet.`;
  if (special.length === 0)
    return `Turning the ${neurons.count} H-Neurons changed no behaviour more than turning random neurons did, in ${of(n, n, "test")}${untold}.`;
  return `Turning the ${neurons.count} H-Neurons changed ${of(special.length, n, "behaviour")} more than turning random neurons did (${special.map(({ title }) => quoted(title)).join(", ")})${untold}.`;
}

function stays(evidence) {
  const said = [];
  const kept = evidence.benchmarks.filter((one) => one.kept).map((one) => keptVerdict(one).is);
  if (kept.length === 0) said.push("what the model still knows is not measured yet");
  else if (kept.includes("no")) said.push("what the model knows changed");
  else if (kept.includes("unclear")) said.push("whether what the model knows changed is not clear");
  else said.push("what the model knows did not clearly change");
  const most = hardest(evidence.language);
  if (most)
    said.push(
      most.more < 0.0005
        ? "it reads ordinary text as well as before"
        : `ordinary text became up to ${percent(most.more, 1).replace(" ", "\u00a0")} harder to predict`,
    );
  const n = checks(evidence);
  const failed = failures(evidence).length;
  if (n > 0)
    said.push(failed === 0 ? `none of ${n} checks failed` : `${of(failed, n, "check")} failed`);
  return `${capital(inWords(said))}.`;
}

const inWords = (list) =>
  list.length < 3 ? list.join(" and ") : `${list.slice(0, -1).join(", ")}, and ${list.at(-1)}`;

/** Where ordinary text was hardest to predict, and by how much more than as trained; null where that was not measured. */
export function hardest(language) {
  const trained = language.find(({ alpha }) => alpha === 1);
  if (!trained) return null;
  const worst = language.reduce(
    (most, one) => (one.perplexity > most.perplexity ? one : most),
    trained,
  );
  return {
    trained,
    worst,
    more: (worst.perplexity - trained.perplexity) / trained.perplexity,
  };
}

/** How many things `failures` looks at. */
const checks = ({ evaluations, benchmarks, language, margins }) =>
  evaluations.reduce((sum, one) => sum + Object.keys(comparisons(one)).length, 0) +
  benchmarks.length +
  margins.reduce((sum, { rows }) => sum + rows.filter(({ set }) => set === "h").length, 0) +
  (hardest(language) ? 1 : 0);

const LEANS = {
  none: "no clear change.",
  shared: "it moves, but no further than with random neurons.",
  unclear: "it moves, but it was not compared with enough random sets.",
  special: "it moves, and should have stayed.",
};

/** Everything that did not work, by the rules: [where, words]. */
export function failures({ evaluations, benchmarks, language, margins }) {
  const list = [];
  for (const one of evaluations) {
    const verdict = detectorVerdict(one);
    for (const part of ["chance", "random", "like", "cheap"])
      if (verdict[part] && verdict[part].is !== "yes") list.push([one.title, verdict[part].words]);
  }
  for (const one of benchmarks) {
    const verdict = one.kept ? keptVerdict(one) : effectVerdict(one);
    if (!["special", "yes"].includes(verdict.is)) list.push([one.title, verdict.words]);
  }
  for (const { title, kept, rows } of margins)
    for (const { set, alpha, is } of rows)
      if (set === "h" && is !== (kept ? "none" : "special"))
        list.push([title, `Leaning, H-Neurons ${factorWords(alpha)}: ${LEANS[is]}`]);
  const most = hardest(language);
  if (most?.more > 0.1)
    list.push([
      "Ordinary text",
      `It became clearly harder to predict ${atWords([most.worst.alpha])}. So part of what changes is that the model gets worse at language.`,
    ]);
  return list;
}
