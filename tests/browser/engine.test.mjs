// The whole way, with the real module and the real model: what a visitor does, and what the engine promises below it.
// Needs dist/ and models/ (`cargo xtask build` makes both).
//
// The page's error paths as such are tested with a stand-in engine (loading.test.mjs); here are those in which the
// engine has the word.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdir, open as openFile, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { open, temporaryFolder } from "./browser.mjs";
import { cached, eventually } from "./eventually.mjs";
import { openLab } from "./lab.mjs";
import { MODEL, MODEL_FILE, repository, serve } from "./server.mjs";

const ZORVATH = "In what year was the treaty of Zorvath signed?";
const MEOWS = "What animal meows?";
const TOKENS = 24;
// A set whose silence is loud: the first 256 neurons of the first layer.
const LOUD = Array.from({ length: 256 }, (_, index) => [0, index]);

// One server and one profile for the visits that may share a cache, so that the model is fetched once for them.
let server, profile, artifact;
let offline = false;
before(async () => {
  server = await serve();
  profile = await temporaryFolder();
  const index = JSON.parse(
    await readFile(join(repository, "dist/www/artifacts/index.json"), "utf8"),
  );
  artifact = JSON.parse(
    await readFile(join(repository, "dist/www/artifacts", index.default, "hneurons.json"), "utf8"),
  );
});
after(async () => {
  await server.close();
  await profile.remove();
});

/** A visit that must end without a console error or a request to anyone else; `expected` matches errors that belong to it. */
async function visit(t, { at = server, hash = "", expected = [], ...options } = {}) {
  const visited = await open({ profile: profile.path, ...options });
  t.after(async () => {
    await visited.close();
    // First of all the server is made whole for the next test: a hook that throws skips those after it.
    server.heal();
    if (offline) await server.goOnline();
    offline = false;
    assert.deepEqual(
      visited.problems.filter((text) => !expected.some((pattern) => pattern.test(text))),
      [],
    );
    assert.deepEqual(visited.foreign, []);
  });
  await visited.page.goto(at.url + hash);
  await visited.page.waitForFunction(
    () =>
      document.querySelector(".credits").textContent ||
      document.documentElement.dataset.state === "error",
  );
  return visited;
}
/** One with a profile of its own: nothing in its cache. */
const firstVisit = (t, options = {}) => visit(t, { ...options, profile: undefined });

const state = (page, name, timeout = 60_000) =>
  page.waitForSelector(`html[data-state="${name}"]`, { timeout });
const message = (page) => page.locator(".message").innerText();
const lane = (page, set) => page.locator(`[data-part=lane][data-set=${set}]`);
const textOf = async (page, set) =>
  (await lane(page, set).locator("[data-part=token]").allTextContents()).join("");

async function advanced(page, fields) {
  if (!(await page.locator(".advanced").getAttribute("open")))
    await page.evaluate(() => (document.querySelector(".advanced").open = true));
  for (const [name, value] of Object.entries(fields)) {
    await page.fill(`#${name}`, String(value));
    await page.press(`#${name}`, "Tab");
  }
}

/** Presses Run (or `button`), and waits until the page has begun anew. */
async function begin(page, prompt, button = page.locator("[data-part=run]")) {
  if (prompt !== undefined) await page.fill("[data-part=prompt]", prompt);
  await page.evaluate(() => (document.querySelector(".timing").textContent = ""));
  await button.click();
}
const ended = (page) =>
  page.waitForFunction(
    () =>
      document.documentElement.dataset.state === "ready" &&
      document.querySelector(".timing").textContent !== "",
    null,
    { timeout: 60_000 },
  );
async function ask(page, prompt, button) {
  await begin(page, prompt, button);
  await ended(page);
}

async function setAlpha(page, alpha) {
  await page.locator("#alpha").focus();
  await page.locator("#alpha").press("Home");
  for (let at = 0; at < alpha; at += 0.5) await page.locator("#alpha").press("ArrowRight");
  assert.equal(await page.locator("#alpha-number").innerText(), alpha === 0 ? "off" : `× ${alpha}`);
}

// ---- What a visitor does ----

