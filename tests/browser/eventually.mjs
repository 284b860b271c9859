// Waiting for what a page cannot be watched for: eventually(() => page.evaluate(async () => …)).
// Playwright's waitForFunction takes a promise for a yes, so it must not be given an async function.

import assert from "node:assert/strict";

/** Asks again and again until the answer is yes. */
export async function eventually(question, ms = 15_000) {
  for (
    const end = Date.now() + ms;
    Date.now() < end;
    await new Promise((resolve) => setTimeout(resolve, 50))
  ) {
    if (await question()) return;
  }
  assert.fail(`not within ${ms / 1000} seconds: ${question}`);
}

/** The paths of everything in a page's caches. */
export const cached = (page) =>
  page.evaluate(async () => {
    const names = await caches.keys();
    const kept = await Promise.all(names.map(async (name) => (await caches.open(name)).keys()));
    return kept.flat().map(({ url }) => new URL(url).pathname);
  });
