// What the race comes to: the ratios, and the numbers as a table and in words.

const known = (number) => Number.isFinite(number);
const best = (runs, key) => Math.max(...runs.map((run) => run[key]));
const short = (number) => (known(number) ? Number(number.toPrecision(4)) : null);

// Our fastest build on the processor, by tokens decoded a second in one lane.
export function fastest(runs) {
  const ours = runs.filter(
    ({ engine, lanes, adapter }) => engine === "hneurons" && lanes === 1 && !adapter,
  );
  return ours.find((run) => run.decode_tps === best(ours, "decode_tps"));
}

// All of medians, all of our fastest build on the processor; null where one side was not measured.
export function ratios(runs) {
  const ours = fastest(runs);
  const of = (name) => runs.filter(({ engine }) => engine === name);
  const [wllama, candle] = [of("wllama"), of("candle-transformers")];
  const three = runs.find(
    ({ engine, build, lanes }) => engine === ours.engine && build === ours.build && lanes === 3,
  );
  return {
    decode_vs_wllama_same_file: short(
      ours.decode_tps / wllama.find(({ file }) => file === ours.file)?.decode_tps,
    ),
    decode_vs_wllama_best: ratio(ours, wllama, "decode_tps"),
    decode_vs_candle_best: ratio(ours, candle, "decode_tps"),
    decode_share_of_limit: short(ours.decode_tps / ours.limit?.kernel_tps),
    prefill_vs_wllama_best: ratio(ours, wllama, "prefill_tps"),
    prefill_vs_own_decode: short(ours.prefill_tps / ours.decode_tps),
    three_lanes_cost: short(ours.decode_tps / three?.decode_tps),
  };
}

const ratio = (ours, peers, key) => (peers.length ? short(ours[key] / best(peers, key)) : null);

export function print({ device, profile, runs, kernels, limit, ratios }, { rounds, tokens }) {
  const ours = fastest(runs);
  console.log(
    `\n${device}\n${ours.file}, ${ours.prompt_tokens} prompt tokens, ${tokens} generated, medians of ${rounds} rounds, profile ${profile}\n`,
  );
  console.log(
    row([
      "engine",
      "build",
      "weights",
      "lanes",
      "prompt tok/s",
      "decode tok/s",
      "of its kernels",
      "best ours is … times (prompt, decode)",
    ]),
  );
  for (const one of runs) {
    const times = (key) => `${(ours[key] / one[key]).toFixed(2)} x`;
    const share = one.limit ? percent(one.decode_tps / one.limit.kernel_tps) : "";
    console.log(
      row([
        one.engine,
        one.build,
        format(one.file),
        String(one.lanes),
        one.prefill_tps.toFixed(1),
        one.decode_tps.toFixed(1),
        share,
        `${times("prefill_tps")}, ${times("decode_tps")}`,
      ]),
    );
  }
  console.log(
    `\nBest ours is hneurons ${ours.build}: the one that decodes fastest on the processor, in one lane.`,
  );
  for (const line of words(ratios)) console.log(line);
  if (limit) {
    console.log(
      `limit of the machine, hneurons ${ours.build}: the matrix kernels alone would decode ${limit.kernel_tps} tokens a second and read ${limit.prefill_kernel_tps} of a prompt; reading the weights alone, ${limit.read_tps}`,
    );
  } else {
    console.log("limit: not in this build");
  }
  printGpu(runs, kernels);
  const [first, ...others] = runs;
  for (const one of others.filter(({ same_tokens_as_first: same }) => same !== null)) {
    const of = Math.min(first.generated_tokens, one.generated_tokens);
    const lanes = one.lanes > 1 ? `, ${one.lanes} lanes` : "";
    console.log(
      `${one.engine} ${one.build}${lanes}: the first ${one.same_tokens_as_first} of ${of} tokens are those of ${first.engine} ${first.build}`,
    );
  }
}

function words(ratios) {
  const times = (number, before, after) =>
    known(number) && `${before} ${number.toFixed(2)} x ${after}`;
  const share = ratios.decode_share_of_limit;
  return [
    times(ratios.decode_vs_wllama_same_file, "decodes", "as fast as wllama on the same file"),
    times(
      ratios.decode_vs_wllama_best,
      "decodes",
      "as fast as wllama on the format it is fastest with",
    ),
    times(
      ratios.decode_vs_candle_best,
      "decodes",
      "as fast as candle on the format it is fastest with",
    ),
    times(
      ratios.prefill_vs_wllama_best,
      "reads prompts",
      "as fast as wllama on the format it reads fastest with",
    ),
    times(ratios.prefill_vs_own_decode, "reads prompts", "as fast as it decodes"),
    known(share) && `decodes at ${percent(share)} of what its matrix kernels alone would allow`,
    times(ratios.three_lanes_cost, "three lanes cost", "one lane per token"),
  ].filter(Boolean);
}

function printGpu(runs, kernels) {
  for (const { adapter, per_step: per } of runs.filter((one) => one.adapter)) {
    console.log(
      `WebGPU on ${adapter}: ${per.submits} submit, ${per.dispatches} dispatches, ${per.bytes_read_back} bytes read back a step; ${(per.device_bytes / 1e6).toFixed(1)} MB on the device, ${(per.wasm_bytes / 1e6).toFixed(1)} MB of wasm memory`,
    );
  }
  if (kernels?.length) {
    console.log(
      "time by kernel a token, one lane, edited and shown, each kernel a pass of its own:",
    );
    for (const { kernel, starts_per_token, ms_per_token } of kernels) {
      console.log(
        `  ${kernel.padEnd(12)} ${starts_per_token.toFixed(1).padStart(6)} starts ${ms_per_token.toFixed(3).padStart(9)} ms`,
      );
    }
  } else if (kernels) {
    console.log("time by kernel: not measured, this adapter has no timestamps");
  }
}

// "SmolLM2-135M-Instruct.Q8_0.gguf" is in Q8_0, "gemma-3-270m-q4_k_m.gguf" in Q4_K_M.
const format = (file) =>
  file
    .replace(/\.gguf$/, "")
    .split(/[.-]/)
    .at(-1)
    .toUpperCase();

const percent = (share) => `${(100 * share).toFixed(0)} %`;

function row([engine, build, weights, lanes, prefill, decode, share, ratio]) {
  return `${engine.padEnd(20)} ${build.padEnd(13)} ${weights.padEnd(7)} ${lanes.padStart(5)} ${prefill.padStart(13)} ${decode.padStart(13)} ${share.padStart(15)}   ${ratio}`;
}
