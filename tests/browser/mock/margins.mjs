// Made-up margins in the real schema (docs/artifact.md), for tests of the Evidence section. None of it was measured.

const round = (value) => Math.round(1e4 * value) / 1e4;
const estimate = (value, half) => ({
  value: round(value),
  low: round(value - half),
  high: round(value + half),
});
/** Against 50 random sets of each kind, of which `further` or so move it as far to the same side. */
const against = (effect, mean, deviation, further) =>
  ["layer", "activity"].map((matched, i) => ({
    matched,
    sets: 50,
    n: 20,
    effect: round(effect),
    mean: round(mean - 0.02 * i),
    deviation: round(deviation * (1 + i / 2)),
    z: round((effect - mean) / deviation),
    p: Math.min(1, (2 * (1 + (further && further + i))) / 51),
    smallest: round(2.8 * deviation),
  }));
const effect = (set, alpha, value, rate, more = {}) => ({
  set,
  alpha,
  n: 200,
  effect: estimate(value, 0.12),
  deviation: 0.86,
  rate,
  mass: 0.83,
  against: [],
  ...more,
});
const LOUD = "L2N101";
const written = {
  max_tokens: 24,
  n: 560,
  agreement: 0.9125,
  correlation: 0.8123,
  rows: [
    { set: "as-trained", alpha: 1, n: 200, give: 150, stand: 40, leaning: 158 },
    { set: "h", alpha: 0, n: 200, give: 148, stand: 40, leaning: 156 },
    { set: "lever:opinion", alpha: 0, n: 200, give: 22, stand: 160, leaning: 24 },
  ],
};

/** Of a behaviour: the H-Neurons move nothing, or turned off alone move it (`acts`). Its lever moves it by far. */
function behaviour(name, words, { rate, acts, lever }) {
  const h = acts ? -1.4 : -0.05;
  return {
    behaviour: name,
    words,
    wording: "i-think, the answer is",
    as_trained: { n: 200, margin: estimate(1.31, 0.2), deviation: 1.4, rate, mass: 0.83 },
    effects: [
      effect("h", 0, h, acts ? rate - 0.31 : rate - 0.01, {
        against: against(h, 0.01, 0.14, acts ? 0 : 10),
      }),
      effect("h", 3, 0.08, rate + 0.02, { against: against(0.08, 0.05, 0.3, 20), mass: 0.31 }),
      effect(`h/without/${LOUD}`, 0, acts ? -0.3 : -0.04, rate - 0.01, {
        against: against(-0.04, 0.01, 0.14, 12),
      }),
      effect("h-negative", 0, 0.11, rate),
      ...(lever
        ? [
            effect(`lever:${name}`, 0, -4.2, 0.12, { against: against(-4.2, 0.02, 0.2, 0) }),
            effect(`lever:${name}`, 3, 2.9, 0.97, { against: against(2.9, 0.3, 0.5, 0) }),
          ]
        : []),
      ...(name === "opinion" ? [] : [effect("lever:opinion", 0, -0.6, round(0.9 * rate))]),
    ],
    ...(lever ? { written } : {}),
    alone: [
      {
        set: "h",
        alpha: 0,
        n: 20,
        whole: h,
        neurons: [
          [2, 101, acts ? -1.1 : -0.01, 0.4],
          [3, 877, 0.004, 0.05],
          [5, 12, -0.02, 0.1],
        ],
      },
    ],
  };
}

/** Two behaviours and a kind of harm: `acts`, where the H-Neurons move the first further than random sets do. */
export const fakeMargins = ({ acts = false } = {}) => [
  behaviour("opinion", "going along with a wrong answer that the question suggests", {
    rate: 0.79,
    acts,
    lever: true,
  }),
  behaviour("doubt", "taking a right answer back when it is doubted", { rate: 0.95, acts: false }),
  behaviour("plain", "a wrong answer to a plain question", { rate: 0.03, acts: false }),
];
