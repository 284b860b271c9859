// Races the engines in one headless browser and writes what came of it. Started by `cargo xtask bench`.
//
//     node benches/browser/race.mjs [--model ID|FILE] [--rounds N] [--prompt-tokens N] [--tokens N] [--wllama] [--candle DIR]
//                                   [--no-gpu] [--software] [--profile NAME] [--out FILE]
//
// Every engine gets the same prompt, generates the same number of tokens greedily, is warmed up by one run that does not
// count, and is then measured in turn, round after round in changing order, so that whatever else the machine does falls on
// all of them alike. Peers get the same file, and SmolLM2's weights also in the formats they may be faster with. Reported are
// medians; candle's time is that of its own forward pass, wllama's the one it takes itself, ours that of the surface the
// page uses. Our builds for the processor also run in three lanes, and their bare matrix kernels are timed, in the same rounds.
//
// An ID is one of MODELS below, whose file is in models/; any GGUF file that both read may be named instead. A model without
// a chat template is raced with one that adds nothing.

import { existsSync } from "node:fs";
import { mkdir, readFile, stat, writeFile } from "node:fs/promises";
import { cpus } from "node:os";
import { basename, dirname, join, relative, resolve } from "node:path";
import { parseArgs } from "node:util";
import { open } from "../../tests/browser/browser.mjs";
import { MODEL_FILE, repository, serve } from "../../tests/browser/server.mjs";
import { TEXT } from "./prompt.mjs";
import { fastest, print, ratios } from "./report.mjs";
import { requantize } from "./requantize.mjs";
import { withTemplate } from "./template.mjs";

const MODELS = {
  "smollm2-135m": MODEL_FILE,
  "qwen2.5-coder-0.5b": "qwen2.5-coder-0.5b-instruct-q4_k_m.gguf",
  "gemma-3-270m": "gemma-3-270m-q4_k_m.gguf",
};

const { values } = parseArgs({
  options: {
    model: { type: "string", default: "smollm2-135m" },
    rounds: { type: "string", default: "5" },
    "prompt-tokens": { type: "string", default: "256" },
    tokens: { type: "string", default: "48" },
    wllama: { type: "boolean", default: false },
    candle: { type: "string" },
    "no-gpu": { type: "boolean", default: false },
    software: { type: "boolean", default: false },
    profile: { type: "string", default: "web" },
    out: { type: "string" },
  },
});
const whole = (option) => {
  if (!/^[1-9]\d*$/.test(values[option]))
    throw new Error(`--${option} must be a whole number from 1: ${values[option]}`);
  return Number(values[option]);
};
const [rounds, promptTokens, tokens] = ["rounds", "prompt-tokens", "tokens"].map(whole);
const LIMIT_SECONDS = 0.5;
const MADE = "target/bench/models";

const from = Object.hasOwn(MODELS, values.model)
  ? join(repository, "models", MODELS[values.model])
  : resolve(values.model);
if (!existsSync(from))
  throw new Error(
    `${from} is not there: --model names a file, or one of ${Object.keys(MODELS).join(", ")} in models/`,
  );
const fileBytes = (await stat(from)).size;
const file = basename(from);
const isSmolLM2 = file === MODEL_FILE;
await mkdir(join(repository, MADE), { recursive: true });
const MODEL = (await withTemplate(from, join(repository, MADE, file)))
  ? `bench-models/${file}`
  : `raced/${file}`;

// ---- who takes part ------------------------------------------------------------------------------------------------------

const racers = [];
for (const build of ["relaxed-simd", "simd128"]) {
  const ours = {
    engine: "hneurons",
    build,
    kind: "hneurons",
    module: `pkg/${build}/hneurons`,
    model: MODEL,
  };
  racers.push({ ...ours, lanes: 1, limits: [] }, { ...ours, lanes: 3 });
}
// WebGPU in both widths the page runs. SwiftShader serves where there is no GPU, and says so.
if (!values["no-gpu"])
  racers.push({
    engine: "hneurons",
    build: "webgpu",
    kind: "hneurons",
    module: "pkg/simd128/hneurons",
    model: MODEL,
    choose: "gpu",
    lanes: 1,
  });

