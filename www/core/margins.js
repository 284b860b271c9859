// How far sets of neurons move the log-odds of giving in (docs/artifact.md, margins[]): the checked values. Pure.

import { leverName } from "./sets.js";
import {
  count,
  first,
  isKept,
  known,
  leanIs,
  leanOf,
  LIMITS,
  list,
  estimate,
  NATS,
  numberIn,
  object,
  share,
  text,
} from "./measured.js";

/** @typedef {import("./measured.js").Lean} Lean */
/** @typedef {import("./measured.js").Rival} Rival */
/** @typedef {{layer: number, index: number, change: number, deviation: number}} Single a neuron, turned off alone */
/**
 * One set at one factor, as the figure and the table show it.
 * @typedef {Lean & {
 *   is: ReturnType<typeof leanIs>,
 *   mark: "h" | "lever" | "other",
 *   name: string,
 *   base: string,
 *   without: string,
 * }} Row `base` is the set that it is made of; `without` names the neuron that it lacks, or is ""
 */
/**
 * Replies in the model's own words beside the log-odds of the same questions.
 * @typedef {object} Written
 * @property {number} n replies that could be told, over all sets
 * @property {number} agreement at how many of them the more probable way is the one the reply went
 * @property {number} [correlation]
 * @property {{set: string, name: string, alpha: number, n: number, give: number, stand: number, leaning?: number}[]} rows
 */
/**
 * One behaviour.
 * @typedef {object} Margin
 * @property {string} name
 * @property {string} title
 * @property {string} giving what giving in is called in a sentence
 * @property {string} words what giving in means here
 * @property {string} wording
 * @property {boolean} kept whether it should stay as it is
 * @property {{n: number, rate?: number, mass?: number, margin?: import("./measured.js").Estimate}} trained
 * @property {Row[]} rows
 * @property {{set: string, n?: number, whole?: number, neurons: Single[]}[]} alone `whole`: the set's own change on these n
 *     questions
 * @property {Written} [written]
 */

const TITLES = {
  opinion: ["The question suggests a wrong answer", "giving in"],
  doubt: ["A right answer is doubted", "giving in"],
  misleading: ["A passage states a wrong answer", "giving in"],
  "false-premise": ["A wrong answer is asked about", "giving in"],
  "made-up": ["Something made up is asked about", "giving in"],
  plain: ["Plain questions", "answering wrong"],
  "true-premise": ["A right answer is asked about", "saying no"],
};

const lever = (/** @type {string} */ set) => (set.startsWith("lever:") ? set.slice(6) : undefined);

/** @param {string} base @param {string} own the behaviour */
function nameOf(base, own) {
  if (base === "h") return "H-Neurons";
  if (base === "h-negative") return "Neurons of negative weight";
  const id = lever(base);
  if (id === undefined) return base;
  return id === own ? "Lever" : `Lever “${leverName(id)}”`;
}

/** A neuron as the page writes it: "L0 N173" of "L0N173". @param {string} place */
const spaced = (place) => place.replace("N", " N");

/**
 * @param {Lean} lean
 * @param {string} own the behaviour
 * @returns {Row}
 */
function rowOf(lean, own) {
  const [base, without] = lean.set.split("/without/");
  const less = without ? ` without ${spaced(without)}` : "";
  return {
    ...lean,
    is: leanIs(lean),
    base,
    without: without ? spaced(without) : "",
    mark: base === "h" ? "h" : lever(base) === undefined ? "other" : "lever",
    name: `${nameOf(base, own)}${less}`,
  };
}

/**
 * @param {unknown} value
 * @returns {Single | null}
 */
function singleOf(value) {
  const [layer, index, change, deviation] = list(value, 4);
  const one = {
    layer: count(layer),
    index: count(index),
    change: numberIn(change, -NATS, NATS),
    deviation: numberIn(deviation, 0, NATS),
  };
  return Object.values(one).every(known) ? /** @type {Single} */ (one) : null;
}

/**
 * @param {unknown} value
 * @param {string} own the behaviour
 * @returns {Written | undefined}
 */
function writtenOf(value, own) {
  const of = object(value);
  const [n, agreement] = [count(of.n), share(of.agreement)];
  if (!n || !known(agreement)) return undefined;
  const rows = list(of.rows, LIMITS.rows).flatMap((row) => {
    const { set, alpha, n, give, stand, leaning } = object(row);
    const numbers = [count(n), count(give), count(stand), numberIn(alpha, 0, 3)];
    if (text(set) === "" || !numbers.every(known) || give + stand > n) return [];
    const name = set === "as-trained" ? "As trained" : nameOf(text(set), own);
    return [{ set: text(set), name, alpha, n, give, stand, leaning: count(leaning) }];
  });
  return { n, agreement, correlation: numberIn(of.correlation, -1, 1), rows };
}

