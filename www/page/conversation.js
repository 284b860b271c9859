// What was said before the answers: the prompt, and in a second turn the answer that was doubted. And the head of the
// answers, which says what kind of run they are.

import { $, h } from "./dom.js";

const WHO = { user: "You", assistant: "Model, as trained", system: "System" };

export function showConversation(place, messages) {
  place.replaceChildren(
    ...messages.map(({ role, content }) =>
      h(
        "div",
        { class: "turn", "data-role": role },
        h("p", { class: "turn-who" }, WHO[role] ?? role),
        h("p", { class: "turn-text" }, content.trim()),
      ),
    ),
  );
}

/** `prompt`: what stands in the form, which need not be what was asked. */
export function showHead({ recorded, messages, lanes }, prompt) {
  const other = prompt && prompt !== messages[0].content;
  $(".run-kind").textContent = !recorded ? "" : other ? "Recorded run of another prompt; press Run for yours" : "Recorded run";
  $("#answers-title").textContent = messages.length > 1 ? "Answers, second turn" : lanes.length > 1 ? "Answers" : "First answer, as trained";
  $("#turn-note").textContent = messages.length > 1
    ? "Every lane was given the as-trained first answer as its own."
    : lanes.length > 2 ? "Compare the last two: what random neurons change as well is not about the H-Neurons." : "";
  $(".empty").hidden = true;
  showConversation($(".conversation"), messages);
}
