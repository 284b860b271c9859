// A trace: what a run produced, in the one form that all views read. It is filled by a live run's steps (live.js), or at
// once from a recorded run (gallery.js, recording.js). Pure.

// Of a lane: the as-trained one it was compared with, and how many tokens from the beginning are known to be the same.
/** @type {WeakMap<object, { theirs: object, same: number }>} */
const compared = new WeakMap();

/**
 * @param {number} layer
 * @param {number} index
 */
const key = (layer, index) => `${layer}.${index}`;

/**
 * Answer tokens that the detector reads, of those that were read.
 * @param {Trace} trace
 * @param {number} lane
 */
const wordsRead = (trace, lane) =>
  trace.lanes[lane].pulls.filter((pull, i) => pull !== undefined && trace.isRead(lane, i)).length;

/** @typedef {import("./types.js").Lane} Lane */
/** @typedef {import("./types.js").Neuron} Neuron */

export class Trace {
  /** @param {{recorded?: boolean, messages: import("./types.js").Message[]}} about */
  constructor({ recorded = false, messages }) {
    this.recorded = recorded;
    this.messages = messages;
    /** @type {{model: any, engine: string, artifact: any} | null} */
    this.about = null; // {model: {id, name, sha256}, engine, artifact: {id, provisional}}, as in a recorded trace
    /** @type {import("./types.js").PromptToken[]} */
    this.prompt = [];
    /** @type {Neuron[]} of every row of cells */
    this.rows = [];
    /** @type {Lane[]} */
    this.lanes = [];
    this.done = false;
    this.promptRead = 0;
    /** @type {string | undefined} of a recorded run */ this.id;
    /** @type {number | undefined} the limit of tokens that a recorded run had */ this.max;
    /** @type {import("./types.js").Settings | undefined} it was run with */ this.settings;
    /** @type {string | undefined} when a live run was made */ this.date;
    /** @type {import("./types.js").Making | undefined} of a run that was exported and opened again */ this
      .making;
    /** @type {number | undefined} how long a live run took */ this.seconds;
    /** @type {Map<number, import("./types.js").Reading[]> | undefined} the largest of all */ this
      .top;
  }

  /**
   * Adds a lane with nothing in it, and gives it back.
   * @param {import("./types.js").LaneRequest} about
   */
  addLane(about) {
    const lane = emptyLane(about);
    this.lanes.push(lane);
    return lane;
  }

  /**
   * The same conversation with these lanes, which are shared, not copied.
   * @param {Lane[]} lanes
   * @returns {Trace}
   */
  withLanes(lanes) {
    return Object.assign(Object.create(Trace.prototype), this, { lanes });
  }

  /** @param {number} lane */
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
   * @param {number} lane
   */
  partsAt(lane) {
    const mine = this.lanes[lane];
    const theirs = this.lanes[this.trained];
    if (!theirs || mine === theirs) return -1;
    const both = Math.min(mine.tokens.length, theirs.tokens.length);
    // Tokens are only ever added, so what was compared need not be again.
    const known = compared.get(mine);
    let same = known?.theirs === theirs && known.same <= both ? known.same : 0;
    while (same < both && mine.tokens[same].id === theirs.tokens[same].id) same++;
    compared.set(mine, { theirs, same });
    if (same < both) return same;
    /** @type {(a: Lane, b: Lane) => boolean} */
    const ended = (a, b) =>
      a.stopped === "eos" && (b.tokens.length > both || Boolean(b.stopped && b.stopped !== "eos"));
    return ended(mine, theirs) || ended(theirs, mine) ? both : -1;
  }

  /**
   * Both lanes ended with the same tokens.
   * @param {number} lane
   */
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

  /**
   * A contribution, or undefined where none was read. `at` indexes prompt then answer.
   * @param {number} lane
   * @param {number} row
   * @param {number} at
   * @returns {number | undefined}
   */
  contribution(lane, row, at) {
    return this.lanes[lane]?.cells[at]?.[row];
  }

  /**
   * What answer token `i` adds to the detector's log-odds: its pull, averaged over the words that are read. 0 for a token that
   * the detector does not read, undefined where that is not known.
   * @param {number} lane
   * @param {number} i
   * @returns {number | undefined}
   */
  share(lane, i) {
    const { pulls, words } = this.lanes[lane];
    const pull = pulls[i];
    if (pull === undefined || words[i] === undefined) return undefined;
    return this.isRead(lane, i) ? pull / wordsRead(this, lane) : 0;
  }

  /**
   * Does the detector read answer token `i`? It reads the new words of the first sentence; where there is none, all words.
   * @param {number} lane
   * @param {number} i
   */
  isRead(lane, i) {
    const { words, newWords } = this.lanes[lane];
    return (words[i] & (newWords ? 2 : 1)) !== 0;
  }

  /**
   * Does this lane edit that neuron?
   * @param {number} lane
   * @param {Neuron} neuron
   */
  edits(lane, [layer, index]) {
    return this.lanes[lane].edited.has(key(layer, index));
  }

  /**
   * The factor this lane gives that neuron: 1 where it does not edit it.
   * @param {number} lane
   * @param {Neuron} neuron
   */
  factor(lane, neuron) {
    const { alpha, own } = this.lanes[lane];
    return this.edits(lane, neuron) ? (own.get(key(...neuron)) ?? alpha) : 1;
  }
}

/**
 * @param {import("./types.js").LaneRequest} about
 * @returns {Lane}
 */
function emptyLane({ set, alpha, seed, control_of, lever, neurons = [], factors = [] }) {
  /** @type {Map<string, number>} */
  const own = new Map();
  neurons.forEach(([layer, index], i) => {
    const factor = factors[i];
    if (factor != null) own.set(key(layer, index), factor);
  });
  const names = set === "none" ? [] : neurons.map(([layer, index]) => key(layer, index));
  return {
    set,
    alpha,
    seed,
    control_of,
    lever,
    neurons,
    own, // factors of single neurons
    edited: new Set(names.filter((name) => (own.get(name) ?? alpha) !== 1)),
    tokens: [],
    cells: [],
    pulls: [],
    words: [],
    newWords: false,
    score: undefined,
    stopped: undefined,
    limit: undefined,
  };
}
