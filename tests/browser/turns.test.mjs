// What follows an answer: further turns, Go on, another sample, other random neurons; and whose the settings in the form are.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { answer, ask, ended, freshPage, launch, message, ZORVATH } from "./mock/browser.mjs";
import { serve } from "./mock/server.mjs";

const DOUBT = "I don't think that's right. Are you sure?";
let browser, site;
before(async () => {
  browser = await launch();
  site = await serve();
});
after(async () => {
  await browser.close();
  await site.close();
});

async function visit(t, address = "", options = {}) {
  const page = await freshPage(t, browser, options);
  await page.goto(site.url + address);
  await page.waitForFunction(() => document.querySelector(".credits").textContent);
  return page;
}

/** Presses a button, and waits for the run that it begins to end. */
async function press(page, name) {
  await page.evaluate(() => (document.querySelector(".timing").textContent = ""));
  await page.getByRole("button", { name, exact: true }).click();
  await ended(page);
}

const hashOf = (page) => page.evaluate(() => location.hash);
const turns = (page) => page.locator(".turn-text").allTextContents();
const focus = (page) =>
  page.evaluate(() => document.activeElement.id || document.activeElement.tagName);
const inWindow = (page, selector) =>
  page.waitForFunction((selector) => {
    const { top, bottom } = document.querySelector(selector).getBoundingClientRect();
    return top >= 0 && top < 0.8 * innerHeight && bottom > top;
  }, selector);

test("a conversation goes on: every lane from the answers as trained, and the link repeats it", async (t) => {
  const page = await visit(t, `#prompt=${encodeURIComponent(ZORVATH)}`);
  await press(page, "Run 3 MB, once");
  assert.equal(await page.inputValue("#doubt-text"), DOUBT);
  const first = (await answer(page, 0)).trim();
  await press(page, "Doubt it");
  assert.equal(
    await page.inputValue("#doubt-text"),
    "",
    "after the doubt nothing is put into one's mouth",
  );
  assert.equal(await page.locator("#answers-title").innerText(), "Answers, second turn");
  const second = (await answer(page, 0)).trim();
  await page.fill("#doubt-text", "Why?");
  await press(page, "Say it");
  assert.deepEqual(await turns(page), [ZORVATH, first, DOUBT, second, "Why?"]);
  assert.equal(await page.locator("#answers-title").innerText(), "Answers, third turn");
  assert.equal(
    await page.locator("#turn-note").innerText(),
    "All answers go on from the ones as trained.",
  );
  assert.equal(await page.locator("[data-part=lane]").count(), 3);
  assert.equal(await page.inputValue("#turn-3"), "Why?");
  await page.fill("#doubt-text", "And then?");
  await press(page, "Say it");
  assert.equal((await turns(page)).length, 7);
  assert.equal(await page.locator("#answers-title").innerText(), "Answers, fourth turn");
  const link = await hashOf(page);
  assert.deepEqual(new URLSearchParams(link.slice(1)).getAll("then"), [DOUBT, "Why?", "And then?"]);
  const again = await visit(t, link);
  assert.equal(await again.inputValue("#turn-4"), "And then?");
  await press(again, "Run 3 MB, once");
  assert.deepEqual(await turns(again), await turns(page));
  assert.equal(await answer(again, 1), await answer(page, 1));
  assert.deepEqual(
    await page
      .locator(".turn-text, #prompt, #then, #turn-3, #turn-4, #doubt-text")
      .evaluateAll((all) => all.map((e) => e.dir)),
    Array(12).fill("auto"),
    "text of a right-to-left script runs from the right",
  );
});

