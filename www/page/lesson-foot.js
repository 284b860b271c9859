// What stands under every step: the lesson's words, where the answers are kept, and the button that deletes them.

import { h, say } from "./dom.js";

const KEPT = "Your answers stay in this browser.";
const NOT_KEPT =
  "This browser does not keep your answers. They are gone when you leave this page. Print or download the report before you leave.";

export class LessonFoot {
  #kept;
  element;

  /** @param words [term, meaning][]; `kept`: whether the browser keeps answers; `remove()`: the pupil wants them deleted */
  constructor({ words, kept, remove }) {
    this.#kept = h("p", { class: "lesson-hint" }, kept ? KEPT : NOT_KEPT);
    this.element = h(
      "footer",
      { class: "lesson-foot" },
      words.length > 0
        ? h(
            "details",
            {},
            h("summary", {}, "Words"),
            h(
              "dl",
              {},
              ...words.flatMap(([term, meaning]) => [h("dt", {}, term), h("dd", {}, meaning)]),
            ),
          )
        : null,
      this.#kept,
      removal(remove),
    );
  }

  /** Says, once, that the browser keeps nothing. */
  warn() {
    this.#kept.setAttribute("role", "alert");
    this.#kept.textContent = NOT_KEPT;
  }
}

function removal(remove) {
  const words = "Delete my answers";
  let sure = false;
  const reset = () => {
    sure = false;
    button.textContent = words;
  };
  const button = h("button", { type: "button", class: "quiet", onblur: reset }, words);
  button.addEventListener("click", () => {
    if (sure) return remove();
    sure = true;
    button.textContent = "Press again to delete all answers of this lesson";
    say("Press again to delete all answers of this lesson.");
  });
  return button;
}
