// Other models of the catalogue, whole: the real module, the real file, headless Chromium on the CPU. Needs dist/ and models/
// (`cargo xtask build` and `cargo xtask model ID` make them).

import assert from "node:assert/strict";
import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { open } from "./browser.mjs";
import { repository, serve } from "./server.mjs";

const MINUTES = 60_000;
const QWEN = "qwen2.5-coder-0.5b-instruct-q4_k_m";
const GEMMA = "gemma-3-270m-q4_k_m";

let server, catalogue;
before(async () => {
  server = await serve();
  catalogue = JSON.parse(await readFile(join(repository, "www/models/index.json"), "utf8"));
});
after(() => server.close());

/** Opens the page with a model of the catalogue, asks it, and gives the page when it has answered. */
async function ask(t, id, prompt, max) {
  const model = catalogue.models.find((model) => model.id === id);
  await stat(join(repository, "models", model.file)).catch(() => {
    throw new Error(
      `this test needs models/${model.file}: get it with \`cargo xtask model ${id}\``,
    );
  });
  const visited = await open();
  t.after(async () => {
    await visited.close();
    assert.deepEqual(visited.problems, []);
    assert.deepEqual(visited.foreign, []);
  });
  const { page } = visited;
  await page.goto(`${server.url}#model=${id}&engine=cpu&max=${max}`);
  await page.waitForSelector("html[data-plain]");
  await page.fill("[data-part=prompt]", prompt);
  const begun = Date.now();
  await page.click("[data-part=run]");
  await page.waitForFunction(
    () =>
      document.querySelector(".message p").textContent !== "" ||
      (document.documentElement.dataset.state === "ready" &&
        document.querySelector(".timing").textContent !== ""),
    null,
    { timeout: 5 * MINUTES },
  );
  assert.equal(await page.textContent(".message p"), "");
  const seconds = ((Date.now() - begun) / 1000).toFixed(1);
  t.diagnostic(`${id}: loaded and answered in ${seconds} s; ${await page.innerText(".timing")}`);
  return page;
}

const answer = async (page) => (await page.locator("[data-part=token]").allTextContents()).join("");

test(
  "Qwen2.5-Coder-0.5B loads, answers a question, and shows the neurons that contribute most",
  { timeout: 8 * MINUTES },
  async (t) => {
    const page = await ask(t, QWEN, "What is the capital of Italy?", 12);
    assert.match(await answer(page), /\bRome\b/);
    assert.deepEqual(
      await page
        .locator("[data-part=lane]")
        .evaluateAll((all) => all.map(({ dataset }) => dataset.set)),
      ["none"],
    );
    assert.equal(await page.locator("[data-part=board] [data-part=neuron]").count(), 40);
    assert.match(
      await page.innerText(".credits"),
      /Qwen2\.5-Coder-0\.5B-Instruct \(Q4_K_M\), Apache-2\.0/,
    );
  },
);

test("Gemma 3 270M goes on with a text", { timeout: 8 * MINUTES }, async (t) => {
  const page = await ask(t, GEMMA, "The capital of France is", 6);
  // What the reference says (tests/fixtures/greedy_gemma-3-270m.json).
  assert.match(await answer(page), /^ the capital of the country of/);
});
