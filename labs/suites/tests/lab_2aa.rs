//! The suite of lab 2aa: `cargo test -p suites --test lab_2aa`. Its tests live in [`suites::aa`].

use std::process::ExitCode;
use suites::Memory;

#[global_allocator]
static MEMORY: Memory = suites::memory();

fn main() -> ExitCode {
    suites::main("2aa", suites::aa::TESTS, &MEMORY)
}
