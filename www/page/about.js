// What the page is, and what it does not show. Here and not in the markup, because an embed does without it.

import { $, h } from "./dom.js";

const PAPER = h("a", { href: "https://arxiv.org/abs/2512.01797" }, "study by Gao and others");

const WORDS = [
  [
    "The slider",
    "multiplies the neurons at every token: 0 silences them, 1 leaves them as trained, 3 triples them.",
  ],
  [
    "The random control",
    "is as many neurons of the same layers, drawn by chance and multiplied as much. What it does just as well is not about the H-Neurons. One random set is one draw; another seed draws another.",
  ],
  [
    "The detector",
    "adds up what the H-Neurons contributed to the answer’s own words, and reads from 0 to 1: higher is more like the wrong answers it was fitted on. It is about one answer, and can be wrong about it.",
  ],
  ["The board", "shows which of them contributed at which token."],
];

export function showAbout() {
  $(".evidence .section-head").append(
    h(
      "p",
      { class: "hint" },
      "How good is this detector, and what do these neurons change? Everything that was measured, with its interval and its control, whatever it shows.",
    ),
  );
  $(".about").append(
    h(
      "div",
      { class: "about-text" },
      h(
        "p",
        { class: "about-lead" },
        "A language model writes one token, about a word, at a time. On the way to each it computes thousands of numbers; what makes one of them is called a neuron. A ",
        PAPER,
        " reports that a few neurons, under one in a thousand, contribute more when an answer is made up than when it is not, and calls them H-Neurons. Here you can multiply them inside a small model and read what it then says.",
      ),
      h(
        "dl",
        { class: "about-words" },
        ...WORDS.map(([word, meaning]) => h("div", {}, h("dt", {}, word), h("dd", {}, meaning))),
      ),
      h("h3", {}, "What it does not show"),
      h(
        "p",
        {},
        "These neurons are associated with made-up answers; that they are the reason for them does not follow. One prompt shows nothing in general, and a model this small makes up a great deal with or without them. What was measured over many prompts, and what came of it, stands under ",
        h("a", { href: "#evidence" }, "Evidence"),
        ".",
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
