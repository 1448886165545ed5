//! Step 7: when the disk fails, and when it is full.
//!
//! ```text
//!   sync fails ------> an error; after it nothing is written, and nothing synced again
//!   half is taken ---> the other half is written, too
//!   full ------------> no byte was written; the log can be read, and takes batches that make room
//! ```

use crate::storage::kit::words::{
    G1, G7, at, differs, entry, found, must, open, short, shown, small,
};
use crate::storage::rule;
use harness::{Check, Failure, Table, Verdict, current};
use std::io;
use std::sync::Mutex;
use storage::{Batch, Disk, DiskFile, Error, Fault, Index, Log, Mapped, SimDisk};
use testbed::engine::history::{History, LogCall};
use testbed::engine::model::BatchChange;

/// Writes an outcome: done, or which kind of error.
fn kind<T>(outcome: &storage::Result<T>) -> &'static str {
    match outcome {
        Ok(_) => "done",
        Err(Error::Io { .. }) => "an I/O error",
        Err(Error::Poisoned { .. }) => "the log refuses writes",
        Err(Error::NoSpace { .. }) => "no space",
        Err(_) => "another error",
    }
}

/// A sync that fails may have lost its bytes. No later call may report them durable.
pub(super) fn fsync_failure_is_fatal(_: &mut Check) -> Verdict {
    let disk = SimDisk::new(1);
    let log = found(rule("a_failed_sync_is_final"), &disk, small())?;
    let lsn = must(
        rule("a_failed_sync_is_final"),
        "a batch",
        "Log::append",
        log.append(Batch::new().entries(G7, &[short(1, 1)])),
    )?;
    disk.plan(disk.operations() + 1, Fault::Fails);
    let outcome = log.sync_to(lsn);
    let mut table = Table::new(rule("a_failed_sync_is_final"), "a sync fails, and then");
    table.reads("it returns", "an I/O error", kind(&outcome), "Log::note");
    let after = disk.operations();
    let again = log.sync_to(lsn);
    table.reads("the same sync, again", "the log refuses writes", kind(&again), "Log::note");
    let durable = log.durable_lsn().to_string();
    table.reads("durable is", "0", &durable, "Log::note");
    let append = log.append(Batch::new().put(G1, b"k", b"v"));
    table.reads("another batch", "the log refuses writes", kind(&append), "Log::check_health");
    let maintain = log.maintain();
    table.reads(
        "a spare is prepared",
        "the log refuses writes",
        kind(&maintain),
        "Log::check_health",
    );
    let held = log.entry(G7, Index(1));
    table.reads("the batch is read", "done", kind(&held), "Log::entry");
    let tried = format!("{} operations", disk.operations() - after);
    table.reads("the disk did", "0 operations", &tried, "Log::check_health");
    let synced = format!("{} syncs", disk.syncs_after_failure());
    table.reads("the file was synced again", "0 syncs", &synced, "Log::note");
    let close = log.close();
    table.reads("the log is closed", "the log refuses writes", kind(&close), "Log::check_health");
    table.verdict()
}

/// Batches that fill two segments, with a few syncs.
fn filling() -> History {
    let actions = (0..8).flat_map(|n| {
        let append = LogCall::append([BatchChange::entries(G7, vec![entry(n + 1, 1, 800)])]);
        let then = if n % 2 == 0 { LogCall::Sync } else { LogCall::Maintain };
        [append, then]
    });
    History::new(actions.collect())
}

/// Returns how many operations a history takes, and how many of them are the opening's.
fn operations(history: &History) -> Result<(u64, u64), Box<Failure>> {
    let disk = SimDisk::new(1);
    let log = found(rule("nothing_after_the_first_failure"), &disk, small())?;
    let opening = disk.operations();
    match history.run_on(&disk, &log).error {
        Some(error) => {
            must(rule("nothing_after_the_first_failure"), "a batch", "Log::append", Err(error))
        }
        None => Ok((opening, disk.operations())),
    }
}

