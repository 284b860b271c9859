// Every view of the page that is worth a picture, and how one gets there, in the order in which a visit can reach them.
//
// A view: name; go({page, server, blog}), which begins where the view before it ended; `of`, the part that is pictured (else
// what is in the window, or with `full` the whole page); `edges`, if it is also looked at on the narrowest and widest screens;
// `needs`, the views without which it cannot be reached.

import { createServer } from "node:http";
import { MODEL } from "./server.mjs";

const ZORVATH = "In what year was the treaty of Zorvath signed?";

/** The page anew, with its recorded run. */
export async function opened({ page, server }, hash = "", query = "") {
  await page.goto("about:blank");
  await page.goto(`${server.url}${query}${hash}`);
  await page.waitForSelector("[data-part=lane]");
}

const top = (page) =>
  page.evaluate(() => {
    document.activeElement.blur();
    window.scrollTo(0, 0);
  });

async function ended(page) {
  await page.waitForFunction(
    () =>
      document.documentElement.dataset.state === "ready" &&
      document.querySelector(".timing").textContent !== "",
    null,
    { timeout: 180_000 },
  );
  await top(page);
}

const mapRead = (page) =>
  page.waitForFunction(
    () => document.querySelector(".map-note").textContent.startsWith("All "),
    null,
    { timeout: 60_000 },
  );

async function run(page, button) {
  await page.evaluate(() => (document.querySelector(".timing").textContent = ""));
  await button.click();
  await ended(page);
}

const open =
  (selector) =>
  async ({ page }) => {
    await page.evaluate((selector) => (document.querySelector(selector).open = true), selector);
    await page.locator(selector).scrollIntoViewIfNeeded();
  };

const step =
  (kind) =>
  async ({ page }) => {
    for (let at = 0; at < 20; at++) {
      if ((await page.locator(".step-kind").first().textContent()).startsWith(kind))
        return top(page);
      for (const button of await page.locator("[data-lesson-run]").all()) await button.click();
      await page.waitForTimeout(200);
      await page.locator(".lesson-next").click();
      await page.waitForTimeout(100);
      if (await page.locator(".lesson-wrong").filter({ hasText: "missing" }).count())
        await page.locator(".lesson-next").click();
    }
    throw new Error(`no step ${kind}`);
  };

const dialog =
  (button) =>
  async ({ page }) => {
    await page.getByRole("button", { name: button, exact: true }).click();
    await page.locator("dialog[open] :is(li, textarea, select)").first().waitFor();
  };

export const VIEWS = [
  { name: "opening", edges: true, go: (at) => opened(at) },
  { name: "settings", of: "form.ask", go: open(".advanced"), needs: ["opening"] },
  {
    name: "export",
    of: ".export",
    needs: ["opening"],
    go: async (at) => {
      await open(".export")(at);
      await at.page.waitForSelector(".exports");
    },
  },
  { name: "sweep", of: "[data-part=sweep]", go: async () => {}, needs: ["opening"] },
  {
    name: "sweep-answers",
    of: "[data-part=sweep]",
    go: open(".sweep-answers"),
    needs: ["opening"],
  },
  { name: "board", of: "[data-part=board]", go: async () => {}, needs: ["opening"] },
  {
    name: "card",
    of: "[data-part=board]",
    needs: ["opening"],
    go: async ({ page }) => {
      await page.locator(".neuron-name").nth(4).click();
      await page.waitForSelector(".card");
    },
  },
  {
    name: "gallery",
    of: ".gallery",
    needs: ["opening"],
    go: async (at) => {
      await open(".gallery-all")(at);
      await at.page.getByRole("radio", { name: "False premises" }).check({ force: true });
    },
  },
  {
    name: "opening-page",
    edges: true,
    full: true,
    go: async (at) => {
      await opened(at);
      await at.page.locator("[data-part=evidence]").scrollIntoViewIfNeeded();
      await at.page
        .locator("[data-part=evidence]:not([aria-busy]) .evidence-part")
        .last()
        .waitFor();
      await top(at.page);
    },
  },
  {
    name: "evidence",
    of: "[data-part=evidence]",
    needs: ["opening-page"],
    go: ({ page }) =>
      page.evaluate(
        () =>
          document
            .querySelectorAll(".evidence details")
            .forEach((details, i) => (details.open = i < 2)), // a part, and the numbers of its first plot
      ),
  },
  {
    name: "about",
    go: async (at) => {
      await opened(at);
      await at.page.locator(".top-acts [data-opens=about]").click();
      await at.page.locator("dialog[open] dl").waitFor();
    },
  },
  {
    name: "print-page",
    full: true,
    needs: ["opening-page"],
    go: ({ page }) => page.emulateMedia({ media: "print" }),
  },
  {
    name: "embed-dialog",
    go: async (at) => {
      await opened(at);
      await dialog("Embed")(at);
    },
  },
  {
    name: "lesson-list",
    go: async (at) => {
      await opened(at);
      await dialog("Lessons")(at);
    },
  },
  { name: "class-link", go: dialog("Link for a class"), needs: ["lesson-list"] },
  {
    name: "lesson-reading",
    go: async (at) => {
      await opened(at, "#lesson=control");
      await at.page.locator("#lesson-step").waitFor();
    },
  },
  { name: "lesson-predict", go: step("Predict"), needs: ["lesson-reading"] },
  { name: "lesson-observe", go: step("Observe"), needs: ["lesson-reading"] },
  { name: "lesson-report", go: step("Report"), needs: ["lesson-reading"] },
  {
    name: "print-report",
    full: true,
    go: ({ page }) => page.emulateMedia({ media: "print" }),
    needs: ["lesson-reading", "lesson-report"],
  },
  {
    name: "error",
    go: async ({ page, server }) => {
      await opened({ page, server });
      server.fault(MODEL, { status: 404 });
      await page.locator("[data-part=run]").click();
      await page.waitForSelector(".message:not([hidden])");
    },
  },
  {
    name: "loading",
    go: async ({ page, server }) => {
      await opened({ page, server });
      server.fault(MODEL, { slow: 30 });
      await page.fill("[data-part=prompt]", ZORVATH);
      await page.locator("[data-part=run]").click();
      await page.waitForFunction(
        () => document.querySelector("[data-phase=download] progress").value > 0.4,
      );
    },
  },
  { name: "live", full: true, go: ({ page }) => ended(page), needs: ["loading"] },
  {
    name: "map",
    of: "[data-part=map]",
    needs: ["loading", "live"],
    go: ({ page }) => mapRead(page),
  },
  {
    name: "doubt",
    needs: ["loading", "live"],
    go: ({ page }) => run(page, page.getByRole("button", { name: "Doubt it" })),
  },
  {
    name: "map-large",
    of: "[data-part=map]",
    needs: ["loading", "live"],
    go: async ({ page }) => {
      await mapRead(page);
      await page.locator(".map-larger").click();
      await page.waitForFunction(() => document.querySelector(".map-cells").clientHeight > 300);
    },
  },
  {
    name: "embed",
    full: true,
    go: (at) => opened(at, "#prompt=What%20animal%20meows%3F", "?embed=1"),
  },
  {
    name: "embed-live",
    full: true,
    needs: ["loading", "live", "embed"],
    go: async ({ page }) => {
      await page.locator("[data-part=run]").click();
      await ended(page);
    },
  },
  {
    name: "embed-host",
    go: async ({ page, blog }) => {
      // What a frame has below the window is not painted: so the window is as high as the post.
      await page.setViewportSize({ width: page.viewportSize().width, height: 2000 });
      await page.goto(blog.url);
      await page.frameLocator("iframe").locator("[data-part=lane]").first().waitFor();
      await page.waitForTimeout(500); // the frame's height follows
    },
  },
];

