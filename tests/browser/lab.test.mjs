// Sweep, neuron card and layer map, with a stand-in for the engine: what a visitor can do with mouse and keyboard.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { after, before, test } from "node:test";
import { ALPHAS, sweepLanes } from "../../www/core/sweep.js";
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
const openAnswers = (page) => page.locator(".sweep-answers summary").click();
/** Makes the map so large that single neurons are told apart: its tools and its list are there then. */
const enlargeMap = (page) => page.locator(".map-larger").click();
const lastTrained = (page) =>
  page.locator("[data-part=lane][data-set=none] [data-part=token]").last().click();

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
  assert.deepEqual(await page.locator(".sweep-alpha b").allTextContents(), ["off", "× 1", "× 3"]);
  assert.equal(await row(page, 0).isVisible(), false, "the answers open below the plots");
  await openAnswers(page);
  assert.match(await row(page, 0).innerText(), /Different from the first word on\s+Yes, I am sure/);
  assert.equal(await row(page, 0).locator("mark").innerText(), "Yes,");
  assert.match(await row(page, 0).innerText(), /same answer as trained \(seed 1\)/);
  assert.match(await row(page, 0).innerText(), /0\.41\s*Finished/);
  assert.match(
    await page.locator(".sweep-gist").innerText(),
    /H-Neurons: different answer at every stop of the slider\.\s+Random neurons, seed 1: same answer as trained/,
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
  assert.match(await focused(page), /^off\s*, H-Neurons/, "the focus stays in the list");
  await page.locator('.plot-point[data-alpha="3"]').last().click();
  assert.equal(await lane(page).getAttribute("data-alpha"), "3");
  assert.match(
    await page
      .getByRole("img", { name: /^Reading: .*, at every stop of the slider/ })
      .getAttribute("aria-label"),
    /H-Neurons: 0\.41 when off, 0\.83 at ×\s1, 0\.90 at ×\s3/,
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

// Of a live sweep, with the one as trained.
const FACTORS = [...ALPHAS, 1].sort((a, b) => a - b);

test("a live run is swept in one batch; the slider then answers at once", async (t) => {
  const page = await visit(t);
  await ask(page);
  const first = await answer(page, 1);
  assert.equal(await page.locator(".sweep-rows li").count(), 0, "the recorded run’s sweep is gone");
  assert.match(
    await page.locator(".sweep-offer").innerText(),
    new RegExp(
      `${sweepLanes({ set: "h", off: [], seed: 1 }).length} times at once: as trained, then with the H-Neurons and with two draws of random neurons`,
    ),
  );
  await page.fill("[data-part=prompt]", "something else");
  await sweep(page);
  assert.deepEqual(
    await page.locator(".sweep-alpha b").allTextContents(),
    FACTORS.map((alpha) => (alpha === 0 ? "off" : `× ${alpha}`)),
  );
  await openAnswers(page);
  assert.equal(
    await row(page, 0)
      .locator(".sweep-answer")
      .innerText()
      .then((text) => text.replace(/\s+/g, " ")),
    first.replace(/\s+/g, " "),
    "it is the shown run’s prompt that is swept",
  );
  assert.match(
    await row(page, 2).innerText(),
    /Random neurons, both draws: same answer as trained/,
  );
  assert.match(await page.locator(".sweep-band").innerText(), /seed 1 and 2.*only two draws/);
  await page.locator("[data-part=alpha]").fill("1.5");
  assert.equal(await lane(page).getAttribute("data-alpha"), "1.5");
  assert.match(await answer(page, 1), /I cannot give you a year/);
  assert.equal(
    await page.locator(".run-kind").innerText(),
    "Run of another prompt; press Run for yours",
  );
  await page.locator(".advanced summary").click();
  await page.locator("#seed").fill("9");
  await page.locator("#seed").press("Tab");
  assert.match(await page.locator(".run-kind").innerText(), /^Run of another prompt/);
  await page.fill("[data-part=prompt]", ZORVATH);
  assert.match(await page.locator(".run-kind").innerText(), /^Run at other settings/);
});

test("Stop ends a sweep, and what it has stays", async (t) => {
  const page = await visit(t);
  await ask(page, `[[slow]] ${ZORVATH} ${"word ".repeat(60)}`);
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
    (rows) =>
      document.documentElement.dataset.state === "ready" &&
      document.querySelectorAll(".sweep-rows li").length === rows,
    FACTORS.length,
  );
  await openAnswers(page);
  assert.match(await row(page, 0).innerText(), /Stopped/);
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
  await openAnswers(page);
  assert.match(await row(page, 0).getByRole("button").textContent(), /^off\s*, My selection/);
  assert.match(await page.locator(".sweep-gist").innerText(), /^My selection: /);
  assert.deepEqual(await page.locator(".turn-text").allTextContents(), [
    "What animal meows?",
    "A cat meows.",
    "I don't think that's right. Are you sure?",
  ]);
  await row(page, 3).getByRole("button").click();
  assert.match(await lane(page).innerText(), /My selection × 3\s+1 neuron\n/);
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
  assert.match(text, /H-Neuron: weight 0\.16, 2nd largest weight of 39/);
  assert.match(text, /At “for”, As trained: contribution (about 0\.\d+|under 0\.0004)\./);
  assert.match(
    text,
    /(Quiet here: in the lower half of its usual range|[Ll]ouder than at (half|\d\d of 100) (of the )?words of the reference text)\./,
  );
  assert.match(
    text,
    /Next words that it pushes most, by its weights\s+Make likelier\s+famous\s+century\s+named\s+Make less likely/,
  );
  assert.match(text, /does not say what the neuron means/);
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
  await focusOn(page, "L3 N877: card of layer 3, neuron 877");
  await neuron(page, 2, 101).locator(".neuron-name").press("Enter");
  await focusOn(page, "Layer 2, neuron 101");
  assert.match(
    await card(page).innerText(),
    /the largest weight of 39.*Chosen again in 80 % of new choices/s,
  );
  assert.equal(
    (await card(page)
      .getByRole("img", { name: /^Histogram of its contribution/ })
      .locator(".histogram-bar")
      .count()) > 20,
    true,
  );
  await card(page)
    .getByRole("button", { name: /“cat” 0\.030 The animal that meows, doubted/ })
    .click();
  await state(page, "recorded");
  assert.deepEqual(
    await page.locator('.chip[aria-pressed="true"]').allTextContents(),
    ["The animal that meows, doubted", "What animal meows?"],
    "by its title among those to try, by its prompt among all",
  );
  await card(page).getByRole("button", { name: "Close" }).click();
  await focusOn(page, "L2 N101: card of layer 2, neuron 101");
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

// The made-up artifact with a detector: what neurons add is in another order than their layers, and for one it is negative.
const withTerms = (made) => ({
  ...made,
  detector: {
    ...made.detector,
    terms: made.neurons.map(({ layer, index }, i) => ({
      layer,
      index,
      weight: i === 7 ? -0.5 : 0.05 + ((i * 7) % 39) / 50,
      mean: 0.01,
      std: 0.01,
    })),
  },
});
async function visitReading(t, options = {}) {
  const reading = await serve({ artifact: withTerms });
  t.after(() => reading.close());
  return visit(t, { at: reading, options });
}
const namesOf = (page) => page.locator(".neuron-name").allTextContents();
const figuresOf = (page) =>
  page
    .locator(".adds-figure")
    .allTextContents()
    .then((all) => all.map((text) => Number(text.replace("−", "-"))));
const cells = (page) => page.locator("canvas.cells");
const readout = (page) => page.locator("#board-readout").innerText();

test("the board’s rows stand by what each adds to the answer, with a figure and the words it fired at", async (t) => {
  const page = await visitReading(t);
  await page.locator(".fires").filter({ hasText: "“cat”" }).first().waitFor();
  const figures = await figuresOf(page);
  assert.equal(figures.length, 39);
  assert.ok(figures.every(Number.isFinite), figures.join());
  assert.deepEqual(
    figures,
    [...figures].sort((a, b) => b - a),
  );
  assert.ok(figures[0] > 0 && figures.at(-1) < 0);
  assert.equal(
    (await namesOf(page)).at(-1),
    "L11 N256",
    "what pushes towards “likely right” is last",
  );
  const layers = (await namesOf(page)).map((name) => Number(name.match(/\d+/)[0]));
  assert.notDeepEqual(
    layers,
    [...layers].sort((a, b) => a - b),
  );
  assert.match(
    await page.locator(".neuron-name").first().getAttribute("aria-label"),
    /^L\d+ N\d+: card of layer \d+, neuron \d+, which adds \+[\d.]+ to the reading$/,
  );
  // The longest bar is the first, and what is taken away goes the other way from the same line.
  const bars = await page
    .locator(".adds-bar span")
    .evaluateAll((all) =>
      all.map((bar) => bar.getBoundingClientRect()).map(({ left, right }) => [left, right]),
    );
  assert.ok(bars[0][1] - bars[0][0] > bars[5][1] - bars[5][0]);
  assert.ok(Math.abs(bars.at(-1)[1] - bars[0][0]) < 2, "they begin at one line");
  // Another lane is another answer.
  assert.ok(await page.getByRole("radio", { name: "H-Neurons off" }).isChecked());
  const before = await namesOf(page);
  await page.locator(".board .tab").filter({ hasText: "As trained" }).click();
  assert.notDeepEqual(await namesOf(page), before);
  assert.equal(await page.locator("[data-part=neuron]").first().locator(".promotes").count(), 0);
});

test("while an answer comes the rows stay where they are; when it has ended they take their order", async (t) => {
  const page = await visitReading(t);
  const before = await namesOf(page);
  await page.evaluate(() => {
    window.orders = new Set();
    const look = () => {
      if (
        document.documentElement.dataset.state === "running" &&
        document.querySelector("[data-part=token]")
      )
        window.orders.add(
          [...document.querySelectorAll(".neuron-name")]
            .map(({ textContent }) => textContent)
            .join(),
        );
      requestAnimationFrame(look);
    };
    look();
  });
  const neuron = before[3];
  await page.locator(".neuron-name").nth(3).focus();
  await ask(page);
  assert.deepEqual(await page.evaluate(() => [...window.orders]), [before.join()]);
  const after = await namesOf(page);
  assert.notDeepEqual(after, before);
  const figures = await figuresOf(page);
  assert.deepEqual(
    figures,
    [...figures].sort((a, b) => b - a),
  );
  assert.match(
    await readout(page),
    new RegExp(`^Layer ${neuron.match(/\d+/)[0]}, neuron ${neuron.match(/\d+$/)[0]} at “is”: `),
    "the line stays with its neuron, at the first word that differs",
  );
});

test("“Silence this one and run”: two acts on the board, whatever the pointer passes on the way", async (t) => {
  const page = await visitReading(t);
  const button = page.locator(".board .silence");
  assert.equal(await button.isVisible(), false, "there is no cell yet");
  assert.match(await button.textContent(), /^Silence this one and run3 MB, once$/);
  const [, , , , name] = await namesOf(page);
  const [layer, index] = name.match(/\d+/g);
  await cells(page).scrollIntoViewIfNeeded();
  const box = await cells(page).boundingBox();
  await page.mouse.click(box.x + 30, box.y + 4 * 24 + 12);
  const line = await readout(page);
  assert.match(line, new RegExp(`^Layer ${layer}, neuron ${index} at “`));
  const to = await button.boundingBox();
  await page.mouse.move(box.x + 50, box.y + 12);
  assert.notEqual(await readout(page), line, "pointing at another cell shows that");
  await page.mouse.move(to.x + to.width / 2, to.y + to.height / 2, { steps: 20 });
  assert.equal(await readout(page), line, "outside the cells it is the chosen one again");
  await page.mouse.down();
  await page.mouse.up();
  await ended(page);
  assert.match(decodeURIComponent(page.url()), new RegExp(`set=custom&.*off=${layer}\\.${index}$`));
  assert.match(await lane(page).innerText(), /My selection off\s+1 neuron\n/);
  assert.equal(await page.locator("[data-part=alpha]").inputValue(), "0");
  assert.equal(
    await neuron(page, layer, index).locator(".switch").getAttribute("aria-pressed"),
    "true",
  );
  assert.equal(await page.evaluate(() => document.activeElement.className), "quiet silence");
  assert.equal(await button.textContent(), "Silence this one and run", "the model is here now");
});

test("the card’s first act silences its neuron alone; while the model answers it says to wait", async (t) => {
  const page = await visit(t);
  await neuron(page, 2, 101).locator(".switch").click();
  await neuron(page, 3, 877).locator(".neuron-name").click();
  await focusOn(page, "Layer 3, neuron 877");
  await page.keyboard.press("Tab");
  await page.keyboard.press("Tab");
  assert.match(await focused(page), /^Silence this one and run/);
  await page.keyboard.press("Enter");
  await ended(page);
  assert.match(page.url(), /set=custom&.*off=3\.877$/);
  assert.match(await lane(page).innerText(), /My selection off\s+1 neuron\n/);
  await page.fill("[data-part=prompt]", "Why? [[hang]]");
  await page.locator("[data-part=run]").click();
  await state(page, "running");
  await neuron(page, 2, 101).locator(".neuron-name").click();
  await card(page).locator(".silence").click();
  assert.match(await message(page), /^The model is still answering\. Wait until it has finished/);
  assert.match(page.url(), /off=3\.877/);
});

for (const width of [1280, 768, 375])
  test(`nothing moves below the pointer on the board, at ${width} px`, async (t) => {
    const page = await visitReading(t, { viewport: { width, height: 800 } });
    await cells(page).scrollIntoViewIfNeeded();
    const tops = new Set();
    const look = async () =>
      tops.add(
        await page.locator(".board-scroll").evaluate((box) => box.getBoundingClientRect().top),
      );
    await look();
    const box = await cells(page).boundingBox();
    const lengths = new Set();
    for (let x = 12; x < Math.min(box.width, width - box.x) - 10; x += 18)
      for (const row of [0, 1]) {
        await page.mouse.move(box.x + x, box.y + 12 + 24 * row);
        lengths.add((await readout(page)).length);
        await look();
      }
    await page.mouse.click(box.x + 12, box.y + 12);
    await look();
    assert.ok(lengths.size > 4, "lines of several lengths were seen");
    assert.deepEqual([...tops].length, 1, [...tops].join());
  });

test("names, switches and cells are one tab stop, and the arrow keys go through them", async (t) => {
  const page = await visitReading(t);
  const stops = () =>
    page.evaluate(
      () =>
        [
          ...document.querySelectorAll(".board :is(button, input, canvas, summary, [tabindex])"),
        ].filter(
          (element) =>
            element.tabIndex >= 0 &&
            element.checkVisibility({ visibilityProperty: true, checkVisibilityCSS: true }) &&
            !(element.type === "radio" && !element.checked),
        ).length,
    );
  assert.equal(await stops(), 4, "lane, control’s rows, the board, the table");
  const names = await namesOf(page);
  const at = () =>
    page.evaluate(() => {
      const { activeElement } = document;
      return [
        activeElement.closest("[data-part=neuron]")?.querySelector(".neuron-name").textContent,
        activeElement.className,
      ];
    });
  await page.locator(".switch").first().focus();
  const press = async (...keys) => {
    for (const key of keys) await page.keyboard.press(key);
    return at();
  };
  assert.deepEqual(await press("ArrowDown", "ArrowDown"), [names[2], "switch"]);
  assert.deepEqual(await press("ArrowRight"), [names[2], "neuron-name"]);
  assert.deepEqual(await press("End"), [names.at(-1), "neuron-name"]);
  assert.deepEqual(await press("ArrowDown"), [names.at(-1), "neuron-name"], "it ends there");
  assert.deepEqual(await press("PageUp", "ArrowLeft"), [names.at(-11), "switch"]);
  assert.deepEqual(await press("Home"), [names[0], "switch"]);
  assert.deepEqual(await press(" "), [names[0], "switch"], "a switched neuron keeps the focus");
  assert.deepEqual(await press("ArrowDown", "ArrowRight", "ArrowRight"), [undefined, "cells"]);
  const [layer, index] = names[1].match(/\d+/g);
  assert.match(
    await readout(page),
    new RegExp(`^Layer ${layer}, neuron ${index} at “Yes,”: `),
    "the cells are entered at the chosen word",
  );
  assert.deepEqual(await press("ArrowDown", "Home", "ArrowLeft"), [names[2], "neuron-name"]);
  assert.deepEqual(await press("ArrowRight"), [undefined, "cells"]);
  // Where the focus was is where Tab comes back to.
  await page.keyboard.press("Tab");
  assert.deepEqual(await press("Shift+Tab"), [undefined, "cells"]);
  assert.equal(await stops(), 6, "and, now that there are a cell and a selection, their buttons");
});

test("contributions have two digits on the board and in its table, and say how loud they are", async (t) => {
  const page = await visit(t);
  await cells(page).focus();
  const value = /(about 0\.0*\d\d?|under 0\.0004), (quiet|as loud as usual|louder than usual)$/;
  for (let i = 0; i < 5; i++) {
    await page.keyboard.press("ArrowRight");
    assert.match(await readout(page), value);
  }
  await page.locator(".table-view summary").click();
  await page.waitForSelector(".table-view tbody tr");
  const rows = await page.locator(".table-view tbody tr").allInnerTexts();
  assert.equal(rows.length, 39);
  for (const row of rows) {
    assert.match(
      row,
      /^L\d+ N\d+\t(about 0\.0*\d\d?|under 0\.0004)\t(quiet|as loud as usual|louder than usual)\t0\.030\t/,
    );
    assert.doesNotMatch(row, /0\.0*[1-9]\d\d/);
  }
});

test("the card’s mark and the bars of its usual range are strong where the neuron is louder than usual", async (t) => {
  const page = await visit(t);
  await neuron(page, 2, 101).locator(".neuron-name").click();
  await focusOn(page, "Layer 2, neuron 101");
  const bars = await card(page)
    .locator(".histogram-bar")
    .evaluateAll((all) => {
      const fills = all.map((bar) => getComputedStyle(bar).fill);
      return fills.map((fill) => fill !== fills[0]);
    });
  assert.ok(bars.indexOf(true) > 5 && !bars.slice(bars.indexOf(true)).includes(false), bars.join());
  const loud = async () => [
    (await card(page).locator(".card-reading .cell-mark[data-loud]").count()) === 1,
    /Louder than at (90|99) of 100|Louder than at any/.test(
      ` ${await card(page).locator(".card-value").innerText()}`,
    ),
  ];
  const seen = new Set();
  for (let i = 0; i < 14; i++) {
    await page.locator("[data-part=lane][data-set=none] [data-part=token]").nth(i).click();
    const [mark, words] = await loud();
    assert.equal(mark, words);
    seen.add(mark);
  }
  assert.equal(seen.size, 2, "both were seen");
});

test("a click on a cell chooses its token", async (t) => {
  const page = await visit(t);
  await neuron(page, 3, 877).locator(".neuron-name").click();
  const box = await page.locator("canvas.cells").boundingBox();
  await page.mouse.move(box.x + box.width / 2, box.y + 40);
  await page.mouse.click(box.x + box.width / 2, box.y + 40);
  const token = (await page.locator("#board-readout").innerText()).match(/at (“.*?”)/)[1];
  assert.match(
    await card(page).locator(".card-reading").innerText(),
    new RegExp(`^At ${token.replace(/[?.]/g, "\\$&")},`),
  );
});

test("a neuron can have a factor of its own, in the link and in the run", async (t) => {
  const page = await visit(t);
  await neuron(page, 2, 101).locator(".switch").click();
  await neuron(page, 3, 877).locator(".neuron-name").click();
  assert.match(await card(page).locator(".card-factor").innerText(), /as the slider: off/);
  assert.equal(await card(page).getByRole("slider").isDisabled(), true);
  await card(page).getByRole("checkbox", { name: "Turn it by its own slider" }).check();
  await card(page).getByRole("slider").fill("0.5");
  assert.equal(
    await card(page).getByRole("switch").isChecked(),
    true,
    "it is in the selection now",
  );
  assert.match(decodeURIComponent(page.url()), /off=2\.101,3\.877x0\.5/);
  assert.match(page.url(), /set=custom/);
  await ask(page);
  await page.getByRole("radio", { name: "My selection off" }).check();
  assert.equal(await neuron(page, 2, 101).locator(".factor").innerText(), "off");
  assert.equal(await neuron(page, 3, 877).locator(".factor").innerText(), "×0.5");
  await card(page).getByRole("checkbox", { name: "Turn it by its own slider" }).uncheck();
  assert.doesNotMatch(page.url(), /877x/);
  await card(page).getByRole("switch").uncheck();
  assert.doesNotMatch(page.url(), /877/);
});

test("the layer map of a recorded run shows what is known, and says so", async (t) => {
  const page = await visit(t);
  await mapNote(
    page,
    "^This recording has only the H-Neurons\\. Of the random ones it has the place\\. Press Run to see all 46,080\\.$",
  );
  await lastTrained(page);
  await mapNote(
    page,
    "^This recording has only the H-Neurons and the \\d loudest\\. Of the random ones it has the place\\. Press Run to see all 46,080\\.$",
  );
  const shown = () =>
    Promise.all(
      [".map-cells", "#map-readout", ".map-silence", ".map-tools", ".map-largest", ".map-add"].map(
        (part) => page.locator(part).isVisible(),
      ),
    );
  const larger = () => page.locator(".map-larger").getAttribute("aria-label");
  assert.deepEqual(await shown(), [true, true, true, false, false, false]);
  assert.equal(await larger(), "Larger map");
  const { height } = await page.locator(".map-cells").boundingBox();
  await enlargeMap(page);
  assert.deepEqual(await shown(), [true, true, true, true, true, true]);
  assert.equal(await larger(), "Smaller map");
  await page.waitForFunction(
    (height) => document.querySelector(".map-cells").clientHeight > 2 * height,
    height,
  );
  assert.match(await page.locator(".map-largest").innerText(), /The largest known\s+L\d+ N\d+/);
  await page.locator(".map-cells").focus();
  await page.keyboard.press("Home");
  await page.keyboard.press("ArrowRight");
  assert.match(await page.locator("#map-readout").innerText(), /^L\d+ N1: contribution not known$/);
  assert.equal(await page.locator("#map-readout").getAttribute("aria-live"), "polite");
  await page.keyboard.press("h");
  assert.match(await page.locator("#map-readout").innerText(), /H-Neuron$/);
  await page.getByRole("radio", { name: "H-Neurons off" }).check();
  await mapNote(page, "^This recording has only the H-Neurons\\. ");
  assert.match(await page.locator("#map-title").innerText(), /^Neurons at “/, "not all");
});

test("the layer map of a live run reads all 46,080 neurons at the chosen token, by keyboard and mouse", async (t) => {
  const page = await visit(t);
  await ask(page);
  await mapNote(page, "^All 46,080 neurons at “is” \\(H-Neurons off\\)");
  await lastTrained(page);
  await mapNote(page, "^All 46,080 neurons at “twice\\.” \\(As trained\\)");
  assert.equal(await page.locator("#map-title").innerText(), "All neurons at “twice.”");
  await enlargeMap(page);
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
  await mapNote(page, "^All");
  await page.locator("[data-part=lane][data-set=h] [data-part=token]").nth(2).click();
  await mapNote(page, "^All 46,080 neurons at “of” \\(H-Neurons off\\)");
  await page.keyboard.press("ArrowRight");
  await page.keyboard.press("ArrowRight");
  await mapNote(page, "^All 46,080 neurons at “is” \\(H-Neurons off\\)");
});

test("the map zooms by buttons, keys, wheel and drag, and the page still scrolls over it", async (t) => {
  const page = await visit(t);
  await ask(page);
  await enlargeMap(page);
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
  await enlargeMap(page);
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
  await enlargeMap(page);
  await mapNote(
    page,
    "^The neurons could not be read\\. Run the prompt again\\. Shown: what the run itself has\\.$",
  );
  assert.match(await page.locator(".map-largest").innerText(), /The largest known\s+L\d+ N\d+/);
  await ask(page);
  await mapNote(page, "^All");
});

test("a run that begins while the map is read waits for it", async (t) => {
  const page = await visit(t);
  await ask(page);
  for (let i = 0; i < 4; i++)
    await page.locator("[data-part=lane][data-set=none] [data-part=token]").nth(i).click();
  await page.press("[data-part=prompt]", "Enter");
  await ended(page);
  await mapNote(page, "^All 46,080 neurons at “is” \\(H-Neurons off\\)");
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
    await enlargeMap(page);
    await mapNote(page, "^This recording");
    await check(page, `recorded, card at the board, ${width} ${colorScheme}`);
    await page.locator(".map-neuron").first().click();
    await card(page).getByRole("checkbox", { name: "Turn it by its own slider" }).check();
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
