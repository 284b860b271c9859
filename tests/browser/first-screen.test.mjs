// The first minute: what the page is about stands on one screen, on a laptop and on a phone, before a run and after one; words
// carry their heat, strips and next words follow, the slider is live, and a recorded run plays once.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { open } from "./browser.mjs";
import { LEVERS } from "./mock/data.mjs";
import { serve } from "./mock/server.mjs";

const SIZES = [
  { width: 1280, height: 800 },
  { width: 375, height: 667 },
];
const ALWAYS = [
  "#prompt",
  "#alpha",
  ".set",
  ".go",
  ".lane",
  ".answer",
  ".strip",
  "[data-part=score]",
];
const BESIDE = [".map-cells", "[data-part=next] tbody tr:nth-child(5)"];

async function visit(
  t,
  { viewport = SIZES[0], query = "", hash = "", calm = true, before = () => {}, ...options } = {},
) {
  const site = await serve(options);
  const view = await open({ viewport, reducedMotion: calm ? "reduce" : "no-preference" });
  t.after(async () => {
    await view.close();
    await site.close();
  });
  await view.page.addInitScript(before);
  await view.page.goto(site.url + query + hash);
  await view.page.waitForSelector("[data-part=lane][data-shown]");
  return { ...view, site };
}

/** Selectors of which no shown element lies wholly in the window. */
const outside = (page, selectors) =>
  page.evaluate(
    (selectors) =>
      selectors.filter(
        (selector) =>
          ![...document.querySelectorAll(selector)].some((element) => {
            const { top, bottom, left, right, height } = element.getBoundingClientRect();
            return (
              height > 0 && top >= 0 && left >= 0 && bottom <= innerHeight && right <= innerWidth
            );
          }),
      ),
    selectors,
  );

const ended = (page) =>
  page.waitForFunction(
    () =>
      document.documentElement.dataset.state === "ready" &&
      document.querySelector(".timing").textContent !== "",
  );

async function ask(page, prompt) {
  await page.fill("#prompt", prompt);
  await page.click("[data-part=run]");
  await ended(page);
}

for (const viewport of SIZES) {
  test(`at ${viewport.width} x ${viewport.height} prompt, switch, answers, neurons and reading are on one screen as the page opens`, async (t) => {
    const files = await publishedWithLevers();
    const { page, problems } = await visit(t, { viewport, real: true, files });
    await page.waitForSelector("[data-part=lever]");
    const parts = viewport.width > 1000 ? [...ALWAYS, ...BESIDE] : ALWAYS;
    await page.waitForFunction(() => document.querySelectorAll(".next-bars tbody tr").length >= 5);
    assert.deepEqual(await outside(page, parts), []);
    assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), viewport.width);
    assert.deepEqual(problems, []);
  });

  test(`at ${viewport.width} x ${viewport.height} they still are after a run`, async (t) => {
    const { page, problems } = await visit(t, {
      viewport,
      artifact: (made) => ({
        ...made,
        levers: LEVERS,
        provisional: false,
        notice: "",
        detector: { ...made.detector, calibration: { slope: 1, intercept: 0 } },
      }),
    });
    await ask(page, "Tell me of the treaty");
    await page.waitForFunction(() => document.querySelectorAll(".next-bars tbody tr").length >= 5);
    assert.equal(await page.locator("[data-part=lever]").count(), 1);
    const parts = viewport.width > 1000 ? [...ALWAYS, ...BESIDE] : ALWAYS;
    assert.deepEqual(await outside(page, parts), []);
    assert.deepEqual(problems, []);
  });
}

test("on a phone one lane is shown, and the others take its place", async (t) => {
  const { page } = await visit(t, { viewport: SIZES[1], real: true });
  const shown = () =>
    page.evaluate(() =>
      [...document.querySelectorAll("[data-part=lane]")]
        .filter((lane) => lane.getClientRects().length > 0)
        .map(({ dataset }) => dataset.set),
    );
  assert.deepEqual(await shown(), ["none"]);
  await page.locator("[name=lane-shown]:checked").focus();
  await page.keyboard.press("ArrowRight");
  assert.deepEqual(await shown(), ["h"]);
  assert.deepEqual(await outside(page, [".answer", ".strip"]), []);
});

