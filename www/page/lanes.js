// The lanes: three answers side by side, token by token. Under each word stands its heat, what it adds to the detector's reading,
// and under the answer a strip of the H-Neurons. Where a lane parts from the as-trained answer is said in words, since the eye
// does not find it in running text. On a narrow screen one lane is shown at a time.

import { differsWords } from "../core/difference.js";
import { Largest } from "../core/largest.js";
import { isCalibrated, readingOf, readingWords } from "../core/reading.js";
import { setWords } from "../core/sets.js";
import { chance, factorWords, laneName, stopWords } from "../core/words.js";
import { $, $$, h, targetOf, visible } from "./dom.js";
import { Replay } from "./replay.js";
import { Strip } from "./strip.js";

/** The token that something happened to, or null. */
const tokenOf = (event) =>
  /** @type {HTMLElement | null} */ (targetOf(event).closest("[data-part=token]"));

export class LanesView {
  #root;
  #tabs;
  #onToken;
  #views = [];
  #trace = null;
  #artifact = null;
  #largest = null;
  #shown = 0; // the lane that a narrow screen shows
  #replay;
  #upTo = Infinity; // as many tokens of the strips are painted
  #frame = 0;

  /**
   * @param {HTMLElement} root
   * @param {(lane: number, index: number) => void} onToken the visitor chose a token
   */
  constructor(root, onToken) {
    this.#root = root;
    this.#onToken = onToken;
    // An embed's first view has made them already.
    const made = root.previousElementSibling;
    this.#tabs = made?.matches(".lane-tabs") ? made : h("fieldset", { class: "lane-tabs" });
    root.before(this.#tabs);
    this.#replay = new Replay(root, (upTo) => this.#played(upTo));
    // Whoever acts wants to see all of it.
    for (const act of ["pointerdown", "keydown"])
      root.addEventListener(act, () => this.#replay.end());
    const repaint = () => this.#paintSoon();
    new ResizeObserver(repaint).observe(root);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", repaint);
  }

  /** What its detector's reading means: a chance only where it was calibrated. */
  setArtifact(artifact) {
    this.#artifact = artifact;
    this.#views.forEach((view, i) => {
      this.#caption(view);
      this.#read(view, this.#trace.lanes[i]);
    });
    if (this.#trace) this.#strips();
  }

  show(trace) {
    this.#replay.end();
    this.#trace = trace;
    this.#largest = new Largest(trace);
    this.#shown = Math.min(this.#shown, trace.lanes.length - 1);
    this.#views = trace.lanes.map((lane, i) => this.#build(lane, i));
    this.#root.replaceChildren(...this.#views.map((view) => view.element));
    this.#root.style.setProperty("--lanes", String(trace.lanes.length));
    this.#tab();
    this.#strips();
    trace.lanes.forEach((_, i) => this.#update(i));
  }

  /** Plays the run that is shown. */
  replay() {
    this.#replay.play(Math.max(...this.#trace.lanes.map(({ tokens }) => tokens.length)));
  }

  /** Ends what plays. */
  settle() {
    this.#replay.end();
  }

  #played(upTo) {
    this.#upTo = upTo + 1;
    this.#paintSoon();
    this.#views.forEach((view, i) => {
      for (const token of $$("[data-part=token]", view.answer))
        token.classList.toggle("unplayed", Number(token.dataset.index) > upTo);
      view.element.toggleAttribute("data-unplayed", upTo + 1 < this.#trace.lanes[i].tokens.length);
    });
  }

