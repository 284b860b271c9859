// Versions of the page on the mock server. What a visitor sees of one: the page's title, a mark of a module, and in the answer
// about Zorvath the words of the worker's module and of the engine.

const renewed = (letter) => (text) =>
  text.replace('renewed twice."', `renewed by " + self.modelVersion + " and ${letter}."`);

/** Puts a version in the place of what is deployed, all at once. */
export const deploy = (site, letter) =>
  Object.assign(site.changes, {
    "index.html": (text) => text.replace("<title>", `<title>${letter} `),
    "www/page/lanes.js": (text) => `document.documentElement.dataset.lanes = "${letter}";\n${text}`,
    "www/worker/model.js": (text) => `self.modelVersion = "${letter}";\n${text}`,
    "pkg/simd128/hneurons.js": renewed(letter),
    "pkg/relaxed-simd/hneurons.js": renewed(letter),
  });
