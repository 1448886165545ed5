//! Snapshots: the application's state, in place of entries that a leader no longer has (§7).
//!
//! ```text
//!   leader     [ compacted ] 8@2 9@2          next for n3 is 4: entry 4 is compacted
//!      |--- InstallSnapshot last=7@2 ---> n3   log:  (snapshot 7@2)
//!      | <----------- matched 7 --------- n3   commit 7, members as the snapshot says
//!      |--- append prev=7@2 [8@2 9@2] -->
//! ```
//!
//! While a snapshot is on its way, the leader sends the peer nothing else. That time ends in one of these
//! ways: the peer acknowledges an index that reconnects its log with the leader's, from this snapshot or any
//! other; the owner reports how the transfer went; or `snapshot_ticks` have passed, whatever became of it.
//!
//! Invariants: a snapshot never takes anything back that is committed. It is installed, and its data with
//! it, before any entry after it is applied.

use crate::error::{Halt, RequestSnapshotError, StorageError};
use crate::event::SnapshotRefusal;
use crate::ledger::{Core, Leader, Tracked};
use crate::message::{AppendOutcome, Body, Session};
use crate::progress::ProgressState;
use crate::raft::{Raft, Role};
use crate::state::{Snapshot, SnapshotStatus};
use crate::storage::Storage;
use crate::types::{Index, NodeId};

// Send.

impl<S: Storage> Core<S> {
    /// Sends a peer a snapshot, because entries that it lacks are compacted, or because it asked for one. A
    /// peer that has not answered lately gets none: it may be down, and snapshots are large.
    ///
    /// # Errors
    /// [`Halt`] if storage does not answer.
    pub(crate) fn send_snapshot(&mut self, to: NodeId, peer: &mut Tracked) -> Result<(), Halt> {
        if !peer.is_recent_active() {
            self.note_compacted(to, peer.next());
            return Ok(());
        }
        let reconnects_at = Index(self.log.first_index()?.0 - 1);
        let wanted = peer.wanted_snapshot().unwrap_or_default();
        // A peer keeps what it has acknowledged, so nothing older helps it.
        let at_least = wanted.max(reconnects_at).max(peer.snapshot_floor()).max(peer.matched());
        match self.log.snapshot(at_least, to) {
            Err(halt) if *halt.why() == StorageError::Pending => self.note_snapshot_pending(to),
            // It is from before the peer was a member, so the peer would refuse it. This leader has applied
            // the change that added the peer: ask for a later one.
            Ok(snapshot) if !snapshot.conf_state.members().contains(&to) => {
                self.raise_snapshot_floor(peer, self.applied);
                self.note_snapshot_pending(to);
            }
            snapshot => self.send_image(to, peer, snapshot?),
        }
        Ok(())
    }

    /// Learns, before an acknowledgement counts, whether it ends the time of a snapshot: the peer's log
    /// reaches as far as the entries that this leader still has. It need not be the snapshot that was sent. A
    /// peer that asked for a snapshot may acknowledge no more than before: what the snapshot covers.
    ///
    /// # Errors
    /// [`Halt`] if storage does not answer.
    pub(crate) fn end_snapshot(
        &mut self,
        leader: &mut Leader,
        from: NodeId,
        outcome: AppendOutcome,
    ) -> Result<(), Halt> {
        let Some(peer) = leader.progress.get_mut(&from) else { return Ok(()) };
        let AppendOutcome::Matched(index) = outcome else { return Ok(()) };
        let ProgressState::Snapshot { pending } = *peer.state() else { return Ok(()) };
        let is_news = index > peer.matched() || index >= pending;
        if is_news && index + 1 >= self.log.first_index()? {
            self.probe(from, peer);
        }
        Ok(())
    }

    /// Gives up the snapshots that were sent too long ago: the peer may have crashed, or the report may
    /// never come. At its next answer it is probed, and gets another snapshot if it still needs one. A peer
    /// that is down gives no answer, and so gets no second snapshot.
    pub(crate) fn tick_snapshots(&mut self, leader: &mut Leader) {
        let Some(limit_ticks) = self.config.snapshot_ticks else { return };
        for (&id, peer) in &mut leader.progress {
            if peer.is_waiting_for_snapshot() && self.count_snapshot_tick(peer) >= limit_ticks {
                self.give_up_snapshot(id, peer);
                self.pause(peer);
            }
        }
    }
}

impl<S: Storage> Raft<S> {
    /// Learns from the owner what became of a snapshot that was sent to a peer. Does nothing if the node does
    /// not lead, has halted, or the peer waits for no snapshot.
    pub fn report_snapshot(&mut self, peer: NodeId, arrived: SnapshotStatus) {
        let Role::Leader(leader) = &mut self.role else { return };
        let Some(tracked) = leader.progress.get_mut(&peer) else { return };
        if self.core.halted.is_some() || !tracked.is_waiting_for_snapshot() {
            return;
        }
        match arrived {
            SnapshotStatus::Finish => self.core.probe(peer, tracked),
            SnapshotStatus::Failure => self.core.give_up_snapshot(peer, tracked),
        }
        // What comes next is the peer's answer, or a heartbeat's.
        self.core.pause(tracked);
    }
}

// Install.

