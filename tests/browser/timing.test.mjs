// Acts at an unlucky moment, with a stand-in for the engine: what waits can be stopped, the last act wins, and what is lost
// meanwhile is said or made good.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { fakeGallery } from "./mock/data.mjs";
import { answer, ask, ended, freshPage, launch, message, state, ZORVATH } from "./mock/browser.mjs";
import { serve, SHA } from "./mock/server.mjs";

let browser;
before(async () => (browser = await launch()));
after(() => browser.close());

// The made-up gallery with two more runs, which can be told apart by what they say.
const GALLERY = "www/gallery/mock/";
function gallery() {
  const { index, recording } = fakeGallery(SHA);
  const more = [
    ["slow", "Which animal is slow?"],
    ["quick", "Which animal is quick?"],
  ].map(([id, prompt]) => {
    const copy = structuredClone(recording);
    Object.assign(copy, { id, messages: [{ role: "user", content: prompt }] });
    for (const lane of copy.lanes) lane.tokens[0][1] = id;
    return { copy, run: { ...index.runs[0], id, prompt, then: undefined } };
  });
  index.runs.push(...more.map(({ run }) => run));
  const files = { [`${GALLERY}index.json`]: JSON.stringify(index) };
  for (const { copy } of more) files[`${GALLERY}${copy.id}.json`] = JSON.stringify(copy);
  return files;
}

/** A visitor to a deployment of this test's own. `gpu`: what the worker finds (mock/hneurons.js). */
async function visit(t, { gpu, hash = "", query = "", late = {}, ...options } = {}, foreseen) {
  const preludes = gpu ? { "www/worker/worker.js": `self.mockGpu = ${JSON.stringify(gpu)};` } : {};
  const site = await serve({ preludes, files: gallery(), faults: { late }, ...options });
  const page = await freshPage(
    t,
    browser,
    { reducedMotion: "reduce", serviceWorkers: "block" },
    foreseen,
  );
  // After the page is closed: what it still asks for would find nobody.
  t.after(() => site.close());
  await page.goto(`${site.url}${query}${hash}`);
  await page.waitForSelector("[data-part=lane]");
  return { page, site };
}

const chip = (page, id) => page.locator(`.gallery-all .chip[data-run="${id}"]`);
const openGallery = (page) => page.locator(".gallery-all summary").click();
const status = (page) => page.locator("[data-part=status]").innerText();
const mapNote = (page, pattern) =>
  page.waitForFunction(
    (pattern) => new RegExp(pattern).test(document.querySelector(".map-note")?.textContent),
    pattern,
  );
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const choose = (page, engine) =>
  page.evaluate((engine) => {
    document.querySelector(".advanced").open = true;
    const select = document.querySelector("[data-part=engine]");
    select.value = engine;
    select.dispatchEvent(new Event("change", { bubbles: true }));
  }, engine);

// ---- What waits ----

test("Stop while the run waits behind a map reading ends it at once, and it never begins", async (t) => {
  const { page } = await visit(t);
  await ask(page, "[[slowmap]]");
  await mapNote(page, "^Reading all");
  await page.fill("[data-part=prompt]", ZORVATH);
  await page.click("[data-part=run]");
  await state(page, "running", 500);
  const before = Date.now();
  await page.click("[data-part=stop]");
  await state(page, "ready", 800);
  assert.ok(Date.now() - before < 1000, "while the map is still being read");
  await mapNote(page, "^All 46,080 neurons at");
  await pause(300);
  assert.equal(await page.locator("html").getAttribute("data-state"), "ready");
  assert.match(await page.locator(".turn-text").innerText(), /slowmap/, "what was shown stays");
  await ask(page);
  assert.match(await answer(page, 1), /I cannot give you a year/);
});

test("Stop while a sweep waits behind a map reading ends it at once", async (t) => {
  const { page } = await visit(t);
  await ask(page, "[[slowmap]]");
  await mapNote(page, "^Reading all");
  await page.click(".sweep-run");
  await state(page, "running", 500);
  await page.click("[data-part=stop]");
  await state(page, "ready", 800);
  await mapNote(page, "^All 46,080 neurons at");
  assert.equal(await page.locator(".sweep-rows li").count(), 0);
});

