//! The little linear algebra that the fits need, in f64, with sums in a fixed order.

use crate::{
    error::{Error, Result, try_vec},
    research::Features,
};

/// Partial sums side by side: enough for a processor to add several at a time.
const LANES: usize = 8;
/// Rows and columns of a tile of the Gram matrix that is summed in registers.
const TILE: usize = 4;
/// Features summed into the Gram matrix at a time: their strips of all samples stay in the cache.
const DEPTH: usize = 128;

/// `sum_i column_i v_i`.
pub(super) fn dot(column: &[f32], v: &[f64]) -> f64 {
    let mut sums = [0.0; LANES];
    let (xs, vs) = (column.chunks_exact(LANES), v.chunks_exact(LANES));
    let rest: f64 = xs
        .remainder()
        .iter()
        .zip(vs.remainder())
        .map(|(&x, v)| f64::from(x) * v)
        .sum();
    for (x, v) in xs.zip(vs) {
        for lane in 0..LANES {
            sums[lane] += f64::from(x[lane]) * v[lane];
        }
    }
    sums.iter().sum::<f64>() + rest
}

/// `sum_i column_i^2 v_i`.
pub(super) fn dot_squares(column: &[f32], v: &[f64]) -> f64 {
    let mut sums = [0.0; LANES];
    let (xs, vs) = (column.chunks_exact(LANES), v.chunks_exact(LANES));
    let square = |x: f32| f64::from(x) * f64::from(x);
    let rest = xs.remainder().iter().zip(vs.remainder());
    let rest: f64 = rest.map(|(&x, v)| square(x) * v).sum();
    for (x, v) in xs.zip(vs) {
        for lane in 0..LANES {
            sums[lane] += square(x[lane]) * v[lane];
        }
    }
    sums.iter().sum::<f64>() + rest
}

/// `to += by column`.
pub(super) fn add_scaled(to: &mut [f64], column: &[f32], by: f64) {
    for (to, &x) in to.iter_mut().zip(column) {
        *to += by * f64::from(x);
    }
}

/// A symmetric matrix of `n` x `n`, row after row; of products and factors only the lower triangle is filled and read.
pub(super) struct Square {
    pub(super) n: usize,
    pub(super) data: Vec<f64>,
}

impl Square {
    pub(super) fn zeros(n: usize) -> Result<Self> {
        let data = try_vec(0.0, n * n, "a matrix of samples by samples")?;
        Ok(Self { n, data })
    }

    fn row(&self, i: usize) -> &[f64] {
        &self.data[i * self.n..][..self.n]
    }

    /// The matrix times `v`, read from the lower triangle.
    pub(super) fn times(&self, v: &[f64]) -> Vec<f64> {
        let mut out = vec![0.0; self.n];
        for i in 0..self.n {
            let row = &self.row(i)[..i];
            let mut sum = self.row(i)[i] * v[i];
            for (j, x) in row.iter().enumerate() {
                sum += x * v[j];
                out[j] += x * v[i];
            }
            out[i] += sum;
        }
        out
    }

    /// Replaces the lower triangle by its Cholesky factor, `L` of `A = L L^T`; None if `stop` said so.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Input`] if the matrix is not positive definite.
    pub(super) fn factor(&mut self, stop: &dyn Fn() -> bool) -> Result<Option<()>> {
        let n = self.n;
        for i in 0..n {
            if i % 64 == 0 && stop() {
                return Ok(None);
            }
            let (above, row) = self.data.split_at_mut(i * n);
            for j in 0..i {
                let other = &above[j * n..][..=j];
                row[j] = (row[j] - dot64(&row[..j], &other[..j])) / other[j];
            }
            let pivot = row[i] - dot64(&row[..i], &row[..i]);
            if !(pivot.is_finite() && pivot > 0.0) {
                return Err(Error::input(
                    "the features are too large or too alike to fit: standardize them or lower C",
                ));
            }
            row[i] = pivot.sqrt();
        }
        Ok(Some(()))
    }

    /// Solves `L L^T x = v` in place, after [`Square::factor`].
    pub(super) fn solve(&self, v: &mut [f64]) {
        for i in 0..self.n {
            let row = self.row(i);
            v[i] = (v[i] - dot64(&row[..i], &v[..i])) / row[i];
        }
        for i in (0..self.n).rev() {
            let row = self.row(i);
            v[i] /= row[i];
            let x = v[i];
            for (v, l) in v[..i].iter_mut().zip(row) {
                *v -= l * x;
            }
        }
    }
}

/// `sum_i a_i b_i`.
pub(super) fn dot64(a: &[f64], b: &[f64]) -> f64 {
    let mut sums = [0.0; LANES];
    let (xs, ys) = (a.chunks_exact(LANES), b.chunks_exact(LANES));
    let rest = xs.remainder().iter().zip(ys.remainder());
    let rest: f64 = rest.map(|(x, y)| x * y).sum();
    for (x, y) in xs.zip(ys) {
        for lane in 0..LANES {
            sums[lane] += x[lane] * y[lane];
        }
    }
    sums.iter().sum::<f64>() + rest
}

/// The products of all pairs of samples, `K = X X^T` (lower triangle); None if `stop` said so.
///
/// Strips of [`DEPTH`] features are laid out as panels of [`TILE`] samples (panel, feature, sample), so that a tile of
/// `K` is summed in registers from two panels read in order.
pub(super) fn gram(table: &Features, stop: &dyn Fn() -> bool) -> Result<Option<Square>> {
    let n = table.samples();
    let panels = n.div_ceil(TILE);
    let mut gram = Square::zeros(n)?;
    // Samples beyond the last stay 0.
    let mut strip = vec![0.0; panels * DEPTH * TILE];
    for first in (0..table.features()).step_by(DEPTH) {
        if stop() {
            return Ok(None);
        }
        let depth = DEPTH.min(table.features() - first);
        for k in 0..depth {
            for (i, &x) in table.column(first + k).iter().enumerate() {
                strip[((i / TILE) * DEPTH + k) * TILE + i % TILE] = f64::from(x);
            }
        }
        let panel = |p: usize| strip[p * DEPTH * TILE..][..depth * TILE].chunks_exact(TILE);
        for p in 0..panels {
            for q in 0..=p {
                let mut sums = [[0.0; TILE]; TILE];
                for (a, b) in panel(p).zip(panel(q)) {
                    for (sums, a) in sums.iter_mut().zip(a) {
                        for (sum, b) in sums.iter_mut().zip(b) {
                            *sum += a * b;
                        }
                    }
                }
                for (i, sums) in (p * TILE..n).zip(&sums) {
                    let row = &mut gram.data[i * n..][..=i];
                    for (to, sum) in row.iter_mut().skip(q * TILE).zip(sums) {
                        *to += sum;
                    }
                }
            }
        }
    }
    Ok(Some(gram))
}
