//! How long something took: by the clock, and in time of processors.
//!
//! Other programs on the machine take time of the clock, not of ours. But an engine that waits for a
//! disk, or for its own other threads, waits by the clock.

use rustix::time::{ClockId, clock_gettime};
use std::time::Instant;

/// How long something took, in seconds.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) struct Took {
    /// By the clock.
    pub(crate) wall: f64,
    /// On processors, all threads of this process together.
    pub(crate) cpu: f64,
}

/// Runs `work`, and says how long it took.
///
/// # Errors
/// What `work` says.
pub(crate) fn timed<T>(work: impl FnOnce() -> Result<T, String>) -> Result<(T, Took), String> {
    let (begun, cpu_begun) = (Instant::now(), cpu());
    let result = work()?;
    Ok((result, Took { wall: begun.elapsed().as_secs_f64(), cpu: cpu() - cpu_begun }))
}

/// Returns how long this process has run on processors.
fn cpu() -> f64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}
