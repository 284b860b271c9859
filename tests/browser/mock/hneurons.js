// A stand-in for the wasm module, with the same surface: for tests of the page itself, its error paths above all.
// It answers from a few fixed words; contributions are a hash of (lane, neuron, position). A prompt can order a
// failure: "[[hang]]" never answers, "[[die]]" ends the worker without a word, "[[trap]]" traps as wasm does, "[[panic]]"
// as Rust's panics do, "[[panicaway]]" so in a callback, "[[lost]]" loses the GPU, "[[slow]]" takes a tenth of a second a
// token. Of the layer map: "[[noactivity]]" cannot be read, "[[slowmap]]" is read in two seconds, "[[lostmap]]" loses the
// GPU. What its GPU does is in `self.mockGpu` of the
// worker: it "works" (and is the faster engine), is "slow" to be chosen, "traps" when it is measured, or is refused for the
// reason given there; without a word there is none.

import { sha256 } from "./sha256.js";

/** What Rust's panics end in: a trap that says nothing, beside their text. */
function panic() {
  self.hneuronsPanic = "index out of bounds (src/mock.rs, line 7)";
  return new WebAssembly.RuntimeError("unreachable");
}
const failure = (kind, message) => Object.assign(new Error(message), { kind });
const pieces = (text) => text.match(/\s*\S+|\s+$/g) ?? [];

export default async function init() {}

