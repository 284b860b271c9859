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
  if (document.readyState !== "complete") await new Promise((done) => window.addEventListener("load", done, { once: true }));
  try {
    const registration = await workers().register("sw.js");
    if (!registration) return; // a browser that was told to have none
    offerUpdates(registration);
    keep([location.href.split("#")[0], ...performance.getEntriesByType("resource").map((entry) => entry.name)]);
    if (workers().controller) await registration.update();
  } catch {
    // No network, or a host without sw.js, as in a checkout: the page works, and online only if nothing was kept before.
  }
}

/** Asks the service workers, the one that answers and the one that waits, to keep these addresses. */
export async function keep(urls) {
  try {
    const registration = await workers()?.getRegistration();
    if (!registration) return;
    await workers().ready;
    for (const worker of [registration.active, registration.waiting]) worker?.postMessage({ type: "keep", urls });
  } catch {
    // Storage is refused here: there is nothing to keep.
  }
}

function offerUpdates(registration) {
  const offer = async () => {
    const { waiting } = registration;
    // A page that no worker answers has fetched its files itself, and at a first visit there is nothing to update.
    if (!waiting || !workers().controller) return;
    try {
      if (await ask(waiting, "mine")) return;
      const { showUpdate } = await import("./update.js");
      showUpdate(() => reload(registration));
    } catch (error) {
      console.warn("A new version cannot be offered now:", error.message); // the next visit offers it again
    }
  };
  const follow = (worker) => worker?.addEventListener("statechange", () => worker.state === "installed" && offer());
  offer();
  follow(registration.installing);
  registration.addEventListener("updatefound", () => follow(registration.installing));
}

async function reload({ waiting }) {
  if (waiting) await Promise.race([ask(waiting, "next"), new Promise((done) => setTimeout(done, 2000))]);
  location.reload();
}

function ask(worker, type) {
  const { port1, port2 } = new MessageChannel();
  return new Promise((answer) => {
    port1.onmessage = ({ data }) => answer(data);
    worker.postMessage({ type }, [port2]);
  });
}
