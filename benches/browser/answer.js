// What the workers do alike: get the model's bytes, and answer questions one at a time.

export async function fetchModel(url) {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${url}: HTTP ${response.status}`);
  return new Uint8Array(await response.arrayBuffer());
}

// A question is `{ load: … }`, `{ run: … }` or another that the engine has a function for.
export function answer(functions) {
  self.onmessage = async ({ data }) => {
    try {
      const [[question, about]] = Object.entries(data);
      if (!functions[question]) throw new Error(`this engine cannot answer '${question}'`);
      self.postMessage(await functions[question](about));
    } catch (error) {
      self.postMessage({ error: String(error?.message ?? error) });
    }
  };
}
