//! Replication: how every log becomes the leader's (§5.3).
//!
//! ```text
//!   propose --> the leader's log --AppendEntries prev=4@2 [5@3 6@3] commit=4--> follower
//!                                                         has it 4@2?  yes: write 5, 6
//!               match := 6      <-----------Matched 6---------------'
//!               next goes back  <-----------Rejected, hint----------'  no
//! ```
//!
//! Invariant: if two logs hold the same entry, everything before it is the same (Log Matching, Fig.
//! 3). It holds because an entry is only ever written behind the entry that the leader has before it.

use crate::config::Config;
use crate::entry::{Entry, Payload};
use crate::error::ProposeError;
use crate::ledger::Core;
use crate::log::Appended;
use crate::message::{AppendOutcome, Body, Session};
use crate::progress::inflight::Inflights;
use crate::progress::{Progress, ProgressState};
use crate::role::Leader;
use crate::storage::Storage;
use crate::types::{EntryId, Index, NodeId, Term};

// Propose.

impl<S: Storage> Core<S> {
    /// Begins a leader's term: an entry of its own, which says nothing. It is all that a leader may
    /// commit by counting, and everything before it is committed with it (§5.4.2, §8).
    pub(crate) fn start_term(&mut self, leader: &mut Leader) {
        self.track_voters(leader);
        self.append_own(leader, vec![Entry::unplaced(Payload::Noop)]);
        self.bcast_append(leader);
    }

    /// Sets up what this leader knows: of every other voter's log nothing, so that it is probed after
    /// our last entry; of our own everything (Fig. 2 State: nextIndex, matchIndex). Not all of ours need
    /// be durable yet: none of it is of this term, so none is committed by being counted.
    fn track_voters(&self, leader: &mut Leader) {
        let last = self.log.last_index();
        let Config { max_inflight_messages, max_inflight_bytes, .. } = self.config;
        for (&id, progress) in &mut leader.progress {
            let window = Inflights::new(max_inflight_messages, max_inflight_bytes);
            *progress = Progress::new(last, window, Session::default());
            if id == self.id {
                progress.maybe_update(last);
                progress.become_replicate();
                progress.hear();
            }
        }
    }

    /// Takes proposals as a leader: into its own log, then to everyone (Fig. 2 Leaders (2)).
    ///
    /// # Errors
    /// [`ProposeError::TooMuchUncommitted`] if too much waits to be committed and applied already.
    pub(crate) fn on_propose(
        &mut self,
        leader: &mut Leader,
        entries: Vec<Entry>,
    ) -> Result<(), ProposeError> {
        self.admit(leader, &entries)?;
        self.append_own(leader, entries);
        self.bcast_append(leader);
        Ok(())
    }

    /// Hands proposals on to the leader, as a follower.
    ///
    /// # Errors
    /// [`ProposeError::NoLeader`] if none is known, [`ProposeError::NotForwarded`] if the settings
    /// say so.
    pub(crate) fn forward_proposal(&mut self, entries: Vec<Entry>) -> Result<(), ProposeError> {
        let leader = self.leader.ok_or(ProposeError::NoLeader)?;
        if !self.config.forward_proposals {
            return Err(ProposeError::NotForwarded { leader });
        }
        self.send(leader, Body::Propose { entries });
        Ok(())
    }

    /// Admits proposals, and counts their bytes among those that wait to be committed and applied,
    /// unless that would be more than the settings allow. What has no bytes is always admitted, and so
    /// is anything when nothing waits.
    ///
    /// # Errors
    /// [`ProposeError::TooMuchUncommitted`], with the numbers.
    fn admit(&mut self, leader: &mut Leader, entries: &[Entry]) -> Result<(), ProposeError> {
        let bytes: u64 = entries.iter().map(|entry| entry.payload().size_bytes()).sum();
        let waiting = leader.uncommitted_bytes;
        let max = self.config.max_uncommitted_bytes.unwrap_or(u64::MAX);
        if bytes > 0 && waiting > 0 && waiting.saturating_add(bytes) > max {
            return Err(ProposeError::TooMuchUncommitted { waiting, bytes, max });
        }
        leader.uncommitted_bytes = waiting.saturating_add(bytes);
        Ok(())
    }

