// The page: joins settings, session and views. Reading order: the visitor's acts, then what follows from them.

import { Acts } from "./core/acts.js";
import { loadArtifact } from "./core/artifact.js";
import { engineWords, statusWords } from "./core/chosen.js";
import { comparison } from "./core/comparison.js";
import { loadRecorded, viewOf } from "./core/gallery.js";
import { loadIndex } from "./core/gallery-index.js";
import { progressWords, Spoken } from "./core/running-words.js";
import { Session } from "./core/session.js";
import {
  DEFAULTS,
  DOUBT,
  fitsLink,
  formatHash,
  LIMITS,
  namedIn,
  neuronsTo,
  parseHash,
  readNeurons,
  turnsTooMany,
  unlinkedWords,
} from "./core/state.js";
import { asTurns, sameTurns, turnsIn, turnsOf } from "./core/turns.js";
import { Settings } from "./core/settings.js";
import { leverOf } from "./core/levers.js";
import { leverName } from "./core/sets.js";
import { lanesFor } from "./core/requests.js";
import { gist, nextSeed, sweepOf } from "./core/sweep.js";
import { grouped } from "./core/grouped.js";
import { shortAnswer } from "./core/measured.js";
import { wrongNeurons } from "./core/unread.js";
import { differenceWords } from "./core/difference.js";
import { laneName, stopWords } from "./core/words.js";
import { anotherSample, listenToFoot, longer, noteRun, showFoot } from "./page/answers-foot.js";
import { BoardView } from "./page/board.js";
import { Controls } from "./page/controls.js";
import { showHead, showKind } from "./page/conversation.js";
import { $, $$, field, focused, h, megabytes, say } from "./page/dom.js";
import { doubtFields, offerTurn } from "./page/doubt.js";
import { GalleryView } from "./page/gallery.js";
import { arrange, embedded, listen, opening, tell } from "./page/hosts.js";
import { LanesView } from "./page/lanes.js";
import { LoadingView } from "./page/loading.js";
import { clearMessage, sentence, showMessage } from "./page/message.js";
import { dropText, keepText, withKeptText } from "./page/long-text.js";
import { tidyModels } from "./page/models.js";
import { linksTo, whenNear } from "./page/nearby.js";
import { keep, keepOffline } from "./page/offline.js";
import { UnderWay } from "./page/under-way.js";
import { Views } from "./page/views.js";
import { askToPersist, isStored } from "./worker/store.js";

const root = document.documentElement;
const settings = new Settings(
  opening.state ?? withKeptText(parseHash(location.hash), location.hash),
);
if (opening.lent) settings.lent(opening.lent);
let artifact = null; // {id, text, json}
let artifactComing = null; // ends when there is one, or a message why not
let stored = false; // the model is in this browser's cache
let trace = null; // what is shown
let sweep = null; // the recorded run it is taken from, with every alpha
let index = null; // the gallery's list
let lessons = null; // fetched when one is wanted
let spoken = null; // what of the run that is on has been said to those who listen
let wanted = false; // another run is wanted as soon as the one that is on has stopped
const unknown = new Map(); // what the address names and the page does not have, in words
let lossSaid = false; // that a reload loses a long prompt
let opened = false; // whether the run that the page opens on has come, or will not
const LOAD = "hneurons-load"; // in the session's storage: the model that the page was opened anew to load
const acts = new Acts(); // what arrives for an act is shown only while no other has come after it
const openings = new Acts(); // the same of what the page opens on
/** Whether the model's H-Neurons are not known: it runs without a detector. */
const isPlain = () => artifact?.json.plain === true;
/** Whether nothing is chosen to be turned. */
const isEmptyHanded = () => settings.now.set === "custom" && settings.now.off.length === 0;
const isBusy = () => ["loading", "running"].includes(root.dataset.state);

// ---- The visitor's acts ----

