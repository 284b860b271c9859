// The whole lab by keyboard alone, with a stand-in for the engine: no mouse, and no focus set by the test.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { after, before, test } from "node:test";
import { ALPHAS } from "../../www/core/sweep.js";
import { keyboard, nameless } from "./keys.mjs";
import { answer, ended, freshPage, launch, ZORVATH } from "./mock/browser.mjs";
import { withEvidence } from "./mock/evidence.mjs";
import { serve } from "./mock/server.mjs";

// The template of a lesson, on the one run that is recorded here.
const lesson = (await readFile(new URL("../../www/lessons/template.json", import.meta.url), "utf8"))
  .replaceAll("zorvath", "doubt-meows")
  .replace('"id": "template"', '"id": "short"');
const lessons = {
  schema: "hneurons-lessons/1",
  lessons: [{ id: "short", title: "A short lesson", minutes: 5, summary: "Every kind of step." }],
};

let browser, site;
before(async () => {
  browser = await launch();
  const files = {
    "www/lessons/short.json": lesson,
    "www/lessons/index.json": JSON.stringify(lessons),
  };
  site = await serve({ artifact: (made) => withEvidence(made, "good"), files });
});
after(async () => {
  await browser.close();
  await site.close();
});

async function visit(t, options = {}) {
  const page = await freshPage(t, browser, {
    serviceWorkers: "block",
    permissions: ["clipboard-read", "clipboard-write"],
    reducedMotion: "reduce",
    ...options,
  });
  await page.goto(site.url);
  await page.waitForSelector("[data-part=neuron]");
  await page.waitForSelector("[data-part=evidence]:not([aria-busy]) .evidence-part");
  return { page, keys: await keyboard(page) };
}

const focus = (page, selector) =>
  page.waitForFunction((selector) => document.activeElement.matches(selector), selector, {
    timeout: 5000,
  });
const address = (page) => page.evaluate(() => location.href);
const running = (page) => page.evaluate(() => (document.querySelector(".timing").textContent = ""));

