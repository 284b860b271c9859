// Where the time of a run on the CPU engine goes, function by function: the page's module in Node, under V8's sampling profiler.
// Needs a build that keeps its names, and so has its functions apart: `cargo xtask build --quick`.
//
//     node benches/browser/profile.mjs [--build simd128|relaxed-simd] [--lanes N] [--tokens N] [--temperature T]

import { readFile } from "node:fs/promises";
import { Session } from "node:inspector/promises";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { MODEL, repository } from "../../tests/browser/server.mjs";
import { TEXT } from "./prompt.mjs";

const { values } = parseArgs({
  options: {
    build: { type: "string", default: "simd128" },
    lanes: { type: "string", default: "1" },
    tokens: { type: "string", default: "128" },
    temperature: { type: "string", default: "0" },
  },
});
const [lanes, tokens, temperature] = ["lanes", "tokens", "temperature"].map((option) =>
  Number(values[option]),
);

const folder = join(repository, "pkg", values.build);
const module = await import(join(folder, "hneurons.js"));
await module.default({ module_or_path: await readFile(join(folder, "hneurons_bg.wasm")) });
const artifact = JSON.parse(
  await readFile(
    join(repository, "www/artifacts/smollm2-135m-instruct-q4_1/hneurons.json"),
    "utf8",
  ),
);
const bytes = await readFile(join(repository, MODEL));
const buffer = new module.ModelBuffer(bytes.length);
buffer.push(bytes);
const lab = buffer.finish(artifact.model.sha256);

// Reading a prompt of some 240 tokens and answering are profiled apart.
const start = () =>
  lab.start({
    messages: [{ role: "user", content: TEXT.split(" ").slice(0, 190).join(" ") }],
    lanes: Array.from({ length: lanes }, () => ({ set: "none", alpha: 1 })),
    max_tokens: tokens,
    temperature,
    seed: 1,
  });
async function until(reached) {
  for (let given = 0; ;) {
    const step = await lab.step();
    given += step.lanes.filter(({ token }) => token).length;
    if (step.done || reached(given)) return given;
  }
}

start();
await until(() => false); // V8 compiles better code on the way
const session = new Session();
session.connect();
await session.post("Profiler.enable");
async function profiled(what, act) {
  await session.post("Profiler.start");
  const began = performance.now();
  const count = await act();
  const seconds = (performance.now() - began) / 1000;
  const { profile } = await session.post("Profiler.stop");
  const names = new Map(profile.nodes.map(({ id, callFrame }) => [id, callFrame.functionName]));
  const self = new Map();
  profile.samples.forEach((id, i) =>
    self.set(names.get(id), (self.get(names.get(id)) ?? 0) + profile.timeDeltas[i]),
  );
  const all = [...self.values()].reduce((a, b) => a + b);
  console.log(
    `\n${what}: ${(count / seconds).toFixed(1)} tokens a second (${values.build}, ${lanes} lane${lanes === 1 ? "" : "s"}, temperature ${temperature})`,
  );
  for (const [name, time] of [...self].sort(([, a], [, b]) => b - a).slice(0, 14)) {
    console.log(
      `${((100 * time) / all).toFixed(1).padStart(6)} %  ${name.replace(/::h[0-9a-f]{16}$/, "").slice(0, 110)}`,
    );
  }
}
const { prompt } = start();
await profiled(
  "reading the prompt",
  async () => (await until((given) => given > 0), prompt.length * lanes),
);
await profiled("answering", () => until(() => false));
process.exit(0);
