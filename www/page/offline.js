// Offline use: registers the app-shell service worker where the browser allows one, and hands it the list of what
// this visit has fetched, since a first visit's files came before the worker was there.

export function keepOffline() {
  if (!("serviceWorker" in navigator) || !window.isSecureContext || !location.protocol.startsWith("http")) return;
  navigator.serviceWorker.register("sw.js").then(
    () => keep([location.href.split("#")[0], ...performance.getEntriesByType("resource").map((entry) => entry.name)]),
    () => {}, // a host without sw.js: the page works, online only
  );
}

/** Asks the service worker to keep these URLs. */
export async function keep(urls) {
  if (!("serviceWorker" in navigator) || !window.isSecureContext) return;
  // Inside another site's page the browser may refuse it, like all storage.
  const registration = await navigator.serviceWorker.getRegistration().catch(() => null);
  if (!registration) return;
  const ready = await navigator.serviceWorker.ready;
  ready.active?.postMessage({ type: "keep", urls });
}
