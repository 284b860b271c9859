// The model by way of networks that answer with something else, by the visitor's own hand, and without a secure connection.

import assert from "node:assert/strict";
import { createServer } from "node:http";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { chromium } from "playwright-core";
import { chrome } from "./browser.mjs";
import { eventually } from "./eventually.mjs";
import { answer, ask, ended, launch, message, state, ZORVATH } from "./mock/browser.mjs";
import { MODEL, serve, SHA } from "./mock/server.mjs";

let browser, folder;
before(async () => {
  browser = await launch();
  folder = await mkdtemp(join(tmpdir(), "hneurons-"));
});
after(async () => {
  await browser.close();
  await rm(folder, { recursive: true });
});

const HUB = "https://huggingface.co/mock/mock.gguf";
const onHub = (made) => ({ ...made, model: { ...made.model, urls: [HUB] } });

/** A host of another origin that stands in for the hub; `answers(request, response)`. Gives a prelude that sends fetches there. */
async function hubOf(t, answers) {
  const server = createServer(answers);
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  t.after(() => (server.closeAllConnections(), server.close()));
  const origin = `http://127.0.0.1:${server.address().port}`;
  return {
    origin,
    prelude: `{
      const real = self.fetch;
      self.fetch = (url, how) => real(String(url).replace("https://huggingface.co", "${origin}"), how);
    }`,
  };
}

async function visit(t, { hub, ...options } = {}) {
  const preludes = hub ? { "www/worker/worker.js": (await hubOf(t, hub)).prelude } : {};
  // The stand-in for the hub has an address of this machine, to which the page's policy lets nobody; hosts need not send one.
  const standIn = hub && { artifact: onHub, preludes, policy: null };
  const site = await serve({ ...standIn, ...options });
  const context = await browser.newContext({ serviceWorkers: "block" });
  t.after(async () => {
    await context.close();
    await site.close();
  });
  const page = await context.newPage();
  await page.goto(site.url);
  await page.waitForSelector("[data-part=lane]");
  return { site, context, page };
}

async function begin(page) {
  await page.fill("[data-part=prompt]", ZORVATH);
  await page.press("[data-part=prompt]", "Enter");
}

async function refused(page) {
  await begin(page);
  await state(page, "error", 30_000);
  const said = await message(page);
  assert.match(said, /choose the file yourself/i);
  assert.equal(await page.getByRole("button", { name: "Choose the file" }).count(), 1);
  return said;
}

async function chooseFile(page, name, content) {
  const path = join(folder, name);
  await writeFile(path, content);
  const [chooser] = await Promise.all([
    page.waitForEvent("filechooser"),
    page.getByRole("button", { name: "Choose the file" }).click(),
  ]);
  await chooser.setFiles(path);
}

const files = (page) =>
  page.evaluate(async () => {
    const dir = await (
      await navigator.storage.getDirectory()
    ).getDirectoryHandle("models", { create: true });
    return (await Array.fromAsync(dir.keys())).sort();
  });

// ---- Networks ----

const OPEN = { "Access-Control-Allow-Origin": "*" };

test("the worker tells the model's host nothing of where it is asked from", async (t) => {
  const referrers = [];
  const { page } = await visit(t, {
    faults: { missing: true },
    hub: ({ headers }, response) => {
      referrers.push(headers.referer ?? null);
      response.writeHead(200, OPEN).end(MODEL);
    },
  });
  await begin(page);
  await ended(page);
  assert.deepEqual(referrers, [null]);
});

test("a filter's web page of the model's own length is called what it is, and is not downloaded twice", async (t) => {
  const { page, site } = await visit(t, { faults: { filter: true } });
  assert.match(await refused(page), /next to the page: a web page instead of the model file/);
  assert.equal(site.modelRequests().length, 1);
});

for (const [status, words] of [
  [403, /HTTP 403: a login or a filter/],
  [511, /HTTP 511: a login or a filter/],
])
  test(`a network that answers ${status} is said to want a login, at once`, async (t) => {
    const { page, site } = await visit(t, { faults: { status } });
    assert.match(await refused(page), words);
    assert.equal(site.modelRequests().length, 1);
  });

