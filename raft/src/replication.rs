//! Replication: how every log becomes the leader's (§5.3).
//!
//! ```text
//!   propose --> the leader's log --AppendEntries prev=4@2 [5@3 6@3] commit=4--> follower
//!                                                    is 4@2 in its log?  yes: write 5, 6
//!               match := 6      <-----------Matched 6---------------'
//!               next goes back  <-----------Rejected, hint----------'  no
//! ```
//!
//! Invariant: if two logs hold the same entry, everything before it is the same (Log Matching, Fig.
//! 3). It holds because an entry is only ever written after the entry that the leader has before it.

use crate::config::Config;
use crate::entry::{Entry, Payload};
use crate::error::{Halt, ProposeError, StorageError};
use crate::ledger::{Core, Leader, Tracked};
use crate::log::Appended;
use crate::message::{AppendOutcome, Body, Session};
use crate::progress::inflight::Inflights;
use crate::progress::{Progress, ProgressState};
use crate::storage::{Purpose, Storage};
use crate::types::{EntryId, Index, NodeId, Term};

// Propose.

impl<S: Storage> Core<S> {
    /// Begins a leader's term with an entry of its own, which has no content. It is the first that the
    /// leader may commit by counting, and everything before it is committed with it (§5.4.2, §8).
    ///
    /// # Errors
    /// [`Halt`] if storage does not answer.
    pub(crate) fn start_term(&mut self, leader: &mut Leader) -> Result<(), Halt> {
        self.init_progress(leader);
        self.append_own(leader, vec![Entry::unplaced(Payload::Noop)]);
        self.bcast_append(leader)
    }

    /// Initializes what this leader knows: of every other voter's log nothing, so that it is probed after
    /// the leader's last entry; of its own log everything (Fig. 2 State: nextIndex, matchIndex). Not all
    /// of its own log need be durable yet: none of it is of this term, so none is committed by counting.
    fn init_progress(&self, leader: &mut Leader) {
        let last = self.log.last_index();
        let Config { max_inflight_messages, max_inflight_bytes, .. } = self.config;
        for (&id, peer) in &mut leader.progress {
            let window = Inflights::new(max_inflight_messages, max_inflight_bytes);
            let progress = Progress::new(last, window, Session::default());
            if id == self.id {
                self.begin_own_progress(peer, progress, last);
            } else {
                self.begin_progress(peer, progress);
            }
        }
    }

    /// Takes proposals as a leader, unless its leadership is about to end, or a change among them cannot be
    /// made now.
    ///
    /// # Errors
    /// [`ProposeError`] says why they are not taken.
    pub(crate) fn take_as_leader(
        &mut self,
        leader: &mut Leader,
        mut entries: Vec<Entry>,
    ) -> Result<(), ProposeError> {
        if !leader.progress.contains_key(&self.id) || self.is_leaving() {
            return Err(ProposeError::NotAMember { us: self.id });
        }
        self.check_no_transfer(leader)?;
        let last_change = self.check_changes(leader, &mut entries)?;
        self.on_propose(leader, entries)?;
        self.set_pending_change(leader, last_change);
        Ok(())
    }

    /// Takes proposals as a leader: into its own log, then to all others (Fig. 2 Leaders (2)).
    ///
    /// # Errors
    /// [`ProposeError::TooMuchUncommitted`] if too much waits to be committed and applied already;
    /// [`ProposeError::Halted`] if storage does not answer.
    pub(crate) fn on_propose(
        &mut self,
        leader: &mut Leader,
        entries: Vec<Entry>,
    ) -> Result<(), ProposeError> {
        self.admit(leader, &entries)?;
        self.append_own(leader, entries);
        self.bcast_append(leader)?;
        Ok(())
    }

    /// Forwards proposals to the leader, as a follower.
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
    /// unless that would be more than the settings allow. Entries without bytes are always admitted, and
    /// so is any proposal when nothing waits.
    ///
    /// # Errors
    /// [`ProposeError::TooMuchUncommitted`], with the numbers.
    fn admit(&mut self, leader: &mut Leader, entries: &[Entry]) -> Result<(), ProposeError> {
        let bytes: u64 = entries.iter().map(Entry::content_bytes).sum();
        let waiting = leader.uncommitted_bytes();
        let max = self.config.max_uncommitted_bytes.unwrap_or(u64::MAX);
        if bytes > 0 && waiting > 0 && waiting.saturating_add(bytes) > max {
            return Err(ProposeError::TooMuchUncommitted { waiting, bytes, max });
        }
        self.add_uncommitted(leader, bytes);
        Ok(())
    }

