// "Do they spot wrong answers?": the section's figure, a row a data set; then all of it, and the calibration.

import {
  between,
  calibrationVerdict,
  decimal,
  detectorVerdict,
  percent,
  signed,
  timesInHundred,
} from "../core/verdicts.js";
import { grouped } from "../core/grouped.js";
import { h } from "./dom.js";
import { figure, legend, table } from "./evidence-parts.js";
import { Plot } from "./plot.js";

const CEILING = "all neurons, L2";
const LIKE = "random, same contributions, mean";
const baseline = (one, name) => one.baselines.find(([other]) => other === name)?.[1];

/** The least that a plot of these must show, in tenths. */
function lowest(values) {
  return Math.max(0, Math.min(0.4, Math.floor(10 * Math.min(...values)) / 10));
}
const tenths = (low) => {
  const ticks = [];
  for (let tenth = Math.round(10 * low); tenth <= 10; tenth++) ticks.push(tenth / 10);
  return ticks;
};

/** The section's one figure: detector, random sets and best simple sign, a row a data set. */
export function overview(evaluations) {
  const low = lowest(
    evaluations.flatMap((one) => [
      one.auroc,
      ...(one.ci ?? []),
      ...one.random,
      one.best?.auroc ?? 1,
    ]),
  );
  const axis = new Plot({ label: "", height: 1, x: [low, 1], kind: "row" });
  axis.ticksX(tenths(low), (value) => decimal(value, 1));
  axis.element.removeAttribute("role");
  axis.element.removeAttribute("aria-label");
  axis.element.setAttribute("aria-hidden", "true");
  const rows = evaluations.map((one) =>
    h(
      "li",
      {},
      h("span", { class: "overview-name" }, one.title),
      h("div", { class: "overview-plot" }, overviewRow(one, low).element),
      h("span", { class: "overview-value" }, decimal(one.auroc)),
    ),
  );
  const some = (has) => evaluations.some(has);
  return h(
    "figure",
    { class: "overview" },
    h(
      "figcaption",
      {},
      h("strong", {}, "How often a wrong answer gets the higher reading"),
      h(
        "span",
        { class: "hint" },
        " Take one wrong and one right answer: 0.5 is a coin toss, 1 is always.",
      ),
    ),
    legend([
      ["square", "h", "H-Neurons, with 95 % interval"],
      ...(some((one) => one.random.length > 0)
        ? [["dot", "random", "one random set of neurons"]]
        : []),
      ...(some((one) => one.best)
        ? [
            [
              "triangle",
              "cheap",
              "best simple sign: how unsure the model was, or how long it wrote",
            ],
          ]
        : []),
      ["dashes", "chance", "coin toss"],
    ]),
    h("ul", { class: "overview-rows" }, ...rows),
    h("div", { class: "overview-axis" }, axis.element),
  );
}

function overviewRow(one, low) {
  const plot = new Plot({ label: rowWords(one), height: 32, x: [low, 1], kind: "row" });
  plot.ticksX(tenths(low), () => "");
  plot.line([0.5, 0], [0.5, 1], "chance");
  for (const value of one.random) plot.markAt(value, 23, "dot", "random");
  if (one.best) plot.markAt(one.best.auroc, 23, "triangle", "cheap");
  if (one.ci) plot.intervalAt(one.ci, 9, "h");
  plot.markAt(one.auroc, 9, "square", "h");
  return plot;
}

/** What a screen reader says in a row's place. */
const rowWords = (one) =>
  `${one.title}: H-Neurons ${decimal(one.auroc)}${one.ci ? `, interval ${between(one.ci)}` : ""}; ${
    one.random.length
      ? `random sets ${between([Math.min(...one.random), Math.max(...one.random)])}; `
      : ""
  }${one.best ? `best simple sign ${decimal(one.best.auroc)}; ` : ""}chance 0.5.`;

export function detectorPart(evaluations) {
  const low = lowest(
    evaluations.flatMap((one) => [
      one.auroc,
      ...(one.ci ?? []),
      ...one.random,
      one.logprob ?? 1,
      one.best?.auroc ?? 1,
      baseline(one, LIKE) ?? 1,
    ]),
  );
  return [
    h(
      "p",
      { class: "evidence-how" },
      `Take one wrong and one right answer. How often does the wrong one get the higher reading? That share is called AUROC. ${timesInHundred(evaluations)}`,
    ),
    legend(
      [
        ["diamond", "cheap", "how unsure the model was on average (mean log-probability)"],
        ...(evaluations.some((one) => baseline(one, LIKE) !== undefined)
          ? [["target", "random", "random sets that contribute as much, on average"]]
          : []),
        ...(evaluations.some((one) => baseline(one, CEILING) !== undefined)
          ? [["bar", "ceiling", "a detector that reads all neurons"]]
          : []),
      ],
      "Marks besides those of the figure above",
    ),
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
      table(
        `${one.title}, all that was read`,
        ["What is read", "AUROC", "95 % interval"],
        numbers(one),
      ),
    ),
  );
}

function row(one, low) {
  const plot = new Plot({
    label: `${rowWords(one)} All numbers are in the table.`,
    height: 96,
    x: [low, 1],
    kind: "row",
  });
  plot.ticksX(tenths(low), (value) => decimal(value, 1));
  plot.line([0.5, 0], [0.5, 1], "chance");
  const ceiling = baseline(one, CEILING);
  if (ceiling !== undefined) plot.markAt(ceiling, 14, "bar", "ceiling");
  // Neighbours at three heights, or they would cover each other.
  [...one.random]
    .sort((a, b) => a - b)
    .forEach((value, i) => plot.markAt(value, 40 + 8 * (i % 3), "dot", "random"));
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
      "H-Neurons: share told correctly",
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
  if (one.best && one.over)
    rows.push([
      `H-Neurons less the best simple sign (${one.best.name})`,
      signed(one.over.value, 3),
      between([one.over.low, one.over.high], (v) => signed(v, 3)),
    ]);
  else if (one.best)
    rows.push([
      `H-Neurons less the best simple sign (${one.best.name})`,
      signed(one.auroc - one.best.auroc, 3),
      "not given",
    ]);
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
      "Each square is a group of answers with nearly the same reading, with the 95 % interval of how many were wrong. On the dashed line, a reading of 0.7 means that 70 in 100 were wrong.",
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
    about: `Across: the reading. Upright: how many of these answers were wrong. ${grouped(bins.reduce((sum, { n }) => sum + n, 0))} answers.`,
    plot,
    verdict: { words: verdict.words },
    says: `The ${high.n} highest readings average ${decimal(high.mean)}; ${percent(high.share)} of these answers were wrong.`,
    columns: ["Mean reading", "Were wrong", "95 % interval", "Answers"],
    rows: bins.map((bin) => [
      decimal(bin.mean),
      percent(bin.share),
      between(bin.ci, percent),
      bin.n,
    ]),
  });
}
