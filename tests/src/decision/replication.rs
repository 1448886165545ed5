//! Wrong decisions about logs, and about what is committed.
//!
//! ```text
//!   takes    entries after one that it holds; removes a conflict and what follows it        §5.3
//!   learns   how far a peer's log matches, from that peer                                   §5.3
//!   commits  as leader: by counting, in its own term; as follower: what the leader has      §5.3, §5.4.2
//!   says     only what its own log holds                                                    §5.3
//! ```

use super::{Mistake, ObservedNode, StepContext, WrongDecision};
use raft::{AppendOutcome, Body, Entry, EntryId, Event, Index, NodeId, RoleName};
use std::collections::BTreeMap;

/// An append that arrived.
struct Append<'a> {
    prev: EntryId,
    entries: &'a [Entry],
}

impl Append<'_> {
    /// Returns the first conflict between the log and the append, if there is one: our entry and theirs.
    fn conflict(&self, log: &ObservedNode) -> Option<(EntryId, EntryId)> {
        let named = [self.prev].into_iter().chain(self.entries.iter().map(|entry| entry.id));
        let mut both = named.filter_map(|id| Some((log.entry(id.index)?, id)));
        both.find(|(ours, theirs)| ours != theirs)
    }
}

impl StepContext<'_> {
    /// Returns the append of this term that arrived, if the node accepted it.
    fn append(&self) -> Option<Append<'_>> {
        let message = self.message.filter(|message| message.term == Some(self.after.term))?;
        let Body::AppendEntries { prev, entries, .. } = &message.body else { return None };
        let append = Append { prev: *prev, entries };
        self.step.refused.is_none().then_some(append)
    }

    /// Fig. 2, AppendEntries (2) (3) (4): entries follow one that the log holds; a conflicting
    /// entry is removed with all that follow it, and no other entry is removed.
    pub(super) fn takes(&self) -> Option<WrongDecision> {
        let StepContext { id, before, after, .. } = *self;
        let append = self.append()?;
        let wrote = self.note(|event| matches!(event, Event::EntriesAppended { .. }));
        let conflict = append.conflict(before);
        let agrees_to = conflict.map_or(Index(u64::MAX), |(_, theirs)| Index(theirs.index.0 - 1));
        let gone = |had: &&EntryId| had.index <= agrees_to && after.entry(had.index) != Some(**had);
        if let Some(gone) = before.log.iter().find(gone).filter(|_| after.first() == before.first())
        {
            let text = match conflict {
                Some((ours, _)) => {
                    format!(
                        "{id} removes {gone}, but only {ours} and later entries conflict with the append"
                    )
                }
                None => format!(
                    "{id} removes {gone}, but no entry of the append conflicts with its log"
                ),
            };
            let removed = self.note(|event| matches!(event, Event::LogTruncated { .. }));
            return self.wrong(Mistake::RemovesWhatAgrees, removed.or(wrote), text);
        }
        let new = append.entries.iter().map(|entry| entry.id);
        let mut new = new.filter(|new| before.entry(new.index) != Some(*new));
        let taken = new.find(|new| after.entry(new.index) == Some(*new))?;
        let EntryId { index, .. } = append.prev;
        if index >= before.first().index && before.entry(index) != Some(append.prev) {
            let holds = before.entry(index).map_or("nothing".to_owned(), |ours| ours.to_string());
            let text =
                format!("{id} appends {taken} after {}, but it holds {holds} there", append.prev);
            return self.wrong(Mistake::TakesWithoutMatch, wrote, text);
        }
        let (ours, theirs) = conflict?;
        let end = append.entries.last()?.id.index;
        let kept = |had: &&EntryId| had.index > end && after.entry(had.index) == Some(**had);
        let kept = before.log.iter().find(kept)?;
        let text = format!(
            "{id} replaces {ours} by {theirs}, but keeps {kept}, which followed the old entry"
        );
        self.wrong(Mistake::KeepsWhatFollowed, wrote, text)
    }

    /// Fig. 2, Leaders (3): a match is what the peer acknowledged.
    pub(super) fn learns(&self) -> Option<WrongDecision> {
        let id = self.id;
        for note in &self.step.notes {
            let Event::MatchAdvanced { peer, to, .. } = note.event else { continue };
            if peer == id {
                continue;
            }
            let reply = self.message.filter(|message| message.from == peer);
            let said = match reply.map(|message| &message.body) {
                Some(Body::AppendReply { outcome: AppendOutcome::Matched(index), .. }) => {
                    format!("it acknowledged {index}")
                }
                Some(Body::AppendReply { .. }) => "it rejected the append".to_owned(),
                Some(_) | None => "it did not acknowledge that".to_owned(),
            };
            if said != format!("it acknowledged {to}") {
                let text = format!("{id} advances the match of {peer} to {to}, but {said}");
                return self.wrong(Mistake::CountsWhatWasNotSaid, Some(note), text);
            }
        }
        None
    }

    /// Fig. 2, Leaders (4), AppendEntries (5): a leader commits by counting copies of entries of its
    /// own term; a follower commits what its leader has committed.
    pub(super) fn commits(&self) -> Option<WrongDecision> {
        let commit = Some(self.after.commit).filter(|&commit| commit > self.before.commit)?;
        let entry = self.after.entry(commit)?;
        match self.after.role {
            RoleName::Leader => self.counts_copies(entry),
            RoleName::Follower | RoleName::PreCandidate | RoleName::Candidate => {
                self.hears_of_commit(entry)
            }
        }
    }

    fn counts_copies(&self, entry: EntryId) -> Option<WrongDecision> {
        let StepContext { id, after, .. } = *self;
        let at = self.note(|event| matches!(event, Event::CommitAdvanced { .. }));
        if entry.term != after.term {
            let text = format!("{id}, leader of term {}, commits {entry} by counting", after.term);
            return self.wrong(Mistake::CountsOldTerm, at, text);
        }
        let (holds, voters) = self.holders(entry.index);
        if 2 * holds.len() > voters {
            return None;
        }
        let names: Vec<_> = holds.iter().map(NodeId::to_string).collect();
        let (few, names) = (holds.len(), names.join(", "));
        let text = format!(
            "{id} commits {entry}, but only {few} of {voters} are known to hold it ({names})"
        );
        self.wrong(Mistake::CountsTooFew, at, text)
    }

    fn hears_of_commit(&self, entry: EntryId) -> Option<WrongDecision> {
        let (id, commit, message) = (self.id, entry.index, self.message?);
        let (Body::AppendEntries { commit: told, .. } | Body::Heartbeat { commit: told, .. }) =
            &message.body
        else {
            return None;
        };
        let from = message.from;
        let at = self.note(|event| matches!(event, Event::CommitAdvanced { .. }));
        if commit > *told {
            let text = format!("{id} moves its commit index to {commit}, but {from} sent {told}");
            return self.wrong(Mistake::CommitsUnchecked, at, text);
        }
        let leader = ObservedNode::at(self.cluster, from)?;
        let leads = leader.role == RoleName::Leader && Some(leader.term) == message.term;
        let theirs = leader.entry(commit).filter(|&theirs| leads && theirs != entry)?;
        let text = format!("{id} commits {entry}, but its leader {from} holds {theirs} there");
        self.wrong(Mistake::CommitsUnchecked, at, text)
    }

    /// Returns the voters that a leader knows to hold its log up to an index, including itself, and the
    /// number of voters.
    fn holders(&self, index: Index) -> (Vec<NodeId>, usize) {
        let Some(raft) = self.cluster.node(self.id) else { return (Vec::new(), 0) };
        let matched = self.matched();
        let holds = |voter: &NodeId| {
            *voter == self.id || matched.get(voter).is_some_and(|&matched| matched >= index)
        };
        let voters: Vec<_> = raft.inspect().voters.voters().collect();
        (voters.iter().copied().filter(holds).collect(), voters.len())
    }

    /// Returns how far a leader knows its peers' logs to match its own.
    fn matched(&self) -> BTreeMap<NodeId, Index> {
        let progress = self.cluster.node(self.id).into_iter().flat_map(raft::Raft::progress);
        progress.map(|(peer, progress)| (peer, progress.matched())).collect()
    }

    /// Fig. 2, RequestVote, AppendEntries: what a node says of its log is so.
    pub(super) fn says(&self) -> Option<WrongDecision> {
        if self.after.role == RoleName::Leader
            && let Some(wrong) = self.stamps()
        {
            return Some(wrong);
        }
        let said = self.step.sent.iter().map(|flight| &flight.message);
        let mut said = said.filter(|m| m.from == self.id && m.term == Some(self.after.term));
        said.find_map(|message| {
            let wrong = match &message.body {
                Body::RequestVote(ask) => self.says_where_it_ends(ask.last),
                Body::AppendEntries { prev, entries, commit, .. } => self
                    .sends_what_it_holds(message.to, *prev, entries)
                    .or_else(|| self.tells_commit(message.to, *commit, self.after.commit)),
                Body::Heartbeat { commit, .. } => {
                    let matched = self.matched().get(&message.to).copied();
                    let most = matched.map_or(self.after.commit, |at| at.min(self.after.commit));
                    self.tells_commit(message.to, *commit, most)
                }
                Body::RequestPreVote(_) | Body::PreVoteReply { .. } | Body::VoteReply { .. } => {
                    None
                }
                Body::AppendReply { .. } | Body::InstallSnapshot { .. } => None,
                Body::HeartbeatReply { .. } | Body::Propose { .. } => None,
                Body::TransferLeader { .. } | Body::TimeoutNow { .. } => None,
                Body::ReadIndex { .. } | Body::ReadIndexReply { .. } => None,
            };
            let (mistake, text) = wrong?;
            let is_it = |event| event == Event::Sent { to: message.to, kind: message.body.kind() };
            self.wrong(mistake, self.note(is_it), text)
        })
    }

    /// Fig. 2, Leaders (2): a leader's new entries are of its own term.
    fn stamps(&self) -> Option<WrongDecision> {
        let StepContext { id, before, after, .. } = *self;
        let new = after.log.iter().find(|entry| entry.index > before.last().index)?;
        if new.term == after.term || self.append().is_some() {
            return None;
        }
        let wrote = self.note(|event| matches!(event, Event::EntriesAppended { .. }));
        let text = format!("{id}, leader of term {}, writes {new} to its log", after.term);
        self.wrong(Mistake::StampsAnotherTerm, wrote, text)
    }

    fn says_where_it_ends(&self, said: EntryId) -> Option<(Mistake, String)> {
        let (id, last) = (self.id, self.after.last());
        let is_so = said == last || self.after.role != RoleName::Candidate;
        let text = || format!("{id} says that its log ends with {said}, but it ends with {last}");
        (!is_so).then(|| (Mistake::AsksWithAnotherLog, text()))
    }

    fn sends_what_it_holds(
        &self,
        to: NodeId,
        prev: EntryId,
        entries: &[Entry],
    ) -> Option<(Mistake, String)> {
        let (id, log) = (self.id, self.after);
        let named = [prev].into_iter().chain(entries.iter().map(|entry| entry.id));
        let is_other = |&(at, named): &(Index, EntryId)| {
            at >= log.first().index && log.entry(at) != Some(named)
        };
        let (at, named) = (prev.index.0..).map(Index).zip(named).find(is_other)?;
        let holds = log.entry(at).map_or("nothing".to_owned(), |ours| ours.to_string());
        let text =
            format!("{id} sends {named} to {to}, but its own log holds {holds} at index {at}");
        Some((Mistake::SendsWhatItHasNot, text))
    }

    fn tells_commit(&self, to: NodeId, told: Index, most: Index) -> Option<(Mistake, String)> {
        let id = self.id;
        let text =
            format!("{id} tells {to} that {told} is committed, but it may say at most {most}");
        (told > most).then_some((Mistake::TellsTooMuch, text))
    }
}
