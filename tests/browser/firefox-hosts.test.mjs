// The real page in Firefox, in a page of another site, and in the hands of someone who means harm.

import assert from "node:assert/strict";
import { createServer } from "node:http";
import { after, before, test } from "node:test";
import { eventually } from "./eventually.mjs";
import {
  answers,
  click,
  count,
  ended,
  launch,
  open,
  opened,
  reopen,
  state,
  until,
} from "./firefox.mjs";
import { HOSTILE, KEYS } from "./hostile.mjs";
import { MODEL, serve } from "./server.mjs";

let server, firefox, host, body;
const asked = []; // of the host
before(async () => {
  server = await serve({ under: "/blog/lab/" });
  firefox = await launch();
  host = createServer((request, response) => {
    asked.push(request.url);
    response.setHeader("Content-Type", "text/html; charset=utf-8");
    if (request.url === "/stranger")
      return response.end(
        "<script>addEventListener('message', ({ data }) => (data.up ? parent : parent.frames[data.frame]).postMessage(data.message, '*'))</script>",
      );
    response.end(
      request.url === "/"
        ? `<!doctype html><title>A post</title><meta name="viewport" content="width=device-width">${body}`
        : "",
    );
  });
  await new Promise((resolve) => host.listen(0, "127.0.0.1", resolve));
});
after(async () => {
  await firefox?.close();
  await server?.close();
  host?.closeAllConnections();
  host?.close();
});

async function visit(t, address = "", options = {}) {
  const page = await open(t, firefox, server.url + address, options);
  await opened(page);
  return page;
}

// ---- A blog's readers ----

const recorder =
  "<script>window.got = []; addEventListener('message', (e) => got.push(e.data)); for (const type of ['ready', 'run', 'result', 'error']) addEventListener('hneurons-' + type, (e) => got.push({ event: e.type, id: e.target.id, detail: e.detail }))</script>";

/** A page of another site with this markup, and the frames of its <h-neurons>. */
async function post(t, markup) {
  server.clear();
  body = `${recorder}<script async src="${server.url}embed.js"></script>${markup}`;
  const page = await open(t, firefox, `http://localhost:${host.address().port}/`, { width: 800 });
  const frames = [];
  for (const id of await page.$$eval("h-neurons", (all) => all.map(({ id }) => id))) {
    const frame = await (await page.waitForSelector(`#${id} >>> iframe`)).contentFrame();
    await frame.waitForSelector("[data-part=lane]");
    frames.push(frame);
  }
  return { page, frames };
}

test("two embeds in a page of another site: a live run in one, its events and height; the other stays as it was", async (t) => {
  const {
    page,
    frames: [a, b],
  } = await post(
    t,
    `<h-neurons id="a" prompt="What animal meows?" max="8"></h-neurons><p>between</p><h-neurons id="b" recorded="velmoria" alpha="3"></h-neurons>`,
  );
  await b.waitForSelector("[data-part=lane][data-set=h][data-alpha='3']");
  const before = await answers(b);
  await click(a, "[data-part=run]");
  await ended(a);
  assert.match((await answers(a))[0], /cat/);
  await until(page, () => got.some(({ event }) => event === "hneurons-result"));
  const events = await page.evaluate(() => got.filter(({ event }) => event));
  assert.deepEqual(
    events.map(({ event, id }) => [event, id]),
    [
      ["hneurons-run", "a"],
      ["hneurons-ready", "a"],
      ["hneurons-result", "a"],
    ],
  );
  assert.deepEqual(
    events[2].detail.lanes.map(({ text }) => text),
    await answers(a),
  );
  assert.equal(await state(b), "recorded");
  assert.deepEqual(await answers(b), before);
  await page.$eval("#b", (element) => element.setAttribute("alpha", "0.5"));
  await b.waitForSelector("[data-part=lane][data-set=h][data-alpha='0.5']");
  for (const [id, frame] of [
    ["a", a],
    ["b", b],
  ]) {
    await until(frame, () => document.documentElement.scrollHeight <= innerHeight);
    assert.ok(
      (await page.$eval(`#${id}`, (element) => element.offsetHeight)) > 500,
      "as high as what is in it",
    );
  }
  assert.equal(server.count(MODEL), 1);
});

