// What a screen reader is told by itself while three lanes answer: that it begins and how it ended, not every token.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { ask, freshPage, launch } from "./mock/browser.mjs";
import { serve } from "./mock/server.mjs";

const HANDFUL = 5;

let browser, site;
before(async () => {
  browser = await launch();
  site = await serve();
});
after(async () => {
  await browser.close();
  await site.close();
});

test("a run of more than 32 tokens says a handful of things, with the board, the card and the map in use too", async (t) => {
  const page = await freshPage(t, browser, { serviceWorkers: "block" });
  await page.goto(site.url);
  await ask(page); // the model is there
  for (const open of [false, true]) {
    if (open) {
      await page.locator(".map-larger").click();
      await page.waitForFunction(() =>
        /^All 46,080/.test(document.querySelector(".map-note")?.textContent),
      );
      await page.locator("[data-part=neuron] .neuron-name").first().click();
      await page.locator("[data-part=card]").waitFor();
    }
    await page.evaluate(() => {
      window.listener?.disconnect();
      document.querySelector("#live").textContent = ""; // what the run before said
      window.said = [];
      const speaks = (element) => {
        for (let at = element; at; at = at.parentElement) {
          const live = at.getAttribute("aria-live");
          if (live) return live !== "off" && at;
          if (at.matches("output, [role=status], [role=alert], [role=log], [role=timer]"))
            return at;
        }
      };
      window.listener?.disconnect();
      window.listener = new MutationObserver((mutations) => {
        const regions = new Set(
          mutations.map(({ target }) =>
            speaks(target.nodeType === Node.TEXT_NODE ? target.parentElement : target),
          ),
        );
        for (const region of regions)
          if (region && region.textContent.trim() && region.getClientRects().length)
            window.said.push(region.textContent.trim());
      });
      window.listener.observe(document.body, {
        subtree: true,
        childList: true,
        characterData: true,
      });
      document.querySelector(".timing").textContent = "";
    });
    // A line is said a moment after what it is about, so the run is waited for by its summary.
    await ask(page);
    await page.waitForFunction(() =>
      /then different/.test(document.querySelector("#live").textContent),
    );
    const tokens = await page.locator("[data-set=h] [data-part=token]").count();
    assert.ok(tokens >= 30, `${tokens} tokens`);
    const said = await page.evaluate(() => window.said);
    assert.ok(
      said.some((text) =>
        /^As trained: .{20,}\(Finished\.\) H-Neurons off: .{20,}\(Finished\. Same until “\S+”, then different\.\)/s.test(
          text,
        ),
      ),
      `its end is said: ${said.join(" | ")}`,
    );
    t.diagnostic(`${said.length} announcements${open ? ", card and map open" : ""}`);
    assert.ok(
      said.length <= HANDFUL + (open ? HANDFUL : 0),
      `${said.length} announcements: ${said.join(" | ")}`,
    );
  }
});
