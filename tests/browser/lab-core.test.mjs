// What sweep, neuron card and layer map compute. Needs no browser.

import assert from "node:assert/strict";
import { test } from "node:test";
import { viewOf } from "../../www/core/gallery.js";
import { askedOf, axisStep, completeField, knownField, Window } from "../../www/core/map.js";
import {
  aboutNeuron,
  addedBy,
  addsWords,
  byAdded,
  contributionWords,
  firedBy,
  firingWords,
  inkOf,
  FAINT,
  loudness,
  ordinal,
  rankWords,
  readingWords,
  standing,
  weightShares,
  withFactor,
} from "../../www/core/neuron.js";
import { ramp } from "../../www/core/ramp.js";
import { lanesFor } from "../../www/core/requests.js";
import { DEFAULTS, formatHash, parseHash } from "../../www/core/state.js";
import { boardSvg } from "../../www/core/board-svg.js";
import { bandOf, fits, gist, nextSeed, sweepLanes, sweepOf } from "../../www/core/sweep.js";
import { differenceWords, differsWords } from "../../www/core/difference.js";
import { stopWords } from "../../www/core/words.js";
import { Largest } from "../../www/core/largest.js";
import { columnsBetween, layOut, noLayout } from "../../www/page/board-paint.js";
import { columnsOf, withTokens } from "../../www/page/columns.js";
import { LiveTrace } from "../../www/core/live.js";
import { Trace } from "../../www/core/trace.js";

/** A finished sweep in which lane i says `says(lane)`. */
function swept(settings, says) {
  const lanes = sweepLanes(settings);
  const trace = new LiveTrace({ messages: [{ role: "user", content: "x" }] });
  trace.begin(
    {
      prompt: [],
      shown: [],
      lanes: lanes.map((lane) => ({
        set: lane.set,
        ...(lane.lever === undefined ? {} : { lever: lane.lever }),
        alpha: lane.alpha,
        neurons: lane.neurons ?? [[1, 1]],
      })),
    },
    lanes,
  );
  lanes.forEach((lane, i) =>
    Object.assign(trace.lanes[i], {
      tokens: says(lane).map((id) => ({ id, text: ` ${id}`, logprob: -id / 10 })),
      score: lane.alpha / 4,
      stopped: "eos",
    }),
  );
  trace.done = true;
  return trace;
}

test("a sweep asks for as trained, and for the set and two controls at every factor", () => {
  const lanes = sweepLanes({ ...DEFAULTS, seed: 7 });
  assert.equal(lanes.length, 19);
  assert.deepEqual(
    lanes
      .map(({ set, alpha, seed }) => [set, alpha, seed].join(" ").trim())
      .filter((_, i) => i < 2 || i === 7 || i === 18),
    ["none 1", "h 0", "random 0 7", "random 3 8"],
  );
  assert.ok(
    sweepLanes({ ...DEFAULTS, seed: 0xffff_ffff }).every(({ seed = 0 }) => seed <= 0xffff_ffff),
  );
  const own = sweepLanes({
    ...DEFAULTS,
    set: "custom",
    off: [
      [1, 2],
      [3, 4, 0.5],
    ],
  });
  assert.deepEqual(own[1], {
    set: "custom",
    alpha: 0,
    neurons: [
      [1, 2],
      [3, 4],
    ],
    factors: [null, 0.5],
  });
  assert.deepEqual(own.at(-1).control_of, [
    [1, 2],
    [3, 4],
  ]);
  assert.equal(
    own.filter(({ set, alpha }) => set === "custom" && alpha === 1).length,
    1,
    "with factors of single neurons, × 1 is a lane of its own",
  );
});

