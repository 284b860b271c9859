// The list of the models that this page has an artifact of. Apart from artifact.js because an embed states a model's
// size before it needs the artifact.

const folder = new URL("../artifacts/", import.meta.url);

/** @returns {Promise<{id: string, artifact: string, bytes?: number}>} the entry of `wanted`, or of the default model */
export async function listed(wanted) {
  const index = await getJson(new URL("index.json", folder));
  const models = Array.isArray(index.json.models) ? index.json.models : [];
  const entry = models.find((model) => model.id === wanted) ?? models.find((model) => model.id === index.json.default);
  if (!entry) throw new Error("The list of models (www/artifacts/index.json) names no default model.");
  return entry;
}

/** The text of an entry's artifact, and what it says. */
export const artifactOf = (entry) => getJson(new URL(entry.artifact, folder));

async function getJson(url) {
  let response;
  try {
    response = await fetch(url);
  } catch {
    throw new Error(`${url.pathname} could not be fetched: the network failed. Check the connection and reload.`);
  }
  if (!response.ok) throw new Error(`${url.pathname} could not be fetched (HTTP ${response.status}). Reload the page, or deploy it again.`);
  const text = await response.text();
  try {
    return { text, json: JSON.parse(text) };
  } catch {
    throw new Error(`${url.pathname} is not JSON. The host answered with another page; deploy the file again.`);
  }
}
