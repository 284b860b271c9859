// The sets of neurons that a lane can turn: what each is called, and the sign that it has everywhere, in one place. Pure.

/**
 * What a set is called.
 * @typedef {object} SetWords
 * @property {string} name at the head of a lane: "H-Neurons"
 * @property {string} short the same where there is little room
 * @property {string} of in a sentence: "the H-Neurons"
 * @property {string} whose where the set is said to do something: "the H-Neurons", "your neurons"
 * @property {"trained" | "h" | "random" | "custom" | "lever"} mark
 * @property {boolean} chosen whether it was chosen for something, and so has a random control
 */

/** @type {Record<string, [name: string, short: string, of: string, whose: string]>} */
const TABLE = {
  none: ["As trained", "As trained", "the model as trained", "the model as trained"],
  h: ["H-Neurons", "H-Neurons", "the H-Neurons", "the H-Neurons"],
  random: ["Random neurons", "Random", "the random neurons", "random neurons"],
  custom: ["My selection", "Mine", "My selection", "your neurons"],
  lever: ["Lever", "Lever", "the lever", "the lever"],
};

/** The sets that can be chosen, as an address names them. */
export const CHOICES = Object.freeze(Object.keys(TABLE).filter((set) => set !== "none"));

/**
 * What a lane's set, or that of the settings, is called.
 * @param {{set: string, lever?: string}} of
 * @returns {SetWords}
 */
export function setWords({ set, lever }) {
  const is = /** @type {import("./types.js").SetName} */ (
    Object.hasOwn(TABLE, set) ? set : "random"
  );
  const [name, short, of, whose] = TABLE[is];
  const id = is === "lever" && lever ? ` “${leverName(lever)}”` : "";
  return {
    name: name + id,
    short,
    of: of + id,
    whose,
    mark: is === "none" ? "trained" : is,
    chosen: is !== "none" && is !== "random",
  };
}

/** A lever's name on the page: its id in words. @param {string} id */
export const leverName = (id) => id.replaceAll("-", " ");

/**
 * The first lane of a set that was chosen for something, or undefined.
 * @template {{set: string}} Lane
 * @param {Lane[]} lanes
 */
export const chosenLane = (lanes) => lanes.find((lane) => setWords(lane).chosen);

/** The set that a run of these settings compares with its random control. @param {{set: string}} settings */
export const setOf = ({ set }) => (setWords({ set }).chosen ? set : "h");

/**
 * Does the lane edit just this selection, with these factors?
 * @param {Pick<import("./types.js").Lane, "neurons" | "own">} lane
 * @param {readonly import("./types.js").Selected[]} off
 */
export function sameSelection({ neurons, own }, off) {
  const names = new Set(neurons.map(([layer, index]) => `${layer}.${index}`));
  return (
    off.length === names.size &&
    off.every(
      ([layer, index, factor]) =>
        names.has(`${layer}.${index}`) && own.get(`${layer}.${index}`) === factor,
    )
  );
}

/**
 * Does the lane edit the set that these settings compare with its control?
 * @param {import("./types.js").Lane} lane
 * @param {Pick<import("./types.js").Settings, "set" | "off" | "lever">} settings
 */
export function isOfSet(lane, { set, off, lever }) {
  if (lane.set !== setOf({ set })) return false;
  if (set === "custom") return sameSelection(lane, off);
  return set !== "lever" || !lever || lane.lever === lever;
}

/**
 * Is the lane a random control of what the other lane edits? A control of a lever names it.
 * @param {{set: string, lever?: string}} lane
 * @param {{set: string, lever?: string}} chosen
 */
export const isControlOf = (lane, { set, lever }) =>
  lane.set === "random" && lane.lever === (set === "lever" ? lever : undefined);
