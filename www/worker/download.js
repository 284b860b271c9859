// Bytes of one file of known size from the first source that has it, going on where a cut connection left off.
//
// A source is tried only once if it does not have the file (a 404, a web page, a file of another size) or something between
// answers in its place (a filter, a login), and several times, with growing pauses, if the connection fails. What arrives is verified by its hash later, so a
// resumed download may mix sources: wrong bytes cannot get through, only cost a second download.

const PAUSES = [500, 1500, 4000]; // ms before each new try
const ANSWER = 20_000; // ms to wait for a source's answer
const STALL = 20_000; // ms without a byte that count as a cut
const POINTER = 65_536; // bytes: no model is this small
const PROBE = 5_000; // ms to find out whether a host answers at all
const PAGE = /^(?:ï»¿)?\s*<(?:!doctype|html|head|body|meta|script|title|!--|\?xml)/i; // how web pages begin
const LOGIN = "a login or a filter may stand between";

export class DownloadError extends Error {
  /**
   * @param {string} message
   * @param {{resumable: boolean}} how
   */
  constructor(message, { resumable }) {
    super(message);
    this.name = "DownloadError";
    this.resumable = resumable;
  }
}

/**
 * @typedef {object} Sink
 * @property {() => number} received
 * @property {(chunk: Uint8Array) => void} push
 * @property {() => void} restart called when a source gives the file from its beginning although a part was there
 *
 * @param {object} from
 * @param {string[]} from.sources URLs, in order of preference
 * @param {number} from.total the file's size in bytes
 * @param {Sink} from.sink
 * @param {AbortSignal} from.signal aborts the download; what the sink has stays
 * @param {(line: string) => void} [from.say] called when something is worth telling (a retry, the next source)
 * @param {number[]} [from.pauses] milliseconds before each new try
 */
