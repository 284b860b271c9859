//! Forms: how weights lie in memory, whatever the format of their file. Kernels know forms only.
//!
//! Rows stand in tiles of eight, so that a kernel reads eight rows as one stream and has a row in each SIMD lane. A tile is
//! a sequence of *superblocks*, of 32 columns or of 256:
//!
//! | bytes | what |
//! |---|---|
//! | 16 | scales `d` of the eight rows, half precision |
//! | 16 | where the form has them: minima `m`, half precision |
//! | for each 32 columns: | |
//! | 8 or 16 | where the form has them: factors `s` of the scales, signed bytes, for each part of 32 or 16 columns |
//! | 8 or 16 | where the form has them: factors `n` of the minima, likewise |
//! | 4 x 32 | the low four bits: byte `4 r + i` of vector `v` has column `8 v + i` of row `r` in its low half, `8 v + 4 + i` in its high half |
//! | 32 | of five bits: byte `4 r + i` has the fifth bits of what byte `4 r + i` of vector `v` holds, at bits `2 v` and `2 v + 1` |
//! | 2 x 32 | of six bits: byte `4 r + i` of vector `v / 2` has the upper two bits likewise, at bits `4 (v % 2)` and `4 (v % 2) + 2` |
//! | 8 x 32 | of eight bits, in place of these: byte `4 r + i` of vector `v` has column `4 v + i` of row `r`, signed |
//!
//! A weight is `d s q + m n`, with `s` and `n` 1 where a form has no factors. Rows that fill no tile are filled up with
//! zeros. Formats without blocks stay as the file has them.

/// Rows of a tile.
pub(crate) const TILE: usize = 8;

/// How a matrix lies in memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Form {
    /// Rows of numbers.
    Dense(Dense),
    /// Tiles of integers with scales.
    Blocks(Integers, Scales),
}

/// Numbers without blocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Dense {
    /// IEEE single precision.
    F32,
    /// IEEE half precision.
    F16,
    /// The upper half of a single-precision number.
    Bf16,
}

/// Width of the integers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Integers {
    /// Four bits, 0 to 15.
    Nibbles,
    /// Five bits, 0 to 31.
    Fives,
    /// Six bits, 0 to 63.
    Sixes,
    /// Eight bits, -128 to 127.
    Bytes,
}

/// What the integers are multiplied by, and what is added.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Scales {
    /// `d (q - c)`, 32 columns; `c` is the middle of the integers' range, 0 for bytes.
    Centred,
    /// `d q`, 32 columns.
    Plain,
    /// `d q + m`, 32 columns.
    Minimum,
    /// `d s q + m n`, `d` and `m` of 256 columns, `s` and `n` of 32.
    Super32,
    /// `d s (q - c)`, `d` of 256 columns, `s` of 16.
    Super16Centred,
    /// `d s q + m n`, `d` and `m` of 256 columns, `s` and `n` of 16.
    Super16Minimum,
}

impl Form {
    /// The form that products of this machine are fastest with, of the same numbers. In a browser computing is slower than reading, so
    /// five and six bits become bytes there; results have the same bits.
    pub(crate) fn here(self) -> Self {
        match self {
            Self::Blocks(Integers::Fives | Integers::Sixes, scales)
                if cfg!(target_arch = "wasm32") =>
            {
                Self::Blocks(Integers::Bytes, scales)
            }
            Self::Blocks(..) | Self::Dense(_) => self,
        }
    }
}

impl Dense {
    /// Bytes of a number.
    pub(crate) fn width(self) -> usize {
        match self {
            Self::F32 => 4,
            Self::F16 | Self::Bf16 => 2,
        }
    }

