// Leads from a lesson to a part of the page and back: the part is outlined and takes the focus, and a button beside it
// leads back while the lesson is out of sight.

import { PARTS } from "../core/lesson-parts.js";
import { $$, h, say } from "./dom.js";

let undo = () => {};

/** Parts that are inside another until they have been fetched. */
const WITHIN = { detector: "evidence", effects: "evidence" };

/** The elements of a part that can be seen. */
function partsNamed(name) {
  if (name === "answers") return $$("#answers").filter(isSeen);
  const parts = $$(`[data-part="${name}"]`).filter(isSeen);
  if (parts.length === 0 && name in WITHIN) return partsNamed(WITHIN[name]);
  return parts.length > 0 ? parts : $$(`[data-panel="${name}"]`).filter(isSeen);
}

const isSeen = (element) => element.getClientRects().length > 0;

/** Points at a part. `back`: the element to come back to. Gives back whether the part is there to be seen. */
export function pointAt(name, back) {
  stopPointing();
  // What a button opens in a dialog is shown there; closing it leads back.
  const opener = $$(`[data-opens="${name}"]`).find(isSeen);
  if (opener) {
    opener.click();
    return true;
  }
  const found = partsNamed(name);
  if (found.length === 0) return false;
  for (const element of found) element.dataset.pointed = "";
  const [first] = found;
  if (first instanceof HTMLDetailsElement) first.open = true;
  const focusable = first.matches("button, input, textarea, select, a[href], [tabindex]");
  if (!focusable) first.tabIndex = -1;
  const way = h(
    "button",
    { type: "button", class: "lesson-return", onclick: () => (stopPointing(), comeBack(back)) },
    "Back to the lesson",
  );
  // Just before the part, so that one step back with the keyboard reaches it.
  (first.matches("details") ? first : (first.closest("main > *") ?? first)).before(way);
  const watch = new IntersectionObserver(([{ isIntersecting }]) => (way.hidden = isIntersecting));
  watch.observe(back);
  undo = () => {
    watch.disconnect();
    if (way.contains(document.activeElement)) back.focus({ preventScroll: true });
    way.remove();
    for (const element of found) delete element.dataset.pointed;
    if (!focusable) first.removeAttribute("tabindex");
    undo = () => {};
  };
  const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
  first.focus({ preventScroll: true });
  first.scrollIntoView({
    block: first.offsetHeight > innerHeight / 2 ? "start" : "center",
    behavior: calm ? "auto" : "smooth",
  });
  say(`Now at ${PARTS.get(name) ?? name}. The button before it leads back to the lesson.`);
  return true;
}

export function stopPointing() {
  undo();
}

function comeBack(to) {
  to.focus({ preventScroll: true });
  to.scrollIntoView({ block: "start" });
}