    /// Writes entries at the end of a leader's own log, each with its place and this term. Then the
    /// leader answers itself, as any follower would: a promise that waits for the disk and comes back
    /// to [`Core::on_append_reply`], so that its own entries count once they are durable.
    fn append_own(&mut self, leader: &Leader, mut entries: Vec<Entry>) {
        let (term, mut index) = (self.term, self.log.last_index());
        for entry in &mut entries {
            index = index + 1;
            entry.id = EntryId { term, index };
        }
        self.append(entries);
        let session = leader.progress.get(&self.id).map(Progress::session);
        let outcome = AppendOutcome::Matched(index);
        self.send(self.id, Body::AppendReply { outcome, session });
    }
}

// Send.

/// What to do when there is no entry to send.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum WhenEmpty {
    /// Send an append without entries: it still asks, and tells the commit index.
    Send,
    /// Send nothing.
    Skip,
}

impl<S: Storage> Core<S> {
    /// Sends every other voter what it lacks.
    pub(crate) fn bcast_append(&mut self, leader: &mut Leader) {
        for (&to, progress) in &mut leader.progress {
            if to != self.id {
                self.want_append(to, progress);
            }
        }
    }

    /// Sends a peer what it lacks: now, or with everything else that is wanted by the time a Ready is
    /// taken (`batch_append`).
    pub(crate) fn want_append(&mut self, to: NodeId, progress: &mut Progress) {
        if self.config.batch_append {
            progress.owe();
        } else {
            self.send_append(to, progress, WhenEmpty::Send);
        }
    }

    /// Sends every peer that is owed an append (`batch_append`) what it lacks, when a Ready is taken.
    pub(crate) fn send_owed(&mut self, leader: &mut Leader) {
        for (&to, progress) in &mut leader.progress {
            if progress.is_owed() {
                progress.settle();
                while self.send_append(to, progress, WhenEmpty::Send) && self.lacks(progress) {}
            }
        }
    }

    /// Sends a peer one append: the entries from `next` on, as many as one message may hold, and the
    /// entry before them. Nothing if the peer is paused. Returns whether it did.
    pub(crate) fn send_append(
        &mut self,
        to: NodeId,
        progress: &mut Progress,
        when_empty: WhenEmpty,
    ) -> bool {
        if progress.is_paused() {
            return false;
        }
        let Some((prev, entries)) = self.entries_for(to, progress) else { return false };
        if entries.is_empty() && when_empty == WhenEmpty::Skip {
            return false;
        }
        self.send_entries(to, progress, prev, entries);
        true
    }

    /// Returns what a peer is to be sent next, and the entry before it; nothing if the log does not
    /// reach back that far any more. In a full window there is no entry among it: such an append only
    /// asks.
    fn entries_for(&mut self, to: NodeId, progress: &Progress) -> Option<(EntryId, Vec<Entry>)> {
        let index = Index(progress.next().0 - 1);
        let Some(term) = self.log.term(index) else {
            self.note_unreadable(to, index);
            return None;
        };
        let end = self.log.last_index() + 1;
        let high = if progress.takes_entries() { end } else { progress.next() };
        match self.log.entries(progress.next(), high, self.config.max_append_bytes) {
            Ok(entries) => Some((EntryId { term, index }, entries)),
            Err(_) => {
                self.note_unreadable(to, progress.next());
                None
            }
        }
    }

    /// Returns whether a peer could be sent more entries at once.
    fn lacks(&self, progress: &Progress) -> bool {
        progress.takes_entries() && progress.next() <= self.log.last_index()
    }
}

// Receive.

impl<S: Storage> Core<S> {
    /// Answers a leader's entries: they are here now, or the one they follow is not (Fig. 2
    /// AppendEntries (2) to (5)). Entries that begin before our commit index are old: up to there our
    /// log is every later leader's, and saying so is answer enough.
    pub(crate) fn on_append(
        &mut self,
        from: NodeId,
        prev: EntryId,
        entries: Vec<Entry>,
        commit: Index,
        session: Session,
    ) {
        let outcome = if prev.index < self.commit {
            AppendOutcome::Matched(self.commit)
        } else {
            match self.take_entries(prev, entries) {
                Appended::Matched { last, .. } => {
                    self.learn_commit(commit.min(last));
                    AppendOutcome::Matched(last)
                }
                Appended::Mismatch => self.refuse_append(prev),
            }
        };
        self.send(from, Body::AppendReply { outcome, session: Some(session) });
    }

