// What was said before the answers: the prompt, and in a second turn the answer that was doubted. And the head of the
// answers, which says what kind of run they are.

import { $, h } from "./dom.js";

const WHO = { user: "You", assistant: "Model as trained, given to every lane", system: "System" };

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
 * What kind of run is shown, and whether it is of what stands in the form: `{prompt, then}`, and `fits`, whether the other
 * settings are its own.
 */
export function showKind(
  { recorded, messages: [first, , second] },
  { prompt = "", then = "" },
  fits,
) {
  const kind = recorded ? "Recorded run" : "Run";
  const way = (words) => h("span", { class: "run-kind-way" }, words);
  /** @type {(string | Node)[]} */
  let words = recorded ? [kind] : [];
  if (prompt && prompt !== first.content && (recorded || !fits))
    words = [`${kind} of another prompt`, way("; press Run for yours")];
  else if (!fits || (recorded && prompt && then !== (second?.content ?? "")))
    words = [`${kind} at other settings`, way("; press Run for these")];
  $(".run-kind").replaceChildren(...words);
}

export function showHead(trace, state, fits = true) {
  const { messages, lanes } = trace;
  showKind(trace, state, fits);
  $("#answers-title").textContent =
    messages.length > 1
      ? "Answers, second turn"
      : lanes.length > 1
        ? "Answers"
        : "First answer, as trained";
  $("#turn-note").textContent =
    lanes.length > 2
      ? "Compare the last two: what random neurons change too is not about the H-Neurons."
      : "";
  $(".empty").hidden = true;
  showConversation($(".conversation"), messages);
}
