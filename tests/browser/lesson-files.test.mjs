// The lessons as files, without a browser: each can be used, names only what is recorded, and its computed notes resolve.

import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import { test } from "node:test";
import { fromGallery, viewOf } from "../../www/core/gallery.js";
import { classLink } from "../../www/core/class-link.js";
import { readLesson } from "../../www/core/lesson.js";
import { fill, runsOf } from "../../www/core/lesson-notes.js";
import { PARTS } from "../../www/core/lesson-parts.js";
import { Progress, numberIn } from "../../www/core/lesson-progress.js";
import { reportOf, toMarkdown } from "../../www/core/lesson-report.js";
import { formatHash, parseHash } from "../../www/core/state.js";

const at = (path) => new URL(`../../www/${path}`, import.meta.url);
const json = async (path) => JSON.parse(await readFile(at(path), "utf8"));
const model = (await json("artifacts/index.json")).default;
const index = await json(`gallery/${model}/index.json`);
const list = (await json("lessons/index.json")).lessons;
const ids = (await readdir(at("lessons/")))
  .map((file) => file.replace(/\.json$/, ""))
  .filter((id) => id !== "index");
const lessons = new Map(
  await Promise.all(ids.map(async (id) => [id, readLesson(await json(`lessons/${id}.json`), id)])),
);

const traces = new Map();
async function source(texts) {
  for (const id of texts.flatMap((text) => runsOf(text, index))) {
    if (!traces.has(id)) traces.set(id, fromGallery(await json(`gallery/${model}/${id}.json`)));
  }
  return { index, traces };
}
const textsOf = (lesson) => [
  ...lesson.teacher,
  ...lesson.steps.flatMap(({ text, questions, teacher }) => [
    ...text,
    ...questions.map(({ ask }) => ask),
    ...teacher,
  ]),
];
const filled = async (text) =>
  fill(text, await source([text]))
    .map(({ text, error }) => (error ? `[${error}]` : text))
    .join("");

test("the list names every lesson but the template, as its file does", () => {
  assert.deepEqual(list.map(({ id }) => id).sort(), ids.filter((id) => id !== "template").sort());
  assert.ok(list.length >= 5);
  for (const { id, title, minutes, summary } of list) {
    const lesson = lessons.get(id);
    assert.deepEqual(
      { title, minutes, summary },
      { title: lesson.title, minutes: lesson.minutes, summary: lesson.summary },
      id,
    );
    assert.ok(minutes >= 10 && minutes <= 20, id);
  }
});

for (const [id, lesson] of lessons) {
  test(`${id}: reading, predict, run, observe, explain; only what is recorded; every note resolves`, async () => {
    for (const kind of ["read", "predict", "run", "observe", "explain"])
      assert.ok(
        lesson.steps.some((step) => step.kind === kind),
        kind,
      );
    for (const { show, runs, optional } of lesson.steps) {
      assert.ok(show === "" || PARTS.has(show), show);
      for (const run of runs) {
        assert.equal(run.run === undefined, optional, "what needs the model is optional");
        if (run.run === undefined) continue;
        await source([`{{tokens ${run.run} none 1}}`]);
        assert.ok(traces.has(run.run), `${run.run} is recorded`);
        assert.ok(viewOf(traces.get(run.run), run), `${run.run} has lanes at ${run.alpha}`);
      }
    }
    const used = await source(textsOf(lesson));
    for (const text of textsOf(lesson)) {
      const pieces = fill(text, used);
      assert.deepEqual(
        pieces.filter(({ error }) => error),
        [],
        text,
      );
      assert.doesNotMatch(
        pieces.map((piece) => piece.text).join(""),
        /\{\{|\}\}|undefined|NaN|no reading/,
        text,
      );
    }
  });
}

test("a teacher's numbers are never typed: no digit after the point stands in a lesson's text, but for the table's 0.99 quantile", () => {
  for (const [id, lesson] of lessons)
    for (const text of textsOf(lesson))
      assert.doesNotMatch(
        text
          .replace(/\{\{.*?\}\}/g, "")
          .replaceAll("0.99 quantile", "")
          .replaceAll("above 0.5", ""),
        /\d\.\d/,
        `${id}: ${text}`,
      );
});

test("computed notes say what is in the recording, and follow it when it changes", async () => {
  const run = await source(["{{score zorvath none 1}}"]).then(() => traces.get("zorvath"));
  const cut = run.lanes[run.trained].stopped === "eos" ? "" : " …"; // the limit cut it off
  assert.equal(
    await filled("{{answer zorvath none 1}}"),
    `“${run.text(run.trained).trim()}${cut}”`,
  );
  assert.equal(await filled("{{score zorvath none 1}}"), run.lanes[run.trained].score.toFixed(2));
  assert.equal(await filled("{{same zorvath none 1 ? yes : no}}"), "yes");
  assert.equal(await filled("{{parts zorvath h 1}}"), "nowhere");
  const counts = index.changed.filter((row) => row.set === "h" && row.alpha === 0);
  const sum = (key) => counts.reduce((total, row) => total + row[key], 0);
  assert.equal(await filled("{{changed all h 0}}"), `${sum("changed")} of ${sum("runs")}`);
  const other = structuredClone(index);
  for (const row of other.changed) row.changed = row.set === "h" ? row.runs : 0;
  assert.equal(
    fill("{{exceeds all 0 ? more : not more}}", { index: other, traces })[0].text,
    "more",
  );
  for (const row of other.changed) row.changed = row.runs;
  assert.equal(
    fill("{{exceeds all 0 ? more : not more}}", { index: other, traces })[0].text,
    "not more",
  );
});

