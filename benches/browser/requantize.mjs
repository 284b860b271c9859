// The same weights in another format, so that a peer can be raced on the format it is fastest with.
//
//     node benches/browser/requantize.mjs FROM TO FORMAT      FORMAT: Q8_0, Q4_0 or F16
//
// Every quantized matrix (F16 counts as one) becomes FORMAT; F32 vectors and all metadata stay as they are, byte for byte,
// except `general.file_type`, which names the new format. What the first quantization lost stays lost: this makes files to
// measure speed with, not better ones. The rounding is that of ggml's reference functions, in single precision.
//
// Blocks of 32 weights along a row, as ggml lays them out (all numbers little-endian, d and m are halves):
//     Q4_0   d, 16 bytes     w = d (q - 8)    byte i: the low four bits are weight i, the high ones weight i + 16
//     Q4_1   d, m, 16 bytes  w = d q + m      likewise
//     Q8_0   d, 32 int8      w = d q

import { open, readFile, rename, rm, stat } from "node:fs/promises";
import { fileURLToPath } from "node:url";

const BLOCK = 32;
// `type` is the tensor type, `file` the value of general.file_type, `bytes` the size of a block.
const FORMATS = {
  F32: { type: 0, file: 0, bytes: 128 },
  F16: { type: 1, file: 1, bytes: 64, read: readF16, write: writeF16 },
  Q4_0: { type: 2, file: 2, bytes: 18, read: readQ4_0, write: writeQ4_0 },
  Q4_1: { type: 3, file: 3, bytes: 20, read: readQ4_1 },
  Q8_0: { type: 8, file: 7, bytes: 34, read: readQ8_0, write: writeQ8_0 },
};

// Makes `to` from `from` unless it is there already, whole; says whether it was made.
export async function requantize(from, to, format) {
  const target = FORMATS[format];
  if (!target?.write) throw new Error(`cannot write '${format}': Q8_0, Q4_0 or F16`);
  const bytes = await readFile(from);
  const { metadata, fileType, tensors, alignment, data } = parse(bytes);
  const padded = (size) => Math.ceil(size / alignment) * alignment;

  let end = 0;
  for (const tensor of tensors) {
    tensor.now = tensor.was.read && tensor.dims.length === 2 ? target : tensor.was;
    tensor.at = end;
    end += padded(size(tensor, tensor.now));
  }
  const infos = Buffer.concat(
    tensors.map(({ head, now, at }) => Buffer.concat([head, u32(now.type), u64(at)])),
  );
  const before = Buffer.from(metadata);
  if (fileType !== null) before.writeUInt32LE(target.file, fileType);
  const header = Buffer.alloc(padded(before.length + infos.length));
  before.copy(header);
  infos.copy(header, before.length);
  if ((await stat(to).catch(() => null))?.size === header.length + end) return false;

  // Under another name until it is whole.
  const part = `${to}.part`;
  const out = await open(part, "w");
  try {
    await out.write(header);
    for (const tensor of tensors) {
      const old = bytes.subarray(
        data + tensor.offset,
        data + tensor.offset + size(tensor, tensor.was),
      );
      const fresh = Buffer.alloc(padded(size(tensor, tensor.now)));
      if (tensor.now === tensor.was) old.copy(fresh);
      else convert(tensor, old, fresh);
      await out.write(fresh);
    }
    await out.close();
    await rename(part, to);
  } catch (error) {
    await out.close().catch(() => {});
    await rm(part, { force: true });
    throw error;
  }
  return true;
}

function convert({ was, now }, old, fresh) {
  const [from, to] = [
    new DataView(old.buffer, old.byteOffset),
    new DataView(fresh.buffer, fresh.byteOffset),
  ];
  const weights = new Float32Array(BLOCK);
  for (let block = 0; block < old.length / was.bytes; block++) {
    was.read(from, block * was.bytes, weights);
    now.write(to, block * now.bytes, weights);
  }
}

const size = ({ dims }, { bytes }) =>
  (dims.reduce((product, dim) => product * dim, 1) / BLOCK) * bytes;

// ---- the file ------------------------------------------------------------------------------------------------------------

const u32 = (value) => Buffer.from(Uint32Array.of(value).buffer);
const u64 = (value) => Buffer.from(BigUint64Array.of(BigInt(value)).buffer);

