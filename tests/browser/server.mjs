// The built page on a server of one's own: dist/ and models/ as `cargo xtask demo` serves them, with ranges, under any
// path, and with faults on request. Everything the browser asked for is kept.
//
//     const server = await serve();                          // dist/ at /, models/ at /models/
//     const server = await serve({ under: "/blog/lab/" });   // the same, deployed in a folder of someone's site
//     const server = await serve({ mock: true });            // tests/browser/mock/ in place of pkg/'s module
//     const server = await serve({ folders: { "bench/": "benches/browser" } });   // more folders of the repository
//     const server = await serve({ preludes: { "www/worker/worker.js": code } });  // code put before a script
//     const server = await serve({ compress: true });        // gzip for all but models/, as docs/hosting.md advises
//
//     await page.goto(server.url);
//     server.requests                    [{ path, range, status, sent }…], path as deployed: "models/…", "pkg/simd128/…";
//                                        sent = bytes of the body that were written
//     server.count(MODEL)                how often this path was asked for; a string, or a regular expression
//     server.clear()                     forgets the requests so far
//
//     server.fault(MODEL, { cutAt: 49_000_000 })             the body ends there, the connection with it
//     server.fault(/^models\//, { status: 404 })             that answer instead of the file
//     server.fault(MODEL, { corrupt: true, times: 1 })       one byte is wrong, for one request only
//     server.heal()                                          no more faults
//     A fault is any of: status, cutAt (bytes into the file, a resumed request included), corrupt, ignoreRange, hang
//     (never answers), slow (milliseconds for every 256 kB); `times` says for how many requests, otherwise until healed.
//
//     await server.goOffline()           every connection is refused, as with the network gone; `goOnline()` brings it back
//     await server.close()
//
// MODEL is the model's path as deployed. Run by hand: `node tests/browser/server.mjs [--port N] [--under /path/]`.

import { createReadStream } from "node:fs";
import { readFile, stat } from "node:fs/promises";
import { createServer } from "node:http";
import { extname, join, resolve, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs, promisify } from "node:util";
import { gzip } from "node:zlib";
import { POLICY } from "./policy.mjs";

export const repository = fileURLToPath(new URL("../../", import.meta.url));
export const MODEL_FILE = "SmolLM2-135M-Instruct.Q4_1.gguf";
export const MODEL = `models/${MODEL_FILE}`;

const TYPES = {
  ".css": "text/css; charset=utf-8",
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".json": "application/json",
  ".mjs": "text/javascript; charset=utf-8",
  ".png": "image/png",
  ".svg": "image/svg+xml",
  ".wasm": "application/wasm",
  ".webmanifest": "application/manifest+json",
  ".woff2": "font/woff2",
};

// What a host compresses: text, and the module.
const COMPRESSED = /\.(?:css|html|m?js|json|svg|wasm|webmanifest)$/;

