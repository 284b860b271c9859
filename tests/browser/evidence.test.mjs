// The Evidence section: what a visitor reads when an artifact says nothing, something, or nothing flattering.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { after, before, test } from "node:test";
import { readEvidence } from "../../www/core/evidence.js";
import {
  aloneWords,
  marginVerdicts,
  writtenTable,
  writtenWords,
} from "../../www/core/lean-words.js";
import { leanIs, shortAnswer } from "../../www/core/measured.js";
import { readingWords } from "../../www/core/reading.js";
import {
  detectorVerdict,
  effectVerdict,
  failures,
  headline,
  keptVerdict,
  trendNumbers,
} from "../../www/core/verdicts.js";
import { freshPage, launch } from "./mock/browser.mjs";
import { fakeArtifact } from "./mock/data.mjs";
import { withEvidence } from "./mock/evidence.mjs";
import { fakeMargins } from "./mock/margins.mjs";
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
  sites.margins = await serve({ artifact: (made) => withMargins(made, { acts: true }) });
});
after(async () => {
  await browser.close();
  for (const site of Object.values(sites)) await site.close();
});

async function visit(t, site, { query = "", hash = "", ...options } = {}) {
  // A recorded run that plays would come only word by word; this is about what is there.
  const page = await freshPage(t, browser, { reducedMotion: "reduce", ...options });
  await page.goto(`${site.url}${query}${hash}`);
  return page;
}
const section = (page) => page.locator("[data-part=evidence]");
const there = (page) =>
  page.locator("[data-part=evidence]:not([aria-busy]) .evidence-part").last().waitFor();
const plain = (text) => text.replaceAll(/\s+/g, " ");
/** What is to be read before anything is opened. */
async function folded(page) {
  await there(page);
  return plain(await section(page).innerText());
}
/** All of it, every part opened. */
async function words(page) {
  await there(page);
  await section(page).evaluate((element) =>
    element.querySelectorAll(".evidence-part").forEach((part) => (part.open = true)),
  );
  return plain(await section(page).innerText());
}
const short = (page) => page.locator("[data-part=short-answer]");
const read = (variant) => readEvidence(withEvidence(fakeArtifact("", 1), variant));

const withMargins = (made, of, variant = "good") => ({
  ...withEvidence(made, variant),
  margins: fakeMargins(of),
});

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
  assert.match(said, /Not measured yet\. Take this page as a demonstration/);
  assert.match(said, /39 H-Neurons, 0\.085 % of all 46,080: one in 1,182/);
  assert.equal(await section(page).locator(".plot").count(), 0);
  assert.equal(await short(page).innerText(), "Short answer: not measured yet. Evidence");
  await page.waitForSelector("[data-part=lane]");
  assert.match(
    await page.locator("[data-part=score]").first().innerText(),
    /^Reading\s+0\.\d\d\s.*A first version’s reading of the answer so far$/s,
    "a number, and no chance",
  );
});

