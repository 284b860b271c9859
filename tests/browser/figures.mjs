// Figures of a visit to the built page: what is fetched, how soon there is something to see and to use, and whether the page
// stays responsive. Needs dist/ and models/ (`cargo xtask build` and `cargo xtask model` make them).
//
//     node tests/browser/figures.mjs [--rounds N]      medians of N rounds (3); JSON into target/figures.json
//
// Each round has a profile of its own: a first visit with a live run, a second visit with the model in the cache, and a first visit on a
// processor slowed four times by the browser. The server is on this machine and compresses by gzip.

import { mkdir, writeFile } from "node:fs/promises";
import { cpus } from "node:os";
import { dirname, join } from "node:path";
import { parseArgs } from "node:util";
import { open, temporaryFolder } from "./browser.mjs";
import { busy, opening, RUN, run, watch } from "./measure.mjs";
import { repository, serve } from "./server.mjs";

const { values } = parseArgs({ options: { rounds: { type: "string", default: "3" } } });
const rounds = Math.max(1, Math.floor(Number(values.rounds)) || 3);
const SLOWER = 4;

const sum = (list) => list.reduce((total, value) => total + value, 0);
/** Bytes of bodies sent since the visit began, by what they belong to. */
function wire({ requests }) {
  const bytes = (match) =>
    sum(requests.filter(({ path }) => match.test(path)).map(({ sent }) => sent));
  return { page: bytes(/^(?!pkg\/|models\/)/), module: bytes(/^pkg\//), model: bytes(/^models\//) };
}
const tasks = (list, own) => ({
  count: list.length,
  longest: Math.max(0, ...list),
  own: own[0] ?? 0,
});

/** One visit: the opening, and what `then` finds. */
async function visit(server, options, then = () => ({})) {
  server.clear();
  const { page, context, problems, close } = await open(options);
  try {
    await watch(page);
    if (options.slower)
      await (
        await context.newCDPSession(page)
      ).send("Emulation.setCPUThrottlingRate", { rate: options.slower });
    const stop = await busy(page);
    await page.goto(server.url);
    const seen = await opening(page);
    const found = {
      opening: { ...seen, tasks: tasks(seen.tasks, await stop()) },
      ...(await then(page)),
    };
    if (problems.length) throw new Error(problems.join("\n"));
    return found;
  } finally {
    await close();
  }
}

async function live(page) {
  const first = await run(page, RUN);
  const { phases, loading, loaded } = first;
  const lastByte = (phases.download ?? phases.cache).to;
  // Again, with the model there: what the main thread does while three lanes answer, and nothing else.
  // A second visit finds everything kept, if the build's list of files fits its files.
  await page.evaluate(() =>
    Promise.race([
      navigator.serviceWorker.ready,
      new Promise((_, failed) =>
        setTimeout(() => failed(new Error("nothing was kept for offline use: build anew")), 30_000),
      ),
    ]),
  );
  const stop = await busy(page);
  const { from, to, tokens, tasks: long } = await run(page, RUN);
  return {
    loading: {
      total: loaded - loading,
      read: lastByte - (phases.download ?? phases.cache).from,
      verify: phases.measure.from - lastByte,
      measure: loaded - phases.measure.from,
      fromLastByte: loaded - lastByte,
    },
    run: { seconds: (to - from) / 1000, tokens: sum(tokens), tasks: tasks(long, await stop()) },
  };
}

async function round(server) {
  const profile = await temporaryFolder();
  try {
    const first = await visit(server, { profile: profile.path }, live);
    first.wire = wire(server);
    const second = await visit(server, { profile: profile.path }, live);
    second.wire = wire(server);
    const slow = await visit(server, { slower: SLOWER });
    return { first, second, slow };
  } finally {
    await profile.remove();
  }
}

const server = await serve({ compress: true });
const all = [];
let version = "";
try {
  const { version: is, close } = await open();
  version = is;
  await close();
  for (let i = 0; i < rounds; i++) {
    all.push(await round(server));
    console.error(`round ${i + 1} of ${rounds}`);
  }
} finally {
  await server.close();
}

const median = (of) => {
  const list = all.map(of).sort((a, b) => a - b);
  return (list[(list.length - 1) >> 1] + list[list.length >> 1]) / 2;
};
const ms = (of) => `${Math.round(median(of)).toLocaleString("en")} ms`;
const kB = (of) => `${(median(of) / 1000).toFixed(0)} kB`;
const MB = (of) => (median(of) < 5000 ? "nothing" : `${(median(of) / 1e6).toFixed(2)} MB`);
const long = (of) => {
  const count = median((round) => of(round).count);
  return `${count || "none"}${count ? `, the longest ${ms((round) => of(round).longest)}` : ""} (${ms((round) => of(round).own)})`;
};
const device = `${cpus()[0]?.model ?? "unknown processor"}, ${cpus().length} cores, Chromium ${version}, headless`;

const columns = [
  ["first visit", "first"],
  ["second visit", "second"],
  [`first visit, processor ${SLOWER} x slower`, "slow"],
];
const whole = (of) => (name) => (name === "slow" ? "" : of(name));
const fetched = (key) => (name) =>
  `${kB((r) => r[name].opening[key].bytes)}, ${median((r) => r[name].opening[key].requests)} requests`;
const table = [
  ["fetched until the first contentful paint", fetched("beforeFirst")],
  ["fetched until the recorded run can be explored", fetched("beforeDrawn")],
  ["first contentful paint", (name) => ms((r) => r[name].opening.first)],
  ["largest contentful paint", (name) => ms((r) => r[name].opening.largest)],
  ["the recorded run can be explored", (name) => ms((r) => r[name].opening.drawn)],
  ["cumulative layout shift", (name) => median((r) => r[name].opening.shift).toFixed(3)],
  [
    "long tasks while it opens (most processor time of one)",
    (name) => long((r) => r[name].opening.tasks),
  ],
  ["fetched for a live run: the module", whole((name) => MB((r) => r[name].wire.module))],
  ["fetched for a live run: the model", whole((name) => MB((r) => r[name].wire.model))],
  ["from Run to a ready model", whole((name) => ms((r) => r[name].loading.total))],
  ["of it, reading the model", whole((name) => ms((r) => r[name].loading.read))],
  [
    "of it, from its last byte to its verified weights",
    whole((name) => ms((r) => r[name].loading.verify)),
  ],
  [
    "of it, warming up and measuring the engine",
    whole((name) => ms((r) => r[name].loading.measure)),
  ],
  [
    "long tasks while three lanes answer (most processor time of one)",
    whole((name) => long((r) => r[name].run.tasks)),
  ],
];
const lines = [
  `${device}; gzip; medians of ${rounds} rounds; CPU engine, ${median((r) => r.first.run.tokens)} tokens in three lanes.`,
  "",
  `| | ${columns.map(([words]) => words).join(" | ")} |`,
  `|---|${columns.map(() => "---").join("|")}|`,
  ...table.map(
    ([words, of]) => `| ${words} | ${columns.map(([, name]) => of(name)).join(" | ")} |`,
  ),
];
const file = join(repository, "target/figures.json");
await mkdir(dirname(file), { recursive: true });
await writeFile(file, `${JSON.stringify({ device, rounds: all }, null, 1)}\n`);
console.log(lines.join("\n"));
