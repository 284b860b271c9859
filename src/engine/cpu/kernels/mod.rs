//! Matrix products with quantized weights: one file an instruction set, each generic over the forms of `quant/form.rs`.
//!
//! `out[t][r] = sum_c w[r][c] * x[t][c]` for a batch of tokens `t`. A kernel works on a *tile* of eight rows and up to four
//! tokens, so that each weight is unpacked once for all of them. One SIMD lane belongs to one row, so every (row, token)
//! result is the same chain of scalar operations in every variant and for every batch:
//!
//! > for each 32 columns, in order: `acc += sum over its parts of (d * d_x) * (sum of integer products) + m * s_x`
//!
//! where the middle of the integers' range has been taken away in integers, with `d`, `m` the part's scale and minimum (each the product of its half-precision number and its factor, where the form
//! has factors), `d_x` the activation's scale and `s_x = d_x * sum(q_x)` over the part. The integer sum is exact, no fused
//! multiply-add is used: all variants give the same bits, on every machine.

mod dense;
mod isa;
#[cfg(target_arch = "aarch64")]
mod neon;
mod scalar;
#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
mod wasm;
#[cfg(target_arch = "x86_64")]
mod x86;

pub use isa::Isa;
#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
pub(super) use wasm::quantize_block;

use super::activations::{Activations, Blocks};
use crate::quant::{Form, Integers, Matrix, Scales, TILE};

/// Most tokens that a kernel takes at once.
const TOKENS: usize = 4;

/// Bytes of weights that a kernel goes through before the next tokens have their turn: they should stay in a near cache.
const STRIPE: usize = 64 << 10;

/// A width of integers, as a type.
trait Width {
    const INTEGERS: Integers;
}

/// A kind of scales, as a type.
trait Scaled {
    const SCALES: Scales;
}

/// Declares a type for a value of an enumeration, so that kernels are compiled for each.
macro_rules! types {
    ($trait:ident, $constant:ident: $enumeration:ident, $($name:ident),+) => {
        $(
            struct $name;
            impl $trait for $name {
                const $constant: $enumeration = $enumeration::$name;
            }
        )+
    };
}

types!(Width, INTEGERS: Integers, Nibbles, Fives, Sixes, Bytes);
types!(
    Scaled, SCALES: Scales, Centred, Plain, Minimum, Super32, Super16Centred, Super16Minimum
);

/// Tiles of a matrix, one after the other.
#[derive(Clone, Copy)]
struct Tiles<'a> {
    bytes: &'a [u8],
    /// Bytes of one.
    each: usize,
}

impl<'a> Tiles<'a> {
    #[inline(always)]
    fn iter(self) -> impl Iterator<Item = &'a [u8]> {
        self.bytes.chunks_exact(self.each)
    }
}

/// Where the results of some tiles and up to four tokens go.
struct Out<'a> {
    /// From the first token's result of the first tile on.
    values: &'a mut [f32],
    /// From one token's result to the next one's.
    rows: usize,
}

impl Out<'_> {
    /// The results of token `t` with tile `i`.
    #[inline(always)]
    fn of(&mut self, t: usize, i: usize) -> &mut [f32; TILE] {
        let at = t * self.rows + i * TILE;
        // A slice of this length is such an array.
        (&mut self.values[at..at + TILE])
            .try_into()
            .unwrap_or_else(|_| unreachable!("a slice of eight"))
    }
}

/// The product of every row of `w` with every vector of `x`; `out` is `x.tokens() x w.rows()`, token by token.
pub(crate) fn matmul(isa: Isa, w: &Matrix, x: &Activations, out: &mut [f32]) {
    let (rows, tokens) = (w.rows(), x.tokens());
    // The kernels rely on these.
    assert_eq!(w.columns(), x.width(), "a product of matching shapes");
    assert_eq!(out.len(), rows * tokens, "room for every result");
    let (integers, scales) = match w.form() {
        Form::Dense(dense) => return dense::matmul(dense, w, x, out),
        Form::Blocks(integers, scales) => (integers, scales),
    };
    let (bytes, each) = w.tiles();
    let (whole, rest) = bytes.split_at(rows / TILE * each);
    // With few tokens everything is one stripe.
    let stripe = if tokens <= TOKENS {
        whole.len()
    } else {
        (STRIPE / each).max(1) * each
    };
    let mut first = 0;
    for bytes in whole.chunks(stripe.max(1)) {
        let tiles = Tiles { bytes, each };
        for t in (0..tokens).step_by(TOKENS) {
            let mut out = Out {
                values: &mut out[t * rows + first..],
                rows,
            };
            some(isa, integers, scales, tiles, x, t, &mut out);
        }
        first += bytes.len() / each * TILE;
    }
    if first == rows {
        return;
    }
    // The last tile has rows that are none.
    let tiles = Tiles { bytes: rest, each };
    for t in (0..tokens).step_by(TOKENS) {
        let mut values = [0f32; TOKENS * TILE];
        let mut of_tile = Out {
            values: &mut values,
            rows: TILE,
        };
        some(isa, integers, scales, tiles, x, t, &mut of_tile);
        for (t, values) in (t..tokens).zip(values.chunks_exact(TILE)) {
            out[t * rows + first..(t + 1) * rows].copy_from_slice(&values[..rows - first]);
        }
    }
}

