//! The suite of lab 1wc: `cargo test -p suites --test lab_1wc`. Its tests live in [`suites::wc`].

use std::process::ExitCode;
use suites::Memory;

#[global_allocator]
static MEMORY: Memory = suites::memory();

fn main() -> ExitCode {
    suites::main("1wc", suites::wc::TESTS, &MEMORY)
}
