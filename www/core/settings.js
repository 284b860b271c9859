// The settings of the form over time. Beside what they are (state.js) they know whose they are: what a visitor typed stays
// until it is typed over; what the page or a button put there goes when another question is asked. Pure.

/** @typedef {import("./types.js").Settings} State */

export class Settings {
  /** @type {State} */
  #now;
  #borrowed = false; // prompt and second turn are those of the recorded run that is shown: nobody has chosen them yet
  #thenByButton = false; // the second turn came from the button, not from a link or the field

  /** @param {State} settings */
  constructor(settings) {
    this.#now = settings;
  }

  /** As state.js has them. */
  get now() {
    return this.#now;
  }

  get borrowed() {
    return this.#borrowed;
  }

  /** The settings as a link or an embed has them: without what nobody has chosen. */
  get linked() {
    return this.#borrowed ? { ...this.#now, prompt: "", then: "" } : this.#now;
  }

  /**
   * Takes new values of some keys. Returns what has changed, with what follows from them.
   * @param {Partial<State>} given
   */
  change(given) {
    const patch = { ...given };
    // A new question after a doubt is a new conversation, unless the visitor wrote the second turn.
    if (
      "prompt" in patch &&
      !("then" in patch) &&
      this.#thenByButton &&
      patch.prompt !== this.#now.prompt
    )
      patch.then = "";
    // Another question is not the one whose recorded run a link named.
    if ("prompt" in patch && !("recorded" in patch)) patch.recorded = "";
    if ("then" in patch) this.#thenByButton = false;
    if ("prompt" in patch || "then" in patch) this.#borrowed = false;
    this.#now = { ...this.#now, ...patch, run: false };
    return patch;
  }

  /**
   * All settings from outside: an address, or the host of an embed.
   * @param {State} settings
   */
  take(settings) {
    this.#now = settings;
    this.#borrowed = false;
  }

  /**
   * Puts a shown run's conversation into the form. A link has it only once it was run or changed.
   * @param {import("./types.js").Message[]} messages
   */
  borrow([first, , second]) {
    this.#now = { ...this.#now, prompt: first.content, then: second?.content ?? "" };
    this.#borrowed = true;
    this.#thenByButton = true;
  }

  /** The second turn in the form came from the button: another question is another conversation. */
  thenIsTheButtons() {
    this.#thenByButton = true;
  }
}
