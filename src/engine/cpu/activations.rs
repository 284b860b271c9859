//! Activations as the matrix kernels take them: quantized once, used by every product that reads them.
//!
//! They are kept to 15 bits. The usual int8 moves the logits of a 135M model by 0.2 on average and changes its most
//! probable token at one position in twenty-five, and since rounding is chaotic, two engines that round alike still
//! disagree (`tests/parity.rs` shows it on candle). Sixteen-bit products cost the same on most instruction sets, and
//! make the engine agree with f32 arithmetic, and so with every other exact engine.

/// Values in a quantization block; that of the weight formats.
pub(crate) const BLOCK: usize = 32;

/// The largest integer of an activation. It is `127 * 128`, so that an integer splits into two signed bytes,
/// `128 * high + low`, for instruction sets that multiply bytes.
const LARGEST: f32 = 16_256.0;

/// A batch of vectors, in f32 and (where their width allows) in blocks of 32 integers:
/// `x_i ~ scale * q_i`, `scale = max|x| / 16256` over the block.
///
/// Of every four integers the two in the middle change places: `0 2 1 3`. The kernels' 16-bit lanes hold columns two apart.
#[derive(Debug, Default)]
pub(crate) struct Activations {
    tokens: usize,
    width: usize,
    values: Vec<f32>,
    integers: Vec<i16>,
    high: Vec<i8>,
    low: Vec<i8>,
    scales: Vec<f32>,
    /// `scale * sum(q)` of each block: what a weight format's minimum is multiplied by.
    sums: Vec<f32>,
    /// The same of each half of a block.
    half_sums: Vec<[f32; 2]>,
    /// `sum(q)` of each half of a block.
    integer_sums: Vec<[i32; 2]>,
}

impl Activations {
    /// Takes vectors of `width`, token by token. Buffers are kept from call to call.
    pub(crate) fn load(&mut self, values: &[f32], width: usize) {
        self.width = width;
        self.tokens = values.len() / width;
        self.values.clear();
        self.values.extend_from_slice(values);
        let blocks = if width.is_multiple_of(BLOCK) {
            values.len() / BLOCK
        } else {
            0
        };
        self.integers.resize(blocks * BLOCK, 0);
        self.scales.resize(blocks, 0.0);
        self.sums.resize(blocks, 0.0);
        self.half_sums.resize(blocks, [0.0; 2]);
        self.integer_sums.resize(blocks, [0; 2]);
        let (x, _) = values.as_chunks::<BLOCK>();
        let (integers, _) = self.integers.as_chunks_mut::<BLOCK>();
        for (b, (x, integers)) in x.iter().zip(integers).enumerate() {
            let (scale, sums) = quantize_block(x, integers);
            self.scales[b] = scale;
            self.sums[b] = scale * (sums[0] + sums[1]) as f32;
            self.integer_sums[b] = sums;
            self.half_sums[b] = sums.map(|sum| scale * sum as f32);
        }
        if cfg!(target_feature = "relaxed-simd") {
            self.split_bytes();
        }
    }

    /// `q = 128 * high + low`, with `high` in -127 … 127 and `low` in -64 … 63.
    fn split_bytes(&mut self) {
        self.high.resize(self.integers.len(), 0);
        self.low.resize(self.integers.len(), 0);
        let high = self.high.as_chunks_mut::<4>().0;
        let low = self.low.as_chunks_mut::<4>().0;
        for ((q, high), low) in self.integers.as_chunks::<4>().0.iter().zip(high).zip(low) {
            // Bytes stand in the order of their columns.
            let [a, c, b, d] = *q;
            let q = [a, b, c, d];
            *high = q.map(|q| ((q + 64) >> 7) as i8);
            for i in 0..4 {
                low[i] = (q[i] - (i16::from(high[i]) << 7)) as i8;
            }
        }
    }

    /// Vectors in the batch.
    pub(crate) fn tokens(&self) -> usize {
        self.tokens
    }

    /// Length of each vector.
    pub(crate) fn width(&self) -> usize {
        self.width
    }

    /// One vector in f32.
    pub(crate) fn values(&self, token: usize) -> &[f32] {
        &self.values[token * self.width..][..self.width]
    }

    /// One vector's blocks.
    pub(crate) fn blocks(&self, token: usize) -> Blocks<'_> {
        let (start, per) = (token * self.width, self.width / BLOCK);
        Blocks {
            integers: &self.integers[start..][..self.width],
            high: self.high.get(start..start + self.width).unwrap_or(&[]),
            low: self.low.get(start..start + self.width).unwrap_or(&[]),
            scales: &self.scales[token * per..][..per],
            sums: &self.sums[token * per..][..per],
            half_sums: &self.half_sums[token * per..][..per],
            integer_sums: &self.integer_sums[token * per..][..per],
        }
    }
}