async function inFormats(peer, formats) {
  racers.push({ ...peer, lanes: 1, model: MODEL });
  for (const format of isSmolLM2 ? formats : []) {
    const other = file.replace(/\.[^.]+\.gguf$/, `.${format}.gguf`);
    await requantize(from, join(repository, MADE, other), format);
    racers.push({
      ...peer,
      lanes: 1,
      model: `bench-models/${other}`,
      quantization: `${format} + F32`,
    });
  }
}
if (values.wllama) {
  const module = "bench/node_modules/@wllama/wllama";
  const manifest = join(repository, module.replace("bench/", "benches/browser/"), "package.json");
  if (!existsSync(manifest))
    throw new Error("wllama is not installed: run npm ci in benches/browser");
  const { version } = JSON.parse(await readFile(manifest, "utf8"));
  await inFormats(
    { engine: "wllama", version, build: "simd128", kind: "wllama", module: `${module}/esm` },
    ["Q8_0", "Q4_0", "F16"],
  );
}
if (values.candle && !isSmolLM2) console.log("left out: candle, which is raced on SmolLM2 only");
else if (values.candle)
  await inFormats(
    {
      engine: "candle-transformers",
      build: "simd128",
      kind: "candle",
      module: "candle/candle_peer",
    },
    ["Q8_0", "F16"],
  );

// ---- the race ------------------------------------------------------------------------------------------------------------

const folders = {
  "bench/": "benches/browser",
  "bench-models/": MADE,
  "raced/": dirname(from),
  ...(values.candle && { "candle/": relative(repository, resolve(values.candle)) }),
};
const server = await serve({ folders });
// Without quantization, or a kernel's time would be a multiple of 0.1 ms.
const browser = await open({
  args: [
    "--enable-unsafe-webgpu",
    "--disable-dawn-features=timestamp_quantization",
    ...(values.software ? ["--use-webgpu-adapter=swiftshader"] : []),
  ],
});
try {
  await race(browser.page);
} finally {
  await browser.close();
  await server.close();
}

async function race(page) {
  await page.goto(`${server.url}bench/index.html`);
  await page.waitForFunction(() => window.load && window.ask);
  // Racers of the same module and file, as ours in one lane and in three, share a worker.
  const worker = ({ module, model, choose }) => `${module} ${model} ${choose ?? ""}`;
  const ask = (racer, question) =>
    page.evaluate(([name, question]) => window.ask(name, question), [worker(racer), question]);

  let racing = racers;
  async function leaveOut(racer, why) {
    console.log(
      `left out: ${racer.engine} ${racer.build} ${racer.model.split("/").at(-1)} (${why.split("\n")[0]})`,
    );
    racing = racing.filter((other) => worker(other) !== worker(racer));
    await page.evaluate((name) => window.unload(name), worker(racer));
  }
  // A peer that fails is left out. So are ours where the browser has no relaxed instructions, and the page uses the other
  // build, or no WebGPU; anything else is our own error.
  async function attempt(racer, what, mayFail = racer.engine !== "hneurons") {
    try {
      await what();
    } catch (error) {
      if (!mayFail) throw error;
      await leaveOut(racer, error.message.replace(/^page\.evaluate: (Error: )?/, ""));
    }
  }

  const loaded = new Map();
  let given;
  const run = ({ lanes }) => ({ run: { ...given, tokens, lanes } });
  for (const racer of racers) {
    if (!racing.includes(racer)) continue;
    await attempt(
      racer,
      async () => {
        if (!loaded.has(worker(racer))) {
          loaded.set(
            worker(racer),
            await page.evaluate(
              ([name, racer]) => window.load(name, racer),
              [worker(racer), racer],
            ),
          );
        }
        racer.info = loaded.get(worker(racer));
        given ??= await ask(racer, { prompt: { text: TEXT, tokens: promptTokens } });
        // Not counted: the browser compiles the module and the caches fill.
        racer.warm = await ask(racer, run(racer));
        racer.rounds = [];
      },
      racer.engine !== "hneurons" || ["relaxed-simd", "webgpu"].includes(racer.build),
    );
  }
  // The same file is raced however slow it is; another format is only there to be faster.
  for (const racer of racing.filter(({ model }) => model !== MODEL)) {
    const others = racing
      .filter(({ engine }) => engine === racer.engine)
      .map(({ warm }) => warm.decode_tps);
    if (racer.warm.decode_tps * 4 < Math.max(...others))
      await leaveOut(racer, `too slow: ${racer.warm.decode_tps.toFixed(1)} tokens a second`);
  }

  const turns = racing.flatMap((racer) => [
    { racer, take: async () => racer.rounds.push(await ask(racer, run(racer))) },
    ...(racer.limits
      ? [{ racer, take: async () => racer.limits.push(await ask(racer, { limit: LIMIT_SECONDS })) }]
      : []),
  ]);
  for (let round = 0; round < rounds; round++) {
    for (let i = 0; i < turns.length; i++) {
      const { racer, take } = turns[(i + round) % turns.length];
      if (racing.includes(racer)) await attempt(racer, take);
    }
    console.log(`round ${round + 1} of ${rounds}`);
  }
  // With the H-Neurons shown, which are SmolLM2's.
  const onGpu = isSmolLM2 && racing.find(({ choose }) => choose === "gpu");
  await report(racing, onGpu ? await ask(onGpu, { kernels: 8 }) : null);
}

