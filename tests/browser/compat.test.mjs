// The oldest browsers that the page is for (compat/minimum.json): it uses nothing that they lack, it says so in a browser that
// is older, and the minimum is stated everywhere alike.

import assert from "node:assert/strict";
import { readFile, readdir } from "node:fs/promises";
import { createServer } from "node:http";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { Linter } from "eslint";
import { BROWSERS, later, named, since } from "./compat/features.mjs";
import { scan } from "./compat/scan.mjs";
import { without } from "./compat/without.mjs";
import { eventually } from "./eventually.mjs";
import { answer, ask, freshPage, launch, message } from "./mock/browser.mjs";
import { serve } from "./mock/server.mjs";
import { repository } from "./server.mjs";

const text = (path) => readFile(join(repository, path), "utf8");
const MINIMUM = JSON.parse(await text("tests/browser/compat/minimum.json"));

// What the page uses and can do without: how.
const OPTIONAL = {
  "api.AbortSignal.any_static": "download.js joins two signals itself",
  "api.HTMLIFrameElement.loading": "an embed is fetched at once",
  "api.Navigator.gpu": "the model runs on the CPU",
  "api.Window.requestIdleCallback": "nearby.js waits for a while instead",
  "css.at-rules.page": "a print has the browser's margins",
  "css.properties.break-after.avoid": "a print may break after a heading",
  "css.properties.field-sizing": "the prompt has a scroll bar",
  "css.properties.field-sizing.content": "the prompt has a scroll bar",
  "css.properties.forced-color-adjust": "marks have the system's colours",
  "css.properties.forced-color-adjust.none": "marks have the system's colours",
  "css.properties.grid-template-rows.subgrid": "figures side by side are not aligned",
  "css.properties.print-color-adjust": "a print's marks are the browser's to colour",
  "css.properties.print-color-adjust.exact": "a print's marks are the browser's to colour",
  "css.properties.scrollbar-color": "scroll bars have the system's colours",
  "css.properties.scrollbar-width": "a scroll bar shows",
  "css.properties.scrollbar-width.none": "a scroll bar shows",
  "css.properties.text-decoration.dotted":
    "the line under a neuron's name is drawn by the other properties",
  "css.properties.overflow-anchor": "the page may move by a line as the board's line grows",
  "css.properties.overflow-anchor.none": "the same",
  "css.properties.text-size-adjust": "a phone may enlarge text",
  "css.properties.text-wrap": "lines break as usual",
  "css.properties.text-wrap.balance": "lines break as usual",
  "css.properties.text-wrap.pretty": "lines break as usual",
  "css.properties.translate": "a check box stands 3 pixels higher",
  "css.selectors.-moz-progress-bar": "one of two for the same part",
  "css.selectors.-moz-range-thumb": "one of two for the same part",
  "css.selectors.-moz-range-track": "one of two for the same part",
  "css.selectors.-webkit-progress-bar": "one of two for the same part",
  "css.selectors.-webkit-progress-value": "one of two for the same part",
  "css.selectors.-webkit-slider-runnable-track": "one of two for the same part",
  "css.selectors.-webkit-slider-thumb": "one of two for the same part",
  "css.selectors.has": "the line about an update may lie over the page's end",
  "css.types.color.color-mix": "a row under the pointer is not tinted",
  "css.types.length.viewport_percentage_units_dynamic": "a dialog has the browser's height",
  "html.elements.link.blocking": "the first paint may lack styles for a moment",
  "html.elements.link.rel.manifest": "the page cannot be installed",
  "html.elements.meta.name.viewport": "the data wants one that zooms as the standard says",
};

const uses = await scan();

test("no file uses what a browser of the stated minimum lacks", () => {
  assert.ok(uses.size > 500, `only ${uses.size} features were found in use`);
  const lacking = new Map([...uses].filter(([path]) => later(since(path), MINIMUM).length > 0));
  const wrong = [...lacking]
    .filter(([path]) => !Object.hasOwn(OPTIONAL, path))
    .map(([path, places]) => `${path} ${JSON.stringify(since(path))}: ${places.join(", ")}`);
  assert.deepEqual(wrong, []);
  const stale = Object.keys(OPTIONAL).filter((path) => !lacking.has(path));
  assert.deepEqual(stale, [], "no longer used, or no longer new");
});