const controls = new Controls({
  change: typed,
  run,
  stop,
  reseed,
  borrowed: () => settings.borrowed,
});
const lanes = new LanesView($(".lanes"), (lane, index) => board.chooseToken(lane, index));
$("[data-part=replay]").addEventListener("click", () => lanes.replay());
const board = new BoardView($("[data-part=board]"), {
  lane: () => {},
  token: (lane, index) => lanes.choose(lane, index),
  toggle,
  chosen: (lane, at) => views.choose(lane, at),
  card: (layer, index, back) => views.openCard(layer, index, back),
  silence,
});
const views = new Views(
  {
    choose: (alpha, of) => change({ alpha, ...of }, { show: true }),
    sweep: runSweep,
    off: select,
    toggle,
    silence,
    open: openRecorded,
    activity: (trace, lane, at) => session.activity(trace, lane, at),
    next: (trace, lane, index, asked) => session.next(trace, lane, index, asked),
    trouble: (error) => attempt(() => Promise.reject(error)),
    missing: () =>
      showMessage(
        "This part of the page could not be fetched. Check the connection, then reload the page.",
      ),
  },
  settings.now,
);
const gallery = new GalleryView($("[data-part=gallery]"), { open: openRecorded });
const loading = new LoadingView($(".loading"), () => session.cancel());
const underWay = new UnderWay(stop);
const session = new Session({
  state: setState,
  progress(progress) {
    loading.progress(progress);
    const share =
      progress.total > 0 ? ` · ${Math.floor((100 * progress.done) / progress.total)} %` : "";
    $("[data-part=status]").textContent = `Loading${share}`;
    underWay.say(`Loading the model${share}`);
  },
  notice: (text) => showMessage(text),
  engine: showStatus,
  trace(started) {
    sweep = null;
    spoken = new Spoken(started);
    show(started);
    underWay.say(progressWords(started, settings.now.max));
    bringIntoView($("#answers"));
  },
  touched(shown, touched) {
    if (shown !== trace) return;
    // What one lane says decides where the others part from it.
    if (touched.has(shown.trained)) shown.lanes.forEach((_, i) => touched.add(i));
    for (const i of touched) {
      lanes.update(i);
      board.update(i);
    }
    underWay.say(progressWords(shown, settings.now.max));
    const news = shown.done ? "" : spoken?.next(performance.now());
    if (news) say(news);
  },
  resources: keep,
});

/** `show`: writes what has changed into the form. `adopt`: what is given is a run's, not the visitor's (settings.js). */
function change(given, { show: redraw = false, adopt = false } = {}) {
  const patch = adopt ? settings.adopt(given) : settings.change(given);
  if ("engine" in patch) session.reconsider();
  // What the visitor did not set here must be written into the form.
  if (redraw || ["then", "more", "max"].some((key) => key in patch && !(key in given)))
    controls.show(settings.now);
  if ("off" in patch || "set" in patch) showSelection();
  if (["alpha", "set", "lever", "seed"].some((key) => key in patch)) showRecorded();
  else if ("prompt" in patch || "then" in patch || "more" in patch) showWhose();
  views.setSettings(settings.now);
  saveHash();
}

/** A change by hand, in the form or a lesson. Another question is not overwritten by a run that arrives only then. */
function typed(given, how) {
  if ("prompt" in given || "then" in given) acts.begin();
  change(given, how);
}

function toggle(layer, index) {
  const { off: before } = settings.now;
  const without = before.filter(([l, i]) => l !== layer || i !== index);
  const added = without.length === before.length;
  const off = added ? [...without, [layer, index]] : without;
  select(off);
  say(
    `Layer ${layer}, neuron ${index} ${added ? "added to" : "taken out of"} My selection. It now has ${off.length}.${off.length ? " The next run turns them." : ""}`,
  );
}

/** Silences one neuron and nothing else, and runs the form's conversation. */
function silence(layer, index) {
  if (isBusy())
    return showMessage(
      "The model is still answering. Wait until it has finished, or press Stop. Then try again.",
    );
  change({ off: [[layer, index]], set: "custom", alpha: 0 }, { show: true });
  say(`My selection is now only layer ${layer}, neuron ${index}. It is off.`);
  run();
}

// Switching a neuron is meant to do something: the next run edits the selection, while there is one.
function select(off) {
  const { set } = settings.now;
  const rest = isPlain() || set !== "custom" ? set : "h";
  change({ off, set: off.length > 0 ? "custom" : rest }, { show: true });
}

/** Runs the settings. With `file`, the model is read from the visitor's own copy of it. */
async function run({ file = undefined, note = "" } = {}) {
  if (isBusy()) return;
  clearMessage();
  if (!artifact) {
    const still = acts.begin();
    await artifactComing;
    if (!still() || isBusy()) return;
  }
  if (!artifact)
    return showMessage(
      "The list of H-Neurons could not be fetched. Without it the page cannot run. Reload the page.",
    );
  if (settings.now.prompt.trim() === "") {
    showMessage("The prompt is empty. Type a question, or take an example.");
    return controls.prompt.focus();
  }
  const { then: second, more: later } = settings.now;
  if ([second, ...later].some((turn) => turn.trim() === "") && (second || later.length > 0)) {
    showMessage("One of the later turns is empty. Write something there, or remove it.");
    return field(second.trim() === "" ? "#then" : ".later-turns input").focus();
  }
  if (artifact.json.model.raw && (second !== "" || later.length > 0))
    return showMessage(
      "This model goes on with a text and knows no turns. Write it all into the prompt.",
      [
        {
          words: "Remove the later turns",
          act: () => change({ then: "", more: [] }, { show: true }),
        },
      ],
    );
  if (isEmptyHanded() && !isPlain()) {
    return showMessage(
      "My selection is empty. Choose neurons in the left column of the board, or write them under Advanced. Or choose other neurons above.",
    );
  }
  acts.begin();
  if (settings.borrowed) own();
  else change({});
  noteRun(note);
  const { prompt, then, more, alpha, set, lever } = settings.now;
  tell("run", { prompt, then, more, alpha, set, ...(set === "lever" ? { lever } : {}) });
  await attempt(async () => {
    const finished = await session.run(settings.now, { file });
    if (!finished) return say("Stopped before it began.");
    board.settle();
    chooseFirst();
    views.choose(board.chosen.lane, board.chosen.at);
    showEnd(finished);
  });
  if (!wanted) return;
  wanted = false;
  if (root.dataset.state === "ready") return run();
}

