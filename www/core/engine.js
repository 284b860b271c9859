// The page's side of the engine: starts the worker, asks it for one thing after the other, and watches over it.
//
// What is asked waits here and not in the worker, so that it can still be withdrawn: Stop and Cancel act at once on what
// has not begun. A worker can die without a word (memory, a browser's own limits), so silence is a failure too: while
// the engine is at work on something, every message is a sign of life, and too long without one ends it.

import { NO_MODULE_WORKERS } from "../worker/simd.js";

const SILENCE_STEP = 15_000; // a token on the slowest phone takes well under a second
const SILENCE_PROMPT = 60_000; // a first step reads up to 32 prompt tokens in three lanes
const SILENCE_LOAD = 120_000; // downloads watch themselves; hashing is silent meanwhile
// An adapter that is a program on the CPU compiles its shaders for tens of seconds, and one that never answers is given up
// after a bound of the engine's own (src/engine/gpu/readback.rs), which is shorter.
const SILENCE_MEASURE = 240_000;
// The GPU compiles when a batch has a size it has not had, so at the first steps and when a lane ends. And it may be lost
// at any step: the CPU then reads everything again before it says a word.
const SILENCE_GPU = 130_000;
const REREAD = 50; // for each token of each lane
const SILENCE_GIVEN_UP = 5_000; // a load that was cancelled: what does not end by then is ended

export class EngineError extends Error {
  /** @type {string[]} */
  measuring = []; // the engines that were being measured when the worker had to be given up

  /** @param {import("./types.js").Failure} failure of the engine's kind, or "dead" when the worker is gone */
  constructor({ message, kind = "internal", fatal = false, resumable = false }) {
    super(message);
    this.name = "EngineError";
    this.kind = kind;
    this.fatal = fatal; // only a new worker helps
    this.resumable = resumable;
  }
}

/** @param {string} message */
const dead = (message) => new EngineError({ message, kind: "dead", fatal: true });
const cancelled = (fatal = false) =>
  new EngineError({ message: "Loading was cancelled.", kind: "cancelled", fatal });
/** What a run that was stopped before it began resolves to, in here. */
const WITHDRAWN = Symbol("withdrawn");

/**
 * @typedef {object} Entry something that is asked
 * @property {number} id
 * @property {Message} message
 * @property {(value: any) => void} resolve
 * @property {(error: unknown) => void} reject
 * @property {Handlers} handlers
 * @property {() => number} first the silence that is allowed at first, in milliseconds
 * @property {number} silence what is allowed now
 * @property {number} lanes of a run
 * @property {ReturnType<typeof setTimeout> | undefined} timer
 * @property {number} [tokens] how many a run has made
 * @property {boolean} [over] given up: nobody waits for the answer
 */

/** @typedef {{type: string, [option: string]: unknown}} Message to the worker (worker/worker.js) */
/** @typedef {Record<string, ((value: any) => void) | undefined>} Handlers by the message's type */

export class EngineClient {
  /** @type {Worker | null} */
  #worker = null;
  /** @type {Entry[]} */
  #line = []; // what is asked and has not begun
  /** @type {Entry | null} */
  #current = null; // what the worker is at
  #next = 1;
  #gpu = false; // the engine in use
  /** @type {string[]} */
  #measuring = []; // the engines that are measured just now, where the worker cannot be interrupted
  #onResources;

  /** @param {{onResources?: (urls: string[]) => void}} [on] */
  constructor({ onResources = () => {} } = {}) {
    this.#onResources = onResources;
  }

  /**
   * Fetches (or reads) and verifies the model, and chooses the engine: {info, artifact, chosen}.
   * Handlers: progress({phase, done, total, …}), notice(text).
   * @param {object} options
   * @param {string} options.artifact its text
   * @param {object} options.model
   * @param {string[]} options.sources
   * @param {File} [options.file]
   * @param {string} options.engine
   * @param {Handlers} [handlers]
   */
  load(options, handlers) {
    return this.#ask({ type: "load", ...options }, handlers, () => SILENCE_LOAD);
  }

  /**
   * Chooses the engine anew, "auto", "cpu" or "gpu": {info, chosen}. Handlers: progress.
   * @param {string} engine
   * @param {Handlers} [handlers]
   * @returns {Promise<any>}
   */
  choose(engine, handlers) {
    return this.#ask({ type: "choose", engine }, handlers, () => SILENCE_MEASURE);
  }