impl<S: Storage> Core<S> {
    /// Installs a leader's snapshot, or finds that it need not be installed, and answers with the index up to
    /// which this node agrees with the leader (Fig. 13).
    ///
    /// # Errors
    /// [`Halt`] if storage does not answer; the log has not changed.
    pub(crate) fn on_snapshot(
        &mut self,
        from: NodeId,
        snapshot: Snapshot,
        session: Session,
    ) -> Result<(), Halt> {
        let last = snapshot.id;
        match self.decide_snapshot(&snapshot)? {
            Ok(()) => self.install(snapshot),
            Err(why) => {
                self.note_snapshot_refused(last, why);
                if why == SnapshotRefusal::InOurLog {
                    self.learn_commit(last.index);
                }
            }
        }
        let outcome = AppendOutcome::Matched(self.commit);
        self.send(from, Body::AppendReply { outcome, session: Some(session) });
        Ok(())
    }

    /// Installs a snapshot: it takes the place of the whole log, its members are the group's, and what it
    /// covers is committed.
    fn install(&mut self, snapshot: Snapshot) {
        let (last, conf) = (snapshot.id, snapshot.conf_state.clone());
        self.restore(snapshot);
        self.set_members(conf);
        if last.index > self.commit {
            self.commit_to(last.index);
        }
    }

    /// Decides whether a snapshot is to be installed, and if not, why.
    ///
    /// ```text
    ///   commit 5     snapshot 4@2     older: what is committed is never taken back
    ///   log 1 .. 9   snapshot 7@2     7@2 is in our log: everything up to it is the same, so it is
    ///                                 committed, and 8 and 9 stay
    /// ```
    ///
    /// # Errors
    /// [`Halt`] if storage does not answer.
    fn decide_snapshot(&self, snapshot: &Snapshot) -> Result<Result<(), SnapshotRefusal>, Halt> {
        let (id, commit) = (snapshot.id, self.commit);
        let is_wanted = self.wanted_snapshot.is_some_and(|at_least| id.index >= at_least);
        Ok(if id.index < commit || id.index == commit && !is_wanted {
            Err(SnapshotRefusal::Committed { commit })
        } else if !snapshot.conf_state.members().contains(&self.id) {
            Err(SnapshotRefusal::WithoutUs)
        } else if !is_wanted && self.log.holds(id)? {
            Err(SnapshotRefusal::InOurLog)
        } else {
            Ok(())
        })
    }
}

// Ask for one.

impl<S: Storage> Raft<S> {
    /// Asks the leader for a snapshot that covers this node's whole log: the owner has lost its application's
    /// state, or does not trust it. Until it comes, the node takes no entries. The name is raft-rs's.
    ///
    /// A new term ends the wish, since its leader may have another log. Ask again then.
    ///
    /// # Errors
    /// [`RequestSnapshotError`] says why the leader is not asked; the node has not changed.
    pub fn request_snapshot(&mut self) -> Result<(), RequestSnapshotError> {
        self.core.check_running()?;
        if let Role::Leader(_) = self.role {
            return Err(RequestSnapshotError::Leads);
        }
        let leader = self.core.leader.ok_or(RequestSnapshotError::NoLeader)?;
        let last = self.core.log.last();
        if let Some(at_least) = self.core.wanted_snapshot {
            return Err(RequestSnapshotError::Waiting { at_least });
        }
        if self.core.log.is_installing() {
            return Err(RequestSnapshotError::Waiting { at_least: last.index });
        }
        if last.term != self.core.term {
            return Err(RequestSnapshotError::LogIsOld { last, term: self.core.term });
        }
        self.core.want_snapshot(Some(last.index));
        self.core.ask_for_snapshot(leader, None);
        Ok(())
    }
}

impl<S: Storage> Core<S> {
    /// Asks the leader for the snapshot that this node wants, if it wants one.
    pub(crate) fn ask_for_snapshot(&mut self, leader: NodeId, session: Option<Session>) {
        if let Some(at_least) = self.wanted_snapshot {
            let outcome = AppendOutcome::SnapshotWanted { at_least };
            self.send(leader, Body::AppendReply { outcome, session });
        }
    }

    /// Learns, as a leader, that a peer wants a snapshot that covers `at_least`. It is an acknowledgement, too:
    /// the peer's log ends there, with an entry of this leader's term. Without it, a group that needs the
    /// peer could never commit so much, and no snapshot would ever cover it.
    ///
    /// # Errors
    /// [`Halt`] if storage does not answer.
    pub(crate) fn on_snapshot_wanted(
        &mut self,
        leader: &mut Leader,
        from: NodeId,
        at_least: Index,
    ) -> Result<(), Halt> {
        let is_on_its_way = |peer: &Tracked| match *peer.state() {
            ProgressState::Snapshot { pending } => pending >= at_least,
            ProgressState::Probe | ProgressState::Replicate => false,
        };
        let Some(peer) = leader.progress.get_mut(&from) else { return Ok(()) };
        if !is_on_its_way(peer) {
            self.note_snapshot_wanted(from, peer, at_least);
        }
        if self.advance_match(leader, from, at_least) && self.maybe_commit(leader)? {
            self.bcast_append(leader)?;
        }
        match leader.progress.get_mut(&from) {
            Some(peer) if !is_on_its_way(peer) => self.send_snapshot(from, peer),
            Some(_) | None => Ok(()),
        }
    }
}
