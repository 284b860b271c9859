// Getting the model, and keeping it: networks that fail, storage that is refused, files that are wrong, workers that die.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { cached, eventually } from "./eventually.mjs";
import { answer, ask, ended, launch, message, state, ZORVATH } from "./mock/browser.mjs";
import { MODEL, serve, SHA } from "./mock/server.mjs";

let browser;
before(async () => (browser = await launch()));
after(() => browser.close());

async function visit(t, options = {}) {
  const site = await serve(options);
  const context = await browser.newContext();
  t.after(async () => {
    await context.close();
    await site.close();
  });
  const page = await context.newPage();
  await page.goto(site.url);
  await page.waitForSelector("[data-part=lane]");
  return { site, context, page };
}

async function begin(page, prompt = ZORVATH) {
  await page.fill("[data-part=prompt]", prompt);
  await page.press("[data-part=prompt]", "Enter");
}

const files = (page) =>
  page.evaluate(async () => {
    const dir = await (
      await navigator.storage.getDirectory()
    ).getDirectoryHandle("models", { create: true });
    const found = {};
    for await (const [name, handle] of dir.entries()) found[name] = (await handle.getFile()).size;
    return found;
  });

test("a second visit reads the cache: no request for the model, and none at all when offline", async (t) => {
  const { site, context, page } = await visit(t);
  await ask(page);
  assert.deepEqual(await files(page), { [`${SHA}.gguf`]: MODEL.length });
  assert.equal(site.modelRequests().length, 1);
  // The service worker keeps what this visit used, and the model is not among it (offline.test.mjs has the rest).
  const needed = [
    "/",
    "/files.json",
    "/www/main.js",
    "/www/worker/worker.js",
    "/www/worker/store.js",
    "/www/artifacts/mock/hneurons.json",
    "/pkg/relaxed-simd/hneurons.js",
    "/pkg/relaxed-simd/sha256.js",
  ];
  await eventually(async () => {
    const paths = await cached(page);
    return needed.every((path) => paths.includes(path));
  });
  assert.ok(!(await cached(page)).some((path) => path.startsWith("/models/")));
  await page.close();

  const second = await context.newPage();
  await second.goto(site.url);
  await second.waitForSelector("[data-part=lane]");
  await second.waitForFunction(() =>
    /in this browser/.test(document.querySelector("[data-part=run]").textContent),
  );
  await ask(second);
  assert.equal(site.modelRequests().length, 1);
  await second.close();

  site.faults.offline = true;
  const third = await context.newPage();
  await third.goto(site.url);
  await third.waitForSelector("[data-part=lane]");
  await ask(third);
  assert.match(await answer(third, 1), /I cannot give you a year/);
  assert.equal(site.modelRequests().length, 1);
});

test("a connection cut at 50 % is resumed where it ended", async (t) => {
  const { site, page } = await visit(t, { faults: { cutAt: MODEL.length / 2 } });
  await begin(page);
  await ended(page);
  const ranges = site.modelRequests().map(({ range }) => range);
  assert.equal(ranges.length, 2);
  assert.equal(ranges[0], null);
  const from = Number(/^bytes=(\d+)-$/.exec(ranges[1])[1]);
  assert.ok(from > 0 && from <= MODEL.length / 2, ranges[1]);
});

for (const [name, fault] of [
  ["gives the whole file instead (200)", "ignoreRange"],
  ["refuses the range (416)", "refuseRange"],
  ["gives another range", "wrongRange"],
]) {
  test(`a cut connection, and a host that ${name}: begun anew`, async (t) => {
    const { page } = await visit(t, { faults: { cutAt: MODEL.length / 2, [fault]: true } });
    await begin(page);
    await ended(page, 30_000);
    assert.equal((await files(page))[`${SHA}.gguf`], MODEL.length);
  });
}

test("when tries are used up, Retry goes on from what has arrived; so does a later visit", async (t) => {
  const { site, context, page } = await visit(t, {
    faults: { cutAt: MODEL.length / 2, cutAlways: true },
  });
  await begin(page);
  await state(page, "error", 30_000);
  assert.match(
    await message(page),
    /could not be downloaded.*(4\d|50) % has arrived and is kept.*Retry/,
  );
  const kept = (await files(page))[`${SHA}.gguf.part`];
  assert.ok(kept > 1_000_000);
  await page.close();
  delete site.faults.cutAt;
  const before = site.modelRequests().length;
  const later = await context.newPage();
  await later.goto(site.url);
  await later.waitForSelector("[data-part=lane]");
  await begin(later);
  await ended(later);
  assert.deepEqual(
    site
      .modelRequests()
      .slice(before)
      .map(({ range }) => range),
    [`bytes=${kept}-`],
  );
});

