//! Rotary position embedding (Su et al. 2021), in Llama's interleaved form: dimensions `2i` and `2i + 1` of a head
//! are a point in the plane, turned by `position * base^(-2i / rope_dim)`.

/// Cosines and sines by position, made as positions are first used.
#[derive(Debug)]
pub(crate) struct Rope {
    frequencies: Vec<f64>,
    /// `(cos, sin)` for each position and frequency.
    table: Vec<(f32, f32)>,
}

impl Rope {
    pub(crate) fn new(rope_dim: usize, base: f32) -> Self {
        let frequencies = (0..rope_dim / 2)
            .map(|i| libm::pow(f64::from(base), -(2.0 * i as f64) / rope_dim as f64))
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
        let mut rope = Rope::new(8, 10_000.0);
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
