// What a lesson's texts say about the recorded runs is computed from the gallery when it is read, not typed: when the
// gallery is made anew, the notes follow (docs/lessons.md, "Computed notes"). Pure.
//
//   {{score zorvath none 1}}                         a value
//   {{same zorvath h 0 ? It stays. : It changes.}}   one of two texts

const FIELD = /\{\{([^{}]*)\}\}/g;

/** The runs that a text needs, so that they can be fetched before `fill`. Unknown names need none; `fill` names them. */
export function runsOf(text, index) {
  const needed = new Set();
  for (const [, inside] of text.matchAll(FIELD)) {
    const { name, args } = parse(inside);
    for (const id of NAMES[name]?.needs?.(index, ...args) ?? []) needed.add(id);
  }
  return [...needed].filter((id) => index.runs.some((run) => run.id === id));
}

/**
 * A text with its fields filled in, as pieces: {text} and {error} in turn.
 * @param {string} text
 * @param {import("./types.js").GallerySource} source the gallery's list, and a run's trace with all lanes, by its id
 */
export function fill(text, source) {
  const pieces = [];
  let from = 0;
  for (const match of text.matchAll(FIELD)) {
    if (match.index > from) pieces.push({ text: text.slice(from, match.index) });
    try {
      pieces.push({ text: valueOf(match[1], source) });
    } catch (error) {
      pieces.push({ error: `“${match[1].trim()}”: ${error.message}` });
    }
    from = match.index + match[0].length;
  }
  if (from < text.length) pieces.push({ text: text.slice(from) });
  return pieces;
}

function parse(inside) {
  const [, call, yes, no] = /^(.*?)(?: \? (.*) : (.*))?$/s.exec(inside.trim());
  const [name, ...args] = call.trim().split(/\s+/);
  return { name: Object.hasOwn(NAMES, name) ? name : null, args, yes, no };
}

function valueOf(inside, source) {
  const { name, args, yes, no } = parse(inside);
  if (!name) throw new Error("no such name");
  const { of, value, words } = NAMES[name];
  if (args.length !== of.length) throw new Error(`needs ${of.join(" ")}`);
  const result = value(source, ...args);
  if (yes !== undefined) {
    if (typeof result !== "boolean")
      throw new Error("is no question, so it cannot choose between two texts");
    return result ? yes : no;
  }
  return typeof result === "boolean" ? words[result ? 0 : 1] : result;
}

// ---- What is looked up ----

function runOf({ index }, id) {
  return index.runs.find((run) => run.id === id) ?? refuse(`there is no recorded run “${id}”`);
}

/** A lane of a recorded run: "none", "h" or "random:SEED" at alpha. */
function laneOf(source, id, set, alpha) {
  runOf(source, id);
  const trace = source.traces.get(id) ?? refuse(`the recorded run “${id}” could not be loaded`);
  const [name, seed] = set.split(":");
  const at = trace.lanes.findIndex((lane) =>
    Number(alpha) === 1
      ? lane.set === "none"
      : lane.set === name &&
        lane.lever === undefined &&
        lane.alpha === Number(alpha) &&
        (seed === undefined ? lane.seed === undefined : lane.seed === Number(seed)),
  );
  if (at < 0) refuse(`the recorded run “${id}” has no lane “${set}” at ${alpha}`);
  return { trace, at, lane: trace.lanes[at] };
}

/** The sums over a kind's runs ("all": over all of them). A set "random" is every random set together. */
function countOf({ index }, kind, set, alpha) {
  const [name, seed] = set.split(":");
  const rows = index.changed.filter(
    (row) =>
      (kind === "all" || row.kind === kind) &&
      row.set === name &&
      row.alpha === Number(alpha) &&
      (seed === undefined || row.seed === Number(seed)),
  );
  if (rows.length === 0) refuse(`the gallery has no count for ${kind} ${set} ${alpha}`);
  const sum = (key) => rows.reduce((total, row) => total + row[key], 0);
  return {
    changed: sum("changed"),
    runs: sum("runs"),
    mean: rows.reduce((total, row) => total + row.mean_score * row.runs, 0) / sum("runs"),
  };
}

