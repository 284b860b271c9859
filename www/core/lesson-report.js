// A pupil's report: the questions with their answers, and what the opened runs said. Pure.

import { KINDS } from "./lesson.js";
import { laneName, stopWords } from "./requests.js";
import { viewOf } from "./gallery.js";

export const NO_ANSWER = "(no answer)";

/**
 * The report as the page shows it and as Markdown writes it.
 * @param asked question text -> the text with its fields filled in
 * @param traces a Map from a recorded run's id to its trace
 * @returns {{title, parts: {title, kind, questions: {ask, answer}[], runs: {prompt, then, settings, lanes: {name, text, end, score}[]}[]}[]}}
 */
export function reportOf(
  lesson,
  progress,
  { asked = (text) => text, traces = new Map(), index = null } = {},
) {
  const parts = [];
  const told = new Set(); // a run that was opened twice is told once
  lesson.steps.forEach((step, at) => {
    const questions = step.questions.map(({ id, ask }) => ({
      ask: asked(ask),
      answer: progress.answer(id) || NO_ANSWER,
    }));
    const runs = step.runs
      .filter((run, i) => progress.wasShown(at, i) && isNew(told, run))
      .map((run) => runOf(run, traces, index));
    if (questions.length + runs.length > 0)
      parts.push({ title: step.title, kind: KINDS[step.kind].words, questions, runs });
  });
  return { title: lesson.title, parts };
}

function isNew(told, { run, prompt, alpha, set, seed }) {
  const key = JSON.stringify([run, prompt, alpha, set, seed]);
  return !told.has(key) && told.add(key);
}

export const settingsWords = ({ set, alpha }) =>
  alpha === 1 ? "as trained" : laneName({ set, alpha }, []);

function runOf(run, traces, index) {
  const settings = settingsWords(run);
  if (run.run === undefined)
    return {
      prompt: run.prompt || "a prompt of one’s own",
      then: run.then,
      settings,
      live: true,
      lanes: [],
    };
  const listed = index?.runs.find(({ id }) => id === run.run);
  const sweep = traces.get(run.run);
  const view = sweep && viewOf(sweep, run);
  // With a factor of 1 the lanes say the same.
  const lanes = (view?.lanes ?? []).slice(0, run.alpha === 1 ? 1 : undefined).map((lane, i) => ({
    name: laneName(lane, view.lanes),
    text: view.text(i).trim(),
    end: stopWords(lane),
    score: typeof lane.score === "number" ? Math.min(1, Math.max(0, lane.score)).toFixed(2) : "",
  }));
  return {
    prompt: listed?.prompt ?? run.run,
    then: listed?.then ?? "",
    settings,
    live: false,
    lanes,
  };
}

/** The report as Markdown. `about`: {name, date, address}. */
export function toMarkdown(report, { name, date, address }) {
  const lines = [
    `# ${plain(report.title)}`,
    "",
    `Name: ${plain(name) || "________________"}  `,
    `Date: ${plain(date)}  `,
    `Page: <${address.replace(/[<>\s]/g, encodeURIComponent)}>`,
  ];
  for (const { title, kind, questions, runs } of report.parts) {
    lines.push("", `## ${kind}: ${plain(title)}`);
    for (const { ask, answer } of questions)
      lines.push("", `**${plain(ask)}**`, "", quoted(answer));
    for (const { prompt, then, settings, live, lanes } of runs) {
      lines.push(
        "",
        `**${plain(prompt)}${then ? `**, then **${plain(then)}` : ""}** (${settings}${live ? ", run live" : ", recorded run"})`,
        "",
      );
      for (const { name: lane, text, end, score } of lanes)
        lines.push(
          `- ${lane}: ${plain(text) || "(nothing)"} *(${[end, score && `detector ${score}`].filter(Boolean).join(", ")})*`,
        );
    }
  }
  return `${lines.join("\n")}\n`;
}

// What people and models write is text, whatever signs are in it.
const plain = (text) =>
  text
    .trim()
    .replace(/\s+/g, " ")
    .replace(/[\\`*_[\]<>#|~]/g, "\\$&");
const quoted = (text) =>
  text
    .split("\n")
    .map((line) => `> ${plain(line)}`)
    .join("\n");
