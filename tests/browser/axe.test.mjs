// What the page looks like to axe, in forced colours and on paper.
//
// axe: in the states that no other file's test takes it to: loading, a run that is under way, the doubt, the sweep, card and
// map of a live run, errors, the line about a new version, a page without a recorded run, and one without its artifact. (Opening,
// finished run and settings: page.test. Sweep, card and map of a recorded run: lab.test. Evidence, lessons and their
// dialogs, embeds, share and exports: their own files.)

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { after, before, test } from "node:test";
import { ALPHAS } from "../../www/core/sweep.js";
import { ask, ended, freshPage, launch, state, ZORVATH } from "./mock/browser.mjs";
import { LEVERS } from "./mock/data.mjs";
import { serve } from "./mock/server.mjs";

const TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];

let browser, axe;
before(async () => {
  browser = await launch();
  axe = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
});
after(() => browser.close());

for (const [width, colorScheme] of [
  [1280, "light"],
  [375, "dark"],
]) {
  test(`axe finds nothing to object to in any state of the page, ${colorScheme}, ${width} px`, async (t) => {
    const site = await serve();
    t.after(() => site.close());
    // The traps and the missing files below are errors on purpose.
    const page = await freshPage(
      t,
      browser,
      {
        viewport: { width, height: 900 },
        colorScheme,
        bypassCSP: true,
        serviceWorkers: "block",
        reducedMotion: "reduce",
      },
      (line) => /unreachable|404|Failed to load/.test(line.text()),
    );
    const open = async (at = site) => {
      await page.goto(at.url);
      await page.evaluate(axe);
    };
    const check = async (where) => {
      const found = await page.evaluate(
        async (runOnly) => (await window.axe.run({ runOnly })).violations,
        TAGS,
      );
      assert.deepEqual(
        found.map(
          ({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 160)).join(" | ")}`,
        ),
        [],
        where,
      );
      const over = await page.evaluate(
        () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
      );
      assert.equal(over, 0, `${where}: nothing scrolls sideways`);
    };
    const neuron = page.locator("[data-part=neuron] .neuron-name");

    const levers = await serve({ artifact: (made) => ({ ...made, levers: LEVERS }) });
    t.after(() => levers.close());
    await open(levers);
    await page.locator("[name=set][value=lever]").check({ force: true });
    await ask(page);
    await neuron.first().click();
    await page.locator("[data-part=card] .card-lever").waitFor();
    await check("a run of a lever, and the card of one of its neurons");

    await open();
    await page.waitForSelector("[data-part=neuron]");
    await page.locator(".gallery-all summary").click();
    await check("all recorded runs");
    site.faults.slow = 2000;
    await page.fill("[data-part=prompt]", ZORVATH);
    await page.press("[data-part=prompt]", "Enter");
    await page.waitForSelector("[data-phase=download][data-is=now]");
    await check("loading");
    await page.getByRole("button", { name: "Cancel" }).click();
    await page.waitForSelector(".message:not([hidden])");
    await check("cancelled");
    site.faults.slow = 0;
    await ask(page);
    await page.locator(".sweep-run").click();
    await page.waitForFunction(
      (rows) =>
        document.documentElement.dataset.state === "ready" &&
        document.querySelectorAll(".sweep-rows li").length === rows,
      ALPHAS.length + 1,
    );
    await page.locator(".sweep-answers summary").click();
    await page.locator(".map-larger").click();
    await page.waitForFunction(() =>
      /^All 46,080/.test(document.querySelector(".map-note")?.textContent),
    );
    await page.locator("[data-part=neuron] .switch").first().click();
    await neuron.first().click();
    await page.locator("[data-part=card]").waitFor();
    await check("sweep, card and map of a live run");
    await page.evaluate(() => (document.querySelector(".timing").textContent = ""));
    await page.getByRole("button", { name: "Doubt it" }).click();
    await page.waitForFunction(() => document.querySelectorAll(".turn").length === 3);
    await ended(page);
    await page.evaluate(async () =>
      (await import(new URL("www/page/update.js", location.href).href)).showUpdate(() => {}),
    );
    await page.getByText("A new version is ready.").waitFor();
    await check("after the doubt, with a new version");
    await page.fill("[data-part=prompt]", "Why? [[hang]]");
    await page.locator("[data-part=run]").click();
    await page.waitForFunction(
      () =>
        document.documentElement.dataset.state === "running" &&
        document.querySelectorAll("[data-set=none] [data-part=token]").length === 3,
    );
    await check("a run under way");
    await open();
    await page.waitForSelector("[data-part=neuron]");
    await page.fill("[data-part=prompt]", "Why? [[trap]]");
    await page.press("[data-part=prompt]", "Enter");
    await state(page, "error");
    await check("the engine stopped");

    const bare = await serve({ trace: false });
    t.after(() => bare.close());
    await open(bare);
    await page.getByText("No run yet.").waitFor();
    await page.waitForSelector("[data-part=evidence]:not([aria-busy]) .evidence-part");
    await check("no recorded run");
    await page.route("**/hneurons.json", (route) => route.fulfill({ status: 404, body: "" }));
    await open(bare);
    await state(page, "error");
    await check("no artifact");
  });
}

test("the list of all recorded runs is no wider than a phone, whatever its prompts", async (t) => {
  const site = await serve({ real: true });
  t.after(() => site.close());
  const page = await freshPage(t, browser, {
    viewport: { width: 320, height: 800 },
    serviceWorkers: "block",
    reducedMotion: "reduce",
  });
  await page.goto(site.url);
  await page.locator(".gallery-all summary").click();
  const kinds = page.locator("[name=gallery-kind]");
  assert.ok((await kinds.count()) > 3);
  for (const kind of await kinds.evaluateAll((all) => all.map(({ value }) => value))) {
    await page.locator(`[name=gallery-kind][value="${kind}"]`).check({ force: true });
    assert.deepEqual(
      await page.evaluate(() =>
        [...document.querySelectorAll(".gallery-runs *")]
          .filter((element) => element.getBoundingClientRect().right > innerWidth)
          .map(({ textContent }) => textContent),
      ),
      [],
      kind,
    );
  }
});

test("in forced colours one can read what parts, and tell what is chosen", async (t) => {
  const site = await serve();
  t.after(() => site.close());
  const page = await freshPage(t, browser, {
    forcedColors: "active",
    colorScheme: "dark",
    serviceWorkers: "block",
  });
  await page.goto(site.url);
  await page.waitForSelector("[data-part=neuron]");
  await page.locator(".sweep-answers summary").click();
  await page.locator(".gallery-all summary").click();
  await page.locator("[data-set=h] [data-part=token]").nth(2).click();
  await page.locator("[data-part=prompt]").focus();
  const style = (selector, property) =>
    page
      .locator(selector)
      .first()
      .evaluate((element, property) => getComputedStyle(element)[property], property);
  const canvas = await style("body", "backgroundColor");
  assert.notEqual(
    await style(".sweep-answer mark", "color"),
    canvas,
    "the word at which an answer parts",
  );
  assert.equal(
    await style("#alpha", "forcedColorAdjust"),
    "none",
    "the slider’s track and thumb are backgrounds, which are taken away there",
  );
  assert.equal(
    await style("[data-part=token][aria-pressed=true]", "outlineStyle"),
    "solid",
    "the chosen token",
  );
  assert.notEqual(
    await style(".sweep-rows li[data-chosen]", "borderInlineStartColor"),
    await style(".sweep-rows li:not([data-chosen])", "borderInlineStartColor"),
    "the chosen factor",
  );
  for (const place of [".tabs", ".kinds"])
    assert.notEqual(
      await style(`${place} input:checked + span`, "backgroundColor"),
      canvas,
      "the chosen tab",
    );
  for (const place of [".tries", ".gallery-runs"])
    assert.notEqual(
      await style(`${place} .chip[aria-pressed=true]`, "backgroundColor"),
      canvas,
      "the run that is shown",
    );
});

test("on paper the page is light, has every row of the board, and nothing to press", async (t) => {
  const site = await serve();
  t.after(() => site.close());
  const page = await freshPage(t, browser, { colorScheme: "dark", serviceWorkers: "block" });
  await page.goto(site.url);
  await page.waitForSelector("[data-part=neuron]");
  await page.emulateMedia({ media: "print" });
  await page.locator("[data-part=evidence]").scrollIntoViewIfNeeded();
  await page.waitForSelector("[data-part=evidence]:not([aria-busy])");
  const { ink, table, shown, grids, kept, asked } = await page.evaluate(() => {
    const there = (selector) =>
      [...document.querySelectorAll(selector)].filter((element) => element.getClientRects().length);
    return {
      ink: getComputedStyle(document.querySelector(".board-paper td")).color,
      table: there(".board-paper tr").map(({ textContent }) => textContent),
      shown: there(
        ".go, .gallery, .top-acts, .doubt, .export, .sweep-offer, .board-scroll, .board-line, details:not([open]), [data-part=replay], [data-part=reseed]",
      ).map(({ className }) => className),
      grids: there("main, .lanes, .evidence-body, .evidence-part, .about, .about-text")
        .filter((element) => getComputedStyle(element).display === "grid")
        .map(({ className, tagName }) => className || tagName),
      asked: there(".turn-text").map(({ textContent }) => textContent)[0],
      kept: there("h2, h3, h4, caption").every((heading) =>
        ["avoid", "avoid-page"].includes(getComputedStyle(heading).breakAfter),
      ),
    };
  });
  assert.ok(
    /\d+/g.test(ink) && ink.match(/\d+/g).every((part) => Number(part) < 60),
    `dark on white: ${ink}`,
  );
  // The cells are wider and higher than paper: a table is in their place.
  assert.match(table[0], /^NeuronAs trainedH-Neurons offRandom 39 offFired most at/);
  assert.equal(table.length, 1 + 39);
  assert.ok(table.some((row) => /^L3 N877.*“cat”$/.test(row)));
  assert.deepEqual(shown, []);
  assert.equal(asked, "What animal meows?", "the question is on the paper");
  assert.deepEqual(grids, [], "a grid over several pages prints one row over another");
  assert.ok(kept, "a heading stays with what follows it");
});