    /// Writes entries at the end of a leader's own log, each with its index and this term. Then the
    /// leader answers itself, as any follower would: a promise that waits for the disk and comes back
    /// to [`Core::on_append_reply`]. So its own entries count once they are durable.
    fn append_own(&mut self, leader: &Leader, mut entries: Vec<Entry>) {
        let (term, mut index) = (self.term, self.log.last_index());
        for entry in &mut entries {
            index = index + 1;
            entry.id = EntryId { term, index };
        }
        self.append(entries);
        let session = leader.progress.get(&self.id).map(|own| own.session());
        let outcome = AppendOutcome::Matched(index);
        self.send(self.id, Body::AppendReply { outcome, session });
    }
}

// Send.

/// What to do when there is no entry to send.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum WhenEmpty {
    /// Send an append without entries: it still asks, and carries the commit index.
    Send,
    /// Send nothing.
    Skip,
}

impl<S: Storage> Core<S> {
    /// Sends every other voter what it lacks.
    ///
    /// # Errors
    /// [`Halt`] if storage does not answer.
    pub(crate) fn bcast_append(&mut self, leader: &mut Leader) -> Result<(), Halt> {
        for (&to, progress) in &mut leader.progress {
            if to != self.id {
                self.want_append(to, progress)?;
            }
        }
        Ok(())
    }

    /// Sends what it lacks to every other member that lacks something: one that was just added need not
    /// wait for a heartbeat.
    ///
    /// # Errors
    /// [`Halt`] if storage does not answer.
    pub(crate) fn send_lacking(&mut self, leader: &mut Leader) -> Result<(), Halt> {
        for (&to, progress) in &mut leader.progress {
            if to != self.id {
                self.send_append(to, progress, WhenEmpty::Skip)?;
            }
        }
        Ok(())
    }

    /// Sends a peer what it lacks: now, or together with everything else that it lacks by the time a
    /// Ready is taken (`batch_append`).
    ///
    /// # Errors
    /// [`Halt`] if storage does not answer.
    pub(crate) fn want_append(&mut self, to: NodeId, progress: &mut Tracked) -> Result<(), Halt> {
        if self.config.batch_append {
            self.set_pending_append(progress, true);
        } else {
            self.send_append(to, progress, WhenEmpty::Send)?;
        }
        Ok(())
    }

    /// Builds the appends that wait to be built (`batch_append`), when a Ready is taken.
    ///
    /// # Errors
    /// [`Halt`] if storage does not answer.
    pub(crate) fn flush_pending_appends(&mut self, leader: &mut Leader) -> Result<(), Halt> {
        if !self.config.batch_append {
            return Ok(());
        }
        for (&to, progress) in &mut leader.progress {
            if progress.has_pending_append() {
                self.set_pending_append(progress, false);
                while self.send_append(to, progress, WhenEmpty::Send)? && self.lacks(progress) {}
            }
        }
        Ok(())
    }

    /// Sends a peer one append: the entries from `next` on, as many as one message may hold, and the
    /// entry before them. Nothing if the peer is paused, or if the entries cannot be had now. Returns
    /// whether it sent one.
    ///
    /// # Errors
    /// [`Halt`] if storage does not answer.
    pub(crate) fn send_append(
        &mut self,
        to: NodeId,
        progress: &mut Tracked,
        when_empty: WhenEmpty,
    ) -> Result<bool, Halt> {
        if progress.is_paused() {
            return Ok(false);
        }
        let Some((prev, entries)) = self.entries_for(to, progress)? else { return Ok(false) };
        if entries.is_empty() && when_empty == WhenEmpty::Skip {
            return Ok(false);
        }
        self.send_entries(to, progress, prev, entries);
        Ok(true)
    }

