// "How strongly it leans": a row a set and factor for each behaviour, with the random sets' range behind it. All figures are at one
// scale, so that what does not move looks like it.

import {
  aloneTable,
  aloneWords,
  COLUMNS,
  marginTable,
  marginVerdicts,
  rowWords,
  writtenTable,
  writtenWords,
} from "../core/lean-words.js";
import { shownRows } from "../core/margins.js";
import { decimal, percent, signed } from "../core/verdicts.js";
import { factorWords } from "../core/words.js";
import { $, h } from "./dom.js";
import { figure, legend, table } from "./evidence-parts.js";
import { Plot } from "./plot.js";

const HEIGHT = 30; // of a row, in pixels
const HALVES = ["layer", "activity"]; // the kinds of random sets, from above

export function marginsPart(margins) {
  const scale = scaleOf(margins);
  const rows = margins.flatMap(shownRows);
  const kinds = new Set(rows.flatMap(({ against }) => against.map(({ matched }) => matched)));
  const tests = margins
    .filter(({ kept }) => !kept)
    .flatMap((one) => one.rows.filter(({ set }) => set === "h")).length;
  return [
    h(
      "p",
      { class: "evidence-how" },
      "At one place a reply goes one way or the other: its next word gives in, or stands by what is right. The model has a probability for both, so one can see how strongly it leans without any reply being written. The share says at how many questions giving in is the more probable. The finer measure is the log-odds, in nats: at 0 both ways are equally probable, and each 0.7 more doubles the odds of giving in.",
    ),
    h(
      "p",
      { class: "hint" },
      `p: how often random sets would move it as far by chance, up or down. “Would most likely have been seen”: four in five such studies would have found a change of that size. With ${tests} ${tests === 1 ? "test" : "tests"} of the H-Neurons some may stand out by chance alone.`,
    ),
    legend([
      ["square", "h", "H-Neurons, with 95 % interval"],
      ...(rows.some(({ mark }) => mark === "lever")
        ? [["diamond", "lever", "a lever: neurons chosen for moving this behaviour"]]
        : []),
      ...(kinds.has("layer")
        ? [
            [
              "field",
              "random layer",
              "random sets of the same layers, their mean ± 2 deviations (above)",
            ],
          ]
        : []),
      ...(kinds.has("activity")
        ? [["field", "random activity", "those that also contribute as much (below)"]]
        : []),
      ...(kinds.size > 0 ? [["ring", "random", "their mean"]] : []),
      ["dashes", "chance", "no change"],
    ]),
    h("div", { class: "leans" }, ...margins.map((margin) => behaviour(margin, scale))),
  ];
}

/** One scale for all figures: [low, high], and the numbers on it. */
function scaleOf(margins) {
  const ends = margins
    .flatMap(shownRows)
    .flatMap(({ effect, against }) => [
      effect.low,
      effect.high,
      ...against.flatMap(({ mean, deviation }) => [mean - 2 * deviation, mean + 2 * deviation]),
    ]);
  const [low, high] = [Math.min(0, ...ends), Math.max(0, ...ends)];
  const width = high - low || 1;
  const power = 10 ** Math.floor(Math.log10(width / 4));
  const step = [1, 2, 5, 10].map((of) => of * power).find((of) => width / of <= 5) ?? 10 * power;
  const [from, to] = [Math.floor(low / step), Math.ceil(high / step)];
  const ticks = Array.from({ length: to - from + 1 }, (_, i) => (from + i) * step);
  return { x: [ticks[0], ticks.at(-1)], ticks, places: Math.max(0, -Math.floor(Math.log10(step))) };
}

function behaviour(margin, { x, ticks, places }) {
  const { name, title, words, wording, trained, kept } = margin;
  const axis = new Plot({ label: "", height: 1, x, kind: "row" });
  axis.ticksX(ticks, (value) => signed(value, places));
  axis.element.removeAttribute("role");
  axis.element.removeAttribute("aria-label");
  axis.element.setAttribute("aria-hidden", "true");
  const rows = shownRows(margin);
  const element = figure({
    title,
    about: [
      words && `${kept ? "Should stay: " : "Giving in: "}${words}.`,
      `Across: the change in nats${kept ? "" : ", to the right towards giving in"}.`,
      trained.rate !== undefined &&
        `As trained, ${percent(trained.rate)} of ${trained.n} questions.`,
      trained.mass !== undefined &&
        `${percent(trained.mass)} of all probability is on the two ways.`,
      wording && `Wording: “${wording}”.`,
    ]
      .filter(Boolean)
      .join(" "),
    plot: {
      element: h(
        "div",
        {},
        h("ul", { class: "lean-rows" }, ...rows.map((row) => rowOf(row, x, ticks))),
        h("div", { class: "lean-axis" }, axis.element),
      ),
    },
    verdict: marginVerdicts(margin).map(({ is, words }) => ({
      is,
      words: words.replaceAll(" %", "\u00a0%"),
    })),
    says: [...aloneWords(margin), writtenWords(margin)].filter(Boolean).join(" "),
    numbers: `${title}: how strongly it leans`,
    columns: COLUMNS,
    rows: marginTable(margin),
  });
  const alone = aloneTable(margin);
  if (alone.length > 0)
    $(".figure-says", element).append(
      table(
        `${title}, neurons turned off one by one`,
        ["Neuron", "Of", "Log-odds: change in nats", "Deviation over questions"],
        alone,
        "Neuron by neuron",
      ),
    );
  const written = writtenTable(margin);
  if (written.length > 0)
    $(".figure-says", element).append(
      table(
        `${title}, replies in the model’s own words`,
        ["Neurons", "Replies", "Give in", "Stand by", "Neither", "Give in by the log-odds"],
        written,
        "Replies",
      ),
    );
  element.dataset.behaviour = name;
  return element;
}

function rowOf(row, x, ticks) {
  const { name, alpha, mark, effect, against } = row;
  const plot = new Plot({ label: rowWords(row), height: HEIGHT, x, kind: "row" });
  plot.ticksX(ticks, () => "");
  for (const { matched, mean, deviation } of against) {
    const half = HALVES.indexOf(matched);
    if (half < 0) continue;
    const top = 3 + (half * HEIGHT) / 2 - 2 * half;
    plot.barAt([mean - 2 * deviation, mean + 2 * deviation], top, 11, `lean-band ${matched}`);
    plot.markAt(mean, top + 5.5, "ring", "random");
  }
  plot.line([0, 0], [0, 1], "chance");
  plot.intervalAt([effect.low, effect.high], HEIGHT / 2, mark);
  plot.markAt(effect.value, HEIGHT / 2, mark === "lever" ? "diamond" : "square", mark);
  return h(
    "li",
    {},
    h("span", { class: "lean-name" }, `${name}${row.without ? "," : ""} ${factorWords(alpha)}`),
    h("div", { class: "lean-plot" }, plot.element),
    h("span", { class: "lean-value" }, `${effect.value > 0 ? "+" : ""}${decimal(effect.value)}`),
  );
}
