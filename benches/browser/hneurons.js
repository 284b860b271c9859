// Our engine, through the very surface the page uses: one lane, as trained, nothing captured.

import { answer, fetchModel } from "./answer.js";

let lab;

async function load({ module, model }) {
  const { default: init, ModelBuffer } = await import(`${module}.js`);
  await init({ module_or_path: new URL(`${module}_bg.wasm`) });
  const bytes = await fetchModel(model);
  const buffer = new ModelBuffer(bytes.length);
  buffer.push(bytes);
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  lab = buffer.finish(Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join(""));
  return lab.info();
}

// `tokens` is how many to generate. The prompt is read in steps; the step that ends it may already give the first token.
async function run({ prompt, tokens }) {
  const started = lab.start({
    messages: [{ role: "user", content: prompt }],
    lanes: [{ set: "none", alpha: 1 }],
    max_tokens: tokens,
    temperature: 0,
    seed: 1,
  });
  const ids = [];
  const begin = performance.now();
  let read = null;
  let early = 0;
  for (;;) {
    const step = await lab.step();
    const token = step.lanes[0]?.token;
    if (token) ids.push(token.id);
    if (read === null && step.prompt_read >= step.prompt_total) {
      read = performance.now();
      early = ids.length;
    }
    if (step.done || ids.length >= tokens) break;
  }
  const end = performance.now();
  lab.stop();
  return {
    prompt_ids: started.prompt.map(({ id }) => id),
    ids,
    prefill_tps: started.prompt.length / ((read - begin) / 1000),
    decode_tps: (ids.length - early) / ((end - read) / 1000),
  };
}

answer({ load, run });
