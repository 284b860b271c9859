// Deletes stored models that no page names any more. All deployments on an origin share one store (worker/store.js), so each
// leaves a note of the models that it names.

import { removeOthers } from "../worker/store.js";

const NOTE = "hneurons-models ";
const HERE = new URL("../../", import.meta.url).pathname;
const FORGET_AFTER = 180 * 86_400_000; // milliseconds; a deployment that nobody visits for so long is taken for gone

/** @param named the hashes of all models that this page names */
export async function tidyModels(named) {
  const all = new Set(named);
  try {
    localStorage.setItem(NOTE + HERE, JSON.stringify({ named, at: Date.now() }));
    for (const key of Object.keys(localStorage).filter((key) => key.startsWith(NOTE))) {
      const note = read(key);
      if (note) for (const sha of note.named) all.add(sha);
      else localStorage.removeItem(key);
    }
  } catch {
    return; // without notes it cannot be known what other deployments name
  }
  await removeOthers([...all]);
}

/** A note that can be read and is not too old, or null. */
function read(key) {
  try {
    const note = JSON.parse(localStorage.getItem(key));
    return Array.isArray(note.named) && Date.now() - note.at < FORGET_AFTER ? note : null;
  } catch {
    return null;
  }
}
