// Settings and their links: hostile values never reach the page. Needs no browser.

import assert from "node:assert/strict";
import { test } from "node:test";
import { Settings } from "../../www/core/settings.js";
import { DEFAULTS, fitsLink, formatHash, parseHash, readNeurons } from "../../www/core/state.js";
import { wrongNeurons } from "../../www/core/unread.js";
import { lanesFor, messagesFor } from "../../www/core/requests.js";
import { startOf } from "../../www/worker/download.js";

test("an empty or broken hash gives the defaults", () => {
  for (const hash of ["", "#", "#%", "#&&&=", "#prompt", "#%E0%A4%A"])
    assert.equal(parseHash(hash).alpha, DEFAULTS.alpha, hash);
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
  for (const [hash, key, expected] of cases)
    assert.equal(parseHash(`#${hash}`)[key], expected, hash);
  assert.equal(parseHash(`#prompt=${"x".repeat(100_000)}`).prompt.length, 20_000);
});

test("My selection in a link: real neurons, each once, a bounded number", () => {
  assert.deepEqual(parseHash("#off=16.1515,16.1515,abc,-1.3,1.2.3,19.665").off, [
    [16, 1515],
    [19, 665],
  ]);
  const many = Array.from({ length: 5000 }, (_, i) => `1.${i}`).join(",");
  assert.equal(parseHash(`#off=${many}`).off.length, 256);
});

test("a neuron in My selection may have a factor of its own", () => {
  assert.deepEqual(parseHash("#off=16.1515x0.5,19.665,L3.N4×2").off, [
    [16, 1515, 0.5],
    [19, 665],
    [3, 4, 2],
  ]);
  assert.deepEqual(
    parseHash("#off=1.1x99,1.2x-1,1.3xNaN,1.4x,1.5x1e3,1.6xInfinity,1.7x0,1.8x0.00001").off,
    [
      [1, 1, 3],
      [1, 7, 0],
      [1, 8, 0],
    ],
  );
  const off = [
    [16, 1515, 0.5],
    [19, 665],
    [3, 4, 0.0001],
  ];
  assert.deepEqual(parseHash(formatHash({ ...DEFAULTS, off })).off, off);
});

test("a link carries every setting", () => {
  const state = {
    prompt: "Größe & 東京 #1 + 50 %?\nNext line",
    then: "Are you sure?",
    more: ["Und warum?", "… & so on"],
    alpha: 1.75,
    set: "custom",
    lever: "",
    off: [
      [3, 4],
      [20, 1000],
    ],
    seed: 7,
    temp: 0.8,
    max: 128,
    engine: "cpu",
    model: "smollm2-135m-instruct-q4_1",
    lesson: "made-up",
    recorded: "france",
    run: true,
  };
  assert.deepEqual(parseHash(formatHash(state)), state);
  const lever = { ...state, set: "lever", lever: "opinion" };
  assert.deepEqual(parseHash(formatHash(lever)), lever);
  assert.equal(formatHash(parseHash("")), "");
});

test("repeated, then goes on with the conversation", () => {
  const more = (hash) => parseHash(hash).more;
  assert.deepEqual(more("#prompt=a&then=b"), []);
  assert.deepEqual(more("#prompt=a&then=b&then=c&then=&then=%20&then=d%00%0D%0Ae"), ["c", "d\ne"]);
  assert.deepEqual(more("#prompt=a&then=&then=c"), [], "no third turn without a second");
  assert.equal(parseHash("#then=b&then=c").then, "b", "the first is the second turn, as ever");
  const many = parseHash(`#prompt=a${"&then=x".repeat(50)}`);
  assert.equal(1 + 1 + many.more.length, 8);
  assert.ok(Object.isFrozen(many.more));
  assert.equal(parseHash(`#then=b&then=${"x".repeat(100_000)}`).more[0].length, 20_000);
  const long = { ...DEFAULTS, prompt: "a", then: "b", more: ["x".repeat(4001)] };
  assert.equal(formatHash(long), "#prompt=a", "half a conversation would be another one");
  assert.equal(fitsLink(long), false);
  assert.equal(formatHash({ ...DEFAULTS, prompt: "a", more: ["c"] }), "#prompt=a");
});

