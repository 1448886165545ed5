//! The proof: the engine against a plain model, over every crash, every bit and every failure.
//!
//! ```text
//!   history --> engine on a simulated disk --> power cut at operation n --> engine again
//!      '------> model: states 0, 1, 2, ...                                     |
//!                       acknowledged <= k <= appended, and it is states[k] <---'
//! ```
//!
//! What is drawn is drawn from a seed, and the seed is in every failure. `STORAGE_SEEDS=1000` tries
//! so many histories instead of a few.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod crash; // power cuts, at every operation, in recovery too
mod doors; // the only way out
mod failure; // operations that fail, full disks, syncs that lie
mod fates; // what a power cut does to each sector
mod garbage; // collection: space, and what must not come back
mod history; // what is done to a log, drawn
mod hostile; // directories nobody wrote
mod kill; // a real process, killed
mod loss; // losses others have had, each by name
mod model; // what a log is, without disks
mod openers; // directories that are refused
mod rot; // every bit, every length
mod rules; // batches and reads, one rule each
mod stale; // what were frames once
mod threads; // group commit

use std::env;

/// Returns how many seeds to try: `few`, or what `STORAGE_SEEDS` says.
fn seeds(few: u64) -> u64 {
    env::var("STORAGE_SEEDS").ok().and_then(|seeds| seeds.parse().ok()).unwrap_or(few)
}
