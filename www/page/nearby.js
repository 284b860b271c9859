// A part of the page that is fetched when the visitor comes near it: by scrolling, by keyboard or by a link (which moves the
// focus there), and the links to it. Where it is not
// shown (an embed, hide=…) it is never fetched; on a page at rest it is, so that it is there to be printed.

import { $$, h, targetOf } from "./dom.js";

const NEAR = "800px";

/** Calls `load` once, when `section` is about to be seen. A failure is said in the section. */
export function whenNear(section, load) {
  const shown = () => section.getClientRects().length > 0;
  let begun = false;
  const begin = async () => {
    if (begun || !shown()) return;
    begun = true;
    watch.disconnect();
    section.setAttribute("aria-busy", "true");
    try {
      await load();
    } catch (error) {
      console.warn(error);
      section.append(
        h(
          "p",
          {},
          "This part of the page could not be fetched. Check the connection, then reload the page.",
        ),
      );
    }
    section.removeAttribute("aria-busy");
  };
  const watch = new IntersectionObserver(
    (entries) => entries.some((entry) => entry.isIntersecting) && begin(),
    { rootMargin: NEAR },
  );
  watch.observe(section);
  section.addEventListener("focusin", begin);
  window.addEventListener("beforeprint", begin);
  const rest = () => (window.requestIdleCallback ?? ((act) => setTimeout(act, 2000)))(begin);
  if (document.readyState === "complete") rest();
  else window.addEventListener("load", rest, { once: true });
}

/**
 * Links inside the page to a section. The hash holds the settings, so it must not become the link's. While the section is
 * hidden a link to it has no address: it is only words, which Tab passes over.
 */
export function linksTo(section) {
  const address = `#${section.id}`;
  const mark = () => {
    const shown = section.getClientRects().length > 0;
    for (const link of $$(`a[href="${address}"], a[data-leads="${address}"]`)) {
      link.dataset.leads = address;
      if (shown) link.setAttribute("href", address);
      else link.removeAttribute("href");
    }
  };
  mark();
  // A step of a lesson may hide it, and show it again.
  new ResizeObserver(mark).observe(section);
  document.addEventListener("click", (event) => {
    if (!targetOf(event).closest?.(`a[href="${address}"]`)) return;
    event.preventDefault();
    /** @type {HTMLDialogElement | null} */ (targetOf(event).closest("dialog"))?.close();
    section.focus({ preventScroll: true });
    section.scrollIntoView({ block: "start" });
    if (section.hasAttribute("aria-busy")) again();
  });
  // Until it is filled, the page may be too short to bring the section's head up.
  function again() {
    const from = window.scrollY;
    const filled = new MutationObserver(() => {
      if (section.hasAttribute("aria-busy")) return;
      filled.disconnect();
      if (document.activeElement === section && window.scrollY === from)
        section.scrollIntoView({ block: "start" });
    });
    filled.observe(section, { attributes: true });
  }
}

/** Adds a style sheet, and waits for it. */
export function withStyle(href) {
  return new Promise((resolve, reject) => {
    const link = h("link", { rel: "stylesheet", href });
    link.addEventListener("load", resolve);
    link.addEventListener(
      "error",
      () => (link.remove(), reject(new Error(`The style sheet ${href} could not be fetched.`))),
    );
    document.head.append(link);
  });
}