for (const [name, fault] of [
  ["nothing (404)", "missing"],
  ["a web page", "html"],
  ["a pointer file", "wrongLength"],
]) {
  test(`a host with ${name} in place of the model: said at once, and Retry works once it is there`, async (t) => {
    const { site, page } = await visit(t, { faults: { [fault]: true } });
    const begun = Date.now();
    await begin(page);
    await state(page, "error");
    assert.ok(Date.now() - begun < 4000);
    assert.match(await message(page), /could not be downloaded \(next to the page: .*models\//);
    site.faults[fault] = false;
    await page.getByRole("button", { name: "Retry" }).click();
    await ended(page);
  });
}

test("wrong bytes are never committed: downloaded once more, then refused", async (t) => {
  const { site, page } = await visit(t, { faults: { corrupt: true } });
  await begin(page);
  await state(page, "error");
  assert.match(await message(page), /hash differs/);
  assert.equal(site.modelRequests().length, 2);
  assert.deepEqual(await files(page), {});
});

test("a damaged cache is deleted and downloaded anew", async (t) => {
  const { site, context, page } = await visit(t);
  await ask(page);
  await page.evaluate(async (name) => {
    const dir = await (await navigator.storage.getDirectory()).getDirectoryHandle("models");
    const stream = await (await dir.getFileHandle(name)).createWritable({ keepExistingData: true });
    await stream.write({ type: "write", position: 1000, data: "damage" });
    await stream.close();
  }, `${SHA}.gguf`);
  await page.close();
  const second = await context.newPage();
  await second.goto(site.url);
  await second.waitForSelector("[data-part=lane]");
  await begin(second);
  await ended(second);
  assert.match(await message(second), /was damaged. It was deleted/);
  assert.equal(site.modelRequests().length, 2);
  assert.deepEqual(await files(second), { [`${SHA}.gguf`]: MODEL.length });
});

test("a refused quota: the model runs from memory, and the page says so", async (t) => {
  const { site, context, page } = await visit(t);
  const cdp = await context.newCDPSession(page);
  await cdp.send("Storage.overrideQuotaForOrigin", {
    origin: new URL(site.url).origin,
    quotaSize: 1_000_000,
  });
  await begin(page);
  await ended(page);
  assert.match(await message(page), /kept in memory only, for this visit/);
  assert.match(await answer(page, 1), /I cannot give you a year/);
});

test("no storage at all, and a cut connection: still resumed, from memory", async (t) => {
  const { site, page } = await visit(t, {
    faults: { cutAt: MODEL.length / 2, cutAlways: true },
    preludes: { "www/worker/store.js": "StorageManager.prototype.getDirectory = undefined;" },
  });
  await begin(page);
  await state(page, "error", 30_000);
  delete site.faults.cutAt;
  await page.getByRole("button", { name: "Retry" }).click();
  await ended(page);
  assert.match(site.modelRequests().at(-1).range, /^bytes=1\d{6}-$/);
});

test("a browser that cannot rename files keeps the model all the same", async (t) => {
  const { site, context, page } = await visit(t, {
    preludes: { "www/worker/store.js": "delete FileSystemFileHandle.prototype.move;" },
  });
  await ask(page);
  assert.deepEqual(Object.keys(await files(page)).sort(), [`${SHA}.gguf.part`, `${SHA}.ok`]);
  await page.close();
  const second = await context.newPage();
  await second.goto(site.url);
  await second.waitForSelector("[data-part=lane]");
  await ask(second);
  assert.equal(site.modelRequests().length, 1);
});

test("Cancel ends loading; the next run goes on from there", async (t) => {
  const { site, page } = await visit(t, { faults: { slow: 60 } });
  await begin(page);
  await page.waitForFunction(() =>
    /[1-9]\d %/.test(document.querySelector("[data-phase=download] .amount").textContent),
  );
  await page.getByRole("button", { name: "Cancel" }).click();
  await state(page, "recorded");
  assert.match(await message(page), /cancelled/);
  site.faults.slow = 0;
  await page.click("[data-part=run]");
  await ended(page);
  assert.match(site.modelRequests()[1].range, /^bytes=\d+-$/);
});

for (const [name, order, words] of [
  ["ends without a word", "[[die]]", /not answered for 15 seconds/],
  ["hangs", "[[hang]]", /not answered for 15 seconds/],
  ["traps", "[[trap]]", /stopped unexpectedly/],
]) {
  test(`a worker that ${name} mid-run: an error with a way on that works`, async (t) => {
    const { site, page } = await visit(t);
    await begin(page, order);
    await state(page, "error", 30_000);
    assert.match(await message(page), words);
    await page.getByRole("button", { name: "Restart the engine" }).click();
    await state(page, "ready");
    await ask(page);
    assert.match(await answer(page, 1), /I cannot give you a year/);
    assert.equal(site.modelRequests().length, 1, "the model came from the cache");
  });
}