/** With a model at hand the slider and the sets are live: the shown run is made again where no recorded one answers. */
function runAgain() {
  views.tryOut(null);
  if (!session.loaded || !trace || trace.messages[0].content !== settings.now.prompt) return;
  if (isEmptyHanded()) return;
  if (sweep && viewOf(sweep, settings.now)) return;
  if (root.dataset.state === "ready") return run();
  if (root.dataset.state !== "running") return;
  wanted = true;
  session.stop();
}
$("#alpha").addEventListener("change", runAgain);
$("[data-part=set]").addEventListener("change", runAgain);

// While it is dragged, the next words at least follow.
$("#alpha").addEventListener("input", () => {
  if (root.dataset.state !== "ready" || (sweep && viewOf(sweep, settings.now))) return;
  if (isEmptyHanded()) return;
  views.tryOut({ lane: lanesFor(settings.now)[1], candidates: null });
});

/** Ends what is under way or is to begin. */
function stop() {
  acts.begin();
  wanted = false;
  if (settings.now.run) change({});
  if (root.dataset.state === "loading") session.cancel();
  else session.stop();
}

/** Puts the shown run's conversation into the form. */
function borrow() {
  settings.borrow(trace.messages);
  controls.show(settings.now);
  // Whoever is about to type there writes a question of their own, and does not go on with this one.
  if (focused() === controls.prompt) controls.prompt.select();
}

/** What is run is the visitor's, with the limit that the recording had. */
function own() {
  const { prompt, then, more, max } = settings.now;
  const limit = max === DEFAULTS.max ? (trace.max ?? max) : max;
  change({ prompt, then, more, max: limit }, { show: true, adopt: true });
}

/** Other random neurons: at once where the run that is shown was recorded with some, else with the next run. */
function reseed() {
  if (isBusy()) return;
  const recorded = nextSeed(sweep, settings.now);
  const { seed: before } = settings.now;
  const seed = recorded ?? (before >= LIMITS.seed ? 0 : before + 1);
  change({ seed }, { show: true });
  say(`Random neurons of seed ${seed}.`);
  if (recorded === null && session.loaded && settings.now.prompt.trim() !== "") run();
}

/** The run that is shown once more, with `patch`: the focus is with its answers, whose buttons go meanwhile. */
function again(patch, note = "") {
  if (!trace?.settings || isBusy()) return;
  const { alpha, set, lever, off, seed, temp, max } = trace.settings;
  const turns = asTurns(turnsIn(trace.messages));
  change(
    { ...turns, alpha, set, lever, off, seed, temp, max, ...patch },
    { show: true, adopt: true },
  );
  goToAnswers();
  run({ note });
}

const isLater = () => trace.messages.length > 1;

listenToFoot({
  goOn: () =>
    again(
      { max: longer(trace.settings) },
      isLater() ? "The earlier answers may become longer too. The limit is the same for all." : "",
    ),
  sample() {
    const { patch, words } = anotherSample(trace.settings);
    again(patch, `${words}${isLater() ? " The earlier answers are new samples too." : ""}`);
  },
});

/** What was pressed in the answers goes while they are made again: the focus must not go with it. */
const goToAnswers = () => $("#answers").focus({ preventScroll: true });

/** Answers the shown conversation at every factor of a sweep. */
async function runSweep() {
  if (!trace || !artifact || isBusy()) return;
  clearMessage();
  if (isEmptyHanded())
    return showMessage(
      "My selection is empty. Choose neurons in the left column of the board. Or choose other neurons above.",
    );
  const { max = settings.now.max, temp = 0 } = trace.settings ?? {};
  const { seed } = trace.recorded ? settings.now : (trace.settings ?? settings.now);
  acts.begin();
  const shown = trace;
  const kept = sweep;
  await attempt(async () => {
    const began = (started) => ((sweep = null), views.showSweep(started));
    const finished = await session
      .sweep({ ...settings.now, max, temp, seed }, shown, {
        trace: began,
        touched: () => views.updateSweep(),
      })
      .catch((error) => {
        sweep = kept;
        views.showSweep(kept);
        throw error;
      });
    if (!finished) return say("Stopped before it began.");
    // The slider may have changed which lanes of the same run are shown.
    if (trace.messages === shown.messages) sweep = finished;
    views.showSweep(finished);
    say(`The sweep has ended. ${gist(finished, sweepOf(finished, settings.now)).join(" ")}`);
  });
}

