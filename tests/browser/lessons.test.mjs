// The lessons on the page, with the real lesson files, artifact and recorded runs, and no model.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { after, before, test } from "node:test";
import { freshPage, launch } from "./mock/browser.mjs";
import { serve } from "./mock/server.mjs";

const template = JSON.parse(
  await readFile(new URL("../../www/lessons/template.json", import.meta.url), "utf8"),
);
const broken = structuredClone(template);
Object.assign(broken, { id: "broken" });
delete broken.steps[1].questions[0].ask;

let browser, site;
before(async () => {
  browser = await launch();
  site = await serve({
    real: true,
    under: "/a/sub/path/",
    files: {
      "www/lessons/broken.json": JSON.stringify(broken),
      "www/lessons/no-json.json": "<!doctype html>",
    },
  });
});
after(async () => {
  await browser.close();
  await site.close();
});

/** A fresh visitor; any error or refused resource fails the test that sees it. */
async function visit(
  t,
  { hash = "", query = "", options = {}, at = site, foreseen = [], before = () => {} } = {},
) {
  // The service worker would fetch what the page keeps; these tests are about what a visit asks for.
  const page = await freshPage(t, browser, { serviceWorkers: "block", ...options }, (line) =>
    foreseen.some((words) => line.text().includes(words)),
  );
  await before(page);
  await page.goto(`${at.url}${query}${hash}`);
  return page;
}

const heading = (page, words) => page.locator("#lesson-step", { hasText: words }).waitFor();
const next = (page) => page.locator(".lesson-nav button").last().click();
const step = (page) => page.locator(".lesson-progress p").innerText();

/** One step on, also where predictions are left out and Next has to be pressed again. */
async function forward(page) {
  const was = await step(page);
  const moved = () =>
    page.waitForFunction(
      (was) =>
        document.querySelector(".lesson-progress p").textContent !== was ||
        document.querySelector(".lesson-nav .lesson-wrong").textContent,
      was,
    );
  await next(page);
  await moved();
  if ((await step(page)) !== was) return;
  await next(page);
  await page.waitForFunction(
    (was) => document.querySelector(".lesson-progress p").textContent !== was,
    was,
  );
}

async function through(page, kind) {
  while (!(await page.locator(`.lesson-step[data-kind=${kind}]`).count())) await forward(page);
}

const focused = (page) =>
  page.evaluate(() => document.activeElement.id || document.activeElement.textContent.trim());