test("a cold visit: the prompt is answered in three lanes, word by word, and the board fills", async (t) => {
  const { page } = await visit(t);
  await advanced(page, { max: TOKENS });
  // What each lane and the download bar showed over time, without what came twice.
  await page.evaluate(() => {
    const seen = (window.seen = { lanes: {}, download: [] });
    const note = (list, value) => list.at(-1) === value || list.push(value);
    new MutationObserver(() => {
      const bar = document.querySelector("[data-phase=download] progress");
      if (document.documentElement.dataset.state === "loading" && bar.value > 0)
        note(seen.download, bar.value);
      if (document.documentElement.dataset.state !== "running") return;
      for (const element of document.querySelectorAll("[data-part=lane]")) {
        const lengths = (seen.lanes[element.dataset.set] ??= []);
        note(
          lengths,
          [...element.querySelectorAll("[data-part=token]")]
            .map(({ textContent }) => textContent)
            .join("").length,
        );
      }
    }).observe(document.body, {
      subtree: true,
      childList: true,
      attributes: true,
      characterData: true,
    });
  });
  await ask(page, ZORVATH);
  assert.equal(server.count(MODEL), 1);

  const seen = await page.evaluate(() => window.seen);
  assert.ok(seen.download.length >= 5, `the download's bar moved ${seen.download.length} times`);
  assert.deepEqual(
    seen.download,
    [...seen.download].sort((a, b) => a - b),
  );
  for (const set of ["none", "h", "random"]) {
    const text = await textOf(page, set);
    assert.match(text, /\w+ \w+ \w+/, `lane ${set}: ${text}`);
    assert.ok(
      seen.lanes[set].length >= TOKENS / 2,
      `lane ${set} grew in ${seen.lanes[set].length} steps`,
    );
    // What was there before the run is cleared first.
    const grew = seen.lanes[set].slice(seen.lanes[set].indexOf(0));
    assert.deepEqual(
      grew,
      [...grew].sort((a, b) => a - b),
    );
    const score = Number(
      await lane(page, set).locator("[data-part=score]").getAttribute("data-value"),
    );
    assert.ok(score > 0 && score < 1, `lane ${set}: detector ${score}`);
  }

  // The board's numbers, by its table view: one for every H-Neuron, and not all equal.
  await page.locator("canvas.cells").focus();
  await page.keyboard.press("End");
  await page.evaluate(() => (document.querySelector(".table-view").open = true));
  const rows = page.locator(".table-view tbody tr");
  await rows.first().waitFor();
  assert.equal(await rows.count(), artifact.neurons.length);
  const values = (await rows.allInnerTexts()).map((text) => Number(/\d+\.\d+/.exec(text)?.[0]));
  assert.ok(values.every(Number.isFinite), String(values));
  assert.ok(new Set(values).size > artifact.neurons.length / 2, String(values));
  const shades = await page.locator("canvas.cells").evaluate((canvas) => {
    const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    return new Set(new Uint32Array(data.buffer)).size;
  });
  assert.ok(shades > 2, "the board is painted");
});

test("a second visit takes the model from the cache; offline, everything still works", async (t) => {
  server.clear();
  const first = await visit(t);
  await advanced(first.page, { max: 4 });
  await ask(first.page, MEOWS);
  assert.equal(server.count(MODEL), 0);
  // The page, and of the two modules the one in use, are kept by the service worker.
  const needed = [
    /^\/$/,
    /^\/files\.json$/,
    /^\/www\/main\.js$/,
    /^\/www\/worker\/worker\.js$/,
    /\/hneurons\.js$/,
    /\.wasm$/,
  ];
  await eventually(async () => {
    const paths = await cached(first.page);
    return needed.every((pattern) => paths.some((path) => pattern.test(path)));
  });
  await first.close();

  await server.goOffline();
  offline = true;
  server.clear();
  const later = await visit(t, {
    expected: [/ERR_CONNECTION_REFUSED|Failed to (fetch|load resource)/],
  });
  await advanced(later.page, { max: TOKENS });
  await ask(later.page, MEOWS);
  assert.match(await textOf(later.page, "none"), /cat/);
  assert.equal(server.requests.length, 0);
});