$("form.doubt").addEventListener("submit", (event) => {
  event.preventDefault();
  if (!trace) return;
  const turns = turnsIn(trace.messages);
  const text = field("#doubt-text").value.trim() || (turns.length === 1 ? DOUBT : "");
  if (text === "") {
    showMessage("There is nothing to say yet. Write it into the field.");
    return $("#doubt-text").focus();
  }
  if (settings.borrowed) own();
  const said = asTurns([...turns, text]);
  const { prompt } = settings.now;
  // Where the form asks something else by now, the limit and the temperature of what is shown make the same answers again.
  if (prompt !== turns[0] && trace.settings) {
    const { max, temp, seed } = trace.settings;
    change({ ...said, max, temp, seed }, { show: true, adopt: true });
  } else {
    change(turns.length === 1 ? said : { more: said.more, then: said.then }, { show: true });
  }
  if (turns.length === 1) settings.thenIsTheButtons();
  else settings.lastIsTheButtons();
  goToAnswers();
  run();
});

$("#selection-clear").addEventListener("click", () => {
  select([]);
  say("My selection is empty.");
});

$("[data-part=share]").addEventListener("click", async () => {
  const link = location.href;
  if (!fitsLink(settings.now))
    return showMessage(`${unlinkedWords(settings.now)} Make it shorter, or copy the text itself.`);
  try {
    await navigator.clipboard.writeText(link);
    $("[data-part=share]").textContent = "Link copied";
    say("Link copied.");
    setTimeout(() => ($("[data-part=share]").textContent = "Share"), 2500);
  } catch {
    showMessage(`This browser does not let the page copy. Here is the link: ${link}`);
  }
});

$("[data-part=model]").addEventListener("click", pickModel);

function pickModel() {
  if (isBusy())
    return showMessage(
      "The model is still answering. Wait until it has finished, or press Stop. Then try again.",
    );
  later(
    () => import("./page/model-picker.js"),
    ({ openPicker }) => openPicker(artifact?.id ?? "", loadModel),
  );
}

/** The page begins anew with another model, and loads it. What was chosen of the neurons of this one goes. */
function loadModel(model) {
  const { set, lever, off, recorded, lesson } = DEFAULTS;
  const next = { ...settings.linked, model, set, lever, off, recorded, lesson, run: false };
  history.replaceState(null, "", `${location.pathname}${location.search}${formatHash(next)}`);
  try {
    sessionStorage.setItem(LOAD, model);
  } catch {
    // Then it is loaded by the first run.
  }
  location.reload();
}

/** Whether the page was opened to load its model. */
function isToLoad() {
  try {
    const model = sessionStorage.getItem(LOAD);
    sessionStorage.removeItem(LOAD);
    return model !== null && model === settings.now.model;
  } catch {
    return false;
  }
}

$("#embed-open").addEventListener("click", () =>
  later(
    () => import("./page/embedding.js"),
    ({ openEmbedding }) => {
      if (!$("dialog[data-part=embed]").matches("[open]")) openEmbedding(settings.linked, trace);
    },
  ),
);

for (const button of $$("[data-opens=about]"))
  button.addEventListener("click", () =>
    later(
      () => import("./page/about.js"),
      ({ openAbout }) => openAbout(),
    ),
  );

$("[data-part=export]").addEventListener("toggle", ({ currentTarget }) => {
  const exports = /** @type {HTMLDetailsElement} */ (currentTarget);
  if (exports.open)
    later(
      () => import("./page/export.js"),
      ({ showExports }) => exports.open && showExports(exports, trace, artifact?.json),
    );
});

$("[data-part=lessons]").addEventListener("click", () => withLessons((them) => them.list()));

/** The lessons see the page as a visitor does: recorded runs to open, and settings to change. */
const withLessons = (act) =>
  later(
    () => import("./page/lesson.js"),
    ({ Lessons }) => {
      lessons ??= new Lessons({
        index: () => index,
        openRecorded,
        change: typed,
        state: () => settings.now,
      });
      return act(lessons);
    },
  );

/** What only some visitors use is fetched when it is used. */
async function later(fetched, act) {
  try {
    await act(await fetched());
  } catch (error) {
    console.warn(error);
    showMessage(
      "This part of the page could not be fetched. Check the connection, then reload the page.",
    );
  }
}

// The hash holds the settings, so the skip link must not become it.
$(".skip").addEventListener("click", (event) => {
  event.preventDefault();
  $("#answers").focus();
  $("#answers").scrollIntoView();
});

