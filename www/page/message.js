// One message at a time: what went wrong, and buttons for the ways on.

import { $, h } from "./dom.js";
import { embedded } from "./hosts.js";

/**
 * @typedef {object} Way a button; the message goes when it is pressed, unless it `stays`
 * @property {string} words
 * @property {() => unknown} act
 * @property {boolean} [stays]
 *
 * @param {string} text
 * @param {Way[]} [ways]
 */
export function showMessage(text, ways = []) {
  const place = $(".message");
  $("p", place).textContent = sentence(text);
  $(".message-ways", place).replaceChildren(
    ...ways.map(({ words, act, stays = false }) =>
      h("button", { type: "button", onclick: () => (stays || clearMessage(), act()) }, words),
    ),
  );
  place.hidden = false;
  // In an embed it would be the host's page that scrolls.
  if (!embedded) place.scrollIntoView({ block: "nearest" });
}

// The engine's errors are written like a compiler's: no capital, no full stop.
export function sentence(text) {
  const first = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?…”]$/.test(first) ? first : `${first}.`;
}

export function clearMessage() {
  $(".message").hidden = true;
  $(".message p").textContent = "";
  $(".message-ways").replaceChildren();
}
