// Races our engine as native code against llama.cpp, one thread each, on the same files. Started by `cargo xtask bench --only
// native-peers`.
//
//     npm ci --prefix benches/native
//     node benches/native/race.mjs [--rounds N] [--prompt-tokens N] [--tokens N] [--out FILE] [MODEL.gguf...]
//
// Ours is benches/served.rs, llama.cpp is the npm package node-llama-cpp with its prebuilt binary. Both hold the model in a
// process that stays; only one works at a time. A round gives both the same token ids, beginning with whichever began second
// the round before. Timed are the prompt, up to the first chosen token, and then the tokens after it, chosen greedily and
// not stopped by ends of text. The first round does not count. Reported are medians, and ratios of medians of the same run.
//
// llama.cpp's keys and values are in F16 and its attention is flash attention, as is its own default. Its times contain what
// node-llama-cpp adds to a step, which is little while the machine has nothing else to do. It is measured in the same rounds
// with a model of almost nothing; "bare" is the ratio without it. Ours are taken inside our process.

import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { cpus } from "node:os";
import { basename, join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { TEXT } from "../browser/prompt.mjs";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: "string", default: "5" },
    "prompt-tokens": { type: "string", default: "64" },
    tokens: { type: "string", default: "64" },
    out: { type: "string" },
  },
});
const whole = (option) => {
  if (!/^[1-9]\d*$/.test(values[option]))
    throw new Error(`--${option} must be a whole number from 1: ${values[option]}`);
  return Number(values[option]);
};
const [rounds, promptTokens, tokens] = ["rounds", "prompt-tokens", "tokens"].map(whole);

const repository = fileURLToPath(new URL("../../", import.meta.url));
const USUAL = [
  "SmolLM2-135M-Instruct.Q4_1.gguf",
  "qwen2.5-coder-0.5b-instruct-q4_k_m.gguf",
  "gemma-3-270m-q4_k_m.gguf",
];
const ALMOST_NOTHING = join(repository, "tests/fixtures/tiny_models/llama.gguf");

const files = positionals.map((file) => resolve(file));
for (const file of files) if (!existsSync(file)) throw new Error(`${file} is not there`);
if (!files.length) {
  for (const name of USUAL) {
    const file = join(repository, "models", name);
    if (existsSync(file)) files.push(file);
    else console.log(`left out: models/${name} is not there`);
  }
}
if (!files.length) throw new Error("there is no model to race on: run `cargo xtask model`");

// ---- who takes part ------------------------------------------------------------------------------------------------------

const { devDependencies } = createRequire(import.meta.url)("./package.json");
const version = devDependencies["node-llama-cpp"];
const { getLlama } = await import("node-llama-cpp").catch(() => {
  throw new Error("node-llama-cpp is not installed: run npm ci in benches/native");
});
const llama = await getLlama({ gpu: false, build: "never", maxThreads: 1, logLevel: "error" });

// Every racer has `prefill(ids)`, `decode(count)`, both giving `{ ms, ids }`, and `close()`.
async function llamaCpp(modelPath) {
  const model = await llama.loadModel({ modelPath, gpuLayers: 0, useMmap: false });
  const context = await model.createContext({
    contextSize: promptTokens + tokens + 8,
    batchSize: promptTokens + 8,
    flashAttention: true,
    threads: { ideal: 1, min: 1 },
  });
  const sequence = context.getSequence();
  let going = null;
  async function chosen(count) {
    const ids = [];
    const begin = performance.now();
    for (let i = 0; i < count; i++) ids.push((await going.next()).value);
    return { ms: performance.now() - begin, ids };
  }
  return {
    read: (text) => {
      const { bos, shouldPrependBosToken } = model.tokens;
      return [...(shouldPrependBosToken ? [bos] : []), ...model.tokenize(text, false)];
    },
    async prefill(ids) {
      await going?.return();
      await sequence.clearHistory();
      going = sequence.evaluate(ids, { temperature: 0, yieldEogToken: true });
      return chosen(1);
    },
    decode: chosen,
    async close() {
      await going?.return();
      await context.dispose();
      await model.dispose();
    },
  };
}

async function ours(modelPath) {
  const child = spawn(
    process.env.CARGO ?? "cargo",
    ["bench", "--quiet", "--bench", "served", "--", modelPath],
    { cwd: repository, stdio: ["pipe", "pipe", "inherit"] },
  );
  const ended = new Promise((_, failed) => {
    child.on("error", (error) => failed(new Error(`cargo could not be started: ${error.message}`)));
    child.on("exit", (code) => failed(new Error(`benches/served.rs ended (${code})`)));
  });
  // Whoever waits for an answer hears of it; nobody waits at the end.
  ended.catch(() => {});
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const answer = async () => {
    const { value, done } = await Promise.race([lines.next(), ended]);
    return done ? ended : JSON.parse(value);
  };
  const ask = (line) => (child.stdin.write(`${line}\n`), answer());
  return {
    ...(await answer()),
    prefill: (ids) => ask(`prefill ${ids.join(" ")}`),
    decode: (count) => ask(`decode ${count}`),
    async close() {
      child.stdin.end();
      await ended.catch(() => {});
    },
  };
}

