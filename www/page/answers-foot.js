// What can be done with a run that has ended: go on where an answer was cut off, and draw another sample.

import { LIMITS } from "../core/state.js";
import { $ } from "./dom.js";

const STEP = 64; // tokens that "Go on" adds to the limit
const WARM = 0.7; // temperature of a sample where it was 0

/** The limit with which a run goes on. */
export const longer = ({ max }) => Math.min(LIMITS.max, max + STEP);

/**
 * What another sample of a run changes, and what is said about it.
 * @param {import("../core/types.js").Settings} settings of the run
 * @returns {{patch: Partial<import("../core/types.js").Settings>, words: string}}
 */
export function anotherSample({ temp, seed }) {
  if (temp === 0)
    return {
      patch: { temp: WARM },
      words: `At temperature 0 the answer is always the same. So the temperature is now ${WARM}.`,
    };
  const next = seed >= LIMITS.seed ? 0 : seed + 1;
  return {
    patch: { seed: next },
    words: `Sample with seed ${next}. The seed also draws the random neurons, so these are other ones too.`,
  };
}

let note = "";

/** @param {{goOn: () => void, sample: () => void}} on */
export function listenToFoot(on) {
  $("#go-on").addEventListener("click", () => on.goOn());
  $("#another-sample").addEventListener("click", () => on.sample());
}

/** What is to be said about the run that begins; "" for one that the form asked for. */
export function noteRun(words) {
  note = words;
}

/**
 * @param {import("../core/trace.js").Trace} trace
 * @param {boolean} offered whether the run has ended, and another can begin
 * @param {string} size what would have to be fetched first
 */
export function showFoot(trace, offered, size) {
  const cut = trace.lanes.some(({ stopped, limit }) => stopped === "length" && limit !== "context");
  $(".answers-foot").hidden = !offered || !trace.settings;
  $("#go-on").hidden = !cut || (trace.settings?.max ?? LIMITS.max) >= LIMITS.max;
  const fetches = size.endsWith("once") ? `This first fetches the model: ${size}.` : "";
  $("#answers-foot-note").textContent = (trace.recorded ? "" : note) || fetches;
}
