// What the three answers say when they are held side by side, in one sentence. Pure.

import { chosenLane, setWords } from "./sets.js";

/**
 * @param {import("./trace.js").Trace} trace
 * @returns {string} "" while it cannot be said
 */
export function comparison(trace) {
  const { lanes, done } = trace;
  const trained = trace.trained;
  const chosen = chosenLane(lanes);
  const controls = lanes.flatMap(({ set }, i) => (set === "random" ? [i] : []));
  if (!done || trained < 0 || lanes.length < 3 || controls.length === 0) return "";
  if (lanes.some(({ stopped }) => stopped === "stop")) return "";
  const others = controls.map((i) => changes(trace, i));
  if (!chosen) {
    if (others.every(Boolean))
      return "Both draws of random neurons changed the answer. So much of it is chance.";
    if (others.some(Boolean))
      return "One draw of random neurons changed the answer, the other did not.";
    return "Neither draw of random neurons changed the answer.";
  }
  const name = setWords(chosen).whose;
  const own = changes(trace, lanes.indexOf(chosen));
  if (own && others[0]) return `Random neurons changed the answer too. So it is not about ${name}.`;
  if (own) return `Only ${name} changed the answer here. One prompt proves nothing.`;
  if (others[0]) return `Only random neurons changed the answer here, not ${name}.`;
  return "Nothing changed the answer. That is a result too.";
}

const changes = (trace, i) => trace.partsAt(i) >= 0;
