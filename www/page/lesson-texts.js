// A lesson's texts with what they say about recorded runs filled in, and the runs that this takes.

import { loadRecorded } from "../core/gallery.js";
import { fill, runsOf } from "../core/lesson-notes.js";
import { h } from "./dom.js";

export class LessonTexts {
  #index;
  traces = new Map(); // a run's id -> its trace, with every lane

  /** @param index () => the gallery's list, or null while there is none */
  constructor(index) {
    this.#index = index;
  }

  /** Fetches the recorded runs that these texts name, and these. */
  async fetch(texts, runs = []) {
    const index = this.#index();
    if (!index) return;
    const wanted = new Set([...texts.flatMap((text) => runsOf(text, index)), ...runs]);
    await Promise.all(
      [...wanted]
        .filter((id) => !this.traces.has(id))
        .map(async (id) => {
          try {
            this.traces.set(id, await loadRecorded(index.model.id, id));
          } catch (error) {
            console.warn(error.message); // the text says what is missing
          }
        }),
    );
  }

  /** A text as nodes and strings to append. */
  filled(text) {
    const index = this.#index();
    if (!index) return [text.replace(/\{\{[^{}]*\}\}/g, "(not known without the recorded runs)")];
    return fill(text, { index, traces: this.traces }).map(({ text, error }) =>
      error ? h("span", { class: "lesson-wrong" }, `[${error}]`) : text,
    );
  }

  plain(text) {
    return this.filled(text)
      .map((piece) => piece.textContent ?? piece)
      .join("");
  }
}
