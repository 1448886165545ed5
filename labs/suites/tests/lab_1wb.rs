//! The suite of lab 1wb: `cargo test -p suites --test lab_1wb`. Its tests live in [`suites::storage::wb`].

use harness::Memory;
use std::process::ExitCode;

#[global_allocator]
static MEMORY: Memory = harness::memory();

fn main() -> ExitCode {
    harness::main("1wb", suites::storage::wb::TESTS, &MEMORY)
}