    /// Returns the entries to send to a peer next, and the entry before them. Nothing if they are compacted:
    /// then the peer is sent a snapshot instead. And nothing if storage fetches them and has to be asked
    /// again. In a full window there are no entries among it: such an append only asks.
    ///
    /// # Errors
    /// [`Halt`] if storage does not answer.
    fn entries_for(
        &mut self,
        to: NodeId,
        progress: &mut Tracked,
    ) -> Result<Option<(EntryId, Vec<Entry>)>, Halt> {
        if progress.wanted_snapshot().is_some() {
            self.send_snapshot(to, progress)?;
            return Ok(None);
        }
        let index = Index(progress.next().0 - 1);
        let term = match self.log.term(index) {
            Err(halt) if halt.is_compacted() => {
                self.send_snapshot(to, progress)?;
                return Ok(None);
            }
            term => term?.unwrap_or_default(),
        };
        let end = self.log.last_index() + 1;
        let high = if progress.takes_entries() { end } else { progress.next() };
        let (low, max_bytes) = (progress.next(), self.config.max_append_bytes);
        match self.log.read_entries(low, high, max_bytes, Purpose::SendTo(to)) {
            Ok(entries) => Ok(Some((EntryId { term, index }, entries))),
            Err(halt) if halt.is_compacted() => {
                self.send_snapshot(to, progress)?;
                Ok(None)
            }
            Err(halt) if *halt.why() == StorageError::Pending => {
                self.note_pending(to, progress.next());
                Ok(None)
            }
            Err(halt) => Err(halt),
        }
    }

    /// Returns whether a peer could be sent more entries at once.
    fn lacks(&self, progress: &Progress) -> bool {
        progress.takes_entries() && progress.next() <= self.log.last_index()
    }
}

// Receive.

impl<S: Storage> Core<S> {
    /// Answers a leader's entries: they are in the log now, or the entry before them is not (Fig. 2
    /// AppendEntries (2) to (5)). An append that begins before the commit index is old: up to there the
    /// log is every later leader's, and saying so is answer enough.
    ///
    /// # Errors
    /// [`Halt`] if storage does not answer; the log has not changed.
    pub(crate) fn on_append(
        &mut self,
        from: NodeId,
        prev: EntryId,
        entries: Vec<Entry>,
        commit: Index,
        session: Session,
    ) -> Result<(), Halt> {
        let outcome = if prev.index < self.commit {
            AppendOutcome::Matched(self.commit)
        } else {
            match self.take_entries(prev, entries)? {
                Appended::Matched { last, .. } => {
                    self.learn_commit(commit.min(last));
                    AppendOutcome::Matched(last)
                }
                Appended::Mismatch => self.refuse_append(prev)?,
            }
        };
        self.send(from, Body::AppendReply { outcome, session: Some(session) });
        Ok(())
    }

    /// Refuses entries that would leave a gap, or that follow another entry than the leader's. Hints at
    /// the last index at which the two logs may still agree (§5.3): after it, this log is of later terms
    /// than `prev`, and the leader's log up to `prev` is not.
    ///
    /// ```text
    ///    index   1  2  3  4  5  6      the leader sends 6@4, prev = 5@3
    ///    leader  1  2  3  3  3  4
    ///    ours    1  2  2  5  5         term 5 is later than 3: the hint is index 3, of term 2
    /// ```
    ///
    /// # Errors
    /// [`Halt`] if storage does not answer.
    fn refuse_append(&mut self, prev: EntryId) -> Result<AppendOutcome, Halt> {
        let at = prev.index.min(self.log.last_index());
        let (hint, hint_term) = self.log.find_conflict_by_term(at, prev.term)?;
        self.note_append_refused(prev, hint);
        Ok(AppendOutcome::Rejected { prev: prev.index, hint, hint_term })
    }
}

// Take the answer.

impl<S: Storage> Core<S> {
    /// Takes a peer's answer to an append, also this leader's own (Fig. 2 Leaders (3)).
    ///
    /// # Errors
    /// [`Halt`] if storage does not answer.
    pub(crate) fn on_append_reply(
        &mut self,
        leader: &mut Leader,
        from: NodeId,
        outcome: AppendOutcome,
    ) -> Result<(), Halt> {
        match outcome {
            AppendOutcome::Matched(index) => self.on_matched(leader, from, index),
            AppendOutcome::Rejected { prev, hint, hint_term } => {
                self.on_rejected(leader, from, prev, hint, hint_term)
            }
            AppendOutcome::SnapshotWanted { at_least } => {
                self.on_snapshot_wanted(leader, from, at_least)
            }
            AppendOutcome::NewerTerm => Ok(()),
        }
    }

