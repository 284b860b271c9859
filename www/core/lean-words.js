// What the margins say in plain words, by the rules of measured.js. Pure.

import { hardest, loudAlone } from "./margins.js";
import { asFar, known } from "./measured.js";
import { factorWords } from "./words.js";
import { between, decimal, percent, signed } from "./verdicts.js";

/** @typedef {import("./margins.js").Margin} Margin */
/** @typedef {import("./margins.js").Row} Row */

const SAME = 0.015; // of all questions: less is called no move of the share
/** @param {number} value */
const nats = (value) => `${signed(value)} nats`;
/** @param {string} name */
const lower = (name) => name.replace(/^(Lever|Neurons)/, (word) => word.toLowerCase());
/** "With the H-Neurons off", "With the lever × 3" @param {Row} row */
const turned = ({ name, alpha }) =>
  `With the ${lower(name)} ${alpha === 0 ? "off" : factorWords(alpha)}`;

/**
 * What became of the share: "stays at 78 % of 200 questions", "falls from 79 % to 12 % of 200 questions".
 * @param {Row} row
 * @param {Margin} margin
 */
function moved({ rate, effect, is, n }, { trained }) {
  const by = `by ${nats(effect.value)}`;
  if (!known(rate) || !known(trained.rate)) return `moves ${by} over ${n} questions`;
  const [from, to] = [percent(trained.rate), percent(rate)];
  const change = rate - trained.rate;
  const questions = `${to} of ${n} questions`;
  if (Math.abs(change) >= SAME)
    return `${change > 0 ? "rises" : "falls"} from ${from} to ${questions}`;
  const before = from === to ? "" : ` (${from} as trained)`;
  return `stays at ${questions}${before}${is === "none" ? "" : `, while its log-odds move ${by}`}`;
}

/** How that compares with random sets. @param {Row} row @returns {string} */
function compared(row) {
  const { is, effect } = row;
  const rival = hardest(row);
  if (!rival)
    return is === "none"
      ? "That is no clear change. Random neurons were not read."
      : "Random neurons were not read, so perhaps any neurons do this.";
  const { sets: n, p, smallest } = rival;
  const sets = `${n} random ${n === 1 ? "set" : "sets"}`;
  const further = asFar(p, n);
  if (is === "special")
    return `That is further than with ${further === 0 ? `any of ${sets}` : `nearly all of ${sets}`} (p = ${decimal(p)}).`;
  if (is === "unclear")
    return `It cannot be told whether that is special to these neurons: ${sets} ${n === 1 ? "is" : "are"} too few.`;
  const seen =
    known(smallest) && smallest > Math.abs(effect.value)
      ? ` A change of ${decimal(smallest, smallest < 0.1 ? 2 : 1)} nats would most likely have been seen.`
      : "";
  // Random sets may all lie to one side of a set that moves nothing.
  if (is === "none" && p <= 0.05) return `That is no clear change.${seen}`;
  const some = further !== null && further <= n / 5;
  return some
    ? `That is not clearly further than with random neurons: ${further} of ${n} sets moved it as far (p = ${decimal(p)}).${seen}`
    : `That is no further than with ${sets} (p = ${decimal(p)}).${seen}`;
}

/** Where giving in and standing by have become improbable both, their odds say little. @param {Row} row @param {Margin} margin */
const strayed = ({ mass }, { trained }) =>
  known(mass) && known(trained.mass) && mass < trained.mass / 2
    ? ` But the model then mostly begins in another way: ${percent(mass)} of all probability is on these beginnings, ${percent(trained.mass)} as trained.`
    : "";

/**
 * One row in a sentence or two. `is` has the sign: what should stay as it is passes where it does not move.
 * @param {Row} row
 * @param {Margin} margin
 * @returns {{is: string, words: string}}
 */
export function rowVerdict(row, margin) {
  const first = `${turned(row)}, ${margin.giving} ${moved(row, margin)}.`;
  if (!margin.kept || row.against.length > 0)
    return {
      is: margin.kept ? (row.is === "none" ? "yes" : "no") : row.is,
      words: `${first} ${compared(row)}${strayed(row, margin)}`,
    };
  const none = row.is === "none";
  return {
    is: none ? "yes" : "no",
    words: `${first}${none ? " That is no clear change." : ""}${strayed(row, margin)}`,
  };
}

/**
 * What a behaviour's figure says: the H-Neurons at every factor, and its lever off; where it should stay, every lever off.
 * @param {Margin} margin
 */
export function marginVerdicts(margin) {
  const { name, kept, rows } = margin;
  const said = rows.filter(
    ({ set, alpha, mark, without }) =>
      set === "h" ||
      (alpha === 0 && !without && (kept ? mark === "lever" : set === `lever:${name}`)),
  );
  return said.map((row) => rowVerdict(row, margin));
}

