// Runs before the first paint, so that an embed looks like one from the start, and decides what is fetched at once: an
// embed needs its recorded run and little else (page/preview.js), the page everything. A classic script, because modules
// run later. Styles that only one of the two needs are `disabled` in the markup, and so not fetched, until enabled here.
(() => {
  const embedded = new URLSearchParams(location.search).get("embed") === "1";
  if (embedded) document.documentElement.dataset.embed = "";
  for (const link of document.querySelectorAll(`link[data-when="${embedded ? "embed" : "page"}"]`)) link.removeAttribute("disabled");
  const { href } = new URL(embedded ? "page/preview.js" : "main.js", document.currentScript.src);
  document.head.append(Object.assign(document.createElement("link"), { rel: "modulepreload", href }));
  document.addEventListener("DOMContentLoaded", () => import(href));
})();
