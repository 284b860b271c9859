// The board's neurons in elements: the names and switches beside the cells, and the chosen token as a table.

import { laneName } from "../core/requests.js";
import { h, visible } from "./dom.js";

/** At most four tokens, in quotation marks. */
export const quoted = (tokens) =>
  tokens
    .slice(0, 4)
    .map((token) => `“${visible(token)}”`)
    .join(" ");

const promoted = (about) => (about?.promotes ?? []).slice(0, 3).map(visible).join(" · ");

/**
 * A row's name and switch.
 * @param {{layer: number, index: number, kind: string}} neuron
 * @param {object} known
 * @param {any} known.about the artifact's neuron, if it has it
 * @param {boolean} known.off in My selection
 * @param {number | null} known.factor the lane's
 * @param {boolean} known.first of its layer and kind
 * @param {Record<"toggle" | "card" | "focus", () => void>} on
 */
export function neuronElement({ layer, index, kind }, { about, off, factor, first }, on) {
  const promotes = promoted(about);
  return h(
    "li",
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
        "aria-pressed": String(off),
        "aria-label": `L${layer} N${index} in My selection`,
        title: tooltip(about),
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
        "aria-label": `L${layer} N${index}: what is known of it`,
        onclick: on.card,
        onfocus: on.focus,
      },
      `L${layer} N${index}`,
    ),
    factor === null ? null : h("span", { class: "factor" }, `×${factor}`),
    promotes ? h("span", { class: "promotes", title: tooltip(about) }, promotes) : null,
  );
}

function tooltip(about) {
  if (!about) return null;
  const lines = [];
  if (about.promotes?.length) lines.push(`promotes ${quoted(about.promotes)}`);
  if (about.suppresses?.length) lines.push(`suppresses ${quoted(about.suppresses)}`);
  if (Number.isFinite(about.weight)) lines.push(`weight ${about.weight.toFixed(3)}`);
  return lines.join("\n") || null;
}

/**
 * A token's column as a real table, for those who would rather read numbers.
 * @param rows [{layer, index, row}…]
 * @param about (neuron): the artifact's, if it has it
 */
export function tokenTable(trace, lane, column, rows, about) {
  const head = h(
    "tr",
    {},
    h("th", { scope: "col" }, "Neuron"),
    h("th", { scope: "col", class: "figure" }, "Contribution"),
    h("th", { scope: "col", class: "figure" }, "0.99 quantile"),
    h("th", { scope: "col" }, "Promotes"),
  );
  const body = rows.map((neuron) => {
    const value = trace.contribution(lane, neuron.row, column.at);
    return h(
      "tr",
      {},
      h("th", { scope: "row" }, `L${neuron.layer} N${neuron.index}`),
      h("td", { class: "figure" }, value === undefined ? "—" : value.toFixed(4)),
      h("td", { class: "figure" }, about(neuron)?.quantiles?.["0.99"]?.toFixed(4) ?? "—"),
      h("td", {}, promoted(about(neuron))),
    );
  });
  const caption = h(
    "caption",
    {},
    `Contributions at token “${visible(column.text)}”, lane ${laneName(trace.lanes[lane], trace.lanes)}`,
  );
  return h("table", {}, caption, h("thead", {}, head), h("tbody", {}, ...body));
}
