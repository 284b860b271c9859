// Sharing: links, exports, and addresses that mean harm.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { after, before, test } from "node:test";
import { boardSvg } from "../../www/core/board-svg.js";
import { csvOf, field, fileName, recordingOf, shortest } from "../../www/core/exports.js";
import { attribute } from "../../www/core/snippet.js";
import { DEFAULTS, LIMITS, parseHash } from "../../www/core/state.js";
import { fromRecording } from "../../www/core/recording.js";
import { HOSTILE, KEYS } from "./hostile.mjs";
import { answer, ask, freshPage, launch, ZORVATH } from "./mock/browser.mjs";
import { fakeTrace } from "./mock/data.mjs";
import { serve } from "./mock/server.mjs";

let browser, site;
before(async () => {
  browser = await launch();
  site = await serve({ under: "/lab/" });
});
after(async () => {
  await browser.close();
  await site.close();
});

async function visit(t, address, options = {}) {
  // A recorded run or a lesson that there is not is said in the console, and the page opens on its own.
  const page = await freshPage(t, browser, options, (line) =>
    /\/www\/(gallery|lessons)\//.test(line.location().url),
  );
  await page.goto(site.url + address);
  return page;
}

test("whatever a key says, the settings stay within their limits", () => {
  assert.ok(HOSTILE.length >= 25);
  for (const key of KEYS) {
    for (const value of HOSTILE) {
      for (const hash of [
        `#${key}=${value}`,
        `#${new URLSearchParams([[key, value]])}`,
        `#${key}[]=${value}`,
        `#${key}=${value}&${key}=${value}`,
        `#then=x&${`then=${value}&`.repeat(20)}${key}=${value}`,
      ]) {
        const state = parseHash(hash);
        const where = `${key}: ${value.slice(0, 30)}`;
        assert.deepEqual(Object.keys(state), Object.keys(DEFAULTS), where);
        assert.equal(Object.getPrototypeOf(state), Object.prototype);
        assert.ok(Array.isArray(state.more) && state.more.length <= LIMITS.turns - 2, where);
        for (const text of [state.prompt, state.then, ...state.more]) {
          assert.ok(text.length <= LIMITS.text && text.isWellFormed?.() !== false, where);
          assert.doesNotMatch(text, /[\0\r]/);
        }
        assert.ok(state.alpha >= 0 && state.alpha <= 3 && Number.isInteger(state.alpha * 4), where);
        assert.ok(
          ["h", "random", "custom", "lever"].includes(state.set) &&
            ["auto", "cpu", "gpu"].includes(state.engine),
          where,
        );
        assert.ok(
          Number.isInteger(state.seed) && state.seed >= 0 && state.seed <= LIMITS.seed,
          where,
        );
        assert.ok(
          state.temp >= 0 &&
            state.temp <= 2 &&
            Number.isInteger(state.max) &&
            state.max >= 1 &&
            state.max <= 512,
          where,
        );
        assert.ok(
          state.off.length <= 256 && state.off.flat().every((n) => Number.isFinite(n) && n >= 0),
          where,
        );
        for (const id of ["model", "lever", "lesson", "recorded"])
          assert.match(state[id], /^[a-z0-9._-]{0,80}$/, where);
        assert.equal(typeof state.run, "boolean", where);
      }
    }
  }
  for (const hash of [null, undefined, 1, {}, [], { toString: 1 }, Symbol("x")])
    assert.deepEqual(parseHash(hash), { ...DEFAULTS, off: [] });
  assert.equal({}.polluted, undefined);
});

