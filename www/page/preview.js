// An embed before it is touched: the settings and a recorded run, in few bytes. At the first touch of the form or the board
// the page itself (main.js) is fetched and takes over; the model waits for Run, as everywhere.

import { alphaFrom, formatHash, parseHash } from "../core/state.js";
import { showHead } from "./conversation.js";
import { $, $$, h, megabytes } from "./dom.js";
import { arrange, listen, reportHeight } from "./hosts.js";
import { LanesView } from "./lanes.js";
import { opening, recordedRun } from "./opening.js";
import { showSettings } from "./settings.js";

const form = $("form.ask");
const untilTaken = new AbortController(); // ends what is listened to here
const on = (element, type, act) => element.addEventListener(type, act, { signal: untilTaken.signal });
let taking = null;

function take(patch) {
  opening.state = { ...opening.state, ...patch };
  showSettings(opening.state);
  try {
    history.replaceState(null, "", `${location.pathname}${location.search}${formatHash({ ...opening.state, run: false })}`);
  } catch {
    // The link "Open in H-Neuron Lab" then has the settings that the embed began with.
  }
}

/** The page takes over; with `run`, it goes on with a run. */
function wake(run = false) {
  if (run) opening.state.run = true;
  taking ??= import("../main.js").then(
    () => untilTaken.abort(),
    () => {
      taking = null;
      opening.state.run = false;
      $(".message p").textContent = "The rest of the page could not be fetched. Check the connection, then reload.";
      $(".message").hidden = false;
    },
  );
  for (const link of $$("link[data-when=page]")) link.removeAttribute("disabled");
}

async function showRecorded() {
  const { recorded } = opening.state;
  const trace = await recordedRun(recorded);
  if (!trace || taking || recorded !== opening.state.recorded) return;
  showHead(trace);
  new LanesView($(".lanes"), () => {}).show(trace);
  // Without a prompt of its own, Run repeats what is shown.
  const [first, , second] = trace.messages;
  if (!opening.state.prompt) take({ prompt: first.content, then: second?.content ?? "", alpha: alphaFrom(trace.lanes[1]?.alpha) });
  reportHeight();
}

/** An address can ask for a run, but not for a download: that takes a click. */
async function startIfStored() {
  const { isStored } = await import("../worker/store.js");
  const { sha256, bytes } = await model();
  if (await isStored(sha256, bytes)) wake(true);
}

async function model() {
  const { loadArtifact } = await import("../core/artifact.js");
  return (await loadArtifact(opening.state.model)).json.model;
}

async function showSize() {
  const { models, default: usual } = await (await fetch(new URL("../artifacts/index.json", import.meta.url))).json();
  const entry = models.find(({ id }) => id === opening.state.model) ?? models.find(({ id }) => id === usual);
  const { bytes } = entry.bytes > 0 ? entry : await model();
  if (!taking) $(".run-size").textContent = `fetches the model, ${megabytes(bytes)}`;
}

/** The board goes under a disclosure, and a link to the whole page below everything. */
function fold() {
  const board = $(".board");
  const fold = h("details", { class: "fold", "data-panel": "board" }, h("summary", {}, "Neuron board"));
  board.before(fold);
  fold.append(board);
  on(fold, "toggle", () => wake());
  const link = h("a", { target: "_blank", rel: "noopener" }, "Open in H-Neuron Lab");
  const follow = () => (link.href = `${location.origin}${location.pathname}${location.hash}`);
  for (const type of ["pointerenter", "pointerdown", "focus"]) link.addEventListener(type, follow);
  follow();
  $("main").append(h("p", { class: "elsewhere" }, link, h("span", { class: "unseen" }, " (new tab)")));
}

opening.state = parseHash(location.hash);
const atOnce = opening.state.run;
fold();
arrange();
const takeHash = ({ hash }) => {
  const before = opening.state.recorded;
  take({ ...parseHash(hash), run: false });
  if (opening.state.recorded !== before) showRecorded();
};
listen({
  set: takeHash,
  run: () => wake(true),
  stop: () => (opening.state.run = false),
});
on(window, "hashchange", () => takeHash(location));
for (const type of ["focusin", "pointerdown"]) on(form, type, () => wake());
on(form, "input", () => take({ prompt: $("#prompt").value, then: $("#then").value, alpha: alphaFrom($("#alpha").value), set: $("[name=set]:checked").value }));
on(form, "submit", (event) => (event.preventDefault(), wake(true)));
on($("#prompt"), "keydown", (event) => {
  if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  wake(true);
});
take({ run: false });
showRecorded();
showSize().catch((error) => console.warn(error.message));
if (atOnce) startIfStored().catch((error) => console.warn(error.message));