test("a sweep's rows, band and gist; it answers the slider, for its own set only", () => {
  const trace = swept(DEFAULTS, ({ set, alpha, seed }) =>
    set === "h" && alpha === 0
      ? [1, 9]
      : set === "random" && seed === 2 && alpha === 3
        ? [1]
        : [1, 2],
  );
  const sweep = sweepOf(trace);
  assert.deepEqual(
    sweep.rows.map(({ alpha }) => alpha),
    [0, 0.5, 1, 1.5, 2, 2.5, 3],
  );
  assert.equal(sweep.rows[2].lane, trace.trained);
  assert.ok(Math.abs(sweep.rows[0].logprob + 0.5) < 1e-9);
  assert.deepEqual(bandOf(sweep, "logprob").at(-1), {
    alpha: 3,
    low: -0.15000000000000002,
    high: -0.1,
  });
  assert.deepEqual(
    gist(trace, sweep).map((line) => line.replaceAll("\u00a0", " ")),
    [
      "H-Neurons: different answer when off.",
      "Random neurons, seed 1: same answer as trained at every stop of the slider.",
      "Random neurons, seed 2: different answer at × 3.",
    ],
  );
  assert.deepEqual(
    viewOf(trace, { ...DEFAULTS, alpha: 2 }).lanes.map(({ set, alpha, seed }) => [
      set,
      alpha,
      seed,
    ]),
    [
      ["none", 1, undefined],
      ["h", 2, undefined],
      ["random", 2, 1],
    ],
  );
  assert.equal(viewOf(trace, { ...DEFAULTS, alpha: 0.25 }), null);
  assert.equal(viewOf(trace, { ...DEFAULTS, set: "custom", off: [[1, 1]] }), null);
  const own = swept({ ...DEFAULTS, set: "custom", off: [[1, 1]] }, () => [1]);
  assert.equal(fits(own, { ...DEFAULTS, set: "custom", off: [[1, 1]] }), true);
  for (const off of [
    [[1, 2]],
    [[1, 1, 0.5]],
    [
      [1, 1],
      [2, 2],
    ],
  ])
    assert.equal(fits(own, { ...DEFAULTS, set: "custom", off }), false);
  assert.equal(
    viewOf(own, { ...DEFAULTS, set: "random" }),
    null,
    "its controls are not those of the H-Neurons",
  );
  assert.equal(
    viewOf(own, { ...DEFAULTS, set: "custom", off: [[1, 1]], alpha: 3 }).lanes.length,
    3,
  );
});

test("how far a lane says the same, and why it ended, in words", () => {
  const trace = new Trace({ recorded: true, messages: [] });
  const lane = (texts, stopped = "eos") =>
    Object.assign(trace.addLane({ set: trace.lanes.length ? "h" : "none", alpha: 0 }), {
      stopped,
      tokens: texts.map((text) => ({ id: text, text })),
    });
  lane(["The", " capital", " is", " Vel", "mar", "."]);
  const said = (...texts) => {
    lane(...texts);
    return [differenceWords, differsWords].map((words) => words(trace, trace.lanes.length - 1));
  };
  assert.equal(differenceWords(trace, 0), "As trained");
  assert.deepEqual(said(["The", " capital", " is", " Vel", "or", "."]), [
    "Same until “Vel”, then different",
    "Differs from word 4 on",
  ]);
  assert.deepEqual(said(["The", " capital", " was"]), [
    "Same until “capital”, then different",
    "Differs from word 3 on",
  ]);
  assert.deepEqual(said(["A"]), ["Different from the first word on", "Differs from word 1 on"]);
  assert.equal(said(["The", " capital"])[0], "Same until “capital”, then it ends");
  assert.equal(
    said(["The", " capital", " is", " Vel", "mar", ".", " Yes"])[0],
    "Same until “Velmar.”, then it goes on",
  );
  assert.deepEqual(said(["The", " capital", " is", " Vel", "mar", "."]), [
    "Same answer as trained",
    "Same answer as trained",
  ]);
  assert.deepEqual(said(["The"], ""), ["", ""], "it may still go on alike");
  const tokens = [1, 2, 3];
  assert.deepEqual(
    [
      { stopped: "eos", tokens },
      { stopped: "length", limit: "max_tokens", tokens },
      { stopped: "length", limit: "max_tokens", tokens: [1] },
      { stopped: "length", limit: "context", tokens },
      { stopped: "stop", tokens },
      { tokens },
    ].map(stopWords),
    [
      "Finished",
      "Cut off at 3 tokens",
      "Cut off at 1 token",
      "The model can read no further",
      "Stopped",
      "",
    ],
  );
});

