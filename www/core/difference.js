// Where a lane's answer differs from the one as trained, in words. Pure.

/**
 * How far a lane says the same as trained, in words: "Same until “Vel”, then different". "" while nothing is known.
 * @param {import("./trace.js").Trace} trace
 * @param {number} i
 */
export function differenceWords(trace, i) {
  if (i === trace.trained) return "As trained";
  if (trace.sameAsTrained(i)) return "Same answer as trained";
  const parts = trace.partsAt(i);
  if (parts < 0) return "";
  const shared = wordsBefore(trace, i, parts).at(-1);
  if (shared === undefined) return "Different from the first word on";
  const same = `Same until “${shared.length > 24 ? `…${shared.slice(-24)}` : shared}”`;
  if (trace.lanes[i].tokens.length === parts) return `${same}, then it ends`;
  if (trace.lanes[trace.trained].tokens.length === parts) return `${same}, then it goes on`;
  return `${same}, then different`;
}

/**
 * The same in fewer words: "Differs from word 3 on".
 * @param {import("./trace.js").Trace} trace
 * @param {number} i
 */
export function differsWords(trace, i) {
  const parts = i === trace.trained || trace.sameAsTrained(i) ? -1 : trace.partsAt(i);
  if (parts < 0) return differenceWords(trace, i);
  const { tokens } = trace.lanes[i];
  const words = wordsBefore(trace, i, parts);
  const next = tokens[parts]?.text ?? trace.lanes[trace.trained].tokens[parts]?.text ?? " ";
  // A token that begins with no blank goes on with the word before it.
  const within = words.length > 0 && !/\s$/.test(textOf(tokens, parts)) && /^\p{L}/u.test(next);
  return `Differs from word ${words.length + (within ? 0 : 1)} on`;
}

/** @param {import("./types.js").Token[]} tokens @param {number} to */
const textOf = (tokens, to) =>
  tokens
    .slice(0, to)
    .map(({ text }) => text)
    .join("");

/** @param {import("./trace.js").Trace} trace @param {number} i @param {number} to */
const wordsBefore = (trace, i, to) =>
  textOf(trace.lanes[i].tokens, to)
    .split(/\s+/)
    .filter((word) => word !== "");
