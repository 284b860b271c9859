// The page's Content-Security-Policy, as index.html states it: its only place. A worker is not bound by it, only by what its own
// response says, so `cargo xtask serve` and the test servers send it with every file.

import { readFileSync } from "node:fs";

const page = readFileSync(new URL("../../index.html", import.meta.url), "utf8");
const [, stated] = /http-equiv="Content-Security-Policy" content="([^"]+)"/.exec(page);

export const POLICY = stated;
