// The Evidence section: what the artifact says about how well its H-Neurons do, with intervals and controls, including
// where they fail. Fetched when the visitor comes near it (nearby.js); the rules for its words are core/verdicts.js.

import { readEvidence } from "../core/evidence.js";
import { failures, headline, percent } from "../core/verdicts.js";
import { grouped } from "../core/grouped.js";
import { $, h } from "./dom.js";
import { calibrationPart, detectorPart } from "./evidence-detector.js";
import { effectsPart, keptPart } from "./evidence-effects.js";
import { figure, table } from "./evidence-parts.js";
import { withStyle } from "./nearby.js";
import { Plot } from "./plot.js";

/** Fills the section from an artifact's JSON, a part at a time: a slow machine has something else to do in between. */
export async function showEvidence(section, json) {
  await withStyle(new URL("../style/evidence.css", import.meta.url));
  const body = $(".evidence-body", section);
  body.replaceChildren();
  for (const make of partsOf(readEvidence(json))) {
    body.append(...[make()].flat());
    await frame();
  }
}

/** Until what is there has been drawn. A page out of sight draws nothing. */
const frame = () =>
  new Promise((resolve) =>
    document.hidden ? setTimeout(resolve) : requestAnimationFrame(() => setTimeout(resolve)),
  );

/** What makes each part, in the order of reading. */
function partsOf(evidence) {
  const { evaluations, benchmarks, language } = evidence;
  const neurons = () => part("Which neurons", ...neuronsPart(evidence));
  const unread = () => leftOut(evidence);
  if (evaluations.length === 0 && benchmarks.length === 0)
    return [
      unmeasured,
      unread,
      neurons,
      () => part("How to get this list again", ...recipePart(evidence)),
    ];
  const changed = benchmarks.filter(({ kept }) => !kept);
  const notMeasured = (what) => h("p", { class: "not-measured" }, `Not measured yet: ${what}`);
  return [
    () =>
      h(
        "div",
        { class: "evidence-lead" },
        ...headline(evidence).map((sentence) => h("p", {}, sentence)),
      ),
    unread,
    () =>
      part(
        "How well does the detector tell wrong answers from right ones?",
        ...(evaluations.length > 0
          ? detectorPart(evaluations)
          : [
              notMeasured(
                "how often the detector’s reading is higher for wrong answers than for right ones.",
              ),
            ]),
      ),
    () =>
      part(
        "May a reading be taken as a chance?",
        ...(calibrationPart(evaluations) ?? [
          notMeasured(
            evidence.calibrated
              ? "the detector is calibrated, but how well that holds on other answers is not in the artifact."
              : "the reading orders answers. It is not a chance.",
          ),
        ]),
      ),
    () =>
      part(
        "What changes when they are turned?",
        ...(changed.length > 0
          ? effectsPart(benchmarks)
          : [notMeasured("what silencing and amplifying them changes, against random sets.")]),
      ),
    () =>
      part(
        "What is kept?",
        keptPart(benchmarks, language) ??
          notMeasured(
            "what the model still knows, and how well it reads ordinary text, with the neurons turned.",
          ),
      ),
    () => part("Where it failed", ...failed(evidence)),
    neurons,
    () => part("How to get these numbers again", ...recipePart(evidence)),
  ];
}

const part = (title, ...children) =>
  h("section", { class: "evidence-part" }, h("h3", {}, title), ...children.filter(Boolean));

const leftOut = ({ leftOut: n }) =>
  n > 0
    ? h(
        "p",
        { class: "hint" },
        `${n} ${n === 1 ? "entry" : "entries"} of the artifact could not be read and ${n === 1 ? "is" : "are"} left out.`,
      )
    : "";

/** An artifact without an evaluation. */
function unmeasured() {
  const questions = [
    "How well does the detector tell wrong answers from right ones, and better than random neurons or cheap scores?",
    "May a reading be taken as a chance?",
    "What changes when the neurons are turned, and does it change as much with random ones?",
    "Does the model still know what it knew?",
  ];
  return [
    h(
      "div",
      { class: "evidence-lead" },
      h(
        "p",
        {},
        "Not measured yet. Take what this page shows as a demonstration: nothing here says that these neurons do more than random ones.",
      ),
    ),
    h("ul", { class: "open-questions" }, ...questions.map((question) => h("li", {}, question))),
  ];
}

function failed(evidence) {
  const list = failures(evidence);
  const rule = h(
    "p",
    { class: "hint" },
    "Listed by rule: data sets on which it is not better than chance, than random sets and than the best cheap score; behaviours that random sets move as much; and what should have stayed, and did not.",
  );
  if (list.length === 0)
    return [
      h("p", {}, "By these rules, nowhere. Other questions and other models were not measured."),
      rule,
    ];
  const titles = [...new Set(list.map(([title]) => title))];
  return [
    h(
      "dl",
      { class: "failures" },
      ...titles.map((title) =>
        h(
          "div",
          {},
          h("dt", {}, title),
          ...list.filter(([of]) => of === title).map(([, words]) => h("dd", {}, words)),
        ),
      ),
    ),
    rule,
  ];
}

