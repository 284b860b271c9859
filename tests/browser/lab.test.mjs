// Sweep, neuron card and layer map, with a stand-in for the engine: what a visitor can do with mouse and keyboard.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { after, before, test } from "node:test";
import { answer, ask, ended, freshPage, launch, message, state, ZORVATH } from "./mock/browser.mjs";
import { serve } from "./mock/server.mjs";

let browser, site;
before(async () => {
  browser = await launch();
  site = await serve();
});
after(async () => {
  await browser.close();
  await site.close();
});

/** A fresh visitor; any error or refused resource fails the test that sees it. */
async function visit(t, { hash = "", options = {}, at = site, troubled = false } = {}) {
  // The service worker would fetch what the page keeps; these tests are about what a visit asks for.
  const page = await freshPage(
    t,
    browser,
    { reducedMotion: "reduce", serviceWorkers: "block", ...options },
    () => troubled,
  );
  await page.goto(`${at.url}${hash}`);
  await page.waitForSelector("[data-part=lane]");
  return page;
}

const row = (page, alpha) => page.locator(`.sweep-rows [data-alpha="${alpha}"]`);
const lane = (page) => page.locator("[data-part=lane]").nth(1);
const card = (page) => page.locator("[data-part=card]");
const neuron = (page, layer, index) =>
  page.locator(`[data-part=neuron][data-layer="${layer}"][data-index="${index}"]`);
const focused = (page) =>
  page.evaluate(
    () => document.activeElement.getAttribute("aria-label") ?? document.activeElement.textContent,
  );
const focusOn = (page, words) =>
  page.waitForFunction(
    (words) =>
      (
        document.activeElement.getAttribute("aria-label") ?? document.activeElement.textContent
      ).startsWith(words),
    words,
    { timeout: 5000 },
  );
const mapNote = (page, pattern) =>
  page.waitForFunction(
    (pattern) => new RegExp(pattern).test(document.querySelector(".map-note")?.textContent),
    pattern,
  );
const openMap = (page) => page.locator("[data-part=map] summary").click();

/** Runs the sweep to its end. */
async function sweep(page) {
  await page.locator(".sweep-run").click();
  await page.waitForFunction(
    () =>
      document.documentElement.dataset.state === "ready" &&
      document.querySelectorAll(".sweep-rows li").length > 0 &&
      !document.querySelector(".sweep-doing:not([hidden])"),
  );
}

test("the sweep of the recorded run is there at once; a row or a point sets its factor", async (t) => {
  const page = await visit(t);
  assert.deepEqual(await page.locator(".sweep-alpha b").allTextContents(), ["× 0", "× 1", "× 3"]);
  assert.match(await row(page, 0).innerText(), /Parts at token 1\s+Yes, I am sure/);
  assert.equal(await row(page, 0).locator("mark").innerText(), "Yes,");
  assert.match(await row(page, 0).innerText(), /same answer as trained \(seed 1\)/);
  assert.match(await row(page, 0).innerText(), /0\.41\s*ended by itself/);
  assert.match(
    await page.locator(".sweep-gist").innerText(),
    /H-Neurons: another answer than as trained at every factor\.\s+Random control, seed 1: the answer as trained/,
  );
  assert.match(await page.locator(".sweep-band").innerText(), /only one draw/);
  assert.equal(await page.locator(".sweep-run").isVisible(), false, "there is nothing to run");
  await row(page, 3).locator(".sweep-answer").click();
  assert.equal(await lane(page).getAttribute("data-alpha"), "3");
  assert.equal(await page.locator("[data-part=alpha]").inputValue(), "3");
  assert.equal(await row(page, 3).getByRole("button").getAttribute("aria-pressed"), "true");
  await row(page, 0).getByRole("button").focus();
  await page.keyboard.press("Enter");
  assert.equal(await lane(page).getAttribute("data-alpha"), "0");
  assert.match(await focused(page), /^× 0 silenced, H-Neurons/, "the focus stays in the list");
  await page.locator('.plot-point[data-alpha="3"]').last().click();
  assert.equal(await lane(page).getAttribute("data-alpha"), "3");
  assert.match(
    await page
      .getByRole("img", { name: /^Detector score against the factor/ })
      .getAttribute("aria-label"),
    /H-Neurons: 0\.41 at × 0, 0\.83 at × 1, 0\.90 at × 3/,
  );
  await page.getByText("The sweep as a table").click();
  assert.deepEqual(await page.locator(".sweep tbody tr").first().locator("td").allTextContents(), [
    "0.41",
    "0.80",
    "−0.50",
    "−0.70",
  ]);
  assert.equal(site.modelRequests().length, 0);
});

