// The real page and the real model in Firefox, deployed under a sub-path, as a visitor uses them: what the other files test in
// Chromium in every detail is here once more in whole. No WebGPU: this is the CPU engine.
//
// Lessons, keyboard and axe: firefox-page.test.mjs. Embeds, and addresses and messages that mean harm: firefox-hosts.test.mjs.
// From one version to the next: firefox-versions.test.mjs.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { cached, eventually } from "./eventually.mjs";
import {
  answers,
  click,
  count,
  launch,
  open,
  opened,
  press,
  run,
  state,
  textOf,
  until,
} from "./firefox.mjs";
import { MODEL, repository, serve } from "./server.mjs";

const PKG = /^pkg\//;

let server, firefox, visitor, artifact;
let offline = false;
before(async () => {
  server = await serve({ under: "/blog/lab/" });
  firefox = await launch();
  visitor = await firefox.visitor(); // who comes back, and so has the model
  const index = JSON.parse(
    await readFile(join(repository, "dist/www/artifacts/index.json"), "utf8"),
  );
  artifact = JSON.parse(
    await readFile(
      join(
        repository,
        "dist/www/artifacts",
        index.models.find(({ id }) => id === index.default).artifact,
      ),
      "utf8",
    ),
  );
});
after(async () => {
  await firefox?.close();
  await server?.close();
});

async function visit(t, hash = "", options = {}) {
  const page = await open(t, firefox, server.url + hash, options);
  await opened(page);
  return page;
}

const sweepRows = (page) =>
  page.$$eval(".sweep-rows li", (rows) =>
    rows.map((row) => [
      row.dataset.alpha,
      row.querySelector(".sweep-answer").textContent,
      row.querySelector(".sweep-score").textContent,
    ]),
  );
const openMap = (page) => click(page, ".map-larger");
const note = (page, pattern) =>
  until(
    page,
    (pattern) => new RegExp(pattern).test(document.querySelector(".map-note")?.textContent),
    pattern,
  );

test("opened cold, a recorded run is explored without the model: gallery, factors, sweep, card, map", async (t) => {
  t.diagnostic(firefox.version);
  const page = await visit(t);
  assert.equal(await state(page), "recorded");
  assert.match(await textOf(page, "[data-part=run]"), /98 MB, once/);
  await click(page, ".gallery-all summary");
  await click(page, ".kinds input[value=made-up]");
  await click(page, "[data-run=zorvath]");
  await click(page, ".sweep-answers summary");
  await until(page, () => document.querySelector(".turn-text").textContent.includes("Zorvath"));
  const { runs } = JSON.parse(
    await readFile(join(repository, "www/gallery", artifact.model.id, "index.json"), "utf8"),
  );
  assert.equal(
    (await answers(page))[0].trim(),
    runs.find(({ id }) => id === "zorvath").answer.trim(),
  );

  const rows = await sweepRows(page);
  assert.deepEqual(
    rows.map(([alpha]) => alpha),
    ["0", "0.5", "1", "1.5", "2", "2.5", "3"],
  );
  for (const alpha of ["3", "0.5"]) {
    await click(page, `.sweep-rows [data-alpha="${alpha}"] button`);
    await page.waitForSelector(`[data-part=lane][data-set=h][data-alpha="${alpha}"]`);
    const [, said] = rows.find(([of]) => of === alpha);
    assert.equal((await answers(page))[1].trim(), said.trim());
    assert.equal(await page.$eval("#alpha", (slider) => slider.value), alpha);
  }

  await click(page, "[data-part=lane][data-set=none] [data-part=token]:nth-of-type(3)");
  assert.match(await textOf(page, ".next-note"), /% likely here/);
  const [heaviest] = [...artifact.neurons].sort((a, b) => b.weight - a.weight);
  await click(
    page,
    `[data-part=neuron][data-layer="${heaviest.layer}"][data-index="${heaviest.index}"] .neuron-name`,
  );
  await page.waitForSelector("[data-part=card]");
  const card = await textOf(page, "[data-part=card]");
  assert.ok(card.includes(`Layer ${heaviest.layer}, neuron ${heaviest.index}`), card);
  assert.match(card, /the largest weight of \d+/);
  for (const token of heaviest.promotes.slice(0, 3))
    assert.ok(card.includes(token.trim()), `${token} in ${card}`);
  await openMap(page);
  await note(page, "^This recording has only the H-Neurons and the \\d loudest");
  const inked = await page.$eval("canvas.cells", (canvas) =>
    canvas
      .getContext("2d")
      .getImageData(0, 0, canvas.width, canvas.height)
      .data.some((value) => value > 0),
  );
  assert.ok(inked, "the board is painted");
  assert.equal(server.count(MODEL) + server.count(PKG), 0);
});

