// What can be said of one neuron, from the artifact, the gallery's list and the settings. Pure. Values of the artifact that
// make no sense are left out rather than shown.

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

const percent = (share) => `${Number((100 * share).toFixed(2))} %`;

/** Where a value lies among those on the reference text, in words; "" where nothing is known of them. */
export function standing({ quantiles }, value) {
  if (quantiles.length === 0 || !good(value)) return "";
  const below = quantiles.filter(([, limit]) => value > limit).at(-1);
  const above = quantiles.find(([, limit]) => value <= limit);
  if (!above)
    return below[0] === 1
      ? "larger than at any token of the reference text"
      : `above the ${below[0]} quantile: larger than at ${percent(below[0])} of the reference text’s tokens`;
  if (!below)
    return `not above the ${above[0]} quantile: at ${percent(above[0])} of the reference text’s tokens it is no larger than that`;
  if (above[0] === 1)
    return `above the ${below[0]} quantile: larger than at ${percent(below[0])} of the reference text’s tokens`;
  return `between the ${below[0]} and the ${above[0]} quantile: larger than at ${percent(below[0])} of the reference text’s tokens, but not than at ${percent(above[0])}`;
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

// ---- My selection: [layer, index] or, with a factor of the neuron's own, [layer, index, factor] ----

export const inSelection = (off, layer, index) => off.find(([l, i]) => l === layer && i === index);

/** The selection with this neuron at that factor (undefined: the run's alpha); it is added if it was not there. */
export function withFactor(off, layer, index, factor) {
  const entry = factor === undefined ? [layer, index] : [layer, index, factor];
  return inSelection(off, layer, index)
    ? off.map((other) => (other[0] === layer && other[1] === index ? entry : other))
    : [...off, entry];
}
