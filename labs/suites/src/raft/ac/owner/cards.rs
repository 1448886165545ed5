//! What a card shows of a node and its owner, and which functions it names.
//!
//! ```text
//!   seen: an entry is durable and committed, and no Ready holds it
//!     a Ready taken all the same holds it     --> has_committed, has_ready    nobody asked for it
//!     the node counts it as handed out        --> hand_out
//!     the node does not count it as durable   --> push_record, on_persist_record, is_current
//!     else                                    --> appliable, take_committed; with a limit applied_to
//! ```
//!
//! What is looked up here in a node, or tried with a copy of it, decides where to look: never whether a
//! test fails.

use super::super::blame::{
    APPLIED_AGAIN, BUSY, BUSY_BATCH, BUSY_EMPTY, BUSY_GATE, BUSY_PAGES, BUSY_UNSTABLE, COUNTED,
    HALTED, NEVER_DURABLE, NO_PAGE, PAUSED, SKIPPED, UNASKED, UNASKED_PAGE, UNKEPT, UNNAMED,
};
use super::super::judge::Fault;
use super::driving::READYS_MAX;
use super::{Checked, Owner, doing};
use crate::raft::kit::{Names, names_of};
use crate::raft::rule;
use harness::{Diagram, Failure, Rule, Verdict};
use raft::{ApplyGate, Entry, Index, MemoryStorage, OrderError, RawNode, Ready, ReadyNumber};
use std::fmt::Display;

// What a card shows.

impl Owner {
    /// Returns a failure that shows what happened, and names the functions to read, the likeliest first:
    /// those of the test's step, then earlier ones.
    pub(crate) fn broken(&self, rule: &Rule, within: &[&str]) -> Failure {
        let mut diagram = Diagram::new(["n3", "n2", "n1", "disk"]);
        self.rows.iter().cloned().for_each(|row| diagram.push(row));
        // What was never told of the end of a write did nothing.
        let did = |path: &&&str| self.reported || **path != "RawNode::on_persist_record";
        let first: Vec<&str> = within.iter().filter(did).copied().collect();
        let within = if first.is_empty() { within } else { &first };
        let failure = Failure::of(rule).diagram(diagram).one_of(within);
        match &self.row {
            Some((number, title)) => failure.row(*number, title),
            None => failure,
        }
    }

    /// Fails, with [`Owner::broken`], unless `got` is what is wanted.
    pub(crate) fn must_be(
        &self,
        rule: &Rule,
        within: &[&str],
        because: &str,
        want: impl Display,
        got: impl Display,
    ) -> Verdict {
        let (want, got) = (want.to_string(), got.to_string());
        if got == want {
            return Ok(());
        }
        self.broken(rule, within).because(because).expected(want).got(got).fail()
    }

    /// Lets each read of a call fail in turn, in copies of this node: the call must say so, and nothing may
    /// be ready afterwards. Returns how many reads there were.
    pub(crate) fn every_read_fails(
        &self,
        name: &str,
        within: &[&str],
        call: impl Fn(&mut RawNode<MemoryStorage>) -> Result<(), String>,
    ) -> Checked<u64> {
        for read in 0.. {
            let mut node = self.node.clone();
            node.storage_mut().fail_read(read);
            doing(format!("{name}, and read {read} of storage fails"));
            let said = call(&mut node);
            if node.storage().reads_before_failure().is_some() {
                return Ok(read);
            }
            let (because, within) = match (said, node.has_ready()) {
                (Err(_), false) => continue,
                (Err(_), true) => ("the node has halted, and has_ready is true", UNASKED),
                (Ok(()), _) => ("a read has failed, and the owner is not told", within),
            };
            let failure = self.broken(rule("after_a_failed_read_nothing"), within);
            let because = format!("{name} reads storage, read {}: {because}", read + 1);
            return Err(Box::new(failure.because(because).expected("a Halt, and then no Ready")));
        }
        Ok(0)
    }

    /// Checks that the node has a record of every write in progress, and of no other.
    pub(super) fn must_be_recorded(&self, rule_id: &'static str, within: &[&str]) -> Checked<()> {
        let writes = || self.writes.iter().map(Ready::number);
        let is_rising = writes().is_sorted_by(|one, next| one < next);
        let counts_from_one = writes().next().is_none_or(|first| first > ReadyNumber(0));
        let records = || self.node.records().map(|record| record.number());
        if is_rising && counts_from_one && records().eq(writes()) {
            return Ok(());
        }
        let list = |numbers: &mut dyn Iterator<Item = ReadyNumber>| {
            let numbers: Vec<String> = numbers.map(|number| number.to_string()).collect();
            if numbers.is_empty() { "none".to_owned() } else { numbers.join(" ") }
        };
        let (wrote, recorded) = (list(&mut writes()), list(&mut records()));
        let because = format!("in progress: Ready {wrote}; recorded: {recorded}");
        let failure = self.broken(rule(rule_id), within).because(because);
        Err(Box::new(failure.expected("a record of each, numbered 1, 2, 3, ..")))
    }