export class ModelBuffer {
  #bytes;
  #at = 0;
  constructor(total) {
    this.#bytes = new Uint8Array(total);
  }
  push(chunk) {
    this.#bytes.set(chunk, this.#at);
    this.#at += chunk.length;
  }
  received() {
    return this.#at;
  }
  free() {}
  finish(expected) {
    if (sha256(this.#bytes) !== expected)
      throw failure(
        "hash",
        "The model file is not the one the artifact names (its hash differs). Delete it and download it again.",
      );
    return new Lab();
  }
}

class Lab {
  #h = [];
  #levers = [];
  #run = null;
  #engine = "cpu";
  #notice = undefined;
  #borrowed = false; // as wasm-bindgen has it: one call at a time

  info() {
    return {
      name: "Mock",
      architecture: "llama",
      layers: 30,
      neurons_per_layer: 1536,
      neuron_count: 46080,
      context_length: 2048,
      vocabulary: 100,
      sha256: "",
      bytes: 0,
      engine: this.#engine,
      build: this.#engine === "gpu" ? "wgpu" : "simd128",
      quantization: "Q4_1 + Q8_0 + F32",
    };
  }

  set_artifact(text) {
    const { id, model, provisional, neurons, levers = [] } = JSON.parse(text);
    this.#levers = levers;
    this.#h = neurons.map(({ layer, index }) => [layer, index]);
    return { id, name: model.name, provisional, neurons };
  }

  /** The lever of an id, or the first, as the engine takes it. */
  #lever(id) {
    const found = id === undefined ? this.#levers[0] : this.#levers.find((one) => one.id === id);
    if (!found) throw failure("input", `the artifact has no lever '${id ?? ""}'`);
    return { id: found.id, neurons: found.neurons.map(({ layer, index }) => [layer, index]) };
  }

  /** A lane's neurons, and the lever that it is about. */
  #edited({ set, neurons, lever, control_of, seed }) {
    if (set === "h") return { neurons: this.#h };
    if (set === "custom") return { neurons };
    if (set === "lever") {
      const { id, neurons } = this.#lever(lever);
      return { lever: id, neurons };
    }
    if (set !== "random") return { neurons: [] };
    if (control_of === "h") return { neurons: this.control(this.#h, seed) };
    const of = /^lever(?::(.*))?$/.exec(String(control_of));
    if (!of) return { neurons: this.control(control_of, seed) };
    const { id, neurons: turned } = this.#lever(of[1]);
    return { lever: id, neurons: this.control(turned, seed) };
  }

  control(neurons, seed) {
    return neurons.map(([layer, index], i) => [
      layer,
      (index * 7 + seed * 131 + i * 17 + 5) % 1536,
    ]);
  }

  async choose(engine) {
    if (!["auto", "cpu", "gpu"].includes(engine))
      throw failure("input", `there is no engine '${engine}'`);
    const gpu = self.mockGpu ?? "no adapter with WebGPU was found";
    if (gpu === "traps" && engine !== "cpu") throw panic();
    const refused = engine === "cpu" || ["works", "slow"].includes(gpu) ? null : gpu;
    this.#run = null;
    this.#engine = "cpu";
    if (gpu === "slow" && engine !== "cpu")
      await new Promise((resolve) => setTimeout(resolve, 60_000));
    if (engine !== "cpu" && !refused) this.#engine = "gpu";
    return {
      engine: this.#engine,
      cpu: engine === "gpu" ? null : 96.4,
      gpu: this.#engine === "gpu" ? 211.7 : null,
      adapter: engine === "cpu" || refused ? null : "Mock adapter",
      refused,
    };
  }

  counters() {
    return {
      submits: 0,
      dispatches: 0,
      layer_dispatches: 0,
      bytes_read_back: 0,
      device_bytes: 0,
      weight_bytes: 0,
      wasm_bytes: 0,
    };
  }

  start({ messages, lanes, max_tokens, raw = false, show = [] }) {
    if (this.#borrowed) throw new Error("recursive use of an object detected");
    const last = messages.at(-1).content;
    if (!last.trim())
      throw failure("input", "The prompt is empty. Type something for the model to answer.");
    if (last.length > 20_000)
      throw failure(
        "context",
        "The prompt is longer than the model's context of 2048 tokens. Shorten it.",
      );
    const prompt = [];
    let id = 1;
    messages.forEach(({ role, content }, turn) => {
      if (!raw) prompt.push({ id: 1, text: "<|im_start|>", role: "template", turn });
      for (const text of pieces(content)) prompt.push({ id: id++, text, role, turn });
      if (!raw) prompt.push({ id: 2, text: "<|im_end|>", role: "template", turn });
    });
    const sets = lanes.map((lane) => ({
      set: lane.set,
      alpha: lane.alpha,
      ...this.#edited(lane),
    }));
    const shown = new Map(
      [...this.#h, ...show, ...sets.flatMap(({ neurons }) => neurons)].map((neuron) => [
        neuron.join("."),
        neuron,
      ]),
    );
    this.#run = {
      prompt,
      sets,
      max: max_tokens,
      read: 0,
      failure: /\[\[(\w+)\]\]/.exec(last)?.[1],
      shown: [...shown.values()],
      words: sets.map((lane) => pieces(answer(lane, messages.length > 1))),
      at: 0,
      ended: sets.map(() => false),
    };
    return { prompt, shown: this.#run.shown, lanes: sets };
  }

  async step() {
    const run = this.#run;
    await new Promise((resolve) => setTimeout(resolve, run.failure === "slow" ? 100 : 8));
    if (run.at === 3 && run.failure === "hang") await new Promise(() => {});
    if (run.at === 3 && run.failure === "die") return (self.close(), new Promise(() => {}));
    if (run.at === 3 && run.failure === "trap") throw new WebAssembly.RuntimeError("unreachable");
    if (run.at === 3 && run.failure === "panic") throw panic();
    if (run.at === 3 && run.failure === "panicaway") {
      setTimeout(() => {
        throw panic();
      });
      await new Promise(() => {});
    }
    const total = run.prompt.length;
    const step = { done: false, prompt_read: total, prompt_total: total, lanes: [] };
    if (run.at === 3 && run.failure === "lost" && this.#engine === "gpu") {
      this.#engine = "cpu";
      step.notice =
        "The GPU stopped working (the device was lost). The CPU goes on from the same token.";
    }
    if (run.read < total) {
      const to = Math.min(total, run.read + 32);
      step.prompt_read = to;
      step.lanes = run.sets.map((_, lane) => ({
        lane,
        read: span(run.read, to).map((at) => this.#cells(lane, at)),
      }));
      run.read = to;
      return step;
    }
    run.sets.forEach((_, lane) => {
      if (run.ended[lane]) return;
      const words = run.words[lane];
      const news = {
        lane,
        read:
          run.at > 0
            ? [{ ...this.#cells(lane, total + run.at - 1), pull: pull(lane, run.at - 1) }]
            : [],
        score: 0.9 - 0.25 * lane + 0.05 * Math.sin(run.at),
      };
      // Every second token is a word that is read.
      if (run.at > 0)
        news.span = { from: run.at - 1, words: [run.at % 2 ? 1 : 3], new_words: run.at > 1 };
      if (run.at < Math.min(words.length, run.max)) {
        const text = words[run.at];
        news.token = { id: hash(text) % 49152, text, logprob: -(hash(text + run.at) % 300) / 100 };
      } else {
        news.stopped = words.length > run.max ? "length" : "eos";
        if (news.stopped === "length") news.limit = "max_tokens";
        run.ended[lane] = true;
      }
      step.lanes.push(news);
    });
    run.at++;
    step.done = run.ended.every(Boolean);
    return step;
  }

  async activity({ messages, tokens, lane, at }) {
    const read =
      messages.reduce((sum, { content }) => sum + pieces(content).length + 2, 0) + tokens.length;
    if (!(at >= 0 && at < read))
      throw failure("input", `there is no position ${at} in a conversation of ${read} tokens`);
    if (messages.at(-1).content.includes("[[noactivity]]"))
      throw failure("input", "The neurons could not be read. Run the prompt again.");
    this.#borrowed = true;
    const slow = messages.at(-1).content.includes("[[slowmap]]");
    await new Promise((resolve) => setTimeout(resolve, slow ? 2000 : 60));
    if (messages.at(-1).content.includes("[[lostmap]]") && this.#engine === "gpu") {
      this.#engine = "cpu";
      this.#notice = "The GPU stopped working (the device was lost). The CPU goes on.";
    }
    this.#borrowed = false;
    // What the board has for as trained; another lane is another hash.
    const i = ["none", "h", "random", "custom", "lever"].indexOf(lane.set);
    return Float32Array.from({ length: 30 * 1536 }, (_, n) =>
      contribution(i, Math.floor(n / 1536), n % 1536, at),
    );
  }

  async next({ messages, tokens, lane }) {
    await new Promise((resolve) => setTimeout(resolve, 30));
    if (messages.at(-1).content.includes("[[noactivity]]"))
      throw failure("input", "The neurons could not be read. Run the prompt again.");
    // Turned neurons take from the first what they give to the others.
    const first = 0.6 - 0.1 * Math.abs(1 - lane.alpha) - 0.01 * (tokens.length % 7);
    return ["Rome", " the", " a", " in", " one"].map((text, i) => ({
      id: hash(text),
      text,
      p: i === 0 ? first : (1 - first) / 2 ** (i + 1),
    }));
  }

  take_notice() {
    const notice = this.#notice;
    this.#notice = undefined;
    return notice;
  }

  stop() {
    const { prompt, ended } = this.#run;
    const lanes = ended.flatMap((is, lane) => (is ? [] : [{ lane, read: [], stopped: "stop" }]));
    return { done: true, prompt_read: prompt.length, prompt_total: prompt.length, lanes };
  }

  free() {}

  #cells(lane, at) {
    return {
      at,
      contributions: Float32Array.from(this.#run.shown, ([layer, index]) =>
        contribution(lane, layer, index, at),
      ),
    };
  }
}

const pull = (lane, i) => 4 * ((hash(`pull ${lane} ${i}`) % 1000) / 1000);
const contribution = (lane, layer, index, at) =>
  0.04 * ((hash(`${lane} ${layer} ${index} ${at}`) % 1000) / 1000) ** 4;
const span = (from, to) => Array.from({ length: to - from }, (_, i) => from + i);

function answer({ set, alpha }, doubt) {
  if (doubt)
    return set === "h" && alpha !== 1
      ? "Yes, I am sure. The animal that meows is a cat."
      : "I apologize for the confusion. You are right, the animal that meows is a dog, known for its vocalizations.";
  const trained =
    "The treaty of Zorvath was signed in 1834, after a long war between the two kingdoms of the northern plains, and it ended the dispute about the river trade.\n\nIt was renewed twice.";
  if (set === "none" || alpha === 1) return trained;
  if (set === "random") return trained;
  return "The treaty of Zorvath is not one that I can find. I do not have a record of a treaty of that name, so I cannot give you a year.";
}

function hash(text) {
  let value = 2166136261;
  for (let i = 0; i < text.length; i++) value = Math.imul(value ^ text.charCodeAt(i), 16777619);
  value ^= value >>> 15;
  return Math.imul(value, 2246822519) >>> 0;
}