export async function serve({
  under = "/",
  mock = false,
  compress = false,
  folders = {},
  preludes = {},
  dist = "dist",
  models = "models",
  port = 0,
} = {}) {
  if (!under.startsWith("/") || !under.endsWith("/"))
    throw new Error(`under must begin and end with a slash: ${under}`);
  // The longest prefix that fits wins.
  const places = Object.entries({ "": dist, "models/": models, ...folders })
    .map(([prefix, folder]) => [prefix, resolve(repository, folder)])
    .sort(([a], [b]) => b.length - a.length);
  let requests = [];
  let faults = [];
  const sockets = new Set();
  const packed = new Map(); // "path tag" -> gzip's bytes, at its default level, as hosts have it

  const server = createServer(async (request, response) => {
    const { pathname } = new URL(request.url, "http://host");
    const inside = pathname.startsWith(under);
    const path = inside ? decodeURIComponent(pathname.slice(under.length)) : pathname;
    const entry = { path, range: request.headers.range ?? null, status: 0, sent: 0 };
    requests.push(entry);
    // Other folders have pages with needs of their own.
    const isOther = Object.keys(folders).some((prefix) => path.startsWith(prefix));
    const policy = isOther ? {} : { "Content-Security-Policy": POLICY };
    const answer = (status, headers = {}) =>
      response.writeHead((entry.status = status), {
        "Cache-Control": "no-cache",
        ...policy,
        ...headers,
      });
    const refuse = (status) => (
      answer(status, { "Content-Type": "text/plain" }),
      response.end(`${status}\n`)
    );

    const fault = take(path);
    if (fault.hang) return;
    if (fault.status) return refuse(fault.status);
    if (!inside) return refuse(404);
    const file = place(path);
    const info = file && (await stat(file).catch(() => null));
    if (!info?.isFile()) return refuse(404);

    if (Object.hasOwn(preludes, path)) {
      answer(200, { "Content-Type": TYPES[extname(file)] });
      return response.end(`${preludes[path]}\n${await readFile(file, "utf8")}`);
    }

    const tag = `"${info.size.toString(16)}-${info.mtimeMs.toString(16)}"`;
    const headers = {
      "Content-Type": TYPES[extname(file)] ?? "application/octet-stream",
      ETag: tag,
      "Accept-Ranges": "bytes",
    };
    if (request.headers["if-none-match"] === tag) return (answer(304, headers), response.end());
    if (
      compress &&
      COMPRESSED.test(file) &&
      /\bgzip\b/.test(request.headers["accept-encoding"] ?? "")
    ) {
      const name = `${file} ${tag}`;
      if (!packed.has(name)) packed.set(name, promisify(gzip)(await readFile(file)));
      const body = await packed.get(name);
      answer(200, {
        ...headers,
        "Content-Encoding": "gzip",
        Vary: "Accept-Encoding",
        "Content-Length": body.length,
      });
      entry.sent = request.method === "HEAD" ? 0 : body.length;
      return response.end(request.method === "HEAD" ? undefined : body);
    }
    const range = fault.ignoreRange ? null : parseRange(entry.range, info.size);
    if (range === "bad")
      return (answer(416, { "Content-Range": `bytes */${info.size}` }), response.end());
    const [first, last] = range ?? [0, info.size - 1];
    headers["Content-Length"] = Math.max(0, last - first + 1);
    if (range) headers["Content-Range"] = `bytes ${first}-${last}/${info.size}`;
    answer(range ? 206 : 200, headers);
    if (request.method === "HEAD" || info.size === 0) return response.end();
    await send(response, file, first, last, fault, entry);
  });
  server.on("connection", (socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
  });

  function take(path) {
    const found = faults.find(
      ({ match, fault }) =>
        fault.times !== 0 && (match instanceof RegExp ? match.test(path) : match === path),
    );
    if (!found) return {};
    const now = { ...found.fault };
    if (found.fault.times !== undefined) found.fault.times -= 1;
    return now;
  }

  function place(path) {
    const wanted = path === "" || path.endsWith("/") ? `${path}index.html` : path;
    const mocked = mock && /^pkg\/(?:simd128|relaxed-simd)\/([\w.-]+\.js)$/.exec(wanted);
    if (mocked) return join(repository, "tests/browser/mock", mocked[1]);
    for (const [prefix, folder] of places) {
      if (!wanted.startsWith(prefix)) continue;
      const file = resolve(folder, wanted.slice(prefix.length));
      return file.startsWith(folder + sep) ? file : null;
    }
    return null;
  }

  const listen = (at) =>
    new Promise((done, failed) => {
      server.once("error", failed);
      server.listen(
        at,
        "127.0.0.1",
        () => (server.off("error", failed), done(server.address().port)),
      );
    });
  const stop = () =>
    new Promise((done) => {
      server.close(() => done());
      for (const socket of sockets) socket.destroy();
    });
  const bound = await listen(port);

  return {
    origin: `http://127.0.0.1:${bound}`,
    url: `http://127.0.0.1:${bound}${under}`,
    get requests() {
      return requests;
    },
    count: (path) =>
      requests.filter((request) =>
        path instanceof RegExp ? path.test(request.path) : request.path === path,
      ).length,
    clear: () => void (requests = []),
    fault: (match, fault) => void faults.unshift({ match, fault: { ...fault } }),
    heal: () => void (faults = []),
    goOffline: stop,
    goOnline: () => listen(bound),
    close: () => (server.listening ? stop() : Promise.resolve()),
  };
}

function parseRange(header, size) {
  const range = /^bytes=(\d+)-(\d*)$/.exec(header ?? "");
  if (!range) return null;
  const first = Number(range[1]);
  const last = range[2] === "" ? size - 1 : Math.min(Number(range[2]), size - 1);
  return first > last ? "bad" : [first, last];
}

// Waits until the connection takes more, or is gone.
function room(response) {
  return new Promise((done) => {
    const over = () => (response.off("drain", over), response.off("close", over), done());
    response.on("drain", over).on("close", over);
  });
}

async function send(response, file, first, last, fault, entry) {
  const stream = createReadStream(file, { start: first, end: last, highWaterMark: 262_144 });
  // A byte in the middle of the file: past any header, so that only the hash can tell.
  const wrong = fault.corrupt ? Math.floor((first + last) / 2) : -1;
  let at = first;
  try {
    for await (let chunk of stream) {
      if (response.destroyed) return;
      if (wrong >= at && wrong < at + chunk.length) (chunk = Buffer.from(chunk))[wrong - at] ^= 1;
      const whole = chunk.length;
      if (at + whole > fault.cutAt) chunk = chunk.subarray(0, Math.max(0, fault.cutAt - at));
      if (chunk.length) {
        entry.sent += chunk.length;
        if (!response.write(chunk)) await room(response);
      }
      at += whole;
      if (at > fault.cutAt) {
        // What was written is still on its way: let it arrive before the line goes dead.
        await new Promise((done) => setTimeout(done, 100));
        return response.socket?.destroy();
      }
      if (fault.slow) await new Promise((done) => setTimeout(done, fault.slow));
    }
    response.end();
  } finally {
    stream.destroy();
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { values } = parseArgs({
    options: {
      port: { type: "string", default: "8000" },
      under: { type: "string", default: "/" },
      mock: { type: "boolean" },
    },
  });
  console.log((await serve({ ...values, port: Number(values.port) })).url);
}
