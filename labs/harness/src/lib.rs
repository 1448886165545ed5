//! Lab tests: how they are written, kept apart, and reported.
//!
//! ```text
//!   a test --Failure--> card --> report line
//!      |                            ^
//!      `-- panic, loop, exit, ... --'   each in a worker process of its own
//! ```
//!
//! # How to write a lab test
//!
//! A suite is one file, `tests/lab_2aa.rs`, with `harness = false`:
//!
//! ```ignore
//! use harness::{Check, Failure, Memory, Rules, Table, Test, Verdict};
//!
//! #[global_allocator]
//! static MEMORY: Memory = harness::memory();
//!
//! const TESTS: &[Test] = &[
//!     Test::new(1, "aa_quorum_sizes", quorum_sizes),
//!     Test::simulation(8, "aa_sim_election_safety", sim_election_safety),
//! ];
//!
//! fn main() -> std::process::ExitCode {
//!     harness::main("2aa", TESTS, &MEMORY)
//! }
//!
//! static RULES: Rules = Rules::new(&[include_str!("../../catalog/2aa.toml")]);
//!
//! fn quorum_sizes(_: &mut Check) -> Verdict {
//!     let mut table = Table::new(RULES.get("quorum_is_more_than_half"), "cluster");
//!     for (size, needed) in [(1, 1), (3, 2), (4, 3)] {
//!         table.equal(format!("{size} nodes"), needed, majority(size).needed());
//!     }
//!     table.verdict()
//! }
//! ```
//!
//! A scenario fails with one [`Failure`]: `Failure::of(rule).because("n1 voted for n2 and then for
//! n3, both in term 1").expected(..).got(..).diagram(..).your_line(..).fail()`. A simulation runs
//! [`Check::sweep`]: one closure runs a seed, another explains the first failure (shrinks, draws).
//!
//! * Name a line only where it decided, or else at most three functions: [`Failure::one_of`].
//! * Return a failure; do not `assert!`. A panic counts as the student's mistake.
//! * A test is a function of code and seed: no clock, no thread, no sleep, no file.
//! * Call [`Check::doing`] before a call that may not return in a student's code.
//! * Numbers and names in a card are domain values: `n1`, `term 2`, `tick 13`.

mod card; // a failure as a card
mod coverage; // whether a sweep showed anything
pub mod current; // what the running test is doing
mod diagram; // a sequence diagram
mod failure; // what a test says when a rule is broken
mod holes; // the functions that students write
mod options; // the command line
mod page; // a card as a page, where no run was recorded
pub mod panics; // the first panic, and what it means
mod place; // a line of source
mod report; // a line of the report
mod rules; // the rules that cards name
mod suite; // main
mod supervisor; // the suite's side of a worker
mod table; // one rule, many rows
mod test; // a lab test, and what it gets
pub mod text; // plain text of a known width
pub mod told; // stories that a test records
mod verdict; // from a test's end to a report line
mod wire; // how a worker reports
mod worker; // one process, one test

pub use card::{COLUMNS_MAX, LINES_MAX};
pub use coverage::Coverage;
pub use diagram::{Diagram, Row};
pub use failure::{Failure, RecordedRun, Rule, Verdict};
pub use options::QUICK_SEEDS;
pub use place::{FoundFunction, Place, function_at, function_named};
pub use report::{Outcome, Report};
pub use rules::Rules;
pub use suite::main;
pub use table::{Case, Table};
pub use test::{Check, Test};

/// The global allocator of a suite: the system's, with a cap that workers lower.
pub type Memory = cap::Cap<std::alloc::System>;

/// Returns an allocator without a limit, for the suite's `#[global_allocator]`.
pub const fn memory() -> Memory {
    Memory::new(std::alloc::System, usize::MAX)
}
