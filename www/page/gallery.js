// The gallery's list: recorded runs by kind, to look at at once, without the model.

import { $, $$, focused, h } from "./dom.js";

const KINDS = [
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

  /**
   * @param {HTMLElement} root
   * @param {{open: (run: any) => void}} on the visitor wants to see a recorded run
   */
  constructor(root, on) {
    this.#root = root;
    this.#on = on;
  }

  setIndex({ runs }) {
    this.#runs = runs;
    this.#draw();
  }

  /** Marks the run that is shown ("" for none), and shows the runs of its kind. */
  mark(id) {
    this.#shown = id;
    const run = this.#runs.find((run) => run.id === id);
    if (run && run.kind !== this.#kind) {
      this.#kind = run.kind;
      return this.#draw();
    }
    for (const chip of $$(".chip", this.#root))
      chip.setAttribute("aria-pressed", String(chip.dataset.run === id));
  }

  #draw() {
    const kinds = KINDS.filter(([kind]) => this.#runs.some((run) => run.kind === kind));
    const chosen = this.#runs.filter((run) => run.kind === this.#kind);
    const hadFocus =
      this.#root.contains(focused()) && focused().getAttribute("name") === "gallery-kind";
    this.#root.replaceChildren(
      h(
        "fieldset",
        { class: "kinds" },
        h("legend", {}, "Try a recorded run"),
        ...kinds.map(([kind, words]) =>
          h(
            "label",
            { class: "tab" },
            h("input", {
              type: "radio",
              name: "gallery-kind",
              value: kind,
              checked: kind === this.#kind,
              onchange: () => ((this.#kind = kind), this.#draw()),
            }),
            h("span", {}, words),
          ),
        ),
      ),
      h(
        "ul",
        { class: "chips" },
        ...chosen.map((run) =>
          h(
            "li",
            {},
            h(
              "button",
              {
                type: "button",
                class: "chip",
                "data-run": run.id,
                "aria-pressed": String(run.id === this.#shown),
                onclick: () => this.#on.open(run),
              },
              run.prompt,
            ),
          ),
        ),
      ),
    );
    if (hadFocus) $("input:checked", this.#root).focus();
  }
}
