// Before the first paint: too-old.js where the browser is too old; in an embed what its first view needs, page/preview.js;
// otherwise the page. Styles that only one of them needs are `disabled` in the markup. In ES5, for browsers of any age.
(function () {
  // What came to browsers last of what the scripts use (tests/browser/compat.test.mjs).
  var NEEDED = [
    "AbortSignal.timeout",
    "AbortSignal.prototype.throwIfAborted",
    "Array.prototype.findLast",
    "Object.hasOwn",
  ];
  var script = /** @type {HTMLScriptElement | null} */ (document.currentScript);
  var base = script ? script.src : "www/start.js";
  var missing = NEEDED.filter(function (path) {
    var at = window;
    return path.split(".").some(function (name) {
      return !(at = at[name]);
    });
  });

  function load(file, type) {
    var script = document.createElement("script");
    script.type = type;
    script.src = base.replace(/[^/]*$/, file);
    return document.head.appendChild(script);
  }

  function ahead(attribute) {
    var files = script && script.getAttribute(attribute); // none in a checkout that is served as it is
    (files ? files.split(" ") : []).forEach(function (file) {
      var link = document.createElement("link");
      var module = /\.js$/.test(file);
      link.rel = module ? "modulepreload" : "preload";
      if (!module) {
        link.as = "fetch";
        link.crossOrigin = "anonymous";
      }
      link.href = base.replace(/www\/[^/]*$/, file);
      document.head.appendChild(link);
    });
  }

  if (missing.length > 0) {
    load("too-old.js", "text/javascript").setAttribute("data-missing", missing.join(", "));
    return;
  }
  var embedded = new URLSearchParams(location.search).get("embed") === "1";
  if (embedded) document.documentElement.setAttribute("data-embed", "");
  var styles = 'link[data-when="' + (embedded ? "embed" : "page") + '"]';
  document.querySelectorAll(styles).forEach(function (link) {
    link.removeAttribute("disabled");
  });
  // What the build knows to be asked for next (xtask/src/bundle/page.rs) is fetched now, all of it at once. Which run is shown
  // it knows only where the address says nothing about that.
  ahead(embedded ? "data-embed" : "data-page");
  if (!/[#&](model|prompt|then|recorded)=/.test(location.hash))
    ahead(embedded ? "data-embed-opens" : "data-page-opens");
  // An element, so that the page's load event waits for it.
  document.addEventListener("DOMContentLoaded", function () {
    load(embedded ? "page/preview.js" : "main.js", "module");
  });
})();
