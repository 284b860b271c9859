// The app shell's service worker (deployed at the page's root, beside index.html): a second visit works offline.
//
// Network first, so that a new deployment is seen at once; the cache answers when the network fails or is slow.
// Only successful same-origin GETs of the page's own files are kept, and never a model: the model store keeps that.

const CACHE = "hneurons-shell-1";
const PATIENCE = 3000; // ms
const root = new URL("./", self.location);

function isShell(url) {
  if (url.origin !== root.origin || !url.pathname.startsWith(root.pathname)) return false;
  const path = url.pathname.slice(root.pathname.length);
  return path === "" || path === "index.html" || path.startsWith("www/") || path.startsWith("pkg/");
}

// The page is one file, whatever its query says.
function keyOf(url) {
  const path = url.pathname.slice(root.pathname.length);
  return path === "" || path === "index.html" ? root.href : url.origin + url.pathname;
}

async function keep(url, response) {
  if (!response.ok || response.type !== "basic" || response.redirected) return;
  await (await caches.open(CACHE)).put(keyOf(url), response);
}

self.addEventListener("install", () => self.skipWaiting());

self.addEventListener("activate", (event) => {
  event.waitUntil(
    (async () => {
      for (const name of await caches.keys()) {
        if (name.startsWith("hneurons-shell-") && name !== CACHE) await caches.delete(name);
      }
      await self.clients.claim();
    })(),
  );
});

self.addEventListener("message", (event) => {
  if (event.data?.type !== "keep" || !Array.isArray(event.data.urls)) return;
  event.waitUntil(
    Promise.allSettled(
      event.data.urls.map(async (text) => {
        const url = new URL(text);
        if (!isShell(url) || (await (await caches.open(CACHE)).match(keyOf(url)))) return;
        await keep(url, await fetch(url));
      }),
    ),
  );
});

self.addEventListener("fetch", (event) => {
  const url = new URL(event.request.url);
  if (event.request.method !== "GET" || !isShell(url)) return;
  event.respondWith(answer(event, url));
});

async function answer(event, url) {
  let kept = null;
  const network = fetch(event.request).then((response) => {
    if (response.ok) kept = keep(url, response.clone());
    return response;
  });
  event.waitUntil(network.then(() => kept).catch(() => {})); // a failure is handled below, or no longer matters
  const cached = await (await caches.open(CACHE)).match(keyOf(url));
  if (!cached) return network;
  const late = new Promise((resolve) => setTimeout(resolve, PATIENCE, null));
  const response = await Promise.race([network.catch(() => null), late]);
  return response && (response.ok || response.status < 500) ? response : cached;
}
