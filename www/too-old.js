// Fetched by start.js in a browser that is too old for the page: one sentence in place of controls that would not work.
// In ECMAScript 5, and with nothing that only some of these browsers have.
(function () {
  var missing = document.querySelector("script[data-missing]").getAttribute("data-missing");
  var sentence =
    "This browser is too old for this page: it lacks " +
    missing +
    ". Chrome or Edge 103, Firefox 114, Safari 16.4 and later versions can show it.";

  function show() {
    var title = document.createElement("h1");
    title.textContent = document.title;
    var words = document.createElement("p");
    words.setAttribute("role", "alert");
    words.setAttribute("data-part", "too-old");
    words.textContent = sentence;
    document.body.textContent = "";
    document.body.appendChild(title);
    document.body.appendChild(words);
    document.documentElement.setAttribute("data-state", "error");
    tellHost();
  }

  // As page/hosts.js does it: the sentence goes only to an origin that the embed names.
  function tellHost() {
    if (window.parent === window || !/[?&]embed=1(&|$)/.test(location.search)) return;
    var named = /[?&]origin=([^&]*)/.exec(location.search);
    var origin = named ? decodeURIComponent(named[1]) : "";
    var known = /^https?:\/\/[^/]+$/.test(origin);
    var error = { source: "hneurons", type: "error" };
    if (known) {
      error.kind = "unsupported";
      error.message = sentence;
    }
    var height = Math.ceil(document.body.getBoundingClientRect().height);
    var to = known ? origin : "*";
    window.parent.postMessage(error, to);
    window.parent.postMessage({ source: "hneurons", type: "resize", height: height }, to);
  }

  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", show);
  else show();
})();
