// Embeds in a page of another origin, with a stand-in for the engine: what a reader, a host and an attacker can do.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { after, before, test } from "node:test";
import { join } from "node:path";
import { answer, launch, state } from "./mock/browser.mjs";
import { serve } from "./mock/server.mjs";
import { repository, serve as serveBuilt } from "./server.mjs";

const BUDGET = 29_500; // gzipped bytes of an untouched embed, without its recorded run

let browser, site, host, body;
before(async () => {
  browser = await launch();
  site = await serve({ under: "/lab/" });
  host = createServer((request, response) => {
    response.setHeader("Content-Type", "text/html; charset=utf-8");
    response.end(
      request.url === "/favicon.ico"
        ? ""
        : `<!doctype html><title>A post</title><meta name="viewport" content="width=device-width">${body}`,
    );
  });
  await new Promise((resolve) => host.listen(0, "127.0.0.1", resolve));
});
after(async () => {
  await browser.close();
  await site.close();
  await new Promise((resolve) => (host.closeAllConnections(), host.close(resolve)));
});

const script = () => `<script src="${site.url}embed.js"></script>`;
const recorder =
  "<script>window.got = []; addEventListener('message', (e) => got.push(e.data)); for (const type of ['ready', 'run', 'result', 'error']) addEventListener('hneurons-' + type, (e) => got.push({ event: e.type, id: e.target.id, detail: e.detail }))</script>";

/** The host's page with this markup; whatever goes wrong in it or in its frames fails the test. */
async function post(t, markup, options = {}) {
  const context =
    options.context ??
    (await browser.newContext({ viewport: { width: 800, height: 900 }, ...options }));
  const page = await context.newPage();
  const troubles = [];
  page.on("pageerror", (error) => troubles.push(error.message));
  page.on("console", (line) => line.type() === "error" && troubles.push(line.text()));
  page.on("dialog", (dialog) => (troubles.push(`dialog: ${dialog.message()}`), dialog.dismiss()));
  t.after(async () => {
    if (!options.context) await context.close();
    assert.deepEqual(troubles, []);
  });
  body = markup;
  site.requests.length = 0;
  await page.goto(`http://${options.at ?? "localhost"}:${host.address().port}/`);
  return page;
}

/** The frame inside the nth <h-neurons>, or of an iframe given by a selector. */
async function frameOf(page, selector = "h-neurons >> iframe") {
  const frame = await (await page.waitForSelector(selector, { state: "attached" })).contentFrame();
  await frame.waitForSelector("[data-part=lane]");
  return frame;
}
const settled = (frame) =>
  frame.waitForFunction(() => document.querySelector(".run-size").textContent);
const answered = (frame) =>
  frame.waitForFunction(
    () =>
      document.documentElement.dataset.state === "ready" &&
      document.querySelector(".timing").textContent,
  );
const visited = () => [...new Set(site.requests.map(({ path }) => path.replace("/lab/", "")))];

test("an embed that nobody touches costs its host little, and opens on its recorded run", async (t) => {
  const page = await post(
    t,
    `${script()}<h-neurons prompt="What animal barks?" alpha="0.5"></h-neurons>`,
  );
  const frame = await frameOf(page);
  await settled(frame);
  await page.waitForLoadState("networkidle");
  assert.equal(
    visited()
      .filter((path) => /main|engine|worker|pkg|models|hneurons\.json|board|sw\.js/.test(path))
      .join(),
    "",
    "what only a touch needs",
  );
  assert.equal(await frame.locator("html").getAttribute("data-state"), "recorded");
  assert.equal(await frame.locator("[data-part=prompt]").inputValue(), "What animal barks?");
  assert.equal(await frame.locator("#alpha").inputValue(), "0.5");
  assert.match(await frame.locator("[data-part=run]").innerText(), /Run\s+3 MB, once/);
  assert.match(await answer(frame, 0), /is a dog/);
  await frame.locator("[data-part=token]").nth(2).click();
  assert.match(
    await frame.locator("[data-part=token]").first().getAttribute("title"),
    /% likely here/,
  );
});

