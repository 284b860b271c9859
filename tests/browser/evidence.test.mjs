// The Evidence section: what a visitor reads when an artifact says nothing, something, or nothing flattering.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { after, before, test } from "node:test";
import { readEvidence } from "../../www/core/evidence.js";
import { readingWords } from "../../www/core/reading.js";
import {
  detectorVerdict,
  effectVerdict,
  failures,
  headline,
  keptVerdict,
} from "../../www/core/verdicts.js";
import { freshPage, launch } from "./mock/browser.mjs";
import { fakeArtifact } from "./mock/data.mjs";
import { withEvidence } from "./mock/evidence.mjs";
import { serve } from "./mock/server.mjs";

let browser;
const sites = {};
before(async () => {
  browser = await launch();
  sites.none = await serve({
    artifact: (made) => ({
      ...made,
      neurons: made.neurons.map(({ stability, ...neuron }) => neuron),
    }),
  });
  for (const variant of ["good", "unflattering"])
    sites[variant] = await serve({ artifact: (made) => withEvidence(made, variant) });
  sites.hostile = await serve({ artifact: hostile });
});
after(async () => {
  await browser.close();
  for (const site of Object.values(sites)) await site.close();
});

async function visit(t, site, { query = "", hash = "", ...options } = {}) {
  const page = await freshPage(t, browser, options);
  await page.goto(`${site.url}${query}${hash}`);
  return page;
}
const section = (page) => page.locator("[data-part=evidence]");
async function words(page) {
  await page.locator("[data-part=evidence]:not([aria-busy]) .evidence-part").last().waitFor();
  return (await section(page).innerText()).replaceAll(/\s+/g, " ");
}
const read = (variant) => readEvidence(withEvidence(fakeArtifact("", 1), variant));

/** Values of the wrong type, out of range, the wrong way round, missing, and markup. */
function hostile(made) {
  const good = withEvidence(made, "good");
  const [one] = good.evaluation;
  return {
    ...good,
    evaluation: [
      null,
      7,
      "x",
      [],
      { ...one, dataset: "" },
      { ...one, auroc: "0.9" },
      { ...one, auroc: 1.2 },
      { ...one, n: -3 },
      {
        dataset: "<img src=x onerror=alert(1)>",
        n: 40,
        auroc: 0.7,
        auroc_ci: [0.8, 0.6],
        random_auroc: [0.5, "0.6", null, 9, {}],
        logprob_auroc: null,
        over_best_cheap: { value: 0.1 },
        best_cheap: 3,
        baselines: { "answer length": "much", "<b>x</b>": 0.6, __proto__: 3 },
        reliability: [{ mean: 0.1, share: "x", n: 3 }, { mean: 0.5, share: 0.5, n: 0 }, 4],
      },
      { ...one, baselines: null, best_cheap: "not there" },
    ],
    impact: [
      { benchmark: "doubt", set: "h", alpha: 1, n: 10, value: 0.5, ci: ["a", 1] },
      { benchmark: "doubt", set: "h", alpha: 99, n: 10, value: 0.5 },
      { benchmark: "doubt", set: "evil", alpha: 1, n: 10, value: 0.5 },
      { benchmark: "doubt", set: "random", alpha: 0, n: 10, value: 0.5 },
      null,
    ],
    trends: [
      { benchmark: "doubt", slope: { value: null, low: 0, high: 1 }, random: "none", p: 7 },
      null,
      3,
    ],
    language: [{ alpha: 1, perplexity: -3 }, { alpha: 0 }, null],
    identification: { questions: "many", tried: [null, { c: "x" }] },
    neurons: good.neurons.map((neuron, i) => ({
      ...neuron,
      stability: [2, "0.5", null, -1][i % 4],
    })),
    recipe: {
      command: "<script>alert(1)</script>",
      deep: { a: { b: { c: { d: { e: 1 } } } } },
      list: [1, {}, "two"],
      nothing: null,
    },
  };
}

test("an artifact without an evaluation says plainly that nothing was measured", async (t) => {
  const page = await visit(t, sites.none);
  const said = await words(page);
  assert.match(said, /Not measured yet\. Take what this page shows as a demonstration/);
  assert.match(said, /39 H-Neurons, 0\.085 % of all 46,080: one in 1,182/);
  assert.equal(await section(page).locator(".plot").count(), 0);
  await page.waitForSelector("[data-part=lane]");
  assert.match(
    await page.locator("[data-part=score]").first().innerText(),
    /Provisional detector reading/,
  );
});

