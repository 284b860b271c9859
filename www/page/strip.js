// A lane's strip: its H-Neurons in miniature, a row each, a column a token of the answer. It is painted token by token while
// the answer streams. The board has the same at full size, with names and numbers.

import { context } from "./canvas.js";

const ROW = 1; // CSS pixels a neuron
const WIDEST = 9; // of a column

export class Strip {
  #canvas;
  #trace;
  #lane;
  #rows;
  #most; // the largest contribution of each row, for its scale
  #painted = 0;
  #room = 0;
  #columns = 0;

  /**
   * @param {HTMLCanvasElement} canvas
   * @param {import("../core/trace.js").Trace} trace
   * @param {number} lane
   * @param {number[]} rows of the trace that are shown
   * @param {{of: (row: number) => number}} largest
   */
  constructor(canvas, trace, lane, rows, largest) {
    this.#canvas = canvas;
    this.#trace = trace;
    this.#lane = lane;
    this.#rows = rows;
    this.#most = largest;
  }

  get height() {
    return Math.max(8, Math.ceil(this.#rows.length * ROW));
  }

  /** Width of a column, CSS pixels. */
  get #wide() {
    return Math.min(WIDEST, this.#room / Math.max(1, this.#columns));
  }

  /** The answer token under a point, or -1. */
  tokenAt(x) {
    const at = Math.floor(x / this.#wide);
    return at >= 0 && at < this.#trace.lanes[this.#lane].tokens.length ? at : -1;
  }

  /**
   * Paints what is new; everything where the room or the scale has changed.
   * @param {{anew?: boolean, upTo?: number, chosen?: number}} [how]
   */
  paint({ anew = false, upTo = Infinity, chosen = -1 } = {}) {
    const { tokens, cells } = this.#trace.lanes[this.#lane];
    const room = this.#canvas.parentElement?.clientWidth ?? 0;
    if (room === 0) return;
    // Room for twice as many tokens as there are, so that a growing answer is not painted over at each token.
    const columns = tokens.length > this.#columns ? 2 * tokens.length : this.#columns || 24;
    const fixed = this.#trace.done ? Math.max(1, tokens.length) : columns;
    const whole = anew || room !== this.#room || fixed !== this.#columns || this.#painted === 0;
    this.#room = room;
    this.#columns = fixed;
    const style = getComputedStyle(this.#canvas);
    const ink = whole
      ? context(this.#canvas, room, this.height)
      : this.#canvas.getContext("2d", { willReadFrequently: false });
    const silenced = this.#rows.map((row) => this.#isOff(row));
    const colour = style.getPropertyValue("--h").trim();
    const start = this.#trace.prompt.length;
    const end = Math.min(tokens.length, upTo);
    const wide = this.#wide;
    for (let i = whole ? 0 : this.#painted; i < end; i++) {
      if (i === chosen) {
        ink.globalAlpha = 1;
        ink.fillStyle = style.getPropertyValue("--chosen").trim();
        ink.fillRect(i * wide, 0, wide, this.height);
      }
      ink.fillStyle = colour;
      this.#rows.forEach((row, k) => {
        const value = cells[start + i]?.[row];
        if (value === undefined) return;
        const share = Math.min(1, value / this.#most.of(row));
        if (share < 0.04) return;
        ink.globalAlpha = 0.15 + 0.85 * share;
        const width = Math.max(1, wide - 0.5);
        // Hollow: a neuron that is off would have fired, but was not let through.
        if (silenced[k]) {
          ink.fillRect(i * wide, k * ROW, 1, ROW);
          if (width >= 4) ink.fillRect(i * wide + width - 1, k * ROW, 1, ROW);
        } else ink.fillRect(i * wide, k * ROW, width, ROW);
      });
    }
    ink.globalAlpha = 1;
    // The token under way has been chosen, but not been read.
    this.#painted = Math.max(0, end - 1);
  }

  #isOff(row) {
    return this.#trace.factor(this.#lane, this.#trace.rows[row]) === 0;
  }
}
