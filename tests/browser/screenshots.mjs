// Pictures of the real page, to look at and for the README. Needs dist/ and models/ (`cargo xtask build`).
//
//     node tests/browser/screenshots.mjs [folder] [--only NAME,NAME] [--at 1280-light,375-dark]
//                                                     every view (views.mjs) at every width, light and dark, as
//                                                     view-width-scheme.png; target/screenshots/ if no folder is named
//     node tests/browser/screenshots.mjs --readme     those of the README, docs/screenshot*.png: the page as it opens, its evidence, a lesson
//     node tests/browser/screenshots.mjs --science    those of docs/science.md, docs/science/*.png: the Evidence's figures of every published model
//     node tests/browser/screenshots.mjs --beside FOLDER   the five of docs/page.md, docs/page/*.webp: each view of an older
//                                                     page, whose dist/ is in FOLDER, and beside it the same view of this one
//
// With `--dist FOLDER` the page in that folder is pictured, not the one in dist/.
//
// A view is a picture, not a test: one that cannot be reached is said, and the others go on.

import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { open } from "./browser.mjs";
import { repository, serve } from "./server.mjs";
import { BESIDE, host, opened, VIEWS } from "./views.mjs";

const SCHEMES = ["light", "dark"];
const PLACES = [1280, 768, 375].flatMap((width) => SCHEMES.map((scheme) => `${width}-${scheme}`));
// Where only the opening is looked at: the narrowest, and the widest.
const EDGES = [320, 2560, 3840].map((width) => `${width}-light`);

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    readme: { type: "boolean" },
    science: { type: "boolean" },
    only: { type: "string" },
    at: { type: "string" },
    beside: { type: "string" },
    dist: { type: "string" },
  },
});
const server = await serve({ dist: values.dist });
if (values.readme) await readme(join(repository, "docs"));
else if (values.science) await science(join(repository, "docs/science"));
else if (values.beside) await beside(values.beside, join(repository, "docs/page"));
else await everything(positionals[0] ?? join(repository, "target/screenshots"));
await server.close();

async function everything(folder) {
  await mkdir(folder, { recursive: true });
  const blog = await host(server.url);
  const only = values.only?.split(",");
  const wanted = VIEWS.filter(
    ({ name, needs = [] }) =>
      !only ||
      only.includes(name) ||
      VIEWS.some((view) => only.includes(view.name) && view.needs?.includes(name)) ||
      needs.some((need) => only.includes(need)),
  );
  for (const place of values.at?.split(",") ?? [...PLACES, ...EDGES]) {
    const [width, colorScheme] = [parseInt(place, 10), place.split("-")[1]];
    const views = PLACES.includes(place) ? wanted : wanted.filter(({ edges }) => edges);
    const { page, context, close } = await open({
      viewport: { width, height: width < 500 ? 800 : 900 },
      colorScheme,
      reducedMotion: "reduce",
      serviceWorkers: "block",
    });
    // Nothing outside this machine, whatever a fault drives the page to.
    await context.route(
      (url) => url.hostname !== "127.0.0.1" && url.hostname !== "localhost",
      (route) => route.abort(),
    );
    for (const { name, go, of, full } of views) {
      try {
        await go({ page, server, blog });
        await page.waitForTimeout(300); // the board paints in the next frame
        const path = join(folder, `${name}-${place}.png`);
        if (of) await page.locator(of).first().screenshot({ path, animations: "disabled" });
        else await page.screenshot({ path, animations: "disabled", fullPage: full });
        const wide = await page.evaluate(() => document.documentElement.scrollWidth);
        if (wide > width) console.error(`${name}-${place}: the page is ${wide} px wide`);
      } catch (error) {
        console.error(`${name}-${place}: no picture. ${error.message.split("\n")[0]}`);
      } finally {
        await page.emulateMedia({ media: "screen" });
        server.heal();
      }
    }
    await close();
    console.log(`${place}: ${views.length} views`);
  }
  await blog.close();
}