/// The product of some tiles with up to four tokens from `t` on.
#[inline(always)]
fn some(
    isa: Isa,
    integers: Integers,
    scales: Scales,
    tiles: Tiles,
    x: &Activations,
    t: usize,
    out: &mut Out,
) {
    let n = (x.tokens() - t).min(TOKENS);
    let blocks = std::array::from_fn(|i| x.blocks(t + i.min(n - 1)));
    match n {
        1 => run::<1>(isa, integers, scales, tiles, &blocks, out),
        2 => run::<2>(isa, integers, scales, tiles, &blocks, out),
        3 => run::<3>(isa, integers, scales, tiles, &blocks, out),
        _ => run::<4>(isa, integers, scales, tiles, &blocks, out),
    }
}

#[inline(always)]
fn run<const T: usize>(
    isa: Isa,
    integers: Integers,
    scales: Scales,
    tiles: Tiles,
    x: &[Blocks; TOKENS],
    out: &mut Out,
) {
    use Integers as I;
    use Scales as S;
    match (integers, scales) {
        (I::Nibbles, S::Centred) => of::<Nibbles, Centred, T>(isa, tiles, x, out),
        (I::Nibbles, S::Minimum) => of::<Nibbles, Minimum, T>(isa, tiles, x, out),
        (I::Nibbles, S::Super32) => of::<Nibbles, Super32, T>(isa, tiles, x, out),
        (I::Nibbles, S::Super16Centred) => of::<Nibbles, Super16Centred, T>(isa, tiles, x, out),
        (I::Nibbles, S::Super16Minimum) => of::<Nibbles, Super16Minimum, T>(isa, tiles, x, out),
        (I::Fives, S::Centred) => of::<Fives, Centred, T>(isa, tiles, x, out),
        (I::Fives, S::Minimum) => of::<Fives, Minimum, T>(isa, tiles, x, out),
        (I::Fives, S::Super32) => of::<Fives, Super32, T>(isa, tiles, x, out),
        (I::Sixes, S::Super16Centred) => of::<Sixes, Super16Centred, T>(isa, tiles, x, out),
        (I::Bytes, S::Plain) => of::<Bytes, Plain, T>(isa, tiles, x, out),
        (I::Bytes, S::Centred) => of::<Bytes, Centred, T>(isa, tiles, x, out),
        (I::Bytes, S::Minimum) => of::<Bytes, Minimum, T>(isa, tiles, x, out),
        (I::Bytes, S::Super32) => of::<Bytes, Super32, T>(isa, tiles, x, out),
        (I::Bytes, S::Super16Centred) => of::<Bytes, Super16Centred, T>(isa, tiles, x, out),
        // The tests multiply with every format, so its form is above.
        (I::Nibbles | I::Fives | I::Sixes | I::Bytes, _) => {
            unreachable!("no format has the form {integers:?}, {scales:?}")
        }
    }
}

#[inline(always)]
fn of<W: Width, S: Scaled, const T: usize>(
    isa: Isa,
    tiles: Tiles,
    x: &[Blocks; TOKENS],
    out: &mut Out,
) {
    match isa {
        Isa::Scalar => scalar::tiles::<W, S, T>(tiles, x, out),
        #[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
        Isa::Simd128 => wasm::tiles::<W, S, T>(tiles, x, out),
        #[cfg(all(target_arch = "wasm32", target_feature = "relaxed-simd"))]
        Isa::RelaxedSimd => wasm::tiles_relaxed::<W, S, T>(tiles, x, out),
        // SAFETY: `Isa::available` offers this set only where the processor has it.
        #[cfg(target_arch = "x86_64")]
        Isa::Avx2 => unsafe { x86::tiles::<W, S, T>(tiles, x, out) },
        // SAFETY: likewise.
        #[cfg(target_arch = "x86_64")]
        Isa::Vnni => unsafe { x86::tiles_vnni::<W, S, T>(tiles, x, out) },
        // SAFETY: likewise.
        #[cfg(target_arch = "aarch64")]
        Isa::Neon => unsafe { neon::tiles::<W, S, T>(tiles, x, out) },
    }
}

/// Whether a part's result has something added to its product. Q4_0's middle is taken away so; that of others by [`middle`].
const fn adds(integers: Integers, scales: Scales) -> bool {
    scales.has_minimum() || matches!((integers, scales), (Integers::Nibbles, Scales::Centred))
}

/// What is taken away from each integer: `sum(q x) - middle * sum(x)`, in integers, so that a form in which it has been taken away
/// gives the same bits.
const fn middle(integers: Integers, scales: Scales) -> i32 {
    match (integers, scales) {
        (Integers::Fives, Scales::Centred) | (_, Scales::Super16Centred) => {
            integers.centre() as i32
        }
        _ => 0,
    }
}

#[cfg(test)]
mod tests;
