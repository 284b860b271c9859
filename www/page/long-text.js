// A conversation too long for the address would be lost on reload: the tab keeps it until then, where the browser allows that.

import { formatHash } from "../core/state.js";

const KEY = "hneurons-long-text";

/**
 * Keeps the conversation of these settings. False where the browser refuses.
 * @param {import("../core/types.js").Settings} settings
 */
export function keepText(settings) {
  const { prompt, then, more } = settings;
  try {
    sessionStorage.setItem(
      KEY,
      JSON.stringify({ hash: formatHash({ ...settings, run: false }), prompt, then, more }),
    );
    return true;
  } catch {
    return false;
  }
}

export function dropText() {
  try {
    sessionStorage.removeItem(KEY);
  } catch {
    // Then there is nothing in it.
  }
}

/**
 * The settings of an address, with the conversation that did not fit into it where the page was reloaded.
 * @param {import("../core/types.js").Settings} settings
 * @param {string} hash
 */
export function withKeptText(settings, hash) {
  try {
    const [entry] = performance.getEntriesByType("navigation");
    const { type } = /** @type {PerformanceNavigationTiming} */ (entry);
    if (type !== "reload" && type !== "back_forward") return settings;
    const kept = JSON.parse(sessionStorage.getItem(KEY) ?? "null");
    if (kept?.hash !== hash) return settings;
    const { prompt, then, more } = kept;
    return [prompt, then, ...more].every((turn) => typeof turn === "string")
      ? { ...settings, prompt, then, more }
      : settings;
  } catch {
    return settings;
  }
}
