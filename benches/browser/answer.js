// What both workers do alike: get the model's bytes, and answer questions one at a time.

export async function fetchModel(url) {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${url}: HTTP ${response.status}`);
  return new Uint8Array(await response.arrayBuffer());
}

export function answer({ load, run, kernels }) {
  self.onmessage = async ({ data }) => {
    try {
      if (data.load) self.postMessage(await load(data.load));
      else if (data.kernels) self.postMessage(await kernels(data.kernels));
      else self.postMessage(await run(data.run));
    } catch (error) {
      self.postMessage({ error: String(error?.message ?? error) });
    }
  };
}
