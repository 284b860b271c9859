// A lesson beside the lab: one step at a time, its answers, and its report. It acts on the page as a visitor would,
// by opening recorded runs and changing settings, and knows nothing else of it.

import { loadLesson } from "../core/lesson.js";
import { PARTS } from "../core/lesson-parts.js";
import { Progress } from "../core/lesson-progress.js";
import { reportOf } from "../core/lesson-report.js";
import { $, $$, h, say } from "./dom.js";
import { LessonFoot } from "./lesson-foot.js";
import { openList } from "./lesson-list.js";
import { reportElement } from "./lesson-report.js";
import { stepElement } from "./lesson-step.js";
import { store } from "./lesson-store.js";
import { LessonTexts } from "./lesson-texts.js";
import { styled } from "./lesson-style.js";
import { pointAt, stopPointing } from "./pointing.js";

const root = document.documentElement;
const teacher = new URLSearchParams(location.search).get("teacher") === "1";

export class Lessons {
  #lab;
  #place = null;
  #id = "";
  #lesson = null;
  #progress = null;
  #texts;
  #foot = null;
  #kept = true; // the browser keeps answers, as far as is known
  #warned = -1; // the predict step whose missing prediction was pointed out

  /**
   * @param {object} lab
   * @param {() => any} lab.index
   * @param {(run: any) => Promise<boolean | null>} lab.openRecorded null: overtaken
   * @param {(patch: Partial<import("../core/types.js").Settings>, how?: {show: boolean}) => void} lab.change
   * @param {() => import("../core/types.js").Settings} lab.state
   */
  constructor(lab) {
    this.#lab = lab;
    this.#texts = new LessonTexts(lab.index);
  }