    /// Writes numbers in f32, exactly.
    pub(crate) fn read(self, bytes: &[u8], out: &mut [f32]) {
        match self {
            Self::F32 => {
                for (o, bytes) in out.iter_mut().zip(bytes.as_chunks::<4>().0) {
                    *o = f32::from_le_bytes(*bytes);
                }
            }
            Self::F16 => {
                for (o, bytes) in out.iter_mut().zip(bytes.as_chunks::<2>().0) {
                    *o = half::f16::from_le_bytes(*bytes).to_f32();
                }
            }
            Self::Bf16 => {
                for (o, bytes) in out.iter_mut().zip(bytes.as_chunks::<2>().0) {
                    *o = f32::from_bits(u32::from(u16::from_le_bytes(*bytes)) << 16);
                }
            }
        }
    }

    pub(super) fn is_finite(self, bytes: &[u8]) -> bool {
        let exponent = |mask: u16| {
            let (halves, _) = bytes.as_chunks::<2>();
            halves
                .iter()
                .fold(true, |all, &h| all & (u16::from_le_bytes(h) & mask != mask))
        };
        match self {
            Self::F32 => {
                let (values, _) = bytes.as_chunks::<4>();
                let finite = |&v| f32::from_le_bytes(v).is_finite();
                values.iter().fold(true, |all, v| all & finite(v))
            }
            Self::F16 => exponent(0x7c00),
            Self::Bf16 => exponent(0x7f80),
        }
    }
}

impl Integers {
    /// Bytes of 32 columns of a tile.
    pub(crate) const fn bytes(self) -> usize {
        match self {
            Self::Nibbles => 16 * TILE,
            Self::Fives => 20 * TILE,
            Self::Sixes => 24 * TILE,
            Self::Bytes => 32 * TILE,
        }
    }

    /// Bits above the low four.
    pub(crate) const fn upper_bits(self) -> usize {
        match self {
            Self::Nibbles | Self::Bytes => 0,
            Self::Fives => 1,
            Self::Sixes => 2,
        }
    }

    /// The middle of the range.
    pub(crate) const fn centre(self) -> i8 {
        match self {
            Self::Nibbles => 8,
            Self::Fives => 16,
            Self::Sixes => 32,
            Self::Bytes => 0,
        }
    }

    /// Where the upper bits of vector `v` are: which vector, and at which bit those of low halves begin.
    pub(crate) const fn upper(self, v: usize) -> (usize, usize) {
        let bits = self.upper_bits();
        let each = 8 / (2 * if bits == 0 { 1 } else { bits });
        (v / each, v % each * 2 * bits)
    }

    fn put(self, weights: &mut [u8], r: usize, q: &[i8; 32]) {
        match self {
            Self::Nibbles | Self::Fives | Self::Sixes => {
                let bits = self.upper_bits();
                let (nibbles, upper) = weights.split_at_mut(16 * TILE);
                for v in 0..4 {
                    let (vector, bit) = self.upper(v);
                    for i in 0..4 {
                        let (low, high) = (q[8 * v + i] as u8, q[8 * v + 4 + i] as u8);
                        nibbles[32 * v + 4 * r + i] = low & 15 | high << 4;
                        if bits > 0 {
                            upper[32 * vector + 4 * r + i] |=
                                (low >> 4) << bit | (high >> 4) << (bit + bits);
                        }
                    }
                }
            }
            Self::Bytes => {
                for (v, four) in q.as_chunks::<4>().0.iter().enumerate() {
                    weights[32 * v + 4 * r..][..4].copy_from_slice(&four.map(|q| q as u8));
                }
            }
        }
    }

    fn get(self, weights: &[u8], r: usize, q: &mut [i8; 32]) {
        match self {
            Self::Nibbles | Self::Fives | Self::Sixes => {
                let bits = self.upper_bits();
                let mask = (1u8 << bits) - 1;
                for v in 0..4 {
                    let (vector, bit) = self.upper(v);
                    for i in 0..4 {
                        let byte = weights[32 * v + 4 * r + i];
                        let (mut low, mut high) = (byte & 15, byte >> 4);
                        if bits > 0 {
                            let upper = weights[16 * TILE + 32 * vector + 4 * r + i] >> bit;
                            low |= (upper & mask) << 4;
                            high |= (upper >> bits & mask) << 4;
                        }
                        q[8 * v + i] = low as i8;
                        q[8 * v + 4 + i] = high as i8;
                    }
                }
            }
            Self::Bytes => {
                for (v, four) in q.as_chunks_mut::<4>().0.iter_mut().enumerate() {
                    for (i, q) in four.iter_mut().enumerate() {
                        *q = weights[32 * v + 4 * r + i] as i8;
                    }
                }
            }
        }
    }
}

