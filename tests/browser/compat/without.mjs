// Code that takes away from a browser every built-in that came later than the minimum, or that one of the three never had.
//
//     await context.addInitScript(without(minimum));     before a page's own scripts
//     self.compatGone                                    there afterwards: how many were taken away

import { builtins, later, since } from "./features.mjs";

const GLOBAL = /^(?:Window|(?:Dedicated|Shared|Service)?WorkerGlobalScope)$/;

export function without(minimum) {
  const gone = builtins()
    .filter(({ path }) => later(since(path), minimum).length > 0)
    .map(({ owner, name, fixed }) => [
      owner !== null && !GLOBAL.test(owner) ? owner : "",
      name,
      fixed,
    ]);
  return `(${take})(${JSON.stringify(gone)});`;
}

/** Runs in the browser. */
function take(gone) {
  let count = 0;
  for (const [owner, name, fixed] of gone) {
    const places = [];
    if (owner === "") places.push(self, Object.getPrototypeOf(self));
    else {
      if (fixed !== false || typeof self[owner] === "object") places.push(self[owner]);
      if (fixed !== true) places.push(self[owner]?.prototype);
    }
    for (const place of places)
      if (place && Object.hasOwn(place, name) && Reflect.deleteProperty(place, name)) count += 1;
  }
  self.compatGone = count;
}
