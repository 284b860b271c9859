// What is asked of the engine: the three lanes of a run, and its messages. Pure.

import { setOf } from "./sets.js";
import { turnsOf } from "./turns.js";

/** How many neurons a board shows of a model whose H-Neurons are not known. */
export const LARGEST = 40;

/**
 * The set that settings name, as a lane is asked for it, and what its random control is asked with.
 * @param {Pick<import("./types.js").Settings, "set" | "off" | "lever">} state
 * @returns {[own: Omit<import("./types.js").LaneRequest, "alpha">, control: Omit<import("./types.js").LaneRequest, "alpha">]}
 */
export function setFor(state) {
  switch (setOf(state)) {
    case "custom": {
      const own = selectionOf(state.off);
      return [
        { set: "custom", ...own },
        { set: "random", ...controlOf(own) },
      ];
    }
    case "lever": {
      const { lever } = state;
      return lever
        ? [
            { set: "lever", lever },
            { set: "random", control_of: `lever:${lever}`, lever },
          ]
        : [{ set: "lever" }, { set: "random", control_of: "lever" }];
    }
    default:
      return [{ set: "h" }, { set: "random", control_of: "h" }];
  }
}

/**
 * The lanes of a run. Every effect stands beside its control: the third lane is always a random set with the
 * same number of neurons in each layer as the set in the middle.
 * @param {import("./types.js").Settings} state
 * @returns {import("./types.js").LaneRequest[]}
 */
export function lanesFor(state) {
  const { alpha, seed } = state;
  /** @type {import("./types.js").LaneRequest} */
  const trained = { set: "none", alpha: 1 };
  const [own, control] = setFor(state);
  if (state.set === "random") {
    const next = seed >= 0xffff_ffff ? 0 : seed + 1;
    return [trained, { ...control, alpha, seed }, { ...control, alpha, seed: next }];
  }
  // Nothing is turned: as trained is all there is.
  if (state.set === "custom" && state.off.length === 0) return [trained];
  return [trained, { ...own, alpha }, { ...control, alpha, seed }];
}

/**
 * My selection as a lane has it: `factors` beside the neurons where one has a factor of its own (null: the lane's alpha).
 * @param {readonly import("./types.js").Selected[]} off
 * @returns {{neurons: import("./types.js").Neuron[], factors?: (number | null)[]}}
 */
export function selectionOf(off) {
  /** @type {import("./types.js").Neuron[]} */
  const neurons = off.map(([layer, index]) => [layer, index]);
  return off.some(([, , own]) => own !== undefined)
    ? { neurons, factors: off.map(([, , own]) => own ?? null) }
    : { neurons };
}

/**
 * A control of a selection takes over its factors, layer by layer.
 * @param {{neurons: import("./types.js").Neuron[], factors?: (number | null)[]}} selection
 * @returns {{control_of: import("./types.js").Neuron[], factors?: (number | null)[]}}
 */
export function controlOf({ neurons, factors }) {
  return factors ? { control_of: neurons, factors } : { control_of: neurons };
}

/**
 * The conversation up to the turn after `answers`. They are those as trained, and go into every lane: so all lanes go on from
 * the same words.
 * @param {Pick<import("./types.js").Settings, "prompt" | "then" | "more">} state
 * @param {readonly string[]} [answers] to the turns before
 * @returns {import("./types.js").Message[]}
 */
export function messagesFor(state, answers = []) {
  return turnsOf(state)
    .slice(0, answers.length + 1)
    .flatMap((content, i) => [
      { role: "user", content },
      ...(i < answers.length ? [{ role: "assistant", content: answers[i] }] : []),
    ]);
}

/**
 * @param {import("./types.js").Settings} state
 * @param {import("./types.js").Message[]} messages
 * @param {import("./types.js").LaneRequest[]} [lanes]
 * @param {{plain?: boolean, model?: {raw?: boolean}}} [artifact] of the model that is asked
 * @returns {import("./types.js").RunRequest}
 */
export function requestFor(state, messages, lanes = lanesFor(state), artifact = {}) {
  return {
    messages,
    lanes,
    max_tokens: state.max,
    temperature: state.temp,
    seed: state.seed,
    ...(artifact.model?.raw ? { raw: true } : {}),
    // Where no H-Neurons are known, those are shown that contribute most.
    ...(artifact.plain ? { show_largest: LARGEST } : {}),
  };
}

export { alphaWords, factorWords, laneName, stopWords } from "./words.js";
