// What the evidence's numbers say in plain words, by rule, so that a result that shows nothing is worded by the same hand as
// one that shows something. Pure.
//
// The rules: an interval (95 %) that holds "no difference" is no difference seen. The H-Neurons do more than random sets only
// where they do more than every one of them, or than all but one in twenty.

const minus = (text) => text.replace("-", "−");
export const decimal = (value, places = 2) => minus(value.toFixed(places));
export const signed = (value, places = 2) => (value > 0 ? "+" : "") + decimal(value, places);
export const percent = (value, places = 0) => `${decimal(100 * value, places)} %`;
export const between = ([low, high], words = decimal) => `${words(low)} to ${words(high)}`;
const points = (value) => decimal(100 * Math.abs(value), 1);
const quoted = (words) => `“${words}”`;
const pIs = (p) => `p\u00a0=\u00a0${decimal(p)}`;
const sets = (n) => (n === 1 ? "the one random set" : `all ${n} random sets`);

/** Of one data set: up to four comparisons, each {is: "yes" | "no" | "unclear", words}; those not measured are left out. */
export function detectorVerdict({ auroc, ci, random, over, best, baselines }) {
  const found = {};
  if (!ci)
    found.chance = {
      is: "unclear",
      words: "No interval was given, so it cannot be told from chance.",
    };
  else if (ci[0] > 0.5) found.chance = { is: "yes", words: "Better than chance." };
  else if (ci[1] < 0.5)
    found.chance = { is: "no", words: "Worse than chance: it is higher for right answers." };
  else found.chance = { is: "no", words: "Not told from chance: the interval includes 0.5." };
  if (random.length > 0) found.random = againstRandom(auroc, random);
  const like = Object.fromEntries(baselines);
  const [likeMean, likeBest] = [
    like["random, same contributions, mean"],
    like["random, same contributions, best"],
  ];
  if (likeBest !== undefined) {
    const more = auroc > likeBest;
    found.like = {
      is: more ? "yes" : "no",
      words: `${more ? "Better than" : "No better than"} the best random set that contributes as much (${decimal(likeBest)}${likeMean === undefined ? "" : `; on average ${decimal(likeMean)}`}).`,
    };
  }
  if (over) {
    const by = `${signed(over.value)} (${between([over.low, over.high], signed)})`;
    if (over.low > 0)
      found.cheap = {
        is: "yes",
        words: `Better than the best cheap score, ${quoted(best.name)}: ${by}.`,
      };
    else if (over.high < 0)
      found.cheap = {
        is: "no",
        words: `Worse than the best cheap score, ${quoted(best.name)}: ${by}.`,
      };
    else
      found.cheap = {
        is: "no",
        words: `No clear difference from the best cheap score, ${quoted(best.name)}: ${by}.`,
      };
  } else if (best) {
    const order =
      auroc > best.auroc ? "Higher than" : auroc < best.auroc ? "Lower than" : "The same as";
    found.cheap = {
      is: auroc > best.auroc ? "unclear" : "no",
      words: `${order} the best cheap score, ${quoted(best.name)} (${decimal(best.auroc)}), but the difference has no interval.`,
    };
  }
  return found;
}

function againstRandom(auroc, random) {
  const n = random.length;
  const better = random.filter((other) => other >= auroc).length;
  const asWell = `${better} of ${n} did at least as well`;
  if (n < 19)
    return {
      is: better === 0 ? "unclear" : "no",
      words: `${better === 0 ? "Better than" : "Not better than"} ${sets(n)} of the same size, which ${n === 1 ? "is" : "are"} too few to tell: ${asWell}.`,
    };
  if (better === 0) return { is: "yes", words: `Better than ${sets(n)} of the same size.` };
  if ((1 + better) / (1 + n) <= 0.05)
    return { is: "yes", words: `Better than nearly all random sets of the same size: ${asWell}.` };
  return {
    is: "no",
    words: `${better <= n / 5 ? "Not clearly better" : "No better"} than random sets of the same size: ${asWell}.`,
  };
}