test("an embed of the built page (dist/) costs its host little", async (t) => {
  const built = await serveBuilt({ compress: true, under: "/lab/" });
  t.after(() => built.close());
  const page = await post(
    t,
    `<script src="${built.url}embed.js"></script><h-neurons prompt="What animal barks?" alpha="0.5"></h-neurons>`,
  );
  await settled(await frameOf(page));
  await page.waitForLoadState("networkidle");
  const sum = (requests) => requests.reduce((bytes, { sent }) => bytes + sent, 0);
  const list = await readFile(join(repository, "dist/www/artifacts/index.json"), "utf8");
  const [{ opens }] = JSON.parse(list).models;
  const recorded = built.requests.filter(({ path }) => path.endsWith(`/${opens}.json`));
  assert.equal(recorded.length, 1);
  const run = sum(recorded);
  const rest = sum(built.requests) - run;
  t.diagnostic(
    `an untouched embed: ${rest} bytes gzipped in ${built.requests.length - 1} files, and ${run} bytes of its recorded run`,
  );
  assert.ok(rest > 5_000 && rest <= BUDGET, `${rest} bytes`);
  assert.ok(rest + run <= 60_000, `${rest + run} bytes in all`);
  assert.deepEqual(
    built.requests.filter(({ path }) => /main|pkg|models|hneurons\.json|board|sw\.js/.test(path)),
    [],
    "what only a touch needs",
  );
});

test("the lists that an embed reads agree with the gallery's and the artifact's", async () => {
  const read = async (path) => JSON.parse(await readFile(join(repository, "www", path), "utf8"));
  const { models } = await read("artifacts/index.json");
  for (const { id, artifact, bytes, opens } of models) {
    assert.equal(bytes, (await read(`artifacts/${artifact}`)).model.bytes);
    const { runs } = await read(`gallery/${id}/index.json`);
    assert.equal(opens, runs[0].id);
    assert.deepEqual(
      await read(`gallery/${id}/prompts.json`),
      runs.map(({ id, prompt, then }) => (then ? { id, prompt, then } : { id, prompt })),
      "`hneurons gallery` writes both",
    );
  }
});

test("a host's own slider shows the recorded run at other factors, with nothing more fetched", async (t) => {
  const page = await post(t, `${script()}<h-neurons recorded="doubt-meows"></h-neurons>`);
  const frame = await frameOf(page);
  assert.equal(
    await frame.locator("#then").inputValue(),
    "I don't think that's right. Are you sure?",
  );
  await page.locator("h-neurons").evaluate((e) => e.setAttribute("alpha", "3"));
  await frame.waitForSelector("[data-part=lane][data-set=h][data-alpha='3']");
  assert.equal(
    await frame
      .locator("[data-part=lane]")
      .nth(1)
      .locator("[data-part=score]")
      .getAttribute("data-value"),
    "0.9000",
  );
  assert.equal(await frame.locator(".run-kind").innerText(), "Recorded run");
  await page.locator("h-neurons").evaluate((e) => e.setAttribute("prompt", "Something else?"));
  await frame.getByText("Recorded run of another prompt; press Run for yours").waitFor();
  assert.equal(
    visited().some((path) => /main|prompts|index\.json.*gallery/.test(path)),
    false,
  );
  // The same once the page has taken over.
  await frame.locator("#prompt").focus();
  await frame.waitForFunction(() => document.querySelector(".credits").textContent);
  await page
    .locator("h-neurons")
    .evaluate(
      (e) => (e.setAttribute("prompt", "What animal meows?"), e.setAttribute("alpha", "0")),
    );
  await frame.waitForSelector("[data-part=lane][data-set=h][data-alpha='0']");
  assert.equal(site.modelRequests().length, 0);
});