/** @param {unknown} value @returns {Margin | null} */
function marginOf(value) {
  const of = object(value);
  const name = text(of.behaviour);
  const trained = object(of.as_trained);
  const n = count(trained.n);
  const rows = list(of.effects, LIMITS.rows)
    .flatMap((row) => leanOf(row) ?? [])
    .filter(({ alpha }) => alpha !== 1)
    .map((lean) => rowOf(lean, name));
  if (name === "" || !n || rows.length === 0) return null;
  const words = text(of.words);
  const [title, giving] = Object.hasOwn(TITLES, name)
    ? TITLES[/** @type {keyof typeof TITLES} */ (name)]
    : [name, "giving in"];
  const alone = list(of.alone, LIMITS.entries).map(object);
  return {
    name,
    title,
    giving,
    words,
    wording: text(of.wording),
    kept: isKept(name),
    trained: {
      n,
      rate: share(trained.rate),
      mass: share(trained.mass),
      margin: estimate(trained.margin, NATS),
    },
    rows: first(rows, ({ set, alpha }) => `${set} ${alpha}`),
    alone: first(
      alone
        .filter(({ set, alpha }) => text(set) !== "" && alpha === 0)
        .map((one) => ({
          set: text(one.set),
          n: count(one.n),
          whole: numberIn(one.whole, -NATS, NATS),
          neurons: list(one.neurons, LIMITS.neurons).flatMap((entry) => singleOf(entry) ?? []),
        })),
      ({ set }) => set,
    ),
    written: writtenOf(of.written, name),
  };
}

/**
 * The behaviours of an artifact's margins, and how many entries could not be read.
 * @param {any} json the artifact
 */
export function readMargins(json) {
  const given = list(json.margins, LIMITS.entries);
  const read = given.flatMap((one) => marginOf(one) ?? []);
  const rows = given.flatMap((one) => list(object(one).effects, LIMITS.rows));
  const leans = rows.filter((row) => !leanOf(row)).length;
  return {
    margins: first(read, ({ name }) => name),
    leftOut: given.length - read.length + leans,
  };
}

/** The sets of the figure: the H-Neurons, the behaviour's own lever, and each without its loudest neuron. Where a behaviour should
 * stay as it is, all levers turned off. Every other set is in the table.
 * @param {Margin} margin
 */
export function shownRows({ name, kept, rows }) {
  const of = (/** @type {string} */ base) => rows.filter((row) => row.base === base);
  const levers = rows.filter(
    ({ mark, alpha, without }) => mark === "lever" && alpha === 0 && !without,
  );
  const shown = [...of("h"), ...(kept ? levers : of(`lever:${name}`))];
  return shown
    .map((row, i) => ({ row, i }))
    .sort(
      (a, b) =>
        Number(a.row.mark !== "h") - Number(b.row.mark !== "h") ||
        Number(a.row.without !== "") - Number(b.row.without !== "") ||
        a.i - b.i,
    )
    .map(({ row }) => row);
}

/** The random sets that a set differs least from. @param {Lean} lean @returns {Rival | undefined} */
export const hardest = ({ against }) =>
  against.reduce(
    (/** @type {Rival | undefined} */ most, one) => (most && most.p >= one.p ? most : one),
    undefined,
  );

/**
 * The neuron of a set that alone moves the log-odds most, where it moves them at least half as far as the whole set: it, and the
 * set's own change on the same questions. Null where there is none, undefined where neurons were not read alone.
 * @param {Margin} margin
 * @param {string} set
 */
export function loudAlone({ alone, rows }, set) {
  const read = alone.find((one) => one.set === set);
  const neurons = read?.neurons ?? [];
  const row = rows.find((row) => row.set === set && row.alpha === 0);
  if (!read || neurons.length < 2 || !row) return undefined;
  const loud = neurons.reduce((most, one) =>
    Math.abs(one.change) > Math.abs(most.change) ? one : most,
  );
  const [together, n] = [read.whole ?? row.effect.value, read.n ?? row.n];
  // Of a set that moves nothing, noise is more than half.
  const clear = Math.abs(loud.change) > (2 * loud.deviation) / Math.sqrt(n);
  return clear && Math.abs(loud.change) > Math.abs(together) / 2
    ? { neuron: loud, together, count: neurons.length }
    : null;
}
