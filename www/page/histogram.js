// One neuron's contributions on the reference text, on a logarithmic axis, with a value marked: bars where the artifact has a
// histogram, else a strip of its quantiles. As on the board, strong is what is louder than usual, and faint what is not.

import { contributionWords, USUAL } from "../core/neuron.js";
import { drawing, s } from "./svg.js";

const WIDTH = 320;
const LEFT = 8;
const RIGHT = 8;
const HEAD = 20; // the marked value
const FOOT = 22; // the axis

const TICKS = [0.001, 0.01, 0.1, 1];

/** @returns an SVG element with `value` marked as `words`, or null where the artifact says nothing of the neuron's contributions */
export function histogramOf({ histogram, quantiles }, value, words) {
  const usual = quantiles.find(([share]) => share === USUAL)?.[1];
  if (histogram) return bars(histogram, usual, value, words);
  const known = quantiles.filter(([, contribution]) => contribution > 0);
  return known.length > 1 ? strip(known, value, words) : null;
}

function bars({ from, per_decade, counts }, usual, value, words) {
  const height = 128;
  const bottom = height - FOOT;
  const most = Math.max(...counts);
  const width = (WIDTH - LEFT - RIGHT) / counts.length;
  // Bar k stands for the values around from * 10^(k / per_decade).
  const x = (contribution) =>
    LEFT +
    width *
      Math.min(
        counts.length - 0.5,
        Math.max(0.5, 0.5 + per_decade * Math.log10(contribution / from)),
      );
  return drawing(
    WIDTH,
    height,
    `Histogram of its contribution at the tokens of the reference text.${marked(value, words)}`,
    ...counts.map((count, k) =>
      count > 0
        ? s("rect", {
            class: "histogram-bar",
            "data-loud": from * 10 ** (k / per_decade) > usual || undefined,
            x: LEFT + k * width + 0.5,
            width: width - 1,
            y: bottom - Math.max(1, ((bottom - HEAD) * count) / most),
            height: Math.max(1, ((bottom - HEAD) * count) / most),
          })
        : null,
    ),
    ...axis(x, bottom, [from, from * 10 ** ((counts.length - 1) / per_decade)]),
    ...marker(x, bottom, value, words),
  );
}

function strip(quantiles, value, words) {
  const height = 84;
  const bottom = height - FOOT;
  const middle = HEAD + (bottom - HEAD) / 2;
  const low = Math.min(quantiles[0][1], value > 0 ? value : Infinity) / 2;
  const high = Math.max(quantiles.at(-1)[1], value > 0 ? value : 0) * 1.3;
  const x = (contribution) =>
    LEFT +
    ((WIDTH - LEFT - RIGHT) * Math.log(Math.max(low, contribution) / low)) / Math.log(high / low);
  const between = quantiles.slice(1).map(([share, to], i) => ({
    from: quantiles[i][1],
    to,
    loud: share > USUAL,
    thick: share <= 0.9 ? 22 : share <= 0.99 ? 12 : share <= 0.999 ? 6 : 2,
  }));
  return drawing(
    WIDTH,
    height,
    `Quantiles of its contribution at the tokens of the reference text: ${quantiles.map(([share, contribution]) => `${share}: ${contributionWords(contribution)}`).join(", ")}.${marked(value, words)}`,
    ...between.map(({ from, to, loud, thick }) =>
      s("rect", {
        class: "histogram-bar",
        "data-loud": loud || undefined,
        x: x(from),
        width: Math.max(1, x(to) - x(from)),
        y: middle - thick / 2,
        height: thick,
      }),
    ),
    ...quantiles.map(([, contribution]) =>
      s("line", {
        class: "histogram-tick",
        x1: x(contribution),
        x2: x(contribution),
        y1: middle - 12,
        y2: middle + 12,
      }),
    ),
    ...axis(x, bottom, [low, high]),
    ...marker(x, bottom, value, words),
  );
}

const marked = (value, words) =>
  value >= 0 ? ` Marked: ${words}, the value at the chosen token.` : "";

function axis(x, bottom, [low, high]) {
  return [
    s("line", { class: "histogram-axis", x1: LEFT, x2: WIDTH - RIGHT, y1: bottom, y2: bottom }),
    ...TICKS.filter((tick) => tick >= low && tick <= high).flatMap((tick) => [
      s("line", { class: "histogram-axis", x1: x(tick), x2: x(tick), y1: bottom, y2: bottom + 4 }),
      s(
        "text",
        {
          class: "plot-tick",
          x: Math.min(WIDTH - 12, x(tick)),
          y: bottom + 17,
          "text-anchor": "middle",
        },
        String(tick),
      ),
    ]),
  ];
}

function marker(x, bottom, value, words) {
  if (!(value >= 0)) return [];
  const at = x(value);
  const anchor = at < 60 ? "start" : at > WIDTH - 60 ? "end" : "middle";
  return [
    s("line", { class: "histogram-mark", x1: at, x2: at, y1: HEAD - 4, y2: bottom }),
    s("path", { class: "histogram-arrow", d: `M${(at - 5).toFixed(1)} ${HEAD - 5}h10l-5 7z` }),
    s("text", { class: "histogram-value", x: at, y: HEAD - 8, "text-anchor": anchor }, words),
  ];
}
