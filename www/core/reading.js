// What the detector's reading may be called, by the artifact it comes from. Pure.

/** From here on a reading is called likely right (below the first) or likely wrong (above the second). */
export const UNSURE = Object.freeze([1 / 3, 2 / 3]);

/**
 * Whether the reading may be called a chance: the detector is calibrated, and the artifact is not a first version.
 * @param {any} artifact
 */
export function isCalibrated(artifact) {
  const { slope, intercept } = artifact?.detector?.calibration ?? {};
  return artifact?.provisional !== true && Number.isFinite(slope) && Number.isFinite(intercept);
}

/**
 * The line below a reading. Without an artifact nothing is claimed.
 * @param {any} artifact
 */
export function readingWords(artifact) {
  if (!artifact) return "The detector’s reading of this answer";
  if (artifact.provisional === true) return "A first version’s reading of the answer so far";
  if (isCalibrated(artifact)) return "Estimated chance that it is wrong";
  return "The detector’s reading: higher is more like wrong answers, but it is not a chance";
}

/**
 * What a reading says: in words, and as a number.
 * @param {number} score 0 to 1
 * @param {any} artifact
 * @returns {{zone: "right" | "unsure" | "wrong", words: string, value: string}}
 */
export function readingOf(score, artifact) {
  const zone = score < UNSURE[0] ? "right" : score > UNSURE[1] ? "wrong" : "unsure";
  // What is not calibrated is no chance, and is not said in per cent.
  if (artifact && !isCalibrated(artifact))
    return { zone, words: "Reading", value: score.toFixed(2) };
  const words = { right: "Likely right", unsure: "Unsure", wrong: "Likely wrong" }[zone];
  return { zone, words, value: percent(score) };
}

/**
 * Whole per cent, but never a certainty that nobody has.
 * @param {number} score
 */
function percent(score) {
  const whole = Math.round(100 * score);
  if (whole < 1) return "under 1 %";
  return whole > 99 ? "over 99 %" : `${whole} %`;
}