test("the evidence is the artifact's, with intervals and controls", async (t) => {
  const page = await visit(t);
  await page.$eval("#evidence", (section) => section.scrollIntoView());
  await page.waitForSelector("#evidence:not([aria-busy]) .dataset");
  await page.$$eval("#evidence details", (all) => all.forEach((part) => (part.open = true)));
  const told = await textOf(page, "#evidence");
  const words = (value) => value.toFixed(2);
  for (const {
    auroc,
    auroc_ci: [low, high],
  } of artifact.evaluation)
    assert.ok(
      told.includes(`${words(auroc)} (${words(low)} to ${words(high)})`),
      `${auroc} in ${told}`,
    );
  const rings = await page.$$eval("#evidence .dataset", (all) =>
    all.map((dataset) => dataset.querySelectorAll(".plot .dot.random").length),
  );
  assert.deepEqual(
    rings,
    artifact.evaluation.map(({ random_auroc: random }) => random?.length ?? 0),
    "each random set is a ring",
  );
});

test("a live run says what was recorded, and so does its sweep; the engine is the relaxed-SIMD one", async (t) => {
  const page = await visit(t, "#recorded=velmoria&max=32", { visitor });
  const recorded = { answers: await answers(page), sweep: await sweepRows(page) };
  assert.equal(await textOf(page, ".run-kind"), "Recorded run");
  assert.ok(new Set(recorded.answers).size > 1);
  await run(page);
  assert.equal(await textOf(page, ".run-kind"), "");
  assert.deepEqual(await answers(page), recorded.answers);
  assert.match(await textOf(page, "[data-part=status]"), /^CPU · [\d.]+ tok\/s$/);
  assert.equal(server.count(MODEL), 1);

  // (func (result v128) i32.const 1 i16x8.splat i32.const 2 i16x8.splat i16x8.relaxed_q15mulr_s)
  const relaxed = await page.evaluate(() =>
    WebAssembly.validate(
      new Uint8Array([
        0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 15, 1, 13, 0, 65, 1,
        253, 16, 65, 2, 253, 16, 253, 145, 2, 11,
      ]),
    ),
  );
  t.diagnostic(`relaxed SIMD: ${relaxed}`);
  const build = relaxed ? "relaxed-simd" : "simd128";
  assert.deepEqual(
    [...new Set(server.requests.map(({ path }) => path).filter((path) => PKG.test(path)))].sort(),
    [`pkg/${build}/hneurons.js`, `pkg/${build}/hneurons_bg.wasm`],
  );

  await openMap(page);
  await note(page, "^All 46,080 neurons at “");
  assert.equal(await count(page, ".map-neuron"), 10);
  const largest = await textOf(page, ".map-neuron");
  await click(page, ".map-neuron");
  await page.waitForSelector("[data-part=card]");
  const [, layer, index, value] = /^L(\d+) N(\d+)\s+([\d.]+)/.exec(largest);
  assert.match(
    await textOf(page, "[data-part=card]"),
    new RegExp(`Layer ${layer}, neuron ${index}[^]*contribution ${value.replace(".", "\\.")}`),
    "map and card say the same",
  );

  assert.equal((await sweepRows(page)).length, 0);
  await click(page, ".sweep-run");
  await until(
    page,
    () =>
      document.documentElement.dataset.state === "ready" &&
      document.querySelectorAll(".sweep-rows li").length === 7 &&
      document.querySelector(".sweep-gist li"),
  );
  assert.deepEqual(await sweepRows(page), recorded.sweep);
});

