// Serves the page as it is deployed, with the mock in place of pkg/, a small made-up model and artifact, and faults
// on request: `faults` is read at every request for the model.

import { createHash } from "node:crypto";
import { createServer } from "node:http";
import { readFile } from "node:fs/promises";
import { extname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";
import { POLICY } from "../policy.mjs";
import { fakeArtifact, fakeGallery } from "./data.mjs";
import { listOf } from "./version.mjs";

const repository = fileURLToPath(new URL("../../../", import.meta.url));
const mock = fileURLToPath(new URL("./", import.meta.url));
const TYPES = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript",
  ".css": "text/css",
  ".svg": "image/svg+xml",
  ".json": "application/json",
  ".png": "image/png",
  ".webmanifest": "application/manifest+json",
};

export const MODEL = Buffer.alloc(3_000_000);
for (let i = 0, x = 1; i < MODEL.length; i++)
  MODEL[i] = (x = (Math.imul(x, 1664525) + 1013904223) >>> 0) >>> 24;
export const SHA = createHash("sha256").update(MODEL).digest("hex");

/**
 * @param faults {missing, html, filter, status, wrongLength, corrupt, cutAt, ignoreRange, wrongRange, refuseRange, slow,
 *   offline, hang} each optional; `cutAt` ends the first answer after so many bytes and then is cleared unless `cutAlways`;
 *   `filter` gives a web page of the model's length and type. For files of the page: `cut`, a path whose connection ends at
 *   once; `late`, {path: milliseconds} to wait before it is sent; `instead`, {path: text} of what is not the deployment's own
 * @param artifact what the artifact becomes: a function of the made-up one
 * @param under the path the page is deployed under
 * @param files {path: body} in place of what is there
 * @param real the real artifact and recorded runs in place of the made-up ones
 * @param preludes {path: code} put before a script, to take a browser's ability away from it
 * @param policy the Content-Security-Policy that every file is sent with, or null
 * @param changes {path: text => text} what this deployment has instead; may be changed later, to deploy another version
 */