test("a login page on another host is named with that host", async (t) => {
  const { origin } = await hubOf(t, (_, response) =>
    response.writeHead(200, { ...OPEN, "Content-Type": "text/html" }).end("<title>Log in</title>"),
  );
  const { page } = await visit(t, {
    faults: { missing: true },
    hub: (_, response) => response.writeHead(302, { ...OPEN, Location: `${origin}/login` }).end(),
  });
  const said = await refused(page);
  assert.match(said, /huggingface\.co: a web page of 127\.0\.0\.1:\d+, to which it sends on/);
  assert.ok(said.includes(new URL(origin).host), said);
});

for (const [name, status, headers] of [
  ["a 302", 302, { Location: "/login" }],
  ["a web page", 200, { "Content-Type": "text/html" }],
])
  test(`${name} without the permission to read it is not called a missing connection`, async (t) => {
    const { page } = await visit(t, {
      faults: { missing: true },
      hub: ({ url }, response) =>
        response.writeHead(url === "/login" ? 200 : status, headers).end("<title>Log in</title>"),
    });
    assert.match(
      await refused(page),
      /huggingface\.co: it answers, but not as a model’s host does: a login or a filter/,
    );
  });

// ---- The visitor's own file ----

test("the file that the visitor chooses is verified like any other, kept, and runs", async (t) => {
  const { page, site, context } = await visit(t, { faults: { missing: true } });
  await refused(page);
  await chooseFile(page, "short.gguf", MODEL.subarray(1));
  await page.waitForFunction(() =>
    /short\.gguf/.test(document.querySelector(".message").textContent),
  );
  assert.match(
    await message(page),
    /“short\.gguf” is not the model: it has 2999999 bytes, not 3000000\. Choose the file mock\.gguf/,
  );
  const wrong = Buffer.from(MODEL);
  wrong[1_000_000] ^= 1;
  await chooseFile(page, "wrong.gguf", wrong);
  await page.waitForFunction(() =>
    /wrong\.gguf/.test(document.querySelector(".message").textContent),
  );
  assert.match(await message(page), /“wrong\.gguf” is not the model: its hash differs/);
  assert.ok(!(await files(page)).includes(`${SHA}.gguf`), "neither was kept");
  await chooseFile(page, "right.gguf", MODEL);
  await ended(page);
  assert.match(await answer(page, 1), /I cannot give you a year/);
  assert.deepEqual(await files(page), [`${SHA}.gguf`]);
  const before = site.modelRequests().length;
  await page.close();
  const second = await context.newPage();
  await second.goto(site.url);
  await second.waitForSelector("[data-part=lane]");
  await ask(second);
  assert.equal(site.modelRequests().length, before, "the next visit has it");
});

// ---- What is kept ----

test("models that nobody names are removed, and only those", async (t) => {
  const { page, context, site } = await visit(t);
  const sha = (digit) => digit.repeat(64);
  await page.evaluate(async ([whole, part, busy, named]) => {
    const dir = await (
      await navigator.storage.getDirectory()
    ).getDirectoryHandle("models", { create: true });
    for (const name of [
      `${whole}.gguf`,
      `${part}.gguf.part`,
      `${part}.ok`,
      `${busy}.gguf`,
      `${named}.gguf`,
      "notes.txt",
    ])
      await dir.getFileHandle(name, { create: true });
    // Another deployment on this origin names one.
    localStorage.setItem(
      "hneurons-models /elsewhere/",
      JSON.stringify({ named: [named], at: Date.now() }),
    );
  }, ["a", "b", "c", "d"].map(sha));
  // Another tab is at one of them.
  const other = await context.newPage();
  await other.goto(`${site.url}www/icon.svg`);
  await other.evaluate(
    (sha) =>
      new Promise((begun) =>
        navigator.locks.request(`hneurons-model ${sha}`, { mode: "shared" }, () => {
          begun();
          return new Promise(() => {});
        }),
      ),
    sha("c"),
  );
  await ask(page);
  const left = [`${SHA}.gguf`, `${sha("c")}.gguf`, `${sha("d")}.gguf`, "notes.txt"].sort();
  await eventually(async () => (await files(page)).join() === left.join());
});

// ---- Without a secure connection ----

