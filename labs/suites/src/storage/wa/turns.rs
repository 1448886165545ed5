//! Step 8: group commit, in every order in which four writers can come.
//!
//! ```text
//!   t1   append ---- ask: lead ---- the sync runs ---- it ends ---- ask: durable
//!   t2        append ------ ask: wait ........................ ask: lead ..
//!                                 ^ between any two of these, any other writer may take its next step
//! ```
//!
//! The test steps the state machine: no thread, no clock. It plays a disk that knows which batches a sync
//! covers: those appended before it began. The search is breadth first: no shorter run than the one on
//! the card breaks the rule.

use crate::storage::kit::words::differs;
use crate::storage::rule;
use harness::{Check, Failure, Rule, Verdict, current, text};
use std::collections::{BTreeSet, VecDeque};
use storage::{GroupCommit, Lsn, SyncRole};

/// How many writers there are. Each writes once.
const WRITERS: usize = 4;

/// Where a writer is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Writer {
    /// It has not come yet.
    Away,
    /// Its batch is appended, and it asks what to do.
    Asks { lsn: u64 },
    /// It was told to wait. The end of a sync wakes it.
    Waits { lsn: u64 },
    /// It syncs, for all up to `through`. The disk knows what the sync covers.
    Syncs { lsn: u64, through: u64, covers: u64 },
    /// It was told that its batch is durable, or that the disk has failed.
    Gone,
}

/// What happens next.
#[derive(Clone, Copy, Debug)]
enum Turn {
    Append(usize),
    Ask(usize),
    SyncEnds(usize),
    SyncFails(usize),
}

/// Everything: the state machine, the writers, and the disk.
#[derive(Clone)]
struct CommitState {
    commit: GroupCommit,
    writers: [Writer; WRITERS],
    appended: u64,
    /// What really is on the disk.
    platter: u64,
    has_failed: bool,
}

/// What happened, for the card.
type Steps = Vec<String>;

/// What is wrong: the rule, when it broke, what was expected, and the function to read.
type WrongAnswer = (&'static Rule, String, String, &'static str);

impl CommitState {
    fn new() -> CommitState {
        let commit = GroupCommit::after(Lsn(0));
        let writers = [Writer::Away; WRITERS];
        CommitState { commit, writers, appended: 0, platter: 0, has_failed: false }
    }

    /// Returns what distinguishes one state from another. The state machine prints itself.
    fn print(&self) -> String {
        let CommitState { commit, writers, appended, platter, has_failed } = self;
        format!("{commit:?} {writers:?} {appended} {platter} {has_failed}")
    }

    /// Lists what can happen.
    fn turns(&self) -> Vec<Turn> {
        let mut turns = Vec::new();
        let mut has_newcomer = false;
        for (number, writer) in self.writers.iter().enumerate() {
            match writer {
                // Writers are equal: the first of those that have not come yet comes.
                Writer::Away if !has_newcomer => {
                    has_newcomer = true;
                    turns.push(Turn::Append(number));
                }
                Writer::Away | Writer::Waits { .. } | Writer::Gone => {}
                Writer::Asks { .. } => turns.push(Turn::Ask(number)),
                Writer::Syncs { .. } => {
                    turns.push(Turn::SyncEnds(number));
                    if !self.has_failed {
                        turns.push(Turn::SyncFails(number));
                    }
                }
            }
        }
        turns
    }

    /// Takes a step, and tells it.
    fn take(&mut self, turn: Turn, told: &mut Steps) -> Verdict {
        match turn {
            Turn::Append(number) => {
                self.appended += 1;
                self.commit.append(Lsn(self.appended));
                self.writers[number] = Writer::Asks { lsn: self.appended };
                told.push(format!("t{} appends {}", number + 1, self.appended));
                Ok(())
            }
            Turn::Ask(number) => self.ask(number, told),
            Turn::SyncEnds(number) => self.sync_ends(number, told),
            Turn::SyncFails(number) => {
                told.push(format!("t{}'s sync fails", number + 1));
                self.has_failed = true;
                self.commit.finish_failed();
                self.writers[number] = Writer::Gone;
                self.wake();
                self.check_marks(told)
            }
        }
    }

