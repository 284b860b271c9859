// The largest contribution of each row in any lane of a trace: the scale of a neuron that has none of its own. What a lane has
// read since the last look is looked at, once, so that a token costs the same however long the answer is. Pure.

export class Largest {
  #trace;
  #looked = []; // positions of each lane that have been looked at
  #most = [];

  constructor(trace) {
    this.#trace = trace;
    trace.lanes.forEach((_, i) => this.look(i));
  }

  /** Looks at what lane i has read since. */
  look(i) {
    const { cells } = this.#trace.lanes[i];
    let at = this.#looked[i] ?? 0;
    for (; at < cells.length; at++)
      cells[at]?.forEach((value, row) => {
        if (value > (this.#most[row] ?? 0)) this.#most[row] = value;
      });
    this.#looked[i] = at;
  }

  /** The largest of a row, or 1 where nothing has been seen of it. */
  of(row) {
    return this.#most[row] || 1;
  }
}
