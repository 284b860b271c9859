// The engine's worker: holds the wasm module and the model, so that the page never waits for a token.
//
// Page -> worker: {id, type: "load" | "choose" | "run" | "activity" | "next", …}, one at a time: the next when the last is answered
//   (core/engine.js); {type: "stop"} and {type: "cancel"}, for the one at work
// Worker -> page: {id, type: "done" | "error", value} once for each question, before it any number of
//   "progress" (load, choose), "notice" (load), "started", "step" (run), "lost" (activity, next); and of itself {type: "resources",
//   value: [urls]}, for offline use, and {type: "fault", value: error}, after which only a new worker helps.

import { builds, NO_SIMD } from "./simd.js";
import { DownloadError, loadModel } from "./model.js";

/** @type {any} */
let wasm = null; // the module, once
/** @type {any} */
let lab = null; // its Lab (src/web.rs), when a model is loaded
/** @type {AbortController | null} */
let loading = null; // of the load under way
let stopping = false;

const NOT_LOADED = "The model is not loaded. Press “Run” again to load it.";

/**
 * @param {number | undefined} id
 * @param {string} type
 * @param {unknown} value
 */
const post = (id, type, value) => self.postMessage({ id, type, value });

self.onmessage = async ({ data: { id, type, ...options } }) => {
  if (type === "stop") return void (stopping = true);
  if (type === "cancel") return loading?.abort();
  try {
    /** @type {Record<string, (id: number, options: any) => Promise<unknown>>} */
    const acts = { load, choose, run, activity, next };
    post(id, "done", await acts[type](id, options));
  } catch (error) {
    post(id, "error", described(error));
  }
};

// What fails where nobody waits for it: a trap in a callback of the module leaves its own promise open for ever.
self.addEventListener("error", (event) => {
  event.preventDefault();
  post(undefined, "fault", described(event.error ?? new Error(event.message), true));
});
self.addEventListener("unhandledrejection", (event) => {
  if (!hasTrapped(event.reason)) return;
  event.preventDefault();
  post(undefined, "fault", described(event.reason, true));
});

/**
 * @param {number} id
 * @param {object} options
 * @param {string} options.artifact its text; "" for a model whose H-Neurons are not known
 * @param {import("./model.js").Wanted["model"]} options.model
 * @param {string[]} options.sources
 * @param {File} [options.file]
 * @param {string} options.engine "auto", "cpu" or "gpu"
 */
async function load(id, { artifact, model, sources, file, engine }) {
  loading = new AbortController();
  const { signal } = loading;
  try {
    const { ModelBuffer } = await module(id);
    signal.throwIfAborted();
    lab?.free?.();
    lab = null;
    const loaded = await loadModel({
      ModelBuffer,
      model,
      sources,
      file,
      signal,
      progress: (value) => post(id, "progress", value),
      notice: (text) => post(id, "notice", text),
    });
    try {
      const about = artifact ? loaded.set_artifact(artifact) : null;
      signal.throwIfAborted();
      const chosen = await measured(id, loaded, engine);
      signal.throwIfAborted();
      lab = loaded;
      return { artifact: about, ...chosen };
    } catch (error) {
      loaded.free?.();
      throw error;
    }
  } finally {
    loading = null;
  }
}

/**
 * Another engine for the model that is loaded.
 * @param {number} id
 * @param {{engine: string}} options
 */
async function choose(id, { engine }) {
  if (!lab) throw new Error(NOT_LOADED);
  return measured(id, lab, engine);
}

// While this is under way nothing else may be asked of the lab, and it cannot be interrupted: a page that gives up ends
// this worker.
/**
 * @param {number} id
 * @param {any} lab
 * @param {string} engine
 */
async function measured(id, lab, engine) {
  const engines = engine === "cpu" || engine === "gpu" ? [engine] : ["cpu", "gpu"];
  const possible = engines.filter((name) => name === "cpu" || navigator.gpu);
  post(id, "progress", {
    phase: "measure",
    done: 0,
    total: 0,
    engines: possible.length > 0 ? possible : ["cpu"],
  });
  await turn();
  const chosen = await lab.choose(engine);
  return { info: lab.info(), chosen };
}

/** @param {number} id */
async function module(id) {
  if (wasm) return wasm;
  const choices = builds();
  if (choices.length === 0) throw Object.assign(new Error(NO_SIMD), { kind: "unsupported" });
  post(id, "progress", { phase: "engine", done: 0, total: 0 });
  let failure;
  for (const choice of choices) {
    const script = new URL(`../../pkg/${choice}/hneurons.js`, import.meta.url);
    try {
      const loaded = await import(script.href);
      await loaded.default({ module_or_path: new URL("hneurons_bg.wasm", script) });
      post(
        undefined,
        "resources",
        performance.getEntriesByType("resource").map((entry) => entry.name),
      );
      return (wasm = loaded);
    } catch (error) {
      failure = error;
    }
  }
  throw new Error(
    `The engine could not be loaded (${failure.message}). Check the connection and press “Retry”; if this is your own copy of the page, build it first.`,
  );
}

