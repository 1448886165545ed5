//! Lab 1wb: what counts after a power cut, step by step.
//!
//! ```text
//!   1 holding   2 scanning   3 replaying   4 judging   5 naming   6 rewriting   7 failing   8 crashing
//! ```
//!
//! A test of a step runs only what that step and the ones before it write. It judges what a caller
//! sees, the bytes on the disk, and the disk's operations.

mod crashing; // step 8: power cut at every operation
mod failing; // step 7: when the disk fails, and when it is full
mod holding; // step 1: whether a frame is good
mod images; // segments built by hand
mod judging; // step 4: torn by a crash, or rotted later
mod naming; // step 5: a file that is there, and the one after it
mod replaying; // step 3: what the frames did
mod rewriting; // step 6: what is not proven durable is rewritten
mod scanning; // step 2: where the frames end

use harness::Test;

/// The tests, in the order of the steps.
pub const TESTS: &[Test] = &[
    Test::new(1, "1wb_frame_every_bit", holding::frame_every_bit),
    Test::new(1, "1wb_frame_at_its_turn", holding::frame_at_its_turn),
    Test::new(1, "1wb_frame_cannot_be", holding::frame_cannot_be),
    Test::new(1, "1wb_frame_names_damage", holding::frame_names_damage),
    Test::new(2, "1wb_preallocated_zeros", scanning::preallocated_zeros),
    Test::new(2, "1wb_frames_are_counted", scanning::frames_are_counted),
    Test::new(3, "1wb_reopened_is_the_same", replaying::reopened_is_the_same),
    Test::new(3, "1wb_recover_overwrite", replaying::recover_overwrite),
    Test::new(3, "1wb_recover_bounds", replaying::recover_bounds),
    Test::new(3, "1wb_batch_atomic", replaying::batch_atomic),
    Test::new(3, "1wb_hole_refused", replaying::hole_refused),
    Test::new(4, "1wb_torn_tail_every_byte", judging::torn_tail_every_byte),
    Test::new(4, "1wb_bitflip_every_byte", judging::bitflip_every_byte),
    Test::new(4, "1wb_corrupt_middle_refuses", judging::corrupt_middle_refuses),
    Test::new(4, "1wb_corruption_names_what_is_lost", judging::corruption_names_what_is_lost),
    Test::new(5, "1wb_dir_sync_on_rotate", naming::dir_sync_on_rotate),
    Test::new(5, "1wb_left_when_durable", naming::left_when_durable),
    Test::new(5, "1wb_file_order_rollover", naming::file_order_rollover),
    Test::new(5, "1wb_segments_keep_their_length", naming::segments_keep_their_length),
    Test::new(5, "1wb_missing_segment_refused", naming::missing_segment_refused),
    Test::new(5, "1wb_recycled_file_old_records", naming::recycled_file_old_records),
    Test::new(6, "1wb_append_after_tail_truncation", rewriting::append_after_tail_truncation),
    Test::new(6, "1wb_opening_is_durable", rewriting::opening_is_durable),
    Test::new(6, "1wb_reopening_fills_no_disk", rewriting::reopening_fills_no_disk),
    Test::new(6, "1wb_rewritten_in_order", rewriting::rewritten_in_order),
    Test::new(7, "1wb_fsync_failure_is_fatal", failing::fsync_failure_is_fatal),
    Test::new(7, "1wb_first_failure_is_the_last", failing::first_failure_is_the_last),
    Test::new(7, "1wb_short_write_enospc", failing::short_write_enospc),
    Test::new(8, "1wb_crash_every_syscall", crashing::crash_every_syscall),
    Test::simulation(8, "1wb_sweep_power_cut", crashing::sweep_power_cut),
    Test::simulation(8, "1wb_sweep_power_cut_twice", crashing::sweep_power_cut_twice),
    Test::simulation(8, "1wb_sweep_kill", crashing::sweep_kill),
    Test::simulation(8, "1wb_sweep_failure", crashing::sweep_failure),
];