impl Scales {
    /// Blocks of 32 columns in a superblock.
    pub(crate) const fn blocks(self) -> usize {
        match self {
            Self::Centred | Self::Plain | Self::Minimum => 1,
            Self::Super32 | Self::Super16Centred | Self::Super16Minimum => 8,
        }
    }

    /// Parts of 32 columns that have a scale of their own.
    pub(crate) const fn parts(self) -> usize {
        match self {
            Self::Centred | Self::Plain | Self::Minimum | Self::Super32 => 1,
            Self::Super16Centred | Self::Super16Minimum => 2,
        }
    }

    /// Whether minima are stored.
    pub(crate) const fn has_minimum(self) -> bool {
        match self {
            Self::Centred | Self::Plain | Self::Super16Centred => false,
            Self::Minimum | Self::Super32 | Self::Super16Minimum => true,
        }
    }

    /// Whether scales (and minima) have factors.
    pub(crate) const fn has_factors(self) -> bool {
        self.blocks() > 1
    }

    /// Bytes of half-precision numbers at the start of a superblock of a tile.
    pub(crate) const fn head(self) -> usize {
        2 * TILE * if self.has_minimum() { 2 } else { 1 }
    }

    /// Bytes of factors at the start of 32 columns of a tile.
    pub(crate) const fn factors(self) -> usize {
        if !self.has_factors() {
            0
        } else {
            TILE * self.parts() * if self.has_minimum() { 2 } else { 1 }
        }
    }

    /// Bytes of 32 columns of a tile, without what its superblock has in common.
    pub(crate) const fn block(self, integers: Integers) -> usize {
        self.factors() + integers.bytes()
    }

    /// Bytes of a superblock of a tile.
    pub(crate) const fn superblock(self, integers: Integers) -> usize {
        self.head() + self.blocks() * self.block(integers)
    }
}

/// A block of a file's format, taken apart; a format fills in what its form has. Up to 256 weights.
pub(crate) struct Unpacked {
    /// The integers.
    pub(crate) q: [i8; 256],
    /// Scale and minimum, half-precision bits.
    pub(crate) d: u16,
    pub(crate) m: u16,
    /// Factors of the scale, by part.
    pub(crate) s: [i8; 16],
    /// Factors of the minimum, by part.
    pub(crate) n: [i8; 16],
}

impl Unpacked {
    /// Takes the middle of the range away, where a form of the format's own numbers is kept in bytes.
    pub(super) fn centre(&mut self, own: Form, kept: Form) {
        let (Form::Blocks(own, scales), Form::Blocks(kept, _)) = (own, kept) else {
            return;
        };
        if own != kept && matches!(scales, Scales::Centred | Scales::Super16Centred) {
            // A block of fewer weights leaves the others as they were.
            let weights = &mut self.q[..32 * scales.blocks()];
            weights.iter_mut().for_each(|q| *q -= own.centre());
        }
    }
}

impl Default for Unpacked {
    fn default() -> Self {
        Self {
            q: [0; 256],
            d: 0,
            m: 0,
            s: [0; 16],
            n: [0; 16],
        }
    }
}

/// 32 columns of a row, as they lie in memory: weights are `d s q + m n` whatever the form.
pub(crate) struct Columns {
    /// The integers.
    pub(crate) q: [i8; 32],
    /// Scale and minimum, half-precision bits; the minimum 0 where there is none.
    pub(crate) d: u16,
    pub(crate) m: u16,
    /// Factors of the scale, of both halves; 1 where the form has none.
    pub(crate) s: [i8; 2],
    /// Factors of the minimum.
    pub(crate) n: [i8; 2],
    /// Whether there is a minimum to add.
    adds: bool,
}

