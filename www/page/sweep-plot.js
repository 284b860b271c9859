// A sweep's small plot: one measure against alpha, the set as squares on a line, the random controls as a grey band.

import { setWords } from "../core/sets.js";
import { bandOf } from "../core/sweep.js";
import { drawing, s } from "./svg.js";
import { atWords, factorWords } from "../core/words.js";

const WIDTH = 380;
const HEIGHT = 216;
const FRAME = { left: 46, right: 14, top: 12, bottom: 46 };

/**
 * @typedef {object} Measure
 * @property {"score" | "logprob"} key
 * @property {string} name
 * @property {number} low
 * @property {number} high
 * @property {number[]} ticks
 * @property {(value: number) => string} words
 *
 * @param {any} sweep
 * @param {Measure} measure
 * @param {number} alpha the factor that is shown above
 * @param {(alpha: number) => void} choose the visitor chose a point
 */
export function sweepPlot(sweep, measure, alpha, choose) {
  const { key, low, high, ticks, words } = measure;
  const x = (alpha) => FRAME.left + ((WIDTH - FRAME.left - FRAME.right) * alpha) / 3;
  const y = (value) =>
    FRAME.top +
    (HEIGHT - FRAME.top - FRAME.bottom) *
      (1 - (Math.min(high, Math.max(low, value)) - low) / (high - low));
  const points = sweep.rows.filter((row) => Number.isFinite(row[key]));
  const band = bandOf(sweep, key);
  const line = (list, value) =>
    list.map((point) => `${x(point.alpha).toFixed(1)},${y(value(point)).toFixed(1)}`).join(" ");
  const bottom = HEIGHT - FRAME.bottom;
  return drawing(
    WIDTH,
    HEIGHT,
    `${measure.name}, at every stop of the slider. ${setWords(sweep).name}: ${points.map((row) => `${words(row[key])} ${atWords([row.alpha])}`).join(", ") || "nothing yet"}. The table below has every value.`,
    ...ticks.flatMap((tick) => [
      s("line", {
        class: "plot-rule",
        x1: FRAME.left,
        x2: WIDTH - FRAME.right,
        y1: y(tick),
        y2: y(tick),
      }),
      s(
        "text",
        { class: "plot-tick", x: FRAME.left - 6, y: y(tick) + 4, "text-anchor": "end" },
        words(tick),
      ),
    ]),
    s("rect", {
      class: "plot-chosen",
      x: x(alpha) - 5,
      width: 10,
      y: FRAME.top,
      height: bottom - FRAME.top,
    }),
    band.length > 1
      ? s("polygon", {
          class: "plot-band",
          points: `${line(band, ({ high }) => high)} ${line([...band].reverse(), ({ low }) => low)}`,
        })
      : null,
    band.length > 1
      ? s("polyline", { class: "plot-edge", points: line(band, ({ high }) => high) })
      : null,
    band.length > 1
      ? s("polyline", { class: "plot-edge", points: line(band, ({ low }) => low) })
      : null,
    s("polyline", { class: "plot-line", points: line(points, (row) => row[key]) }),
    ...[0, 0.5, 1, 1.5, 2, 2.5, 3].map((tick) =>
      s(
        "text",
        { class: "plot-tick", x: x(tick), y: bottom + 16, "text-anchor": "middle" },
        String(tick),
      ),
    ),
    s(
      "text",
      { class: "plot-tick", x: x(1.5), y: bottom + 36, "text-anchor": "middle" },
      "slider (1 is as trained)",
    ),
    // The list's buttons do the same by keyboard.
    ...points.map((row) =>
      s(
        "g",
        { class: "plot-point", "data-alpha": row.alpha, onclick: () => choose(row.alpha) },
        s("circle", { class: "plot-target", cx: x(row.alpha), cy: y(row[key]), r: 13 }),
        row.alpha === 1
          ? s("rect", {
              class: "plot-trained",
              x: x(1) - 6,
              y: y(row[key]) - 2.5,
              width: 12,
              height: 5,
            })
          : s("rect", {
              class: "plot-square",
              x: x(row.alpha) - 5,
              y: y(row[key]) - 5,
              width: 10,
              height: 10,
              // A lever's sign stands on its corner.
              ...(sweep.set === "lever"
                ? { transform: `rotate(45 ${x(row.alpha)} ${y(row[key])})` }
                : {}),
            }),
        s("title", {}, `${factorWords(row.alpha)}: ${words(row[key])}`),
      ),
    ),
  );
}
