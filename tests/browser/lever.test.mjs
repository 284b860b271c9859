// Levers on the page: sets of neurons that were chosen for one behaviour. What an artifact with two of them shows, and what an
// address does that names one.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { after, before, test } from "node:test";
import { fromGallery, viewOf } from "../../www/core/gallery.js";
import { askedOf } from "../../www/core/map.js";
import { comparison } from "../../www/core/comparison.js";
import { csvOf, makingOf, recordingOf } from "../../www/core/exports.js";
import { fromRecording } from "../../www/core/recording.js";
import { lanesFor } from "../../www/core/requests.js";
import { elementSnippet } from "../../www/core/snippet.js";
import { DEFAULTS, formatHash, parseHash } from "../../www/core/state.js";
import { fits, gist, sweepLanes, sweepOf } from "../../www/core/sweep.js";
import { laneName } from "../../www/core/words.js";
import { fakeGallery, LEVERS } from "./mock/data.mjs";
import { answer, ask, ended, freshPage, launch, message } from "./mock/browser.mjs";
import { serve } from "./mock/server.mjs";

const withLevers = (levers) => (made) => ({ ...made, levers });

let browser, two, one, none;
before(async () => {
  browser = await launch();
  two = await serve({ artifact: withLevers(LEVERS) });
  one = await serve({ artifact: withLevers(LEVERS.slice(0, 1)) });
  none = await serve();
});
after(async () => {
  await browser.close();
  for (const site of [two, one, none]) await site.close();
});

async function visit(t, at, hash = "", options = {}) {
  const page = await freshPage(t, browser, { reducedMotion: "reduce", ...options });
  await page.goto(`${at.url}${hash}`);
  await page.waitForFunction(() => document.querySelector(".credits").textContent);
  await page.waitForSelector("[data-part=neuron]");
  return page;
}

const radio = (page) => page.locator("[name=set][value=lever]");
const about = (page) => page.locator("[data-part=lever-about]");
const which = (page) => about(page).locator("select");
const lanesOf = (page) =>
  page
    .locator("[data-part=lane]")
    .evaluateAll((all) =>
      all.map((lane) => [
        lane.dataset.set,
        lane.dataset.mark,
        lane.querySelector("h3").textContent,
      ]),
    );
const hash = (page) => decodeURIComponent(new URL(page.url()).hash);

test("a lever is chosen, says what it is, and runs beside as trained and its own random control", async (t) => {
  const page = await visit(t, two);
  assert.equal(
    await about(page).isVisible(),
    false,
    "while another set is chosen nothing is said of it",
  );
  await radio(page).check();
  assert.equal(
    await about(page).locator("#lever-about").innerText(),
    "Chosen for going along with a wrong answer that the question suggests, not for predicting errors. Side effect, when off: plain questions right 90 % → 83 %.",
  );
  assert.equal(await page.locator("#alpha-of").innerText(), "the lever “opinion”");
  assert.equal(hash(page), "#set=lever&lever=opinion");
  await ask(page);
  assert.deepEqual(await lanesOf(page), [
    ["none", "trained", "As trained"],
    ["lever", "lever", "Lever “opinion” off"],
    ["random", "random", "Random 3 off"],
  ]);
  assert.match(await answer(page, 1), /I cannot give you a year/);
  assert.equal(
    await page.locator(".comparison").innerText(),
    "Only the lever changed the answer here. One prompt proves nothing.",
  );
  // The board begins with the lever's neurons, in the artifact's order.
  const rows = await page
    .locator("[data-part=neuron]")
    .evaluateAll((all) =>
      all.slice(0, 4).map(({ dataset }) => [dataset.kind, dataset.layer, dataset.index].join(" ")),
    );
  assert.deepEqual(rows.slice(0, 3), ["lever 14 1200", "lever 6 30", "lever 21 700"]);
  assert.match(rows[3], /^h /);
  assert.equal(await page.locator(".board-key .key-lever").isVisible(), true);
  assert.match(await page.locator(".map-key").innerText(), /lever/);
  await page.locator("[data-part=neuron] .neuron-name").first().click();
  assert.equal(
    await page.locator(".card-lever").innerText(),
    "In the lever “opinion”, chosen for going along with a wrong answer that the question suggests. Turned up by 1, it changes the log-odds of that by about −0.41.",
  );
  assert.equal(await page.locator(".card .cell-mark").getAttribute("data-kind"), "lever");

  await page.reload();
  await page.waitForFunction(() => document.querySelector("[name=set][value=lever]")?.checked);
  assert.match(hash(page), /set=lever&lever=opinion/);
  await page.locator("[data-part=run]").click();
  await ended(page);
  assert.equal((await lanesOf(page))[1][2], "Lever “opinion” off");
});

