//! A peer in a round: what it hands out, and what becomes possible once that is durable and applied.

use super::PeerCore;
use crate::env::Moment;
use crate::model::{ClusterId, PeerId, StoreMessage};
use crate::store::apply::Applied;
use crate::store::error::KvError;
use crate::store::frames::Frames;
use raft::{Body, Entry, Halt, Message, OrderError, Ready, RoleName};
use storage::Disk;

impl<D: Disk> PeerCore<D> {
    /// Returns whether a round has something to do for this peer.
    pub(crate) fn has_ready(&self) -> bool {
        self.node.has_ready()
    }

    /// Takes a Ready, and notes a change of the role.
    ///
    /// # Errors
    /// [`Halt`].
    pub(crate) fn collect_ready(&mut self) -> Result<Ready, Halt> {
        let mut ready = self.node.ready()?;
        if let Some(soft) = ready.soft_state() {
            self.on_role_changed(soft);
        }
        self.take_reads(ready.take_reads());
        Ok(ready)
    }

    /// Adds what a Ready writes to the round's frames, with the commit index that the last round has
    /// learned.
    ///
    /// # Errors
    /// As [`storage::Log::append`].
    pub(crate) fn write_ready(
        &mut self,
        ready: &Ready,
        frames: &mut Frames<D>,
    ) -> Result<(), storage::Error> {
        let rides = self.unsaved_commit.take().map(|_| self.node.hard_state());
        let hard_state = ready.hard_state().or(rides);
        self.node.storage_mut().write(ready.entries(), hard_state, frames)
    }

    /// Learns that this peer has another role, or another leader. Before any message of the new role
    /// leaves, the lease is over.
    fn on_role_changed(&mut self, soft: raft::SoftState) {
        if soft.role != RoleName::Leader {
            self.lease.expire();
        }
        (self.role, self.leader) = (soft.role, soft.leader);
    }

    /// Learns that a message is about to leave.
    pub(crate) fn before_send(&mut self, message: &Message, now: Moment) {
        if matches!(message.body, Body::TimeoutNow { .. }) {
            self.lease.suspect(now);
        }
    }

    /// Learns that the Ready is durable. Returns the messages that may leave now, and the entries to
    /// apply.
    ///
    /// # Errors
    /// [`Halt`].
    pub(crate) fn finish_ready(
        &mut self,
        mut ready: Ready,
    ) -> Result<(Vec<Message>, Vec<Entry>), Halt> {
        let (mut messages, mut committed) =
            (ready.take_persisted_messages(), ready.take_committed_entries());
        let mut light = self.node.advance_append(ready)?;
        messages.extend(light.take_messages());
        committed.extend(light.take_committed_entries());
        self.unsaved_commit = light.commit_index().or(self.unsaved_commit);
        Ok((messages, committed))
    }

    /// Learns that what was handed out is applied and visible.
    ///
    /// # Errors
    /// [`Halt`].
    pub(crate) fn post_apply(&mut self, applied: &Applied) -> Result<(), Halt> {
        match self.node.advance_apply_to(self.apply.applied().index) {
            Err(OrderError::Halted(halt)) => return Err(halt),
            Err(error) => unreachable!("entries are applied in the order of Raft: {error}"),
            Ok(()) => {}
        }
        if let Some(proposed) = applied.proposed.filter(|_| self.leads() && self.has_applied_term())
        {
            self.lease.renew(proposed);
        }
        Ok(())
    }

    /// Returns a message with its address; none if the region has no such peer.
    pub(crate) fn address(&self, cluster: ClusterId, message: Message) -> Option<StoreMessage> {
        let to = self.region.peer(PeerId(message.to.0))?;
        let (region, from, epoch) = (self.region.id, self.me, self.region.epoch);
        Some(StoreMessage { cluster, region, from, to, epoch, message })
    }

    /// Answers everybody who waits: this peer does nothing any more. What was proposed may be applied by
    /// others; what was not, will not be.
    pub(crate) fn give_up(&mut self) {
        let gone = KvError::RegionNotFound { region: self.region.id };
        self.proposals.give_up();
        self.reads.fail_all(&gone);
        for request in self.writes.drain(..) {
            request.callback.finish(Err(gone.clone()));
        }
        for callback in self.read_indexes.drain(..) {
            callback.finish(Err(gone.clone()));
        }
    }
}
