// One message at a time: what went wrong, and buttons for the ways on.

import { $, h } from "./dom.js";
import { embedded } from "./hosts.js";

export function showMessage(text, ways = []) {
  const place = $(".message");
  $("p", place).textContent = sentence(text);
  $(".message-ways", place).replaceChildren(
    ...ways.map(({ words, act }) =>
      h("button", { type: "button", onclick: () => (clearMessage(), act()) }, words),
    ),
  );
  place.hidden = false;
  // In an embed it would be the host's page that scrolls.
  if (!embedded) place.scrollIntoView({ block: "nearest" });
}

// The engine's errors are written like a compiler's: no capital, no full stop.
function sentence(text) {
  const first = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?…”]$/.test(first) ? first : `${first}.`;
}

export function clearMessage() {
  $(".message").hidden = true;
  $(".message p").textContent = "";
  $(".message-ways").replaceChildren();
}