test("every turn is answered with the answers as trained before it", () => {
  const state = { ...DEFAULTS, prompt: "a", then: "b", more: ["c"] };
  const said = (answers) =>
    messagesFor(state, answers).map(({ role, content }) => role[0] + content);
  assert.deepEqual(said(), ["ua"]);
  assert.deepEqual(said(["A"]), ["ua", "aA", "ub"]);
  assert.deepEqual(said(["A", ""]), ["ua", "aA", "ub", "a", "uc"], "an empty answer is one too");
});

test("a list of neurons is read as the page writes it, and what is not taken is given back", () => {
  const shape = { layers: 30, neurons_per_layer: 1536 };
  assert.deepEqual(readNeurons("L0 N173, l1 n2 × 0.5;3.4x2\nL5N6", shape), {
    neurons: [
      [0, 173],
      [1, 2, 0.5],
      [3, 4, 2],
      [5, 6],
    ],
    wrong: [],
  });
  const { neurons, wrong } = readNeurons("30.1, 1.1536, 7 8, L9, N3, 2.2", shape);
  assert.deepEqual(neurons, [[2, 2]]);
  assert.deepEqual(
    wrong.map(({ entry, why }) => `${entry} ${why}`),
    ["30.1 layer", "1.1536 index", "7 form", "8 form", "L9 form", "N3 form"],
  );
  assert.match(
    wrongNeurons(wrong, shape),
    /“30\.1” \(and 5 more\)\. This model has layers 0 to 29/,
  );
  const many = readNeurons(Array.from({ length: 300 }, (_, i) => `1.${i}`).join(), shape);
  assert.deepEqual([many.neurons.length, many.wrong.length], [256, 44]);
  assert.match(wrongNeurons(many.wrong, shape), /takes 256 neurons/);
  assert.equal(wrongNeurons([], shape), "");
});

test("what a recorded run brought goes with another question; what the visitor set stays", () => {
  const settings = new Settings(parseHash("#max=20"));
  settings.adopt({ prompt: "a", then: "b", more: ["c"], max: 32 });
  settings.adopt({ prompt: "d", then: "e", max: 40 });
  assert.deepEqual([settings.now.more, settings.now.max], [[], 40]);
  settings.change({ alpha: 2 });
  assert.equal(settings.now.max, 40);
  assert.deepEqual(settings.change({ prompt: "f" }), {
    prompt: "f",
    then: "",
    max: 20,
    recorded: "",
  });
  settings.adopt({ prompt: "a", then: "b", max: 32 });
  settings.change({ max: 99, then: "mine" });
  settings.change({ prompt: "g" });
  assert.deepEqual([settings.now.then, settings.now.max], ["mine", 99]);
  settings.adopt({ prompt: "g", then: "mine", max: 163 });
  settings.change({ prompt: "h" });
  assert.deepEqual([settings.now.then, settings.now.max], ["mine", 99], "whose a turn is stays");
});

test("every set stands beside its control", () => {
  const lanes = (patch) =>
    lanesFor({ ...DEFAULTS, ...patch }).map(({ set, alpha, seed, control_of }) => [
      set,
      alpha,
      seed,
      control_of,
    ]);
  assert.deepEqual(lanes({ alpha: 0.5, seed: 3 }), [
    ["none", 1, undefined, undefined],
    ["h", 0.5, undefined, undefined],
    ["random", 0.5, 3, "h"],
  ]);
  assert.deepEqual(lanes({ set: "random", seed: 3 }).slice(1), [
    ["random", 0, 3, "h"],
    ["random", 0, 4, "h"],
  ]);
  assert.deepEqual(lanes({ set: "custom", off: [[1, 2]] })[2], ["random", 0, 1, [[1, 2]]]);
});

