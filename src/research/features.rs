//! The table that the fits read: samples by features, and its standardization.

use crate::error::{Error, Result, try_vec};

/// Samples converted at a time in [`Features::from_rows`]: a cache line of one column.
const STRIP: usize = 16;

/// A dense table of `samples` x `features` numbers.
///
/// It lies feature after feature (column-major, f32): the solver of the sparse regression reads one feature of all
/// samples at a time. 3,000 samples of 46,080 features take 553 MB.
#[derive(Debug, Clone, PartialEq)]
pub struct Features {
    samples: usize,
    data: Vec<f32>,
}

impl Features {
    /// The table of `samples` rows whose columns lie one after the other in `data`.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Input`] if there is no sample or no feature, if `data` is not a whole number of columns, or
    /// if a number is not finite.
    pub fn from_columns(samples: usize, data: Vec<f32>) -> Result<Self> {
        if samples == 0 || data.is_empty() {
            return Err(Error::input(
                "a table needs a sample and a feature: give it some",
            ));
        }
        if !data.len().is_multiple_of(samples) {
            return Err(Error::input(format!(
                "{} numbers are no whole columns of {samples} samples: give every sample every feature",
                data.len()
            )));
        }
        if let Some(at) = data.iter().position(|x| !x.is_finite()) {
            return Err(Error::input(format!(
                "feature {} of sample {} is not a finite number: leave that sample out",
                at / samples,
                at % samples
            )));
        }
        Ok(Self { samples, data })
    }

    /// The table whose rows are `rows`, one sample each; the rows are copied, so both are in memory for a while.
    ///
    /// # Errors
    /// As [`Features::from_columns`]; [`crate::ErrorKind::Input`] if rows differ in length;
    /// [`crate::ErrorKind::Memory`].
    pub fn from_rows<R: AsRef<[f32]>>(rows: &[R]) -> Result<Self> {
        let features = rows.first().map_or(0, |row| row.as_ref().len());
        if let Some(at) = rows.iter().position(|row| row.as_ref().len() != features) {
            return Err(Error::input(format!(
                "sample {at} has {} features and the first one {features}: give every sample every feature",
                rows[at].as_ref().len()
            )));
        }
        let samples = rows.len();
        let mut data = try_vec(0.0_f32, samples * features, "the table of features")?;
        for (strip, rows) in rows.chunks(STRIP).enumerate() {
            for feature in 0..features {
                let at = feature * samples + strip * STRIP;
                for (to, row) in data[at..at + rows.len()].iter_mut().zip(rows) {
                    *to = row.as_ref()[feature];
                }
            }
        }
        Self::from_columns(samples, data)
    }

    /// How many samples (rows) there are.
    pub fn samples(&self) -> usize {
        self.samples
    }

    /// How many features (columns) there are.
    pub fn features(&self) -> usize {
        self.data.len() / self.samples
    }

    /// One feature of all samples.
    ///
    /// # Panics
    /// If there is no such feature.
    pub fn column(&self, feature: usize) -> &[f32] {
        &self.data[feature * self.samples..(feature + 1) * self.samples]
    }

    /// The features in order, each with its value in all samples.
    pub fn columns(&self) -> impl Iterator<Item = &[f32]> {
        self.data.chunks_exact(self.samples)
    }

    /// A table of these features only, in the order given.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Input`] if none is given or one does not exist; [`crate::ErrorKind::Memory`].
    pub fn only_features(&self, features: &[usize]) -> Result<Self> {
        check(features, self.features(), "feature")?;
        let mut data = try_vec(0.0, features.len() * self.samples, "the table of features")?;
        for (to, &feature) in data.chunks_exact_mut(self.samples).zip(features) {
            to.copy_from_slice(self.column(feature));
        }
        Ok(Self {
            samples: self.samples,
            data,
        })
    }

    /// A table of these samples only, in the order given; one may occur more than once.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Input`] if none is given or one does not exist; [`crate::ErrorKind::Memory`].
    pub fn only_samples(&self, samples: &[usize]) -> Result<Self> {
        check(samples, self.samples, "sample")?;
        let mut data = try_vec(
            0.0,
            samples.len() * self.features(),
            "the table of features",
        )?;
        for (to, column) in data.chunks_exact_mut(samples.len()).zip(self.columns()) {
            for (to, &sample) in to.iter_mut().zip(samples) {
                *to = column[sample];
            }
        }
        Ok(Self {
            samples: samples.len(),
            data,
        })
    }
}

fn check(chosen: &[usize], count: usize, what: &str) -> Result<()> {
    if chosen.is_empty() {
        return Err(Error::input(format!("no {what} was chosen: choose some")));
    }
    match chosen.iter().find(|&&i| i >= count) {
        Some(i) => Err(Error::input(format!(
            "{what} {i} does not exist: choose below {count}"
        ))),
        None => Ok(()),
    }
}

/// Mean and standard deviation of each feature, taken on the training part and applied to every part:
/// `z = (x - mean) / std`.
#[derive(Debug, Clone, PartialEq)]
pub struct Standardization {
    /// The mean of each feature.
    pub mean: Vec<f64>,
    /// The standard deviation of each feature (divided by the number of samples, as in scikit-learn's
    /// `StandardScaler`); 1 for a feature that has the same value everywhere.
    pub std: Vec<f64>,
}

