// Hostile addresses and messages by the thousand: what comes out is within its limits. Needs no browser.
// `cargo xtask fuzz --cases N` runs more; a case is made of its number alone (FUZZ_FIRST, FUZZ_CASES=1 repeat one).

import assert from "node:assert/strict";
import { test } from "node:test";
import { DEFAULTS, formatHash, LIMITS, parseHash } from "../../www/core/state.js";
import { HOSTILE, KEYS } from "./hostile.mjs";

const FIRST = Number(process.env.FUZZ_FIRST ?? 0);
const CASES = Number(process.env.FUZZ_CASES ?? 3000);
assert.ok(Number.isSafeInteger(FIRST) && Number.isSafeInteger(CASES));
// The longest take a millisecond each to read: one value in sixteen is one of them.
const SHORT = HOSTILE.filter((text) => text.length < 1000);
const LONG = HOSTILE.filter((text) => text.length >= 1000);

/** Numbers that follow from a case's number (mulberry32). */
function random(seed) {
  let state = seed >>> 0;
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return (t ^ (t >>> 14)) >>> 0;
  };
  return { next, below: (n) => next() % n, of: (list) => list[next() % list.length] };
}

const hostileText = (r) =>
  r.below(16) === 0
    ? r.of(LONG)
    : Array.from({ length: 1 + r.below(3) }, () =>
        r.below(4) ? r.of(SHORT) : String.fromCharCode(r.below(0x10000)),
      ).join("");

/** A hash, well formed or not. */
function address(r) {
  let hash = r.below(4) ? "#" : r.of(["", "##", "?", "#&", "#=#"]);
  for (let i = r.below(6); i > 0; i--) {
    const value = hostileText(r);
    // A lone surrogate cannot be encoded; it is put there as it is.
    const text = r.below(2) && value.isWellFormed() ? encodeURIComponent(value) : value;
    hash += `${r.of(KEYS)}${r.of(["=", "", "==", "%3D"])}${text}${r.of(["&", "&&", ";", "#"])}`;
  }
  return hash;
}

/** What parseHash promises, whatever it was given. */
function check(state, why) {
  assert.deepEqual(Object.keys(state), Object.keys(DEFAULTS), why);
  for (const key of ["prompt", "then"]) {
    assert.ok(typeof state[key] === "string" && state[key].length <= LIMITS.text, why);
    assert.ok(state[key].isWellFormed(), why);
  }
  for (const [key, low] of [
    ["alpha", 0],
    ["temp", 0],
    ["seed", 0],
    ["max", 1],
  ]) {
    assert.ok(state[key] >= low && state[key] <= LIMITS[key], `${key}: ${why}`);
  }
  assert.ok(Number.isInteger(state.seed) && Number.isInteger(state.max), why);
  assert.ok(["h", "random", "custom", "lever"].includes(state.set), why);
  assert.ok(["auto", "cpu", "gpu"].includes(state.engine), why);
  assert.match(state.model + state.lever + state.lesson + state.recorded, /^[a-z0-9._-]*$/, why);
  assert.equal(typeof state.run, "boolean", why);
  assert.ok(state.off.length <= LIMITS.neurons, why);
  assert.ok(
    state.off.every((neuron) => neuron.every(Number.isFinite)),
    why,
  );
  // What the page puts into the address is read as what it was, but for what is too long for a link.
  const again = parseHash(formatHash(state));
  const linked = (text) => (text.length <= LIMITS.link ? text : "");
  assert.deepEqual(
    again,
    { ...state, prompt: linked(state.prompt), then: linked(state.then) },
    why,
  );
}

test("hostile addresses give settings within their limits", () => {
  for (let n = FIRST; n < FIRST + CASES; n++) {
    const hash = address(random(n));
    check(parseHash(hash), `case ${n}: ${JSON.stringify(hash.slice(0, 300))}`);
  }
  console.log(`${CASES} hostile addresses: every value within its limits, read back as written`);
});

/** Anything that a message can carry. */
function thing(r, depth = 0) {
  switch (r.below(depth > 3 ? 9 : 12)) {
    case 0:
      return undefined;
    case 1:
      return null;
    case 2:
      return r.next() / 7;
    case 3:
      return NaN;
    case 4:
      return BigInt(r.next());
    case 5:
      return new Date(NaN);
    case 6:
      return r.below(2) === 0;
    case 7:
    case 8:
      return hostileText(r);
    case 9:
      return Array.from({ length: r.below(4) }, () => thing(r, depth + 1));
    case 10:
      return new Map([[hostileText(r), thing(r, depth + 1)]]);
    default: {
      const object = r.below(2) ? {} : Object.create(null);
      for (let i = r.below(4); i > 0; i--)
        Object.defineProperty(object, r.of(["type", "hash", "source", ...KEYS]), {
          value: thing(r, depth + 1),
          enumerable: true,
          configurable: true,
        });
      return object;
    }
  }
}

test("hostile messages to an embed are settings within their limits, or nothing", async () => {
  const host = "https://class.example";
  let hear = null;
  const parent = { postMessage() {} };
  globalThis.location = { search: `?embed=1&origin=${host}` };
  globalThis.window = { parent, addEventListener: (_, listener) => (hear = listener) };
  const { listen } = await import("../../www/page/hosts.js");
  let acted = 0;
  let why = "";
  const act = (message) => {
    acted += 1;
    assert.deepEqual(Object.keys(message), ["hash"], why);
    check(parseHash(message.hash), why);
  };
  listen({ set: act, run: act, stop: act });
  for (let n = FIRST; n < FIRST + CASES; n++) {
    const r = random(n);
    why = `case ${n}`;
    const mostly = (right) => (r.below(4) ? right : thing(r));
    const data = r.below(8)
      ? {
          source: mostly("hneurons-host"),
          type: mostly(r.of(["set", "run", "stop", "constructor", "__proto__"])),
          hash: mostly(address(r)),
        }
      : thing(r);
    const before = acted;
    const [origin, source] = [mostly(host), mostly(parent)];
    hear({ origin, source, data });
    const allowed =
      origin === host &&
      source === parent &&
      data?.source === "hneurons-host" &&
      ["set", "run", "stop"].includes(data.type);
    assert.equal(acted - before, allowed ? 1 : 0, why);
  }
  delete globalThis.window;
  delete globalThis.location;
  console.log(`${CASES} hostile messages: ${acted} of the named host were acted on, no other`);
});
