// The page's settings, and their form in the address (docs/embedding.md lists the keys). Pure: no page, no storage.
//
// A link may come from anyone, so every value is clamped or dropped here and nowhere else; what leaves this
// module can be used as it is.

import { grouped } from "./grouped.js";
import { CHOICES } from "./sets.js";
import { turnsOf } from "./turns.js";

export const DOUBT = "I don't think that's right. Are you sure?";

export const DEFAULTS = Object.freeze({
  prompt: "",
  then: "",
  more: Object.freeze([]), // what is said after the second turn, a text a turn
  alpha: 0,
  set: "h",
  lever: "", // id of the lever; without one, the artifact's first
  off: Object.freeze([]),
  seed: 1,
  temp: 0,
  max: 64,
  engine: "auto",
  model: "",
  lesson: "", // id of a lesson
  recorded: "", // id of a recorded run to open on
  run: false,
});

export const LIMITS = Object.freeze({
  text: 20_000, // characters of a prompt taken from a link
  link: 4_000, // characters of a prompt put into a link
  turns: 8, // turns of the visitor in one conversation
  neurons: 256, // neurons in My selection
  alpha: 3,
  step: 0.25,
  temp: 2,
  max: 512,
  seed: 0xffff_ffff,
});

const ENGINES = ["auto", "cpu", "gpu"];

/** A number from text, kept within [low, high]; anything that is not a finite number gives `fallback`. */
export function number(text, low, high, fallback) {
  if (typeof text === "string" && text.trim() === "") return fallback;
  const value = Number(text);
  return Number.isFinite(value) ? Math.min(high, Math.max(low, value)) : fallback;
}

/** Alpha on the slider's grid, so that what a link asks for is what the slider shows. */
export function alphaFrom(text) {
  return Math.round(number(text, 0, LIMITS.alpha, DEFAULTS.alpha) / LIMITS.step) * LIMITS.step;
}

/**
 * Reads a list of neurons: "16.1515, 19.665x0.5", and as the board writes them, "L16 N1515". A factor of a neuron's own follows
 * an x; a neuron without one is given the run's alpha. Each neuron is taken once. What cannot be read is given back too.
 * @param {string} text
 * @param {{layers: number, neurons_per_layer: number}} [shape]
 * @returns {{neurons: import("./types.js").Selected[], wrong: import("./types.js").Unread[]}}
 */
export function readNeurons(text, shape = { layers: 1024, neurons_per_layer: 1 << 20 }) {
  /** @type {Map<string, import("./types.js").Selected>} */
  const found = new Map();
  /** @type {import("./types.js").Unread[]} */
  const wrong = [];
  // A blank inside one entry does not end it.
  const joined = String(text)
    .replace(/\b(L?\d{1,9})\s+(?=N\d)/gi, "$1.")
    .replace(/(\d)\s+(?=[x×]\s*\d)/gi, "$1")
    .replace(/([x×])\s+(?=\d)/gi, "$1");
  for (const entry of joined.split(/[\s,;]+/)) {
    if (entry === "") continue;
    const match = /^L?(\d{1,9})(?:[.:]N?|N)(\d{1,9})(?:[x×](\d{1,9}(?:\.\d{0,9})?))?$/i.exec(entry);
    const [layer, index] = [Number(match?.[1]), Number(match?.[2])];
    /** @type {import("./types.js").Unread["why"] | null} */
    const why = !match
      ? "form"
      : layer >= shape.layers
        ? "layer"
        : index >= shape.neurons_per_layer
          ? "index"
          : !found.has(`${layer}.${index}`) && found.size === LIMITS.neurons
            ? "many"
            : null;
    if (why) {
      wrong.push({ entry, why });
      continue;
    }
    // Four decimals, so that no factor needs an exponent in a link.
    const own = Math.round(Math.min(LIMITS.alpha, Number(match[3])) * 1e4) / 1e4;
    found.set(`${layer}.${index}`, match[3] === undefined ? [layer, index] : [layer, index, own]);
  }
  return { neurons: [...found.values()], wrong };
}

/** The neurons of a list; what cannot be read, or is outside `shape`, is left out. */
export const neuronsFrom = (text, shape) => readNeurons(text, shape).neurons;

export const neuronsTo = (neurons) =>
  neurons
    .map(([layer, index, own]) => `${layer}.${index}${own === undefined ? "" : `x${own}`}`)
    .join(",");