  // The strip's rows: the H-Neurons by weight, or where no artifact has come yet the set of the recorded run.
  #strips() {
    const { rows, lanes } = this.#trace;
    const name = ([layer, index]) => `${layer}.${index}`;
    const own = this.#artifact?.neurons ?? [];
    const weights = new Map(own.map((one) => [name([one.layer, one.index]), one.weight]));
    const first = new Set((lanes.find(({ set }) => set === "h")?.neurons ?? rows).map(name));
    const kept = rows
      .map((neuron, row) => ({ row, is: name(neuron) }))
      .filter(({ is }) => (weights.size > 0 ? weights.has(is) : first.has(is)))
      .sort((a, b) => (weights.get(b.is) ?? 0) - (weights.get(a.is) ?? 0))
      .map(({ row }) => row);
    this.#views.forEach((view, i) => {
      view.strip = new Strip(view.canvas, this.#trace, i, kept, this.#largest);
      view.canvas.style.blockSize = `${view.strip.height}px`;
    });
    this.#paintSoon();
  }

  #paint(i, anew = false) {
    const view = this.#views[i];
    view?.strip?.paint({ anew, chosen: view.chosen, upTo: this.#upTo });
  }

  // All strips in the next frame: whatever changes them until then, each is measured and painted once.
  #paintSoon() {
    cancelAnimationFrame(this.#frame);
    this.#frame = requestAnimationFrame(() => this.#views.forEach((_, i) => this.#paint(i, true)));
  }

  #tab() {
    const { lanes } = this.#trace;
    const held = this.#tabs.contains(document.activeElement);
    this.#tabs.replaceChildren(
      h("legend", { class: "unseen" }, "Answer shown"),
      ...lanes.map((lane, i) =>
        h(
          "label",
          { class: "tab", "data-mark": setWords(lane).mark },
          h("input", {
            type: "radio",
            name: "lane-shown",
            value: i,
            checked: i === this.#shown,
            onchange: () => ((this.#shown = i), this.#mark()),
          }),
          h(
            "span",
            {},
            h("span", { class: "glyph", "aria-hidden": "true" }),
            shortName(lane, lanes),
          ),
        ),
      ),
    );
    this.#mark();
    if (held) $("input:checked", this.#tabs)?.focus();
  }

  #mark() {
    this.#views.forEach(({ element }, i) =>
      element.toggleAttribute("data-shown", i === this.#shown),
    );
    this.#paint(this.#shown, true);
  }

  #build(lane, i) {
    const name = laneName(lane, this.#trace.lanes);
    const answer = h("div", {
      class: "answer",
      role: "group",
      dir: "auto",
      "aria-label": `${name}: the answer, word by word`,
    });
    const view = {
      count: 0,
      heated: 0,
      newWords: false,
      parted: false,
      chosen: -1,
      answer,
      strip: null,
      canvas: /** @type {HTMLCanvasElement} */ (
        h("canvas", {
          class: "strip",
          "data-part": "strip",
          role: "img",
          "aria-label": `${name}: a small picture of the ${this.#artifact?.plain ? "board’s neurons" : "H-Neurons"} at each word. The neuron board has the same with names.`,
        })
      ),
      verdict: h("p", { class: "verdict" }),
      ending: h("p", { class: "ending" }),
      words: h("span", { class: "score-name" }, "Reading"),
      value: h("span", { class: "score-value" }, "—"), // no <output>: it would be spoken at every token
      fill: h("span", { class: "meter-fill" }),
      caption: h("p", { class: "caption" }),
    };
    view.meter = h(
      "div",
      {
        class: "meter",
        role: "meter",
        "aria-label": `${name}: reading of the detector`,
        "aria-valuemin": 0,
        "aria-valuemax": 1,
        "aria-valuenow": 0,
        "aria-valuetext": "not read yet",
      },
      view.fill,
    );
    view.score = h(
      "div",
      { class: "score", "data-part": "score" },
      h("p", { class: "score-line" }, view.words, view.value),
      view.meter,
      h(
        "p",
        { class: "meter-ends", "aria-hidden": "true" },
        h("span", {}, "right"),
        h("span", {}, "unsure"),
        h("span", {}, "wrong"),
      ),
      view.caption,
    );
    this.#caption(view);
    view.element = h(
      "article",
      {
        class: "lane",
        "data-part": "lane",
        "data-set": lane.set,
        "data-alpha": lane.alpha,
        "data-mark": setWords(lane).mark,
        "aria-labelledby": `lane-${i}`,
      },
      h(
        "header",
        { class: "lane-head" },
        h("span", { class: "glyph", "aria-hidden": "true" }),
        h("h3", { id: `lane-${i}` }, name),
        h("p", { class: "lane-about" }, about(lane)),
      ),
      answer,
      view.canvas,
      h("div", { class: "lane-foot" }, view.verdict, view.ending, view.score),
    );
    answer.addEventListener("keydown", (event) => this.#key(event, i));
    answer.addEventListener("click", (event) => {
      const token = tokenOf(event);
      if (token) this.choose(i, Number(token.dataset.index), true);
    });
    answer.addEventListener("focusin", (event) => {
      const token = tokenOf(event);
      if (token) this.choose(i, Number(token.dataset.index), true);
    });
    view.canvas.addEventListener("click", ({ offsetX }) => {
      const index = view.strip.tokenAt(offsetX);
      if (index >= 0) this.choose(i, index, true);
    });
    return view;
  }

  /** Draws what is new in a lane. */
  update(i) {
    this.#update(i);
    this.#paint(i, this.#trace.done);
  }

  #update(i) {
    const view = this.#views[i];
    const lane = this.#trace.lanes[i];
    const parts = this.#trace.partsAt(i);
    this.#largest.look(i);
    if (parts >= 0 && !view.parted && parts < view.count) {
      // The as-trained lane came later to the token at which they part.
      this.#markParting(view, view.answer.querySelector(`[data-index="${parts}"]`));
    }
    for (; view.count < lane.tokens.length; view.count++) {
      const token = this.#token(lane.tokens[view.count], view.count);
      view.answer.append(token);
      if (view.count === parts) this.#markParting(view, token);
    }
    if (parts === lane.tokens.length && parts >= 0 && !view.parted && lane.stopped)
      view.parted = true;
    this.#heat(i);

    view.element.toggleAttribute("data-live", !lane.stopped && !this.#trace.done);
    view.element.toggleAttribute("data-silent", lane.tokens.length === 0 && Boolean(lane.stopped));
    view.ending.textContent = lane.stopped
      ? stopWords(lane)
      : this.#trace.done
        ? ""
        : lane.tokens.length
          ? "answering …"
          : this.#readingPrompt();
    if (this.#trace.sameAsTrained(i)) view.verdict.textContent = "Same answer as trained";
    else view.verdict.textContent = view.parted ? differsWords(this.#trace, i) : "";
    this.#read(view, lane);
  }

  // A chance is read off the line above; what is no chance must say so.
  #caption({ caption }) {
    caption.textContent = readingWords(this.#artifact);
    caption.classList.toggle("unseen", isCalibrated(this.#artifact));
  }

  #readingPrompt() {
    const { promptRead, prompt } = this.#trace;
    return promptRead > 0 && promptRead < prompt.length
      ? `reading the prompt: ${promptRead} of ${prompt.length} …`
      : "reading the prompt …";
  }

  #read(view, { score }) {
    if (typeof score !== "number") return;
    const known = Math.min(1, Math.max(0, score));
    const { zone, words, value } = readingOf(known, this.#artifact);
    view.words.textContent = words;
    view.value.textContent = value;
    view.fill.style.inlineSize = `${known * 100}%`;
    view.meter.setAttribute("aria-valuenow", known.toFixed(2));
    view.meter.setAttribute("aria-valuetext", `${words}, ${value}`);
    view.score.dataset.zone = zone;
    view.score.dataset.value = known.toFixed(4);
  }

  // What each word adds to the reading. What can still change are the last few tokens, and all of them once, when the first new
  // word has come.
  #heat(i) {
    const view = this.#views[i];
    const { pulls, newWords } = this.#trace.lanes[i];
    const from = newWords === view.newWords ? Math.max(0, view.heated - 8) : 0;
    view.newWords = newWords;
    const silenced = this.#silenced(i);
    for (let at = from; at < pulls.length; at++) {
      const heat = view.answer.children[at]?.lastElementChild;
      if (!heat || pulls[at] === undefined) continue;
      const read = this.#trace.isRead(i, at);
      heat.style.setProperty("--pull", read ? Math.max(0, pulls[at]).toFixed(3) : "0");
      heat.toggleAttribute("data-silenced", silenced);
    }
    view.heated = pulls.length;
    const most = Math.max(1, ...pulls.slice(from).filter(Number.isFinite));
    const scale = Math.max(most, Number(this.#root.style.getPropertyValue("--most-pull")) || 0);
    if (from === 0 && i === 0) this.#root.style.setProperty("--most-pull", String(most));
    else this.#root.style.setProperty("--most-pull", String(scale));
  }

  #silenced(i) {
    const { set, alpha, own } = this.#trace.lanes[i];
    return set === "h" && alpha === 0 && own.size === 0;
  }

  #token({ text, logprob }, index) {
    const known = Number.isFinite(logprob);
    const [, blank, word] = /^(\s*)(.*)$/s.exec(text);
    const token = h(
      "span",
      {
        role: "button",
        tabindex: index === 0 ? 0 : -1,
        "data-part": "token",
        "data-index": index,
        "data-logprob": known ? logprob.toFixed(4) : null,
        "aria-pressed": "false",
        "aria-label": `${visible(text)}${known ? `, ${chance(logprob)} likely` : ""}`,
      },
      blank,
      h("span", { "data-part": "heat" }, word),
    );
    if (known) token.title = `${chance(logprob)} likely here`;
    if (text.trim() === "") token.classList.add("blank");
    return token;
  }

  #markParting(view, token) {
    view.parted = true;
    if (!token) return;
    token.classList.add("parting");
    token.setAttribute(
      "aria-label",
      `${token.getAttribute("aria-label")}. From here on it differs from the as-trained answer`,
    );
  }

  /** Marks a token as the chosen one, in its lane only; `tell` the listener. */
  choose(i, index, tell = false) {
    this.#views.forEach((view, other) => {
      const before = view.answer.querySelector('[aria-pressed="true"]');
      const now = other === i ? view.answer.querySelector(`[data-index="${index}"]`) : null;
      if (before !== now) before?.setAttribute("aria-pressed", "false");
      if (!now) return;
      now.setAttribute("aria-pressed", "true");
      for (const roving of view.answer.querySelectorAll('[tabindex="0"]')) roving.tabIndex = -1;
      now.tabIndex = 0;
    });
    if (tell) this.#onToken(i, index);
  }

  #key(event, i) {
    const current = Number(event.target.dataset?.index);
    const last = this.#views[i].count - 1;
    const to = {
      ArrowRight: current + 1,
      ArrowDown: current + 1,
      ArrowLeft: current - 1,
      ArrowUp: current - 1,
      Home: 0,
      End: last,
    }[event.key];
    if (event.key === "Enter" || event.key === " ") {
      event.preventDefault();
      return this.choose(i, current, true);
    }
    if (to === undefined || Number.isNaN(current)) return;
    event.preventDefault();
    $(`[data-index="${Math.min(last, Math.max(0, to))}"]`, this.#views[i].answer)?.focus();
  }
}

/** A lane's name where there is little room. */
function shortName(lane, lanes) {
  const { short } = setWords(lane);
  if (lane.set === "none") return short;
  const several = lanes.filter((other) => other.set === "random").length > 1;
  const drawn = several ? `Seed ${lane.seed}` : `${short} ${lane.neurons.length}`;
  return `${lane.set === "random" ? drawn : short} ${factorWords(lane.alpha)}`;
}

function about({ set, neurons: { length } }) {
  if (set === "none") return "no neuron touched";
  const neurons = length === 1 ? "neuron" : "neurons";
  return set === "random" ? "drawn by chance" : `${length} ${neurons}`;
}