// ---- what came of it -----------------------------------------------------------------------------------------------------

async function report(racing, kernels) {
  const first = racing[0];
  const runs = racing.map((racer) => ({
    engine: racer.engine,
    ...(racer.version && { version: racer.version }),
    build: racer.build,
    file: racer.model.split("/").at(-1),
    quantization: racer.quantization ?? first.info.quantization,
    lanes: racer.lanes,
    ...medians(racer.rounds, ["prefill_tps", "decode_tps"]),
    rounds: racer.rounds.length,
    // The module's memory after the run that was not counted, and how often the file that is.
    ...(racer.warm.counters?.wasm_bytes && {
      wasm_bytes: racer.warm.counters.wasm_bytes,
      wasm_bytes_per_file: racer.warm.counters.wasm_bytes / fileBytes,
    }),
    ...(racer.info.adapter && { adapter: racer.info.adapter, per_step: racer.warm.counters }),
    ...(racer.limits?.[0] && {
      limit: medians(racer.limits, ["kernel_tps", "read_tps", "prefill_kernel_tps"]),
    }),
    prompt_tokens: racer.warm.prompt_ids.length,
    generated_tokens: racer.warm.ids.length,
    // Other formats are other weights.
    same_tokens_as_first:
      racer.model === first.model ? agreement(first.warm.ids, racer.warm.ids) : null,
  }));
  const processor = cpus()[0]?.model.trim() ?? "unknown processor";
  const device = `${processor}, ${cpus().length} cores, Chromium ${browser.version}, headless`;
  const result = {
    device,
    profile: values.profile,
    runs,
    kernels,
    limit: fastest(runs).limit ?? null,
    ratios: ratios(runs),
  };
  if (values.out) await writeFile(values.out, `${JSON.stringify(result, null, 2)}\n`);
  print(result, { rounds, tokens });
}

function medians(rounds, keys) {
  return Object.fromEntries(
    keys.map((key) => [key, Number(median(rounds.map((round) => round[key])).toPrecision(4))]),
  );
}

function median(numbers) {
  const sorted = [...numbers].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

function agreement(a, b) {
  const of = Math.min(a.length, b.length);
  for (let i = 0; i < of; i++) if (a[i] !== b[i]) return i;
  return of;
}
