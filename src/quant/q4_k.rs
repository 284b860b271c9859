//! Q4_K: 256 weights in 8 parts. Half-precision `d` and `dmin`, 12 bytes of six-bit scales and minima, 128 bytes of nibbles.
//! `w = d s q - dmin n` (`block_q4_K`).

use super::{Form, Format, Integers, Scales, Unpacked, half_bits};

pub(super) const FORMAT: Format = Format {
    name: "Q4_K",
    number: 12,
    block_len: 256,
    block_bytes: 144,
    halves: &[0, 2],
    form: Form::Blocks(Integers::Nibbles, Scales::Super32),
    unpack,
};

fn unpack(block: &[u8], out: &mut Unpacked) {
    scales(block, out);
    nibbles(&block[16..144], &mut out.q);
}

/// What Q4_K and Q5_K begin with: `d`, `dmin`, and six bits for each part's scale and minimum.
pub(super) fn scales(block: &[u8], out: &mut Unpacked) {
    out.d = half_bits(block, 0);
    out.m = half_bits(block, 2) ^ 0x8000;
    let six = &block[4..16];
    for j in 0..4 {
        out.s[j] = (six[j] & 63) as i8;
        out.n[j] = (six[j + 4] & 63) as i8;
        // The upper parts have four bits here, and two that the lower parts left free.
        out.s[j + 4] = (six[j + 8] & 15 | six[j] >> 6 << 4) as i8;
        out.n[j + 4] = (six[j + 8] >> 4 | six[j + 4] >> 6 << 4) as i8;
    }
}

/// 128 bytes: of each 64 weights, byte `l` has weight `l` low and `l + 32` high.
pub(super) fn nibbles(bytes: &[u8], q: &mut [i8; 256]) {
    for (bytes, q) in bytes.chunks_exact(32).zip(q.chunks_exact_mut(64)) {
        for (l, &byte) in bytes.iter().enumerate() {
            q[l] = (byte & 15) as i8;
            q[l + 32] = (byte >> 4) as i8;
        }
    }
}
