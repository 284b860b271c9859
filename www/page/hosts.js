// A page that embeds this one (DESIGN: "Page events"). Events go to the host as messages; what a visitor types and
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

/** Tells the host. `detail` is left out where the host's origin is not named. */
export function tell(type, detail = {}) {
  if (!inFrame || !embedded) return;
  const message = { source: "hneurons", type };
  if (origin) Object.assign(message, detail);
  else if (type === "resize") message.height = detail.height;
  window.parent.postMessage(message, origin ?? "*");
}

/** Messages {source: "hneurons-host", type: "set" | "run" | "stop", hash} of the named origin only. */
export function listen(handlers) {
  if (!inFrame || !embedded || !origin) return;
  window.addEventListener("message", ({ origin: from, source, data }) => {
    if (from !== origin || source !== window.parent || data?.source !== "hneurons-host") return;
    if (Object.hasOwn(handlers, data.type)) handlers[data.type](data);
  });
}

/** Applies embed=1 and hide=panel,panel, and reports the page's height as it changes. */
export function arrange() {
  if (embedded) document.documentElement.dataset.embed = "";
  const hides = (query.get("hide") ?? "").split(",").filter((name) => /^[a-z]+$/.test(name));
  document.documentElement.dataset.hides = hides.join(" "); // for what is drawn later: detector readings
  for (const name of hides) {
    for (const panel of document.querySelectorAll(`[data-panel="${name}"]`)) panel.dataset.hidden = "";
  }
  if (inFrame && embedded) {
    new ResizeObserver(() => tell("resize", { height: document.documentElement.scrollHeight })).observe(document.body);
  }
}
