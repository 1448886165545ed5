//! Lab 1wa: write it down, and find it again.
//!
//! ```text
//!   1 measuring   2 describing   3 placing   4 writing   5 holding   6 reading   7 fitting
//!   8 turns, committing, atomic, model
//! ```
//!
//! Every log here is new, and fits its first segment. Later labs test restarts and full segments. The
//! tests judge what a caller is told, the bytes on the disk, and the operations of the disk. For every
//! row that a log could pass by doing nothing there is a similar row that such a log fails.

mod asked; // the disk's operations, and the lines that asked for them
mod atomic; // step 8: a power cut in the middle of a batch
mod committing; // step 8: what sync_to promises, and what it costs
mod describing; // step 2: an item, as 32 bytes, and back
mod fitting; // step 7: what fits a log, and where a compacted one begins
mod holding; // step 5: indexes and terms
mod measuring; // step 1: how long a frame is
mod model; // step 8: random batches
mod observed; // a log on a disk that records its operations
mod placing; // step 3: a frame's LSN, and its checksum
mod reading; // step 6: from an index to its bytes
mod turns; // step 8: every order of four writers
mod writing; // step 4: a batch is one write

use harness::Test;

/// The tests, in the order of the steps.
pub const TESTS: &[Test] = &[
    Test::new(1, "1wa_frame_length", measuring::frame_length),
    Test::new(2, "1wa_item_bytes", describing::item_bytes),
    Test::new(2, "1wa_item_refusals", describing::item_refusals),
    Test::new(3, "1wa_worked_example", placing::worked_example),
    Test::new(3, "1wa_header_checksum", placing::header_checksum),
    Test::new(4, "1wa_one_write_per_batch", writing::one_write_per_batch),
    Test::new(4, "1wa_failed_write_shows_nothing", writing::failed_write_shows_nothing),
    Test::new(5, "1wa_positions", holding::positions),
    Test::new(5, "1wa_overwrite_conflict_suffix", holding::overwrite_conflict_suffix),
    Test::new(6, "1wa_append_read", reading::append_read),
    Test::new(6, "1wa_entries_size_limit", reading::entries_size_limit),
    Test::new(6, "1wa_empty_and_zero_len", reading::empty_and_zero_len),
    Test::new(7, "1wa_gaps_refused", fitting::gaps_refused),
    Test::new(7, "1wa_compact_bounds", fitting::compact_bounds),
    Test::new(8, "1w_group_commit_ack_order", committing::ack_order),
    Test::new(8, "1w_fsync_budget", committing::fsync_budget),
    Test::new(8, "1wa_hard_state_with_entries_atomic", atomic::hard_state_with_entries),
    Test::simulation(8, "1wa_sim_against_a_model", model::against_a_model),
];
