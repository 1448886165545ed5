//! The suite of lab 1wb: `cargo test -p suites --test lab_1wb`. Its tests live in [`suites::wb`].

use std::process::ExitCode;
use suites::Memory;

#[global_allocator]
static MEMORY: Memory = suites::memory();

fn main() -> ExitCode {
    suites::main("1wb", suites::wb::TESTS, &MEMORY)
}