window.addEventListener("hashchange", async () => {
  const taken = parseHash(location.hash);
  if (artifact && taken.model !== settings.now.model && taken.model !== artifact.id) {
    // Another model is another page; one that there is not is said.
    const { catalogue } = await import("./core/catalogue.js");
    const { models, usual } = await catalogue().then(
      ({ models, default: usual }) => ({ models, usual }),
      () => ({ models: [], usual: artifact.id }),
    );
    // No model, or one that there is not, is the usual one; the page may show that already.
    const wanted = models.some(({ id }) => id === taken.model) ? taken.model : usual;
    if (wanted !== artifact.id) return location.reload();
  }
  take(taken);
});

/** Settings from outside: an address, or the host of an embed. */
function take(taken) {
  acts.begin();
  const before = settings.now.recorded;
  settings.take(taken);
  unknown.clear();
  missLever();
  if (isPlain()) settings.change({ set: "custom" });
  controls.show(settings.now);
  showSelection();
  views.setSettings(settings.now);
  const { prompt, then, recorded, lesson } = settings.now;
  const run = recorded !== before && index?.runs.find(({ id }) => id === recorded);
  if (!run && prompt === "" && trace?.recorded) borrow();
  if (!run && index && trace) missRecorded("The page still shows the run before.");
  missModel();
  missTurns();
  sayUnknown();
  openings.begin();
  if (!run && index && !trace && !isBusy()) openFirst().catch(noRecordedRun);
  else if (!run) showRecorded();
  else openRecorded(prompt === "" ? run : { id: run.id, prompt, then, more: settings.now.more });
  if (lessons || lesson) withLessons((them) => them.follow(lesson));
}

// ---- What follows ----

/** Does something with the engine; every failure ends in a message with a way on. */
async function attempt(act) {
  try {
    await act();
  } catch (error) {
    // What the visitor or the network did is not a fault of the page.
    const foreseen = ["cancelled", "input", "context", "download", "unsupported"].includes(
      error.kind,
    );
    (foreseen ? console.warn : console.error)(error);
    tell("error", { kind: error.kind ?? "page", message: error.message });
    if (error.kind === "cancelled") {
      setState(resting());
      return showMessage(
        "Loading was cancelled. What has arrived is kept, if the browser allows it. Press Run to go on.",
      );
    }
    if (error.kind === "input" || error.kind === "context") {
      setState(resting());
      return showMessage(error.message);
    }
    if (error.fatal || error.kind === "memory") session.forget();
    setState("error");
    if (error.kind === "memory") {
      const { catalogue, smallerWords } = await import("./core/catalogue.js");
      const smaller = await catalogue().then(
        ({ models }) => smallerWords(artifact?.id ?? "", models),
        () => "",
      );
      const words =
        artifact?.json.model.refused || !smaller
          ? error.message
          : `${sentence(error.message)} ${smaller}`;
      return showMessage(words, [
        { words: "Choose another model", act: pickModel },
        { words: "Retry", act: () => run() },
      ]);
    }
    const restart = {
      words: "Restart the engine",
      act: () => attempt(() => session.restart(settings.now.engine)),
    };
    const retry = { words: "Retry", act: () => run() };
    /** @type {import("./page/message.js").Way[]} */
    const ways = [error.fatal ? restart : retry];
    // Where the network gives no model, the visitor may have it.
    if (["download", "hash"].includes(error.kind)) ways.push(chooseFile);
    showMessage(error.message, error.kind === "unsupported" ? [] : ways);
  }
}

const chooseFile = {
  words: "Choose the file",
  stays: true, // the message, which says which file, until one is chosen
  act() {
    const input = h("input", { type: "file", "data-part": "model-file", hidden: true });
    const done = () => input.remove();
    input.addEventListener("change", () => (done(), run({ file: input.files[0] })));
    input.addEventListener("cancel", done);
    document.body.append(input);
    input.click();
  },
};

const resting = () => (session.loaded ? "ready" : "recorded");

function setState(name) {
  const before = root.dataset.state;
  const held = [$("[data-part=run]"), $("[data-part=stop]")].includes(focused());
  root.dataset.state = name;
  if (name === "loading") loading.begin({ again: Boolean(session.loaded) });
  else loading.end();
  if (name === "loading" && before !== name && !embedded)
    $(".loading").scrollIntoView({ block: "nearest" });
  if (name === "ready") {
    isStored(artifact.json.model.sha256, artifact.json.model.bytes).then((is) => (stored = is));
    if (before === "loading") askToPersist();
    if (before === "loading") artifact.named().then((named) => named && tidyModels(named));
    if (before === "loading") tell("ready", { model: session.loaded.info.name });
  }
  showStatus();
  underWay.setState(name);
  controls.showState(name, runSize());
  board.setSize(runSize());
  views.setState(name, runSize());
  // Run and Stop stand in the same place, and the focus goes with them.
  if (held) $(`[data-part=${name === "running" ? "stop" : "run"}]`).focus({ preventScroll: true });
  if (trace) showNext();
  if (name !== before)
    say(
      {
        loading: session.loaded ? "Changing the engine." : "Loading the model.",
        ready: before === "loading" ? "The model is ready." : "",
        running: "The model is answering.",
      }[name] ?? "",
    );
}