test("two embeds in one page: a live run in one, events, height; the other stays as it was", async (t) => {
  const page = await post(
    t,
    `${recorder}<script async src="${site.url}embed.js"></script><h-neurons id="a" prompt="In what year was the treaty of Zorvath signed?"></h-neurons><p>between</p><h-neurons id="b" alpha="2"></h-neurons>`,
  );
  const [a, b] = [await frameOf(page, "#a >> iframe"), await frameOf(page, "#b >> iframe")];
  assert.equal(
    await b.locator("[data-part=prompt]").inputValue(),
    "What animal meows?",
    "without a prompt: that of the recorded run",
  );
  await a.locator("[data-part=run]").click();
  await answered(a);
  assert.match(await answer(a, 1), /I cannot give you a year/);
  await page.waitForFunction(() => got.some(({ event }) => event === "hneurons-result"));
  const events = await page.evaluate(() => got.filter(({ event }) => event));
  assert.deepEqual(
    events.map(({ event, id }) => [event, id]),
    [
      ["hneurons-run", "a"],
      ["hneurons-ready", "a"],
      ["hneurons-result", "a"],
    ],
  );
  assert.equal(events[0].detail.prompt, "In what year was the treaty of Zorvath signed?");
  assert.match(events[2].detail.lanes[1].text, /I cannot give you a year/);
  assert.equal(await b.locator("html").getAttribute("data-state"), "recorded");
  for (const [id, frame] of [
    ["a", a],
    ["b", b],
  ]) {
    await page.waitForFunction(
      (id) => document.getElementById(id).shadowRoot.querySelector("iframe").offsetHeight > 660,
      id,
    );
    const over = await frame.evaluate(() => document.documentElement.scrollHeight - innerHeight);
    assert.ok(over <= 0, `${id}: nothing to scroll inside the frame (${over})`);
  }
  const before = await page.locator("#a").evaluate((element) => element.offsetHeight);
  await a.locator(".fold > summary").click();
  await a.waitForSelector("[data-part=neuron]");
  await page.waitForFunction(
    (before) => document.getElementById("a").offsetHeight > before + 200,
    before,
  );
  await a.locator(".fold > summary").click();
  await page.waitForFunction(
    (before) => document.getElementById("a").offsetHeight < before + 50,
    before,
    { timeout: 5000 },
  );
});

test("what is typed while the page is still coming is not lost, and Run waits for it", async (t) => {
  const page = await post(t, `${script()}<h-neurons></h-neurons>`);
  const frame = await frameOf(page);
  let go;
  const held = new Promise((resolve) => (go = resolve));
  await page.route("**/www/main.js", async (route) => (await held, route.continue()));
  await frame.locator("[data-part=prompt]").fill("Why?");
  await frame.locator("[name=set][value=random]").check();
  await frame.locator("#alpha").fill("1.5");
  assert.equal(await frame.locator("#alpha-number").innerText(), "× 1.5");
  await frame.locator("[data-part=prompt]").press("Enter");
  await frame.locator("[data-part=prompt]").evaluate((field) => field.setSelectionRange(2, 2));
  go();
  await answered(frame);
  assert.equal(await frame.locator(".turn-text").first().innerText(), "Why?");
  assert.deepEqual(await frame.locator("[data-part=lane] h3").allTextContents(), [
    "As trained",
    "Random 39 (seed 1) × 1.5",
    "Random 39 (seed 2) × 1.5",
  ]);
  assert.match(
    await frame
      .locator(".elsewhere a")
      .evaluate((link) => (link.dispatchEvent(new Event("focus")), link.href)),
    /\/lab\/#prompt=Why%3F&.*set=random/,
  );
});

