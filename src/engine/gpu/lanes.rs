//! Lanes on the device: a slot each, pages of the KV cache, and their edits.

use super::{
    device::{Buffer, Device, gpu_error},
    model::page_words,
};
use crate::{
    engine::{Edits, edits::check_neuron},
    error::{Error, Result, try_vec},
    model::{Blueprint, Weights},
};

/// Positions in a page of the cache; the kernels' PAGE.
pub(crate) const PAGE: usize = 64;

/// An edited neuron.
struct Edit {
    layer: usize,
    index: usize,
    alpha: f32,
    /// Its column of `W_down`, `hidden` values.
    column: Vec<f32>,
}

/// A sequence in progress.
pub(crate) struct Lane {
    /// Tokens read, or on their way to be.
    pub(crate) position: usize,
    /// Pages of the cache, in order.
    pub(crate) pages: Vec<u32>,
    /// Whether it has chosen a token that it can go on from.
    pub(crate) has_chosen: bool,
    edits: Vec<Edit>,
}

/// All lanes, and the buffers that hold a part for each.
pub(crate) struct Lanes {
    lanes: Vec<Option<Lane>>,
    free: Vec<u32>,
    pages: usize,
    /// Keys and values of each layer, in pages (see `qkv.wgsl`).
    pub(crate) caches: Vec<Buffer>,
    slots: usize,
    /// Factors on z, slots x layers x neurons.
    pub(crate) factors: Buffer,
    /// Most edits of a slot that `edits` and `columns` have room for.
    pub(crate) edit_room: usize,
    /// See `activity.wgsl`.
    pub(crate) edits: Buffer,
    pub(crate) columns: Buffer,
    /// The token chosen last, by slot.
    pub(crate) chosen: Buffer,
    /// Counts up whenever one of the buffers was replaced.
    pub(crate) generation: u64,
}

impl Lanes {
    pub(crate) fn new(device: &Device, config: &Blueprint) -> Self {
        let (slots, pages, edit_room) = (4, 4, 64);
        Self {
            lanes: Vec::new(),
            free: (0..pages as u32).rev().collect(),
            pages,
            caches: (0..config.layers)
                .map(|_| device.storage("cache", pages * page_words(config) * 4))
                .collect(),
            slots,
            factors: device.storage("factors", slots * config.neuron_count() * 4),
            edit_room,
            edits: device.storage("edits", slots * edit_words(config, edit_room) * 4),
            columns: device.storage("columns", slots * edit_room * config.hidden * 4),
            chosen: device.storage("chosen", slots * 4),
            generation: 0,
        }
    }

    pub(crate) fn get(&self, slot: usize) -> Result<&Lane> {
        self.lanes
            .get(slot)
            .and_then(Option::as_ref)
            .ok_or_else(|| Error::internal("a lane was used after it was closed"))
    }

    pub(crate) fn get_mut(&mut self, slot: usize) -> Result<&mut Lane> {
        self.lanes
            .get_mut(slot)
            .and_then(Option::as_mut)
            .ok_or_else(|| Error::internal("a lane was used after it was closed"))
    }

    /// Opens a lane and writes its edits; gives its slot.
    pub(crate) fn open(
        &mut self,
        device: &Device,
        config: &Blueprint,
        edits: &Edits,
        weights: &Weights,
    ) -> Result<usize> {
        let mut list = Vec::new();
        // An edit of 1 is dropped here, so that it is the same computation as none.
        for edit in edits.iter().filter(|e| e.alpha != 1.0) {
            check_neuron(edit.neuron, config)?;
            let mut column = try_vec(0f32, config.hidden, "the edited neurons")?;
            let down = &weights.layers[edit.neuron.layer].ffn_down.matrix;
            down.dequantize_column(edit.neuron.index, &mut column);
            list.push(Edit {
                layer: edit.neuron.layer,
                index: edit.neuron.index,
                alpha: edit.alpha,
                column,
            });
        }
        let free = self.lanes.iter().position(Option::is_none);
        let slot = free.unwrap_or(self.lanes.len());
        let (mut slots, mut room) = (self.slots, self.edit_room);
        while slots <= slot {
            slots *= 2;
        }
        while room < list.len() {
            room *= 2;
        }
        self.make_room(device, config, slots, room)?;
        if free.is_none() {
            self.lanes.push(None);
        }
        self.lanes[slot] = Some(Lane {
            position: 0,
            pages: Vec::new(),
            has_chosen: false,
            edits: list,
        });
        self.write_edits(device, config, slot);
        Ok(slot)
    }

    pub(crate) fn close(&mut self, slot: usize) {
        if let Some(lane) = self.lanes.get_mut(slot).and_then(Option::take) {
            self.free.extend(lane.pages.into_iter().rev());
        }
    }

    /// Takes a lane back to a position that it has read.
    pub(crate) fn rewind(&mut self, slot: usize, position: usize) -> Result<()> {
        let lane = self.get_mut(slot)?;
        if position > lane.position {
            return Err(Error::internal(
                "a lane was to go back to what it has not read",
            ));
        }
        lane.position = position;
        lane.has_chosen = false;
        let unused = lane.pages.split_off(position.div_ceil(PAGE));
        self.free.extend(unused.into_iter().rev());
        Ok(())
    }

