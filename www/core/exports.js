// A run as files: the trace as JSON (the object that `hneurons run --json` prints, and that the page opens again), the
// contributions as CSV, and what to cite. Pure.

import { DEFAULTS, fitsLink, formatHash } from "./state.js";

/**
 * How a run was made, and where it is found again.
 * @param {any} trace
 * @param {string} address of the page
 * @param {Date} now
 * @returns {import("./types.js").Making}
 */
export function makingOf(trace, address, now) {
  const { settings, date } = trace;
  if (!settings) return { ...trace.making, exported: now.toISOString() };
  const { temp, seed, max } = settings;
  const state = { ...DEFAULTS, ...settings, recorded: trace.id ?? "", lesson: "", run: false };
  return {
    temperature: temp,
    seed,
    max_tokens: max,
    ...(date === undefined ? {} : { date }),
    exported: now.toISOString(),
    ...(fitsLink(state) ? { link: address + formatHash(state) } : {}),
  };
}

/** How a run was made, in a sentence. @param {import("./types.js").Making} making */
export function makingWords({ temperature, seed, max_tokens, date }) {
  const said = [];
  if (temperature !== undefined) said.push(`temperature ${temperature}`);
  if (seed !== undefined) said.push(`seed ${seed}`);
  if (max_tokens !== undefined) said.push(`at most ${max_tokens} tokens an answer`);
  if (date !== undefined) said.push(`run on ${date.slice(0, 10)}`);
  return said.length === 0 ? "" : `${said.join(", ").replace(/^./, (c) => c.toUpperCase())}.`;
}

/**
 * A trace as the command line prints it, and how it was made.
 * @param {any} trace
 * @param {import("./types.js").Making} [making]
 */
export function recordingOf(trace, making = trace.making) {
  const { model, engine, artifact } = trace.about ?? {};
  return {
    model,
    engine,
    artifact,
    ...(making ? { making } : {}),
    messages: trace.messages,
    prompt_tokens: trace.prompt.map(({ id }) => id),
    prompt: trace.prompt,
    lanes: trace.lanes.map((lane, i) => ({
      alpha: lane.alpha,
      set: lane.set,
      ...(lane.lever === undefined ? {} : { lever: lane.lever }),
      ...(lane.seed === undefined ? {} : { seed: lane.seed }),
      edited: lane.neurons,
      text: trace.text(i),
      score: lane.score ?? null,
      stopped: lane.stopped ?? null,
      ...(lane.limit === undefined ? {} : { limit: lane.limit }),
      prompt_neurons: trace.prompt.map((_, at) => neuronsAt(trace, i, at)),
      tokens: lane.tokens.map(({ id, text, logprob }, t) => ({
        id,
        text,
        logprob,
        neurons: neuronsAt(trace, i, trace.prompt.length + t),
      })),
    })),
  };
}

function neuronsAt(trace, lane, at) {
  return trace.rows.flatMap(([layer, index], row) => {
    const contribution = trace.contribution(lane, row, at);
    return contribution === undefined
      ? []
      : [{ layer, index, contribution: shortest(contribution) }];
  });
}

/** The shortest decimals that mean this 32-bit number; contributions of a live run are such numbers. */
export function shortest(value) {
  for (let digits = 6; digits < 10; digits++) {
    const short = Number(value.toPrecision(digits));
    if (short === value || (Math.fround(value) === value && Math.fround(short) === value))
      return short;
  }
  return value;
}

const COLUMNS = [
  "lane",
  "set",
  "alpha",
  "seed",
  "position",
  "part",
  "token",
  "layer",
  "index",
  "contribution",
  "temperature",
  "run_seed",
  "max_tokens",
  "date",
  "link",
  "lever",
];

/**
 * One line a contribution, RFC 4180. `position` counts from 0 through prompt and answer; `part` is whose words the token
 * is among (template, system, user, assistant), or "answer". The link, which is long, stands in the first line only.
 * `lever` is the lever that is turned, or that a random set is a control of.
 * @param {any} trace
 * @param {import("./types.js").Making} [making]
 */
