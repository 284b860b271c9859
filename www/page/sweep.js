// The sweep: the answers at every factor in a column, where each first parts from the as-trained one, and detector score
// and mean log-probability against the factor, with the random controls beside them throughout.

import { differenceWords, differsWords } from "../core/difference.js";
import { alphaWords, atWords, factorWords, listed, stopWords } from "../core/words.js";
import { setOf, setWords } from "../core/sets.js";
import { ALPHAS, fits, gist, sweepLanes, sweepOf } from "../core/sweep.js";
import { $, focused, h, targetOf, visible } from "./dom.js";
import { sweepPlot } from "./sweep-plot.js";

const minus = (value) => String(value).replace("-", "−");
const lower = (letter) => letter.toLowerCase();
const hundredths = (value) => (Number.isFinite(value) ? minus(value.toFixed(2)) : "—");

export class SweepView {
  #root;
  #on;
  #sweep = null; // trace of all lanes
  #frame = 0;
  #now = { settings: null, state: "recorded", size: "", trace: null };

  /**
   * @param {HTMLElement} root
   * @param {{choose: (alpha: number, of: {set: string, lever?: string}) => void, run: () => void}} on
   */
  constructor(root, on) {
    this.#root = root;
    this.#on = on;
    this.gist = h("ul", { class: "sweep-gist" });
    this.list = h("ol", { class: "sweep-rows" });
    this.plots = h("div", { class: "sweep-plots" });
    this.table = h("div", {
      class: "table-place",
      tabindex: "0",
      role: "region",
      "aria-label": "The sweep as a table",
    });
    this.button = h(
      "button",
      { type: "button", class: "sweep-run", onclick: () => on.run() },
      h("span", {}, "Run the sweep"),
      h("small"),
    );
    this.about = h("p", { class: "hint" });
    this.progress = h("progress", { max: 1, value: 0, "aria-label": "Sweep" });
    this.doing = h("p", { class: "sweep-doing hint" }, this.progress, h("span"));
    this.band = h("p", { class: "hint sweep-band" });
    const table = h(
      "details",
      { class: "sweep-table" },
      h("summary", {}, "The sweep as a table"),
      this.table,
    );
    this.shown = h(
      "div",
      { class: "sweep-shown" },
      this.gist,
      this.plots,
      this.band,
      h(
        "details",
        { class: "sweep-answers" },
        h("summary", {}, "The answer at every stop"),
        this.list,
      ),
      table,
    );
    root.replaceChildren(
      h(
        "header",
        { class: "section-head" },
        h("h2", { id: "sweep-title" }, "Sweep"),
        h(
          "p",
          { class: "hint" },
          "The same prompt at every stop of the slider. Choose a row or a point to see it above.",
        ),
      ),
      this.shown,
      h("div", { class: "sweep-offer" }, this.button, this.about),
      this.doing,
    );
    this.list.addEventListener("click", (event) => {
      const target = targetOf(event);
      const row = /** @type {HTMLElement | null} */ (target.closest("[data-alpha]"));
      // Words that are being selected are not a click.
      if (row && (target.closest("button") || getSelection().isCollapsed))
        this.#choose(Number(row.dataset.alpha));
    });
  }

  /** The trace of all lanes, or null where this run has not been swept. */
  show(sweep) {
    this.#sweep = sweep;
    this.#draw();
  }

