// A sweep: one conversation answered at every alpha of a few, with a set of neurons and with two random controls, in
// one batched run. What is asked of the engine, and what the plots and the list show. Pure.

import { viewOf } from "./gallery.js";
import { setFor } from "./requests.js";
import { chosenLane, isControlOf, isOfSet, setWords } from "./sets.js";
import { atWords } from "./words.js";

/** The factors of a live sweep. The lane as trained is its × 1, for every set. */
export const ALPHAS = Object.freeze([0, 0.5, 1.5, 2, 2.5, 3]);

/** The lanes of a live sweep: as trained, then the set and two random controls at every alpha. */
export function sweepLanes(settings) {
  const { seed } = settings;
  const [own, control] = setFor(settings);
  // With factors of single neurons, × 1 is not the lane as trained.
  const alphas = own.factors ? [...ALPHAS, 1] : ALPHAS;
  const second = seed >= 0xffff_ffff ? 0 : seed + 1;
  return [
    { set: "none", alpha: 1 },
    ...alphas.map((alpha) => ({ ...own, alpha })),
    ...[seed, second].flatMap((seed) => ALPHAS.map((alpha) => ({ ...control, alpha, seed }))),
  ];
}

/** Is this the sweep of the set that the settings name? */
export const fits = (sweep, settings) => sweep.lanes.some((lane) => isOfSet(lane, settings));

/**
 * What a sweep says, alpha by alpha:
 * `{set, lever, seeds, rows: [{alpha, lane, score, logprob, controls: [{seed, lane, score, logprob}]}]}`, alpha ascending; lanes
 * are indices of the trace's. At alpha 1 a set is the lane as trained, unless it has one of its own. Where a trace has several
 * sets, it is about the one of the settings.
 */
export function sweepOf(trace, settings = undefined) {
  const { lanes, trained } = trace;
  const wanted = settings && lanes.find((lane) => isOfSet(lane, settings));
  const { set, lever } = wanted ?? chosenLane(lanes) ?? { set: "h", lever: undefined };
  const isOwn = (lane) => lane.set === set && lane.lever === lever;
  const isControl = (lane) => isControlOf(lane, { set, lever });
  const seeds = [...new Set(lanes.filter(isControl).map(({ seed }) => seed))];
  const alphas = [...new Set([...lanes.filter(isOwn).map(({ alpha }) => alpha), 1])].sort(
    (a, b) => a - b,
  );
  const find = (alpha, is) => {
    const found = lanes.findIndex((lane) => lane.alpha === alpha && is(lane));
    return found < 0 && alpha === 1 ? trained : found;
  };
  const reading = (lane) => ({ lane, score: lanes[lane].score, logprob: meanLogprob(lanes[lane]) });
  const rows = alphas.map((alpha) => ({
    alpha,
    ...reading(find(alpha, isOwn)),
    controls: seeds.flatMap((seed) => {
      const lane = find(alpha, (lane) => isControl(lane) && lane.seed === seed);
      return lane < 0 ? [] : [{ seed, ...reading(lane) }];
    }),
  }));
  return { set, lever, seeds, rows };
}

/** Mean log-probability of the answer's tokens; undefined where there is none. */
export function meanLogprob({ tokens }) {
  const known = tokens.map(({ logprob }) => logprob).filter(Number.isFinite);
  return known.length > 0 ? known.reduce((sum, value) => sum + value, 0) / known.length : undefined;
}

/** The controls' range of one measure ("score" or "logprob") at each alpha: [{alpha, low, high}], where known. */
export function bandOf({ rows }, measure) {
  return rows.flatMap(({ alpha, controls }) => {
    const values = controls.map((control) => control[measure]).filter(Number.isFinite);
    return values.length > 0
      ? [{ alpha, low: Math.min(...values), high: Math.max(...values) }]
      : [];
  });
}

/** In a sentence each: where the answers are others than as trained, with the set and with each control. */
export function gist(trace, { set, lever, rows, seeds }) {
  const differs = (lane) => lane >= 0 && trace.partsAt(lane) >= 0;
  const edited = rows.filter(({ lane }) => lane !== trace.trained).length;
  const at = (found) => {
    if (found.length === 0) return "same answer as trained at every stop of the slider";
    if (found.length === edited) return "different answer at every stop of the slider";
    return `different answer ${atWords(found.map(({ alpha }) => alpha))}`;
  };
  return [
    `${setWords({ set, lever }).name}: ${at(rows.filter(({ lane }) => differs(lane)))}.`,
    ...seeds.map(
      (seed) =>
        `Random neurons, seed ${seed}: ${at(rows.filter(({ controls }) => controls.some((control) => control.seed === seed && differs(control.lane))))}.`,
    ),
  ];
}

/**
 * The next seed of the random control that a sweep has lanes of, for these settings; null where there is no other.
 * @param {import("./trace.js").Trace | null} sweep
 * @param {Pick<import("./types.js").Settings, "alpha" | "set" | "lever" | "seed" | "off">} settings
 */
export function nextSeed(sweep, settings) {
  const seeds = (sweep?.lanes ?? [])
    .flatMap(({ seed }) => (seed === undefined ? [] : [seed]))
    .filter((seed, i, all) => all.indexOf(seed) === i && viewOf(sweep, { ...settings, seed }))
    .sort((a, b) => a - b);
  const next = seeds.find((seed) => seed > settings.seed) ?? seeds[0];
  return next === undefined || next === settings.seed ? null : next;
}