impl Standardization {
    /// The standardization of a training part.
    pub fn of(train: &Features) -> Self {
        let samples = train.samples() as f64;
        let (mean, std) = train
            .columns()
            .map(|column| {
                // Compared exactly, because the rounding of a constant's mean would leave a tiny spread to divide by.
                if column.iter().all(|x| *x == column[0]) {
                    return (f64::from(column[0]), 1.0);
                }
                let mean = column.iter().map(|&x| f64::from(x)).sum::<f64>() / samples;
                let square = |&x: &f32| (f64::from(x) - mean).powi(2);
                let variance = column.iter().map(square).sum::<f64>() / samples;
                (mean, variance.sqrt())
            })
            .unzip();
        Self { mean, std }
    }

    /// Standardizes a table in place.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Input`] if the table has another number of features, or if a standardized value is beyond
    /// f32; the table is then of no more use.
    pub fn apply(&self, table: &mut Features) -> Result<()> {
        if table.features() != self.mean.len() {
            return Err(Error::input(format!(
                "the table has {} features and its standardization {}: use the same features",
                table.features(),
                self.mean.len()
            )));
        }
        let samples = table.samples;
        let each = self.mean.iter().zip(&self.std);
        for (feature, (column, (mean, std))) in
            table.data.chunks_exact_mut(samples).zip(each).enumerate()
        {
            for x in &mut *column {
                *x = ((f64::from(*x) - mean) / std) as f32;
            }
            if column.iter().any(|x| !x.is_finite()) {
                return Err(Error::input(format!(
                    "feature {feature} hardly varies in the training part but does here: leave it out"
                )));
            }
        }
        Ok(())
    }

    /// Weights and intercept for raw features with the same scores as `weights` and `intercept` have on standardized
    /// ones: `w / std` and `b - sum(w mean / std)`.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Input`] if there are not as many weights as features.
    pub fn raw(&self, weights: &[f64], intercept: f64) -> Result<(Vec<f64>, f64)> {
        if weights.len() != self.std.len() {
            return Err(Error::input(format!(
                "{} weights for {} standardized features: use the same features",
                weights.len(),
                self.std.len()
            )));
        }
        let raw: Vec<f64> = weights.iter().zip(&self.std).map(|(w, s)| w / s).collect();
        let shift: f64 = raw.iter().zip(&self.mean).map(|(w, m)| w * m).sum();
        Ok((raw, intercept - shift))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Features {
        Features::from_rows(&[[1.0, 5.0, -1.0], [2.0, 5.0, 1.0], [4.0, 5.0, 0.5]]).expect("sound")
    }

    #[test]
    fn rows_become_columns() {
        let table = table();
        assert_eq!((table.samples(), table.features()), (3, 3));
        assert_eq!(table.column(0), [1.0, 2.0, 4.0]);
        let rows: Vec<Vec<f32>> = (0..37)
            .map(|i| (0..5).map(|j| (i * 5 + j) as f32).collect())
            .collect();
        let wide = Features::from_rows(&rows).expect("sound");
        for (j, column) in wide.columns().enumerate() {
            for (i, x) in column.iter().enumerate() {
                assert_eq!(*x, rows[i][j]);
            }
        }
    }

    #[test]
    fn parts_of_a_table() {
        let table = table();
        let part = table.only_features(&[2, 0]).expect("sound");
        assert_eq!(part.column(0), table.column(2));
        assert_eq!(part.column(1), table.column(0));
        let part = table.only_samples(&[2, 2, 0]).expect("sound");
        assert_eq!(part.column(0), [4.0, 4.0, 1.0]);
        assert!(table.only_features(&[3]).is_err());
        assert!(table.only_samples(&[]).is_err());
    }

    #[test]
    fn what_is_no_table_is_refused() {
        assert!(Features::from_columns(0, vec![]).is_err());
        assert!(Features::from_columns(2, vec![1.0; 3]).is_err());
        assert!(Features::from_rows(&[vec![1.0], vec![1.0, 2.0]]).is_err());
        let why = Features::from_columns(2, vec![0.0, 0.0, 0.0, f32::NAN]).expect_err("NaN");
        assert!(why.to_string().contains("feature 1 of sample 1"), "{why}");
    }

    #[test]
    fn standardized_features_have_mean_0_and_std_1_and_constant_ones_are_0() {
        // sklearn.preprocessing.StandardScaler().fit([[1], [2], [4]]): mean_ 2.33333333, scale_ 1.24721913
        let mut table = table();
        let by = Standardization::of(&table);
        assert!((by.mean[0] - 2.333_333_33).abs() < 1e-8);
        assert!((by.std[0] - 1.247_219_13).abs() < 1e-8);
        assert_eq!((by.mean[1], by.std[1]), (5.0, 1.0));
        let before = table.clone();
        by.apply(&mut table).expect("the same features");
        assert_eq!(table.column(1), [0.0; 3]);
        let weights = [0.5, -2.0, 1.5];
        let (raw, b) = by.raw(&weights, 0.25).expect("the same features");
        for i in 0..3 {
            let score = |t: &Features, w: &[f64], b: f64| {
                b + (0..3)
                    .map(|j| w[j] * f64::from(t.column(j)[i]))
                    .sum::<f64>()
            };
            let (z, x) = (score(&table, &weights, 0.25), score(&before, &raw, b));
            assert!((z - x).abs() < 1e-5, "{z} {x}");
        }
        assert!(by.raw(&weights[..2], 0.0).is_err());
    }

    #[test]
    fn a_constant_that_binary_cannot_hold_is_constant() {
        let table = Features::from_columns(7, vec![0.1; 7]).expect("sound");
        assert_eq!(Standardization::of(&table).std, [1.0]);
    }
}
