// What is said of a run while it is on: how far it is, and to those who listen, what it has said. Pure.

const WORDS = 12; // new words that are worth saying
const APART = 4000; // milliseconds

/**
 * @param {import("./trace.js").Trace} trace
 * @param {number} most tokens in an answer
 */
export function progressWords({ promptRead, prompt, lanes }, most) {
  const tokens = Math.max(0, ...lanes.map((lane) => lane.tokens.length));
  if (tokens === 0 && promptRead < prompt.length)
    return `Reading the prompt: ${promptRead} of ${prompt.length}`;
  return `Answering: ${tokens} of at most ${most} tokens`;
}

/** What the as-trained lane has said since the last time, in portions that can be followed. */
export class Spoken {
  #trace;
  #from = 0;
  #last = -Infinity;

  /** @param {import("./trace.js").Trace} trace */
  constructor(trace) {
    this.#trace = trace;
  }

  /**
   * @param {number} now milliseconds
   * @returns {string} "" while it is not worth saying
   */
  next(now) {
    const { lanes, trained } = this.#trace;
    if (trained < 0 || now - this.#last < APART) return "";
    const news = lanes[trained].tokens.slice(this.#from);
    const text = news.map((token) => token.text).join("");
    if ((text.match(/\S+/g) ?? []).length < WORDS) return "";
    this.#from = lanes[trained].tokens.length;
    this.#last = now;
    return `As trained: ${text.trim()}`;
  }
}
