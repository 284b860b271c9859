// A real Firefox for a test, driven over WebDriver BiDi, and a watch on what goes wrong in it.
//
//     const firefox = await launch();                  // { browser, version, saved(name), printed(), close() }
//     const firefox = await launch({ dark: true });    // the visitor prefers dark, and little motion
//     const page = await open(t, firefox, server.url); // Puppeteer's page, in a profile of its own
//     const page = await open(t, firefox, server.url, { visitor: await firefox.visitor(), width: 375 });
//
// A `visitor` may come back: it is a container of Firefox, with storage, caches and service workers of its own. When the
// test ends, it fails if the page said an error, refused something by its policy (CSP), opened a dialog, or asked anyone but
// this machine for anything. The browser is the one in FIREFOX, or the first one found where `cargo xtask test` looks too.

import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { readFile, rm } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { inflateSync } from "node:zlib";
import puppeteer from "puppeteer-core";
import { temporaryFolder } from "./browser.mjs";
import { eventually } from "./eventually.mjs";

const PLACES = [
  "/usr/bin/firefox-esr",
  "firefox-esr",
  "firefox",
  "/Applications/Firefox.app/Contents/MacOS/firefox",
];

function find(program) {
  if (program.includes("/")) return existsSync(program) ? program : undefined;
  return (process.env.PATH ?? "")
    .split(delimiter)
    .map((folder) => join(folder, program))
    .find((path) => existsSync(path));
}

export function firefox() {
  const found = process.env.FIREFOX ?? PLACES.map(find).find(Boolean);
  if (!found)
    throw new Error(
      "Firefox was not found; install it (Debian: apt-get install firefox-esr) or name it in FIREFOX",
    );
  return found;
}

export async function launch({ dark = false } = {}) {
  const folder = await temporaryFolder();
  const printed = join(folder.path, "printed.pdf");
  const browser = await puppeteer.launch({
    browser: "firefox",
    executablePath: firefox(),
    headless: true,
    timeout: 60_000,
    extraPrefsFirefox: {
      "layout.css.prefers-color-scheme.content-override": dark ? 0 : 1,
      "ui.prefersReducedMotion": dark ? 1 : 0,
      // As at a visitor's: a frame of another site has storage of its own. Puppeteer turns that off.
      "network.cookie.cookieBehavior": 5,
      "browser.contentblocking.features.standard": "-tp,tpPrivate,cookieBehavior5,-cryptoTP,-fp",
      "dom.webgpu.enabled": false, // these tests are of the CPU engine, also where this Firefox has WebGPU
      "browser.download.folderList": 2,
      "browser.download.dir": folder.path,
      // window.print() prints at once, into a file.
      "print.always_print_silent": true,
      print_printer: "Mozilla Save to PDF",
      "print.printer_Mozilla_Save_to_PDF.print_to_file": true,
      "print.printer_Mozilla_Save_to_PDF.print_to_filename": printed,
    },
  });
  /** The bytes of a file that appears in the folder; then it is gone, so that the name is free again. */
  const taken = async (path, complete) => {
    let bytes;
    await eventually(async () =>
      complete((bytes = await readFile(path).catch(() => Buffer.alloc(0)))),
    );
    await rm(path);
    return bytes;
  };
  return {
    browser,
    version: await browser.version(),
    visitor: () => browser.createBrowserContext(),
    // Firefox writes into NAME.part beside an empty NAME.
    saved: (name) =>
      taken(
        join(folder.path, name),
        (bytes) => bytes.length > 0 && !existsSync(join(folder.path, `${name}.part`)),
      ),
    printed: async () => textOfPdf(await taken(printed, (bytes) => bytes.includes("%%EOF"))),
    close: async () => {
      await browser.close();
      await folder.remove();
    },
  };
}

const LATIN = new TextDecoder("windows-1252");

