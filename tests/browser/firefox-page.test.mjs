// The real page in Firefox, in the hands of a class, and of someone without a mouse.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { after, before, test } from "node:test";
import {
  answers,
  click,
  ended,
  launch,
  open,
  opened,
  press,
  sameText,
  textOf,
  until,
} from "./firefox.mjs";
import { MODEL, serve } from "./server.mjs";

let server, firefox;
before(async () => {
  server = await serve({ under: "/blog/lab/" });
  firefox = await launch();
});
after(async () => {
  await firefox?.close();
  await server?.close();
});

async function visit(t, address = "", options = {}) {
  const page = await open(t, firefox, server.url + address, options);
  await opened(page);
  return page;
}

// ---- A class ----

const step = (page) => textOf(page, ".lesson-progress p");
async function next(page) {
  const was = await step(page);
  await click(page, ".lesson-next");
  await until(
    page,
    (was) =>
      document.querySelector(".lesson-progress p").textContent !== was ||
      document.querySelector(".lesson-nav .lesson-wrong").textContent,
    was,
  );
}
const choose = (page, question, choice) =>
  click(page, `[name="answer-${question}"][value="${choice}"]`);

test("a lesson from the list to the printed report, on recorded runs only", async (t) => {
  const page = await visit(t, "", { width: 1400 });
  server.clear();
  await press(page, "Lessons");
  await click(page, "[data-lesson-id=turn-down]");
  await page.waitForSelector("#lesson-step");
  assert.equal(await step(page), "Step 1 of 12");
  await next(page);
  await choose(page, "p-zero", "Another invention");
  await page.locator("#answer-p-zero-why").fill("It has always <b>invented</b> something.");
  await next(page);
  await click(page, "[data-lesson-run=velmoria]");
  await until(page, () => document.querySelector(".run-shown:not([hidden])"));
  const said = (await answers(page)).map((text) => text.trim());
  await next(page);
  assert.match(await textOf(page, ".predicted"), /Another invention/);
  await choose(page, "o-zero", "another invention");
  await page.locator("#answer-o-zero-at").fill("9");
  while ((await step(page)) !== "Report") await next(page);
  await page.locator("#report-name").fill("Ada");
  await press(page, "Download as Markdown");
  const markdown = String(await firefox.saved("hneurons-turn-down.md"));
  assert.match(markdown, /^# Turn the H-Neurons down, and predict first\n\nName: Ada/);
  assert.match(markdown, /> It has always \\<b\\>invented/);

  await press(page, "Print");
  const printed = await firefox.printed();
  const has = (text) => printed.includes(sameText(text));
  for (const text of [
    "Turn the H-Neurons down, and predict first",
    "Name Ada Date: ",
    "What will the answer be? Another invention",
    "It has always <b>invented</b> something.",
    ...said,
    `Page: ${server.url}#lesson=turn-down`,
  ]) {
    assert.ok(has(text), `${text} in ${printed}`);
  }
  for (const text of [
    "Neuron board",
    "All lessons",
    "Download as Markdown",
    "Recorded runs",
    "Step 1",
  ])
    assert.ok(!has(text), `${text} in ${printed}`);
  assert.equal(server.count(MODEL), 0);
});

// ---- Without a mouse, with a screen reader ----

test("by keyboard alone: an example, the controls, a live run, a token, the board, a card, the map", async (t) => {
  const page = await visit(t);
  const focused = (selector) =>
    page.evaluate((selector) => document.activeElement.matches(selector), selector);
  const focusOn = (selector) =>
    until(page, (selector) => document.activeElement.matches(selector), selector);
  const keys = async (...names) => {
    for (const name of names) await page.keyboard.press(name);
  };
  const tabTo = async (selector, back = false) => {
    if (back) await page.keyboard.down("Shift");
    for (let i = 0; !(await focused(selector)); i++) {
      assert.ok(i < 250, `${selector} is not reached by Tab`);
      await keys("Tab");
      const seen = await page.evaluate(() => {
        const { outlineStyle, boxShadow } = getComputedStyle(document.activeElement);
        return document.activeElement === document.body ||
          outlineStyle !== "none" ||
          boxShadow !== "none"
          ? ""
          : document.activeElement.outerHTML.slice(0, 120);
      });
      assert.equal(seen, "", "the focus can be seen");
    }
    if (back) await page.keyboard.up("Shift");
  };
  await keys("Tab");
  assert.ok(await focused(".skip"));
  await tabTo(".gallery-all summary");
  await keys("Enter");
  await tabTo(".kinds input");
  await keys("ArrowRight");
  await tabTo(".gallery-runs .chip:not([aria-pressed=true])");
  const wanted = await page.evaluate(() => document.activeElement.textContent);
  await keys("Enter");
  await until(
    page,
    (wanted) => document.querySelector(".turn-text")?.textContent === wanted,
    wanted,
  );
  await tabTo("#alpha");
  await keys("End");
  await page.waitForSelector("[data-part=lane][data-set=h][data-alpha='3']");
  await tabTo("[name=set]");
  await keys("ArrowRight");
  await page.waitForSelector("[data-part=lane][data-set=random]:nth-child(2)");
  await keys("ArrowLeft");
  await tabTo(".advanced summary");
  await keys("Enter");
  await tabTo("#max");
  await page.keyboard.down("Control");
  await keys("a");
  await page.keyboard.up("Control");
  await page.keyboard.type("6");
  await tabTo("[data-part=run]", true);
  await keys("Enter");
  await ended(page);
  assert.equal(await textOf(page, ".run-kind"), "");

  await tabTo("[data-part=token]");
  await keys("ArrowRight", "ArrowRight");
  assert.match(await textOf(page, ".next-note"), /% likely here/);
  await tabTo(".switch");
  await keys("ArrowRight", "ArrowRight");
  await focusOn("canvas.cells");
  await keys("ArrowDown");
  await until(page, () =>
    /^Layer \d+, neuron \d+ at “/.test(document.querySelector("#board-readout").innerText),
  );
  await keys("Enter");
  await focusOn("#card-title");
  await keys("Escape");
  await focusOn("canvas.cells");
  await tabTo(".map-larger", true);
  await keys("Enter");
  await until(page, () => /^All 46,080/.test(document.querySelector(".map-note")?.textContent));
  await tabTo(".map-cells");
  await keys("h");
  assert.match(await textOf(page, "#map-readout"), /H-Neuron$/);
});

test("axe finds nothing to object to, in light and dark, wide and narrow; nothing scrolls sideways", async (t) => {
  const axe = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
  const other = await launch({ dark: true });
  t.after(() => other.close());
  for (const [browser, width, scheme] of [
    [firefox, 1280, "light"],
    [other, 375, "dark"],
  ]) {
    const page = await open(t, browser, `${server.url}#lesson=neuron`, { width, height: 800 });
    await opened(page);
    assert.equal(
      await page.evaluate(
        (scheme) => matchMedia(`(prefers-color-scheme: ${scheme})`).matches,
        scheme,
      ),
      true,
    );
    await page.evaluate(axe);
    const check = async (where) => {
      const found = await page.evaluate(async () =>
        (
          await window.axe.run({
            runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
          })
        ).violations.map(({ id, nodes }) => `${id}: ${nodes[0].html.slice(0, 160)}`),
      );
      assert.deepEqual(found, [], `${where}, ${width} ${scheme}`);
      assert.equal(
        await page.evaluate(
          () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
        ),
        0,
        where,
      );
    };
    await page.waitForSelector("#lesson-step");
    await click(page, ".advanced summary");
    await click(page, "[data-part=neuron] .neuron-name");
    await page.waitForSelector("[data-part=card]");
    await click(page, ".map-larger");
    await page.waitForSelector(".map-neuron");
    await click(page, ".export summary");
    await page.waitForSelector("#export-citation");
    await page.$eval("#evidence", (section) => section.scrollIntoView());
    await page.waitForSelector("#evidence:not([aria-busy]) .dataset");
    await page.$$eval("#evidence details", (all) => all.forEach((part) => (part.open = true)));
    await check("everything open");
    await click(page, "#embed-open");
    await page.waitForSelector("dialog[open] #embed-frame");
    await check("the dialog");
  }
});
