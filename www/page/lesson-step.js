// One step of a lesson as elements: its text, its questions, its runs, and what was predicted before.

import { KINDS } from "../core/lesson.js";
import { PARTS } from "../core/lesson-parts.js";
import { numberIn } from "../core/lesson-progress.js";
import { settingsWords } from "../core/lesson-report.js";
import { h } from "./dom.js";

/**
 * @param {any} about lesson, progress, at, text, index, teacher; `text(string)` gives nodes with the computed fields filled in
 * @param {object} on
 * @param {(id: string, value: any) => void} on.answer
 * @param {(part: string) => void} on.show
 * @param {(step: any, run: any) => Promise<unknown>} on.open
 */
export function stepElement({ lesson, progress, at, text, index, teacher }, on) {
  const step = lesson.steps[at];
  const locked = progress.locked(at);
  return h(
    "div",
    { class: "lesson-step", "data-kind": step.kind },
    h(
      "p",
      { class: "step-kind" },
      KINDS[step.kind].words,
      step.optional ? h("span", {}, " · optional") : null,
    ),
    h("h3", { tabindex: -1, id: "lesson-step" }, step.title),
    at === 0 ? aims(lesson) : null,
    ...step.text.map((paragraph) => h("p", {}, ...text(paragraph))),
    PARTS.has(step.show)
      ? h(
          "p",
          {},
          h(
            "button",
            {
              type: "button",
              class: "quiet",
              "data-show": step.show,
              onclick: () => on.show(step.show),
            },
            `Go to ${PARTS.get(step.show)}`,
          ),
        )
      : null,
    ["observe", "explain"].includes(step.kind) ? predicted(lesson, progress, at, text) : null,
    step.kind === "predict"
      ? h(
          "p",
          { class: "lesson-hint" },
          locked
            ? "Locked. You have opened a run since."
            : "You cannot change your prediction once you have opened the run.",
        )
      : null,
    step.kind === "observe" ? again(lesson, at, progress, index, on) : null,
    ...step.questions.map((question) =>
      locked ? settled(question, progress, text) : field(question, progress, text, on),
    ),
    step.runs.length > 0 ? runs(step, at, progress, index, on) : null,
    teacher && (step.teacher.length > 0 || (at === 0 && lesson.teacher.length > 0))
      ? notes(at === 0 ? [...lesson.teacher, ...step.teacher] : step.teacher, text)
      : null,
  );
}

/** Several runs to observe cannot be on the page at once: their buttons are at hand where they are asked about. */
function again(lesson, at, progress, index, on) {
  const before = lesson.steps.slice(0, at).findLastIndex(({ kind }) => kind === "run");
  return before >= 0 && lesson.steps[before].runs.length > 1
    ? runs(lesson.steps[before], before, progress, index, on)
    : null;
}

function aims({ goals, age, minutes }) {
  return h(
    "div",
    { class: "lesson-aims" },
    h("p", { class: "lesson-hint" }, `About ${minutes} minutes · ${age}`),
    h("p", {}, "After this lesson you can"),
    h("ul", {}, ...goals.map((goal) => h("li", {}, goal))),
  );
}

function predicted(lesson, progress, at, text) {
  const step = progress.predictionBefore(at);
  if (step < 0) return null;
  const made = lesson.steps[step].questions.filter(({ id }) => progress.answer(id));
  if (made.length === 0) return null;
  return h(
    "details",
    { class: "predicted", open: lesson.steps[at].kind === "explain" || made.length <= 3 },
    h("summary", {}, "What you predicted"),
    h(
      "dl",
      {},
      ...made.flatMap(({ id, ask }) => [
        h("dt", {}, ...text(ask)),
        h("dd", {}, progress.answer(id)),
      ]),
    ),
  );
}

function settled({ id, ask }, progress, text) {
  const answer = progress.answer(id);
  return h(
    "dl",
    { class: "settled" },
    h("dt", {}, ...text(ask)),
    h("dd", {}, answer || "You made no prediction."),
  );
}