    /// Refuses entries that would leave a gap or follow another entry than the leader's, and hints at
    /// the last place where the two logs may still agree (§5.3): further on, ours is of later terms
    /// than `prev`, and the leader's before `prev` is not.
    ///
    /// ```text
    ///    index   1  2  3  4  5  6      the leader sends 6@4, prev = 5@3
    ///    leader  1  2  3  3  3  4
    ///    ours    1  2  2  5  5         term 5 is later than 3: our hint is place 3, of term 2
    /// ```
    fn refuse_append(&mut self, prev: EntryId) -> AppendOutcome {
        let at = prev.index.min(self.log.last_index());
        let (hint, hint_term) = self.log.find_conflict_by_term(at, prev.term);
        self.note_append_refused(prev, hint);
        AppendOutcome::Rejected { prev: prev.index, hint, hint_term }
    }
}

// Hear the answer.

impl<S: Storage> Core<S> {
    /// Hears a peer's answer to an append, our own among them (Fig. 2 Leaders (3)).
    pub(crate) fn on_append_reply(
        &mut self,
        leader: &mut Leader,
        from: NodeId,
        outcome: AppendOutcome,
    ) {
        match outcome {
            AppendOutcome::Matched(index) => self.on_matched(leader, from, index),
            AppendOutcome::Rejected { prev, hint, hint_term } => {
                self.on_rejected(leader, from, prev, hint, hint_term);
            }
            AppendOutcome::NewerTerm => {}
        }
    }

    /// Learns that a peer, or our own disk, holds our log up to `index`: that may commit entries, and
    /// makes room for more.
    fn on_matched(&mut self, leader: &mut Leader, from: NodeId, index: Index) {
        let Some(progress) = leader.progress.get_mut(&from) else { return };
        if !self.advance_match(from, progress, index) {
            return;
        }
        if self.maybe_commit(leader) {
            self.bcast_append(leader);
        }
        self.send_more(leader, from);
    }

    /// Sends a peer that has just made room what it lacks: the commit index if that is news to it,
    /// and entries as long as the window takes them.
    fn send_more(&mut self, leader: &mut Leader, to: NodeId) {
        let Some(progress) = leader.progress.get_mut(&to).filter(|_| to != self.id) else { return };
        if progress.can_bump_commit(self.commit) {
            self.want_append(to, progress);
        }
        if !self.config.batch_append {
            while self.send_append(to, progress, WhenEmpty::Skip) {}
        } else if self.lacks(progress) {
            self.want_append(to, progress);
        }
    }

    /// Learns that a peer's log does not agree at `prev`: looks for the last place where it can, and
    /// asks again there. The peer has nothing of a later term than `hint_term` up to `hint`, so what we
    /// have of later terms there is skipped at once (§5.3).
    ///
    /// ```text
    ///    index   1  2  3  4  5  6      the peer hints at place 3, of term 2
    ///    ours    1  2  3  3  3  4      term 3 is later than 2: they can agree at place 2
    ///    peer    1  2  2  5  5
    /// ```
    fn on_rejected(
        &mut self,
        leader: &mut Leader,
        from: NodeId,
        prev: Index,
        hint: Index,
        hint_term: Option<Term>,
    ) {
        let Some(progress) = leader.progress.get_mut(&from) else { return };
        let agree_at = hint_term.map_or(hint, |term| self.log.find_conflict_by_term(hint, term).0);
        if self.back_off(from, progress, prev, agree_at) {
            self.want_append(from, progress);
        }
    }

    /// Hears that a peer is alive. If it may lack entries, it is asked: what was on its way may have
    /// been lost.
    pub(crate) fn on_heartbeat_reply(&mut self, leader: &mut Leader, from: NodeId) {
        let Some(progress) = leader.progress.get_mut(&from) else { return };
        progress.resume();
        let is_behind = progress.matched() < self.log.last_index();
        if is_behind || *progress.state() == ProgressState::Probe {
            self.want_append(from, progress);
        }
    }

    /// Learns from the owner that messages to a peer are being lost: sends it one append at a time.
    pub(crate) fn on_unreachable(&mut self, leader: &mut Leader, peer: NodeId) {
        if let Some(progress) = leader.progress.get_mut(&peer)
            && *progress.state() == ProgressState::Replicate
        {
            self.probe(peer, progress);
        }
    }
}
