// The export menu, fetched when it is first opened: a run as JSON, CSV, SVG, PNG, and what to cite.

import { boardSvg } from "../core/board-svg.js";
import { citations, csvOf, fileName, makingOf, makingWords, recordingOf } from "../core/exports.js";
import { setWords } from "../core/sets.js";
import { alphaWords, laneName } from "../core/words.js";
import { columnsOf } from "./columns.js";
import { copyButton } from "./copy.js";
import { h, say, visible } from "./dom.js";
import { showMessage } from "./message.js";

const SHARP = 2; // pixels of the picture for one of the figure
const MOST_PIXELS = 64e6; // more than that, and browsers give an empty canvas

/** Fills the disclosure `root` for this run. */
export function showExports(root, shown, artifact) {
  root.querySelector(".exports")?.remove();
  if (!shown) return;
  const trace = named(shown, artifact);
  const lanes = h(
    "select",
    { id: "export-lane" },
    ...trace.lanes.map((lane, i) =>
      h("option", { value: i, selected: setWords(lane).chosen }, laneName(lane, trace.lanes)),
    ),
  );
  const svg = () => figure(trace, Number(lanes.value), artifact, making());
  const file = (kind, extension) => fileName(trace, kind, extension);
  const button = (words, act) =>
    h("button", { type: "button", class: "quiet", onclick: () => attempt(act) }, words);
  const address = new URL("./", location.origin + location.pathname).href;
  const cite = citations(trace, address, new Date());
  const making = () => makingOf(trace, address, new Date());
  const citation = h(
    "textarea",
    { id: "export-citation", class: "code", rows: 8, readonly: true, spellcheck: "false" },
    cite.bibtex,
  );
  const kind = (value, words, checked) =>
    h(
      "label",
      { class: "choice" },
      h("input", {
        type: "radio",
        name: "citation",
        value,
        checked,
        onchange: () => (citation.value = cite[value]),
      }),
      words,
    );
  root.append(
    h(
      "div",
      { class: "exports" },
      h(
        "div",
        { class: "export-line" },
        button("The whole run, JSON", () =>
          save(
            file("trace", "json"),
            JSON.stringify(recordingOf(trace, making())),
            "application/json",
          ),
        ),
        h(
          "p",
          { class: "hint" },
          `Everything that the run said and did. The command line writes the same.${trace.recorded ? " The contributions of a recorded run are rounded, by 13 % at most." : ""}`,
        ),
      ),
      h(
        "div",
        { class: "export-line" },
        button("Contributions, CSV", () =>
          save(file("contributions", "csv"), csvOf(trace, making()), "text/csv;charset=utf-8"),
        ),
        h(
          "p",
          { class: "hint" },
          "A table: one line for each neuron at each token. Where a spreadsheet would take a token for a formula, an apostrophe stands before it.",
        ),
      ),
      h(
        "div",
        { class: "export-line" },
        button("Board, SVG", () =>
          save(file(`board-${Number(lanes.value) + 1}`, "svg"), svg(), "image/svg+xml"),
        ),
        button("Board, PNG", async () =>
          save(file(`board-${Number(lanes.value) + 1}`, "png"), await png(svg()), "image/png"),
        ),
        h("label", { class: "pixels" }, "Answer", lanes),
      ),
      h(
        "div",
        { class: "copy-head" },
        h(
          "div",
          { class: "choices", role: "radiogroup", "aria-label": "Form of the citation" },
          h("label", { for: "export-citation" }, "Citation"),
          kind("bibtex", "BibTeX", true),
          kind("text", "Plain text", false),
        ),
        copyButton(citation, "Copy the citation"),
      ),
      citation,
    ),
  );
}

/** A recorded run names its model and artifact by id; the artifact knows the rest. */
function named(trace, artifact) {
  const { model, engine, artifact: by } = trace.about;
  if (!artifact || model.id !== artifact.model.id) return trace;
  const about = {
    model: { name: artifact.model.name, ...model },
    engine,
    artifact: { provisional: Boolean(artifact.provisional), ...by },
  };
  return Object.assign(trace.withLanes(trace.lanes), { about });
}

async function attempt(act) {
  try {
    await act();
  } catch (error) {
    console.warn(error);
    showMessage(`The file could not be made: ${error.message}`);
  }
}

function figure(trace, i, artifact, making) {
  const lane = trace.lanes[i];
  const { model = {}, artifact: by = {}, engine } = trace.about ?? {};
  const users = trace.messages
    .filter(({ role }) => role === "user")
    .map(({ content }) => `“${content.trim()}”`);
  const edited =
    lane.set === "none"
      ? "no neuron touched"
      : `${lane.set === "lever" ? `${setWords(lane).of}, ` : ""}${lane.neurons.length} neurons, alpha ${lane.alpha} (${alphaWords(lane.alpha)})${lane.seed === undefined ? "" : `, seed ${lane.seed}`}`;
  return boardSvg({
    trace,
    lane: i,
    artifact,
    columns: columnsOf(trace, i).map((column) => ({ ...column, text: visible(column.text) })),
    title: `Contributions: ${laneName(lane, trace.lanes)}`,
    lines: [
      `Prompt: ${users.join(", then ")}`,
      `Set: ${edited}. ${trace.recorded ? "Recorded run." : "Live run."} ${makingWords(making)}`.trim(),
      `Model: ${model.name ?? model.id ?? "not named"}${engine ? `, ${engine}` : ""}. H-Neurons: artifact ${by.id ?? "not named"}${by.provisional ? ", provisional" : ""}. H-Neuron Lab.`,
      ...(making.link ? [`Link: ${making.link}`] : []),
    ],
  });
}

/** Draws the figure into a picture. As a data: address, because the page's policy lets images come from nowhere else. */
async function png(svg) {
  const image = new Image();
  image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(svg)}`;
  await image.decode();
  const sharp = Math.min(
    SHARP,
    Math.sqrt(MOST_PIXELS / (image.width * image.height)),
    16_000 / Math.max(image.width, image.height),
  );
  const canvas = h("canvas", {
    width: Math.floor(image.width * sharp),
    height: Math.floor(image.height * sharp),
  });
  canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
  const blob = await new Promise((resolve) => canvas.toBlob(resolve, "image/png"));
  if (!blob)
    throw new Error("the browser has not enough memory for a picture of this size. Take the SVG.");
  return blob;
}

function save(name, content, type) {
  const url = URL.createObjectURL(new Blob([content], { type }));
  const link = h("a", { href: url, download: name });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(url), 60_000); // some browsers read it late
  say(`${name} was saved.`);
}