    /// Larger buffers by slot, if these are too small.
    fn make_room(
        &mut self,
        device: &Device,
        config: &Blueprint,
        slots: usize,
        room: usize,
    ) -> Result<()> {
        if slots == self.slots && room == self.edit_room {
            return Ok(());
        }
        let largest = (slots * config.neuron_count() * 4).max(slots * room * config.hidden * 4);
        check_binding(device, "so many lanes or edits", largest)?;
        let chosen = device.storage("chosen", slots * 4);
        copy(device, &[(&self.chosen, &chosen)]);
        self.chosen = chosen;
        self.factors = device.storage("factors", slots * config.neuron_count() * 4);
        self.edits = device.storage("edits", slots * edit_words(config, room) * 4);
        self.columns = device.storage("columns", slots * room * config.hidden * 4);
        (self.slots, self.edit_room) = (slots, room);
        self.generation += 1;
        for slot in 0..self.lanes.len() {
            self.write_edits(device, config, slot);
        }
        Ok(())
    }

    /// Writes a lane's factors, list of edits and columns.
    fn write_edits(&self, device: &Device, config: &Blueprint, slot: usize) {
        let Some(Some(lane)) = self.lanes.get(slot) else {
            return;
        };
        let count = config.neuron_count();
        let mut factors = vec![1f32.to_bits(); count];
        let mut list = vec![0; edit_words(config, self.edit_room)];
        let mut columns = Vec::with_capacity(lane.edits.len() * config.hidden);
        // Edits come by layer and index.
        for (i, edit) in lane.edits.iter().enumerate() {
            factors[edit.layer * config.neurons + edit.index] = edit.alpha.to_bits();
            for begin in &mut list[edit.layer + 1..=config.layers] {
                *begin = i as u32 + 1;
            }
            let at = config.layers + 1 + 2 * i;
            list[at] = edit.index as u32;
            list[at + 1] = (1.0 - edit.alpha).to_bits();
            columns.extend(edit.column.iter().map(|v| v.to_bits()));
        }
        device.write(&self.factors, slot * count, &factors);
        device.write(&self.edits, slot * list.len(), &list);
        let at = slot * self.edit_room * config.hidden;
        device.write(&self.columns, at, &columns);
    }

    /// Gives each lane pages for `more` tokens, all or none of them.
    pub(crate) fn reserve(
        &mut self,
        device: &Device,
        config: &Blueprint,
        wanted: &[(usize, usize)],
    ) -> Result<()> {
        let mut missing = Vec::with_capacity(wanted.len());
        for &(slot, more) in wanted {
            let lane = self.get(slot)?;
            let pages = (lane.position + more).div_ceil(PAGE);
            missing.push((slot, pages.saturating_sub(lane.pages.len())));
        }
        let total: usize = missing.iter().map(|(_, n)| n).sum();
        if total > self.free.len() {
            let pages = (self.pages + total - self.free.len()).max(self.pages * 3 / 2);
            self.grow_cache(device, config, pages)?;
        }
        for (slot, n) in missing {
            let at = self.free.len() - n;
            let pages = self.free.split_off(at);
            self.get_mut(slot)?.pages.extend(pages.into_iter().rev());
        }
        Ok(())
    }

    fn grow_cache(&mut self, device: &Device, config: &Blueprint, pages: usize) -> Result<()> {
        let bytes = pages * page_words(config) * 4;
        check_binding(device, "the conversation so far", bytes)?;
        for cache in &mut self.caches {
            let larger = device.storage("cache", bytes);
            // One layer after the other, so that at most one is held twice.
            copy(device, &[(cache, &larger)]);
            *cache = larger;
        }
        let new = (self.pages as u32..pages as u32).rev();
        self.free.splice(0..0, new);
        self.pages = pages;
        self.generation += 1;
        Ok(())
    }

    /// Words of one slot's list of edits.
    pub(crate) fn edit_words(&self, config: &Blueprint) -> usize {
        edit_words(config, self.edit_room)
    }
}

fn edit_words(config: &Blueprint, room: usize) -> usize {
    config.layers + 1 + 2 * room
}

fn check_binding(device: &Device, what: &str, bytes: usize) -> Result<()> {
    device.check()?;
    let limits = device.device.limits();
    if bytes as u64 > limits.max_storage_buffer_binding_size {
        return Err(gpu_error(format!(
            "it has no room for {what}: {bytes} bytes at once are too many"
        )));
    }
    Ok(())
}

fn copy(device: &Device, pairs: &[(&Buffer, &Buffer)]) {
    let mut encoder = device.device.create_command_encoder(&Default::default());
    for (from, to) in pairs {
        encoder.copy_buffer_to_buffer(from, 0, to, 0, from.size());
    }
    device.queue.submit([encoder.finish()]);
}
