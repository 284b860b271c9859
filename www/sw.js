// The service worker (deployed at the page's root, beside index.html): the page opens without a network, and all of its
// files are of one version.
//
// A version is installed as a whole into a cache of its own, by the list that the build makes (files.json), and every file
// is held against its hash. What an interrupted install has brought stays and is not fetched again. Then this worker waits
// to become the one that answers, until no page of the site is open any more. A visitor who wants the version at once need
// not wait: the older worker then answers from this version's cache. A page goes on with the version that it began with.
//
// There is no skipWaiting(), which would take a worker away from open pages: Chromium loses requests that fall into that
// moment, and the page that makes them hangs.
//
// The model is not among these files: the model store (worker/store.js) keeps it.

const VERSION = ""; // the build writes it here
const root = new URL("./", self.location);
// Other deployments on this origin have workers and caches too. A path has no space, so none is the beginning of another.
const OURS = `hneurons-shell ${root.pathname} `;
const CACHE = OURS + VERSION;
const OPEN = `hneurons-open ${root.pathname}`;
const LIST = new URL("files.json", root).href;

/** The network's file is not the one that this version lists. */
class OtherVersion extends Error {}

// Many hosts send index.html elsewhere, to its folder.
const addressOf = (path) => (path === "index.html" ? root.href : new URL(path, root).href);

/** A file's name in the list, or null for what is no file of the page. */
function pathOf(text) {
  let url;
  try {
    url = new URL(text);
  } catch {
    return null;
  }
  if (url.origin !== root.origin || !url.pathname.startsWith(root.pathname)) return null;
  const path = url.pathname.slice(root.pathname.length);
  return path.startsWith("models/") ? null : path || "index.html";
}

// ---- Versions ----

const lists = new Map(); // version -> {path: {sha256, bytes, shell}}

/** The files of an installed version, or null when its cache is gone. */
async function filesOf(version) {
  if (!lists.has(version)) {
    const kept = await caches.match(LIST, { cacheName: OURS + version });
    if (!kept) return null;
    lists.set(version, (await kept.json()).files);
  }
  return lists.get(version);
}

const installed = async () => (await caches.keys()).filter((name) => name.startsWith(OURS)).map((name) => name.slice(OURS.length));

async function install() {
  if (VERSION === "") throw new Error("This is a worker's source. Deploy what `cargo xtask build` makes.");
  const text = await (await fetch(LIST, { cache: "no-cache" })).text();
  const { version, files } = JSON.parse(text);
  if (version !== VERSION) throw new Error("The host is between two versions.");
  const older = new Map(); // hash -> {name, url}
  const wanted = new Set(Object.keys(files).filter((path) => files[path].shell));
  for (const other of await installed()) {
    const theirs = await filesOf(other);
    if (!theirs) continue; // an install that was interrupted
    const name = OURS + other;
    for (const { url } of await (await caches.open(name)).keys()) {
      const path = pathOf(url);
      if (!Object.hasOwn(theirs, path)) continue;
      older.set(theirs[path].sha256, { name, url });
      if (Object.hasOwn(files, path)) wanted.add(path); // what was used is there offline in the new version too
    }
  }
  const cache = await caches.open(CACHE);
  const results = await Promise.allSettled(
    [...wanted].map(async (path) => {
      if (await cache.match(addressOf(path))) return;
      const same = older.get(files[path].sha256);
      const copy = same && (await caches.match(same.url, { cacheName: same.name }));
      await cache.put(addressOf(path), copy ?? (await fetched(path, files[path])));
    }),
  );
  const failed = results.find(({ status }) => status === "rejected");
  if (failed) throw failed.reason;
  await cache.put(LIST, new Response(text, { headers: { "Content-Type": "application/json" } }));
}

/** A file from the network, or from the browser's HTTP cache if that has the right one. */
async function fetched(path, { sha256 }) {
  for (const cache of ["default", "reload"]) {
    const response = await fetch(addressOf(path), { cache });
    if (!response.ok && response.status !== 404) throw new Error(`${path}: HTTP ${response.status}`);
    const body = await response.arrayBuffer();
    const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", body));
    if ([...digest].map((byte) => byte.toString(16).padStart(2, "0")).join("") !== sha256) continue;
    const headers = new Headers(response.headers);
    // They were true of what travelled; and a cache refuses, or does not find again, what varies.
    for (const name of ["Content-Encoding", "Content-Length", "Vary"]) headers.delete(name);
    return new Response(body, { headers });
  }
  throw new OtherVersion(path);
}

// ---- Open pages ----

// {next, held: {client's id: version}}: the version that a visitor asked for, and that of each page that may be of another
// than this worker's. In a cache, because the worker that answers and the one that waits both write it, and can be stopped
// at any time.
let open = null; // as it was read or written last
let turn = Promise.resolve();