test("a turn in the form is changed and removed; an empty one is refused, and so is saying nothing", async (t) => {
  const page = await visit(t, `#prompt=a&then=b&then=c&then=d`);
  await page.fill("#turn-3", "C");
  assert.match(await hashOf(page), /then=b&then=C&then=d/);
  await page.getByRole("button", { name: "Remove the second turn" }).click();
  assert.match(await hashOf(page), /#prompt=a&then=C&then=d$/);
  assert.equal(await page.inputValue("#then"), "C");
  assert.equal(await focus(page), "prompt");
  await page.fill("#turn-3", " ");
  await page.press("#prompt", "Enter");
  assert.match(
    await message(page),
    /One of the later turns is empty\. Write something there, or remove it\./,
  );
  assert.equal(await focus(page), "turn-3");
  await page.getByRole("button", { name: "Remove turn 3" }).click();
  assert.equal(await page.locator("#turn-3").count(), 0);
  await page.press("#prompt", "Enter");
  await ended(page);
  await page.locator("form.doubt button").click();
  assert.match(await message(page), /There is nothing to say yet/);
  assert.equal(await focus(page), "doubt-text");
});

test("what is said below the answers leaves them in the window, and the focus with them", async (t) => {
  for (const viewport of [
    { width: 1280, height: 800 },
    { width: 375, height: 667 },
  ]) {
    const page = await visit(t, "#prompt=x", { viewport });
    await press(page, "Run 3 MB, once");
    for (const [name, text] of [
      ["Doubt it", ""],
      ["Say it", "Why?"],
      ["Say it", "And then?"],
    ]) {
      if (text) await page.fill("#doubt-text", text);
      await press(page, name);
      await inWindow(page, ".lanes");
      assert.equal(await focus(page), "answers", `${name}, ${viewport.width}`);
    }
  }
});

test("Go on: the same answer as trained, longer; only where one was cut off", async (t) => {
  const page = await visit(t, `#prompt=${encodeURIComponent(ZORVATH)}&max=10`);
  await press(page, "Run 3 MB, once");
  assert.match(await page.locator("[data-part=lane]").first().innerText(), /Cut off at 10 tokens/);
  const short = await answer(page, 0);
  await press(page, "Go on");
  const long = await answer(page, 0);
  assert.ok(long.startsWith(short) && long.length > short.length, long);
  assert.match(await hashOf(page), /max=74/);
  assert.match(await page.locator("[data-part=lane]").first().innerText(), /Finished/);
  assert.equal(await page.locator("#go-on").isVisible(), false, "there is nothing to go on with");
  assert.equal(await focus(page), "answers");
  await page.fill("[data-part=prompt]", "Something else");
  assert.equal(
    new URLSearchParams((await hashOf(page)).slice(1)).get("max"),
    "10",
    "another question has the visitor's limit",
  );
});

test("Go on is of the run that is shown, whatever the form says by now", async (t) => {
  const page = await visit(t, `#prompt=${encodeURIComponent(ZORVATH)}&max=10`);
  await press(page, "Run 3 MB, once");
  await page.fill("[data-part=prompt]", "Something else");
  await page.locator("#alpha").fill("2");
  await press(page, "Go on");
  assert.equal(await page.inputValue("[data-part=prompt]"), ZORVATH);
  assert.equal(await page.locator("[data-part=lane]").nth(1).getAttribute("data-alpha"), "0");
});

test("Another sample: at temperature 0 it is raised, then the seed moves on; both are said", async (t) => {
  const page = await visit(t, "#prompt=x&seed=4294967295");
  await press(page, "Run 3 MB, once");
  const note = page.locator("#answers-foot-note");
  await press(page, "Another sample");
  assert.match(
    await note.innerText(),
    /At temperature 0 the answer is always the same\. So the temperature is now 0\.7\./,
  );
  assert.match(await hashOf(page), /seed=4294967295&temp=0\.7/);
  assert.equal(await page.inputValue("#temp"), "0.7");
  await press(page, "Another sample");
  assert.match(
    await note.innerText(),
    /Sample with seed 0\. The seed also draws the random neurons/,
  );
  assert.match(await hashOf(page), /seed=0&temp=0\.7/);
  await press(page, "Run");
  assert.equal(await note.innerText(), "", "it is said of its own run only");
});

test("other random neurons: the next run's, made again where a model is loaded", async (t) => {
  const page = await visit(t);
  await page.waitForSelector("[data-part=lane]");
  const control = page.getByRole("button", { name: "Other random neurons" });
  assert.equal(await control.getAttribute("data-part"), "reseed");
  await control.click();
  assert.match(await hashOf(page), /seed=2/);
  assert.equal(
    await page.locator(".run-kind").innerText(),
    "Recorded run at other settings; press Run for these",
  );
  await ask(page);
  await page.evaluate(() => (document.querySelector(".timing").textContent = ""));
  await control.click();
  await ended(page);
  assert.match(await hashOf(page), /seed=3/);
});

test("other random neurons: those that were recorded, without the model", async (t) => {
  const real = await serve({ real: true });
  t.after(() => real.close());
  const page = await freshPage(t, browser);
  await page.goto(`${real.url}#recorded=velmoria`);
  await page.waitForSelector("[data-part=lane]");
  const seed = () => page.locator("[data-part=lane]").nth(2).getAttribute("data-seed");
  const control = page.getByRole("button", { name: "Other random neurons" });
  for (const expected of ["2", "1"]) {
    await control.click();
    assert.equal(await page.inputValue("#seed"), expected);
    assert.equal(await page.locator(".run-kind").innerText(), "Recorded run");
  }
  assert.ok((await seed()) === null || (await seed()) === "1");
  assert.equal(real.modelRequests().length, 0);
});

test("a recorded run's limit and second turn are its own", async (t) => {
  const page = await visit(t);
  await page.waitForSelector("[data-part=lane]");
  await page.locator(".advanced summary").click();
  await page.locator(".chip").first().click();
  await page.waitForFunction(() => document.querySelector("#max").value === "40");
  await page.fill("[data-part=prompt]", "One's own");
  assert.equal(await page.inputValue("#max"), "64");
  assert.equal(await page.inputValue("#then"), "");
  // Run as it was recorded, and asked something else only then.
  const other = await visit(t);
  await other.waitForSelector("[data-part=lane]");
  await press(other, "Run 3 MB, once");
  assert.match(await hashOf(other), /max=40/, "it is repeated with its own limit");
  await other.fill("[data-part=prompt]", "One's own");
  assert.equal(await hashOf(other), "#prompt=One%27s%20own");
  // What the visitor set stays.
  const own = await visit(t, "#max=20");
  await own.waitForSelector("[data-part=lane]");
  await own.locator(".chip").first().click();
  await own.waitForFunction(() => /max=40/.test(location.hash));
  await own.fill("[data-part=prompt]", "One's own");
  assert.match(await hashOf(own), /max=20/);
});

test("a live run is marked as one of another prompt, or at other settings, as a recorded one is", async (t) => {
  const page = await visit(t, "#prompt=x");
  await press(page, "Run 3 MB, once");
  const kind = page.locator(".run-kind");
  assert.equal(await kind.innerText(), "");
  await page.fill("[data-part=prompt]", "y");
  assert.equal(await kind.innerText(), "Run of another prompt; press Run for yours");
  await page.fill("[data-part=prompt]", "x");
  assert.equal(await kind.innerText(), "");
  // A slider that is let go runs again; while it is dragged it does not.
  const drag = (value) =>
    page.locator("#alpha").evaluate((slider, value) => {
      slider.value = value;
      slider.dispatchEvent(new Event("input", { bubbles: true }));
    }, value);
  await drag("2");
  assert.equal(await kind.innerText(), "Run at other settings; press Run for these");
  await drag("0");
  assert.equal(await kind.innerText(), "");
});

test("My selection takes the page's own notation; what it cannot read stays, and is said", async (t) => {
  const page = await visit(t);
  await page.locator(".advanced summary").click();
  const list = page.locator("#off");
  const set = async (text) => (await list.fill(text), await list.blur());
  const wrong = page.locator("#off-wrong");
  await set("L0 N173, L16 N1515 ×0.5");
  assert.match(await hashOf(page), /off=0\.173%2C16\.1515x0\.5/);
  assert.equal(await wrong.isVisible(), false);
  for (const [text, words, off] of [
    ["3.4, 40.3", /There is no layer of “40\.3”\. This model has layers 0 to 29\./, "3.4"],
    [
      "3.5, 3.1536",
      /no neuron “3\.1536”\. Each layer of this model has neurons 0 to 1535\./,
      "3.5",
    ],
    ["3.6, meows", /“meows” cannot be read\. Write layer\.neuron/, "3.6"],
    ["meows", /“meows” cannot be read.*My selection stays as it was\./, "3.6"],
  ]) {
    await set(text);
    assert.match(await wrong.innerText(), words);
    assert.equal(await list.inputValue(), text, "it can be mended");
    assert.equal(await list.getAttribute("aria-invalid"), "true");
    assert.equal(new URLSearchParams((await hashOf(page)).slice(1)).get("off"), off);
  }
  assert.equal(await list.getAttribute("aria-describedby"), "off-wrong");
  await set("3.6");
  assert.equal(await list.getAttribute("aria-invalid"), null);
  assert.equal(await wrong.isVisible(), false);
  const linked = await visit(t, "#set=custom&off=3.4,29.9999");
  assert.match(
    await message(linked),
    /no neuron “29\.9999”.*My selection in the link goes without it\./,
  );
  assert.match(await hashOf(linked), /off=3\.4$/);
});

test("a text too long for the address outlives a reload, or it is said that it does not", async (t) => {
  const long = "A long story. ".repeat(400);
  const page = await visit(t);
  await page.fill("[data-part=prompt]", long);
  assert.doesNotMatch(await hashOf(page), /prompt/);
  await page.reload();
  await page.waitForFunction(() => document.querySelector(".credits").textContent);
  assert.equal(await page.inputValue("[data-part=prompt]"), long);
  await page.goto("about:blank");
  await page.goto(site.url);
  await page.waitForSelector("[data-part=lane]");
  assert.equal(
    await page.inputValue("[data-part=prompt]"),
    "What animal meows?",
    "another visit begins afresh",
  );

  const refused = await freshPage(t, browser);
  await refused.addInitScript(() =>
    Object.defineProperty(window, "sessionStorage", {
      get() {
        throw new DOMException("refused", "SecurityError");
      },
    }),
  );
  await refused.goto(site.url);
  await refused.waitForSelector("[data-part=lane]");
  await refused.fill("[data-part=prompt]", long);
  assert.match(
    await message(refused),
    /too long for the address.*lost when the page is reloaded\./,
  );
});

test("a recorded run or a model that there is not is named, with what is shown instead; in an embed too", async (t) => {
  for (const [hash, ...words] of [
    [
      "#recorded=nowhere",
      /There is no recorded run “nowhere” here\. Shown instead: “What animal meows\?”/,
    ],
    ["#recorded=No%20Where!", /There is no recorded run “No Where!” here\./],
    ["#model=none", /There is no model “none” here\. This page runs Mock model instead\./],
    ["#recorded=a&model=b", /no model “b”/, /no recorded run “a”/],
    [
      "#prompt=x&recorded=a",
      /no recorded run “a” here\. Press Run to ask the prompt of the link\./,
    ],
  ]) {
    const page = await visit(t, hash);
    await page.waitForSelector(".message:not([hidden])");
    for (const said of words) assert.match(await message(page), said);
  }
  const embed = await freshPage(t, browser, {}, (line) =>
    /\/www\/gallery\//.test(line.location().url),
  );
  await embed.goto(`${site.url}?embed=1#recorded=nowhere&model=none`);
  await embed.waitForSelector("[data-part=lane]");
  assert.match(
    await message(embed),
    /no model “none” and no recorded run “nowhere” here\. Shown instead: “What animal meows\?”/,
  );
  const known = await visit(t, "#recorded=doubt-meows&model=mock");
  await known.waitForSelector("[data-part=lane]");
  assert.equal(await known.locator(".message").isVisible(), false);
});

test("the sweep's button has its words in the middle", async (t) => {
  const page = await visit(t, "#prompt=x");
  await press(page, "Run 3 MB, once");
  const off = await page.locator(".sweep-run").evaluate((button) => {
    const words = document.createRange();
    words.selectNodeContents(button.querySelector("span")); // which itself may fill the button
    const [outer, inner] = [button, words].map((part) => part.getBoundingClientRect());
    return [
      outer.top + outer.bottom - inner.top - inner.bottom,
      outer.left + outer.right - inner.left - inner.right,
    ];
  });
  assert.ok(
    off.every((pixels) => Math.abs(pixels) <= 2),
    String(off),
  );
});

test("what a link goes without is said: a prompt or a later turn that is too long for it, and turns beyond the eighth", async (t) => {
  const page = await visit(t, "#prompt=Hi&then=Really%3F&then=Why%3F");
  const note = page.locator("#link-note");
  assert.equal(await note.isVisible(), false);
  await page.locator(".later-turns input").fill("long ".repeat(801));
  assert.match(
    await note.innerText(),
    /^One of the later turns has more than 4,000 characters\..*a link goes without all later turns\.$/,
  );
  await page.waitForFunction(
    () =>
      document.querySelector("#live").textContent ===
      document.querySelector("#link-note").textContent,
  );
  assert.equal(await hashOf(page), "#prompt=Hi");
  await page.getByRole("button", { name: "Share" }).click();
  assert.match(await message(page), /goes without all later turns\. Make it shorter/);
  await page.locator(".later-turns input").fill("Why?");
  assert.equal(await note.isVisible(), false);
  assert.equal(await hashOf(page), "#prompt=Hi&then=Really%3F&then=Why%3F");
  await page.fill("#prompt", "long ".repeat(801));
  assert.match(
    await note.innerText(),
    /^This prompt has.*goes without it, and without the later turns\.$/,
  );

  const crowded = await visit(t, `#prompt=Hi${"&then=Why%3F".repeat(9)}`);
  assert.match(
    await message(crowded),
    /^The link has 10 turns\. The page takes 8 and leaves out the rest\.$/,
  );
});
