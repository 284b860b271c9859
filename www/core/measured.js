// What an artifact has measured, as far as both the page's first lines and its Evidence need it: the checked values, the
// rules, and the short answer. Pure, and small: it comes with the page, the rest of Evidence (evidence.js) later.
//
// The rules: an interval (95 %) that holds "no difference" is no difference seen. The H-Neurons do more than random sets only
// where they do more than every one of them, or than all but one in twenty.

export const LIMITS = Object.freeze({
  text: 160,
  entries: 24,
  sets: 200,
  rows: 5_000,
  neurons: 100_000,
  recipe: 60,
});

// ---- Values ----

/** @param {unknown} value */
export const text = (value) =>
  typeof value === "string"
    ? value
        .replace(/[\u0000-\u001f\u007f]+/g, " ")
        .trim()
        .slice(0, LIMITS.text)
    : "";

/**
 * @param {unknown} value
 * @param {number} most
 * @returns {any[]}
 */
export const list = (value, most) => (Array.isArray(value) ? value.slice(0, most) : []);

/**
 * @param {unknown} value
 * @returns {any}
 */
export const object = (value) =>
  value !== null && typeof value === "object" && !Array.isArray(value) ? value : {};

/**
 * @param {unknown} value
 * @param {number} low
 * @param {number} high
 */
export const numberIn = (value, low, high) =>
  typeof value === "number" && value >= low && value <= high ? value : undefined;

/** @param {unknown} value */
export const share = (value) => numberIn(value, 0, 1);

/** @param {any} value */
export const count = (value) => (Number.isInteger(value) && value >= 0 ? value : undefined);

/** @type {<T>(value: T | undefined) => value is T} */
export const known = (value) => value !== undefined;

/**
 * [low, high], both within the range; an interval the wrong way round is none.
 * @param {unknown} value
 * @param {number} low
 * @param {number} high
 */
export function interval(value, low, high) {
  const [from, to] = list(value, 2).map((end) => numberIn(end, low, high));
  return known(from) && known(to) && from <= to ? [from, to] : undefined;
}

/**
 * {value, low, high} of a difference or a slope.
 * @param {unknown} value
 * @param {number} most
 */
export function estimate(value, most) {
  const of = object(value);
  const middle = numberIn(of.value, -most, most);
  const ends = interval([of.low, of.high], -most, most);
  return middle !== undefined && ends ? { value: middle, low: ends[0], high: ends[1] } : undefined;
}

/**
 * Of entries that claim the same place, the first.
 * @template T
 * @param {T[]} rows
 * @param {(row: T) => unknown} key
 */
export function first(rows, key) {
  const seen = new Set();
  return rows.filter((row) => !seen.has(key(row)) && seen.add(key(row)));
}

// ---- Entries ----

/** @typedef {{value: number, low: number, high: number}} Estimate */
/**
 * How well a detector does on one data set, and what it is compared with.
 * @typedef {object} Score
 * @property {string} dataset
 * @property {number} n
 * @property {number} auroc
 * @property {number[]} [ci]
 * @property {number[]} random
 * @property {number} [logprob]
 * @property {{name: string, auroc: number} | null} best the best score that needs no look inside the model
 * @property {Estimate} [over] the difference from it
 * @property {[string, number][]} baselines
 */
/** @typedef {{slope?: Estimate, slopes: number[], p?: number}} Trend how a behaviour moves with alpha, and with random sets */

/**
 * Whether a score needs no look inside the model.
 * @param {string} name
 */
export const isCheap = (name) => /log-?prob|length/i.test(name);

/**
 * @param {unknown} value
 * @returns {Score | null}
 */
export function scoreOf(value) {
  const of = object(value);
  const [dataset, n, auroc] = [text(of.dataset), count(of.n), share(of.auroc)];
  if (dataset === "" || !n || auroc === undefined) return null;
  const baselines = Object.entries(object(of.baselines))
    .map(([name, area]) => /** @type {[string, number]} */ ([text(name), share(area)]))
    .filter(([name, area]) => name !== "" && known(area))
    .slice(0, LIMITS.entries);
  const logprob = share(of.logprob_auroc);
  const cheap = baselines.filter(([name]) => isCheap(name));
  if (logprob !== undefined) cheap.push(["mean log-probability", logprob]);
  const named = cheap.find(([name]) => name === of.best_cheap);
  const best =
    named ?? cheap.reduce((most, one) => (most && most[1] >= one[1] ? most : one), cheap[0]);
  return {
    dataset,
    n,
    auroc,
    ci: interval(of.auroc_ci, 0, 1),
    random: list(of.random_auroc, LIMITS.sets).map(share).filter(known),
    logprob,
    best: best ? { name: best[0], auroc: best[1] } : null,
    // The difference belongs to the score it was measured against.
    over: named ? estimate(of.over_best_cheap, 1) : undefined,
    baselines,
  };
}

