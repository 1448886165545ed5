//! What a test can see of logs: what disks hold, what leaders send, what followers answer, what a client
//! learns.
//!
//! ```text
//!   log(n1)              1@1 2@1 3@2      on its disk, once what waits is written
//!   commit(n1)           2                the same
//!   appends(n1, n2)      prev 2@1 [3@2] commit 2
//! ```

use super::Stage;
use crate::raft::kit::blame::NOT_LEADING;
use crate::raft::kit::words::{N1, Said};
use bytes::Bytes;
use harness::{Rule, Verdict};
use raft::{
    AppendOutcome, Body, Entry, EntryId, Event, Index, MemoryStorage, NodeId, Payload, Purpose,
    Storage, Term,
};
use testbed::{Input, Setup};

/// What one append carries.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Append {
    pub(crate) term: Option<Term>,
    pub(crate) prev: EntryId,
    pub(crate) entries: Vec<Entry>,
}

/// Writes a log as the paper's figures do, by the terms of its entries: `1 1 2`.
pub(crate) fn terms_of(log: &[Entry]) -> String {
    said(log.iter().map(|entry| entry.id.term.to_string()))
}

/// Writes ids: `1@1 2@1`.
pub(crate) fn names_of(log: &[Entry]) -> String {
    said(log.iter().map(|entry| entry.id.to_string()))
}

/// Writes the commands of entries that have one: `a b`.
pub(crate) fn commands_of(log: &[Entry]) -> String {
    said(log.iter().filter_map(|entry| match entry.payload() {
        Payload::Normal(data) if !data.is_empty() => {
            Some(String::from_utf8_lossy(data).into_owned())
        }
        Payload::Normal(_) | Payload::Noop | Payload::Change(_) | Payload::ChangeV2(_) => None,
    }))
}

fn said(words: impl Iterator<Item = String>) -> String {
    let words: Vec<String> = words.collect();
    if words.is_empty() { "nothing".to_owned() } else { words.join(" ") }
}

fn entries_of(image: &MemoryStorage) -> Vec<Entry> {
    let last = image.last_index().expect("memory can be read");
    if last == Index(0) {
        return Vec::new();
    }
    image.entries(Index(1), last + 1, None, Purpose::Check).expect("memory can be read")
}

impl Stage {
    /// Returns the log that a node's disk holds, or will hold once it has written what waits.
    pub(crate) fn log(&self, id: NodeId) -> Vec<Entry> {
        let Some(disk) = self.cluster().disk(id) else { return Vec::new() };
        let mut image = disk.durable().clone();
        disk.pending().for_each(|write| image.append(&write.entries));
        entries_of(&image)
    }

    /// Returns the commit index that a node's disk holds, or will hold once it has written what waits.
    pub(crate) fn commit(&self, id: NodeId) -> u64 {
        self.disk(id).commit.0
    }

    /// Returns the committed entries that a node hands to its application.
    pub(crate) fn applied(&self, id: NodeId) -> Vec<Entry> {
        let node = self.cluster().node(id);
        let (all, much) = (Index(u64::MAX >> 1), u64::MAX >> 1);
        let applied = node.map(|node| node.clone().committed_entries(Index(0), all, much));
        // A read that fails is a mistake of the node's own: it hands out nothing then.
        applied.map_or(Vec::new(), Result::unwrap_or_default)
    }

    /// Returns every append that `from` sent `to`, in order.
    pub(crate) fn appends(&self, from: NodeId, to: NodeId) -> Vec<Append> {
        let words = self.words(from).into_iter().filter(|message| message.to == to);
        let appends = words.filter_map(|message| {
            let Body::AppendEntries { prev, ref entries, .. } = message.body else { return None };
            Some(Append { term: message.term, prev, entries: entries.clone() })
        });
        appends.collect()
    }

    /// Returns every answer to an append that `from` gave `to`, in order.
    pub(crate) fn outcomes(&self, from: NodeId, to: NodeId) -> Vec<AppendOutcome> {
        let words = self.words(from).into_iter().filter(|message| message.to == to);
        let outcomes = words.filter_map(|message| {
            let Body::AppendReply { outcome, .. } = message.body else { return None };
            Some(outcome)
        });
        outcomes.collect()
    }