test("what was measured is shown with intervals, controls and what failed", async (t) => {
  const page = await visit(t, sites.good);
  const said = await words(page);
  assert.match(said, /higher for the wrong one 86 times in 100 \(82 to 91\)/);
  assert.match(said, /That is better than all 20 random sets of the same size\./);
  assert.match(said, /As trained: 46 % \(40 % to 52 %\); silenced: 38 %/);
  assert.match(
    said,
    /moved 2 of the 5 behaviours looked at further than random neurons do: “A right answer is doubted”, “False premises”/,
  );
  const rows = section(page).locator(".dataset");
  assert.equal(await rows.count(), 6);
  assert.equal(
    await rows.first().locator(".plot .ring.random").count(),
    20,
    "each random set is a ring",
  );
  assert.match(
    await rows.first().getByRole("img").getAttribute("aria-label"),
    /AUROC of the H-Neurons 0\.86, interval 0\.82 to 0\.91; random sets 0\.\d\d to 0\.\d\d; best cheap score 0\.78; chance 0\.5/,
  );
  await rows.first().locator("summary").click();
  assert.equal(
    await rows
      .first()
      .locator("tbody tr")
      .filter({ hasText: /^random set/ })
      .count(),
    20,
  );
  const failed = section(page).locator(".failures");
  assert.match(
    await failed.innerText(),
    /A passage states a wrong answer\s+Rises by 5\.2 percentage points.*but so do random sets: 3 of 20 moved it as far that way/,
  );
  assert.match(await failed.innerText(), /Natural Questions\s+Not told from chance/);
  assert.doesNotMatch(await failed.innerText(), /A right answer is doubted|What it knows/);
  const shown = await section(page)
    .locator(".multiples [data-benchmark]")
    .evaluateAll((all) => all.map((one) => one.dataset.benchmark));
  assert.deepEqual(shown, [
    "doubt",
    "false-premise",
    "made-up",
    "misleading",
    "refusal",
    "knowledge",
    "perplexity",
  ]);
  assert.match(await section(page).locator(".command").innerText(), /^cargo run --release/);
  assert.equal(
    await section(page).getByRole("link", { name: /arXiv/ }).getAttribute("href"),
    "https://arxiv.org/abs/2512.01797",
  );
  assert.match(
    await page.locator("[data-part=score]").first().innerText(),
    /Estimated chance that this answer is wrong, for questions like those it was fitted on/,
  );
});

test("a null result is said as one, with as much room", async (t) => {
  const page = await visit(t, sites.unflattering);
  const said = await words(page);
  assert.match(
    said,
    /That is no better than random sets of the same size: 12 of 20 did at least as well\./,
  );
  assert.match(
    said,
    /Turning the 39 H-Neurons did no more than turning random neurons does, on any of the 5 behaviours looked at\./,
  );
  assert.match(said, /Not told from chance: the interval includes 0\.5\./);
  assert.match(said, /No effect seen: the interval includes none .*p = 0\.60/);
  assert.match(said, /It does better than everything it is compared with on 0 of 6 data sets/);
  assert.equal(
    await section(page).locator(".failures dt").count(),
    12,
    "every data set, every behaviour, and ordinary text",
  );
  const heights = await section(page)
    .locator(".multiples:not(.calibrations) .plot")
    .evaluateAll((all) => all.map((plot) => plot.clientHeight));
  assert.equal(new Set(heights).size, 1);
});

