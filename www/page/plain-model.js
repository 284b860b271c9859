// What the page says of a model whose H-Neurons are not known. What needs them is hidden by `data-plain` (style/share.css).

import { $, h } from "./dom.js";

/**
 * @param {any} model as an artifact describes it
 * @param {any} measured the model that the evidence is about
 */
export function showPlain(model, measured) {
  const { name, raw, license, license_url: url } = model;
  document.documentElement.toggleAttribute("data-plain", true);
  document.documentElement.toggleAttribute("data-raw", Boolean(raw));
  const does = raw
    ? "It was not tuned to answer: it goes on with your text."
    : "It answers as trained.";
  $(".short-answer span").textContent =
    `The H-Neurons of ${name} are not known, so nothing here reads its answers. ${does} Put neurons into My selection to turn them, beside as many random ones.`;
  // There are no examples: recorded runs are another model's.
  const asks = raw ? "Begin a text, and the model goes on with it" : "Ask the model something";
  $("#prompt").setAttribute("placeholder", asks);
  $("[data-part=evidence] .evidence-body").before(
    h(
      "p",
      { class: "evidence-of" },
      `All of this was measured with ${measured.name}. It says nothing about ${name}.`,
    ),
  );
  const terms = h("a", { href: url, target: "_blank", rel: "noopener" }, license);
  $(".credits").replaceChildren(`Model: ${name}, `, terms, ".");
}
