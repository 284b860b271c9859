// Finds and reads the artifact: the published file of one model's H-Neurons. The page shows nothing about the
// H-Neurons that is not in it; the engine checks it again against the model it has loaded.

/**
 * @typedef {object} Entry of the list of models
 * @property {string} id
 * @property {string} artifact
 * @property {{title: string, address: string}} [try] a run of its gallery that is offered beside other models' runs, and the
 *     settings that show it (after "#", without the model)
 */

const folder = new URL("../artifacts/", import.meta.url);

/**
 * The artifact of `wanted`, or of the default model. A model of the catalogue whose H-Neurons are not published has one that is
 * `plain` and knows none (catalogue.js). `named` gives the hashes of all models that this page names, or null
 * where they cannot be known. `others`: the models of the list beside this one.
 * @param {string} [wanted]
 * @returns {Promise<{id: string, text: string, json: any, others: Entry[], named: () => Promise<string[] | null>}>}
 */
export async function loadArtifact(wanted) {
  const index = await getJson(new URL("index.json", folder));
  /** @type {Entry[]} */
  const models = Array.isArray(index.json.models) ? index.json.models : [];
  const published = models.find((model) => model.id === wanted);
  if (wanted && !published) {
    const { catalogue, withoutArtifact } = await import("./catalogue.js");
    const all = (await catalogue()).models;
    const model = all.find(({ id }) => id === wanted);
    if (model) {
      const named = () => hashesOf(models, null, null);
      return { ...withoutArtifact(model, all), others: models, named };
    }
  }
  const entry = published ?? models.find((model) => model.id === index.json.default);
  if (!entry)
    throw new Error("The list of models (www/artifacts/index.json) names no default model.");
  const artifact = await getJson(new URL(entry.artifact, folder));
  if (
    artifact.json.schema !== "hneurons/1" ||
    !artifact.json.model ||
    !Array.isArray(artifact.json.neurons)
  ) {
    throw new Error(
      `The artifact ${entry.artifact} is not of schema hneurons/1. Deploy the artifact that belongs to this page.`,
    );
  }
  const others = models.filter((model) => model !== entry);
  return { ...artifact, id: entry.id, others, named: () => hashesOf(models, entry, artifact) };
}

/**
 * @param {Entry[]} models
 * @param {Entry | null} loaded
 * @param {{json: any} | null} artifact of the loaded model
 */
async function hashesOf(models, loaded, artifact) {
  try {
    const { catalogue } = await import("./catalogue.js");
    const others = (await catalogue()).models.map(({ sha256 }) => sha256);
    const own = await Promise.all(
      models.map(async (entry) => {
        const { json } =
          entry === loaded && artifact ? artifact : await getJson(new URL(entry.artifact, folder));
        return json.model.sha256;
      }),
    );
    return [...own, ...others];
  } catch {
    return null;
  }
}

/**
 * @param {URL} url
 * @returns {Promise<{text: string, json: any}>}
 */
export async function getJson(url) {
  let response;
  try {
    response = await fetch(url);
  } catch {
    throw new Error(
      `${url.pathname} could not be fetched: the network failed. Check the connection and reload.`,
    );
  }
  if (!response.ok)
    throw new Error(
      `${url.pathname} could not be fetched (HTTP ${response.status}). Reload the page, or deploy it again.`,
    );
  const text = await response.text();
  try {
    return { text, json: JSON.parse(text) };
  } catch {
    throw new Error(
      `${url.pathname} is not JSON. The host answered with another page; deploy the file again.`,
    );
  }
}
