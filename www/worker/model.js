// From an artifact's model entry to a verified, loaded model: the cache first, then the network.
//
// Bytes take one way once: network (or cache) -> the engine's memory, and from the network -> the store. Only
// after the engine has verified the hash is the stored file committed. A file that the visitor has chosen takes the way of
// what comes from the network.

import { download, DownloadError } from "./download.js";
import { openStore, slices, using } from "./store.js";

/**
 * What a failed download without a store left in memory, for the next try.
 * @type {{sha256: string, buffer: Buffer} | null}
 */
let kept = null;

/**
 * The model's bytes in the engine's memory (src/web.rs).
 * @typedef {object} Buffer
 * @property {(chunk: Uint8Array) => void} push
 * @property {() => number | bigint} received
 * @property {(sha256: string) => any} finish verifies, and gives the loaded Lab; consumes the buffer
 * @property {() => void} free
 */

/** @typedef {import("./store.js").Store | null} MaybeStore */

/**
 * @typedef {object} Wanted
 * @property {new (bytes: number) => Buffer} ModelBuffer the wasm class
 * @property {{sha256: string, bytes: number, file: string}} model `file`: its name
 * @property {string[]} sources URLs in order of preference
 * @property {File} [file] the visitor's own copy, to be read instead of them
 * @property {AbortSignal} signal cancels
 * @property {(progress: import("../core/types.js").Progress) => void} progress
 * @property {(text: string) => void} notice
 *
 * @param {Wanted} options
 * @returns {Promise<any>} the loaded Lab
 */
export const loadModel = (options) => using(options.model.sha256, () => load(options));

/** @param {Wanted} options */
async function load({ ModelBuffer, model, sources, file, signal, progress, notice }) {
  const { store, reason } = await openStore(model.sha256, model.bytes);
  if (!store) notice(`The model is kept in memory only, for this visit: ${reason}.`);
  const context = { ModelBuffer, model, sources, signal, progress, notice };
  if (file) return fromFile(file, store, context);

  const cached = await store?.whole().catch(() => null);
  if (cached) {
    try {
      return await fromCache(cached, context);
    } catch (error) {
      signal.throwIfAborted();
      if (error.kind && error.kind !== "hash") throw error; // the file is right; something else is not
      notice(
        "The model in this browser’s cache was damaged. It was deleted and is downloaded anew.",
      );
      await store?.clear();
    }
  }
  try {
    return await fromNetwork(store, context);
  } catch (error) {
    if (error.kind !== "hash") throw error;
    // Wrong bytes, maybe in the part an earlier visit left: once more, from nothing.
    await store?.clear();
    notice(
      "What arrived was not the model file (its hash differs). It was deleted and is downloaded once more.",
    );
    try {
      return await fromNetwork(store, context);
    } catch (again) {
      if (again.kind === "hash") await store?.clear();
      throw again;
    }
  }
}

/**
 * @param {Blob} blob
 * @param {Wanted} options
 */
async function fromCache(blob, { ModelBuffer, model, signal, progress }) {
  const buffer = new ModelBuffer(model.bytes);
  try {
    await pour(blob, buffer, model.bytes, signal, progress);
  } catch (error) {
    buffer.free();
    throw error;
  }
  return verified(buffer, model, progress);
}

/**
 * @param {Blob} blob
 * @param {Buffer} buffer
 * @param {number} total bytes
 * @param {AbortSignal} signal
 * @param {Wanted["progress"]} progress
 * @param {string} [phase]
 */
async function pour(blob, buffer, total, signal, progress, phase = "cache") {
  progress({ phase, done: 0, total });
  for await (const chunk of slices(blob)) {
    signal.throwIfAborted();
    buffer.push(chunk);
    progress({ phase, done: Number(buffer.received()), total });
  }
}

/**
 * Reads the visitor's own copy; once verified, it is kept as a download is.
 * @param {File} file
 * @param {MaybeStore} store
 * @param {Wanted} options
 */