  async list() {
    await styled;
    openList({ open: (id) => this.open(id), state: this.#lab.state });
  }

  /** What the address says: opens that lesson, or closes the one that is open. */
  follow(id) {
    if (id === this.#id) return;
    if (id) this.open(id, { focus: false });
    else this.close();
  }

  async open(id, { focus = true } = {}) {
    this.#id = id;
    stopPointing();
    await styled;
    let lesson = null;
    let failure = "";
    try {
      lesson = await loadLesson(id);
    } catch (error) {
      failure = error.message;
    }
    if (this.#id !== id) return; // another was chosen meanwhile
    this.#lesson = lesson;
    this.#progress = lesson && new Progress(lesson, store.read(id));
    this.#lab.change({ lesson: id });
    this.#build(lesson?.title ?? "This lesson cannot be shown");
    if (lesson) await this.#show({ focus });
    else this.#fail(failure, focus);
  }

  close() {
    const focused = this.#place?.contains(document.activeElement);
    this.#id = "";
    this.#lesson = null;
    stopPointing();
    this.#hide([]);
    delete root.dataset.lesson;
    delete root.dataset.lessonReport;
    this.#place?.remove();
    this.#place = null;
    if (this.#lab.state().lesson) this.#lab.change({ lesson: "" });
    if (focused) $("[data-part=lessons]")?.focus();
  }

  #build(title) {
    root.dataset.lesson = "";
    delete root.dataset.lessonReport;
    const place = h(
      "div",
      { class: "lesson-place" },
      h(
        "section",
        {
          class: "lesson",
          "data-part": "lesson",
          "data-panel": "lesson",
          "data-hidden": hiddenByLink(),
          "aria-labelledby": "lesson-title",
        },
        h(
          "header",
          { class: "lesson-head" },
          h("h2", { id: "lesson-title" }, title),
          h(
            "p",
            { class: "lesson-ways" },
            h(
              "button",
              { type: "button", class: "quiet", onclick: () => this.list() },
              "All lessons",
            ),
            h(
              "button",
              { type: "button", class: "quiet", onclick: () => this.close() },
              "Close the lesson",
            ),
          ),
        ),
        h("div", { class: "lesson-body" }),
      ),
    );
    if (this.#place) this.#place.replaceWith(place);
    else $("main").prepend(place);
    this.#place = place;
  }

  #fail(message, focus) {
    const text = h("p", { class: "lesson-failed", role: "alert", tabindex: -1 }, message);
    $(".lesson-body", this.#place).replaceChildren(text);
    if (focus) text.focus();
  }

  /** Shows the step the pupil is at, or the report. */
  async #show({ focus = true } = {}) {
    const lesson = this.#lesson;
    const at = this.#progress.at;
    const isReport = at === lesson.steps.length;
    stopPointing();
    await this.#fetchFor(at);
    if (this.#lesson !== lesson || this.#progress.at !== at) return;
    root.toggleAttribute("data-lesson-report", isReport);
    this.#hide(lesson.steps[at]?.hide ?? []);
    this.#foot = new LessonFoot({
      words: lesson.words,
      kept: this.#kept,
      remove: this.#deleteAnswers,
    });
    $(".lesson-body", this.#place).replaceChildren(
      this.#progressLine(at),
      isReport ? this.#report() : this.#step(at),
      this.#ways(at),
      this.#foot.element,
    );
    this.#keep();
    if (!focus) return;
    $("#lesson-step", this.#place).focus({ preventScroll: true });
    $(".lesson", this.#place).scrollTop = 0;
    const body = $(".lesson-body", this.#place);
    const { top } = body.getBoundingClientRect();
    if (top < 0 || top > innerHeight / 2) body.scrollIntoView({ block: "start" });
  }

  #progressLine(at) {
    const { length } = this.#lesson.steps;
    const words = at < length ? `Step ${at + 1} of ${length}` : "Report";
    const bar = h("progress", {
      max: length,
      value: Math.min(at + 1, length),
      "aria-label": "Progress",
      "aria-valuetext": words,
    });
    return h("div", { class: "lesson-progress" }, h("p", {}, words), bar);
  }

  #step(at) {
    return stepElement(
      {
        lesson: this.#lesson,
        progress: this.#progress,
        at,
        text: (text) => this.#texts.filled(text),
        index: this.#lab.index(),
        teacher,
      },
      {
        answer: (id, value) => {
          this.#progress.setAnswer(id, value);
          this.#keep();
        },
        show: (part) => {
          if (!pointAt(part, $("#lesson-step", this.#place)))
            say(`This page does not show ${PARTS.get(part)}.`);
        },
        open: (step, i) => this.#run(step, i),
      },
    );
  }

  async #run(at, i) {
    const progress = this.#progress;
    const run = this.#lesson.steps[at].runs[i];
    if (["loading", "running"].includes(root.dataset.state))
      return {
        ok: false,
        say: "The model is still answering. Wait until it has finished, or press Stop. Then try again.",
      };
    const { alpha, set, seed } = run;
    if (run.run === undefined) {
      this.#lab.change({ prompt: run.prompt, then: run.then, alpha, set, seed }, { show: true });
      if (!pointAt("prompt", $("#lesson-step", this.#place)))
        return { ok: false, say: "This page shows no prompt to type into." };
    } else {
      const listed = this.#lab.index()?.runs.find(({ id }) => id === run.run);
      if (!listed) return { ok: false, say: `The recorded run “${run.run}” is not on this page.` };
      this.#lab.change({ alpha, set, seed }, { show: true });
      const opened = await this.#lab.openRecorded(listed);
      // Another run was opened meanwhile, or another lesson: its answers are not this one's.
      if (opened === null || !this.#lesson || this.#progress !== progress)
        return { ok: false, say: "" };
      if (!opened)
        return {
          ok: false,
          say: "The recorded run could not be loaded. Check the connection and try again.",
        };
      this.#bringAnswers();
    }
    progress.markShown(at, i);
    this.#keep();
    return {
      ok: true,
      say:
        run.run === undefined
          ? "It is in the prompt. Press Run."
          : "Opened: the answers are in the lab.",
    };
  }

  // Beside the lab the focus stays in the lesson; where the lesson is above the lab, the pupil is led down and back.
  #bringAnswers() {
    if (getComputedStyle($(".lesson", this.#place)).position !== "sticky")
      return pointAt("answers", $("#lesson-step", this.#place));
    const { top } = $("#answers").getBoundingClientRect();
    if (top < 0 || top > innerHeight / 2) $("#answers").scrollIntoView({ block: "start" });
  }

  #report() {
    const report = reportOf(this.#lesson, this.#progress, {
      asked: (text) => this.#texts.plain(text),
      traces: this.#texts.traces,
      index: this.#lab.index(),
    });
    const address = `${location.origin}${location.pathname}#lesson=${this.#id}`;
    return reportElement(
      report,
      { id: this.#id, name: this.#progress.name, address },
      { name: (name) => ((this.#progress.name = name), this.#keep()) },
    );
  }

  #ways(at) {
    const last = at === this.#lesson.steps.length;
    const note = h("p", { class: "lesson-wrong", role: "status" });
    const go = (to) => {
      this.#progress.open(to);
      return this.#show();
    };
    const next = () => {
      const step = this.#lesson.steps[at];
      const missing =
        step.kind === "predict" && !this.#progress.locked(at) ? this.#progress.unanswered(at) : 0;
      if (missing === 0 || this.#warned === at) return go(at + 1);
      this.#warned = at;
      note.textContent = `${missing === 1 ? "One prediction is" : `${missing} predictions are`} missing. Once you have seen the answer it is too late. Press Next again to go on without.`;
    };
    return h(
      "nav",
      { class: "lesson-nav", "aria-label": "Steps of the lesson" },
      note,
      at > 0 ? h("button", { type: "button", onclick: () => go(at - 1) }, "Back") : null,
      last
        ? h("button", { type: "button", onclick: () => go(0) }, "To the first step")
        : h(
            "button",
            { type: "button", class: "lesson-next", onclick: next },
            at + 1 === this.#lesson.steps.length ? "To the report" : "Next",
          ),
    );
  }

  #deleteAnswers = async () => {
    this.#progress = new Progress(this.#lesson, null);
    this.#warned = -1;
    await this.#show();
    store.remove(this.#id); // with what showing the first step kept
    say("Your answers are deleted.");
  };

  #keep() {
    if (!this.#kept || store.write(this.#id, this.#progress)) return;
    this.#kept = false;
    this.#foot.warn();
  }

  /** Takes parts out of sight while a step wants the pupil to look without them. */
  #hide(names) {
    for (const element of $$("[data-lesson-hidden]")) delete element.dataset.lessonHidden;
    for (const name of names)
      for (const element of $$(`[data-panel="${name}"]`)) element.dataset.lessonHidden = "";
    root.dataset.lessonHides = names.join(" ");
  }

  /** Fetches what the texts in sight are filled in with, and for the report the runs that were opened. */
  #fetchFor(at) {
    const isReport = at === this.#lesson.steps.length;
    const steps = isReport ? this.#lesson.steps : [this.#lesson.steps[at]];
    const texts = steps.flatMap((step) => [
      ...step.text,
      ...step.questions.map(({ ask }) => ask),
      ...(teacher ? step.teacher : []),
    ]);
    if (teacher && at === 0) texts.push(...this.#lesson.teacher);
    const opened = isReport
      ? steps.flatMap(({ runs }, step) =>
          runs
            .filter(({ run }, i) => run && this.#progress.wasShown(step, i))
            .map(({ run }) => run),
        )
      : [];
    return this.#texts.fetch(texts, opened);
  }
}

const hiddenByLink = () =>
  (new URLSearchParams(location.search).get("hide") ?? "").split(",").includes("lesson")
    ? ""
    : null;
