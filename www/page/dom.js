// The little that the page needs beyond the platform. Text from the model only ever becomes text nodes.

/**
 * The first element of a selector, which the page's markup or the caller has put there.
 * @param {string} selector
 * @param {ParentNode} [root]
 * @returns {HTMLElement}
 */
export const $ = (selector, root = document) =>
  /** @type {HTMLElement} */ (root.querySelector(selector));

/**
 * @param {string} selector
 * @param {ParentNode} [root]
 * @returns {HTMLElement[]}
 */
export const $$ = (selector, root = document) =>
  /** @type {HTMLElement[]} */ ([...root.querySelectorAll(selector)]);

/**
 * A form's field: an input, or what has a value, may be disabled and can be selected as one.
 * @param {string} selector
 * @param {ParentNode} [root]
 */
export const field = (selector, root) => /** @type {HTMLInputElement} */ ($(selector, root));

/**
 * @param {string} selector
 * @param {ParentNode} [root]
 */
export const fields = (selector, root) => /** @type {HTMLInputElement[]} */ ($$(selector, root));

/** The element that has the focus, or null. */
export const focused = () => /** @type {HTMLElement | null} */ (document.activeElement);

/**
 * The element that something happened to, as the field that it may be.
 * @param {Event} event
 */
export const targetOf = (event) => /** @type {HTMLInputElement} */ (event.target);

/**
 * h("p", {class: "x", onclick: f}, "text", node): an element. Attributes whose value is false or null are left out.
 * @template {keyof HTMLElementTagNameMap} T
 * @param {T} tag
 * @param {Record<string, unknown>} [attributes]
 * @param {(Node | string | null | undefined)[]} children
 * @returns {HTMLElementTagNameMap[T]}
 */
export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === false || value === null || value === undefined) continue;
    if (name.startsWith("on"))
      element.addEventListener(name.slice(2), /** @type {EventListener} */ (value));
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  for (const child of children) if (child !== null && child !== undefined) element.append(child);
  return element;
}

/**
 * Megabytes as a download states them.
 * @param {number} bytes
 */
export const megabytes = (bytes) => `${Math.round(bytes / 1e6)} MB`;

/**
 * A token's text where it stands for the token and is not read as running text.
 * @param {string} text
 */
export function visible(text) {
  return (
    text.replaceAll("\n", "↵").replaceAll("\t", "⇥").trim() ||
    (text === "" ? "∅" : text.includes("↵") ? text : "␣")
  );
}

/** Is this key part of writing a word (Chinese, Japanese, Korean)? Safari ends the word first, and says so by the code 229. */
export const composes = ({ isComposing, keyCode }) => isComposing || keyCode === 229;

let speaking = 0;
/**
 * Says a line to screen readers; lines in quick succession are replaced, so that it does not chatter.
 * @param {string} text
 */
export function say(text) {
  clearTimeout(speaking);
  speaking = setTimeout(() => ($("#live").textContent = text), 250);
}