export async function serve({
  faults = {},
  trace = true,
  artifact = (made) => made,
  under = "/",
  preludes = {},
  files = {},
  real = false,
  policy = POLICY,
  changes = {},
} = {}) {
  const requests = []; // {path, range}
  const bodyOf = async (path, changes) => {
    let body =
      files[path] ??
      (real ? null : await madeUp(path, trace, artifact)) ??
      (await readFile(place(path)));
    if (Object.hasOwn(preludes, path)) body = `${preludes[path]}\n${body}`;
    return Object.hasOwn(changes, path) ? changes[path](String(body)) : body;
  };
  const server = createServer(async (request, response) => {
    const url = new URL(request.url, "http://host");
    requests.push({ path: url.pathname, range: request.headers.range ?? null });
    if (policy) response.setHeader("Content-Security-Policy", policy);
    if (faults.offline) return request.socket.destroy();
    if (!url.pathname.startsWith(under)) return plain(response, 404, "not here");
    const deployed = { ...changes }; // a list is of one deployment, also where another comes while it is made
    const path = normalize(decodeURIComponent(url.pathname.slice(under.length)) || "index.html");
    try {
      if (path.startsWith("models/")) return await sendModel(request, response, faults);
      if (faults.late?.[path]) await new Promise((done) => setTimeout(done, faults.late[path]));
      if (path === faults.cut) return request.socket.destroy();
      const body =
        faults.instead?.[path] ??
        (path === "files.json"
          ? await listOf((path) => bodyOf(path, deployed))
          : await bodyOf(path, deployed));
      response.writeHead(200, {
        "Content-Type": TYPES[extname(path)] ?? "text/html; charset=utf-8",
      });
      response.end(body);
    } catch {
      plain(response, 404, "not found");
    }
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${server.address().port}${under}`,
    faults,
    changes,
    requests,
    modelRequests: () => requests.filter(({ path }) => path.startsWith(`${under}models/`)),
    close: () => (server.closeAllConnections(), new Promise((resolve) => server.close(resolve))),
  };
}

function place(path) {
  const file = ["sw.js", "embed.js"].includes(path) ? `www/${path}` : path;
  const pkg = /^pkg\/(?:simd128|relaxed-simd)\/((?:hneurons|sha256)\.js)$/.exec(file);
  if (pkg) return join(mock, pkg[1]);
  if (!/^(index\.html$|www\/)/.test(file)) throw new Error("not deployed");
  return join(repository, file);
}

async function madeUp(path, trace, artifact) {
  const json = (value) => Buffer.from(JSON.stringify(value));
  if (path === "www/artifacts/index.json")
    return json({
      default: "mock",
      models: [
        { id: "mock", artifact: "mock/hneurons.json", bytes: MODEL.length, opens: "doubt-meows" },
      ],
    });
  if (path === "www/artifacts/mock/hneurons.json")
    return json(artifact(fakeArtifact(SHA, MODEL.length)));
  if (path.startsWith("www/gallery/")) {
    const { index, recording } = fakeGallery(SHA);
    const file = {
      "www/gallery/mock/index.json": index,
      "www/gallery/mock/prompts.json": index.runs.map(({ id, prompt, then }) => ({
        id,
        prompt,
        then,
      })),
      "www/gallery/mock/doubt-meows.json": recording,
    }[path];
    if (!file || !trace) throw new Error("not recorded");
    return json(file);
  }
  return null;
}

async function sendModel(request, response, faults) {
  if (faults.missing) return plain(response, 404, "no model here");
  if (faults.status) return plain(response, faults.status, "no");
  if (faults.filter) {
    const page = Buffer.alloc(MODEL.length, " ");
    page.write("\n<!DOCTYPE html><title>Blocked by your school</title>");
    return plain(response, 200, page, "application/octet-stream");
  }
  if (faults.html) return plain(response, 200, "<!doctype html><title>Not found</title>");
  if (faults.wrongLength)
    return plain(response, 200, "version https://git-lfs.github.com/spec/v1", "text/plain");
  const body = faults.corrupt
    ? Buffer.concat([Buffer.from([MODEL[0] ^ 1]), MODEL.subarray(1)])
    : MODEL;
  if (faults.corrupt === "once") faults.corrupt = false;
  const range = /^bytes=(\d+)-$/.exec(request.headers.range ?? "");
  let from = 0;
  let status = 200;
  const headers = {
    "Content-Type": "application/octet-stream",
    ETag: '"mock-1"',
    "Accept-Ranges": "bytes",
  };
  if (range && !faults.ignoreRange) {
    if (faults.refuseRange) return plain(response, 416, "");
    from = Number(range[1]);
    status = 206;
    const said = faults.wrongRange ? from - 1000 : from;
    headers["Content-Range"] = `bytes ${said}-${body.length - 1}/${body.length}`;
  }
  headers["Content-Length"] = body.length - from;
  response.writeHead(status, headers);
  const end = faults.cutAt ?? body.length;
  for (let at = from; at < body.length; at += 65_536) {
    if (at >= end) break;
    response.write(body.subarray(at, Math.min(at + 65_536, end, body.length)));
    if (faults.slow) await new Promise((resolve) => setTimeout(resolve, faults.slow));
    if (response.destroyed) return;
  }
  if (end < body.length) {
    if (!faults.cutAlways) delete faults.cutAt;
    await new Promise((resolve) => setTimeout(resolve, 150)); // what was written arrives before the cut
    return request.socket.destroy();
  }
  response.end();
}

function plain(response, status, text, type = "text/html") {
  response.writeHead(status, { "Content-Type": type });
  response.end(text);
}

// `node tests/browser/mock/server.mjs` serves the page by hand.
if (process.argv[1] === fileURLToPath(import.meta.url)) console.log((await serve()).url);
