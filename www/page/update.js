// The line that says that a new version is ready. It lies at the bottom of the window, so that nothing moves while
// somebody reads, and waits: only the visitor knows when the answers on the page may go.

import { h } from "./dom.js";

let line = null;

/** Shows the line, once; `reload` is what its button does. */
export async function showUpdate(reload) {
  if (line) return;
  line = h("div", { class: "update", role: "status" });
  const style = h("link", {
    rel: "stylesheet",
    href: new URL("../style/update.css", import.meta.url).href,
  });
  const styled = new Promise((done) =>
    ["load", "error"].forEach((type) => style.addEventListener(type, done)),
  );
  document.head.append(style);
  document.body.append(line);
  await styled;
  // A status is read out when text comes into it, not when it comes with its text.
  line.append(
    h("p", {}, "A new version is ready."),
    h("button", { type: "button", class: "quiet", onclick: reload }, "Reload"),
    h("button", { type: "button", class: "quiet", onclick: () => line.replaceChildren() }, "Later"),
  );
}