// ---- Harm ----

test("whatever an address says, the page stays what it is", async (t) => {
  const values = HOSTILE.map((value) => value.slice(0, 3000));
  assert.ok(values.length >= 25);
  // A recorded run that there is not is said in the console, and the page opens on its own.
  const page = await visit(t, "", { foreseen: (text) => /recorded run|gallery/i.test(text) });
  server.clear();
  for (const [i, value] of values.entries()) {
    const hash = new URLSearchParams(
      KEYS.filter((key) => key !== "run").map((key) => [key, value]),
    );
    const where = `${i}: ${value.slice(0, 30)}`;
    // Every third as a link that is opened, in full or as an embed; the others in the page that is open.
    if (i % 3 === 0) {
      const query =
        i % 2
          ? ""
          : `?${new URLSearchParams({ embed: i % 4 ? value : "1", hide: value, origin: value })}`;
      await reopen(page, `${server.url}${query.slice(0, 6000)}#${hash}`);
      await until(page, () =>
        "embed" in document.documentElement.dataset
          ? document.querySelector("[data-part=lane]")
          : document.querySelector(".credits").textContent,
      );
    } else {
      await page.evaluate((hash) => (location.hash = hash), String(hash));
      await page.evaluate(() => new Promise((done) => setTimeout(done)));
    }
    const found = await page.evaluate(() => ({
      state: document.documentElement.dataset.state,
      title: document.title,
      foreign: document.querySelectorAll("main :is(img, script, iframe, object, embed, base)")
        .length,
      hidden: document.querySelectorAll("[data-hidden]").length,
      polluted: [{}.value, Object.prototype.polluted, {}["0"]].filter(
        (value) => value !== undefined,
      ).length,
      alpha: document.querySelector("#alpha").value * 4,
      set: document.querySelector("[name=set]:checked").value,
    }));
    const { alpha, set, ...rest } = found;
    assert.deepEqual(
      rest,
      { state: "recorded", title: "H-Neuron Lab", foreign: 0, hidden: 0, polluted: 0 },
      where,
    );
    assert.ok(
      Number.isInteger(alpha) &&
        alpha >= 0 &&
        alpha <= 12 &&
        ["h", "random", "custom", "lever"].includes(set),
      where,
    );
  }
  assert.equal(server.count(MODEL), 0);
  assert.ok(
    server.requests.every(({ path }) => !path.includes("..") && !path.startsWith("/")),
    "nothing outside the page is asked for",
  );
});

