// A mark means one thing everywhere: square or disc is the kind of neuron, strong is louder than usual, hollow is a neuron that is off
// in that answer. Looked at where they are painted: board, map, strip, heat, card and legends.

import assert from "node:assert/strict";
import { test } from "node:test";
import { open } from "./browser.mjs";
import { serve } from "./mock/server.mjs";

async function visit(t) {
  const site = await serve();
  const view = await open({ viewport: { width: 1280, height: 900 }, reducedMotion: "reduce" });
  t.after(async () => {
    await view.close();
    await site.close();
  });
  await view.page.goto(site.url);
  await view.page.waitForSelector("[data-part=lane][data-shown]");
  await view.page.waitForSelector(".map-key .mark-off");
  return view.page;
}

test("on the board and the map: filled where a neuron is on, hollow where it is off; strong where it is loud", async (t) => {
  const page = await visit(t);
  const found = await page.evaluate(async () => {
    const at = (path) => import(new URL(`www/${path}`, location.href).href);
    const { paintBody, CELL, ROW } = await at("page/board-paint.js");
    const { MapCanvas } = await at("page/map-canvas.js");
    const { Field } = await at("core/map.js");
    const colour = {
      h: ["#f00", "#0c0"],
      random: ["#00f", "#0c0"],
      lever: ["#f0f", "#0c0"],
      ink: "#000",
      soft: "#777",
      sheet: "#fff",
      rule: "#fff0",
      strong: "#fff",
      chosen: "#ff0",
      font: "serif",
    };
    const kinds = ["h", "random", "lever"].flatMap((kind) =>
      [false, true].map((off) => ({ kind, off })),
    );
    // Half of the scale, a hair below and above what is usual.
    const values = [0.5, 0.51];
    const limit = 0.505;

    const reader = (canvas, width) => {
      const pen = canvas.getContext("2d");
      const ratio = canvas.width / width;
      return (x, y) => [
        ...pen.getImageData(Math.round(x * ratio), Math.round(y * ratio), 1, 1).data,
      ];
    };
    const inked = ([r, g, b, a]) => a > 60 && Math.max(r, g, b) - Math.min(r, g, b) > 40;
    const strong = ([r, g, b]) => g > Math.max(r, b) - 1 && g > Math.min(r, b);
    const seen = (edge, middle) => ({
      edge: inked(edge),
      middle: inked(middle),
      strong: inked(edge) && strong(edge),
    });

    const board = document.createElement("canvas");
    paintBody(board, {
      rows: kinds.map((row) => ({ ...row, scale: 1, limit })),
      lefts: [0, CELL],
      turns: [],
      seen: [0, 1],
      left: 0,
      room: 2 * CELL,
      cursor: { row: 0, column: -1 },
      colour,
      value: (_, column) => values[column],
    });
    const onBoard = reader(board, 2 * CELL);
    const half = (Math.sqrt(0.5) * (CELL - 3)) / 2;
    const boardSeen = kinds.map((_, row) =>
      values.map((_, column) => {
        const [x, y] = [column * CELL + CELL / 2, row * ROW + ROW / 2];
        // The corner of a lever's mark is farther out than the side of the others.
        const edges = [0.5, -0.5, -1].map((in_) => onBoard(x - half + in_, y));
        const strongest = edges.sort((a, b) => b[3] - a[3])[0];
        return seen(strongest, onBoard(x, y));
      }),
    );

    const canvas = document.createElement("canvas");
    document.body.append(canvas);
    const map = new MapCanvas(canvas);
    map.row = 14;
    const per = 8;
    const field = new Field(new Float32Array(kinds.length * per).fill(0.5), per, {
      complete: true,
    });
    const raised = { at: (layer, index) => (index === 5 ? 0.51 : field.at(layer, index)) };
    const view = { from: 0, count: per };
    map.paint({
      field: Object.assign(Object.create(field), {
        ...raised,
        layers: field.layers,
        complete: true,
        strongest: () => -1,
        share: () => 0,
      }),
      view,
      marks: kinds.flatMap((kind, layer) =>
        [2, 5].map((index) => ({ ...kind, layer, index, limit })),
      ),
      cursor: null,
      width: 400,
      dark: false,
      colour,
      scale: "rank",
    });
    const onMap = reader(canvas, 400);
    const mapSeen = kinds.map((_, layer) =>
      [2, 5].map((index) => {
        const [x, y] = map.place(view, layer, index);
        // A line of 1.25 pixels lies between two of the canvas: the one that has most of it.
        const edges = [4, 4.5, 5, 5.5, 6].map((away) => onMap(x - away, y + 5));
        const strongest = edges.sort((a, b) => Math.min(...a) - Math.min(...b))[0];
        return seen(strongest, onMap(x, y + 5));
      }),
    );
    canvas.remove();
    return { board: boardSeen, map: mapSeen };
  });
  const on = [
    { edge: true, middle: true, strong: false },
    { edge: true, middle: true, strong: true },
  ];
  const off = on.map((mark) => ({ ...mark, middle: false }));
  assert.deepEqual(found.board, [on, off, on, off, on, off], "board");
  assert.deepEqual(found.map, [on, off, on, off, on, off], "map");
});