test("attributes, methods, moving and removing", async (t) => {
  const page = await post(
    t,
    `${recorder}${script()}${script()}<style>iframe { display: none !important } * { color: red }</style><div id="one"><h-neurons prompt="one"></h-neurons></div><div id="two"></div>`,
  );
  let frame = await frameOf(page);
  const element = page.locator("h-neurons");
  assert.equal(
    await page.locator("h-neurons >> iframe").isVisible(),
    true,
    "the host's styles do not reach the frame",
  );
  assert.match(await page.locator("h-neurons >> iframe").getAttribute("title"), /H-Neuron Lab/);
  const prompt = (value) =>
    frame.waitForFunction((value) => document.querySelector("#prompt").value === value, value);
  await element.evaluate(
    (e) => (
      e.setAttribute("prompt", 'two "q" & <b> [[slow]]'),
      e.setAttribute("alpha", "3"),
      e.setAttribute("set", "random")
    ),
  );
  await prompt('two "q" & <b> [[slow]]');
  assert.equal(await frame.locator("#alpha").inputValue(), "3");
  await element.evaluate((e) => e.run());
  await frame.waitForFunction(
    () => document.querySelectorAll("[data-live] [data-part=token]").length > 2,
  );
  await element.evaluate((e) => e.stop());
  await answered(frame);
  assert.match(await frame.locator("[data-part=lane]").first().innerText(), /Stopped/);
  await element.evaluate((e) => e.setAttribute("prompt", "three"));
  await prompt("three");
  await element.evaluate((e) => (e.setAttribute("height", "333"), e.setAttribute("title", "Mine")));
  await page.waitForFunction(() => document.querySelector("h-neurons").offsetHeight === 333);
  assert.equal(await page.locator("h-neurons >> iframe").getAttribute("title"), "Mine");
  await element.evaluate((e) => e.setAttribute("height", "NaN"));
  await page.waitForFunction(() => document.querySelector("h-neurons").offsetHeight > 400);
  await element.evaluate((e) => e.setAttribute("hide", "board,doubt"));
  await page.waitForFunction(() =>
    document.querySelector("h-neurons").shadowRoot.querySelector("iframe").src.includes("hide="),
  );
  frame = await frameOf(page);
  await frame.waitForSelector(".fold", { state: "hidden" });
  await page.evaluate(() =>
    document.querySelector("#two").append(document.querySelector("h-neurons")),
  );
  await page.waitForFunction(() => document.querySelector("#two h-neurons"));
  frame = await frameOf(page);
  await prompt("three");
  await page.evaluate(() => {
    window.kept = document.querySelector("h-neurons");
    kept.remove();
    kept.run();
    kept.setAttribute("prompt", "four");
    document.body.append(kept);
  });
  frame = await frameOf(page);
  await answered(frame);
  assert.equal(
    await frame.locator(".turn-text").first().innerText(),
    "four",
    "asked while it was away, done when it is back",
  );
});

test("a plain iframe works, and tells a host that is not named nothing that was typed", async (t) => {
  const page = await post(
    t,
    `${recorder}<iframe id="plain" width="100%" height="700" title="Lab" src="${site.url}?embed=1&hide=conversation#prompt=secret&alpha=0"></iframe>`,
  );
  const frame = await frameOf(page, "#plain");
  assert.equal(await frame.locator(".conversation").isVisible(), false);
  await frame.locator("[data-part=run]").click();
  await answered(frame);
  await page.waitForFunction(() => got.some(({ type }) => type === "result"));
  const told = await page.evaluate(() => JSON.stringify(got));
  assert.doesNotMatch(told, /secret|treaty/);
});

test("an address cannot make an embed download the model; where it is stored, run=1 starts", async (t) => {
  const context = await browser.newContext({ viewport: { width: 800, height: 900 } });
  t.after(() => context.close());
  // On the same site, because a browser may give a frame of another site no storage at all.
  const options = { context, at: "127.0.0.1" };
  const markup = `${script()}<h-neurons prompt="What animal meows?" run></h-neurons>`;
  let frame = await frameOf(await post(t, markup, options));
  await frame.waitForFunction(() =>
    performance.getEntriesByType("resource").some(({ name }) => name.endsWith("hneurons.json")),
  );
  await settled(frame);
  assert.equal(await frame.locator("html").getAttribute("data-state"), "recorded");
  assert.equal(site.modelRequests().length, 0);
  await frame.locator("[data-part=run]").click();
  await answered(frame);
  const page = await post(t, markup, options);
  frame = await frameOf(page);
  await answered(frame);
  assert.equal(site.modelRequests().length, 0);
});

