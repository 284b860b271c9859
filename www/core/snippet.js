// The markup that puts these settings into another page. Pure. A prompt may hold anything, so every value is written as
// an attribute's text, whatever it is.

import { DEFAULTS, formatHash, neuronsTo } from "./state.js";

/** Text as it stands between an attribute's double quotes. Line breaks too: editors of blog posts like to lose them. */
export const attribute = (text) =>
  String(text).replace(
    /[&<>"\n\r\t]/g,
    (sign) =>
      ({ "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" })[sign] ??
      `&#${sign.charCodeAt(0)};`,
  );

/** The settings as attributes of <h-neurons>: what is at its default is left out. */
function settings(state) {
  // An attribute cannot be repeated, as the key `then` of an address can.
  const more = state.then !== "" && state.more.length > 0 ? JSON.stringify(state.more) : "";
  const values = { ...state, off: neuronsTo(state.off), more };
  return [
    "prompt",
    "then",
    "more",
    "alpha",
    "set",
    "lever",
    "off",
    "seed",
    "temp",
    "max",
    "engine",
    "model",
    "lesson",
    "recorded",
  ]
    .filter((key) => key === "alpha" || (values[key] !== DEFAULTS[key] && values[key] !== ""))
    .map((key) => [key, values[key]]);
}

/**
 * @param {import("./types.js").Settings} state
 * @param {object} options
 * @param {string[]} options.hide panels
 * @param {number} options.height CSS pixels, or 0 for as high as the content
 * @param {boolean} options.run start at once where the model is in the reader's browser
 * @param {string} base the page's address, without query and hash
 */
export function elementSnippet(state, { hide, height, run }, base) {
  const attributes = settings(state);
  if (run) attributes.push(["run", ""]);
  if (hide.length > 0) attributes.push(["hide", hide.join(",")]);
  if (height > 0) attributes.push(["height", height]);
  const script = `<script async src="${attribute(new URL("embed.js", base))}"></script>`;
  // Where scripts do not run (a feed reader, a mail) the link is what is left.
  const link = `<a href="${attribute(base + formatHash({ ...state, run: false }))}">Open in H-Neuron Lab</a>`;
  return `${script}\n<h-neurons ${attributes.map(([name, value]) => (value === "" ? name : `${name}="${attribute(value)}"`)).join(" ")}>${link}</h-neurons>`;
}

/** The same settings as a plain iframe: nothing in it runs on the host's page, and it cannot resize itself. */
export function frameSnippet(state, { hide, height, run }, base) {
  const query = new URLSearchParams({ embed: "1" });
  if (hide.length > 0) query.set("hide", hide.join(","));
  const src = `${base}?${query.toString().replaceAll("%2C", ",")}${formatHash({ ...state, run })}`;
  return `<iframe src="${attribute(src)}" title="H-Neuron Lab" width="100%" height="${height > 0 ? height : 720}" loading="lazy" allow="clipboard-write" style="border: 0"></iframe>`;
}
