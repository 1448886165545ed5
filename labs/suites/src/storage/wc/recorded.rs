//! A log, what was done to it, and what it shows.
//!
//! ```text
//!   stage.append(..)  stage.turn()  stage.collect()      recorded for the card
//!   stage.shows(g1)                                      after 2@1: 3@1 4@2; hs=n2
//!   stage.shows_after(stage.cut(), ..)                   the same after a power cut
//!   cut_everywhere(..)                                   the same after one at any operation
//! ```
//!
//! Garbage is an entry of a group of its own, replaced again and again. Only its last version is live, and
//! that is in the tail.

use crate::storage::kit::picture::Picture;
use crate::storage::kit::words::{Checked, differs, entry, fresh, must, names, open};
use harness::{Failure, Place, Rule, Table, Verdict, current};
use storage::{
    Batch, Collected, Doing, Error, Fault, GroupId, Index, Log, Operation, Options, SegmentId,
    SimDisk,
};
use testbed::engine::power_cut::PowerCut;

/// A third group, beside [`crate::storage::kit::words::G1`] and [`crate::storage::kit::words::G7`].
pub(super) const G3: GroupId = GroupId(3);

/// The group whose entry is the garbage.
const GARBAGE: GroupId = GroupId(99);

/// The size of a piece of garbage: three or four of them fill a small segment.
pub(super) const GARBAGE_BYTES: usize = 900;

/// A log, and what was done to it.
pub(super) struct RecordedLog {
    rule: Rule,
    options: Options,
    disk: SimDisk,
    log: Log<SimDisk>,
    told: Vec<String>,
}

/// The ways to lose power that are tried at every operation: the simple ones, and some that keep a part
/// of the names.
const WAYS: [u64; 9] = [0, 1, 2, 3, 5, 6, 7, 8, 9];

// What is done.

impl RecordedLog {
    /// Opens a log on an empty disk.
    pub(super) fn new(rule: &Rule, options: Options) -> Checked<RecordedLog> {
        RecordedLog::on(rule, options, fresh())
    }

    /// Opens a log on a disk.
    fn on(rule: &Rule, options: Options, disk: SimDisk) -> Checked<RecordedLog> {
        let log = open(rule, &disk, options.clone())?;
        Ok(RecordedLog { rule: *rule, options, disk, log, told: Vec::new() })
    }

    /// Returns the rule that the test is about.
    pub(super) fn rule(&self) -> &Rule {
        &self.rule
    }

    /// Returns the log.
    pub(super) fn log(&self) -> &Log<SimDisk> {
        &self.log
    }

    /// Returns the disk.
    pub(super) fn disk(&self) -> &SimDisk {
        &self.disk
    }

    /// Adds to the history on the card.
    pub(super) fn tell(&mut self, what: impl Into<String>) {
        let what = what.into();
        current::doing(what.clone());
        self.told.push(what);
    }

    /// Appends a batch, unsynced.
    pub(super) fn append(&mut self, what: &str, batch: &Batch) -> Checked<()> {
        self.tell(what);
        must(&self.rule, what, "Log::append", self.log.append(batch))?;
        Ok(())
    }

    /// Makes everything durable.
    pub(super) fn sync(&mut self) -> Checked<()> {
        self.tell("sync");
        let outcome = self.log.sync_to(self.log.appended_lsn());
        must(&self.rule, "a sync", "Log::sync_to", outcome)
    }

    /// Writes garbage until the tail is another segment.
    pub(super) fn turn(&mut self) -> Checked<()> {
        let tail = self.segments().pop();
        for _ in 0..32 {
            let garbage =
                self.log.append(Batch::new().entries(GARBAGE, &[entry(1, 1, GARBAGE_BYTES)]));
            must(&self.rule, "writing garbage", "Log::append", garbage)?;
            let now = self.segments().pop();
            if now != tail {
                let begun = now.as_deref().map_or("another", |name| name.trim_start_matches('0'));
                self.tell(format!("garbage, until {begun} begins"));
                return Ok(());
            }
        }
        let failure = Failure::of(&self.rule).function("Log::rotate");
        let because = "28 KiB were written, a segment has 8 KiB, and there is no second one";
        failure.because(because).fail()
    }

    /// Writes garbage over this many segments.
    pub(super) fn turns(&mut self, segments: usize) -> Checked<()> {
        (0..segments).try_for_each(|_| self.turn())
    }

    /// Collects once. A step's own functions come first on the card of one that does not end well.
    pub(super) fn collect(&mut self) -> Checked<Collected> {
        current::doing_within("collecting garbage".to_owned(), COLLECTING);
        let outcome = self.log.gc();
        let asked = outcome.as_ref().err().map_or("Log::gc", who_was_refused);
        let collected = must(&self.rule, "a collection", asked, outcome)?;
        let removed: Vec<String> = collected.removed.iter().map(ToString::to_string).collect();
        let removed = if removed.is_empty() { "nothing".to_owned() } else { removed.join(" ") };
        self.tell(match collected.moved_items {
            0 => format!("gc removes {removed}"),
            items => format!("gc copies {items} items, removes {removed}"),
        });
        self.is_gone(&collected)?;
        Ok(collected)
    }

