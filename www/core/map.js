// The layer map's data: the contributions of all neurons at one token, or of the few that a recording has, in one form;
// and what is in view of it. Pure.

import { setFor } from "./requests.js";

/** What a lane was asked with, for the engine to read it again; of a recorded lane, what it must have been. */
export function askedOf({ asked, set, alpha, seed, own, lever, neurons }) {
  if (set === "none" || (alpha === 1 && !own?.size)) return { set: "none", alpha: 1 };
  if (asked) return asked;
  if (set === "custom") return { set, alpha, neurons };
  const [chosen, control] = setFor({ set: lever ? "lever" : "h", lever: lever ?? "", off: [] });
  return set === "random" ? { ...control, alpha, seed } : { ...chosen, alpha };
}

/** Contributions of some or all neurons of a model of this shape. */
export class Field {
  #values;
  #per;
  #sorted; // the known values, ascending

  /** @param values row-major by layer; NaN where not known */
  constructor(values, perLayer, { complete, top = 0, recorded = false }) {
    this.#values = values;
    this.#per = perLayer;
    this.layers = values.length / perLayer;
    this.complete = complete;
    this.recorded = recorded; // the values are steps of a scale
    this.top = top; // so many of the largest are known to be the largest
    this.known = complete ? values.length : values.reduce((sum, value) => sum + (value >= 0), 0);
  }

  get count() {
    return this.#values.length;
  }

  get perLayer() {
    return this.#per;
  }

  /** A contribution, or NaN. */
  at(layer, index) {
    return this.#values[layer * this.#per + index];
  }

  /**
   * How much a contribution stands out, 0 to 1. By "size": its share of the largest here. By "rank": 1 for the largest of all,
   * and as much less for each ten times as many that are larger.
   */
  share(value, scale) {
    if (!(value > 0)) return 0;
    this.#sorted ??= Float32Array.from(this.#values.filter((other) => other >= 0)).sort();
    const most = this.#sorted.at(-1);
    if (scale === "size") return value / most;
    let [low, high] = [0, this.#sorted.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#sorted[middle] <= value) low = middle + 1;
      else high = middle;
    }
    const rank = this.#sorted.length - low + 1;
    return Math.max(0, 1 - Math.log(rank) / Math.log(this.count));
  }

  /** 1 for the largest of all; undefined where that is not known. */
  rank(layer, index) {
    const value = this.at(layer, index);
    if (!(value >= 0)) return undefined;
    let larger = 0;
    for (const other of this.#values) if (other > value) larger++;
    return this.complete || larger < this.top ? larger + 1 : undefined;
  }

  /** The n largest known: [{layer, index, contribution}]. */
  largest(n) {
    const found = [];
    this.#values.forEach((contribution, i) => {
      if (!(contribution >= 0) || (found.length === n && contribution <= found.at(-1).contribution))
        return;
      const place = found.findIndex((other) => other.contribution < contribution);
      found.splice(place < 0 ? found.length : place, 0, {
        layer: Math.floor(i / this.#per),
        index: i % this.#per,
        contribution,
      });
      if (found.length > n) found.pop();
    });
    return found;
  }

  /** The neuron of the largest known contribution in a layer from `from` to before `to`; -1 where none is known. */
  strongest(layer, from, to) {
    let best = -1;
    for (let i = Math.max(0, from), end = Math.min(this.#per, to); i < end; i++) {
      const value = this.at(layer, i);
      if (value >= 0 && (best < 0 || value > this.at(layer, best))) best = i;
    }
    return best;
  }
}

/** All neurons, as the engine read them. Throws where the answer is not of the model's shape. */
export function completeField(values, { layers, neurons_per_layer: per }) {
  if (values?.length !== layers * per)
    throw new Error(
      "The engine did not give one value for each neuron. Deploy the engine that belongs to this page.",
    );
  return new Field(values, per, { complete: true });
}

/** What a trace itself has at a position of a lane: the largest of all, where recorded, and its rows. */
export function knownField(trace, lane, at, { layers, neurons_per_layer: per }) {
  const values = new Float32Array(layers * per).fill(NaN);
  const put = ({ layer, index, contribution }) =>
    layer < layers &&
    index < per &&
    contribution >= 0 &&
    (values[layer * per + index] = contribution);
  trace.rows.forEach(([layer, index], row) =>
    put({ layer, index, contribution: trace.contribution(lane, row, at) }),
  );
  const top = lane === trace.trained ? (trace.top?.get(at) ?? []) : [];
  top.forEach(put);
  return new Field(values, per, { complete: false, top: top.length, recorded: trace.recorded });
}

/** Which columns are in view: `from` (a fraction of a neuron, too) and how many. */
export class Window {
  constructor(perLayer, least = 24) {
    this.perLayer = perLayer;
    this.least = least;
    this.from = 0;
    this.count = perLayer;
  }

  get zoom() {
    return this.perLayer / this.count;
  }

  /** Shows fewer (factor > 1) or more neurons; the one at `anchor` (0 to 1 of the width) stays where it is. */
  zoomBy(factor, anchor = 0.5) {
    const fixed = this.from + anchor * this.count;
    this.count = Math.min(this.perLayer, Math.max(this.least, this.count / factor));
    this.moveTo(fixed - anchor * this.count);
  }

  moveTo(from) {
    this.from = Math.min(this.perLayer - this.count, Math.max(0, from));
  }

  /** Brings a neuron into view. */
  include(index) {
    const margin = Math.min(2, this.count / 8);
    if (index < this.from + margin) this.moveTo(index - margin);
    else if (index + 1 > this.from + this.count - margin)
      this.moveTo(index + 1 + margin - this.count);
  }

  reset() {
    Object.assign(this, { from: 0, count: this.perLayer });
  }
}

/** Room that the name of a column takes, with a gap, in px. */
const NAME = 52;

/** Of how many columns every one is named, so that names do not meet: 1, 2 or 5 times a power of ten. */
export function axisStep(columns, room) {
  const least = (NAME * columns) / room;
  const power = 10 ** Math.floor(Math.log10(Math.max(1, least)));
  return [1, 2, 5, 10].map((step) => step * power).find((step) => step >= least) ?? 10 * power;
}
