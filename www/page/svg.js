// The little of SVG that the plots share. Colours and line styles are the style sheets' (a class each).

/** s("line", {x1: 0, …}, child, …): an SVG element. Attributes whose value is null are left out. */
export function s(tag, attributes = {}, ...children) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, typeof value === "number" ? Number(value.toFixed(2)) : value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

/** A drawing with one name for screen readers; what it shows is beside it in words or as a table. */
export const drawing = (width, height, name, ...children) =>
  s("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": name }, ...children);