test("silencing a set changes the text; times 1 it is the as-trained text, and the page says so", async (t) => {
  const { page } = await visit(t);
  await advanced(page, { max: TOKENS, off: LOUD.map((neuron) => neuron.join(".")).join(",") });
  await setAlpha(page, 0);
  await ask(page, ZORVATH);
  const trained = await textOf(page, "none");
  assert.notEqual(await textOf(page, "custom"), trained);
  assert.match(await lane(page, "custom").innerText(), /256 neurons[^]*Differs from word \d+ on/);

  await setAlpha(page, 1);
  await ask(page, ZORVATH);
  assert.equal(await textOf(page, "none"), trained);
  for (const set of ["custom", "random"]) {
    assert.equal(await textOf(page, set), trained);
    assert.match(await lane(page, set).innerText(), /Same answer as trained/);
  }
});

test("Doubt it: a second answer in each lane, under the first turn", async (t) => {
  const { page } = await visit(t);
  await advanced(page, { max: TOKENS });
  await ask(page, MEOWS);
  const first = (await textOf(page, "none")).trim();
  assert.match(first, /cat/);
  await ask(page, undefined, page.getByRole("button", { name: "Doubt it" }));
  assert.equal(await page.locator("#answers-title").innerText(), "Answers, second turn");
  const turn = await page.locator(".conversation").innerText();
  for (const part of [MEOWS, first, "Are you sure?"])
    assert.ok(turn.includes(part), `${part} is in: ${turn}`);
  const texts = await Promise.all(["none", "h", "random"].map((set) => textOf(page, set)));
  for (const text of texts) {
    assert.ok(text.length > 20, text);
    assert.notEqual(text.trim(), first);
  }
  assert.ok(new Set(texts).size > 1, "the lanes do not all say the same");
  // The board is as far along as it goes: what stands there is the doubt and the second answer, not the first turn.
  await page.waitForFunction(() => document.querySelector(".board-scroll").scrollLeft > 200);
});

test("a recorded run is what a live run of the same prompt says; the map reads all neurons; a sweep answers every factor", async (t) => {
  const { page } = await visit(t, { hash: "#recorded=velmoria&engine=cpu" });
  await page.waitForSelector("[data-part=lane]");
  const all = async () => [
    await textOf(page, "none"),
    await textOf(page, "h"),
    await textOf(page, "random"),
  ];
  const recorded = await all();
  assert.equal(await page.locator(".run-kind").innerText(), "Recorded run");
  await page.locator("[data-part=run]").click();
  await page.waitForFunction(
    () =>
      document.documentElement.dataset.state === "ready" &&
      document.querySelector(".timing").textContent,
    null,
    { timeout: 120_000 },
  );
  assert.equal(await page.locator(".run-kind").innerText(), "");
  assert.deepEqual(await all(), recorded);
  const index = JSON.parse(
    await readFile(join(repository, "www/gallery", artifact.model.id, "index.json"), "utf8"),
  );
  const sha = createHash("sha256")
    .update(await readFile(join(repository, "www/artifacts", artifact.id, "hneurons.json")))
    .digest("hex");
  assert.equal(
    index.artifact.sha256,
    sha,
    "the gallery was recorded with this artifact: run `hneurons gallery`",
  );
  await page.locator("[data-part=token]").first().click();
  await page.waitForFunction(
    () => document.querySelector("[data-part=map]").innerText.includes("46,080"),
    null,
    { timeout: 60_000 },
  );
  await page.getByRole("button", { name: "Run the sweep" }).click();
  await page.waitForFunction(
    () =>
      document.documentElement.dataset.state === "ready" &&
      document.querySelectorAll("[data-part=sweep] li, [data-part=sweep] tbody tr").length >= 6,
    null,
    { timeout: 240_000 },
  );
});

