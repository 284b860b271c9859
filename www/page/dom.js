// The little that the page needs beyond the platform. Text from the model only ever becomes text nodes.

export const $ = (selector, root = document) => root.querySelector(selector);
export const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];

/** h("p", {class: "x", onclick: f}, "text", node): an element. Attributes whose value is false or null are left out. */
export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === false || value === null || value === undefined) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

/** Megabytes as a download states them. */
export const megabytes = (bytes) => `${Math.round(bytes / 1e6)} MB`;

/** A token's text where it stands for the token and is not read as running text. */
export function visible(text) {
  return (
    text.replaceAll("\n", "↵").replaceAll("\t", "⇥").trim() ||
    (text === "" ? "∅" : text.includes("↵") ? text : "␣")
  );
}

/** Is this key part of writing a word (Chinese, Japanese, Korean)? Safari ends the word first, and says so by the code 229. */
export const composes = ({ isComposing, keyCode }) => isComposing || keyCode === 229;

let speaking = 0;
/** Says a line to screen readers; lines in quick succession are replaced, so that it does not chatter. */
export function say(text) {
  clearTimeout(speaking);
  speaking = setTimeout(() => ($("#live").textContent = text), 250);
}
