//! The suite of lab 2aa: `cargo test -p suites --test lab_2aa`. Its tests live in [`suites::raft::aa`].

use harness::Memory;
use std::process::ExitCode;

#[global_allocator]
static MEMORY: Memory = harness::memory();

fn main() -> ExitCode {
    harness::main("2aa", suites::raft::aa::TESTS, &MEMORY)
}