test("a live run is swept in one batch of 19 lanes; the slider then answers at once", async (t) => {
  const page = await visit(t);
  await ask(page);
  const first = await answer(page, 1);
  assert.equal(await page.locator(".sweep-rows li").count(), 0, "the recorded run’s sweep is gone");
  assert.match(
    await page.locator(".sweep-offer").innerText(),
    /19 lanes, in one batch: as trained, then the H-Neurons and two random controls/,
  );
  await page.fill("[data-part=prompt]", "something else");
  await sweep(page);
  assert.deepEqual(await page.locator(".sweep-alpha b").allTextContents(), [
    "× 0",
    "× 0.5",
    "× 1",
    "× 1.5",
    "× 2",
    "× 2.5",
    "× 3",
  ]);
  assert.equal(
    await row(page, 0)
      .locator(".sweep-answer")
      .innerText()
      .then((text) => text.replace(/\s+/g, " ")),
    first.replace(/\s+/g, " "),
    "it is the shown run’s prompt that is swept",
  );
  assert.match(await row(page, 2).innerText(), /Both controls: same answer as trained/);
  assert.match(await page.locator(".sweep-band").innerText(), /seed 1 and 2.*only two draws/);
  await page.locator("[data-part=alpha]").fill("1.5");
  assert.equal(await lane(page).getAttribute("data-alpha"), "1.5");
  assert.match(await answer(page, 1), /I cannot give you a year/);
  assert.equal(await page.locator(".run-kind").innerText(), "");
  await page.locator("[data-part=alpha]").fill("0.25");
  assert.match(await page.locator(".run-kind").innerText(), /^Run of another prompt/);
  await page.fill("[data-part=prompt]", ZORVATH);
  assert.match(await page.locator(".run-kind").innerText(), /^Run at other settings/);
});

test("Stop ends a sweep, and what it has stays", async (t) => {
  const page = await visit(t);
  await ask(page, `${ZORVATH} ${"word ".repeat(60)}`);
  await page.evaluate(() => {
    new MutationObserver((_, watch) => {
      if (!/Token \d/.test(document.querySelector(".sweep-doing").textContent)) return;
      watch.disconnect();
      document.querySelector("[data-part=stop]").click();
    }).observe(document.querySelector(".sweep"), {
      childList: true,
      subtree: true,
      characterData: true,
    });
    document.querySelector(".sweep-run").click();
  });
  await page.waitForFunction(
    () =>
      document.documentElement.dataset.state === "ready" &&
      document.querySelectorAll(".sweep-rows li").length === 7,
  );
  assert.match(await row(page, 0).innerText(), /stopped/);
  assert.equal(await page.locator("[data-part=run]").isEnabled(), true);
});

test("My selection has a sweep of its own, beside its own controls", async (t) => {
  const page = await visit(t);
  await neuron(page, 16, 1515).locator(".switch").click();
  assert.match(
    await page.locator(".sweep-offer").innerText(),
    /Run the sweep of My selection.*Above is the sweep of the H-Neurons/s,
  );
  await sweep(page);
  assert.match(await row(page, 0).getByRole("button").textContent(), /^× 0 silenced, My selection/);
  assert.match(await page.locator(".sweep-gist").innerText(), /^My selection: /);
  assert.deepEqual(await page.locator(".turn-text").allTextContents(), [
    "What animal meows?",
    "A cat meows.",
    "I don't think that's right. Are you sure?",
  ]);
  await row(page, 3).getByRole("button").click();
  assert.match(await lane(page).innerText(), /My selection × 3\s+1 neuron, amplified/);
});

test("a sweep that fails says so, and the one before it stays", async (t) => {
  const faulty = await serve({ faults: { missing: true } });
  t.after(() => faulty.close());
  const page = await visit(t, { at: faulty, troubled: true });
  await neuron(page, 16, 1515).locator(".switch").click();
  await page.locator(".sweep-run").click();
  await page.waitForSelector(".message:not([hidden])");
  assert.match(await message(page), /HTTP 404/);
  assert.equal(await page.locator(".sweep-rows li").count(), 3);
});

