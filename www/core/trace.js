// A trace: what a run produced, in the one form that all views read. It is filled by a live run's steps (live.js), or at
// once from a recorded run (gallery.js, recording.js). Pure.

const key = (layer, index) => `${layer}.${index}`;

export class Trace {
  /** @param {{recorded?: boolean, messages: import("./types.js").Message[]}} about */
  constructor({ recorded = false, messages }) {
    this.recorded = recorded;
    this.messages = messages;
    this.about = null; // {model: {id, name, sha256}, engine, artifact: {id, provisional}}, as in a recorded trace
    /** @type {import("./types.js").PromptToken[]} */
    this.prompt = [];
    /** @type {import("./types.js").Neuron[]} of every row of cells */
    this.rows = [];
    /** @type {import("./types.js").Lane[]} */
    this.lanes = [];
    this.done = false;
    this.promptRead = 0;
    /** @type {string | undefined} of a recorded run */ this.id;
    /** @type {number | undefined} the limit of tokens that a recorded run had */ this.max;
    /** @type {number | undefined} how long a live run took */ this.seconds;
    /** @type {Map<number, import("./types.js").Reading[]> | undefined} the largest of all */ this
      .top;
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
    const ended = (a, b) =>
      a.stopped === "eos" && (b.tokens.length > both || (b.stopped && b.stopped !== "eos"));
    return ended(mine, theirs) || ended(theirs, mine) ? both : -1;
  }

  /** Both lanes ended with the same tokens. */
  sameAsTrained(lane) {
    const [mine, theirs] = [this.lanes[lane], this.lanes[this.trained]];
    return Boolean(
      theirs &&
      mine !== theirs &&
      mine.stopped &&
      theirs.stopped &&
      this.partsAt(lane) === -1 &&
      mine.tokens.length === theirs.tokens.length,
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

  /** The factor this lane gives that neuron: 1 where it does not edit it. */
  factor(lane, neuron) {
    const { alpha, own } = this.lanes[lane];
    return this.edits(lane, neuron) ? (own.get(key(...neuron)) ?? alpha) : 1;
  }
}

function emptyLane({ set, alpha, seed, control_of, neurons = [], factors = [] }) {
  const own = new Map(
    neurons.flatMap(([layer, index], i) =>
      factors[i] == null ? [] : [[key(layer, index), factors[i]]],
    ),
  );
  const names = set === "none" ? [] : neurons.map(([layer, index]) => key(layer, index));
  return {
    set,
    alpha,
    seed,
    control_of,
    neurons,
    own, // factors of single neurons
    edited: new Set(names.filter((name) => (own.get(name) ?? alpha) !== 1)),
    tokens: [],
    cells: [],
    score: undefined,
    stopped: undefined,
    limit: undefined,
  };
}
