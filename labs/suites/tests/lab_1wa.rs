//! The suite of lab 1wa: `cargo test -p suites --test lab_1wa`. Its tests live in [`suites::wa`].

use std::process::ExitCode;
use suites::Memory;

#[global_allocator]
static MEMORY: Memory = suites::memory();

fn main() -> ExitCode {
    suites::main("1wa", suites::wa::TESTS, &MEMORY)
}
