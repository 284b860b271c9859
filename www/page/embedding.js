// The dialog that makes an embed's markup out of the page's settings: fetched when it is first opened.

import { elementSnippet, frameSnippet } from "../core/snippet.js";
import { fitsLink } from "../core/state.js";
import { copyButton } from "./copy.js";
import { $, field, fields, h, targetOf } from "./dom.js";

const PANELS = [
  ["prompt", "Prompt and controls"],
  ["controls", "Slider, choice of neurons, Run"],
  ["conversation", "What was said before"],
  ["doubt", "“Doubt it”"],
  ["board", "Neuron board"],
];
const HEIGHT = { least: 200, most: 4000, usual: 720 };

let state = null; // of the page, when the dialog was opened

const dialog = () => /** @type {HTMLDialogElement} */ ($("dialog[data-part=embed]"));

/** @param shown the run on the page; a recorded one is what the embed opens on */
export function openEmbedding(settings, shown) {
  // Named, the run is found without the list of them all.
  state = { ...settings, recorded: shown?.recorded ? (shown.id ?? "") : "" };
  if (!dialog().firstChild) build();
  $("#embed-prompt").textContent = (
    state.prompt ||
    shown?.messages[0].content ||
    "no prompt"
  ).trim();
  $(".embed-note", dialog()).hidden = Boolean(shown?.recorded || state.prompt.trim() === "");
  write();
  dialog().showModal();
}

function build() {
  const choice = (name, value, checked, words, about) =>
    h(
      "label",
      { class: "choice" },
      h("input", { type: "radio", name, value, checked }),
      h("span", {}, words, h("small", {}, about)),
    );
  const markup = (id, rows) =>
    h("textarea", { id, rows, readonly: true, spellcheck: "false", class: "code" });
  const [element, frame] = [markup("embed-element", 5), markup("embed-frame", 5)];
  const form = h(
    "form",
    { class: "sheet", onsubmit: (event) => event.preventDefault() },
    h(
      "header",
      { class: "sheet-head" },
      h("h2", { id: "embed-title" }, "Embed"),
      h("button", { type: "button", class: "quiet", onclick: () => dialog().close() }, "Close"),
    ),
    h(
      "p",
      { class: "hint" },
      "Puts this into a page of your own: ",
      h("q", { id: "embed-prompt" }),
    ),
    h(
      "p",
      { class: "hint embed-note" },
      "There is no recorded run of this prompt. So the embed opens with another recorded run. It answers this prompt when the reader presses Run.",
    ),
    h(
      "fieldset",
      { class: "choices" },
      h("legend", {}, "It opens with"),
      choice(
        "embed-start",
        "recorded",
        true,
        "A recorded run",
        "Nothing is fetched until the reader presses Run. The button says how much.",
      ),
      choice(
        "embed-start",
        "run",
        false,
        "A live run, if the model is there",
        "If the reader’s browser has the model already, it runs at once. If not, a recorded run is shown.",
      ),
    ),
    h(
      "fieldset",
      { class: "choices" },
      h("legend", {}, "Leave out"),
      ...PANELS.map(([name, words]) =>
        h(
          "label",
          { class: "check" },
          h("input", { type: "checkbox", name: "embed-hide", value: name }),
          words,
        ),
      ),
    ),
    h(
      "fieldset",
      { class: "choices" },
      h("legend", {}, "Height"),
      choice(
        "embed-height",
        "auto",
        true,
        "As high as what is in it",
        "An iframe cannot do that. It gets 720 pixels.",
      ),
      h(
        "div",
        { class: "choice-line" },
        choice("embed-height", "fixed", false, "Always", ""),
        h(
          "label",
          { class: "pixels" },
          h("input", {
            type: "number",
            id: "embed-pixels",
            min: HEIGHT.least,
            max: HEIGHT.most,
            step: 10,
            value: HEIGHT.usual,
            inputmode: "numeric",
          }),
          "pixels",
        ),
      ),
    ),
    h(
      "div",
      { class: "copy-head" },
      h("label", { for: "embed-element" }, "To paste into your page"),
      copyButton(element, "Copy the element"),
    ),
    element,
    h(
      "div",
      { class: "copy-head" },
      h("label", { for: "embed-frame" }, "Or an iframe, where scripts are not allowed"),
      copyButton(frame, "Copy the iframe"),
    ),
    frame,
    h(
      "p",
      { class: "hint", id: "embed-long", hidden: true },
      "This text is too long for an address. So the iframe and the link go without it. Only the element has it.",
    ),
    h(
      "p",
      { class: "hint" },
      "Both show this page, from its own address. What a reader types stays in the reader’s browser. With the element, your page is also told what was asked and answered.",
    ),
  );
  form.addEventListener("input", (event) => {
    if (targetOf(event).id === "embed-pixels")
      field("[name=embed-height][value=fixed]", form).checked = true;
    write();
  });
  dialog().append(form);
}

function write() {
  const chosen = (name) => field(`[name=${name}]:checked`, dialog()).value;
  const pixels = Number(field("#embed-pixels").value) || HEIGHT.usual;
  const options = {
    hide: fields("[name=embed-hide]:checked", dialog()).map(({ value }) => value),
    height:
      chosen("embed-height") === "fixed"
        ? Math.round(Math.min(HEIGHT.most, Math.max(HEIGHT.least, pixels)))
        : 0,
    run: chosen("embed-start") === "run",
  };
  const base = new URL("./", location.origin + location.pathname).href;
  field("#embed-element").value = elementSnippet(state, options, base);
  field("#embed-frame").value = frameSnippet(state, options, base);
  $("#embed-long").hidden = fitsLink(state);
}
