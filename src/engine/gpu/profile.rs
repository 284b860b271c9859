//! How long each kernel takes, as the device's own clock has it.

use std::collections::BTreeMap;

use super::{Gpu, device::Buffer, kernels::Kernel};
use crate::{
    engine::{CHOSEN, Edits, Engine, Feed, Logits, Watch},
    error::Result,
};

/// Timestamps of kernels, where they are measured.
pub(super) struct Timers {
    pub(super) set: wgpu::QuerySet,
    pub(super) resolved: Buffer,
    /// Starts and nanoseconds by kernel.
    pub(super) sums: BTreeMap<Kernel, (u64, f64)>,
}

/// Most timestamps of one batch.
pub(super) const TIMED: u32 = 2048;

/// How long a kernel took in all.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct KernelTime {
    /// Its name.
    pub kernel: &'static str,
    /// How often it was started.
    pub starts: u64,
    /// Milliseconds in all.
    pub ms: f64,
}

impl Gpu {
    /// Time by kernel since the last call; nothing where the engine was opened without [`super::Options::profile`], or the
    /// adapter has no timestamps.
    pub fn take_times(&mut self) -> Vec<KernelTime> {
        let sums = self.timers.as_mut().map(|t| std::mem::take(&mut t.sums));
        sums.unwrap_or_default()
            .into_iter()
            .map(|(kernel, (starts, ns))| KernelTime {
                kernel: kernel.name(),
                starts,
                ms: ns / 1e6,
            })
            .collect()
    }

    /// Decodes `tokens` tokens in one lane after a prompt of 32, and gives the time by kernel of these alone, as
    /// [`Gpu::take_times`].
    ///
    /// # Errors
    /// As [`Engine::open`] and [`Engine::forward`].
    pub async fn time_decoding(
        &mut self,
        edits: &Edits,
        watch: &Watch,
        tokens: usize,
    ) -> Result<Vec<KernelTime>> {
        let lane = self.open(edits)?;
        for i in 0..=tokens {
            let feed = Feed {
                lane,
                tokens: if i == 0 { &[1; 32] } else { &[CHOSEN] },
                logits: Logits::Choice,
            };
            self.forward(&[feed], watch).await?;
            if i == 0 {
                self.take_times();
            }
        }
        self.close(lane);
        Ok(self.take_times())
    }
}