// Up to the tensor infos everything is metadata, copied as it stands; of the values only two are looked at.
function parse(bytes) {
  let at = 0;
  const int = () => ((at += 4), bytes.readUInt32LE(at - 4));
  const long = () => ((at += 8), Number(bytes.readBigUInt64LE(at - 8)));
  const text = () => {
    const length = long();
    return ((at += length), bytes.toString("utf8", at - length, at));
  };
  const WIDTHS = { 0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8 };
  const skip = (type) => {
    if (type === 8) text();
    else if (type === 9) {
      const inner = int();
      for (let left = long(); left > 0; left--) skip(inner);
    } else if (WIDTHS[type]) at += WIDTHS[type];
    else throw new Error(`metadata of the unknown type ${type}`);
  };

  if (bytes.toString("latin1", 0, 4) !== "GGUF") throw new Error("not a GGUF file");
  at = 8;
  const tensorCount = long();
  let fileType = null;
  let alignment = 32;
  for (let left = long(); left > 0; left--) {
    const key = text();
    const type = int();
    if (key === "general.file_type" && type === 4) fileType = at;
    if (key === "general.alignment" && type === 4) alignment = bytes.readUInt32LE(at);
    skip(type);
  }
  const metadata = bytes.subarray(0, at);
  const tensors = Array.from({ length: tensorCount }, () => {
    const begin = at;
    const name = text();
    const dims = Array.from({ length: int() }, long);
    const head = bytes.subarray(begin, at);
    const type = int();
    const was = Object.values(FORMATS).find((format) => format.type === type);
    if (!was) throw new Error(`${name} has the type ${type}, which is not known here`);
    if (dims[0] % BLOCK)
      throw new Error(`${name} has rows of ${dims[0]}, not whole blocks of ${BLOCK}`);
    return { head, dims, was, offset: long() };
  });
  return { metadata, fileType, tensors, alignment, data: Math.ceil(at / alignment) * alignment };
}

// ---- the blocks ----------------------------------------------------------------------------------------------------------

const { fround } = Math;
const asFloat = new Float32Array(1);
const asBits = new Uint32Array(asFloat.buffer);

function fromHalf(half) {
  const [exponent, fraction] = [(half >> 10) & 31, half & 1023];
  const size =
    exponent === 31
      ? fraction
        ? NaN
        : Infinity
      : exponent
        ? 2 ** (exponent - 25) * (1024 + fraction)
        : 2 ** -24 * fraction;
  return half & 0x8000 ? -size : size;
}

// To the nearest half, ties to even.
function toHalf(number) {
  asFloat[0] = number;
  const sign = (asBits[0] >>> 16) & 0x8000;
  const bits = asBits[0] & 0x7fffffff;
  if (bits > 0x7f800000) return sign | 0x7e00;
  if (bits >= 0x477ff000) return sign | 0x7c00;
  if (bits >= 0x38800000) return sign | ((bits - 0x38000000 + 0xfff + ((bits >> 13) & 1)) >> 13);
  // Below 2^-14 halves are multiples of 2^-24. Adding 2^52 rounds a double to a whole number, ties to even.
  return sign | (Math.abs(number) * 2 ** 24 + 2 ** 52 - 2 ** 52);
}

function readF16(from, at, weights) {
  for (let i = 0; i < BLOCK; i++) weights[i] = fromHalf(from.getUint16(at + 2 * i, true));
}

function writeF16(to, at, weights) {
  for (let i = 0; i < BLOCK; i++) to.setUint16(at + 2 * i, toHalf(weights[i]), true);
}

function readQ4_0(from, at, weights) {
  const d = fromHalf(from.getUint16(at, true));
  for (let i = 0; i < 16; i++) {
    const byte = from.getUint8(at + 2 + i);
    weights[i] = d * ((byte & 15) - 8);
    weights[i + 16] = d * ((byte >> 4) - 8);
  }
}

function readQ4_1(from, at, weights) {
  const d = fromHalf(from.getUint16(at, true));
  const m = fromHalf(from.getUint16(at + 2, true));
  for (let i = 0; i < 16; i++) {
    const byte = from.getUint8(at + 4 + i);
    weights[i] = fround(d * (byte & 15)) + m;
    weights[i + 16] = fround(d * (byte >> 4)) + m;
  }
}

function readQ8_0(from, at, weights) {
  const d = fromHalf(from.getUint16(at, true));
  for (let i = 0; i < BLOCK; i++) weights[i] = d * from.getInt8(at + 2 + i);
}

// The weight of the largest size, with its sign, becomes -8: the other end of the range, 7, is smaller.
function writeQ4_0(to, at, weights) {
  let largest = 0;
  for (const weight of weights) if (Math.abs(weight) > Math.abs(largest)) largest = weight;
  const d = fround(largest / -8);
  const inverse = d ? fround(1 / d) : 0;
  const level = (weight) => Math.min(15, Math.trunc(fround(fround(weight * inverse) + 8.5)));
  to.setUint16(at, toHalf(d), true);
  for (let i = 0; i < 16; i++)
    to.setUint8(at + 2 + i, level(weights[i]) | (level(weights[i + 16]) << 4));
}

function writeQ8_0(to, at, weights) {
  let largest = 0;
  for (const weight of weights) largest = Math.max(largest, Math.abs(weight));
  const d = fround(largest / 127);
  const inverse = d ? fround(1 / d) : 0;
  to.setUint16(at, toHalf(d), true);
  for (let i = 0; i < BLOCK; i++) {
    const scaled = fround(weights[i] * inverse);
    // Halves go away from zero.
    to.setInt8(at + 2 + i, Math.sign(scaled) * Math.floor(Math.abs(scaled) + 0.5));
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [from, to, format] = process.argv.slice(2);
  if (!format) {
    console.error("usage: node benches/browser/requantize.mjs FROM TO FORMAT");
    process.exit(2);
  }
  console.log((await requantize(from, to, format)) ? `written: ${to}` : `there already: ${to}`);
}