    /// Checks that the segments that a collection names as removed are removed.
    fn is_gone(&self, collected: &Collected) -> Checked<()> {
        let there = self.segments();
        let name = |segment: &SegmentId| format!("{:08x}.log", segment.0);
        let Some(name) = collected.removed.iter().map(name).find(|name| there.contains(name))
        else {
            return Ok(());
        };
        let is_spare = self.log.stats().spare_bytes > 0;
        let read = if is_spare { "Log::make_spare" } else { "Log::remove_file" };
        let because = "gc says that it has removed a segment";
        self.differs(because, format!("no {name}"), there.join(" "), read).fail()
    }

    /// Collects until a call does nothing.
    pub(super) fn collect_all(&mut self) -> Checked<()> {
        for _ in 0..64 {
            let collected = self.collect()?;
            if collected.removed.is_empty() && collected.moved_items == 0 {
                self.told.pop();
                return Ok(());
            }
        }
        let failure = self.failure().because("64 collections, and there is still something to do");
        failure.function("Log::worth_collecting").fail()
    }
}

// What it shows.

impl RecordedLog {
    /// Lists the segments on the disk, oldest first.
    pub(super) fn segments(&self) -> Vec<String> {
        let names = storage::Disk::list(&self.disk).unwrap_or_default();
        names.into_iter().filter(|name| name.ends_with(".log")).collect()
    }

    /// Says what a group holds.
    pub(super) fn shows(&self, group: GroupId) -> String {
        shows(&self.log, group)
    }

    /// Says what each group holds in a log that is opened from this disk, or why it cannot be opened.
    pub(super) fn shows_after(&self, disk: SimDisk, groups: &[GroupId]) -> Vec<String> {
        current::doing("opening the log again".to_owned());
        match Log::open_on(disk, self.options.clone()) {
            Ok(log) => groups.iter().map(|group| shows(&log, *group)).collect(),
            Err(error) => groups.iter().map(|_| format!("cannot be opened: {error}")).collect(),
        }
    }

    /// Returns the disk after the process died.
    pub(super) fn killed(&self) -> SimDisk {
        self.disk.after_kill()
    }

    /// Returns the disk after a power cut that lost all that was not durable.
    pub(super) fn cut(&self) -> SimDisk {
        self.disk.after_power_cut(&mut PowerCut::worst())
    }

    /// Fails if a row of a table does not hold, with the history.
    pub(super) fn verdict(&self, table: Table) -> Verdict {
        table.failure().map_or(Ok(()), |failure| self.explain(failure).fail())
    }

    /// Returns the failure of a rule that broke, with the history: when, what must be, what was, and the
    /// function to read.
    pub(super) fn differs(
        &self,
        because: impl Into<String>,
        expected: impl Into<String>,
        got: impl ToString,
        function: &str,
    ) -> Failure {
        self.explain(differs(&self.rule, because, expected, got, function))
    }

    /// Returns the number of segments on the disk.
    pub(super) fn count(&self) -> u64 {
        self.segments().len() as u64
    }

    /// Returns a failure with the history.
    pub(super) fn failure(&self) -> Failure {
        self.explain(Failure::of(&self.rule))
    }

    /// Adds the history, and what happened to segments.
    pub(super) fn explain(&self, failure: Failure) -> Failure {
        let failure = lines("the history", &self.told).into_iter().fold(failure, Failure::detail);
        let gone: Vec<String> = self.disk.journal().iter().filter_map(went).collect();
        lines("the disk", &gone).into_iter().fold(failure, Failure::detail)
    }

    /// Returns the line that removed a segment last, if any.
    pub(super) fn last_gone(&self) -> Option<Place> {
        let journal = self.disk.journal();
        let gone = journal.iter().rev().find(|operation| names_gone(&operation.doing).is_some());
        gone.map(|operation| Place::from(operation.at))
    }
}

/// Returns the function whose call the log, or the disk, has refused with such an error.
fn who_was_refused(error: &Error) -> &'static str {
    if matches!(error, Error::TooLarge { .. } | Error::TooManyItems { .. } | Error::NoSpace { .. })
    {
        "Log::move_some"
    } else if matches!(error, Error::NotAppended { .. } | Error::Io { .. }) {
        "Log::remove_segment"
    } else if matches!(error, Error::Corrupt { .. }) {
        "View::bytes_to_move"
    } else {
        "Log::gc"
    }
}

/// Says what a group holds: its base, its entries, its keys.
pub(super) fn shows<L: storage::Disk>(log: &Log<L>, group: GroupId) -> String {
    let (Some(first), Some(last)) = (log.first_index(group), log.last_index(group)) else {
        return "no such group".to_owned();
    };
    let base = Index(first.0 - 1);
    let term = log.term(group, base).unwrap_or_default();
    let mut said = match base {
        Index(0) => String::new(),
        base => format!("after {base}@{term}: "),
    };
    match log.entries(group, first..last.next(), u64::MAX) {
        Ok(entries) => said.push_str(&names(&entries)),
        Err(error) => said.push_str(&format!("cannot be read: {error}")),
    }
    for (key, value) in log.scan(group, b"") {
        let (key, value) = (String::from_utf8_lossy(&key), String::from_utf8_lossy(&value));
        said.push_str(&format!(", {key}={}", value.chars().take(8).collect::<String>()));
    }
    said
}