test("a hostile address does nothing to the page, in full and as an embed", async (t) => {
  const page = await visit(t, "");
  for (const [i, value] of HOSTILE.entries()) {
    const short = value.slice(0, 3000);
    const hash = new URLSearchParams(
      KEYS.filter((key) => key !== "run").map((key) => [key, short]),
    );
    const query =
      i % 2
        ? ""
        : `?${new URLSearchParams({ embed: i % 4 ? short : "1", hide: short, origin: short }).toString().slice(0, 6000)}`;
    await page.goto("about:blank");
    await page.goto(`${site.url}${query}#${hash}`);
    // A prompt that is not recorded shows nothing on the page before Run, and an embed always something.
    if (await page.evaluate(() => "embed" in document.documentElement.dataset))
      await page.waitForSelector("[data-part=lane]");
    else await page.waitForFunction(() => document.querySelector(".credits").textContent);
    assert.equal(
      await page.locator("html").getAttribute("data-state"),
      "recorded",
      short.slice(0, 30),
    );
    assert.equal(await page.locator("main img, main script, main iframe").count(), 0);
    assert.equal(await page.locator("[data-hidden]").count(), 0);
  }
  assert.equal(site.modelRequests().length, 0);
  assert.ok(
    site.requests.every(({ path }) => path.startsWith("/lab/") && !path.includes("..")),
    "no file outside the page is asked for",
  );
});

test("a shared link reproduces every control, and the run, in a new profile", async (t) => {
  const page = await visit(t, "");
  await page.locator(".advanced summary").click();
  await page.locator("#off").fill("16.1515x0.5, 3.877");
  await page.locator("#alpha").fill("1.5");
  await page.locator("#seed").fill("7");
  await page.locator("#temp").fill("0.8");
  await page.locator("#max").fill("9");
  await page.locator("[data-part=engine]").selectOption("cpu");
  await page.locator("[name=set][value=random]").check();
  await ask(page, `${ZORVATH} "é" & <b>\n+1 #`);
  const controls = async (page) => ({
    ...Object.fromEntries(
      await Promise.all(
        [
          "#prompt",
          "#then",
          "#alpha",
          "#off",
          "#seed",
          "#temp",
          "#max",
          "[data-part=engine]",
          "[name=set]:checked",
        ].map(async (name) => [name, await page.locator(name).inputValue()]),
      ),
    ),
  });
  const before = await controls(page);
  assert.equal(before["#alpha"], "1.5");
  const link = new URL(page.url());
  const again = await visit(t, link.hash);
  await again.waitForFunction(() => document.querySelector(".credits").textContent);
  assert.deepEqual(await controls(again), before);
  await again.locator("[data-part=run]").click();
  await again.waitForFunction(() => document.querySelector(".timing").textContent);
  assert.equal(await answer(again, 1), await answer(page, 1));
  const named = await visit(t, "#recorded=nowhere&lesson=control&model=mock");
  await named.waitForSelector("[data-part=lane]"); // the page's own run, since there is no such one
  await named.locator("#alpha").fill("1");
  assert.match(
    named.url(),
    /model=mock&lesson=control&recorded=nowhere/,
    "keys of other parts are kept",
  );
});

const saved = async (page, name) => {
  const [download] = await Promise.all([
    page.waitForEvent("download"),
    page.getByRole("button", { name }).click(),
  ]);
  return { name: download.suggestedFilename(), bytes: await readFile(await download.path()) };
};

