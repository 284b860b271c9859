// The board's neurons in elements: the names and switches beside the cells, the chosen token as a table, and what there is
// of the board on paper.

import { addsWords, contributionWords, inkOf, loudness, readingWords } from "../core/neuron.js";
import { factorWords, laneName } from "../core/requests.js";
import { h, visible } from "./dom.js";

const LONGEST = 24; // letters of a word in a line

/** A word in quotation marks, cut where it is long. */
export function quote(token) {
  const letters = [...visible(token)];
  return `“${letters.length > LONGEST ? `${letters.slice(0, LONGEST - 1).join("")}…` : letters.join("")}”`;
}

/** At most three words, in quotation marks. */
export const quoted = (tokens) => tokens.slice(0, 3).map(quote).join(" ");

/** @typedef {{layer: number, index: number, kind: string, row: number}} Row of the board */

/**
 * A row's name and switch. Neither is a tab stop: the board moves between them by the arrow keys.
 * @param {Row} neuron
 * @param {object} known
 * @param {string[]} known.words at which it fired most
 * @param {boolean} known.off in My selection
 * @param {number | null} known.factor the lane's
 * @param {boolean} known.first of its kind
 * @param {number | undefined} known.adds to the reading
 * @param {number} known.share how strongly it counts in a reading, 0 to 1
 * @param {[number, number]} known.range what the rows' bars stand for: the least and the most that a neuron adds
 * @param {Record<"toggle" | "card" | "focus", () => void>} on
 */
export function neuronElement(
  { layer, index, kind },
  { words, off, factor, first, adds, range, share },
  on,
) {
  const fires = words.length > 0 ? `fired most at ${quoted(words)}` : null;
  const amount = addsWords(adds);
  return h(
    "div",
    {
      "data-part": "neuron",
      "data-layer": layer,
      "data-index": index,
      "data-kind": kind,
      "data-first": first,
    },
    h(
      "button",
      {
        type: "button",
        class: "switch",
        tabindex: -1,
        "aria-pressed": String(off),
        "aria-label": `Layer ${layer}, neuron ${index} in My selection`,
        onclick: on.toggle,
        onfocus: on.focus,
      },
      h("span", { class: "switch-box", "aria-hidden": "true" }),
    ),
    h(
      "button",
      {
        type: "button",
        class: "neuron-name",
        tabindex: -1,
        "aria-label": `L${layer} N${index}: card of layer ${layer}, neuron ${index}${amount ? `, which adds ${amount} to the reading` : ""}`,
        title: fires,
        onclick: on.card,
        onfocus: on.focus,
      },
      `L${layer} N${index}`,
    ),
    factor === null ? null : h("span", { class: "factor" }, factorWords(factor).replace(" ", "")),
    h(
      "span",
      { class: "adds" },
      bar(adds, range, share),
      h("span", { class: "adds-figure" }, amount),
    ),
    h("span", { class: "fires", title: fires }, words.length > 0 ? quoted(words) : ""),
  );
}

// From nothing to the right what is added, to the left what is taken away.
function bar(adds, [low, high], share) {
  const element = h("span", { class: "adds-bar", "aria-hidden": "true" });
  if (!Number.isFinite(adds) || !(high > low)) return element;
  const place = (value) => (100 * (value - low)) / (high - low);
  const length = h("span", {});
  length.style.insetInlineStart = `${place(Math.min(0, adds))}%`;
  length.style.inlineSize = `${place(Math.max(0, adds)) - place(Math.min(0, adds))}%`;
  length.style.opacity = inkOf(share).toFixed(2);
  element.style.setProperty("--nothing", `${place(0)}%`);
  element.append(length);
  return element;
}

const head = (...columns) =>
  h(
    "thead",
    {},
    h(
      "tr",
      {},
      ...columns.map(([words, figure]) =>
        h("th", { scope: "col", class: figure && "figure" }, words),
      ),
    ),
  );

/**
 * A token's column as a real table, for those who would rather read numbers.
 * @param {any} trace
 * @param {number} lane
 * @param {{at: number, text: string}} column
 * @param {Row[]} rows
 * @param {(neuron: Row) => {quantiles: Record<string, number> | undefined, adds: number | undefined, words: string[]}} known
 */
export function tokenTable(trace, lane, column, rows, known) {
  const body = rows.map((neuron) => {
    const value = trace.contribution(lane, neuron.row, column.at);
    const { quantiles, adds, words } = known(neuron);
    const often = quantiles?.["0.99"];
    return h(
      "tr",
      {},
      h("th", { scope: "row" }, `L${neuron.layer} N${neuron.index}`),
      h("td", { class: "figure" }, value === undefined ? "—" : readingWords(value, trace.recorded)),
      h("td", {}, loudness(quantiles, value) || "—"),
      h("td", { class: "figure" }, often === undefined ? "—" : contributionWords(often)),
      h("td", { class: "figure" }, addsWords(adds) || "—"),
      h("td", {}, quoted(words)),
    );
  });
  const caption = h(
    "caption",
    {},
    `Contributions at ${quote(column.text)}, ${laneName(trace.lanes[lane], trace.lanes)}`,
  );
  return h(
    "table",
    {},
    caption,
    head(
      ["Neuron"],
      ["Contribution", true],
      ["How loud, for this neuron"],
      ["0.99 quantile", true],
      ["Adds to the reading", true],
      ["Fired most at"],
    ),
    h("tbody", {}, ...body),
  );
}

/**
 * The board for paper, which is too small for its cells: the H-Neurons in the board's order, and what each adds in each lane.
 * @param {any} trace
 * @param {Row[]} rows
 * @param {Map<string, number>[]} added one a lane
 * @param {(neuron: Row) => string[]} wordsOf
 */
export function paperTable(trace, rows, added, wordsOf) {
  const named = trace.lanes.map(
    (lane) => /** @type {const} */ ([laneName(lane, trace.lanes), true]),
  );
  return h(
    "table",
    {},
    h(
      "caption",
      {},
      "What each H-Neuron adds to the reading of each answer, in log-odds. + pushes the reading towards “likely wrong”, − towards “likely right”.",
    ),
    head(["Neuron"], ...named, ["Fired most at, in the recorded runs"]),
    h(
      "tbody",
      {},
      ...rows.map((neuron) =>
        h(
          "tr",
          {},
          h("th", { scope: "row" }, `L${neuron.layer} N${neuron.index}`),
          ...added.map((lane) =>
            h(
              "td",
              { class: "figure" },
              addsWords(lane.get(`${neuron.layer}.${neuron.index}`)) || "—",
            ),
          ),
          h("td", {}, quoted(wordsOf(neuron))),
        ),
      ),
    ),
  );
}