    /// Learns that a peer, or this leader's own disk, holds the log up to `index`: that may commit
    /// entries, and makes room for more.
    ///
    /// # Errors
    /// [`Halt`] if storage does not answer.
    fn on_matched(&mut self, leader: &mut Leader, from: NodeId, index: Index) -> Result<(), Halt> {
        if !self.advance_match(leader, from, index) {
            return Ok(());
        }
        if self.maybe_commit(leader)? {
            self.bcast_append(leader)?;
        }
        self.send_more(leader, from)
    }

    /// Sends a peer that takes more than before what it lacks: the commit index if it is news to the peer,
    /// and entries as long as the window takes them.
    ///
    /// # Errors
    /// [`Halt`] if storage does not answer.
    pub(crate) fn send_more(&mut self, leader: &mut Leader, to: NodeId) -> Result<(), Halt> {
        let tells_commit = self.tells_commit(leader);
        let peer = leader.progress.get_mut(&to).filter(|_| to != self.id);
        let Some(progress) = peer else { return Ok(()) };
        if tells_commit && progress.can_bump_commit(self.commit) {
            self.want_append(to, progress)?;
        }
        if !self.config.batch_append {
            while self.send_append(to, progress, WhenEmpty::Skip)? {}
        } else if self.lacks(progress) {
            self.want_append(to, progress)?;
        }
        Ok(())
    }

    /// Learns that a peer's log does not agree at `prev`: looks for the last index at which it can, and
    /// asks again there. Up to `hint` the peer has nothing of a later term than `hint_term`. So entries
    /// of later terms in this leader's log are skipped at once (§5.3).
    ///
    /// ```text
    ///    index   1  2  3  4  5  6      the peer hints at index 3, of term 2
    ///    ours    1  2  3  3  3  4      term 3 is later than 2: they can agree at index 2
    ///    peer    1  2  2  5  5
    /// ```
    ///
    /// # Errors
    /// [`Halt`] if storage does not answer.
    fn on_rejected(
        &mut self,
        leader: &mut Leader,
        from: NodeId,
        prev: Index,
        hint: Index,
        hint_term: Option<Term>,
    ) -> Result<(), Halt> {
        let Some(progress) = leader.progress.get_mut(&from) else { return Ok(()) };
        let agree_at = match hint_term {
            Some(term) => self.log.find_conflict_by_term(hint, term)?.0,
            None => hint,
        };
        if self.back_off(from, progress, prev, agree_at) {
            self.want_append(from, progress)?;
        }
        Ok(())
    }

    /// Learns that a peer is alive. If it may lack entries, it is asked: an append in flight may have
    /// been lost.
    ///
    /// # Errors
    /// [`Halt`] if storage does not answer.
    pub(crate) fn on_heartbeat_reply(
        &mut self,
        leader: &mut Leader,
        from: NodeId,
    ) -> Result<(), Halt> {
        let Some(progress) = leader.progress.get_mut(&from) else { return Ok(()) };
        self.resume(progress);
        let is_behind = progress.matched() < self.log.last_index();
        if is_behind || *progress.state() == ProgressState::Probe {
            self.want_append(from, progress)?;
        }
        Ok(())
    }

    /// Learns from the owner that storage has fetched entries for a peer.
    ///
    /// # Errors
    /// [`Halt`] if storage does not answer.
    pub(crate) fn on_fetched(&mut self, leader: &mut Leader, peer: NodeId) -> Result<(), Halt> {
        self.send_more(leader, peer)
    }

    /// Learns from the owner that messages to a peer are lost: sends it one append at a time.
    pub(crate) fn on_unreachable(&mut self, leader: &mut Leader, peer: NodeId) {
        if let Some(progress) = leader.progress.get_mut(&peer)
            && *progress.state() == ProgressState::Replicate
        {
            self.probe(peer, progress);
        }
    }
}
