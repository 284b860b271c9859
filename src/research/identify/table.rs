//! One place's contributions to many answers, as the fits read them.

use std::collections::HashMap;

use crate::{
    error::Result,
    research::{
        contributions::{Contributions, Place},
        features::Features,
    },
};

/// One place's contributions, whose they are, and who of them is wrong.
pub struct Table {
    /// Ids of the questions, in the order of the samples.
    pub ids: Vec<String>,
    /// Answers by neurons.
    pub features: Features,
    /// Whether each is wrong.
    pub labels: Vec<bool>,
}

impl Table {
    /// Of some questions, given with whether their answer is wrong; those without tokens in that place are left out.
    ///
    /// # Errors
    /// As [`Contributions::matrix`] and [`Features::from_rows`].
    pub fn of(
        contributions: &mut Contributions,
        items: &[(String, bool)],
        place: Place,
    ) -> Result<Self> {
        let ids: Vec<&str> = items.iter().map(|(id, _)| id.as_str()).collect();
        let (kept, values) = contributions.matrix(&ids, place)?;
        let wrong: HashMap<&str, bool> = items.iter().map(|(id, w)| (id.as_str(), *w)).collect();
        let width = values.len() / kept.len().max(1);
        let rows: Vec<&[f32]> = values.chunks_exact(width.max(1)).collect();
        Ok(Self {
            features: Features::from_rows(&rows)?,
            labels: kept.iter().map(|id| wrong[id]).collect(),
            ids: kept.into_iter().map(str::to_owned).collect(),
        })
    }

    /// These samples and those of another table.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Input`] for tables of different neurons.
    pub fn and(&self, other: &Self) -> Result<Self> {
        let samples = self.features.samples() + other.features.samples();
        let columns = self.features.columns().zip(other.features.columns());
        let data = columns
            .flat_map(|(a, b)| a.iter().chain(b).copied())
            .collect();
        Ok(Self {
            ids: self.ids.iter().chain(&other.ids).cloned().collect(),
            features: Features::from_columns(samples, data)?,
            labels: [&self.labels[..], &other.labels].concat(),
        })
    }

    /// Some of the samples.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Input`] for none.
    pub fn only(&self, samples: &[usize]) -> Result<Self> {
        Ok(Self {
            ids: samples.iter().map(|&i| self.ids[i].clone()).collect(),
            features: self.features.only_samples(samples)?,
            labels: samples.iter().map(|&i| self.labels[i]).collect(),
        })
    }
}
