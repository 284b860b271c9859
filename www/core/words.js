// What lanes, factors and ends are called on the page. Pure.

import { setWords } from "./sets.js";

/**
 * A factor as the page writes it: "off", "× 0.5".
 * @param {number} alpha
 */
export const factorWords = (alpha) => (alpha === 0 ? "off" : `× ${alpha}`);

/**
 * At which factors, in words: "when off, and at × 2 and × 3".
 * @param {number[]} alphas
 */
export function atWords(alphas) {
  const on = alphas.filter((alpha) => alpha !== 0).map((alpha) => `×\u00a0${alpha}`);
  const at = on.length > 0 ? [`at ${listed(on)}`] : [];
  return [...(alphas.includes(0) ? ["when off"] : []), ...at].join(", and ");
}

/**
 * "a, b and c"
 * @param {string[]} words
 */
export const listed = (words) =>
  words.length < 2 ? words.join("") : `${words.slice(0, -1).join(", ")} and ${words.at(-1)}`;

/**
 * A lane's name as the page writes it: "As trained", "H-Neurons off", "Random 41 × 2".
 * @param {{set: string, alpha: number, lever?: string, seed?: number, neurons?: unknown[]}} lane
 * @param {{set: string}[]} lanes
 */
export function laneName(lane, lanes) {
  const { name, chosen } = setWords(lane);
  if (chosen) return `${name} ${factorWords(lane.alpha)}`;
  if (lane.set !== "random") return name;
  const several = lanes.filter((other) => other.set === "random").length > 1;
  const seed = several && lane.seed !== undefined ? ` (seed ${lane.seed})` : "";
  return `Random ${lane.neurons?.length ?? "neurons"}${seed} ${factorWords(lane.alpha)}`;
}

/**
 * What a factor does, in words.
 * @param {number} alpha
 */
export function alphaWords(alpha) {
  if (alpha === 0) return "silenced";
  if (alpha < 1) return "turned down";
  if (alpha === 1) return "as trained";
  return "turned up";
}

/**
 * Why a lane ended, in words.
 * @param {{stopped?: string, limit?: string, tokens?: unknown[]}} lane
 */
export function stopWords({ stopped, limit, tokens }) {
  if (stopped === "eos") return "Finished";
  if (stopped === "stop") return "Stopped";
  if (stopped !== "length") return "";
  if (limit === "context") return "The model can read no further";
  const count = tokens?.length;
  return count ? `Cut off at ${count} ${count === 1 ? "token" : "tokens"}` : "Cut off";
}

/**
 * A log-probability in per cent.
 * @param {number} logprob
 */
export function chance(logprob) {
  const percent = 100 * Math.exp(logprob);
  return percent < 0.1 ? "under 0.1 %" : `${percent >= 99.95 ? "100" : percent.toFixed(1)} %`;
}
