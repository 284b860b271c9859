// The shapes that files share, for TypeScript's check of the page's JavaScript (tests/browser/tsconfig.json). Nothing loads this.

/** @typedef {[layer: number, index: number]} Neuron */
/** @typedef {[layer: number, index: number, factor?: number]} Selected a neuron of My selection, and a factor of its own */
/** @typedef {{entry: string, why: "form" | "layer" | "index" | "many"}} Unread an entry of a list of neurons that was not taken */
/** @typedef {"none" | "h" | "random" | "custom" | "lever"} SetName */

/**
 * @typedef {object} Message
 * @property {string} role "system", "user" or "assistant"
 * @property {string} content
 */

/**
 * What the form and the address hold (state.js).
 * @typedef {object} Settings
 * @property {string} prompt
 * @property {string} then the second turn; empty for one turn
 * @property {readonly string[]} more the turns after the second
 * @property {number} alpha
 * @property {string} set "h", "random", "custom" or "lever"
 * @property {string} lever id of the lever; "" for the artifact's first
 * @property {readonly Selected[]} off
 * @property {number} seed
 * @property {number} temp
 * @property {number} max tokens in an answer
 * @property {string} engine "auto", "cpu" or "gpu"
 * @property {string} model
 * @property {string} lesson
 * @property {string} recorded
 * @property {boolean} run
 */

/**
 * What is asked of the engine for one lane (requests.js).
 * @typedef {object} LaneRequest
 * @property {SetName} set
 * @property {number} alpha
 * @property {number} [seed] of a random set
 * @property {string | Neuron[]} [control_of] what a random set is a control of: "h", "lever", "lever:ID" or these neurons
 * @property {string} [lever] id of the lever that is turned, or that a random set is a control of
 * @property {Neuron[]} [neurons] of a selection
 * @property {(number | null)[]} [factors] one a neuron; null: the lane's alpha
 */

/**
 * @typedef {object} RunRequest
 * @property {Message[]} messages
 * @property {LaneRequest[]} lanes
 * @property {number} max_tokens
 * @property {number} temperature
 * @property {number} seed
 * @property {boolean} [raw] the only message is a text to go on from
 * @property {number} [show_largest] how many neurons to show of those that contribute most where the answer begins
 */

/**
 * @typedef {object} Token
 * @property {number} id
 * @property {string} text
 * @property {number} [logprob]
 * @property {Candidate[]} [next] what was most probable in its place, this token among it or not; the most probable first
 */

/** @typedef {{id: number, text: string, p: number}} Candidate a token that could have come, and its probability */

/**
 * One lane of a trace (trace.js).
 * @typedef {object} Lane
 * @property {SetName} set
 * @property {number} alpha
 * @property {number} [seed]
 * @property {string | Neuron[]} [control_of]
 * @property {string} [lever] id of the lever that it turns, or that its random set is a control of
 * @property {Neuron[]} neurons
 * @property {Map<string, number>} own factors of single neurons, by "layer.index"
 * @property {Set<string>} edited the neurons whose factor is not 1
 * @property {Token[]} tokens
 * @property {number[][]} cells contributions: position (prompt, then answer), then row
 * @property {(number | undefined)[]} pulls of each answer token on the detector's log-odds, before the average (Trace.share)
 * @property {number[]} words of each answer token: 1 in a word, 2 in a new word of the first sentence, 3 both
 * @property {boolean} newWords whether the detector reads the new words alone, because there are some
 * @property {number} [score] the detector's reading, 0 to 1
 * @property {string} [stopped] "eos" or "length"
 * @property {string} [limit]
 * @property {LaneRequest} [asked] what was asked of the engine, for a live run
 */

/** @typedef {{id: number, text: string, role?: string, turn?: number}} PromptToken */
/** @typedef {{layer: number, index: number, contribution: number}} Reading */

/**
 * The published file of one model's H-Neurons (docs/artifact.md): its text, as the engine takes it, and what it says.
 * @typedef {{text: string, json: any}} Artifact
 */

/**
 * What the worker says of loading (worker/worker.js).
 * @typedef {object} Progress
 * @property {string} phase "engine", "cache", "file", "download", "verify" or "measure"
 * @property {number} done bytes
 * @property {number} total bytes; 0 where that is not known
 * @property {string} [text]
 * @property {string[]} [engines] that are measured
 */

/**
 * An engine's failure as the worker tells it, or as the page made it (core/engine.js).
 * @typedef {object} Failure
 * @property {string} message
 * @property {string} [kind]
 * @property {boolean} [fatal] only a new worker helps
 * @property {boolean} [resumable]
 */

/**
 * How a run was made, and where it is found again (exports.js). What is not known is left out.
 * @typedef {object} Making
 * @property {number} [temperature]
 * @property {number} [seed] of the random control, and of the tokens where the temperature is above 0
 * @property {number} [max_tokens] the limit of an answer
 * @property {string} [date] when it was run; of a live run
 * @property {string} [exported] when it was exported
 * @property {string} [link] an address that opens and repeats it
 */

/**
 * A lever of the artifact (docs/artifact.md).
 * @typedef {object} Lever
 * @property {string} id
 * @property {string} behaviour
 * @property {string} words what it was chosen for
 * @property {{prompt: string}} [example]
 * @property {{layer: number, index: number, effect: number}[]} neurons
 * @property {{measure: string, as_trained: number, off: number, n: number}[]} [harm]
 */

/** @typedef {{index: any, traces: Map<string, import("./trace.js").Trace>}} GallerySource */

export {};
