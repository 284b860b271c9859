// The gallery's list, and what is said over all of it. Apart from gallery.js because an embed's first view has no use for it.

import { json } from "./gallery.js";

/** The list of a model's recorded runs: `index.json`. Throws with a plain message where there is none. */
export async function loadIndex(model) {
  const index = await json(model, "index");
  if (index?.schema !== "hneurons-gallery/1" || !Array.isArray(index.runs))
    throw new Error("The list of recorded runs is not one this page can read.");
  return index;
}
