// The lanes: three answers side by side, token by token. Where a lane parts from the as-trained answer is said in
// words at the token itself, since the eye does not find it in running text.

import { readingWords } from "../core/reading.js";
import { alphaWords, laneName, stopWords } from "../core/words.js";
import { $, h, targetOf, visible } from "./dom.js";

const MARKS = { none: "trained", h: "h", custom: "h", random: "random" };

/** The token that something happened to, or null. */
const tokenOf = (event) =>
  /** @type {HTMLElement | null} */ (targetOf(event).closest("[data-part=token]"));

export class LanesView {
  #root;
  #onToken;
  #views = [];
  #trace = null;
  #reading = readingWords(null);

  /** @param onToken (lane, index): the visitor chose a token */
  constructor(root, onToken) {
    this.#root = root;
    this.#onToken = onToken;
  }

  /** What its detector's reading means: a chance only where it was calibrated. */
  setArtifact(artifact) {
    this.#reading = readingWords(artifact);
    for (const { caption } of this.#views) caption.textContent = this.#reading;
  }

  show(trace) {
    this.#trace = trace;
    this.#views = trace.lanes.map((lane, i) => this.#build(lane, i));
    this.#root.replaceChildren(...this.#views.map((view) => view.element));
    this.#root.style.setProperty("--lanes", String(trace.lanes.length));
    trace.lanes.forEach((_, i) => this.update(i));
  }

  #build(lane, i) {
    const name = laneName(lane, this.#trace.lanes);
    const answer = h("div", {
      class: "answer",
      role: "group",
      "aria-label": `${name}: the answer, token by token`,
    });
    const view = {
      count: 0,
      parted: false,
      answer,
      verdict: h("p", { class: "verdict" }),
      ending: h("p", { class: "ending" }),
      detail: h("p", { class: "detail" }),
      value: h("span", { class: "score-value" }, "—"), // no <output>: it would be spoken at every token
      fill: h("span", { class: "meter-fill" }),
      caption: h("p", { class: "caption" }, this.#reading),
    };
    view.meter = h(
      "div",
      {
        class: "meter",
        role: "meter",
        "aria-label": `${name}: detector reading`,
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
      h("p", { class: "score-line" }, h("span", { class: "score-name" }, "Detector"), view.value),
      view.meter,
      view.caption,
    );
    view.element = h(
      "article",
      {
        class: "lane",
        "data-part": "lane",
        "data-set": lane.set,
        "data-alpha": lane.alpha,
        "data-mark": MARKS[lane.set] ?? "random",
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
      h("div", { class: "lane-foot" }, view.verdict, view.ending, view.detail, view.score),
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
    return view;
  }

  /** Draws what is new in a lane. */
  update(i) {
    const view = this.#views[i];
    const lane = this.#trace.lanes[i];
    const parts = this.#trace.partsAt(i);
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
      this.#markParting(view, null);

    view.element.toggleAttribute("data-live", !lane.stopped && !this.#trace.done);
    view.ending.textContent = lane.stopped
      ? `${lane.tokens.length} ${lane.tokens.length === 1 ? "token" : "tokens"}, ${stopWords(lane)}`
      : this.#trace.done
        ? ""
        : lane.tokens.length
          ? "answering …"
          : "reading the prompt …";
    if (this.#trace.sameAsTrained(i)) view.verdict.textContent = "Same answer as trained";
    else if (view.parted)
      view.verdict.textContent = `Parts from the as-trained answer at token ${parts + 1}`;
    else view.verdict.textContent = "";
    view.verdict.hidden = view.verdict.textContent === "";
    if (typeof lane.score === "number") {
      const score = Math.min(1, Math.max(0, lane.score));
      view.value.textContent = score.toFixed(2);
      view.fill.style.inlineSize = `${score * 100}%`;
      view.meter.setAttribute("aria-valuenow", score.toFixed(2));
      view.meter.setAttribute("aria-valuetext", score.toFixed(2));
      view.score.dataset.value = score.toFixed(4);
    }
  }

  #token({ text, logprob }, index) {
    const known = Number.isFinite(logprob);
    const token = h(
      "span",
      {
        role: "button",
        tabindex: index === 0 ? 0 : -1,
        "data-part": "token",
        "data-index": index,
        "data-logprob": known ? logprob.toFixed(4) : null,
        "aria-pressed": "false",
        "aria-label": `${visible(text)}${known ? `, log-probability ${minus(logprob)}` : ""}`,
      },
      text,
    );
    if (known) token.title = `log-probability ${minus(logprob)} (${chance(logprob)})`;
    if (text.trim() === "") token.classList.add("blank");
    return token;
  }

  #markParting(view, token) {
    view.parted = true;
    const flag = h(
      "span",
      { class: "parts", "aria-hidden": "true" },
      token ? "parts here" : "ends here",
    );
    if (token) {
      token.classList.add("parting");
      token.setAttribute(
        "aria-label",
        `${token.getAttribute("aria-label")}. The answer parts from the as-trained one here`,
      );
      token.before(flag);
    } else {
      view.answer.append(flag);
    }
  }

  /** Marks a token as the chosen one, in its lane only; `tell` the listener. */
  choose(i, index, tell = false) {
    this.#views.forEach((view, other) => {
      const before = view.answer.querySelector('[aria-pressed="true"]');
      const now = other === i ? view.answer.querySelector(`[data-index="${index}"]`) : null;
      if (before !== now) before?.setAttribute("aria-pressed", "false");
      if (!now) return void (view.detail.textContent = "");
      now.setAttribute("aria-pressed", "true");
      for (const roving of view.answer.querySelectorAll('[tabindex="0"]')) roving.tabIndex = -1;
      now.tabIndex = 0;
      const token = this.#trace.lanes[i].tokens[index];
      view.detail.textContent = Number.isFinite(token.logprob)
        ? `“${visible(token.text)}”: log-probability ${minus(token.logprob)} (${chance(token.logprob)})`
        : `“${visible(token.text)}”`;
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

const minus = (value) => value.toFixed(2).replace("-", "−");
const chance = (logprob) => {
  const percent = 100 * Math.exp(logprob);
  return percent < 0.1 ? "under 0.1 %" : `${percent >= 99.95 ? "100" : percent.toFixed(1)} %`;
};

function about(lane) {
  if (lane.set === "none") return "no neuron touched";
  const count = lane.neurons.length;
  const which =
    lane.set === "random"
      ? `${count} random ${count === 1 ? "neuron" : "neurons"}, same layers`
      : `${count} ${count === 1 ? "neuron" : "neurons"}`;
  return `${which}, ${alphaWords(lane.alpha)}`;
}