/** The text of a PDF that cairo has made, as Firefox's are, for `sameText`: enough to see what was printed. */
function textOfPdf(bytes) {
  const lines = [];
  for (let at = bytes.indexOf("stream\n"); at >= 0; at = bytes.indexOf("stream\n", at + 1)) {
    let content;
    try {
      content = inflateSync(bytes.subarray(at + 7), { finishFlush: 2 }).toString("latin1");
    } catch {
      continue; // the end of a stream, or one that is not compressed
    }
    if (!/\bBT\b/.test(content)) continue;
    for (const [, text] of content.matchAll(/\(((?:[^\\)]|\\.)*)\)/gs)) {
      lines.push(
        text.replace(/\\(\d{3}|.)/gs, (_, code) =>
          code.length === 3 ? LATIN.decode(Uint8Array.of(parseInt(code, 8))) : code,
        ),
      );
    }
  }
  return sameText(lines.join(""));
}

/** Without what a font may draw as one sign (fi, ffl), and without spaces: lines are broken anywhere. */
export const sameText = (text) => text.replace(/\s+|f[fil]+/g, "");

const local = (url) =>
  !/^(https?|wss?):/.test(url) || ["127.0.0.1", "localhost"].includes(new URL(url).hostname);

// Firefox says this, at times without the address, of a request that a page had begun when it was left, if a service worker
// was to answer it. Of a page that stays it is an error like any other.
const LEFT =
  /^uncaught: Failed to load ‘[^’]*’\. A ServiceWorker intercepted the request and encountered an unexpected error\.$/;
const leaving = new WeakSet();

/** @param foreseen (text): is this error the test's doing? */
export async function open(
  t,
  { browser },
  address,
  { visitor, width = 1280, height = 900, foreseen = () => false } = {},
) {
  const context = visitor ?? (await browser.createBrowserContext());
  const page = await context.newPage();
  page.setDefaultTimeout(60_000);
  const troubles = [];
  const note = (text) =>
    (leaving.has(page) && LEFT.test(text)) || foreseen(text) || troubles.push(text);
  page.on("pageerror", (error) => note(`uncaught: ${error.message}`)); // what its policy refuses, too
  page.on("console", (line) => line.type() === "error" && note(line.text()));
  page.on("dialog", (dialog) => (note(`dialog: ${dialog.message()}`), dialog.dismiss()));
  page.on("request", (request) => local(request.url()) || note(`foreign: ${request.url()}`));
  t.after(async () => {
    leaving.add(page);
    await (visitor ? page.close() : context.close());
    assert.deepEqual(troubles, []);
  });
  await page.setViewport({ width, height });
  await page.goto(address);
  return page;
}

// ---- Moves ----

/** Does what leaves the page as it is, until another is there. */
export async function leave(page, act) {
  leaving.add(page);
  await act();
  leaving.delete(page);
}

/** Opens an address as a new page would, also where only its hash is another. */
export const reopen = (page, address) =>
  leave(page, async () => {
    await page.goto("about:blank");
    await page.goto(address);
  });

const ROOT = { polling: 100 }; // not by animation frames, which a page in the background has none of

export const until = (page, question, ...values) => page.waitForFunction(question, ROOT, ...values);

/** Until the page, which may open on no run, can be used. */
export const opened = (page) =>
  until(
    page,
    () =>
      document.querySelector(".credits")?.textContent &&
      document.querySelector(".run-size").textContent,
  );

export const click = (page, selector) => page.locator(selector).click();
/** The button of exactly these words. Puppeteer finds it by its accessible name too, but takes many seconds on such a page. */
export const press = (page, words) =>
  page.locator(`::-p-xpath(//button[normalize-space()="${words}"])`).click();

export const textOf = (page, selector) => page.$eval(selector, (element) => element.innerText);
export const count = (page, selector) => page.$$eval(selector, (all) => all.length);
export const state = (page) => page.$eval("html", (root) => root.dataset.state);

/** The lanes' answers. */
export const answers = (page) =>
  page.$$eval("[data-part=lane]", (lanes) =>
    lanes.map((lane) =>
      [...lane.querySelectorAll("[data-part=token]")].map((token) => token.textContent).join(""),
    ),
  );

export const ended = (page) =>
  until(page, () => {
    const { state } = document.documentElement.dataset;
    if (state === "error") throw new Error(document.querySelector(".message").textContent);
    return state === "ready" && document.querySelector(".timing").textContent !== "";
  });

/** Presses Run, and waits for the end. */
export async function run(page) {
  await page.evaluate(() => (document.querySelector(".timing").textContent = ""));
  await click(page, "[data-part=run]");
  await ended(page);
}
