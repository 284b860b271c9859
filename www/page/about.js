// “What am I looking at?”: what the page is, and what it does not show. A dialog, fetched when it is first opened.

import { $, h } from "./dom.js";

const PAPER = "https://arxiv.org/abs/2512.01797";

const WORDS = [
  [
    "The slider",
    "turns these neurons down or up, at every word. Off: they are silent. At 1 they are as trained. At 3 they are three times as strong.",
  ],
  [
    "Random neurons",
    "are the control. They are just as many, from the same layers, picked by chance and turned just as far. If they do the same, it is not about the H-Neurons. Other random neurons may do something else.",
  ],
  [
    "The reading",
    "adds up what the H-Neurons did in one answer. Higher means: more like the wrong answers it has learned from. It can be wrong.",
  ],
  ["The red under a word", "is what this word adds to the reading."],
  ["The board", "shows which of these neurons were active at which word."],
  [
    "The marks",
    "A square is an H-Neuron, a disc another neuron. Strong: louder than usual for this neuron. Hollow: the neuron is off in this answer. It would have done that much.",
  ],
];

const dialog = () => /** @type {HTMLDialogElement} */ ($("dialog[data-part=about]"));

export function openAbout() {
  if (dialog().open) return;
  if (!dialog().firstChild) dialog().append(contents());
  // A link to what a class’s link or a lesson hides would lead nowhere.
  $(".about-evidence", dialog()).hidden = $("#evidence").getClientRects().length === 0;
  dialog().showModal();
}

const contents = () =>
  h(
    "div",
    { class: "sheet" },
    h(
      "header",
      { class: "sheet-head" },
      h("h2", { id: "about-title" }, "What am I looking at?"),
      h("button", { type: "button", class: "quiet", onclick: () => dialog().close() }, "Close"),
    ),
    h(
      "div",
      { class: "about-text" },
      h(
        "p",
        {},
        "A language model writes a text piece by piece. A piece is a word or part of a word. It is called a token. To choose each token, the model computes thousands of numbers. What makes one of these numbers is called a neuron.",
      ),
      h(
        "p",
        {},
        "A ",
        h("a", { href: PAPER }, "study by Gao and others"),
        " says that a few neurons, fewer than one in a thousand, are more active when a model makes something up. A made-up answer is called a hallucination. So these neurons are called H-Neurons. Here you can turn them down or up in a small model, and read what it says then.",
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
        "H-Neurons go together with made-up answers. That does not make them the cause. One question proves nothing, and a model this small makes up a lot anyway. ",
        h(
          "span",
          { class: "about-evidence" },
          "What came out over many questions is in the ",
          h("a", { href: "#evidence" }, "evidence"),
          ".",
        ),
      ),
      h("h3", {}, "When nothing changes"),
      h(
        "p",
        {},
        "Then that is the result. If the H-Neurons and the random neurons do the same, it is not about the H-Neurons. That is why random neurons are always shown beside them.",
      ),
    ),
  );