    /// A writer asks what to do.
    fn ask(&mut self, number: usize, told: &mut Steps) -> Verdict {
        let Writer::Asks { lsn } = self.writers[number] else { return Ok(()) };
        let role = self.commit.ask(Lsn(lsn));
        let name = format!("t{}", number + 1);
        told.push(format!("{name} asks {lsn}: {}", say(role)));
        if let Some((rule, because, expected, function)) = self.is_wrong(role, lsn, &name) {
            let got = match role {
                SyncRole::Durable => format!("the disk holds what is up to {}", self.platter),
                SyncRole::Wait | SyncRole::Lead { .. } | SyncRole::Broken => say(role),
            };
            return broken(rule, because, expected, got, function, told);
        }
        self.writers[number] = match role {
            SyncRole::Durable | SyncRole::Broken => Writer::Gone,
            SyncRole::Wait => Writer::Waits { lsn },
            SyncRole::Lead { through } => {
                Writer::Syncs { lsn, through: through.0, covers: self.appended }
            }
        };
        Ok(())
    }

    /// Returns what is wrong with an answer, if anything is: the rule, when it broke, what was expected, and
    /// the function to read first.
    fn is_wrong(&self, role: SyncRole, lsn: u64, name: &str) -> Option<WrongAnswer> {
        let syncing = self.writers.iter().position(|it| matches!(it, Writer::Syncs { .. }));
        let wrong = |rule, because: String, expected: String, function| {
            Some((rule, because, expected, function))
        };
        match (role, syncing) {
            (SyncRole::Durable, _) if lsn > self.platter => {
                let because = format!("{name} is told that {lsn} is durable");
                wrong(
                    rule("acknowledged_is_synced"),
                    because,
                    format!("told so once the disk holds {lsn}"),
                    ASK,
                )
            }
            (SyncRole::Wait, None) => {
                let because = format!("{name} is told to wait, and no sync is running");
                let (must_be, function) =
                    if self.has_failed { ("give up", FAILED) } else { ("lead", ASK) };
                wrong(rule("nobody_waits_in_vain"), because, must_be.to_owned(), function)
            }
            (SyncRole::Lead { .. }, _) if self.has_failed => {
                let because = format!("a sync has failed, and {name} is told to sync again");
                wrong(rule("after_a_failure_nobody_syncs"), because, "give up".to_owned(), FAILED)
            }
            (SyncRole::Lead { .. }, Some(other)) => {
                let because = format!("t{} is syncing, and {name} is told to sync too", other + 1);
                wrong(rule("one_sync_for_all_that_wait"), because, "wait".to_owned(), ASK)
            }
            (SyncRole::Lead { through }, None) if !(lsn..=self.appended).contains(&through.0) => {
                let because = format!("{name} wants {lsn} to be durable");
                let must_be = format!("lead through {lsn}, up to {}", self.appended);
                wrong(rule("acknowledged_is_synced"), because, must_be, ASK)
            }
            (SyncRole::Broken, _) if !self.has_failed => {
                let because = format!("{name} is told to give up, and nothing has failed");
                wrong(rule("nobody_waits_in_vain"), because, "lead, or wait".to_owned(), ASK)
            }
            (SyncRole::Durable | SyncRole::Wait | SyncRole::Lead { .. } | SyncRole::Broken, _) => {
                None
            }
        }
    }

    /// A sync returns: what was appended before it began is on the disk.
    fn sync_ends(&mut self, number: usize, told: &mut Steps) -> Verdict {
        let Writer::Syncs { lsn, through, covers } = self.writers[number] else { return Ok(()) };
        told.push(format!("t{}'s sync returns", number + 1));
        if !self.has_failed {
            self.platter = self.platter.max(covers);
        }
        self.commit.finish(Lsn(through));
        self.writers[number] = Writer::Asks { lsn };
        self.wake();
        self.check_marks(told)
    }

    /// Wakes all waiting writers: they ask again.
    fn wake(&mut self) {
        for writer in &mut self.writers {
            if let Writer::Waits { lsn } = *writer {
                *writer = Writer::Asks { lsn };
            }
        }
    }

    /// What the log says of itself must be true as well.
    fn check_marks(&self, told: &Steps) -> Verdict {
        let (durable, appended) = (self.commit.durable().0, self.commit.appended().0);
        let function = if self.has_failed { FAILED } else { FINISH };
        if durable > self.platter {
            let because = format!("the log says that everything up to {durable} is durable");
            let [expected, got] = [self.platter, durable].map(|lsn| format!("durable up to {lsn}"));
            return broken(rule("acknowledged_is_synced"), because, expected, got, function, told);
        }
        if appended != self.appended {
            let because = format!("{} batches were appended", self.appended);
            let (expected, got) = (self.appended.to_string(), appended.to_string());
            return broken(rule("acknowledged_is_synced"), because, expected, got, function, told);
        }
        Ok(())
    }
}