test("all neurons at a token are the contributions that a run shows, and factors of their own are each neuron's", async (t) => {
  const { page } = await visit(t);
  await openLab(page, { root: server.url, variant: "simd128", model: artifact.model });
  const got = await page.evaluate(
    async ({ artifact, messages }) => {
      window.lab.set_artifact(JSON.stringify(artifact));
      const [first, second] = artifact.neurons.map(({ layer, index }) => [layer, index]);
      const own = { set: "custom", alpha: 2, neurons: [first, second], factors: [0, null] };
      const lanes = [
        own,
        { set: "custom", alpha: 2, neurons: [second] },
        { set: "custom", alpha: 0, neurons: [first] },
        { set: "none" },
        { set: "random", alpha: 2, control_of: [first, second], factors: [1, 1] },
      ];
      const run = await window.record({ messages, lanes, max_tokens: 8 });
      const at = run.prompt.length + 3;
      const all = await window.lab.activity({ messages, tokens: run.lanes[0].ids, lane: own, at });
      const refused = await window.lab.activity({ messages, tokens: [], lane: own, at: 5000 }).then(
        () => "taken",
        (error) => error.kind,
      );
      return { all: Array.from(all), run, at, refused };
    },
    { artifact, messages: [{ role: "user", content: ZORVATH }] },
  );
  assert.equal(got.all.length, artifact.model.neuron_count);
  const shown = got.run.lanes[0].contributions[got.at];
  got.run.shown.forEach(([layer, index], i) =>
    assert.equal(got.all[layer * artifact.model.neurons_per_layer + index], shown[i]),
  );
  assert.equal(got.refused, "input");
  const logprobs = got.run.lanes.map((lane) => lane.logprobs.join());
  assert.equal(new Set(logprobs.slice(0, 4)).size, 4, "both factors count");
  assert.equal(logprobs[4], logprobs[3], "a control takes the factors over");
});

test("what a token adds to the reading sums to it; what could come next is what a run says of it", async (t) => {
  const { page, record } = await bench(t, "simd128");
  const messages = user(ZORVATH);
  const lanes = [NONE, H0];
  const run = await record({ messages, lanes, max_tokens: TOKENS });
  const { terms, bias, calibration } = artifact.detector;
  const means = terms.reduce((sum, { weight, mean, std }) => sum + (weight * mean) / std, 0);
  const base = calibration.slope * (bias - means) + calibration.intercept;
  for (const [i, lane] of run.lanes.entries()) {
    assert.equal(lane.pulls.length, TOKENS);
    assert.equal(lane.words.length, TOKENS, "the last token's too");
    const read = lane.pulls.filter((_, k) => lane.words[k] & (lane.newWords ? 2 : 1));
    assert.ok(read.length > 0 && read.length < TOKENS);
    const logit = base + read.reduce((sum, pull) => sum + pull, 0) / read.length;
    const score = lane.scores.at(-1);
    assert.ok(Math.abs(logit - Math.log(score / (1 - score))) < 1e-9, `lane ${i}: ${logit}`);

    const k = 5;
    const next = await page.evaluate((asked) => window.lab.next(asked), {
      messages,
      lane: lanes[i],
      tokens: lane.ids.slice(0, k),
      at: run.prompt.length + k - 1,
    });
    assert.equal(next.length, 8);
    assert.equal(next[0].id, lane.ids[k], "the most probable token is the one that came");
    assert.equal(next[0].text, lane.texts[k]);
    assert.ok(Math.abs(Math.log(next[0].p) - lane.logprobs[k]) < 1e-9);
    assert.ok(next.every(({ p }, n) => p > 0 && p <= (next[n - 1]?.p ?? 1)));
  }
});

test("Stop acts within one token", async (t) => {
  const { page } = await visit(t);
  await advanced(page, { max: 512 });
  await page.evaluate(() => {
    const counts = () =>
      [...document.querySelectorAll("[data-part=lane]")].map(
        (lane) => lane.querySelectorAll("[data-part=token]").length,
      );
    window.counts = counts;
    // Pressed as soon as a token is drawn, so that no other is on its way yet.
    const watch = new MutationObserver(() => {
      const now = counts();
      if (document.documentElement.dataset.state !== "running" || !(now[0] >= 5)) return;
      watch.disconnect();
      window.atStop = now;
      document.querySelector("[data-part=stop]").click();
    });
    watch.observe(document.querySelector(".lanes"), { subtree: true, childList: true });
  });
  await ask(page, "Tell me a long story about a lighthouse.");
  const [before, after] = await page.evaluate(() => [window.atStop, window.counts()]);
  assert.equal(after.length, 3);
  after.forEach((count, i) =>
    assert.ok(
      count - before[i] <= 1,
      `lane ${i}: ${before[i]} tokens at Stop, ${count} in the end`,
    ),
  );
  assert.match(await lane(page, "none").innerText(), /Stopped/);
  await advanced(page, { max: 4 });
  await ask(page, MEOWS);
});

