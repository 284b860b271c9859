// A pupil's report, as the last page of a lesson: to print (the print style shows nothing else) or to save as Markdown.

import { NO_ANSWER, toMarkdown } from "../core/lesson-report.js";
import { h } from "./dom.js";

const today = () =>
  new Date().toLocaleDateString("en-GB", { day: "numeric", month: "long", year: "numeric" });

/**
 * @param {any} report of reportOf
 * @param {{id: string, name: string, address: string}} about
 * @param {{name: (text: string) => void}} on the pupil wrote their name
 */
export function reportElement(report, { id, name, address }, on) {
  const date = today();
  const field = h("input", {
    type: "text",
    id: "report-name",
    maxlength: 200,
    autocomplete: "off",
    oninput: ({ target }) => on.name(target.value),
  });
  field.value = name;
  const download = () => {
    const url = URL.createObjectURL(
      new Blob([toMarkdown(report, { name: field.value, date, address })], {
        type: "text/markdown;charset=utf-8",
      }),
    );
    h("a", { href: url, download: `hneurons-${id}.md` }).click();
    setTimeout(() => URL.revokeObjectURL(url), 60_000);
  };
  return h(
    "div",
    { class: "lesson-report" },
    h("p", { class: "step-kind" }, "Report"),
    h("h3", { tabindex: -1, id: "lesson-step" }, report.title),
    h(
      "p",
      { class: "lesson-hint screen-only" },
      "Your questions and answers, to print or to hand in. They go nowhere by themselves.",
    ),
    h(
      "p",
      { class: "report-ways screen-only" },
      h("button", { type: "button", onclick: () => window.print() }, "Print"),
      h("button", { type: "button", onclick: download }, "Download as Markdown"),
    ),
    h("p", { class: "report-name" }, h("label", { for: "report-name" }, "Name"), field),
    h("p", { class: "report-date" }, `Date: ${date}`),
    ...report.parts.map(part),
    h("p", { class: "report-address" }, `Page: ${address}`),
  );
}

function part({ title, kind, questions, runs }) {
  return h(
    "section",
    { class: "report-part" },
    h("h4", {}, `${kind}: ${title}`),
    questions.length > 0
      ? h(
          "dl",
          {},
          ...questions.flatMap(({ ask, answer }) => [
            h("dt", {}, ask),
            h("dd", { "data-empty": answer === NO_ANSWER }, answer),
          ]),
        )
      : null,
    ...runs.map(run),
  );
}

function run({ prompt, then, settings, live, lanes }) {
  return h(
    "div",
    { class: "report-run" },
    h(
      "p",
      {},
      h("strong", {}, prompt),
      then ? " then " : null,
      then ? h("strong", {}, then) : null,
      ` (${settings}, ${live ? "run live" : "recorded run"})`,
    ),
    lanes.length > 0
      ? h(
          "dl",
          {},
          ...lanes.flatMap(({ name, text, end, score }) => [
            h("dt", {}, name),
            h(
              "dd",
              {},
              h("q", {}, text || "(nothing)"),
              ` ${[end, score && `detector ${score}`].filter(Boolean).join(", ")}`,
            ),
          ]),
        )
      : null,
  );
}
