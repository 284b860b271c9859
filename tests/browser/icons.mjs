// The icons for home screens, made of www/icon.svg: `node tests/browser/icons.mjs` writes www/icon-192.png and icon-512.png.
// On the page's paper, and small enough that a launcher's round mask cuts nothing off.

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { open } from "./browser.mjs";
import { repository } from "./server.mjs";

const svg = await readFile(join(repository, "www/icon.svg"), "utf8");
const { page, close } = await open({ colorScheme: "light" });
for (const size of [192, 512]) {
  await page.setViewportSize({ width: size, height: size });
  await page.setContent(
    `<style>body{margin:0;block-size:100vh;display:grid;place-items:center;background:#f5f7f6}svg{inline-size:66%}</style>${svg}`,
  );
  await page.screenshot({ path: join(repository, `www/icon-${size}.png`) });
}
await close();
