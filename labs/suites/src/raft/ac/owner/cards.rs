//! What a card shows of a node and its owner, and which functions it names.

use super::super::judge::Fault;
use super::driving::READYS_MAX;
use super::{Checked, Owner, doing};
use crate::raft::kit::names_of;
use crate::raft::rule;
use harness::{Diagram, Failure, Rule, Verdict};
use raft::{MemoryStorage, RawNode, Ready};
use std::fmt::Display;

impl Owner {
    /// Returns a failure that shows what happened, and names the functions to read, the likeliest first:
    /// those of the test's step, then earlier ones.
    pub(crate) fn broken(&self, rule: &Rule, within: &[&str]) -> Failure {
        let mut diagram = Diagram::new(["n3", "n2", "n1", "disk"]);
        self.rows.iter().cloned().for_each(|row| diagram.push(row));
        // What was never told of the end of a write did nothing.
        let told_of_writes = ["RawNode::on_persist_record", "RawNode::push_record"];
        let did = |path: &&&str| self.reported || !told_of_writes.contains(*path);
        let within: Vec<&str> = within.iter().filter(did).copied().collect();
        let failure = Failure::of(rule).diagram(diagram).one_of(&within);
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
    /// be ready afterwards.
    pub(crate) fn every_read_fails(
        &self,
        name: &str,
        within: &[&str],
        call: impl Fn(&mut RawNode<MemoryStorage>) -> Result<(), String>,
    ) -> Verdict {
        for read in 0.. {
            let mut node = self.node.clone();
            node.storage_mut().fail_read(read);
            doing(format!("{name}, and read {read} of storage fails"));
            let said = call(&mut node);
            if node.storage().reads_before_failure().is_some() {
                break;
            }
            let because = match (said, node.has_ready()) {
                (Err(_), false) => continue,
                (Err(_), true) => "the node has halted, and has_ready is true",
                (Ok(()), _) => "a read has failed, and the owner is not told",
            };
            let failure = self.broken(rule("after_a_failed_read_nothing"), within);
            let because = format!("{name} reads storage, read {}: {because}", read + 1);
            return failure.because(because).expected("a Halt, and then no Ready").fail();
        }
        Ok(())
    }

    /// Returns the failure of a node that refuses the report of a write that has ended.
    pub(super) fn refused(&self, ready: &Ready, why: &str) -> Failure {
        let within = &["RawNode::durable_by", "RawNode::push_record"];
        let failure = self.broken(rule("a_correct_owner_is_believed"), within);
        failure.because(format!(
            "Ready {}'s write has ended, and the node refuses the report: {why}",
            ready.number()
        ))
    }

    /// Returns the failure of a node that always has something ready.
    pub(super) fn never_quiet(&self) -> Failure {
        let failure = self.broken(rule("quiet_when_all_is_done"), self.busy);
        failure
            .because(format!("{READYS_MAX} Readys were taken, and has_ready is still true"))
            .expected("after a few Readys, has_ready is false")
            .got("it stays true")
    }

    /// Makes a failure of what the judge saw.
    pub(super) fn held(&self, judged: Result<(), Fault>) -> Checked<()> {
        judged.map_err(|Fault { rule, because, within }| {
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
