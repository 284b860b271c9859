// The lessons to choose from, as a dialog, and from there the link that a teacher gives to a class.

import { loadList } from "../core/lesson.js";
import { openClassLink } from "./class-link.js";
import { h } from "./dom.js";

/** @param {{open: (id: string) => void, state: () => import("../core/types.js").Settings}} on */
export async function openList(on) {
  if (document.querySelector("dialog.lesson-dialog[open]")) return; // asked for twice before it came
  const place = h(
    "div",
    { class: "lesson-list" },
    h("p", { class: "lesson-hint" }, "Fetching the list …"),
  );
  const close = h(
    "button",
    { type: "button", class: "quiet", onclick: () => dialog.close() },
    "Close",
  );
  const teachers = h("p", { class: "lesson-teachers", hidden: true });
  const dialog = h(
    "dialog",
    { class: "lesson-dialog", "aria-labelledby": "lesson-list-title" },
    h("header", {}, h("h2", { id: "lesson-list-title" }, "Lessons"), close),
    place,
    teachers,
  );
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
  try {
    const lessons = await loadList();
    place.replaceChildren(
      h(
        "ol",
        {},
        ...lessons.map((lesson) => entry(lesson, () => (dialog.close(), on.open(lesson.id)))),
      ),
    );
    teachers.replaceChildren(
      "For teachers: ",
      h(
        "button",
        {
          type: "button",
          class: "quiet",
          onclick: () => (dialog.close(), openClassLink(lessons, on.state())),
        },
        "Link for a class",
      ),
    );
    teachers.hidden = false;
  } catch (error) {
    place.replaceChildren(h("p", { class: "lesson-failed", role: "alert" }, error.message));
  }
}

function entry({ id, title, minutes, summary }, open) {
  return h(
    "li",
    {},
    h(
      "h3",
      {},
      h(
        "button",
        {
          type: "button",
          class: "lesson-open",
          "data-lesson-id": id,
          "aria-describedby": `lesson-about-${id}`,
          onclick: open,
        },
        title,
      ),
    ),
    h("p", { class: "lesson-hint", id: `lesson-about-${id}` }, `${minutes} minutes. ${summary}`),
  );
}
