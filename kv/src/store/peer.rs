//! A peer: one replica of a region, and what its messages do to it.
//!
//! ```text
//!   messages --> step           raft messages; votes only when the vote ban is over
//!            --> propose        writes, merged into as few entries as they fit
//!            --> read           local under the lease, or by ReadIndex
//!   round    --> collect_ready  messages out, entries and hard state into the round's frame
//!            --> finish_ready   all is durable: promises out, committed entries to apply
//!            --> post_apply     reads that waited for what is applied now
//! ```
//!
//! The names are TiKV's.

mod reads; // read
mod ready; // collect, finish, apply
mod writes; // gather, propose

use super::apply::{ApplyFsm, has_applied_term};
use super::callback::{ReadCallback, WriteCallback};
use super::config::StoreConfig;
use super::error::KvError;
use super::lease::{Lease, VoteBan};
use super::peer_storage::PeerStorage;
use super::proposal::ProposalQueue;
use super::read::{ReadIndexQueue, ReadMode};
use super::status::PeerStatus;
use crate::env::Moment;
use crate::model::{
    Command, Epoch, Peer, PeerId, Region, RegionId, RequestId, StoreMessage, Write,
};
use raft::{Body, EntryId, Halt, Index, Message, NodeId, RawNode, RoleName, Term, wire};
use std::sync::Arc;
use storage::Disk;

/// Whom a request is for, as its sender knows the region.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RequestContext {
    /// The region.
    pub region: RegionId,
    /// The peer; none if any peer on this store may answer.
    pub peer: Option<Peer>,
    /// The region's epoch.
    pub epoch: Epoch,
    /// The leader's term, if the request may only be served in it.
    pub term: Option<Term>,
}

/// A write that waits to be proposed.
#[derive(Debug)]
pub(crate) struct WriteRequest {
    pub(crate) context: RequestContext,
    pub(crate) request: RequestId,
    pub(crate) write: Write,
    pub(crate) callback: WriteCallback,
}

/// A read.
#[derive(Debug)]
pub(crate) struct ReadRequest {
    pub(crate) context: RequestContext,
    pub(crate) mode: ReadMode,
    pub(crate) callback: ReadCallback,
}

/// What a peer is told.
#[derive(Debug)]
pub(crate) enum PeerMessage {
    /// Another peer of the region says something.
    Raft(Box<StoreMessage>),
    /// A client wants to write.
    Write(WriteRequest),
    /// A client wants to read.
    Read(ReadRequest),
    /// The store has started.
    Start,
    /// A tick has passed.
    Tick,
    /// There is more to do, although nobody said anything.
    Continue,
}

impl PeerMessage {
    /// Returns how many bytes of its sender it holds.
    pub(crate) fn size_bytes(&self) -> usize {
        match self {
            PeerMessage::Raft(message) => wire::message_len(&message.message),
            PeerMessage::Write(request) => Command::encoded_len(&request.write),
            PeerMessage::Read(_)
            | PeerMessage::Start
            | PeerMessage::Tick
            | PeerMessage::Continue => 0,
        }
    }
}

/// A replica of a region.
pub(crate) struct PeerCore<D: Disk> {
    pub(crate) region: Arc<Region>,
    pub(crate) me: Peer,
    pub(crate) node: RawNode<PeerStorage<D>>,
    pub(crate) apply: ApplyFsm,
    pub(crate) proposals: ProposalQueue,
    reads: ReadIndexQueue,
    lease: Lease,
    vote_ban: VoteBan,
    /// The writes and reads of this round, not yet proposed.
    writes: Vec<WriteRequest>,
    read_indexes: Vec<ReadCallback>,
    /// A commit index that rides in the next frame.
    unsaved_commit: Option<Index>,
    /// For how many ticks proposals have waited since this peer led.
    orphaned_ticks: u64,
    election_ticks: u64,
    entry_bytes_max: usize,
    /// The last thing that became known about the leader.
    leader: Option<NodeId>,
    role: RoleName,
}