  /** What else decides what is offered: {settings, state, size, trace}, those that changed. */
  now(patch) {
    Object.assign(this.#now, patch);
    this.#draw();
  }

  /** New tokens in the sweep that is running. */
  update() {
    cancelAnimationFrame(this.#frame);
    this.#frame = requestAnimationFrame(() => this.#draw());
  }

  #choose(alpha) {
    const { set, lever } = this.#swept();
    this.#on.choose(alpha, set === "lever" ? { set, lever } : { set });
  }

  #draw() {
    const { settings, state, size, trace } = this.#now;
    this.#root.hidden = !trace;
    if (!trace) return;
    const going = Boolean(this.#sweep && !this.#sweep.done);
    const busy = state === "running" || state === "loading";
    const fitting = this.#sweep && fits(this.#sweep, settings);
    this.shown.hidden = !this.#sweep;
    if (this.#sweep) this.#fill(this.#swept());
    else this.list.replaceChildren();
    this.doing.hidden = !going;
    if (going) this.#doing();
    this.button.disabled = busy;
    this.button.parentElement.hidden = going || Boolean(fitting);
    const asked = { ...settings, set: setOf(settings) };
    const words = setWords(asked).of;
    $("span", this.button).textContent = `Run the sweep${asked.set === "h" ? "" : ` of ${words}`}`;
    $("small", this.button).textContent = busy || !size ? "" : size;
    this.about.textContent = `${this.#sweep && !fitting ? `Above is the sweep of ${setWords(this.#swept()).of}. ` : ""}Answers this prompt ${sweepLanes(settings).length} times at once: as trained, then with ${words} and with two draws of random neurons, ${atWords([...ALPHAS])}. It takes as long as a few runs.`;
  }

  /** What the sweep says, of the set that the form has, where there are several. */
  #swept() {
    return sweepOf(this.#sweep, this.#now.settings);
  }

  #doing() {
    const { lanes, prompt, promptRead, settings } = this.#sweep;
    const most = Math.max(...lanes.map(({ tokens }) => tokens.length));
    const live = lanes.filter(({ stopped }) => !stopped).length;
    this.progress.value =
      most === 0
        ? (0.5 * promptRead) / Math.max(1, prompt.length)
        : 0.5 + (0.5 * most) / settings.max;
    $("span", this.doing).textContent =
      most === 0
        ? ` Reading the prompt for ${lanes.length} answers …`
        : ` Token ${most} of at most ${settings.max}. ${live} of ${lanes.length} answers go on. Stop ends it.`;
  }

  #fill(sweep) {
    const { settings } = this.#now;
    const here =
      settings.set === sweep.set || settings.alpha === 1 || settings.set === "random"
        ? settings.alpha
        : -1;
    const row = /** @type {HTMLElement | null} */ (
      this.list.contains(focused()) ? focused().closest("[data-alpha]") : null
    );
    const before = row?.dataset.alpha;
    const lines = this.#sweep.done ? gist(this.#sweep, sweep) : [];
    this.gist.replaceChildren(...lines.map((line) => h("li", {}, line)));
    this.list.replaceChildren(
      ...sweep.rows
        .filter(({ lane }) => lane >= 0)
        .map((row) => this.#row(row, sweep, row.alpha === here)),
    );
    if (before) $(`[data-alpha="${before}"] button`, this.list)?.focus({ preventScroll: true });
    const lowest = Math.min(
      -0.5,
      ...sweep.rows
        .flatMap((row) => [row.logprob, ...row.controls.map(({ logprob }) => logprob)])
        .filter(Number.isFinite),
    );
    const floor = Math.floor(2 * lowest) / 2;
    /** @type {import("./sweep-plot.js").Measure[]} */
    const measures = [
      {
        key: "score",
        name: "Reading: 0 is like right answers, 1 like wrong ones",
        low: 0,
        high: 1,
        ticks: [0, 0.5, 1],
        words: hundredths,
      },
      {
        key: "logprob",
        name: "How sure the model was (mean log-probability)",
        low: floor,
        high: 0,
        ticks: [floor, floor / 2, 0],
        words: hundredths,
      },
    ];
    this.plots.replaceChildren(
      ...measures.map((measure) =>
        h(
          "figure",
          {},
          h("figcaption", {}, measure.name),
          sweepPlot(sweep, measure, settings.alpha, (alpha) => this.#choose(alpha)),
        ),
      ),
    );
    const drawn =
      sweep.seeds.length === 2
        ? "These are only two draws. Other seeds may give more or less."
        : "This is only one draw. Other seeds may give more or less.";
    this.band.replaceChildren(
      h("span", { class: "key key-set", "data-set": sweep.set, "aria-hidden": "true" }),
      `${setWords(sweep).name}; `,
      h("span", { class: "key key-trained", "aria-hidden": "true" }),
      "as trained; ",
      h("span", { class: "key key-band", "aria-hidden": "true" }),
      `random neurons (seed ${listed(sweep.seeds)}), from lowest to highest. ${drawn}`,
    );
    this.#root.dataset.set = sweep.set;
    this.#table(sweep);
  }

  #row({ alpha, lane, score, controls }, sweep, chosen) {
    const trained = lane === this.#sweep.trained;
    const name = trained ? "As trained" : setWords(sweep).name;
    return h(
      "li",
      { "data-alpha": alpha, "data-chosen": chosen },
      h(
        "button",
        { type: "button", class: "sweep-alpha", "aria-pressed": String(chosen) },
        h("b", {}, factorWords(alpha)),
        " ",
        h("small", {}, alpha === 0 ? "" : alphaWords(alpha)),
        h("span", { class: "unseen" }, `${trained ? "" : `, ${name}`}: set the slider here`),
      ),
      h(
        "div",
        { class: "sweep-said" },
        h("p", { class: "sweep-parts" }, this.#partWords(lane)),
        this.#answer(lane),
        trained ? null : h("p", { class: "sweep-controls" }, this.#controlWords(controls)),
      ),
      h(
        "p",
        { class: "sweep-score" },
        h("span", {}, "Reading "),
        h("b", {}, hundredths(score)),
        h("small", {}, stopWords(this.#sweep.lanes[lane]) || "answering …"),
      ),
    );
  }

  #partWords(i) {
    return differenceWords(this.#sweep, i) || (this.#sweep.done ? "No difference so far" : "…");
  }

  #controlWords(controls) {
    const short = (lane) => differsWords(this.#sweep, lane) || this.#partWords(lane);
    const each = controls.map(({ seed, lane }) => [seed, short(lane).replace(/^./, lower)]);
    if (each.length === 0) return "No random neurons at this stop";
    const [[, first]] = each;
    if (each.length > 1 && each.every(([, words]) => words === first))
      return `Random neurons, both draws: ${first}`;
    return `Random neurons: ${each.map(([seed, words]) => `${words} (seed ${seed})`).join("; ")}`;
  }

  #answer(i) {
    const { tokens } = this.#sweep.lanes[i];
    const parts = this.#sweep.partsAt(i);
    const text = (from, to) =>
      tokens
        .slice(from, to)
        .map((token) => token.text)
        .join("");
    const about = { class: "sweep-answer", dir: "auto" };
    if (tokens.length === 0) return h("p", about, h("i", {}, "no words"));
    if (parts < 0) return h("p", about, text());
    if (parts === tokens.length) return h("p", about, text(), " ", h("mark", {}, "(ends here)"));
    const [, blank, word] = /^(\s*)(.*)$/s.exec(tokens[parts].text);
    return h("p", about, text(0, parts) + blank, h("mark", {}, word || "␣"), text(parts + 1));
  }

  #table({ set, lever, rows, seeds }) {
    const head = (name) => h("th", { scope: "col", class: "figure" }, name);
    const lists = [
      [setWords({ set, lever }).name, (row) => row],
      ...seeds.map((seed) => [
        `random, seed ${seed}`,
        (row) => row.controls.find((control) => control.seed === seed),
      ]),
    ];
    const columns = ["score", "logprob"].flatMap((key) =>
      lists.map(([name, of]) => ({
        name: `${key === "score" ? "Reading" : "Mean log-probability"}, ${name}`,
        value: (row) => of(row)?.[key],
      })),
    );
    this.table.replaceChildren(
      h(
        "table",
        {},
        h(
          "caption",
          {},
          `The reading, and the mean log-probability, at every stop of the slider. Prompt: “${visible(this.#sweep.messages.at(-1).content).slice(0, 120)}”`,
        ),
        h(
          "thead",
          {},
          h(
            "tr",
            {},
            h("th", { scope: "col" }, "Factor"),
            ...columns.map(({ name }) => head(name)),
          ),
        ),
        h(
          "tbody",
          {},
          ...rows.map((row) =>
            h(
              "tr",
              {},
              h("th", { scope: "row" }, factorWords(row.alpha)),
              ...columns.map(({ value }) => h("td", { class: "figure" }, hundredths(value(row)))),
            ),
          ),
        ),
      ),
    );
  }
}
