//! Reads of a peer: at once under the lease, or by an index that a majority has confirmed.

use super::{PeerCore, ReadRequest, RequestContext};
use crate::env::Moment;
use crate::store::callback::ReadCallback;
use crate::store::error::KvError;
use crate::store::policy::{RequestKind, RequestPolicy, decide_policy};
use crate::store::read::{ReadMode, why_dropped};
use raft::{Halt, ReadState};
use storage::Disk;

impl<D: Disk> PeerCore<D> {
    /// Takes a read. Returns its callback if it can be served at once.
    pub(crate) fn read(&mut self, request: ReadRequest, now: Moment) -> Option<ReadCallback> {
        let ReadRequest { context, mode, callback } = request;
        if let Err(error) = self.check_read(&context, mode) {
            callback.finish(Err(error));
            return None;
        }
        let kind = match mode {
            ReadMode::Stale => return Some(callback),
            ReadMode::Lease if self.leads() => RequestKind::Read,
            ReadMode::Lease | ReadMode::Quorum | ReadMode::Follower => RequestKind::ReadQuorum,
        };
        match decide_policy(kind, self.lease.inspect(now), self.has_applied_term()) {
            RequestPolicy::ReadLocal if self.has_applied_all() => Some(callback),
            RequestPolicy::ReadLocal => {
                // The lease says that nobody has committed more: once it is applied here, it is all.
                self.reads.push_at(self.node.status().commit, callback);
                None
            }
            RequestPolicy::ReadIndex => {
                self.read_indexes.push(callback);
                None
            }
            policy @ (RequestPolicy::ProposeNormal
            | RequestPolicy::ProposeTransferLeader
            | RequestPolicy::ProposeConfChange) => {
                unreachable!("a read is never served by {policy:?}")
            }
        }
    }

    /// Checks that a read is for this peer.
    fn check_read(&self, context: &RequestContext, mode: ReadMode) -> Result<(), KvError> {
        match mode {
            ReadMode::Lease | ReadMode::Quorum => self.check_leader_request(context),
            ReadMode::Follower | ReadMode::Stale => {
                self.check_store(context)?;
                self.check_peer(context)?;
                self.check_request_epoch(context)
            }
        }
    }

    /// Asks for the index of this round's reads: one question for all of them.
    ///
    /// # Errors
    /// [`Halt`]. The reads wait, and are answered when the store ends.
    pub(crate) fn ask_read_index(&mut self, now: Moment) -> Result<(), Halt> {
        if self.read_indexes.is_empty() {
            return Ok(());
        }
        let mark = self.reads.push(now, std::mem::take(&mut self.read_indexes));
        self.node.read_index(mark)
    }

    /// Learns how reads have ended.
    pub(super) fn take_reads(&mut self, ended: Vec<ReadState>) {
        for ReadState { context, outcome } in ended {
            match outcome {
                Err(dropped) => self.reads.fail(&context, &why_dropped(self.region.id, dropped)),
                Ok(index) => {
                    let asked = self.reads.confirm(&context, index);
                    if let Some(asked) = asked.filter(|_| self.leads()) {
                        self.lease.confirm(asked);
                    }
                }
            }
        }
    }

    /// Takes out the reads that can be served now.
    pub(crate) fn take_servable_reads(&mut self) -> Vec<ReadCallback> {
        self.reads.take_servable(self.apply.applied().index)
    }
}
