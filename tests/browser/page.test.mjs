// The page, with a stand-in for the engine: what a visitor can do, see and share.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { after, before, test } from "node:test";
import { answer, ask, ended, freshPage, launch, message, state, ZORVATH } from "./mock/browser.mjs";
import { serve } from "./mock/server.mjs";

let browser, site;
before(async () => {
  browser = await launch();
  site = await serve({ under: "/a/sub/path/" });
});
after(async () => {
  await browser.close();
  await site.close();
});

/** A fresh visitor; any error or refused resource fails the test that sees it. */
async function visit(t, { hash = "", query = "", options = {}, at = site } = {}) {
  const page = await freshPage(t, browser, options);
  await page.goto(`${at.url}${query}${hash}`);
  return page;
}

test("opens on a recorded run, with no request for the model", async (t) => {
  const page = await visit(t);
  await page.waitForSelector("[data-part=lane]");
  await state(page, "recorded");
  assert.equal(await page.locator("[data-part=lane]").count(), 3);
  assert.match(await page.locator("[data-part=status]").innerText(), /Recorded run/);
  assert.equal(await page.locator("[data-part=neuron]").count(), 39);
  assert.match(await page.locator(".provisional").innerText(), /^Provisional\./);
  assert.match(await page.locator("[data-part=run]").innerText(), /3 MB/);
  assert.match(await answer(page, 0), /is a dog/);
  assert.equal(site.modelRequests().length, 0);
});

test("a recorded run answers the slider and the sets at once, and says where it has no such lanes", async (t) => {
  const page = await visit(t);
  await page.waitForSelector("[data-part=lane]");
  assert.match(await answer(page, 1), /a cat\.$/);
  assert.equal(
    await page.locator('.tries .chip[aria-pressed="true"]').innerText(),
    "The animal that meows, doubted",
  );
  await page.locator("[data-part=alpha]").fill("3");
  assert.equal(await page.locator("[data-part=lane]").nth(1).getAttribute("data-alpha"), "3");
  assert.equal(
    await page
      .locator("[data-part=lane]")
      .nth(1)
      .locator("[data-part=score]")
      .getAttribute("data-value"),
    "0.9000",
  );
  await page.locator("[data-part=alpha]").fill("1");
  assert.equal(await answer(page, 1), await answer(page, 0), "times 1 is as trained");
  await page.locator("[data-part=alpha]").fill("1.5");
  assert.match(await page.locator(".run-kind").innerText(), /press Run for these/);
  await page.locator("[data-part=alpha]").fill("0");
  assert.equal(await page.locator(".run-kind").innerText(), "Recorded run");
  assert.equal(site.modelRequests().length, 0);
});

test("works without a recorded run", async (t) => {
  const bare = await serve({ trace: false });
  t.after(() => bare.close());
  const context = await browser.newContext();
  t.after(() => context.close());
  const page = await context.newPage();
  await page.goto(bare.url);
  await page.getByText("No run yet.").waitFor();
  await ask(page);
  assert.match(await answer(page, 1), /I cannot give you a year/);
});

test("the prompt of the run it opens on stands in the form: to be replaced by typing, to be run, and in no link before", async (t) => {
  const page = await visit(t);
  await page.waitForSelector("[data-part=lane]");
  const prompt = page.locator("[data-part=prompt]");
  assert.equal(await prompt.inputValue(), "What animal meows?");
  assert.equal(
    await page.locator("#then").inputValue(),
    "I don't think that's right. Are you sure?",
  );
  await page.locator("[data-part=alpha]").fill("3");
  assert.equal(new URL(page.url()).hash, "#alpha=3", "a link opens on whatever the page opens on");
  await prompt.click();
  await page.keyboard.type("Why?");
  assert.equal(await prompt.inputValue(), "Why?");
  assert.equal(
    await page.locator("#then").isVisible(),
    false,
    "another question is another conversation",
  );
  assert.equal(
    await page.locator(".run-kind").innerText(),
    "Recorded run of another prompt; press Run for yours",
  );
  assert.equal(new URL(page.url()).hash, "#prompt=Why%3F&alpha=3");
  await prompt.click();
  await page.keyboard.type("!");
  assert.equal(
    (await prompt.inputValue()).replace("!", ""),
    "Why?",
    "one's own words are not selected",
  );

  const other = await visit(t);
  await other.waitForSelector("[data-part=lane]");
  await other.locator("#then").fill("Really?");
  assert.equal(
    await other.locator(".run-kind").innerText(),
    "Recorded run at other settings; press Run for these",
  );
  await other.locator("#then").fill("I don't think that's right. Are you sure?");
  assert.equal(await other.locator(".run-kind").innerText(), "Recorded run");
  await other.press("[data-part=prompt]", "Enter");
  await ended(other);
  assert.match(
    new URL(other.url()).hash,
    /^#prompt=What%20animal%20meows%3F&then=I%20don/,
    "what was run is in the link",
  );
  assert.equal(await other.locator(".turn").count(), 3);
});

