// The settings of the form over time. Beside what they are (state.js) they know whose they are: what a visitor typed stays
// until it is typed over; what the page or a button put there goes when another question is asked. Pure.

import { asTurns, sameTurns, turnsIn, turnsOf } from "./turns.js";

/** @typedef {import("./types.js").Settings} State */

export class Settings {
  /** @type {State} */
  #now;
  #borrowed = false; // prompt and second turn are those of the recorded run that is shown: nobody has chosen them yet
  #thenByButton = false; // the second turn came from the button, not from a link or the field
  #moreByButton = false; // the same of the turns after it
  /** @type {number | null} */
  #limit = null; // the visitor's own limit of tokens, while that of a recorded run stands in its place

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
    return this.#borrowed ? { ...this.#now, prompt: "", then: "", more: [] } : this.#now;
  }

  /**
   * Takes new values of some keys. Returns what has changed, with what follows from them.
   * @param {Partial<State>} given
   */
  change(given) {
    const patch = { ...given };
    const another = "prompt" in patch && patch.prompt !== this.#now.prompt;
    const later = this.#now.more.length > 0 && !("more" in patch);
    // A new question after a doubt is a new conversation, unless the visitor wrote the second turn.
    if (another && !("then" in patch) && this.#thenByButton) patch.then = "";
    if (later && "prompt" in patch && ("then" in patch || (another && this.#moreByButton)))
      patch.more = [];
    // The limit of a recorded run is for its own question.
    if (another && !("max" in patch) && this.#limit !== null) patch.max = this.#limit;
    // Another question is not the one whose recorded run a link named.
    if ("prompt" in patch && !("recorded" in patch)) patch.recorded = "";
    if ("then" in patch) this.#thenByButton = false;
    if ("more" in patch) {
      this.#moreByButton = false;
      patch.more = Object.freeze([...(patch.more ?? [])]);
    }
    if ("max" in patch) this.#limit = null;
    if ("prompt" in patch || "then" in patch) this.#borrowed = false;
    this.#now = { ...this.#now, ...patch, run: false };
    return patch;
  }

  /**
   * Puts what there is in the place of what an address left open, or names and is not there.
   * @param {Partial<State>} given
   */
  resolve(given) {
    this.#now = { ...this.#now, ...given };
  }

  /**
   * Takes over what a recorded run was asked, and its limit. Nobody wrote that here: with another question it goes again.
   * Returns what `change` does.
   * @param {Partial<State>} given
   */
  adopt(given) {
    const own = this.#limit ?? this.#now.max;
    const before = turnsOf(this.#now);
    const whose = [this.#thenByButton, this.#moreByButton];
    const patch = this.change(given);
    this.lent({ max: own });
    // What the visitor wrote stays the visitor's.
    if (sameTurns(before, turnsOf(this.#now))) [this.#thenByButton, this.#moreByButton] = whose;
    return patch;
  }

  /**
   * The second turn and the limit in the form are a recorded run's.
   * @param {{max: number}} own the limit that comes back with another question
   */
  lent({ max }) {
    this.thenIsTheButtons();
    this.#limit = max === this.#now.max ? null : max;
  }

  /**
   * All settings from outside: an address, or the host of an embed.
   * @param {State} settings
   */
  take(settings) {
    this.#now = settings;
    this.#borrowed = false;
    this.#thenByButton = this.#moreByButton = false;
    this.#limit = null;
  }

  /**
   * Puts a shown run's conversation into the form. A link has it only once it was run or changed.
   * @param {import("./types.js").Message[]} messages
   */
  borrow(messages) {
    this.#now = { ...this.#now, ...asTurns(turnsIn(messages)) };
    this.#borrowed = true;
    this.thenIsTheButtons();
  }

  /** The turns after the first came from a button: another question is another conversation. */
  thenIsTheButtons() {
    this.#thenByButton = this.#moreByButton = true;
  }

  /** The last turn came from a button; whose the second is stays as it was. */
  lastIsTheButtons() {
    this.#moreByButton = true;
  }
}
