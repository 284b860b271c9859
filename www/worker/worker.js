// The engine's worker: holds the wasm module and the model, so that the page never waits for a token.
//
// Page -> worker: {id, type: "load" | "run", …}, {type: "stop"}, {type: "cancel"}
// Worker -> page: {id, type: "done" | "error", value} once for each question, before it any number of
//   "progress", "notice" (load), "started", "step" (run); and {type: "resources", value: [urls]}, for offline use.

import { builds, NO_SIMD } from "./simd.js";
import { DownloadError, loadModel } from "./model.js";

let wasm = null; // the module, once
let build = "";
let lab = null;
let loading = null; // AbortController of the load under way
let stopping = false;

const post = (id, type, value) => self.postMessage({ id, type, value });

self.onmessage = async ({ data: { id, type, ...options } }) => {
  if (type === "stop") return void (stopping = true);
  if (type === "cancel") return loading?.abort();
  try {
    const answer = type === "load" ? await load(id, options) : await run(id, options);
    post(id, "done", answer);
  } catch (error) {
    post(id, "error", described(error));
  }
};

async function load(id, { artifact, model, sources }) {
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
      signal,
      progress: (value) => post(id, "progress", value),
      notice: (text) => post(id, "notice", text),
    });
    try {
      const about = loaded.set_artifact(artifact);
      post(id, "progress", { phase: "warm", done: 0, total: 0 });
      await turn();
      const speed = await loaded.warm_up();
      signal.throwIfAborted();
      lab = loaded;
      return { info: loaded.info(), artifact: about, speed, build };
    } catch (error) {
      loaded.free?.();
      throw error;
    }
  } finally {
    loading = null;
  }
}

async function module(id) {
  if (wasm) return wasm;
  const choices = builds();
  if (choices.length === 0) throw Object.assign(new Error(NO_SIMD), { kind: "unsupported" });
  post(id, "progress", { phase: "engine", done: 0, total: 0 });
  let failure;
  for (const choice of choices) {
    const script = new URL(`../../pkg/${choice}/hneurons.js`, import.meta.url);
    try {
      const loaded = await import(script);
      await loaded.default({ module_or_path: new URL("hneurons_bg.wasm", script) });
      build = choice;
      post(undefined, "resources", performance.getEntriesByType("resource").map((entry) => entry.name));
      return (wasm = loaded);
    } catch (error) {
      failure = error;
    }
  }
  throw new Error(`The engine could not be loaded (${failure.message}). Check the connection and press “Retry”; if this is your own copy of the page, build it first.`);
}

async function run(id, { request }) {
  if (!lab) throw new Error("The model is not loaded. Press “Run” again to load it.");
  stopping = false;
  post(id, "started", lab.start(request));
  for (;;) {
    await turn(); // lets a waiting "stop" in
    const last = stopping; // as it is now: it may change while a step runs
    const step = last ? lab.stop() : await lab.step();
    post(id, "step", step);
    if (step.done || last) return {};
  }
}

// A turn of the event loop, without the 4 ms that nested timers cost.
const channel = new MessageChannel();
const waiting = [];
channel.port1.onmessage = () => waiting.shift()?.();
function turn() {
  return new Promise((resolve) => {
    waiting.push(resolve);
    channel.port2.postMessage(0);
  });
}

function described(error) {
  if (error?.name === "AbortError") return { message: "Loading was cancelled.", kind: "cancelled" };
  const kind = error?.kind ?? (error instanceof DownloadError ? "download" : "internal");
  // A trap leaves the module's memory in an unknown state: only a new worker is safe.
  const trapped = typeof WebAssembly === "object" && error instanceof WebAssembly.RuntimeError;
  const message = trapped
    ? `The engine stopped unexpectedly (${error.message}). Restart it to go on; the model does not have to be downloaded again.`
    : error?.message || String(error);
  return { message, kind: trapped ? "internal" : kind, fatal: trapped || kind === "internal" && Boolean(lab), resumable: kind === "download" };
}
