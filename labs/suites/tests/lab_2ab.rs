//! The suite of lab 2ab: `cargo test -p suites --test lab_2ab`. Its tests live in [`suites::raft::ab`].

use harness::Memory;
use std::process::ExitCode;

#[global_allocator]
static MEMORY: Memory = harness::memory();

fn main() -> ExitCode {
    harness::main("2ab", suites::raft::ab::TESTS, &MEMORY)
}
