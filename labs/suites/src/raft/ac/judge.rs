//! What must hold in every Ready, as an owner sees it: with every leader, and after every crash.
//!
//! ```text
//!   entries    begin right after what was handed out, or replace it; no gap, nothing twice
//!   hard       never decreases; its commit index is within what was handed out
//!   committed  right after the last one, the entry that is in the log, not beyond the commit reported
//!   messages   promise what IS durable;  persisted_messages what WILL be
//! ```
//!
//! The judge knows what was handed out and what the disk holds. It never asks the node.

use super::blame::{
    APPLIED, APPLIED_AGAIN, COMMIT_TOLD, FORGOT, HANDED_OUT, LIGHT, LOST, TOLD, VOTE_UNTOLD,
};
use super::owner::label;
use crate::raft::kit::Names;
use crate::raft::rule;
use harness::Rule;
use raft::{
    AppendOutcome, Body, Entry, EntryId, HardState, Index, LightReady, MemoryStorage, Message,
    NodeId, Ready, Storage, Term,
};
use std::collections::BTreeMap;

/// A broken rule, and how an owner saw it.
pub(super) struct Fault {
    pub(super) rule: Rule,
    pub(super) because: String,
    /// The functions to read, the likeliest first.
    pub(super) within: Names,
    /// Whether an entry was handed out to be applied where another was expected.
    pub(super) is_about_pages: bool,
}

/// A log as one node knows it: the term at each index.
type Terms = BTreeMap<Index, Term>;

/// What the owner knows since the node started.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) struct Judge {
    /// The log as it was handed out to be written.
    log: Terms,
    /// Term, vote and commit as they were handed out to be saved.
    told: HardState,
    /// The same as the disk held it at the start.
    born: HardState,
    /// The first index of it at which a leader has sent another entry since: from there on, the
    /// same may be written again.
    disputed: Option<Index>,
    /// The last entry that was handed out to be applied.
    applied: Index,
    /// What each leader has sent of its log, in each term.
    leaders: BTreeMap<(NodeId, Term), Terms>,
    /// Which node it has voted for, in each term: by the messages that have left.
    votes: BTreeMap<Term, NodeId>,
    life: Life,
}

/// Whether the node, or its application, has run before.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Life {
    First,
    Later,
}

/// Reads the whole log that storage holds.
fn stored(storage: &MemoryStorage) -> Terms {
    let (Ok(first), Ok(last)) = (storage.first_index(), storage.last_index()) else {
        return Terms::new();
    };
    let term = |index: u64| Some((Index(index), storage.term(Index(index)).ok()?));
    (first.0..=last.0).filter_map(term).collect()
}

/// Returns a fault unless `holds`.
fn require(
    holds: bool,
    rule: &Rule,
    within: Names,
    because: impl FnOnce() -> String,
) -> Result<(), Fault> {
    if holds {
        return Ok(());
    }
    Err(Fault { rule: *rule, because: because(), within, is_about_pages: within == APPLIED })
}

/// Returns the last index of a log.
fn end(log: &Terms) -> Index {
    log.keys().last().copied().unwrap_or_default()
}

impl Judge {
    /// Begins with what a node knows that starts with this disk and this applied index.
    pub(super) fn new(storage: &MemoryStorage, applied: Index) -> Self {
        let (log, told) = (stored(storage), storage.hard_state());
        let (leaders, votes) = (BTreeMap::new(), BTreeMap::new());
        let life = if applied > Index(0) { Life::Later } else { Life::First };
        let (born, disputed) = (told, None);
        Judge { log, disputed, told, born, applied, leaders, votes, life }
    }

    /// Begins again after a loss of power, and still knows the node's votes.
    pub(super) fn after_a_crash(&self, storage: &MemoryStorage, applied: Index) -> Self {
        let votes = self.votes.clone();
        Judge { life: Life::Later, votes, ..Judge::new(storage, applied) }
    }

    /// Returns the last entry that was handed out to be applied.
    pub(super) fn applied(&self) -> Index {
        self.applied
    }

    /// Returns what was handed out to be saved last.
    pub(super) fn told(&self) -> HardState {
        self.told
    }

