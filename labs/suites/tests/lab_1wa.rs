//! The suite of lab 1wa: `cargo test -p suites --test lab_1wa`. Its tests live in [`suites::storage::wa`].

use harness::Memory;
use std::process::ExitCode;

#[global_allocator]
static MEMORY: Memory = harness::memory();

fn main() -> ExitCode {
    harness::main("1wa", suites::storage::wa::TESTS, &MEMORY)
}