/** Does one thing with them after the other, so that none is done on what is out of date. */
function inTurn(work) {
  const done = turn.then(work);
  turn = done.catch(() => {});
  return done;
}

const read = async () => (await (await caches.match(LIST, { cacheName: OPEN }))?.json()) ?? { next: null, held: {} };
const reread = () => inTurn(async () => (open = await read()));

const change = (act) =>
  inTurn(async () => {
    const state = await read();
    act(state);
    await (await caches.open(OPEN)).put(LIST, new Response(JSON.stringify(state)));
    open = state;
  });

async function activate() {
  await change((state) => (state.next = null));
  await discard({ unfinished: true });
}

/** Forgets closed pages, and deletes what only they had. */
async function tidy() {
  const living = new Set((await self.clients.matchAll({ includeUncontrolled: true, type: "all" })).map(({ id }) => id));
  await change(({ held }) => {
    for (const id of Object.keys(held)) if (!living.has(id)) delete held[id];
  });
  await discard();
}

/** Deletes versions that no open page has; what an interrupted install has brought stays until there is a newer version. */
async function discard({ unfinished = false } = {}) {
  if (another()) return; // it copies from the others, and needs its own
  const used = [VERSION, ...Object.values((await reread()).held)];
  for (const version of await installed()) {
    if (used.includes(version) || !(unfinished || (await filesOf(version)))) continue;
    if (another()) return; // it may have come since, and this be its cache
    await caches.delete(OURS + version);
  }
}

/** Is another version on its way? */
const another = () => self.registration.installing || self.registration.waiting;

/** The version of the page, or of the page's worker, that asks. */
async function versionFor({ request, clientId, resultingClientId }) {
  if (request.mode === "navigate") {
    const { next } = await reread();
    const version = resultingClientId && next && (await filesOf(next)) ? next : VERSION;
    // The page goes on with it, whichever worker answers it then.
    if (resultingClientId && another()) await change(({ held }) => (held[resultingClientId] = version));
    return version;
  }
  const version = (open ?? (await reread())).held[clientId];
  if (!version) return VERSION;
  if (resultingClientId) await change(({ held }) => (held[resultingClientId] = version)); // its worker
  return version;
}

// ---- Answers ----

async function answer(event, path) {
  const version = await versionFor(event);
  const files = await filesOf(version);
  if (!files || !Object.hasOwn(files, path)) return fetch(event.request);
  const kept = await caches.match(addressOf(path), { cacheName: OURS + version });
  if (kept) return kept;
  try {
    const response = await fetched(path, files[path]);
    event.waitUntil(put(version, path, response.clone()));
    return response;
  } catch (error) {
    if (!(error instanceof OtherVersion)) throw error; // no network
    // Another version's file in this version's page could do anything. The page offers the new version when it is there.
    event.waitUntil(self.registration.update().catch(() => {}));
    return new Response(`${path} is another version's by now; reload the page\n`, { status: 409, headers: { "Content-Type": "text/plain" } });
  }
}

async function put(version, path, response) {
  try {
    if (await caches.has(OURS + version)) await (await caches.open(OURS + version)).put(addressOf(path), response);
  } catch {
    // No room: this file is fetched again next time.
  }
}

/** Keeps what a page has used beyond what is installed. */
async function keep(urls) {
  const files = await filesOf(VERSION);
  if (!files) return;
  const cache = await caches.open(CACHE);
  const paths = new Set(urls.map(pathOf));
  await Promise.allSettled(
    [...paths].map(async (path) => {
      if (!Object.hasOwn(files, path) || (await cache.match(addressOf(path)))) return;
      await put(VERSION, path, await fetched(path, files[path]));
    }),
  );
  if (!another()) await tidy();
}

self.addEventListener("install", (event) => event.waitUntil(install()));
self.addEventListener("activate", (event) => event.waitUntil(activate()));

self.addEventListener("message", (event) => {
  const { type, urls } = event.data ?? {};
  const answer = (value) => event.ports[0]?.postMessage(value);
  if (type === "keep" && Array.isArray(urls)) event.waitUntil(keep(urls));
  // To a worker that waits: is this page of your version? The next page shall be.
  if (type === "mine") event.waitUntil(reread().then(({ held }) => answer(held[event.source.id] === VERSION)));
  if (type === "next") event.waitUntil(change((state) => (state.next = VERSION)).then(answer));
});

self.addEventListener("fetch", (event) => {
  const { method, url, headers } = event.request;
  const path = pathOf(url);
  if (method === "GET" && path !== null && !headers.has("Range")) event.respondWith(answer(event, path));
});