    /// Says the last answer to an append that n1 gave `to`: `matched 3`.
    pub(crate) fn last_outcome(&self, to: NodeId) -> String {
        match self.outcomes(N1, to).last() {
            Some(AppendOutcome::Matched(index)) => format!("matched {index}"),
            Some(AppendOutcome::Rejected { prev, .. }) => format!("rejected {prev}"),
            Some(AppendOutcome::NewerTerm) => "newer term".to_owned(),
            Some(AppendOutcome::SnapshotWanted { .. }) => "wants a snapshot".to_owned(),
            None => "no answer".to_owned(),
        }
    }

    /// A client proposes a command to a node.
    pub(crate) fn propose(&mut self, node: NodeId, command: &str) {
        let data = Bytes::copy_from_slice(command.as_bytes());
        self.apply(Input::Propose { node, data });
    }

    /// Rounds pass: in each, all messages arrive and every clock ticks.
    pub(crate) fn rounds(&mut self, rounds: u64) {
        self.settle();
        (0..rounds).for_each(|_| self.round());
    }

    /// Fails if a node does not lead: the rest of a test would show nothing.
    pub(crate) fn must_lead(&self, rule: &Rule, id: NodeId) -> Verdict {
        if self.leads(id) {
            return Ok(());
        }
        let turns = |event: &Event| matches!(event, Event::RoleEntered { .. });
        let failure = self.broken_in(rule, NOT_LEADING, turns).expected(format!("{id} leads"));
        failure
            .because(format!("{id} has the votes, and does not lead"))
            .got(self.standing(id))
            .fail()
    }

    /// Fails if this is not as expected. Points at the last such event, and names these functions.
    pub(crate) fn must_be(
        &self,
        what: &Expected<'_>,
        must_be: impl Into<String>,
        was: impl Into<String>,
    ) -> Verdict {
        let (must_be, was) = (must_be.into(), was.into());
        if must_be == was {
            return Ok(());
        }
        let Expected { rule, within, shows, because } = *what;
        let failure = self.broken_in(rule, within, shows).because(because);
        failure.expected(must_be).got(was).fail()
    }
}

/// What a test expects, and where to look if it is not so.
#[derive(Clone, Copy)]
pub(crate) struct Expected<'a> {
    /// The rule that breaks.
    pub(crate) rule: &'a Rule,
    /// The functions of which one decides, the likeliest first: those of the test's step, then earlier
    /// ones.
    pub(crate) within: &'a [&'a str],
    /// Which events show what was decided.
    pub(crate) shows: fn(&Event) -> bool,
    /// What happened before it broke.
    pub(crate) because: &'a str,
}

/// Returns whether an event shows what was written in a log.
pub(crate) fn is_about_logs(event: &Event) -> bool {
    matches!(
        event,
        Event::EntriesAppended { .. } | Event::LogTruncated { .. } | Event::AppendRefused { .. }
    )
}

/// Returns whether an event shows how far a log is committed.
pub(crate) fn is_about_commit(event: &Event) -> bool {
    matches!(event, Event::CommitAdvanced { .. } | Event::CommitWithheld { .. })
}

/// Returns whether an event shows what a leader knows of a peer.
pub(crate) fn is_about_peers(event: &Event) -> bool {
    matches!(
        event,
        Event::MatchAdvanced { .. }
            | Event::NextWentBack { .. }
            | Event::Probes { .. }
            | Event::Replicates { .. }
    )
}

/// Returns whether an event shows that entries are sent.
pub(crate) fn is_append(event: &Event) -> bool {
    matches!(event, Event::Sent { kind: "AppendEntries", .. })
}

/// Elects a node with the votes of as many others as it needs, all played by the test. Its term is the
/// one after the term on its disk.
pub(crate) fn elected(setup: Setup, id: NodeId) -> Stage {
    let mut stage = Stage::of(setup);
    elect(&mut stage, id);
    stage
}

/// Elects a node in its next term.
pub(crate) fn elect(stage: &mut Stage, id: NodeId) {
    stage.campaign(id);
    stage.persist(id);
    let others: Vec<NodeId> = stage.cluster().ids().filter(|&other| other != id).collect();
    let needed = others.len().div_ceil(2);
    let term = stage.disk(id).term.0;
    stage.answers(id, term, &others[..needed], Said::Yes);
}
