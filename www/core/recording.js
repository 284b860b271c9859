// The trace that `hneurons run --json` prints, and that the page exports (exports.js), as a trace to look at. Pure.

import { Trace } from "./trace.js";

/**
 * @param {number} layer
 * @param {number} index
 */
const key = (layer, index) => `${layer}.${index}`;

/**
 * A recorded trace. Throws with a plain message when it is not one.
 * @param {any} json
 * @returns {Trace}
 */
export function fromRecording(json) {
  if (!json || !Array.isArray(json.lanes) || !Array.isArray(json.messages)) {
    throw new Error("This file is not a recorded trace: it has no lanes or no messages.");
  }
  const trace = new Trace({ recorded: true, messages: json.messages });
  trace.about = {
    model: json.model ?? {},
    engine: String(json.engine ?? ""),
    artifact: json.artifact ?? {},
  };
  if (json.making && typeof json.making === "object") trace.making = json.making;
  trace.prompt = Array.isArray(json.prompt) ? json.prompt : [];
  const rows = new Map();
  const rowOf = (/** @type {import("./types.js").Reading} */ { layer, index }) => {
    const name = key(layer, index);
    if (!rows.has(name)) {
      rows.set(name, rows.size);
      trace.rows.push([layer, index]);
    }
    return rows.get(name);
  };
  const cellsOf = (/** @type {import("./types.js").Reading[] | undefined} */ neurons) => {
    /** @type {number[]} */
    const cells = [];
    for (const neuron of neurons ?? []) cells[rowOf(neuron)] = neuron.contribution;
    return cells;
  };
  for (const recorded of json.lanes) {
    const { set, alpha, seed, lever, edited = [] } = recorded;
    const lane = trace.addLane({ set, alpha, seed, lever, neurons: edited });
    for (const [at, neurons] of (recorded.prompt_neurons ?? []).entries())
      lane.cells[at] = cellsOf(neurons);
    for (const [i, { id, text, logprob, neurons }] of (recorded.tokens ?? []).entries()) {
      lane.tokens.push({ id, text: String(text), logprob });
      if (neurons) lane.cells[trace.prompt.length + i] = cellsOf(neurons);
    }
    lane.score = recorded.score ?? undefined;
    lane.stopped = recorded.stopped;
    lane.limit = recorded.limit;
  }
  trace.promptRead = trace.prompt.length;
  trace.done = true;
  return trace;
}
