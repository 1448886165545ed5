//! The proof: the engine against a plain model, over every crash, every bit and every failure.
//!
//! ```text
//!   history --> engine on a simulated disk --> power cut at operation n --> engine again
//!      '------> model: states 0, 1, 2, ...                                     |
//!                       acknowledged <= k <= appended, and it is states[k] <---'
//! ```
//!
//! What is drawn is drawn from a seed, and the seed is in every failure: `STORAGE_SEED=17` tries that
//! one alone. `STORAGE_PROOF=long` tries more of everything.
//!
//! What must be shown, and where it is. The names are those of the engine's design.
//!
//! ```text
//!   P1  the model          equivalence: after every action, refusal, kill and closing
//!   P2  frames             src/format/tests, src/fuzz; page: a reader that knows the format's page alone
//!   P3  power cuts         crash: at every operation, in recovery too, crash upon crash; subsets: every
//!                          subset of what was not durable
//!   P4  cut and zeroed     rot: every length, every word
//!   P5  rot                rot: every bit of a small log, drawn bits of drawn logs, each verdict foretold
//!   P6  collection         resurrection: cut at every operation, and nothing comes back; loss: by name
//!   P7  recycled files     stale: by hand, and cut at every operation
//!   P8  failures           failure: every operation, once; then not another byte, not another sync
//!   P9  fsyncgate          failure: a failed sync keeps the page cache, and loses it with the power, then
//!                          or in the next process
//!   P10 full disks         full: wherever the room ends, and a crash at every operation; mounted: a real one
//!   P11 group commit       callers: every interleaving; company; ticks: a sync that waits for others;
//!                          threads; src/commit/queue/tests
//!   P12 readers            garbage: bytes outlive their segment; threads: old or new, never torn
//!   --  the list           fixture (golden bytes), openers, rules, limits, hostile, doors (one door)
//!   --  torture            kill
//!   --  logctl             inspected, cuts
//! ```

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod callers; // every interleaving of those who share a sync
mod company; // leaders wait for those who come again
mod counts; // how much is tried, and what it came to
mod crash; // power cuts, at every operation, in recovery too
mod cuts; // logs that are cut at a frame, and groups that are dropped, by hand
mod doors; // the only way out
mod equivalence; // the engine and the model, action by action
mod failure; // operations that fail, syncs that lie
mod fates; // what a power cut does to each sector
mod fixture; // directories that are kept for later versions
mod full; // disks without room
mod garbage; // collection: space, lagging groups, readers
mod history; // what is done to a log, drawn
mod hostile; // directories nobody wrote
mod inspected; // what is told of a log is what the engine makes of it
mod kill; // a real process, killed
mod limits; // what is too large, on both sides of every limit
mod loss; // losses others have had, each by name
mod model; // what a log is, without disks
mod mounted; // a real file system that is full
mod openers; // directories that are refused
mod page; // a reader that knows the format's page alone
mod resurrection; // what was collected must not come back
mod rot; // every bit, every length
mod rules; // batches and reads, one rule each
mod stale; // what were frames once
mod subsets; // everything a power cut may leave
mod threads; // group commit, and readers beside it
mod ticks; // what an operation costs
