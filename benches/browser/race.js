// The page of the race: one worker an engine, all in one page, so that they share the browser, its settings and its state.
// Only one of them works at a time.

const workers = new Map();

function ask(worker, question) {
  return new Promise((done, failed) => {
    worker.onmessage = ({ data }) => (data.error ? failed(new Error(data.error)) : done(data));
    worker.onerror = (event) => failed(new Error(event.message || "the worker could not be loaded"));
    worker.postMessage(question);
  });
}

// Starts an engine's worker and loads the model into it.
window.load = async (name, { kind, module, model, choose }) => {
  const worker = new Worker(`${kind}.js`, { type: "module" });
  workers.set(name, worker);
  const from = (path) => new URL(`../${path}`, location.href).href;
  return ask(worker, { load: { module: from(module), model: from(model), choose } });
};

// Time by kernel of some decoded tokens.
window.kernels = (name, tokens) => ask(workers.get(name), { kernels: tokens });

// One timed run: reads the prompt, then goes on greedily.
window.measure = (name, run) => ask(workers.get(name), { run });