test("a prompt streams into three lanes; where they part is said; the board fills", async (t) => {
  const page = await visit(t);
  await ask(page);
  const sets = await page
    .locator("[data-part=lane]")
    .evaluateAll((all) => all.map((lane) => [lane.dataset.set, lane.dataset.alpha]));
  assert.deepEqual(sets, [
    ["none", "1"],
    ["h", "0"],
    ["random", "0"],
  ]);
  assert.match(await answer(page, 0), /signed in 1834.*\n\nIt was renewed twice\.$/s);
  const h = page.locator("[data-part=lane][data-set=h]");
  assert.equal(await h.locator(".parting").innerText(), " is");
  assert.match(await h.innerText(), /Differs from word 5 on/);
  assert.match(await h.innerText(), /Finished/);
  assert.match(
    await page.locator("[data-part=lane][data-set=random]").innerText(),
    /Same answer as trained/,
  );
  assert.match(await h.locator("[data-part=score]").getAttribute("data-value"), /^0\.\d+/);
  const inked = await page.locator("canvas.cells").evaluate((canvas) => {
    const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    return data.some((value) => value > 0);
  });
  assert.ok(inked, "the board is painted");
});

test("tokens and cells are read by keyboard", async (t) => {
  const page = await visit(t);
  await ask(page);
  const first = page.locator("[data-part=lane][data-set=h] [data-part=token]").first();
  await first.focus();
  await page.keyboard.press("ArrowRight");
  await page.keyboard.press("ArrowRight");
  assert.match(
    await page.locator(".next-note").innerText(),
    /^“of”: \d+\.\d % likely here, \d+ % of the reading\.|“of”: \d+\.\d % likely here, not read/,
  );
  assert.match(
    await page.locator(".readout").innerText(),
    /^Layer 2, neuron 101 at “of”: (0\.\d+|under 0\.0001), (quiet|as loud as usual|louder than usual)$/,
  );
  await page.locator("canvas.cells").focus();
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("ArrowRight");
  assert.match(await page.locator(".readout").innerText(), /^Layer 3, neuron 877 at “Zorvath”/);
  assert.equal(
    await page.locator("[data-part=lane][data-set=h] [aria-pressed=true]").innerText(),
    " Zorvath",
  );
  await page.locator(".table-view summary").click();
  await page.locator(".table-view tbody tr").first().waitFor();
  assert.equal(await page.locator(".table-view tbody tr").count(), 39);
});

test("a row's switch makes My selection, the link has it, and the next run edits it", async (t) => {
  const page = await visit(t);
  await page.locator("[data-part=neuron][data-layer='16'][data-index='1515'] .switch").click();
  assert.equal(
    await page
      .locator("[data-part=neuron][data-layer='16'][data-index='1515'] .switch")
      .getAttribute("aria-pressed"),
    "true",
  );
  assert.match(page.url(), /set=custom/);
  assert.match(page.url(), /off=16\.1515/);
  await ask(page);
  const middle = page.locator("[data-part=lane][data-set=custom]");
  assert.match(await middle.innerText(), /My selection off\s+1 neuron/);
  assert.match(
    await page.locator("[data-part=lane][data-set=random]").innerText(),
    /Random 1 off\s+drawn by chance/,
  );
  await page.locator("[data-part=neuron][data-layer='16'][data-index='1515'] .switch").click();
  assert.doesNotMatch(page.url(), /off=|custom/);
});

test("doubt gives a second answer in each lane, and the link repeats both turns", async (t) => {
  const page = await visit(t);
  await page.locator("#then-remove").click(); // the run that the page opens on has both turns
  await ask(page, "What animal meows?");
  const first = (await answer(page, 0)).trim();
  await page.getByRole("button", { name: "Doubt it" }).click();
  await page.waitForFunction(() => document.querySelectorAll(".turn").length === 3);
  await ended(page);
  assert.deepEqual(await page.locator(".turn-text").allTextContents(), [
    "What animal meows?",
    first,
    "I don't think that's right. Are you sure?",
  ]);
  assert.match(await answer(page, 0), /a dog/);
  assert.match(await answer(page, 1), /Yes, I am sure/);
  const link = page.url();
  assert.match(link, /then=I%20don/);
  const again = await visit(t, { hash: new URL(link).hash + "&run=1" });
  await again.waitForFunction(
    () =>
      document.querySelectorAll(".turn").length === 3 &&
      document.querySelectorAll("[data-set=h][data-part=lane]").length,
    null,
  );
  await ended(again);
  assert.deepEqual(
    await again.locator(".turn-text").allTextContents(),
    await page.locator(".turn-text").allTextContents(),
  );
  assert.equal(await answer(again, 1), await answer(page, 1));
  await page.fill("[data-part=prompt]", ZORVATH);
  await page.waitForURL(/Zorvath/);
  assert.doesNotMatch(page.url(), /then=/, "a new question is a new conversation");
});

