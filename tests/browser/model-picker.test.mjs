// The model picker, and a model whose H-Neurons are not known, with a stand-in engine: another model is chosen, loaded, run and
// turned without a detector; what is too large for the device is refused before it is fetched.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { fakeGallery } from "./mock/data.mjs";
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

async function visit(t, options = {}) {
  const { hash = "", memory = 8, foreseen, context = {}, files: more, ...rest } = options;
  const files = { "www/models/index.json": JSON.stringify(CATALOGUE), ...more };
  const site = await serve({ files, ...rest });
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
  await page.waitForSelector("dialog[data-part=model-picker] .choice");
});

test("where the browser gives no memory for a model, smaller ones are named", async (t) => {
  const push =
    "throw failure('memory', 'not enough memory for the model (3.0 MB): close other tabs');";
  const fails = (text) => text.replace("push(chunk) {", `push(chunk) { ${push}`);
  const changes = Object.fromEntries(
    ["simd128", "relaxed-simd"].map((build) => [`pkg/${build}/hneurons.js`, fails]),
  );
  const small = entry("small", { bytes: 1000 });
  const files = {
    "www/models/index.json": JSON.stringify({ ...CATALOGUE, models: [...CATALOGUE.models, small] }),
  };
  const foreseen = (line) => /not enough memory/.test(line.text());
  const { page } = await visit(t, { hash: "#model=other", changes, files, foreseen });
  await page.fill("[data-part=prompt]", "Hello");
  await page.press("[data-part=prompt]", "Enter");
  await state(page, "error");
  await page.waitForFunction(() => document.querySelector(".message p").textContent !== "");
  assert.match(
    await message(page),
    /Not enough memory for the model .*other tabs\. A smaller model may fit: Model small\./,
  );
  await page.click("text=Choose another model");
  await page.waitForSelector("dialog[data-part=model-picker] .choice");
});

test("a link to a model that there is not says so, and the default runs", async (t) => {
  const { page } = await visit(t, { hash: "#model=nope" });
  await page.waitForSelector("[data-part=lane]");
  assert.match(await message(page), /There is no model “nope” here/);
  assert.equal(await page.evaluate(() => "plain" in document.documentElement.dataset), false);
});

test("a recorded run of another published model is offered beside one's own, and opens with that model", async (t) => {
  const { index, recording } = fakeGallery(SHA);
  const [first] = index.runs;
  const published = (id, title) => ({
    id,
    artifact: "mock/hneurons.json",
    bytes: MODEL.length,
    opens: first.id,
    try: { title, address: `recorded=${first.id}&alpha=3` },
  });
  const { page } = await visit(t, {
    files: {
      "www/artifacts/index.json": JSON.stringify({
        default: "mock",
        models: [published("mock", "Asked of the first"), published("other", "Asked of another")],
      }),
      "www/gallery/other/index.json": JSON.stringify(index),
      [`www/gallery/other/${first.id}.json`]: JSON.stringify({ ...recording, id: first.id }),
    },
  });
  const chips = page.locator(".tries .chip");
  await chips.nth(1).waitFor();
  assert.equal(await chips.nth(1).innerText(), "Asked of another");
  assert.ok((await chips.count()) <= 5, "they stand in one line");
  await chips.nth(1).click();
  await page.waitForFunction(
    () => document.querySelectorAll(".tries .chip")[1]?.textContent === "Asked of the first",
  );
  assert.match(page.url(), /model=other/);
  await page.waitForSelector("[data-part=lane]");
  assert.equal(await page.locator("#alpha").inputValue(), "3");
});
