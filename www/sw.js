// The service worker (deployed at the page's root, beside index.html): the page opens without a network, and all of its
// files are of one version.
//
// A version is installed as a whole into a cache of its own, by the list that the build makes (files.json), and every file
// is held against its hash. What an interrupted install has brought stays and is not fetched again. A page that opens gets
// the newest version that is there as a whole, and goes on with it until it is closed or loaded again.
//
// This file is the same from version to version: it looks for another list itself, after a page has opened. A worker that
// changes is exchanged by the browser when the last page is closed, and Chromium can lose a page that is opened in just
// that moment (docs/hosting.md). So change it seldom, and so that what the one before has kept can be read; an older page
// may speak to it, and both may be at work at the same time.
//
// The model is not among these files: the model store (worker/store.js) keeps it.

const root = new URL("./", self.location);
// Other deployments on this origin have workers and caches too. A path has no space, so none is the beginning of another.
const OURS = `hneurons-shell ${root.pathname} `;
const OPEN = `hneurons-open ${root.pathname}`;
const LIST = new URL("files.json", root).href;
const UPDATE_AFTER = 1000; // milliseconds; the page that opens comes first
const LIST_WITHIN = 30_000; // milliseconds; nothing is updated or deleted meanwhile
const FORGET_AFTER = 3_600_000; // milliseconds; browsers keep a page that was left for some minutes

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

// ---- Open pages ----

// {version, held: {client's id: {version, seen}}}: the version that a page gets which opens now, and that of each page, and
// of its workers, that was answered, and when it was last seen. In a cache, because the browser stops this worker whenever
// it does nothing.
let open = null; // as it was read or written last
const given = new Map(); // client's id -> version, until that is written there

/** Does one thing with them after the other, in all workers, so that none is done on what is out of date. */
const inTurn = (work) => navigator.locks.request(OPEN, work);

const parsed = (response) => response?.json().catch(() => null); // what cannot be read is not there

const read = async () =>
  (await parsed(await caches.match(LIST, { cacheName: OPEN }))) ?? { version: null, held: {} };
const reread = () => inTurn(async () => (open = await read()));

const change = (act) =>
  inTurn(async () => {
    const state = await read();
    act(state);
    await (await caches.open(OPEN)).put(LIST, new Response(JSON.stringify(state)));
    open = state;
  });

const versionOf = (client) => given.get(client) ?? open.held[client]?.version;

/** From now on the client goes on with this version. */
function hold(event, client, version) {
  given.set(client, version);
  const written = change(({ held }) => (held[client] = { version, seen: Date.now() }));
  event.waitUntil(written.then(() => given.delete(client)));
}

/**
 * Forgets closed pages, and deletes what only they had. A page that was left is not seen, but comes back whole when the
 * visitor goes back to it soon; nor is one that has only begun to open.
 */
async function tidy() {
  const living = await self.clients.matchAll({ includeUncontrolled: true, type: "all" });
  const now = Date.now();
  await change(({ held }) => {
    for (const { id } of living) if (Object.hasOwn(held, id)) held[id].seen = now;
    for (const id of Object.keys(held)) if (!(now - held[id].seen < FORGET_AFTER)) delete held[id];
  });
  await discard();
}

// ---- Versions ----

const lists = new Map(); // version -> {path: {sha256, bytes, shell}}

/** The files of a version, or null where it is not there as a whole. */
async function filesOf(version) {
  if (!lists.has(version)) {
    const list = await parsed(await caches.match(LIST, { cacheName: OURS + version }));
    if (!list) return null;
    lists.set(version, list.files);
  }
  return lists.get(version);
}

const kept = async () =>
  (await caches.keys())
    .filter((name) => name.startsWith(OURS))
    .map((name) => name.slice(OURS.length));

let updating = null;
let updatingNext = null;

/** Installs what the host has, unless it is there; pages that open from then on get it. */
function update() {
  if (updating) {
    // That may have looked before there was what this one is to find.
    updatingNext ??= updating.catch(() => {}).then(() => ((updatingNext = null), update()));
    return updatingNext;
  }
  updating = install().finally(() => (updating = null));
  return updating;
}

async function install() {
  const text = await (
    await fetch(LIST, { cache: "no-cache", signal: AbortSignal.timeout(LIST_WITHIN) })
  ).text();
  const { version, files } = JSON.parse(text);
  lists.delete(version); // the browser may have deleted it since
  if (!(await filesOf(version))) {
    const wanted = new Set(Object.keys(files).filter((path) => files[path].shell));
    // What was used is there offline in the new version too.
    for (const { path } of await theirs(version)) if (Object.hasOwn(files, path)) wanted.add(path);
    const results = await bring(version, files, [...wanted]);
    const failed = results.find(({ status }) => status === "rejected");
    if (failed) throw failed.reason;
    await (
      await caches.open(OURS + version)
    ).put(LIST, new Response(text, { headers: { "Content-Type": "application/json" } }));
  }
  if ((await reread()).version === version) return;
  await change((state) => (state.version = version));
  await discard({ unfinished: true, within: true });
}

/** What is kept of the other versions: [{path, sha256, url, cacheName}…]. */
async function theirs(version) {
  const found = [];
  for (const other of await kept()) {
    const files = other === version ? null : await filesOf(other);
    if (!files) continue; // an install that was interrupted
    const cacheName = OURS + other;
    for (const { url } of await (await caches.open(cacheName)).keys()) {
      const path = pathOf(url);
      if (Object.hasOwn(files, path))
        found.push({ path, sha256: files[path].sha256, url, cacheName });
    }
  }
  return found;
}

