// The list of files as xtask/src/files.rs makes it, for what the mock server serves.

import { createHash } from "node:crypto";
import { readdir } from "node:fs/promises";
import { fileURLToPath } from "node:url";

const repository = fileURLToPath(new URL("../../../", import.meta.url));
const sha256 = (bytes) => createHash("sha256").update(bytes).digest("hex");

const OPENING = "www/gallery/mock/doubt-meows.json";

async function paths() {
  const names = (await readdir(`${repository}www`, { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile() && !entry.name.startsWith("."))
    .map((entry) => `${entry.parentPath ?? entry.path}/${entry.name}`.slice(repository.length));
  const made = [
    "index.html",
    "www/artifacts/mock/hneurons.json",
    "www/gallery/mock/index.json",
    OPENING,
  ];
  const pkg = ["simd128", "relaxed-simd"].flatMap((build) =>
    ["hneurons.js", "sha256.js"].map((name) => `pkg/${build}/${name}`),
  );
  return [...new Set([...made, ...names, ...pkg])].filter((path) => path !== "www/sw.js").sort();
}

const isShell = (path) =>
  path === OPENING || path.endsWith("/index.json") || !/^(pkg|www\/(gallery|lessons))\//.test(path);

/** @param bodyOf gives a path's content, as it is deployed now */
export async function listOf(bodyOf) {
  const files = {};
  for (const path of await paths()) {
    const body = await bodyOf(path).catch(() => null); // a file that this site leaves out
    if (body !== null)
      files[path] = { sha256: sha256(body), bytes: Buffer.byteLength(body), shell: isShell(path) };
  }
  const version = sha256(
    Object.entries(files)
      .map(([path, file]) => `${file.sha256}  ${path}\n`)
      .join(""),
  );
  return JSON.stringify({ version, files });
}