function showStatus() {
  const chosen = session.loaded?.chosen;
  const engine = chosen ? statusWords(chosen) : "";
  const words = {
    // While it is on its way the words stay as the markup has them: a longer line would move what is below.
    recorded: trace?.recorded || !opened ? "Recorded run" : "No model loaded",
    loading: "Loading",
    ready: engine,
    running: `${engine} · answering`,
    error: "Error",
  };
  $("[data-part=status]").textContent = words[root.dataset.state];
  $("[data-part=status]").title = chosen ? engineWords(chosen) : "";
  controls.showEngine(chosen ? engineWords(chosen) : "");
}

function runSize() {
  if (session.loaded) return "";
  if (!artifact) return undefined; // not known yet, or said by an embed's first view
  const size = megabytes(artifact.json.model.bytes);
  return stored ? `model in this browser` : `${size}, once`;
}

function showComparison() {
  $(".comparison").textContent = comparison(trace);
  $("[data-part=replay]").hidden = !trace.done;
}

function show(shown) {
  trace = shown;
  gallery.mark(shown.id ?? "");
  $(".timing").textContent = "";
  showHead(shown, settings.now);
  lanes.show(shown);
  board.show(shown);
  if (shown.done) chooseFirst();
  views.show(shown, sweep, board.chosen);
  showComparison();
  showNext();
  // What can be exported is a run that has ended; it opens anew for each.
  Object.assign($("[data-part=export]"), { open: false, hidden: !shown.done });
}

// On a small screen the head of the page makes room, so that form and answers are in view together.
function bringIntoView(element) {
  // In an embed it would be the host's page that scrolls.
  if (embedded) return;
  const { top } = element.getBoundingClientRect();
  if (top >= 0 && top < 0.5 * window.innerHeight) return;
  const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
  const form = $("form.ask");
  // A long form, with many turns, would leave no room for them.
  const above = top - form.getBoundingClientRect().top;
  const first = above < 0.6 * window.innerHeight ? form : element;
  first.scrollIntoView({ block: "start", behavior: calm ? "auto" : "smooth" });
}

/** What can be done next with the run that is shown. */
function showNext() {
  const talks = isPlain() && !artifact.json.model.raw;
  const offered = trace.done && (trace.lanes.length > 1 || talks) && !isBusy();
  const turns = turnsIn(trace.messages).length;
  $("form.doubt").hidden = !offered || turns >= LIMITS.turns;
  if (offered) offerTurn(turns);
  showFoot(trace, offered, runSize() ?? "");
}

/** Chooses the word at which the middle lane leaves the as-trained one, or else the one that the detector reads most of. */
function chooseFirst() {
  const lane = Math.min(1, trace.lanes.length - 1);
  const { tokens } = trace.lanes[lane];
  if (tokens.length === 0) return;
  const parts = trace.partsAt(lane);
  const shares = tokens.map((_, i) => trace.share(lane, i) ?? 0);
  const index =
    parts >= 0 ? Math.min(parts, tokens.length - 1) : shares.indexOf(Math.max(...shares));
  const shown = parts >= 0 ? lane : Math.max(0, trace.trained);
  lanes.choose(shown, index);
  board.chooseToken(shown, index, { follow: false });
}

function showEnd(finished) {
  $("[data-part=export]").hidden = false;
  const tokens = finished.lanes.reduce((sum, lane) => sum + lane.tokens.length, 0);
  $(".timing").textContent =
    `${tokens} tokens in ${finished.seconds.toFixed(1)} s, all answers together.`;
  showComparison();
  const summary = finished.lanes.map((lane, i) => {
    const differs = i === finished.trained ? "" : differenceWords(finished, i);
    const facts = [stopWords(lane), differs].filter(Boolean).join(". ");
    return `${laneName(lane, finished.lanes)}: ${finished.text(i).trim()} (${facts}.)`;
  });
  say([...summary, comparison(finished)].join(" "));
  tell("result", {
    lanes: finished.lanes.map(({ set, lever, alpha, score, stopped }, i) => ({
      set,
      ...(lever === undefined ? {} : { lever }),
      alpha,
      score,
      stopped,
      text: finished.text(i),
    })),
  });
}

function showSelection() {
  const { off, set } = settings.now;
  board.setSelection(off);
  const { length } = off;
  $(".selection-note").textContent =
    length === 0
      ? "Tick a neuron to add it to My selection."
      : `My selection: ${length} ${length === 1 ? "neuron" : "neurons"}. ${set === "custom" ? "The next run turns them." : "Choose “My selection” above to turn them."}`;
  $("#selection-clear").hidden = length === 0;
}

