// The neuron board: rows are neurons, columns are tokens, and the area of each mark is a contribution on that
// neuron's own scale. Marks are painted (39 x 150 elements would be slow to stream into); names, switches and the
// table are elements, and a cell cursor with a spoken line makes every value reachable without a mouse.

import { Largest } from "../core/largest.js";
import { laneName } from "../core/requests.js";
import { boardMarkup } from "./board-markup.js";
import { neuronElement, quoted, tokenTable } from "./board-neurons.js";
import {
  CELL,
  colours,
  columnsBetween,
  GAP,
  HEAD,
  layOut,
  noLayout,
  paintBody,
  paintHead,
  ROW,
} from "./board-paint.js";
import { $, focused, h, targetOf, visible } from "./dom.js";
import { columnsOf, withTokens } from "./columns.js";

export class BoardView {
  #root;
  #on;
  #trace = null;
  #artifact = new Map(); // "layer.index" -> the artifact's neuron
  #selection = new Set();
  #showControl = false;
  #lane = 0;
  #rows = []; // {row, layer, index, kind, scale}
  #columns = [];
  #layout = noLayout(); // of the columns
  #largest = null; // contributions seen, for the rows without a scale of their own
  #room = 0; // what is seen of the columns at once: the canvases are that wide, however many tokens there are
  #left = 0; // the first of it
  #cursor = { row: 0, column: -1 };
  #chosen = -1; // position of the chosen token
  #frame = 0;
  #opening = null; // where the board wants to be scrolled to, until there are columns enough or the visitor scrolls
  #elements = [];

