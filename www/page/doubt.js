// The form below the answers: what is said next, in every lane.

import { DOUBT } from "../core/state.js";
import { $, field, h } from "./dom.js";

export const doubtFields = () => [
  h("label", { for: "doubt-text" }, "Say this next"),
  h(
    "div",
    { class: "doubt-line" },
    h("input", {
      id: "doubt-text",
      type: "text",
      maxlength: 20000,
      autocomplete: "off",
      enterkeyhint: "go",
      dir: "auto",
      "aria-describedby": "doubt-about",
      value: DOUBT,
    }),
    h("button", { type: "submit" }, "Doubt it"),
  ),
  h(
    "p",
    { class: "hint", id: "doubt-about" },
    "It is said after every answer. All go on from the answers as trained.",
  ),
];

/**
 * Offers what can be said after `turns` turns: a doubt after the first, anything after that.
 * @param {number} turns
 */
export function offerTurn(turns) {
  const form = $("form.doubt");
  // What is being written stays, as long as it is for the same turn.
  if (form.dataset.turns === String(turns)) return;
  form.dataset.turns = String(turns);
  const first = turns === 1;
  field("#doubt-text").value = first ? DOUBT : "";
  $("button", form).textContent = first ? "Doubt it" : "Say it";
}