/** @param {unknown} value */
export function impactRow(value) {
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

/**
 * @param {any} json the artifact
 * @param {string} benchmark
 * @returns {Trend}
 */
export function trendOf(json, benchmark) {
  const of = object(
    list(json.trends, LIMITS.entries).find((one) => text(object(one).benchmark) === benchmark),
  );
  return {
    slope: estimate(of.slope, 10),
    slopes: list(of.random, LIMITS.sets)
      .map((one) => numberIn(one, -10, 10))
      .filter(known),
    p: share(of.p),
  };
}

/**
 * A set of neurons against random sets of one kind, on the same questions.
 * @typedef {object} Rival
 * @property {string} matched "layer", or "activity" for those that match in layer and contribution
 * @property {number} sets
 * @property {number} n
 * @property {number} mean the random sets' mean change
 * @property {number} deviation over the random sets
 * @property {number} p two-sided
 * @property {number} [effect] the set's own change on these questions
 * @property {number} [smallest] the smallest change that four of five such studies would have found
 */
/**
 * How far a set of neurons at a factor moves the log-odds of giving in, in nats.
 * @typedef {object} Lean
 * @property {string} set
 * @property {number} alpha
 * @property {number} n
 * @property {Estimate} effect
 * @property {number} [rate] at how many the model now gives in
 * @property {number} [mass] mean probability of giving in and standing by together
 * @property {Rival[]} against
 */

export const NATS = 1e3; // more than any log-odds of a model

/**
 * @param {unknown} value
 * @returns {Lean | null}
 */
export function leanOf(value) {
  const of = object(value);
  const [set, alpha, n, effect] = [
    text(of.set),
    numberIn(of.alpha, 0, 3),
    count(of.n),
    estimate(of.effect, NATS),
  ];
  if (set === "" || !known(alpha) || !n || !effect) return null;
  return {
    set,
    alpha,
    n,
    effect,
    rate: share(of.rate),
    mass: share(of.mass),
    against: list(of.against, LIMITS.entries).flatMap((one) => rivalOf(object(one)) ?? []),
  };
}

/**
 * @param {any} of
 * @returns {Rival | null}
 */
function rivalOf(of) {
  const [matched, sets, n, p] = [text(of.matched), count(of.sets), count(of.n), share(of.p)];
  const [mean, deviation] = [numberIn(of.mean, -NATS, NATS), numberIn(of.deviation, 0, NATS)];
  if (matched === "" || !sets || !n || !known(p) || !known(mean) || !known(deviation)) return null;
  const [effect, smallest] = [numberIn(of.effect, -NATS, NATS), numberIn(of.smallest, 0, NATS)];
  return { matched, sets, n, mean, deviation, p, effect, smallest };
}

const KEPT = new Set(["knowledge", "plain", "true-premise"]);

/**
 * What should stay as it is when neurons are turned, where a change is no success.
 * @param {string} benchmark
 */
export const isKept = (benchmark) => KEPT.has(benchmark);

// ---- Rules ----

/** @typedef {"yes" | "no" | "unclear"} Is */

/**
 * Is the detector better than chance, than random sets of its size, than random sets that contribute as much, and than the
 * best cheap score? What was not measured is left out.
 * @param {Score} score
 * @returns {{chance: Is, random?: Is, like?: Is, cheap?: Is}}
 */
export function comparisons({ auroc, ci, random, over, best, baselines }) {
  /** @type {ReturnType<typeof comparisons>} */
  const found = { chance: ci ? (ci[0] > 0.5 ? "yes" : "no") : "unclear" };
  if (random.length > 0) found.random = againstRandom(auroc, random);
  const like = baselines.find(([name]) => name === "random, same contributions, best")?.[1];
  if (like !== undefined) found.like = auroc > like ? "yes" : "no";
  if (over) found.cheap = over.low > 0 ? "yes" : "no";
  else if (best) found.cheap = auroc > best.auroc ? "unclear" : "no";
  return found;
}

/**
 * @param {number} auroc
 * @param {number[]} random
 * @returns {Is}
 */
function againstRandom(auroc, random) {
  const n = random.length;
  const better = random.filter((other) => other >= auroc).length;
  if (n < 19) return better === 0 ? "unclear" : "no";
  return (1 + better) / (1 + n) <= 0.05 ? "yes" : "no";
}

/**
 * Is it better than random sets of both kinds? Nothing where neither was measured.
 * @param {ReturnType<typeof comparisons>} found
 * @returns {Is | undefined}
 */
export function beatsRandom({ random, like }) {
  const both = [random, like].filter(known);
  if (both.length === 0) return undefined;
  return both.includes("no") ? "no" : both.includes("unclear") ? "unclear" : "yes";
}

/**
 * Of one benchmark: "special" (moved further than random sets move it), "shared" (as far), "none" (not moved) or "unclear".
 * @param {Trend} trend
 * @returns {"special" | "shared" | "none" | "unclear"}
 */
export const effectIs = ({ slope, slopes, p }) => changeIs(slope, slopes.length, p);

/**
 * The same of any change, of the number of random sets, and of p against them.
 * @param {Estimate | undefined} change
 * @param {number} n
 * @param {number | undefined} p
 */
function changeIs(change, n, p) {
  if (!change) return "unclear";
  if (change.low <= 0 && change.high >= 0) return "none";
  if (p === undefined || n === 0) return "unclear";
  const further = asFar(p, n);
  if (n >= 19 && (further === 0 || p <= 0.05)) return "special";
  return n < 19 && further === 0 ? "unclear" : "shared";
}

/**
 * The same of log-odds. "special" is further than random sets of every kind that was read.
 * @param {Lean} lean
 */
export function leanIs({ effect, against }) {
  const all = against.map(({ sets, p }) => changeIs(effect, sets, p));
  if (all.length === 0) return changeIs(effect, 0, undefined);
  for (const is of /** @type {const} */ (["none", "shared", "unclear"]))
    if (all.includes(is)) return is;
  return "special";
}

/**
 * How many of n sets moved it as far in the same direction: the two-sided p is 2 (1 + k) / (1 + n). Null where it is at its cap,
 * or another p.
 * @param {number} p
 * @param {number} n
 */
export function asFar(p, n) {
  const k = (p * (n + 1)) / 2 - 1;
  return p < 1 && k > -0.01 && Math.abs(k - Math.round(k)) < 0.02 ? Math.round(k) : null;
}

// ---- The short answer ----

/**
 * What turning the H-Neurons did and what they predict, over everything that was measured: under the page's headline.
 * @param {unknown} artifact its JSON
 */
export function shortAnswer(artifact) {
  const json = object(artifact);
  const measured = list(json.impact, LIMITS.rows).map(impactRow);
  const names = new Set(measured.map((row) => (row?.set === "h" ? row.benchmark : "")));
  const effects = [...names]
    .filter((name) => name !== "" && !isKept(name))
    .map((name) => effectIs(trendOf(json, name)));
  const margins = first(list(json.margins, LIMITS.entries).map(object), (one) =>
    text(one.behaviour),
  );
  /** @type {ReturnType<typeof effectIs>[]} */
  const levers = [];
  for (const one of margins) {
    const behaviour = text(one.behaviour);
    if (behaviour === "" || isKept(behaviour)) continue;
    const leans = list(one.effects, LIMITS.rows).flatMap((row) => leanOf(row) ?? []);
    /** @param {string} name */
    const turns = (name) => {
      const own = leans.filter(({ set, alpha }) => set === name && alpha !== 1);
      return first(own, ({ alpha }) => alpha).map(leanIs);
    };
    effects.push(...turns("h"));
    levers.push(...turns(`lever:${behaviour}`));
  }
  const scores = first(
    list(json.evaluation, LIMITS.entries).flatMap((one) => scoreOf(one) ?? []),
    ({ dataset }) => dataset,
  ).map(comparisons);
  if (effects.length === 0 && scores.length === 0) return "Short answer: not measured yet.";
  return `Short answer: ${turned(effects, levers)} ${spotted(scores)}`;
}

/**
 * @param {ReturnType<typeof effectIs>[]} effects of the H-Neurons
 * @param {ReturnType<typeof effectIs>[]} levers of levers, on what they were chosen for
 */
function turned(effects, levers) {
  const told = effects.filter((is) => is !== "unclear");
  const special = told.filter((is) => is === "special").length;
  const n = told.length;
  if (n === 0)
    return "it is not known yet whether turning them does more than turning random ones.";
  if (special === 0)
    return `turning them did no more than turning random neurons.${
      levers.includes("special") ? " Other neurons, chosen to change answers, did." : ""
    }`;
  const where = n === 1 ? "the one test" : `${special} of ${n} tests`;
  return `turning them did more than turning random neurons in ${where}.`;
}

/** @param {ReturnType<typeof comparisons>[]} scores */
function spotted(scores) {
  const n = scores.length;
  const told = scores.filter(({ chance }) => chance === "yes").length;
  if (n === 0) return "Whether they help to spot wrong answers is not measured yet.";
  if (told === 0) return "It is not shown that they help to spot wrong answers.";
  const help =
    told === n
      ? "They help to spot wrong answers"
      : `They help to spot wrong answers in ${told} of ${n} tests`;
  /** @param {(Is | undefined)[]} all */
  const decided = (all) => all.filter((is) => is === "yes" || is === "no");
  const rivals = /** @type {const} */ ([
    ["random neurons", decided(scores.map(beatsRandom))],
    ["simpler signs", decided(scores.map(({ cheap }) => cheap))],
  ]).filter(([, all]) => all.length > 0);
  /** @param {readonly (Is | undefined)[]} all */
  const beaten = (all) => all.filter((is) => is === "yes").length;
  const lost = rivals.find(([, all]) => beaten(all) <= all.length / 2);
  if (lost) return `${help}, but ${beaten(lost[1]) > 0 ? "mostly " : ""}no better than ${lost[0]}.`;
  if (rivals.length === 0) return `${help}.`;
  const mostly = rivals.every(([, all]) => beaten(all) === all.length) ? "" : "mostly ";
  return `${help}, ${mostly}better than ${rivals.map(([name]) => name).join(" and ")}.`;
}
