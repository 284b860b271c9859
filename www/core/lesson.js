// Reads a lesson (docs/lessons.md), strictly: a teacher's slip of the pen is named, with its place in the file, and
// nothing half-read is shown. Pure, but for fetching.

import { NAME } from "./lesson-parts.js";
import { LIMITS } from "./state.js";

const FOLDER = new URL("../lessons/", import.meta.url);
const ID = /^[a-z0-9-]{1,60}$/;
const RUN = /^[a-z0-9][a-z0-9._-]{0,79}$/;
const QUESTION = /^[a-z0-9-]{1,40}$/;

/** What a kind of step is called, and what it must have. */
export const KINDS = {
  read: { words: "Read", needs: "text" },
  predict: { words: "Predict", needs: "questions" },
  run: { words: "Run", needs: "runs" },
  observe: { words: "Observe", needs: "questions" },
  explain: { words: "Explain", needs: "questions" },
};
const ANSWERS = ["choice", "number", "short", "long"];

/** The list of lessons, `www/lessons/index.json`: [{id, title, minutes, summary}]. */
export async function loadList() {
  const json = await getJson("index", "The list of lessons");
  if (json?.schema !== "hneurons-lessons/1" || !Array.isArray(json.lessons))
    throw new Error("The list of lessons (www/lessons/index.json) is not one this page can read.");
  const at = reader("The list of lessons (www/lessons/index.json) cannot be used");
  return json.lessons.map((entry, i) => {
    const from = at.object(entry, `lessons[${i}]`, ["id", "title", "minutes", "summary"]);
    return {
      id: from.match("id", ID),
      title: from.text("title", 200),
      minutes: from.number("minutes", 1, 240),
      summary: from.text("summary", 400),
    };
  });
}

/** A lesson by its id. Throws with a plain message where there is none, or where its file cannot be used. */
export async function loadLesson(id) {
  if (!ID.test(id)) throw new Error("There is no lesson of that name.");
  return readLesson(await getJson(id, `The lesson “${id}”`), id);
}

async function getJson(id, what) {
  const where = `www/lessons/${id}.json`;
  let response;
  try {
    response = await fetch(new URL(`${id}.json`, FOLDER));
  } catch {
    throw new Error(
      `${what} could not be fetched: the network failed. Check the connection and try again.`,
    );
  }
  if (response.status === 404)
    throw new Error(
      `${what} is not on this page: there is no file ${where}. Check the address, or choose another from the list.`,
    );
  if (!response.ok)
    throw new Error(`${what} could not be fetched (HTTP ${response.status}). Try again later.`);
  try {
    return JSON.parse(await response.text());
  } catch (error) {
    throw new Error(
      `${what} cannot be used: ${where} is not JSON (${error.message}). Correct the file, or deploy it again.`,
    );
  }
}

/** A lesson's JSON, checked, with what may be left out filled in. */
export function readLesson(json, id) {
  const at = reader(
    `The lesson “${id}” cannot be used`,
    `Correct www/lessons/${id}.json; docs/lessons.md describes the format.`,
  );
  const from = at.object(json, "the file", [
    "schema",
    "id",
    "title",
    "summary",
    "minutes",
    "age",
    "goals",
    "words",
    "steps",
    "teacher",
  ]);
  if (json.schema !== "hneurons-lesson/1") at.fail("its schema is not “hneurons-lesson/1”");
  if (json.id !== id) at.fail(`its id is not “${id}”, the name of the file`);
  const words = from.optional(
    "words",
    [],
    (value) => at.object(value, "words", null) && Object.entries(value),
  );
  for (const [term, meaning] of words)
    if (typeof meaning !== "string" || !meaning.trim())
      at.fail(`words: “${term}” has no explanation`);
  const lesson = {
    id,
    title: from.text("title", 200),
    summary: from.text("summary", 400),
    minutes: from.number("minutes", 1, 240),
    age: from.text("age", 60),
    goals: from.list("goals", 1, 10, (goal, where) => at.text(goal, where, 300)),
    words,
    teacher: from.texts("teacher"),
    steps: from.list("steps", 1, 40, (step, where) => readStep(at, step, where)),
  };
  const seen = new Set();
  lesson.steps.forEach((step, i) => {
    for (const question of step.questions) {
      if (seen.has(question.id)) at.fail(`two questions have the id “${question.id}”`);
      seen.add(question.id);
    }
    if (step.kind === "predict" && !lesson.steps.slice(i).some(({ kind }) => kind === "run"))
      at.fail(`steps[${i}] predicts, but no run step comes after it`);
  });
  return lesson;
}

function readStep(at, json, where) {
  const from = at.object(json, where, [
    "kind",
    "title",
    "text",
    "show",
    "hide",
    "questions",
    "runs",
    "optional",
    "teacher",
  ]);
  const kind = from.one("kind", Object.keys(KINDS));
  const step = {
    kind,
    title: from.text("title", 200),
    text: from.texts("text"),
    show: from.optional("show", "", () => from.match("show", NAME)),
    hide: from.optional("hide", [], () =>
      from.list("hide", 0, 20, (name, place) => at.match(name, place, NAME)),
    ),
    optional: from.optional(
      "optional",
      false,
      (value) => value === true || at.fail(`${where}.optional can only be true, or be left out`),
    ),
    questions: from.optional("questions", [], () =>
      from.list("questions", 1, 12, (question, place) => readQuestion(at, question, place)),
    ),
    runs: from.optional("runs", [], () =>
      from.list("runs", 1, 12, (run, place) => readRun(at, run, place)),
    ),
    teacher: from.texts("teacher"),
  };
  const { needs } = KINDS[kind];
  if (step[needs].length === 0) at.fail(`${where} is of kind “${kind}” and has no “${needs}”`);
  if (step.runs.length > 0 && kind !== "run")
    at.fail(`${where} has “runs”, which only a step of kind “run” can have`);
  if (step.questions.length > 0 && ["read", "run"].includes(kind))
    at.fail(`${where} has “questions”, which a step of kind “${kind}” cannot have`);
  return step;
}