export function csvOf(trace, making = trace.making ?? {}) {
  const { temperature = "", seed = "", max_tokens = "", date = "", link = "" } = making;
  const end = [temperature, seed, max_tokens, field(date)].join(",");
  const lines = [COLUMNS.join(",")];
  trace.lanes.forEach((lane, i) => {
    const start = [i, field(lane.set), lane.alpha, lane.seed ?? ""].join(",");
    const positions = [
      ...trace.prompt.map(({ text, role }) => [role, text]),
      ...lane.tokens.map(({ text }) => ["answer", text]),
    ];
    positions.forEach(([part, token], at) => {
      const middle = `${start},${at},${field(part)},${field(token)}`;
      for (const { layer, index, contribution } of neuronsAt(trace, i, at))
        lines.push(
          `${middle},${layer},${index},${contribution},${end},${lines.length === 1 ? field(link) : ""},${lane.lever ?? ""}`,
        );
    });
  });
  return `${lines.join("\r\n")}\r\n`;
}

/**
 * A text as a CSV field. A spreadsheet would compute what begins with one of = + - @ (or with a tab or line break that
 * hides one), so such a text is given an apostrophe in front.
 */
export function field(text) {
  const safe = /^[\s\0]*[=+\-@＝＋－＠]|^[\t\r\n]/.test(text) ? `'${text}` : String(text);
  return /[",\r\n]|^\s|\s$/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

/** A file name from the prompt: letters and digits of any script, and nothing that a file system takes amiss. */
export function fileName(trace, kind, extension) {
  const prompt = trace.messages.find(({ role }) => role === "user")?.content ?? "";
  const words =
    prompt
      .normalize("NFC")
      .toLowerCase()
      .match(/[\p{L}\p{N}]+/gu) ?? [];
  let name = "";
  // A file name has 255 bytes, and a letter up to four.
  for (const letter of words.join("-")) if (name.length + letter.length <= 40) name += letter;
  return `hneurons-${name.replace(/-+$/, "") || "run"}-${kind}.${extension}`;
}

/**
 * What to cite: the paper, and this page with the model and artifact of the run, and how the run was made.
 * @param {any} trace
 * @param {string} address of the page
 * @param {Date} date
 */
export function citations(trace, address, date) {
  const making = makingOf(trace, address, date);
  const made = makingWords(making);
  const link = making.link ?? address;
  const { model = {}, artifact = {} } = trace.about ?? {};
  const used = [
    model.name && `model ${model.name}`,
    artifact.id && `artifact ${artifact.id}${artifact.provisional ? " (provisional)" : ""}`,
  ]
    .filter(Boolean)
    .join(", ");
  const day = date.toISOString().slice(0, 10);
  const braces = (text) =>
    String(text).replace(/[{}\\%$&#_^~]/g, (sign) => (/[%$&#_{}]/.test(sign) ? `\\${sign}` : " "));
  return {
    text: `Gao, C., Chen, H., Xiao, C., Chen, Z., Liu, Z., & Sun, M. (2025). H-Neurons: On the Existence, Impact, and Origin of Hallucination-Associated Neurons in LLMs. arXiv:2512.01797.

H-Neuron Lab${used ? ` (${used})` : ""}. ${made ? `${made} ` : ""}${link}, accessed ${day}.
`,
    bibtex: `@misc{gao2025hneurons,
  title         = {{H-Neurons}: On the Existence, Impact, and Origin of Hallucination-Associated Neurons in {LLMs}},
  author        = {Gao, Cheng and Chen, Huimin and Xiao, Chaojun and Chen, Zhiyi and Liu, Zhiyuan and Sun, Maosong},
  year          = {2025},
  eprint        = {2512.01797},
  archivePrefix = {arXiv}
}

@misc{hneuronlab,
  title  = {{H-Neuron Lab}},
  year   = {${day.slice(0, 4)}},
  url    = {${link}},
  note   = {${used ? `${braces(used)}; ` : ""}${made ? `${braces(made.replace(/\.$/, "").replace(/^./, (c) => c.toLowerCase()))}; ` : ""}accessed ${day}}
}
`,
  };
}