  /**
   * @param {HTMLElement} root
   * @param {object} on
   * @param {(lane: number) => void} on.lane
   * @param {(lane: number, index: number) => void} on.token
   * @param {(layer: number, index: number) => void} on.toggle
   * @param {(lane: number, at: number) => void} on.chosen
   * @param {(layer: number, index: number, back: () => void) => void} on.card
   */
  constructor(root, on) {
    this.#root = root;
    this.#on = on;
    root.append(...boardMarkup());
    this.body = /** @type {HTMLCanvasElement} */ ($("canvas.cells", root));
    this.head = /** @type {HTMLCanvasElement} */ ($("canvas.names", root));
    this.names = $(".board-rows", root);
    this.readout = $(".readout", root);
    this.scroll = $(".board-scroll", root);
    this.body.addEventListener("pointermove", (event) => this.#point(event));
    this.body.addEventListener("pointerdown", (event) => this.#point(event));
    this.body.addEventListener("click", (event) => this.#point(event, true));
    this.body.addEventListener("keydown", (event) => this.#key(event));
    // Spoken only while the board itself has the focus: elsewhere it would talk over what is being read.
    this.body.addEventListener("focus", () => {
      this.readout.setAttribute("aria-live", "polite");
      this.#move(this.#cursor.row, Math.max(0, this.#cursor.column));
    });
    this.body.addEventListener("blur", () => this.readout.setAttribute("aria-live", "off"));
    $("[name=show-control]", root).addEventListener("change", (event) => {
      this.#showControl = targetOf(event).checked;
      this.#arrangeAll();
    });
    $("details.table-view", root).addEventListener("toggle", () => this.#table());
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.#paintSoon());
    matchMedia("print").addEventListener("change", () => (this.#measure(), this.#paint())); // at once: paper does not wait for a frame
    const resized = new ResizeObserver(() => (this.#measure(), this.#paintSoon()));
    for (const element of [this.scroll, this.names]) resized.observe(element);
    this.scroll.addEventListener(
      "scroll",
      () => Math.round(this.scroll.scrollLeft) !== this.#left && this.#paintSoon(),
      { passive: true },
    );
    for (const act of ["wheel", "pointerdown", "keydown"])
      this.scroll.addEventListener(act, () => (this.#opening = null), { passive: true });
  }

  setArtifact(artifact) {
    this.#artifact = new Map(
      artifact.neurons.map((neuron) => [`${neuron.layer}.${neuron.index}`, neuron]),
    );
    if (this.#trace) this.#arrangeAll();
  }

  setSelection(neurons) {
    this.#selection = new Set(neurons.map(([layer, index]) => `${layer}.${index}`));
    if (this.#trace) this.#arrangeAll();
  }

  show(trace) {
    this.#trace = trace;
    this.#largest = new Largest(trace);
    this.#lane = Math.min(this.#lane, Math.max(0, trace.lanes.length - 1));
    this.#cursor = { row: 0, column: -1 };
    this.#chosen = -1;
    this.readout.textContent = "Point at a cell, or focus the board and use the arrow keys.";
    this.#tabs();
    this.#arrangeAll();
    this.#measure();
    this.#paint();
    // A second turn begins at the doubt: what was said before it is to the left.
    const last = this.#columns.findLast(({ segment }) => segment.startsWith("user"));
    const first = last ? this.#columns.findIndex(({ segment }) => segment === last.segment) : 0;
    this.#opening = first > 0 ? this.#layout.lefts[first] - GAP / 2 : 0;
    this.scroll.scrollTo({ top: 0, left: this.#opening, behavior: "instant" });
  }

  /** New cells or tokens in lane i. */
  update(i) {
    this.#largest.look(i);
    for (const row of this.#rows) if (row.loose) row.scale = this.#largest.of(row.row);
    if (i !== this.#lane) return;
    withTokens(this.#columns, this.#trace, this.#lane);
    this.#paintSoon();
  }

  /** The run ended: scales that depend on what was seen are settled. */
  settle() {
    this.#arrangeAll();
  }

  showLane(i) {
    if (!this.#trace?.lanes[i]) return;
    this.#lane = i;
    this.#tabs();
    this.#arrangeAll();
  }

  /** {lane, at}: the lane on the board and the chosen position of it, the last one while none is chosen. */
  get chosen() {
    const { at } = this.#columns.find(({ at }) => at === this.#chosen) ??
      this.#columns.at(-1) ?? { at: -1 };
    return { lane: this.#lane, at };
  }

  /** Highlights the column of a lane's answer token, and shows that lane. */
  chooseToken(lane, index) {
    if (lane !== this.#lane) this.showLane(lane);
    const column = this.#columns.findIndex((column) => column.answer === index);
    if (column >= 0) this.#move(this.#cursor.row, column, { follow: true });
  }

  #tabs() {
    const tabs = this.#trace.lanes.map((lane, i) =>
      h(
        "label",
        { class: "tab" },
        h("input", {
          type: "radio",
          name: "board-lane",
          value: i,
          checked: i === this.#lane,
          onchange: () => (this.showLane(i), this.#on.lane(i), this.#tell()),
        }),
        h("span", {}, laneName(lane, this.#trace.lanes)),
      ),
    );
    const list = $(".tabs", this.#root);
    const focused = list.contains(document.activeElement);
    list.replaceChildren(...tabs);
    if (focused) $("input:checked", list)?.focus();
  }

  #arrangeAll() {
    if (!this.#trace) return;
    this.#columns = columnsOf(this.#trace, this.#lane);
    this.#layout = noLayout();
    this.#rows = this.#arrange();
    this.#root.toggleAttribute("data-empty", this.#rows.length === 0);
    this.#names();
    this.#paintSoon();
    this.#table();
  }

  // H-Neurons by layer, then the visitor's own, then (when asked for) the control's.
  #arrange() {
    const kinds = { h: [], custom: [], control: [] };
    const seen = new Set();
    const add = ([layer, index], row) => {
      const name = `${layer}.${index}`;
      if (seen.has(name)) return;
      seen.add(name);
      const kind = this.#artifact.has(name)
        ? "h"
        : this.#selection.has(name) || this.#isCustom(name)
          ? "custom"
          : "control";
      if (kind === "control" && this.#artifact.size > 0 && !this.#showControl) return;
      const quantile = this.#artifact.get(name)?.quantiles?.["0.99"];
      const loose = !(quantile > 0); // no scale of its own: the largest value seen
      kinds[kind].push({
        row,
        layer,
        index,
        kind,
        loose,
        scale: loose ? this.#largest.of(row) : quantile,
      });
    };
    this.#trace.rows.forEach(add);
    for (const name of this.#selection) add(name.split(".").map(Number), -1);
    const byLayer = (a, b) => a.layer - b.layer || a.index - b.index;
    return [
      ...kinds.h.sort(byLayer),
      ...kinds.custom.sort(byLayer),
      ...kinds.control.sort(byLayer),
    ];
  }

  #isCustom(name) {
    return this.#trace.lanes.some(
      (lane) => lane.set === "custom" && lane.neurons.some(([l, i]) => `${l}.${i}` === name),
    );
  }

  #names() {
    const row = /** @type {HTMLElement | null} */ (focused()?.closest("[data-part=neuron]"));
    const kept = row && [row.dataset.layer, row.dataset.index, focused().className];
    let group = "";
    this.#elements = this.#rows.map((neuron, i) => {
      const { layer, index, kind } = neuron;
      const first = kind + layer !== group;
      group = kind + layer;
      const factor = this.#trace.edits(this.#lane, [layer, index])
        ? this.#trace.factor(this.#lane, [layer, index])
        : null;
      return neuronElement(
        neuron,
        {
          about: this.#about(neuron),
          off: this.#selection.has(`${layer}.${index}`),
          factor,
          first,
        },
        {
          toggle: () => this.#on.toggle(layer, index),
          card: () => this.#card(i),
          focus: () => this.#highlightRow(i),
        },
      );
    });
    this.names.replaceChildren(...this.#elements);
    if (kept) this.#button(...kept)?.focus({ preventScroll: true });
  }

  #about({ layer, index }) {
    return this.#artifact.get(`${layer}.${index}`);
  }

  #button(layer, index, kind) {
    return this.#elements
      .find(({ dataset }) => dataset.layer === String(layer) && dataset.index === String(index))
      ?.getElementsByClassName(kind)[0];
  }

  // `cell`: from the cells, to which the focus then returns.
  #card(i, cell = false) {
    const { layer, index } = this.#rows[i];
    this.#on.card(layer, index, () =>
      (cell ? this.body : (this.#button(layer, index, "neuron-name") ?? this.body)).focus({
        preventScroll: true,
      }),
    );
  }

  #tell() {
    const { lane, at } = this.chosen;
    this.#on.chosen(lane, at);
  }

  #highlightRow(i) {
    this.#cursor.row = i;
    if (this.#cursor.column >= 0) this.#say();
    this.#paintSoon();
  }

  #paintSoon() {
    cancelAnimationFrame(this.#frame);
    this.#frame = requestAnimationFrame(() => this.#paint());
  }

  #measure() {
    const side = Math.ceil(this.names.getBoundingClientRect().width);
    this.#room = this.scroll.clientWidth - side;
    this.scroll.style.setProperty("--board-side", `${side}px`);
  }

  #paint() {
    if (!this.#trace || this.#room <= 0) return;
    const { lefts, turns, width } = layOut(this.#columns, this.#layout);
    this.scroll.style.setProperty("--board-width", `${Math.max(width + 8, this.#room)}px`);
    const left = Math.round(this.scroll.scrollLeft);
    this.#left = left;
    const view = {
      columns: this.#columns,
      rows: this.#rows,
      lefts,
      turns,
      seen: columnsBetween(this.#layout, left, left + this.#room),
      left,
      room: this.#room,
      cursor: this.#cursor,
      colour: colours(this.#root),
      value: (row, column) =>
        this.#trace.contribution(this.#lane, this.#rows[row].row, this.#columns[column].at),
    };
    paintHead(this.head, view);
    paintBody(this.body, view);
    if (this.#opening !== null && this.scroll.scrollLeft < this.#opening)
      this.scroll.scrollTo({ left: this.#opening, behavior: "instant" });
  }

  #point(event, chosen = false) {
    const box = this.body.getBoundingClientRect();
    const row = Math.floor((event.clientY - box.top) / ROW);
    const x = event.clientX - box.left + this.#left;
    const column = columnsBetween(this.#layout, x, x + 1).find((i) => this.#layout.lefts[i] <= x);
    if (!this.#rows[row] || column === undefined) return;
    if (chosen || column !== this.#cursor.column || row !== this.#cursor.row)
      this.#move(row, column, { told: chosen });
  }

  #key(event) {
    const { row, column } = this.#cursor;
    const to = {
      ArrowLeft: [row, column - 1],
      ArrowRight: [row, column + 1],
      ArrowUp: [row - 1, column],
      ArrowDown: [row + 1, column],
      Home: [row, 0],
      End: [row, this.#columns.length - 1],
      PageUp: [row - 10, column],
      PageDown: [row + 10, column],
    }[event.key];
    if (event.key === "Enter" || event.key === " ") {
      event.preventDefault();
      const neuron = this.#rows[row];
      if (neuron && event.key === "Enter") this.#card(row, true);
      else if (neuron) this.#on.toggle(neuron.layer, neuron.index);
      return;
    }
    if (!to) return;
    event.preventDefault();
    this.#move(...to, { follow: true, told: true });
  }

  #move(row, column, { follow = false, told = false } = {}) {
    if (this.#columns.length === 0 || this.#rows.length === 0) return;
    row = Math.min(this.#rows.length - 1, Math.max(0, row));
    column = Math.min(this.#columns.length - 1, Math.max(0, column));
    const another = column !== this.#cursor.column;
    this.#cursor = { row, column };
    this.#paintSoon();
    this.#say();
    if (follow) this.#follow();
    if (another) this.#table();
    const { answer, at } = this.#columns[column];
    // Pointing moves the cursor too; only a click or a key chooses.
    if (!(told || follow) || at === this.#chosen) return;
    this.#chosen = at;
    if (told && answer !== undefined) this.#on.token(this.#lane, answer);
    this.#tell();
  }

  #say() {
    const { row, column } = this.#cursor;
    const { layer, index, row: at } = this.#rows[row];
    const { text, at: position } = this.#columns[column];
    const value = this.#trace.contribution(this.#lane, at, position);
    const about = this.#about(this.#rows[row]);
    const words = value === undefined ? "not read" : `contribution ${value.toFixed(4)}`;
    const promotes = about?.promotes?.length ? `. Promotes ${quoted(about.promotes)}` : "";
    const suppresses = about?.suppresses?.length ? `; suppresses ${quoted(about.suppresses)}` : "";
    this.readout.textContent = `L${layer} N${index} at token “${visible(text)}”: ${words}${promotes}${suppresses}`;
  }

  #follow() {
    this.#opening = null;
    const { row, column } = this.#cursor;
    const box = this.scroll;
    const side = this.names.offsetWidth;
    const left = this.#layout.lefts[column] ?? 0;
    if (left < box.scrollLeft) box.scrollLeft = left - CELL;
    else if (left + CELL > box.scrollLeft + box.clientWidth - side)
      box.scrollLeft = left + 2 * CELL - box.clientWidth + side;
    const top = row * ROW;
    if (top < box.scrollTop) box.scrollTop = top;
    else if (top + ROW > box.scrollTop + box.clientHeight - HEAD)
      box.scrollTop = top + 2 * ROW - box.clientHeight + HEAD;
  }

  #table() {
    const view = $("details.table-view", this.#root);
    if (!view.matches("[open]") || !this.#trace) return;
    const column = this.#columns[this.#cursor.column] ?? this.#columns.at(-1);
    const table = column && [
      tokenTable(this.#trace, this.#lane, column, this.#rows, (neuron) => this.#about(neuron)),
    ];
    $(".table-place", view).replaceChildren(...(table ?? []));
  }
}