test("from the skip link to the evidence, everything is done by keyboard", async (t) => {
  const { page, keys } = await visit(t);

  // To the answers by the skip link, and back to the prompt.
  await keys.tab();
  await focus(page, ".skip");
  assert.ok(
    await page.locator(".skip").evaluate((link) => link.getBoundingClientRect().left >= 0),
    "the skip link shows when it has the focus",
  );
  await keys.press("Enter");
  await focus(page, "#answers");
  await keys.tab();
  await focus(page, "[data-part=replay]");
  await keys.tab();
  await focus(page, "[data-part=token]");

  // Header: share, embed, lessons, “?”.
  await keys.to("[data-part=share]", "Shift+Tab");
  await keys.press("Enter");
  await page.getByRole("button", { name: "Link copied" }).waitFor();
  await focus(page, "[data-part=share]");
  await keys.to("#embed-open");
  await keys.press("Enter");
  await page.waitForSelector("dialog[open] #embed-element");
  await keys.to("dialog [name=embed-start]");
  await keys.press("ArrowDown");
  await keys.to("dialog .copy-head button");
  await keys.press("Enter");
  await page.waitForFunction(() => document.activeElement.textContent === "Copied");
  assert.match(await page.evaluate(() => navigator.clipboard.readText()), /^<script .*<h-neurons/s);
  // Round the dialog, and never into the page behind it.
  const outside = new Set();
  for (let i = 0; i < 30; i++) {
    await keys.tab();
    outside.add(
      await page.evaluate(
        () =>
          document.activeElement === document.body ||
          document.activeElement.closest("dialog") !== null,
      ),
    );
  }
  assert.deepEqual([...outside], [true], "the focus stays in the dialog");
  await keys.press("Escape");
  await focus(page, "#embed-open");

  // A prompt, and Enter.
  await keys.to("[data-part=prompt]");
  await keys.press("Control+a");
  await keys.type(ZORVATH);
  await keys.press("Enter");
  await ended(page);
  assert.match(await answer(page, 1), /I cannot give you a year/);

  // Slider, sets, the button: with the model there, slider and sets run again.
  const made = (set, alpha) =>
    page
      .waitForSelector(`[data-part=lane][data-set=${set}][data-alpha="${alpha}"]`)
      .then(() => ended(page));
  await keys.to("#alpha");
  await keys.press("End");
  assert.equal(await page.locator("#alpha-number").innerText(), "× 3");
  await made("h", 3);
  await keys.press("ArrowLeft");
  assert.equal(await page.locator("#alpha-number").innerText(), "× 2.5");
  await made("h", 2.5);
  await focus(page, "#alpha");
  await keys.to("[name=set]");
  await keys.press("ArrowDown");
  assert.equal(await page.locator("[name=set]:checked").getAttribute("value"), "random");
  await page.waitForFunction(
    () => document.querySelectorAll("[data-part=lane][data-set=random]").length === 2,
  );
  await ended(page);
  await keys.press("ArrowUp");
  await made("h", 2.5);
  await focus(page, "[name=set]");
  await keys.to("[data-part=run]", "Shift+Tab");
  await running(page);
  await keys.press(" ");
  await ended(page);
  await focus(page, "[data-part=run]");
  assert.equal(await page.locator("[data-part=lane]").nth(1).getAttribute("data-alpha"), "2.5");
  await keys.to(".advanced summary");
  await keys.press("Enter");
  await keys.to("#max");
  await keys.press("Control+a");
  await keys.type("12");
  await keys.tab();

  // Tokens: one stop a lane, arrows inside it.
  await keys.to("[data-set=h] [data-part=token]");
  await focus(page, ".parting");
  await keys.press("Home", "ArrowRight", "ArrowRight");
  const note = (words) =>
    page.waitForFunction(
      (words) => document.querySelector(".next-note").textContent.startsWith(words),
      words,
      { timeout: 5000 },
    );
  await note("“of”: ");
  assert.match(await page.locator(".next-note").innerText(), /^“of”: [\d.]+ % likely here, /);
  await keys.press("End");
  await note("“year.”: ");
  await keys.at();

  // Export, then doubt.
  await keys.to("[data-part=export] summary");
  await keys.press("Enter");
  await page.waitForSelector("#export-citation");
  await keys.tab();
  const [download] = await Promise.all([page.waitForEvent("download"), keys.press("Enter")]);
  assert.match(download.suggestedFilename(), /trace\.json$/);
  await keys.to("#doubt-text");
  await keys.press("Control+a");
  await keys.type("Really?");
  await running(page);
  await keys.press("Enter");
  await page.waitForFunction(() => document.querySelectorAll(".turn").length === 3);
  await ended(page);

  // Sweep.
  await keys.to(".sweep-run");
  await keys.press("Enter");
  await page.waitForFunction(
    (rows) =>
      document.documentElement.dataset.state === "ready" &&
      document.querySelectorAll(".sweep-rows li").length === rows,
    ALPHAS.length + 1,
  );
  await keys.to(".sweep-answers summary", "Shift+Tab");
  await keys.press("Enter");
  await keys.to('[data-alpha="0.5"] .sweep-alpha');
  await keys.press("Enter");
  assert.equal(await page.locator("[data-part=alpha]").inputValue(), "0.5");
  await focus(page, '[data-alpha="0.5"] .sweep-alpha');

  // Board: switch, name, cells.
  await keys.to(".switch");
  await keys.press(" ");
  await focus(page, '.switch[aria-pressed="true"]');
  assert.match(await address(page), /off=2\.101/);
  await keys.press("ArrowDown", "End", "Home", "ArrowRight");
  await focus(page, '[data-layer="2"] .neuron-name');
  await keys.press("Enter");
  await focus(page, "#card-title");
  await keys.to("[role=switch]");
  await keys.press(" ");
  assert.doesNotMatch(await address(page), /off=/);
  await keys.press("Escape");
  await focus(page, ".neuron-name");
  // From a name into its cells, and back to the left of the first word.
  await keys.press("ArrowRight");
  await focus(page, "canvas.cells");
  await keys.press("ArrowRight", "Home", "ArrowLeft");
  await focus(page, '[data-layer="2"] .neuron-name');
  await keys.press("ArrowRight", "ArrowDown", "ArrowRight", "ArrowRight");
  assert.match(await page.locator("#board-readout").innerText(), /^Layer 3, neuron 877 at “/);
  await keys.press("Enter");
  await focus(page, "#card-title");
  assert.equal(await page.locator("#card-title").innerText(), "Layer 3, neuron 877");
  await keys.press("Escape");
  await focus(page, "canvas.cells");
  await keys.press(" ");
  assert.match(await address(page), /off=3\.877/);
  await keys.to(".table-view summary");
  await keys.press("Enter");
  await page.waitForSelector(".table-view td");
  await keys.to(".table-place");

  // Layer map: beside the answers, and larger.
  await keys.to(".map-cells", "Shift+Tab");
  await keys.to(".map-larger", "Shift+Tab");
  await keys.press("Enter");
  await focus(page, ".map-larger");
  await page.waitForFunction(() =>
    /^All 46,080/.test(document.querySelector(".map-note")?.textContent),
  );
  await keys.to(".map-tools button");
  await keys.to(".map-cells");
  await keys.press("h", "ArrowRight", "ArrowDown", " ");
  const added = /L(\d+) N(\d+)/.exec(await page.locator("#map-readout").innerText());
  assert.match(
    decodeURIComponent(await address(page)),
    new RegExp(`off=3\\.877,${added[1]}\\.${added[2]}`),
  );
  await keys.press("Enter");
  await focus(page, "#card-title");
  await keys.press("Escape");
  await focus(page, ".map-cells");

  // Evidence: by its link, then a part and its tables.
  await keys.to('.lead a[href="#evidence"]', "Shift+Tab");
  await keys.press("Enter");
  await focus(page, "#evidence");
  await keys.to(".evidence-part > summary");
  await keys.press("Enter");
  await keys.to(".evidence-table summary");
  await keys.press("Enter");
  await keys.to(".evidence-table .table-place");
  assert.deepEqual([...keys.faults], []);
});