// ---- Bad input ----

test("an empty prompt, and one of 100 kB: said, and the page goes on", async (t) => {
  const { page } = await visit(t);
  await advanced(page, { max: 4 });
  await page.fill("[data-part=prompt]", "  \n ");
  await page.click("[data-part=run]");
  assert.match(await message(page), /prompt is empty/);
  await page.fill("[data-part=prompt]", "A long story. ".repeat(7315).slice(0, 102_400));
  await page.click("[data-part=run]");
  await page.waitForFunction(
    () => /\d+ tokens/.test(document.querySelector(".message").textContent),
    null,
    { timeout: 60_000 },
  );
  assert.match(await message(page), /prompt has \d+ tokens.*at most 8192.*shorten it/s);
  await state(page, "ready");
  await ask(page, MEOWS);
  assert.equal(await page.locator(".message").isHidden(), true);
});

test("a link with bad numbers: what cannot be is ignored, and a neuron that does not exist is refused in words", async (t) => {
  for (const alpha of ["NaN", "-1", "1e999", "banana"]) {
    const { page, close } = await visit(t, { hash: `#alpha=${alpha}&max=4&prompt=Hi` });
    assert.match(await page.locator("#alpha-number").innerText(), /^off$/, alpha);
    await close();
  }
  for (const neuron of ["30.0", "2.1536"]) {
    const { page, close } = await visit(t, {
      hash: `#set=custom&off=${neuron}&max=4&prompt=Hi&run=1`,
    });
    await page.waitForFunction(
      () => /There is no/.test(document.querySelector(".message").textContent),
      null,
      { timeout: 60_000 },
    );
    assert.match(
      await message(page),
      new RegExp(
        `There is no .*“${neuron.replace(".", "\\.")}”.*(layers 0 to 29|neurons 0 to 1535)`,
      ),
    );
    await page.locator("label").filter({ hasText: "H-Neurons" }).first().click();
    await ask(page, "Hi");
    await close();
  }
});

/** The page's artifact, changed. */
async function changeArtifact(context, change) {
  await context.route("**/hneurons.json", async (route) => {
    const changed = structuredClone(artifact);
    change(changed);
    await route.fulfill({ json: changed });
  });
}
const aside = { serviceWorkers: "block" }; // a service worker would fetch past the route

test("an artifact of another model is refused, and once it is the right one the page runs", async (t) => {
  const { page, context } = await firstVisit(t, {
    ...aside,
    expected: [/not the expected one|hash differs/],
  });
  await changeArtifact(context, ({ model }) => (model.sha256 = "0".repeat(64)));
  await page.reload();
  await page.waitForFunction(() => document.querySelector(".credits").textContent);
  await begin(page, MEOWS);
  await state(page, "error");
  assert.match(
    await message(page),
    /not the expected one \(SHA-256 b179c9523d0e…, expected 000000000000…\)/,
  );
  assert.equal(await page.getByRole("button", { name: "Retry" }).count(), 1);
  await context.unroute("**/hneurons.json");
  await page.reload();
  await advanced(page, { max: 4 });
  await ask(page, MEOWS);
});

test("wrong bytes in the model file: refused, and Retry works once they are right", async (t) => {
  const { page } = await firstVisit(t, { expected: [/not the expected one/] });
  server.fault(MODEL, { corrupt: true });
  await advanced(page, { max: 4 });
  await begin(page, MEOWS);
  await state(page, "error");
  assert.match(await message(page), /not the expected one .*delete it and download it again/);
  server.heal();
  await ask(page, undefined, page.getByRole("button", { name: "Retry" }));
});

