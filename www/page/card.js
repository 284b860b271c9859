// The neuron card: a run without it, what is known of it, its contribution at the chosen token among those on the reference
// text, and its place in My selection. A panel beside the board or the map, not a dialog: they go on working.

import { factorWords, laneName } from "../core/requests.js";
import {
  aboutNeuron,
  addedBy,
  addsWords,
  contributionWords,
  firedBy,
  inSelection,
  loudness,
  ordinal,
  rankWords,
  readingWords,
  standing,
  withFactor,
} from "../core/neuron.js";
import { leversWith } from "../core/levers.js";
import { leverName } from "../core/sets.js";
import { LIMITS } from "../core/state.js";
import { $, focused, h, visible } from "./dom.js";
import { histogramOf } from "./histogram.js";

const signed = (value) => `${value < 0 ? "−" : "+"}${Math.abs(value).toFixed(2)}`;

export class CardView {
  #on;
  #host = null;
  #back = null;
  #neuron = null; // {layer, index}
  #seen = {}; // {artifact, gallery, trace, chosen, settings, size, reading}

  /**
   * @param {object} on
   * @param {(off: import("../core/types.js").Selected[]) => void} on.change a change of My selection
   * @param {(run: any) => void} on.open a recorded run to look at
   * @param {(layer: number, index: number) => void} on.silence My selection becomes this neuron alone, and is run
   */
  constructor(on) {
    this.#on = on;
    this.title = h("h3", { id: "card-title", tabindex: "-1" });
    this.kind = h("div", { class: "card-kind" });
    // A live region speaks what changes. The drawing is the same sentence once more, so it stands outside.
    this.said = h("div", { "aria-live": "polite" });
    this.picture = h("div", {});
    this.value = h("div", { class: "card-value" }, this.said, this.picture);
    this.adds = h("p", { class: "card-adds" });
    this.words = h("div", { class: "card-words" });
    this.runs = h("div", { class: "card-runs" });
    this.element = h(
      "aside",
      { class: "card", "data-part": "card", "aria-labelledby": "card-title" },
      h(
        "header",
        { class: "card-head" },
        this.title,
        h(
          "button",
          { type: "button", class: "quiet card-close", onclick: () => this.close() },
          "Close",
        ),
      ),
      this.#silence(),
      this.kind,
      this.value,
      this.adds,
      this.#controls(),
      this.runs,
      this.words,
    );
    this.element.addEventListener("keydown", (event) => {
      if (event.key !== "Escape") return;
      event.preventDefault();
      this.close();
    });
  }

  get isOpen() {
    return this.#host !== null;
  }

  /** The neuron that is open, or null. */
  get neuron() {
    return this.isOpen ? this.#neuron : null;
  }

  /** Opens beside `host`, after its element `after`; `back()` returns the focus to where it was opened from. */
  open({ layer, index, host, after, back }) {
    this.#neuron = { layer, index };
    this.#back = back;
    if (this.#host !== host) {
      this.#host?.removeAttribute("data-card");
      this.#host = host;
      host.setAttribute("data-card", "");
      after.after(this.element);
    }
    this.#draw();
    this.title.focus({ preventScroll: true });
    const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
    this.element.scrollIntoView({ block: "nearest", behavior: calm ? "auto" : "smooth" });
  }

  close() {
    if (!this.isOpen) return;
    this.#host.removeAttribute("data-card");
    this.#host = null;
    this.element.remove();
    this.#back?.();
  }

  /**
   * What the card is about: {artifact, gallery (the index, or null), trace, chosen: {lane, at}, settings,
   * size: what a run has to fetch first, in words, reading(layer, index): the contribution at the chosen token}, those that changed.
   */
  see(patch) {
    Object.assign(this.#seen, patch);
    if (this.isOpen) this.#draw();
  }

  #silence() {
    this.size = h("small", { class: "silence-size" });
    const act = () => this.#on.silence(this.#neuron.layer, this.#neuron.index);
    return h(
      "button",
      { type: "button", class: "silence", onclick: act },
      "Silence this one and run",
      this.size,
    );
  }