/// After the first failure nothing is written, and every caller gets that failure.
pub(super) fn first_failure_is_the_last(_: &mut Check) -> Verdict {
    let history = filling();
    let (opening, all) = operations(&history)?;
    for operation in opening + 1..=all {
        let disk = SimDisk::new(1);
        let log = found(rule("nothing_after_the_first_failure"), &disk, small())?;
        disk.plan(operation, Fault::Fails);
        current::doing_within(format!("operation {operation} fails"), &["Log::note"]);
        let reached = history.run_on(&disk, &log);
        let fails = format!("operation {operation} of the disk fails");
        let Some(first) = reached.error else {
            let because = format!("{fails}, and no call returns an error");
            return differs(rule("nothing_after_the_first_failure"), because, "", "", "Log::note")
                .fail();
        };
        let refuses = format!("the log refuses writes after this failure: {first}");
        let after = disk.operations();
        let last = log.last_index(G7).unwrap_or_default();
        let next = entry(last.0 + 1, 1, 10);
        let mut again = [
            ("a batch is appended", log.append(Batch::new().entries(G7, &[next])).map(|_| ())),
            ("a spare is prepared", log.maintain()),
            ("and once more", log.append(Batch::new().put(G1, b"k", b"v")).map(|_| ())),
        ];
        for (what, outcome) in &mut again {
            let holds = match outcome {
                Err(Error::Poisoned { first: said }) => said.to_string() == first.to_string(),
                Ok(()) | Err(_) => false,
            };
            if !holds {
                let (got, within) = match outcome {
                    Ok(()) => ("it is done".to_owned(), ["Log::check_health", "Log::note"]),
                    Err(error) => (error.to_string(), ["Log::note", "Log::check_health"]),
                };
                let because = format!("{fails}; then {what}");
                let within = [within[0], within[1], "give_up"];
                return differs(rule("nothing_after_the_first_failure"), because, refuses, got, "")
                    .one_of(&within)
                    .fail();
            }
        }
        let (durable, appended) = (log.durable_lsn(), log.appended_lsn());
        if durable < appended && log.sync_to(appended).is_ok() {
            let because = format!("{fails}; then LSN {appended} is synced, durable was {durable}");
            return differs(
                rule("nothing_after_the_first_failure"),
                because,
                refuses,
                "it is done",
                "Log::note",
            )
            .fail();
        }
        if disk.operations() != after {
            let because = format!("{fails}, and the disk gets more operations");
            let got = format!("{} operations", disk.operations() - after);
            return differs(
                rule("nothing_after_the_first_failure"),
                because,
                "0 operations",
                got,
                "Log::check_health",
            )
            .fail();
        }
    }
    Ok(())
}

const ALL: &str = "DiskFile::write_all_at";

/// A disk may take less than it is given, and it may be full. Neither loses a byte of the log.
pub(super) fn short_write_enospc(_: &mut Check) -> Verdict {
    let history = filling();
    let (_, all) = operations(&history)?;
    for operation in 1..=all {
        let disk = SimDisk::new(1);
        disk.plan(operation, Fault::Short);
        current::doing_within(format!("operation {operation} is short"), &[ALL]);
        let because = format!("in operation {operation} the disk takes half of what it is given");
        let fails = |expected: &str, got: String| {
            differs(rule("a_write_is_whole"), &because, expected, got, ALL).fail()
        };
        let opening = || Log::open_on(disk.clone(), small());
        let log = match opening().map(drop).and_then(|()| opening()) {
            Ok(log) => log,
            Err(error) => return fails("the log opens", error.to_string()),
        };
        if let Some(error) = history.run_on(&disk, &log).error {
            return fails("all is written", error.to_string());
        }
        drop(log);
        let again = Log::open_on(disk.after_kill(), small());
        let seen = again.map_or_else(|error| error.to_string(), |log| shown(&log));
        let want = history.end().to_string();
        if seen != want {
            return fails(&want, seen);
        }
    }
    taken_in_parts()?;
    full_disk()
}

/// What a file does with a write.
#[derive(Clone, Copy)]
enum Takes {
    /// It takes this many bytes, or all if there are fewer.
    Bytes(usize),
    /// A signal interrupts it before it has taken any.
    Interrupted,
}

/// A file that takes what its list says: one write after the other, and the last of them for ever.
struct TakingFile {
    takes: Vec<Takes>,
    written: Mutex<(usize, Vec<u8>)>,
}

/// After how many writes a file gives up.
const WRITES_MAX: usize = 100;