test("a second visit works without a network: what is recorded, and a live run", async (t) => {
  t.after(async () => offline && (await server.goOnline(), (offline = false)));
  const first = await visit(t, "#prompt=What%20animal%20meows%3F&max=2", { visitor });
  await run(first);
  const needed = [
    /\/blog\/lab\/$/,
    /files\.json$/,
    /www\/main\.js$/,
    /www\/worker\/worker\.js$/,
    /hneurons\.js$/,
    /\.wasm$/,
  ];
  await eventually(async () => {
    const paths = await cached(first);
    return needed.every((pattern) => paths.some((path) => pattern.test(path)));
  });
  await first.close();
  await server.goOffline();
  offline = true;
  server.clear();
  const page = await visit(t, "", { visitor });
  assert.equal(await textOf(page, ".run-kind"), "Recorded run");
  await click(page, ".sweep-answers summary");
  await click(page, '.sweep-rows [data-alpha="3"] button');
  await page.waitForSelector("[data-part=lane][data-set=h][data-alpha='3']");
  assert.match(await textOf(page, "[data-part=run]"), /model in this browser/);
  await click(page, ".advanced summary");
  await page.locator("#max").fill("12");
  await page.locator("#prompt").fill("What animal meows?");
  await run(page);
  assert.match((await answers(page))[0], /cat/);
  assert.equal(server.requests.length, 0);
});

test("a shared link gives the same text and the same board in a new profile", async (t) => {
  const controls = (page) =>
    page.$$eval("#prompt, #alpha, #off, #seed, #temp, #max, [name=set]:checked", (all) =>
      all.map(({ id, name, value }) => [id || name, value]),
    );
  const exports = async (page) => {
    await click(page, ".export summary");
    await press(page, "The whole run, JSON");
    const trace = JSON.parse(
      await firefox.saved("hneurons-in-what-year-was-the-treaty-of-zorvath-s-trace.json"),
    );
    // When it was made is all that may differ.
    for (const when of ["date", "exported"]) {
      assert.ok(Date.parse(trace.making[when]) > 0, `${when} ${trace.making[when]}`);
      delete trace.making[when];
    }
    await press(page, "Board, SVG");
    return {
      trace,
      board: String(
        await firefox.saved("hneurons-in-what-year-was-the-treaty-of-zorvath-s-board-2.svg"),
      ).replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z|\d{4}-\d\d-\d\d/g, "a date"),
    };
  };
  const page = await visit(t, "", { visitor });
  await click(page, ".advanced summary");
  const [one, two] = artifact.neurons;
  for (const [name, value] of Object.entries({
    prompt: "In what year was the treaty of Zorvath signed?",
    off: `${one.layer}.${one.index}x0.5, ${two.layer}.${two.index}`,
    seed: "7",
    temp: "0.8",
    max: "8",
  }))
    await page.locator(`#${name}`).fill(value);
  await page.focus("#alpha");
  await page.keyboard.press("End");
  await click(page, "[name=set][value=custom]");
  await run(page);
  const made = {
    controls: await controls(page),
    answers: await answers(page),
    ...(await exports(page)),
  };
  assert.equal(new Set(made.answers).size, 3);
  await press(page, "Share");
  await until(
    page,
    () => document.querySelector("[data-part=share]").textContent === "Link copied",
  );
  // Pasted, as whoever is given it would.
  const empty = await visit(t);
  await empty.locator("#prompt").fill("");
  await empty.focus("#prompt");
  await empty.keyboard.down("Control");
  await empty.keyboard.press("v");
  await empty.keyboard.up("Control");
  const link = await empty.$eval("#prompt", (field) => field.value);
  assert.ok(link.startsWith(`${server.url}#prompt=In%20what%20year`), link);
  server.clear();
  const again = await visit(t, link.slice(server.url.length));
  await run(again);
  assert.equal(server.count(MODEL), 1, "a new profile has no model");
  assert.deepEqual(
    { controls: await controls(again), answers: await answers(again), ...(await exports(again)) },
    made,
  );
});