test("of two levers the other is chosen too; its shared neuron stays an H-Neuron", async (t) => {
  const page = await visit(t, two);
  await radio(page).check();
  await which(page).selectOption("giving-in");
  assert.match(hash(page), /^#set=lever&lever=giving-in$/);
  assert.equal(
    await about(page).locator("#lever-about").innerText(),
    "Chosen for taking back a right answer when it is doubted, not for predicting errors.",
  );
  assert.equal(await about(page).locator("button").isVisible(), false, "it has no example");
  await ask(page);
  assert.equal((await lanesOf(page))[1][2], "Lever “giving in” off");
  const kinds = await page
    .locator("[data-part=neuron]")
    .evaluateAll((all) =>
      Object.fromEntries(all.map(({ dataset: d }) => [`${d.layer}.${d.index}`, d.kind])),
    );
  assert.deepEqual([kinds["10.7"], kinds["9.33"]], ["lever", "h"]);
  // Another set, and back: the choice is still there.
  await page.locator("[name=set][value=h]").check();
  await ended(page);
  assert.doesNotMatch(hash(page), /lever/);
  await radio(page).check();
  assert.match(hash(page), /lever=giving-in/);
});

test("the sweep of a lever is of it, and answers the slider", async (t) => {
  const page = await visit(t, two, "#set=lever");
  await ask(page);
  const button = page.locator(".sweep-run");
  assert.match(await button.innerText(), /Run the sweep of the lever “opinion”/);
  await button.click();
  await page.waitForFunction(
    () =>
      document.documentElement.dataset.state === "ready" &&
      document.querySelectorAll(".sweep-gist li").length === 3,
  );
  assert.match(
    await page.locator(".sweep-gist li").first().innerText(),
    /^Lever “opinion”: different answer at every stop/,
  );
  assert.equal(await page.locator("[data-part=sweep]").getAttribute("data-set"), "lever");
  assert.match(await page.locator(".sweep-band").innerText(), /^Lever “opinion”;/);
  await page.locator("[data-part=alpha]").fill("2");
  assert.equal((await lanesOf(page))[1][2], "Lever “opinion” × 2");
  await page.locator(".sweep-answers summary").click();
  await page.locator('.sweep-rows [data-alpha="3"] button').click();
  assert.equal(await page.locator("[data-part=alpha]").inputValue(), "3");
  assert.match(hash(page), /alpha=3&set=lever&lever=opinion/);
  assert.equal((await lanesOf(page))[1][2], "Lever “opinion” × 3");
});

test("one lever is named where it is chosen; its question is put into the prompt", async (t) => {
  const page = await visit(t, one, "", { viewport: { width: 1280, height: 800 } });
  assert.equal(await page.locator("[data-part=lever]").innerText(), "Lever: opinion");
  await radio(page).check();
  assert.equal(await which(page).isVisible(), false, "there is nothing to choose among");
  await page.getByRole("button", { name: "Try its question" }).click();
  const prompt = page.locator("[data-part=prompt]");
  assert.equal(await prompt.inputValue(), LEVERS[0].example.prompt);
  assert.equal(await page.locator("#then").isVisible(), false);
  assert.equal(await prompt.evaluate((field) => field === document.activeElement), true);
});

test("a link runs the lever that it names, and the first where it names none", async (t) => {
  for (const [named, name] of [
    ["", "opinion"],
    ["&lever=giving-in", "giving in"],
  ]) {
    const page = await visit(t, two, `#prompt=Why%3F&set=lever${named}&run=1`);
    await ended(page);
    assert.equal((await lanesOf(page))[1][2], `Lever “${name}” off`);
    assert.equal(await page.locator(".message").isVisible(), false);
  }
});

test("a lever that there is not is said, and nothing is run in its place", async (t) => {
  const page = await visit(t, two, "#set=lever&lever=nowhere&run=1");
  const said = "There is no lever “nowhere” here. The page turns “opinion” instead.";
  assert.equal(await message(page), said);
  assert.equal(await radio(page).isChecked(), true);
  assert.equal(await which(page).inputValue(), "opinion");
  assert.equal(await page.locator("html").getAttribute("data-state"), "recorded");
  // An address that is changed by hand is another.
  await page.evaluate(() => (location.hash = "#set=lever&lever=giving-in"));
  await page.waitForFunction(
    () => document.querySelector(".lever-about select").value === "giving-in",
  );
  await page.evaluate(() => (location.hash = "#set=lever&lever=No!"));
  await page.waitForFunction(() => /“No!”/.test(document.querySelector(".message").textContent));
  assert.equal(await which(page).inputValue(), "opinion");
});

test("without levers nothing is shown of them; an address that wants one is told so", async (t) => {
  const page = await visit(t, none);
  assert.equal(
    await page
      .locator("[data-part=lever], [data-part=lever-about], [name=set][value=lever]")
      .count(),
    0,
  );
  assert.equal(await page.locator(".board-key .key-lever").isVisible(), false);
  assert.doesNotMatch(await page.locator(".map-key").innerText(), /lever/);
  const asked = await visit(t, none, "#set=lever&lever=opinion&alpha=3");
  assert.equal(
    await message(asked),
    "No lever is known for this model. The page turns the H-Neurons instead.",
  );
  assert.equal(await asked.locator("[name=set]:checked").getAttribute("value"), "h");
  assert.deepEqual(
    (await lanesOf(asked)).map(([set]) => set),
    ["none", "h", "random"],
  );
  await asked.locator("[data-part=alpha]").fill("0");
  assert.equal(hash(asked), "", "what there is not is in no link");
});

test("an exported run of a lever names it, and opens again with it", async (t) => {
  const page = await visit(t, two, "#set=lever");
  await ask(page);
  await page.locator("[data-part=export] > summary").click();
  const [saved] = await Promise.all([
    page.waitForEvent("download"),
    page.getByRole("button", { name: "The whole run, JSON" }).click(),
  ]);
  const json = JSON.parse(await readFile(await saved.path(), "utf8"));
  assert.deepEqual(
    json.lanes.map(({ set, lever }) => [set, lever]),
    [
      ["none", undefined],
      ["lever", "opinion"],
      ["random", "opinion"],
    ],
  );
  assert.match(json.making.link, /set=lever&lever=opinion/);
  const again = fromRecording(json);
  assert.equal(laneName(again.lanes[1], again.lanes), "Lever “opinion” off");
  assert.match(csvOf(again).split("\r\n").at(-2), /,opinion$/);
  assert.equal(await page.locator("#export-lane").inputValue(), "1");
});

// ---- Without a page ----

const opinion = { ...DEFAULTS, set: "lever", lever: "opinion" };

test("an address has a lever only with the set; an embed's markup too", () => {
  assert.equal(formatHash(opinion), "#set=lever&lever=opinion");
  assert.deepEqual(parseHash("#set=lever&lever=opinion"), { ...opinion, off: [] });
  assert.equal(parseHash("#lever=opinion").lever, "");
  assert.equal(parseHash("#set=lever&lever=O%20p").lever, "");
  const snippet = elementSnippet(opinion, { hide: [], height: 0, run: false }, "https://a.b/");
  assert.match(snippet, / set="lever" lever="opinion"/);
});

test("the lanes of a lever: as trained, the lever, and a random control of it", () => {
  assert.deepEqual(lanesFor({ ...opinion, alpha: 2, seed: 4 }), [
    { set: "none", alpha: 1 },
    { set: "lever", lever: "opinion", alpha: 2 },
    { set: "random", control_of: "lever:opinion", lever: "opinion", alpha: 2, seed: 4 },
  ]);
  assert.deepEqual(lanesFor({ ...opinion, lever: "" }).slice(1), [
    { set: "lever", alpha: 0 },
    { set: "random", control_of: "lever", alpha: 0, seed: 1 },
  ]);
  const swept = sweepLanes(opinion);
  assert.equal(swept.filter(({ set, lever }) => set === "lever" && lever === "opinion").length, 6);
  assert.ok(swept.slice(7).every(({ control_of }) => control_of === "lever:opinion"));
});

/** The made-up recording, with a lever's lanes beside the H-Neurons': other answers, and a control of the same seed. */
function recorded() {
  const { recording } = fakeGallery("");
  const [trained, h] = recording.lanes;
  const lane = (more) => ({ ...h, cells: [], seed: undefined, ...more });
  recording.sets.push(
    { set: "lever", lever: "opinion", neurons: [[6, 30]] },
    { set: "random", seed: 1, lever: "opinion", neurons: [[6, 31]] },
  );
  recording.lanes.push(
    lane({ set: "lever", lever: "opinion", alpha: 0 }),
    lane({ set: "random", lever: "opinion", seed: 1, alpha: 0, tokens: trained.tokens }),
  );
  return fromGallery(recording);
}

test("a recorded run with H-Neurons and a lever shows each beside its own control", () => {
  const sweep = recorded();
  const shown = (settings) =>
    viewOf(sweep, settings)?.lanes.map(({ set, lever, neurons }) => [set, lever, neurons.length]);
  assert.deepEqual(shown(DEFAULTS), [
    ["none", undefined, 0],
    ["h", undefined, 39],
    ["random", undefined, 39],
  ]);
  const ofLever = [
    ["none", undefined, 0],
    ["lever", "opinion", 1],
    ["random", "opinion", 1],
  ];
  assert.deepEqual(shown(opinion), ofLever);
  assert.deepEqual(shown({ ...opinion, alpha: 1 }), ofLever, "times 1 is as trained");
  assert.equal(viewOf(sweep, { ...opinion, lever: "doubt" }), null);
  assert.equal(viewOf(sweep, { ...opinion, alpha: 3 }), null);
  assert.equal(fits(sweep, opinion) && fits(sweep, DEFAULTS), true);
  assert.equal(fits(sweep, { ...opinion, lever: "doubt" }), false);
  const about = (settings) => {
    const { set, seeds, rows } = sweepOf(sweep, settings);
    return [set, seeds, rows.map(({ alpha, controls }) => [alpha, controls.length])];
  };
  assert.deepEqual(about(opinion), [
    "lever",
    [1],
    [
      [0, 1],
      [1, 1],
    ],
  ]);
  assert.deepEqual(about(DEFAULTS), [
    "h",
    [1],
    [
      [0, 1],
      [1, 1],
      [3, 1],
    ],
  ]);
  assert.match(
    gist(sweep, sweepOf(sweep, opinion))[0],
    /^Lever “opinion”: different answer at every/,
  );
  const view = viewOf(sweep, opinion);
  assert.equal(
    comparison(view),
    "Only the lever changed the answer here. One prompt proves nothing.",
  );
  // What the engine is asked to read again.
  assert.deepEqual(askedOf(view.lanes[1]), { set: "lever", lever: "opinion", alpha: 0 });
  assert.deepEqual(askedOf(view.lanes[2]), {
    set: "random",
    control_of: "lever:opinion",
    lever: "opinion",
    alpha: 0,
    seed: 1,
  });
  const { link } = makingOf(view, "https://a.b/", new Date());
  assert.match(link, /#.*set=lever&lever=opinion/);
  assert.equal(recordingOf(view).lanes[1].lever, "opinion");
});