for (const [name, make, words] of [
  ["cut short", (model) => model.subarray(0, 8_000_000), /cut off; download it again/],
  ["no GGUF at all", () => Buffer.alloc(300_000, "not a model. "), /GGUF/i],
]) {
  test(`a model file that is ${name}, although its hash is as announced: a clear error`, async (t) => {
    const folder = await temporaryFolder();
    t.after(folder.remove);
    const model = await openFile(join(repository, MODEL));
    const { buffer } = await model.read(Buffer.alloc(8_000_000), 0, 8_000_000, 0);
    await model.close();
    const bytes = make(buffer);
    await mkdir(join(folder.path, "models"));
    await writeFile(join(folder.path, "models", MODEL_FILE), bytes);
    const other = await serve({ models: join(folder.path, "models") });
    t.after(() => other.close());
    const { page, context } = await firstVisit(t, { ...aside, at: other, expected: [words] });
    await changeArtifact(context, (changed) =>
      Object.assign(changed.model, {
        sha256: createHash("sha256").update(bytes).digest("hex"),
        bytes: bytes.length,
      }),
    );
    await page.reload();
    await page.waitForFunction(() => document.querySelector(".credits").textContent);
    await begin(page, MEOWS);
    await state(page, "error");
    assert.match(await message(page), words);
    assert.equal(await page.getByRole("button", { name: "Retry" }).count(), 1);
  });
}

// ---- Mishaps ----

test("a download cut at 50 % is resumed: its first half is not fetched again", async (t) => {
  const { page } = await firstVisit(t, { expected: [/ERR_|Failed to load resource/] });
  server.clear();
  server.fault(MODEL, { cutAt: artifact.model.bytes / 2, times: 1 });
  await advanced(page, { max: 4 });
  await ask(page, MEOWS);
  const [first, rest, ...more] = server.requests.filter(({ path }) => path === MODEL);
  assert.deepEqual(more, []);
  assert.equal(first.range, null);
  const from = Number(/^bytes=(\d+)-$/.exec(rest.range)[1]);
  assert.ok(
    from > 0.4 * artifact.model.bytes && from <= first.sent,
    `resumed at ${from} of ${first.sent} sent`,
  );
  assert.equal(rest.sent, artifact.model.bytes - from);
});

test("storage refused: the model runs from memory, and the page says so", async (t) => {
  const { page, context } = await firstVisit(t);
  const cdp = await context.newCDPSession(page);
  await cdp.send("Storage.overrideQuotaForOrigin", { origin: server.origin, quotaSize: 1_000_000 });
  await advanced(page, { max: 4 });
  await ask(page, MEOWS);
  assert.match(await message(page), /kept in memory only, for this visit/);
});

test("the worker is killed mid-run: said, and a restart takes the model from the cache", async (t) => {
  const visited = await visit(t, { expected: [/not answered/] });
  const { page, context } = visited;
  await context.addInitScript(() => {
    window.Worker = class extends Worker {
      constructor(...options) {
        super(...options);
        window.engine = this;
      }
    };
  });
  await page.reload();
  await advanced(page, { max: 512 });
  await begin(page, "Tell me a long story about a lighthouse.");
  await page.waitForFunction(
    () =>
      document.documentElement.dataset.state === "running" &&
      document.querySelector(".run-kind").textContent === "" &&
      document.querySelectorAll("[data-part=token]").length > 9,
    null,
    { timeout: 60_000 },
  );
  server.clear();
  await page.evaluate(() => window.engine.terminate());
  await state(page, "error");
  assert.match(await message(page), /not answered for 15 seconds. Restart it/);
  await page.getByRole("button", { name: "Restart the engine" }).click();
  await state(page, "ready");
  await advanced(page, { max: 4 });
  await ask(page, MEOWS);
  assert.equal(server.count(MODEL), 0);
});

// ---- Below the page ----

/** A page with a variant of the module and the model in it: see lab.mjs. */
async function bench(t, variant) {
  const { page } = await visit(t, { hash: "" });
  await openLab(page, { root: server.url, variant, model: artifact.model });
  const text = JSON.stringify(artifact);
  await page.evaluate((text) => window.lab.set_artifact(text), text);
  return { page, record: (request) => page.evaluate((request) => window.record(request), request) };
}

const user = (content) => [{ role: "user", content }];
const NONE = { set: "none", alpha: 1 };
const H0 = { set: "h", alpha: 0 };
const RANDOM = { set: "random", alpha: 0, seed: 1, control_of: "h" };

/** Everything a lane said, with only the H-Neurons' contributions: in company, other neurons are shown as well. */
function alike(lane) {
  const contributions = lane.contributions.map((cells) => cells.slice(0, artifact.neurons.length));
  return { ...lane, contributions };
}

