// The form's fields for the turns after the second. Apart from settings.js because an embed's first view has no use for them.

import { $, fields, h } from "./dom.js";

/** @param {import("../core/types.js").Settings} settings */
export function showLater({ then, more: turns }) {
  const more = then === "" ? [] : turns;
  const place = $(".later-turns");
  if (fields("input", place).length !== more.length)
    place.replaceChildren(...more.map((_, i) => laterTurn(i)));
  fields("input", place).forEach((input, i) => {
    if (input.value !== more[i]) input.value = more[i];
  });
}

const laterTurn = (i) =>
  h(
    "div",
    { class: "then" },
    h("label", { for: `turn-${i + 3}` }, `Turn ${i + 3}`),
    h("input", {
      id: `turn-${i + 3}`,
      type: "text",
      maxlength: 20000,
      autocomplete: "off",
      dir: "auto",
    }),
    h("button", { type: "button", class: "quiet", "data-remove": i }, `Remove turn ${i + 3}`),
  );