test("a row’s name opens the neuron’s card, which follows the chosen token; Escape returns", async (t) => {
  const page = await visit(t);
  await page.locator("[data-part=lane][data-set=none] [data-part=token]").nth(2).click();
  await neuron(page, 3, 877).locator(".neuron-name").click();
  await focusOn(page, "Layer 3, neuron 877");
  const text = await card(page).innerText();
  assert.match(text, /H-Neuron: weight 0\.156, 2nd largest weight of 39/);
  assert.match(text, /At “for”, As trained: contribution (about 0\.\d+|under 0\.0004)\./);
  assert.match(text, /0\.\d+ quantile: /);
  assert.match(text, /Promotes\s+famous\s+century\s+named/);
  assert.match(text, /describes weights, not what the neuron means/);
  assert.equal(
    await card(page)
      .getByRole("img", { name: /^Quantiles of its contribution.*0\.99: 0\.03.*Marked: / })
      .count(),
    1,
    "without a histogram the quantiles are drawn",
  );
  await page.locator("[data-part=lane][data-set=none] [data-part=token]").nth(5).click();
  assert.match(await card(page).locator(".card-reading").innerText(), /At “You”/);
  await page.locator("#card-title").focus();
  await page.keyboard.press("Escape");
  assert.equal(await card(page).count(), 0);
  await focusOn(page, "L3 N877: what is known of it");
  await neuron(page, 2, 101).locator(".neuron-name").press("Enter");
  await focusOn(page, "Layer 2, neuron 101");
  assert.match(
    await card(page).innerText(),
    /the largest weight of 39.*Chosen again in 80 % of the resamples/s,
  );
  assert.equal(
    (await card(page)
      .getByRole("img", { name: /^Histogram of its contribution/ })
      .locator(".histogram-bar")
      .count()) > 20,
    true,
  );
  await card(page)
    .getByRole("button", { name: /The animal that meows, doubted 0\.030 at “cat”/ })
    .click();
  await state(page, "recorded");
  assert.equal(await page.locator('.chip[aria-pressed="true"]').innerText(), "What animal meows?");
  await card(page).getByRole("button", { name: "Close" }).click();
  await focusOn(page, "L2 N101: what is known of it");
});

test("in the board’s cells Enter opens the card and Space switches the neuron", async (t) => {
  const page = await visit(t);
  await page.locator("canvas.cells").focus();
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press(" ");
  assert.equal(await neuron(page, 3, 877).locator(".switch").getAttribute("aria-pressed"), "true");
  assert.equal(await card(page).count(), 0);
  await page.keyboard.press("Enter");
  await focusOn(page, "Layer 3, neuron 877");
  assert.equal(await card(page).getByRole("switch", { name: "In My selection" }).isChecked(), true);
  await page.keyboard.press("Escape");
  assert.equal(await page.evaluate(() => document.activeElement.className), "cells");
});

test("a click on a cell chooses its token", async (t) => {
  const page = await visit(t);
  await neuron(page, 3, 877).locator(".neuron-name").click();
  const box = await page.locator("canvas.cells").boundingBox();
  await page.mouse.move(box.x + box.width / 2, box.y + 40);
  await page.mouse.click(box.x + box.width / 2, box.y + 40);
  const token = (await page.locator("#board-readout").innerText()).match(/at token (“.*?”)/)[1];
  assert.match(
    await card(page).locator(".card-reading").innerText(),
    new RegExp(`^At ${token.replace(/[?.]/g, "\\$&")},`),
  );
});

test("a neuron can have a factor of its own, in the link and in the run", async (t) => {
  const page = await visit(t);
  await neuron(page, 2, 101).locator(".switch").click();
  await neuron(page, 3, 877).locator(".neuron-name").click();
  assert.match(await card(page).locator(".card-factor").innerText(), /as the run’s, × 0/);
  assert.equal(await card(page).getByRole("slider").isDisabled(), true);
  await card(page).getByRole("checkbox", { name: "A factor of its own" }).check();
  await card(page).getByRole("slider").fill("0.5");
  assert.equal(
    await card(page).getByRole("switch").isChecked(),
    true,
    "it is in the selection now",
  );
  assert.match(decodeURIComponent(page.url()), /off=2\.101,3\.877x0\.5/);
  assert.match(page.url(), /set=custom/);
  await ask(page);
  await page.getByRole("radio", { name: "My selection × 0" }).check();
  assert.equal(await neuron(page, 2, 101).locator(".factor").innerText(), "×0");
  assert.equal(await neuron(page, 3, 877).locator(".factor").innerText(), "×0.5");
  await card(page).getByRole("checkbox", { name: "A factor of its own" }).uncheck();
  assert.doesNotMatch(page.url(), /877x/);
  await card(page).getByRole("switch").uncheck();
  assert.doesNotMatch(page.url(), /877/);
});

