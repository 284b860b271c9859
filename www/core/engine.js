// The page's side of the engine: starts the worker, matches answers to questions by id, and watches over it.
//
// A worker can die without a word (memory, a browser's own limits), so silence is a failure too: while the
// engine should be working, every message is a sign of life, and too long without one rejects what is pending.

const SILENCE_STEP = 15_000; // a token on the slowest phone takes well under a second
const SILENCE_PROMPT = 60_000; // a first step reads up to 32 prompt tokens in three lanes
const SILENCE_LOAD = 120_000; // downloads watch themselves; hashing is silent meanwhile
const SILENCE_MEASURE = 180_000; // an adapter that is a program on the CPU compiles its shaders for tens of seconds
// The GPU compiles when a batch has a size it has not had, so at the first steps and when a lane ends. And it may be lost
// at any step: the CPU then reads everything again before it says a word.
const SILENCE_GPU = 90_000;
const REREAD = 50; // for each token of each lane

export class EngineError extends Error {
  /** @param kind the engine's kind, or "dead" when the worker is gone; `fatal`: only a new worker helps */
  constructor({ message, kind = "internal", fatal = false, resumable = false }) {
    super(message);
    this.name = "EngineError";
    Object.assign(this, { kind, fatal, resumable });
  }
}

const dead = (message) => new EngineError({ message, kind: "dead", fatal: true });

export class EngineClient {
  #worker = null;
  #pending = new Map(); // id -> {resolve, reject, handlers, silence, timer, lanes}
  #next = 1;
  #gpu = false; // the engine in use
  #measuring = false; // under way where the worker cannot be interrupted
  #onResources;

  constructor({ onResources = () => {} } = {}) {
    this.#onResources = onResources;
  }

  /**
   * Fetches (or reads) and verifies the model, and chooses the engine: {info, artifact, chosen}.
   * Handlers: progress({phase, done, total, …}), notice(text).
   */
  load(options, handlers) {
    return this.#ask({ type: "load", ...options }, handlers, SILENCE_LOAD);
  }

  /** Chooses the engine anew, "auto", "cpu" or "gpu": {info, chosen}. Handlers: progress. */
  choose(engine, handlers) {
    return this.#ask({ type: "choose", engine }, handlers, SILENCE_MEASURE);
  }

  /** Runs to the end. Handlers: started(Started), step(Step). A step with a `notice` has the new engine's `info`. */
  run(request, handlers) {
    const first = this.#gpu ? SILENCE_GPU : SILENCE_PROMPT;
    return this.#ask({ type: "run", request }, handlers, first, request.lanes.length);
  }

  /** Reads a lane again up to position `at`: the contributions of all neurons there, a Float32Array row-major by layer. */
  activity({ messages, tokens, lane, at }) {
    const silence = (this.#gpu ? SILENCE_GPU : SILENCE_PROMPT) + REREAD * at;
    return this.#ask({ type: "activity", messages, tokens, lane, at }, {}, silence);
  }

  /** Ends the run after the token in hand. */
  stop() {
    this.#worker?.postMessage({ type: "stop" });
  }

  /** Gives up loading; what has been downloaded stays for the next try. */
  cancel() {
    if (this.#measuring)
      return this.#fail(
        new EngineError({ message: "Loading was cancelled.", kind: "cancelled", fatal: true }),
      );
    this.#worker?.postMessage({ type: "cancel" });
  }

  /** Ends the worker; the next call starts a new one. */
  restart() {
    this.#fail(dead("The engine was restarted."));
  }

  #ask(message, handlers = {}, silence, lanes = 0) {
    const worker = (this.#worker ??= this.#start());
    const id = this.#next++;
    return new Promise((resolve, reject) => {
      this.#pending.set(id, { resolve, reject, handlers, silence, timer: 0, lanes });
      this.#watch(id);
      worker.postMessage({ id, ...message });
    });
  }

  #start() {
    const worker = new Worker(new URL("../worker/worker.js", import.meta.url), {
      type: "module",
      name: "engine",
    });
    worker.onmessage = ({ data }) => worker === this.#worker && this.#receive(data);
    worker.onerror = (event) => {
      event.preventDefault?.();
      if (worker !== this.#worker) return;
      this.#fail(
        dead(
          `The engine stopped unexpectedly${event.message ? ` (${event.message})` : ""}. Restart it to go on; the model does not have to be downloaded again.`,
        ),
      );
    };
    worker.onmessageerror = worker.onerror;
    return worker;
  }

  #receive({ id, type, value }) {
    if (type === "resources") return this.#onResources(value);
    const entry = this.#pending.get(id);
    if (!entry) return;
    if (type === "done" || type === "error") {
      this.#forget(id);
      this.#measuring = false;
      if (value?.chosen) this.#gpu = value.chosen.engine === "gpu";
      if (type === "done") return entry.resolve(value);
      const error = new EngineError(value);
      if (error.fatal) this.#fail(error);
      return entry.reject(error);
    }
    if (type === "progress" && value.phase === "measure") {
      this.#measuring = true;
      entry.silence = SILENCE_MEASURE;
    }
    if (type === "step") {
      if (value.notice) this.#gpu = false;
      entry.tokens = (entry.tokens ?? 0) + 1;
      if (this.#gpu)
        entry.silence = SILENCE_GPU + REREAD * entry.lanes * (value.prompt_total + entry.tokens);
      else entry.silence = value.prompt_read >= value.prompt_total ? SILENCE_STEP : SILENCE_PROMPT;
    }
    this.#watch(id);
    entry.handlers[type]?.(value);
  }

  #watch(id) {
    const entry = this.#pending.get(id);
    clearTimeout(entry.timer);
    const due = Date.now() + entry.silence;
    entry.timer = setTimeout(() => {
      // A timer that fires late means that the machine slept, and the worker with it: give it the time again.
      if (Date.now() > due + 5000) return this.#watch(id);
      const seconds = Math.round(entry.silence / 1000);
      this.#fail(
        dead(
          `The engine has not answered for ${seconds} seconds. Restart it to go on; the model does not have to be downloaded again.`,
        ),
      );
    }, entry.silence);
  }

  #forget(id) {
    clearTimeout(this.#pending.get(id)?.timer);
    this.#pending.delete(id);
  }

  #fail(error) {
    this.#worker?.terminate();
    this.#worker = null;
    this.#gpu = this.#measuring = false;
    for (const [id, entry] of [...this.#pending]) {
      this.#forget(id);
      entry.reject(error);
    }
  }
}
