//! Lab 1wb: what counts after the lights went out, step by step.
//!
//! ```text
//!   1 holding   2 scanning   3 replaying   4 judging   5 naming   6 settling   7 failing   8 crashing
//! ```
//!
//! A test of a step runs only what that step and the ones before it write. It looks at what a caller
//! sees, at the bytes on the disk, and at what the disk was asked for.

mod crashing; // step 8: power cut at every operation
mod rules; // the rules that cards name

use crate::Test;

/// The tests, in the order of the steps.
pub const TESTS: &[Test] = &[
    Test::new(8, "1wb_crash_every_syscall", crashing::crash_every_syscall),
    Test::simulation(8, "1wb_sweep_power_cut", crashing::sweep_power_cut),
    Test::simulation(8, "1wb_sweep_power_cut_twice", crashing::sweep_power_cut_twice),
    Test::simulation(8, "1wb_sweep_kill", crashing::sweep_kill),
    Test::simulation(8, "1wb_sweep_failure", crashing::sweep_failure),
];
