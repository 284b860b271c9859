// Paints the layer map: a row a layer, a column a neuron, shade by contribution; marks on the neurons of a set. Knows where a
// neuron lies on the canvas, and which one lies at a point.

import { ramp } from "../core/ramp.js";
import { context } from "./canvas.js";

const LEFT = 30; // the layers' numbers
const FOOT = 22; // the neurons' numbers
const TOP = 5; // for half a number and the cursor at the first layer
const NEAR = 6; // a mark this near to the pointer is what is meant

export class MapCanvas {
  #ink;
  #width = 0;
  row = 5; // height of a layer, CSS pixels

  constructor(canvas) {
    this.canvas = canvas;
  }

  /** CSS pixels that the columns have. */
  get room() {
    return this.#width - LEFT - 4;
  }

  /** Middle of a neuron, in CSS pixels. */
  place(view, layer, index) {
    return [
      LEFT + ((index + 0.5 - view.from) / view.count) * this.room,
      layer * this.row + this.row / 2,
    ];
  }

  /** Share of the width, 0 to 1, at a point. */
  across(x) {
    return Math.min(1, Math.max(0, (x - LEFT) / this.room));
  }

  /** The neuron meant at a point: a marked one nearby, else the largest of those under it. Null outside. */
  find(view, field, marks, x, y) {
    const layer = Math.floor((y - TOP) / this.row);
    if (layer < 0 || layer >= field.layers || x < LEFT || x > LEFT + this.room) return null;
    const near = marks
      .filter((mark) => mark.layer === layer)
      .map((mark) => ({ ...mark, away: Math.abs(this.place(view, layer, mark.index)[0] - x) }))
      .filter(({ away }) => away <= NEAR)
      .sort((a, b) => a.away - b.away)[0];
    if (near) return { layer, index: near.index };
    const each = view.count / this.room;
    const from = view.from + (x - LEFT) * each;
    const reach = field.complete ? 0 : 3;
    const strongest = field.strongest(
      layer,
      Math.floor(from - reach * each),
      Math.ceil(from + Math.max(1, reach) * each),
    );
    return {
      layer,
      index:
        strongest >= 0 && each > 1 ? strongest : Math.min(field.perLayer - 1, Math.floor(from)),
    };
  }

  /** @param marks [{layer, index, kind: "h" | "random" | "custom"}] */
  paint({ field, view, marks, cursor, width, dark, colour, scale }) {
    this.#width = width;
    const height = TOP + field.layers * this.row + FOOT;
    this.#ink = context(this.canvas, width, height);
    this.#ink.translate(0, TOP);
    this.#shades(field, view, ramp(dark), colour, scale);
    this.#axes(field, view, colour);
    for (const mark of marks)
      this.#mark(view, mark, colour, field.share(field.at(mark.layer, mark.index), "rank"));
    if (cursor) this.#cursor(view, cursor, colour);
  }

  #shades(field, view, shades, colour, scale) {
    const ink = this.#ink;
    ink.fillStyle = colour.sheet;
    ink.fillRect(LEFT, 0, this.room, field.layers * this.row);
    const least = field.complete ? 0.5 : 3; // single marks must be seen
    const columns = Math.min(view.count, this.room * 2);
    const each = view.count / columns;
    const wide = this.room / columns;
    for (let layer = 0; layer < field.layers; layer++) {
      for (let c = 0; c < columns; c++) {
        const from = view.from + c * each;
        const best = field.strongest(
          layer,
          Math.floor(from + 1e-9),
          Math.max(Math.floor(from + 1e-9) + 1, Math.floor(from + each)),
        );
        if (best < 0) continue;
        const share = field.share(field.at(layer, best), scale);
        if (share === 0 && field.complete) continue;
        ink.fillStyle = shades[Math.round(share * (shades.length - 1))];
        ink.fillRect(
          LEFT + c * wide - (wide < least ? (least - wide) / 2 : 0),
          layer * this.row + 0.5,
          Math.max(wide, least),
          this.row - 1,
        );
      }
    }
  }

  #axes(field, view, colour) {
    const ink = this.#ink;
    ink.font = `11px ${colour.font}`;
    ink.textBaseline = "middle";
    ink.fillStyle = colour.soft;
    ink.textAlign = "right";
    for (let layer = 0; layer < field.layers; layer += 5)
      ink.fillText(`L${layer}`, LEFT - 5, layer * this.row + this.row / 2);
    const bottom = field.layers * this.row;
    const step =
      [1, 2, 5, 10, 20, 50, 100, 200, 500].find((step) => (step / view.count) * this.room >= 52) ??
      500;
    ink.textAlign = "center";
    for (
      let index = Math.ceil(view.from / step) * step;
      index < view.from + view.count;
      index += step
    ) {
      const [x] = this.place(view, 0, index);
      ink.fillRect(x - 0.5, bottom, 1, 4);
      if (x > LEFT + 8 && x < LEFT + this.room - 12) ink.fillText(`N${index}`, x, bottom + 13);
    }
    ink.textAlign = "left";
    ink.strokeStyle = colour.strong;
    ink.lineWidth = 1;
    ink.strokeRect(LEFT - 0.5, 0.5, this.room + 1, bottom - 1);
  }

  // A disc for the H-Neurons, a lozenge for the control, a square for the visitor's own: by shape, not by colour alone. It is lit
  // as the neuron stands out; where the lane has it off it is dark, an empty outline.
  #mark(view, { layer, index, kind, off }, colour, share) {
    const [x, y] = this.place(view, layer, index);
    if (x < LEFT || x > LEFT + this.room) return;
    const ink = this.#ink;
    const half = kind === "custom" ? 0.45 * this.row + 1.5 : Math.min(5.5, 0.4 * this.row + 0.8);
    const outline = () => {
      ink.beginPath();
      if (kind === "h") ink.arc(x, y, half, 0, 2 * Math.PI);
      else if (kind === "random") {
        ink.moveTo(x, y - half);
        ink.lineTo(x + half, y);
        ink.lineTo(x, y + half);
        ink.lineTo(x - half, y);
      } else ink.rect(x - half, y - half, 2 * half, 2 * half);
      ink.closePath();
    };
    const own = { h: colour.h, random: colour.random, custom: colour.ink }[kind];
    outline();
    ink.strokeStyle = colour.sheet;
    ink.lineWidth = 2.5;
    ink.stroke();
    if (kind === "h" && !off) {
      ink.fillStyle = own;
      ink.globalAlpha = 0.2 + 0.8 * share;
      ink.fill();
      ink.globalAlpha = 1;
    }
    ink.strokeStyle = off ? colour.soft : own;
    ink.lineWidth = 1.25;
    ink.stroke();
  }

  #cursor(view, { layer, index }, colour) {
    const [x, y] = this.place(view, layer, index);
    if (x < LEFT - 8 || x > LEFT + this.room + 8) return;
    const ink = this.#ink;
    const half = Math.max(9, (0.5 * this.room) / view.count + 3);
    for (const [style, width] of [
      [colour.sheet, 5],
      [colour.ink, 2],
    ]) {
      ink.strokeStyle = style;
      ink.lineWidth = width;
      ink.strokeRect(x - half, y - this.row / 2 - 2, 2 * half, this.row + 4);
    }
  }
}
