// "How well does the detector tell wrong answers from right ones?": a row a data set, and the calibration.

import {
  between,
  calibrationVerdict,
  decimal,
  detectorVerdict,
  percent,
} from "../core/verdicts.js";
import { grouped } from "../core/grouped.js";
import { h } from "./dom.js";
import { figure, legend, table } from "./evidence-parts.js";
import { Plot } from "./plot.js";

const CEILING = "all neurons, L2";
const LIKE = "random, same contributions, mean";
const baseline = (one, name) => one.baselines.find(([other]) => other === name)?.[1];

export function detectorPart(evaluations) {
  const all = evaluations.flatMap((one) => [
    one.auroc,
    ...(one.ci ?? []),
    ...one.random,
    one.logprob ?? 1,
    one.best?.auroc ?? 1,
    baseline(one, LIKE) ?? 1,
  ]);
  const low = Math.max(0, Math.min(0.4, Math.floor(10 * Math.min(...all)) / 10));
  return [
    h(
      "p",
      { class: "evidence-how" },
      "Pick one wrong and one right answer at random: how often is the wrong one’s reading higher? That share is called AUROC. A coin gets 0.5, a perfect detector 1.",
    ),
    legend([
      ["square", "h", "H-Neurons, with 95 % interval"],
      ["dashes", "chance", "chance"],
      ["ring", "random", "a random set of the same size, each ring one"],
      ...(evaluations.some((one) => baseline(one, LIKE) !== undefined)
        ? [["target", "random", "random sets that contribute as much, mean"]]
        : []),
      ["diamond", "cheap", "mean log-probability of the answer"],
      ["triangle", "cheap", "the best cheap score, no look inside"],
      ...(evaluations.some((one) => baseline(one, CEILING) !== undefined)
        ? [["bar", "ceiling", "all neurons, as a ceiling"]]
        : []),
    ]),
    h("ul", { class: "datasets" }, ...evaluations.map((one) => dataset(one, low))),
  ];
}

function dataset(one, low) {
  const verdict = detectorVerdict(one);
  const words = ["chance", "random", "like", "cheap"]
    .filter((part) => verdict[part])
    .map((part) => verdict[part]);
  return h(
    "li",
    { class: "dataset", "data-dataset": one.dataset },
    h(
      "div",
      { class: "dataset-name" },
      h("h4", {}, one.title),
      h(
        "p",
        { class: "hint" },
        `${one.about ? `${one.about}; ` : ""}${grouped(one.n)} answers${one.wrong === undefined ? "" : `, ${grouped(one.wrong)} of them wrong`}`,
      ),
    ),
    h("div", { class: "plot-box" }, row(one, low).element),
    h(
      "div",
      { class: "dataset-says" },
      h(
        "p",
        { class: "dataset-value" },
        h("strong", {}, decimal(one.auroc)),
        one.ci ? ` (${between(one.ci)})` : " (no interval)",
      ),
      h("ul", {}, ...words.map(({ is, words }) => h("li", { "data-is": is }, words))),
      table(`${one.title}, detectors`, ["Detector", "AUROC", "95 % interval"], numbers(one)),
    ),
  );
}