const results = {};
for (const variant of ["simd128", "relaxed-simd"]) {
  test(`${variant}: times 1 is bit for bit as trained; a lane says the same alone and in company`, async (t) => {
    const { page, record } = await bench(t, variant);
    // The relaxed build takes the plain kernels where the processor gains nothing by the relaxed ones; both must be right.
    await page.evaluate((name) => window.lab.use_kernels(name), variant);
    assert.equal(await page.evaluate(() => window.lab.info().build), variant);
    const memory = (await page.evaluate(() => window.memory())) / artifact.model.bytes;
    t.diagnostic(`memory after loading: ${memory.toFixed(2)} times the file`);
    assert.ok(memory < 1.5, `${memory} times the file`);
    const edits = [
      { set: "h", alpha: 1 },
      { ...RANDOM, alpha: 1 },
      { set: "custom", alpha: 1, neurons: LOUD },
    ];
    const ones = await record({
      messages: user(ZORVATH),
      lanes: [NONE, ...edits],
      max_tokens: TOKENS,
    });
    const [trained, ...same] = ones.lanes;
    assert.equal(trained.ids.length, TOKENS);
    assert.equal(
      trained.contributions.length,
      ones.prompt.length + TOKENS,
      "every position, the last token's included",
    );
    assert.ok(new Set(trained.contributions.flat()).size > 1000);
    assert.ok(trained.logprobs.every((value) => value <= 0 && Number.isFinite(value)));
    for (const lane of same) assert.deepEqual(lane, trained);

    const lanes = [NONE, H0, RANDOM];
    const company = await record({ messages: user(MEOWS), lanes, max_tokens: TOKENS });
    assert.notDeepEqual(
      company.lanes[1].logprobs,
      company.lanes[0].logprobs,
      "silencing does something",
    );
    for (const [i, lane] of lanes.entries()) {
      const alone = await record({ messages: user(MEOWS), lanes: [lane], max_tokens: TOKENS });
      assert.deepEqual(alike(alone.lanes[0]), alike(company.lanes[i]));
    }
    results[variant] = { ones, company };
  });
}

test("both builds give identical numbers", () => {
  assert.ok(results.simd128 && results["relaxed-simd"], "both have run");
  assert.deepEqual(results["relaxed-simd"], results.simd128);
});

// What `hneurons run "What animal meows?" --set none --set h --alpha 0 --show h --max-tokens 12 --json` says, and what it
// says with `--temperature 1.3 --seed 7`.
const NATIVE_RUNS = [
  { name: "the browser gives what the command line gives", file: "native_run.json" },
  {
    name: "the browser draws the tokens that the command line draws",
    file: "native_drawn.json",
    temperature: 1.3,
    seed: 7,
  },
];

for (const { name, file, temperature = 0, seed = 1 } of NATIVE_RUNS)
  test(name, async (t) => {
    const native = JSON.parse(await readFile(join(repository, "tests/fixtures", file), "utf8"));
    assert.equal(native.model.sha256, artifact.model.sha256);
    const { record } = await bench(t, "relaxed-simd");
    const lanes = native.lanes.map(({ set, alpha }) => ({ set, alpha }));
    const run = await record({
      messages: native.messages,
      lanes,
      temperature,
      seed,
      max_tokens: Math.max(...native.lanes.map(({ tokens }) => tokens.length)),
    });
    assert.deepEqual(run.prompt, native.prompt_tokens);
    let compared = 0;
    native.lanes.forEach((theirs, i) => {
      const ours = run.lanes[i];
      assert.deepEqual(
        ours.ids,
        theirs.tokens.map(({ id }) => id),
      );
      assert.equal(ours.texts.join(""), theirs.text);
      assert.equal(ours.stopped, theirs.stopped);
      theirs.tokens.forEach(({ logprob }, k) =>
        assert.ok(
          Math.abs(ours.logprobs[k] - logprob) < 1e-9,
          `lane ${i}, token ${k}: ${ours.logprobs[k]}, natively ${logprob}`,
        ),
      );
      const rows = [
        ...(theirs.prompt_neurons ?? []),
        ...theirs.tokens.map(({ neurons }) => neurons),
      ];
      rows.forEach((neurons, at) => {
        for (const { layer, index, contribution } of neurons ?? []) {
          const row = run.shown.findIndex(([l, n]) => l === layer && n === index);
          assert.equal(
            ours.contributions[at][row],
            Math.fround(contribution),
            `lane ${i}, position ${at}, neuron ${layer}.${index}`,
          );
          compared++;
        }
      });
    });
    assert.ok(compared > 500, `${compared} contributions compared`);
  });