impl DiskFile for TakingFile {
    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<usize> {
        let mut written = self.written.lock().expect("no thread panics while it holds this lock");
        let (writes, content) = &mut *written;
        *writes += 1;
        if *writes > WRITES_MAX {
            return Err(io::Error::other("too many writes"));
        }
        let takes = self.takes[(*writes).min(self.takes.len()) - 1];
        let Takes::Bytes(taken) = takes else { return Err(io::ErrorKind::Interrupted.into()) };
        let (from, taken) = (offset as usize, taken.min(bytes.len()));
        content.resize(content.len().max(from + taken), b'.');
        content[from..from + taken].copy_from_slice(&bytes[..taken]);
        Ok(taken)
    }

    fn sync_data(&self) -> io::Result<()> {
        Ok(())
    }

    fn map(&self) -> io::Result<Mapped> {
        Ok(Mapped::new([]))
    }

    fn map_first(&self, _: u64) -> io::Result<Mapped> {
        self.map()
    }
}

/// However few bytes a disk takes at a time, all are written. If it takes none, that is an error.
fn taken_in_parts() -> Verdict {
    let mut table = Table::new(rule("a_write_is_whole"), "of 8 bytes at offset 2, a file takes");
    for (what, takes, must) in [
        ("all", &[Takes::Bytes(8)][..], "..abcdefgh"),
        ("one at a time", &[Takes::Bytes(1)], "..abcdefgh"),
        ("3, then the rest", &[Takes::Bytes(3), Takes::Bytes(5)], "..abcdefgh"),
        ("none: a signal; then 4 at a time", &[Takes::Interrupted, Takes::Bytes(4)], "..abcdefgh"),
        ("none, however often", &[Takes::Bytes(0)], "WriteZero, and .."),
        ("3, then none", &[Takes::Bytes(3), Takes::Bytes(0)], "WriteZero, and ..abc"),
    ] {
        let file = TakingFile { takes: takes.to_vec(), written: Mutex::default() };
        current::doing_within(format!("writing 8 bytes; the file takes {what}"), &[ALL]);
        let outcome = file.write_all_at(2, b"abcdefgh");
        let (writes, content) = file.written.into_inner().expect("no thread panics");
        let content = String::from_utf8_lossy(&content);
        let was = match outcome {
            Ok(()) => content.into_owned(),
            Err(_) if writes > WRITES_MAX => format!("asked more than {WRITES_MAX} times"),
            Err(error) => format!("{:?}, and {content}", error.kind()),
        };
        table.reads(what, must, was, ALL);
    }
    table.verdict()
}

/// A full disk is found before a byte is written.
fn full_disk() -> Verdict {
    let disk = SimDisk::new(1);
    let log = open(rule("a_full_disk_costs_nothing"), &disk, small())?;
    disk.set_free_bytes(Some(20_000));
    let mut table = Table::new(
        rule("a_full_disk_costs_nothing"),
        "the disk has no room for another segment, and",
    );
    let mut last = 0;
    let write = |index: u64| log.write(Batch::new().entries(G7, &[entry(index, 1, 300)]));
    let refused = loop {
        if last == 100 {
            break "100 are taken";
        }
        let outcome = write(last + 1);
        if outcome.is_err() {
            break kind(&outcome);
        }
        last += 1;
    };
    table.reads("a batch too many", "no space", refused, "give_up");
    let unfinished = disk.list().unwrap_or_default().iter().any(|name| name.ends_with(".tmp"));
    let left = if unfinished { "left there" } else { "gone" };
    table.reads("the segment that did not fit is", "gone", left, "give_up");
    let held = log.entries(G7, Index(1)..Index(last + 1), u64::MAX);
    let held = held.map_or_else(|e| e.to_string(), |held| format!("{} entries", held.len()));
    table.reads("all is read", format!("{last} entries"), held, "Log::find_room");
    table.reads("the batch again", "no space", kind(&write(last + 1)), "Log::note");
    let compact = || log.write(Batch::new().compact(G7, at(last - 1, 1)));
    let refused = (0..20).map(|_| compact()).find(Result::is_err);
    let was = refused.map_or("done", |refused| kind(&refused));
    table.reads("twenty batches that only remove", "done", was, "Log::find_room");
    disk.set_free_bytes(Some(20_000));
    table.reads("there is room again", "done", kind(&write(last + 1)), "Log::note");
    table.verdict()
}
