//! The suite of lab 2ab: `cargo test -p suites --test lab_2ab`. Its tests live in [`suites::ab`].

use std::process::ExitCode;
use suites::Memory;

#[global_allocator]
static MEMORY: Memory = suites::memory();

fn main() -> ExitCode {
    suites::main("2ab", suites::ab::TESTS, &MEMORY)
}
