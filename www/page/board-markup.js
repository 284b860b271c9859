// The neuron board's elements. Made by script because an embed's first view has no use for them.

import { h } from "./dom.js";

const sign = (mark) => h("span", { class: "glyph", "data-mark": mark, "aria-hidden": "true" });

export const boardMarkup = () => [
  h(
    "p",
    { class: "hint board-about" },
    "One row a neuron, one column a token. The larger the mark, the larger the neuron’s contribution, on its own scale. Contributions are taken before the edit, so a silenced neuron still shows.",
  ),
  h(
    "div",
    { class: "board-tools" },
    h(
      "fieldset",
      { class: "tabs-set" },
      h("legend", { class: "unseen" }, "Lane shown on the board"),
      h("div", { class: "tabs" }),
    ),
    h(
      "label",
      { class: "check" },
      h("input", { type: "checkbox", name: "show-control" }),
      " Also the neurons of the random control",
    ),
  ),
  h("p", { class: "readout", id: "board-readout", "aria-live": "off" }),
  h(
    "div",
    { class: "board-scroll", tabindex: -1 },
    h("div", { class: "corner" }, "My selection"),
    h("canvas", { class: "names", "aria-hidden": "true" }),
    h("ul", { class: "board-rows" }),
    h("canvas", {
      class: "cells",
      role: "application",
      tabindex: 0,
      "aria-roledescription": "neuron board",
      "aria-label":
        "Contributions. Arrow keys move between neurons and tokens, Enter opens the neuron’s card, Space adds the neuron to My selection or takes it out",
      "aria-describedby": "board-readout",
    }),
  ),
  h(
    "p",
    { class: "board-key" },
    h("span", {}, sign("h"), " H-Neuron"),
    h("span", {}, sign("random"), " other neuron"),
    h("span", { class: "selection-note" }),
    h(
      "button",
      { type: "button", class: "quiet", id: "selection-clear", hidden: true },
      "Clear my selection",
    ),
  ),
  h(
    "details",
    { class: "table-view" },
    h("summary", {}, "The chosen token as a table"),
    h("div", {
      class: "table-place",
      tabindex: 0,
      role: "region",
      "aria-label": "Contributions at the chosen token",
    }),
  ),
];