async function fromFile(file, store, { ModelBuffer, model, signal, progress, notice }) {
  const refused = (/** @type {string} */ why) =>
    Object.assign(
      new Error(
        `“${file.name}” ${why}. Choose the file ${model.file}, or press “Retry” to download it.`,
      ),
      { kind: "hash" },
    );
  if (file.size !== model.bytes)
    throw refused(`is not the model: it has ${file.size} bytes, not ${model.bytes}`);
  kept?.buffer.free();
  kept = null;
  const buffer = new ModelBuffer(model.bytes);
  try {
    await pour(file, buffer, model.bytes, signal, progress, "file");
  } catch (error) {
    buffer.free();
    signal.throwIfAborted();
    throw refused(`cannot be read (${error.message})`);
  }
  let lab;
  try {
    lab = await verified(buffer, model, progress);
  } catch (error) {
    throw error.kind === "hash" ? refused("is not the model: its hash differs") : error;
  }
  await keep(file, store, notice);
  return lab;
}

/**
 * Stores a verified copy of the model, unless it is there. A model that cannot be stored still runs.
 * @param {Blob} blob
 * @param {MaybeStore} store
 * @param {Wanted["notice"]} notice
 */
async function keep(blob, store, notice) {
  /** @type {import("./store.js").Appender | null} */
  let stored = null;
  try {
    if (!store || (await store.whole())) return;
    stored = await store.append(0);
    for await (const chunk of slices(blob)) stored.write(chunk);
    closed(stored);
    stored = null;
    await store.commit();
  } catch (error) {
    closed(stored);
    notice(`The model could not be kept for the next visit: ${error.message}.`);
  }
}

/**
 * @param {MaybeStore} store
 * @param {Wanted} options
 */
async function fromNetwork(store, { ModelBuffer, model, sources, signal, progress, notice }) {
  const total = model.bytes;
  let buffer = kept?.sha256 === model.sha256 ? kept.buffer : new ModelBuffer(total);
  kept = null;
  /** @type {import("./store.js").Appender | null} */
  let file = null;
  const forget = (/** @type {string} */ why) => {
    notice(`The model is kept in memory only, for this visit: ${why}.`);
    closed(file);
    file = null;
    store = null;
  };
  try {
    if (store) {
      try {
        const partial = await store.partial();
        if (Number(buffer.received()) > 0) throw new Error("what has arrived is in memory already");
        if (partial.size > 0 && partial.size <= total)
          await pour(partial, buffer, total, signal, progress);
        file = await store.append(Number(buffer.received()));
      } catch (error) {
        signal.throwIfAborted();
        forget(
          error.name === "NoModificationAllowedError"
            ? "another tab is storing it"
            : error.message || error.name,
        );
      }
    }
    let shown = 0;
    const sink = {
      received: () => Number(buffer.received()),
      push(/** @type {Uint8Array} */ chunk) {
        buffer.push(chunk);
        if (file) {
          try {
            file.write(chunk);
          } catch (error) {
            const full = store;
            forget(
              error.name === "QuotaExceededError"
                ? "this site’s storage quota is full"
                : error.message,
            );
            full?.clear();
          }
        }
        const now = performance.now();
        if (now - shown > 80 || this.received() === total) {
          shown = now;
          progress({ phase: "download", done: this.received(), total });
        }
      },
      restart() {
        buffer.free();
        buffer = new ModelBuffer(total);
        file?.restart();
      },
    };
    progress({ phase: "download", done: sink.received(), total });
    await download({
      sources,
      total,
      sink,
      signal,
      say: (text) => progress({ phase: "download", done: sink.received(), total, text }),
    });
  } catch (error) {
    if (error instanceof DownloadError && !file) kept = { sha256: model.sha256, buffer };
    else buffer.free();
    throw error;
  } finally {
    closed(file);
  }
  const lab = await verified(buffer, model, progress);
  // A model that cannot be committed still runs; the next visit downloads it again.
  await store
    ?.commit()
    .catch((/** @type {Error} */ error) =>
      notice(`The model could not be kept for the next visit: ${error.message}.`),
    );
  return lab;
}

/**
 * @param {Buffer} buffer
 * @param {Wanted["model"]} model
 * @param {Wanted["progress"]} progress
 */
async function verified(buffer, model, progress) {
  progress({ phase: "verify", done: 0, total: 0 });
  await new Promise((resolve) => setTimeout(resolve)); // let the page say so: hashing blocks this thread
  return buffer.finish(model.sha256); // consumes the buffer
}

/** @param {import("./store.js").Appender | null} file */
function closed(file) {
  try {
    file?.close();
  } catch {
    // A file that cannot be closed cleanly fails its hash later, and is then deleted.
  }
}

export { DownloadError };
