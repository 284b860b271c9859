// What the engine's choice is called on the page. Pure: takes what `Lab.choose` gave, {engine, cpu, gpu, adapter, refused},
// and `lost` where the GPU was lost later.

/**
 * @typedef {object} Chosen
 * @property {"cpu" | "gpu"} engine
 * @property {number | null} [cpu] tokens a second
 * @property {number | null} [gpu]
 * @property {string | null} [adapter]
 * @property {string | null} [refused] why the GPU does not serve
 * @property {boolean} [lost]
 */

const NAMES = { cpu: "CPU", gpu: "WebGPU" };
const tokens = (/** @type {number} */ speed) =>
  speed >= 10 ? Math.round(speed) : speed.toFixed(1);

/**
 * For the status line: "WebGPU · 212 tok/s". An engine that was not measured has no number.
 * @param {Chosen} chosen
 */
export function statusWords(chosen) {
  const speed = chosen[chosen.engine] ?? 0;
  return NAMES[chosen.engine] + (speed > 0 ? ` · ${tokens(speed)} tok/s` : "");
}

/**
 * Which engine runs, what was measured, and why the GPU does not serve, in sentences.
 * @param {Chosen} chosen
 */
export function engineWords(chosen) {
  const engines = /** @type {const} */ (["cpu", "gpu"]);
  const measured = engines.flatMap((name) => {
    const speed = chosen[name] ?? 0;
    return speed > 0 ? [`${NAMES[name]} ${tokens(speed)}`] : [];
  });
  const said = [`In use: ${NAMES[chosen.engine]}.`];
  if (measured.length > 0)
    said.push(`Measured, in tokens a second for each of three answers: ${measured.join(", ")}.`);
  if (chosen.adapter) said.push(`Adapter: ${chosen.adapter}.`);
  if (chosen.refused) said.push(refusal(chosen));
  if (chosen.lost)
    said.push(
      `${chosen.refused ? "" : "The GPU was lost. "}Choose an engine again to try it once more.`,
    );
  return said.join(" ");
}

/**
 * Why the GPU was not used although it was wanted.
 * @param {Chosen} chosen
 */
export const refusal = (chosen) =>
  `The GPU is not used: ${(chosen.refused ?? "").replace(/[.\s]+$/, "")}.`;
