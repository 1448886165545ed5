//! Lab 1wc: garbage collection that loses nothing, step by step.
//!
//! ```text
//!   1 counting   2 going   3 moving   4 keeping   5 reusing   6 asking   7 bound, crash, model
//! ```
//!
//! A test of a step runs only what that step and the ones before it write. It judges what a caller
//! reads, before and after the log is opened again, and which files are on the disk. How a collection
//! chooses, and how much it copies at a time, is free within the bounds of step 7.

mod asking; // step 6: lagging groups, and how much a call may move
mod bound; // step 7: how much disk it may take
mod counting; // step 1: what is live in each segment
mod crashing; // step 7: power cut at every operation of a collection
mod going; // step 2: segments without live items
mod keeping; // step 4: keys, bases, and what must not come back
mod model; // step 7: everything, crash upon crash
mod moving; // step 3: entries
mod recorded;
mod reusing; // step 5: recycled files

use harness::Test;

/// The tests, in the order of the steps.
pub const TESTS: &[Test] = &[
    Test::new(1, "1wc_wanted_is_counted", counting::wanted_is_counted),
    Test::new(2, "1wc_not_before_it_is_worth_it", going::not_before_it_is_worth_it),
    Test::new(2, "1wc_oldest_goes_first", going::oldest_goes_first),
    Test::new(2, "1wc_needless_is_durable_first", going::needless_is_durable_first),
    Test::new(3, "1wc_purge_never_loses_live", moving::purge_never_loses_live),
    Test::new(3, "1wc_rewrite_vs_newer_append", moving::rewrite_vs_newer_append),
    Test::new(3, "1wc_rot_gets_no_checksum", moving::rot_gets_no_checksum),
    Test::new(3, "1wc_rot_in_a_copy_is_told", moving::rot_in_a_copy_is_told),
    Test::new(3, "1wc_collects_on_a_full_disk", moving::collects_on_a_full_disk),
    Test::new(4, "1wc_keys_and_beginnings_move", keeping::keys_and_beginnings_move),
    Test::new(4, "1wc_tombstone_survives_purge", keeping::tombstone_survives_purge),
    Test::new(4, "1wc_clean_vs_append", keeping::clean_vs_append),
    Test::new(5, "1wc_read_racing_purge", reusing::read_racing_purge),
    Test::new(5, "1wc_files_are_used_again", reusing::files_are_used_again),
    Test::new(5, "1wc_spare_is_no_segment", reusing::spare_is_no_segment),
    Test::new(6, "1wc_owners_are_asked_first", asking::owners_are_asked_first),
    Test::new(6, "1wc_one_call_moves_a_little", asking::one_call_moves_a_little),
    Test::simulation(7, "1w_purge_bound", bound::purge_bound),
    Test::simulation(7, "1wc_crash_during_purge", crashing::crash_during_purge),
    Test::simulation(7, "1w_model", model::model),
];
