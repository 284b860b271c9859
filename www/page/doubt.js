// The second turn's form: what is said to the answers, in every lane.

import { DOUBT } from "../core/state.js";
import { h } from "./dom.js";

export const doubtFields = () => [
  h(
    "label",
    { for: "doubt-text" },
    "Say this next, in every lane. Each is given the as-trained answer as its own.",
  ),
  h(
    "div",
    { class: "doubt-line" },
    h("input", {
      id: "doubt-text",
      type: "text",
      maxlength: 20000,
      autocomplete: "off",
      value: DOUBT,
    }),
    h("button", { type: "submit" }, "Doubt it"),
  ),
];
