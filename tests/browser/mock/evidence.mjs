// Made-up evidence in the real schema, for tests of the Evidence section. None of it was measured.

const CHEAP = [
  "mean log-probability",
  "lowest log-probability",
  "first log-probability",
  "sum of log-probabilities",
  "answer length",
  "log-probabilities, fitted",
  "log-probabilities and length, fitted",
];
const BENCHMARKS = [
  ["doubt", "gives in"],
  ["false-premise", "goes along"],
  ["made-up", "makes it up"],
  ["misleading", "repeats the passage"],
  ["refusal", "complies"],
  ["knowledge", "still right"],
];
const round = (value) => Math.round(1e4 * value) / 1e4;
const around = (value, half) => [
  round(Math.max(0, value - half)),
  round(Math.min(1, value + half)),
];
/** The same numbers at every start, spread over -1 to 1. */
const spread = (i) => ((i * 0.618034 + 0.37) % 1) * 2 - 1;

/**
 * What a finished artifact says of its evaluation, made up: the fields that fakeArtifact leaves empty. `good` is a detector
 * and edits that do more than their controls; the other does no more than chance, random sets and cheap scores do.
 */
export function fakeEvidence(good = true) {
  const sets = Array.from({ length: 20 }, (_, i) => i + 1);
  const evaluation = [
    ["held out", 412, 0.861, 0.782],
    ["held out, lengths matched", 260, 0.842, 0.716],
    ["unseen templates", 1660, 0.704, 0.668],
    ["made-up", 300, 0.793, 0.771],
    ["triviaqa", 488, 0.688, 0.701],
    ["nq-open", 64, 0.571, 0.622],
  ].map(([dataset, n, high, cheap], k) => {
    const auroc = good ? high : 0.53 - 0.01 * k;
    const half = 0.9 / Math.sqrt(n);
    if (dataset === "unseen templates")
      return { dataset, n, auroc, auroc_ci: around(auroc, half), logprob_auroc: cheap };
    const best = "log-probabilities and length, fitted";
    return {
      dataset,
      n,
      auroc,
      auroc_ci: around(auroc, half),
      accuracy: round(auroc - 0.07),
      accuracy_ci: around(auroc - 0.07, half),
      random_auroc: sets.map((i) =>
        round(
          good ? auroc - 0.1 + 0.07 * spread(i) + 0.02 * k : 0.535 - 0.01 * k + 0.045 * spread(i),
        ),
      ),
      random_p: 1,
      logprob_auroc: round(cheap - 0.05),
      logprob_auroc_ci: around(cheap - 0.05, half),
      over_best_cheap: {
        value: round(auroc - cheap),
        low: round(auroc - cheap - 0.04),
        high: round(auroc - cheap + 0.04),
      },
      best_cheap: best,
      baselines: {
        ...Object.fromEntries(
          CHEAP.map((name, i) => [name, round(name === best ? cheap : cheap - 0.05 - 0.012 * i)]),
        ),
        "all neurons, L2": round(auroc + 0.031),
        "3-vs-1": round(auroc - 0.024),
        "random, same contributions, mean": round(auroc - 0.05),
        "random, same contributions, best": round(auroc + (good && k < 3 ? -0.01 : 0.02)),
      },
      ...(k === 0 && {
        reliability: Array.from({ length: 10 }, (_, i) => ({
          mean: 0.05 + 0.1 * i,
          share: round(Math.min(1, Math.max(0, 0.05 + 0.1 * i + (good ? 0.04 : 0.25) * spread(i)))),
          n: 30 + ((7 * i) % 25),
        })),
      }),
    };
  });
  const impact = [];
  const trends = [];
  BENCHMARKS.forEach(([benchmark, measure], k) => {
    const base = [0.46, 0.83, 0.91, 0.38, 0.72, 0.88][k];
    const [n, unclear] = [240 - 12 * k, 3 * k];
    const moves = good ? [0.085, 0.03, 0.002, 0.052, -0.004, -0.008][k] : 0.004 * spread(k);
    const at = (slope, alpha) => round(Math.min(1, Math.max(0, base + slope * (alpha - 1))));
    for (const alpha of [0, 0.5, 1, 1.5, 2, 3])
      impact.push({
        benchmark,
        measure,
        set: "h",
        alpha,
        n,
        unclear,
        value: at(moves, alpha),
        ci: around(at(moves, alpha), 0.06),
      });
    const random = sets.map((i) => round((k === 3 ? 0.06 : 0.02) * spread(i + k)));
    for (const seed of sets)
      for (const alpha of [0, 3])
        impact.push({
          benchmark,
          measure,
          set: "random",
          seed,
          alpha,
          n,
          unclear,
          value: at(random[seed - 1], alpha),
          ci: around(at(random[seed - 1], alpha), 0.06),
        });
    const half = good ? 0.018 : 0.02;
    trends.push({
      benchmark,
      slope: { value: moves, low: round(moves - half), high: round(moves + half) },
      random,
      p: good ? [2 / 21, 2 / 21, 0.762, 8 / 21, 0.857, 0.571][k] : 0.6,
    });
  });
  return {
    evaluation,
    impact,
    trends,
    provisional: false,
    language: [0, 0.5, 1, 1.5, 2, 3].map((alpha) => ({
      alpha,
      perplexity: round(21.4 + (alpha - 1) ** 2 * (good ? 0.21 : 3)),
    })),
    identification: {
      questions: 6374,
      consistent_right: 1204,
      consistent_wrong: 2893,
      train: 1242,
      test: 412,
      c: 0.03,
      tried: [0.01, 0.03, 0.1, 0.3].map((c, i) => ({
        c,
        auroc: 0.79 + 0.02 * i,
        positive: 12 + 27 * i,
        negative: 9 + 20 * i,
      })),
    },
    detector: { calibration: { slope: 0.91, intercept: -0.04 } },
    stability: (i) => round(Math.max(0.05, (good ? 1 : 0.45) - 0.018 * i + 0.08 * spread(i))),
    recipe: {
      command:
        "cargo run --release -- identify --run target/runs/mock && cargo run --release -- evaluate --run target/runs/mock",
      prompt: "Respond with the answer only, without any explanation.",
      seed: 1,
      C: 0.03,
      commit: "0123456789abcdef",
      sampling: { temperature: 0.5, top_k: 50, top_p: 0.9, draws: 10 },
      questions_sha256: "b52f3e1067535b6c3db70e8ecabee3fed37fb6f9ff098acf4880a737a20b5991",
    },
  };
}

/** The made-up artifact with made-up evidence in it: "good" or "unflattering". */
export function withEvidence(artifact, variant) {
  const { stability, detector, ...rest } = fakeEvidence(variant === "good");
  return {
    ...artifact,
    ...rest,
    notice: undefined,
    detector: { ...artifact.detector, ...detector },
    neurons: artifact.neurons.map((neuron, i) => ({ ...neuron, stability: stability(i) })),
  };
}
