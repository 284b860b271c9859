// Our engine, through the very surface the page uses: as trained, nothing captured, in as many lanes as are asked for.

import { answer, fetchModel } from "./answer.js";

const PIECE = 4 << 20;

let lab;

async function load({ module, model, choose }) {
  const { default: init, ModelBuffer } = await import(`${module}.js`);
  await init({ module_or_path: new URL(`${module}_bg.wasm`) });
  const bytes = await fetchModel(model);
  const buffer = new ModelBuffer(bytes.length);
  // In pieces, as the page does it: the file as a whole is never in the module's memory.
  for (let at = 0; at < bytes.length; at += PIECE) buffer.push(bytes.subarray(at, at + PIECE));
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  lab = buffer.finish(Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join(""));
  if (choose) {
    const chosen = await lab.choose(choose);
    if (chosen.engine !== choose)
      throw new Error(chosen.refused ?? `the ${choose} engine was not chosen`);
    return { ...lab.info(), adapter: chosen.adapter };
  }
  return lab.info();
}

const start = (content, tokens, lanes) =>
  lab.start({
    messages: [{ role: "user", content }],
    lanes: Array.from({ length: lanes }, () => ({ set: "none", alpha: 1 })),
    max_tokens: tokens,
    temperature: 0,
    seed: 1,
  });

// The beginning of `text`, said as often as needed, whose prompt is nearest to `tokens` long; with its ids and their texts.
function prompt({ text, tokens }) {
  const words = Array.from({ length: Math.ceil(tokens / text.split(" ").length) }, () => text)
    .join(" ")
    .split(" ");
  const cut = (count) => {
    const content = words.slice(0, count).join(" ");
    const started = start(content, 1, 1).prompt;
    lab.stop();
    return {
      prompt: content,
      prompt_ids: started.map(({ id }) => id),
      prompt_texts: started.map(({ text }) => text),
    };
  };
  let [few, many] = [1, words.length];
  while (many - few > 1) {
    const middle = (few + many) >> 1;
    if (cut(middle).prompt_ids.length <= tokens) few = middle;
    else many = middle;
  }
  const off = ({ prompt_ids }) => Math.abs(prompt_ids.length - tokens);
  const [shorter, longer] = [cut(few), cut(many)];
  return off(longer) < off(shorter) ? longer : shorter;
}

// `tokens` is how many to generate. The prompt is read in steps; the step that ends it may already give the first token.
async function run({ prompt, tokens, lanes }) {
  const started = start(prompt, tokens, lanes);
  const ids = [];
  const begin = performance.now();
  let read = null;
  let early = 0;
  let before = lab.counters();
  let steps = 0;
  for (;;) {
    const step = await lab.step();
    const token = step.lanes[0]?.token;
    if (token) ids.push(token.id);
    if (read === null && step.prompt_read >= step.prompt_total) {
      read = performance.now();
      early = ids.length;
      before = lab.counters();
      steps = 0;
    }
    steps++;
    if (step.done || ids.length >= tokens) break;
  }
  const end = performance.now();
  const after = lab.counters();
  lab.stop();
  const perStep = (key) => Math.round((after[key] - before[key]) / Math.max(1, steps));
  return {
    prompt_ids: started.prompt.map(({ id }) => id),
    ids,
    prefill_tps: started.prompt.length / ((read - begin) / 1000),
    decode_tps: (ids.length - early) / ((end - read) / 1000),
    counters: {
      submits: perStep("submits"),
      dispatches: perStep("dispatches"),
      bytes_read_back: perStep("bytes_read_back"),
      weight_bytes: after.weight_bytes,
      device_bytes: after.device_bytes,
      wasm_bytes: after.wasm_bytes,
    },
  };
}

// Time by kernel a token, with the H-Neurons silenced and shown.
async function kernels(tokens) {
  lab.set_artifact(
    await (
      await fetch(
        new URL("../www/artifacts/smollm2-135m-instruct-q4_1/hneurons.json", location.href),
      )
    ).text(),
  );
  await lab.kernel_times(2);
  const times = await lab.kernel_times(tokens);
  return times.map(({ kernel, starts, ms }) => ({
    kernel,
    starts_per_token: starts / tokens,
    ms_per_token: ms / tokens,
  }));
}

// What the machine could do at best, each part measured for about `seconds`; null where this build cannot tell.
const limit = (seconds) => lab.limit?.(seconds) ?? null;

answer({ load, prompt, run, kernels, limit });