test("a lesson with the mouse: from the list to the report, on recorded runs only", async (t) => {
  const page = await visit(t, { options: { viewport: { width: 1400, height: 900 } } });
  await page.getByRole("button", { name: "Lessons" }).click();
  await page.getByRole("button", { name: "Turn the H-Neurons down, and predict first" }).click();
  await heading(page, "Changing a model from inside");
  assert.equal(await step(page), "Step 1 of 12");
  assert.match(page.url(), /#lesson=turn-down$/);
  assert.equal(await focused(page), "lesson-step");
  await next(page);
  await page.getByLabel("Another invention").check();
  await page.getByLabel("Why do you think so?").fill("It has always <b>invented</b> something.");
  await next(page);
  await heading(page, "Open the run");
  assert.equal(await page.locator("[data-part=lane]").nth(1).getAttribute("data-alpha"), "0");
  await page
    .getByRole("button", { name: /What is the capital of Velmoria\?.*H-Neurons off/ })
    .click();
  await page.getByText("✓ opened").waitFor();
  assert.equal(
    await page.locator("[data-part=prompt]").inputValue(),
    "What is the capital of Velmoria?",
  );
  const answers = await page.locator("[data-part=lane] .answer").evaluateAll((all) =>
    all.map((answer) =>
      [...answer.querySelectorAll("[data-part=token]")]
        .map((token) => token.textContent)
        .join("")
        .trim(),
    ),
  );
  await next(page);
  await heading(page, "What happened at times 0");
  assert.match(await page.locator(".predicted").innerText(), /Another invention/);
  await page.getByLabel("At which token does it part").fill("9");
  await page.getByLabel("another invention").check();
  while ((await step(page)) !== "Report") await forward(page);
  await page.getByLabel("Name", { exact: true }).fill("Ada");
  const report = page.locator(".lesson-report");
  const text = await report.innerText();
  assert.match(text, /What will the answer be\?\s+Another invention/);
  assert.match(text, /It has always <b>invented<\/b> something\./);
  assert.match(text, /part from the as-trained one\?|part from the as-trained answer\?/);
  for (const answer of answers) assert.ok(text.includes(answer), answer);
  assert.match(text, /Date: \d+ \w+ \d{4}/);
  assert.match(text, /Page: http.*#lesson=turn-down/);

  await page.emulateMedia({ media: "print" });
  const printed = await page.evaluate(() => document.body.innerText);
  assert.match(printed, /^Report\s+Turn the H-Neurons down/);
  assert.doesNotMatch(printed, /Neuron board|All lessons|Print|Recorded runs|Step \d/);
  assert.equal(await page.locator("#report-name").isVisible(), true);
  await page.emulateMedia({ media: "screen" });

  const [download] = await Promise.all([
    page.waitForEvent("download"),
    page.getByRole("button", { name: "Download as Markdown" }).click(),
  ]);
  assert.equal(download.suggestedFilename(), "hneurons-turn-down.md");
  const markdown = await readFile(await download.path(), "utf8");
  assert.match(markdown, /^# Turn the H-Neurons down, and predict first\n\nName: Ada/);
  assert.match(markdown, /> It has always \\<b\\>invented/);
  await page.evaluate(() => (window.print = () => (window.printed = true)));
  await page.getByRole("button", { name: "Print" }).click();
  assert.equal(await page.evaluate(() => window.printed), true);
  assert.equal(site.modelRequests().length, 0);
});

test("a lesson with the keyboard alone, on a narrow screen: it leads to the answers and back", async (t) => {
  const page = await visit(t, {
    hash: "#lesson=neuron",
    options: { viewport: { width: 375, height: 700 }, reducedMotion: "reduce" },
  });
  await heading(page, "A machine that continues text");
  const tabTo = async (test, key = "Tab") => {
    for (let i = 0; i < 200; i++) {
      if (await page.evaluate((test) => document.activeElement.matches(test), test)) return;
      await page.keyboard.press(key);
    }
    assert.fail(`${test} is not reached by ${key}`);
  };
  for (const words of ["Neurons, and what", "Before you look"]) {
    await tabTo(".lesson-next");
    await page.keyboard.press("Enter");
    await heading(page, words);
    assert.equal(await focused(page), "lesson-step");
  }
  await tabTo("[name=answer-how-many]");
  await page.keyboard.press("ArrowDown");
  await tabTo("#answer-which-token");
  await page.keyboard.type("fins");
  await tabTo(".lesson-next");
  await page.keyboard.press("Enter");
  await heading(page, "Open the recorded run");
  await tabTo("[data-lesson-run=goldfish]");
  await page.keyboard.press("Enter");
  await page.locator("#answers:focus").waitFor();
  assert.match(await page.locator(".turn-text").first().innerText(), /goldfish/);
  await tabTo(".lesson-return", "Shift+Tab");
  await page.keyboard.press("Enter");
  assert.equal(await focused(page), "lesson-step");
  assert.equal(await page.locator(".lesson-return").count(), 0);
  await tabTo(".lesson-next");
  await page.keyboard.press("Enter");
  await heading(page, "Read the board");
  await tabTo("[data-show=board]");
  await page.keyboard.press("Enter");
  await page.locator("[data-part=board][data-pointed]:focus").waitFor();
  await tabTo(".lesson-nav button", "Shift+Tab");
  assert.equal(await page.locator("[data-kind=observe]").isVisible(), true);
});

test("a prediction locks when the run after it is opened; a missing one is pointed out first", async (t) => {
  const page = await visit(t, { hash: "#lesson=template" });
  await heading(page, "Read");
  await next(page);
  await page.getByRole("radio", { name: "This", exact: true }).check();
  await next(page);
  assert.match(
    await page.locator(".lesson-nav .lesson-wrong").innerText(),
    /One prediction is missing/,
  );
  assert.equal(await step(page), "Step 2 of 6");
  await page.getByRole("radio", { name: "That", exact: true }).check();
  await next(page);
  await heading(page, "Run");
  await page.getByRole("button", { name: "Back" }).click();
  await heading(page, "Predict");
  assert.equal(await page.locator(".lesson-step :is(input, textarea)").count(), 0);
  assert.match(
    await page.locator(".lesson-step").innerText(),
    /Locked.*What will happen\?\s+That.*Why\?\s+You made no prediction\./s,
  );
  await page.reload();
  await heading(page, "Predict");
  assert.equal(
    await page.locator(".lesson-step :is(input, textarea)").count(),
    0,
    "still locked after a reload",
  );
});

test("a number that is none is not kept, and is said to be", async (t) => {
  const page = await visit(t, { hash: "#lesson=template" });
  await heading(page, "Read");
  await through(page, "observe");
  const field = page.getByLabel("At which token");
  await field.fill("nine");
  await field.blur();
  assert.match(
    await page.locator("#answer-at-wrong").innerText(),
    /a number from 0 to 200 is wanted/,
  );
  await field.fill("9");
  assert.equal(await page.locator("#answer-at-wrong").isVisible(), false);
});

test("answers survive a reload, and are deleted on request", async (t) => {
  const page = await visit(t, { hash: "#lesson=template" });
  await heading(page, "Read");
  await through(page, "observe");
  await page.getByLabel("What has changed?").fill("One word.");
  await page.reload();
  await heading(page, "Observe");
  assert.equal(await page.getByLabel("What has changed?").inputValue(), "One word.");
  assert.deepEqual(
    await page.evaluate(() =>
      Object.keys(localStorage).filter((key) => key.startsWith("hneurons-lesson")),
    ),
    ["hneurons-lesson:template"],
  );
  await page.getByRole("button", { name: "Delete my answers" }).click();
  await page.getByRole("button", { name: /Press again/ }).click();
  await heading(page, "Read");
  assert.deepEqual(
    await page.evaluate(() =>
      Object.keys(localStorage).filter((key) => key.startsWith("hneurons-lesson")),
    ),
    [],
  );
  await page.reload();
  await heading(page, "Read");
  await through(page, "observe");
  assert.equal(await page.getByLabel("What has changed?").inputValue(), "");
});

test("where the browser keeps nothing, that is said once, and the lesson goes on", async (t) => {
  const page = await visit(t, {
    hash: "#lesson=template",
    before: (page) =>
      page.addInitScript(
        () =>
          (Storage.prototype.setItem = () => {
            throw new DOMException("full", "QuotaExceededError");
          }),
      ),
  });
  await heading(page, "Read");
  await page.getByText(/This browser does not keep your answers/).waitFor();
  await through(page, "observe");
  await page.getByLabel("What has changed?").fill("One word.");
  await next(page);
  await page.getByRole("button", { name: "Back" }).click();
  assert.equal(await page.getByLabel("What has changed?").inputValue(), "One word.");
  assert.equal(await page.locator("[role=alert]:visible").count(), 0, "not said again");
});

test("a lesson that cannot be used gives one clear message, and the page works", async (t) => {
  for (const [id, says] of [
    [
      "broken",
      /The lesson “broken” cannot be used: steps\[1\]\.questions\[0\]\.ask is missing\. Correct www\/lessons\/broken\.json/,
    ],
    ["no-json", /The lesson “no-json” cannot be used: www\/lessons\/no-json\.json is not JSON/],
    ["nowhere", /The lesson “nowhere” is not on this page/],
    ["index", /The lesson “index” cannot be used/],
  ]) {
    const page = await visit(t, { hash: `#lesson=${id}`, foreseen: ["404"] });
    assert.match(await page.locator(".lesson-failed").innerText(), says);
    assert.equal(await page.locator(".message:visible, .lesson-step").count(), 0);
    await page.locator("[data-part=alpha]").fill("3");
    assert.equal(await page.locator("[data-part=lane]").nth(1).getAttribute("data-alpha"), "3");
    await page.getByRole("button", { name: "Close the lesson" }).click();
    assert.equal(await page.locator("[data-part=lesson]").count(), 0);
    assert.doesNotMatch(page.url(), /lesson=/);
  }
});

test("hostile lesson ids open nothing and fetch nothing", async (t) => {
  for (const id of ["../../models/x", "<img src=x>", "a/b", "//example.org/x", "%2e%2e%2fx", "A"]) {
    const from = site.requests.length;
    const page = await visit(t, { hash: `#lesson=${encodeURIComponent(id)}` });
    await page.waitForSelector("[data-part=lane]");
    assert.equal(await page.locator("[data-part=lesson]").count(), 0, id);
    assert.deepEqual(
      site.requests.slice(from).filter(({ path }) => /lessons\//.test(path)),
      [],
      id,
    );
  }
});

test("the address opens and closes a lesson", async (t) => {
  const page = await visit(t);
  await page.waitForSelector("[data-part=lane]");
  await page.evaluate(() => (location.hash = "#lesson=doubt"));
  await heading(page, "Going along");
  await page.evaluate(() => (location.hash = ""));
  await page.locator("[data-part=lesson]").waitFor({ state: "detached" });
});

test("a teacher's link: what it hides is hidden, the notes are the teacher's, and the lesson is there", async (t) => {
  const page = await visit(t);
  await page.waitForSelector("[data-part=lane]");
  await page.getByRole("button", { name: "Lessons" }).click();
  await page.getByRole("button", { name: "Link for a class" }).click();
  await page.getByLabel("Lesson", { exact: true }).selectOption("control");
  for (const words of ["Recorded runs", "Advanced settings", "Detector readings", "Neuron board"])
    await page.getByRole("checkbox", { name: words, exact: true }).check();
  const forClass = await page.getByLabel("For the class").inputValue();
  const forTeacher = await page.getByLabel("For you, with notes for teachers").inputValue();
  assert.equal(forClass, `${site.url}?hide=gallery,advanced,score,board#lesson=control`);
  assert.equal(forTeacher, `${site.url}?teacher=1#lesson=control`);

  const pupil = await visit(t, { query: new URL(forClass).search, hash: new URL(forClass).hash });
  await heading(pupil, "Compared with what?");
  for (const part of ["gallery", "score", "board"])
    assert.equal(await pupil.locator(`[data-part=${part}]`).first().isVisible(), false, part);
  assert.equal(await pupil.locator(".advanced").isVisible(), false);
  assert.equal(await pupil.locator(".lesson-notes").count(), 0);

  const teacher = await visit(t, { query: "?teacher=1", hash: "#lesson=control" });
  await heading(teacher, "Compared with what?");
  const counts = JSON.parse(
    await readFile(
      new URL("../../www/gallery/smollm2-135m-instruct-q4_1/index.json", import.meta.url),
      "utf8",
    ),
  ).changed.filter(({ set, alpha }) => set === "h" && alpha === 0);
  const sum = (key) => counts.reduce((total, row) => total + row[key], 0);
  assert.match(
    await teacher.locator(".lesson-notes").innerText(),
    new RegExp(`It was ${sum("changed")} of ${sum("runs")} for the H-Neurons`),
  );
  await through(teacher, "observe");
  assert.match(
    await teacher.locator(".lesson-notes").innerText(),
    /H-Neurons (the same|another) answer, random neurons of seed 1 (the same|another) answer/,
  );
});

test("a step can keep the detector's readings out of sight until they are wanted", async (t) => {
  const page = await visit(t, { hash: "#lesson=catch" });
  await heading(page, "Fluent is not the same as true");
  assert.equal(await page.locator("[data-part=score]").first().isVisible(), false);
  while (!(await page.getByText("Open them again, with the readings").count())) await forward(page);
  assert.equal(await page.locator("[data-part=score]").first().isVisible(), true);
});

test("the optional step puts the pupil's cursor into the prompt and fetches nothing", async (t) => {
  const page = await visit(t, { hash: "#lesson=template" });
  await heading(page, "Read");
  await through(page, "explain");
  await forward(page);
  await page.getByRole("button", { name: /Write a prompt of your own/ }).click();
  await page.locator("[data-part=prompt]:focus").waitFor();
  assert.equal(await page.locator("[data-part=prompt]").inputValue(), "");
  assert.equal(site.modelRequests().length, 0);
});

test("without recorded runs a lesson can be read, and says what is missing", async (t) => {
  const bare = await serve({ trace: false });
  t.after(() => bare.close());
  const page = await visit(t, { at: bare, hash: "#lesson=template", foreseen: ["404"] });
  await heading(page, "Read");
  await through(page, "run");
  await page.locator("[data-lesson-run=zorvath]").click();
  await page.getByText("The recorded run “zorvath” is not on this page.").waitFor();
});

test("axe finds nothing to object to, in light and dark, and nothing scrolls sideways from 320 px up", async (t) => {
  const axe = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
  const tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
  for (const [width, colorScheme] of [
    [1280, "light"],
    [320, "dark"],
    [768, "light"],
  ]) {
    const page = await visit(t, {
      query: "?teacher=1",
      hash: "#lesson=template",
      options: { viewport: { width, height: 800 }, colorScheme, bypassCSP: true },
    });
    await heading(page, "Read");
    await page.evaluate(axe);
    const check = async (where) => {
      const found = await page.evaluate(
        async (runOnly) => (await window.axe.run({ runOnly })).violations,
        tags,
      );
      assert.deepEqual(
        found.map(({ id, nodes }) => `${id}: ${nodes[0].html.slice(0, 160)}`),
        [],
        `${where}, ${width} ${colorScheme}`,
      );
      assert.equal(
        await page.evaluate(
          () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
        ),
        0,
        `${where}, ${width} px`,
      );
    };
    await page.locator(".lesson-foot summary").click();
    await check("read");
    for (const kind of ["predict", "run", "observe", "explain"]) {
      await through(page, kind);
      if (kind === "run") await page.locator("[data-lesson-run=zorvath]").click();
      if (kind === "run") await page.getByText("✓ opened").waitFor({ state: "attached" });
      await check(kind);
    }
    while ((await step(page)) !== "Report") await forward(page);
    await check("report");
    await page.getByRole("button", { name: "All lessons" }).click();
    await page.locator(".lesson-list ol").waitFor();
    await check("list");
    await page.getByRole("button", { name: "Link for a class" }).click();
    await page.locator(".class-link").waitFor();
    await check("link");
  }
});