function ofKind({ runs }, kind) {
  const found = runs.filter((run) => kind === "all" || run.kind === kind);
  return found.length > 0 ? found : refuse(`there is no recorded run of kind “${kind}”`);
}

function controlsOf({ index }, kind, alpha) {
  return index.controls.map((seed) => ({
    seed,
    ...countOf({ index }, kind, `random:${seed}`, alpha),
  }));
}

/** The largest contribution of an H-Neuron to the as-trained lane's words: prompt and answer, without the template. */
/** @returns {{neuron: import("./types.js").Neuron, text: string, value: number, answer: boolean}} */
function strongest(source, id) {
  const { trace, at } = laneOf(source, id, "none", 1);
  const own = new Set(trace.lanes.find(({ set }) => set === "h")?.neurons.map(String));
  const words = [
    ...trace.prompt.map(({ text, role }, place) => ({
      text,
      place,
      said: role === "user" || role === "assistant",
    })),
    ...trace.lanes[at].tokens.map(({ text }, i) => ({
      text,
      place: trace.prompt.length + i,
      said: true,
    })),
  ];
  let most = null;
  for (const { text, place, said } of words) {
    if (!said) continue;
    trace.rows.forEach((neuron, row) => {
      const value = own.has(String(neuron)) ? trace.contribution(at, row, place) : undefined;
      if (value !== undefined && !(value <= most?.value))
        most = { neuron, text, value, answer: place >= trace.prompt.length };
    });
  }
  return most ?? refuse(`the recorded run “${id}” has no H-Neurons`);
}

/**
 * @param {string} why
 * @returns {never}
 */
function refuse(why) {
  throw new Error(why);
}

const two = (number) =>
  typeof number === "number" ? Math.min(1, Math.max(0, number)).toFixed(2) : "no reading";
const quote = (text) => `“${text}”`;
const said = (text) => quote(text.trim().replace(/\s+/g, " "));
const token = ({ text }) => quote(text.replaceAll("\n", "↵").trim() || "␣");
const listed = (things) => (things.length > 0 ? things.join(", ") : "none");
const one = (_, id) => [id];
const every = (index, kind) =>
  index.runs.filter((run) => kind === "all" || run.kind === kind).map(({ id }) => id);

/**
 * name: the names of its arguments, the runs it needs beyond the list, its value, and for a question (true or false) what it
 * says in words where it does not choose between texts. docs/lessons.md lists them for teachers.
 */
