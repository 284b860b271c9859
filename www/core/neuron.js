// What can be said of one neuron, from the artifact, the gallery's list and the settings. Pure. Values of the artifact that
// make no sense are left out rather than shown.

import { grouped } from "./grouped.js";

const good = (value) => Number.isFinite(value) && value >= 0;

/** The artifact's entry of a neuron in the form the card shows, or null: it is no H-Neuron. */
export function aboutNeuron({ neurons }, layer, index) {
  const found = neurons.find((neuron) => neuron.layer === layer && neuron.index === index);
  if (!found) return null;
  const words = (list) =>
    Array.isArray(list) ? list.filter((word) => typeof word === "string") : [];
  return {
    weight: found.weight,
    rank: 1 + neurons.filter(({ weight }) => weight > found.weight).length,
    of: neurons.length,
    promotes: words(found.promotes),
    suppresses: words(found.suppresses),
    quantiles: quantilesOf(found.quantiles),
    histogram: histogramOf(found.histogram),
    stability: good(found.stability) && found.stability <= 1 ? found.stability : undefined,
  };
}

/** [[share of tokens, contribution], …], ascending. */
function quantilesOf(quantiles) {
  return Object.entries(quantiles ?? {})
    .map(([share, value]) => [Number(share), value])
    .filter(([share, value]) => share > 0 && share <= 1 && good(value))
    .sort(([a], [b]) => a - b);
}

/** {from, per_decade, counts, tokens}, or null. */
function histogramOf(histogram) {
  const { from, per_decade, counts } = histogram ?? {};
  if (!(from > 0 && per_decade > 0 && Number.isFinite(from / per_decade)) || !Array.isArray(counts))
    return null;
  if (
    counts.length < 2 ||
    counts.length > 400 ||
    !counts.every((count) => Number.isInteger(count) && count >= 0)
  )
    return null;
  const tokens = counts.reduce((sum, count) => sum + count, 0);
  return tokens > 0 ? { from, per_decade, counts, tokens } : null;
}

/** "the largest weight of 39", "3rd largest weight of 39" */
export const rankWords = ({ rank, of }) =>
  rank === 1 ? `the largest weight of ${of}` : `${ordinal(rank)} largest weight of ${of}`;

export function ordinal(n) {
  const ending =
    n % 100 >= 11 && n % 100 <= 13 ? "th" : ({ 1: "st", 2: "nd", 3: "rd" }[n % 10] ?? "th");
  return `${n}${ending}`;
}

/** How often a word is no louder than a quantile's: "half of the words", "99 of 100 words". */
function outOf(share) {
  if (share === 0.5) return "half of the words";
  const of = [100, 1000, 10_000].find((of) => Math.abs(share * of - Math.round(share * of)) < 1e-6);
  return of
    ? `${grouped(Math.round(share * of))} of ${grouped(of)} words`
    : `${Number((100 * share).toFixed(2))} % of the words`;
}

/** Where a value lies among those on the reference text, in words; "" where nothing is known of them. */
export function standing({ quantiles }, value) {
  if (quantiles.length === 0 || !good(value)) return "";
  const below = quantiles.filter(([, limit]) => value > limit).at(-1);
  const [first] = quantiles[0];
  if (!below)
    return first === 0.5
      ? "Quiet here: in the lower half of its usual range"
      : `Quiet here: no louder than at ${outOf(first)} of the reference text`;
  const [share] = below;
  if (share === 1) return "Louder than at any word of the reference text";
  const than = `ouder than at ${outOf(share)} of the reference text`;
  return share < USUAL ? `As loud as usual: l${than}` : `L${than}`;
}

// ---- What marks mean: on the board, in the picture of the board, in the card, on the map ----
//
// A square is an H-Neuron, a disc another one. Strong is louder than usual, faint is not, or it is not known what is usual. Hollow
// is a neuron that is off in that answer: it would have been as loud, but was not let through.

/** How opaque a faint mark is: it still stands out from the ground by 3 to 1. */
export const FAINT = 0.7;

/** The share of the reference text's words at which a neuron is no louder than usual. */
export const USUAL = 0.9;

/** The contribution above which a neuron is louder than usual, of the artifact's `quantiles`; undefined where it has none. */
export function usualLimit(quantiles) {
  const limit = quantiles?.[USUAL];
  return limit > 0 ? limit : undefined;
}

/**
 * The same of a value, in a word or two; "" where it cannot be said.
 * @param {Record<string, number> | undefined} quantiles the artifact's
 * @param {number | undefined} value
 */
export function loudness(quantiles, value) {
  const limit = usualLimit(quantiles);
  if (limit === undefined || !good(value)) return "";
  if (value > limit) return "louder than usual";
  return value <= quantiles?.["0.5"] ? "quiet" : "as loud as usual";
}

/** Two significant digits and no exponent, for people: "0.031". */
export function contributionWords(value) {
  if (!good(value)) return "not read";
  if (value === 0) return "0";
  if (value < 0.0001) return "under 0.0001";
  return Number(value.toPrecision(2)).toFixed(Math.max(0, 1 - Math.floor(Math.log10(value))));
}