test("a note that names what is not there says so, in its place", async () => {
  for (const [text, says] of [
    ["{{scroe zorvath none 1}}", /no such name/],
    ["{{constructor}}", /no such name/],
    ["{{score zorvth none 1}}", /no recorded run “zorvth”/],
    ["{{score zorvath h 0.7}}", /no lane “h” at 0.7/],
    ["{{score zorvath}}", /needs RUN SET ALPHA/],
    ["{{score zorvath h 0 ? a : b}}", /is no question/],
    ["{{changed cats h 0}}", /no count for cats/],
  ])
    assert.match(await filled(text), says, text);
});

test("a slip in a lesson's file is named with its place", async () => {
  const template = await json("lessons/template.json");
  const slips = [
    [(it) => (it.schema = "hneurons-lesson/2"), /its schema is not/],
    [(it) => (it.id = "other"), /its id is not “template”/],
    [(it) => delete it.title, /: title is missing\./],
    [(it) => (it.tittle = "x"), /has “tittle”, which is not a field/],
    [(it) => (it.minutes = "15"), /minutes is not a number/],
    [(it) => (it.steps[1].kind = "guess"), /steps\[1\]\.kind is not one of/],
    [(it) => delete it.steps[1].questions[0].ask, /steps\[1\]\.questions\[0\]\.ask is missing/],
    [
      (it) => delete it.steps[1].questions[0].choices,
      /steps\[1\]\.questions\[0\]\.choices is missing/,
    ],
    [(it) => (it.steps[1].questions[1].id = "guess"), /two questions have the id “guess”/],
    [(it) => (it.steps[2].runs[0].run = "../x"), /steps\[2\]\.runs\[0\]\.run is not a name/],
    [(it) => (it.steps[2].runs[0].alpha = 0.3), /steps\[2\]\.runs\[0\]\.alpha is not a multiple/],
    [(it) => (it.steps[2].runs[0].prompt = "x"), /needs either “run” or “prompt”/],
    [(it) => (it.steps = it.steps.slice(0, 2)), /steps\[1\] predicts, but no run step/],
    [(it) => (it.steps[0].text = "x"), /steps\[0\]\.text is not a list/],
    [(it) => (it.words.token = 1), /“token” has no explanation/],
  ];
  for (const [slip, says] of slips) {
    const broken = structuredClone(template);
    slip(broken);
    assert.throws(
      () => readLesson(broken, "template"),
      (error) =>
        says.test(error.message) && /Correct www\/lessons\/template\.json/.test(error.message),
      String(says),
    );
  }
  for (const other of [null, [], "x", 3])
    assert.throws(() => readLesson(other, "template"), /not an object/);
});

test("kept answers that do not fit the lesson are dropped", () => {
  const lesson = lessons.get("template");
  const saved = {
    schema: "hneurons-answers/1",
    at: 99,
    opened: [0, 2, -1, "x"],
    shown: ["2.0", "2.7", "x"],
    answers: { guess: "Neither", why: "so", other: "x", at: 3 },
    name: 7,
  };
  const progress = new Progress(lesson, saved);
  assert.equal(progress.at, 0);
  assert.equal(progress.answer("guess"), "", "a choice that is not offered");
  assert.equal(progress.answer("why"), "so");
  assert.equal(progress.answer("other"), "");
  assert.equal(progress.wasShown(2, 0), true);
  assert.equal(progress.locked(1), true);
  assert.equal(progress.setAnswer("why", "changed"), false);
  assert.deepEqual(
    new Progress(lesson, JSON.parse(JSON.stringify(progress))).toJSON(),
    progress.toJSON(),
  );
});

test("numbers are read as pupils write them", () => {
  const limits = { min: 0, max: 1 };
  assert.deepEqual(
    ["0,5", " .25 ", "1", "2", "x", "", "−1"].map((text) => numberIn(text, limits)),
    [0.5, 0.25, 1, null, null, null, null],
  );
});

test("in Markdown, what was typed stays text", () => {
  const lesson = lessons.get("template");
  const progress = new Progress(lesson, null);
  progress.setAnswer("why", "# *no* <b>\n[x](y)");
  const text = toMarkdown(reportOf(lesson, progress), {
    name: "A_b",
    date: "today",
    address: "http://x/#lesson=template",
  });
  assert.match(text, /> \\# \\\*no\\\* \\<b\\>\n> \\\[x\\\]\(y\)/);
  assert.match(text, /^Name: A\\_b/m);
});

test("the address has the lesson, and only a name", () => {
  assert.equal(parseHash("#lesson=turn-down").lesson, "turn-down");
  assert.equal(formatHash(parseHash("#lesson=turn-down")), "#lesson=turn-down");
  for (const hostile of ["../x", "A", "a/b", "<img>", "a".repeat(61), "a.b", "%00"])
    assert.equal(parseHash(`#lesson=${encodeURIComponent(hostile)}`).lesson, "", hostile);
  assert.equal(
    classLink("http://x/", { lesson: "doubt", hide: ["gallery", "a&b"] }),
    "http://x/?hide=gallery#lesson=doubt",
  );
  assert.equal(
    classLink("http://x/", {
      lesson: "doubt",
      teacher: true,
      settings: parseHash("#alpha=2&prompt=Hi&run=1"),
    }),
    "http://x/?teacher=1#prompt=Hi&alpha=2&lesson=doubt",
  );
});