test("what was measured is shown with intervals, controls and what failed", async (t) => {
  const page = await visit(t, sites.good);
  const said = await words(page);
  assert.match(said, /On “New questions” it is 86 times in 100 \(82 to 91\)/);
  assert.match(said, /Better than all 20 random sets\./);
  assert.match(said, /As trained: 46 % \(40 % to 52 %\); off: 38 %/);
  assert.match(
    said,
    /changed 2 of 5 behaviours more than turning random neurons did \(“A right answer is doubted”, “False premises”\)/,
  );
  const rows = section(page).locator(".dataset");
  assert.equal(await rows.count(), 6);
  assert.equal(
    await rows.first().locator(".plot .dot.random").count(),
    20,
    "each random set is a ring",
  );
  assert.match(
    await rows.first().getByRole("img").getAttribute("aria-label"),
    /H-Neurons 0\.86, interval 0\.82 to 0\.91; random sets 0\.\d\d to 0\.\d\d; best simple sign 0\.78; chance 0\.5/,
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
  // What the verdict says in words has its figures here.
  assert.match(
    await rows.first().locator("tbody").innerText(),
    /H-Neurons less the best simple sign \(log-probabilities and length, fitted\)\s+\+0\.079\s+\+0\.039 to \+0\.119/,
  );
  const effect = section(page).locator("[data-benchmark=misleading]");
  await effect.locator("summary").click();
  assert.match(
    plain(await effect.locator("tbody").innerText()),
    /change for each 1 on the slider \+5\.2 points \+3\.4 to \+7\.0 points .* p, against 20 random sets 0\.38/,
  );
  const failed = section(page).locator(".failures");
  assert.match(
    await failed.innerText(),
    /A passage states a wrong answer\s+Rises as the neurons are turned up, but random neurons can do the same: 3 of 20 sets moved it as far/,
  );
  assert.match(await failed.innerText(), /Natural Questions\s+Perhaps only chance/);
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
  const score = page.locator("[data-part=score]").first();
  assert.match(await score.innerText(), /^Likely wrong\s+\d\d %\s/);
  assert.equal(
    await score.locator(".caption.unseen").innerText(),
    "Estimated chance that it is wrong",
    "said to those who do not see the scale",
  );
});

test("a null result is said as one, with as much room", async (t) => {
  const page = await visit(t, sites.unflattering);
  const said = await words(page);
  assert.match(said, /No better than random sets: 12 of 20 did as well or better\./);
  assert.match(
    said,
    /Turning the 39 H-Neurons changed no behaviour more than turning random neurons did, in all 5 tests\./,
  );
  assert.match(said, /Perhaps only chance: the interval includes 0\.5\./);
  assert.match(said, /No effect seen\./);
  assert.match(said, /beats chance in none of 6 tests, random neurons in none of 5, and simpler/);
  assert.match(said, /28 of 29 checks failed/);
  assert.match(
    await short(page).innerText(),
    /did no more than turning random neurons\. It is not shown that they help to spot wrong answers\./,
  );
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
  for (const summary of await section(page).locator(".evidence-table > summary").all())
    await summary.click();
  assert.ok((await section(page).locator("tbody td").count()) > 20, "the tables too");
  assert.doesNotMatch(
    await section(page).evaluate((element) => element.outerHTML),
    /NaN|undefined|Infinity|null|\[object/,
  );
  assert.match(said, /12 entries of the artifact could not be read and are left out/);
  assert.match(said, /<img src=x onerror=alert\(1\)>/, "markup is text");
  assert.equal(await section(page).locator("img, script, b").count(), 0);
  assert.match(said, /no interval was given/);
  assert.match(said, /How it follows the slider was not measured/);
  assert.match(said, /Not measured yet: how many of them other answers would choose again/);
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
    assert.equal(shortAnswer(json), "Short answer: not measured yet.");
  }
});

test("verdicts follow the rules", () => {
  const random = Array.from({ length: 20 }, (_, i) => 0.5 + 0.01 * i);
  const of = (more) =>
    detectorVerdict({ auroc: 0.7, ci: [0.65, 0.75], random, baselines: [], ...more });
  assert.equal(of({}).random.is, "yes");
  assert.equal(of({ auroc: 0.685 }).random.is, "no", "one of twenty as good is p = 0.095");
  assert.match(of({ auroc: 0.685 }).random.words, /^Not clearly better.*1 of 20/);
  const unsure = { name: "lowest log-probability", auroc: 0.66 };
  assert.deepEqual(of({ over: { value: 0.04, low: -0.03, high: 0.1 }, best: unsure }).cheap, {
    is: "no",
    words: "About as good as asking how unsure the model was.",
  });
  assert.match(of({ random: [0.6, 0.61] }).random.words, /too few to tell/);
  assert.match(of({ ci: [0.3, 0.45] }).chance.words, /^Worse than chance/);
  assert.match(
    of({
      over: { value: -0.1, low: -0.2, high: -0.01 },
      best: { name: "answer length", auroc: 0.8 },
    }).cheap.words,
    /^Worse than asking how long the answer is\.$/,
  );
  const effect = (low, high, p) =>
    effectVerdict({ slope: { value: (low + high) / 2, low, high }, slopes: random, p });
  assert.equal(effect(0.01, 0.05, 2 / 21).is, "special");
  assert.equal(effect(0.01, 0.05, 4 / 21).is, "shared");
  assert.match(
    effect(-0.05, -0.01, 4 / 21).words,
    /^Falls as the neurons are turned up, .* 1 of 20/,
  );
  assert.equal(effect(-0.01, 0.05, 2 / 21).is, "none");
  assert.deepEqual(
    trendNumbers({ slope: { value: -0.0001, low: -0.02, high: 0.018 }, slopes: [], p: 0.6 }),
    [["H-Neurons: change for each 1 on the slider", "0.0 points", "−2.0 to +1.8 points"]],
    "no minus before nothing",
  );
  assert.equal(
    keptVerdict({ slope: { value: -0.03, low: -0.05, high: -0.01 }, slopes: random, p: 1 }).is,
    "no",
  );
  assert.equal(failures(read("good")).filter(([title]) => title === "What it knows").length, 0);
});

test("the short answer follows the same rules", () => {
  const all = (variant, change) => {
    const made = withEvidence(fakeArtifact("", 1), variant);
    change?.(made);
    return shortAnswer(made);
  };
  assert.equal(
    all("good"),
    "Short answer: turning them did more than turning random neurons in 2 of 5 tests. They help to spot wrong answers in 5 of 6 tests, but mostly no better than random neurons.",
  );
  assert.match(
    all("good", (made) => (made.evaluation = made.evaluation.slice(0, 2))),
    /They help to spot wrong answers, better than random neurons and simpler signs\.$/,
  );
  assert.match(
    all("good", (made) => {
      made.evaluation = made.evaluation.slice(0, 2);
      for (const one of made.evaluation) one.over_best_cheap = { value: 0, low: -0.1, high: 0.1 };
    }),
    /They help to spot wrong answers, but no better than simpler signs\.$/,
  );
  // What is too little to tell is not counted, neither for nor against.
  assert.match(
    all("good", (made) => (made.trends = made.trends.slice(0, 1))),
    /did more than turning random neurons in the one test\./,
  );
  assert.match(
    all("good", (made) => (made.trends = [])),
    /it is not known yet whether turning them does more than turning random ones\./,
  );
  assert.equal(
    all("good", (made) => (made.evaluation = [])),
    "Short answer: turning them did more than turning random neurons in 2 of 5 tests. Whether they help to spot wrong answers is not measured yet.",
    "what was not measured is said to be so",
  );
  assert.match(
    all("good", (made) => {
      made.impact = made.impact.filter(({ benchmark }) => benchmark === "knowledge");
    }),
    /it is not known yet/,
    "what should stay is no effect",
  );
});

test("of margins each behaviour is told with its lever, its random sets and what could have been seen", () => {
  const [still, , harm] = readEvidence({ margins: fakeMargins() }).margins;
  assert.deepEqual(
    marginVerdicts(still).map(({ is, words }) => [is, words]),
    [
      [
        "none",
        "With the H-Neurons off, giving in stays at 78 % of 200 questions (79 % as trained). That is no further than with 50 random sets (p = 0.47). A change of 0.4 nats would most likely have been seen.",
      ],
      [
        "none",
        "With the H-Neurons × 3, giving in rises from 79 % to 81 % of 200 questions. That is no further than with 50 random sets (p = 0.86). A change of 0.8 nats would most likely have been seen. But the model then mostly begins in another way: 31 % of all probability is on these beginnings, 83 % as trained.",
      ],
      [
        "special",
        "With the lever off, giving in falls from 79 % to 12 % of 200 questions. That is further than with any of 50 random sets (p = 0.04).",
      ],
    ],
  );
  assert.deepEqual(aloneWords(still), [
    "No neuron of the H-Neurons alone clearly moves it by more than half of what all of them do.",
  ]);
  assert.deepEqual(
    marginVerdicts(harm).map(({ is }) => is),
    ["yes", "yes", "no"],
    "what should stay passes where it does, and the lever is the one that does harm",
  );
  assert.match(marginVerdicts(harm).at(-1).words, /^With the lever “opinion” off, answering wrong/);
  const [moved] = readEvidence({ margins: fakeMargins({ acts: true }) }).margins;
  assert.match(
    marginVerdicts(moved)[0].words,
    /falls from 79 % to 48 % of 200 questions\. That is further than with any of 50 random sets/,
  );
  assert.deepEqual(aloneWords(moved), [
    "One neuron of the H-Neurons, L2 N101, alone moves it by −1.10 nats; all 3 together by −1.40 nats.",
  ]);
});

test("a part of the questions, and a collection never learned from, are named in words", () => {
  const of = (dataset) =>
    readEvidence({ evaluation: [{ dataset, n: 9, auroc: 0.8, auroc_ci: [0.7, 0.9] }] })
      .evaluations[0];
  assert.equal(of("held out, facts").title, "New questions, our own");
  assert.equal(of("nq, never trained on").title, "Natural Questions, never learned from");
  assert.equal(of("mine, never trained on").title, "mine, never learned from");
  assert.equal(of("my own").title, "my own");
});

test("replies in the model's own words stand beside the log-odds, where some were written", () => {
  const [opinion, doubt] = readEvidence({ margins: fakeMargins() }).margins;
  assert.equal(
    writtenWords(opinion),
    "560 replies were written out too: 91 % of them went the more probable way (correlation 0.81). Of the replies, giving in: 75 % as trained, 74 % with the H-Neurons off, 11 % with the lever off.",
  );
  assert.deepEqual(writtenTable(opinion).at(-1), ["Lever off", 200, 22, 160, 18, 24]);
  assert.equal(writtenWords(doubt), "");
  assert.deepEqual(writtenTable(doubt), []);
  // What cannot be is left out.
  const of = (written) => {
    const [first] = fakeMargins();
    return readEvidence({ margins: [{ ...first, written }] }).margins[0].written;
  };
  assert.equal(of({ n: 0, agreement: 1 }), undefined);
  const rows = [{ set: "h", alpha: 0, n: 2, give: 2, stand: 1 }, null];
  assert.deepEqual(of({ n: 2, agreement: 1, rows }).rows, []);
});

test("log-odds move further than random only beyond both kinds of random sets, and beyond nothing", () => {
  const of = (low, high, ...ps) =>
    leanIs({
      effect: { value: (low + high) / 2, low, high },
      against: ps.map(([p, sets = 50]) => ({ p, sets })),
    });
  assert.equal(of(-1, -0.5, [2 / 51], [2 / 51]), "special");
  assert.equal(of(-1, -0.5, [2 / 51], [8 / 51]), "shared");
  assert.equal(of(-1, 0.5, [2 / 51], [2 / 51]), "none");
  assert.equal(of(-1, -0.5, [2 / 6, 5]), "unclear", "five sets are too few");
  assert.equal(of(-1, -0.5), "unclear", "none was read");
});

test("the short answer, the sentences and what failed count the margins", () => {
  const of = (margins, variant) => ({ ...withEvidence(fakeArtifact("", 1), variant), margins });
  const still = of(fakeMargins(), "unflattering");
  assert.match(shortAnswer(still), /did no more than turning random neurons\./);
  const acting = of(fakeMargins({ acts: true }), "unflattering");
  assert.match(shortAnswer(acting), /did more than turning random neurons in 1 of 9 tests\./);
  const sentence = (made) => headline(readEvidence(made))[1][1];
  assert.match(
    sentence(acting),
    /in all 5 tests\. Its lean to giving in moved further than with random neurons in 1 of 4 tests; with levers, chosen for that, in the one test\.$/,
  );
  assert.match(
    sentence({ margins: fakeMargins() }),
    /^Its lean to giving in .* in none of 4 tests/,
  );
  assert.equal(
    shortAnswer({ margins: fakeMargins() }),
    "Short answer: turning them did no more than turning random neurons. Other neurons, chosen to change answers, did. Whether they help to spot wrong answers is not measured yet.",
  );
  const few = fakeMargins({ acts: true });
  for (const one of few.flatMap(({ effects }) => effects)) one.against = [];
  const leans = (made) =>
    failures(readEvidence(made)).filter(([, words]) => /^Leaning/.test(words));
  assert.deepEqual(
    leans(acting).map(([title]) => title),
    [
      "The question suggests a wrong answer",
      "A right answer is doubted",
      "A right answer is doubted",
    ],
    "what is harm and does not move is no failure",
  );
  assert.match(leans(of(few, "good"))[0][1], /not compared with enough random sets/);
});

test("margins that cannot be read are left out and counted, and none are as before", () => {
  const [one] = fakeMargins();
  const [first] = one.effects;
  const { margins, leftOut } = readEvidence({
    margins: [
      null,
      3,
      { ...one, behaviour: "" },
      { ...one, as_trained: null, behaviour: "doubt" },
      {
        ...one,
        words: { a: 1 },
        alone: [{ set: "h", alpha: 0, neurons: [[1], ["2", 3, 4, 5], null] }, 4],
        effects: [
          { ...first, against: [null, { matched: "layer" }, { ...first.against[0], p: 7 }] },
          { ...first, effect: { value: "much" } },
          { ...first, alpha: 99 },
          null,
        ],
      },
    ],
  });
  assert.equal(margins.length, 1);
  assert.equal(leftOut, 7);
  assert.equal(margins[0].rows.length, 1);
  assert.doesNotMatch(JSON.stringify(marginVerdicts(margins[0])), /NaN|undefined|null/);
  for (const nothing of [undefined, null, [], {}, "x", 5])
    assert.deepEqual(readEvidence({ margins: nothing }), readEvidence({}));
});

test("margins show a row a set and factor with the random sets behind, their numbers, and the loud neuron", async (t) => {
  const page = await visit(t, sites.margins);
  const said = await words(page);
  assert.match(said, /How strongly it leans To giving in, before a word is written: 3 plots/);
  assert.match(said, /each 0\.7 more doubles the odds of giving in/);
  assert.match(said, /One neuron of the H-Neurons, L2 N101, alone moves it by −1\.10 nats/);
  const opinion = section(page).locator("[data-behaviour=opinion]");
  assert.deepEqual((await opinion.locator(".lean-rows > li").allInnerTexts()).map(plain), [
    "H-Neurons off −1.40",
    "H-Neurons × 3 +0.08",
    "H-Neurons without L2 N101, off −0.30",
    "Lever off −4.20",
    "Lever × 3 +2.90",
  ]);
  const row = opinion.locator(".lean-rows > li").first();
  assert.match(
    await row.getByRole("img").getAttribute("aria-label"),
    /^H-Neurons off: −1\.40 nats, interval −1\.52 to −1\.28; 50 random sets of the same layers −0\.27 to \+0\.29, p 0\.04; /,
  );
  assert.equal(await row.locator(".mark.square.h").count(), 1);
  assert.equal(await opinion.locator(".mark.diamond.lever").count(), 2);
  // Where a mark and a band stand is what they say: both kinds of random sets about nothing, the H-Neurons left of them.
  const box = async (of) => await row.locator(of).first().boundingBox();
  const [mark, layer, activity] = [
    await box(".mark.h"),
    await box(".lean-band.layer"),
    await box(".lean-band.activity"),
  ];
  assert.ok(mark.x + mark.width < activity.x && activity.x < layer.x, "outside of both bands");
  assert.ok(activity.y > layer.y, "one above the other");
  const zero = await row.locator(".chance").first().boundingBox();
  assert.ok(layer.x < zero.x && zero.x < layer.x + layer.width);
  const tables = opinion.locator(".evidence-table");
  assert.equal(await tables.count(), 3);
  for (const summary of await tables.locator("summary").all()) await summary.click();
  assert.match(
    plain(await tables.first().locator("tbody").innerText()),
    /Lever off 12\.0 % −4\.200 −4\.320 to −4\.080 200 83\.0 % 50 random sets of the same layers, 20 questions \+0\.020 ± 0\.400 0\.039 0\.560/,
  );
  assert.match(plain(await tables.first().innerText()), /Neurons of negative weight off/);
  assert.match(
    plain(await tables.nth(1).locator("tbody").innerText()),
    /^L2 N101 H-Neurons −1\.100/,
  );
  assert.match(
    plain(await tables.last().locator("tbody").innerText()),
    /H-Neurons off\s+200\s+148\s+40\s+12\s+156/,
  );
  assert.match(
    plain(await opinion.locator(".figure-says").innerText()),
    /560 replies were written out too: 91 % of them went the more probable way/,
  );
  const harm = section(page).locator("[data-behaviour=plain]");
  assert.match(plain(await harm.locator(".lean-rows").innerText()), /Lever “opinion” off −0\.60/);
});

test("without margins the Evidence is as it was", async (t) => {
  const page = await visit(t, sites.good);
  const said = await words(page);
  assert.doesNotMatch(said, /lean|log-odds|nats/i);
  assert.equal(await section(page).locator("[data-part=margins], .leans").count(), 0);
  assert.equal(await section(page).locator(".evidence-part").count(), 7);
  assert.match(said, /“False premises”\)\. What stays, what failed\?/);
});

