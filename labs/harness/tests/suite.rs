//! The harness, tried on tests that misbehave in every way we know.
//!
//! ```text
//!   this binary --starts--> itself, as a suite of bad tests --starts--> its workers
//!        `--- reads the report lines and asserts each verdict <---'
//! ```
//!
//! Nothing here measures time: limits are made small by flags where a limit is what is tried.

#![expect(clippy::unwrap_used, reason = "all of this is a test: whatever is missing fails it")]

use harness::Memory;
use libtest_mimic::{Arguments, Trial};
use std::process::ExitCode;

mod suite {
    pub(crate) mod asked; // the suite as others run it: filters, lists, flags
    pub(crate) mod bad; // the suite of bad tests
    pub(crate) mod judged; // what each of them must be told
    pub(crate) mod run; // starts this binary as that suite
}

#[global_allocator]
static MEMORY: Memory = harness::memory();

fn main() -> ExitCode {
    if suite::bad::sleeps() {
        return ExitCode::SUCCESS;
    }
    if std::env::var_os(suite::run::AS_SUITE).is_some() {
        return harness::main("0", suite::bad::TESTS, &MEMORY);
    }
    let cases = suite::judged::CASES.iter().chain(suite::asked::CASES);
    let trials = cases.map(|&(name, case)| {
        Trial::test(name, move || {
            case();
            Ok(())
        })
    });
    libtest_mimic::run(&Arguments::from_args(), trials.collect()).exit_code()
}
