// The models that the page can run: a dialog, fetched when it is first opened. A model that is chosen is loaded by a page of its
// own: what the other one held in memory is then gone for certain.

import { catalogue, isTooLarge, memoryHere } from "../core/catalogue.js";
import { $, h, megabytes } from "./dom.js";

const dialog = () => /** @type {HTMLDialogElement} */ ($("dialog[data-part=model-picker]"));

/**
 * @param {string} current the id of the page's model
 * @param {(id: string) => void} choose "" for the default model
 */
export async function openPicker(current, choose) {
  const all = await catalogue();
  if (!dialog())
    document.body.append(
      h("dialog", { "data-part": "model-picker", "aria-labelledby": "model-picker-title" }),
    );
  if (dialog().open) return;
  dialog().replaceChildren(
    sheet(all.models, current, (id) => choose(id === all.default ? "" : id)),
  );
  dialog().showModal();
}

const sheet = (models, current, choose) =>
  h(
    "form",
    {
      class: "sheet",
      onsubmit: (event) => {
        event.preventDefault();
        const id = new FormData(event.currentTarget).get("model-id");
        dialog().close();
        if (id && id !== current) choose(String(id));
      },
    },
    h(
      "header",
      { class: "sheet-head" },
      h("h2", { id: "model-picker-title" }, "Model"),
      h("button", { type: "button", class: "quiet", onclick: () => dialog().close() }, "Close"),
    ),
    h(
      "fieldset",
      { class: "models" },
      h("legend", {}, "Which model answers"),
      ...models.map((model) => choice(model, model.id === current)),
    ),
    h("p", { class: "hint" }, "It is downloaded once and then kept in this browser."),
    h("p", {}, h("button", { type: "submit", class: "run" }, "Load this model")),
  );

function choice(model, checked) {
  const { id, name, bytes, license, hint, artifact, memory_gib } = model;
  const memory = memoryHere();
  const large = isTooLarge(model, memory);
  const known = artifact ? "" : " Its H-Neurons are not known.";
  const why = large
    ? ` It needs a device with ${memory_gib} GB of memory. This one has ${memory} GB.`
    : "";
  return h(
    "div",
    { class: "choice" },
    h("input", {
      type: "radio",
      name: "model-id",
      id: `model-${id}`,
      value: id,
      checked,
      disabled: large,
      "aria-describedby": `about-${id}`,
    }),
    h(
      "p",
      {},
      h("label", { for: `model-${id}` }, name),
      h(
        "small",
        { id: `about-${id}` },
        `${megabytes(bytes)}, `,
        h("a", { href: license.url, target: "_blank", rel: "noopener" }, license.name),
        `. ${hint}${known}${why}`,
      ),
    ),
  );
}