test("the next seed is one that the sweep has lanes of, and no other", () => {
  const trace = swept({ ...DEFAULTS, seed: 7 }, () => [1]);
  const next = (patch) => nextSeed(trace, { ...DEFAULTS, ...patch });
  assert.equal(next({ seed: 7 }), 8);
  assert.equal(next({ seed: 8 }), 7);
  assert.equal(next({ seed: 3 }), 7);
  assert.equal(next({ seed: 7, alpha: 0.25 }), null, "no lanes at this factor");
  assert.equal(next({ seed: 7, set: "random" }), null, "two controls need two seeds");
  assert.equal(nextSeed(null, DEFAULTS), null);
});

test("a factor of a neuron's own reaches the lane and the link", () => {
  const off = withFactor(
    [
      [1, 2],
      [3, 4],
    ],
    3,
    4,
    0.5,
  );
  assert.deepEqual(off, [
    [1, 2],
    [3, 4, 0.5],
  ]);
  assert.deepEqual(withFactor(off, 3, 4), [
    [1, 2],
    [3, 4],
  ]);
  assert.deepEqual(withFactor([], 3, 4, 0), [[3, 4, 0]]);
  assert.deepEqual(parseHash(formatHash({ ...DEFAULTS, off, set: "custom" })).off, off);
  const lanes = lanesFor({ ...DEFAULTS, set: "custom", off });
  assert.deepEqual(lanes[1], {
    set: "custom",
    alpha: 0,
    neurons: [
      [1, 2],
      [3, 4],
    ],
    factors: [null, 0.5],
  });
  assert.equal("factors" in lanesFor({ ...DEFAULTS, set: "custom", off: [[1, 2]] })[1], false);
  const trace = new LiveTrace({ messages: [] });
  trace.begin(
    {
      prompt: [],
      shown: [],
      lanes: lanes.map(({ set, alpha, neurons = [] }) => ({ set, alpha, neurons })),
    },
    lanes,
  );
  assert.deepEqual(
    [
      [1, 2],
      [3, 4],
      [5, 6],
    ].map((neuron) => trace.factor(1, neuron)),
    [0, 0.5, 1],
  );
  assert.deepEqual(askedOf(trace.lanes[1]), lanes[1]);
  assert.deepEqual(askedOf(trace.lanes[2]), lanes[2]);
});