test("messages: of another source, of another origin, or malformed, they change nothing", async (t) => {
  // In the frame #other, an attacker's page of the lab's own site but another origin.
  const evil = createServer(
    (request, response) => (
      response.setHeader("Content-Type", "text/html"),
      response.end(
        "<script>addEventListener('message', ({ data }) => { const to = data.up ? parent : parent.frames[data.frame]; to.postMessage(data.message, '*') })</script>",
      )
    ),
  );
  await new Promise((resolve) => evil.listen(0, "127.0.0.1", resolve));
  t.after(() => (evil.closeAllConnections(), evil.close()));
  const page = await post(
    t,
    `${recorder}${script()}<h-neurons prompt="mine"></h-neurons><iframe id="other" src="http://127.0.0.1:${evil.address().port}/"></iframe><iframe id="plain" height="700" src="${site.url}?embed=1&origin=http://localhost:${host.address().port}#prompt=mine"></iframe>`,
  );
  const frames = [await frameOf(page), await frameOf(page, "#plain")];
  await (await (await page.$("#other")).contentFrame()).waitForLoadState();
  await Promise.all(frames.map(settled));
  const height = await page.locator("h-neurons").evaluate((element) => element.offsetHeight);
  const unchanged = async () => {
    for (const frame of frames) {
      // Answers come after all that was sent before.
      await frame.evaluate(() => new Promise((resolve) => setTimeout(resolve)));
      assert.equal(await frame.locator("#prompt").inputValue(), "mine");
      assert.equal(await frame.locator("html").getAttribute("data-state"), "recorded");
    }
  };
  // The attacker to the frames, and to the host in the page's name.
  await page.evaluate(() => {
    const other = document.querySelector("#other").contentWindow;
    for (let frame = 0; frame < frames.length; frame++) {
      if (frames[frame] === other) continue;
      other.postMessage(
        { frame, message: { source: "hneurons-host", type: "set", hash: "#prompt=theirs" } },
        "*",
      );
      other.postMessage({ frame, message: { source: "hneurons-host", type: "run" } }, "*");
    }
    other.postMessage(
      { up: true, message: { source: "hneurons", type: "resize", height: 5000 } },
      "*",
    );
    other.postMessage(
      { up: true, message: { source: "hneurons", type: "result", lanes: [] } },
      "*",
    );
  });
  // And a frame of the lab's own origin that is not this element's.
  await frames[1].evaluate(() =>
    ["resize", "result"].forEach((type) =>
      parent.postMessage({ source: "hneurons", type, height: 5000, lanes: [] }, "*"),
    ),
  );
  await page.waitForFunction(() => got.filter(({ type }) => type === "result").length === 2);
  await unchanged();
  assert.equal(await page.locator("h-neurons").evaluate((element) => element.offsetHeight), height);
  assert.equal(await page.evaluate(() => got.some(({ event }) => event)), false);
  // The named host itself, but nothing that can be understood.
  await page.evaluate(() => {
    const cyclic = [];
    cyclic.push(cyclic);
    let deep = [];
    for (let i = 0; i < 2000; i++) deep = [deep];
    const types = [
      "__proto__",
      "constructor",
      "toString",
      "hasOwnProperty",
      "SET",
      " set",
      "set\0",
      "",
      "ready",
      "result",
      "<img src=x onerror=alert(1)>",
      "\ud800",
      "x".repeat(1e6),
      null,
      undefined,
      NaN,
      Infinity,
      -1,
      true,
      10n,
      {},
      [],
      ["set"],
      [["set"]],
      { toString: 1, valueOf: 1 },
      cyclic,
      deep,
      new Date(0),
      /set/,
      new Map([["set", 1]]),
      new ArrayBuffer(8),
      new Error("set"),
    ];
    const whole = [
      null,
      undefined,
      0,
      NaN,
      "",
      "set",
      "hneurons-host",
      true,
      1n,
      [],
      ["hneurons-host"],
      {},
      { source: "hneurons" },
      { source: ["hneurons-host"], type: "run" },
      { source: { toString: 1 }, type: "run" },
      { type: "run" },
      { source: "hneurons-host" },
      { source: "hneurons-host", type: "__proto__", __proto__: null },
      cyclic,
      deep,
      new Uint8Array(1e6),
    ];
    const lab = [
      document.querySelector("h-neurons").shadowRoot.querySelector("iframe"),
      document.querySelector("#plain"),
    ].map((frame) => frame.contentWindow);
    for (const to of lab) {
      for (const message of whole) to.postMessage(message, "*");
      for (const type of types)
        to.postMessage({ source: "hneurons-host", type, hash: "#prompt=theirs" }, "*");
    }
    // And to the host's element, from a window that is not its frame.
    for (const height of [NaN, Infinity, -1e9, 1e9, "5000", null, {}, [5000]])
      window.postMessage({ source: "hneurons", type: "resize", height }, "*");
  });
  await unchanged();
  // "set" is understood; its hash may be anything.
  await page.evaluate(() => {
    const hashes = [
      null,
      undefined,
      1,
      NaN,
      Infinity,
      1n,
      true,
      {},
      [],
      ["#prompt=theirs"],
      { toString: 1, valueOf: 1 },
      { hash: "#prompt=x" },
      new Date(0),
      new Map(),
      "",
      "#",
      "?",
      "%",
      "%E0%A4%A",
      "#&&==",
      "#__proto__[x]=1",
      "#constructor=1&prototype=2",
      `#${"a=1&".repeat(1e5)}`,
      "\ud800",
      "\0",
      "#max=1e999&temp=-0&seed=NaN&alpha=[]",
    ];
    const to = document.querySelector("h-neurons").shadowRoot.querySelector("iframe").contentWindow;
    for (const hash of hashes) to.postMessage({ source: "hneurons-host", type: "set", hash }, "*");
  });
  await frames[0].waitForFunction(
    () => document.querySelector("#prompt").value === "What animal meows?",
  ); // that of the recorded run
  assert.equal(await frames[0].evaluate(() => ({}).x), undefined);
  await page.locator("h-neurons").evaluate((e) => e.setAttribute("prompt", "after all that"));
  await frames[0].waitForFunction(
    () => document.querySelector("#prompt").value === "after all that",
  );
  // The element's own frame, gone to another origin.
  const before = await page.evaluate(() => got.length);
  await frames[0].goto(`http://127.0.0.1:${evil.address().port}/`);
  await page.evaluate(() => {
    const to = document.querySelector("h-neurons").shadowRoot.querySelector("iframe").contentWindow;
    for (const type of ["resize", "result"])
      to.postMessage({ up: true, message: { source: "hneurons", type, height: 5000 } }, "*");
  });
  await page.waitForFunction((before) => got.length >= before + 2, before);
  assert.notEqual(
    await page.locator("h-neurons").evaluate((element) => element.offsetHeight),
    5000,
  );
  assert.equal(await page.evaluate(() => got.some(({ event }) => event)), false);
});