/// Writes a block into a superblock of a tile, as its row `r`.
pub(super) fn put(
    integers: Integers,
    scales: Scales,
    block: &Unpacked,
    r: usize,
    superblock: &mut [u8],
) {
    superblock[2 * r..][..2].copy_from_slice(&block.d.to_le_bytes());
    if scales.has_minimum() {
        superblock[2 * (TILE + r)..][..2].copy_from_slice(&block.m.to_le_bytes());
    }
    let each = scales.block(integers);
    let parts = scales.parts();
    let columns = superblock[scales.head()..].chunks_exact_mut(each);
    for ((b, columns), q) in columns.enumerate().zip(block.q.as_chunks::<32>().0) {
        if scales.has_factors() {
            for p in 0..parts {
                columns[p * TILE + r] = block.s[b * parts + p] as u8;
                if scales.has_minimum() {
                    columns[(parts + p) * TILE + r] = block.n[b * parts + p] as u8;
                }
            }
        }
        integers.put(&mut columns[scales.factors()..], r, q);
    }
}

/// 32 columns of row `r` of a tile, from column `32 b` on.
pub(super) fn columns(
    integers: Integers,
    scales: Scales,
    tile: &[u8],
    r: usize,
    b: usize,
) -> Columns {
    let blocks = scales.blocks();
    let superblock = &tile[b / blocks * scales.superblock(integers)..];
    let half = |at: usize| u16::from_le_bytes([superblock[at], superblock[at + 1]]);
    let own = &superblock[scales.head() + b % blocks * scales.block(integers)..];
    let adds = scales.has_minimum() || (integers, scales) == (Integers::Nibbles, Scales::Centred);
    let mut out = Columns {
        q: [0; 32],
        d: half(2 * r),
        m: match scales {
            Scales::Minimum | Scales::Super32 | Scales::Super16Minimum => half(2 * (TILE + r)),
            // The middle of nibbles is a minimum like others.
            Scales::Centred if adds => half(2 * r),
            Scales::Centred | Scales::Plain | Scales::Super16Centred => 0,
        },
        s: [1; 2],
        n: match scales {
            Scales::Centred if adds => [-integers.centre(); 2],
            Scales::Centred
            | Scales::Plain
            | Scales::Minimum
            | Scales::Super32
            | Scales::Super16Centred
            | Scales::Super16Minimum => [1; 2],
        },
        adds,
    };
    if scales.has_factors() {
        let parts = scales.parts();
        for p in 0..2 {
            let of = p * parts / 2;
            out.s[p] = own[of * TILE + r] as i8;
            if scales.has_minimum() {
                out.n[p] = own[(parts + of) * TILE + r] as i8;
            }
        }
    }
    integers.get(&own[scales.factors()..], r, &mut out.q);
    if !adds && matches!(scales, Scales::Centred | Scales::Super16Centred) {
        // Centred integers of up to six bits fit a signed byte.
        out.q.iter_mut().for_each(|q| *q -= integers.centre());
    }
    out
}

impl Columns {
    /// The weights in f32: exactly those of the file's format.
    pub(crate) fn weights(&self, out: &mut [f32]) {
        let (d, m) = (super::half(self.d), super::half(self.m));
        for (p, out) in out.chunks_mut(16).enumerate() {
            let (d, m) = (d * f32::from(self.s[p]), m * f32::from(self.n[p]));
            for (o, &q) in out.iter_mut().zip(&self.q[16 * p..]) {
                // Without a minimum nothing is added: minus zero stays minus zero.
                *o = if self.adds {
                    d * f32::from(q) + m
                } else {
                    d * f32::from(q)
                };
            }
        }
    }
}
