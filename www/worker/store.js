// The model store: one model file in the origin's private file system (OPFS), named by its hash.
//
//   models/<sha>.gguf.part   what has been downloaded so far; a later visit goes on from its end
//   models/<sha>.gguf        the whole file, there only after its hash was verified
//   models/<sha>.ok          in a browser that cannot rename files: says that the .part is the whole, verified file
//
// A model that no page names any more is deleted once another is in use (`removeOthers`).
//
// Everything here may be refused (private window, insecure page, full disk). Then the store is simply absent, and
// the model lives in memory for this visit.

const FOLDER = "models";
const SLICE = 4 << 20;

/** @param {boolean} create */
async function folder(create) {
  if (!globalThis.navigator?.storage?.getDirectory)
    throw new Error("this browser gives this page no storage");
  const root = await navigator.storage.getDirectory();
  return root.getDirectoryHandle(FOLDER, { create });
}

/** @param {string} sha */
const names = (sha) => ({ whole: `${sha}.gguf`, part: `${sha}.gguf.part`, ok: `${sha}.ok` });

/**
 * @param {FileSystemDirectoryHandle} dir
 * @param {string} name
 * @returns {Promise<number>} bytes; -1 where there is no such file
 */
async function sizeOf(dir, name) {
  try {
    return (await (await dir.getFileHandle(name)).getFile()).size;
  } catch {
    return -1;
  }
}

/**
 * @param {FileSystemDirectoryHandle} dir
 * @param {string} name
 */
async function remove(dir, name) {
  await dir.removeEntry(name).catch(() => {});
}

/**
 * Is the verified model here? Cheap, and safe to ask from the page.
 * @param {string} sha
 * @param {number} bytes
 */
export async function isStored(sha, bytes) {
  try {
    return (await committed(await folder(false), sha, bytes)) !== null;
  } catch {
    return false;
  }
}

const USE = "hneurons-model "; // a lock's name begins so, and goes on with the model's hash

/**
 * Does something with a model's files; while it is under way, no other tab deletes them.
 * @template T
 * @param {string} sha
 * @param {() => Promise<T>} act
 * @returns {Promise<T>}
 */
export async function using(sha, act) {
  const { locks } = globalThis.navigator ?? {};
  if (!locks) return act();
  let begun = false;
  const begin = () => ((begun = true), act());
  try {
    return await locks.request(USE + sha, { mode: "shared" }, begin);
  } catch (error) {
    if (begun) throw error;
    return act(); // a browser may refuse them, as it may storage: in a frame of another site, for example
  }
}

/**
 * Deletes the files of models whose hashes are not among `named`. Other files, and a model that another tab is reading or
 * storing, stay. For the page: it knows all models that it names.
 * @param {string[]} named
 */
export async function removeOthers(named) {
  const { locks } = navigator;
  if (!locks) return; // without them it cannot be known what other tabs are at
  try {
    const dir = await folder(false);
    const strangers = new Set();
    for await (const name of dir.keys()) {
      const sha = /^([0-9a-f]{64})\.(?:gguf|gguf\.part|ok)$/.exec(name)?.[1];
      if (sha && !named.includes(sha)) strangers.add(sha);
    }
    for (const sha of strangers)
      await locks.request(USE + sha, { ifAvailable: true }, async (lock) => {
        if (lock) for (const name of Object.values(names(sha))) await remove(dir, name);
      });
  } catch {
    // Nothing is stored here, or storage is refused: there is nothing to delete.
  }
}

/** Asks the browser not to evict the model when space is short. For the page: a worker may not ask. */
export function askToPersist() {
  // Firefox would put the question to the visitor; the others decide by themselves.
  if (globalThis.CSS?.supports?.("-moz-appearance", "none")) return;
  navigator.storage?.persist?.().catch(() => {}); // a refusal changes nothing today
}

/**
 * The name of the committed file, or null.
 * @param {FileSystemDirectoryHandle} dir
 * @param {string} sha
 * @param {number} bytes
 */
