// The engine itself in a page, below the page's own code: for tests of what the module promises.
//
//     await openLab(page, { root: server.url, variant: "simd128", model: artifact.model });
//
// In the page, `window.lab` is then the engine with the model loaded, and
//     record(request)     everything that a run says: ids, texts, log-probabilities, scores, contributions, pulls, and what the
//                         detector reads
//     failure(act)        what an act throws: [is it an Error, its kind, its message], or "nothing"
//     load(bytes, sha256) another lab
//     memory()            bytes of the module's memory

import { MODEL } from "./server.mjs";

export const openLab = (page, { root, variant, model }) =>
  page.evaluate(
    async ({ root, variant, path, model }) => {
      const module = await import(`${root}pkg/${variant}/hneurons.js`);
      const wasm = await module.default({
        module_or_path: new URL(`${root}pkg/${variant}/hneurons_bg.wasm`),
      });
      window.memory = () => wasm.memory.buffer.byteLength;
      window.load = (bytes, sha256) => {
        const buffer = new module.ModelBuffer(bytes.length);
        for (let at = 0; at < bytes.length; at += 1 << 22)
          buffer.push(bytes.subarray(at, at + (1 << 22)));
        return buffer.finish(sha256);
      };
      window.lab = window.load(
        new Uint8Array(await (await fetch(root + path)).arrayBuffer()),
        model.sha256,
      );
      window.record = async (request) => {
        const started = window.lab.start({ temperature: 0, seed: 1, ...request });
        const lanes = started.lanes.map(() => ({
          ids: [],
          texts: [],
          logprobs: [],
          scores: [],
          contributions: [],
          pulls: [],
          words: [],
          newWords: false,
        }));
        for (;;) {
          const step = await window.lab.step();
          for (const { lane, read, token, score, span, stopped } of step.lanes) {
            const kept = lanes[lane];
            for (const { at, contributions, pull } of read) {
              kept.contributions[at] = Array.from(contributions);
              if (pull !== undefined) kept.pulls[at - started.prompt.length] = pull;
            }
            if (span) {
              kept.words.splice(span.from, Infinity, ...span.words);
              kept.newWords = span.new_words;
            }
            if (token)
              (kept.ids.push(token.id),
                kept.texts.push(token.text),
                kept.logprobs.push(token.logprob));
            if (score !== undefined) kept.scores.push(score);
            if (stopped) kept.stopped = stopped;
          }
          if (step.done)
            return { prompt: started.prompt.map(({ id }) => id), shown: started.shown, lanes };
        }
      };
      window.failure = (act) => {
        try {
          act();
        } catch (error) {
          return [error instanceof Error, error.kind, error.message];
        }
        return "nothing";
      };
    },
    { root, variant, path: MODEL, model },
  );