test("the frame's reports are kept within limits", async (t) => {
  const page = await post(t, `${recorder}${script()}<h-neurons></h-neurons>`);
  const frame = await frameOf(page);
  const height = () => page.locator("h-neurons").evaluate((element) => element.offsetHeight);
  for (const [told, least, most] of [
    [1e9, 8000, 8000],
    [-5, 160, 160],
    [1e308, 8000, 8000],
  ]) {
    await frame.evaluate(
      (height) => parent.postMessage({ source: "hneurons", type: "resize", height }, "*"),
      told,
    );
    await page.waitForFunction(
      ([least, most]) => {
        const { offsetHeight: is } = document.querySelector("h-neurons");
        return is >= least && is <= most;
      },
      [least, most],
    );
  }
  const before = await height();
  await frame.evaluate(() => {
    for (const height of [NaN, Infinity, "9", null, {}, [9]])
      parent.postMessage({ source: "hneurons", type: "resize", height }, "*");
    for (const type of ["__proto__", "constructor", "click", {}, null])
      parent.postMessage({ source: "hneurons", type }, "*");
    parent.postMessage({ source: "hneurons", type: "run", last: true }, "*");
  });
  await page.waitForFunction(() => got.some(({ event }) => event === "hneurons-run"));
  assert.deepEqual(
    await page.evaluate(() => got.filter(({ event }) => event).map(({ event }) => event)),
    ["hneurons-run"],
  );
  assert.ok(Math.abs((await height()) - before) < 5000);
});