test("the scripts are ECMAScript 2022, and those that an older browser must read ECMAScript 5", async () => {
  // Of 2022 and the years before, what came last to each browser.
  for (const path of [
    "javascript.classes.static.initialization_blocks",
    "javascript.classes.private_class_fields_in",
    "javascript.regular_expressions.lookbehind_assertion",
    "javascript.operators.await.top_level",
    "javascript.operators.nullish_coalescing_assignment",
  ])
    assert.deepEqual(later(since(path), MINIMUM), [], path);
  const linter = new Linter();
  const scripts = (await readdir(join(repository, "www"), { recursive: true })).filter((name) =>
    name.endsWith(".js"),
  );
  assert.ok(scripts.length > 50);
  for (const script of scripts) {
    const old = ["start.js", "too-old.js"].includes(script);
    const classic = old || ["embed.js", "sw.js"].includes(script);
    const languageOptions = {
      ecmaVersion: old ? 5 : 2022,
      sourceType: classic ? "script" : "module",
    };
    const found = linter.verify(await text(`www/${script}`), { languageOptions });
    assert.deepEqual(
      found.filter(({ fatal }) => fatal),
      [],
      script,
    );
  }
});

test("a browser that lacks something the page must have lacks something that start.js looks for", async () => {
  const [, list] = /NEEDED = (\[[^\]]*\])/.exec(await text("www/start.js"));
  const needed = JSON.parse(list.replace(/,\s*\]/, "]")).map((expression) => {
    const [owner, name] = [expression.split(".")[0], expression.split(".").at(-1)];
    const path = named(name).find((path) => path.split(".").at(-2) === owner);
    assert.ok(path, `${expression} is no built-in that the compatibility data knows`);
    assert.ok(uses.has(path), `${expression} is not used`);
    return since(path);
  });
  const known = Object.fromEntries(
    BROWSERS.map((browser) => [browser, Math.max(...needed.map((versions) => versions[browser]))]),
  );
  // Of these, the page itself says more when a model is to run: it can show its recorded runs without them.
  const unnoticed = [...uses]
    .filter(([path]) => /^(?:javascript|api)\./.test(path) && !Object.hasOwn(OPTIONAL, path))
    .filter(([path]) => later(since(path), known).length > 0)
    .filter(([, places]) => !places.every((place) => place.startsWith("www/embed.js:"))) // tried there
    .map(([path, places]) => `${path} ${JSON.stringify(since(path))}: ${places.join(", ")}`)
    .filter((line) => !/^api\.(?:FileSystem\w+|StorageManager)\./.test(line));
  assert.deepEqual(unnoticed, []);
});

test("README, page and worker state the same minimum", async () => {
  const { chrome, firefox, safari } = MINIMUM;
  const stated = `Chrome or Edge ${chrome}, Firefox ${firefox}, Safari ${safari}`;
  for (const path of ["README.md", "docs/hosting.md", "www/too-old.js", "www/worker/simd.js"])
    assert.ok((await text(path)).replace(/\s+/g, " ").includes(stated), `${path}: ${stated}`);
});

// ---- In a browser ----

let browser;
before(async () => (browser = await launch()));
after(() => browser.close());

/** A page without what is later than the minimum, in its workers too. */
async function oldest(t, options = {}) {
  const code = without(MINIMUM);
  const site = await serve({
    ...options,
    files: { "www/without.js": code },
    // A module's imports run before it, in their order.
    preludes: { "www/worker/worker.js": 'import "../without.js";', "sw.js": code },
  });
  const page = await freshPage(t, browser);
  t.after(() => site.close());
  await page.context().addInitScript(code);
  await page.goto(site.url);
  await page.waitForSelector("[data-part=lane]");
  return { page, site };
}

const gone = () => [self.compatGone, "toReversed" in [], "any" in AbortSignal, "gpu" in navigator];

test("the page runs without every built-in that is later than the minimum: page, worker, service worker", async (t) => {
  const { page, site } = await oldest(t);
  const context = page.context();
  const checked = async (where) => {
    const [count, ...there] = await where.evaluate(gone);
    assert.ok(count > 100, `only ${count} were taken away`);
    assert.deepEqual(there, [false, false, false]);
  };
  await checked(page);
  await ask(page);
  assert.match(await answer(page, 0), /signed in 1834/);
  await checked(page.workers()[0]);
  await page.getByRole("button", { name: "Doubt it" }).click();
  await page.waitForFunction(() => document.querySelectorAll(".turn").length === 3);

  await page.locator(".sweep-run").click();
  await page.waitForFunction(() => document.querySelectorAll(".sweep-rows li").length === 7);
  await page.locator(".neuron-name").first().click();
  await page.waitForSelector(".card");
  await page.getByRole("button", { name: "Embed", exact: true }).click();
  await page.waitForSelector("dialog[open] textarea");
  await page.keyboard.press("Escape");
  await page.getByRole("button", { name: "Lessons", exact: true }).click();
  await page.locator("dialog[open] li button").first().click();
  await page.waitForSelector(".lesson-next");

  await eventually(() => context.serviceWorkers().length > 0);
  await checked(context.serviceWorkers()[0]);
  await eventually(() => page.evaluate(() => navigator.serviceWorker.ready.then(() => true)));
  site.faults.offline = true;
  const again = await context.newPage();
  await again.goto(site.url);
  await again.waitForSelector("[data-part=lane]");
  assert.equal(await message(again), "");
});

