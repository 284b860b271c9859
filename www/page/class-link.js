// The dialog "Link for a class": which lesson, what to hide; the link, ready to copy.

import { classLink } from "../core/class-link.js";
import { PANELS } from "../core/lesson-parts.js";
import { unlinkedWords } from "../core/state.js";
import { $$, fields, h, say } from "./dom.js";

/** @param lessons of loadList; `state`: the page's settings now */
export function openClassLink(lessons, state) {
  const choose = h(
    "select",
    { id: "class-lesson" },
    ...lessons.map(({ id, title }) =>
      h("option", { value: id, selected: id === state.lesson }, title),
    ),
  );
  const hide = panels().map(([name, words]) =>
    h(
      "label",
      { class: "check" },
      h("input", { type: "checkbox", name: "hide", value: name }),
      h("span", {}, words),
    ),
  );
  const preset = h("input", { type: "checkbox", name: "preset" });
  const unlinked = h("p", { class: "lesson-hint", role: "status" });
  const forClass = linkField("class-link", "For the class");
  const forTeacher = linkField("teacher-link", "For you, with notes for teachers");
  const form = h(
    "form",
    { class: "class-link" },
    h("p", { class: "class-choose" }, h("label", { for: "class-lesson" }, "Lesson"), choose),
    h(
      "fieldset",
      {},
      h("legend", {}, "Hide from the class"),
      h(
        "p",
        { class: "lesson-hint" },
        "These parts are only out of sight. Who changes the address sees them.",
      ),
      h("div", { class: "class-hide" }, ...hide),
    ),
    h(
      "label",
      { class: "check" },
      preset,
      h("span", {}, "Begin with the prompt and the settings that are on the page now"),
    ),
    unlinked,
    forClass.element,
    forTeacher.element,
  );
  const update = () => {
    const choice = {
      lesson: choose.value,
      hide: fields("[name=hide]:checked", form).map(({ value }) => value),
      settings: preset.checked ? state : null,
    };
    const page = `${location.origin}${location.pathname}`;
    unlinked.textContent = preset.checked ? unlinkedWords(state) : "";
    forClass.set(classLink(page, choice));
    forTeacher.set(classLink(page, { ...choice, hide: [], teacher: true }));
  };
  form.addEventListener("change", update);
  form.addEventListener("submit", (event) => event.preventDefault());
  const dialog = h(
    "dialog",
    { class: "lesson-dialog", "aria-labelledby": "class-link-title" },
    h(
      "header",
      {},
      h("h2", { id: "class-link-title" }, "Link for a class"),
      h("button", { type: "button", class: "quiet", onclick: () => dialog.close() }, "Close"),
    ),
    form,
  );
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  update();
  dialog.showModal();
}

/** What this page has that can be hidden. */
function panels() {
  const here = new Set([...$$("[data-panel]").map(({ dataset }) => dataset.panel), "score"]);
  here.delete("lesson");
  const known = [...PANELS].filter(([name]) => here.has(name));
  return [...known, ...[...here].filter((name) => !PANELS.has(name)).map((name) => [name, name])];
}

function linkField(id, words) {
  const field = h("input", {
    type: "text",
    id,
    readonly: true,
    onfocus: ({ target }) => target.select(),
  });
  const copy = h("button", { type: "button" }, "Copy");
  copy.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(field.value);
      say("Link copied.");
      copy.textContent = "Copied";
      setTimeout(() => (copy.textContent = "Copy"), 2500);
    } catch {
      field.focus(); // and so selected, to be copied by hand
    }
  });
  return {
    element: h("div", { class: "class-copy" }, h("label", { for: id }, words), field, copy),
    set: (text) => (field.value = text),
  };
}
