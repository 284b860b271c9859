// The three views beside lanes and board: sweep, neuron card, layer map. Main tells this module what changed; it tells each
// view what is its business, and fetches card and map when they are first opened.

import { completeField, knownField } from "../core/map.js";
import { laneName } from "../core/requests.js";
import { grouped } from "../core/grouped.js";
import { $, h, visible } from "./dom.js";
import { SweepView } from "./sweep.js";

export class Views {
  #on;
  #sweep;
  #card = null;
  #map = null;
  #place; // the map's <details>
  #now = {
    artifact: null,
    gallery: null,
    trace: null,
    chosen: { lane: 0, at: -1 },
    settings: null,
    state: "recorded",
    size: "",
  };
  #reading = false; // the engine is reading all neurons
  #complete = new WeakMap(); // lane -> Map(position -> Field)

  /**
   * @param {object} on
   * @param {(alpha: number, set: string) => void} on.choose
   * @param {() => void} on.sweep
   * @param {(off: import("../core/types.js").Selected[]) => void} on.off
   * @param {(layer: number, index: number) => void} on.toggle
   * @param {(layer: number, index: number) => void} on.silence
   * @param {(run: any) => void} on.open
   * @param {(trace: any, lane: number, at: number) => Promise<Float32Array | null>} on.activity all contributions; null without a model
   * @param {(error: unknown) => void} on.trouble
   * @param {() => void} on.missing
   * @param {import("../core/types.js").Settings} settings
   */
  constructor(on, settings) {
    this.#on = on;
    this.#now.settings = settings;
    this.#sweep = new SweepView($("[data-part=sweep]"), { choose: on.choose, run: on.sweep });
    this.#sweep.now({ settings });
    this.#place = h("details", {}, h("summary", {}, "All neurons at the chosen token"), h("div"));
    $("[data-part=map]").replaceChildren(
      h(
        "header",
        { class: "section-head" },
        h("h2", { id: "map-title" }, "Layer map"),
        h(
          "p",
          { class: "hint" },
          "A row a layer, a column a neuron, the darker the larger its contribution (in dark colours the lighter). It follows the token chosen in the answers or on the board.",
        ),
      ),
      this.#place,
    );
    this.#place.addEventListener("toggle", () => this.#place.open && this.#openMap());
  }

  setArtifact(artifact) {
    this.#tell({ artifact });
  }

  setGallery(gallery) {
    this.#tell({ gallery });
  }

  /** The trace that is shown, and the one of all its lanes where it has been swept. */
  show(trace, sweep, chosen) {
    this.#sweep.now({ trace });
    this.#sweep.show(sweep);
    this.#tell({ trace, chosen });
  }

  /** A sweep that is running, or has ended. */
  showSweep(sweep) {
    this.#sweep.show(sweep);
  }

  updateSweep() {
    this.#sweep.update();
  }

  /** The shown trace has new cells: what is open follows when the run has ended. */
  setState(state, size) {
    this.#sweep.now({ state, size });
    this.#tell({ state, size });
  }

  setSettings(settings) {
    const before = this.#now.settings;
    if (["alpha", "set", "seed", "off"].every((key) => before[key] === settings[key]))
      return void (this.#now.settings = settings);
    this.#sweep.now({ settings });
    this.#tell({ settings });
  }

  choose(lane, at) {
    this.#tell({ chosen: { lane, at } });
  }

  /** Opens the card of a neuron in the board's section. */
  openCard(layer, index, back) {
    const host = $("[data-part=board]");
    this.#open({ layer, index, host, after: $(".board-scroll", host), back });
  }

  async #open(neuron) {
    const part = await this.#fetched(import("./card.js"));
    if (!part) return;
    this.#card ??= new part.CardView({
      change: this.#on.off,
      open: this.#on.open,
      silence: this.#on.silence,
    });
    this.#seeCard();
    this.#card.open(neuron);
  }

  async #openMap() {
    const part = await this.#fetched(import("./map.js"));
    if (!part) return;
    const host = $("[data-part=map]");
    this.#map ??= new part.MapView($("div", this.#place), {
      card: (layer, index, back) => this.#open({ layer, index, host, after: this.#place, back }),
      toggle: this.#on.toggle,
    });
    this.#seeMap();
  }

  async #fetched(part) {
    try {
      return await part;
    } catch (error) {
      console.warn(error);
      this.#on.missing();
    }
  }

  #tell(patch) {
    Object.assign(this.#now, patch);
    this.#seeCard();
    this.#seeMap();
  }

  #seeCard() {
    const { artifact, gallery, trace, chosen, settings, size } = this.#now;
    this.#card?.see({
      size,
      artifact,
      gallery,
      trace,
      chosen,
      settings,
      reading: (layer, index) => this.#contribution(layer, index),
    });
  }

  /** A neuron's contribution at the chosen token, from what is known; undefined where nothing is. */
  #contribution(layer, index) {
    const {
      trace,
      chosen: { lane, at },
    } = this.#now;
    if (!trace) return undefined;
    const row = trace.rows.findIndex(([l, i]) => l === layer && i === index);
    const read =
      trace.contribution(lane, row, at) ??
      this.#complete.get(trace.lanes[lane])?.get(at)?.at(layer, index);
    if (read !== undefined || lane !== trace.trained) return read;
    return trace.top?.get(at)?.find((neuron) => neuron.layer === layer && neuron.index === index)
      ?.contribution;
  }

  // ---- The map ----

  #seeMap() {
    const { artifact, trace, settings } = this.#now;
    if (!this.#map || !this.#place.open || !artifact || !trace) return;
    const control = trace.lanes.find(({ set }) => set === "random")?.neurons ?? [];
    this.#map.mark(
      [
        ...control.map(([layer, index]) => ({ layer, index, kind: "random" })),
        ...artifact.neurons.map(({ layer, index }) => ({ layer, index, kind: "h" })),
      ],
      settings.off,
    );
    this.#showField();
  }

  async #showField() {
    const {
      artifact,
      trace,
      chosen: { lane, at },
      state,
    } = this.#now;
    const { model } = artifact;
    const token = trace.prompt[at] ?? trace.lanes[lane]?.tokens[at - trace.prompt.length];
    if (!token) return;
    const all = grouped(model.neuron_count);
    const here = `“${visible(token.text)}” (${laneName(trace.lanes[lane], trace.lanes)})`;
    const complete = this.#complete.get(trace.lanes[lane])?.get(at);
    if (complete) return this.#map.show(complete, `All ${all} neurons at ${here}.`);
    const known = knownField(trace, lane, at, model);
    const live = state === "ready";
    this.#map.show(
      known,
      live
        ? `Reading all ${all} neurons at ${here} …`
        : state === "running"
          ? `All ${all} neurons are read when the run has ended.`
          : this.#recordedWords(trace, known, all),
    );
    if (!live || this.#reading) return;
    this.#reading = true;
    let words = this.#recordedWords(trace, known, all);
    try {
      const values = await this.#on.activity(trace, lane, at);
      if (values) this.#keep(trace.lanes[lane], at, completeField(values, model));
      if (values) words = "";
    } catch (error) {
      words = `${error.message} Shown is what the run itself has.`;
      if (error.fatal) this.#on.trouble(error);
    }
    this.#reading = false;
    const { trace: shown, chosen } = this.#now;
    const asked = shown?.lanes[chosen.lane] === trace.lanes[lane] && chosen.at === at;
    if (asked && words) this.#map.say(words);
    else this.#tell({}); // what was read, or what was chosen meanwhile
  }

  #recordedWords(trace, known, all) {
    if (!trace.recorded)
      return `Known are the H-Neurons and the control; run the prompt again to see all ${all}.`;
    if (known.top > 0)
      return `Recorded: only the eight largest, the H-Neurons and the random controls are known; run it live to see all ${all}.`;
    return `Recorded: at this token of this lane only the H-Neurons and the random controls are known; run it live to see all ${all}.`;
  }

  // A field is 184 kB: the last few are kept.
  #keep(lane, at, field) {
    const fields = this.#complete.get(lane) ?? new Map();
    fields.delete(at);
    fields.set(at, field);
    if (fields.size > 8) fields.delete(fields.keys().next().value);
    this.#complete.set(lane, fields);
  }
}