impl<D: Disk> PeerCore<D> {
    /// Returns a peer that starts at `now`. `salt` is an unpredictable number.
    pub(crate) fn new(
        config: &StoreConfig,
        region: Arc<Region>,
        me: Peer,
        node: RawNode<PeerStorage<D>>,
        apply: ApplyFsm,
        (now, salt): (Moment, u64),
    ) -> PeerCore<D> {
        PeerCore {
            region,
            me,
            node,
            apply,
            proposals: ProposalQueue::default(),
            reads: ReadIndexQueue::new(salt),
            lease: Lease::new(config.max_lease),
            vote_ban: VoteBan::from_start(now, config.vote_ban()),
            writes: Vec::new(),
            read_indexes: Vec::new(),
            unsaved_commit: None,
            orphaned_ticks: 0,
            election_ticks: config.election_ticks,
            entry_bytes_max: config.entry_bytes_max,
            leader: None,
            role: RoleName::Follower,
        }
    }

    /// Returns what others may know of this peer.
    pub(crate) fn status(&self) -> PeerStatus {
        let seen = self.node.status();
        PeerStatus {
            region: self.region.clone(),
            peer: self.me,
            term: seen.term,
            role: self.role,
            leader: self.leader.and_then(|id| self.region.peer(PeerId(id.0))),
            commit: seen.commit,
            applied: self.apply.applied(),
            last: seen.last,
            lease_until: self.lease.until().filter(|_| self.role == RoleName::Leader),
        }
    }

    fn leads(&self) -> bool {
        self.role == RoleName::Leader
    }

    fn has_applied_all(&self) -> bool {
        self.apply.applied().index >= self.node.status().commit
    }

    fn has_applied_term(&self) -> bool {
        has_applied_term(self.apply.applied(), self.node.status().term)
    }
}

// Messages and ticks.

impl<D: Disk> PeerCore<D> {
    /// Takes a message of another peer. One that no correct store sends changes nothing.
    ///
    /// # Errors
    /// [`Halt`]: Raft could not read its log.
    pub(crate) fn step(&mut self, message: StoreMessage, now: Moment) -> Result<(), Halt> {
        let StoreMessage { to, message, .. } = message;
        if to.id != self.me.id || !self.may_vote_for(&message, now) {
            return Ok(());
        }
        let is_of_leader =
            message.body.traits().is_from_leader && message.term >= Some(self.node.status().term);
        match self.node.step(message) {
            Err(raft::StepError::Halted(halt)) => return Err(halt),
            Err(_) => {} // late, repeated, or of a stranger: the node has not changed
            Ok(()) if is_of_leader => self.vote_ban.heard_leader(now),
            Ok(()) => {}
        }
        Ok(())
    }

    /// Returns whether a message may be stepped while the vote ban lasts: anything but a request for a
    /// vote that no leader has asked for.
    fn may_vote_for(&self, message: &Message, now: Moment) -> bool {
        let (Body::RequestVote(ask) | Body::RequestPreVote(ask)) = &message.body else {
            return true;
        };
        ask.transfer || self.vote_ban.is_over(now)
    }

    /// Counts a tick. Gives up proposals whose end this peer does not learn, because it leads no more, and
    /// reads whose index it does not reach.
    pub(crate) fn tick(&mut self) {
        self.node.tick();
        let region = self.region.id;
        self.reads.tick(2 * self.election_ticks, &KvError::ReadIndexNotReady { region });
        if self.leads() || self.proposals.is_empty() {
            self.orphaned_ticks = 0;
            return;
        }
        self.orphaned_ticks += 1;
        if self.orphaned_ticks > 2 * self.election_ticks {
            self.proposals.give_up();
        }
    }

    /// Campaigns at once if nobody else votes: no timeout must pass.
    ///
    /// # Errors
    /// [`Halt`].
    pub(crate) fn campaign_alone(&mut self) -> Result<(), Halt> {
        let voters = &self.node.status().conf_state.voters;
        if voters.len() == 1
            && voters.contains(&NodeId(self.me.id.0))
            && let Err(raft::CampaignError::Halted(halt)) = self.node.campaign()
        {
            return Err(halt);
        }
        Ok(())
    }
}

impl PeerMessage {
    /// Answers the sender of a message that no peer will handle.
    pub(crate) fn refuse(self, error: KvError) {
        match self {
            PeerMessage::Write(request) => request.callback.finish(Err(error)),
            PeerMessage::Read(request) => request.callback.finish(Err(error)),
            PeerMessage::Raft(_)
            | PeerMessage::Start
            | PeerMessage::Tick
            | PeerMessage::Continue => {}
        }
    }
}

/// The entry after which a new region's log begins. It is not 0: a log that ends at 0 knows nothing yet.
pub(crate) const INITIAL: EntryId = EntryId { term: Term(5), index: Index(5) };