/**
 * @param {number} id
 * @param {{request: import("../core/types.js").RunRequest}} options
 */
async function run(id, { request }) {
  if (!lab) throw new Error(NOT_LOADED);
  stopping = false;
  post(id, "started", await started(request));
  for (;;) {
    await turn(); // lets a waiting "stop" in
    const last = stopping; // as it is now: it may change while a step runs
    const step = last ? lab.stop() : await lab.step();
    if (step.notice) step.info = lab.info(); // the engine is another one now
    post(id, "step", step);
    if (step.done || last) return {};
  }
}

/**
 * Starts a run. For one that is to show the neurons that contribute most, the prompt is read once before, to find them: they
 * are those of the model as trained, where the answer begins.
 * @param {import("../core/types.js").RunRequest} request
 */
async function started({ show_largest: count, ...request }) {
  const begun = lab.start(request);
  if (!count) return begun;
  const at = begun.prompt.length - 1;
  const lane = { set: "none", alpha: 1 };
  const { messages, raw = false } = request;
  const all = await lab.activity({ messages, raw, tokens: [], lane, at });
  return lab.start({ ...request, show: largest(all, lab.info().neurons_per_layer, count) });
}

/**
 * The neurons of the largest contributions, the largest first.
 * @param {Float32Array} all row-major by layer
 * @param {number} perLayer
 * @param {number} count
 * @returns {[number, number][]}
 */
function largest(all, perLayer, count) {
  const order = Array.from(all.keys()).sort((a, b) => all[b] - all[a]);
  return order.slice(0, count).map((i) => [Math.floor(i / perLayer), i % perLayer]);
}

/** @typedef {{messages: import("../core/types.js").Message[], tokens: number[], lane: import("../core/types.js").LaneRequest, at: number, raw?: boolean}} Reading */

/**
 * All neurons at one position of one lane.
 * @param {number} id
 * @param {Reading} reading
 */
const activity = (id, reading) => readAgain(id, "activity", reading);

/**
 * The most probable tokens after one position of one lane.
 * @param {number} id
 * @param {Reading} reading
 */
const next = (id, reading) => readAgain(id, "next", reading);

/**
 * @param {number} id
 * @param {"activity" | "next"} what
 * @param {Reading} reading
 */
async function readAgain(id, what, { messages, tokens, lane, at, raw }) {
  if (!lab) throw new Error(NOT_LOADED);
  if (!lab[what])
    throw Object.assign(
      new Error(
        "This engine cannot read a run again. Deploy the engine that belongs to this page.",
      ),
      { kind: "input" },
    );
  const values = await lab[what]({ messages, tokens, lane, at, raw });
  const notice = lab.take_notice?.();
  if (notice) post(id, "lost", { notice, info: lab.info() }); // the engine is another one now
  return values;
}

// A turn of the event loop, without the 4 ms that nested timers cost.
const channel = new MessageChannel();
/** @type {(() => void)[]} */
const waiting = [];
channel.port1.onmessage = () => waiting.shift()?.();
/** @returns {Promise<void>} */
function turn() {
  return new Promise((resolve) => {
    waiting.push(resolve);
    channel.port2.postMessage(0);
  });
}

/**
 * Whether the module itself failed: by a trap, or for want of stack (Chromium and Firefox have different names for that).
 * @param {any} error
 */
const hasTrapped = (error) =>
  (typeof WebAssembly === "object" && error instanceof WebAssembly.RuntimeError) ||
  /call stack|too much recursion/.test(error?.message);

/**
 * @param {any} error
 * @param {boolean} [fatal] whether only a new worker helps, whatever it was
 * @returns {import("../core/types.js").Failure}
 */
function described(error, fatal = false) {
  if (error?.name === "AbortError") return { message: "Loading was cancelled.", kind: "cancelled" };
  const kind = error?.kind ?? (error instanceof DownloadError ? "download" : "internal");
  // A trap leaves the module's memory in an unknown state: only a new worker is safe. What a panic says, the module has
  // left here (src/web.rs).
  const trapped = hasTrapped(error);
  const { hneuronsPanic: panic } = /** @type {{hneuronsPanic?: string}} */ (self);
  const said = error?.message || String(error);
  const stopped =
    trapped && panic
      ? `The engine stopped on a fault of its own: ${panic}. Restart it to go on; the model does not have to be downloaded again. If it happens again, please report this text.`
      : `The engine stopped unexpectedly (${said}). Restart it to go on; the model does not have to be downloaded again.`;
  return {
    message: trapped || fatal ? stopped : said,
    kind: trapped || fatal ? "internal" : kind,
    fatal: trapped || fatal || (kind === "internal" && Boolean(lab)),
    resumable: kind === "download",
  };
}
