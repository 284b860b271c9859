// One message at a time: what went wrong, and buttons for the ways on.

import { $, h } from "./dom.js";

export function showMessage(text, ways = []) {
  const place = $(".message");
  $("p", place).textContent = text;
  $(".message-ways", place).replaceChildren(
    ...ways.map(({ words, act }) => h("button", { type: "button", onclick: () => (clearMessage(), act()) }, words)),
  );
  place.hidden = false;
}

export function clearMessage() {
  $(".message").hidden = true;
  $(".message p").textContent = "";
  $(".message-ways").replaceChildren();
}
