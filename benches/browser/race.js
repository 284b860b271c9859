// The page of the race: one worker for every engine and file, all in one page, so that they share the browser, its settings
// and its state. Only one of them works at a time.

const workers = new Map();

// Asks a worker `{ run: … }`, `{ limit: … }` and so on.
window.ask = (name, question) =>
  new Promise((done, failed) => {
    const worker = workers.get(name);
    worker.onmessage = ({ data }) => (data?.error ? failed(new Error(data.error)) : done(data));
    worker.onerror = (event) =>
      failed(new Error(event.message || "the worker could not be loaded"));
    worker.postMessage(question);
  });

// Starts an engine's worker and loads the model into it.
window.load = (name, { kind, module, model, choose }) => {
  workers.set(name, new Worker(`${kind}.js`, { type: "module" }));
  const from = (path) => new URL(`../${path}`, location.href).href;
  return window.ask(name, { load: { module: from(module), model: from(model), choose } });
};

window.unload = (name) => {
  workers.get(name)?.terminate();
  workers.delete(name);
};