async function readme(folder) {
  const width = 1280;
  const { page, close } = await open({
    viewport: { width, height: 1160 },
    colorScheme: "light",
    reducedMotion: "reduce",
  });
  const shot = (name, options = {}) =>
    page.screenshot({ path: join(folder, name), animations: "disabled", ...options });
  await opened({ page, server });
  await page.waitForTimeout(500); // the board paints in the next frame
  await shot("screenshot.png");
  await page.locator("[data-part=evidence]").scrollIntoViewIfNeeded();
  await page.locator("[data-part=evidence]:not([aria-busy]) .evidence-part").last().waitFor();
  const { y, height } = await page.evaluate(() => {
    const { top, height } = document.querySelector("[data-part=evidence]").getBoundingClientRect();
    return { y: top + window.scrollY, height };
  });
  await shot("screenshot-evidence.png", { fullPage: true, clip: { x: 0, y, width, height } });
  await opened({ page, server }, "#lesson=control");
  await page.locator("#lesson-step").waitFor();
  await page.evaluate(() => window.scrollTo(0, 0));
  await shot("screenshot-lesson.png", { clip: { x: 0, y: 0, width, height: 1000 } });
  await close();
}

async function science(folder) {
  await mkdir(folder, { recursive: true });
  const { models } = await (await fetch(new URL("www/artifacts/index.json", server.url))).json();
  for (const { id } of models) {
    const { page, close } = await open({
      viewport: { width: 900, height: 1000 },
      colorScheme: "light",
      reducedMotion: "reduce",
      serviceWorkers: "block",
    });
    await page.goto(`${server.url}#model=${id}`);
    await page.locator("[data-part=lane]").first().waitFor();
    await page.locator("[data-part=evidence]").scrollIntoViewIfNeeded();
    await page.locator("[data-part=evidence]:not([aria-busy]) .evidence-part").last().waitFor();
    const shot = (of, name) =>
      of.screenshot({ path: join(folder, `${name}-${id}.png`), animations: "disabled" });
    await shot(page.locator(".evidence-lead .overview"), "predict");
    const margins = page.locator(".evidence-part[data-part=margins]");
    if (await margins.count()) {
      await margins.locator("summary").first().click();
      await shot(margins.locator("[data-behaviour=opinion]"), "act");
    }
    await close();
  }
}

async function beside(older, folder) {
  await mkdir(folder, { recursive: true });
  const before = await serve({ dist: older });
  for (const { name, width, height, shown, whole, go, of } of BESIDE) {
    const pictures = [];
    for (const site of [before, server]) {
      const { page, close } = await open({
        viewport: { width, height },
        colorScheme: "light",
        reducedMotion: "reduce",
        serviceWorkers: "block",
      });
      await go({ page, server: site });
      await page.waitForTimeout(800); // the board paints, and the map is read
      const how = { animations: "disabled", fullPage: whole };
      const picture = await (of ? page.locator(of).screenshot(how) : page.screenshot(how));
      pictures.push(picture.toString("base64"));
      await close();
    }
    const { page, close } = await open();
    const webp = await page.evaluate(joined, { pictures, shown });
    await close();
    await writeFile(join(folder, `${name}.webp`), Buffer.from(webp, "base64"));
    console.log(`${name}: ${Math.round((0.75 * webp.length) / 1000)} kB`);
  }
  await before.close();
}

/** In a page: two pictures side by side, each `shown` pixels wide, as base64 of a WebP. */
async function joined({ pictures, shown }) {
  const images = await Promise.all(
    pictures.map(async (data) => {
      const image = new Image();
      image.src = `data:image/png;base64,${data}`;
      await image.decode();
      return image;
    }),
  );
  const gap = 24;
  const high = (image) => Math.round((image.height * shown) / image.width);
  const canvas = document.createElement("canvas");
  canvas.width = 2 * shown + 3 * gap;
  canvas.height = Math.max(...images.map(high)) + 2 * gap;
  const pen = canvas.getContext("2d");
  pen.fillStyle = "#9aa3a1";
  pen.fillRect(0, 0, canvas.width, canvas.height);
  pen.imageSmoothingQuality = "high";
  images.forEach((image, i) =>
    pen.drawImage(image, gap + i * (shown + gap), gap, shown, high(image)),
  );
  return canvas.toDataURL("image/webp", 0.82).split(",")[1];
}