test("exports of a live run: JSON that opens again, CSV that parses, SVG and PNG that draw, a citation", async (t) => {
  const page = await visit(t, "", { permissions: ["clipboard-read", "clipboard-write"] });
  await ask(page, 'In what year was the "treaty" of Zorvath = signed?');
  await page.locator(".export summary").click();
  const json = await saved(page, "The whole run, JSON");
  assert.equal(json.name, "hneurons-in-what-year-was-the-treaty-of-zorvath-s-trace.json");
  const trace = fromRecording(JSON.parse(json.bytes));
  assert.equal(trace.text(0), await answer(page, 0));
  assert.deepEqual(
    trace.lanes.map(({ set, alpha, seed, stopped }) => [set, alpha, seed, stopped]),
    [
      ["none", 1, undefined, "eos"],
      ["h", 0, undefined, "eos"],
      ["random", 0, 1, "eos"],
    ],
  );
  assert.deepEqual(
    [trace.about.model.name, trace.about.engine, trace.about.artifact.id],
    ["Mock model", "cpu/simd128", "mock"],
  );
  assert.deepEqual(
    recordingOf(trace),
    JSON.parse(json.bytes),
    "opened and exported again, it is the same",
  );
  const { making } = JSON.parse(json.bytes);
  const today = new Date().toISOString().slice(0, 10);
  assert.deepEqual(
    [making.temperature, making.seed, making.max_tokens, making.date.slice(0, 10)],
    [0, 1, 64, today],
  );
  assert.equal(making.exported.slice(0, 10), today);
  assert.equal(making.link, page.url(), "the link repeats the run");
  assert.equal(trace.edits(1, trace.rows[0]), true);

  const csv = await saved(page, "Contributions, CSV");
  const [head, ...rows] = parseCsv(csv.bytes.toString("utf8"));
  assert.deepEqual(head, [
    "lane",
    "set",
    "alpha",
    "seed",
    "position",
    "part",
    "token",
    "layer",
    "index",
    "contribution",
    "temperature",
    "run_seed",
    "max_tokens",
    "date",
    "link",
    "lever",
  ]);
  assert.deepEqual(rows[0].slice(10), ["0", "1", "64", making.date, making.link, ""]);
  assert.deepEqual(rows[1].slice(10), ["0", "1", "64", making.date, "", ""]);
  const count =
    trace.lanes.reduce((sum, lane) => sum + lane.cells.filter(Boolean).length, 0) *
    trace.rows.length;
  assert.equal(rows.length, count);
  assert.ok(
    rows.every((row) => row.length === 16 && Number.isFinite(Number(row[9])) && row[9] !== ""),
  );
  const one = rows.find((row) => row[0] === "2" && row[5] === "answer");
  assert.equal(
    Number(one[9]),
    trace.contribution(
      2,
      trace.rows.findIndex(([l, i]) => l === Number(one[7]) && i === Number(one[8])),
      Number(one[4]),
    ),
  );
  assert.equal(one[3], "1");
  assert.ok(
    rows.some((row) => row[6] === "' ="),
    "the = of the prompt is not a formula",
  );

  const svg = (await saved(page, "Board, SVG")).bytes.toString("utf8");
  const drawn = await page.evaluate((text) => {
    const root = new DOMParser().parseFromString(text, "image/svg+xml").documentElement;
    return {
      name: root.nodeName,
      text: root.textContent,
      squares: root.querySelectorAll("rect").length,
      scripts: root.querySelectorAll("script, foreignObject, style, image").length,
    };
  }, svg);
  assert.equal(drawn.name, "svg");
  assert.equal(drawn.scripts, 0);
  assert.match(
    drawn.text,
    /H-Neurons off.*“In what year was the "treaty" of Zorvath = signed\?”.*39 neurons, alpha 0 \(silenced\).*Mock model.*artifact mock, provisional/s,
  );
  assert.ok(
    drawn.text.includes(`Temperature 0, seed 1, at most 64 tokens an answer, run on ${today}.`),
  );
  assert.ok(drawn.text.includes(`Link: ${making.link}`));
  assert.ok(drawn.squares > 39 * 20);

  const png = await saved(page, "Board, PNG");
  assert.equal(png.name, "hneurons-in-what-year-was-the-treaty-of-zorvath-s-board-2.png");
  assert.equal(png.bytes.subarray(1, 4).toString(), "PNG");
  const coloured = await page.evaluate(
    async (data) => {
      const image = new Image();
      image.src = data;
      await image.decode();
      const canvas = document.createElement("canvas");
      Object.assign(canvas, { width: image.width, height: image.height });
      const ink = canvas.getContext("2d");
      ink.drawImage(image, 0, 0);
      const { data: pixels } = ink.getImageData(0, 0, canvas.width, canvas.height);
      let count = 0;
      for (let i = 0; i < pixels.length; i += 4) count += pixels[i] - pixels[i + 2] > 60; // pale or dark, all of one hue
      return count;
    },
    `data:image/png;base64,${png.bytes.toString("base64")}`,
  );
  assert.ok(coloured > 1000, `${coloured} pixels of the H-Neurons' hue`);

  await page.getByRole("button", { name: "Copy the citation" }).click();
  await page.getByRole("button", { name: "Copied" }).waitFor();
  assert.match(
    await page.evaluate(() => navigator.clipboard.readText()),
    /@misc\{gao2025hneurons,.*2512\.01797.*@misc\{hneuronlab,.*model Mock model, artifact mock \(provisional\); temperature 0, seed 1, at most 64 tokens an answer/s,
  );
  await page.getByLabel("Plain text").check();
  assert.match(
    await page.locator("#export-citation").inputValue(),
    /^Gao, C\., .*\(2025\)\. H-Neurons: On the Existence, Impact, and Origin of Hallucination-Associated Neurons in LLMs\./,
  );
});

test("a recorded run is exported, and embedded, under its name", async (t) => {
  const page = await visit(t, "");
  await page.waitForSelector("[data-part=neuron]");
  await page.locator(".export summary").click();
  await page.getByText("rounded, by 13 % at most").waitFor();
  const trace = fromRecording(JSON.parse((await saved(page, "The whole run, JSON")).bytes));
  assert.deepEqual(
    [trace.about.model.name, trace.about.artifact.id, trace.about.artifact.provisional],
    ["Mock model", "mock", true],
  );
  assert.equal(trace.text(1), await answer(page, 1));
  assert.deepEqual(
    [trace.making.temperature, trace.making.seed, trace.making.max_tokens, trace.making.date],
    [0, 1, 40, undefined],
  );
  assert.match(trace.making.link, /then=I%20don.*max=40&recorded=doubt-meows$/);
  await page.locator("[data-part=alpha]").fill("3");
  await page.locator(".export:not([open])").waitFor();
  await page.locator(".export summary").click();
  assert.equal(
    fromRecording(JSON.parse((await saved(page, "The whole run, JSON")).bytes)).lanes[1].alpha,
    3,
    "what is shown is exported",
  );
  await page.locator("#embed-open").click();
  await page.waitForSelector("dialog[open] #embed-frame");
  assert.match(
    await page.locator("#embed-element").inputValue(),
    /<h-neurons alpha="3" recorded="doubt-meows">/,
  );
  assert.match(
    await page.locator("#embed-frame").inputValue(),
    /#alpha=3&amp;recorded=doubt-meows"/,
  );
});

test("exports are made of whatever a trace holds, and nothing in them runs", () => {
  const json = fakeTrace();
  const bad = [
    "=1+1",
    "+1",
    "-1",
    "@x",
    "\t=1",
    "\r=1",
    '"quoted"',
    "a,b",
    "a\nb",
    "<script>alert(1)</script>",
    "\0",
    "\ud800",
    "]]>",
    "&amp;",
    "＝1",
  ];
  json.messages[0].content = '<script>alert("1")</script>\0\ud800 ]]> ../..\\con:*?';
  bad.forEach((text, i) => (json.lanes[0].tokens[i].text = text));
  json.lanes[0].tokens = json.lanes[0].tokens.slice(0, bad.length);
  const trace = fromRecording(json);
  const text = JSON.stringify(recordingOf(trace));
  assert.equal(JSON.stringify(recordingOf(fromRecording(JSON.parse(text)))), text);
  const rows = parseCsv(csvOf(trace));
  const tokens = [
    ...new Set(rows.filter((row) => row[0] === "0" && row[5] === "answer").map((row) => row[6])),
  ];
  assert.deepEqual(tokens.slice(0, 9), [
    "'=1+1",
    "'+1",
    "'-1",
    "'@x",
    "'\t=1",
    "'\r=1",
    '"quoted"',
    "a,b",
    "a\nb",
  ]);
  assert.ok(rows.every((row) => !/^[=+\-@]/.test(row[6])));
  assert.equal(field('say "x", y'), '"say ""x"", y"');
  const svg = boardSvg({
    trace,
    lane: 0,
    columns: trace.lanes[0].tokens.map(({ text }, i) => ({
      at: trace.prompt.length + i,
      text,
      segment: "a",
      label: "A",
    })),
    title: "<b>",
    lines: [json.messages[0].content],
    artifact: null,
  });
  assert.doesNotMatch(svg, /<script|\0|]]>|<b>/);
  assert.ok(svg.isWellFormed?.() !== false);
  assert.equal(fileName(trace, "trace", "json"), "hneurons-script-alert-1-script-con-trace.json");
  for (const prompt of ["", "...", "/", "😀", "\0"])
    assert.equal(
      fileName({ messages: [{ role: "user", content: prompt }] }, "board", "png"),
      "hneurons-run-board.png",
    );
  assert.ok(
    Buffer.byteLength(
      fileName({ messages: [{ role: "user", content: "𠀀".repeat(500) }] }, "board", "png"),
    ) < 255,
  );
  for (const value of [0.1, 1 / 3, 1e-30, 0, 123456789, Math.fround(0.1), Math.fround(1 / 3)]) {
    if (Math.fround(value) === value) assert.equal(Math.fround(shortest(value)), value);
    else assert.equal(shortest(value), value);
  }
  assert.equal(attribute("<\"'&\n>"), "&lt;&quot;'&amp;&#10;&gt;");
});

