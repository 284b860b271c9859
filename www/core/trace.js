// A trace: what a run produced, in the one form that all views read. It is filled by a live run's steps, or at
// once from a recorded trace (the object `hneurons run --json` prints). Pure.

const key = (layer, index) => `${layer}.${index}`;

export class Trace {
  /** @param {{recorded?: boolean, messages: {role: string, content: string}[]}} about */
  constructor({ recorded = false, messages }) {
    this.recorded = recorded;
    this.messages = messages;
    this.prompt = [];
    this.rows = []; // [layer, index] of every row of cells
    this.lanes = [];
    this.done = false;
    this.promptRead = 0;
  }

  /** From the answer to `start`. `lanes` are those of the request: they know their seeds. */
  begin(started, lanes) {
    this.prompt = started.prompt;
    this.rows = started.shown.map(([layer, index]) => [layer, index]);
    this.lanes = started.lanes.map((lane, i) => emptyLane({ ...lanes[i], ...lane }));
  }

  /** Adds a lane with nothing in it, and gives it back. */
  addLane(about) {
    const lane = emptyLane(about);
    this.lanes.push(lane);
    return lane;
  }

  /** The same conversation with these lanes, which are shared, not copied. */
  withLanes(lanes) {
    return Object.assign(Object.create(Trace.prototype), this, { lanes });
  }

  /** One step of a live run. Returns the lanes it touched. */
  apply(step) {
    this.promptRead = step.prompt_read ?? this.promptRead;
    const touched = new Set();
    for (const news of step.lanes ?? []) {
      const lane = this.lanes[news.lane];
      if (!lane) continue;
      touched.add(news.lane);
      for (const { at, contributions } of news.read ?? []) lane.cells[at] = contributions;
      if (news.token) lane.tokens.push(news.token);
      if (news.score !== undefined && news.score !== null) lane.score = news.score;
      if (news.stopped) lane.stopped = news.stopped;
      if (news.limit) lane.limit = news.limit;
    }
    if (step.done) this.done = true;
    return touched;
  }

  text(lane) {
    return this.lanes[lane].tokens.map((token) => token.text).join("");
  }

  /** The answer of the lane with no edit: the one a doubt is put to. */
  get trained() {
    return this.lanes.findIndex((lane) => lane.set === "none");
  }

  /**
   * Where a lane parts from the as-trained one: the index of the first token that differs, -1 while (or if) it
   * does not. A lane that ends where the other goes on parts at its end.
   */
  partsAt(lane) {
    const mine = this.lanes[lane];
    const theirs = this.lanes[this.trained];
    if (!theirs || mine === theirs) return -1;
    const both = Math.min(mine.tokens.length, theirs.tokens.length);
    for (let i = 0; i < both; i++) if (mine.tokens[i].id !== theirs.tokens[i].id) return i;
    const ended = (a, b) => a.stopped === "eos" && (b.tokens.length > both || (b.stopped && b.stopped !== "eos"));
    return ended(mine, theirs) || ended(theirs, mine) ? both : -1;
  }

  /** Both lanes ended with the same tokens. */
  sameAsTrained(lane) {
    const [mine, theirs] = [this.lanes[lane], this.lanes[this.trained]];
    return Boolean(
      theirs && mine !== theirs && mine.stopped && theirs.stopped &&
        this.partsAt(lane) === -1 && mine.tokens.length === theirs.tokens.length,
    );
  }

  /** A contribution, or undefined where none was read. `at` indexes prompt then answer. */
  contribution(lane, row, at) {
    return this.lanes[lane]?.cells[at]?.[row];
  }

  /** Does this lane edit that neuron? */
  edits(lane, [layer, index]) {
    return this.lanes[lane].edited.has(key(layer, index));
  }
}

function emptyLane({ set, alpha, seed, neurons = [] }) {
  return {
    set,
    alpha,
    seed,
    neurons,
    edited: new Set(alpha === 1 || set === "none" ? [] : neurons.map(([layer, index]) => key(layer, index))),
    tokens: [],
    cells: [],
    score: undefined,
    stopped: undefined,
    limit: undefined,
  };
}

/** A recorded trace. Throws with a plain message when it is not one. */
export function fromRecording(json) {
  if (!json || !Array.isArray(json.lanes) || !Array.isArray(json.messages)) {
    throw new Error("This file is not a recorded trace: it has no lanes or no messages.");
  }
  const trace = new Trace({ recorded: true, messages: json.messages });
  trace.prompt = Array.isArray(json.prompt) ? json.prompt : [];
  const rows = new Map();
  const rowOf = ({ layer, index }) => {
    const name = key(layer, index);
    if (!rows.has(name)) {
      rows.set(name, rows.size);
      trace.rows.push([layer, index]);
    }
    return rows.get(name);
  };
  const cellsOf = (neurons) => {
    const cells = [];
    for (const neuron of neurons ?? []) cells[rowOf(neuron)] = neuron.contribution;
    return cells;
  };
  for (const recorded of json.lanes) {
    const { set, alpha, seed, edited = [] } = recorded;
    const lane = trace.addLane({ set, alpha, seed, neurons: edited });
    (recorded.prompt_neurons ?? []).forEach((neurons, at) => (lane.cells[at] = cellsOf(neurons)));
    (recorded.tokens ?? []).forEach(({ id, text, logprob, neurons }, i) => {
      lane.tokens.push({ id, text: String(text), logprob });
      if (neurons) lane.cells[trace.prompt.length + i] = cellsOf(neurons);
    });
    lane.score = recorded.score ?? undefined;
    lane.stopped = recorded.stopped;
    lane.limit = recorded.limit;
  }
  trace.promptRead = trace.prompt.length;
  trace.done = true;
  return trace;
}