    /// Records what a node is sent.
    pub(super) fn hear(&mut self, message: &Message) {
        if let (Body::AppendEntries { prev, entries, .. }, Some(term)) =
            (&message.body, message.term)
        {
            let log = self.leaders.entry((message.from, term)).or_default();
            log.extend(Some((prev.index, prev.term)).filter(|(index, _)| *index > Index(0)));
            log.extend(entries.iter().map(|entry| (entry.id.index, entry.id.term)));
            let ours = |entry: &&Entry| self.log.get(&entry.id.index) == Some(&entry.id.term);
            if let Some(other) = entries.iter().find(|entry| !ours(entry)) {
                let at = other.id.index;
                self.disputed = Some(self.disputed.map_or(at, |before| before.min(at)));
            }
        }
    }

    /// Judges a Ready that was just taken, while the disk holds this.
    pub(super) fn take(&mut self, ready: &Ready, disk: &MemoryStorage) -> Result<(), Fault> {
        self.write(ready.entries())?;
        ready.hard_state().map_or(Ok(()), |hard| self.save(hard))?;
        self.apply(ready.committed_entries())?;
        let own =
            ready.messages().iter().chain(ready.persisted_messages()).find(|m| m.to == m.from);
        require(own.is_none(), rule("own_promises_never_leave"), HANDED_OUT, || {
            own.map_or_else(String::new, |own| format!("a Ready holds {}, for itself", label(own)))
        })?;
        self.may_leave(ready.messages(), disk, HANDED_OUT)?;
        for message in ready.persisted_messages() {
            let is_ack = matches!(message.body, Body::AppendReply { .. });
            let (rule, within) = match message.term == Some(self.told.term) {
                _ if is_ack => (rule("entries_handed_out_once"), LOST),
                true => (rule("hard_state_is_told"), VOTE_UNTOLD),
                false => (rule("hard_state_is_told"), TOLD),
            };
            require(self.is_backed(message, &self.log, self.told), rule, within, || {
                format!("{}, and no Ready hands out what that promise needs", label(message))
            })?;
        }
        Ok(())
    }

    /// Judges messages that may leave while the disk holds this.
    fn may_leave(
        &self,
        messages: &[Message],
        disk: &MemoryStorage,
        within: Names,
    ) -> Result<(), Fault> {
        let (log, saved) = (stored(disk), disk.hard_state());
        messages.iter().try_for_each(|message| {
            let is_backed = self.is_backed(message, &log, saved);
            require(is_backed, rule("persist_before_send"), within, || {
                format!("{} may leave before it is durable", label(message))
            })
        })
    }

    /// Judges promises that leave, now that the disk holds this.
    pub(super) fn leave(
        &mut self,
        promises: &[Message],
        disk: &MemoryStorage,
    ) -> Result<(), Fault> {
        let (log, saved) = (stored(disk), disk.hard_state());
        for message in promises {
            let is_backed = self.is_backed(message, &log, saved);
            require(is_backed, rule("persist_before_send"), HANDED_OUT, || {
                format!("{} leaves, and the disk holds {}", label(message), say(saved))
            })?;
            if let (Body::VoteReply { granted: true, .. }, Some(term)) =
                (&message.body, message.term)
            {
                let first = *self.votes.entry(term).or_insert(message.to);
                require(first == message.to, rule("restart_remembers"), FORGOT, || {
                    format!("it votes for {first} and {} in term {term}", message.to)
                })?;
            }
        }
        Ok(())
    }

    /// Judges what became possible because a Ready is durable.
    pub(super) fn light(&mut self, light: &LightReady, disk: &MemoryStorage) -> Result<(), Fault> {
        if let Some(commit) = light.commit_index() {
            let last = end(&stored(disk));
            require(commit <= last, rule("commit_within_what_is_written"), LIGHT, || {
                format!("commit {commit} is to be saved with a log that ends at {last}")
            })?;
            self.told.commit = self.told.commit.max(commit);
        }
        self.apply(light.committed_entries())?;
        self.may_leave(light.messages(), disk, LIGHT)
    }