test("Cancel while another engine waits to be chosen behind a map reading ends it at once", async (t) => {
  const { page } = await visit(t, { gpu: "works", hash: "#engine=cpu" }, (line) =>
    /cancelled/.test(line.text()),
  );
  await ask(page, "[[slowmap]]");
  await mapNote(page, "^Reading all");
  await choose(page, "gpu");
  await page.click("[data-part=run]");
  await state(page, "loading", 500);
  await page.getByRole("button", { name: "Cancel" }).click();
  await state(page, "ready", 800);
  assert.match(await message(page), /cancelled/);
  await mapNote(page, "^All 46,080 neurons at");
  assert.match(await status(page), /^CPU/, "it was not chosen afterwards");
});

// ---- The last act wins ----

test("a recorded run is clicked, then Run, before it has arrived: the live run stays", async (t) => {
  const { page } = await visit(t, { late: { [`${GALLERY}slow.json`]: 1200 } });
  await openGallery(page);
  await page.fill("[data-part=prompt]", ZORVATH);
  await chip(page, "slow").click();
  await page.click("[data-part=run]");
  await ended(page);
  await pause(1500);
  assert.match(await answer(page, 1), /I cannot give you a year/);
  assert.equal(await page.inputValue("[data-part=prompt]"), ZORVATH);
  await page.locator("[data-part=alpha]").fill("3");
  await ended(page);
  // The slider makes the live run again; the recorded one, all of whose factors say "slow …", does not answer it.
  assert.match(await answer(page, 1), /Zorvath|I cannot give you a year/);
  assert.equal(await page.inputValue("[data-part=prompt]"), ZORVATH);
});

test("of two recorded runs that are clicked the later one is shown, also where the earlier arrives last", async (t) => {
  const { page } = await visit(t, { late: { [`${GALLERY}slow.json`]: 700 } });
  await openGallery(page);
  await chip(page, "slow").click();
  await chip(page, "quick").click();
  await page.waitForFunction(() => /^quick/.test(document.querySelector(".answer").textContent));
  await pause(1000);
  assert.match(await answer(page, 0), /^quick/);
  assert.equal(await page.inputValue("[data-part=prompt]"), "Which animal is quick?");
  assert.equal(await chip(page, "quick").getAttribute("aria-pressed"), "true");
});

test("one that cannot be fetched says nothing once another is open", async (t) => {
  const { page } = await visit(
    t,
    {
      late: { [`${GALLERY}slow.json`]: 700 },
      files: { ...gallery(), [`${GALLERY}slow.json`]: undefined },
    },
    () => true,
  );
  await openGallery(page);
  await chip(page, "slow").click();
  await chip(page, "quick").click();
  await page.waitForFunction(() => /^quick/.test(document.querySelector(".answer").textContent));
  await pause(1000);
  assert.equal(await page.locator(".message").isHidden(), true);
});

test("what is typed after a recorded run was clicked is not typed over by it", async (t) => {
  const { page } = await visit(t, { late: { [`${GALLERY}slow.json`]: 1500 } });
  await openGallery(page);
  await chip(page, "slow").click();
  await page.fill("[data-part=prompt]", "My own question");
  await pause(1800);
  assert.equal(await page.inputValue("[data-part=prompt]"), "My own question");
  assert.doesNotMatch(await answer(page, 0), /^slow/);
});

test("a limit that is set after a recorded run was clicked stays, and the run is shown", async (t) => {
  const { page } = await visit(t, { late: { [`${GALLERY}slow.json`]: 1500 } });
  await openGallery(page);
  await chip(page, "slow").click();
  await page.evaluate(() => {
    document.querySelector("#max").value = "7";
    document.querySelector("#max").dispatchEvent(new Event("change"));
  });
  await page.waitForFunction(() => /^slow/.test(document.querySelector(".answer").textContent));
  assert.equal(await page.inputValue("#max"), "7");
});

test("a shared link's recorded run gives way to one that is clicked after it", async (t) => {
  const { page } = await visit(t, { late: { [`${GALLERY}slow.json`]: 700 } });
  await openGallery(page);
  await page.evaluate(() => (location.hash = "#recorded=slow"));
  await chip(page, "quick").click();
  await page.waitForFunction(() => /^quick/.test(document.querySelector(".answer").textContent));
  await pause(1000);
  assert.match(await answer(page, 0), /^quick/);
});

test("the run that the page opens on gives way to one that is clicked before it has arrived", async (t) => {
  const site = await serve({
    files: gallery(),
    faults: { late: { [`${GALLERY}doubt-meows.json`]: 1500 } },
  });
  const page = await freshPage(t, browser, { serviceWorkers: "block" });
  t.after(() => site.close());
  await page.goto(site.url);
  await openGallery(page);
  await chip(page, "quick").click();
  await page.waitForFunction(() => /^quick/.test(document.querySelector(".answer")?.textContent));
  await pause(1700);
  assert.match(await answer(page, 0), /^quick/);
  await page.locator("[data-part=alpha]").fill("3");
  assert.match(await answer(page, 0), /^quick/, "nor does it answer the slider");
});