test("the layer map of a recorded run shows what is known, and says so", async (t) => {
  const page = await visit(t);
  const before = site.requests.filter(
    ({ path }) => path.endsWith("/map.js") && path.includes("/page/"),
  ).length;
  assert.equal(before, 0, "closed, it is not even fetched");
  await openMap(page);
  await mapNote(
    page,
    "^Recorded: only the eight largest, the H-Neurons and the random controls are known; run it live to see all 46,080\\.$",
  );
  assert.match(await page.locator(".map-largest").innerText(), /The largest known\s+L\d+ N\d+/);
  await page.locator(".map-cells").focus();
  await page.keyboard.press("Home");
  await page.keyboard.press("ArrowRight");
  assert.match(await page.locator("#map-readout").innerText(), /^L\d+ N1: contribution not known$/);
  assert.equal(await page.locator("#map-readout").getAttribute("aria-live"), "polite");
  await page.keyboard.press("h");
  assert.match(await page.locator("#map-readout").innerText(), /H-Neuron$/);
  await page.getByRole("radio", { name: "H-Neurons × 0" }).check();
  await mapNote(page, "^Recorded: at this token of this lane only");
});

test("the layer map of a live run reads all 46,080 neurons at the chosen token, by keyboard and mouse", async (t) => {
  const page = await visit(t);
  await ask(page);
  await openMap(page);
  await mapNote(page, "^All 46,080 neurons at “twice\\.” \\(As trained\\)");
  assert.equal(await page.locator(".map-neuron").count(), 10);
  await page.locator(".map-cells").focus();
  await page.keyboard.press("h");
  const readout = await page.locator("#map-readout").innerText();
  const [, layer, index, value] = readout.match(
    /^L(\d+) N(\d+): contribution ([\d.]+|under 0\.0001), rank [\d,]+ of 46,080, H-Neuron$/,
  );
  await page.keyboard.press("Shift+ArrowRight");
  await page.keyboard.press("ArrowDown");
  assert.match(
    await page.locator("#map-readout").innerText(),
    new RegExp(`^L${Number(layer) + 1} N${Number(index) + 10}: `),
  );
  await page.keyboard.press("ArrowUp");
  await page.keyboard.press("Shift+ArrowLeft");
  await page.keyboard.press("Enter");
  await focusOn(page, `Layer ${layer}, neuron ${index}`);
  assert.match(
    await card(page).locator(".card-reading").innerText(),
    new RegExp(`contribution ${value.replace(".", "\\.")}\\.$`),
    "map and card say the same",
  );
  await page.keyboard.press("Escape");
  await focusOn(page, "Contributions of all neurons");
  await page.keyboard.press("Home");
  await page.keyboard.press("Enter");
  await focusOn(page, `Layer ${layer}, neuron 0`);
  assert.match(await card(page).innerText(), /Not an H-Neuron.*contribution (0|under)/s);
  await page.keyboard.press("Escape");
  await page.keyboard.press(" ");
  assert.match(await page.locator("#map-readout").innerText(), /in My selection$/);
  assert.match(page.url(), new RegExp(`off=${layer}\\.0`));
  await page.locator(".map-add").click();
  assert.doesNotMatch(page.url(), /off=/);
});

test("the layer map follows the chosen token and lane", async (t) => {
  const page = await visit(t);
  await ask(page);
  await openMap(page);
  await mapNote(page, "^All");
  await page.locator("[data-part=lane][data-set=h] [data-part=token]").nth(2).click();
  await mapNote(page, "^All 46,080 neurons at “of” \\(H-Neurons × 0\\)");
  await page.keyboard.press("ArrowRight");
  await page.keyboard.press("ArrowRight");
  await mapNote(page, "^All 46,080 neurons at “is” \\(H-Neurons × 0\\)");
});