test("what the artifact says of a neuron, and nothing that makes no sense", () => {
  const neurons = [
    { layer: 1, index: 1, weight: 0.2, quantiles: { 0.5: 0.01, 0.99: 0.1, 1: 0.2 } },
    { layer: 1, index: 2, weight: 0.1 },
    { layer: 1, index: 3, weight: 0.3 },
  ];
  const about = (patch = {}) =>
    aboutNeuron({ neurons: [{ ...neurons[0], ...patch }, ...neurons.slice(1)] }, 1, 1);
  assert.equal(rankWords(about()), "2nd largest weight of 3");
  assert.equal(aboutNeuron({ neurons }, 9, 9), null);
  assert.deepEqual([1, 2, 3, 4, 11, 12, 13, 21, 112].map(ordinal), [
    "1st",
    "2nd",
    "3rd",
    "4th",
    "11th",
    "12th",
    "13th",
    "21st",
    "112th",
  ]);
  const says = (value, quantiles = { 0.5: 0.01, 0.9: 0.05, 0.99: 0.1, 0.999: 0.15, 1: 0.2 }) =>
    standing(about({ quantiles }), value);
  assert.deepEqual(
    [0.005, 0.03, 0.07, 0.12, 0.17, 0.3].map((value) => says(value)),
    [
      "Quiet here: in the lower half of its usual range",
      "As loud as usual: louder than at half of the words of the reference text",
      "Louder than at 90 of 100 words of the reference text",
      "Louder than at 99 of 100 words of the reference text",
      "Louder than at 999 of 1,000 words of the reference text",
      "Louder than at any word of the reference text",
    ],
  );
  assert.equal(
    says(0.01, { 0.9: 0.05 }),
    "Quiet here: no louder than at 90 of 100 words of the reference text",
  );
  assert.equal(standing(about({ quantiles: undefined }), 0.3), "");
  for (const histogram of [
    null,
    3,
    {},
    { from: 0, per_decade: 10, counts: [1, 2] },
    { from: 1e-4, per_decade: 10, counts: [1, -1] },
    { from: 1e-4, per_decade: 10, counts: [0, 0] },
    { from: 1e-4, per_decade: NaN, counts: [1, 1] },
    { from: 1e-4, per_decade: 10, counts: "11" },
  ]) {
    assert.equal(about({ histogram }).histogram, null, JSON.stringify(histogram));
  }
  assert.equal(
    about({ histogram: { from: 1e-4, per_decade: 10, counts: [1, 2] } }).histogram.tokens,
    3,
  );
  for (const stability of [-1, 2, "0.5", NaN])
    assert.equal(about({ stability }).stability, undefined);
  assert.deepEqual(about({ promotes: ["a", 3, null] }).promotes, ["a"]);
  assert.deepEqual(about({ quantiles: { x: 1, 0.5: -1, 2: 3, 0.9: 0.1 } }).quantiles, [[0.9, 0.1]]);
  assert.deepEqual(
    firedBy(
      {
        runs: [{ id: "a" }],
        fires: {
          1.1: [
            { run: "a", token: "x", contribution: 0.1 },
            { run: "gone", token: "x", contribution: 1 },
            { run: "a", token: 3, contribution: 1 },
          ],
        },
      },
      1,
      1,
    ).length,
    1,
  );
  assert.deepEqual(firedBy(null, 1, 1), []);
});

/** Three neurons, two of the detector's: what each adds, and how loud it is. */
function reading({ words = [], texts = [" a", ",", " b"] } = {}) {
  const trace = new Trace({ messages: [] });
  trace.rows = [
    [1, 1],
    [2, 2],
    [3, 3],
  ];
  Object.assign(trace.addLane({ set: "none", alpha: 1 }), {
    tokens: texts.map((text, id) => ({ id, text })),
    cells: [
      [0.1, 0.02, 0.3],
      [0.9, 0.04, 0],
      [0.3, 0.06, 0.1],
    ],
    words,
    newWords: words.some((word) => word & 2),
  });
  const quantiles = { 0.5: 0.03, 0.9: 0.05, 0.99: 0.2 };
  const artifact = {
    neurons: [
      { layer: 1, index: 1, weight: 0.2, quantiles },
      { layer: 2, index: 2, weight: 0.1, quantiles },
    ],
    detector: {
      terms: [
        { layer: 1, index: 1, weight: 0.5, mean: 0.1, std: 0.1 },
        { layer: 2, index: 2, weight: -2, mean: 0.1, std: 0.1 },
      ],
    },
  };
  return { trace, artifact, quantiles };
}

