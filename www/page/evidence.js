// The Evidence section: what the artifact says about how well its H-Neurons do, with intervals and controls, including
// where they fail. Three sentences and a figure; the rest opens. Fetched when the visitor comes near it (nearby.js); the rules
// for its words are core/measured.js and core/verdicts.js.
//
// On paper a part is as the visitor left it: closed ones are left out (evidence.css), or every sheet would end in pages of
// tables that nobody asked for.

import { readEvidence } from "../core/evidence.js";
import { failures, headline, percent } from "../core/verdicts.js";
import { grouped } from "../core/grouped.js";
import { $, h } from "./dom.js";
import { calibrationPart, detectorPart, overview } from "./evidence-detector.js";
import { effectsPart, keptPart } from "./evidence-effects.js";
import { marginsPart } from "./evidence-margins.js";
import { figure, part, table, verdictLegend } from "./evidence-parts.js";
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
  const { evaluations, benchmarks, language, margins, neurons: list } = evidence;
  const unread = () => leftOut(evidence);
  const neurons = () =>
    part(
      "neurons",
      "Which neurons",
      `${grouped(list.count)} of them, and how they were chosen`,
      ...neuronsPart(evidence),
    );
  const recipe = () =>
    part(
      "recipe",
      "How to get these numbers again",
      "The study, the command, every setting",
      ...recipePart(evidence),
    );
  if (evaluations.length === 0 && benchmarks.length === 0 && margins.length === 0)
    return [unmeasured, unread, neurons, recipe];
  const changed = benchmarks.filter(({ kept }) => !kept);
  const notMeasured = (what) => h("p", { class: "not-measured" }, `Not measured yet: ${what}`);
  const tests = (n, one, many) => (n === 0 ? "not measured yet" : `${n} ${n === 1 ? one : many}`);
  const reliable = evaluations.filter(({ reliability }) => reliability.length > 1).length;
  const kept = benchmarks.length - changed.length + (language.length > 0 ? 1 : 0);
  const failed = failures(evidence);
  return [
    () =>
      h(
        "div",
        { class: "evidence-lead" },
        h(
          "div",
          { class: "evidence-sentences" },
          ...headline(evidence).map(([question, sentence]) =>
            h("p", {}, h("strong", {}, question), " ", sentence),
          ),
        ),
        evaluations.length > 0 ? overview(evaluations) : null,
      ),
    unread,
    verdictLegend,
    () =>
      part(
        "detector",
        "Spotting wrong answers",
        `Test by test, with everything it was compared with: ${tests(evaluations.length, "test", "tests")}`,
        ...(evaluations.length > 0
          ? detectorPart(evaluations)
          : [notMeasured("how often a wrong answer gets a higher reading than a right one.")]),
      ),
    () =>
      part(
        "calibration",
        "Is a reading a chance?",
        `Readings against what was really wrong: ${tests(reliable, "plot", "plots")}`,
        ...(calibrationPart(evaluations) ?? [
          notMeasured(
            evidence.calibrated
              ? "the detector is calibrated, but how well that holds on other answers is not in the artifact."
              : "a reading can put answers in order. It is not a chance.",
          ),
        ]),
      ),
    () =>
      part(
        "effects",
        "Changing what it says",
        `Behaviour by behaviour, with random neurons: ${tests(changed.length, "plot", "plots")}`,
        ...(changed.length > 0
          ? effectsPart(benchmarks)
          : [notMeasured("what turning them changes, compared with random neurons.")]),
      ),
    () =>
      margins.length > 0
        ? part(
            "margins",
            "How strongly it leans",
            `To giving in, before a word is written: ${tests(margins.length, "plot", "plots")}`,
            ...marginsPart(margins),
          )
        : [],
    () =>
      part(
        "kept",
        "What stays",
        `What it knows, and ordinary text: ${tests(kept, "plot", "plots")}`,
        keptPart(benchmarks, language) ??
          notMeasured(
            "what the model still knows, and how well it reads ordinary text, with the neurons turned.",
          ),
      ),
    () =>
      part(
        "failures",
        "Where it failed",
        failed.length === 0 ? "Nothing, by these rules" : tests(failed.length, "check", "checks"),
        ...failedPart(failed),
      ),
    neurons,
    recipe,
  ];
}

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
    "Does the detector spot wrong answers, and better than random neurons or simpler signs do?",
    "Is a reading a chance?",
    "What changes when the neurons are turned, and does it change as much with random ones?",
    "Does the model still know what it knew?",
  ];
  return [
    h(
      "p",
      { class: "evidence-sentences" },
      "Not measured yet. Take this page as a demonstration. Nothing here says that these neurons do more than random ones.",
    ),
    h("ul", { class: "open-questions" }, ...questions.map((question) => h("li", {}, question))),
  ];
}

function failedPart(list) {
  const rule = h(
    "p",
    { class: "hint" },
    "Listed by rule: every test in which the detector is not better than chance, than random neurons and than the best simple sign; every behaviour that does not move, or moves as much with random neurons; and what should have stayed and did not.",
  );
  if (list.length === 0)
    return [
      h("p", {}, "By these rules, nowhere. Other questions and other models were not tested."),
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
      `Asked ${grouped(questions)} questions many times, the model was always right on ${grouped(right)} and always wrong on ${grouped(wrong)}.`,
    );
  if (train !== undefined && test !== undefined)
    facts.push(
      `${grouped(train)} answers chose the neurons; ${grouped(test)} more were kept apart to test them.`,
    );
  /** @type {HTMLElement[]} */
  const made = [h("p", {}, facts.join(" "))];
  if (tried.length > 0) {
    made.push(
      table(
        "How strict the choice was",
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
        `Not measured yet: how many of them other answers would choose again${provisional ? " (the list is provisional)" : ""}.`,
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
  const words = `${often} of ${stability.length} were chosen again at least every second time.`;
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
        "The choice was made again many times, each time from some of the answers. Across: how often a neuron was chosen. Upright: how many neurons.",
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
      ". The file ",
      h("code", {}, "docs/science.md"),
      " of this project’s source says step by step what was done here.",
    ),
    command && h("p", {}, "This command makes the artifact again:"),
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