const askedOfZorvath = async (at) => {
  await opened(at);
  await at.page.fill("[data-part=prompt]", ZORVATH);
  await run(at.page, at.page.locator("[data-part=run]"));
  await at.page.waitForFunction(
    () =>
      [".map-note", ".next-note"].every(
        (note) => !/Reading/.test(document.querySelector(note)?.textContent ?? ""),
      ),
    null,
    { timeout: 60_000 },
  );
};

const LAPTOP = { width: 1280, height: 800 };

/**
 * Views of which docs/page.md has a picture beside that of an older page: what they need must be in both. `shown` is the width
 * of each in the picture; `whole`, not the window but all of the page.
 */
export const BESIDE = [
  { name: "opening", ...LAPTOP, shown: 720, go: (at) => opened(at) },
  { name: "opening-phone", width: 375, height: 667, shown: 375, go: (at) => opened(at) },
  { name: "after-a-run", ...LAPTOP, shown: 720, go: askedOfZorvath },
  {
    name: "board",
    ...LAPTOP,
    shown: 720,
    of: "[data-part=board]",
    go: async (at) => {
      await opened(at);
      await at.page.locator("[data-part=board]").scrollIntoViewIfNeeded();
    },
  },
  {
    name: "whole",
    ...LAPTOP,
    shown: 260,
    whole: true,
    go: async (at) => {
      await opened(at);
      await at.page.locator("[data-part=evidence]").scrollIntoViewIfNeeded();
      await at.page.waitForTimeout(1000);
      await top(at.page);
    },
  },
];

/** A blog post, light whatever the reader's system says, with an embed in it; of another origin than the page. */
export async function host(page) {
  const post = `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><meta name="color-scheme" content="light"><title>A post</title>
    <style>body { max-width: 46rem; margin: 2rem auto; padding: 0 1rem; font: 1.0625rem/1.6 Georgia, serif; color: #222; background: #fff }</style>
    <h1>What a small model says</h1><p>The model below answers in your browser. Move the slider, or ask it something else.</p>
    <script src="${page}www/embed.js"></script><h-neurons prompt="What is the capital of Velmoria?"></h-neurons>
    <p>The third answer is the control: as many neurons of the same layers, drawn by chance.</p></html>`;
  const server = createServer((request, response) =>
    response
      .writeHead(200, { "Content-Type": "text/html; charset=utf-8" })
      .end(request.url === "/" ? post : ""),
  );
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  return {
    url: `http://localhost:${server.address().port}/`,
    close: () => (server.closeAllConnections(), new Promise((done) => server.close(done))),
  };
}
