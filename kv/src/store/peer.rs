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

use super::apply::{Applied, ApplyFsm, check_epoch, has_applied_term};
use super::callback::{ReadCallback, WriteCallback};
use super::config::StoreConfig;
use super::error::KvError;
use super::frames::Frames;
use super::lease::{Lease, VoteBan};
use super::peer_storage::PeerStorage;
use super::policy::{RequestKind, RequestPolicy, decide_policy};
use super::proposal::{Proposal, ProposalQueue};
use super::read::{ReadIndexQueue, ReadMode, why_dropped};
use super::status::PeerStatus;
use crate::env::Moment;
use crate::model::{
    Command, Epoch, Peer, PeerId, Region, RegionId, RequestId, StoreMessage, Write, encode_commands,
};
use bytes::Bytes;
use raft::{
    Body, Entry, EntryId, Halt, Index, Message, NodeId, OrderError, ProposeError, RawNode,
    ReadState, Ready, RoleName, Term,
};
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
        if is_of_leader {
            self.vote_ban.heard_leader(now);
        }
        match self.node.step(message) {
            Err(raft::StepError::Halted(halt)) => Err(halt),
            // Late, repeated, or of a stranger: the node has not changed.
            Err(_) | Ok(()) => Ok(()),
        }
    }

    /// Returns whether a message may be stepped while the vote ban lasts: anything but a request for a
    /// vote that no leader has asked for.
    fn may_vote_for(&self, message: &Message, now: Moment) -> bool {
        let (Body::RequestVote(ask) | Body::RequestPreVote(ask)) = &message.body else {
            return true;
        };
        ask.transfer || self.vote_ban.is_over(now)
    }

    /// Counts a tick. Gives up proposals whose end this peer does not learn, because it leads no more.
    pub(crate) fn tick(&mut self) {
        self.node.tick();
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

// Writes.

impl<D: Disk> PeerCore<D> {
    /// Takes a write: it is proposed with the others of its round.
    pub(crate) fn gather_write(&mut self, request: WriteRequest) {
        match self.check_leader_request(&request.context) {
            Ok(()) => self.writes.push(request),
            Err(error) => request.callback.finish(Err(error)),
        }
    }

    /// Checks that a request is for this peer, and that it may be served: store, leader, peer, term,
    /// epoch, in this order.
    ///
    /// # Errors
    /// What the sender is told.
    fn check_leader_request(&self, context: &RequestContext) -> Result<(), KvError> {
        self.check_store(context)?;
        if !self.leads() {
            return Err(self.not_leader());
        }
        self.check_peer(context)?;
        self.check_term(context)?;
        self.check_request_epoch(context)
    }

    fn check_store(&self, context: &RequestContext) -> Result<(), KvError> {
        let asked = context.peer.map_or(self.me.store, |peer| peer.store);
        let actual = self.me.store;
        if asked == actual { Ok(()) } else { Err(KvError::StoreNotMatch { asked, actual }) }
    }

    fn check_peer(&self, context: &RequestContext) -> Result<(), KvError> {
        let asked = context.peer.map_or(self.me.id, |peer| peer.id);
        let actual = self.me.id;
        if asked == actual { Ok(()) } else { Err(KvError::PeerNotMatch { asked, actual }) }
    }

    /// A request of the term before may still be served: its sender learned of the leader then.
    fn check_term(&self, context: &RequestContext) -> Result<(), KvError> {
        let term = self.node.status().term;
        let is_stale = context.term.is_some_and(|asked| asked.0 + 1 < term.0);
        if is_stale { Err(KvError::StaleCommand) } else { Ok(()) }
    }

    fn check_request_epoch(&self, context: &RequestContext) -> Result<(), KvError> {
        let asked = context.epoch;
        check_epoch(asked, &self.region)
            .map_err(|current| KvError::EpochNotMatch { asked, current: Box::new(current) })
    }

    /// Returns the error that names the leader, if this peer knows one.
    fn not_leader(&self) -> KvError {
        let leader = self.leader.filter(|leader| leader.0 != self.me.id.0);
        let leader = leader.and_then(|leader| self.region.peer(PeerId(leader.0)));
        KvError::NotLeader { region: self.region.id, leader }
    }

    /// Proposes the writes of this round: as many in one entry as fit.
    ///
    /// # Errors
    /// [`Halt`]. Everybody who waits for a write of this round has been told.
    pub(crate) fn propose_gathered(&mut self, now: Moment) -> Result<(), Halt> {
        let mut writes = std::mem::take(&mut self.writes).into_iter().peekable();
        let mut halted = Ok(());
        while writes.peek().is_some() {
            let (mut commands, mut callbacks, mut bytes) = (Vec::new(), Vec::new(), 0);
            while let Some(request) = writes
                .next_if(|next| commands.is_empty() || bytes + next.size() <= self.entry_bytes_max)
            {
                bytes += request.size();
                let WriteRequest { context, request, write, callback } = request;
                commands.push(Command { request, epoch: context.epoch, write });
                callbacks.push(callback);
            }
            let data = encode_commands(&commands, self.entry_bytes_max);
            if let Err(halt) = self.propose(data, callbacks, now) {
                halted = Err(halt);
            }
        }
        halted
    }

    /// Proposes one entry.
    fn propose(
        &mut self,
        data: Bytes,
        mut callbacks: Vec<WriteCallback>,
        proposed: Moment,
    ) -> Result<(), Halt> {
        if let Err(error) = self.node.propose(Bytes::new(), data) {
            let (told, halted) = self.why_not_proposed(error);
            callbacks.into_iter().for_each(|callback| callback.finish(Err(told.clone())));
            return halted;
        }
        callbacks.iter_mut().for_each(WriteCallback::proposed);
        let id = self.node.status().last;
        self.proposals.push(Proposal { id, proposed, callbacks });
        Ok(())
    }

    /// Returns what the sender of a proposal is told that Raft has not taken.
    fn why_not_proposed(&self, error: ProposeError) -> (KvError, Result<(), Halt>) {
        let region = self.region.id;
        match error {
            ProposeError::Halted(halt) => (KvError::Undetermined, Err(halt)),
            ProposeError::Transferring { .. } => (KvError::ProposalDropped { region }, Ok(())),
            ProposeError::TooMuchUncommitted { .. } => (KvError::ServerIsBusy { region }, Ok(())),
            ProposeError::NoLeader
            | ProposeError::NotForwarded { .. }
            | ProposeError::Empty
            | ProposeError::NotSupported
            | ProposeError::NotAMember { .. }
            | ProposeError::ChangeRefused(_) => (self.not_leader(), Ok(())),
        }
    }
}

impl WriteRequest {
    /// Returns the length of the write as a command of an entry.
    fn size(&self) -> usize {
        Command::encoded_len(&self.write)
    }
}

// Reads.

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
            RequestPolicy::ReadLocal => Some(callback),
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
    fn take_reads(&mut self, ended: Vec<ReadState>) {
        for ReadState { context, outcome } in ended {
            match outcome {
                Err(dropped) => self.reads.fail(&context, &why_dropped(self.region.id, dropped)),
                Ok(index) => {
                    let asked = self.reads.confirm(&context, index);
                    if let Some(asked) = asked.filter(|_| self.leads()) {
                        self.lease.renew(asked);
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

// A round.

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
    pub(crate) fn address(
        &self,
        cluster: crate::model::ClusterId,
        message: Message,
    ) -> Option<StoreMessage> {
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

/// Returns the position after which a new region's log begins: 0 means "nothing known yet".
pub(crate) const INITIAL: EntryId = EntryId { term: Term(5), index: Index(5) };
