//! What one lane keeps: its edits and its keys and values.

use crate::{
    engine::{CHOSEN, Edits, edits::check_neuron},
    error::{Error, Result, try_vec},
    model::{Blueprint, Weights},
};

/// Positions a cache grows by.
const GROWTH: usize = 128;

/// One edited neuron of one layer.
#[derive(Debug, Clone)]
pub(crate) struct LayerEdit {
    pub(crate) index: usize,
    pub(crate) alpha: f32,
    /// The neuron's column of `W_down`, `hidden` values: what an edit takes out of (or adds to) the MLP's output.
    pub(crate) column: Vec<f32>,
}

/// Positions of keys that lie side by side.
pub(crate) const SIDE: usize = 8;

/// Keys and values of one layer, for each key head. Values are `positions x head_dim`; keys `positions / 8 x head_dim x 8`, the
/// last eight perhaps not all written.
#[derive(Debug, Clone, Default)]
pub(crate) struct LayerCache {
    pub(crate) keys: Vec<Vec<f32>>,
    pub(crate) values: Vec<Vec<f32>>,
}

impl LayerCache {
    pub(crate) fn new(kv_heads: usize) -> Self {
        let heads = || (0..kv_heads).map(|_| Vec::new()).collect();
        Self {
            keys: heads(),
            values: heads(),
        }
    }

    /// Appends a head's key and value at a position, the next one.
    pub(crate) fn push(&mut self, head: usize, position: usize, key: &[f32], value: &[f32]) {
        let keys = &mut self.keys[head];
        let block = position / SIDE * SIDE * key.len();
        if position.is_multiple_of(SIDE) {
            keys.resize(block + SIDE * key.len(), 0.0);
        }
        let to = keys[block..].iter_mut().skip(position % SIDE).step_by(SIDE);
        for (to, k) in to.zip(key) {
            *to = *k;
        }
        self.values[head].extend_from_slice(value);
    }
}

/// A sequence in progress.
#[derive(Debug, Clone)]
pub(crate) struct Lane {
    pub(crate) position: usize,
    /// The token chosen last.
    pub(crate) chosen: Option<u32>,
    /// Edits by layer; empty for a layer as trained.
    pub(crate) edits: Vec<Vec<LayerEdit>>,
    pub(crate) cache: Vec<LayerCache>,
}

impl Lane {
    pub(crate) fn new(edits: &Edits, config: &Blueprint, weights: &Weights) -> Result<Self> {
        let mut by_layer: Vec<Vec<LayerEdit>> = (0..config.layers).map(|_| Vec::new()).collect();
        // An edit of 1 is dropped here, so that it is the same computation as none.
        for edit in edits.iter().filter(|e| e.alpha != 1.0) {
            check_neuron(edit.neuron, config)?;
            by_layer[edit.neuron.layer].push(LayerEdit {
                index: edit.neuron.index,
                alpha: edit.alpha,
                column: try_vec(0f32, config.hidden, "the edited neurons")?,
            });
        }
        for (edits, layer) in by_layer.iter_mut().zip(&weights.layers) {
            for edit in edits {
                let down = &layer.ffn_down.matrix;
                down.dequantize_column(edit.index, &mut edit.column);
            }
        }
        Ok(Self {
            position: 0,
            chosen: None,
            edits: by_layer,
            cache: (0..config.layers)
                .map(|_| LayerCache::new(config.kv_heads))
                .collect(),
        })
    }

    /// The token to read where `id` is asked for.
    pub(crate) fn token(&self, id: u32) -> Result<u32> {
        if id != CHOSEN {
            return Ok(id);
        }
        self.chosen
            .ok_or_else(|| Error::internal("a lane was to go on from a choice it never made"))
    }

    /// Makes room for `more` positions, so that appending them cannot fail.
    pub(crate) fn reserve(&mut self, more: usize, config: &Blueprint) -> Result<()> {
        // A multiple of SIDE, too.
        let end = (self.position + more).next_multiple_of(GROWTH);
        for head in self
            .cache
            .iter_mut()
            .flat_map(|c| c.keys.iter_mut().chain(&mut c.values))
        {
            let wanted = end * config.head_dim;
            if head.capacity() < (self.position + more).next_multiple_of(SIDE) * config.head_dim {
                head.try_reserve_exact(wanted - head.len()).map_err(|_| {
                    Error::memory(
                        "the conversation so far",
                        2 * config.layers * config.kv_width() * end * size_of::<f32>(),
                    )
                })?;
            }
        }
        Ok(())
    }

    /// Takes back what a forward pass appended beyond `position`.
    pub(crate) fn truncate(&mut self, config: &Blueprint) {
        let len = self.position * config.head_dim;
        let keys = self.position.next_multiple_of(SIDE) * config.head_dim;
        for layer in &mut self.cache {
            for head in &mut layer.keys {
                head.truncate(keys);
            }
            for head in &mut layer.values {
                head.truncate(len);
            }
        }
    }
}