test("under a word and in the strip: hollow in the lane that has the H-Neurons off, and in no other", async (t) => {
  const page = await visit(t);
  const picture = (await page.screenshot()).toString("base64");
  const found = await page.evaluate(async (picture) => {
    const image = new Image();
    image.src = `data:image/png;base64,${picture}`;
    await image.decode();
    const canvas = document.createElement("canvas");
    canvas.width = image.width;
    canvas.height = image.height;
    const pen = canvas.getContext("2d");
    pen.drawImage(image, 0, 0);
    const red = ([r, g, b]) => r - Math.min(g, b) > 50;
    const isRed = (x, y) => red(pen.getImageData(Math.round(x), Math.round(y), 1, 1).data);
    const lanes = [...document.querySelectorAll("[data-part=lane]")];
    return lanes.map((lane) => {
      // The word that adds most, where nothing else is painted below it.
      const heats = [...lane.querySelectorAll("[data-part=token]:not(.parting) [data-part=heat]")];
      const pull = (heat) =>
        Number(/** @type {HTMLElement} */ (heat).style.getPropertyValue("--pull"));
      const most = heats.reduce((a, b) => (pull(b) > pull(a) ? b : a));
      const { left, width, bottom } = most.getBoundingClientRect();
      const column = [0, 1, 2, 3, 4, 5, 6, 7].map((up) => isRed(left + width / 2, bottom - 1 - up));
      // From the lowest red to the highest: all red, or something between them.
      const within = column.slice(column.indexOf(true), column.lastIndexOf(true) + 1);
      const heat = within.length > 1 && within.includes(false) ? "hollow" : "filled";
      const strip = /** @type {HTMLCanvasElement} */ (lane.querySelector("canvas.strip"));
      const { data, width: wide } = strip
        .getContext("2d")
        .getImageData(0, 0, strip.width, strip.height);
      const count = lane.querySelectorAll("[data-part=token]").length;
      const each = Math.min(9, strip.clientWidth / count);
      const share = (x) => {
        let inked = 0;
        for (let y = 0; y < strip.height; y++)
          if (data[4 * (y * wide + Math.floor(x)) + 3] > 0) inked++;
        return inked;
      };
      const columns = Array.from({ length: count }, (_, i) => [
        share(i * each + 0.5),
        share((i + 0.5) * each),
      ]);
      const edge = columns.reduce((sum, [at]) => sum + at, 0);
      const middle = columns.reduce((sum, [, at]) => sum + at, 0);
      return {
        set: lane.getAttribute("data-set"),
        heat,
        strip: edge > 0 && middle === 0 ? "hollow" : "filled",
      };
    });
  }, picture);
  assert.deepEqual(found, [
    { set: "none", heat: "filled", strip: "filled" },
    { set: "h", heat: "hollow", strip: "hollow" },
    { set: "random", heat: "filled", strip: "filled" },
  ]);
});

test("in the legends, in the card and beside the sets: hollow is said of what is off, and nothing else is hollow", async (t) => {
  const page = await visit(t);
  await page.locator(".neuron-name").first().click();
  await page.waitForSelector(".card .cell-mark");
  const found = await page.evaluate(() => {
    const look = (mark) => {
      const { backgroundColor, fill, borderTopWidth } = getComputedStyle(mark);
      const isSvg = mark instanceof SVGElement;
      const empty = isSvg ? fill === "none" : backgroundColor === "rgba(0, 0, 0, 0)";
      return empty && (isSvg || parseFloat(borderTopWidth) > 0) ? "hollow" : "filled";
    };
    const all = (selector) => [...document.querySelectorAll(selector)].map(look);
    return {
      off: all(".board-key [data-off], .map-key .mark-off"),
      on: all(
        ".board-key .cell-mark:not([data-off]), .map-key :is(.mark-h, .mark-random), .set .glyph, .lane-head .glyph",
      ),
      card: all(".card .cell-mark"),
      words: [...document.querySelectorAll(".board-key li:not(.key-lever)")].map(
        ({ textContent }) => textContent.trim().replace(/:.*/, ""),
      ),
    };
  });
  assert.deepEqual([...new Set(found.off)], ["hollow"]);
  assert.equal(found.off.length, 3);
  assert.deepEqual([...new Set(found.on)], ["filled"]);
  assert.deepEqual(found.card, ["hollow"], "the board shows the lane that has it off");
  assert.deepEqual(found.words.slice(2, 5), ["strong", "faint", "hollow"]);
  await page.getByRole("radio", { name: "As trained" }).first().check({ force: true });
  await page.waitForFunction(() => !document.querySelector(".card .cell-mark[data-off]"));
});
