// How the settings show in the form. Apart from controls.js because an embed shows them before it needs the rest.

import { alphaWords } from "../core/words.js";
import { $, field, fields, h } from "./dom.js";

const SET_WORDS = { h: "the H-Neurons", random: "the random control", custom: "My selection" };

export function showSettings(state) {
  for (const key of ["prompt", "then"]) {
    // Writing what stands there already would move the caret.
    if (field(`#${key}`).value !== state[key]) field(`#${key}`).value = state[key];
  }
  $(".then").hidden = state.then === "" && document.activeElement !== $("#then");
  showLater(state.then === "" ? [] : state.more);
  $("form.ask").dataset.chosen = state.set;
  field("#alpha").value = String(state.alpha);
  $("#alpha").setAttribute("aria-valuetext", `${state.alpha}, ${alphaWords(state.alpha)}`);
  $("#alpha-of").textContent = SET_WORDS[state.set];
  $("#alpha-number").textContent = String(state.alpha);
  $("#alpha-meaning").textContent = alphaWords(state.alpha);
  for (const radio of fields("[name=set]")) radio.checked = radio.value === state.set;
  $("#selection-count").textContent = String(state.off.length);
}

/** The turns after the second, a field each. */
function showLater(more) {
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
