// candle's quantized Llama: the same token ids, in one batch, then on from there token by token.

import { answer, fetchModel } from "./answer.js";

let peer;

async function load({ module, model }) {
  const { default: init, CandlePeer } = await import(`${module}.js`);
  await init({ module_or_path: new URL(`${module}_bg.wasm`) });
  peer = new CandlePeer(await fetchModel(model));
  return {};
}

async function run({ prompt_ids, tokens }) {
  const begin = performance.now();
  const first = peer.prefill(Uint32Array.from(prompt_ids));
  const read = performance.now();
  const rest = peer.decode(tokens - 1);
  const end = performance.now();
  return {
    prompt_ids,
    ids: [first, ...rest],
    prefill_tps: prompt_ids.length / ((read - begin) / 1000),
    decode_tps: rest.length / ((end - read) / 1000),
  };
}

answer({ load, run });
