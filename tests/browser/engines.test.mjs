// Which engine runs, and how the page says so: with a stand-in for the engine. The real GPU is in gpu.test.mjs.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { engineWords, statusWords } from "../../www/core/chosen.js";
import { answer, ask, ended, launch, message, state, ZORVATH } from "./mock/browser.mjs";
import { serve } from "./mock/server.mjs";

let browser;
before(async () => (browser = await launch()));
after(() => browser.close());

/** A visit to a page whose worker finds this GPU (see mock/hneurons.js); without a word there is none. */
async function visit(t, { gpu, hash = "" } = {}) {
  const preludes = gpu ? { "www/worker/worker.js": `self.mockGpu = ${JSON.stringify(gpu)};` } : {};
  const site = await serve({ preludes });
  const context = await browser.newContext();
  t.after(async () => {
    await context.close();
    await site.close();
  });
  const page = await context.newPage();
  await page.goto(site.url + hash);
  await page.waitForSelector("[data-part=lane]");
  return { site, page };
}

const status = (page) => page.locator("[data-part=status]").innerText();
const words = (page) => page.locator("#engine-words").textContent();
const choose = (page, engine) =>
  page.evaluate((engine) => {
    document.querySelector(".advanced").open = true;
    const select = document.querySelector("[data-part=engine]");
    select.value = engine;
    select.dispatchEvent(new Event("change", { bubbles: true }));
  }, engine);

test("what was chosen, in words", () => {
  const both = { engine: "gpu", cpu: 96.4, gpu: 211.7, adapter: "An adapter", refused: null };
  assert.equal(statusWords(both), "WebGPU · 212 tok/s");
  assert.equal(statusWords({ ...both, engine: "cpu", cpu: null }), "CPU");
  assert.equal(statusWords({ ...both, cpu: 3.14, engine: "cpu" }), "CPU · 3.1 tok/s");
  assert.equal(
    engineWords(both),
    "In use: WebGPU. Measured, in tokens a second for each of three answers: CPU 96, WebGPU 212. Adapter: An adapter.",
  );
  const refused = { engine: "cpu", cpu: 96.4, gpu: null, adapter: null, refused: "there is none" };
  assert.match(
    engineWords(refused),
    /^In use: CPU\..*CPU 96\. The GPU is not used: there is none\.$/,
  );
});

test("auto takes the GPU where it is the faster, and the hint has both numbers", async (t) => {
  const { page } = await visit(t, { gpu: "works" });
  assert.equal(await words(page), "");
  await ask(page);
  assert.equal(await status(page), "WebGPU · 212 tok/s");
  assert.match(
    await words(page),
    /In use: WebGPU.*three answers: CPU 96, WebGPU 212\. Adapter: Mock adapter\./,
  );
  assert.equal(await page.locator("[data-part=status]").getAttribute("title"), await words(page));
});

test("auto without a GPU: the CPU, the reason beside the choice, and no message", async (t) => {
  const { page } = await visit(t);
  await ask(page);
  assert.equal(await status(page), "CPU · 96 tok/s");
  assert.match(await words(page), /not used: no adapter/);
  assert.equal(await page.locator(".message").isHidden(), true);
});

test("a GPU that was asked for and is refused: said, and the CPU answers", async (t) => {
  const { page } = await visit(t, { gpu: "this GPU computes wrongly", hash: "#engine=gpu" });
  await ask(page);
  assert.match(await message(page), /The GPU is not used: this GPU computes wrongly\./);
  assert.match(await status(page), /^CPU/);
  assert.match(await answer(page, 1), /I cannot give you a year/);
});

test("another engine is chosen before the next run, without the model being fetched again", async (t) => {
  const { site, page } = await visit(t, { gpu: "works", hash: "#engine=cpu" });
  await ask(page);
  assert.equal(await status(page), "CPU · 96 tok/s");
  await choose(page, "gpu");
  assert.match(page.url(), /engine=gpu/);
  assert.equal(await status(page), "CPU · 96 tok/s", "until the next run");
  await page.evaluate(() => {
    document.querySelector(".timing").textContent = "";
    new MutationObserver((_, observer) => {
      if (
        document.documentElement.dataset.state !== "loading" ||
        !document.querySelector("[data-phase=measure][data-is=now]")
      )
        return;
      window.seen = document.querySelector(".loading").innerText;
      observer.disconnect();
    }).observe(document.documentElement, { attributes: true, subtree: true, childList: true });
  });
  await ask(page);
  assert.equal(await status(page), "WebGPU · 212 tok/s");
  assert.equal(site.modelRequests().length, 1);
  assert.match(
    await page.evaluate(() => window.seen),
    /^Changing the engine\s+Warm up|^Changing the engine\s+Copy the model to the GPU/,
  );
});

test("the GPU is lost in a run: said, the answer is whole, and the CPU stays until another engine is chosen", async (t) => {
  const { page } = await visit(t, { gpu: "works", hash: "#engine=gpu" });
  await ask(page, "[[lost]]");
  assert.match(await message(page), /The GPU stopped working.*The CPU goes on from the same token/);
  assert.match(await status(page), /^CPU/);
  assert.match(await words(page), /The GPU was lost/);
  assert.match(await answer(page, 1), /I cannot give you a year/);
  await page.evaluate(() => (document.querySelector(".timing").textContent = ""));
  await ask(page);
  assert.match(await status(page), /^CPU/);
  await choose(page, "gpu");
  await page.evaluate(() => (document.querySelector(".timing").textContent = ""));
  await ask(page);
  assert.match(await status(page), /^WebGPU/);
});

test("Cancel while a slow adapter is measured acts at once, and another engine works", async (t) => {
  const { site, page } = await visit(t, { gpu: "slow", hash: "#engine=gpu" });
  await page.fill("[data-part=prompt]", ZORVATH);
  await page.press("[data-part=prompt]", "Enter");
  await page.waitForSelector("[data-phase=measure][data-is=now]");
  await page.getByRole("button", { name: "Cancel" }).click();
  await state(page, "recorded", 2000);
  assert.match(await message(page), /cancelled/);
  await choose(page, "cpu");
  await ask(page);
  assert.equal(await status(page), "CPU · 96 tok/s");
  // The same with the model loaded.
  await choose(page, "gpu");
  await page.evaluate(() => (document.querySelector(".timing").textContent = ""));
  await page.click("[data-part=run]");
  await page.waitForSelector("[data-phase=measure][data-is=now]");
  await page.getByRole("button", { name: "Cancel" }).click();
  await state(page, "recorded", 2000);
  await choose(page, "cpu");
  await page.click("[data-part=run]");
  await ended(page);
  assert.equal(site.modelRequests().length, 1, "the model came from the cache");
});
