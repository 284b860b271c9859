// A chat template for a model that has none, so that the surface the page uses can be asked: it gives the messages' text and
// nothing else.

import { readFile, rename, stat, writeFile } from "node:fs/promises";

const KEY = "tokenizer.chat_template";
const BEFORE = "{% for message in messages %}{{ message.content";
const AFTER = "}}{% endfor %}";
const TEXT = 8; // GGUF's number of the type
const HEAD = 24; // magic, version, tensors, keys
// The key is put first, in a multiple of so many bytes: the tensors behind it lie aligned as before.
const STEP = 256;

// Makes `to` from `from`, with a template, unless it is there; says whether `from` needs that.
export async function withTemplate(from, to) {
  const bytes = await readFile(from);
  if (bytes.includes(KEY)) return false;
  const bare = 8 + KEY.length + 4 + 8 + BEFORE.length + AFTER.length;
  const room = Math.ceil(bare / STEP) * STEP;
  if ((await stat(to).catch(() => null))?.size === bytes.length + room) return true;

  const template = BEFORE + " ".repeat(room - bare) + AFTER;
  const added = Buffer.alloc(room);
  let at = added.writeBigUInt64LE(BigInt(KEY.length));
  at += added.write(KEY, at);
  at = added.writeUInt32LE(TEXT, at);
  at = added.writeBigUInt64LE(BigInt(template.length), at);
  added.write(template, at);
  const head = Buffer.from(bytes.subarray(0, HEAD));
  head.writeBigUInt64LE(head.readBigUInt64LE(HEAD - 8) + 1n, HEAD - 8);
  // Under another name until it is whole.
  await writeFile(`${to}.part`, [head, added, bytes.subarray(HEAD)]);
  await rename(`${to}.part`, to);
  return true;
}