test("what a neuron adds is its weight times its mean over the words the detector reads", () => {
  const { trace, artifact } = reading({ words: [3, 0, 1] });
  const near = (added) => [...added].map(([name, adds]) => [name, Number(adds.toFixed(6))]);
  // New words alone, where there are some; else all words; where that is not known, all that is not punctuation.
  assert.deepEqual(near(addedBy(trace, 0, artifact)), [
    ["1.1", 0.5],
    ["2.2", -0.4],
  ]);
  assert.deepEqual(near(addedBy(reading({ words: [0, 0, 1] }).trace, 0, artifact)), [
    ["1.1", 1.5],
    ["2.2", -1.2],
  ]);
  assert.deepEqual(near(addedBy(reading().trace, 0, artifact)), [
    ["1.1", 1],
    ["2.2", -0.8],
  ]);
  assert.equal(addedBy(reading({ words: [0, 0, 0] }).trace, 0, artifact).size, 0);
  assert.equal(addedBy(trace, 0, { neurons: [], detector: { terms: [] } }).size, 0);
  assert.equal(addedBy(trace, 0, null).size, 0);
  assert.deepEqual(
    ["3.3", "2.2", "1.1"].sort(byAdded(addedBy(trace, 0, artifact), weightShares(artifact))),
    ["1.1", "2.2", "3.3"],
  );
  assert.deepEqual(
    [0.3149, -0.08, 1.4449, 0.9951, 12.34, 0.004, -0.004, 0, undefined].map(addsWords),
    ["+0.31", "−0.08", "+1.4", "+1.0", "+12.3", "0", "0", "0", ""],
  );
});

test("the ink of a neuron’s bar follows its weight in the reading; faint marks stay readable", () => {
  const { artifact } = reading();
  assert.deepEqual(
    [...weightShares(artifact)],
    [
      ["1.1", 0.25],
      ["2.2", 1],
    ],
  );
  assert.deepEqual([...weightShares({ ...artifact, detector: { terms: [] } }).values()], [1, 0.5]);
  assert.equal(weightShares(null).size, 0);
  assert.deepEqual(
    [0, 0.25, 1, undefined].map((share) => Number(inkOf(share).toFixed(3))),
    [0.7, 0.85, 1, 0.7],
  );
  // The faintest mark against the paler ground, light and dark (base.css): 3 to 1.
  for (const [mark, ground] of [
    ["b3380a", "ffffff"],
    ["14609f", "ffffff"],
    ["b3380a", "f6ebb4"],
    ["ff8c5f", "423c1c"],
    ["ff8c5f", "151a1d"],
    ["7cbaf6", "151a1d"],
    ["7a2a8f", "ffffff"],
    ["7a2a8f", "f6ebb4"],
    ["d596ee", "423c1c"],
    ["d596ee", "151a1d"],
  ]) {
    const parts = (colour) => colour.match(/../g).map((part) => parseInt(part, 16));
    const light = (rgb) =>
      rgb
        .map((part) =>
          part / 255 <= 0.04045 ? part / 255 / 12.92 : ((part / 255 + 0.055) / 1.055) ** 2.4,
        )
        .reduce((sum, part, i) => sum + [0.2126, 0.7152, 0.0722][i] * part, 0.05);
    const below = parts(ground);
    const seen = parts(mark).map((part, i) => FAINT * part + (1 - FAINT) * below[i]);
    const [a, b] = [light(seen), light(below)];
    assert.ok(Math.max(a, b) / Math.min(a, b) >= 3, `${mark} on ${ground}`);
  }
});

test("strong is louder than usual, in words and in the exported picture", () => {
  const { trace, artifact, quantiles } = reading({ words: [3, 0, 1] });
  assert.deepEqual(
    [0.01, 0.03, 0.05, 0.051, undefined].map((value) => loudness(quantiles, value)),
    ["quiet", "quiet", "as loud as usual", "louder than usual", ""],
  );
  assert.equal(loudness(undefined, 1), "");
  const svg = boardSvg({
    trace,
    lane: 0,
    columns: trace.lanes[0].tokens.map(({ text }, at) => ({ at, text, segment: "a", label: "A" })),
    title: "x",
    lines: [],
    artifact,
  });
  const rows = svg.split(/<text x="0"[^>]*>(?=L\d)/).slice(1);
  const marks = (row) =>
    row.match(/<rect [^>]*opacity[^>]*>/g).map((mark) => /fill="#711f00" opacity="1"/.test(mark));
  assert.deepEqual(
    rows.map((row) => /^L\d N\d/.exec(row)[0]),
    ["L1 N1", "L2 N2"],
    "what adds most is at the top",
  );
  assert.match(rows[0], />\+0\.50</);
  assert.match(rows[1], />−0\.40</);
  assert.deepEqual(rows.map(marks), [
    [true, true, true],
    [false, false, true],
  ]);
  assert.match(rows[1], /fill="#b3380a" opacity="0\.7"/);
});