const NAMES = {
  prompt: { of: ["RUN"], value: (source, id) => quote(runOf(source, id).prompt) },
  title: { of: ["RUN"], value: (source, id) => runOf(source, id).title },
  limit: { of: [], value: ({ index }) => String(index.max_tokens) },
  runs: { of: ["KIND"], value: ({ index }, kind) => String(ofKind(index, kind).length) },
  answer: {
    of: ["RUN", "SET", "ALPHA"],
    needs: one,
    value(source, ...which) {
      const { trace, at, lane } = laneOf(source, ...which);
      return said(`${trace.text(at)}${lane.stopped === "length" ? " …" : ""}`);
    },
  },
  score: {
    of: ["RUN", "SET", "ALPHA"],
    needs: one,
    value: (source, ...which) => two(laneOf(source, ...which).lane.score),
  },
  token: {
    of: ["RUN", "SET", "ALPHA", "N"],
    needs: one,
    value(source, id, set, alpha, n) {
      const found =
        laneOf(source, id, set, alpha).lane.tokens[Number(n) - 1] ??
        refuse(`that answer has no token ${n}`);
      return token(found);
    },
  },
  tokens: {
    of: ["RUN", "SET", "ALPHA"],
    needs: one,
    value: (source, ...which) => String(laneOf(source, ...which).lane.tokens.length),
  },
  parts: {
    of: ["RUN", "SET", "ALPHA"],
    needs: one,
    value(source, ...which) {
      const { trace, at, lane } = laneOf(source, ...which);
      const place = trace.partsAt(at);
      if (place < 0) return "nowhere";
      const [mine, theirs] = [lane.tokens[place], trace.lanes[trace.trained].tokens[place]];
      return `at token ${place + 1}${mine && theirs ? `, ${token(mine)} in place of ${token(theirs)}` : mine ? ", where the as-trained answer ends" : ", where it ends"}`;
    },
  },
  same: {
    of: ["RUN", "SET", "ALPHA"],
    needs: one,
    words: ["the same answer as trained", "another answer"],
    value(source, ...which) {
      const { trace, at } = laneOf(source, ...which);
      return at === trace.trained || trace.sameAsTrained(at);
    },
  },
  says: {
    of: ["RUN", "SET", "ALPHA", "WORD"],
    needs: one,
    words: ["yes", "no"],
    value(source, id, set, alpha, word) {
      const { trace, at } = laneOf(source, id, set, alpha);
      return trace.text(at).toLowerCase().includes(word.toLowerCase());
    },
  },
  changes: {
    of: ["RUN", "ALPHA"],
    needs: one,
    value(source, id, alpha) {
      const words = (name, set) =>
        `${name} ${NAMES.same.value(source, id, set, alpha) ? "the same answer" : "another answer"}`;
      return [
        words("H-Neurons", "h"),
        ...source.index.controls.map((seed) =>
          words(`random neurons of seed ${seed}`, `random:${seed}`),
        ),
      ].join(", ");
    },
  },
  strongest: {
    of: ["RUN"],
    needs: one,
    value(source, id) {
      const { neuron, text, value, answer } = strongest(source, id);
      return `L${neuron[0]} N${neuron[1]} at ${token({ text })}, in the ${answer ? "answer" : "prompt"} (contribution ${value.toFixed(2)})`;
    },
  },
  loudest: {
    of: ["RUN"],
    needs: one,
    value(source, id) {
      const { trace } = laneOf(source, id, "none", 1);
      const own = new Set(trace.lanes.find(({ set }) => set === "h")?.neurons.map(String));
      const places = [...trace.top.values()];
      return `${places.filter((top) => top.some(({ layer, index }) => own.has(`${layer},${index}`))).length} of ${places.length}`;
    },
  },
  neurons: {
    of: ["RUN"],
    needs: one,
    value: (source, id) =>
      String(
        laneOf(source, id, "none", 1).trace.lanes.find(({ set }) => set === "h")?.neurons.length ??
          refuse("it has no H-Neurons"),
      ),
  },
  scores: {
    of: ["KIND"],
    value: ({ index }, kind) =>
      [...ofKind(index, kind)]
        .sort((a, b) => b.score - a.score)
        .map(
          ({ prompt, score, then }) => `${quote(prompt)}${then ? ", doubted," : ""} ${two(score)}`,
        )
        .join("; "),
  },
  changed: {
    of: ["KIND", "SET", "ALPHA"],
    value(source, ...which) {
      const { changed, runs } = countOf(source, ...which);
      return `${changed} of ${runs}`;
    },
  },
  mean: {
    of: ["KIND", "SET", "ALPHA"],
    value: (source, ...which) => two(countOf(source, ...which).mean),
  },
  exceeds: {
    of: ["KIND", "ALPHA"],
    words: ["more often than every random set", "no more often than a random set"],
    value: (source, kind, alpha) =>
      controlsOf(source, kind, alpha).every(
        ({ changed }) => countOf(source, kind, "h", alpha).changed > changed,
      ),
  },
  below: {
    of: ["KIND", "ALPHA"],
    words: ["less often than every random set", "no less often than a random set"],
    value: (source, kind, alpha) =>
      controlsOf(source, kind, alpha).every(
        ({ changed }) => countOf(source, kind, "h", alpha).changed < changed,
      ),
  },
  unchanged: {
    of: ["KIND", "SET", "ALPHA"],
    needs: every,
    value: (source, kind, set, alpha) =>
      listed(
        ofKind(source.index, kind)
          .filter(({ id }) => NAMES.same.value(source, id, set, alpha))
          .map(({ title }) => quote(title)),
      ),
  },
  differing: {
    of: ["KIND", "SET", "ALPHA"],
    needs: every,
    value: (source, kind, set, alpha) =>
      listed(
        ofKind(source.index, kind)
          .filter(({ id }) => !NAMES.same.value(source, id, set, alpha))
          .map(({ title }) => quote(title)),
      ),
  },
};