function readQuestion(at, json, where) {
  const from = at.object(json, where, ["id", "ask", "answer", "choices", "min", "max"]);
  const question = {
    id: from.match("id", QUESTION),
    ask: from.text("ask", 600),
    answer: from.one("answer", ANSWERS),
  };
  if (question.answer === "choice")
    question.choices = from.list("choices", 2, 10, (choice, place) => at.text(choice, place, 200));
  else if (json.choices !== undefined)
    at.fail(`${where} has “choices”, but its answer is not “choice”`);
  if (question.answer === "number") {
    question.min = from.optional("min", -Infinity, () => from.number("min", -1e9, 1e9));
    question.max = from.optional("max", Infinity, () => from.number("max", -1e9, 1e9));
    if (question.min > question.max) at.fail(`${where}: “min” is larger than “max”`);
  } else if (json.min !== undefined || json.max !== undefined)
    at.fail(`${where} has “min” or “max”, but its answer is not “number”`);
  return question;
}

/** Either a recorded run, by its id, or a prompt to be run live ("": the pupil's own). */
function readRun(at, json, where) {
  const from = at.object(json, where, ["run", "prompt", "then", "alpha", "set", "seed", "words"]);
  const settings = {
    alpha: from.optional("alpha", 0, () => from.number("alpha", 0, LIMITS.alpha)),
    set: from.optional("set", "h", () => from.one("set", ["h", "random"])),
    seed: from.optional("seed", 1, () => from.number("seed", 0, LIMITS.seed)),
  };
  if (settings.alpha % LIMITS.step !== 0)
    at.fail(`${where}.alpha is not a multiple of ${LIMITS.step}`);
  if (!Number.isInteger(settings.seed)) at.fail(`${where}.seed is not a whole number`);
  const words = from.optional("words", "", () => from.text("words", 200));
  if ((json.run === undefined) === (json.prompt === undefined))
    at.fail(`${where} needs either “run” or “prompt”`);
  if (json.run !== undefined) {
    if (json.then !== undefined)
      at.fail(`${where} has “then”; a recorded run has its own second turn`);
    return { run: from.match("run", RUN), ...settings, words };
  }
  if (typeof json.prompt !== "string" || json.prompt.length > LIMITS.text)
    at.fail(`${where}.prompt is not a text`);
  return {
    prompt: json.prompt,
    then: from.optional("then", "", () => from.text("then", LIMITS.text)),
    ...settings,
    words,
  };
}

// What the readers above share: each takes a value and its place in the file, and gives it back or names the slip.
function reader(what, remedy = "") {
  const fail = (slip) => {
    throw new Error(`${what}: ${slip}.${remedy && ` ${remedy}`}`);
  };
  const at = {
    fail,
    text(value, where, most) {
      if (typeof value !== "string" || value.trim() === "")
        return fail(value === undefined ? `${where} is missing` : `${where} is not a text`);
      return value.length <= most ? value : fail(`${where} is longer than ${most} characters`);
    },
    match: (value, where, pattern) =>
      typeof value === "string" && pattern.test(value)
        ? value
        : fail(
            value === undefined
              ? `${where} is missing`
              : `${where} is not a name of small letters, digits and hyphens`,
          ),
    object(value, where, known) {
      if (typeof value !== "object" || value === null || Array.isArray(value))
        return fail(`${where} is not an object`);
      const other = known && Object.keys(value).find((key) => !known.includes(key));
      if (other) return fail(`${where} has “${other}”, which is not a field of it`);
      const place = (key) => (where === "the file" ? key : `${where}.${key}`);
      return {
        text: (key, most) => at.text(value[key], place(key), most),
        match: (key, pattern) => at.match(value[key], place(key), pattern),
        number(key, low, high) {
          const number = value[key];
          return typeof number === "number" && number >= low && number <= high
            ? number
            : fail(
                number === undefined
                  ? `${place(key)} is missing`
                  : `${place(key)} is not a number from ${low} to ${high}`,
              );
        },
        one: (key, allowed) =>
          allowed.includes(value[key])
            ? value[key]
            : fail(`${place(key)} is not one of ${allowed.join(", ")}`),
        list(key, least, most, read) {
          const list = value[key];
          if (!Array.isArray(list) || list.length < least || list.length > most)
            return fail(
              list === undefined
                ? `${place(key)} is missing`
                : `${place(key)} is not a list of ${least} to ${most}`,
            );
          return list.map((item, i) => read(item, `${place(key)}[${i}]`));
        },
        texts: (key) =>
          value[key] === undefined
            ? []
            : Array.isArray(value[key])
              ? value[key].map((text, i) => at.text(text, `${place(key)}[${i}]`, 4000))
              : fail(`${place(key)} is not a list of paragraphs`),
        optional: (key, otherwise, read) =>
          value[key] === undefined ? otherwise : read(value[key]),
      };
    },
  };
  return at;
}
