// What was said before the answers: the prompt, and in a second turn the answer that was doubted.

import { h } from "./dom.js";

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
