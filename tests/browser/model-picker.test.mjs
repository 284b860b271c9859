// The model picker, and a model whose H-Neurons are not known, with a stand-in engine: another model is chosen, loaded, run and
// turned without a detector; what is too large for the device is refused before it is fetched.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { answer, ended, freshPage, launch, message, state } from "./mock/browser.mjs";
import { MODEL, serve, SHA } from "./mock/server.mjs";

let browser;
before(async () => (browser = await launch()));
after(() => browser.close());

const entry = (id, more = {}) => ({
  id,
  name: `Model ${id}`,
  architecture: "llama",
  quantization: "Q4_K_M",
  layers: 30,
  neurons_per_layer: 1536,
  bytes: MODEL.length,
  sha256: SHA,
  file: `${id}.gguf`,
  urls: [],
  license: { name: "Apache-2.0", url: "https://www.apache.org/licenses/LICENSE-2.0" },
  artifact: null,
  raw: false,
  memory_gib: 0.5,
  hint: `The hint of ${id}.`,
  pip: [],
  ...more,
});
const CATALOGUE = {
  default: "mock",
  models: [
    entry("mock", { artifact: "mock/hneurons.json" }),
    entry("other", { license: { name: "Other terms", url: "https://example.org/terms" } }),
    entry("base", { raw: true }),
    entry("huge", { memory_gib: 64, bytes: 9e9 }),
  ],
};

async function visit(t, { hash = "", memory = 8, foreseen, context = {}, ...options } = {}) {
  const files = { "www/models/index.json": JSON.stringify(CATALOGUE) };
  const site = await serve({ files, ...options });
  const page = await freshPage(t, browser, context, foreseen);
  t.after(() => site.close());
  await page.addInitScript(
    (memory) => Object.defineProperty(navigator, "deviceMemory", { value: memory }),
    memory,
  );
  await page.goto(site.url + hash);
  await page.waitForFunction(() => document.querySelector(".credits").textContent);
  return { site, page };
}

async function choose(page, id) {
  await page.click("[data-part=model]");
  await page.check(`#model-${id}`);
  await page.click("dialog[data-part=model-picker] button[type=submit]");
}

async function run(page, prompt) {
  await page.fill("[data-part=prompt]", prompt);
  await page.press("[data-part=prompt]", "Enter");
  await ended(page);
}

const lanes = (page) =>
  page
    .locator("[data-part=lane]")
    .evaluateAll((all) => all.map(({ dataset }) => [dataset.set, dataset.alpha]));

test("the picker lists every model with size, licence and a hint, and the catalogue is not fetched before", async (t) => {
  // The service worker keeps the catalogue for use offline.
  const { site, page } = await visit(t, { context: { serviceWorkers: "block" } });
  await page.waitForSelector("[data-part=lane]");
  const asked = () => site.requests.some(({ path }) => path === "/www/models/index.json");
  const before = asked();
  await page.click("[data-part=model]");
  await page.waitForSelector("dialog[data-part=model-picker] .choice");
  const words = await page.locator("dialog[data-part=model-picker] .choice").allInnerTexts();
  assert.equal(words.length, 4);
  assert.match(words[0], /Model mock\s+3 MB, Apache-2\.0\. The hint of mock\.$/);
  assert.match(words[1], /3 MB, Other terms\. The hint of other\. Its H-Neurons are not known\.$/);
  assert.equal(await page.isChecked("#model-mock"), true);
  assert.equal(await page.isDisabled("#model-huge"), true);
  assert.match(words[3], /needs a device with 64 GB of memory\. This one has 8 GB\.$/);
  assert.equal(before, false);
});

test("a model that is chosen is loaded, and named in the address", async (t) => {
  const { site, page } = await visit(t);
  await choose(page, "other");
  await state(page, "ready");
  assert.match(page.url(), /model=other/);
  assert.deepEqual(
    site.modelRequests().map(({ path }) => path),
    ["/models/other.gguf"],
  );
  assert.match(await page.innerText(".credits"), /^Model: Model other \(Q4_K_M\), Other terms\.$/);
  // And back: what is stored is read, and no reload is needed for it to be ready.
  await choose(page, "mock");
  await page.waitForSelector("html:not([data-plain])[data-state=ready]");
  assert.doesNotMatch(page.url(), /model=/);
});

test("a model without known H-Neurons answers as trained, without a reading, and says so", async (t) => {
  const { page } = await visit(t, { hash: "#model=other" });
  assert.match(await page.innerText(".short-answer"), /H-Neurons of Model other .* are not known/);
  for (const hidden of ['label:has([value="h"])', ".gallery", "[data-part=lessons]"])
    assert.equal(await page.locator(hidden).first().isVisible(), false, hidden);
  await run(page, "What animal meows?");
  assert.deepEqual(await lanes(page), [["none", "1"]]);
  assert.match(await answer(page, 0), /Zorvath/);
  assert.equal(await page.locator("[data-part=score]").first().isVisible(), false);
  // The board shows the neurons that contribute most; one that is turned has a random control beside it.
  assert.equal(await page.locator("[data-part=board] [data-part=neuron]").count(), 40);
  await page.locator("[data-part=board] [data-part=neuron] .switch").first().click();
  await page.click("[data-part=run]");
  await page.waitForFunction(() => document.querySelectorAll("[data-part=lane]").length === 3);
  await ended(page);
  assert.deepEqual(await lanes(page), [
    ["none", "1"],
    ["custom", "0"],
    ["random", "0"],
  ]);
  await page.locator("#evidence").scrollIntoViewIfNeeded();
  assert.match(await page.innerText(".evidence-of"), /It says nothing about Model other/);
});

test("a base model goes on with the text, and knows no turns", async (t) => {
  const { page } = await visit(t, { hash: "#model=base" });
  await run(page, "Once upon a time");
  const roles = await page.evaluate(() => document.querySelector("form.doubt").hidden);
  assert.equal(roles, true);
  await page.goto(`${page.url().split("#")[0]}#model=base&prompt=Once&then=Really`);
  await page.reload();
  await page.waitForSelector("html[data-plain]");
  await page.click("[data-part=run]");
  assert.match(await message(page), /knows no turns/);
});

test("a model that is too large for the device is refused before it is fetched, and smaller ones are named", async (t) => {
  const foreseen = (line) => /64 GB/.test(line.text());
  const { site, page } = await visit(t, { hash: "#model=huge", foreseen });
  await page.fill("[data-part=prompt]", "Hello");
  await page.press("[data-part=prompt]", "Enter");
  await state(page, "error");
  const said = await message(page);
  assert.match(said, /needs a device with 64 GB of memory\. This one has 8 GB\./);
  assert.match(said, /Choose a smaller one: Model mock, Model other or Model base\./);
  assert.equal(site.modelRequests().length, 0);
  await page.click("text=Choose another model");
  assert.equal(await page.locator("dialog[data-part=model-picker]").isVisible(), true);
});

test("a link to a model that there is not says so, and the default runs", async (t) => {
  const { page } = await visit(t, { hash: "#model=nope" });
  await page.waitForSelector("[data-part=lane]");
  assert.match(await message(page), /There is no model “nope” here/);
  assert.equal(await page.evaluate(() => "plain" in document.documentElement.dataset), false);
});