test("at an address without TLS the page says what it lacks, and the CPU run works", async (t) => {
  const site = await serve();
  const { port } = new URL(site.url);
  const insecure = await chromium.launch({
    executablePath: chrome(),
    args: ["--no-sandbox", "--host-resolver-rules=MAP class.test 127.0.0.1"],
  });
  t.after(async () => {
    await insecure.close();
    await site.close();
  });
  const page = await insecure.newPage();
  const troubles = [];
  page.on("pageerror", (error) => troubles.push(error.message));
  page.on("console", (line) => line.type() === "error" && troubles.push(line.text()));
  await page.goto(`http://class.test:${port}/`);
  await page.waitForSelector("[data-part=lane]");
  assert.deepEqual(
    await page.evaluate(() => [
      isSecureContext,
      typeof caches,
      navigator.gpu,
      navigator.storage,
      navigator.locks,
      navigator.serviceWorker,
    ]),
    [false, "undefined", undefined, undefined, undefined, undefined],
  );
  await page.evaluate(() => (location.hash = "#engine=gpu"));
  await ask(page);
  assert.match(await answer(page, 1), /I cannot give you a year/);
  assert.match(await page.locator("[data-part=status]").innerText(), /^CPU/);
  assert.match(await page.locator("#engine-words").textContent(), /The GPU is not used/);
  await page.waitForFunction(() =>
    /^All 46,080/.test(document.querySelector(".map-note")?.textContent),
  );
  await page.click("[data-part=share]");
  assert.match(await message(page), /does not let the page copy\. Here is the link: http/);
  await page.evaluate(() => (document.querySelector(".timing").textContent = ""));
  await ask(page);
  assert.equal(site.modelRequests().length, 1, "the model stays in memory for this visit");
  assert.deepEqual(troubles, []);
});

// ---- Back and forward ----

/** What a page says of itself, in a place that another tab can read. */
function report() {
  const say = (persisted) => {
    const { state } = document.documentElement.dataset;
    const text = (selector) => document.querySelector(selector)?.textContent ?? "";
    const value = document.querySelector("#prompt")?.value;
    if (state)
      localStorage.setItem(
        "report",
        JSON.stringify({
          persisted,
          state,
          value,
          timing: text(".timing"),
          message: text(".message p"),
        }),
      );
  };
  let persisted = false;
  window.addEventListener("pageshow", (event) => (persisted = event.persisted));
  setInterval(() => say(persisted), 50);
}

for (const [name, faults, moment] of [
  ["a run", {}, () => document.documentElement.dataset.state === "running"],
  [
    "a download",
    { slow: 60 },
    () => /[1-9]\d %/.test(document.querySelector("[data-phase=download] .amount")?.textContent),
  ],
])
  test(`the page is left in the middle of ${name}, and comes back: alive, or begun again`, async (t) => {
    const site = await serve({ faults });
    const cached = await chromium.launch({
      executablePath: chrome(),
      args: ["--no-sandbox"],
      ignoreDefaultArgs: ["--disable-back-forward-cache"],
    });
    t.after(async () => {
      await cached.close();
      await site.close();
    });
    const context = await cached.newContext({ serviceWorkers: "block" });
    await context.addInitScript(report);
    const watcher = await context.newPage();
    await watcher.goto(`${site.url}www/manifest.webmanifest`);
    const page = await context.newPage();
    await page.goto(site.url);
    await page.waitForSelector("[data-part=lane]");
    const long = `${ZORVATH} ${"word ".repeat(400)}`.trim();
    await page.fill("[data-part=prompt]", long);
    await page.press("[data-part=prompt]", "Enter");
    await page.waitForFunction(moment);
    await page.goto(`${site.url}www/manifest.webmanifest`);
    faults.slow = 0;
    await watcher.evaluate(() => localStorage.removeItem("report"));
    // From here on this tab is not touched: what drives it does not know of pages that come back.
    await page.evaluate(() => void setTimeout(() => history.back(), 1200));
    let said;
    await eventually(async () => {
      said = JSON.parse(await watcher.evaluate(() => localStorage.getItem("report")));
      if (!said || said.value !== long) return false;
      return said.persisted ? said.state === "ready" && said.timing : said.state === "recorded";
    }, 40_000);
    t.diagnostic(said.persisted ? "the browser had kept the page" : "the browser opened it again");
  });