/** Of one benchmark: is "special" (more than random sets), "shared" (as random sets), "none" or "unclear", and words. */
export function effectVerdict({ slope, slopes, p }) {
  if (!slope) return { is: "unclear", words: "How it moves with alpha was not measured." };
  const within = between([slope.low, slope.high], (v) => signed(100 * v, 1));
  const moves = `${slope.value >= 0 ? "Rises" : "Falls"} by ${points(slope.value)} percentage points for every 1 on the slider (${within})`;
  if (slope.low <= 0 && slope.high >= 0)
    return {
      is: "none",
      words: `No effect seen: the interval includes none (${within} percentage points for every 1 on the slider).${chance(p, slopes)}`,
    };
  const n = slopes.length;
  if (p === undefined || n === 0)
    return {
      is: "unclear",
      words: `${moves}. Random sets were not measured, so it may be the same with any neurons.`,
    };
  const further = asFar(p, n);
  if (n >= 19 && (further === 0 || p <= 0.05))
    return {
      is: "special",
      words: `${moves}, further than ${further === 0 ? sets(n) : "nearly all random sets"} (${pIs(p)}).`,
    };
  if (n < 19 && further === 0)
    return {
      is: "unclear",
      words: `${moves}, further than ${sets(n)}, which ${n === 1 ? "is" : "are"} too few to tell.`,
    };
  return {
    is: "shared",
    words: `${moves}, but so do random sets: ${further === null ? "" : `${further} of ${n} moved it as far that way, `}${pIs(p)}. No effect of the H-Neurons in particular.`,
  };
}

const chance = (p, slopes) =>
  p === undefined || slopes.length === 0 ? "" : ` Against ${slopes.length} random sets: ${pIs(p)}.`;

/** Of what should stay as it is: there no effect is the good news. */
export function keptVerdict(one) {
  const { is, words } = effectVerdict(one);
  if (is === "none") return { is: "yes", words: words.replace("No effect seen", "No change seen") };
  return { is: one.slope ? "no" : "unclear", words };
}

/** The two-sided p is 2 (1 + k) / (1 + n): k sets as far in the same direction. Null where it is at its cap, or another p. */
function asFar(p, n) {
  const k = (p * (n + 1)) / 2 - 1;
  return p < 1 && k > -0.01 && Math.abs(k - Math.round(k)) < 0.02 ? Math.round(k) : null;
}

/** The share as trained, silenced and at the strongest edit, in words. */
export function effectNumbers({ h }) {
  const at = (alpha) => h.find((row) => row.alpha === alpha);
  const said = [
    [1, "as trained"],
    [0, "silenced"],
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
    words: `Over ${n} answers the reading is off by ${percent(off)} on average${way}.`,
  };
}

/** The section's first sentences. */
export function headline({ evaluations, benchmarks, neurons }) {
  const said = [];
  const main = evaluations[0];
  if (main) {
    const verdict = detectorVerdict(main);
    const times = `${Math.round(100 * main.auroc)} times in 100${
      main.ci
        ? ` (${between(
            main.ci.map((v) => 100 * v),
            (v) => v.toFixed(0),
          )})`
        : ""
    }`;
    const words = [
      `On ${quoted(main.title)}, given a wrong and a right answer, the detector’s reading is higher for the wrong one ${times}; a coin would manage 50.`,
    ];
    for (const part of ["random", "cheap"])
      if (verdict[part])
        words.push(verdict[part].words.replace(/^./, (c) => `That is ${c.toLowerCase()}`));
    const passed = evaluations.filter((one) =>
      Object.values(detectorVerdict(one)).every(({ is }) => is === "yes"),
    );
    if (evaluations.length > 1)
      words.push(
        `It does better than everything it is compared with on ${passed.length} of ${evaluations.length} data sets.`,
      );
    said.push(words.join(" "));
  } else {
    said.push("How well the detector tells wrong answers from right ones is not measured yet.");
  }
  const changed = benchmarks.filter(({ kept }) => !kept);
  if (changed.length > 0) {
    const special = changed.filter((one) => effectVerdict(one).is === "special");
    const of = `${changed.length} ${changed.length === 1 ? "behaviour" : "behaviours"} looked at`;
    said.push(
      special.length === 0
        ? `Turning the ${neurons.count} H-Neurons did no more than turning random neurons does, on any of the ${of}.`
        : `Turning the ${neurons.count} H-Neurons moved ${special.length} of the ${of} further than random neurons do: ${special.map(({ title }) => quoted(title)).join(", ")}.`,
    );
  } else {
    said.push("What turning them changes, against random sets, is not measured yet.");
  }
  return said;
}

/** Everything that did not work, by the rules above. */
export function failures({ evaluations, benchmarks, language }) {
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
  const trained = language.find(({ alpha }) => alpha === 1);
  const worst =
    trained &&
    language.reduce((most, one) => (one.perplexity > most.perplexity ? one : most), trained);
  if (worst && worst.perplexity > 1.1 * trained.perplexity) {
    list.push([
      "Ordinary text",
      `Perplexity goes from ${decimal(trained.perplexity, 1)} as trained to ${decimal(worst.perplexity, 1)} at times ${worst.alpha}: part of what changes is that the model gets worse at language.`,
    ]);
  }
  return list;
}