test("three lanes stand side by side from 560 px on, in an embed too", async (t) => {
  for (const query of ["", "?embed=1"]) {
    const { page } = await visit(t, { viewport: { width: 560, height: 900 }, real: true, query });
    const tops = await page.evaluate(() =>
      [...document.querySelectorAll("[data-part=lane]")].map(
        (lane) => lane.getBoundingClientRect().top,
      ),
    );
    assert.equal(tops.length, 3);
    assert.equal(new Set(tops).size, 1, `lanes begin at ${tops}`);
    assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), 560);
  }
});

test("each word carries its heat: what it adds to the reading, nothing where the detector does not read it", async (t) => {
  const { page } = await visit(t);
  const heats = await page.evaluate(() =>
    [...document.querySelectorAll("[data-set=none] [data-part=token]")].map((token) => {
      const heat = /** @type {HTMLElement} */ (token.querySelector("[data-part=heat]"));
      return Number(heat.style.getPropertyValue("--pull") || NaN);
    }),
  );
  // The made-up recording: the detector reads every second word, and pulls go up in fours.
  heats.forEach((heat, i) =>
    assert.equal(heat, i % 2 ? Number(((i % 4) * 1.3).toFixed(3)) : 0, `word ${i}`),
  );
  const hollow = await page.evaluate(() =>
    [...document.querySelectorAll("[data-part=lane]")].map(
      (lane) => lane.querySelectorAll("[data-silenced]").length > 0,
    ),
  );
  assert.deepEqual(hollow, [false, true, false], "hollow where the H-Neurons are silenced");
});

test("the strip is painted while the answer streams", async (t) => {
  const { page } = await visit(t);
  await page.fill("#prompt", "Tell me of the treaty [[hang]]");
  await page.click("[data-part=run]");
  const inked = () =>
    page.evaluate(() => {
      const canvas = /** @type {HTMLCanvasElement} */ (
        document.querySelector("[data-set=none] canvas.strip")
      );
      const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
      return data.some((value, i) => i % 4 === 3 && value > 0);
    });
  await page.waitForFunction(
    () => document.querySelectorAll("[data-set=none] [data-part=token]").length === 3,
  );
  assert.ok(await inked());
});

test("the next words of all lanes stand side by side, and follow the chosen word", async (t) => {
  const { page } = await visit(t);
  const rows = () =>
    page.evaluate(() =>
      [...document.querySelectorAll(".next-bars tbody tr")].map((row) =>
        [...row.children].map((cell) => cell.textContent),
      ),
    );
  await page.waitForSelector(".next-bars tbody tr");
  assert.equal((await rows())[0].length, 4, "a word and three lanes");
  const before = await page.textContent("#next-title");
  await page.locator("[data-set=none] [data-part=token]").nth(4).click();
  await page.waitForFunction(
    (before) => document.querySelector("#next-title").textContent !== before,
    before,
  );
  assert.match((await rows())[0].join(" "), /62 %/);
  assert.match(await page.textContent(".next-note"), /% likely here/);
});

test("with a model, a slider that is let go runs again, and the next words follow while it is dragged", async (t) => {
  const { page, problems } = await visit(t);
  await ask(page, "Tell me of the treaty");
  await page.waitForFunction(() => /%/.test(document.querySelector(".next-bars")?.textContent));
  const shares = () => page.locator(".next-bars td:nth-child(3)").allTextContents();
  const before = await shares();
  await page.evaluate(() => {
    const slider = /** @type {HTMLInputElement} */ (document.querySelector("#alpha"));
    slider.value = "3";
    slider.dispatchEvent(new Event("input", { bubbles: true }));
  });
  await page.waitForFunction(
    (before) =>
      [...document.querySelectorAll(".next-bars td:nth-child(3)")].some(
        (cell, i) => /%/.test(cell.textContent) && cell.textContent !== before[i],
      ),
    before,
  );
  assert.equal(await page.getAttribute("[data-set=h][data-part=lane]", "data-alpha"), "0");
  await page.evaluate(() =>
    document.querySelector("#alpha").dispatchEvent(new Event("change", { bubbles: true })),
  );
  await page.waitForSelector('[data-part=lane][data-set=h][data-alpha="3"]');
  await ended(page);
  assert.deepEqual(problems, []);
});

