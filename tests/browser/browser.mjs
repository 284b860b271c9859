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

export async function open({ profile, args = [], ...options } = {}) {
  const launch = { executablePath: chrome(), headless: true, args: [...FLAGS, ...args] };
  const browser = profile ? null : await chromium.launch(launch);
  const context = profile
    ? await chromium.launchPersistentContext(profile, { ...launch, ...options })
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
    close: () => (browser ?? context).close(),
  };
}

export async function temporaryFolder() {
  const path = await mkdtemp(join(tmpdir(), "hneurons-"));
  return { path, remove: () => rm(path, { recursive: true, force: true }) };
}
