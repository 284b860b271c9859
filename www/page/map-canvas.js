// Paints the layer map: a row a layer, a column a neuron, shade by contribution; marks on the neurons of a set. Knows where a
// neuron lies on the canvas, and which one lies at a point.

import { axisStep } from "../core/map.js";
import { FAINT } from "../core/neuron.js";
import { ramp } from "../core/ramp.js";
import { context, diamond } from "./canvas.js";

const LEFT = 30; // the layers' numbers
const FOOT = 22; // the neurons' numbers
const TOP = 5; // for half a number and the cursor at the first layer
const LINE = 1.25; // of a hollow mark
const HATCH = 7; // between the lines of what is not known
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

  /** @param marks [{layer, index, kind: "h" | "random" | "lever" | "custom", off, limit}] */
  paint({ field, view, marks, cursor, width, dark, colour, scale }) {
    this.#width = width;
    const height = TOP + field.layers * this.row + FOOT;
    this.#ink = context(this.canvas, width, height);
    this.#ink.translate(0, TOP);
    this.#shades(field, view, ramp(dark), colour, scale);
    this.#axes(field, view, colour);
    for (const mark of marks) this.#mark(view, mark, colour, field.at(mark.layer, mark.index));
    if (cursor) this.#cursor(view, cursor, colour);
  }

  #shades(field, view, shades, colour, scale) {
    const ink = this.#ink;
    ink.fillStyle = colour.sheet;
    ink.fillRect(LEFT, 0, this.room, field.layers * this.row);
    if (!field.complete) this.#unknown(field.layers * this.row, colour);
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

  // What is not known is hatched: it is not the same as silent.
  #unknown(height, colour) {
    const ink = this.#ink;
    ink.save();
    ink.beginPath();
    ink.rect(LEFT, 0, this.room, height);
    ink.clip();
    ink.strokeStyle = colour.rule;
    ink.lineWidth = 1;
    ink.beginPath();
    for (let x = -height; x < this.room; x += HATCH) {
      ink.moveTo(LEFT + x, height);
      ink.lineTo(LEFT + x + height, 0);
    }
    ink.stroke();
    ink.restore();
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
    const step = axisStep(view.count, this.room);
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

  // The marks of the board (core/neuron.js): a square for the H-Neurons, a disc for the others, strong where louder than usual,
  // hollow where the lane has them off. The visitor's own have a frame around them.
  #mark(view, { layer, index, kind, off, limit }, colour, value) {
    const [x, y] = this.place(view, layer, index);
    if (x < LEFT || x > LEFT + this.room) return;
    const ink = this.#ink;
    const half = Math.min(5.5, 0.4 * this.row + 0.8);
    const outline = (half) => {
      ink.beginPath();
      if (kind === "random") ink.arc(x, y, half, 0, 2 * Math.PI);
      else if (kind === "lever") diamond(ink, x, y, 1.25 * half);
      else ink.rect(x - half, y - half, 2 * half, 2 * half);
    };
    if (kind === "custom") {
      outline(half + 2);
      ink.strokeStyle = colour.ink;
      ink.lineWidth = 1.25;
      return ink.stroke();
    }
    outline(half);
    ink.strokeStyle = ink.fillStyle = colour.sheet;
    ink.lineWidth = 2.5;
    ink.stroke();
    ink.fill();
    const loud = value > limit;
    ink.strokeStyle = ink.fillStyle = colour[kind][loud ? 1 : 0];
    ink.globalAlpha = loud ? 1 : FAINT;
    if (off) {
      outline(half - LINE / 2);
      ink.lineWidth = LINE;
      ink.stroke();
    } else ink.fill();
    ink.globalAlpha = 1;
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
