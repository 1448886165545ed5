//! The suite of lab 2ac: `cargo test -p suites --test lab_2ac`. Its tests live in [`suites::ac`].

use std::process::ExitCode;
use suites::Memory;

#[global_allocator]
static MEMORY: Memory = suites::memory();

fn main() -> ExitCode {
    suites::main("2ac", suites::ac::TESTS, &MEMORY)
}