/// Writes the answer that a writer gets.
fn say(role: SyncRole) -> String {
    match role {
        SyncRole::Durable => "durable".to_owned(),
        SyncRole::Wait => "wait".to_owned(),
        SyncRole::Lead { through } => format!("lead through {through}"),
        SyncRole::Broken => "give up".to_owned(),
    }
}

const ASK: &str = "GroupCommit::ask";
const FINISH: &str = "GroupCommit::finish";
const FAILED: &str = "GroupCommit::finish_failed";

/// Fails, with what happened so far. `function` is the likeliest to be wrong; all three share what is known.
fn broken(
    rule: &Rule,
    because: impl Into<String>,
    expected: impl Into<String>,
    got: impl Into<String>,
    function: &str,
    told: &Steps,
) -> Verdict {
    let within = &[function, ASK, FINISH, FAILED];
    let failure = differs(rule, because, expected, got.into(), "").one_of(within);
    let tell = |failure: Failure, (number, line): (usize, &String)| {
        failure.detail(format!("{number:>2}  {line}"))
    };
    // A card has room for eight lines of it; the last ones matter most.
    (1..).zip(told).skip(told.len().saturating_sub(8)).fold(failure, tell).fail()
}

/// Walks every order, breadth first.
pub(super) fn every_order(_: &mut Check) -> Verdict {
    let mut seen = BTreeSet::from([CommitState::new().print()]);
    let mut waiting = VecDeque::from([(CommitState::new(), Steps::new())]);
    let mut all_told = 0_u64;
    while let Some((state, told)) = waiting.pop_front() {
        if state.writers.iter().all(|writer| *writer == Writer::Gone) && !state.has_failed {
            all_told += 1;
        }
        for turn in state.turns() {
            let (mut next, mut told) = (state.clone(), told.clone());
            current::doing(format!("after {}: the next turn", told.join(", ")));
            next.take(turn, &mut told)?;
            if seen.insert(next.print()) {
                waiting.push_back((next, told));
            }
        }
    }
    if all_told > 0 {
        return Ok(());
    }
    let because = "in no order do all four writers learn that their batches are durable";
    broken(rule("nobody_waits_in_vain"), because, "all are, in some", "none", ASK, &Steps::new())
}

/// Eight writers come while a sync is running: one more sync, for all of them.
pub(super) fn shared_sync() -> Verdict {
    let mut commit = GroupCommit::after(Lsn(0));
    let mut told = Steps::new();
    commit.append(Lsn(1));
    let mut leads = ask_all(&mut commit, 1, 1, &mut told);
    for lsn in 2..=9 {
        commit.append(Lsn(lsn));
    }
    leads.extend(ask_all(&mut commit, 2, 9, &mut told));
    for _ in 0..20 {
        if leads.is_empty() {
            break;
        }
        let through = leads.remove(0);
        commit.finish(through);
        told.push(format!("the sync through {through} returns"));
        leads.extend(ask_all(&mut commit, 1, 9, &mut told));
    }
    let syncs = told.iter().filter(|line| line.contains("returns")).count();
    let (counted, durable) = (commit.syncs(), commit.durable());
    if (syncs, counted, durable) == (2, 2, Lsn(9)) {
        return Ok(());
    }
    let because = "1 is being synced when 2 to 9 are appended, and all nine want to be durable";
    let expected = "2 syncs, durable up to 9";
    let got = format!(
        "{}, {counted} of them counted, durable up to {durable}",
        text::counted(syncs as u64, "sync")
    );
    // With fewer syncs, a writer was told that its batch is durable although no sync covers it.
    let (rule, function) = match syncs < 2 && durable > Lsn(1) {
        true => (rule("acknowledged_is_synced"), FINISH),
        false if counted != syncs as u64 => (rule("one_sync_for_all_that_wait"), FINISH),
        false => (rule("one_sync_for_all_that_wait"), ASK),
    };
    broken(rule, because, expected, got, function, &told)
}

/// Lets every writer ask that has no final answer yet; returns what leaders lead through.
fn ask_all(commit: &mut GroupCommit, first: u64, last: u64, told: &mut Steps) -> Vec<Lsn> {
    let mut leads = Vec::new();
    let mut said: Vec<String> = Vec::new();
    for lsn in first..=last {
        let role = commit.ask(Lsn(lsn));
        if let SyncRole::Lead { through } = role {
            leads.push(through);
        }
        if !said.contains(&say(role)) {
            said.push(say(role));
        }
    }
    let who = match (first, last) {
        (first, last) if first == last => format!("{first} asks"),
        (first, last) => format!("{first} to {last} ask"),
    };
    told.push(format!("{who}: {}", said.join(", ")));
    leads
}
