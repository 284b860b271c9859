// Runs before the first paint, so that an embed looks like one from the start, and decides what is fetched at once: an
// embed needs its recorded run and little else (page/preview.js), the page everything. A classic script, because modules
// run later. Styles that only one of the two needs are `disabled` in the markup, and so not fetched, until enabled here.
(() => {
  const embedded = new URLSearchParams(location.search).get("embed") === "1";
  if (embedded) document.documentElement.dataset.embed = "";
  for (const link of document.querySelectorAll(`link[data-when="${embedded ? "embed" : "page"}"]`)) link.removeAttribute("disabled");
  const { href } = new URL(embedded ? "page/preview.js" : "main.js", document.currentScript.src);
  const add = (name, attributes) => document.head.append(Object.assign(document.createElement(name), attributes));
  add("link", { rel: "modulepreload", href });
  // As an element, so that the page's load event waits for it.
  document.addEventListener("DOMContentLoaded", () => add("script", { type: "module", src: href }));
})();
