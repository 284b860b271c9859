//! What the commands say: one line a step, with its time.

use std::time::{Duration, Instant};

use crate::Result;

/// Does one step and says how it went. The step's text, if it returns any, ends the line.
pub fn step(name: &str, work: impl FnOnce() -> Result<String>) -> Result<()> {
    let start = Instant::now();
    let said = work().map_err(|why| format!("{name}: {why}"))?;
    let line = format!("{:>7}  {name:<22} {said}", seconds(start.elapsed()));
    eprintln!("{}", line.trim_end());
    Ok(())
}

/// A duration as `12.3 s`.
pub fn seconds(time: Duration) -> String {
    format!("{:.1} s", time.as_secs_f64())
}

/// A size as `1.23 MB`.
pub fn megabytes(bytes: usize) -> String {
    format!("{:.2} MB", bytes as f64 / 1e6)
}
