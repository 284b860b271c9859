// The gallery: recorded runs (docs/gallery.md), each a whole sweep, made by `hneurons gallery`. Pure, but for fetching.

import { DEFAULTS } from "./state.js";
import { asTurns, turnsIn } from "./turns.js";
import { isControlOf, isOfSet, setOf } from "./sets.js";
import { Trace } from "./trace.js";

const FOLDER = new URL("../gallery/", import.meta.url);
const ID = /^[a-z0-9][a-z0-9._-]{0,79}$/;

/** What was asked in which run, [{id, prompt, then}]: less to fetch than the list. */
export const loadPrompts = (model) => json(model, "prompts");

/** A recorded run, as a trace with all its lanes. */
export async function loadRecorded(model, id) {
  return fromGallery(await json(model, id));
}

/** A file of a model's gallery. */
export async function json(model, name) {
  if (!ID.test(model) || !ID.test(name)) throw new Error("There is no recorded run of that name.");
  const response = await fetch(new URL(`${model}/${name}.json`, FOLDER));
  if (!response.ok)
    throw new Error(
      `The recorded run “${name}” could not be loaded (${response.status}). Reload the page, or choose another one.`,
    );
  return response.json();
}

/** A trace of a recording (`hneurons-trace/1`). */
export function fromGallery(recording) {
  if (recording?.schema !== "hneurons-trace/1")
    throw new Error("This file is not a recorded run this page can read.");
  const { prompt, sets, from } = recording;
  const trace = new Trace({ recorded: true, messages: recording.messages });
  Object.assign(trace, {
    id: recording.id,
    kind: recording.kind,
    title: recording.title,
    model: recording.model,
    artifact: recording.artifact,
    max: recording.max_tokens,
    settings: {
      ...DEFAULTS,
      ...asTurns(turnsIn(recording.messages)),
      max: recording.max_tokens ?? DEFAULTS.max,
    },
  });
  trace.about = { model: recording.model, engine: recording.engine, artifact: recording.artifact };
  trace.prompt = prompt.map(([id, text, role, turn]) => ({ id, text, role, turn }));
  const starts = [];
  for (const { neurons } of sets) {
    starts.push(trace.rows.length);
    trace.rows.push(...neurons);
  }
  const trained = [];
  for (const recorded of recording.lanes) {
    const own = sets.find(
      ({ set, seed, lever }) =>
        set === recorded.set && seed === recorded.seed && lever === recorded.lever,
    );
    const lane = trace.addLane({ ...recorded, neurons: own?.neurons ?? [] });
    lane.tokens = recorded.tokens.map(([id, text, logprob], i) => ({
      id,
      text: String(text),
      logprob,
      next: candidates(recorded.next?.[i], recording.candidates),
    }));
    lane.pulls = recorded.pulls ?? [];
    lane.words = Array.from(recorded.words ?? "", Number);
    lane.newWords = lane.words.some((word) => word & 2);
    lane.score = recorded.score ?? undefined;
    lane.stopped = recorded.stopped;
    lane.limit = recorded.limit;
    const shared =
      trace.lanes.length === 1
        ? 0
        : prompt.length - from + shareStart(lane.tokens, trace.lanes[0].tokens);
    for (const [set, rows] of recorded.cells) {
      rows.forEach((row, i) => {
        const steps = decode(row, shared, trained[starts[set] + i]);
        if (trace.lanes.length === 1) trained[starts[set] + i] = steps;
        steps.forEach(
          (step, j) => ((lane.cells[from + j] ??= [])[starts[set] + i] = contributionOf(step)),
        );
      });
    }
  }
  trace.top = new Map(recording.top.map((flat, j) => [from + j, triples(flat)]));
  trace.promptRead = prompt.length;
  trace.done = true;
  return trace;
}

const STEPS = 40;

/** The contribution a step stands for: at most 13 % off. */
const contributionOf = (step) => (step === 0 ? 0 : 3e-4 * 10 ** (step / 10));

// Up to `shared`, what is written is the difference from the as-trained lane's step, modulo 41.
function decode(row, shared, before = []) {
  return Array.from(
    row,
    (letter, at) =>
      (letter.charCodeAt(0) - 35 + (at < shared ? (before[at] ?? 0) : 0)) % (STEPS + 1),
  );
}

function shareStart(mine, theirs) {
  const both = Math.min(mine.length, theirs.length);
  for (let i = 0; i < both; i++) if (mine[i].id !== theirs[i].id) return i;
  return both;
}

/** [place in the list, thousandths, …] -> what was most probable; undefined where it is not recorded. */
function candidates(flat, list) {
  if (!Array.isArray(flat) || !Array.isArray(list)) return undefined;
  const found = [];
  for (let i = 0; i + 1 < flat.length; i += 2) {
    const [id, text] = list[flat[i]] ?? [-1, ""];
    found.push({ id, text: String(text), p: flat[i + 1] / 1000 });
  }
  return found;
}

function triples(flat) {
  const neurons = [];
  for (let i = 0; i + 2 < flat.length; i += 3)
    neurons.push({ layer: flat[i], index: flat[i + 1], contribution: contributionOf(flat[i + 2]) });
  return neurons;
}

/**
 * What a page shows of a sweep for these settings: as trained, the set at alpha, and its control, as a trace of three
 * lanes. Null where the recording has no such lanes (another alpha, or another selection).
 * @param {import("./trace.js").Trace} sweep
 * @param {Pick<import("./types.js").Settings, "alpha" | "set" | "lever" | "seed" | "off">} settings
 */
export function viewOf(sweep, { alpha, set, lever, seed, off }) {
  const trained = sweep.lanes[sweep.trained];
  const own = sweep.lanes.find((lane) => isOfSet(lane, { set, lever, off }));
  // The controls of a selection, or of a lever, are not those of the H-Neurons.
  if (!own) return null;
  const laneOf = (set, seed) => {
    const lanes = sweep.lanes.filter((lane) =>
      set === "random"
        ? isControlOf(lane, own) && lane.seed === seed
        : lane.set === set && lane.lever === own.lever,
    );
    const found = lanes.find((lane) => lane.alpha === alpha);
    if (found || alpha !== 1 || lanes.length === 0) return found;
    // A factor of 1 is the lane as trained, to the bit.
    return {
      ...trained,
      set,
      seed,
      alpha,
      neurons: lanes[0].neurons,
      lever: lanes[0].lever,
      control_of: lanes[0].control_of,
    };
  };
  const wanted =
    set === "random"
      ? [laneOf("random", seed), laneOf("random", seed + 1)]
      : [laneOf(setOf({ set })), laneOf("random", seed)];
  if (wanted.includes(undefined)) return null;
  const settings = { ...DEFAULTS, ...sweep.settings, alpha, set, lever, seed, off };
  return Object.assign(sweep.withLanes([trained, ...wanted]), { settings });
}