export async function download({ sources, total, sink, signal, say = () => {}, pauses = PAUSES }) {
  const reasons = [];
  let cut = null;
  for (const source of sources) {
    const etag = { value: "" };
    let withheld = false; // the host answers, and the browser keeps the answer from this page
    for (let attempt = 0; ; attempt++) {
      const before = sink.received();
      try {
        await fetchRest({ source, total, sink, signal, etag });
        return;
      } catch (error) {
        if (signal.aborted) throw error;
        if (error instanceof Withheld && !withheld) {
          // Once can be a network that was just coming back.
          withheld = true;
          await sleep(pauses[0] ?? 0, signal);
          continue;
        }
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
    ? "Check the connection, then press “Retry”: it goes on from there. Or choose the file yourself, if you have it."
    : "Check the connection, then press “Retry”. Or choose the file yourself, if you have it. If this is your own copy of the page, put the file into its folder models/.";
  throw new DownloadError(
    `The model could not be downloaded (${reasons.join("; ")}).${has} ${remedy}`,
    { resumable: true },
  );
}

/** The source answered, and does not have what we want: the next one, at once. */
class Unsuitable extends Error {}

/** It answered, without the permission (CORS) that a model's host gives. */
class Withheld extends Unsuitable {}

/**
 * @param {object} from
 * @param {string} from.source
 * @param {number} from.total
 * @param {Sink} from.sink
 * @param {AbortSignal} from.signal
 * @param {{value: string}} from.etag of the part that is there; set to that of the answer
 */
async function fetchRest({ source, total, sink, signal, etag }) {
  const from = sink.received();
  if (from === total) return;
  const stall = new AbortController();
  const both = AbortSignal.any ? AbortSignal.any([signal, stall.signal]) : joined(signal, stall);
  let timer = setTimeout(() => stall.abort(), ANSWER);
  try {
    /** @type {Record<string, string>} */
    const headers = {};
    if (from > 0) {
      headers.Range = `bytes=${from}-`;
      // Only next to the page: elsewhere this header needs a permission (CORS) that hosts rarely give.
      if (etag.value && sameOrigin(source)) headers["If-Range"] = etag.value;
    }
    // Not into the browser's HTTP cache as well: the model store keeps the only copy. A worker does not take over the
    // page's referrer policy.
    const response = await fetch(source, {
      headers,
      signal: both,
      cache: "no-store",
      credentials: "same-origin",
      referrerPolicy: "no-referrer",
    }).catch(async (error) => {
      if (both.aborted || sameOrigin(source) || !(await answers(source, signal))) throw error;
      throw new Withheld(
        `it answers, but not as a model’s host does: ${LOGIN}, or it sends on to a place that this page may not read`,
      );
    });
    const start = startOf(response, from, total, source);
    etag.value = strong(response.headers.get("ETag"));
    if (start === null) {
      // 416 or a range that is not ours: begin again without one.
      sink.restart();
      throw new Error("it answered with another part of the file");
    }
    if (start === 0 && from > 0) sink.restart();
    const reader = /** @type {ReadableStream<Uint8Array>} */ (response.body).getReader();
    for (;;) {
      clearTimeout(timer);
      timer = setTimeout(() => stall.abort(), STALL);
      const { done, value } = await reader.read();
      if (done) break;
      const wrong =
        sink.received() + value.byteLength > total
          ? "its file is longer than the artifact says"
          : sink.received() === 0 && PAGE.test(latin(value.subarray(0, 256)))
            ? page(response, source)
            : "";
      if (wrong) {
        reader.cancel().catch(() => {});
        sink.restart();
        throw new Unsuitable(wrong);
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
    if (error instanceof TypeError)
      throw new Error(
        from > 0 || sameOrigin(source)
          ? "no connection"
          : "no connection, or something between does not let it through",
      );
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

/**
 * Where the answer's bytes begin: `from`, 0, or null when they are no use. Throws when the source is unsuitable.
 * @param {Pick<Response, "status" | "ok" | "headers" | "url">} response
 * @param {number} from
 * @param {number} total
 * @param {string} source
 */
export function startOf(response, from, total, source) {
  const header = (/** @type {string} */ name) => response.headers.get(name) ?? "";
  if (response.status === 416) return null;
  if ([401, 403, 407, 511].includes(response.status))
    throw new Unsuitable(`HTTP ${response.status}: ${LOGIN}`);
  if (response.status === 429 || response.status >= 500) throw new Error(`HTTP ${response.status}`);
  if (!response.ok) throw new Unsuitable(`HTTP ${response.status}`);
  if (/^(?:text\/html|application\/xhtml)/i.test(header("Content-Type")))
    throw new Unsuitable(page(response, source));
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

/**
 * A web page came: whose, if it is another host's than was asked.
 * @param {Pick<Response, "url">} response
 * @param {string} source
 */
function page(response, source) {
  const from = hostOf(response.url);
  return from === "" || from === hostOf(source)
    ? `a web page instead of the model file; ${LOGIN}`
    : `a web page of ${from}, to which it sends on, instead of the model file; ${LOGIN}`;
}

/**
 * Does anything answer at this address? Not even the status may be read this way.
 * @param {string} source
 * @param {AbortSignal} signal
 */
async function answers(source, signal) {
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(), PROBE);
  const both = AbortSignal.any ? AbortSignal.any([signal, late.signal]) : joined(signal, late);
  try {
    await fetch(source, {
      method: "HEAD",
      mode: "no-cors",
      cache: "no-store",
      credentials: "omit",
      referrerPolicy: "no-referrer",
      signal: both,
    });
    return true;
  } catch {
    return false;
  } finally {
    clearTimeout(timer);
  }
}

/** @param {Uint8Array} bytes */
const latin = (bytes) => String.fromCharCode(...bytes);

// A weak validator must not be used in If-Range (RFC 9110, 13.1.5).
const strong = (/** @type {string | null} */ etag) => (etag && !etag.startsWith("W/") ? etag : "");
/** @param {string} url */
const hostOf = (url) => {
  try {
    return new URL(url).host;
  } catch {
    return "";
  }
};
/** @param {string} url */
const sameOrigin = (url) => new URL(url).origin === globalThis.location?.origin;
/** @param {string} url */
const place = (url) => (sameOrigin(url) ? "next to the page" : new URL(url).host);
/**
 * @param {number} done
 * @param {number} total
 */
const percent = (done, total) => `${Math.floor((100 * done) / total)} %`;

/**
 * @param {number} ms
 * @param {AbortSignal} signal
 * @returns {Promise<void>}
 */
function sleep(ms, signal) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener("abort", () => (clearTimeout(timer), reject(signal.reason)), {
      once: true,
    });
  });
}

/**
 * @param {AbortSignal} signal
 * @param {AbortController} controller
 */
function joined(signal, controller) {
  if (signal.aborted) controller.abort();
  signal.addEventListener("abort", () => controller.abort(), { once: true });
  return controller.signal;
}
