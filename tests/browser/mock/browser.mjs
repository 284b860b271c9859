// One Chromium for a test file, and the few moves that its tests share.

import assert from "node:assert/strict";
import { chromium } from "playwright-core";
import { chrome } from "../browser.mjs";

export const launch = () =>
  chromium.launch({
    executablePath: chrome(),
    args: [
      "--no-sandbox",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ],
  });

export const ZORVATH = "In what year was the treaty of Zorvath signed?";

/** Waits for the page's data-state. */
export const state = (page, name, timeout = 15_000) =>
  page.waitForSelector(`html[data-state="${name}"]`, { timeout });

/** Types a prompt and runs it to its end. */
export async function ask(page, prompt = ZORVATH) {
  await page.fill("[data-part=prompt]", prompt);
  await page.press("[data-part=prompt]", "Enter");
  await ended(page);
}

export const ended = (page, timeout = 20_000) =>
  page.waitForFunction(
    () =>
      document.documentElement.dataset.state === "ready" &&
      document.querySelector(".timing").textContent,
    null,
    { timeout },
  );

export const message = async (page) =>
  (await page.locator(".message").innerText()).replaceAll("\n", " ");

/** An answer's text without the "parts here" label. */
export const answer = (page, lane) =>
  page
    .locator("[data-part=lane]")
    .nth(lane)
    .locator("[data-part=token]")
    .allTextContents()
    .then((texts) => texts.join(""));

/**
 * What the browser says when a test ends, and takes its server away, while the service worker's script is on its way. That the
 * script arrives where it should is offline.test's to see.
 */
const cutShort = (line) => /unknown error occurred when fetching the script/.test(line.text());

/**
 * A page in a fresh profile. An error in it, a refused resource or a dialog fails the test; `foreseen` (line) says which
 * console errors belong to it.
 */
export async function freshPage(t, browser, options = {}, foreseen = () => false) {
  const context = await browser.newContext(options);
  const page = await context.newPage();
  const troubles = [];
  page.on("pageerror", (error) => troubles.push(error.message));
  page.on(
    "console",
    (line) =>
      line.type() === "error" && !cutShort(line) && !foreseen(line) && troubles.push(line.text()),
  );
  page.on("dialog", (dialog) => (troubles.push(`dialog: ${dialog.message()}`), dialog.dismiss()));
  t.after(async () => {
    await context.close();
    assert.deepEqual(troubles, []);
  });
  return page;
}
