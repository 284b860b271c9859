// The recorded runs as files, without a browser: what docs/gallery.md says of them holds, and the page opens on what it should.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import { fromGallery, viewOf } from "../../www/core/gallery.js";
import { DEFAULTS, parseHash } from "../../www/core/state.js";
import { ALPHAS } from "../../www/core/sweep.js";

const at = (path) => new URL(`../../www/${path}`, import.meta.url);
const bytes = (path) => readFile(at(path));
const json = async (path) => JSON.parse(await bytes(path));
const { default: usual, models } = await json("artifacts/index.json");

/** A model's artifact, the list of its gallery, and its recorded runs by id. */
async function gallery({ id: model, artifact }) {
  const index = await json(`gallery/${model}/index.json`);
  const read = async ({ id }) => [id, fromGallery(await json(`gallery/${model}/${id}.json`))];
  const runs = new Map(await Promise.all(index.runs.map(read)));
  return { model, artifact: await json(`artifacts/${artifact}`), index, runs };
}
const galleries = await Promise.all(models.map(gallery));
const of = (model) => galleries.find((one) => one.model === model);

test("the page opens on a question that anyone can judge; a doubted answer is second, and each kind follows", () => {
  const { index, runs } = of(usual);
  const [first, second, ...others] = index.runs;
  assert.equal(first.kind, "wrong");
  assert.equal(second.kind, "doubt");
  const kinds = new Set(index.runs.map(({ kind }) => kind));
  assert.deepEqual(
    new Set([first, second, ...others.slice(0, kinds.size - 2)].map(({ kind }) => kind)),
    kinds,
  );
  // As trained it is wrong; turned off, the H-Neurons leave the right answer, and so does the random set.
  const view = viewOf(runs.get(first.id), { ...DEFAULTS, alpha: 0 });
  const says = view.lanes.map((_, lane) => /\bRome\b/.test(view.text(lane)));
  assert.deepEqual(says, [false, true, true]);
});

test("Qwen's opens on a wrong guess: only the lever's neurons, turned off, leave the right answer", () => {
  const { index, runs } = of("qwen2.5-coder-0.5b-instruct-q4_k_m");
  const says = (patch) => {
    const view = viewOf(runs.get(index.runs[0].id), { ...DEFAULTS, alpha: 0, ...patch });
    return view.lanes.map((_, lane) => /\bTokyo\b/.test(view.text(lane)));
  };
  assert.deepEqual(says({ set: "lever", lever: "opinion" }), [false, true, false]);
  assert.deepEqual(says({ set: "h" }), [false, false, false]);
});

test("each model's gallery opens as the list of models says, and leads to a run that it has", () => {
  for (const { id, opens, try: led } of models) {
    const { index } = of(id);
    assert.equal(index.runs[0].id, opens, "an embed opens on it too");
    const { recorded, set, lever } = parseHash(`#${led.address}`);
    const run = of(id).runs.get(recorded);
    assert.ok(viewOf(run, { ...DEFAULTS, set, lever }), led.address);
  }
});

for (const { model, artifact, index, runs } of galleries) {
  test(`${model}: every stop of a slider with steps of a half is recorded, for the H-Neurons and for their control`, () => {
    assert.deepEqual(index.alphas, [...ALPHAS]);
    assert.deepEqual(
      [...ALPHAS, 1].sort((a, b) => a - b),
      Array.from({ length: 7 }, (_, i) => i / 2),
    );
    for (const [id, trace] of runs)
      for (const alpha of [...ALPHAS, 1])
        for (const lane of viewOf(trace, { ...DEFAULTS, alpha })?.lanes ?? [undefined])
          assert.ok(lane?.cells.length, `${id} × ${alpha}`);
  });

  test(`${model}: what each token adds sums to the reading, and what could have come has the token that came`, () => {
    const { detector } = artifact;
    const slope = detector.calibration?.slope ?? 1;
    const means = detector.terms.reduce(
      (sum, { weight, mean, std }) => sum + (weight * mean) / std,
      0,
    );
    const base = slope * (detector.bias - means) + (detector.calibration?.intercept ?? 0);
    for (const [id, trace] of runs)
      trace.lanes.forEach((lane, i) => {
        const what = `${id}, ${lane.set} ${lane.seed ?? ""} × ${lane.alpha}`;
        // Of the second control only the answer is kept between the slider's ends.
        if (lane.seed === 2 && ![0, 3].includes(lane.alpha))
          return assert.equal(lane.pulls.length, 0);
        assert.equal(lane.pulls.length, lane.tokens.length, what);
        assert.equal(lane.words.length, lane.tokens.length, what);
        if (lane.score !== undefined) {
          const sum = lane.tokens.reduce((sum, _, k) => sum + trace.share(i, k), base);
          const logit = Math.log(lane.score / (1 - lane.score));
          assert.ok(Math.abs(sum - logit) < 6e-4, `${what}: ${sum}, the reading ${logit}`);
        }
        for (const { id, text, logprob, next } of lane.tokens) {
          assert.ok(next.length <= 5 && next.every(({ p }) => p >= 0.01), what);
          // Greedy: the most probable one came.
          if (next.length === 0) assert.ok(logprob < Math.log(0.01), what);
          else {
            assert.equal(next[0].id, id, what);
            assert.ok(Math.abs(next[0].p - Math.exp(logprob)) < 2e-3, `${what}: ${text}`);
          }
        }
      });
  });

  test(`${model}: a recording is small, the one that the page opens on above all`, async (t) => {
    let most = 0;
    for (const { id } of index.runs) {
      const file = await bytes(`gallery/${model}/${id}.json`);
      const packed = gzipSync(file, { level: 9 }).length;
      most = Math.max(most, packed);
      // What nobody asked for is the page's opening alone; larger models and their levers have more neurons.
      const opening = model === usual && id === index.runs[0].id;
      const limit = opening ? 22_000 : model === usual ? 55_000 : 100_000;
      assert.ok(packed <= limit, `${id}: ${packed} bytes`);
    }
    t.diagnostic(`the largest has ${most} bytes, compressed`);
  });
}