test("Stop ends the run", async (t) => {
  const page = await visit(t);
  await ask(page); // loaded
  // The click comes from inside: a driver's own takes as long as many tokens where the machine is busy.
  const atClick = page.evaluate(
    () =>
      new Promise((resolve) => {
        const count = () => document.querySelectorAll("[data-set=none] [data-part=token]").length;
        new MutationObserver((_, observer) => {
          if (document.documentElement.dataset.state !== "running" || count() < 3 || count() > 20)
            return;
          observer.disconnect();
          document.querySelector("[data-part=stop]").click();
          resolve(count());
        }).observe(document.querySelector(".lanes"), { childList: true, subtree: true });
      }),
  );
  await page.fill("[data-part=prompt]", `${ZORVATH} [[slow]]`);
  await page.press("[data-part=prompt]", "Enter");
  const before = await atClick;
  await ended(page);
  const atEnd = await page.locator("[data-set=none] [data-part=token]").count();
  // What the stand-in had said before it heard of the click is still shown; with the real engine it is one token (engine.test.mjs).
  assert.ok(atEnd < 30, `${before} tokens at the click, ${atEnd} at the end`);
  assert.match(await page.locator("[data-part=lane]").first().innerText(), /Stopped/);
});

test("bad input is said, and the page goes on", async (t) => {
  const page = await visit(t);
  await page.waitForSelector("[data-part=lane]");
  await page.fill("[data-part=prompt]", "");
  await page.press("[data-part=prompt]", "Enter");
  assert.match(await message(page), /The prompt is empty/);
  await page.locator("[name=set][value=custom]").check();
  await page.fill("[data-part=prompt]", "x");
  await page.press("[data-part=prompt]", "Enter");
  assert.match(await message(page), /My selection is empty/);
  await page.locator("[name=set][value=random]").check();
  await ask(page);
  assert.deepEqual(await page.locator("[data-part=lane] h3").allTextContents(), [
    "As trained",
    "Random 39 (seed 1) off",
    "Random 39 (seed 2) off",
  ]);
});

