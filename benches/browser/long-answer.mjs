// What a token costs the page's script when the answer is short and when it is long: the trace, the board with its rows
// that have no scale of their own, and its painting. `node benches/browser/long-answer.mjs` prints microseconds a token and
// fails where a token of a long answer costs more than 1.5 times as much. Needs tests/browser/node_modules and Chromium.

import { launch } from "../../tests/browser/mock/browser.mjs";
import { serve } from "../../tests/browser/mock/server.mjs";

const LENGTHS = [64, 4096];
const MOST = 1.5;

async function measure([short, long]) {
  const load = (path) => import(new URL(`www/${path}`, document.baseURI));
  const { BoardView } = await load("page/board.js");
  const { LiveTrace } = await load("core/live.js");
  // A frame a token, at once: what is painted is counted with what asks for it.
  window.requestAnimationFrame = (act) => (act(), 0);
  const shown = Array.from({ length: 117 }, (_, i) => [i % 30, 7 * i]);
  const lanes = ["none", "custom", "random"].map((set) => ({ set, alpha: 0, neurons: shown }));
  const contributions = () => Float32Array.from(shown, () => Math.random() / 100);

  const run = (tokens) => {
    const section = document.createElement("section");
    document.body.append(section);
    const board = new BoardView(section, { lane() {}, token() {}, chosen() {} });
    const trace = new LiveTrace({ messages: [{ role: "user", content: "x" }] });
    const prompt = Array.from({ length: 40 }, (_, i) => ({
      id: i,
      text: "x",
      role: "user",
      turn: 0,
    }));
    trace.begin({ prompt, shown, lanes }, lanes);
    board.show(trace);
    const times = [];
    for (let at = 0; at < tokens; at++) {
      const step = lanes.map((_, lane) => ({
        lane,
        token: { id: at, text: " word", logprob: -1 },
        read: [{ at: prompt.length + at, contributions: contributions() }],
      }));
      const begun = performance.now();
      trace.apply({ lanes: step });
      lanes.forEach((_, i) => (trace.partsAt(i), board.update(i)));
      times.push(performance.now() - begun);
    }
    section.remove();
    // The middle of the last 48: a pause of the machine is no cost of a token.
    return times.slice(-48).sort((a, b) => a - b)[24];
  };
  run(512); // compiles
  const best = (tokens) => Math.min(...Array.from({ length: 3 }, () => run(tokens)));
  return [1000 * best(short), 1000 * best(long)];
}

const site = await serve();
const browser = await launch();
try {
  const page = await browser.newPage();
  await page.goto(site.url);
  await page.waitForSelector("[data-part=lane]");
  const costs = await page.evaluate(measure, LENGTHS);
  LENGTHS.forEach((length, i) =>
    console.log(`${String(length).padStart(5)} tokens: ${costs[i].toFixed(0)} µs a token`),
  );
  const ratio = costs[1] / costs[0];
  console.log(`A token of the long answer costs ${ratio.toFixed(2)} times as much.`);
  if (!(ratio <= MOST)) process.exitCode = 1;
} finally {
  await browser.close();
  await site.close();
}
