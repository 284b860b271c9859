// A page that embeds this one (docs/embedding.md). Events go to the host as messages; what a visitor types and
// what the model answers goes only to a host whose origin the embed names, because any page can frame this one.

const query = new URLSearchParams(location.search);
export const embedded = query.get("embed") === "1";

function originOf(text) {
  try {
    const url = new URL(text);
    return url.protocol === "https:" || url.protocol === "http:" ? url.origin : null;
  } catch {
    return null;
  }
}
const origin = originOf(query.get("origin"));
const inFrame = window.parent !== window;
const reports = inFrame && embedded;
// What an embed's first view (preview.js) hands to the page: settings, the recorded run it shows, with every alpha, and where the
// limit is that run's, the one before.
export const opening = { state: null, sweep: null, lent: null };
let handlers = null;
let watching = false;

/** Tells the host. `detail` is left out where the host's origin is not named. */
export function tell(type, detail = {}) {
  if (!reports) return;
  const message = { source: "hneurons", type };
  if (origin) Object.assign(message, detail);
  else if (type === "resize") message.height = detail.height;
  window.parent.postMessage(message, origin ?? "*");
}

/** Messages {source: "hneurons-host", type: "set" | "run" | "stop", hash}, of the named origin only. Who listens last hears. */
export function listen(acts) {
  if (!reports || !origin) return;
  if (!handlers) window.addEventListener("message", hear);
  handlers = acts;
}

function hear({ origin: from, source, data }) {
  if (from !== origin || source !== window.parent || data?.source !== "hneurons-host") return;
  // Making a text of an object can throw.
  if (typeof data.type !== "string" || !Object.hasOwn(handlers, data.type)) return;
  handlers[data.type]({ hash: typeof data.hash === "string" ? data.hash : "" });
}

/** Applies embed=1 and hide=panel,panel, and reports the content's height as it changes. */
export function arrange() {
  if (embedded) document.documentElement.dataset.embed = "";
  const hides = (query.get("hide") ?? "")
    .slice(0, 400)
    .split(",")
    .filter((name) => /^[a-z]+$/.test(name));
  document.documentElement.dataset.hides = hides.join(" "); // for what is drawn later: detector readings
  for (const name of hides) {
    for (const panel of document.querySelectorAll(`[data-panel="${name}"]`))
      panel.setAttribute("data-hidden", "");
  }
  if (!reports || watching) return;
  watching = true;
  new ResizeObserver(reportHeight).observe(document.body);
  reportHeight();
}

/** Where something is shown: observers sleep in a frame that is out of view. */
export function reportHeight() {
  // The document's height is never less than the frame's.
  tell("resize", { height: Math.ceil(document.body.getBoundingClientRect().height) });
}