function row(one, low) {
  const label = `${one.title}: AUROC of the H-Neurons ${decimal(one.auroc)}${one.ci ? `, interval ${between(one.ci)}` : ""}; ${
    one.random.length
      ? `random sets ${between([Math.min(...one.random), Math.max(...one.random)])}; `
      : ""
  }${one.best ? `best cheap score ${decimal(one.best.auroc)}; ` : ""}chance 0.5. All numbers are in the table.`;
  const plot = new Plot({ label, height: 96, x: [low, 1], kind: "row" });
  const ticks = [];
  for (let tenth = Math.round(10 * low); tenth <= 10; tenth++) ticks.push(tenth / 10);
  plot.ticksX(ticks, (value) => decimal(value, 1));
  plot.line([0.5, 0], [0.5, 1], "chance");
  const ceiling = baseline(one, CEILING);
  if (ceiling !== undefined) plot.markAt(ceiling, 14, "bar", "ceiling");
  // Neighbours at three heights, or they would cover each other.
  [...one.random]
    .sort((a, b) => a - b)
    .forEach((value, i) => plot.markAt(value, 40 + 8 * (i % 3), "ring", "random"));
  const like = baseline(one, LIKE);
  if (like !== undefined) plot.markAt(like, 48, "target", "random");
  if (one.logprob !== undefined) {
    if (one.logprobCi) plot.intervalAt(one.logprobCi, 80, "cheap");
    plot.markAt(one.logprob, 80, "diamond", "cheap");
  }
  if (one.best && one.best.name !== "mean log-probability")
    plot.markAt(one.best.auroc, 80, "triangle", "cheap");
  if (one.ci) plot.intervalAt(one.ci, 14, "h");
  plot.markAt(one.auroc, 14, "square", "h");
  return plot;
}

function numbers(one) {
  const rows = [
    [
      "H-Neurons",
      decimal(one.auroc, 3),
      one.ci ? between(one.ci, (v) => decimal(v, 3)) : "not given",
    ],
  ];
  if (one.accuracy !== undefined)
    rows.push([
      "H-Neurons: share told right (accuracy)",
      percent(one.accuracy, 1),
      one.accuracyCi ? between(one.accuracyCi, (v) => percent(v, 1)) : "not given",
    ]);
  if (one.logprob !== undefined)
    rows.push([
      "mean log-probability",
      decimal(one.logprob, 3),
      one.logprobCi ? between(one.logprobCi, (v) => decimal(v, 3)) : "not given",
    ]);
  for (const [name, area] of one.baselines)
    if (!(name === "mean log-probability" && one.logprob !== undefined))
      rows.push([name, decimal(area, 3), ""]);
  one.random.forEach((area, i) => rows.push([`random set ${i + 1}`, decimal(area, 3), ""]));
  return rows;
}

/** How far a reading may be taken as a chance; null where nothing was measured. */
export function calibrationPart(evaluations) {
  const measured = evaluations.filter((one) => one.reliability.length > 1);
  if (measured.length === 0) return null;
  return [
    h(
      "p",
      { class: "evidence-how" },
      "Each square stands for answers with readings close together, with the 95 % interval of the share that was wrong. On the dashed line a reading is what it says.",
    ),
    h("div", { class: "multiples calibrations" }, ...measured.map(calibration)),
  ];
}

function calibration(one) {
  const bins = [...one.reliability].sort((a, b) => a.mean - b.mean);
  const verdict = calibrationVerdict(bins);
  const plot = new Plot({
    label: `${one.title}: reading against what was wrong. ${verdict.words} All numbers are in the table.`,
    height: 260,
    x: [-0.13, 1.02],
    kind: "tall",
  });
  plot.ticksY([0, 0.5, 1], (value) => percent(value));
  plot.ticksX([0, 0.25, 0.5, 0.75, 1], (value) => decimal(value));
  plot.line([0, 0], [1, 1], "ideal");
  for (const bin of bins) {
    plot.interval(bin.mean, bin.ci, "h");
    plot.mark([bin.mean, bin.share], "square", "h");
  }
  const high = bins.at(-1);
  return figure({
    title: one.title,
    about: "Across: the reading. Upright: the share of these answers that was wrong.",
    plot,
    verdict: { words: verdict.words },
    says: `Of the ${high.n} with the highest readings, ${decimal(high.mean)} on average, ${percent(high.share)} were wrong.`,
    columns: ["Reading, mean", "Were wrong", "95 % interval", "Answers"],
    rows: bins.map((bin) => [
      decimal(bin.mean),
      percent(bin.share),
      between(bin.ci, percent),
      bin.n,
    ]),
  });
}
