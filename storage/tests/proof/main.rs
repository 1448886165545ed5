//! The proof: the engine against a plain model, over every crash, every bit and every failure.
//!
//! ```text
//!   history --> engine on a simulated disk --> power cut at operation n --> engine again
//!      '------> model: states 0, 1, 2, ...                                     |
//!                       acknowledged <= k <= appended, and it is states[k] <---'
//! ```
//!
//! Every random choice comes from a seed, and every failure prints its seed: `STORAGE_SEED=17` runs only
//! that seed. `STORAGE_PROOF=long` runs more of everything.
//!
//! The model, the histories and the power cuts are [`testbed::engine`]: the suites of labs 1wa, 1wb and 1wc
//! use the same.
//!
//! The table lists what must be shown, and the module that shows it. P1 to P12 are names of the engine's
//! design.
//!
//! ```text
//!   P1  the model          equivalence: after every action, refusal, kill and closing
//!   P2  frames             src/format/tests, src/fuzz; page: a reader that knows the format's page alone
//!   P3  power cuts         crash: at every operation, in recovery too, repeated crashes; subsets: every
//!                          subset of what was not durable
//!   P4  cut and zeroed     rot: every length, every word
//!   P5  rot                rot: every bit of a small log, drawn bits of drawn logs, against expected verdicts
//!   P6  collection         resurrection: cut at every operation, and nothing comes back; loss: by name
//!   P7  recycled files     stale: by hand, and cut at every operation
//!   P8  failures           failure: every operation, once; after it no write and no sync
//!   P9  fsyncgate          failure: a failed sync keeps the page cache, and loses it with the power, then
//!                          or in the next process
//!   P10 full disks         full: at any number of free bytes, with a crash at every operation; mounted: a real one
//!   P11 group commit       callers: every interleaving; company; ticks: a sync that waits for others;
//!                          threads; src/commit/queue/tests
//!   P12 readers            garbage: bytes outlive their segment; threads: old or new, never torn
//!   --  the rest           fixture (golden bytes), openers, rules, limits, hostile, doors (one door)
//!   --  the test disk      directories
//!   --  torture            kill
//!   --  logctl             inspected, cuts
//! ```

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod callers; // every interleaving of callers that share a sync
mod company; // sync leaders wait for callers that come again
mod counts; // how much is tried, and the table of results
mod crash; // power cuts at every operation, in recovery too
mod cuts; // the commands that cut a log at a frame, or drop a group
mod directories; // several directories of one machine
mod doors; // all I/O goes through the disk
mod equivalence; // the engine and the model, action by action
mod failure; // operations that fail, syncs that lie
mod fates; // every outcome of a power cut, in turn
mod fixture; // directories that are kept for later versions
mod full; // disks without room
mod garbage; // collection: space, lagging groups, readers
mod hostile; // directories that no engine wrote
mod inspected; // `check` says what the engine does
mod kill; // a real process, killed
mod limits; // batches on both sides of every size limit
mod loss; // losses that another engine has had, each by its issue number
mod mounted; // a real file system that is full
mod openers; // directories that are refused
mod page; // a reader that knows the format's page alone
mod resurrection; // collected records must not come back
mod rot; // every bit, every length
mod rules; // batches and reads, one rule each
mod stale; // bytes of old frames
mod subsets; // everything a power cut may leave
mod threads; // group commit with threads, and readers beside it
mod ticks; // what an operation costs
