//! What logs may never do: Leader Append-Only, Log Matching, State Machine Safety, Leader
//! Completeness (Fig. 3, §5.4), and the two rules of the commit index.
//!
//! ```text
//!   log      1@1 --- 2@1 --- 3@2
//!   chain    h1  --- h2  --- h3        h3 stands for the whole log up to 3@2
//! ```
//!
//! Two equal chains are two equal logs, so one comparison at the end of two logs compares all of
//! them. Logs do not change while there are only elections; the rules hold for logs that do.

use super::{Rule, Seen, Sight, Violation};
use crate::fingerprint::Fingerprint;
use raft::{EntryId, Index, RoleName, Storage, Term};
use std::collections::BTreeMap;
use std::hash::Hash;

/// Stands for a log up to one entry.
pub(super) type Chain = u64;

/// The end of a log, and how much of it is committed.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) struct Tip {
    last: EntryId,
    commit: Index,
}

/// A place that is committed.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
struct Committed {
    id: EntryId,
    chain: Chain,
    /// The term of whoever was first seen to know it. Leaders of later terms must hold it.
    by: Term,
}

/// What is remembered of logs.
#[derive(Clone, PartialEq, Eq, Hash, Default, Debug)]
pub(super) struct Logs {
    /// The one past that each entry has, on any node at any time.
    pasts: BTreeMap<EntryId, Chain>,
    /// Everything that was ever committed.
    committed: BTreeMap<Index, Committed>,
}

/// One log, entry by entry.
type Links = Vec<(EntryId, Chain)>;

impl Logs {
    /// Returns the end of a node's log.
    pub(super) fn tip(&self, sight: &Sight<'_>) -> Tip {
        Tip { last: sight.node.last, commit: sight.node.commit }
    }

    /// Judges a node's log and commit index.
    pub(super) fn looked(
        &mut self,
        before: Option<&Seen>,
        now: &Seen,
        sight: &Sight<'_>,
    ) -> Result<(), Violation> {
        commit_grows(before, sight)?;
        commit_is_within(sight)?;
        let links = self.links(sight);
        only_appends(before, now, sight, &links)?;
        self.matches(sight, &links)?;
        self.commits(sight, &links)?;
        if Seen::won(before, &sight.node) { self.is_complete(sight, &links) } else { Ok(()) }
    }

    /// Returns a node's log with its chain. What a snapshot covers is known from other logs or not
    /// at all; then the log is not judged.
    fn links(&self, sight: &Sight<'_>) -> Links {
        let log = sight.log;
        let bounds = log.first_index().and_then(|first| Ok((first, log.last_index()?)));
        let (first, last) = bounds.expect("memory can be read");
        if first > last {
            return Links::new();
        }
        let before = Index(first.0 - 1);
        let base = EntryId { index: before, term: log.term(before).expect("memory can be read") };
        let known = if before == Index(0) { Some(0) } else { self.pasts.get(&base).copied() };
        let Some(mut chain) = known else { return Links::new() };
        let entries = log.entries(first, last + 1, None).expect("memory can be read");
        let link = |entry: &raft::Entry| {
            let mut hasher = Fingerprint::new(chain);
            entry.hash(&mut hasher);
            chain = hasher.wide() as u64;
            (entry.id, chain)
        };
        entries.iter().map(link).collect()
    }

    /// Checks that every entry has the past it has everywhere else (Log Matching).
    fn matches(&mut self, sight: &Sight<'_>, links: &Links) -> Result<(), Violation> {
        let id = sight.node.id;
        for &(entry, chain) in links {
            if *self.pasts.entry(entry).or_insert(chain) != chain {
                let text = format!(
                    "{id} holds {entry} after other entries, or with other words, than another log"
                );
                let rule = Rule::LogMatching;
                return Err(Violation { rule, who: vec![id], term: Some(entry.term), text });
            }
        }
        Ok(())
    }

    /// Checks that what a node commits is what others committed there (State Machine Safety).
    fn commits(&mut self, sight: &Sight<'_>, links: &Links) -> Result<(), Violation> {
        let (node, by) = (sight.node.id, sight.node.term);
        for &(id, chain) in links.iter().take_while(|(id, _)| id.index <= sight.node.commit) {
            let first = *self.committed.entry(id.index).or_insert(Committed { id, chain, by });
            if first.chain != chain {
                let text = format!("{node} commits {id} where {} was committed", first.id);
                let rule = Rule::StateMachineSafety;
                return Err(Violation { rule, who: vec![node], term: Some(by), text });
            }
        }
        Ok(())
    }

    /// Checks that a new leader holds what was committed in earlier terms (Leader Completeness). A
    /// leader of an earlier term than the commit may lack it: its votes came late.
    fn is_complete(&self, sight: &Sight<'_>, links: &Links) -> Result<(), Violation> {
        let (leader, term) = (sight.node.id, sight.node.term);
        let first = links.first().map_or(sight.node.last.index + 1, |(id, _)| id.index);
        for committed in self.committed.values().filter(|committed| committed.by < term) {
            let held = |&(id, chain)| (id, chain) == (committed.id, committed.chain);
            if committed.id.index >= first && !links.iter().any(held)
                || committed.id.index > sight.node.last.index
            {
                let (id, by) = (committed.id, committed.by);
                let text =
                    format!("{leader} leads term {term} without {id}, committed in term {by}");
                let rule = Rule::LeaderCompleteness;
                return Err(Violation { rule, who: vec![leader], term: Some(term), text });
            }
        }
        Ok(())
    }
}

/// Checks that a node knows no less to be committed than before, or than its disk does.
fn commit_grows(before: Option<&Seen>, sight: &Sight<'_>) -> Result<(), Violation> {
    let (id, commit) = (sight.node.id, sight.node.commit);
    let known = before.map_or(sight.durable.commit, |before| before.tip.commit);
    if commit >= known {
        return Ok(());
    }
    let text = format!("{id} knew {known} to be committed, and says {commit} now");
    Err(Violation { rule: Rule::CommitMonotone, who: vec![id], term: Some(sight.node.term), text })
}

/// Checks that a node's commit index lies within its log.
fn commit_is_within(sight: &Sight<'_>) -> Result<(), Violation> {
    let (id, commit, last) = (sight.node.id, sight.node.commit, sight.node.last);
    if commit <= last.index {
        return Ok(());
    }
    let text = format!("{id} says {commit} is committed, and its log ends with {last}");
    Err(Violation { rule: Rule::CommitWithinLog, who: vec![id], term: Some(sight.node.term), text })
}

/// Checks that who leads still, leads with at least the log it had (Leader Append-Only).
fn only_appends(
    before: Option<&Seen>,
    now: &Seen,
    sight: &Sight<'_>,
    links: &Links,
) -> Result<(), Violation> {
    let leads = |seen: &Seen| seen.role == RoleName::Leader && seen.term == now.term;
    let Some(before) = before.filter(|before| leads(before) && leads(now)) else { return Ok(()) };
    let last = before.tip.last;
    let first = links.first().map_or(now.tip.last.index + 1, |(id, _)| id.index);
    let gone = last.index > now.tip.last.index
        || last.index >= first && !links.iter().any(|&(id, _)| id == last);
    if !gone {
        return Ok(());
    }
    let (id, end) = (sight.node.id, now.tip.last);
    let text =
        format!("{id}, leader of term {}, had {last}; its log ends with {end} now", now.term);
    Err(Violation { rule: Rule::LeaderAppendOnly, who: vec![id], term: Some(now.term), text })
}
