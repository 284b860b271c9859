// Before the first paint: is this an embed? Then only what its first view needs is fetched (page/preview.js), otherwise the
// page. Styles that only one of them needs are `disabled` in the markup, which keeps them from being fetched.
(() => {
  const embedded = new URLSearchParams(location.search).get("embed") === "1";
  if (embedded) document.documentElement.dataset.embed = "";
  for (const link of document.querySelectorAll(`link[data-when="${embedded ? "embed" : "page"}"]`))
    link.removeAttribute("disabled");
  const { href: src } = new URL(
    embedded ? "page/preview.js" : "main.js",
    document.currentScript.src,
  );
  // An element, so that the page's load event waits for it.
  document.addEventListener("DOMContentLoaded", () =>
    document.head.append(Object.assign(document.createElement("script"), { type: "module", src })),
  );
})();
