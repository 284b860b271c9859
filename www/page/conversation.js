// What was said before the answers: the prompt, and in later turns the answers as trained and what was said to them. And the
// head of the answers, which says what kind of run they are.

import { chosenLane, setWords } from "../core/sets.js";
import { sameTurns, turnsIn, turnsOf } from "../core/turns.js";

import { $, h } from "./dom.js";

const ORDINALS = ["first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth"];
const WHO = { user: "You", assistant: "Model, as trained", system: "System" };

export function showConversation(place, messages) {
  place.dataset.turns = String(messages.filter(({ role }) => role === "user").length);
  place.replaceChildren(
    ...messages.map(({ role, content }) =>
      h(
        "div",
        { class: "turn", "data-role": role },
        h("p", { class: "turn-who" }, `${WHO[role] ?? role}: `),
        h("p", { class: "turn-text", dir: "auto" }, content.trim()),
        " ",
      ),
    ),
  );
}

/**
 * What kind of run is shown, and whether it is of what stands in the form: `settings`, and `fits`, whether those beside the
 * conversation are its own.
 */
export function showKind({ recorded, messages }, settings, fits) {
  const { prompt } = settings;
  const turns = turnsIn(messages);
  const kind = recorded ? "Recorded run" : "Run";
  const way = (words) => h("span", { class: "run-kind-way" }, words);
  /** @type {(string | Node)[]} */
  let words = recorded ? [kind] : [];
  if (prompt && prompt !== turns[0])
    words = [`${kind} of another prompt`, way("; press Run for yours")];
  else if (!fits || (prompt && !sameTurns(turns, turnsOf(settings))))
    words = [`${kind} at other settings`, way("; press Run for these")];
  $(".run-kind").replaceChildren(...words);
}

export function showHead(trace, state, fits = true) {
  const { messages, lanes } = trace;
  showKind(trace, state, fits);
  const turn = ORDINALS[turnsIn(messages).length - 1] ?? "last";
  $("#answers-title").textContent =
    lanes.length === 1
      ? `${turn.replace(/^./, (c) => c.toUpperCase())} answer, as trained`
      : messages.length > 1
        ? `Answers, ${turn} turn`
        : "Answers";
  $("#turn-note").textContent =
    messages.length > 1
      ? "All answers go on from the ones as trained."
      : lanes.length > 2
        ? `Compare the last two. What random neurons change too is not about ${setWords(chosenLane(lanes) ?? { set: "h" }).whose}.`
        : "";
  $(".empty").hidden = true;
  const place = $(".conversation");
  showConversation(place, messages);
  // What is longer than its room is scrolled by keyboard too.
  const long = place.scrollHeight > place.clientHeight + 1;
  for (const [name, value] of Object.entries({
    tabindex: "0",
    role: "region",
    "aria-label": "What was said before",
  }))
    if (long) place.setAttribute(name, value);
    else place.removeAttribute(name);
}