test("the map zooms by buttons, keys, wheel and drag, and the page still scrolls over it", async (t) => {
  const page = await visit(t);
  await ask(page);
  await openMap(page);
  await mapNote(page, "^All");
  const shown = page.locator(".map-tools .hint");
  const first = async () => Number((await shown.innerText()).match(/^Neurons (\d+)/)?.[1]);
  await page.getByRole("button", { name: "Zoom in" }).click();
  await page.waitForFunction(() =>
    /× 2\.0$/.test(document.querySelector(".map-tools .hint").textContent),
  );
  await page.locator(".map-cells").scrollIntoViewIfNeeded();
  const box = await page.locator(".map-cells").boundingBox();
  const middle = [box.x + box.width / 2, box.y + box.height / 2];
  await page.mouse.move(...middle);
  const top = await page.evaluate(() => scrollY);
  await page.mouse.wheel(0, -200);
  await page.waitForFunction((top) => scrollY < top, top);
  assert.match(
    await shown.innerText(),
    /× 2\.0$/,
    "the wheel is the page’s until the map has the focus",
  );
  await page.locator(".map-cells").focus();
  const now = await page.locator(".map-cells").boundingBox();
  await page.mouse.move(now.x + now.width / 2, now.y + 100);
  await page.mouse.wheel(0, -400);
  await page.waitForFunction(() =>
    /× 5\.\d$/.test(document.querySelector(".map-tools .hint").textContent),
  );
  const before = await first();
  await page.mouse.down();
  await page.mouse.move(now.x + now.width / 2 - 150, now.y + 100, { steps: 5 });
  await page.mouse.up();
  await page.waitForFunction(
    (before) =>
      Number(document.querySelector(".map-tools .hint").textContent.match(/\d+/)[0]) > before,
    before,
  );
  assert.equal(await card(page).count(), 0, "a drag is not a click");
  await page.keyboard.press("0");
  await page.waitForFunction(() => document.querySelector(".map-tools .hint").textContent === "");
  await page.keyboard.press("+");
  await page.waitForFunction(() =>
    /× 2\.0$/.test(document.querySelector(".map-tools .hint").textContent),
  );
  await page.mouse.click(now.x + now.width / 2, now.y + 100);
  await card(page).waitFor();
});

test("two fingers zoom the map", async (t) => {
  const page = await visit(t, {
    options: { hasTouch: true, viewport: { width: 768, height: 900 } },
  });
  await ask(page);
  await openMap(page);
  await mapNote(page, "^All");
  await page.locator(".map-cells").scrollIntoViewIfNeeded();
  const { x, y, width } = await page.locator(".map-cells").boundingBox();
  const touch = await page.context().newCDPSession(page);
  const points = (apart) =>
    [-1, 1].map((side, id) => ({ x: x + width / 2 + side * apart, y: y + 60, id }));
  await touch.send("Input.dispatchTouchEvent", { type: "touchStart", touchPoints: points(40) });
  for (const apart of [60, 80, 120, 160])
    await touch.send("Input.dispatchTouchEvent", { type: "touchMove", touchPoints: points(apart) });
  await touch.send("Input.dispatchTouchEvent", { type: "touchEnd", touchPoints: [] });
  await page.waitForFunction(() =>
    /× [34]\.\d$/.test(document.querySelector(".map-tools .hint").textContent),
  );
});

test("neurons that cannot be read are said, and what the run has stays", async (t) => {
  const page = await visit(t);
  await ask(page, `${ZORVATH} [[noactivity]]`);
  await openMap(page);
  await mapNote(
    page,
    "^The neurons could not be read\\. Run the prompt again\\. Shown is what the run itself has\\.$",
  );
  assert.match(await page.locator(".map-largest").innerText(), /The largest known\s+L\d+ N\d+/);
  await ask(page);
  await mapNote(page, "^All");
});

test("a run that begins while the map is read waits for it", async (t) => {
  const page = await visit(t);
  await ask(page);
  await page.evaluate(() => {
    document.querySelector("[data-part=map] details").open = true;
  });
  for (let i = 0; i < 4; i++)
    await page.locator("[data-part=lane][data-set=none] [data-part=token]").nth(i).click();
  await page.press("[data-part=prompt]", "Enter");
  await ended(page);
  await mapNote(page, "^All 46,080 neurons at “twice\\.”");
});

test("axe finds nothing to object to in the three views, in light and dark, wide and narrow", async (t) => {
  const axe = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
  const tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
  const check = async (page, where) => {
    const found = await page.evaluate(
      async (runOnly) => (await window.axe.run({ runOnly })).violations,
      tags,
    );
    assert.deepEqual(
      found.map(
        ({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 160)).join(" | ")}`,
      ),
      [],
      where,
    );
  };
  for (const [width, colorScheme] of [
    [1280, "light"],
    [1280, "dark"],
    [320, "light"],
    [375, "dark"],
  ]) {
    const page = await visit(t, {
      options: { viewport: { width, height: 800 }, colorScheme, bypassCSP: true },
    });
    await page.evaluate(axe);
    await page.getByText("The sweep as a table").click();
    await neuron(page, 2, 101).locator(".neuron-name").click();
    await openMap(page);
    await mapNote(page, "^Recorded");
    await check(page, `recorded, card at the board, ${width} ${colorScheme}`);
    await page.locator(".map-neuron").first().click();
    await card(page).getByRole("checkbox", { name: "A factor of its own" }).check();
    await check(page, `recorded, card at the map, ${width} ${colorScheme}`);
    assert.equal(
      await page.evaluate(
        () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
      ),
      0,
      `${width} px`,
    );
  }
});
