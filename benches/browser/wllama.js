// wllama: llama.cpp in WebAssembly, as its npm package is, on one thread and without WebGPU.
//
// It reads text, not token ids: it gets the prompt's text with all of its template, and must make as many tokens of it. The
// times are those it takes itself, inside its own worker, of reading the prompt and of the tokens after the first; the
// messages to and fro are not in them. Its sampling is cut down to the likeliest token, and ends of text do not stop it. A
// file is handed over as one Blob, which may have up to 2 GB.

import { answer } from "./answer.js";

const CONTEXT = 1024;

let wllama;
let known;

async function load({ module, model }) {
  const { Wllama } = await import(`${module}/index.js`);
  const nothing = () => {};
  const logger = { debug: nothing, log: nothing, warn: nothing, error: nothing };
  wllama = new Wllama(
    { default: `${module}/wasm/wllama.wasm` },
    { suppressNativeLog: true, logger },
  );
  // The other build, for browsers without 64-bit memory, would come from someone else's server.
  wllama.setCompat(null);
  const response = await fetch(model);
  if (!response.ok) throw new Error(`${model}: HTTP ${response.status}`);
  await wllama.loadModel([await response.blob()], {
    n_ctx: CONTEXT,
    n_parallel: 1,
    n_threads: 1,
    n_gpu_layers: 0,
  });
  if (!wllama.getLoadedContextInfo().success) throw new Error("wllama did not take the model");
  return {};
}

async function run({ prompt_ids, prompt_texts, tokens }) {
  if (prompt_ids.length + tokens > CONTEXT)
    throw new Error(`the prompt and ${tokens} tokens do not fit into ${CONTEXT}`);
  const { add_bos_token, token_bos } = wllama.getLoadedContextInfo();
  // The token that begins every text it puts there by itself.
  const begun = add_bos_token && prompt_ids[0] === token_bos ? 1 : 0;
  const { choices, timings } = await wllama.createCompletion({
    prompt: prompt_texts.slice(begun).join(""),
    max_tokens: tokens,
    temperature: 0,
    top_k: 1,
    samplers: ["top_k"],
    ignore_eos: true,
    // Nothing is kept of the run before.
    cache_prompt: false,
    // The ids come with the probabilities, which take time: they are asked for in the first run, which does not count.
    ...(!known && { n_probs: 1 }),
  });
  const { text, logprobs } = choices[0];
  known ??= { text, ids: logprobs.content.map(({ id }) => id) };
  if (text !== known.text) throw new Error("wllama went on differently from the run before");
  if (timings.prompt_n !== prompt_ids.length)
    throw new Error(`wllama read ${timings.prompt_n} tokens instead of ${prompt_ids.length}`);
  return {
    prompt_ids,
    ids: known.ids,
    prefill_tps: timings.prompt_n / (timings.prompt_ms / 1000),
    decode_tps: (timings.predicted_n - 1) / (timings.predicted_ms / 1000),
  };
}

answer({ load, run });
