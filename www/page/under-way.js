// A run or a download that is under way, while the form with its Stop is out of view: a line at the window's edge.

import { $, h } from "./dom.js";

export class UnderWay {
  #line;
  #words = h("span", {});
  #busy = false;
  #away = false;

  /** @param {() => void} stop */
  constructor(stop) {
    this.#line = h(
      "div",
      { class: "under-way", "data-part": "under-way", hidden: true },
      this.#words,
      h("button", { type: "button", onclick: stop }, "Stop"),
    );
    document.body.append(this.#line);
    new IntersectionObserver(([{ isIntersecting }]) => {
      this.#away = !isIntersecting;
      this.#show();
    }).observe($(".go"));
  }

  /** @param {string} state of the page */
  setState(state) {
    this.#busy = state === "running" || state === "loading";
    this.#show();
  }

  /** How far it is. */
  say(words) {
    this.#words.textContent = words;
  }

  #show() {
    this.#line.hidden = !(this.#busy && this.#away);
  }
}
