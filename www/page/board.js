// The neuron board: rows are neurons, columns are tokens, and the area of each mark is a contribution on that
// neuron's own scale. Marks are painted (39 x 150 elements would be slow to stream into); names, switches and the
// table are elements, and a cell cursor with a spoken line makes every value reachable without a mouse. Names, switches and
// cells are one tab stop: arrow keys move between them.

import { Largest } from "../core/largest.js";
import {
  addedBy,
  byAdded,
  firingWords,
  knowsWords,
  loudness,
  readingWords,
  usualLimit,
  weightShares,
} from "../core/neuron.js";
import { laneName } from "../core/requests.js";
import { boardMarkup } from "./board-markup.js";
import { neuronElement, paperTable, quote, tokenTable } from "./board-neurons.js";
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
import { columnsOf, withTokens } from "./columns.js";
import { $, focused, h, targetOf, visible } from "./dom.js";

const POINT = "Point at a cell, or focus the board and use the arrow keys.";
const PAGE = 10; // rows that PageUp and PageDown pass

const nameOf = ({ layer, index }) => `${layer}.${index}`;

export class BoardView {
  #root;
  #on;
  #trace = null;
  #artifact = new Map(); // "layer.index" -> the artifact's neuron
  #json = null; // the artifact
  #shares = new Map(); // "layer.index" -> how strongly it counts in a reading
  #gallery = null; // the list of the recorded runs
  #settled = false; // the run has ended: the rows take the order of what they add
  #order = new Map(); // "layer.index" -> its row when a run last ended; until another has, it stays there
  #added = new Map(); // "layer.index" -> what it adds to the reading of the lane
  #selection = new Set();
  #showControl = false;
  #lane = 0;
  #rows = []; // {row, layer, index, kind, scale, share, limit, off}
  #columns = [];
  #layout = noLayout(); // of the columns
  #largest = null; // contributions seen, for the rows without a scale of their own
  #room = 0; // what is seen of the columns at once: the canvases are that wide, however many tokens there are
  #left = 0; // the first of it
  #cursor = { row: 0, column: -1 };
  #held = null; // {name, column}: the cell that was clicked, or reached by keys; the pointer only passes over others
  #stop = { part: "switch", name: "" }; // what Tab reaches: "switch" or "neuron-name" of a neuron, or "cells"
  #longest = ""; // the longest word of the columns seen so far
  #seen = 0; // columns looked at for it
  #chosen = -1; // position of the chosen token
  #onPaper = []; // what the table for paper was made of
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
   * @param {(layer: number, index: number) => void} on.silence My selection becomes this neuron alone, and is run
   */
  constructor(root, on) {
    this.#root = root;
    this.#on = on;
    root.append(...boardMarkup());
    this.body = /** @type {HTMLCanvasElement} */ ($("canvas.cells", root));
    this.head = /** @type {HTMLCanvasElement} */ ($("canvas.names", root));
    this.names = $(".board-rows", root);
    this.readout = $("#board-readout", root);
    this.silence = $(".silence", root);
    this.silence.addEventListener("click", () => {
      if (!this.#held) return;
      const [layer, index] = this.#held.name.split(".").map(Number);
      this.#on.silence(layer, index);
    });
    this.names.addEventListener("keydown", (event) => this.#nameKey(event));
    this.scroll = $(".board-scroll", root);
    this.body.addEventListener("pointermove", (event) => this.#point(event));
    this.body.addEventListener("pointerdown", (event) => this.#point(event));
    this.body.addEventListener("pointerleave", () => this.#return());
    this.body.addEventListener("click", (event) => this.#point(event, true));
    this.body.addEventListener("keydown", (event) => this.#key(event));
    // Spoken only while the board itself has the focus: elsewhere it would talk over what is being read.
    this.body.addEventListener("focus", () => {
      this.readout.setAttribute("aria-live", "polite");
      this.#rove("cells");
      this.#move(this.#cursor.row, Math.max(0, this.#cursor.column));
      this.#hold();
    });
    this.body.addEventListener("blur", () => this.readout.setAttribute("aria-live", "off"));
    $("[name=show-control]", root).addEventListener("change", (event) => {
      this.#showControl = targetOf(event).checked;
      this.#arrangeAll();
    });
    $("details.table-view", root).addEventListener("toggle", () => this.#table());
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.#paintSoon());
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
    this.#json = artifact;
    this.#shares = weightShares(artifact);
    this.#root.toggleAttribute("data-adds", (artifact.detector?.terms ?? []).length > 0);
    if (this.#trace) this.#arrangeAll();
  }

  /** The list of the recorded runs, which knows the words at which neurons fired most. */
  setGallery(index) {
    this.#gallery = index;
    if (this.#trace) this.#arrangeAll();
  }

  /** What a run has to fetch first, in words; "" for nothing. */
  setSize(size) {
    $(".silence-size", this.#root).textContent = size ?? "";
  }

  setSelection(neurons) {
    this.#selection = new Set(neurons.map(([layer, index]) => `${layer}.${index}`));
    if (this.#trace) this.#arrangeAll();
  }

  show(trace) {
    this.#trace = trace;
    this.#largest = new Largest(trace);
    this.#lane = Math.min(this.#lane, Math.max(0, trace.lanes.length - 1));
    this.#settled = trace.done;
    this.#cursor = { row: 0, column: -1 };
    if (this.#held) this.#held.column = -1;
    this.#chosen = -1;
    this.#tabs();
    this.#arrangeAll();
    this.#return();
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
    this.#keepRoom();
    this.#paintSoon();
  }

  /** The run ended: what the rows add is known, and so is their order; scales that depend on what was seen are settled. */
  settle() {
    this.#settled = true;
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
  chooseToken(lane, index, { follow = true } = {}) {
    if (lane !== this.#lane) this.showLane(lane);
    const column = this.#columns.findIndex((column) => column.answer === index);
    if (column < 0) return;
    if (this.#held) this.#held.column = column;
    this.#move(this.#cursor.row, column, { follow, told: !follow });
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
    const before = this.#rows[this.#cursor.row];
    this.#columns = columnsOf(this.#trace, this.#lane);
    this.#layout = noLayout();
    this.#seen = 0;
    this.#added = this.#settled ? addedBy(this.#trace, this.#lane, this.#json) : new Map();
    this.#rows = this.#arrange();
    if (this.#settled) this.#order = new Map(this.#rows.map((row, i) => [nameOf(row), i]));
    // The cursor stays with its neuron, wherever that is now.
    this.#cursor.row = Math.max(0, before ? this.#rowOf(nameOf(before)) : 0);
    this.#cursor.column = Math.min(this.#cursor.column, this.#columns.length - 1);
    if (this.#held && this.#rowOf(this.#held.name) < 0) this.#held = null;
    this.#root.toggleAttribute("data-empty", this.#rows.length === 0);
    this.#root.toggleAttribute("data-held", this.#held !== null);
    this.#root.toggleAttribute(
      "data-lever",
      this.#rows.some(({ kind }) => kind === "lever"),
    );
    $(".key-unknown", this.#root).textContent =
      this.#added.size > 0 && !knowsWords(this.#trace, this.#lane)
        ? " This recording does not say which words the detector read. So every word counts here."
        : "";
    this.#names();
    this.#keepRoom();
    this.#paintSoon();
    this.#table();
    this.#paper();
  }

  #rowOf(name) {
    return this.#rows.findIndex((row) => nameOf(row) === name);
  }

  // The neurons of the lever that is turned, in the artifact's order; then the H-Neurons, what adds most to the reading at the top;
  // then the visitor's own, then (when asked for) the control's.
  #arrange() {
    const kinds = { lever: [], h: [], custom: [], control: [] };
    const turned = this.#trace.lanes.find((lane) => lane.set === "lever")?.neurons ?? [];
    const lever = new Map(turned.map(([layer, index], i) => [`${layer}.${index}`, i]));
    const seen = new Set();
    const add = ([layer, index], row) => {
      const name = `${layer}.${index}`;
      if (seen.has(name)) return;
      seen.add(name);
      const kind = this.#artifact.has(name)
        ? "h"
        : lever.has(name)
          ? "lever"
          : this.#selection.has(name) || this.#isCustom(name)
            ? "custom"
            : "control";
      if (kind === "control" && this.#artifact.size > 0 && !this.#showControl) return;
      const { quantiles } = this.#artifact.get(name) ?? {};
      const often = quantiles?.["0.99"];
      const loose = !(often > 0); // no scale of its own: the largest value seen
      kinds[kind].push({
        row,
        layer,
        index,
        kind,
        loose,
        scale: loose ? this.#largest.of(row) : often,
        limit: usualLimit(quantiles),
        off: this.#trace.factor(this.#lane, [layer, index]) === 0,
        share: this.#shares.get(name) ?? 0,
      });
    };
    this.#trace.rows.forEach(add);
    for (const name of this.#selection) add(name.split(".").map(Number), -1);
    const mostAdded = byAdded(this.#added, this.#shares);
    const place = (row) => this.#order.get(nameOf(row)) ?? Infinity;
    // While a run is under way, rows stay where they are: nothing jumps below a pointer.
    const inOrder = (a, b) =>
      (this.#settled ? 0 : place(a) - place(b)) ||
      (a.kind === "lever" ? lever.get(nameOf(a)) - lever.get(nameOf(b)) : 0) ||
      mostAdded(nameOf(a), nameOf(b)) ||
      a.layer - b.layer ||
      a.index - b.index;
    return Object.values(kinds).flatMap((rows) => rows.sort(inOrder));
  }

  #isCustom(name) {
    return this.#trace.lanes.some(
      (lane) => lane.set === "custom" && lane.neurons.some(([l, i]) => `${l}.${i}` === name),
    );
  }

  #names() {
    const row = /** @type {HTMLElement | null} */ (focused()?.closest("[data-part=neuron]"));
    const kept = row && [row.dataset.layer, row.dataset.index, focused().className];
    const adds = this.#rows.map((neuron) => this.#added.get(nameOf(neuron)) ?? 0);
    const range = /** @type {[number, number]} */ ([Math.min(0, ...adds), Math.max(0, ...adds)]);
    this.#elements = this.#rows.map((neuron, i) => {
      const { layer, index, kind } = neuron;
      const name = nameOf(neuron);
      return neuronElement(
        neuron,
        {
          words: this.#wordsOf(neuron),
          off: this.#selection.has(name),
          factor: this.#trace.edits(this.#lane, [layer, index])
            ? this.#trace.factor(this.#lane, [layer, index])
            : null,
          first: i > 0 && kind !== this.#rows[i - 1].kind,
          adds: this.#added.get(name),
          range,
          share: neuron.share,
        },
        {
          toggle: () => this.#on.toggle(layer, index),
          card: () => this.#card(i),
          focus: () => this.#highlightRow(i),
        },
      );
    });
    this.names.replaceChildren(...this.#elements);
    this.names.setAttribute(
      "aria-label",
      `${this.#rows.length} neurons. Up and down: another neuron. Left and right: its switch, its name, its cells.`,
    );
    this.#rove();
    if (kept) this.#button(...kept)?.focus({ preventScroll: true });
  }

  #wordsOf({ layer, index }) {
    return firingWords(this.#gallery, layer, index);
  }

  // Makes this the board's one tab stop; without `part`, what was it before, or the first switch where that is gone.
  #rove(part = this.#stop.part, name = this.#stop.name) {
    this.#stop = { part, name };
    const old = this.names.querySelector("[tabindex='0']");
    old?.setAttribute("tabindex", "-1");
    this.body.tabIndex = part === "cells" ? 0 : -1;
    if (part === "cells") return;
    const [layer, index] = name.split(".");
    const wanted = this.#button(layer, index, part) ?? this.#elements[0]?.querySelector("button");
    wanted?.setAttribute("tabindex", "0");
  }

  #nameKey(event) {
    const button = /** @type {HTMLElement} */ (event.target).closest("button");
    const i = this.#elements.findIndex((element) => element.contains(button));
    if (i < 0 || event.altKey || event.ctrlKey || event.metaKey) return;
    const isName = button.classList.contains("neuron-name");
    const row = this.#rowAfter(event.key, i);
    if (event.key === "ArrowRight" && isName) this.#enter(i);
    else if (event.key === "ArrowRight" || event.key === "ArrowLeft")
      this.#focusOn(i, event.key === "ArrowRight" ? "neuron-name" : "switch");
    else if (row !== undefined) this.#focusOn(row, isName ? "neuron-name" : "switch");
    else return;
    event.preventDefault();
  }

  #rowAfter(key, row) {
    const last = this.#rows.length - 1;
    const to = {
      ArrowUp: row - 1,
      ArrowDown: row + 1,
      PageUp: row - PAGE,
      PageDown: row + PAGE,
      Home: 0,
      End: last,
    }[key];
    return to === undefined ? undefined : Math.min(last, Math.max(0, to));
  }

  #focusOn(i, part) {
    const { layer, index } = this.#rows[i];
    this.#button(layer, index, part)?.focus();
  }

  // From a neuron's name into its cells.
  #enter(i) {
    this.#cursor.row = i;
    this.body.focus({ preventScroll: true });
    this.#follow();
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
    this.#rove(
      focused().classList.contains("switch") ? "switch" : "neuron-name",
      nameOf(this.#rows[i]),
    );
    this.#cursor.row = i;
    this.#hold();
    this.#say();
    this.#paintSoon();
  }

  // The cell under the cursor is the one that the line above is about, until another is chosen.
  #hold() {
    const row = this.#rows[this.#cursor.row];
    if (!row) return;
    this.#held = { name: nameOf(row), column: this.#cursor.column };
    this.#root.setAttribute("data-held", "");
  }

  // The pointer has left the cells: the line is about the chosen cell again.
  #return() {
    if (this.#held) {
      const { name, column } = this.#held;
      this.#cursor = {
        row: Math.max(0, this.#rowOf(name)),
        column: Math.min(column, this.#columns.length - 1),
      };
      this.#paintSoon();
      this.#table();
    }
    this.#say();
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
    if (chosen) this.#hold();
  }

  #key(event) {
    const { row, column } = this.#cursor;
    if (event.key === "ArrowLeft" && column <= 0 && this.#rows[row]) {
      event.preventDefault();
      return this.#focusOn(row, "neuron-name");
    }
    const to = {
      ArrowLeft: [row, column - 1],
      ArrowRight: [row, column + 1],
      ArrowUp: [row - 1, column],
      ArrowDown: [row + 1, column],
      Home: [row, 0],
      End: [row, this.#columns.length - 1],
      PageUp: [row - PAGE, column],
      PageDown: [row + PAGE, column],
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
    this.#hold();
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
    const neuron = this.#rows[row];
    const token = this.#columns[column];
    if (!neuron || (!token && !this.#held)) this.readout.textContent = POINT;
    else if (!token) this.readout.textContent = `Layer ${neuron.layer}, neuron ${neuron.index}.`;
    else
      this.readout.textContent = this.#words(
        neuron,
        token.text,
        this.#trace.contribution(this.#lane, neuron.row, token.at),
      );
  }

  #words(neuron, text, value) {
    const { layer, index } = neuron;
    const loud = loudness(this.#about(neuron)?.quantiles, value);
    return `Layer ${layer}, neuron ${index} at ${quote(text)}: ${readingWords(value, this.#trace.recorded)}${loud ? `, ${loud}` : ""}`;
  }

  // Holds the room that the line above can need at most, so that nothing below it moves while the pointer does.
  #keepRoom() {
    const before = this.#longest;
    for (; this.#seen < this.#columns.length; this.#seen++) {
      const text = visible(this.#columns[this.#seen].text);
      if (text.length > this.#longest.length) this.#longest = text;
    }
    const room = $(".readout-room", this.#root);
    if (before === this.#longest && room.textContent !== "") return;
    const word = quote(this.#longest.padEnd(16, "n"));
    room.textContent = `Layer 000, neuron 00000 at ${word}: about 0.00000, as loud as usual`;
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
      tokenTable(this.#trace, this.#lane, column, this.#rows, (neuron) => ({
        quantiles: this.#about(neuron)?.quantiles,
        adds: this.#added.get(nameOf(neuron)),
        words: this.#wordsOf(neuron),
      })),
    ];
    $(".table-place", view).replaceChildren(...(table ?? []));
  }

  // Paper cannot be scrolled, and the cells are wider and higher than it: it has a table in their place. It is there before
  // anyone prints, because a browser may count its pages before it says that it does.
  #paper() {
    const about = [this.#trace, this.#settled, this.#lane, this.#json, this.#gallery];
    if (about.every((value, i) => value === this.#onPaper[i])) return;
    this.#onPaper = about;
    const rows = this.#settled ? this.#rows.filter(({ kind }) => kind === "h") : [];
    const added = this.#trace.lanes.map((_, lane) => addedBy(this.#trace, lane, this.#json));
    const table = paperTable(this.#trace, rows, added, (neuron) => this.#wordsOf(neuron));
    $(".board-paper", this.#root).replaceChildren(...(rows.length > 0 ? [table] : []));
  }
}
