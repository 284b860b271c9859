// Finds and reads the artifact: the published file of one model's H-Neurons. The page shows nothing about the
// H-Neurons that is not in it; the engine checks it again against the model it has loaded.

import { artifactOf, listed } from "./models.js";

/** @returns {Promise<{text: string, json: object}>} the artifact of `wanted`, or of the default model */
export async function loadArtifact(wanted) {
  const entry = await listed(wanted);
  const artifact = await artifactOf(entry);
  if (artifact.json.schema !== "hneurons/1" || !artifact.json.model || !Array.isArray(artifact.json.neurons)) {
    throw new Error(`The artifact ${entry.artifact} is not of schema hneurons/1. Deploy the artifact that belongs to this page.`);
  }
  return artifact;
}
