// A visitor who has a keyboard and nothing else, and who looks where the focus is.
//
//     const keys = await keyboard(page);
//     await keys.tab();                  // one stop on ("Shift+Tab" as an argument: one back); null at the end of the page
//     await keys.to("#alpha");           // Tab until there; keys.to("#alpha", "Shift+Tab")
//     await keys.press("Enter", "End");  // what a browser does with these keys
//     keys.faults                        // what was wrong at any stop so far
//
// At each stop: is it in the window and not covered (WCAG 2.4.11), does it look different with the focus than without (2.4.7)?

import assert from "node:assert/strict";

const MOST = 500; // stops on a page

export async function keyboard(page) {
  await page.evaluate(() => {
    const names = new WeakMap();
    let count = 0;
    const words = (element) => {
      const text = (element.getAttribute("aria-label") ?? element.textContent)
        .trim()
        .replaceAll(/\s+/g, " ")
        .slice(0, 50);
      const name = element.id
        ? `#${element.id}`
        : `${element.tagName.toLowerCase()}.${element.className}`;
      return `${name} “${text}”`;
    };
    // The element itself, and what stands in for one that is not drawn (a radio button's label).
    const look = (element) =>
      [element, element.nextElementSibling].filter(Boolean).map((one) => {
        const { outlineStyle, outlineWidth, outlineColor, boxShadow } = getComputedStyle(one);
        return [
          outlineStyle === "none" ? "" : `${outlineStyle} ${outlineWidth} ${outlineColor}`,
          boxShadow,
        ].join();
      });
    let before = null; // {element, focused: how it looked}
    window.stop = (selector) => {
      const faults = [];
      const element = document.activeElement;
      if (
        before?.element.isConnected &&
        before.element !== element &&
        look(before.element).join() === before.focused.join()
      )
        faults.push(`the focus cannot be seen on ${words(before.element)}`);
      before = null;
      if (!element || element === document.body || element === document.documentElement)
        return { id: 0, words: "", faults, is: false };
      before = { element, focused: look(element) };
      if (!names.has(element)) names.set(element, ++count);
      // An inline element (a token) may be broken over lines: its first one counts.
      const box = element.getClientRects()[0] ?? element.getBoundingClientRect();
      const left = Math.max(0, box.left),
        right = Math.min(innerWidth, box.right);
      const top = Math.max(0, box.top),
        bottom = Math.min(innerHeight, box.bottom);
      if (right - left < 1 || bottom - top < 1)
        faults.push(`outside the window: ${words(element)}`);
      else {
        const points = [
          [(left + right) / 2, (top + bottom) / 2],
          [left + 2, top + 2],
          [right - 2, top + 2],
          [left + 2, bottom - 2],
          [right - 2, bottom - 2],
        ];
        const label = element.labels?.[0];
        const its = (found) =>
          found &&
          (element.contains(found) ||
            (found.contains(element) && found === label) ||
            label?.contains(found));
        if (!points.some(([x, y]) => its(document.elementFromPoint(x, y))))
          faults.push(`covered: ${words(element)}`);
      }
      return {
        id: names.get(element),
        words: words(element),
        faults,
        is: element.matches(selector),
      };
    };
  });
  const faults = new Set();
  const stop = async (selector = "*") => {
    const {
      id,
      words,
      is,
      faults: found,
    } = await page.evaluate((selector) => window.stop(selector), selector);
    for (const fault of found) faults.add(fault);
    return id ? { id, words, is } : null;
  };
  const tab = async (key = "Tab", selector) => {
    await page.keyboard.press(key);
    return stop(selector);
  };
  return {
    faults,
    tab,
    at: () => stop(),
    async press(...keys) {
      for (const key of keys) await page.keyboard.press(key);
    },
    type: (text) => page.keyboard.type(text),
    async to(selector, key = "Tab") {
      for (let i = 0; i < MOST; i++) if ((await tab(key, selector))?.is) return;
      assert.fail(`${selector} is not reached by ${key}`);
    },
    /** All stops from here to the end of the page (or, by Shift+Tab, to its beginning). */
    async all(key = "Tab") {
      const stops = [];
      for (let i = 0; i < MOST; i++) {
        const next = await tab(key);
        if (!next) return stops;
        stops.push(next);
      }
      assert.fail(`a trap: ${key} goes round and round at ${stops.at(-1).words}`);
    },
  };
}

/** What Tab can reach and has no name, as assistive technology is told. */
export async function nameless(page) {
  const session = await page.context().newCDPSession(page);
  const { nodes } = await session.send("Accessibility.getFullAXTree");
  const focusable = ({ properties = [] }) =>
    properties.some(({ name, value }) => name === "focusable" && value.value);
  const found = [];
  for (const { role, backendDOMNodeId: backendNodeId } of nodes.filter(
    (node) =>
      !node.ignored && node.role.value !== "RootWebArea" && focusable(node) && !node.name?.value,
  )) {
    const { attributes, nodeName } = (await session.send("DOM.describeNode", { backendNodeId }))
      .node;
    const tabindex = attributes.indexOf("tabindex");
    if (tabindex < 0 || attributes[tabindex + 1] !== "-1")
      found.push(`${role.value}: ${nodeName} ${attributes.join(" ")}`);
  }
  await session.detach();
  return found;
}
