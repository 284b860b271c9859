//! Which neurons a lane changes, and by how much.

use super::Neuron;
use crate::{
    error::{Error, Result},
    model::Blueprint,
};

/// The largest factor offered: beyond it every set of neurons breaks the text.
const MAX_ALPHA: f32 = 3.0;

/// A factor on one neuron's `z`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Edit {
    /// Which neuron.
    pub neuron: Neuron,
    /// 0 silences, 1 is as trained, up to 3 amplifies.
    pub alpha: f32,
}

/// The edits of a lane: at most one a neuron, each inside the model.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Edits(Vec<Edit>);

impl Edits {
    /// No edits: the model as trained.
    pub fn none() -> Self {
        Self::default()
    }

    /// The same factor on every neuron of a set. A neuron listed twice is edited once.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Input`] for an alpha that is not a number from 0 to 3, or a neuron outside the model.
    pub fn scale(neurons: &[Neuron], alpha: f32, config: &Blueprint) -> Result<Self> {
        check_alpha(alpha)?;
        let mut list = neurons.to_vec();
        list.sort_unstable();
        list.dedup();
        for &neuron in &list {
            check_neuron(neuron, config)?;
        }
        Ok(Self(
            list.into_iter()
                .map(|neuron| Edit { neuron, alpha })
                .collect(),
        ))
    }

    /// A factor of its own for each neuron; of a neuron listed twice the first counts.
    ///
    /// # Errors
    /// As [`Edits::scale`].
    pub fn each(factors: &[(Neuron, f32)], config: &Blueprint) -> Result<Self> {
        let mut list = factors.to_vec();
        list.sort_by_key(|(neuron, _)| *neuron);
        list.dedup_by_key(|(neuron, _)| *neuron);
        for &(neuron, alpha) in &list {
            check_alpha(alpha)?;
            check_neuron(neuron, config)?;
        }
        let edit = |(neuron, alpha)| Edit { neuron, alpha };
        Ok(Self(list.into_iter().map(edit).collect()))
    }

    /// The edits, by layer and index.
    pub fn iter(&self) -> impl Iterator<Item = Edit> + '_ {
        self.0.iter().copied()
    }

    /// Whether nothing is edited.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Refuses a factor outside 0 to 3.
pub(crate) fn check_alpha(alpha: f32) -> Result<()> {
    if (0.0..=MAX_ALPHA).contains(&alpha) {
        Ok(())
    } else {
        Err(Error::input(format!(
            "alpha is {alpha}: choose a number from 0 (silenced) over 1 (as trained) to {MAX_ALPHA} (amplified)"
        )))
    }
}

/// Refuses a neuron the model does not have.
pub(crate) fn check_neuron(neuron: Neuron, config: &Blueprint) -> Result<()> {
    if neuron.layer < config.layers && neuron.index < config.neurons {
        Ok(())
    } else {
        Err(Error::input(format!(
            "there is no neuron {}.{}: this model has layers 0 to {} and indices 0 to {}",
            neuron.layer,
            neuron.index,
            config.layers - 1,
            config.neurons - 1
        )))
    }
}