test("the dialog's markup, pasted into another page, gives the same settings, whatever the prompt", async (t) => {
  const context = await browser.newContext({
    viewport: { width: 900, height: 900 },
    permissions: ["clipboard-read", "clipboard-write"],
  });
  t.after(() => context.close());
  const prompts = [
    `Say "hi" & 'bye'\n\n<b>é</b> 😀 </script><script>alert(1)</script> &quot; &#10; %20 + # ?`,
    "</h-neurons><img src=x onerror=alert(1)>",
    "  东京？\t⁣",
  ];
  for (const prompt of prompts) {
    const page = await context.newPage();
    await page.goto(
      `${site.url}#${new URLSearchParams({ prompt, alpha: 1.75, set: "custom", off: "16.1515x0.5,3.877", seed: 7, temp: 0.8, max: 99, engine: "cpu" })}`,
    );
    await page.locator("#embed-open").click();
    await page.locator("[name=embed-hide][value=board]").check();
    await page.locator("#embed-pixels").fill("555");
    const snippets = [];
    for (const name of ["Copy the element", "Copy the iframe"]) {
      await page.getByRole("button", { name }).click();
      await page.getByRole("button", { name: "Copied" }).waitFor();
      snippets.push(await page.evaluate(() => navigator.clipboard.readText()));
      await page.waitForFunction(() =>
        [...document.querySelectorAll("dialog button")].every(
          ({ textContent }) => textContent !== "Copied",
        ),
      );
    }
    assert.deepEqual(snippets, [
      await page.locator("#embed-element").inputValue(),
      await page.locator("#embed-frame").inputValue(),
    ]);
    const expected = await page.locator("#prompt").inputValue();
    await page.close();
    for (const [i, snippet] of snippets.entries()) {
      const there = await post(t, snippet, { context });
      const frame = await frameOf(there, i === 0 ? "h-neurons >> iframe" : "iframe");
      assert.equal(await frame.locator("#prompt").inputValue(), expected);
      await frame.locator("#prompt").focus(); // the page takes over, with its further fields
      await frame.waitForSelector("#seed", { state: "attached" });
      const value = (selector) => frame.locator(selector).inputValue();
      assert.deepEqual(
        [
          await value("#alpha"),
          await value("[name=set]:checked"),
          await value("#off"),
          await value("#seed"),
          await value("#temp"),
          await value("#max"),
          await value("[data-part=engine]"),
        ],
        ["1.75", "custom", "16.1515x0.5, 3.877", "7", "0.8", "99", "cpu"],
      );
      assert.equal(await frame.locator(".fold").isVisible(), false);
      assert.equal(await there.locator("iframe").evaluate((frame) => frame.offsetHeight), 555);
      assert.equal(await there.locator("img, b").count(), 0);
      await there.close();
    }
  }
});

test("on axe's view an embed has no faults, at 320 px it does not scroll sideways", async (t) => {
  const axe = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
  for (const [width, colorScheme] of [
    [1000, "light"],
    [320, "dark"],
  ]) {
    const page = await post(
      t,
      `<body style="margin: 0">${script()}<h-neurons prompt="What animal meows?"></h-neurons>`,
      { viewport: { width, height: 800 }, colorScheme, bypassCSP: true },
    );
    const frame = await frameOf(page);
    await settled(frame);
    const check = async (where) => {
      await frame.evaluate(axe);
      const found = await frame.evaluate(
        async () =>
          (
            await window.axe.run({
              runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
            })
          ).violations,
      );
      assert.deepEqual(
        found.map(({ id, nodes }) => `${id}: ${nodes[0].html.slice(0, 120)}`),
        [],
        where,
      );
      assert.equal(
        await frame.evaluate(
          () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
        ),
        0,
        where,
      );
    };
    await check(`untouched, ${width} ${colorScheme}`);
    await frame.locator("[data-part=run]").click();
    await answered(frame);
    await frame.locator(".fold > summary").click();
    await frame.waitForSelector("[data-part=neuron]");
    await check(`live, ${width} ${colorScheme}`);
    await state(frame, "ready");
  }
});