/** Whether one neuron does most of it: a sentence for each set whose neurons were read alone. @param {Margin} margin */
export function aloneWords(margin) {
  const of = (/** @type {string} */ set) =>
    margin.rows.find((row) => row.set === set)?.name.replace(/^Lever/, "lever");
  return margin.alone.flatMap(({ set }) => {
    const found = loudAlone(margin, set);
    if (found === undefined || !of(set)) return [];
    if (found === null)
      return [
        `No neuron of the ${of(set)} alone clearly moves it by more than half of what all of them do.`,
      ];
    const { neuron, together, count } = found;
    return [
      `One neuron of the ${of(set)}, L${neuron.layer} N${neuron.index}, alone moves it by ${nats(neuron.change)}; all ${count} together by ${nats(together)}.`,
    ];
  });
}

/** What a screen reader says in a row's place. @param {Row} row */
export const rowWords = ({ name, alpha, effect, against }) =>
  [
    `${name} ${factorWords(alpha)}: ${nats(effect.value)}, interval ${between([effect.low, effect.high], signed)}`,
    ...against.map(
      (rival) =>
        `${kindWords(rival)} ${between([rival.mean - 2 * rival.deviation, rival.mean + 2 * rival.deviation], signed)}, p ${decimal(rival.p)}`,
    ),
  ].join("; ") + ".";

/** @param {import("./measured.js").Rival} rival */
export const kindWords = ({ matched, sets }) =>
  `${sets} random sets ${matched === "layer" ? "of the same layers" : matched === "activity" ? "that contribute as much" : `(${matched})`}`;

export const COLUMNS = [
  "Neurons",
  "Share that gives in",
  "Log-odds: change in nats",
  "95 % interval",
  "Questions",
  "Both beginnings",
  "Compared with",
  "Their change ± 2 deviations",
  "p",
  "Smallest that would have been seen",
];

/** Every number of a behaviour, a line a set and factor and kind of random sets. @param {Margin} margin */
export function marginTable({ trained, rows }) {
  const share = (/** @type {number | undefined} */ value) =>
    known(value) ? percent(value, 1) : "not given";
  const three = (/** @type {number} */ value) => signed(value, 3);
  const first = [
    "As trained",
    share(trained.rate),
    trained.margin ? `log-odds ${three(trained.margin.value)}` : "not given",
    trained.margin ? between([trained.margin.low, trained.margin.high], three) : "not given",
    trained.n,
    share(trained.mass),
    ...["", "", "", ""],
  ];
  const lines = rows.flatMap((row) => {
    const { effect } = row;
    const own = [
      `${row.name} ${factorWords(row.alpha)}`,
      share(row.rate),
      three(effect.value),
      between([effect.low, effect.high], three),
      row.n,
      share(row.mass),
    ];
    if (row.against.length === 0) return [[...own, "not compared", "", "", ""]];
    return row.against.map((rival) => [
      ...own,
      `${kindWords(rival)}, ${rival.n} questions`,
      `${three(rival.mean)} ± ${decimal(2 * rival.deviation, 3)}`,
      decimal(rival.p, 3),
      known(rival.smallest) ? decimal(rival.smallest, 3) : "not given",
    ]);
  });
  return [first, ...lines];
}

/** Every neuron that was read alone, the loudest first. @param {Margin} margin */
export const aloneTable = ({ alone, rows }) =>
  alone.flatMap(({ set, neurons }) =>
    [...neurons]
      .sort((a, b) => Math.abs(b.change) - Math.abs(a.change))
      .map(({ layer, index, change, deviation }) => [
        `L${layer} N${index}`,
        rows.find((row) => row.set === set)?.name ?? set,
        signed(change, 3),
        decimal(deviation, 3),
      ]),
  );

/** Whether replies go the way that the log-odds say, in a sentence or two; "" where none were written. @param {Margin} margin */
export function writtenWords({ written, giving }) {
  if (!written) return "";
  const { n, agreement, correlation, rows } = written;
  const close = known(correlation) ? ` (correlation ${decimal(correlation)})` : "";
  const shares = rows
    .filter(({ set, alpha }) => set === "as-trained" || alpha === 0)
    .map(({ set, name, give, n }) => {
      const which = set === "as-trained" ? "as trained" : `with the ${lower(name)} off`;
      return `${percent(give / n)} ${which}`;
    });
  const counted = shares.length > 0 ? ` Of the replies, ${giving}: ${shares.join(", ")}.` : "";
  return `${n} replies were written out too: ${percent(agreement)} of them went the more probable way${close}.${counted}`;
}

/** Every set's replies. @param {Margin} margin */
export const writtenTable = ({ written }) =>
  (written?.rows ?? []).map(({ set, name, alpha, n, give, stand, leaning }) => [
    set === "as-trained" ? name : `${name} ${factorWords(alpha)}`,
    n,
    give,
    stand,
    n - give - stand,
    leaning ?? "not given",
  ]);
