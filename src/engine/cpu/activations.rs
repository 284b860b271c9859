//! Activations as the matrix kernels take them: quantized once, used by every product that reads them.

/// Values in a quantization block; that of the weight formats.
pub(crate) const BLOCK: usize = 32;

/// A batch of vectors, in f32 and (where their width allows) in int8 blocks of 32:
/// `x_i ~ scale * q_i`, `scale = max|x| / 127` over the block.
#[derive(Debug, Default)]
pub(crate) struct Activations {
    tokens: usize,
    width: usize,
    values: Vec<f32>,
    bytes: Vec<i8>,
    /// The same integers as 16-bit, for instruction sets that multiply those.
    wide: Vec<i16>,
    scales: Vec<f32>,
    /// `scale * sum(q)` of each block: what a weight format's minimum is multiplied by.
    sums: Vec<f32>,
}

impl Activations {
    /// Takes `tokens` vectors of `width`, token by token. Buffers are kept from call to call.
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
        self.bytes.resize(blocks * BLOCK, 0);
        self.wide.resize(blocks * BLOCK, 0);
        self.scales.resize(blocks, 0.0);
        self.sums.resize(blocks, 0.0);
        let (x, _) = values.as_chunks::<BLOCK>();
        let (bytes, _) = self.bytes.as_chunks_mut::<BLOCK>();
        let (wide, _) = self.wide.as_chunks_mut::<BLOCK>();
        for (b, ((x, bytes), wide)) in x.iter().zip(bytes).zip(wide).enumerate() {
            let (scale, sum) = quantize_block(x, bytes, wide);
            self.scales[b] = scale;
            self.sums[b] = sum;
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
        let per = self.width / BLOCK;
        Blocks {
            bytes: &self.bytes[token * self.width..][..self.width],
            wide: &self.wide[token * self.width..][..self.width],
            scales: &self.scales[token * per..][..per],
            sums: &self.sums[token * per..][..per],
        }
    }
}

/// The quantized form of one vector.
#[derive(Clone, Copy)]
pub(crate) struct Blocks<'a> {
    /// int8 values, 32 a block.
    pub(crate) bytes: &'a [i8],
    /// The same as int16.
    pub(crate) wide: &'a [i16],
    /// One scale a block.
    pub(crate) scales: &'a [f32],
    /// `scale * sum(q)`, one a block.
    pub(crate) sums: &'a [f32],
}

#[inline(always)]
fn quantize_block(
    x: &[f32; BLOCK],
    bytes: &mut [i8; BLOCK],
    wide: &mut [i16; BLOCK],
) -> (f32, f32) {
    // Rounds to the nearest whole number, ties to even, the same on every target (see `math::exp`).
    const ROUND: f32 = 12_582_912.0;
    let mut max = [0f32; 8];
    for chunk in x.as_chunks::<8>().0 {
        for i in 0..8 {
            max[i] = max[i].max(chunk[i].abs());
        }
    }
    let max = max.iter().copied().fold(0.0, f32::max);
    let inverse = if max > 1e-30 { 127.0 / max } else { 0.0 };
    let mut sum = 0i32;
    for i in 0..BLOCK {
        let shifted = x[i] * inverse + ROUND;
        let q = (shifted.to_bits() as i32).wrapping_sub(ROUND.to_bits() as i32);
        sum = sum.wrapping_add(q);
        bytes[i] = q as i8;
        wide[i] = q as i16;
    }
    let scale = max / 127.0;
    (scale, scale * sum as f32)
}
