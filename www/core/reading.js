// What the detector's reading may be called, by the artifact it comes from. Pure.

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
  if (!artifact) return "Detector reading of this answer";
  if (artifact.provisional === true) return "Provisional detector reading, over the answer so far";
  if (isCalibrated(artifact))
    return "Estimated chance that this answer is wrong, for questions like those it was fitted on";
  return "Detector reading, over the answer so far: higher is more like wrong answers, but it is not a chance";
}