  /**
   * Runs to the end. Handlers: started(Started), step(Step). A step with a `notice` has the new engine's `info`. True, or
   * false for a run that was stopped before it began.
   * @param {import("./types.js").RunRequest} request
   * @param {Handlers} [handlers]
   */
  async run(request, handlers) {
    // The prompt is read twice where the neurons that are shown must first be found.
    const times = request.show_largest ? 2 : 1;
    const first = () => times * (this.#gpu ? SILENCE_GPU : SILENCE_PROMPT);
    const ended = this.#ask({ type: "run", request }, handlers, first, request.lanes.length);
    return (await ended) !== WITHDRAWN;
  }

  /**
   * Reads a lane again up to position `at`: the contributions of all neurons there, a Float32Array row-major by layer.
   * Handlers: lost({notice, info}), where the GPU was lost and the CPU has read.
   * @param {{messages: import("./types.js").Message[], tokens: number[], lane: import("./types.js").LaneRequest, at: number, raw?: boolean}} of
   * @param {Handlers} [handlers]
   * @returns {Promise<Float32Array>}
   */
  activity(of, handlers) {
    return this.#readAgain("activity", of, handlers);
  }

  /**
   * Reads a lane again up to position `at`: the most probable tokens after it, and how probable they are.
   * Handlers: as `activity`.
   * @param {{messages: import("./types.js").Message[], tokens: number[], lane: import("./types.js").LaneRequest, at: number, raw?: boolean}} of
   * @param {Handlers} [handlers]
   * @returns {Promise<import("./types.js").Candidate[]>}
   */
  next(of, handlers) {
    return this.#readAgain("next", of, handlers);
  }

  /**
   * @param {"activity" | "next"} type
   * @param {{messages: import("./types.js").Message[], tokens: number[], lane: import("./types.js").LaneRequest, at: number, raw?: boolean}} of
   * @param {Handlers} [handlers]
   * @returns {Promise<any>}
   */
  #readAgain(type, { messages, tokens, lane, at, raw = false }, handlers) {
    const silence = () => (this.#gpu ? SILENCE_GPU : SILENCE_PROMPT) + REREAD * at;
    return this.#ask({ type, messages, tokens, lane, at, raw }, handlers, silence);
  }

  /** Ends the run: at once where it has not begun, otherwise after the token in hand. */
  stop() {
    for (const entry of this.#withdraw("run")) entry.resolve(WITHDRAWN);
    if (this.#current?.message.type === "run") this.#worker?.postMessage({ type: "stop" });
  }

  /** Gives up loading, or the choice of an engine; what has been downloaded stays for the next try. */
  cancel() {
    for (const entry of this.#withdraw("load", "choose")) entry.reject(cancelled());
    const entry = this.#current;
    if (!entry || entry.over || !["load", "choose"].includes(entry.message.type)) return;
    if (entry.message.type === "choose" || this.#measuring.length > 0)
      return this.#fail(cancelled(true));
    // The worker gets there when it can (it may be hashing); nobody has to wait for that.
    this.#worker?.postMessage({ type: "cancel" });
    entry.over = true;
    entry.silence = SILENCE_GIVEN_UP;
    this.#watch(entry);
    entry.reject(cancelled());
  }

  /** Ends the worker; the next call starts a new one. */
  restart() {
    this.#fail(dead("The engine was restarted."));
  }

  /**
   * @param {Message} message
   * @param {Handlers | undefined} handlers
   * @param {() => number} first the silence that is allowed at first, in milliseconds
   * @param {number} [lanes]
   * @returns {Promise<any>}
   */
  #ask(message, handlers = {}, first, lanes = 0) {
    return new Promise((resolve, reject) => {
      const id = this.#next++;
      this.#line.push({
        id,
        message,
        resolve,
        reject,
        handlers,
        first,
        silence: 0,
        lanes,
        timer: undefined,
      });
      this.#advance();
    });
  }

  /**
   * Takes what has not begun, of these types, out of the line.
   * @param {string[]} types
   */
  #withdraw(...types) {
    const withdrawn = this.#line.filter(({ message }) => types.includes(message.type));
    this.#line = this.#line.filter((entry) => !withdrawn.includes(entry));
    return withdrawn;
  }

  /** Begins what is next, if the worker is free. */
  #advance() {
    if (this.#current || this.#line.length === 0) return;
    const entry = (this.#current = /** @type {Entry} */ (this.#line.shift()));
    entry.silence = entry.first(); // the engine in use decides, and may have changed meanwhile
    try {
      this.#worker ??= this.#start();
      this.#watch(entry);
      this.#worker.postMessage({ id: entry.id, ...entry.message });
    } catch (error) {
      const stopped = `The engine could not be started (${error.message}). Reload the page.`;
      this.#fail(error instanceof EngineError ? error : dead(stopped));
    }
  }

  #start() {
    let asked = false; // whether the browser knows that a worker may be a module
    /** @type {WorkerOptions} */
    const options = {
      name: "engine",
      get type() {
        asked = true;
        return /** @type {const} */ ("module");
      },
    };
    const worker = new Worker(new URL("../worker/worker.js", import.meta.url), options);
    if (!asked) {
      worker.terminate();
      throw new EngineError({ message: NO_MODULE_WORKERS, kind: "unsupported", fatal: true });
    }
    worker.onmessage = ({ data }) => worker === this.#worker && this.#receive(data);
    worker.onerror = (event) => {
      event.preventDefault?.();
      if (worker !== this.#worker) return;
      this.#fail(
        dead(
          `The engine stopped unexpectedly${event.message ? ` (${event.message})` : ""}. Restart it to go on. The model is not downloaded again.`,
        ),
      );
    };
    worker.onmessageerror = () => worker.onerror?.(new ErrorEvent("error"));
    return worker;
  }

  /** @param {{id?: number, type: string, value: any}} answer */
  #receive({ id, type, value }) {
    if (type === "resources") return this.#onResources(value);
    if (type === "fault") return this.#fail(new EngineError(value));
    const entry = this.#current;
    if (!entry || entry.id !== id) return;
    if (type === "done" || type === "error") {
      const error = type === "error" ? new EngineError(value) : null;
      if (error?.fatal) return this.#fail(error);
      clearTimeout(entry.timer);
      this.#current = null;
      this.#measuring = [];
      if (value?.chosen) this.#gpu = value.chosen.engine === "gpu";
      if (error) entry.reject(error);
      else entry.resolve(value);
      return this.#advance();
    }
    if (type === "progress" && value.phase === "measure") {
      if (entry.over) return this.#giveUp();
      this.#measuring = value.engines;
      entry.silence = SILENCE_MEASURE;
    }
    if (type === "lost") this.#gpu = false;
    if (type === "step") {
      if (value.notice) this.#gpu = false;
      entry.tokens = (entry.tokens ?? 0) + 1;
      if (this.#gpu)
        entry.silence = SILENCE_GPU + REREAD * entry.lanes * (value.prompt_total + entry.tokens);
      else entry.silence = value.prompt_read >= value.prompt_total ? SILENCE_STEP : SILENCE_PROMPT;
    }
    if (entry.over) return; // cancelled: its time runs out, and nobody listens
    this.#watch(entry);
    entry.handlers[type]?.(value);
  }

  /** @param {Entry} entry */
  #watch(entry) {
    clearTimeout(entry.timer);
    const due = Date.now() + entry.silence;
    entry.timer = setTimeout(() => {
      // A timer that fires late means that the machine slept, and the worker with it: give it the time again.
      if (Date.now() > due + 5000) return this.#watch(entry);
      if (entry.over) return this.#giveUp();
      const seconds = Math.round(entry.silence / 1000);
      this.#fail(
        dead(
          `The engine has not answered for ${seconds} seconds. Restart it to go on. The model is not downloaded again.`,
        ),
      );
    }, entry.silence);
  }

  /** Ends the worker, which is at something that nobody waits for. */
  #giveUp() {
    this.#end();
    this.#advance();
  }

  #end() {
    this.#worker?.terminate();
    this.#worker = null;
    clearTimeout(this.#current?.timer);
    this.#current = null;
    this.#gpu = false;
    this.#measuring = [];
  }

  /** @param {EngineError} error */
  #fail(error) {
    error.measuring = this.#measuring;
    const entries = [this.#current, ...this.#line.splice(0)];
    this.#end();
    for (const entry of entries) entry?.reject(error);
  }
}
