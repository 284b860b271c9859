// The lever's choice beside the other sets, and what it is: what it was chosen for, and what else changes while it is off. Made by
// script because most artifacts have none.

import { harmWords, leverOf, leversOf, purposeWords } from "../core/levers.js";
import { leverName } from "../core/sets.js";
import { $, h } from "./dom.js";

export class LeverView {
  #artifact;
  #on;

  /**
   * @param {any} artifact with a lever at least
   * @param {object} on
   * @param {(lever: string) => void} on.choose
   * @param {(prompt: string) => void} on.ask the lever's example
   */
  constructor(artifact, on) {
    this.#artifact = artifact;
    this.#on = on;
    const levers = leversOf(artifact);
    const several = levers.length > 1;
    this.radio = h("input", {
      type: "radio",
      name: "set",
      value: "lever",
      "aria-describedby": "lever-about",
      onchange: () => on.choose(this.which.value),
    });
    this.which = h(
      "select",
      {
        "aria-label": "Which lever",
        hidden: !several,
        onchange: () => on.choose(this.which.value),
      },
      ...levers.map(({ id }) => h("option", { value: id }, leverName(id))),
    );
    const { id } = levers[0];
    this.element = h(
      "label",
      { class: "lever", "data-part": "lever" },
      this.radio,
      h("span", { class: "glyph", "data-mark": "lever", "aria-hidden": "true" }),
      h(
        "span",
        { class: "set-name" },
        "Lever",
        several ? "" : h("span", { class: "lever-name" }, `: ${leverName(id)}`),
      ),
    );
    this.words = h("span", { id: "lever-about" });
    this.example = h("button", { type: "button", class: "quiet" }, "Try its question");
    this.example.addEventListener("click", () => this.#on.ask(this.example.title));
    this.about = h(
      "p",
      { class: "lever-about", "data-part": "lever-about" },
      this.which,
      this.words,
      " ",
      this.example,
    );
    $("form.ask").toggleAttribute("data-levers", true);
    $(".drawn").before(this.element);
    $("[data-part=set]").after(this.about);
  }

  /** @param {import("../core/types.js").Settings} settings */
  show({ set, lever: id }) {
    const chosen = set === "lever";
    const lever = leverOf(this.#artifact, id) ?? leverOf(this.#artifact, "");
    this.radio.checked = chosen;
    this.which.value = lever.id;
    this.about.hidden = !chosen;
    const harm = harmWords(lever);
    this.words.textContent = `${purposeWords(lever)}${harm ? ` Side effect, when off: ${harm}.` : ""}`;
    const prompt = lever.example?.prompt ?? "";
    this.example.hidden = prompt === "";
    this.example.title = prompt;
  }
}