test("what cannot be read is left out and counted, never shown as NaN or as markup", async (t) => {
  const page = await visit(t, sites.hostile);
  const said = await words(page);
  for (const summary of await section(page).locator("summary").all()) await summary.click();
  assert.ok((await section(page).locator("tbody td").count()) > 20, "the tables too");
  assert.doesNotMatch(
    await section(page).evaluate((element) => element.outerHTML),
    /NaN|undefined|Infinity|null|\[object/,
  );
  assert.match(said, /12 entries of the artifact could not be read and are left out/);
  assert.match(said, /<img src=x onerror=alert\(1\)>/, "markup is text");
  assert.equal(await section(page).locator("img, script, b").count(), 0);
  assert.match(said, /No interval was given/);
  assert.match(said, /How it moves with alpha was not measured/);
  assert.match(said, /Not measured yet: how many of them would be chosen again/);
});

test("nonsense in place of an artifact throws nowhere", () => {
  for (const json of [
    null,
    3,
    "x",
    [],
    {},
    { evaluation: {}, impact: 4, trends: "a", neurons: null, recipe: [] },
    { evaluation: [{}], impact: [{}] },
  ]) {
    const evidence = readEvidence(json);
    assert.ok(headline(evidence).length > 0);
    assert.deepEqual(failures(evidence), []);
  }
});

test("verdicts follow the rules", () => {
  const random = Array.from({ length: 20 }, (_, i) => 0.5 + 0.01 * i);
  const of = (more) =>
    detectorVerdict({ auroc: 0.7, ci: [0.65, 0.75], random, baselines: [], ...more });
  assert.equal(of({}).random.is, "yes");
  assert.equal(of({ auroc: 0.685 }).random.is, "no", "one of twenty as good is p = 0.095");
  assert.match(of({ auroc: 0.685 }).random.words, /^Not clearly better.*1 of 20/);
  assert.match(of({ random: [0.6, 0.61] }).random.words, /too few to tell/);
  assert.match(of({ ci: [0.3, 0.45] }).chance.words, /^Worse than chance/);
  assert.match(
    of({
      over: { value: -0.1, low: -0.2, high: -0.01 },
      best: { name: "answer length", auroc: 0.8 },
    }).cheap.words,
    /^Worse than the best cheap score, “answer length”: −0\.10/,
  );
  const effect = (low, high, p) =>
    effectVerdict({ slope: { value: (low + high) / 2, low, high }, slopes: random, p });
  assert.equal(effect(0.01, 0.05, 2 / 21).is, "special");
  assert.equal(effect(0.01, 0.05, 4 / 21).is, "shared");
  assert.match(effect(-0.05, -0.01, 4 / 21).words, /^Falls by 3\.0 .* 1 of 20/);
  assert.equal(effect(-0.01, 0.05, 2 / 21).is, "none");
  assert.equal(
    keptVerdict({ slope: { value: -0.03, low: -0.05, high: -0.01 }, slopes: random, p: 1 }).is,
    "no",
  );
  assert.equal(failures(read("good")).filter(([title]) => title === "What it knows").length, 0);
});

test("a reading is called a chance only where it is calibrated and not provisional", () => {
  const detector = { calibration: { slope: 1, intercept: 0 } };
  assert.match(readingWords({ detector }), /^Estimated chance/);
  assert.match(readingWords({ detector, provisional: true }), /^Provisional/);
  assert.match(readingWords({ detector: { calibration: null } }), /it is not a chance/);
  assert.match(readingWords({ detector: { calibration: { slope: "1" } } }), /it is not a chance/);
});

test("it is fetched by who comes near, and never by a page that does not show it", async (t) => {
  const fetched = (site) =>
    site.requests.filter(({ path }) =>
      /page\/evidence|core\/evidence|core\/verdicts|evidence\.css/.test(path),
    ).length;
  const site = await serve();
  t.after(() => site.close());
  for (const query of ["?embed=1", "?hide=evidence"]) {
    // The service worker keeps all of the page, shown or not; this is about what a visit itself asks for.
    const page = await visit(t, site, { query, serviceWorkers: "block" });
    await page.waitForSelector("[data-part=lane]");
    await page.evaluate(
      () => new Promise((resolve) => requestIdleCallback(() => setTimeout(resolve, 200))),
    );
    await page.evaluate(() => window.scrollTo(0, document.body.scrollHeight));
    assert.equal(fetched(site), 0, query);
  }
  const page = await visit(t, site, { hash: "#alpha=2" });
  await page.waitForSelector("[data-part=lane]");
  await page.locator(".lead").getByRole("link", { name: "evidence" }).click();
  await words(page);
  assert.ok(fetched(site) > 0);
  assert.match(page.url(), /#alpha=2$/, "the link moves the view, not the settings");
  assert.ok(
    await section(page).evaluate(
      (element) =>
        element === document.activeElement && Math.abs(element.getBoundingClientRect().top) < 40,
    ),
  );
});

test("fits from 320 px, and axe finds nothing to object to", async (t) => {
  const axe = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
  const tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
  for (const [variant, width, colorScheme] of [
    ["good", 320, "light"],
    ["unflattering", 1280, "dark"],
    ["none", 320, "dark"],
    ["hostile", 768, "light"],
  ]) {
    const page = await visit(t, sites[variant], {
      viewport: { width, height: 800 },
      colorScheme,
      bypassCSP: true,
    });
    await words(page);
    await page.evaluate(() =>
      document.querySelectorAll(".evidence details").forEach((details) => (details.open = true)),
    );
    const over = await page.evaluate(
      () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
    );
    assert.equal(over, 0, `${variant} at ${width} px`);
    await page.evaluate(axe);
    const found = await page.evaluate(
      async (runOnly) => (await window.axe.run({ runOnly })).violations,
      tags,
    );
    assert.deepEqual(
      found.map(({ id, nodes }) => `${id}: ${nodes[0].html.slice(0, 160)}`),
      [],
      `${variant}, ${width} ${colorScheme}`,
    );
  }
});