test("a neuron is named by the words it fired at, each once, without the template’s", () => {
  const fires = {
    1.1: [" of", " of", "<|im_end|>", ","].map((token) => ({ run: "a", token, contribution: 1 })),
  };
  assert.deepEqual(firingWords({ runs: [{ id: "a" }], fires }, 1, 1), [" of", ","]);
  assert.deepEqual(firingWords(null, 1, 1), []);
});

test("contributions in words have two digits and no exponent", () => {
  assert.deepEqual(
    [0.03123, 0.3, 1.234, 0.00051, 12.3, 0.000099, 0, NaN, undefined].map(contributionWords),
    ["0.031", "0.30", "1.2", "0.00051", "12", "under 0.0001", "0", "not read", "not read"],
  );
  assert.deepEqual(
    [0.0312, 0].map((value) => readingWords(value, true)),
    ["about 0.031", "under 0.0004"],
  );
});

test("the map's data: ranks, the largest, and what a recording knows", () => {
  const shape = { layers: 2, neurons_per_layer: 4 };
  const field = completeField(Float32Array.from([1, 2, 3, 4, 5, 6, 7, 0]), shape);
  assert.deepEqual([field.rank(1, 2), field.rank(1, 1), field.rank(1, 3)], [1, 2, 8]);
  assert.deepEqual(field.largest(2), [
    { layer: 1, index: 2, contribution: 7 },
    { layer: 1, index: 1, contribution: 6 },
  ]);
  assert.equal(field.strongest(0, 1, 3), 2);
  assert.throws(() => completeField(new Float32Array(7), shape), /Deploy the engine/);
  const trace = new Trace({ recorded: true, messages: [] });
  trace.rows = [
    [0, 1],
    [9, 9],
  ];
  Object.assign(trace.addLane({ set: "none", alpha: 1 }), { cells: [[0.25, 9]] });
  trace.addLane({ set: "h", alpha: 0 });
  trace.top = new Map([[0, [{ layer: 1, index: 3, contribution: 0.5 }]]]);
  const known = knownField(trace, 0, 0, shape);
  assert.deepEqual(
    [known.at(0, 1), known.at(1, 3), known.rank(1, 3), known.rank(0, 1), known.rank(0, 0)],
    [0.25, 0.5, 1, undefined, undefined],
  );
  assert.ok(Number.isNaN(known.at(0, 0)));
  assert.equal(knownField(trace, 1, 0, shape).known, 0, "another lane's largest are not recorded");
});

test("zooming keeps what is under the pointer, and stays within the layer", () => {
  const view = new Window(1536);
  view.zoomBy(4, 0.25);
  assert.ok(Math.abs(view.from + 0.25 * view.count - 384) < 1e-9 && view.zoom === 4);
  view.moveTo(99_999);
  assert.equal(view.from, 1536 - 384);
  view.include(3);
  assert.ok(view.from <= 3);
  view.zoomBy(1e9);
  assert.equal(view.count, 24);
  view.zoomBy(0);
  assert.deepEqual([view.from, view.count], [0, 1536]);
});

test("the map's shades go one way in lightness, in light and dark", () => {
  const light = (colour) =>
    colour
      .match(/\d+/g)
      .map(Number)
      .reduce((sum, value, i) => sum + [0.2126, 0.7152, 0.0722][i] * (value / 255) ** 2.2, 0);
  for (const dark of [false, true]) {
    const values = ramp(dark).map(light);
    assert.ok(
      values.every((value, i) => i === 0 || (dark ? value > values[i - 1] : value < values[i - 1])),
    );
  }
});

