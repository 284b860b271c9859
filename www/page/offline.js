// Offline use: registers the service worker (sw.js), tells it what this visit has used beyond what it keeps anyway, and
// offers a new version once that is there as a whole.

import { embedded } from "./hosts.js";

/** The browser's service workers, or null where there are none for this page: an insecure address, a sandboxed frame. */
function workers() {
  try {
    return window.isSecureContext ? (navigator.serviceWorker ?? null) : null;
  } catch {
    return null;
  }
}

export async function keepOffline() {
  // An embed costs its host's readers no more than they look at.
  if (embedded || !workers()) return;
  // Not while the page still loads: what is kept is fetched then, or copied.
  if (document.readyState !== "complete")
    await new Promise((done) => window.addEventListener("load", done, { once: true }));
  try {
    const registration = await workers().register("sw.js");
    if (!registration) return; // a browser that was told to have none
    offerUpdates();
    keepUsed();
    if (workers().controller) await registration.update(); // another worker, which is rare
  } catch {
    // No network, or a host without sw.js, as in a checkout: the page works, and online only if nothing was kept before.
  }
}

/** Asks it to keep what this page has used, and uses from now on. */
function keepUsed() {
  let urls = [location.href.split("#")[0]];
  let soon = null;
  new PerformanceObserver((list) => {
    urls.push(...list.getEntries().map(({ name }) => name));
    soon ??= setTimeout(() => (keep(urls), (urls = []), (soon = null)), 500); // many at once
  }).observe({ type: "resource", buffered: true });
}

/** Asks the service worker to keep these addresses. */
export async function keep(urls) {
  try {
    if (!(await workers()?.getRegistration())) return;
    (await workers().ready).active.postMessage({ type: "keep", urls });
  } catch {
    // Storage is refused here: there is nothing to keep.
  }
}

function offerUpdates() {
  const offer = () =>
    import("./update.js")
      .then(({ showUpdate }) => showUpdate(() => location.reload()))
      .catch((error) => console.warn("A new version cannot be offered now:", error.message)); // the next visit has it
  workers().addEventListener("message", ({ data }) => data?.type === "new-version" && offer());
  // It may have come before this page listened, or while the browser had put the page aside.
  const ask = () => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = ({ data }) => data === true && offer();
    workers().controller?.postMessage({ type: "newer" }, [port2]);
  };
  ask();
  window.addEventListener("pageshow", ({ persisted }) => persisted && ask());
}