function saveHash() {
  keepLong();
  sayUnlinked();
  try {
    history.replaceState(
      null,
      "",
      `${location.pathname}${location.search}${formatHash(settings.linked)}`,
    );
  } catch {
    // Some browsers limit how often the address may change; the next change catches up.
  }
}

/** Below the prompt stands what the address, and so a link, goes without. */
function sayUnlinked() {
  const note = $("#link-note");
  const words = unlinkedWords(settings.linked);
  if (words && note.textContent !== words) say(words);
  note.textContent = words;
  note.hidden = words === "";
}

/** What is too long for the address is kept for a reload; where it cannot be, that is said once. */
function keepLong() {
  if (fitsLink(settings.linked)) return dropText();
  if (keepText(settings.linked) || lossSaid) return;
  lossSaid = true;
  showMessage(
    `A text of more than ${grouped(LIMITS.link)} characters is too long for the address. This browser does not let the page keep it. So it is lost when the page is reloaded.`,
  );
}

/** The address names a recorded run that there is not. `instead`: what is shown, in a sentence. */
function missRecorded(instead) {
  const name = settings.now.recorded || namedIn(location.hash, "recorded");
  if (name) unknown.set("recorded", `There is no recorded run “${name}” here. ${instead}`);
}

function missModel() {
  const name = settings.now.model || namedIn(location.hash, "model");
  if (name && artifact && name !== artifact.id)
    unknown.set(
      "model",
      `There is no model “${name}” here. This page runs ${artifact.json.model.name} instead.`,
    );
}

/** The address names a lever that there is not. What is turned instead is said. A lever that is named by none is the first. */
function missLever() {
  const { set, lever: id } = settings.now;
  if (!artifact || set !== "lever") return;
  const named = namedIn(location.hash, "lever");
  const name = id || (/^[a-z0-9-]*$/.test(named) ? "" : named);
  const lever = leverOf(artifact.json, name);
  const first = leverOf(artifact.json, "");
  if (!first) {
    settings.resolve({ set: DEFAULTS.set, lever: "" });
    const instead = isPlain()
      ? "Put neurons into My selection instead."
      : "The page turns the H-Neurons instead.";
    return void unknown.set("lever", `No lever is known for this model. ${instead}`);
  }
  settings.resolve({ lever: (lever ?? first).id });
  if (!lever)
    unknown.set(
      "lever",
      `There is no lever “${name}” here. The page turns “${leverName(first.id)}” instead.`,
    );
}

function missTurns() {
  const left = turnsTooMany(location.hash);
  if (left > 0)
    unknown.set(
      "then",
      `The link has ${LIMITS.turns + left} turns. The page takes ${LIMITS.turns} and leaves out the rest.`,
    );
}

function sayUnknown() {
  if (unknown.size > 0) showMessage([...unknown.values()].join(" "));
}

/**
 * Shows a recorded run of the gallery, and what was asked in it. True when it is shown, false when it cannot be, null where
 * another act came before it had arrived.
 */
async function openRecorded({ id, prompt, then = "", more = [] }) {
  if (isBusy()) {
    showMessage(
      "The model is still answering. Wait until it has finished, or press Stop. Then try again.",
    );
    return false;
  }
  const still = acts.begin();
  const before = settings.now;
  clearMessage();
  let arrived;
  try {
    arrived = await loadRecorded(index.model.id, id);
  } catch (error) {
    if (!still()) return null;
    showMessage(error.message);
    return false;
  }
  if (!still()) return null;
  sweep = arrived;
  // A limit that was set meanwhile is the visitor's.
  const max = settings.now.max === before.max ? { max: sweep.max } : {};
  change({ prompt, then, more, ...max }, { show: true, adopt: true });
  showRecorded({ anew: true });
  setState(root.dataset.state);
  return true;
}

/** The lanes of the recorded run that fit the settings. Where it has none, what is shown stays, and is said to be so. */
function showRecorded({ anew = false } = {}) {
  if (!sweep) return showWhose();
  const fitting = viewOf(sweep, settings.now);
  const view = fitting ?? (anew ? viewOf(sweep, DEFAULTS) : null);
  if (view) show(view);
  if (!fitting && trace) showKind(trace, settings.now, false);
}

/** Says whether what is shown is of the settings in the form. */
function showWhose() {
  if (trace)
    showKind(trace, settings.now, sweep ? Boolean(viewOf(sweep, settings.now)) : isOfSettings());
}

/** Was the live run that is shown made with these neurons, and turned as far? */
function isOfSettings() {
  const { settings: made } = trace;
  const { alpha, set, lever, seed, off } = settings.now;
  return (
    !made ||
    (made.alpha === alpha &&
      made.set === set &&
      made.seed === seed &&
      (set !== "lever" || made.lever === lever) &&
      (set !== "custom" || neuronsTo(made.off) === neuronsTo(off)))
  );
}

