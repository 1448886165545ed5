//! The suite of lab 1wc: `cargo test -p suites --test lab_1wc`. Its tests live in [`suites::storage::wc`].

use harness::Memory;
use std::process::ExitCode;

#[global_allocator]
static MEMORY: Memory = harness::memory();

fn main() -> ExitCode {
    harness::main("1wc", suites::storage::wc::TESTS, &MEMORY)
}
