// The views beside lanes and board: layer map, next words, sweep, neuron card. Main tells this module what changed; it tells each
// view what is its business, and fetches the card when it is first opened.

import { askedOf, completeField, knownField } from "../core/map.js";
import { usualLimit } from "../core/neuron.js";
import { laneName } from "../core/requests.js";
import { leverOf } from "../core/levers.js";
import { grouped } from "../core/grouped.js";
import { chance } from "../core/words.js";
import { $, h, visible } from "./dom.js";
import { MapView } from "./map.js";
import { NextView } from "./next.js";
import { SweepView } from "./sweep.js";

/** What is known of an answer's token: how likely it was, and how much of the detector's reading it makes up. */
function aboutToken(trace, i, index) {
  const { tokens } = trace.lanes[i];
  const { text, logprob } = tokens[index];
  const facts = Number.isFinite(logprob) ? [`${chance(logprob)} likely here`] : [];
  const share = trace.share(i, index);
  if (share === 0) facts.push("not read by the detector");
  else if (share !== undefined) {
    const all = tokens.reduce((sum, _, at) => sum + Math.max(0, trace.share(i, at) ?? 0), 0);
    if (all > 0) facts.push(`${Math.round((100 * Math.max(0, share)) / all)} % of the reading`);
  }
  return facts.length > 0 ? `“${visible(text)}”: ${facts.join(", ")}.` : "";
}

export class Views {
  #on;
  #sweep;
  #card = null;
  #map;
  #next;
  #title = h("h2", { id: "map-title" }, "All neurons");
  #larger;
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
  #candidates = new WeakMap(); // lane -> Map(index of an answer token -> what could have come there)
  #asking = false; // the engine is asked for next words
  #held = false; // until the answers have been painted
  #tried = null; // {edits, name} of a factor that is being dragged to