function neuronsPart({ neurons, identification, provisional }) {
  const { count, of, layers, stability } = neurons;
  const whole =
    of >= count && count > 0
      ? `, ${percent(count / of, 3).replace(/0(?= %)/, "")} of all ${grouped(of)}: one in ${grouped(Math.round(of / count))}`
      : "";
  const facts = [
    `${count} H-Neurons${whole}${layers ? `, in layers ${layers[0]} to ${layers[1]}` : ""}.`,
  ];
  const {
    questions,
    consistent_right: right,
    consistent_wrong: wrong,
    train,
    test,
    tried,
    c,
  } = identification;
  if (questions !== undefined && right !== undefined && wrong !== undefined)
    facts.push(
      `Of ${grouped(questions)} questions asked, ${grouped(right)} were answered right again and again, and ${grouped(wrong)} wrong.`,
    );
  if (train !== undefined && test !== undefined)
    facts.push(
      `The neurons were chosen on ${grouped(train)} of these answers; ${grouped(test)} were kept apart.`,
    );
  /** @type {HTMLElement[]} */
  const made = [h("p", {}, facts.join(" "))];
  if (tried.length > 0) {
    made.push(
      table(
        "The strictness tried",
        ["C", "AUROC in cross-validation", "H-Neurons", "Negative weight"],
        tried.map((one) => [
          `${one.c}${one.c === c ? " (chosen)" : ""}`,
          one.auroc.toFixed(3),
          one.positive,
          one.negative ?? "not given",
        ]),
      ),
    );
  }
  if (stability.length > 0) made.push(stabilityFigure(stability));
  else
    made.push(
      h(
        "p",
        { class: "not-measured" },
        `Not measured yet: how many of them would be chosen again from other answers${provisional ? " (the list is provisional)" : ""}.`,
      ),
    );
  return made;
}

function stabilityFigure(stability) {
  const bins = Array.from(
    { length: 10 },
    (_, i) => stability.filter((value) => Math.min(9, Math.floor(10 * value + 1e-9)) === i).length,
  );
  const often = stability.filter((value) => value >= 0.5).length;
  const words = `${often} of ${stability.length} were chosen again in at least half of the refits.`;
  const most = Math.max(...bins);
  const plot = new Plot({
    label: `How often each neuron was chosen again: ${words} All numbers are in the table.`,
    height: 120,
    x: [0, 1],
    y: [0, 1.25 * most],
    kind: "tall",
  });
  plot.ticksX([0, 0.25, 0.5, 0.75, 1], (value) => percent(value));
  bins.forEach((n, i) => n > 0 && plot.column([i / 10, (i + 1) / 10], n, "column h", String(n)));
  return h(
    "div",
    { class: "beside" },
    figure({
      title: "Chosen again?",
      about:
        "The neurons were chosen again from parts of the answers, many times. Across: in what share of these refits a neuron was chosen. Upright: how many neurons.",
      plot,
      verdict: { words },
      columns: ["Chosen again in", "Neurons"],
      rows: bins.map((n, i) => [`${10 * i} to ${10 * (i + 1)} %`, n]),
    }),
  );
}

function recipePart({ recipe }) {
  const command = recipe.find(([name]) => name === "command");
  const rest = recipe.filter((entry) => entry !== command);
  return [
    h(
      "p",
      {},
      "The method follows ",
      h(
        "a",
        { href: "https://arxiv.org/abs/2512.01797" },
        "Gao and others, “H-Neurons” (arXiv 2512.01797)",
      ),
      ". What was done here, step by step, is in the file ",
      h("code", {}, "docs/science.md"),
      " of this project’s source.",
    ),
    command && h("p", {}, "This command computes the artifact again:"),
    command &&
      h(
        "pre",
        { class: "command", tabindex: 0, role: "region", "aria-label": "The command" },
        command[1],
      ),
    rest.length > 0 &&
      h(
        "details",
        { class: "evidence-table" },
        h("summary", {}, "Every setting, and the hashes of the data"),
        h(
          "dl",
          { class: "recipe" },
          ...rest.flatMap(([name, words]) => [
            h("dt", {}, name.replaceAll("_", " ")),
            h("dd", {}, words),
          ]),
        ),
      ),
    recipe.length === 0 && h("p", { class: "not-measured" }, "The artifact has no recipe."),
  ].filter(Boolean);
}
