// A real Chrome or Chromium for a test, and a watch on what goes wrong in it.
//
//     const { page, problems, foreign, close } = await open();             // a fresh, private profile
//     const { page, … } = await open({ profile: folder });                 // one that keeps its storage between visits
//     const { page, … } = await open({ viewport: { width: 375, height: 800 }, colorScheme: "dark" });
//
//     problems    console errors and uncaught errors so far, as text; a good test ends with deepEqual(problems, [])
//     foreign     addresses outside this machine that the page asked for: must stay empty
//     context     Playwright's browser context, for a second page or for setOffline(true)
//
// `temporaryFolder()` gives a profile folder and a function that removes it. The browser is the one in CHROME, or the first
// one found where `cargo xtask test` looks too.

import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium } from "playwright-core";

const PLACES = [
  "/usr/bin/chromium",
  "/usr/bin/google-chrome",
  "/usr/bin/chromium-browser",
  "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
  "/Applications/Chromium.app/Contents/MacOS/Chromium",
];

// The browser itself must be as quiet as the page: no updates, no field trials, nothing that would blur a test or a number.
const FLAGS = [
  "--no-sandbox",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

export function chrome() {
  const found = process.env.CHROME ?? PLACES.find((path) => existsSync(path));
  if (!found)
    throw new Error(
      "Chrome or Chromium was not found; install it (Debian: apt-get install chromium) or name it in CHROME",
    );
  return found;
}

const AT_REST = 1000; // milliseconds for which a browser without a page waits for the next

// Starting a browser costs as much as many a test, so a fresh profile is a context of one that runs already. Where a test wants
// flags of its own, it has a browser of its own: what it does to the graphics process stays there.
let running = null; // {browser, contexts, resting}

async function shared() {
  running ??= start();
  const mine = running;
  clearTimeout(mine.resting);
  mine.contexts++;
  const release = () => {
    if (--mine.contexts > 0) return;
    mine.resting = setTimeout(() => {
      if (running === mine) running = null;
      mine.browser.then((browser) => browser.close());
    }, AT_REST);
  };
  return { browser: await mine.browser, release };
}

function start() {
  const started = { browser: chromium.launch(launch()), contexts: 0, resting: undefined };
  // One that a test brought down is not used again.
  const gone = () => running === started && (running = null);
  started.browser.then((browser) => browser.once("disconnected", gone), gone);
  return started;
}

const launch = (args = []) => ({
  executablePath: chrome(),
  headless: true,
  args: [...FLAGS, ...args],
});

async function alone(args) {
  const browser = await chromium.launch(launch(args));
  return { browser, release: () => browser.close() };
}

export async function open({ profile, args = [], ...options } = {}) {
  const { browser, release } = profile
    ? { browser: null, release() {} }
    : await (args.length > 0 ? alone(args) : shared());
  const context = profile
    ? await chromium.launchPersistentContext(profile, { ...launch(args), ...options })
    : await browser.newContext(options);
  const problems = [];
  const foreign = [];
  context.on("console", (message) => {
    if (message.type() === "error") problems.push(message.text());
  });
  context.on("weberror", (error) => problems.push(String(error.error())));
  context.on("request", (request) => {
    const { protocol, hostname } = new URL(request.url());
    if (/^(https?|wss?):$/.test(protocol) && hostname !== "127.0.0.1") foreign.push(request.url());
  });
  const page = context.pages()[0] ?? (await context.newPage());
  return {
    page,
    context,
    problems,
    foreign,
    version: (browser ?? context.browser())?.version() ?? "",
    async close() {
      await context.close();
      await release();
    },
  };
}

export async function temporaryFolder() {
  const path = await mkdtemp(join(tmpdir(), "hneurons-"));
  return { path, remove: () => rm(path, { recursive: true, force: true }) };
}
