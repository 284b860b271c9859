// The layer map: every neuron of the model at the chosen token. A canvas with a cursor that moves by neuron and a spoken
// line; the largest stand beside it as text. Where the map gets its values from is core/map.js's and the session's business.

import { contributionWords, readingWords } from "../core/neuron.js";
import { Window } from "../core/map.js";
import { ramp } from "../core/ramp.js";
import { grouped } from "../core/grouped.js";
import { $, focused, h, targetOf } from "./dom.js";
import { drawing, s } from "./svg.js";
import { MapCanvas } from "./map-canvas.js";
import { MapMoves } from "./map-moves.js";

const DARK = "screen and (prefers-color-scheme: dark)";
const LARGEST = 10;
const KINDS = { h: "H-Neuron", random: "random neuron", lever: "neuron of the lever", custom: "" };

export class MapView {
  #on;
  #canvas;
  #view = null; // core/map.js Window
  #field = null;
  #marks = []; // {layer, index, kind, off, limit}
  #selection = new Set();
  #cursor = null;
  #frame = 0;
  #scale = "rank";
  #moved = false; // the visitor has moved the cursor

  /**
   * @param {HTMLElement} root
   * @param {object} on
   * @param {(layer: number, index: number, back: () => void) => void} on.card
   * @param {(layer: number, index: number) => void} on.toggle
   * @param {(layer: number, index: number) => void} on.silence
   */
  constructor(root, on) {
    this.#on = on;
    this.note = h("p", { class: "map-note" });
    this.readout = h("p", { class: "map-readout", id: "map-readout", "aria-live": "off" });
    this.canvas = h("canvas", {
      class: "map-cells",
      role: "application",
      tabindex: "0",
      "aria-roledescription": "layer map",
      "aria-describedby": "map-readout",
      "aria-label":
        "Contributions of all neurons. Arrow keys move by neuron, with Shift by ten; H goes to the next H-Neuron; plus and minus zoom, 0 shows all; Enter opens the neuron’s card, Space adds the neuron to My selection or takes it out",
    });
    this.largest = h("ol", {});
    this.heading = h("h3", {});
    this.add = h("button", {
      type: "button",
      class: "quiet map-add",
      onclick: () => this.#cursor && on.toggle(this.#cursor.layer, this.#cursor.index),
    });
    this.silence = h(
      "button",
      {
        type: "button",
        class: "quiet map-silence",
        onclick: () => this.#cursor && on.silence(this.#cursor.layer, this.#cursor.index),
      },
      "Silence this one and run",
    );
    this.key = h("div", { class: "map-key" });
    this.shade = h(
      "label",
      { class: "map-scale" },
      "Shade by ",
      h(
        "select",
        {
          onchange: (event) => ((this.#scale = targetOf(event).value), this.#keys(), this.paint()),
        },
        h("option", { value: "rank" }, "rank"),
        h("option", { value: "size" }, "size"),
      ),
    );
    const tool = (words, name, act) =>
      h("button", { type: "button", class: "quiet", "aria-label": name, onclick: act }, words);
    this.tools = h(
      "div",
      { class: "map-tools", role: "group", "aria-label": "Zoom" },
      tool("+", "Zoom in", () => this.zoom(2)),
      tool("−", "Zoom out", () => this.zoom(0.5)),
      tool("All", "Show all neurons", () => (this.#view?.reset(), this.paint())),
      (this.zoomed = h("span", { class: "hint" })),
    );
    root.replaceChildren(
      this.note,
      h(
        "div",
        { class: "map-body" },
        h(
          "div",
          { class: "map-place" },
          this.tools,
          this.canvas,
          h("div", { class: "map-said" }, this.readout, this.silence, this.add),
          h("div", { class: "map-foot" }, this.key, this.shade),
        ),
        h("div", { class: "map-largest" }, this.heading, this.largest),
      ),
    );
    this.#canvas = new MapCanvas(this.canvas);
    this.moves = new MapMoves(this, on);
    matchMedia(DARK).addEventListener("change", () => (this.#keys(), this.paint()));
    new ResizeObserver(() => this.paint()).observe($(".map-place", root));
    this.#keys();
  }

  /** Large enough to tell single neurons apart, or small beside the answers. */
  set large(is) {
    this.#canvas.row = is ? 14 : 5;
    if (!is) this.#view?.reset();
    this.paint();
  }

  get view() {
    return this.#view;
  }

  get field() {
    return this.#field;
  }

  get cursor() {
    return this.#cursor;
  }

  /** Shows a field, with a line that says what it is. */
  show(field, note) {
    const shape = this.#field?.perLayer === field.perLayer;
    this.#field = field;
    if (!shape) this.#view = new Window(field.perLayer);
    this.say(note);
    const largest = field.largest(LARGEST);
    if (!this.#moved) this.#cursor = this.#loudest() ?? largest[0] ?? { layer: 0, index: 0 };
    this.#keys();
    this.#list(largest);
    this.#say();
    this.paint();
  }

  // The loudest H-Neuron: what the cursor is on until the visitor moves it.
  #loudest() {
    const value = ({ layer, index }) => this.#field.at(layer, index);
    return this.#marks
      .filter((mark) => mark.kind === "h" && value(mark) >= 0)
      .reduce((best, mark) => (best && value(best) >= value(mark) ? best : mark), null);
  }

  /** Another line, while what is shown stays. */
  say(note) {
    if (this.note.textContent !== note) this.note.textContent = note; // a status is read out anew each time it is set
  }

  /** @param marks [{layer, index, kind: "h" | "random" | "lever", off, limit}], and the visitor's selection */
  mark(marks, off) {
    this.#selection = new Set(off.map(([layer, index]) => `${layer}.${index}`));
    this.#marks = [...marks, ...off.map(([layer, index]) => ({ layer, index, kind: "custom" }))]; // in the order of painting
    this.#keys();
    if (!this.#field) return;
    this.#list(this.#field.largest(LARGEST));
    this.#say();
    this.paint();
  }

  /** Moves the cursor, and brings it into view. */
  moveTo(layer, index) {
    if (!this.#field) return;
    this.#moved = true;
    const within = (value, count) => Math.min(count - 1, Math.max(0, value));
    this.#cursor = {
      layer: within(layer, this.#field.layers),
      index: within(index, this.#field.perLayer),
    };
    this.#view.include(this.#cursor.index);
    this.#say();
    this.paint();
  }

  /** To the next (1) or the previous (-1) H-Neuron. */
  toH(direction) {
    const place = ({ layer, index }) => layer * this.#field.perLayer + index;
    const all = this.#marks.filter(({ kind }) => kind === "h").sort((a, b) => place(a) - place(b));
    if (direction < 0) all.reverse();
    const next = all.find((mark) => direction * (place(mark) - place(this.#cursor)) > 0) ?? all[0];
    if (next) this.moveTo(next.layer, next.index);
  }

  zoom(factor, anchor) {
    if (!this.#view) return;
    const { from, count, perLayer } = this.#view;
    const at = (this.#cursor.index + 0.5 - from) / count;
    this.#view.zoomBy(factor, anchor ?? (at >= 0 && at <= 1 ? at : 0.5));
    if (this.#view.count === count && count === perLayer && factor < 1) return;
    this.paint();
  }

  pan(neurons) {
    this.#view.moveTo(this.#view.from + neurons);
    this.paint();
  }

  /** The neuron at a point of the canvas, or null. */
  find(x, y) {
    return this.#field && this.#canvas.find(this.#view, this.#field, this.#marks, x, y);
  }

  across(x) {
    return this.#canvas.across(x);
  }

  /** Neurons a CSS pixel. */
  get scale() {
    return this.#view.count / this.#canvas.room;
  }

  paint() {
    cancelAnimationFrame(this.#frame);
    this.#frame = requestAnimationFrame(() => {
      const width = this.canvas.parentElement.clientWidth;
      if (!this.#field || width === 0) return;
      const style = getComputedStyle(this.canvas);
      const value = (name) => style.getPropertyValue(name).trim();
      const colour = {
        sheet: value("--sheet"),
        ink: value("--ink"),
        soft: value("--ink-soft"),
        strong: value("--rule-strong"),
        rule: value("--rule"),
        h: [value("--h"), value("--h-loud")],
        random: [value("--random"), value("--random-loud")],
        lever: [value("--lever"), value("--lever-loud")],
        font: style.fontFamily,
      };
      this.#canvas.paint({
        field: this.#field,
        view: this.#view,
        marks: this.#marks,
        cursor: this.#cursor,
        width,
        dark: isDark(),
        colour,
        scale: this.#scale,
      });
      const { from, count, zoom } = this.#view;
      this.zoomed.textContent =
        zoom === 1
          ? ""
          : `Neurons ${Math.floor(from)} to ${Math.ceil(from + count) - 1} of each layer, × ${zoom.toFixed(zoom < 10 ? 1 : 0)}`;
    });
  }

  #say() {
    const { layer, index } = this.#cursor;
    this.readout.textContent = this.#words(layer, index);
    const is = this.#selection.has(`${layer}.${index}`);
    this.add.replaceChildren(
      is ? "Take out of My selection" : "Add to My selection",
      h("span", { class: "unseen" }, `: L${layer} N${index}`),
    );
  }

  #words(layer, index) {
    const value = this.#field.at(layer, index);
    const rank = this.#field.rank(layer, index);
    const kinds = this.#marks
      .filter((mark) => mark.layer === layer && mark.index === index)
      .map(({ kind }) => KINDS[kind]);
    const own = this.#selection.has(`${layer}.${index}`) ? "in My selection" : "";
    return [
      `L${layer} N${index}: contribution ${value >= 0 ? readingWords(value, this.#field.recorded) : "not known"}`,
      rank === undefined ? "" : `rank ${grouped(rank)} of ${grouped(this.#field.count)}`,
      ...new Set(kinds),
      own,
    ]
      .filter(Boolean)
      .join(", ");
  }

  #list(largest) {
    const before = this.largest.contains(focused()) ? focused().dataset.neuron : null;
    this.heading.textContent = this.#field.complete
      ? `The ${largest.length} largest`
      : "The largest known";
    this.largest.replaceChildren(
      ...largest.map(({ layer, index, contribution }) => {
        const mark = this.#marks.find(
          (mark) => mark.layer === layer && mark.index === index && mark.kind !== "custom",
        );
        const button = h(
          "button",
          {
            type: "button",
            class: "map-neuron",
            "data-neuron": `${layer}.${index}`,
            onclick: () => {
              this.moveTo(layer, index);
              this.#on.card(
                layer,
                index,
                () =>
                  $(`[data-neuron="${layer}.${index}"]`, this.largest)?.focus({
                    preventScroll: true,
                  }) ?? this.canvas.focus(),
              );
            },
          },
          h("span", { class: "map-name" }, `L${layer} N${index}`),
          " ",
          h("span", {}, contributionWords(contribution)),
          " ",
          mark ? h("small", {}, KINDS[mark.kind]) : null,
        );
        return h("li", {}, button);
      }),
    );
    if (before) $(`[data-neuron="${before}"]`, this.largest)?.focus({ preventScroll: true });
  }

  #keys() {
    const shades = ramp(isDark(), 24);
    const scale = drawing(
      72,
      10,
      "Shades, from quiet to loud",
      ...shades.map((fill, i) =>
        s("rect", { x: (i * 72) / 24, width: 72 / 24 + 0.5, y: 0, height: 10, fill }),
      ),
    );
    const entry = (shape, words) =>
      h(
        "span",
        { class: "map-entry" },
        s("svg", { viewBox: "0 0 16 16", "aria-hidden": "true" }, shape),
        words,
      );
    const { complete = true, top = 0, recorded } = this.#field ?? {};
    const square = () => s("rect", { class: "mark-h", x: 3, y: 3, width: 10, height: 10 });
    const disc = () => s("circle", { class: "mark-random", cx: 8, cy: 8, r: 5.5 });
    this.key.replaceChildren(
      complete || top > 0
        ? h("span", { class: "map-entry map-shades" }, "quiet", scale, "loud")
        : "",
      entry(square(), "H-Neuron"),
      this.#marks.some(({ kind }) => kind === "lever")
        ? entry(s("path", { class: "mark-lever", d: "M8 1.5 14.5 8 8 14.5 1.5 8Z" }), "lever")
        : "",
      entry(disc(), "random"),
      entry(s("rect", { class: "mark-h mark-loud", x: 3, y: 3, width: 10, height: 10 }), "loud"),
      entry(s("rect", { class: "mark-off", x: 3, y: 3, width: 10, height: 10 }), "off"),
      this.#selection.size > 0
        ? entry(s("rect", { class: "mark-custom", x: 1, y: 1, width: 14, height: 14 }), "mine")
        : "",
      complete
        ? ""
        : entry(
            s("path", { class: "mark-unknown", d: "M0 8 8 0M0 16 16 0M8 16 16 8" }),
            recorded ? "not recorded" : "not read yet",
          ),
    );
  }
}

const isDark = () => matchMedia(DARK).matches;
