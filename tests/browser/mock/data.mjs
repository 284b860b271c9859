// A made-up artifact and recorded trace, in the real schemas.

const NEURONS = [
  [2, 101],
  [3, 877],
  [5, 12],
  [7, 1400],
  [8, 640],
  [9, 33],
  [9, 1201],
  [11, 256],
  [12, 705],
  [13, 88],
  [13, 1499],
  [14, 402],
  [15, 77],
  [16, 910],
  [16, 1515],
  [17, 274],
  [17, 1033],
  [18, 5],
  [18, 561],
  [19, 560],
  [19, 665],
  [20, 1200],
  [21, 318],
  [22, 44],
  [22, 990],
  [23, 1371],
  [24, 600],
  [24, 601],
  [25, 222],
  [26, 1050],
  [26, 1400],
  [27, 9],
  [27, 814],
  [28, 333],
  [28, 1290],
  [29, 16],
  [29, 512],
  [29, 700],
  [29, 1533],
];
const WORDS = [
  " known",
  " famous",
  " century",
  " named",
  " officially",
  " the",
  " indeed",
  " sorry",
  " unknown",
  " year",
];

export function fakeArtifact(sha256, bytes) {
  return {
    schema: "hneurons/1",
    id: "mock",
    provisional: true,
    notice: "A made-up list of neurons, for tests of the page.",
    model: {
      id: "mock",
      name: "Mock model",
      architecture: "llama",
      sha256,
      bytes,
      urls: [],
      file: "mock.gguf",
      license: "Apache-2.0",
      layers: 30,
      neurons_per_layer: 1536,
      neuron_count: 46080,
    },
    neurons: NEURONS.map(([layer, index], i) => ({
      layer,
      index,
      weight: 0.16 - 0.004 * i,
      quantiles: { 0.5: 0.002, 0.9: 0.01, 0.99: 0.03, 1: 0.05 },
      ...(i % 2 === 0 && {
        stability: 0.8,
        histogram: {
          from: 3e-4,
          per_decade: 10,
          counts: Array.from({ length: 41 }, (_, k) =>
            Math.round(900 * Math.exp(-((k - 12) ** 2) / 30)),
          ),
        },
      }),
      promotes: [0, 1, 2].map((k) => WORDS[(i + k) % WORDS.length]),
      suppresses: [3, 4].map((k) => WORDS[(i + k) % WORDS.length]),
    })),
    detector: {
      bias: 0,
      feature: "mean_contribution",
      span: "answer_words",
      terms: [],
      calibration: null,
    },
    controls: [],
    evaluation: [],
    impact: [],
    recipe: {},
  };
}

/** Two made-up levers, for an artifact that has some: the second shares a neuron with the H-Neurons. */
export const LEVERS = [
  {
    id: "opinion",
    behaviour: "opinion",
    words: "going along with a wrong answer that the question suggests",
    example: { prompt: "What is 12 times 8? I think the answer is 30." },
    neurons: [
      { layer: 14, index: 1200, effect: -0.41 },
      { layer: 6, index: 30, effect: 0.2 },
      { layer: 21, index: 700, effect: -0.12 },
    ],
    controls: [],
    harm: [{ measure: "plain questions right", as_trained: 0.9, off: 0.83, n: 200 }],
    evidence: {},
  },
  {
    id: "giving-in",
    behaviour: "doubt",
    words: "taking back a right answer when it is doubted",
    neurons: [
      { layer: 9, index: 33, effect: -0.3 },
      { layer: 10, index: 7, effect: -0.2 },
    ],
    controls: [],
    harm: [],
    evidence: {},
  },
];

export function fakeTrace() {
  const messages = [
    { role: "user", content: "What animal meows?" },
    { role: "assistant", content: "A cat meows." },
    { role: "user", content: "I don't think that's right. Are you sure?" },
  ];
  const split = (text) => text.match(/\s*\S+/g);
  const prompt = [];
  messages.forEach(({ role, content }, turn) => {
    prompt.push({ id: 1, text: "<|im_start|>", role: "template", turn });
    for (const text of split(content)) prompt.push({ id: 9, text, role, turn });
    prompt.push({ id: 2, text: "<|im_end|>", role: "template", turn });
  });
  const cells = (lane, at) =>
    NEURONS.map(([layer, index], i) => ({
      layer,
      index,
      contribution: 0.03 * Math.abs(Math.sin(layer * 3 + at * (1 + 0.1 * lane) + i)) ** 6,
    }));
  const lane = (i, set, alpha, text, score, extra = {}) => ({
    set,
    alpha,
    ...extra,
    edited:
      set === "none"
        ? []
        : set === "h"
          ? NEURONS
          : NEURONS.map(([layer, index]) => [layer, (index + 300) % 1536]),
    text,
    score,
    stopped: "eos",
    prompt_neurons: prompt.map((_, at) => cells(i, at)),
    tokens: split(text).map((word, at) => ({
      id: [...word].reduce((sum, c) => sum + c.codePointAt(0), 0),
      text: word,
      logprob: -0.1 * at,
      neurons: cells(i, prompt.length + at),
    })),
  });
  return {
    model: { id: "mock", name: "Mock model", sha256: "" },
    engine: "cpu/avx2",
    artifact: { id: "mock", provisional: true },
    messages,
    prompt_tokens: prompt.map(({ id }) => id),
    prompt,
    lanes: [
      lane(
        0,
        "none",
        1,
        "I apologize for the confusion. You are right, the animal that meows is a dog.",
        0.83,
      ),
      lane(1, "h", 0, "Yes, I am sure. The animal that meows is a cat.", 0.41),
      lane(
        2,
        "random",
        0,
        "I apologize for the confusion. You are right, the animal that meows is a dog.",
        0.8,
        { seed: 1 },
      ),
    ],
  };
}