/** The same for a value that may be recorded, which is a step of a logarithmic scale: "about 0.031", "under 0.0004". */
export function readingWords(value, recorded) {
  if (!recorded || !good(value)) return contributionWords(value);
  return value === 0 ? "under 0.0004" : `about ${contributionWords(value)}`;
}

// ---- What neurons add to a reading ----

/** The detector's terms, or what stands in for their weights where there are none: "layer.index" -> {weight, std}. */
function termsOf(artifact) {
  const terms = artifact?.detector?.terms ?? [];
  return new Map(
    (terms.length > 0 ? terms : (artifact?.neurons ?? [])).map((term) => [
      `${term.layer}.${term.index}`,
      term,
    ]),
  );
}

/** How strongly each neuron counts in a reading, from 0 to 1, which is the weightiest: "layer.index" -> share. */
export function weightShares(artifact) {
  const terms = termsOf(artifact);
  const most = Math.max(...[...terms.values()].map(({ weight }) => Math.abs(weight) || 0));
  return new Map([...terms].map(([name, { weight }]) => [name, Math.abs(weight) / most || 0]));
}

/** How opaque the bar of what a neuron adds is, for such a share: the least of it still stands out from the ground by 3 to 1. */
export const inkOf = (share = 0) => 0.7 + 0.3 * Math.sqrt(share);

/**
 * What each neuron adds to the reading of a lane's answer, in log-odds: its weight times its mean contribution over the words
 * that the detector reads, in standard deviations. Empty where that is not known.
 * @returns {Map<string, number>} by "layer.index"
 */
export function addedBy(trace, lane, artifact) {
  const { terms = [] } = artifact?.detector ?? {};
  const { tokens, cells } = trace.lanes[lane];
  const read = tokens.flatMap(({ text }, i) =>
    isReadWord(trace, lane, i, text) && cells[trace.prompt.length + i]
      ? [cells[trace.prompt.length + i]]
      : [],
  );
  const rows = new Map(trace.rows.map(([layer, index], row) => [`${layer}.${index}`, row]));
  const added = new Map();
  if (read.length === 0) return added;
  for (const { layer, index, weight, std } of terms) {
    const name = `${layer}.${index}`;
    const row = rows.get(name);
    const mean = read.reduce((sum, cells) => sum + cells[row], 0) / read.length;
    const adds = (weight * mean) / std;
    if (Number.isFinite(adds)) added.set(name, adds);
  }
  return added;
}

/** Is it known which of a lane's words the detector reads? */
export const knowsWords = (trace, lane) => trace.lanes[lane].words.length > 0;

// Where it is not known: all that is not punctuation alone, because the detector reads words.
function isReadWord(trace, lane, i, text) {
  return knowsWords(trace, lane) ? trace.isRead(lane, i) : /[\p{L}\p{N}]/u.test(text);
}

/** What is added, in two digits and with its sign: "+0.31", "−0.08", "+1.4"; "0" for what is next to nothing. */
export function addsWords(adds) {
  if (!Number.isFinite(adds)) return "";
  const size =
    Math.abs(adds) < 0.005 ? "0" : Math.abs(adds).toFixed(Math.abs(adds) < 0.995 ? 2 : 1);
  return size === "0" ? size : `${adds < 0 ? "−" : "+"}${size}`;
}

/** The most that a neuron adds first; a neuron of which that is not known by its weight, after the others. */
export const byAdded = (added, shares) => (a, b) =>
  (added.get(b) ?? -Infinity) - (added.get(a) ?? -Infinity) ||
  (shares.get(b) ?? 0) - (shares.get(a) ?? 0);

/** Recorded runs that fire a neuron most: [{run, token, contribution}], `run` from the gallery's list. */
export function firedBy(index, layer, number) {
  const fires = index?.fires?.[`${layer}.${number}`];
  return (Array.isArray(fires) ? fires : []).flatMap(({ run, token, contribution }) => {
    const found = index.runs.find(({ id }) => id === run);
    return found && typeof token === "string" && good(contribution)
      ? [{ run: found, token, contribution }]
      : [];
  });
}

/** The words at which a neuron fired most in recorded runs, each once, without the chat template's own. */
export const firingWords = (index, layer, number) => [
  ...new Set(
    firedBy(index, layer, number)
      .map(({ token }) => token)
      .filter((token) => !/^<\|.*\|>$/.test(token)),
  ),
];

// ---- My selection: [layer, index] or, with a factor of the neuron's own, [layer, index, factor] ----

export const inSelection = (off, layer, index) => off.find(([l, i]) => l === layer && i === index);

/** The selection with this neuron at that factor (undefined: the run's alpha); it is added if it was not there. */
export function withFactor(off, layer, index, factor) {
  const entry = factor === undefined ? [layer, index] : [layer, index, factor];
  return inSelection(off, layer, index)
    ? off.map((other) => (other[0] === layer && other[1] === index ? entry : other))
    : [...off, entry];
}