  /**
   * @param {object} on
   * @param {(alpha: number, of: {set: string, lever?: string}) => void} on.choose
   * @param {() => void} on.sweep
   * @param {(off: import("../core/types.js").Selected[]) => void} on.off
   * @param {(layer: number, index: number) => void} on.toggle
   * @param {(layer: number, index: number) => void} on.silence
   * @param {(run: any) => void} on.open
   * @param {(trace: any, lane: number, at: number) => Promise<Float32Array | null>} on.activity all contributions; null without a model
   * @param {(trace: any, lane: number, index: number, asked?: any) => Promise<import("../core/types.js").Candidate[] | null>} on.next
   * @param {(error: unknown) => void} on.trouble
   * @param {() => void} on.missing
   * @param {import("../core/types.js").Settings} settings
   */
  constructor(on, settings) {
    this.#on = on;
    this.#now.settings = settings;
    this.#sweep = new SweepView($("[data-part=sweep]"), { choose: on.choose, run: on.sweep });
    this.#sweep.now({ settings });
    this.#larger = h(
      "button",
      {
        type: "button",
        class: "quiet map-larger",
        "aria-label": "Larger map",
        onclick: () => this.#enlarge(),
      },
      "Larger",
    );
    const place = h("div", { class: "map-all" });
    $("[data-part=map]").replaceChildren(
      h("header", { class: "map-head" }, this.#title, this.#larger),
      place,
    );
    this.#map = new MapView(place, {
      card: (layer, index, back) =>
        this.#open({ layer, index, host: $("[data-part=map]"), after: place, back }),
      toggle: on.toggle,
      silence: on.silence,
    });
    this.#next = new NextView($("[data-part=next]"));
  }

  #enlarge() {
    const stage = $(".stage");
    const is = stage.toggleAttribute("data-large");
    const words = is ? "Smaller" : "Larger";
    this.#larger.textContent = words;
    this.#larger.setAttribute("aria-label", `${words} map`);
    this.#map.large = is;
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
    if (["alpha", "set", "lever", "seed", "off"].every((key) => before[key] === settings[key]))
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

  async #fetched(part) {
    try {
      return await part;
    } catch (error) {
      console.warn(error);
      this.#on.missing();
    }
  }

  /** Map and next words wait until what is shown now has been painted: on a slow device the answers are there sooner. */
  hold() {
    this.#held = true;
    requestAnimationFrame(() =>
      setTimeout(() => {
        this.#held = false;
        this.#tell({});
      }),
    );
  }

  #tell(patch) {
    Object.assign(this.#now, patch);
    if (this.#held) return;
    this.#seeCard();
    this.#seeMap();
    this.#seeNext();
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
    const shown = getComputedStyle($("[data-part=map]")).display !== "none";
    if (!artifact || !trace || !shown) return;
    const { lane } = this.#now.chosen;
    const control = trace.lanes.find(({ set }) => set === "random")?.neurons ?? [];
    const lever = this.#lever();
    const isOff = (neuron) => Boolean(trace.lanes[lane]) && trace.factor(lane, neuron) === 0;
    this.#map.mark(
      [
        ...control.map(([layer, index]) => ({
          layer,
          index,
          kind: "random",
          off: isOff([layer, index]),
        })),
        ...lever.map(([layer, index]) => ({
          layer,
          index,
          kind: "lever",
          off: isOff([layer, index]),
        })),
        ...artifact.neurons.map(({ layer, index, quantiles }) => ({
          layer,
          index,
          kind: "h",
          off: isOff([layer, index]),
          limit: usualLimit(quantiles),
        })),
      ],
      settings.off,
    );
    this.#showField();
  }

  /** The neurons of the lever that is turned in the run, or that the form has. */
  #lever() {
    const { artifact, trace, settings } = this.#now;
    const turned = trace.lanes.find(({ set }) => set === "lever");
    if (turned) return turned.neurons;
    const lever = settings.set === "lever" ? leverOf(artifact, settings.lever) : undefined;
    return (lever?.neurons ?? []).map(({ layer, index }) => [layer, index]);
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
    this.#title.textContent = `${complete ? "All neurons" : "Neurons"} at “${visible(token.text)}”`;
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
      words = `${error.message} Shown: what the run itself has.`;
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
      return `Shown: only the H-Neurons and the neurons of this run. Run again to see all ${all}.`;
    const loudest = known.top > 0 ? ` and the ${known.top} loudest` : "";
    return `This recording has only the H-Neurons${loudest}. Of the random ones it has the place. Press Run to see all ${all}.`;
  }

  // A field is 184 kB: the last few are kept.
  #keep(lane, at, field) {
    const fields = this.#complete.get(lane) ?? new Map();
    fields.delete(at);
    fields.set(at, field);
    if (fields.size > 8) fields.delete(fields.keys().next().value);
    this.#complete.set(lane, fields);
  }

  // ---- The next words ----

  /** The visitor drags to another factor: what would be the most probable words there, in the lane of the set? Null: no more. */
  tryOut(asked) {
    this.#tried = asked;
    this.#seeNext();
  }

  #seeNext() {
    const {
      trace,
      chosen: { lane, at },
      state,
    } = this.#now;
    if (!trace) return;
    const index = at - trace.prompt.length;
    const token = trace.lanes[lane]?.tokens[index];
    if (!token) return this.#next.say("Next word", "Choose a word of an answer.");
    const columns = trace.lanes.map((own) => ({
      lane: own,
      lanes: trace.lanes,
      candidates: this.#known(own, index),
      chosen: own.tokens[index]?.id ?? -1,
    }));
    // Until the new bars come the old ones stay: they glide to their new length.
    if (this.#tried?.candidates && columns[1])
      Object.assign(columns[1], { candidates: this.#tried.candidates, chosen: -1 });
    const before = trace.lanes[lane].tokens.slice(0, index);
    const words = before
      .map(({ text }) => text)
      .join("")
      .trim()
      .split(/\s+/)
      .slice(-2)
      .join(" ");
    const missing = columns.some(
      ({ lane, candidates }) => !candidates && lane.tokens.length >= index,
    );
    const others = trace.lanes.some(
      (own, i) => i !== lane && before.some(({ id }, k) => own.tokens[k]?.id !== id),
    );
    const reason = missing
      ? state === "ready"
        ? "Reading …"
        : state === "running"
          ? "The bars come when the run has ended."
          : "Not recorded. Run it to see the bars."
      : others
        ? "The answers differ before this word, so each has its own beginning."
        : "";
    const note = [aboutToken(trace, lane, index), reason].filter(Boolean).join(" ");
    this.#next.show({
      title: words ? `What comes after “… ${words}”` : "What comes first",
      note,
      columns,
    });
    if (state === "ready" && (missing || (this.#tried && !this.#tried.candidates)))
      this.#askNext(trace, index);
  }

  #known(lane, index) {
    return lane.tokens[index]?.next ?? this.#candidates.get(lane)?.get(index);
  }

  // One question at a time; what is asked is what is wanted when the one before has been answered.
  async #askNext(trace, index) {
    if (this.#asking) return;
    this.#asking = true;
    const tried = this.#tried;
    try {
      if (tried && !tried.candidates)
        tried.candidates = (await this.#on.next(trace, trace.trained, index, tried.lane)) ?? [];
      else {
        const i = trace.lanes.findIndex(
          (lane) => !this.#known(lane, index) && lane.tokens.length >= index,
        );
        if (i >= 0) {
          const found = (await this.#on.next(trace, i, index, askedOf(trace.lanes[i]))) ?? [];
          const all = this.#candidates.get(trace.lanes[i]) ?? new Map();
          this.#candidates.set(trace.lanes[i], all.set(index, found));
        }
      }
    } catch (error) {
      this.#asking = false;
      if (error.fatal) this.#on.trouble(error);
      else this.#next.say("Next word", error.message);
      return;
    }
    this.#asking = false;
    this.#seeNext();
  }
}
