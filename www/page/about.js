// What the page is, and what it does not show. Here and not in the markup, because an embed does without it.

import { $, h } from "./dom.js";

const PAPER = h("a", { href: "https://arxiv.org/abs/2512.01797" }, "study by Gao and others");

export function showAbout() {
  $(".about").append(
    h(
      "div",
      { class: "about-text" },
      h(
        "p",
        { class: "about-lead" },
        "A ",
        PAPER,
        " reports that a few neurons of a language model, under one in a thousand, contribute more when an answer is made up than when it is not, and calls them H-Neurons. Here you can turn such neurons down or up inside a small model and read what it then says, word by word. Beside it, random neurons of the same layers are turned by as much: what they do just as well is not about the H-Neurons. One random set is one draw; another seed draws another.",
      ),
      h("h3", {}, "What it does not show"),
      h(
        "p",
        {},
        "These neurons are associated with made-up answers; that they are the reason for them does not follow. One prompt shows nothing in general, and a model this small makes up a great deal with or without them. The detector reading is about one answer, and can be wrong about it.",
      ),
      h("h3", {}, "When nothing changes"),
      h(
        "p",
        {},
        "“Same answer as trained” is a result too. If the H-Neurons and the random control do the same, then on this prompt there is no effect to be seen. That is why every effect stands beside its control.",
      ),
    ),
  );
}
