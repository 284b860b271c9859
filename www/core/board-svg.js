// The neuron board of one lane as an SVG figure, in light colours for paper. Pure: text in, text out. Attributes only, no
// style sheet, so that it looks the same wherever it is opened. Its rows and marks are those of the page's board.

import { addedBy, addsWords, byAdded, FAINT, usualLimit, weightShares } from "./neuron.js";
import { factorWords } from "./words.js";

const CELL = 14; // width of a column
const ROW = 15;
const GAP = 16; // between turns
const LEFT = 164; // names of the neurons, and what they add
const LINE = 1; // of a hollow mark
const HEAD = 96; // names of the tokens, and above them the turns
const PAD = 20;
const INK = {
  ink: "#14181b",
  soft: "#535c62",
  rule: "#dde2e0",
  strong: "#a9b2b0",
  h: ["#b3380a", "#711f00"],
  random: ["#14609f", "#07335a"],
  lever: ["#7a2a8f", "#43114f"],
};
const SANS = "Helvetica, Arial, 'Liberation Sans', sans-serif";
const SERIF = "Georgia, 'Liberation Serif', serif";

/** Text inside an XML element or attribute; what XML cannot hold is left out. */
export function xml(text) {
  return String(text)
    .replace(
      /[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]|[\0-\x08\x0b\x0c\x0e-\x1f\x7f\ufffe\uffff]/g,
      "",
    )
    .replace(/[&<>"']/g, (sign) => `&#${sign.charCodeAt(0)};`);
}

const cut = (text, most) => {
  const letters = [...text];
  return letters.length <= most ? text : `${letters.slice(0, most - 1).join("")}…`;
};

/**
 * @param trace the run, and `lane` the number of the lane that is drawn
 * @param columns [{at, text, segment, label}] of that lane, as the page's board has them
 * @param title the lane's name; `lines` what stands under it: prompt, set, alpha, model, artifact
 * @param artifact what hneurons.json says, for the kinds and scales of the neurons; null where it is not there
 */
export function boardSvg({ trace, lane, columns, title, lines, artifact }) {
  const rows = rowsOf(trace, lane, artifact);
  const lefts = [];
  let x = LEFT;
  columns.forEach((column, i) => {
    if (i > 0 && column.segment !== columns[i - 1].segment) x += GAP;
    lefts.push(x);
    x += CELL;
  });
  const width = Math.max(x + 8, 660);
  const said = [...lines, keyWords(rows)].flatMap((line) => wrap(line, (width - 2) / 6.4));
  const top = 30 + 17 * said.length + 12; // where the token names begin
  const body = top + HEAD;
  const height = body + rows.length * ROW + 8;
  const parts = [
    `<text x="0" y="18" font-family="${SERIF}" font-size="18" font-weight="600" fill="${INK.ink}">${xml(title)}</text>`,
    ...said.map(
      (line, i) =>
        `<text x="0" y="${30 + 17 * (i + 0.6)}" font-size="12" fill="${INK.soft}">${xml(line)}</text>`,
    ),
    ...columns.map(({ text, at }, i) => {
      const [cx, cy] = [lefts[i] + CELL / 2 + 4, body - 5];
      const colour = at < trace.prompt.length ? INK.soft : INK.ink;
      return `<text x="${cx}" y="${cy}" font-size="11" fill="${colour}" transform="rotate(-90 ${cx} ${cy})">${xml(cut(text, 12))}</text>`;
    }),
    ...turns(columns, lefts, top, height),
    ...rows.flatMap((row, i) =>
      drawRow(trace, lane, row, i, { rows, columns, lefts, body, width }),
    ),
  ];
  const [w, h] = [width + 2 * PAD, height + 2 * PAD];
  return `<?xml version="1.0" encoding="UTF-8"?>
<svg xmlns="http://www.w3.org/2000/svg" width="${w}" height="${h}" viewBox="${-PAD} ${-PAD} ${w} ${h}" role="img" font-family="${SANS}">
<title>${xml(title)}</title>
<desc>${xml(lines.join("\n"))}</desc>
<rect x="${-PAD}" y="${-PAD}" width="${w}" height="${h}" fill="#ffffff"/>
${parts.join("\n")}
</svg>
`;
}

// H-Neurons by what they add to the reading, then whatever else this lane edits.
function rowsOf(trace, lane, artifact) {
  const known = new Map(
    (artifact?.neurons ?? []).map((neuron) => [`${neuron.layer}.${neuron.index}`, neuron]),
  );
  const turned = trace.lanes.find(({ set }) => set === "lever")?.neurons ?? [];
  const lever = new Set(turned.map(([layer, index]) => `${layer}.${index}`));
  const added = addedBy(trace, lane, artifact);
  const shares = weightShares(artifact);
  const mostAdded = byAdded(added, shares);
  const rows = trace.rows.map(([layer, index], row) => {
    const name = `${layer}.${index}`;
    const { quantiles } = known.get(name) ?? {};
    const often = quantiles?.["0.99"];
    const edited = trace.edits(lane, [layer, index]);
    return {
      row,
      name,
      layer,
      index,
      kind: known.has(name) ? "h" : lever.has(name) ? "lever" : "random",
      edited,
      alpha: trace.lanes[lane].alpha,
      scale: often > 0 ? often : largest(trace, row),
      limit: usualLimit(quantiles),
      off: trace.factor(lane, [layer, index]) === 0,
      adds: addsWords(added.get(name)),
    };
  });
  return rows
    .filter(({ kind, edited }) => kind === "h" || edited || known.size === 0)
    .sort(
      (a, b) =>
        Number(b.kind === "h") - Number(a.kind === "h") ||
        mostAdded(a.name, b.name) ||
        a.layer - b.layer ||
        a.index - b.index,
    );
}

function largest(trace, row) {
  let most = 0;
  for (const { cells } of trace.lanes)
    for (const read of cells) most = Math.max(most, read?.[row] ?? 0);
  return most || 1;
}

function drawRow(trace, lane, neuron, i, { rows, columns, lefts, body, width }) {
  const y = body + i * ROW;
  const before = rows[i - 1];
  const name = `L${neuron.layer} N${neuron.index}${neuron.edited ? ` ${factorWords(neuron.alpha).replace(" ", "")}` : ""}`;
  const drawn = [
    `<text x="0" y="${y + 11}" font-size="11" fill="${INK.ink}"${neuron.edited ? ' font-weight="700"' : ""}>${name}</text>`,
    `<text x="${LEFT - 10}" y="${y + 11}" font-size="11" fill="${INK.ink}" text-anchor="end">${neuron.adds}</text>`,
  ];
  if (!before || before.kind !== neuron.kind)
    drawn.unshift(`<rect x="0" y="${y}" width="${width}" height="1" fill="${INK.rule}"/>`);
  columns.forEach(({ at }, c) => {
    const value = trace.contribution(lane, neuron.row, at);
    if (value !== undefined) drawn.push(mark(neuron, value, lefts[c] + CELL / 2, y + ROW / 2));
  });
  return drawn;
}

// The marks of the board (neuron.js).
function mark({ kind, scale, limit, off }, value, cx, cy) {
  const full = Math.max(1, Math.sqrt(Math.min(1, Math.max(0, value / scale))) * (CELL - 2));
  const loud = value > limit;
  const colour = INK[kind][loud ? 1 : 0];
  // Too small to have an inside.
  const filled = !off || full < 3;
  const side = filled ? full : full - LINE;
  const paint = `${filled ? `fill="${colour}"` : `fill="none" stroke="${colour}" stroke-width="${LINE}"`} opacity="${loud ? 1 : FAINT}"`;
  const corner = short(0.6 * side);
  if (kind === "lever")
    return `<path d="M${short(cx)} ${short(cy - corner)}l${corner} ${corner} ${-corner} ${corner} ${-corner} ${-corner}z" ${paint}/>`;
  return kind === "h"
    ? `<rect x="${short(cx - side / 2)}" y="${short(cy - side / 2)}" width="${short(side)}" height="${short(side)}" ${paint}/>`
    : `<circle cx="${short(cx)}" cy="${short(cy)}" r="${short(side / 2)}" ${paint}/>`;
}

function turns(columns, lefts, top, height) {
  return columns.flatMap(({ segment, label }, i) => {
    if (i > 0 && segment === columns[i - 1].segment) return [];
    const room = columns.filter((column) => column.segment === segment).length * CELL;
    const words = `<text x="${lefts[i]}" y="${top + 4}" font-size="11" font-weight="700" fill="${INK.ink}">${xml(cut(label, Math.max(6, Math.floor(room / 6))))}</text>`;
    const rule = `<rect x="${lefts[i] - GAP / 2}" y="${top - 6}" width="1" height="${height - top}" fill="${INK.strong}"/>`;
    return i > 0 ? [rule, words] : [words];
  });
}

function keyWords(rows) {
  const has = (wanted) => rows.some(({ kind }) => kind === wanted);
  const others = `${has("lever") ? ", a diamond a neuron of the lever" : ""}${has("random") ? ", a disc another neuron" : ""}`;
  const added = rows.some(({ adds }) => adds)
    ? " The figure at the name is what the neuron adds to the detector’s reading, in log-odds; rows are in this order."
    : "";
  return `A square is an H-Neuron${others}; its area is the contribution on that neuron’s own scale (the 0.99 quantile of reference text, where the artifact has one, otherwise the largest value of this run), taken before the edit. Strong: louder than at 9 of 10 words of that text; faint: not louder, or not known. Hollow: off in this answer.${added}`;
}

const short = (value) => Math.round(value * 100) / 100;

function wrap(text, most) {
  const lines = [""];
  const room = Math.floor(most);
  // A word longer than a line, as a link is, goes on in the next.
  const pieces = text.split(/\s+/).flatMap((word) => {
    const letters = [...word];
    return letters.length <= room
      ? [word]
      : Array.from({ length: Math.ceil(letters.length / room) }, (_, i) =>
          letters.slice(i * room, (i + 1) * room).join(""),
        );
  });
  for (const piece of pieces) {
    const line = `${lines.at(-1)} ${piece}`.trim();
    if (line.length <= most || lines.at(-1) === "") lines[lines.length - 1] = line;
    else lines.push(piece);
  }
  return lines.length <= 6 ? lines : [...lines.slice(0, 5), `${lines[5]} …`];
}
