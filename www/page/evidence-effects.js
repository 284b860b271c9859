// "What turning them changes": a small plot a benchmark, all at one scale, so that what does not move looks like it.

import {
  between,
  decimal,
  effectNumbers,
  effectVerdict,
  keptVerdict,
  hardest,
  percent,
  signed,
  trendNumbers,
} from "../core/verdicts.js";
import { grouped } from "../core/grouped.js";
import { h } from "./dom.js";
import { figure } from "./evidence-parts.js";
import { Plot } from "./plot.js";
import { atWords, factorWords } from "../core/words.js";

const ALPHAS = [-0.5, 3.3]; // room for the numbers at the left, and for the marks
const HEIGHT = 150;
const ASIDE = 0.14; // the random sets stand beside the H-Neurons, not under them

export function effectsPart(benchmarks) {
  const changed = benchmarks.filter(({ kept }) => !kept);
  const sets = Math.max(0, ...benchmarks.map(({ slopes }) => slopes.length));
  return [
    h(
      "p",
      { class: "evidence-how" },
      "Every question was asked again with the neurons off, as trained, and turned up to × 3. A line that climbs or falls is a change. It is about the H-Neurons only where the dots do not do the same. Each dot is a set of random neurons. The band holds them all.",
    ),
    sets > 0 &&
      h(
        "p",
        { class: "hint" },
        `p, in the numbers: how often random sets would move it as far by chance, up or down. With ${sets} random sets it cannot be less than ${decimal(Math.min(1, 2 / (sets + 1)))}. Where one looks at ${changed.length} ${changed.length === 1 ? "behaviour" : "behaviours"}, some may stand out by chance alone.`,
      ),
    h("div", { class: "multiples" }, ...changed.map(benchmark)),
  ];
}

export function keptPart(benchmarks, language) {
  const kept = benchmarks.filter((one) => one.kept);
  if (kept.length === 0 && language.length === 0) return null;
  return h(
    "div",
    { class: "multiples" },
    ...kept.map(benchmark),
    language.length > 0 ? perplexity(language) : null,
  );
}

function benchmark(one) {
  const verdict = one.kept ? keptVerdict(one) : effectVerdict(one);
  const numbers = effectNumbers(one);
  const plot = new Plot({
    label: `${one.title}: ${one.counted}, by factor. ${numbers}. ${verdict.words} All numbers are in the table.`,
    height: HEIGHT,
    x: ALPHAS,
    kind: "tall",
  });
  plot.ticksY([0, 0.5, 1], (value) => percent(value));
  plot.ticksX([0, 1, 2, 3], (value) => ({ 0: "off", 1: "as trained" })[value] ?? `× ${value}`);
  const trained = one.h.find((row) => row.alpha === 1);
  plot.band(bandOf(one.random, trained), "band random");
  one.random.forEach((row) =>
    plot.mark([row.alpha + ASIDE + 0.025 * ((row.seed % 5) - 2), row.value], "dot", "random"),
  );
  plot.path(
    one.h.map((row) => [row.alpha, row.value]),
    "trace h",
  );
  for (const row of one.h) {
    if (row.ci) plot.interval(row.alpha, row.ci, "h");
    plot.mark([row.alpha, row.value], "square", "h");
  }
  const unclear = Math.max(...one.h.map((row) => row.unclear ?? 0));
  const asked = Math.max(...one.h.map((row) => row.n));
  const element = figure({
    title: one.title,
    about: `Counted: ${one.counted || "not said"}. ${asked} questions${unclear > 0 ? `; up to ${unclear} ${unclear === 1 ? "reply" : "replies"} could not be judged and ${unclear === 1 ? "is" : "are"} left out` : ""}.`,
    plot,
    verdict,
    says: numbers && `${numbers.replace(/^./, (c) => c.toUpperCase())}.`,
    columns: ["Neurons", "Factor", "Share", "95 % interval", "Judged", "Unclear"],
    rows: [
      ...trendNumbers(one).map(([name, value, ci]) => [name, "", value, ci, "", ""]),
      ...[...one.h, ...one.random].map((row) => [
        row.set === "h" ? "H-Neurons" : `random set ${row.seed}`,
        factorWords(row.alpha),
        percent(row.value, 1),
        row.ci ? between(row.ci, (v) => percent(v, 1)) : "not given",
        row.n,
        row.unclear ?? "not given",
      ]),
    ],
  });
  element.dataset.benchmark = one.name;
  return element;
}

/** From the least to the most of the random sets at each alpha; times 1 they are all as trained. */
function bandOf(random, trained) {
  const alphas = [...new Set(random.map((row) => row.alpha))].sort((a, b) => a - b);
  const band = alphas.map((alpha) => {
    const values = random.filter((row) => row.alpha === alpha).map((row) => row.value);
    return [alpha, Math.min(...values), Math.max(...values)];
  });
  if (trained && band.length > 0) band.push([1, trained.value, trained.value]);
  return band.sort(([a], [b]) => a - b);
}

function perplexity(language) {
  const most = Math.max(...language.map((one) => one.perplexity));
  const change = hardest(language);
  const words = language
    .map((one) => `${decimal(one.perplexity, 1)} ${atWords([one.alpha])}`)
    .join(", ");
  const plot = new Plot({
    label: `Perplexity of ordinary text: ${words}.`,
    height: HEIGHT,
    x: ALPHAS,
    y: [0, 1.15 * most],
    kind: "tall",
  });
  const step =
    [1, 2, 5, 10, 20, 50, 100, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8].find((step) => step * 4 >= most) ??
    1e9;
  plot.ticksY(
    [0, step, 2 * step, 3 * step, 4 * step].filter((value) => value <= 1.15 * most),
    grouped,
  );
  plot.ticksX([0, 1, 2, 3], (value) => ({ 0: "off", 1: "as trained" })[value] ?? `× ${value}`);
  plot.path(
    language.map((one) => [one.alpha, one.perplexity]),
    "trace h",
  );
  for (const one of language) plot.mark([one.alpha, one.perplexity], "square", "h");
  const element = figure({
    title: "Ordinary text",
    about:
      "Perplexity: how surprised the model is by ordinary text. Less is better. Random sets were not measured.",
    plot,
    verdict: change && {
      words:
        change.worst === change.trained
          ? "Never more surprised than as trained."
          : `At worst ${signed(100 * change.more, 1)} %, ${atWords([change.worst.alpha])}.`,
    },
    says: change && `Perplexity as trained: ${decimal(change.trained.perplexity, 1)}.`,
    columns: ["Factor", "Perplexity"],
    rows: language.map((one) => [factorWords(one.alpha), decimal(one.perplexity, 2)]),
  });
  element.dataset.benchmark = "perplexity";
  return element;
}
