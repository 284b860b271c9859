//! Rotary position embedding (Su et al. 2021), in Llama's interleaved form: dimensions `2i` and `2i + 1` of a head
//! are a point in the plane, turned by `position * scale * base^(-2i / rope_dim) / factor_i`.
//!
//! Models that turn dimensions `i` and `i + rope_dim / 2` have the rows of their projections put into this order when they are
//! read.

use crate::model::Blueprint;

/// How many tables a layer may choose from: global, local, and one that turns nothing.
pub(crate) const TABLES: usize = 3;

/// The tables of a model: that of most layers, and that of layers with a window.
#[derive(Debug)]
pub(crate) struct Ropes {
    global: Rope,
    local: Option<Rope>,
    /// Of each layer, whether it is turned, and whether by the local table.
    layers: Vec<Option<bool>>,
}

impl Ropes {
    /// For a model whose file has these divisors of frequencies.
    pub(crate) fn new(c: &Blueprint, factors: Option<&[f32]>) -> Self {
        let of_layer = |l| c.has_rope(l).then(|| c.window_of(l).is_some());
        Self {
            global: Rope::new(c.rope_dim, c.rope_base, c.rope_scale, factors),
            local: c
                .window
                .map(|window| Rope::new(c.rope_dim, window.rope_base, 1.0, None)),
            layers: (0..c.layers).map(of_layer).collect(),
        }
    }

    /// Makes the tables long enough for positions below `end`.
    pub(crate) fn extend_to(&mut self, end: usize) {
        self.global.extend_to(end);
        if let Some(local) = &mut self.local {
            local.extend_to(end);
        }
    }

    /// The table of a layer by number: global, local, or the one that turns nothing.
    pub(crate) fn table_of(&self, layer: usize) -> usize {
        match self.layers.get(layer).copied().flatten() {
            Some(false) => 0,
            Some(true) => 1,
            None => 2,
        }
    }

    /// The table of a number, where it turns anything.
    pub(crate) fn table(&self, number: usize) -> Option<&Rope> {
        match number {
            0 => Some(&self.global),
            1 => self.local.as_ref(),
            _ => None,
        }
    }

    /// The table of a layer; none where the layer knows no positions.
    pub(crate) fn of(&self, layer: usize) -> Option<&Rope> {
        let local = self.layers.get(layer).copied().flatten()?;
        let local = self.local.as_ref().filter(|_| local);
        Some(local.unwrap_or(&self.global))
    }
}

/// Cosines and sines by position, made as positions are first used.
#[derive(Debug)]
pub(crate) struct Rope {
    frequencies: Vec<f64>,
    /// `(cos, sin)` for each position and frequency.
    table: Vec<(f32, f32)>,
}

impl Rope {
    fn new(rope_dim: usize, base: f32, scale: f32, factors: Option<&[f32]>) -> Self {
        let frequencies = (0..rope_dim / 2)
            .map(|i| {
                let plain = libm::pow(f64::from(base), -(2.0 * i as f64) / rope_dim as f64);
                let factor = factors
                    .and_then(|f| f.get(i))
                    .map_or(1.0, |&f| f64::from(f));
                plain * f64::from(scale) / factor
            })
            .collect();
        Self {
            frequencies,
            table: Vec::new(),
        }
    }

    /// Makes the table long enough for positions below `end`.
    pub(crate) fn extend_to(&mut self, end: usize) {
        let have = self.table.len() / self.frequencies.len();
        for position in have..end {
            // `libm` rather than the platform's: the same bits natively and in a browser.
            self.table.extend(self.frequencies.iter().map(|f| {
                let angle = position as f64 * f;
                (libm::cos(angle) as f32, libm::sin(angle) as f32)
            }));
        }
    }

    /// Cosine and sine of each frequency at a position that the table reaches.
    pub(crate) fn at(&self, position: usize) -> &[(f32, f32)] {
        let n = self.frequencies.len();
        &self.table[position * n..][..n]
    }

    /// Turns one head's vector in place. The table must reach `position`.
    pub(crate) fn turn(&self, head: &mut [f32], position: usize) {
        for (pair, &(cos, sin)) in head
            .as_chunks_mut::<2>()
            .0
            .iter_mut()
            .zip(self.at(position))
        {
            let [a, b] = *pair;
            *pair = [a * cos - b * sin, a * sin + b * cos];
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn turning_keeps_length_and_depends_on_distance_only() {
        let mut rope = Rope::new(8, 10_000.0, 1.0, None);
        rope.extend_to(300);
        let (q, k) = (
            [0.3, -1.0, 2.0, 0.5, 1.0, 1.5, -0.2, 0.7],
            [1.0, 0.1, -0.4, 0.9, 0.3, -2.0, 1.1, 0.6],
        );
        let score = |pq: usize, pk: usize| {
            let (mut q, mut k) = (q, k);
            rope.turn(&mut q, pq);
            rope.turn(&mut k, pk);
            q.iter().zip(k).map(|(a, b)| a * b).sum::<f32>()
        };
        assert!((score(7, 3) - score(299, 295)).abs() < 1e-4);
        assert!((score(0, 0) - q.iter().zip(k).map(|(a, b)| a * b).sum::<f32>()).abs() < 1e-6);
        assert!((score(7, 3) - score(7, 4)).abs() > 1e-3);
    }
}