test("a slider that is moved during a run has the last word", async (t) => {
  const { page } = await visit(t);
  await ask(page, "Tell me of the treaty");
  const move = (value) =>
    page.evaluate((value) => {
      const slider = /** @type {HTMLInputElement} */ (document.querySelector("#alpha"));
      slider.value = value;
      for (const type of ["input", "change"])
        slider.dispatchEvent(new Event(type, { bubbles: true }));
    }, value);
  await move("3");
  await page.waitForFunction(() => document.documentElement.dataset.state === "running");
  await move("2");
  await page.waitForSelector('[data-part=lane][data-set=h][data-alpha="2"]');
  await ended(page);
  assert.equal(await page.inputValue("#alpha"), "2");
});

test("a neuron is silenced from the map in two acts", async (t) => {
  const { page } = await visit(t);
  await ask(page, "Tell me of the treaty");
  await page.waitForFunction(() =>
    /^All 46,080/.test(document.querySelector(".map-note").textContent),
  );
  const named = /L(\d+) N(\d+)/.exec(await page.textContent("#map-readout"));
  await page.click(".map-silence");
  await page.waitForSelector("[data-part=lane][data-set=custom]");
  await ended(page);
  assert.match(
    await page.evaluate(() => location.hash),
    new RegExp(`off=${named[1]}\\.${named[2]}`),
  );
});

test("a recorded run plays once, and again on Replay; where motion is unwanted its end is there at once", async (t) => {
  // A slow machine may not look while it plays: the page keeps how much was unseen, and how high it was.
  const before = () => {
    window.seen = [];
    new MutationObserver(() => {
      const lanes = document.querySelector(".lanes[data-playing]");
      if (lanes) window.seen.push([lanes.querySelectorAll(".unplayed").length, lanes.offsetHeight]);
    }).observe(document, { subtree: true, attributes: true, attributeFilter: ["class"] });
  };
  const { page } = await visit(t, { calm: false, before });
  const unplayed = () => page.locator(".unplayed").count();
  const played = () =>
    page.waitForFunction(() => window.seen.length > 0 && !document.querySelector("[data-playing]"));
  await played();
  assert.equal(await unplayed(), 0);
  const seen = await page.evaluate(() => window.seen.splice(0));
  assert.ok(Math.max(...seen.map(([unplayed]) => unplayed)) > 10);
  assert.equal(new Set(seen.map(([, height]) => height)).size, 1, "nothing moves");
  await page.click("[data-part=replay]");
  await page.locator("[data-set=h] .answer").click({ position: { x: 4, y: 4 } });
  assert.equal(await unplayed(), 0, "whoever acts sees all of it");
  const calm = await visit(t);
  assert.equal(await calm.page.locator(".lanes[data-playing], .unplayed").count(), 0);
});

test("what is under way stays in view, with its Stop, wherever one has scrolled to", async (t) => {
  const { page } = await visit(t);
  await page.fill("#prompt", "Tell me of the treaty [[hang]]");
  await page.click("[data-part=run]");
  await page.waitForFunction(() => document.documentElement.dataset.state === "running");
  assert.ok(await page.locator("[data-part=stop]").isVisible());
  assert.equal(await page.locator("[data-part=under-way]").isVisible(), false);
  const line = page
    .locator("[data-part=under-way]")
    .filter({ hasText: /Answering: \d+ of at most \d+ tokens/ });
  // The answers were brought into view when they began; who scrolls after that stays where they are.
  await line.waitFor({ state: "attached" });
  await page.evaluate(() => window.scrollTo(0, 1500));
  await line.waitFor();
});

test("one long word widens nothing", async (t) => {
  const word = `https://example.org/${"a".repeat(400)}`;
  for (const viewport of SIZES) {
    const { page } = await visit(t, { viewport });
    await ask(page, word);
    assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), viewport.width);
  }
});