test("a download goes on only where the answer fits", () => {
  const answer = (status, headers = {}) => ({
    status,
    ok: status < 300,
    headers: new Headers(headers),
  });
  assert.equal(startOf(answer(200, { "Content-Length": "100" }), 0, 100), 0);
  assert.equal(startOf(answer(200), 40, 100), 0, "a 200 to a range request begins anew");
  assert.equal(startOf(answer(206, { "Content-Range": "bytes 40-99/100" }), 40, 100), 40);
  assert.equal(startOf(answer(206, { "Content-Range": "bytes 30-99/100" }), 40, 100), null);
  assert.equal(
    startOf(answer(206, { "Content-Length": "60" }), 40, 100),
    40,
    "the header hidden by another origin",
  );
  assert.equal(startOf(answer(206, { "Content-Length": "61" }), 40, 100), null);
  assert.equal(startOf(answer(416), 40, 100), null);
  assert.throws(() => startOf(answer(404), 0, 100), /HTTP 404/);
  assert.throws(() => startOf(answer(200, { "Content-Type": "text/html" }), 0, 100), /web page/);
  assert.throws(() => startOf(answer(200, { "Content-Length": "133" }), 0, 100), /133/);
  assert.throws(() => startOf(answer(206, { "Content-Range": "bytes 40-98/99" }), 40, 100), /99/);
});

test("a shown run's conversation in the form is in no link, until it is run or changed", () => {
  const settings = new Settings(parseHash("#alpha=3"));
  settings.borrow([
    { role: "user", content: "What animal meows?" },
    { role: "assistant", content: "A cat." },
    { role: "user", content: "Are you sure?" },
  ]);
  assert.equal(settings.now.prompt, "What animal meows?");
  assert.equal(settings.now.then, "Are you sure?");
  assert.equal(formatHash(settings.linked), "#alpha=3");
  settings.change({ alpha: 2 });
  assert.equal(formatHash(settings.linked), "#alpha=2", "a factor is not a question");
  settings.change({ then: "Really?" });
  assert.equal(
    formatHash(settings.linked),
    "#prompt=What%20animal%20meows%3F&then=Really%3F&alpha=2",
  );
});

test("another question is another conversation, unless the visitor wrote the second turn", () => {
  const asked = (settings) => [settings.now.prompt, settings.now.then];
  const byButton = new Settings(parseHash("#prompt=a&then=b&recorded=cat"));
  byButton.thenIsTheButtons();
  byButton.change({ prompt: "a" });
  assert.deepEqual(asked(byButton), ["a", "b"], "the same question again is the same conversation");
  assert.deepEqual(byButton.change({ prompt: "ab" }), { prompt: "ab", then: "", recorded: "" });
  assert.deepEqual(asked(byButton), ["ab", ""]);
  const written = new Settings(parseHash("#prompt=a"));
  written.thenIsTheButtons();
  written.change({ then: "my own" });
  written.change({ prompt: "c" });
  assert.deepEqual(asked(written), ["c", "my own"]);
  const linked = new Settings(parseHash("#prompt=a&then=b"));
  linked.change({ prompt: "c" });
  assert.deepEqual(asked(linked), ["c", "b"], "a link's second turn is its sender's");
});

test("what was changed does not start a run again, and another question is not the link's recorded run", () => {
  const settings = new Settings(parseHash("#prompt=a&recorded=cat&run=1"));
  settings.change({ alpha: 2 });
  assert.equal(settings.now.recorded, "cat");
  assert.equal(settings.now.run, false);
  settings.change({ prompt: "b" });
  assert.equal(settings.now.recorded, "");
  settings.take(parseHash("#prompt=d&recorded=dog"));
  assert.equal(formatHash(settings.linked), "#prompt=d&recorded=dog");
});