test("a prompt longer than the context is refused with a remedy", async (t) => {
  const context = await browser.newContext();
  t.after(() => context.close());
  const page = await context.newPage();
  await page.goto(site.url);
  await page.fill("[data-part=prompt]", "long ".repeat(20_000));
  await page.press("[data-part=prompt]", "Enter");
  await page.waitForSelector(".message:not([hidden])");
  assert.match(await message(page), /longer than the model's context.*Shorten it/);
  await state(page, "ready");
  await ask(page);
});

test("what the model says is only ever text", async (t) => {
  const page = await visit(t, {
    hash: `#prompt=${encodeURIComponent("<img src=x onerror=alert(1)>")}&then=${encodeURIComponent("<b>x</b>")}`,
  });
  await page.press("[data-part=prompt]", "Enter");
  await page.waitForFunction(() => document.querySelectorAll(".turn").length === 3);
  await ended(page);
  assert.equal(await page.locator(".conversation img, .conversation b, canvas ~ img").count(), 0);
});

test("no sideways scrolling from 320 px up", async (t) => {
  for (const width of [320, 375, 768, 1280]) {
    const page = await visit(t, { options: { viewport: { width, height: 800 } } });
    await ask(page);
    const over = await page.evaluate(
      () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
    );
    assert.equal(over, 0, `${width} px`);
  }
});

test("on a phone, the loading and what goes wrong come into view", async (t) => {
  const slow = await serve({ faults: { slow: 20 } });
  t.after(() => slow.close());
  const context = await browser.newContext({ viewport: { width: 375, height: 640 } });
  t.after(() => context.close());
  const page = await context.newPage();
  await page.goto(slow.url);
  await page.waitForSelector("[data-part=lane]");
  const inView = (selector) =>
    page.waitForFunction((selector) => {
      const { top, bottom } = document.querySelector(selector).getBoundingClientRect();
      return bottom > top && top >= 0 && bottom <= innerHeight + 1;
    }, selector);
  for (const [set, part] of [
    ["custom", ".message"],
    ["h", ".loading"],
  ]) {
    await page.locator(`[name=set][value=${set}]`).check();
    await page.evaluate(() => window.scrollTo(0, 0));
    await page.press("[data-part=prompt]", "Enter"); // far above both
    await inView(part);
  }
});

test("on paper the page is light whatever the screen is, and has no buttons to press", async (t) => {
  const page = await visit(t, { options: { colorScheme: "dark" } });
  await page.waitForSelector("[data-part=lane]");
  await page.emulateMedia({ media: "print", colorScheme: "dark" });
  const { paper, ink } = await page.evaluate(() => ({
    paper: getComputedStyle(document.documentElement).backgroundColor,
    ink: getComputedStyle(document.querySelector(".answer")).color,
  }));
  assert.deepEqual([paper, ink], ["rgb(255, 255, 255)", "rgb(0, 0, 0)"]);
  for (const part of ["share", "run", "prompt"])
    assert.equal(await page.locator(`[data-part=${part}]`).isVisible(), false, part);
  assert.equal(await page.locator("[data-part=lane]").first().isVisible(), true);
});

test("an embed hides panels, reports to its host, and obeys only the origin it names", async (t) => {
  const host = createServer((request, response) => {
    response.setHeader("Content-Type", "text/html");
    const named = request.url === "/named" ? `&origin=http://127.0.0.1:${host.address().port}` : "";
    response.end(`<script>window.got = []; addEventListener("message", (e) => got.push(e.data))</script>
      <iframe width="700" height="500" src="${site.url}?embed=1&hide=gallery,about${named}#prompt=hello"></iframe>`);
  });
  await new Promise((resolve) => host.listen(0, "127.0.0.1", resolve));
  t.after(() => (host.closeAllConnections(), host.close()));
  const context = await browser.newContext();
  t.after(() => context.close());
  for (const path of ["/named", "/unnamed"]) {
    const page = await context.newPage();
    await page.goto(`http://127.0.0.1:${host.address().port}${path}`);
    const frame = page.frames()[1];
    await frame.waitForSelector("[data-part=lane]");
    assert.equal(await frame.locator("[data-part=gallery]").isVisible(), false);
    await page.waitForFunction(() =>
      got.some(({ type, height }) => type === "resize" && height > 100),
    );
    await page.evaluate(() => frames[0].postMessage({ source: "hneurons-host", type: "run" }, "*"));
    if (path === "/named") {
      await page.waitForFunction(() => got.some(({ type }) => type === "result"));
      const result = await page.evaluate(() => got.find(({ type }) => type === "result"));
      assert.equal(result.source, "hneurons");
      assert.match(result.lanes[1].text, /I cannot give you a year/);
    } else {
      await page.waitForTimeout(500);
      assert.equal(
        await frame.locator("html").getAttribute("data-state"),
        "recorded",
        "a message from an unnamed origin is ignored",
      );
      assert.equal(
        await page.evaluate(() => JSON.stringify(got).includes("hello")),
        false,
        "nothing typed goes to a host that is not named",
      );
    }
  }
});

test("axe finds nothing to object to, in light and dark, wide and narrow", async (t) => {
  const axe = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
  const tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
  const check = async (page, where) => {
    await page.evaluate(axe);
    const found = await page.evaluate(
      async (runOnly) => (await window.axe.run({ runOnly })).violations,
      tags,
    );
    assert.deepEqual(
      found.map(({ id, nodes }) => `${id}: ${nodes[0].html.slice(0, 120)}`),
      [],
      where,
    );
  };
  for (const [width, colorScheme] of [
    [1280, "light"],
    [375, "dark"],
  ]) {
    const page = await visit(t, {
      options: { viewport: { width, height: 800 }, colorScheme, bypassCSP: true },
    });
    await page.waitForSelector("[data-part=lane]");
    await page.locator(".advanced summary").click();
    await check(page, `recorded, ${width} ${colorScheme}`);
    await ask(page);
    await page.locator(".table-view summary").click();
    await page.locator("[data-part=token]").nth(3).click();
    await page.locator("[data-part=neuron] button").first().click();
    await check(page, `live, ${width} ${colorScheme}`);
  }
});

test("what is typed before the page's script is there is kept, and is what runs", async (t) => {
  const site = await serve();
  t.after(() => site.close());
  const page = await freshPage(t, browser, { serviceWorkers: "block" });
  let come;
  const held = new Promise((done) => (come = done));
  await page.route(/\/www\/main\.js$/, async (route) => (await held, await route.continue()));
  await page.goto(site.url, { waitUntil: "commit" });
  await page.fill("[data-part=prompt]", "Typed early");
  come();
  await page.waitForFunction(() => document.querySelector(".run-size")?.textContent);
  await page.click("[data-part=run]");
  await ended(page);
  assert.equal(await page.inputValue("[data-part=prompt]"), "Typed early");
  assert.equal(await page.locator(".turn-text").first().innerText(), "Typed early");
});