test("what is said is said to those who listen: while it runs, and all of it at the end", async (t) => {
  const { page } = await visit(t);
  await ask(page, "Tell me of the treaty");
  await page.waitForFunction(() =>
    /As trained: The treaty of Zorvath was signed in 1834.*H-Neurons/s.test(
      document.querySelector("#live").textContent,
    ),
  );
});

/** The published artifact with levers among the sets. */
async function publishedWithLevers() {
  const path = "www/artifacts/smollm2-135m-instruct-q4_1/hneurons.json";
  const json = JSON.parse(await readFile(new URL(`../../${path}`, import.meta.url), "utf8"));
  return { [path]: JSON.stringify({ ...json, levers: LEVERS }) };
}

test("opening moves nothing that is seen, also where a lever comes among the sets", async (t) => {
  for (const viewport of SIZES) {
    const site = await serve({ real: true, files: await publishedWithLevers() });
    const { page, close } = await open({ viewport });
    t.after(async () => {
      await close();
      await site.close();
    });
    await page.addInitScript(() => {
      window.shift = 0;
      new PerformanceObserver((list) => {
        for (const entry of list.getEntries())
          if (!entry.hadRecentInput) window.shift += entry.value;
      }).observe({ type: "layout-shift", buffered: true });
    });
    await page.goto(site.url);
    await page.waitForSelector("[data-part=lane][data-shown]");
    await page.waitForSelector("[data-part=lever]");
    await page.waitForTimeout(1500);
    const shift = await page.evaluate(() => window.shift);
    assert.ok(shift <= 0.05, `at ${viewport.width} px the page shifts by ${shift.toFixed(3)}`);
  }
});

test("the page is at most 3,000 px high at 1280 px, and few stops of the Tab key long", async (t) => {
  const { page } = await visit(t, { real: true });
  await page.evaluate(() => window.scrollTo(0, document.body.scrollHeight));
  await page.waitForSelector(".evidence-body svg");
  const height = await page.evaluate(() => document.documentElement.scrollHeight);
  assert.ok(height <= 3000, `the page is ${height} px high`);
  const stops = await page.evaluate(
    () =>
      [
        ...document.querySelectorAll(
          "a[href], button, input, select, textarea, summary, [tabindex='0']",
        ),
      ].filter(
        (element) =>
          element.tabIndex === 0 && element.checkVisibility() && !element.matches(":disabled"),
      ).length,
  );
  console.log(`${height} px, ${stops} stops`);
  assert.ok(stops <= 70, `${stops} stops`);
});

for (const viewport of SIZES)
  test(`at ${viewport.width} px wider spacing of text makes no labels of the slider collide`, async (t) => {
    const { page } = await visit(t, { viewport, real: true });
    // The page's policy lets no style in that is not its own.
    await page.evaluate(() => {
      const sheet = new CSSStyleSheet();
      sheet.replaceSync(
        "* { line-height: 1.5 !important; letter-spacing: 0.12em !important; word-spacing: 0.16em !important; }",
      );
      document.adoptedStyleSheets = [sheet];
    });
    const boxes = await page.evaluate(() =>
      [...document.querySelectorAll(".ticks span")].map((tick) => {
        const { left, right } = tick.getBoundingClientRect();
        return [left, right];
      }),
    );
    boxes
      .slice(1)
      .forEach(([left], i) => assert.ok(left > boxes[i][1], `labels ${i} and ${i + 1}`));
    assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), viewport.width);
  });

test("an answer without a word says so", async (t) => {
  const { page } = await visit(t, {
    changes: {
      "pkg/simd128/hneurons.js": silent,
      "pkg/relaxed-simd/hneurons.js": silent,
    },
  });
  await ask(page, "Tell me of the treaty");
  const said = await page.evaluate(
    () => getComputedStyle(document.querySelector("[data-set=h] .answer"), "::before").content,
  );
  assert.match(said, /ended at once, without a word/);
});

/** The stand-in engine, whose H-Neuron lane says nothing. */
const silent = (text) =>
  text.replace(
    "function answer({ set, alpha }, doubt) {",
    (line) => `${line}\n  if (set === "h") return "";`,
  );