test("the engine itself refuses bad requests, artifacts and files, each with its kind and words", async (t) => {
  const { page } = await bench(t, "relaxed-simd");
  const start = (content, lane) =>
    page.evaluate(
      ({ content, lane }) => {
        // NaN and infinities do not survive every way here; a word stands for them.
        const alpha = typeof lane.alpha === "string" ? Number(lane.alpha) : lane.alpha;
        return window.failure(() =>
          window.lab.start({
            messages: [{ role: "user", content }],
            lanes: [{ ...lane, alpha }],
            max_tokens: 4,
            temperature: 0,
            seed: 1,
          }),
        );
      },
      { content, lane },
    );
  const cases = [
    ["", H0, "input", /empty: type something/],
    [" \n\t", H0, "input", /empty: type something/],
    ["word ".repeat(20_480), H0, "context", /prompt has \d+ tokens.*at most 8192.*shorten it/],
    ["Hi", { set: "h", alpha: "NaN" }, "input", /alpha is NaN: choose a number from 0/],
    ["Hi", { set: "h", alpha: -1 }, "input", /alpha is -1/],
    ["Hi", { set: "h", alpha: 3.01 }, "input", /alpha is 3\.01/],
    ["Hi", { set: "h", alpha: "Infinity" }, "input", /alpha is inf/i],
    [
      "Hi",
      { set: "custom", alpha: 0, neurons: [[30, 0]] },
      "input",
      /no neuron 30\.0: .*layers 0 to 29/,
    ],
    [
      "Hi",
      { set: "custom", alpha: 0, neurons: [[0, 1536]] },
      "input",
      /no neuron 0\.1536: .*indices 0 to 1535/,
    ],
    ["Hi", { set: "custom", alpha: 0, neurons: [[-1, 0]] }, "input", /./],
    ["Hi", { set: "everything", alpha: 0 }, "input", /./],
  ];
  for (const [content, lane, kind, words] of cases) {
    const [isError, found, text] = await start(content, lane);
    assert.equal(isError, true);
    assert.equal(found, kind, text);
    assert.match(text, words);
  }

  const artifactFailure = (text) =>
    page.evaluate((text) => window.failure(() => window.lab.set_artifact(text)), text);
  const other = structuredClone(artifact);
  other.model.sha256 = "0".repeat(64);
  const outside = structuredClone(artifact);
  outside.neurons[0].layer = 30;
  for (const [text, words] of [
    ["", /./],
    ["{}", /not a valid hneurons\/1 file/],
    [JSON.stringify(other), /belongs to another model file/],
    [JSON.stringify(outside), /./],
  ]) {
    const [isError, kind, said] = await artifactFailure(text);
    assert.deepEqual([isError, kind], [true, "artifact"], said);
    assert.match(said, words);
  }

  const [isError, kind, said] = await page.evaluate(() =>
    window.failure(() => window.load(new Uint8Array(100_000), "0".repeat(64))),
  );
  assert.deepEqual([isError, kind], [true, "hash"]);
  assert.match(said, /not the expected one/);
  // After all this the engine still answers.
  const { lanes } = await page.evaluate(() =>
    window.record({
      messages: [{ role: "user", content: "Hi" }],
      lanes: [{ set: "none", alpha: 1 }],
      max_tokens: 2,
    }),
  );
  assert.equal(lanes[0].ids.length, 2);
});

test("a panic of the module leaves its text, and where it happened, beside the trap", async (t) => {
  const { page } = await visit(t);
  const [trapped, text] = await page.evaluate(async () => {
    const module = await import(new URL("pkg/simd128/hneurons.js", document.baseURI));
    await module.default({
      module_or_path: new URL("pkg/simd128/hneurons_bg.wasm", document.baseURI),
    });
    try {
      module.panic_with("the test wanted\nit so");
    } catch (error) {
      return [error instanceof WebAssembly.RuntimeError, self.hneuronsPanic];
    }
    return [false, "it did not panic"];
  });
  assert.equal(trapped, true);
  assert.match(text, /^the test wanted it so \(src\/web\.rs, line \d+\)$/);
});