    fn write(&mut self, entries: &[Entry]) -> Result<(), Fault> {
        let Some(first) = entries.first().map(|entry| entry.id) else { return Ok(()) };
        let (once, end) = (rule("entries_handed_out_once"), end(&self.log));
        require(first.index <= end + 1, once, LOST, || {
            format!("{first} is to be written, and the log handed out ends at {end}: a gap")
        })?;
        let disputed = self.disputed.take().is_some_and(|from| from <= first.index);
        let is_new = self.log.get(&first.index) != Some(&first.term);
        require(is_new || disputed, once, HANDED_OUT, || {
            format!("{first} is handed out to be written a second time")
        })?;
        self.log.split_off(&first.index);
        for (place, entry) in (first.index.0..).zip(entries) {
            require(entry.id.index == Index(place), once, HANDED_OUT, || {
                format!("{} is to be written where {place} was expected", entry.id)
            })?;
            self.log.insert(entry.id.index, entry.id.term);
        }
        Ok(())
    }

    fn save(&mut self, hard: HardState) -> Result<(), Fault> {
        let told = self.told;
        let went_back = hard.term < told.term
            || hard.commit < told.commit
            || hard.term == told.term && told.vote.is_some() && hard.vote != told.vote;
        require(
            !went_back || told != self.born,
            rule("restart_remembers"),
            &["Core::new"],
            || format!("started with {}, and hands out {}", say(told), say(hard)),
        )?;
        require(!went_back, rule("hard_state_is_told"), TOLD, || {
            format!("{} is to be saved over {}", say(hard), say(told))
        })?;
        let end = end(&self.log);
        require(hard.commit <= end, rule("commit_within_what_is_written"), TOLD, || {
            format!("commit {} is to be saved with a log that ends at {end}", hard.commit)
        })?;
        self.told = hard;
        Ok(())
    }

    fn apply(&mut self, committed: &[Entry]) -> Result<(), Fault> {
        let (broken, within) = match self.life {
            Life::First => (rule("applied_in_order_and_once"), APPLIED),
            Life::Later => (rule("applied_once_across_crashes"), APPLIED_AGAIN),
        };
        for entry in committed {
            let (id, due) = (entry.id, self.applied + 1);
            let handed_out = format!("{id} is handed out to be applied");
            require(id.index == due, broken, within, || {
                format!("{handed_out} where {due} was expected")
            })?;
            let held = self.log.get(&id.index).map(|&term| EntryId { index: id.index, term });
            require(held == Some(id), broken, within, || match held {
                Some(held) => format!("{handed_out}, and {held} is in the log"),
                None => format!("{handed_out}, and was not handed out to be written"),
            })?;
            let told = self.told.commit;
            require(id.index <= told, rule("commit_told_before_applied"), COMMIT_TOLD, || {
                format!("{handed_out}, and the last commit index reported is {told}")
            })?;
            self.applied = id.index;
        }
        Ok(())
    }

    /// Returns whether this log and this state hold what a message promises.
    fn is_backed(&self, message: &Message, log: &Terms, saved: HardState) -> bool {
        let Some(term) = message.term else { return true };
        match &message.body {
            Body::RequestVote(_) => saved.term >= term,
            Body::VoteReply { granted: true, .. } => {
                saved.term > term || saved.term == term && saved.vote == Some(message.to)
            }
            // A node that has entered a later term did hold it when it said so: what it held in
            // this one may have been replaced, and the answer is still true.
            Body::AppendReply { outcome: AppendOutcome::Matched(index), .. } => {
                let theirs = self.leaders.get(&(message.to, term));
                let mut known = theirs.into_iter().flat_map(|theirs| theirs.range(..=*index));
                let holds = known.all(|(index, term)| log.get(index) == Some(term));
                saved.term > term || saved.term == term && holds
            }
            Body::VoteReply { granted: false, .. }
            | Body::AppendReply { .. }
            | Body::RequestPreVote(_)
            | Body::PreVoteReply { .. }
            | Body::AppendEntries { .. }
            | Body::InstallSnapshot { .. }
            | Body::Heartbeat { .. }
            | Body::HeartbeatReply { .. }
            | Body::Propose { .. }
            | Body::TransferLeader { .. }
            | Body::TimeoutNow { .. }
            | Body::ReadIndex { .. }
            | Body::ReadIndexReply { .. } => true,
        }
    }
}

/// Writes a state: `term 5, vote n2, commit 3`.
pub(super) fn say(hard: HardState) -> String {
    let vote = hard.vote.map_or_else(|| "none".to_owned(), |vote| vote.to_string());
    format!("term {}, vote {vote}, commit {}", hard.term, hard.commit)
}
