// Bytes of one file of known size from the first source that has it, going on where a cut connection left off.
//
// A source is tried only once if it does not have the file (a 404, a web page, a file of another size), and
// several times, with growing pauses, if the connection fails. What arrives is verified by its hash later, so a
// resumed download may mix sources: wrong bytes cannot get through, only cost a second download.

const PAUSES = [500, 1500, 4000]; // ms before each new try
const ANSWER = 20_000; // ms to wait for a source's answer
const STALL = 20_000; // ms without a byte that count as a cut
const POINTER = 65_536; // bytes: no model is this small

export class DownloadError extends Error {
  constructor(message, { resumable }) {
    super(message);
    this.name = "DownloadError";
    this.resumable = resumable;
  }
}

/**
 * @param sources URLs, in order of preference
 * @param total the file's size in bytes
 * @param sink {received(): number, push(Uint8Array), restart()}: `restart` is called when a source gives the file
 *   from its beginning although a part was there
 * @param signal aborts the download; what the sink has stays
 * @param say called with a line when something is worth telling (a retry, the next source)
 */
export async function download({ sources, total, sink, signal, say = () => {}, pauses = PAUSES }) {
  const reasons = [];
  let cut = null;
  for (const source of sources) {
    const etag = { value: "" };
    for (let attempt = 0; ; attempt++) {
      const before = sink.received();
      try {
        await fetchRest({ source, total, sink, signal, etag });
        return;
      } catch (error) {
        if (signal.aborted) throw error;
        if (error instanceof Unsuitable) {
          reasons.push(`${place(source)}: ${error.message}`);
          break;
        }
        // Progress earns new tries: only a connection that brings nothing is given up.
        if (sink.received() > before) attempt = 0;
        if (attempt >= pauses.length) {
          cut = error;
          reasons.push(`${place(source)}: ${error.message}`);
          break;
        }
        say(`The connection was interrupted at ${percent(sink.received(), total)}. Trying again …`);
        await sleep(pauses[attempt], signal);
      }
    }
  }
  const has =
    sink.received() > 0 ? ` ${percent(sink.received(), total)} has arrived and is kept.` : "";
  const remedy = cut
    ? "Check the connection, then press “Retry” to go on from there."
    : "Put the model file into the folder models/ next to this page, or check that the hub can be reached, then press “Retry”.";
  throw new DownloadError(
    `The model could not be downloaded (${reasons.join("; ")}).${has} ${remedy}`,
    { resumable: true },
  );
}

/** The source answered, and does not have what we want: the next one, at once. */
class Unsuitable extends Error {}

async function fetchRest({ source, total, sink, signal, etag }) {
  const from = sink.received();
  if (from === total) return;
  const stall = new AbortController();
  const both = AbortSignal.any ? AbortSignal.any([signal, stall.signal]) : joined(signal, stall);
  let timer = setTimeout(() => stall.abort(), ANSWER);
  try {
    const headers = {};
    if (from > 0) {
      headers.Range = `bytes=${from}-`;
      // Only next to the page: elsewhere this header needs a permission (CORS) that hosts rarely give.
      if (etag.value && sameOrigin(source)) headers["If-Range"] = etag.value;
    }
    // Not into the browser's HTTP cache as well: the model store keeps the only copy.
    const response = await fetch(source, {
      headers,
      signal: both,
      cache: "no-store",
      credentials: "same-origin",
    });
    const start = startOf(response, from, total);
    etag.value = strong(response.headers.get("ETag"));
    if (start === null) {
      // 416 or a range that is not ours: begin again without one.
      sink.restart();
      throw new Error("it answered with another part of the file");
    }
    if (start === 0 && from > 0) sink.restart();
    const reader = response.body.getReader();
    for (;;) {
      clearTimeout(timer);
      timer = setTimeout(() => stall.abort(), STALL);
      const { done, value } = await reader.read();
      if (done) break;
      if (sink.received() + value.byteLength > total) {
        reader.cancel().catch(() => {});
        sink.restart();
        throw new Unsuitable("its file is longer than the artifact says");
      }
      sink.push(value);
    }
    if (sink.received() < total) {
      // A short file of unstated length that ends in good order is another file, for example one that only names the
      // place of the real one.
      if (start === 0 && sink.received() < POINTER && !response.headers.get("Content-Length")) {
        const got = sink.received();
        sink.restart();
        throw new Unsuitable(`a file of ${got} bytes, not ${total}`);
      }
      throw new Error("the connection ended early");
    }
  } catch (error) {
    if (stall.signal.aborted && !signal.aborted) throw new Error("no answer in time");
    if (error instanceof TypeError) throw new Error("no connection");
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

/** Where the answer's bytes begin: `from`, 0, or null when they are no use. Throws when the source is unsuitable. */
export function startOf(response, from, total) {
  const header = (name) => response.headers.get(name) ?? "";
  if (response.status === 416) return null;
  if (response.status === 429 || response.status >= 500) throw new Error(`HTTP ${response.status}`);
  if (!response.ok) throw new Unsuitable(`HTTP ${response.status}`);
  if (/^text\/html/i.test(header("Content-Type")))
    throw new Unsuitable("a web page instead of the model file");
  // A compressed answer's length is not the file's.
  const length = header("Content-Encoding") ? "" : header("Content-Length");
  if (response.status === 206) {
    const range = /^bytes (\d+)-(\d+)\/(\d+|\*)$/.exec(header("Content-Range"));
    // A host of another origin may hide this header; then the length must fit instead.
    if (!range) return length === "" || Number(length) === total - from ? from : null;
    if (range[3] !== "*" && Number(range[3]) !== total)
      throw new Unsuitable(`a file of ${range[3]} bytes, not ${total}`);
    return Number(range[1]) === from ? from : null;
  }
  if (length !== "" && Number(length) !== total)
    throw new Unsuitable(`a file of ${length} bytes, not ${total}`);
  return 0;
}

// A weak validator must not be used in If-Range (RFC 9110, 13.1.5).
const strong = (etag) => (etag && !etag.startsWith("W/") ? etag : "");
const sameOrigin = (url) => new URL(url).origin === globalThis.location?.origin;
const place = (url) => (sameOrigin(url) ? "next to the page" : new URL(url).host);
const percent = (done, total) => `${Math.floor((100 * done) / total)} %`;

function sleep(ms, signal) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener("abort", () => (clearTimeout(timer), reject(signal.reason)), {
      once: true,
    });
  });
}

function joined(signal, controller) {
  if (signal.aborted) controller.abort();
  signal.addEventListener("abort", () => controller.abort(), { once: true });
  return controller.signal;
}