    /// Returns the failure of a node that refuses the report of a write that has ended.
    pub(super) fn refused(&self, ready: &Ready, why: &OrderError) -> Failure {
        let within = match matches!(why, OrderError::Halted(_)) {
            true => HALTED,
            false => &["RawNode::durable_by"],
        };
        let failure = self.broken(rule("a_correct_owner_is_believed"), within);
        failure.because(format!(
            "Ready {}'s write has ended, and the node refuses the report: {why}",
            ready.number()
        ))
    }

    /// Returns the failure of a node that always has something ready.
    pub(super) fn never_quiet(&self) -> Failure {
        let failure = self.broken(rule("quiet_when_all_is_done"), self.busy());
        failure
            .because(format!("{READYS_MAX} Readys were taken, and has_ready is still true"))
            .expected("after a few Readys, has_ready is false")
            .got("it stays true")
    }

    /// Makes a failure of what the judge saw.
    pub(super) fn held(&self, judged: Result<(), Fault>) -> Checked<()> {
        judged.map_err(|Fault { rule, because, within, .. }| {
            Box::new(self.broken(&rule, within).because(format!("n1: {because}")))
        })
    }

    /// Writes what a Ready holds besides its entries.
    pub(super) fn note(&self, ready: &Ready) -> String {
        let hard = ready.hard_state().map(|hard| {
            let vote = hard.vote.map_or_else(String::new, |vote| format!(" vote {vote}"));
            format!("t{}{vote} commit {}", hard.term, hard.commit)
        });
        let committed = Some(ready.committed_entries()).filter(|entries| !entries.is_empty());
        let apply = committed.map(|entries| format!("apply {}", names_of(entries)));
        hard.into_iter().chain(apply).collect::<Vec<_>>().join(", ")
    }
}

// Where to look.

impl Owner {
    /// Something came in no Ready: if a Ready that is taken all the same holds it, nobody asked for it.
    pub(crate) fn is_unasked(&self, holds: impl Fn(&Ready) -> bool) -> bool {
        !self.node.has_ready() && self.node.clone().ready().is_ok_and(|ready| holds(&ready))
    }

    /// A write has ended, and what it wrote does not count as durable.
    pub(crate) fn undurable(&self) -> Names {
        if self.names_end { NEVER_DURABLE } else { UNNAMED }
    }

    /// A write has ended, and what the node promised itself does not count.
    pub(crate) fn uncounted(&self) -> Names {
        if self.kept_promise { COUNTED } else { UNKEPT }
    }

    /// What is committed and durable is in no Ready.
    pub(crate) fn unapplied(&self) -> Names {
        let (seen, handed_out) = (self.node.status(), self.judge.applied());
        let is_limited = self.config.max_applying_bytes.is_some();
        match self.counts_as_handed_out() {
            _ if seen.stored < seen.commit => self.undurable(),
            _ if self.is_unasked(|ready| !ready.committed_entries().is_empty()) => UNASKED_PAGE,
            Some(last) if last > handed_out => SKIPPED,
            _ if is_limited && handed_out > self.config.applied => PAUSED,
            _ => NO_PAGE,
        }
    }

    /// Makes a failure of a Ready that the judge did not accept, with these committed entries.
    pub(super) fn misapplied(&self, fault: Fault, committed: &[Entry]) -> Box<Failure> {
        let end = committed.last().map(|entry| entry.id.index);
        let counted = self.counts_as_handed_out();
        let within = match () {
            () if !fault.is_about_pages => fault.within,
            () if counted.is_some() && counted != end => SKIPPED,
            () if self.judge.applied() == self.config.applied => APPLIED_AGAIN,
            () => fault.within,
        };
        let failure = self.broken(&fault.rule, within);
        Box::new(failure.because(format!("n1: {}", fault.because)))
    }

    /// Returns the last entry that the node counts as handed out to be applied, if it says so.
    fn counts_as_handed_out(&self) -> Option<Index> {
        match self.node.clone().advance_apply_to(Index::LAST) {
            Err(OrderError::AppliedNotHandedOut { handed_out, .. }) => Some(handed_out),
            Ok(()) | Err(_) => None,
        }
    }

    /// There is always something ready.
    fn busy(&self) -> Names {
        let (seen, handed_out) = (self.node.status(), self.judge.applied());
        let is_gated = self.config.apply_gate != ApplyGate::Durable;
        match () {
            () if !self.repeats.is_empty() => self.repeats,
            () if self.config.batch_append => BUSY_BATCH,
            () if handed_out > self.applied() => BUSY_PAGES,
            () if handed_out < seen.commit.min(seen.stored) => BUSY_EMPTY,
            () if is_gated || seen.commit < seen.stored => BUSY_GATE,
            () if seen.commit > seen.stored => BUSY_UNSTABLE,
            () => BUSY,
        }
    }
}
