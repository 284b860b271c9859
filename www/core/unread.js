// What is said of the entries of a list of neurons that were not taken. Pure.

import { LIMITS } from "./state.js";

/**
 * Why entries of a list were not taken, in one or two sentences; "" where all were.
 * @param {import("./types.js").Unread[]} wrong
 * @param {{layers: number, neurons_per_layer: number}} shape
 */
export function wrongNeurons(wrong, { layers, neurons_per_layer }) {
  if (wrong.length === 0) return "";
  const [{ entry, why }] = wrong;
  const named = `“${entry.length > 24 ? `${entry.slice(0, 24)}…` : entry}”`;
  const others = wrong.length > 1 ? ` (and ${wrong.length - 1} more)` : "";
  const reason = {
    form: `${named}${others} cannot be read. Write layer.neuron, for example 16.1515 or L16 N1515.`,
    layer: `There is no layer of ${named}${others}. This model has layers 0 to ${layers - 1}.`,
    index: `There is no neuron ${named}${others}. Each layer of this model has neurons 0 to ${neurons_per_layer - 1}.`,
    many: `My selection takes ${LIMITS.neurons} neurons. Left out: ${named}${others}.`,
  };
  return reason[why];
}
