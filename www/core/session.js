// A visit's live runs: loads the model when it is first needed, runs the turns, and says what became of it.
// Knows nothing of the page's elements.

import { refusal } from "./chosen.js";
import { EngineClient, EngineError } from "./engine.js";
import { LiveTrace } from "./live.js";
import { askedOf } from "./map.js";
import { lanesFor, messagesFor, requestFor } from "./requests.js";
import { turnsOf } from "./turns.js";
import { sweepLanes } from "./sweep.js";

export class Session {
  #engine;
  #artifact = null;
  #loaded = null;
  #wanted = ""; // the choice that led to the engine in use
  #answers = new Map(); // as-trained answers of this visit, by what determines them
  #stopped = false;
  #on;

  /**
   * @param {object} on
   * @param {(name: string) => void} on.state
   * @param {(progress: import("./types.js").Progress) => void} on.progress
   * @param {(text: string) => void} on.notice
   * @param {(chosen?: any) => void} on.engine
   * @param {(trace: LiveTrace) => void} on.trace
   * @param {(trace: LiveTrace, lanes: Set<number>) => void} on.touched
   * @param {(urls: string[]) => void} on.resources
   */
  constructor(on) {
    this.#on = on;
    this.#engine = new EngineClient({ onResources: on.resources });
  }

  setArtifact(artifact) {
    this.#artifact = artifact;
  }

  /** What the engine said about the loaded model, {info, artifact, chosen}, or null. */
  get loaded() {
    return this.#loaded;
  }

