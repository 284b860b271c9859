// What MDN's compatibility data says of a feature: since which version each browser has it.
//
//     since("javascript.builtins.Array.findLast")    { chrome: 97, firefox: 104, safari: 15.4 }; null for no such feature
//     later({ chrome: 97, … }, minimum)              the browsers that have it later than the minimum, or never
//     named("findLast")                              every built-in of that name, as feature paths
//     builtins()                                     every built-in: [{path, owner, name, fixed}…]

import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";

export const BROWSERS = ["chrome", "firefox", "safari"];

const data = JSON.parse(
  await readFile(createRequire(import.meta.url).resolve("@mdn/browser-compat-data"), "utf8"),
);

function compat(path) {
  let at = data;
  for (const name of path.split(".")) {
    if (!at || !Object.hasOwn(at, name)) return null;
    at = at[name];
  }
  return at.__compat ?? null;
}

/** Versions are numbers; Infinity stands for a browser that does not have it, or behind a flag only. */
export function since(path) {
  const support = compat(path)?.support;
  if (!support) return null;
  return Object.fromEntries(BROWSERS.map((browser) => [browser, first(support[browser])]));
}

function first(support) {
  const versions = [support ?? []].flat().flatMap((entry) => {
    const whole = !entry.flags && !entry.prefix && !entry.alternative_name;
    // What was there in part first and whole later counts from its part on: the data says so of small differences too.
    if (!whole || typeof entry.version_added !== "string") return [];
    if (entry.version_removed && !entry.partial_implementation) return [];
    const version = Number.parseFloat(entry.version_added.replace(/^≤/, ""));
    return Number.isFinite(version) ? [version] : [];
  });
  return Math.min(Infinity, ...versions);
}

export const later = (versions, minimum) =>
  BROWSERS.filter((browser) => versions[browser] > minimum[browser]);

let listed = null;

/**
 * All but those that the data calls experimental. `owner` is the interface or class, or null for a global; `fixed`: on the
 * class itself, not on its objects (null: the data does not say).
 */
export function builtins() {
  return (listed ??= [...javascript(), ...web()]);
}

function* members(tree) {
  for (const [name, feature] of Object.entries(tree))
    if (name !== "__compat" && !feature.__compat?.status?.experimental) yield [name, feature];
}

function* javascript() {
  for (const [owner, feature] of members(data.javascript.builtins)) {
    const path = `javascript.builtins.${owner}`;
    if (feature.__compat) yield { path, owner: null, name: owner, fixed: false };
    for (const [name, member] of members(feature)) {
      if (!member.__compat || name === owner) continue;
      yield { path: `${path}.${name}`, owner, name, fixed: null }; // the data does not say which
    }
  }
}

function* web() {
  for (const [owner, feature] of members(data.api)) {
    const path = `api.${owner}`;
    if (feature.__compat) yield { path, owner: null, name: owner, fixed: false };
    for (const [key, member] of members(feature)) {
      if (!member.__compat || key === owner || /_(?:event|permission)$/.test(key)) continue;
      const fixed = key.endsWith("_static");
      yield { path: `${path}.${key}`, owner, name: key.replace(/_static$/, ""), fixed };
    }
  }
}

let byName = null;

export function named(name) {
  if (!byName) {
    byName = new Map();
    for (const { name, path } of builtins()) byName.set(name, [...(byName.get(name) ?? []), path]);
  }
  return byName.get(name) ?? [];
}

/** The CSS part of the data, for compat/scan.mjs. */
export const css = data.css;