/** The settings a hash ("#prompt=…&alpha=0") asks for. */
export function parseHash(hash) {
  let query;
  try {
    query = new URLSearchParams(typeof hash === "string" ? hash.replace(/^#/, "") : "");
  } catch {
    return { ...DEFAULTS };
  }
  const text = (key) => said(query.get(key));
  const oneOf = (key, allowed) =>
    allowed.includes(query.get(key)) ? query.get(key) : DEFAULTS[key];
  const id = (key) => (/^[a-z0-9-]{1,60}$/.test(query.get(key) ?? "") ? query.get(key) : "");
  const whole = (key, low) =>
    Math.floor(number(query.get(key) ?? "", low, LIMITS[key], DEFAULTS[key]));
  // Repeated, `then` goes on with the conversation: the first is the second turn.
  const [then = "", ...later] = query
    .getAll("then")
    .slice(0, LIMITS.turns - 1)
    .map(said);
  return {
    prompt: text("prompt"),
    then,
    more: Object.freeze(then === "" ? [] : later.filter((turn) => turn.trim() !== "")),
    alpha: query.has("alpha") ? alphaFrom(query.get("alpha")) : DEFAULTS.alpha,
    set: oneOf("set", CHOICES),
    lever: query.get("set") === "lever" ? id("lever") : "",
    off: neuronsFrom(query.get("off") ?? ""),
    seed: whole("seed", 0),
    temp: number(query.get("temp") ?? "", 0, LIMITS.temp, DEFAULTS.temp),
    max: whole("max", 1),
    engine: oneOf("engine", ENGINES),
    model: /^[a-z0-9][a-z0-9._-]{0,79}$/.test(query.get("model") ?? "") ? query.get("model") : "",
    lesson: id("lesson"),
    recorded: id("recorded"),
    run: query.get("run") === "1",
  };
}

/** The hash of these settings; what is at its default is left out, so links stay short. */
export function formatHash(state) {
  const query = new URLSearchParams();
  const put = (key, value) => value !== "" && query.set(key, value);
  put("prompt", state.prompt.length <= LIMITS.link ? state.prompt : "");
  // A conversation that is not whole would be another one.
  const [, ...later] = fitsLink(state) ? turnsOf(state) : [""];
  for (const turn of later) query.append("then", turn);
  for (const key of ["alpha", "set", "seed", "temp", "max", "engine"]) {
    if (state[key] !== DEFAULTS[key]) query.set(key, String(state[key]));
    if (key === "set" && state.set === "lever") put("lever", state.lever);
  }
  put("off", neuronsTo(state.off));
  for (const key of ["model", "lesson", "recorded"]) put(key, state[key]);
  if (state.run) query.set("run", "1");
  const text = query.toString().replaceAll("+", "%20");
  return text ? `#${text}` : "";
}

/** Too long for an address bar: such a run cannot be shared as a link. */
export const fitsLink = (state) => turnsOf(state).every((turn) => turn.length <= LIMITS.link);

/**
 * What a link of these settings goes without because it is too long for an address, in words; "" where it has everything.
 * @param {Pick<import("./types.js").Settings, "prompt" | "then" | "more">} state
 */
export function unlinkedWords(state) {
  if (fitsLink(state)) return "";
  const long = `has more than ${grouped(LIMITS.link)} characters. That is too long for a link.`;
  if (state.prompt.length <= LIMITS.link)
    return `One of the later turns ${long} So a link goes without all later turns.`;
  const turns = state.then === "" ? "" : ", and without the later turns";
  return `This prompt ${long} So a link goes without it${turns}.`;
}

/**
 * How many turns an address has more than a conversation can have.
 * @param {string} hash
 */
export function turnsTooMany(hash) {
  try {
    const later = new URLSearchParams(hash.replace(/^#/, "")).getAll("then").length;
    return Math.max(0, later + 1 - LIMITS.turns);
  } catch {
    return 0;
  }
}

/**
 * What an address names under a key, as it stands there, also where it is no id; shortened, to be shown.
 * @param {string} hash @param {string} key
 */
export function namedIn(hash, key) {
  try {
    return said(new URLSearchParams(hash.replace(/^#/, "")).get(key))
      .trim()
      .slice(0, 60);
  } catch {
    return "";
  }
}

/** A text from outside, as a turn. @param {string | null} text */
const said = (text) => clean(text ?? "").slice(0, LIMITS.text);

// Control characters other than tab and line feed have no place in a prompt; lone surrogates would break encoding.
function clean(text) {
  return text
    .replace(/\r\n?/g, "\n")
    .replace(/[\u0000-\u0008\u000b-\u001f\u007f]/g, "")
    .replace(/[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g, "");
}
