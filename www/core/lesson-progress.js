// How far a pupil has come in a lesson, and what they answered. Pure; the page keeps it in the browser's storage.

const LONGEST = 10_000; // characters of an answer that are kept

export class Progress {
  #lesson;
  #questions = new Map(); // id -> {question, step}
  #answers = new Map();
  #opened = new Set();
  #shown = new Set(); // "step.run" of the runs the pupil opened
  #at = 0;
  name = "";

  /** @param saved what `toJSON` gave, from storage: anything in it that does not fit the lesson is dropped */
  constructor(lesson, saved) {
    this.#lesson = lesson;
    lesson.steps.forEach(({ questions }, step) =>
      questions.forEach((question) => this.#questions.set(question.id, { question, step })),
    );
    if (saved?.schema === "hneurons-answers/1") this.#take(saved);
    this.open(this.#at);
  }

  #take({ at, opened, shown, answers, name }) {
    const isStep = (value, last) => Number.isInteger(value) && value >= 0 && value <= last;
    if (isStep(at, this.#lesson.steps.length)) this.#at = at;
    if (Array.isArray(opened))
      for (const step of opened)
        if (isStep(step, this.#lesson.steps.length - 1)) this.#opened.add(step);
    if (Array.isArray(shown)) for (const key of shown) if (this.#runOf(key)) this.#shown.add(key);
    if (typeof name === "string") this.name = name.slice(0, 200);
    if (typeof answers !== "object" || answers === null) return;
    for (const [id, value] of Object.entries(answers)) {
      const question = this.#questions.get(id)?.question;
      if (!question || typeof value !== "string") continue;
      // A choice that a changed lesson no longer offers is no answer to it.
      if (question.choices && !question.choices.includes(value)) continue;
      this.#answers.set(id, value.slice(0, LONGEST));
    }
  }

  #runOf(key) {
    const match = /^(\d{1,3})\.(\d{1,3})$/.exec(key);
    return match && this.#lesson.steps[match[1]]?.runs[match[2]];
  }

  /** The step that is shown; one past the last is the report. */
  get at() {
    return this.#at;
  }

  get begun() {
    return this.#opened.size > 1 || this.#answers.size > 0;
  }

  open(step) {
    this.#at = Math.min(this.#lesson.steps.length, Math.max(0, step));
    if (this.#at < this.#lesson.steps.length) this.#opened.add(this.#at);
  }

  /** A prediction stays one: it cannot be changed once a run after it was opened. */
  locked(step) {
    return (
      this.#lesson.steps[step].kind === "predict" &&
      this.#lesson.steps.some(({ kind }, i) => i > step && kind === "run" && this.#opened.has(i))
    );
  }

  answer(id) {
    return this.#answers.get(id) ?? "";
  }

  /** Takes an answer; gives back whether it did. */
  setAnswer(id, value) {
    const found = this.#questions.get(id);
    if (!found || this.locked(found.step)) return false;
    if (value.trim() === "") this.#answers.delete(id);
    else this.#answers.set(id, value.slice(0, LONGEST));
    return true;
  }

  /** How many questions of a step have no answer yet. */
  unanswered(step) {
    return this.#lesson.steps[step].questions.filter(({ id }) => !this.#answers.has(id)).length;
  }

  /** The latest predict step before this one, or -1. */
  predictionBefore(step) {
    return this.#lesson.steps.slice(0, step).findLastIndex(({ kind }) => kind === "predict");
  }

  markShown(step, run) {
    this.#shown.add(`${step}.${run}`);
  }

  wasShown(step, run) {
    return this.#shown.has(`${step}.${run}`);
  }

  toJSON() {
    return {
      schema: "hneurons-answers/1",
      at: this.#at,
      opened: [...this.#opened],
      shown: [...this.#shown],
      answers: Object.fromEntries(this.#answers),
      name: this.name,
    };
  }
}

/** A number as a pupil types it, with a comma or a point; null where it is none, or lies outside the question's limits. */
export function numberIn(text, { min, max }) {
  const typed = text.trim().replace(",", ".").replace("−", "-");
  const value = typed === "" ? NaN : Number(typed);
  return Number.isFinite(value) && value >= min && value <= max ? value : null;
}
