// The lessons' own style, fetched with them: a page without a lesson does not carry it.

import { h } from "./dom.js";

/** Settled when it is there, or when it is known that it does not come. */
export const styled = new Promise((done) => {
  const link = h("link", {
    rel: "stylesheet",
    href: new URL("../style/lesson.css", import.meta.url).href,
    onload: done,
    onerror: done,
  });
  document.head.append(link);
});
