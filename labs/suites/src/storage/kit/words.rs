//! What the tests write to a log, and how they write what it holds.
//!
//! ```text
//!   run(5, &[2, 2, 3])                    5@2 6@2 7@3; the bytes of each are its id
//!   open(&RULE, &fresh(), small())        a log on a disk that records which line asked
//!   must(&RULE, call, function, outcome)  an error of a correct call becomes a card
//! ```
//!
//! A panic needs no help here: the worker makes a card of every panic.

pub(crate) use crate::Checked;
use harness::{Failure, Rule, current, panics};
use std::panic::AssertUnwindSafe;
use storage::{Batch, Error, GroupId, Log, Options, SimDisk};
pub(crate) use testbed::engine::entries::{at, entry, names, run, short, small};
use testbed::engine::model::Model;

/// A group.
pub(crate) const G1: GroupId = GroupId(1);
/// A group that is not the first.
pub(crate) const G7: GroupId = GroupId(7);
/// A group with a number that needs all its bytes.
pub(crate) const G9: GroupId = GroupId(0x0908_0706_0504_0302);

/// Returns a batch that was filled so.
pub(crate) fn batch(fill: impl FnOnce(&mut Batch) -> &mut Batch) -> Batch {
    let mut batch = Batch::new();
    fill(&mut batch);
    batch
}

/// Returns the card of a rule that broke: when, what must be, what was, and the function to read; none, if
/// `function` is empty.
pub(crate) fn differs(
    rule: &Rule,
    because: impl Into<String>,
    expected: impl Into<String>,
    got: impl ToString,
    function: &str,
) -> Failure {
    let within: &[&str] = if function.is_empty() { &[] } else { &[function] };
    Failure::of(rule).because(because).expected(expected).got(got.to_string()).one_of(within)
}

/// Says which error it is: `refused: Gap`.
pub(crate) fn refusal(error: &Error) -> String {
    let said = format!("{error:?}");
    let kind = said.split([' ', '(', '{']).next().unwrap_or_default();
    format!("refused: {kind}")
}

/// Says what a log shows, or in what it contradicts itself.
pub(crate) fn shown(log: &Log<SimDisk>) -> String {
    Model::read(log).map_or_else(|odd| odd, |model| model.to_string())
}

/// Returns an empty disk that records every operation, and the line that asked for it.
pub(crate) fn fresh() -> SimDisk {
    let disk = SimDisk::new(1);
    disk.remember();
    disk
}

/// Opens a log.
///
/// # Errors
/// A card of `rule`, if opening it is refused.
pub(crate) fn open(rule: &Rule, disk: &SimDisk, options: Options) -> Checked<Log<SimDisk>> {
    current::doing("opening the log".to_owned());
    must(rule, "opening the log", "Log::open_on", Log::open_on(disk.clone(), options))
}

/// Opens a log that another process has left, with its contents. That calls these functions of a
/// student, the likeliest to be wrong first.
///
/// # Errors
/// A card of `rule`, if opening it is refused.
pub(crate) fn reopen(
    rule: &Rule,
    disk: &SimDisk,
    what: &str,
    functions: &[&str],
) -> Checked<Log<SimDisk>> {
    current::doing_within(what.to_owned(), functions);
    let within = if functions.is_empty() { &["Log::open_on"] } else { functions };
    must_in(rule, what, within, Log::open_on(disk.clone(), small()))
}

/// Opens a log that another process has left empty: recovery runs at once.
///
/// # Errors
/// A card of `rule`, if opening it is refused.
pub(crate) fn found(rule: &Rule, disk: &SimDisk, options: Options) -> Checked<Log<SimDisk>> {
    drop(open(rule, disk, options.clone())?);
    open(rule, disk, options)
}

/// Makes a call, and returns the message if it panics. The called object must not be used any more: its
/// locks are poisoned. The worker still notices a hole that is not written.
///
/// # Errors
/// What the panic said.
pub(crate) fn caught<T>(call: impl FnOnce() -> T) -> Result<T, String> {
    std::panic::catch_unwind(AssertUnwindSafe(call)).map_err(|said| panics::message(&*said))
}

/// Returns the result of a call that must succeed.
///
/// # Errors
/// A card of `rule`, if it failed: with the call, the engine's error, and the function to read.
pub(crate) fn must<T>(
    rule: &Rule,
    call: &str,
    function: &str,
    outcome: storage::Result<T>,
) -> Checked<T> {
    must_in(rule, call, &[function], outcome)
}

/// The same, where one of several functions decides, the likeliest first.
///
/// # Errors
/// As [`must`].
pub(crate) fn must_in<T>(
    rule: &Rule,
    call: &str,
    within: &[&str],
    outcome: storage::Result<T>,
) -> Checked<T> {
    outcome.map_err(|error| {
        let because = format!("{call} is refused, although it is correct");
        let failure = Failure::of(rule).because(because).one_of(within);
        Box::new(failure.expected("no error").got(error.to_string()))
    })
}