test("a recorded run and a lesson by keyboard, from the list to the report", async (t) => {
  const { page, keys } = await visit(t);
  await keys.to("[data-part=lessons]");
  await keys.press("Enter");
  await page.waitForSelector(".lesson-open");
  await keys.press("Escape");
  await focus(page, "[data-part=lessons]");
  await keys.press("Enter");
  await page.waitForSelector(".lesson-open");
  await keys.to(".lesson-open");
  await keys.press("Enter");
  await focus(page, "#lesson-step");
  const next = async (kind) => {
    await keys.to(".lesson-next");
    await keys.press("Enter");
    await page.waitForSelector(
      kind === "report" ? ".lesson-report" : `.lesson-step[data-kind=${kind}]`,
    );
    await focus(page, "#lesson-step");
  };
  await next("predict");
  await keys.to("[name=answer-guess]");
  await keys.press(" ");
  await keys.to("#answer-why");
  await keys.type("Because.");
  await next("run");
  await keys.to(".lesson-runs button");
  await keys.press("Enter");
  await page.getByText("✓ opened").waitFor();
  await next("observe");
  await keys.to("#answer-at");
  await keys.type("9");
  await next("explain");
  await next("run");
  await next("report");
  await keys.to("#report-name");
  await keys.type("Ada");
  assert.match(await page.locator(".lesson-report").innerText(), /Because\./);
  await keys.to(".lesson-ways button:last-child", "Shift+Tab");
  await keys.press("Enter");
  await focus(page, "[data-part=lessons]");

  await keys.to("#alpha");
  await keys.press("End");
  await keys.to(".chip", "Shift+Tab");
  await keys.press("Enter");
  await page.waitForFunction(
    () => document.querySelector(".run-kind").textContent === "Recorded run",
  );
  await focus(page, ".chip");
  assert.deepEqual([...keys.faults], []);
});

for (const [width, height] of [
  [1280, 800],
  [375, 700],
]) {
  test(`Tab goes through the whole page and Shift+Tab the same way back, each stop seen and named, at ${width} px`, async (t) => {
    const { page, keys } = await visit(t, { viewport: { width, height } });
    // With what is usually closed open.
    for (const [summary, content] of [
      [".advanced summary", "#max"],
      ["[data-part=export] summary", "#export-citation"],
      [".table-view summary", ".table-view td"],
      [".sweep-answers summary", ".sweep-alpha"],
      [".gallery-all summary", ".kinds input"],
      [".map-larger", ".map-neuron"],
    ]) {
      await keys.to(summary);
      await keys.press("Enter");
      await page.waitForSelector(content);
    }
    await keys.all();
    const there = await keys.all();
    const back = await keys.all("Shift+Tab");
    assert.ok(there.length > 50, `${there.length} stops`);
    assert.deepEqual(
      back.map(({ words }) => words).reverse(),
      there.map(({ words }) => words),
    );
    assert.deepEqual([...keys.faults], []);
    assert.deepEqual(await nameless(page), []);
  });
}
