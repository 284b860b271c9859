// How the settings show in the form. Apart from controls.js because an embed shows them before it needs the rest.

import { setWords } from "../core/sets.js";
import { alphaWords, factorWords } from "../core/words.js";
import { $, field, fields } from "./dom.js";

export function showSettings(state) {
  for (const key of ["prompt", "then"]) {
    // Writing what stands there already would move the caret.
    if (field(`#${key}`).value !== state[key]) field(`#${key}`).value = state[key];
  }
  $(".then").hidden = state.then === "" && document.activeElement !== $("#then");
  $("form.ask").dataset.chosen = state.set;
  // A link may ask for a factor between the slider's stops.
  field("#alpha").step = state.alpha % 0.5 === 0 ? "0.5" : "0.25";
  field("#alpha").value = String(state.alpha);
  $("#alpha").setAttribute(
    "aria-valuetext",
    state.alpha === 0 ? "off" : `${state.alpha}, ${alphaWords(state.alpha)}`,
  );
  $("#alpha-of").textContent = setWords(state).of;
  $("#alpha-number").textContent = factorWords(state.alpha);
  $("#alpha-meaning").textContent = state.alpha === 0 ? "" : alphaWords(state.alpha);
  for (const radio of fields("[name=set]")) radio.checked = radio.value === state.set;
  $("#selection-count").textContent = String(state.off.length);
  $("#selection-count").toggleAttribute("data-none", state.off.length === 0);
}
