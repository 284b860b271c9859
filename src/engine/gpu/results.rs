//! From what came back to readings: the other end of `pass.rs`.

use super::{Gpu, device::gpu_error, kernels::Kernel, readback::Mapping};
use crate::{
    engine::{Activity, Choice, Logits, Reading, Ticket, first_not_finite, not_finite},
    error::Result,
    neuron::neuron_at,
};

/// A submission not yet collected.
pub(super) struct Pending {
    pub(super) ticket: Ticket,
    pub(super) mapping: Mapping,
    /// Where things are in what is read back, batch by batch.
    pub(super) batches: Vec<Part>,
    /// What was asked of each feed.
    pub(super) feeds: Vec<(usize, Logits)>,
    pub(super) watch_all: bool,
    pub(super) watched: usize,
    /// Neurons of largest contribution, a token.
    pub(super) top: usize,
    /// Kernels in the order of their timestamps, and where those are.
    pub(super) timed: Option<(Vec<Kernel>, usize)>,
}

/// One batch's part of what is read back. Offsets are in words.
pub(super) struct Part {
    pub(super) ticket: u32,
    pub(super) at: usize,
    /// Feed of each token.
    pub(super) tokens: Vec<usize>,
    /// Feed of each row of logits.
    pub(super) wanted: Vec<usize>,
    pub(super) logits_at: Option<usize>,
    pub(super) activity_at: Option<usize>,
    pub(super) z_at: Option<usize>,
}

impl Gpu {
    /// Waits for a submission and reads what it gave.
    pub(super) async fn read(&mut self, pending: Pending) -> Result<Vec<Reading>> {
        let words = self.staging.read(&self.device, pending.mapping).await?;
        let c = &self.config;
        if let (Some((kernels, at)), Some(timers)) = (&pending.timed, &mut self.timers) {
            let period = f64::from(self.device.queue.get_timestamp_period());
            for (kernel, stamps) in kernels.iter().zip(words[*at..].as_chunks::<4>().0) {
                let [a, b, c, d] = stamps.map(u64::from);
                let (begin, end) = (a | b << 32, c | d << 32);
                let sum = timers.sums.entry(*kernel).or_default();
                sum.0 += 1;
                sum.1 += end.saturating_sub(begin) as f64 * period;
            }
        }
        let mut readings: Vec<Reading> = vec![Reading::default(); pending.feeds.len()];
        for part in &pending.batches {
            // A submission that the device refused leaves the report of an earlier one.
            if words[part.at] != part.ticket {
                return Err(gpu_error("it did not carry out what it was given"));
            }
            for (row, &feed) in part.wanted.iter().enumerate() {
                if pending.feeds[feed].1 == Logits::Choice {
                    let at = part.at + 4 + 2 * row;
                    readings[feed].choice = Some(Choice {
                        id: words[at],
                        logprob: f64::from(f32::from_bits(words[at + 1])),
                    });
                } else if let Some(at) = part.logits_at {
                    let row = &words[at + row * c.vocabulary..][..c.vocabulary];
                    readings[feed]
                        .logits
                        .extend(row.iter().map(|&w| f32::from_bits(w)));
                }
            }
            let Some(activity_at) = part.activity_at else {
                continue;
            };
            let listed = c.layers + pending.watched;
            let each = listed + 2 * pending.top;
            for (t, &feed) in part.tokens.iter().enumerate() {
                let own = &words[part.at + activity_at + t * each..][..each];
                let floats = |words: &[u32]| words.iter().map(|&w| f32::from_bits(w)).collect();
                let mut activity = Activity {
                    output_norms: floats(&own[..c.layers]),
                    z: floats(&own[c.layers..listed]),
                    // Where contributions are not numbers, none is the largest.
                    top: own[listed..]
                        .as_chunks::<2>()
                        .0
                        .iter()
                        .filter(|[at, _]| (*at as usize) < c.neuron_count())
                        .map(|&[at, v]| (neuron_at(at as usize, c), f32::from_bits(v)))
                        .collect(),
                };
                if pending.watch_all
                    && let Some(z_at) = part.z_at
                {
                    for layer in 0..c.layers {
                        let at = z_at + (layer * part.tokens.len() + t) * c.neurons;
                        let z = words[at..at + c.neurons].iter();
                        activity.z.extend(z.map(|&w| f32::from_bits(w)));
                    }
                }
                readings[feed].activity.push(activity);
            }
        }
        // The driver may be at fault as well as the model: the CPU, which takes over, tells which.
        if let Some(place) = readings.iter().find_map(first_not_finite) {
            return Err(gpu_error(not_finite(place).to_string()));
        }
        Ok(readings)
    }
}