test("recorded runs and the evidence show without every built-in that is later than the minimum", async (t) => {
  const { page } = await oldest(t, { real: true });
  await page.locator("[data-part=evidence]").scrollIntoViewIfNeeded();
  await page.locator("[data-part=evidence]:not([aria-busy]) .evidence-part").last().waitFor();
  await page.locator("[data-part=effects] > summary").click();
  const bands = page.locator("[data-part=evidence] .band");
  await bands.first().waitFor();
  await page.locator("[data-part=map]").scrollIntoViewIfNeeded();
  await page.locator(".gallery-all summary").click();
  await page.getByRole("radio", { name: "False premises" }).check({ force: true });
  assert.equal(await message(page), "");
});

/** A page in a browser without this one built-in. */
async function older(t, gone, path = "") {
  const site = await serve();
  const page = await freshPage(t, browser);
  t.after(() => site.close());
  await page.context().addInitScript(`delete ${gone};`);
  await page.goto(site.url + path);
  return { page, site };
}

test("a browser that is too old is told so in one sentence, for one more file", async (t) => {
  for (const lacking of ["Array.prototype.findLast", "Object.hasOwn", "AbortSignal"]) {
    const { page, site } = await older(t, `self.${lacking}`);
    const said = page.locator("[role=alert]:visible");
    await said.waitFor();
    assert.equal(
      await said.innerText(),
      `This browser is too old for this page: it lacks ${lacking === "AbortSignal" ? "AbortSignal.timeout, AbortSignal.prototype.throwIfAborted" : lacking}. ` +
        `Chrome or Edge ${MINIMUM.chrome}, Firefox ${MINIMUM.firefox}, Safari ${MINIMUM.safari} and later versions can show it.`,
    );
    assert.equal(await page.locator("button:visible, textarea:visible").count(), 0);
    const scripts = site.requests.map(({ path }) => path).filter((path) => path.endsWith(".js"));
    assert.deepEqual(scripts, ["/www/start.js", "/www/too-old.js"]);
  }
});

test("where workers cannot be modules (Firefox before 114), Run says so and the recorded run stays", async (t) => {
  const site = await serve();
  const page = await freshPage(t, browser);
  t.after(() => site.close());
  await page.addInitScript(() => {
    const Plain = Worker;
    self.Worker = function (url, options) {
      return new Plain(url, options && { name: options.name });
    };
  });
  await page.goto(site.url);
  await page.waitForSelector("[data-part=lane]");
  await page.click("[data-part=run]");
  await page.locator(".message").waitFor();
  assert.equal(
    await message(page),
    "This browser cannot run the model: it lacks workers that are modules. Chrome or Edge 103, Firefox 114, Safari 16.4 and later can. The recorded run stays explorable.",
  );
  assert.equal(await page.locator("[data-part=lane]").count(), 3);
});

test("an embed in a browser that is too old says so too, and tells its host", async (t) => {
  const { page, site } = await older(t, "Array.prototype.findLast", "?embed=1");
  await page.waitForSelector("[data-part=too-old]");
  const host = createServer((request, response) => {
    response.setHeader("Content-Type", "text/html");
    const origin = encodeURIComponent(`http://${request.headers.host}`);
    const named = request.url === "/named" ? `&origin=${origin}` : "";
    response.end(`<!doctype html><script>
      window.got = [];
      addEventListener("message", ({ data }) => got.push(data));
    </script><link rel="icon" href="data:,"><iframe src="${site.url}?embed=1${named}"></iframe>`);
  });
  await new Promise((resolve) => host.listen(0, "127.0.0.1", resolve));
  t.after(() => new Promise((resolve) => (host.closeAllConnections(), host.close(resolve))));
  for (const [path, told] of [
    ["/", { source: "hneurons", type: "error" }],
    ["/named", { source: "hneurons", type: "error", kind: "unsupported" }],
  ]) {
    await page.goto(`http://127.0.0.1:${host.address().port}${path}`);
    await page.waitForFunction(() => window.got.length === 2);
    const [{ message, ...error }, resize] = await page.evaluate(() => window.got);
    assert.deepEqual(error, told);
    if (path === "/named") assert.match(message, /^This browser is too old/);
    else assert.equal(message, undefined);
    assert.equal(resize.type, "resize");
    assert.ok(resize.height > 40 && resize.height < 400);
  }
});
