// What the page opens with: the recorded run, and, where an embed was looked at before it was touched, the settings that
// its first view (preview.js) hands to the page.

import { fromRecording } from "../core/trace.js";

/** `state` is null where there was no first view: the page then reads its address. */
export const opening = { state: null };

const OPENING_RUN = "france";
const found = new Map(); // id -> promise, so that the page does not fetch what the first view has

/** The recorded run of this id, or the one that the page opens with; null, said in the console, where there is none. */
export function recordedRun(id) {
  const name = id || OPENING_RUN;
  if (!found.has(name)) found.set(name, load(name));
  return found.get(name);
}

async function load(name) {
  try {
    const response = await fetch(new URL(`../traces/${name}.json`, import.meta.url));
    if (response.ok) return fromRecording(await response.json());
    throw new Error(`HTTP ${response.status}`);
  } catch (error) {
    console.warn(`No recorded run “${name}” to show:`, error.message);
    return name === OPENING_RUN ? null : recordedRun("");
  }
}