  #controls() {
    this.member = h("input", {
      type: "checkbox",
      role: "switch",
      onchange: () => this.#select(this.member.checked),
    });
    this.own = h("input", {
      type: "checkbox",
      onchange: () => this.#factor(this.own.checked ? Number(this.slider.value) : undefined),
    });
    this.slider = h("input", {
      type: "range",
      min: 0,
      max: LIMITS.alpha,
      step: LIMITS.step,
      "aria-label": "Its own slider",
      oninput: () => this.#factor(Number(this.slider.value)),
    });
    this.factor = h("span", { class: "card-factor" }); // spoken as the slider's value
    return h(
      "fieldset",
      { class: "card-selection" },
      h("legend", { class: "unseen" }, "My selection"),
      h("label", { class: "check" }, this.member, " In My selection"),
      h("label", { class: "check" }, this.own, " Turn it by its own slider"),
      h("div", { class: "card-slider" }, this.slider, this.factor),
    );
  }

  #select(added) {
    const { layer, index } = this.#neuron;
    const { off } = this.#seen.settings;
    this.#on.change(
      added ? withFactor(off, layer, index) : off.filter(([l, i]) => l !== layer || i !== index),
    );
  }

  #factor(factor) {
    const { layer, index } = this.#neuron;
    this.#on.change(withFactor(this.#seen.settings.off, layer, index, factor));
  }

  #draw() {
    const { layer, index } = this.#neuron;
    const { artifact, settings } = this.#seen;
    const about = artifact ? aboutNeuron(artifact, layer, index) : null;
    this.title.textContent = `Layer ${layer}, neuron ${index}`;
    this.size.textContent = this.#seen.size ?? "";
    this.#drawKind(about);
    const entry = inSelection(settings.off, layer, index);
    const own = entry?.[2];
    this.member.checked = Boolean(entry);
    this.own.checked = own !== undefined;
    this.slider.disabled = own === undefined;
    if (document.activeElement !== this.slider || own !== undefined)
      this.slider.value = String(own ?? settings.alpha);
    this.factor.textContent =
      own === undefined ? `as the slider: ${factorWords(settings.alpha)}` : factorWords(own);
    this.slider.setAttribute(
      "aria-valuetext",
      own === undefined ? `as the slider, ${settings.alpha}` : String(own),
    );
    this.#drawValue(about);
    this.#drawAdds();
    this.#drawWords(about);
    this.#drawRuns();
  }

  #drawKind(about) {
    const levers = this.#levers().map(({ lever, effect }) =>
      h(
        "p",
        { class: "card-lever" },
        `In the lever “${leverName(lever.id)}”, chosen for ${lever.words}. Turned up by 1, it changes the log-odds of that by about ${signed(effect)}.`,
      ),
    );
    if (!about && levers.length > 0) return this.kind.replaceChildren(...levers);
    if (!about) {
      return this.kind.replaceChildren(
        h(
          "p",
          {},
          "Not an H-Neuron. Only H-Neurons were studied, so of this one nothing but its contribution is known.",
        ),
      );
    }
    const weight = Number.isFinite(about.weight)
      ? `weight ${contributionWords(about.weight)}, ${rankWords(about)}`
      : "its weight is not known";
    this.kind.replaceChildren(
      h("p", {}, `H-Neuron: ${weight}.`),
      ...levers,
      about.stability === undefined
        ? ""
        : h(
            "p",
            { class: "card-stability" },
            `Chosen again in ${Math.round(100 * about.stability)} % of new choices, each made from some of the questions.`,
          ),
    );
  }

  /** The levers that the neuron is part of. */
  #levers() {
    const { layer, index } = this.#neuron;
    return leversWith(this.#seen.artifact, layer, index);
  }

  /** Is it a neuron of the lever of the shown run? */
  #isTurned() {
    const { layer, index } = this.#neuron;
    const lever = this.#seen.trace?.lanes.find(({ set }) => set === "lever");
    return Boolean(lever?.neurons.some(([l, i]) => l === layer && i === index));
  }

  #drawValue(about) {
    const { trace, chosen, reading } = this.#seen;
    const { layer, index } = this.#neuron;
    const value = reading(layer, index);
    const token =
      trace?.prompt[chosen.at] ??
      trace?.lanes[chosen.lane]?.tokens[chosen.at - trace.prompt.length];
    const where = token
      ? `At “${visible(token.text)}”, ${laneName(trace.lanes[chosen.lane], trace.lanes)}: `
      : "";
    const words =
      value === undefined
        ? "its contribution is not known."
        : `contribution ${readingWords(value, trace.recorded)}.`;
    const stands = about && value !== undefined ? standing(about, value) : "";
    const quantiles = about && Object.fromEntries(about.quantiles);
    const picture = about
      ? histogramOf(about, value, readingWords(value, trace?.recorded).replace("about ", ""))
      : null;
    const mark = h("span", {
      class: "cell-mark",
      "data-kind": about ? "h" : this.#isTurned() ? "lever" : "random",
      "data-loud": loudness(quantiles, value) === "louder than usual",
      "data-off":
        Boolean(trace?.lanes[chosen.lane]) && trace.factor(chosen.lane, [layer, index]) === 0,
      "aria-hidden": "true",
    });
    const text = [
      h("p", { class: "card-reading" }, value === undefined ? "" : mark, where, h("b", {}, words)),
      stands ? h("p", {}, `${stands}.`) : "",
    ];
    const said = h("div", {}, ...text);
    if (said.textContent !== this.said.textContent) this.said.replaceChildren(...said.childNodes);
    this.picture.replaceChildren(
      picture
        ? h(
            "figure",
            {},
            picture,
            h(
              "figcaption",
              {},
              "How much it contributed at each word of a reference text (logarithmic scale). Strong: louder than usual. The arrow is the chosen word.",
            ),
          )
        : "",
    );
  }

  #drawAdds() {
    const { artifact, trace, chosen } = this.#seen;
    const { layer, index } = this.#neuron;
    const added =
      artifact && trace?.done && trace.lanes[chosen.lane]
        ? addedBy(trace, chosen.lane, artifact)
        : new Map();
    const adds = added.get(`${layer}.${index}`);
    this.adds.hidden = adds === undefined;
    if (adds === undefined) return;
    const rank = 1 + [...added.values()].filter((other) => other > adds).length;
    const most = rank === 1 ? "the most" : `the ${ordinal(rank)} most`;
    this.adds.textContent = `Adds ${addsWords(adds)} to the reading of ${laneName(trace.lanes[chosen.lane], trace.lanes)}: ${most} of ${added.size}.`;
  }

  #drawWords(about) {
    const list = (name, words) =>
      words.length > 0
        ? [
            h("dt", {}, name),
            h(
              "dd",
              {},
              ...words.flatMap((word) => [h("span", { class: "card-token" }, visible(word)), " "]),
            ),
          ]
        : [];
    const lists = about
      ? [...list("Make likelier", about.promotes), ...list("Make less likely", about.suppresses)]
      : [];
    this.words.hidden = lists.length === 0;
    this.words.replaceChildren(
      h("h4", {}, "Next words that it pushes most, by its weights"),
      h("dl", {}, ...lists),
      h(
        "p",
        { class: "caption" },
        "Computed from its weights alone. It does not say what the neuron means, and often it is only noise.",
      ),
    );
  }

  #drawRuns() {
    const { layer, index } = this.#neuron;
    const found = firedBy(this.#seen.gallery, layer, index);
    this.runs.hidden = found.length === 0;
    const before = this.runs.contains(focused()) ? focused().dataset.run : null;
    this.runs.replaceChildren(
      h("h4", {}, "Words at which it fired most, in the recorded runs"),
      h(
        "ol",
        {},
        ...found.map(({ run, token, contribution }) =>
          h(
            "li",
            {},
            h(
              "button",
              {
                type: "button",
                class: "card-run",
                "data-run": run.id,
                onclick: () => this.#on.open(run),
              },
              h(
                "span",
                {},
                `“${visible(token)}” `,
                h("small", {}, contributionWords(contribution)),
              ),
              " ",
              h("small", {}, run.title),
            ),
          ),
        ),
      ),
    );
    if (before) $(`[data-run="${CSS.escape(before)}"]`, this.runs)?.focus({ preventScroll: true });
  }
}