  /**
   * Loads the model, and sees to it that the engine is the one that is wanted: "auto", "cpu" or "gpu". With `file`, the
   * visitor's own copy of the model is read, and nothing is fetched.
   */
  async load(engine, file) {
    if (this.#loaded && this.#wanted === engine) return;
    this.#on.state("loading");
    const { chosen } = await this.#chosen(engine, file);
    this.#wanted = engine;
    // Who asked for the GPU is told; who left the choice to the page finds it beside the choice.
    if (engine === "gpu" && chosen.refused) this.#on.notice(refusal(chosen));
    this.#on.state("ready");
  }

  async #chosen(engine, file) {
    try {
      return await (this.#loaded ? this.#choose(engine) : this.#load(engine, file));
    } catch (error) {
      // A driver can take the whole worker with it. What was measured then is not tried again before the visitor says so.
      if (!error.measuring?.includes("gpu") || error.kind === "cancelled") throw error;
      this.#loaded = null;
      const loaded = await this.#load("cpu");
      const chosen = { ...loaded.chosen, refused: `it failed (${error.message})`, lost: true };
      return (this.#loaded = { ...loaded, chosen });
    }
  }

  async #choose(engine) {
    try {
      const { info, chosen } = await this.#engine.choose(engine, { progress: this.#on.progress });
      return (this.#loaded = { ...this.#loaded, info, chosen });
    } catch (error) {
      if (error.fatal) this.#loaded = null;
      throw error;
    }
  }

  async #load(engine, chosenFile) {
    const { text, json } = this.#artifact;
    if (json.model.refused) throw new EngineError({ message: json.model.refused, kind: "memory" });
    const { sha256, bytes, file, urls = [] } = json.model;
    const beside = new URL(`../../models/${encodeURIComponent(file)}`, import.meta.url).href;
    const sources = [beside, ...urls.filter((url) => /^https:\/\//.test(url))];
    return (this.#loaded = await this.#engine.load(
      {
        artifact: text,
        model: { sha256, bytes, file },
        sources,
        file: chosenFile,
        engine,
      },
      { progress: this.#on.progress, notice: this.#on.notice },
    ));
  }

  /** Whether the model goes on with a text instead of answering messages. */
  get #raw() {
    return Boolean(this.#artifact.json.model.raw);
  }

  /** The visitor has chosen an engine: a GPU that was lost is tried again. */
  reconsider() {
    if (this.#loaded?.chosen.lost) this.#wanted = "";
  }

  /** Runs these settings; gives the last turn's trace, or null for one that was stopped before it began. */
  async run(state, { file = undefined } = {}) {
    await this.load(state.engine, file);
    this.#stopped = false;
    this.#on.state("running");
    const answers = [];
    const turns = turnsOf(state).length;
    while (answers.length < turns - 1) {
      const known = answerKey(state, answers.length);
      let answer = this.#answers.get(known);
      if (answer === undefined) {
        const earlier = await this.#turn(state, messagesFor(state, answers), [
          { set: "none", alpha: 1 },
        ]);
        if (this.#stopped || !earlier) return this.#ended(earlier);
        answer = earlier.text(0).trim();
        this.#answers.set(known, answer);
      }
      answers.push(answer);
    }
    const trace = await this.#turn(state, messagesFor(state, answers), lanesFor(state));
    if (trace && !this.#stopped && trace.trained >= 0)
      this.#answers.set(answerKey(state, turns - 1), trace.text(trace.trained).trim());
    return this.#ended(trace);
  }

  /**
   * The conversation of `shown` with every factor of a sweep, in one batch, with these settings; gives the trace, or null as
   * `run` does. It is told of by `on` alone: {trace(trace), touched(trace, lanes)}.
   */
  async sweep(state, shown, on) {
    await this.load(state.engine);
    this.#stopped = false;
    this.#on.state("running");
    return this.#ended(
      await this.#turn(state, shown.messages, sweepLanes(state), { ...this.#on, ...on }),
    );
  }

  /** The contributions of all neurons where lane `i` of a trace read position `at`; null where no model is loaded. */
  async activity(trace, i, at) {
    if (!this.#loaded) return null;
    const lane = trace.lanes[i];
    const tokens = idsOf(lane, at + 1 - trace.prompt.length);
    return this.#engine.activity(
      { messages: trace.messages, tokens, lane: askedOf(lane), at, raw: this.#raw },
      { lost: (value) => this.#lost(value) },
    );
  }

  /**
   * What was most probable in the place of answer token `index` of lane `i`, the most probable first; null where no model is
   * loaded. `asked`: with these edits instead of the lane's own.
   */
  async next(trace, i, index, asked = askedOf(trace.lanes[i])) {
    if (!this.#loaded) return null;
    const tokens = idsOf(trace.lanes[i], index);
    return this.#engine.next(
      {
        messages: trace.messages,
        tokens,
        lane: asked,
        at: trace.prompt.length + tokens.length - 1,
        raw: this.#raw,
      },
      { lost: (value) => this.#lost(value) },
    );
  }

  #ended(trace) {
    this.#on.state("ready");
    return trace;
  }

  async #turn(state, messages, lanes, on = this.#on) {
    const date = new Date().toISOString();
    const trace = Object.assign(new LiveTrace({ messages }), { settings: state, date });
    const begun = performance.now();
    let ran = true;
    try {
      ran = await this.#engine.run(requestFor(state, messages, lanes, this.#artifact.json), {
        started: (started) => {
          trace.begin(started, lanes);
          trace.about = this.#about();
          on.trace(trace);
        },
        step: (step) => {
          if (step.notice) this.#lost(step);
          on.touched(trace, trace.apply(step));
        },
      });
    } finally {
      trace.done = true;
      trace.seconds = (performance.now() - begun) / 1000;
      on.touched(trace, new Set(trace.lanes.keys()));
    }
    return ran ? trace : null;
  }

  /** What answers, as a recorded trace names it. */
  #about() {
    const { id, provisional = false, model } = this.#artifact.json;
    const { engine, build } = this.#loaded.info;
    return {
      model: { id: model.id, name: model.name, sha256: model.sha256 },
      engine: `${engine}/${build}`,
      artifact: this.#artifact.json.plain ? {} : { id, provisional },
    };
  }

  #lost({ notice, info }) {
    const chosen = { ...this.#loaded.chosen, engine: info.engine, lost: true };
    this.#loaded = { ...this.#loaded, info, chosen };
    this.#on.engine(chosen);
    this.#on.notice(notice);
  }

  stop() {
    this.#stopped = true;
    this.#engine.stop();
  }

  cancel() {
    this.#engine.cancel();
  }

  /** A new worker, and the model from the cache. */
  async restart(engine) {
    this.forget();
    return this.load(engine);
  }

  /** The worker is gone (or must go): nothing is loaded any more. */
  forget() {
    this.#engine.restart();
    this.#loaded = null;
  }
}

/** The ids of a lane's first `count` answer tokens. */
const idsOf = ({ tokens }, count) => tokens.slice(0, Math.max(0, count)).map(({ id }) => id);

/** What determines the as-trained answer to turn `turn`, which counts from 0. */
function answerKey(state, turn) {
  const { temp, seed, max } = state;
  // Greedy answers do not depend on the seed.
  return JSON.stringify([turnsOf(state).slice(0, turn + 1), temp, temp > 0 ? seed : 0, max]);
}

export { EngineError };
