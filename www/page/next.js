// The next words: what was most probable in the place of the chosen word, in every lane side by side. The bars move with the
// factor also where the answer stays the same.

import { setWords } from "../core/sets.js";
import { laneName } from "../core/words.js";
import { h, visible } from "./dom.js";

const SHOWN = 5;

export class NextView {
  #key = "";

  /** @param {HTMLElement} root */
  constructor(root) {
    this.title = h("h3", { id: "next-title" }, "Next word");
    this.note = h("p", { class: "hint next-note" });
    this.place = h("div", { class: "next-place" });
    root.setAttribute("aria-labelledby", "next-title");
    root.replaceChildren(this.title, this.place, this.note);
  }

  /** Nothing to show, and why. */
  say(title, words) {
    this.title.textContent = title;
    this.note.textContent = words;
    this.place.replaceChildren();
    this.#key = "";
  }

  /**
   * @param {object} what
   * @param {string} what.title
   * @param {string} what.note
   * @param {{lane: any, lanes: any[], candidates: import("../core/types.js").Candidate[] | undefined, chosen: number}[]} what.columns one a lane;
   *   `chosen` is the id of the token that came there, -1 where none did
   */
  show({ title, note, columns }) {
    this.title.textContent = title;
    this.note.textContent = note;
    const rows = rowsOf(columns);
    // While only figures change the elements stay, so that bars can glide and nothing loses the focus.
    const key = JSON.stringify([rows.map(({ id }) => id), columns.map(({ lane }) => lane.set)]);
    if (key !== this.#key) {
      this.place.replaceChildren(table(rows, columns));
      this.#key = key;
    }
    const cells = this.place.querySelectorAll("td");
    rows.forEach((row, r) =>
      columns.forEach(({ candidates, chosen }, c) => {
        const p = candidates?.find(({ id }) => id === row.id)?.p;
        const cell = cells[r * columns.length + c];
        cell.style.setProperty("--p", String(p ?? 0));
        cell.toggleAttribute("data-chosen", chosen === row.id);
        cell.lastElementChild.textContent = p === undefined ? (candidates ? "–" : "") : percent(p);
      }),
    );
  }
}

/** The words to show: of all lanes the most probable, each once. */
function rowsOf(columns) {
  const found = new Map();
  for (const { candidates } of columns)
    for (const { id, text, p } of candidates ?? []) {
      const before = found.get(id);
      if (!before || before.p < p) found.set(id, { id, text, p });
    }
  return [...found.values()].sort((a, b) => b.p - a.p).slice(0, SHOWN);
}

function table(rows, columns) {
  return h(
    "table",
    { class: "next-bars" },
    h(
      "thead",
      {},
      h(
        "tr",
        {},
        h("th", { scope: "col" }, h("span", { class: "unseen" }, "Word")),
        ...columns.map(({ lane, lanes }) =>
          h(
            "th",
            { scope: "col", "data-mark": markOf(lane) },
            h("span", {}, h("span", { class: "glyph", "aria-hidden": "true" })),
            h("span", { class: "unseen" }, laneName(lane, lanes)),
          ),
        ),
      ),
    ),
    h(
      "tbody",
      {},
      ...rows.map(({ text }) =>
        h(
          "tr",
          {},
          h("th", { scope: "row", dir: "auto" }, visible(text)),
          ...columns.map(({ lane }) =>
            h(
              "td",
              { "data-mark": markOf(lane) },
              h("span", { class: "next-bar", "aria-hidden": "true" }),
              h("span", { class: "next-value" }),
            ),
          ),
        ),
      ),
    ),
  );
}

const markOf = (lane) => setWords(lane).mark;

const percent = (p) => {
  const whole = Math.round(100 * p);
  return whole < 1 ? "< 1 %" : `${whole} %`;
};
