// The harness itself: a test that trusts a broken server proves nothing.

import assert from "node:assert/strict";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { open, temporaryFolder } from "./browser.mjs";
import { MODEL, serve } from "./server.mjs";

const FILE = Buffer.from(Array.from({ length: 1_000_000 }, (_, i) => i % 251));
let folder;
let server;

before(async () => {
  folder = await temporaryFolder();
  const dist = join(folder.path, "dist");
  const models = join(folder.path, "models");
  await mkdir(dist);
  await mkdir(models);
  await writeFile(
    join(dist, "index.html"),
    "<!doctype html><title>Test</title><link rel=icon href='data:,'><p>hello",
  );
  await writeFile(join(dist, "a.wasm"), "x");
  await writeFile(join(folder.path, MODEL), FILE);
  server = await serve({ dist, models, under: "/blog/lab/" });
});

after(async () => {
  await server.close();
  await folder.remove();
});

const get = (path, headers) => fetch(server.url + path, { headers });
const bytes = async (response) => Buffer.from(await response.arrayBuffer());

test("a file is served whole, in part and by its tag, and each request is kept", async () => {
  server.clear();
  const whole = await get(MODEL);
  assert.equal(whole.status, 200);
  assert.deepEqual(await bytes(whole), FILE);
  const rest = await get(MODEL, { Range: "bytes=999990-" });
  assert.equal(rest.status, 206);
  assert.equal(rest.headers.get("content-range"), "bytes 999990-999999/1000000");
  assert.deepEqual(await bytes(rest), FILE.subarray(999_990));
  assert.equal((await get(MODEL, { Range: "bytes=2000000-" })).status, 416);
  assert.equal((await get(MODEL, { "If-None-Match": whole.headers.get("etag") })).status, 304);
  assert.equal((await get("a.wasm")).headers.get("content-type"), "application/wasm");
  assert.equal(server.count(MODEL), 4);
  assert.deepEqual(server.requests[1], {
    path: MODEL,
    range: "bytes=999990-",
    status: 206,
    sent: 10,
  });
});

test("nothing outside the deployed folders is served", async () => {
  assert.equal((await fetch(server.origin + "/index.html")).status, 404);
  assert.equal((await get("..%2f..%2fetc/passwd")).status, 404);
  assert.equal((await get("nothing.js")).status, 404);
});

test("faults come when asked for, as often as asked for, and go", async () => {
  server.fault(MODEL, { cutAt: 500_000, times: 1 });
  await assert.rejects(async () => bytes(await get(MODEL)));
  assert.equal(server.requests.at(-1).sent, 500_000);
  assert.equal((await bytes(await get(MODEL))).length, 1_000_000);
  server.fault(/^models/, { status: 500 });
  assert.equal((await get(MODEL)).status, 500);
  server.heal();
  server.fault(MODEL, { corrupt: true });
  assert.notDeepEqual(await bytes(await get(MODEL)), FILE);
  server.heal();
  assert.deepEqual(await bytes(await get(MODEL)), FILE);
});

test("the network can go and come back", async () => {
  await server.goOffline();
  await assert.rejects(get(MODEL));
  await server.goOnline();
  assert.equal((await get(MODEL, { Range: "bytes=0-0" })).status, 206);
});

test("the browser opens a page, reports its errors, and a profile keeps what it stored", async () => {
  const profile = join(folder.path, "profile");
  const first = await open({ profile });
  try {
    await first.page.goto(server.url);
    assert.equal(await first.page.textContent("p"), "hello");
    assert.deepEqual(first.problems, []);
    await first.page.evaluate(async () => {
      localStorage.setItem("kept", "yes");
      console.error("said");
      setTimeout(() => {
        throw new Error("thrown");
      });
      await new Promise((done) => setTimeout(done, 200));
    });
    assert.equal(first.problems.length, 2, first.problems.join("; "));
    assert.deepEqual(first.foreign, []);
  } finally {
    await first.close();
  }
  const second = await open({ profile });
  try {
    await second.page.goto(server.url);
    assert.equal(await second.page.evaluate(() => localStorage.getItem("kept")), "yes");
  } finally {
    await second.close();
  }
});
