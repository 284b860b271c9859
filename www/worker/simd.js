// Whether this browser can run the model, and which build. Each probe is the smallest module that uses one instruction of the feature.

// (func (result v128) i32.const 0 i8x16.splat i8x16.popcnt)
const SIMD = [
  0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 10, 1, 8, 0, 65, 0, 253, 15,
  253, 98, 11,
];
// (func (result v128) i32.const 1 i8x16.splat i32.const 2 i8x16.splat i8x16.relaxed_swizzle)
const RELAXED = [
  0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 15, 1, 13, 0, 65, 1, 253, 15,
  65, 2, 253, 15, 253, 128, 2, 11,
];

const runs = (/** @type {number[]} */ bytes) =>
  typeof WebAssembly === "object" && WebAssembly.validate(new Uint8Array(bytes));

/** The builds to try, best first; none when the browser has no SIMD in WebAssembly. */
export function builds() {
  if (!runs(SIMD)) return [];
  return runs(RELAXED) ? ["relaxed-simd", "simd128"] : ["simd128"];
}

const lacks = (/** @type {string} */ what) =>
  `This browser cannot run the model: it lacks ${what}. Chrome or Edge 103, Firefox 114, Safari 16.4 and later can. The recorded run stays explorable.`;
export const NO_SIMD = lacks("SIMD in WebAssembly");
export const NO_MODULE_WORKERS = lacks("workers that are modules");
