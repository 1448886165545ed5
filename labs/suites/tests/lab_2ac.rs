//! The suite of lab 2ac: `cargo test -p suites --test lab_2ac`. Its tests live in [`suites::raft::ac`].

use harness::Memory;
use std::process::ExitCode;

#[global_allocator]
static MEMORY: Memory = harness::memory();

fn main() -> ExitCode {
    harness::main("2ac", suites::raft::ac::TESTS, &MEMORY)
}