/// The quantized form of one vector.
#[derive(Clone, Copy)]
pub(crate) struct Blocks<'a> {
    /// Integers, 32 a block, in the order of [`place`].
    pub(crate) integers: &'a [i16],
    /// Their high bytes; empty in builds whose kernels do not take bytes.
    #[cfg_attr(not(target_feature = "relaxed-simd"), allow(dead_code))]
    pub(crate) high: &'a [i8],
    /// Their low bytes; likewise.
    #[cfg_attr(not(target_feature = "relaxed-simd"), allow(dead_code))]
    pub(crate) low: &'a [i8],
    /// One scale a block.
    pub(crate) scales: &'a [f32],
    /// `scale * sum(q)`, one a block.
    pub(crate) sums: &'a [f32],
    /// The same of each half of a block.
    pub(crate) half_sums: &'a [[f32; 2]],
    /// `sum(q)` of each half of a block.
    pub(crate) integer_sums: &'a [[i32; 2]],
}

/// Where the integer of a column stands.
#[inline(always)]
fn place(column: usize) -> usize {
    column & !3 | [0, 2, 1, 3][column & 3]
}

impl Blocks<'_> {
    /// `sum(q)` of part `p` of a block's one or two.
    #[inline(always)]
    pub(crate) fn integer_sum(&self, b: usize, p: usize, parts: usize) -> i32 {
        let sums = self.integer_sums[b];
        if parts == 1 {
            sums[0] + sums[1]
        } else {
            sums[p]
        }
    }

    /// `scale * sum(q)` of part `p` of a block's one or two.
    #[inline(always)]
    pub(crate) fn sum(&self, b: usize, p: usize, parts: usize) -> f32 {
        if parts == 1 {
            self.sums[b]
        } else {
            self.half_sums[b][p]
        }
    }

    /// The integer of a column.
    #[inline(always)]
    pub(crate) fn integer(&self, column: usize) -> i16 {
        self.integers[place(column)]
    }
}

/// Rounds to the nearest whole number when added, ties to even, the same on every target (see `math::exp`).
const ROUND: f32 = 12_582_912.0;

/// What the values of a block are multiplied by to become integers.
#[inline(always)]
fn inverse(max: f32) -> f32 {
    if max > 1e-30 { LARGEST / max } else { 0.0 }
}

/// Fills in the block's integers; gives its scale and the sums of its halves' integers.
#[inline(always)]
fn quantize_block(x: &[f32; BLOCK], integers: &mut [i16; BLOCK]) -> (f32, [i32; 2]) {
    #[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
    let (max, sums) = super::kernels::quantize_block(x, inverse, ROUND, LARGEST as i32, integers);
    #[cfg(not(all(target_arch = "wasm32", target_feature = "simd128")))]
    let (max, sums) = plainly(x, integers);
    (max / LARGEST, sums)
}

/// The largest absolute value of a block, and the sums of its halves' integers, which are put into their places.
#[cfg(not(all(target_arch = "wasm32", target_feature = "simd128")))]
#[inline(always)]
fn plainly(x: &[f32; BLOCK], integers: &mut [i16; BLOCK]) -> (f32, [i32; 2]) {
    let mut max = [0f32; 8];
    for chunk in x.as_chunks::<8>().0 {
        for i in 0..8 {
            let v = chunk[i].abs();
            max[i] = if v > max[i] { v } else { max[i] };
        }
    }
    let max = max.iter().fold(0.0, |m, &v| if v > m { v } else { m });
    let inverse = inverse(max);
    let mut sums = [0i32; 2];
    let mut plain = [0i16; BLOCK];
    for i in 0..BLOCK {
        let shifted = x[i] * inverse + ROUND;
        let q = (shifted.to_bits() as i32).wrapping_sub(ROUND.to_bits() as i32);
        // Weights that are no numbers make values that are none: whatever integer comes of them stays in range.
        let q = q.clamp(-(LARGEST as i32), LARGEST as i32);
        sums[i / 16] += q;
        plain[i] = q as i16;
    }
    for (to, from) in integers
        .as_chunks_mut::<4>()
        .0
        .iter_mut()
        .zip(plain.as_chunks::<4>().0)
    {
        *to = [from[0], from[2], from[1], from[3]];
    }
    (max, sums)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_are_within_half_a_step_and_split_into_bytes() {
        let values: Vec<f32> = (0..96).map(|i| (i as f32 * 0.77).sin() * 3.0).collect();
        let mut x = Activations::default();
        x.load(&values, 96);
        x.split_bytes();
        let blocks = x.blocks(0);
        for (i, v) in values.iter().enumerate() {
            let (q, scale) = (blocks.integer(i), blocks.scales[i / BLOCK]);
            assert!((f32::from(q) * scale - v).abs() <= 0.501 * scale);
            let joined = 128 * i32::from(blocks.high[i]) + i32::from(blocks.low[i]);
            assert_eq!(joined, i32::from(q));
        }
    }

    #[test]
    fn zeros_and_values_that_are_no_numbers_do_no_harm() {
        let mut x = Activations::default();
        x.load(&[0.0; 32], 32);
        assert!(x.blocks(0).integers.iter().all(|&q| q == 0));
        let mut values = [1.0f32; 32];
        values[3] = f32::NAN;
        values[4] = f32::INFINITY;
        x.load(&values, 32);
        assert!(x.blocks(0).integers.iter().all(|&q| q.abs() <= 16_256));
    }
}
