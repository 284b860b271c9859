// What the visitor says in a conversation, turn by turn: in settings as {prompt, then, more}, in a run among its messages. Pure.

/**
 * Of settings: the prompt, the second turn, and those after it.
 * @param {{prompt: string, then: string, more?: readonly string[]}} settings
 */
export const turnsOf = ({ prompt, then, more = [] }) =>
  then === "" ? [prompt] : [prompt, then, ...more];

/**
 * Of a conversation as it was run.
 * @param {readonly import("./types.js").Message[]} messages
 */
export const turnsIn = (messages) =>
  messages.filter(({ role }) => role === "user").map(({ content }) => content);

/**
 * As settings have them.
 * @param {readonly string[]} turns
 */
export const asTurns = ([prompt = "", then = "", ...more]) => ({ prompt, then, more });

/**
 * @param {readonly string[]} a
 * @param {readonly string[]} b
 */
export const sameTurns = (a, b) => a.length === b.length && a.every((turn, i) => turn === b[i]);