async function openGallery() {
  index = await loadIndex(artifact.json.model.id);
  gallery.setIndex(index, artifact.others);
  board.setGallery(index);
  views.setGallery(index);
  board.setSize(runSize());
  controls.showState(root.dataset.state, runSize());
  if (!trace && !isBusy()) await openFirst();
}

/** Opens the page on the recorded run that the settings name. */
async function openFirst() {
  // A link's own prompt is shown where it is recorded; any other waits for Run, but in an embed, which shows a run always.
  const named = index.runs.find(({ id }) => id === settings.now.recorded);
  const asked = index.runs.find(({ prompt, then = "", more = [] }) =>
    sameTurns(turnsOf({ prompt, then, more }), turnsOf(settings.now)),
  );
  const run = named ?? asked ?? (settings.now.prompt === "" || embedded ? index.runs[0] : null);
  if (!named)
    missRecorded(
      run ? `Shown instead: “${run.prompt}”` : "Press Run to ask the prompt of the link.",
    );
  sayUnknown();
  if (!run) return;
  const still = openings.begin();
  const arrived =
    opening.sweep?.id === run.id ? opening.sweep : await loadRecorded(index.model.id, run.id);
  if (!still() || trace || isBusy()) return;
  sweep = arrived;
  views.hold();
  if (named && settings.now.prompt === "")
    change(
      { prompt: run.prompt, then: run.then ?? "", max: sweep.max, recorded: run.id },
      { show: true, adopt: true },
    );
  showRecorded({ anew: true });
  if (settings.now.prompt === "" && trace) borrow();
  setState(root.dataset.state);
  if (trace && !embedded) lanes.replay();
}

const noRecordedRun = (error) => console.warn("No recorded run to show:", error.message);

async function showArtifact({ json }) {
  lanes.setArtifact(json);
  board.setArtifact(json);
  // What has been measured is about the default model, whichever runs.
  const measured = json.plain ? (await loadArtifact()).json : json;
  $("[data-part=short-answer] span").textContent = shortAnswer(measured);
  const evidence = $("[data-part=evidence]");
  whenNear(evidence, async () =>
    (await import("./page/evidence.js")).showEvidence(evidence, measured),
  );
  controls.setShape(json.model);
  controls.setLevers(json);
  missLever();
  controls.show(settings.now);
  views.setArtifact(json);
  checkSelection(json.model);
  const notice = $(".provisional");
  if (json.provisional) {
    notice.replaceChildren(
      h("strong", {}, "Provisional."),
      ` ${json.notice ?? "This list of H-Neurons is a first version."}`,
    );
    notice.hidden = false;
  }
  if (json.plain) {
    const { showPlain } = await import("./page/plain-model.js");
    change({ set: "custom" }, { show: true });
    return showPlain(json.model, measured.model);
  }
  $(".credits").textContent =
    `Model: ${json.model.name}, ${json.model.license}. ${json.neurons.length} H-Neurons of ${grouped(json.model.neuron_count)} neurons.`;
}

/** A link may name neurons that this model does not have. */
function checkSelection(shape) {
  const { neurons, wrong } = readNeurons(neuronsTo(settings.now.off), shape);
  if (wrong.length === 0) return;
  select(neurons);
  unknown.set("off", `${wrongNeurons(wrong, shape)} My selection in the link goes without it.`);
}

async function open() {
  arrange();
  listen({
    set: ({ hash }) => take({ ...parseHash(hash), run: false }),
    run: () => run(),
    stop,
  });
  linksTo($("#evidence"));
  $("form.doubt").append(...doubtFields());
  // What was typed before this script was there is the visitor's.
  const typed = controls.prompt.value;
  if (typed !== "" && settings.now.prompt === "" && !opening.state)
    settings.take({ ...settings.now, prompt: typed });
  controls.show(settings.now);
  showSelection();
  setState("recorded");
  artifactComing = openArtifact();
  await artifactComing;
  if (artifact && !isPlain()) await openGallery().catch(noRecordedRun);
  opened = true;
  if (settings.now.lesson) withLessons((them) => them.follow(settings.now.lesson));
  keepOffline();
  if (!artifact) return;
  if (root.dataset.state === "recorded") setState("recorded");
  // What a link cannot have is said, and not run as something else.
  if (settings.now.run && !unknown.has("off") && !unknown.has("lever")) run();
  else if (isToLoad()) attempt(() => session.load(settings.now.engine));
}

async function openArtifact() {
  try {
    artifact = await loadArtifact(settings.now.model);
    session.setArtifact(artifact);
    await showArtifact(artifact);
    missModel();
    missTurns();
    sayUnknown();
    stored = await isStored(artifact.json.model.sha256, artifact.json.model.bytes);
  } catch (error) {
    setState("error");
    showMessage(error.message, [{ words: "Reload", act: () => location.reload() }]);
  }
}

open();