// ---- the race ------------------------------------------------------------------------------------------------------------

async function once(racer, ids) {
  const first = await racer.prefill(ids);
  const rest = await racer.decode(tokens);
  if (rest.ids.length !== tokens || [...first.ids, ...rest.ids].some((id) => id == null))
    throw new Error(`${rest.ids.length} tokens came in place of ${tokens}`);
  return {
    prefill_tps: ids.length / (first.ms / 1000),
    decode_tps: tokens / (rest.ms / 1000),
    ids: [...first.ids, ...rest.ids],
  };
}

async function race(file, almostNothing) {
  const peer = await llamaCpp(file);
  const own = await ours(file);
  try {
    const ids = peer.read(TEXT).slice(0, promptTokens);
    if (ids.length < promptTokens)
      throw new Error(`the text has ${ids.length} tokens: ask for fewer with --prompt-tokens`);
    const sides = [
      { name: "hneurons", racer: own, rounds: [] },
      { name: "llama.cpp", racer: peer, rounds: [] },
    ];
    const added = [];
    for (let round = 0; round <= rounds; round++) {
      for (const side of round % 2 ? [...sides].reverse() : sides) {
        const came = await once(side.racer, ids);
        side.ids ??= came.ids;
        if (round) side.rounds.push(came);
      }
      await almostNothing.prefill(ids.map((_, i) => i % 40));
      const step = (await almostNothing.decode(tokens)).ms / tokens;
      if (round) added.push(step);
      console.log(`${basename(file)}: ${round ? `round ${round} of ${rounds}` : "warmed up"}`);
    }
    const [mine, theirs] = sides.map(({ name, rounds }) => ({
      name,
      prefill_tps: median(rounds.map(({ prefill_tps }) => prefill_tps)),
      decode_tps: median(rounds.map(({ decode_tps }) => decode_tps)),
    }));
    const added_ms_a_step = median(added);
    const bare_tps = 1000 / (1000 / theirs.decode_tps - added_ms_a_step);
    return {
      file: basename(file),
      engine: own.engine,
      prompt_tokens: ids.length,
      decoded_tokens: tokens,
      hneurons: { prefill_tps: mine.prefill_tps, decode_tps: mine.decode_tps },
      llama_cpp: {
        prefill_tps: theirs.prefill_tps,
        decode_tps: theirs.decode_tps,
        added_ms_a_step,
      },
      ratios: {
        prefill: short(mine.prefill_tps / theirs.prefill_tps),
        decode: short(mine.decode_tps / theirs.decode_tps),
        decode_bare: short(mine.decode_tps / bare_tps),
      },
      same_first_tokens: agreement(sides[0].ids, sides[1].ids),
    };
  } finally {
    await own.close();
    await peer.close();
  }
}

const short = (number) => Number(number.toPrecision(4));

function median(numbers) {
  const sorted = [...numbers].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return short(sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2);
}

function agreement(a, b) {
  const at = a.findIndex((id, i) => id !== b[i]);
  return at < 0 ? a.length : at;
}

// ---- what came of it -----------------------------------------------------------------------------------------------------

const models = [];
const almostNothing = await llamaCpp(ALMOST_NOTHING);
for (const file of files) models.push(await race(file, almostNothing));
const device = `${cpus()[0]?.model.trim() ?? "unknown processor"}, ${cpus().length} cores`;
const release = llama.llamaCppRelease.release;
const result = {
  device,
  threads: 1,
  rounds,
  llama_cpp: release,
  node_llama_cpp: version,
  models,
};

const row = (cells) => cells.map((cell, i) => (i ? cell.padStart(13) : cell.padEnd(42))).join("");
console.log(
  `\n${device}, one thread each; llama.cpp ${release} in node-llama-cpp ${version}\n` +
    `medians of ${rounds} interleaved rounds: ${promptTokens} prompt tokens, then ${tokens} decoded; tokens a second\n`,
);
console.log(
  row(["", "prompt: ours", "llama.cpp", "ratio", "decode: ours", "llama.cpp", "ratio", "bare"]),
);
for (const { file, hneurons, llama_cpp, ratios } of models) {
  const cells = ["prefill", "decode"].flatMap((what) => [
    hneurons[`${what}_tps`].toFixed(1),
    llama_cpp[`${what}_tps`].toFixed(1),
    `${ratios[what].toFixed(2)} x`,
  ]);
  console.log(row([file, ...cells, `${ratios.decode_bare.toFixed(2)} x`]));
}
for (const { file, engine, llama_cpp, same_first_tokens } of models)
  console.log(
    `${file} on ${engine}: the first ${same_first_tokens} of ${tokens + 1} tokens are llama.cpp's; ` +
      `node-llama-cpp adds ${llama_cpp.added_ms_a_step} ms to a step`,
  );
if (values.out) await writeFile(values.out, `${JSON.stringify(result, null, 2)}\n`);
else console.log(JSON.stringify(result, null, 2));
// llama.cpp's threads would keep the process alive.
process.exit(0);