/** Puts these files into a version's cache: another version's copy where that is the same, or the network's. */
async function bring(version, files, paths) {
  const cache = await caches.open(OURS + version);
  const there = new Set((await cache.keys()).map(({ url }) => url));
  const missing = paths.filter((path) => !there.has(addressOf(path)));
  const copies = new Map(
    missing.length > 0 ? (await theirs(version)).map((file) => [file.sha256, file]) : [],
  );
  return Promise.allSettled(
    missing.map(async (path) => {
      const same = copies.get(files[path].sha256);
      const copy = same && (await caches.match(same.url, same));
      await cache.put(addressOf(path), copy ?? (await fetched(path, files[path])));
    }),
  );
}

/** A file from the network, or from the browser's HTTP cache if that has the right one. */
async function fetched(path, { sha256 }) {
  for (const cache of ["default", "reload"]) {
    const response = await fetch(addressOf(path), { cache });
    if (!response.ok && response.status !== 404)
      throw new Error(`${path}: HTTP ${response.status}`);
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

/**
 * Deletes versions that no page has or gets. What an interrupted install has brought stays until there is a newer version.
 * Not while one is on its way, which copies from the others: in a worker that is installed, or in this one unless it is
 * `within` that.
 */
async function discard({ unfinished = false, within = false } = {}) {
  const { version: newest, held } = await reread();
  if (!newest) return;
  const used = [newest, ...Object.values(held).map(({ version }) => version), ...given.values()];
  for (const version of await kept()) {
    if (used.includes(version) || !(unfinished || (await filesOf(version)))) continue;
    if (self.registration.installing || (updating && !within)) return;
    lists.delete(version);
    await caches.delete(OURS + version);
  }
}

/** Tells open pages when they are of an older version than the one that is there. */
async function announce() {
  const { version } = await reread();
  for (const client of await self.clients.matchAll({ includeUncontrolled: true, type: "window" })) {
    if (isOlder(client, version)) client.postMessage({ type: "new-version" });
  }
}

const isOlder = ({ id }, version) => Boolean(versionOf(id)) && versionOf(id) !== version;

/** Looks for another version, and offers it to the pages that are open. */
async function renew() {
  await update().catch(() => {}); // no network, or a host between two versions: a later visit looks again
  await announce();
  await tidy();
}

// ---- Answers ----

async function answer(event, path) {
  const { request } = event;
  let version, file, cached;
  try {
    ({ version, file } = await fileFor(event, path));
    cached = file && (await caches.match(addressOf(path), { cacheName: OURS + version }));
  } catch {
    file = null; // the browser's storage fails: better a page from the network than none
  }
  if (!file) return fetch(request);
  if (request.mode === "navigate")
    event.waitUntil(new Promise((done) => setTimeout(done, UPDATE_AFTER)).then(renew));
  if (cached) return cached;
  try {
    const response = await fetched(path, file);
    event.waitUntil(put(version, path, response.clone()));
    return response;
  } catch (error) {
    if (!(error instanceof OtherVersion)) throw error; // no network
    // Another version's file in this version's page could do anything. The page offers the new version when it is there.
    event.waitUntil(renew());
    return new Response(`${path} is another version's by now; reload the page\n`, {
      status: 409,
      headers: { "Content-Type": "text/plain" },
    });
  }
}

/** The list's entry for this file, or null, in the version of the page or worker that asks; which goes on with that. */
async function fileFor(event, path) {
  const { request, clientId, resultingClientId } = event;
  const opens = request.mode === "navigate";
  const state = opens || !open ? await reread() : open;
  const version = (!opens && versionOf(clientId)) || state.version;
  // A page may ask as another client than it was to become, or may have come from the network.
  const clients = (opens ? [resultingClientId] : [clientId, resultingClientId]).filter(
    (client) => version && client && !versionOf(client),
  );
  for (const client of clients) given.set(client, version); // at once, so that nothing deletes it
  const files = version && (await filesOf(version));
  const file = files && Object.hasOwn(files, path) ? files[path] : null;
  // Other pages of the site, which are not of the list, are not followed.
  for (const client of clients) file ? hold(event, client, version) : given.delete(client);
  return { version, file };
}

async function put(version, path, response) {
  try {
    if (await caches.has(OURS + version))
      await (await caches.open(OURS + version)).put(addressOf(path), response);
  } catch {
    // No room: this file is fetched again next time.
  }
}

/** Keeps what a page has used beyond what is installed, for the pages that open next. */
async function keep(event, urls) {
  await reread();
  const page = event.source?.id;
  if (page && !versionOf(page)) {
    // It came from the network, and has what the host has.
    await update().catch(() => {});
    if (open.version) hold(event, page, open.version);
  }
  const { version } = open;
  const files = version && (await filesOf(version));
  if (!files) return;
  await bring(
    version,
    files,
    [...new Set(urls.map(pathOf))].filter((path) => Object.hasOwn(files, path)),
  );
  await tidy();
}

self.addEventListener("install", (event) => event.waitUntil(update()));
self.addEventListener("activate", (event) => event.waitUntil(tidy()));

self.addEventListener("message", (event) => {
  const { type, urls } = event.data ?? {};
  if (type === "keep" && Array.isArray(urls)) event.waitUntil(keep(event, urls));
  // Is there a newer version than this page's?
  if (type === "newer")
    event.waitUntil(
      reread().then(({ version }) => event.ports[0]?.postMessage(isOlder(event.source, version))),
    );
});

self.addEventListener("fetch", (event) => {
  const { method, url, headers } = event.request;
  const path = pathOf(url);
  if (method === "GET" && path !== null && !headers.has("Range"))
    event.respondWith(answer(event, path));
});