test("the map's shade is a contribution's share of the largest, or its rank", () => {
  const field = completeField(new Float32Array([0, 1, 2, 4, 8, 3, 5, 6]), {
    layers: 2,
    neurons_per_layer: 4,
  });
  assert.deepEqual(
    [0, 2, 8].map((value) => field.share(value, "size")),
    [0, 0.25, 1],
  );
  // The rank of 8 is 1, of 5 it is 3; the last of eight has none of the shade.
  const close = (a, b) => assert.ok(Math.abs(a - b) < 1e-6, `${a} is not ${b}`);
  close(field.share(8, "rank"), 1);
  close(field.share(5, "rank"), 1 - Math.log(3) / Math.log(8));
  close(field.share(1, "rank"), 1 - Math.log(7) / Math.log(8));
  assert.equal(field.share(NaN, "rank"), 0);
});

test("a token of a long answer costs the board what one of a short answer does", () => {
  const lanes = ["none", "h"].map((set) => ({ set, alpha: 0, neurons: [[1, 1]] }));
  const trace = new LiveTrace({ messages: [{ role: "user", content: "x" }] });
  const prompt = [0, 1, 2].map((id) => ({ id, text: "x", role: "user", turn: 0 }));
  trace.begin({ prompt, shown: [[1, 1]], lanes }, lanes);
  // Counts what is looked at: cells, and tokens that are compared.
  let looks = 0;
  for (const lane of trace.lanes) {
    const counted = (list) =>
      new Proxy(list, {
        get(of, name) {
          if (typeof name === "string" && /^\d+$/.test(name)) looks++;
          return Reflect.get(of, name);
        },
      });
    lane.cells = counted(lane.cells);
    lane.tokens = counted(lane.tokens);
  }
  const largest = new Largest(trace);
  const columns = columnsOf(trace, 0);
  const layout = layOut(columns, noLayout());
  const costs = [];
  let most = 0;
  for (let at = 0; at < 4096; at++) {
    const value = (Math.imul(at + 1, 2654435761) >>> 0) / 2 ** 32;
    most = Math.max(most, Math.fround(value));
    trace.apply({
      lanes: lanes.map((_, lane) => ({
        lane,
        token: { id: at, text: "y", logprob: -1 },
        read: [{ at: prompt.length + at, contributions: Float32Array.of(value) }],
      })),
    });
    looks = 0;
    for (const i of lanes.keys()) {
      largest.look(i);
      trace.partsAt(i);
    }
    withTokens(columns, trace, 0);
    layOut(columns, layout);
    costs.push(looks);
    assert.equal(largest.of(0), most);
  }
  assert.ok(Math.max(...costs.slice(64)) <= 1.5 * Math.max(...costs.slice(0, 64)), costs.at(-1));
  // And it is what doing everything once more gives.
  assert.equal(largest.of(-1), 1, "a row that no lane has");
  assert.deepEqual(columns, columnsOf(trace, 0));
  assert.deepEqual(layout, layOut(columnsOf(trace, 0), noLayout()));
  assert.deepEqual(
    columnsBetween(layout, 1000, 1100),
    layout.lefts.flatMap((at, i) => (at + 18 > 1000 && at < 1100 ? [i] : [])),
  );
  assert.equal(trace.partsAt(1), -1);
  trace.apply({ lanes: [{ lane: 0, token: { id: 7, text: "", logprob: 0 } }] });
  trace.apply({ lanes: [{ lane: 1, token: { id: 8, text: "", logprob: 0 } }] });
  assert.equal(trace.partsAt(1), 4096);
});

test("the map's columns are named so that names do not meet, in a layer of any width", () => {
  for (const columns of [12, 1536, 4864, 8960])
    for (const room of [230, 335, 900]) {
      const step = axisStep(columns, room);
      assert.match(String(step), /^[125]0*$/);
      assert.ok((step / columns) * room >= 52, `${columns} columns in ${room} px: every ${step}`);
      assert.ok((step / columns) * room < 52 * 2.6 || step === 1, "and no sparser than need be");
    }
});