test("a recorded run that is asked for while the model answers is refused in words", async (t) => {
  const { page } = await visit(t);
  await page.fill("[data-part=prompt]", `${ZORVATH} ${"word ".repeat(3500)}`);
  await page.click("[data-part=run]");
  await state(page, "running");
  await page.evaluate(() => (location.hash = "#recorded=quick"));
  await page.waitForSelector(".message:not([hidden])");
  assert.match(await message(page), /The model is still answering/);
  await page.click("[data-part=stop]");
  await state(page, "ready");
});

test("of an embed's two settings the later one is shown, also where the earlier arrives last", async (t) => {
  const { page } = await visit(t, {
    query: "?embed=1",
    late: { [`${GALLERY}slow.json`]: 700 },
  });
  await page.evaluate(() => (location.hash = "#recorded=slow"));
  await page.evaluate(() => (location.hash = "#recorded=quick"));
  await page.waitForFunction(() => /^quick/.test(document.querySelector(".answer").textContent));
  await pause(1000);
  assert.match(await answer(page, 0), /^quick/);
});

// ---- Keys ----

for (const [name, query] of [
  ["the page", ""],
  ["an embed", "?embed=1"],
])
  test(`${name}: an Enter of keyCode 229, with which Safari ends an IME's word, does not send`, async (t) => {
    const { page, site } = await visit(t, { query });
    const enter = (more) =>
      page.evaluate(
        (more) =>
          document.querySelector("#prompt").dispatchEvent(
            new KeyboardEvent("keydown", {
              key: "Enter",
              bubbles: true,
              cancelable: true,
              ...more,
            }),
          ),
        more,
      );
    await page.evaluate(() => (document.querySelector("#prompt").value = "東京はどこ"));
    for (const composing of [{ keyCode: 229 }, { keyCode: 13, isComposing: true }]) {
      assert.equal(await enter(composing), true, "the browser has it");
      await pause(300);
      assert.equal(await page.locator("html").getAttribute("data-state"), "recorded");
    }
    assert.equal(site.modelRequests().length, 0);
    assert.equal(await enter({ keyCode: 13 }), false, "an Enter of its own sends");
    await ended(page);
  });

// ---- What is lost ----

test("the GPU is lost while idle, then a token is clicked: the CPU reads, and the page says so", async (t) => {
  const { page } = await visit(t, { gpu: "works", hash: "#engine=gpu" });
  await ask(page, "How far away is the Moon?");
  assert.match(await status(page), /^WebGPU/);
  // The map is read as soon as the answers have ended.
  await ask(page, "[[lostmap]]");
  await mapNote(page, "^All 46,080 neurons at");
  assert.match(await message(page), /The GPU stopped working.*The CPU goes on\./);
  assert.match(await status(page), /^CPU/);
  assert.match(await page.locator("#engine-words").textContent(), /The GPU was lost/);
  assert.equal(await page.locator("html").getAttribute("data-state"), "ready");
});

test("a GPU that takes the worker with it in the measuring run: the CPU serves, and the page says why", async (t) => {
  const { page, site } = await visit(t, { gpu: "traps", hash: "#engine=gpu" });
  await ask(page);
  assert.match(await answer(page, 1), /I cannot give you a year/);
  assert.match(await status(page), /^CPU/);
  assert.match(
    await message(page),
    /The GPU is not used: it failed \(.*index out of bounds \(src\/mock\.rs, line 7\)/,
  );
  await page.evaluate(() => (document.querySelector(".timing").textContent = ""));
  await ask(page);
  assert.equal(site.modelRequests().length, 1, "the model came from the cache, and is tried once");
});

for (const [name, order] of [
  ["a panic in the module", "[[panic]]"],
  ["a panic where nobody waits for it", "[[panicaway]]"],
])
  test(`${name}: its text, with what to do`, async (t) => {
    const { page } = await visit(t, {}, (line) => /index out of bounds/.test(line.text()));
    await page.fill("[data-part=prompt]", order);
    await page.press("[data-part=prompt]", "Enter");
    await state(page, "error", 5000);
    assert.match(
      await message(page),
      /stopped on a fault of its own: index out of bounds \(src\/mock\.rs, line 7\)\. Restart it to go on/,
    );
    await page.getByRole("button", { name: "Restart the engine" }).click();
    await state(page, "ready");
    await ask(page);
  });
