// An embed before it is touched: the settings and a recorded run. At the first touch of the form or the board the page
// (main.js) is fetched and takes over; the model waits for Run.

import { loadPrompts, loadRecorded, viewOf } from "../core/gallery.js";
import { alphaFrom, DEFAULTS, formatHash, namedIn, parseHash } from "../core/state.js";
import { asTurns, sameTurns, turnsIn, turnsOf } from "../core/turns.js";
import { showHead } from "./conversation.js";
import { $, $$, composes, field, h, megabytes } from "./dom.js";
import { arrange, listen, opening, reportHeight } from "./hosts.js";
import { LanesView } from "./lanes.js";
import { showSettings } from "./settings.js";

const form = $("form.ask");
const untilTaken = new AbortController(); // ends what is listened to here
const on = (element, type, act) =>
  element.addEventListener(type, act, { signal: untilTaken.signal });
let shows = 0; // what arrives for an earlier one is out of date
let starts = 0;
let taking = null;

function take(patch) {
  opening.state = { ...opening.state, ...patch };
  showSettings(opening.state);
  try {
    history.replaceState(
      null,
      "",
      `${location.pathname}${location.search}${formatHash({ ...opening.state, run: false })}`,
    );
  } catch {
    // Then the link to the page has the settings that the embed began with.
  }
}

/** The page takes over; with `run`, it goes on with a run. Ends when it is there, or could not be fetched. */
function wake(run = false) {
  if (run) opening.state.run = true;
  taking ??= import("../main.js").then(
    () => untilTaken.abort(),
    () => {
      taking = null;
      opening.state.run = false;
      $(".message p").textContent =
        "The page could not be fetched. Check the connection, then reload.";
      $(".message").hidden = false;
    },
  );
  for (const link of $$("link[data-when=page]")) link.removeAttribute("disabled");
  return taking;
}

async function showRecorded() {
  const mine = ++shows;
  const state = opening.state;
  const { id, opens } = await listed;
  let name = state.recorded;
  if (!name && state.prompt)
    name = (await loadPrompts(id)).find(({ prompt, then = "" }) =>
      sameTurns(turnsOf({ prompt, then, more: [] }), turnsOf(state)),
    )?.id;
  const sweep =
    opening.sweep?.id === (name || opens)
      ? opening.sweep
      : await loadRecorded(id, name || opens).catch(() => loadRecorded(id, opens));
  // Once the page is on its way, what it is handed over must not change.
  if (taking || mine !== shows) return;
  opening.sweep = sweep;
  const fitting = viewOf(sweep, opening.state);
  const trace = fitting ?? viewOf(sweep, DEFAULTS);
  // Without a prompt of its own, Run repeats what is shown.
  if (!opening.state.prompt) {
    opening.lent = { max: opening.state.max };
    take({ ...asTurns(turnsIn(trace.messages)), max: sweep.max });
  }
  sayMissing(id, sweep);
  showHead(trace, opening.state, Boolean(fitting));
  new LanesView($(".lanes"), () => {}).show(trace);
  reportHeight();
}

function sayMissing(model, sweep) {
  const missing = [
    named.model && named.model !== model && `model “${named.model}”`,
    named.recorded && named.recorded !== sweep.id && `recorded run “${named.recorded}”`,
  ].filter(Boolean);
  $(".message").hidden = missing.length === 0;
  $(".message p").textContent =
    `There is no ${missing.join(" and no ")} here. Shown instead: “${turnsIn(sweep.messages)[0]}”`;
}

/** An address can ask for a run, but not for a download: that takes a click. */
async function startIfStored() {
  const mine = ++starts;
  const { isStored } = await import("../worker/store.js");
  const { sha256, bytes } = await model();
  if ((await isStored(sha256, bytes)) && mine === starts) wake(true);
}

async function model() {
  const { loadArtifact } = await import("../core/artifact.js");
  return (await loadArtifact(opening.state.model)).json.model;
}

async function list() {
  const { models, default: usual } = await (
    await fetch(new URL("../artifacts/index.json", import.meta.url))
  ).json();
  return (
    models.find(({ id }) => id === opening.state.model) ?? models.find(({ id }) => id === usual)
  );
}

async function showSize() {
  const entry = await listed;
  const { bytes } = entry.bytes > 0 ? entry : await model();
  if (!taking) $(".run-size").textContent = `${megabytes(bytes)}, once`;
}

const namesIn = (hash) => ({ model: namedIn(hash, "model"), recorded: namedIn(hash, "recorded") });

/** The board goes under a disclosure, and a link to the whole page below everything. */
function fold() {
  const board = $(".board");
  const fold = h(
    "details",
    { class: "fold", "data-panel": "board" },
    h("summary", {}, "Neuron board"),
  );
  board.before(fold);
  fold.append(board);
  on(fold, "toggle", () => wake());
  const link = h("a", { target: "_blank", rel: "noopener" }, "Open in H-Neuron Lab");
  const follow = () => (link.href = `${location.origin}${location.pathname}${location.hash}`);
  for (const type of ["pointerenter", "pointerdown", "focus"]) link.addEventListener(type, follow);
  follow();
  $("main").append(
    h("p", { class: "elsewhere" }, link, h("span", { class: "unseen" }, " (new tab)")),
  );
}

opening.state = parseHash(location.hash);
let named = namesIn(location.hash);
const atOnce = opening.state.run;
fold();
arrange();
const warn = (error) => console.warn(error.message);
const takeHash = ({ hash }) => {
  starts++;
  named = namesIn(hash);
  opening.lent = null;
  take({ ...parseHash(hash), run: false });
  showRecorded().catch(warn);
};
listen({
  set: takeHash,
  run: () => wake(true),
  stop: () => (starts++, (opening.state.run = false)),
});
on(window, "hashchange", () => takeHash(location));
for (const type of ["focusin", "pointerdown"]) on(form, type, () => wake());
on(form, "input", () => {
  const prompt = field("#prompt").value;
  // With another question the recorded run's limit and later turns go.
  const another = opening.lent && prompt !== opening.state.prompt;
  take({
    prompt,
    ...(another ? { then: "", more: [], ...opening.lent } : { then: field("#then").value }),
    alpha: alphaFrom(field("#alpha").value),
    set: field("[name=set]:checked").value,
  });
  if (another) opening.lent = null;
});
// What is pressed is done once the page is there.
const reseed = $("[data-part=reseed]");
on(reseed, "click", () => wake().then(() => untilTaken.signal.aborted && reseed.click()));
on(form, "submit", (event) => (event.preventDefault(), wake(true)));
on($("#prompt"), "keydown", (event) => {
  if (event.key !== "Enter" || event.shiftKey || composes(event)) return;
  event.preventDefault();
  wake(true);
});
take({ run: false });
const listed = list();
showRecorded().catch(warn);
showSize().catch(warn);
if (atOnce) startIfStored().catch(warn);