// Power cuts at every operation.

/// Builds a log, lets `act` do something to it, and cuts power at every operation of that, in every
/// way: each group must show one of what is allowed for it.
///
/// # Errors
/// The first cut after which a group shows something else.
pub(super) fn cut_everywhere(
    build: impl Fn() -> Checked<RecordedLog>,
    act: impl Fn(&mut RecordedLog) -> Checked<()>,
    allowed: &[(GroupId, &[&str])],
) -> Checked<()> {
    let mut whole = build()?;
    let before = whole.disk.operations();
    act(&mut whole)?;
    let operations = whole.disk.operations();
    let journal = whole.disk.journal();
    for operation in before + 1..=operations {
        let mut stage = build()?;
        stage.disk.plan(operation, Fault::PowerCut);
        let told = stage.told.len();
        let ended = act(&mut stage);
        if ended.is_ok() {
            let because = format!("power was cut in operation {operation}, and no call failed");
            return stage.failure().because(because).function("Log::note").fail();
        }
        stage.told.truncate(told);
        let groups: Vec<GroupId> = allowed.iter().map(|(group, _)| *group).collect();
        for number in WAYS {
            let mut way = PowerCut::new(operation, number);
            let image = stage.disk.after_power_cut(&mut way);
            image.set_free_bytes(None); // an opening may need room, and has it
            for ((group, allowed), shown) in allowed.iter().zip(stage.shows_after(image, &groups)) {
                if allowed.contains(&shown.as_str()) {
                    continue;
                }
                let last = journal.iter().find(|done| done.number == operation);
                let last = last.map_or_else(String::new, |done| format!(", {}", doing(done)));
                stage.told.push(format!("gc; power fails in operation {operation}{last}"));
                let because = format!("power failed during a collection, and {group} is wrong");
                let failure = stage.differs(because, allowed.join(" or "), shown, "");
                let picture = Picture::of(&stage.disk, &way, Some(operation));
                let failure = failure.picture(picture.lines());
                return match picture.lost_name().or_else(|| stage.last_gone()) {
                    Some(place) => failure.your_line(place).or_one_of(REMOVED).fail(),
                    None => failure.fail(),
                };
            }
        }
    }
    Ok(())
}

/// What a student writes that a collection calls.
const COLLECTING: &[&str] = &[
    "View::pick_entries",
    "Log::move_some",
    "View::bytes_to_move",
    "Picker::pick_base",
    "Picker::pick_keys",
    "Log::worth_collecting",
    "Log::remove_segment",
    "Log::remove_file",
    "Log::make_spare",
];
/// Where to look if a segment was removed too early.
const REMOVED: &[&str] = &["Log::remove_segment", "Log::worth_collecting", "Log::make_spare"];

/// Returns the segment that an operation removes from the log, if any.
pub(super) fn names_gone(doing: &Doing) -> Option<&str> {
    let (Doing::Remove { name } | Doing::Rename { from: name, .. }) = doing else { return None };
    name.ends_with(".log").then_some(name)
}

/// Says how a segment was removed: `00000001.log removed gc.rs:174`.
fn went(operation: &Operation) -> Option<String> {
    let name = names_gone(&operation.doing)?;
    let place = Place::from(operation.at).short();
    let how = if let Doing::Rename { to, .. } = &operation.doing {
        format!("renamed to {to}")
    } else {
        "removed".to_owned()
    };
    Some(format!("{name} {how} {place}"))
}

/// Says an operation and the line that asked for it.
pub(super) fn doing(operation: &Operation) -> String {
    let place = Place::from(operation.at).short();
    let what = match &operation.doing {
        Doing::Create { name, .. } => format!("making {name}"),
        Doing::Rename { from, to, .. } => format!("renaming {from} to {to}"),
        Doing::Remove { name } => format!("removing {name}"),
        Doing::SyncNames => "syncing the directory".to_owned(),
        Doing::Write { len, .. } => format!("writing {len} bytes"),
        Doing::Sync { .. } => "syncing a file".to_owned(),
    };
    format!("{what} ({place})")
}

/// Lists several things under one heading, in as few lines as possible; the first ones are left out.
fn lines(heading: &str, said: &[String]) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for what in said {
        match lines.last_mut() {
            Some(last) if last.chars().count() + what.chars().count() < 60 => {
                last.push_str(&format!("; {what}"));
            }
            Some(_) | None => lines.push(what.clone()),
        }
    }
    let skipped = lines.len().saturating_sub(3);
    let shown = lines.into_iter().skip(skipped).enumerate();
    shown
        .map(|(number, line)| match (number, skipped) {
            (0, 0) => format!("{heading:12}{line}"),
            (0, _) => format!("{heading:12}.. {line}"),
            (_, _) => format!("{:12}{line}", "and then"),
        })
        .collect()
}
