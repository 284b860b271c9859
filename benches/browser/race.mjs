// Races the engines in one headless browser and writes what came of it. Started by `cargo xtask bench`.
//
// Every engine gets the same file and the same prompt, generates the same number of tokens greedily, is warmed up by one
// run that does not count, and is then measured in turn, round after round in changing order, so that whatever else the
// machine does falls on all of them alike. Reported are medians; candle's time is that of its own forward pass, ours is
// that of the surface the page uses.

import { writeFile } from "node:fs/promises";
import { cpus } from "node:os";
import { relative } from "node:path";
import { parseArgs } from "node:util";
import { open } from "../../tests/browser/browser.mjs";
import { MODEL, MODEL_FILE, repository, serve } from "../../tests/browser/server.mjs";

const PROMPT = "Explain in simple words how a rainbow forms when the sun comes out after rain, and why its colours always come in the same order from red to violet.";
const TOKENS = 32;

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "5" },
    profile: { type: "string", default: "web" },
    candle: { type: "string" },
    software: { type: "boolean", default: false },
    out: { type: "string" },
  },
});
const rounds = Number(values.rounds);

const engines = ["relaxed-simd", "simd128"].map((build) => ({ engine: "hneurons", build, kind: "hneurons", module: `pkg/${build}/hneurons` }));
// WebGPU in both widths the page runs. SwiftShader serves where there is no GPU, and says so.
if (!process.env.RACE_CPU_ONLY) engines.push({ engine: "hneurons", build: "webgpu", kind: "hneurons", module: "pkg/simd128/hneurons", choose: "gpu" });
if (values.candle) engines.push({ engine: "candle-transformers", build: "simd128", kind: "candle", module: "candle/candle_peer" });

const folders = { "bench/": "benches/browser", ...(values.candle && { "candle/": relative(repository, values.candle) }) };
const server = await serve({ folders });
// Without quantization, or a kernel's time would be a multiple of 0.1 ms.
const browser = await open({ args: ["--enable-unsafe-webgpu", "--disable-dawn-features=timestamp_quantization", ...(values.software ? ["--use-webgpu-adapter=swiftshader"] : [])] });
const median = (numbers) => {
  const sorted = [...numbers].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
};
const short = (number) => Number(number.toPrecision(4));

try {
  const { page } = browser;
  await page.goto(`${server.url}bench/index.html`);
  await page.waitForFunction(() => window.load && window.measure);

  const name = ({ module, choose }) => `${module} ${choose ?? ""}`;
  const measure = (racer, run) => page.evaluate(([name, run]) => window.measure(name, run), [name(racer), run]);
  const run = { prompt: PROMPT, tokens: TOKENS };
  for (const racer of engines) {
    racer.rounds = [];
    try {
      racer.info = await page.evaluate(([name, what]) => window.load(name, what), [name(racer), { ...racer, model: MODEL }]);
    } catch (error) {
      // Not every browser has the relaxed instructions; the page then uses the other build.
      // And not every machine has WebGPU.
      if (!["relaxed-simd", "webgpu"].includes(racer.build)) throw error;
      console.log(`left out: ${racer.engine} ${racer.build} (${error.message.split("\n")[0]})`);
      continue;
    }
    // Not counted: the browser compiles the module and the caches fill. It also tells the prompt's ids, for the peers.
    racer.warm = await measure(racer, run);
    run.prompt_ids ??= racer.warm.prompt_ids;
  }
  const racing = engines.filter((racer) => racer.warm);
  for (let round = 0; round < rounds; round++) {
    for (let i = 0; i < racing.length; i++) {
      const racer = racing[(i + round) % racing.length];
      racer.rounds.push(await measure(racer, run));
    }
    console.log(`round ${round + 1} of ${rounds}`);
  }

  const onGpu = racing.find(({ choose }) => choose === "gpu");
  const kernels = onGpu ? await page.evaluate(([name, tokens]) => window.kernels(name, tokens), [name(onGpu), 8]) : null;

  const ours = racing[0];
  const quantization = ours.info.quantization;
  const runs = racing.map(({ engine, build, rounds, warm, info: { adapter } = {} }) => ({
    engine,
    build,
    file: MODEL_FILE,
    quantization,
    lanes: 1,
    prefill_tps: short(median(rounds.map((round) => round.prefill_tps))),
    decode_tps: short(median(rounds.map((round) => round.decode_tps))),
    rounds: rounds.length,
    ...(adapter && { adapter, per_step: warm.counters }),
    prompt_tokens: warm.prompt_ids.length,
    generated_tokens: warm.ids.length,
    same_tokens_as_first: agreement(ours.warm.ids, warm.ids),
  }));
  const { model, length } = { model: cpus()[0]?.model ?? "unknown processor", length: cpus().length };
  const device = `${model.trim()}, ${length} cores, Chromium ${browser.version}, headless`;
  // What the machine could do at best is not measured yet.
  const result = { device, profile: values.profile, runs, kernels, limit: null };
  if (values.out) await writeFile(values.out, `${JSON.stringify(result, null, 2)}\n`);

  const best = runs.filter(({ engine }) => engine === "hneurons").sort((a, b) => b.decode_tps - a.decode_tps)[0];
  console.log(`\n${device}\n${MODEL_FILE}, ${runs[0].prompt_tokens} prompt tokens, ${TOKENS} generated, medians of ${rounds} rounds, profile ${values.profile}\n`);
  console.log(row(["engine", "build", "prompt tok/s", "decode tok/s", `best ours is … times (prompt, decode)`]));
  for (const one of runs) {
    const times = (key) => `${(best[key] / one[key]).toFixed(2)} x`;
    console.log(row([one.engine, one.build, one.prefill_tps.toFixed(1), one.decode_tps.toFixed(1), `${times("prefill_tps")}, ${times("decode_tps")}`]));
  }
  for (const { adapter, per_step: per } of runs.filter((one) => one.adapter)) {
    console.log(`WebGPU on ${adapter}: ${per.submits} submit, ${per.dispatches} dispatches, ${per.bytes_read_back} bytes read back a step; ${(per.device_bytes / 1e6).toFixed(1)} MB on the device, ${(per.wasm_bytes / 1e6).toFixed(1)} MB of wasm memory`);
  }
  if (kernels?.length) {
    console.log("time by kernel a token, one lane, edited and shown, each kernel a pass of its own:");
    for (const { kernel, starts_per_token, ms_per_token } of kernels) {
      console.log(`  ${kernel.padEnd(12)} ${starts_per_token.toFixed(1).padStart(6)} starts ${ms_per_token.toFixed(3).padStart(9)} ms`);
    }
  } else if (kernels) {
    console.log("time by kernel: not measured, this adapter has no timestamps");
  }
  for (const one of runs.slice(1)) {
    const of = Math.min(runs[0].generated_tokens, one.generated_tokens);
    console.log(`${one.engine} ${one.build}: the first ${one.same_tokens_as_first} of ${of} tokens are those of ${runs[0].engine} ${runs[0].build}`);
  }
  console.log("limit of the machine: not measured yet");
} finally {
  await browser.close();
  await server.close();
}

function agreement(a, b) {
  const of = Math.min(a.length, b.length);
  for (let i = 0; i < of; i++) if (a[i] !== b[i]) return i;
  return of;
}

function row([engine, build, prefill, decode, ratio]) {
  return `${engine.padEnd(20)} ${build.padEnd(13)} ${prefill.padStart(13)} ${decode.padStart(13)}   ${ratio}`;
}