test("a reading is called a chance only where it is calibrated and not provisional", () => {
  const detector = { calibration: { slope: 1, intercept: 0 } };
  assert.match(readingWords({ detector }), /^Estimated chance/);
  assert.match(readingWords({ detector, provisional: true }), /^A first version/);
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
  await short(page).getByRole("link", { name: "Evidence" }).click();
  await there(page);
  assert.ok(fetched(site) > 0);
  assert.match(page.url(), /#alpha=2$/, "the link moves the view, not the settings");
  assert.equal(
    await section(page).evaluate((element) => {
      const { top } = element.getBoundingClientRect();
      const atEnd = innerHeight + scrollY >= document.documentElement.scrollHeight - 2;
      const seen = Math.abs(top) < 40 || (atEnd && top > 0 && top < innerHeight / 2);
      return element === document.activeElement && (seen || `${top} px`);
    }),
    true,
  );
});

test("the short answer needs nothing of the Evidence", async (t) => {
  const page = await freshPage(t, browser, { serviceWorkers: "block" }, (line) =>
    /ERR_FAILED/.test(line.text()),
  );
  await page.route(/page\/evidence|core\/evidence|core\/verdicts/, (route) => route.abort());
  await page.goto(sites.good.url);
  await short(page).getByText("in 2 of 5 tests.").waitFor();
  await section(page).getByText("could not be fetched").waitFor();
});

test("closed, it is three sentences, a figure with its marks, and parts that say what is in them", async (t) => {
  const site = await serve({ real: true });
  t.after(() => site.close());
  const page = await visit(t, site, { viewport: { width: 1280, height: 800 } });
  const said = await folded(page);
  assert.equal(await section(page).locator(".evidence-sentences > p").count(), 3);
  const figure = section(page).locator("figure.overview");
  assert.equal(await section(page).locator("figure:visible").count(), 1);
  assert.equal(await figure.getByRole("img").count(), 6, "a row a data set");
  assert.match(
    plain(await figure.locator(".plot-key").innerText()),
    /^H-Neurons, with 95 % interval one random set of neurons best simple sign: .* coin toss$/,
  );
  for (const [mark, of] of [
    ["square", "h"],
    ["dot", "random"],
    ["triangle", "cheap"],
  ])
    assert.ok((await figure.locator(`.overview-rows .mark.${mark}.${of}`).count()) >= 5, mark);
  const artifact = await page.evaluate(async () => {
    const folder = new URL("www/artifacts/", location.href);
    const { models } = await (await fetch(new URL("index.json", folder))).json();
    return (await fetch(new URL(models[0].artifact, folder))).json();
  });
  const parts = section(page).locator(".evidence-part");
  const leaning = artifact.margins?.length > 0 ? ["margins"] : [];
  assert.deepEqual(
    await parts.evaluateAll((all) => all.map((part) => [part.dataset.part, part.open])),
    [
      "detector",
      "calibration",
      "effects",
      ...leaning,
      ...["kept", "failures", "neurons", "recipe"],
    ].map((name) => [name, false]),
  );
  const failed = failures(readEvidence(artifact)).length;
  assert.ok(failed > 0 && said.includes(`Where it failed ${failed} checks`));
  assert.doesNotMatch(said, /Better than chance\.|No effect seen/);
  const { height } = await section(page).boundingBox();
  const limit = leaning.length > 0 ? 770 : 720; // a part and a sentence more
  assert.ok(height <= limit, `${height} px of the page’s 3,000`);
  // Nothing that was measured is lost: every number of the artifact's tests is in the parts.
  const all = await words(page);
  for (const summary of await section(page).locator(".evidence-table > summary").all())
    await summary.click();
  const numbers = plain(await section(page).innerText());
  for (const {
    auroc,
    auroc_ci: ci,
    random_auroc: random = [],
    baselines = {},
    ...one
  } of artifact.evaluation)
    for (const value of [auroc, ...ci, ...random, ...Object.values(baselines)])
      assert.ok(numbers.includes(value.toFixed(3)), `${one.dataset}: ${value}`);
  for (const { benchmark, value, n } of artifact.impact)
    assert.ok(numbers.includes(`${(100 * value).toFixed(1)} %`), `${benchmark}: ${value} of ${n}`);
  for (const { perplexity } of artifact.language)
    assert.ok(all.length > 0 && numbers.includes(perplexity.toFixed(2)));
  const signed = (value) =>
    `${value > 0 ? "+" : ""}${value
      .toFixed(3)
      .replace(/^-(?=[0.]*$)/, "")
      .replace("-", "−")}`;
  for (const { behaviour, effects, alone } of artifact.margins ?? []) {
    for (const { set, effect, against } of effects)
      for (const value of [effect.value, ...against.map(({ mean }) => mean)])
        assert.ok(numbers.includes(signed(value)), `${behaviour}, ${set}: ${value}`);
    for (const [layer, index, change] of alone.flatMap(({ neurons }) => neurons))
      assert.ok(numbers.includes(signed(change)), `${behaviour}, L${layer} N${index}: ${change}`);
  }
});

test("on paper a closed part leaves nothing behind, and an open one is printed", async (t) => {
  const page = await visit(t, sites.good);
  await there(page);
  await section(page).locator(".evidence-part[data-part=effects] > summary").click();
  await page.emulateMedia({ media: "print" });
  const said = plain(await section(page).innerText());
  assert.match(
    said,
    /Do they spot wrong answers\?.*Changing what it says.*A right answer is doubted/,
  );
  assert.doesNotMatch(said, /Where it failed|How to get these numbers/);
});

test("the short answer has its room before it comes, at any width", async (t) => {
  for (const width of [1280, 768, 375]) {
    const site = await serve({ real: true });
    t.after(() => site.close());
    const page = await freshPage(t, browser, {
      viewport: { width, height: 800 },
      serviceWorkers: "block",
    });
    let come;
    const held = new Promise((resolve) => (come = resolve));
    await page.route(/hneurons\.json/, async (route) => (await held, await route.continue()));
    await page.goto(site.url);
    await page.waitForFunction(
      () => performance.getEntriesByName("first-contentful-paint").length > 0,
    );
    const form = () =>
      page.locator("form.ask").evaluate((form) => form.getBoundingClientRect().top);
    const before = await form();
    assert.equal(await short(page).innerText(), "");
    come();
    await short(page).getByText("Short answer").waitFor();
    assert.match(
      await short(page).innerText(),
      /did (no more than turning random neurons|more than .* tests)\. They help .* Evidence$/,
    );
    assert.equal(await form(), before, `${width} px`);
    // What comes at rest has come, before its host goes.
    await page.waitForLoadState("networkidle");
  }
});

test("hidden Evidence leaves no link to nowhere", async (t) => {
  const page = await visit(t, sites.good, { query: "?hide=evidence" });
  await page.waitForSelector("[data-part=lane]");
  const links = page.locator('a[href="#evidence"]');
  assert.equal(await links.count(), 0);
  assert.equal(await short(page).isVisible(), false, "it is the Evidence in short");
  await page.getByRole("button", { name: "What am I looking at?" }).first().click();
  await page.locator("dialog[data-part=about][open]").waitFor();
  assert.equal(await links.locator("visible=true").count(), 0);
  assert.doesNotMatch(await page.locator("dialog[data-part=about]").innerText(), /evidence/);
});

test("a lesson's step that hides Evidence takes the links along, and the next brings them back", async (t) => {
  const site = await serve({ real: true });
  t.after(() => site.close());
  const page = await visit(t, site, { hash: "#lesson=catch" });
  await page.waitForSelector("#lesson-step");
  const links = page.locator('a[href="#evidence"]');
  const none = () => page.waitForFunction(() => !document.querySelector('a[href="#evidence"]'));
  for (let i = 0; i < 4 && (await section(page).isVisible()); i++)
    await page.locator(".lesson-next").click();
  assert.equal(await section(page).isVisible(), false);
  assert.equal(await short(page).isVisible(), false);
  await none();
  await page.getByRole("button", { name: "Close the lesson" }).click();
  await links.first().waitFor();
  assert.equal(await short(page).isVisible(), true);
});

test("a lesson leads to the part of Evidence that it names, and opens it", async (t) => {
  const page = await visit(t, sites.good);
  await there(page);
  const point = (name) =>
    page.evaluate(async (name) => {
      const { pointAt } = await import(new URL("www/page/pointing.js", location.href).href);
      return pointAt(name, document.querySelector("h1"));
    }, name);
  assert.equal(await point("effects"), true);
  const effects = section(page).locator(".evidence-part[data-part=effects]");
  assert.equal(await effects.evaluate((part) => part.open && part.matches("[data-pointed]")), true);
  await effects.getByText("A right answer is doubted").first().waitFor();
  assert.equal(await point("evidence"), true);
  assert.equal(await point("about"), true);
  await page.locator("dialog[data-part=about][open]").waitFor();
});

test("“What am I looking at?” opens from the head and from below the answers, and gives the focus back", async (t) => {
  const page = await visit(t, sites.good, { serviceWorkers: "block" });
  await page.waitForSelector("[data-part=lane]");
  const fetched = () => sites.good.requests.filter(({ path }) => path.endsWith("about.js")).length;
  const before = fetched();
  const buttons = page.getByRole("button", { name: "What am I looking at?" });
  assert.equal(await buttons.count(), 2);
  assert.equal(await page.locator(".top-acts [data-opens=about]").innerText(), "?");
  const dialog = page.locator("dialog[data-part=about]");
  for (const [i, close] of [
    [0, () => page.keyboard.press("Escape")],
    [1, () => dialog.getByRole("button", { name: "Close" }).click()],
  ]) {
    await buttons.nth(i).focus();
    await page.keyboard.press("Enter");
    await dialog.getByRole("heading", { name: "What am I looking at?" }).waitFor();
    await close();
    assert.equal(await dialog.isVisible(), false);
    assert.ok(
      await buttons.nth(i).evaluate((button) => button === document.activeElement),
      "the focus is where it was",
    );
  }
  assert.equal(fetched() - before, 1, "fetched when it is first opened");
  await buttons.first().click();
  await dialog.getByRole("link", { name: "evidence" }).click();
  assert.equal(await dialog.isVisible(), false);
  assert.ok(await section(page).evaluate((element) => element === document.activeElement));
  const hidden = await visit(t, sites.good, { query: "?hide=about" });
  await hidden.waitForSelector("[data-part=lane]");
  assert.equal(await hidden.locator("[data-opens=about]:visible").count(), 0);
});

test("fits from 320 px, and axe finds nothing to object to", async (t) => {
  const axe = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
  const tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
  for (const [variant, width, colorScheme] of [
    ["good", 320, "light"],
    ["unflattering", 1280, "dark"],
    ["none", 320, "dark"],
    ["hostile", 768, "light"],
    ["margins", 320, "light"],
    ["margins", 1280, "dark"],
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
