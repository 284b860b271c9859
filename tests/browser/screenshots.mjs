// Pictures of the real page, to look at and for the README. Needs dist/ and models/ (`cargo xtask build`).
//
//     node tests/browser/screenshots.mjs [folder]     every width, light and dark: after a first answer, and after the doubt
//     node tests/browser/screenshots.mjs --readme     those of the README, docs/screenshot*.png: the page as it opens, its evidence, a lesson

import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { open } from "./browser.mjs";
import { repository, serve } from "./server.mjs";

const readme = process.argv[2] === "--readme";
const folder = readme ? join(repository, "docs") : (process.argv[2] ?? "target/screenshots");
const views = readme ? [[1280, "light"]] : [1280, 768, 375].flatMap((width) => [[width, "light"], [width, "dark"]]);

async function run(page, button) {
  await page.evaluate(() => (document.querySelector(".timing").textContent = ""));
  await button.click();
  await page.waitForFunction(() => document.documentElement.dataset.state === "ready" && document.querySelector(".timing").textContent !== "", null, { timeout: 120_000 });
  await page.evaluate(() => {
    document.activeElement.blur();
    window.scrollTo(0, 0);
  });
  await page.waitForTimeout(300); // the board paints in the next frame
}

const server = await serve();
await mkdir(folder, { recursive: true });
for (const [width, colorScheme] of views) {
  const { page, close } = await open({ viewport: { width, height: readme ? 1650 : 900 }, colorScheme, reducedMotion: "reduce" });
  const shot = (name, options = {}) => page.screenshot({ path: join(folder, name), animations: "disabled", ...options });
  await page.goto(server.url);
  await page.waitForFunction(() => document.querySelector(".credits").textContent);
  if (readme) {
    await page.waitForSelector("[data-part=lane]");
    await page.waitForTimeout(500); // the board paints in the next frame
    await shot("screenshot.png");
    await page.locator("[data-part=evidence]").scrollIntoViewIfNeeded();
    await page.locator(".evidence-part").last().waitFor();
    const y = await page.evaluate(() => document.querySelector("[data-part=evidence]").getBoundingClientRect().top + window.scrollY);
    await shot("screenshot-evidence.png", { fullPage: true, clip: { x: 0, y, width, height: 1150 } });
    await page.goto(`${server.url}#lesson=control`);
    await page.reload();
    await page.locator("[data-part=lesson] h2, [data-part=lesson] h3").first().waitFor();
    await page.evaluate(() => window.scrollTo(0, 0));
    await shot("screenshot-lesson.png", { clip: { x: 0, y: 0, width, height: 1000 } });
    await close();
    continue;
  }
  await page.fill("[data-part=prompt]", "In what year was the treaty of Zorvath signed?");
  await run(page, page.locator("[data-part=run]"));
  await shot(`zorvath-${width}-${colorScheme}.png`, { fullPage: true });
  await page.fill("[data-part=prompt]", "What animal meows?");
  await run(page, page.locator("[data-part=run]"));
  await run(page, page.getByRole("button", { name: "Doubt it" }));
  await shot(`doubt-${width}-${colorScheme}.png`, { fullPage: true });
  const wide = await page.evaluate(() => document.documentElement.scrollWidth);
  if (wide > width) console.error(`at ${width} px the page is ${wide} px wide`);
  await close();
}
await server.close();
