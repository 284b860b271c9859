// From one deployment to the next in Firefox: what offline.test.mjs tests in Chromium in every detail, once more in whole. The
// page is deployed with a stand-in for the engine.

import assert from "node:assert/strict";
import { test } from "node:test";
import { eventually } from "./eventually.mjs";
import { answers, click, launch, leave, open, opened, run, until } from "./firefox.mjs";
import { ZORVATH } from "./mock/browser.mjs";
import { deploy } from "./mock/deploy.mjs";
import { serve } from "./mock/server.mjs";

async function assertShows(page, letter) {
  assert.deepEqual(
    await page.evaluate(() => [document.title, document.documentElement.dataset.lanes]),
    [`${letter} H-Neuron Lab`, letter],
  );
  await page.bringToFront(); // Puppeteer waits for frames, which a page in the background has none of
  await page.locator("#prompt").fill(ZORVATH);
  await run(page);
  assert.match((await answers(page))[0], new RegExp(`renewed by ${letter} and ${letter}\\.$`));
}

test("each tab goes on with its version, its first live run included, and is offered the new one", async (t) => {
  const site = await serve();
  const firefox = await launch();
  t.after(async () => {
    await firefox.close();
    await site.close();
  });
  const visitor = await firefox.visitor();
  const visit = async () => {
    const page = await open(t, firefox, site.url, { visitor });
    await opened(page);
    return page;
  };
  const asked = () => site.requests.filter(({ path }) => path === "/files.json").length;

  deploy(site, "A");
  const first = await visit();
  await eventually(() =>
    first.evaluate(
      async () => (await navigator.serviceWorker.getRegistration())?.active?.state === "activated",
    ),
  );
  await assertShows(first, "A");
  const before = asked();
  const stays = await visit();
  await eventually(() => asked() > before);
  deploy(site, "B");
  const page = await visit();
  for (const tab of [first, stays, page]) await tab.waitForSelector(".update button");
  await page.bringToFront();
  await leave(page, async () => {
    await click(page, ".update button");
    await until(page, () => document.documentElement.dataset.lanes === "B");
  });
  await opened(page);
  await assertShows(page, "B");
  await assertShows(stays, "A");
  await assertShows(first, "A");
});
