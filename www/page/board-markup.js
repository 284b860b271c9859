// The neuron board's elements. Made by script because an embed's first view has no use for them.

import { h } from "./dom.js";

const mark = (kind, is = "") =>
  h("span", {
    class: "cell-mark",
    "data-kind": kind,
    "data-loud": is === "loud",
    "data-off": is === "off",
    "aria-hidden": "true",
  });

export const boardMarkup = () => [
  h(
    "p",
    { class: "hint board-about" },
    "A row is a neuron. A column is a word, or a piece of one. The larger the mark, the more the neuron contributes there, on its own scale. That is measured before the neuron is turned, so a neuron that is off still shows.",
  ),
  h(
    "div",
    { class: "board-tools" },
    h(
      "fieldset",
      { class: "tabs-set" },
      h("legend", { class: "unseen" }, "Answer shown on the board"),
      h("div", { class: "tabs" }),
    ),
    h(
      "label",
      { class: "check" },
      h("input", { type: "checkbox", name: "show-control" }),
      " Also show the random neurons",
    ),
  ),
  h(
    "div",
    { class: "board-line" },
    h(
      "div",
      { class: "readout-place" },
      h("p", { class: "readout", id: "board-readout", "aria-live": "off" }),
      // As long as the line can become: it keeps the room, so that nothing moves below a pointer.
      h("p", { class: "readout-room", "aria-hidden": "true" }),
    ),
    h(
      "button",
      { type: "button", class: "quiet silence", "aria-describedby": "board-readout" },
      "Silence this one and run",
      h("small", { class: "silence-size" }),
    ),
  ),
  h(
    "div",
    { class: "board-scroll", tabindex: -1 },
    h(
      "div",
      { class: "corner" },
      h("span", {}, "My selection"),
      h("span", { class: "corner-adds" }, "adds to the reading"),
      h("span", { class: "corner-fires" }, "fires most at"),
    ),
    h("canvas", { class: "names", "aria-hidden": "true" }),
    h("div", { class: "board-rows", role: "toolbar", "aria-orientation": "vertical" }),
    h("canvas", {
      class: "cells",
      role: "application",
      tabindex: -1,
      "aria-roledescription": "neuron board",
      "aria-label":
        "Contributions. Arrow keys move between neurons and words, left of the first word is the neuron’s name. Enter opens the neuron’s card, Space adds the neuron to My selection or takes it out",
      "aria-describedby": "board-readout",
    }),
  ),
  h(
    "ul",
    { class: "board-key" },
    h("li", {}, mark("h"), " H-Neuron"),
    h("li", { class: "key-lever" }, mark("lever"), " neuron of the lever"),
    h("li", {}, mark("random"), " other neuron"),
    h(
      "li",
      {},
      mark("h", "loud"),
      mark("random", "loud"),
      " strong: louder than usual, which is more than at 9 of 10 words of a reference text",
    ),
    h(
      "li",
      {},
      mark("h"),
      mark("random"),
      " faint: not louder than usual, or not known what is usual",
    ),
    h(
      "li",
      {},
      mark("h", "off"),
      mark("random", "off"),
      " hollow: off in this answer. It would have been as loud, but was not let through.",
    ),
    h(
      "li",
      { class: "key-adds" },
      "Adds to the reading: + pushes it towards “likely wrong”, − towards “likely right” (in log-odds). The rows are in this order. The stronger the bar, the more the neuron counts in every reading.",
      h("span", { class: "key-unknown" }),
    ),
  ),
  h(
    "p",
    { class: "board-selection" },
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
  h("div", { class: "board-paper" }),
];