test("whatever a message says, an embed does nothing that its host did not ask for", async (t) => {
  const { port } = host.address();
  const { page, frames } = await post(
    t,
    `<h-neurons id="a" prompt="mine"></h-neurons><iframe id="stranger" src="http://127.0.0.1:${port}/stranger"></iframe><iframe id="plain" height="700" src="${server.url}?embed=1&origin=http://localhost:${port}#prompt=mine"></iframe>`,
  );
  const plain = await (await page.$("#plain")).contentFrame();
  await plain.waitForSelector("[data-part=lane]");
  frames.push(plain); // which a stranger can reach, as it cannot the one in the element
  await until(
    await (await page.$("#stranger")).contentFrame(),
    () => document.readyState === "complete",
  );
  const height = await page.$eval("#a", (element) => element.offsetHeight);
  const sent = await page.evaluate((texts) => {
    const cyclic = [];
    cyclic.push(cyclic);
    const labs = [
      document.querySelector("h-neurons").shadowRoot.querySelector("iframe"),
      document.querySelector("#plain"),
    ].map((frame) => frame.contentWindow);
    const odd = [
      null,
      undefined,
      NaN,
      Infinity,
      -1,
      true,
      10n,
      {},
      [],
      ["set"],
      { toString: 1, valueOf: 1 },
      cyclic,
      new Date(0),
      new Map([["set", 1]]),
      new ArrayBuffer(8),
      new Error("set"),
    ];
    const values = [...texts, ...odd];
    for (const value of values) {
      for (const lab of labs) {
        lab.postMessage(value, "*");
        lab.postMessage({ source: value, type: "run" }, "*");
        lab.postMessage({ source: "hneurons-host", type: value, hash: "#prompt=theirs" }, "*");
      }
      // To the host's element, from a window that is not its frame.
      window.postMessage({ source: "hneurons", type: "resize", height: value }, "*");
    }
    return values.length;
  }, HOSTILE);
  assert.ok(sent >= 25);
  // A frame of another origin, in the host's name to the embed and in the embed's to the host.
  await page.evaluate(() => {
    const stranger = document.querySelector("#stranger").contentWindow;
    for (let frame = 0; frame < frames.length; frame++) {
      for (const message of [{ type: "set", hash: "#prompt=theirs" }, { type: "run" }])
        if (frames[frame] !== stranger)
          stranger.postMessage({ frame, message: { source: "hneurons-host", ...message } }, "*");
    }
    for (const message of [
      { type: "resize", height: 5000 },
      { type: "result", lanes: [] },
    ])
      stranger.postMessage({ up: true, message: { source: "hneurons", ...message } }, "*");
  });
  await until(page, () => got.some(({ type }) => type === "result"));
  for (const frame of frames) {
    // Answers come after all that was sent before.
    await frame.evaluate(() => new Promise((done) => setTimeout(done)));
    assert.deepEqual(
      [await frame.$eval("#prompt", (field) => field.value), await state(frame)],
      ["mine", "recorded"],
    );
  }
  assert.equal(await page.$eval("#a", (element) => element.offsetHeight), height);
  assert.equal(await page.evaluate(() => got.some(({ event } = {}) => event)), false);
  // What is understood may still say anything.
  await page.evaluate((texts) => {
    const lab = document
      .querySelector("h-neurons")
      .shadowRoot.querySelector("iframe").contentWindow;
    for (const text of texts)
      for (const hash of [text, `#${text}`, `#alpha=${text}&set=${text}&off=${text}&max=${text}`])
        lab.postMessage({ source: "hneurons-host", type: "set", hash }, "*");
  }, HOSTILE);
  await page.$eval("#a", (element) => element.setAttribute("prompt", "after all that"));
  await until(frames[0], () => document.querySelector("#prompt").value === "after all that");
  assert.equal(await state(frames[0]), "recorded");
  assert.equal(await count(frames[0], "main :is(img, script, iframe)"), 0);
  assert.equal(server.count(MODEL), 0);
});

test("the policy holds: no inline script or style, no eval, nothing from anyone else", async (t) => {
  const page = await visit(t, "", { foreseen: (text) => text.includes("Content-Security-Policy") });
  asked.length = 0;
  const did = await page.evaluate(async (stranger) => {
    window.refused = [];
    addEventListener("securitypolicyviolation", ({ effectiveDirective }) =>
      refused.push(effectiveDirective),
    );
    const add = (name, attributes) =>
      document.body.append(Object.assign(document.createElement(name), attributes));
    const works = (act) =>
      Promise.resolve()
        .then(act)
        .then(
          () => true,
          () => false,
        );
    add("script", { textContent: "window.ran = true" });
    add("style", { textContent: "body { outline: 9px solid }" });
    add("img", { src: `${stranger}x.png` });
    add("script", { src: `${stranger}x.js` });
    add("iframe", { src: stranger });
    document.body.insertAdjacentHTML(
      "beforeend",
      "<b onclick='window.ran = true' style='color: red'>x</b>",
    );
    document.body.lastChild.click();
    return {
      ran: Boolean(window.ran),
      styled: getComputedStyle(document.body).outlineStyle !== "none",
      fetched: await works(() => fetch(stranger)),
      // Later, because what a driver evaluates may do what the page may not.
      evaluated: await new Promise((done) =>
        setTimeout(() => works(() => new Function("1")()).then(done)),
      ),
    };
  }, `http://127.0.0.1:${host.address().port}/`);
  assert.deepEqual(did, { ran: false, styled: false, fetched: false, evaluated: false });
  const directives = [
    "script-src-elem",
    "script-src-attr",
    "style-src-elem",
    "style-src-attr",
    "img-src",
    "frame-src",
    "connect-src",
  ];
  await eventually(() =>
    page.evaluate(
      (directives) => directives.every((directive) => refused.includes(directive)),
      directives,
    ),
  );
  assert.deepEqual(asked, []);
});
