// What lanes, factors and ends are called on the page. Pure.

/**
 * A lane's name as the page writes it.
 * @param {Pick<import("./types.js").Lane, "set" | "alpha" | "seed">} lane
 * @param {{set: string}[]} lanes
 */
export function laneName(lane, lanes) {
  const times = ` × ${lane.alpha}`;
  if (lane.set === "h") return `H-Neurons${times}`;
  if (lane.set === "custom") return `My selection${times}`;
  if (lane.set === "random") {
    const several = lanes.filter((other) => other.set === "random").length > 1;
    return `Random control${several && lane.seed !== undefined ? ` (seed ${lane.seed})` : ""}${times}`;
  }
  return "As trained";
}

/**
 * What a factor does, in words.
 * @param {number} alpha
 */
export function alphaWords(alpha) {
  if (alpha === 0) return "silenced";
  if (alpha < 1) return "turned down";
  if (alpha === 1) return "as trained";
  return "amplified";
}

/**
 * Why a lane ended, in words.
 * @param {{stopped?: string, limit?: string}} lane
 */
export function stopWords(lane) {
  if (lane.stopped === "eos") return "ended by itself";
  if (lane.stopped === "stop") return "stopped";
  if (lane.stopped === "length") {
    return lane.limit === "context" ? "the model’s context is full" : "reached the token limit";
  }
  return "";
}

/**
 * A log-probability in per cent.
 * @param {number} logprob
 */
export function chance(logprob) {
  const percent = 100 * Math.exp(logprob);
  return percent < 0.1 ? "under 0.1 %" : `${percent >= 99.95 ? "100" : percent.toFixed(1)} %`;
}
