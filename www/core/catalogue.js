// The catalogue of models (www/models/index.json): what the page must know of a model before it has it. A model whose H-Neurons
// are not published runs too: what stands in its artifact's place knows the model, and no neuron.

import { getJson } from "./artifact.js";
import { listed } from "./words.js";

/**
 * @typedef {object} Model an entry of the catalogue
 * @property {string} id
 * @property {string} name
 * @property {string} architecture
 * @property {string} quantization
 * @property {number} layers
 * @property {number} neurons_per_layer
 * @property {number} bytes
 * @property {string} sha256
 * @property {string} file its name
 * @property {string[]} urls
 * @property {{name: string, url: string}} license
 * @property {string | null} artifact
 * @property {boolean} raw it goes on with a text instead of answering messages
 * @property {number} memory_gib the least memory of a device that can run it
 * @property {string} hint
 */

const place = new URL("../models/index.json", import.meta.url);

/** @type {Promise<{default: string, models: Model[]}> | null} */
let coming = null;

/** The catalogue, fetched once. */
export function catalogue() {
  coming ??= getJson(place).then(({ json }) => json);
  coming.catch(() => (coming = null)); // the next one who asks tries again
  return coming;
}

/** The memory of this device in GiB, as far as the browser says it. */
export const memoryHere = () =>
  /** @type {{deviceMemory?: number}} */ (globalThis.navigator ?? {}).deviceMemory;

/**
 * Whether a device has too little memory for a model. One of which nothing is known may try.
 * @param {Pick<Model, "memory_gib">} model
 * @param {number | undefined} memory in GiB
 */
export const isTooLarge = ({ memory_gib }, memory) => memory !== undefined && memory < memory_gib;

/**
 * Why a model is not loaded here, and which are smaller; "" where it may be.
 * @param {Model} model
 * @param {Model[]} models
 * @param {number | undefined} memory
 */
export function refusedWords(model, models, memory) {
  if (!isTooLarge(model, memory)) return "";
  const fitting = models.filter((other) => !isTooLarge(other, memory));
  const instead = fitting.length > 0 ? ` Choose a smaller one: ${namesOf(fitting)}.` : "";
  return `${model.name} needs a device with ${model.memory_gib} GB of memory. This one has ${memory} GB.${instead}`;
}

/** @param {Model[]} models */
const namesOf = (models) =>
  listed(models.map(({ name }) => name)).replace(/ and (?=[^,]*$)/, " or ");

/**
 * The models that need less memory than one, in a sentence; "" where there is none.
 * @param {string} id
 * @param {Model[]} models
 */
export function smallerWords(id, models) {
  const bytes = models.find((model) => model.id === id)?.bytes ?? Infinity;
  const smaller = models.filter((model) => model.bytes < bytes);
  return smaller.length > 0 ? `A smaller model may fit: ${namesOf(smaller)}.` : "";
}

/**
 * What stands in the place of a model's artifact: the model as an artifact describes it, and no H-Neuron.
 * @param {Model} model
 * @param {Model[]} models
 */
export function withoutArtifact(model, models) {
  const { id, name, quantization, layers, neurons_per_layer, license } = model;
  return {
    id,
    text: "",
    json: {
      plain: true,
      neurons: [],
      model: {
        ...model,
        name: `${name} (${quantization})`,
        license: license.name,
        license_url: license.url,
        neuron_count: layers * neurons_per_layer,
        refused: refusedWords(model, models, memoryHere()),
      },
    },
  };
}
