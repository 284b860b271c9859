// Settings and their links: hostile values never reach the page. Needs no browser.

import assert from "node:assert/strict";
import { test } from "node:test";
import { DEFAULTS, formatHash, parseHash } from "../../www/core/state.js";
import { lanesFor } from "../../www/core/requests.js";
import { startOf } from "../../www/worker/download.js";

test("an empty or broken hash gives the defaults", () => {
  for (const hash of ["", "#", "#%", "#&&&=", "#prompt", "#%E0%A4%A"]) assert.equal(parseHash(hash).alpha, DEFAULTS.alpha, hash);
  assert.deepEqual(parseHash(""), { ...DEFAULTS, off: [] });
});

test("hostile values are clamped or dropped", () => {
  const cases = [
    ["alpha=-1", "alpha", 0],
    ["alpha=1e9", "alpha", 3],
    ["alpha=NaN", "alpha", 0],
    ["alpha=Infinity", "alpha", 0],
    ["alpha=0.6", "alpha", 0.5],
    ["set=__proto__", "set", "h"],
    ["set=constructor", "set", "h"],
    ["seed=-5", "seed", 0],
    ["seed=99999999999", "seed", 0xffffffff],
    ["seed=1.9", "seed", 1],
    ["temp=-1", "temp", 0],
    ["temp=abc", "temp", 0],
    ["max=0", "max", 1],
    ["max=1e12", "max", 512],
    ["engine=gpu", "engine", "gpu"],
    ["engine=GPU", "engine", "auto"],
    ["engine=javascript:alert(1)", "engine", "auto"],
    ["model=../../etc/passwd", "model", ""],
    ["model=https://evil.example/", "model", ""],
    ["run=yes", "run", false],
    ["prompt=a%00b%1b[31m", "prompt", "ab[31m"],
    ["prompt=%0D%0Ax", "prompt", "\nx"],
  ];
  for (const [hash, key, expected] of cases) assert.equal(parseHash(`#${hash}`)[key], expected, hash);
  assert.equal(parseHash(`#prompt=${"x".repeat(100_000)}`).prompt.length, 20_000);
});

test("My selection in a link: real neurons, each once, a bounded number", () => {
  assert.deepEqual(parseHash("#off=16.1515,16.1515,abc,-1.3,1.2.3,19.665").off, [[16, 1515], [19, 665]]);
  const many = Array.from({ length: 5000 }, (_, i) => `1.${i}`).join(",");
  assert.equal(parseHash(`#off=${many}`).off.length, 256);
});

test("a link carries every setting", () => {
  const state = {
    prompt: "Größe & 東京 #1 + 50 %?\nNext line", then: "Are you sure?", alpha: 1.75, set: "custom", off: [[3, 4], [20, 1000]],
    seed: 7, temp: 0.8, max: 128, engine: "cpu", model: "smollm2-135m-instruct-q4_1", lesson: "turn-down", run: true,
  };
  assert.deepEqual(parseHash(formatHash(state)), state);
  assert.equal(formatHash(parseHash("")), "");
});

test("every set stands beside its control", () => {
  const lanes = (patch) => lanesFor({ ...DEFAULTS, ...patch }).map(({ set, alpha, seed, control_of }) => [set, alpha, seed, control_of]);
  assert.deepEqual(lanes({ alpha: 0.5, seed: 3 }), [["none", 1, undefined, undefined], ["h", 0.5, undefined, undefined], ["random", 0.5, 3, "h"]]);
  assert.deepEqual(lanes({ set: "random", seed: 3 }).slice(1), [["random", 0, 3, "h"], ["random", 0, 4, "h"]]);
  assert.deepEqual(lanes({ set: "custom", off: [[1, 2]] })[2], ["random", 0, 1, [[1, 2]]]);
});

test("a download goes on only where the answer fits", () => {
  const answer = (status, headers = {}) => ({ status, ok: status < 300, headers: new Headers(headers) });
  assert.equal(startOf(answer(200, { "Content-Length": "100" }), 0, 100), 0);
  assert.equal(startOf(answer(200), 40, 100), 0, "a 200 to a range request begins anew");
  assert.equal(startOf(answer(206, { "Content-Range": "bytes 40-99/100" }), 40, 100), 40);
  assert.equal(startOf(answer(206, { "Content-Range": "bytes 30-99/100" }), 40, 100), null);
  assert.equal(startOf(answer(206, { "Content-Length": "60" }), 40, 100), 40, "the header hidden by another origin");
  assert.equal(startOf(answer(206, { "Content-Length": "61" }), 40, 100), null);
  assert.equal(startOf(answer(416), 40, 100), null);
  assert.throws(() => startOf(answer(404), 0, 100), /HTTP 404/);
  assert.throws(() => startOf(answer(200, { "Content-Type": "text/html" }), 0, 100), /web page/);
  assert.throws(() => startOf(answer(200, { "Content-Length": "133" }), 0, 100), /133/);
  assert.throws(() => startOf(answer(206, { "Content-Range": "bytes 40-98/99" }), 40, 100), /99/);
});
