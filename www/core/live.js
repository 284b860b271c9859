// The trace of a live run, filled step by step. Pure.

import { Trace } from "./trace.js";

export class LiveTrace extends Trace {
  /**
   * From the answer to `start`. `lanes` are those of the request: they know their seeds.
   * @param {any} started
   * @param {import("./types.js").LaneRequest[]} lanes
   */
  begin(started, lanes) {
    this.prompt = started.prompt;
    this.rows = started.shown.map((/** @type {[number, number]} */ [layer, index]) => [
      layer,
      index,
    ]);
    started.lanes.forEach((/** @type {any} */ lane, /** @type {number} */ i) => {
      this.addLane({ ...lanes[i], ...lane, ...placed(lane, lanes[i]) }).asked = lanes[i];
    });
  }

  /**
   * One step of a live run. Returns the lanes it touched.
   * @param {any} step
   * @returns {Set<number>}
   */
  apply(step) {
    this.promptRead = step.prompt_read ?? this.promptRead;
    const touched = new Set();
    for (const news of step.lanes ?? []) {
      const lane = this.lanes[news.lane];
      if (!lane) continue;
      touched.add(news.lane);
      for (const { at, contributions, pull } of news.read ?? []) {
        lane.cells[at] = contributions;
        if (pull !== undefined && at >= this.prompt.length)
          lane.pulls[at - this.prompt.length] = pull;
      }
      if (news.span) {
        lane.words.splice(news.span.from, Infinity, ...news.span.words);
        lane.newWords = news.span.new_words;
      }
      if (news.token) lane.tokens.push(news.token);
      if (news.score !== undefined && news.score !== null) lane.score = news.score;
      if (news.stopped) lane.stopped = news.stopped;
      if (news.limit) lane.limit = news.limit;
    }
    if (step.done) this.done = true;
    return touched;
  }
}

/**
 * Factors in the order of the lane's neurons. A selection keeps its own order; the engine gives a control's neurons by layer
 * and index, and each takes the factor of its place.
 * @param {any} lane
 * @param {import("./types.js").LaneRequest} asked
 * @returns {Pick<import("./types.js").LaneRequest, "neurons" | "factors">}
 */
function placed(lane, { set, neurons, control_of, factors }) {
  if (!factors) return {};
  if (set === "custom") return { neurons, factors };
  if (!Array.isArray(control_of)) return {};
  const sorted = control_of
    .map((neuron, i) => ({ neuron, factor: factors[i] }))
    .sort(({ neuron: [a, i] }, { neuron: [b, j] }) => a - b || i - j);
  return { factors: sorted.map(({ factor }) => factor) };
}
