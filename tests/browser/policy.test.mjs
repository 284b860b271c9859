// The Content-Security-Policy where it matters most: in the workers, which do the fetching and which the page's own <meta> does not
// bind. The test servers send it with every file, as `cargo xtask serve` does (xtask/src/serve.rs).

import assert from "node:assert/strict";
import { createServer } from "node:http";
import { after, before, test } from "node:test";
import { eventually } from "./eventually.mjs";
import { answer, ask, freshPage, launch } from "./mock/browser.mjs";
import { serve } from "./mock/server.mjs";

let browser, other, asked;
before(async () => {
  browser = await launch();
  asked = 0;
  other = createServer((request, response) => {
    asked += 1;
    response.writeHead(200, { "Access-Control-Allow-Origin": "*" }).end("let me in");
  });
  await new Promise((resolve) => other.listen(0, "127.0.0.1", resolve));
});
after(async () => {
  await browser.close();
  await new Promise((resolve) => (other.closeAllConnections(), other.close(resolve)));
});

const fetched = (url) =>
  fetch(url).then(
    (response) => response.text(),
    () => "refused",
  );
const elsewhere = () => `http://127.0.0.1:${other.address().port}/`;
const isRefusal = (line) => /Content Security Policy/.test(line.text());

/** The engine's worker, after a run. */
async function engine(page) {
  await ask(page);
  assert.match(await answer(page, 0), /signed in 1834/);
  return page.workers().find((worker) => worker.url().endsWith("/worker/worker.js"));
}

async function start(t, options) {
  const site = await serve(options);
  const page = await freshPage(t, browser, {}, isRefusal);
  t.after(() => site.close());
  await page.goto(site.url);
  await page.waitForSelector("[data-part=lane]");
  return { site, page };
}

test("the workers cannot fetch from another origin, also when the page is answered from its own store", async (t) => {
  const { page, site } = await start(t);
  asked = 0;
  assert.equal(await (await engine(page)).evaluate(fetched, elsewhere()), "refused");
  const context = page.context();
  await eventually(() => context.serviceWorkers().length > 0);
  assert.equal(await context.serviceWorkers()[0].evaluate(fetched, elsewhere()), "refused");

  await page.evaluate(() => navigator.serviceWorker.ready.then(() => {}));
  await eventually(() =>
    page.evaluate(async () =>
      Boolean(await caches.match(new URL("www/worker/worker.js", document.baseURI))),
    ),
  );
  const again = await context.newPage();
  await again.goto(site.url);
  await again.waitForSelector("[data-part=lane]");
  assert.ok(await again.evaluate(() => Boolean(navigator.serviceWorker.controller)));
  assert.equal(await (await engine(again)).evaluate(fetched, elsewhere()), "refused");
  assert.equal(asked, 0);
});

test("on a host that sends no policy the page's own does not bind the worker, as docs/hosting.md says", async (t) => {
  const { page } = await start(t, { policy: null });
  assert.equal(await page.evaluate(fetched, elsewhere()), "refused");
  assert.equal(await (await engine(page)).evaluate(fetched, elsewhere()), "let me in");
});