async function committed(dir, sha, bytes) {
  const { whole, part, ok } = names(sha);
  if ((await sizeOf(dir, whole)) === bytes) return whole;
  if ((await sizeOf(dir, ok)) >= 0 && (await sizeOf(dir, part)) === bytes) return part;
  return null;
}

/**
 * Opens the store for one model file; null with a reason when storage is refused.
 * @param {string} sha
 * @param {number} bytes
 */
export async function openStore(sha, bytes) {
  try {
    const dir = await folder(true);
    return { store: new Store(dir, sha, bytes), reason: "" };
  } catch (error) {
    return { store: null, reason: error.message || error.name };
  }
}

/**
 * What only workers have of a file (File System Standard), as far as it is used here.
 * @typedef {object} SyncAccess
 * @property {(data: Uint8Array, options: {at: number}) => number} write
 * @property {(size: number) => void} truncate
 * @property {() => void} flush
 * @property {() => void} close
 *
 * @typedef {object} OnlyInWorkers
 * @property {() => Promise<SyncAccess>} createSyncAccessHandle
 * @property {(name: string) => Promise<void>} move
 *
 * @typedef {FileSystemFileHandle & OnlyInWorkers} WorkerFile
 */

export class Store {
  #dir;
  #sha;
  #names;
  #bytes;

  /**
   * @param {FileSystemDirectoryHandle} dir
   * @param {string} sha
   * @param {number} bytes
   */
  constructor(dir, sha, bytes) {
    this.#dir = dir;
    this.#sha = sha;
    this.#names = names(sha);
    this.#bytes = bytes;
  }

  /** The committed file as a Blob, or null. */
  async whole() {
    const name = await committed(this.#dir, this.#sha, this.#bytes);
    return name === null ? null : (await this.#dir.getFileHandle(name)).getFile();
  }

  /** What an interrupted download left, as a Blob (maybe empty). */
  async partial() {
    if ((await sizeOf(this.#dir, this.#names.part)) < 0) return new Blob([]);
    return (await this.#dir.getFileHandle(this.#names.part)).getFile();
  }

  /** Deletes everything of this model. */
  async clear() {
    for (const name of Object.values(this.#names)) await remove(this.#dir, name);
  }

  /**
   * Opens the partial file for appending from `at` (0 starts it anew). Throws when another tab holds it.
   * @param {number} at
   */
  async append(at) {
    await remove(this.#dir, this.#names.ok);
    const handle = await this.#dir.getFileHandle(this.#names.part, { create: true });
    const access = await /** @type {WorkerFile} */ (handle).createSyncAccessHandle();
    access.truncate(at);
    return new Appender(access, at);
  }

  /** Makes the verified partial file the committed one. The appender must be closed. */
  async commit() {
    const handle = await this.#dir.getFileHandle(this.#names.part);
    if ((await handle.getFile()).size !== this.#bytes)
      throw new Error("the stored file has the wrong size");
    await remove(this.#dir, this.#names.whole);
    try {
      await /** @type {WorkerFile} */ (handle).move(this.#names.whole);
    } catch {
      await this.#dir.getFileHandle(this.#names.ok, { create: true });
    }
  }
}

export class Appender {
  #access;
  #at;

  /**
   * @param {SyncAccess} access
   * @param {number} at
   */
  constructor(access, at) {
    this.#access = access;
    this.#at = at;
  }

  /**
   * Throws when the disk or the origin's quota is full.
   * @param {Uint8Array} chunk
   */
  write(chunk) {
    const written = this.#access.write(chunk, { at: this.#at });
    if (written !== chunk.byteLength)
      throw new Error("the disk or this site's storage quota is full");
    this.#at += written;
  }

  /** Empties the file. */
  restart() {
    this.#access.truncate(0);
    this.#at = 0;
  }

  close() {
    try {
      this.#access.flush();
    } finally {
      this.#access.close();
    }
  }
}

/**
 * A Blob in slices: whole-file reads would hold the model twice.
 * @param {Blob} blob
 */
export async function* slices(blob) {
  for (let at = 0; at < blob.size; at += SLICE) {
    yield new Uint8Array(await blob.slice(at, at + SLICE).arrayBuffer());
  }
}