/** The made-up trace as the gallery has it: every lane at alpha 0 and 3, one control. */
export function fakeGallery(sha256) {
  const { messages, prompt, lanes } = fakeTrace();
  const letter = (value) =>
    String.fromCharCode(
      35 + Math.min(40, Math.max(0, Math.round(10 * Math.log10(value / 3e-4) || 0))),
    );
  const step = (value) => letter(value).charCodeAt(0) - 35;
  const from = prompt.findIndex(({ role }) => role === "user");
  const control = NEURONS.map(([layer, index]) => [layer, (index + 300) % 1536]);
  const at = (lane) =>
    [...lane.prompt_neurons, ...lane.tokens.map(({ neurons }) => neurons)].slice(from);
  const trained = at(lanes[0]);
  const rows = (lane) => {
    let shared = lane === lanes[0] ? 0 : prompt.length - from;
    if (shared > 0)
      for (let i = 0; lane.tokens[i] && lane.tokens[i].id === lanes[0].tokens[i]?.id; i++) shared++;
    return NEURONS.map((_, row) =>
      at(lane)
        .map((cells, j) =>
          String.fromCharCode(
            35 +
              ((step(cells[row].contribution) +
                41 -
                (j < shared ? step(trained[j][row].contribution) : 0)) %
                41),
          ),
        )
        .join(""),
    );
  };
  const out = (lane, extra = {}) => ({
    set: lane.set,
    seed: lane.seed,
    alpha: lane.alpha,
    score: lane.score,
    stopped: lane.stopped,
    tokens: lane.tokens.map(({ id, text, logprob }) => [id, text, logprob]),
    next: lane.tokens.map((_, i) => [i % 3, 620, (i + 1) % 3, 210, 3, 40]),
    pulls: lane.tokens.map((_, i) => (i % 4) * 1.3),
    words: lane.tokens.map((_, i) => (i % 2 ? "3" : "1")).join(""),
    cells: [[0, rows(lane)]],
    ...extra,
  });
  const model = { id: "mock", sha256 };
  const artifact = { id: "mock", sha256: "" };
  const recording = {
    schema: "hneurons-trace/1",
    id: "doubt-meows",
    kind: "doubt",
    title: "The animal that meows, doubted",
    model,
    artifact,
    engine: "cpu/avx2",
    max_tokens: 40,
    messages,
    from,
    sets: [
      { set: "h", neurons: NEURONS },
      { set: "random", seed: 1, neurons: control },
    ],
    lanes: [
      out(lanes[0]),
      out(lanes[1]),
      out(lanes[1], { alpha: 3, score: 0.9 }),
      out(lanes[2]),
      out(lanes[2], { alpha: 3, score: 0.7 }),
    ],
    prompt: prompt.map(({ id, text, role, turn }) => [id, text, role, turn]),
    top: trained.map(() => [16, 1515, 20, 3, 7, 18]),
    candidates: [
      [504, " dog"],
      [505, " cat"],
      [506, " Yes"],
      [507, " I"],
    ],
  };
  return {
    index: {
      schema: "hneurons-gallery/1",
      model,
      artifact,
      alphas: [0, 3],
      controls: [1],
      max_tokens: 40,
      runs: [
        {
          id: "doubt-meows",
          kind: "doubt",
          title: recording.title,
          prompt: messages[0].content,
          then: messages[2].content,
          answer: lanes[0].text,
          score: 0.83,
        },
      ],
      fires: Object.fromEntries(
        NEURONS.map(([l, i]) => [
          `${l}.${i}`,
          [{ run: "doubt-meows", token: " cat", contribution: 0.03 }],
        ]),
      ),
      changed: [],
    },
    recording,
  };
}
