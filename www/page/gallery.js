// The gallery: recorded runs, to look at at once, without the model. One of each kind stands in a line; all of them, by kind, open
// below it.

import { $, $$, focused, h } from "./dom.js";

/** Letters that stand in one line beside "Try" and "All" at 1280 px, a chip's edges counting as three. */
const LINE = 145;
const EDGES = 3;

const KINDS = [
  ["opinion", "A wrong answer suggested"],
  ["doubt", "A right answer, doubted"],
  ["made-up", "Made-up things"],
  ["false-premise", "False premises"],
  ["known", "Facts it knows"],
  ["wrong", "Facts it gets wrong"],
];

export class GalleryView {
  #root;
  #on;
  #runs = [];
  #kind = "doubt";
  #shown = "";
  #all; // the <details> with all runs

  /**
   * @param {HTMLElement} root
   * @param {{open: (run: any) => void}} on the visitor wants to see a recorded run
   */
  constructor(root, on) {
    this.#root = root;
    this.#on = on;
  }

  /**
   * @param {{runs: any[]}} index
   * @param {import("../core/artifact.js").Entry[]} others models whose recorded runs are another page's
   */
  setIndex({ runs }, others = []) {
    const own = firsts(runs).map((run) => this.#chip(run, run.title));
    const led = others.flatMap((model) => elsewhere(model) ?? []);
    this.#runs = runs;
    this.#all = h(
      "details",
      { class: "gallery-all" },
      h("summary", {}, `All ${runs.length}`),
      h("div", { class: "gallery-runs" }),
    );
    this.#root.replaceChildren(
      h("h3", { class: "gallery-title" }, "Try"),
      h(
        "ul",
        { class: "chips tries" },
        ...inOneLine([own[0], ...led, ...own.slice(1)]).map((chip) => h("li", {}, chip)),
      ),
      this.#all,
    );
    this.#draw();
    this.#mark();
  }

  /** Marks the run that is shown ("" for none), and turns to the runs of its kind. */
  mark(id) {
    this.#shown = id;
    const run = this.#runs.find((run) => run.id === id);
    if (run && run.kind !== this.#kind) {
      this.#kind = run.kind;
      this.#draw();
    }
    this.#mark();
  }

  #mark() {
    for (const chip of $$("button.chip", this.#root))
      chip.setAttribute("aria-pressed", String(chip.dataset.run === this.#shown));
  }

  #draw() {
    const kinds = KINDS.filter(([kind]) => this.#runs.some((run) => run.kind === kind));
    const chosen = this.#runs.filter((run) => run.kind === this.#kind);
    const place = $(".gallery-runs", this.#all);
    const hadFocus = place.contains(focused()) && focused().getAttribute("name") === "gallery-kind";
    place.replaceChildren(
      h(
        "fieldset",
        { class: "kinds" },
        h("legend", { class: "unseen" }, "Kind of recorded run"),
        ...kinds.map(([kind, words]) =>
          h(
            "label",
            { class: "tab" },
            h("input", {
              type: "radio",
              name: "gallery-kind",
              value: kind,
              checked: kind === this.#kind,
              onchange: () => ((this.#kind = kind), this.#draw(), this.#mark()),
            }),
            h("span", {}, words),
          ),
        ),
      ),
      h("ul", { class: "chips" }, ...chosen.map((run) => h("li", {}, this.#chip(run, run.prompt)))),
    );
    if (hadFocus) $("input:checked", place).focus();
  }

  #chip(run, words) {
    return h(
      "button",
      {
        type: "button",
        class: "chip",
        dir: "auto",
        "data-run": run.id,
        "aria-pressed": String(run.id === this.#shown),
        onclick: () => this.#on.open(run),
      },
      words,
    );
  }
}

/**
 * A link to a recorded run of another model, which is another page; nothing where none is offered.
 * @param {import("../core/artifact.js").Entry} model
 */
const elsewhere = ({ id, try: run }) =>
  run && h("a", { class: "chip", dir: "auto", href: `#model=${id}&${run.address}` }, run.title);

/** The first of these chips, as many as one line holds. */
function inOneLine(chips) {
  let left = LINE;
  return chips.filter((chip) => (left -= chip.textContent.length + EDGES) >= 0);
}

/** The first run of the list, and the first of each other kind, in the list's order. */
const firsts = (runs) =>
  runs.filter((run, i) => runs.findIndex(({ kind }) => kind === run.kind) === i);
