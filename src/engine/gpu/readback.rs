//! What comes back from the device: staging buffers that are mapped when their submission is done. A device that never gets
//! there counts as lost after a while.

use std::time::Duration;

use futures_channel::oneshot;

use super::device::{Buffer, Device, gpu_error};
use crate::error::Result;

/// Staging buffers kept for the next submission.
const KEPT: usize = 4;

/// How long the news of a lost device may take.
#[cfg(target_arch = "wasm32")]
const NEWS: Duration = Duration::from_millis(200);

/// Staging buffers at rest.
#[derive(Default)]
pub(crate) struct Staging(Vec<Buffer>);

/// A mapping asked for.
pub(crate) struct Mapping {
    buffer: Buffer,
    size: u64,
    done: oneshot::Receiver<Result<(), wgpu::BufferAsyncError>>,
    submission: wgpu::SubmissionIndex,
    patience: Duration,
}

impl Staging {
    /// A buffer of at least `size` bytes.
    pub(crate) fn take(&mut self, device: &Device, size: u64) -> Buffer {
        let fitting = self.0.iter().enumerate().filter(|(_, b)| b.size() >= size);
        match fitting.min_by_key(|(_, b)| b.size()) {
            Some((at, _)) => self.0.swap_remove(at),
            None => device.buffer(
                "staging",
                size.next_power_of_two() as usize,
                wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST,
            ),
        }
    }

    fn give(&mut self, buffer: Buffer) {
        // Large ones serve unusual requests only.
        if self.0.len() < KEPT && buffer.size() <= 1 << 20 {
            self.0.push(buffer);
        }
    }

    /// Waits for a mapping and takes the words it holds.
    pub(crate) async fn read(&mut self, device: &Device, mapping: Mapping) -> Result<Vec<u32>> {
        let Mapping {
            buffer,
            size,
            done,
            submission,
            patience,
        } = mapping;
        let late = || {
            let why = format!(
                "a result did not come within {} seconds",
                patience.as_secs()
            );
            device.give_up(&why);
            gpu_error(why)
        };
        // In a browser this does nothing: the event loop polls.
        device
            .device
            .poll(wgpu::PollType::Wait {
                submission_index: Some(submission),
                timeout: Some(patience),
            })
            .map_err(|e| match e {
                wgpu::PollError::Timeout => late(),
                other => gpu_error(other),
            })?;
        #[cfg(target_arch = "wasm32")]
        let mapped = super::browser::within(patience, done)
            .await
            .ok_or_else(late)?;
        #[cfg(not(target_arch = "wasm32"))]
        let mapped = done.await;
        #[cfg(target_arch = "wasm32")]
        if !matches!(mapped, Ok(Ok(()))) {
            // That the device is lost the browser says a moment after a mapping has failed for it.
            super::browser::within(NEWS, std::future::pending::<()>()).await;
        }
        device.check()?;
        mapped
            .map_err(|_| gpu_error("a result never came"))?
            .map_err(gpu_error)?;
        let view = buffer.slice(..size).get_mapped_range().map_err(gpu_error)?;
        let words = view
            .as_chunks::<4>()
            .0
            .iter()
            .map(|w| u32::from_le_bytes(*w))
            .collect();
        drop(view);
        buffer.unmap();
        self.give(buffer);
        Ok(words)
    }
}

impl Mapping {
    /// Asks for the first `size` bytes, once `submission` is done, which may take as long as `patience`.
    pub(crate) fn new(
        buffer: Buffer,
        size: u64,
        submission: wgpu::SubmissionIndex,
        patience: Duration,
    ) -> Self {
        let (send, done) = oneshot::channel();
        buffer
            .slice(..size)
            .map_async(wgpu::MapMode::Read, move |result| {
                // Whoever waited may have given up.
                let _ = send.send(result);
            });
        Self {
            buffer,
            size,
            done,
            submission,
            patience,
        }
    }
}
