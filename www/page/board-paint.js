// How the board is painted: its measures, and the pen. What is painted, and where, board.js knows.

import { FAINT } from "../core/neuron.js";
import { context, diamond } from "./canvas.js";
import { visible } from "./dom.js";

export const CELL = 18; // width of a column, CSS pixels
export const ROW = 24; // height of a row: a switch must be large enough to hit
export const GAP = 22; // between turns
export const HEAD = 102; // height of the token names and, above them, the turns' names
const TURN = 20;
const LINE = 1.25; // of a hollow mark
const WIDE = 0.6; // from the middle to a corner of a lever's mark, by its side: the largest is as wide as a column

/** Where columns lie: where each begins, how wide they are together, and the turns: {first, length, label}. */
export const noLayout = () => ({ lefts: [], width: 4, turns: [] });

/** Lays out the columns that a layout has not yet. Gives it back. */
export function layOut(columns, layout) {
  const { lefts, turns } = layout;
  for (let i = lefts.length; i < columns.length; i++) {
    if (i === 0 || columns[i].segment !== columns[i - 1].segment) {
      if (i > 0) layout.width += GAP;
      turns.push({ first: i, length: 0, label: columns[i].label });
    }
    turns.at(-1).length++;
    lefts.push(layout.width);
    layout.width += CELL;
  }
  return layout;
}

/** The columns of which something lies between `left` and `right`. */
export function columnsBetween({ lefts }, left, right) {
  let [low, high] = [0, lefts.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (lefts[middle] + CELL > left) high = middle;
    else low = middle + 1;
  }
  const seen = [];
  for (; low < lefts.length && lefts[low] < right; low++) seen.push(low);
  return seen;
}

/** The colours of the page as they are now, for a canvas. */
export function colours(element) {
  const style = getComputedStyle(element);
  const value = (name) => style.getPropertyValue(name).trim();
  return {
    ink: value("--ink"),
    soft: value("--ink-soft"),
    rule: value("--rule"),
    strong: value("--rule-strong"),
    chosen: value("--chosen"),
    h: [value("--h"), value("--h-loud")],
    random: [value("--random"), value("--random-loud")],
    lever: [value("--lever"), value("--lever-loud")],
    font: style.fontFamily,
  };
}

/**
 * The names of the tokens, and of the turns above them.
 * @param {HTMLCanvasElement} canvas
 * @param {any} view columns, lefts, turns, seen: the columns in view, left and room: what is in view, cursor: {row, column}, colour
 */
export function paintHead(canvas, view) {
  const { columns, lefts, turns, seen, colour, cursor } = view;
  const ink = pen(canvas, view, HEAD);
  ink.font = `12px ${colour.font}`;
  ink.textBaseline = "middle";
  seen.forEach((i) => {
    if (i === cursor.column) {
      ink.fillStyle = colour.chosen;
      ink.fillRect(lefts[i], TURN, CELL, HEAD);
    }
    ink.save();
    ink.translate(lefts[i] + CELL / 2, HEAD - 6);
    ink.rotate(-Math.PI / 2);
    ink.fillStyle = columns[i].answer === undefined ? colour.soft : colour.ink;
    ink.fillText(shorten(ink, visible(columns[i].text), HEAD - TURN - 10), 0, 0);
    ink.restore();
  });
  ink.font = `600 11px ${colour.font}`;
  ink.fillStyle = colour.ink;
  for (const { first, length, label } of turns)
    ink.fillText(
      shorten(ink, label, Math.max(length * CELL + GAP / 2, 46)),
      lefts[first],
      TURN / 2 + 1,
    );
  dividers(ink, view, HEAD);
}

/**
 * The cells.
 * @param view as for paintHead, and {rows: [{kind, scale, limit, off}…], value(row, column): a contribution or undefined}
 */
export function paintBody(canvas, view) {
  const { rows, lefts, seen, left, room, colour, value, cursor } = view;
  const { row, column } = cursor;
  const height = Math.max(rows.length, 1) * ROW;
  const ink = pen(canvas, view, height);
  if (column >= 0) {
    ink.fillStyle = colour.chosen;
    ink.fillRect(lefts[column], 0, CELL, height);
  }
  rows.forEach((neuron, i) => {
    if (i > 0 && neuron.kind !== rows[i - 1].kind) {
      ink.fillStyle = colour.rule;
      ink.fillRect(left, i * ROW, room, 1);
    }
    const own = [colour.ink, colour.ink];
    const inks = { h: colour.h, lever: colour.lever, custom: own }[neuron.kind] ?? colour.random;
    seen.forEach((c) => {
      const contribution = value(i, c);
      if (contribution !== undefined)
        mark(ink, lefts[c] + CELL / 2, i * ROW + ROW / 2, contribution, neuron, inks);
    });
    ink.globalAlpha = 1;
  });
  dividers(ink, view, height);
  if (column >= 0 && rows[row]) {
    ink.strokeStyle = colour.ink;
    ink.lineWidth = 2;
    ink.strokeRect(lefts[column] + 1, row * ROW + 1, CELL - 2, ROW - 2);
  }
}

// The canvas is as wide as what is in view.
function pen(canvas, { left, room }, height) {
  const ink = context(canvas, room, height);
  ink.translate(-left, 0);
  return ink;
}

function dividers(ink, { turns, lefts, colour }, height) {
  ink.fillStyle = colour.strong;
  for (const { first } of turns.slice(1)) ink.fillRect(lefts[first] - GAP / 2, 0, 1, height);
}

// H-Neurons are squares, a lever's squares on their corner, others discs: the kinds differ by shape as well as colour. Area follows the value; strong is what is
// louder than usual for this neuron, hollow a neuron that is off.
function mark(ink, x, y, contribution, { kind, scale, limit, off }, [faint, strong]) {
  const side = Math.sqrt(Math.min(1, Math.max(0, contribution / scale))) * (CELL - 3);
  const loud = contribution > limit;
  ink.fillStyle = ink.strokeStyle = loud ? strong : faint;
  ink.globalAlpha = loud ? 1 : FAINT;
  // Too small to have an inside.
  if (side < 3) {
    const dot = side < 1 ? 1 : 2;
    return ink.fillRect(x - dot / 2, y - dot / 2, dot, dot);
  }
  const inside = off ? side - LINE : side; // the line is as wide again, half of it on either side
  ink.lineWidth = LINE;
  ink.beginPath();
  if (kind === "h") ink.rect(x - inside / 2, y - inside / 2, inside, inside);
  else if (kind === "lever") diamond(ink, x, y, WIDE * inside);
  else ink.arc(x, y, inside / 2, 0, 2 * Math.PI);
  if (off) ink.stroke();
  else ink.fill();
}

function shorten(ink, text, room) {
  if (ink.measureText(text).width <= room) return text;
  let end = text.length;
  while (end > 1 && ink.measureText(`${text.slice(0, end)}…`).width > room) end--;
  return `${text.slice(0, end)}…`;
}
