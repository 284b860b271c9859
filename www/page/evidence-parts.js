// What the Evidence section is made of besides its plots: parts that open, figures with a caption, verdicts, tables, legends.

import { h } from "./dom.js";
import { sample } from "./plot.js";

/**
 * A part that opens: its title, what is in it, and the contents.
 * @param {string} name its data-part
 * @param {string} title
 * @param {string} inside
 * @param {any[]} children
 */
export const part = (name, title, inside, ...children) =>
  h(
    "details",
    { class: "evidence-part", "data-part": name },
    h("summary", {}, h("h3", {}, title), " ", h("span", { class: "hint" }, inside)),
    h("div", { class: "part-body" }, ...children.filter(Boolean)),
  );

/**
 * A plot: how to read it, what it says in words, and its numbers as a table.
 * @param {object} about
 * @param {string} about.title
 * @param {string} [about.about] how to read it
 * @param {{element: Element}} about.plot a Plot, or rows of them
 * @param {{words: string, is?: string} | {words: string, is?: string}[] | null} [about.verdict] one, or several
 * @param {string} [about.says]
 * @param {string} [about.numbers] what the table is called, else as the plot
 * @param {string[]} about.columns
 * @param {any[][]} about.rows
 */
export function figure({ title, about, plot, verdict, says, numbers = title, columns, rows }) {
  return h(
    "figure",
    { class: "evidence-figure" },
    h(
      "div",
      { class: "figure-head" },
      h("h4", {}, title),
      about && h("p", { class: "hint" }, about),
    ),
    h("div", { class: "plot-box" }, plot.element),
    h(
      "figcaption",
      { class: "figure-says" },
      ...[verdict ?? []]
        .flat()
        .map(({ is, words }) => h("p", { class: "evidence-verdict", "data-is": is }, words)),
      says && h("p", { class: "hint" }, says),
      table(numbers, columns, rows),
    ),
  );
}

/** Its rows are made when it is first opened: together the tables would be most of the page. */
export function table(title, columns, rows, name = "Numbers") {
  const place = h("div", {
    class: "table-place",
    tabindex: 0,
    role: "region",
    "aria-label": `Table: ${title}`,
  });
  const fill = () => {
    if (place.firstChild) return;
    place.append(
      h(
        "table",
        {},
        h("thead", {}, h("tr", {}, ...columns.map((column) => h("th", { scope: "col" }, column)))),
        h(
          "tbody",
          {},
          ...rows.map(([first, ...rest]) =>
            h("tr", {}, h("th", { scope: "row" }, first), ...rest.map((cell) => h("td", {}, cell))),
          ),
        ),
      ),
    );
  };
  // By the summary, or by anything else that opens it, as a search in the page does.
  return h(
    "details",
    { class: "evidence-table", ontoggle: fill },
    h("summary", { onclick: fill }, name, h("span", { class: "unseen" }, `: ${title}`)),
    place,
  );
}

/**
 * What each shape stands for: [[shape, whose, words], …].
 * @param {string[][]} entries
 * @param {string} [label] what a screen reader calls the list
 */
export function legend(entries, label = "Marks") {
  return h(
    "ul",
    { class: "plot-key", "aria-label": label },
    ...entries.map(([shape, of, words]) => h("li", {}, sample(shape, of), words)),
  );
}

/** What the signs before verdicts stand for. */
export const verdictLegend = () =>
  h(
    "ul",
    { class: "plot-key verdict-key", "aria-label": "Signs before the results" },
    h("li", { "data-is": "yes" }, "passed a check"),
    h("li", { "data-is": "no" }, "failed, or not clear"),
  );
