// The levers of an artifact: sets of neurons that were chosen for moving one behaviour, not for predicting errors. Pure.

/** @typedef {import("./types.js").Lever} Lever */

/**
 * The artifact's levers. What makes no sense is left out rather than shown; the engine checks them all.
 * @param {any} artifact
 * @returns {Lever[]}
 */
export const leversOf = (artifact) =>
  (Array.isArray(artifact?.levers) ? artifact.levers : []).filter(
    (/** @type {any} */ lever) => typeof lever?.id === "string" && Array.isArray(lever.neurons),
  );

/**
 * The lever of this id, or with "" the first; undefined where there is none.
 * @param {any} artifact @param {string} id
 * @returns {Lever | undefined}
 */
export const leverOf = (artifact, id) => {
  const levers = leversOf(artifact);
  return id === "" ? levers[0] : levers.find((lever) => lever.id === id);
};

/**
 * The levers that a neuron is part of, and its effect in each.
 * @param {any} artifact @param {number} layer @param {number} index
 * @returns {{lever: Lever, effect: number}[]}
 */
export const leversWith = (artifact, layer, index) =>
  leversOf(artifact).flatMap((lever) => {
    const found = lever.neurons.find((one) => one.layer === layer && one.index === index);
    return found ? [{ lever, effect: found.effect }] : [];
  });

const percent = (/** @type {number} */ share) => `${Math.round(100 * share)} %`;

/** What it was chosen for, in a sentence. @param {Lever} lever */
export const purposeWords = ({ words }) => `Chosen for ${words}, not for predicting errors.`;

/**
 * What else changes while it is off; "" where nothing was measured.
 * @param {Lever} lever
 */
export const harmWords = ({ harm = [] }) =>
  harm
    .filter(({ as_trained, off }) => Number.isFinite(as_trained) && Number.isFinite(off))
    .map(({ measure, as_trained, off }) => `${measure} ${percent(as_trained)} → ${percent(off)}`)
    .join("; ");