test("the dialog and the export menu are used by keyboard, fit 320 px, and axe has no complaint", async (t) => {
  const axe = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
  for (const [width, colorScheme] of [
    [1280, "light"],
    [320, "dark"],
  ]) {
    const page = await visit(t, "", {
      viewport: { width, height: 800 },
      colorScheme,
      bypassCSP: true,
    });
    await page.waitForSelector("[data-part=neuron]");
    await page.evaluate(axe);
    const check = async (where) => {
      const found = await page.evaluate(
        async () =>
          (
            await window.axe.run({
              runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
            })
          ).violations,
      );
      assert.deepEqual(
        found.map(({ id, nodes }) => `${id}: ${nodes[0].html.slice(0, 160)}`),
        [],
        `${where}, ${width} ${colorScheme}`,
      );
      assert.equal(
        await page.evaluate(() =>
          Math.max(
            ...[document.documentElement, document.querySelector("dialog")].map(
              (e) => e.scrollWidth - e.clientWidth,
            ),
          ),
        ),
        0,
        where,
      );
    };
    await page.locator(".export summary").press("Enter");
    await page.waitForSelector("#export-citation");
    await check("exports");
    await page.locator("#embed-open").press("Enter");
    await page.waitForSelector("dialog[open] #embed-frame");
    await check("dialog");
    await page.keyboard.press("Escape");
    await page.waitForSelector("dialog:not([open])", { state: "attached" });
    assert.equal(await page.evaluate(() => document.activeElement.id), "embed-open");
  }
});

/** RFC 4180, by the letter. */
function parseCsv(text) {
  const rows = [[]];
  const pattern = /(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r\n|$)/gy;
  while (pattern.lastIndex < text.length) {
    const match = pattern.exec(text);
    assert.ok(match, `not CSV at ${text.slice(pattern.lastIndex, pattern.lastIndex + 40)}`);
    rows.at(-1).push(match[1] === undefined ? match[2] : match[1].replaceAll('""', '"'));
    if (match[3] === "\r\n") rows.push([]);
  }
  assert.deepEqual(rows.pop(), [], "the last line ends");
  return rows;
}