function field(question, progress, text, on) {
  const { id, ask, answer, choices } = question;
  const value = progress.answer(id);
  const name = `answer-${id}`;
  const take = ({ target }) => on.answer(id, target.value);
  if (answer === "choice") {
    return h(
      "fieldset",
      { class: "question-choice" },
      h("legend", {}, ...text(ask)),
      ...choices.map((choice) =>
        h(
          "label",
          {},
          h("input", {
            type: "radio",
            name,
            value: choice,
            checked: choice === value,
            onchange: take,
          }),
          h("span", {}, choice),
        ),
      ),
    );
  }
  const label = h("label", { for: name }, ...text(ask));
  if (answer === "long")
    return h(
      "div",
      { class: "question-text" },
      label,
      written(h("textarea", { id: name, rows: 3, maxlength: 10_000, oninput: take }), value),
    );
  if (answer === "short")
    return h(
      "div",
      { class: "question-text" },
      label,
      written(
        h("input", { type: "text", id: name, maxlength: 500, autocomplete: "off", oninput: take }),
        value,
      ),
    );
  return number(question, label, name, value, take);
}

function number(question, label, name, value, take) {
  const { min, max } = question;
  const between =
    Number.isFinite(min) && Number.isFinite(max)
      ? ` from ${min} to ${max}`
      : Number.isFinite(min)
        ? ` of ${min} or more`
        : Number.isFinite(max)
          ? ` of ${max} or less`
          : "";
  const wrong = h(
    "p",
    { class: "lesson-wrong", id: `${name}-wrong`, hidden: true },
    `Not kept: a number${between} is wanted.`,
  );
  const input = written(
    h("input", {
      type: "text",
      inputmode: "decimal",
      id: name,
      class: "short",
      maxlength: 20,
      autocomplete: "off",
      "aria-describedby": `${name}-wrong`,
    }),
    value,
  );
  input.addEventListener("input", () => {
    const ok = input.value.trim() === "" || numberIn(input.value, question) !== null;
    if (ok) wrong.hidden = true;
    if (ok) input.removeAttribute("aria-invalid");
    take({ target: { value: ok ? input.value : "" } });
  });
  // Said when the pupil has finished, not in the middle of a number.
  input.addEventListener("change", () => {
    wrong.hidden = input.value.trim() === "" || numberIn(input.value, question) !== null;
    if (!wrong.hidden) input.setAttribute("aria-invalid", "true");
  });
  return h("div", { class: "question-text" }, label, input, wrong);
}

function written(element, value) {
  element.value = value;
  return element;
}

function runs(step, at, progress, index, on) {
  const status = h("p", { class: "lesson-hint", role: "status" });
  const items = step.runs.map((run, i) => {
    const shown = h("span", { class: "run-shown", hidden: !progress.wasShown(at, i) }, "✓ opened");
    const button = h(
      "button",
      { type: "button", "data-lesson-run": run.run ?? "live" },
      ...runWords(run, index),
    );
    button.addEventListener("click", async () => {
      const outcome = await on.open(at, i);
      status.textContent = outcome.say;
      if (outcome.ok) shown.hidden = false;
    });
    return h("li", {}, button, shown);
  });
  return h("div", { class: "lesson-runs" }, h("ul", {}, ...items), status);
}

function runWords(run, index) {
  if (run.words) return [run.words];
  const live = run.run === undefined;
  const listed = index?.runs.find(({ id }) => id === run.run);
  const prompt = live ? run.prompt || "Write a prompt of your own" : (listed?.prompt ?? run.run);
  const settings = settingsWords(run);
  return [
    h("span", { class: "run-prompt" }, prompt),
    " ",
    h(
      "span",
      { class: "run-settings" },
      `${live ? "To run live" : "Open"}${listed?.then ? ", doubted" : ""}: ${settings}`,
    ),
  ];
}

function notes(paragraphs, text) {
  return h(
    "aside",
    { class: "lesson-notes", "aria-label": "Teacher’s note" },
    h("h4", {}, "Teacher’s note"),
    ...paragraphs.map((paragraph) => h("p", {}, ...text(paragraph))),
  );
}
