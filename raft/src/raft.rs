//! The node: a [`Core`] that every role has, and a [`Role`] with what only that role has.
//!
//! ```text
//!   Raft  =  Core (term, vote, leader, timer, log, outbox, journal)
//!         +  Role (Follower | PreCandidate(votes) | Candidate(votes) | Leader(peers))
//! ```
//!
//! [`Core`] is a struct of `ledger.rs`, far down the reading order: until then it is enough to know
//! that rules read its fields and change them only through functions it has for that, such as
//! `vote_for`, `append`, `commit_to` and `send`.
//!
//! Two halves, so that a rule can hold a part of the role in one hand (`&mut Votes`) and the core
//! in the other. The one thing such a rule cannot do is change the role under its own hand: it
//! returns a [`Turn`](crate::role::Turn), and the node performs it.

use crate::config::Config;
use crate::entry::{Entry, Payload};
use crate::error::{CampaignError, ProposeError, StartError, StorageError};
use crate::event::Journal;
use crate::ledger::{Core, Outbox};
use crate::message::Message;
use crate::progress::Progress;
use crate::quorum::{Majority, Votes};
use crate::ready::SoftState;
use crate::role::{Role, RoleName};
use crate::storage::{HardState, Storage};
use crate::types::{EntryId, Index, NodeId, Term};
use bytes::Bytes;

/// One node of a Raft group.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Raft<S> {
    pub(crate) core: Core<S>,
    pub(crate) role: Role,
}

/// What may be seen of a node from outside: for cards, pages and invariants. A test judges a node by
/// what its peers, its disk and its clock see.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Inspect<'a> {
    /// Who it is.
    pub id: NodeId,
    /// The term it is in.
    pub term: Term,
    /// Whom it voted for in that term.
    pub vote: Option<NodeId>,
    /// Whom it follows, if it knows; itself if it leads.
    pub leader: Option<NodeId>,
    /// Its role.
    pub role: RoleName,
    /// How far it knows the log to be committed.
    pub commit: Index,
    /// How far its application has applied the log.
    pub applied: Index,
    /// The last entry of its log.
    pub last: EntryId,
    /// The last place that its storage alone answers for: how far its log is known to be durable.
    pub stored: Index,
    /// Ticks since it last had a reason to wait.
    pub elapsed_ticks: u64,
    /// The election limit, if one is pinned.
    pub pinned_ticks: Option<u64>,
    /// Who votes.
    pub voters: &'a Majority,
    /// The answers it has heard, if it is a candidate.
    pub votes: Option<&'a Votes>,
}

// What an owner does.

impl<S: Storage> Raft<S> {
    /// Starts a node as a follower of nobody, with the term and vote its storage remembers (§5.2).
    ///
    /// # Errors
    /// [`StartError`] names the setting that cannot work, or what is wrong with the storage.
    pub fn new(config: &Config, storage: S) -> Result<Self, StartError> {
        config.check()?;
        Ok(Raft { core: Core::new(config.clone(), storage)?, role: Role::Follower })
    }

    /// Lets one tick pass: a leader speaks when it is time to, any other voter loses patience when it
    /// has waited too long.
    pub fn tick(&mut self) {
        self.core.count_tick();
        match &mut self.role {
            Role::Leader(leader) => self.core.tick_heartbeat(leader),
            Role::Follower | Role::PreCandidate(_) | Role::Candidate(_) => {
                if self.is_promotable() {
                    let turn = self.core.tick_election();
                    self.perform(turn);
                }
            }
        }
    }

    /// Holds an election now, without waiting.
    ///
    /// # Errors
    /// A leader has won already, and a node that does not vote has no vote to win with.
    pub fn campaign(&mut self) -> Result<(), CampaignError> {
        if let Role::Leader(_) = self.role {
            return Err(CampaignError::AlreadyLeader { term: self.core.term });
        }
        if !self.is_promotable() {
            return Err(CampaignError::NotAVoter { us: self.core.id });
        }
        self.hold_election();
        Ok(())
    }

    /// Proposes a command of the application, with a mark to know it by once it is committed: a leader
    /// takes it, a follower hands it on.
    ///
    /// # Errors
    /// [`ProposeError`] if it was not taken; the node has not changed.
    pub fn propose(&mut self, context: Bytes, data: Bytes) -> Result<(), ProposeError> {
        self.take_proposal(vec![Entry::marked(context, Payload::Normal(data))])
    }

    /// Takes proposals, our own client's or another node's: the table of `step.rs`, for what is of no
    /// term.
    ///
    /// # Errors
    /// [`ProposeError`] if they were not taken; the node has not changed.
    pub(crate) fn take_proposal(&mut self, entries: Vec<Entry>) -> Result<(), ProposeError> {
        if entries.is_empty() {
            return Err(ProposeError::Empty);
        }
        if entries.iter().any(|entry| entry.payload().is_change()) {
            return Err(ProposeError::NotSupported);
        }
        match &mut self.role {
            Role::Leader(leader) => self.core.on_propose(leader, entries),
            Role::Follower => self.core.forward_proposal(entries),
            Role::PreCandidate(_) | Role::Candidate(_) => Err(ProposeError::NoLeader),
        }
    }

    /// Learns that messages to a peer are being lost: a leader sends it one append at a time until it
    /// answers. Does nothing if we do not lead, or do not know the peer.
    pub fn report_unreachable(&mut self, peer: NodeId) {
        if let Role::Leader(leader) = &mut self.role {
            self.core.on_unreachable(leader, peer);
        }
    }

    /// Takes what wants to leave, the appends that are owed (`batch_append`) among it. [`Outbox`] says
    /// what the owner owes before it may.
    pub fn take_outbox(&mut self) -> Outbox {
        self.send_owed();
        self.core.take_outbox()
    }

    /// Takes back the promises to ourselves of an earlier outbox, once [`Raft::hard_state`] as it was
    /// then is durable. Those of a term that is over change nothing.
    ///
    /// # Panics
    /// If one is not our own promise to ourselves: the owner mixed up two nodes.
    pub fn keep_promises(&mut self, own: Vec<Message>) {
        for message in own {
            let (from, to, us) = (message.from, message.to, self.core.id);
            assert!(from == us && to == us, "a promise of {us} to itself, not of {from} to {to}");
            self.handle(message);
        }
    }

    /// Hands out, once, the entries that must be durable before the promises of the last outbox may
    /// leave. The first replaces what stands at its place, and all after that goes.
    pub fn take_unwritten(&mut self) -> Vec<Entry> {
        self.core.take_unwritten()
    }

    /// Learns that storage holds the log up to `last`. Does nothing if another entry stands there by
    /// now. Whoever writes while the node goes on must also see to it that no write that replaces
    /// these entries is under way: [`RawNode`](crate::RawNode) does.
    pub fn stable_to(&mut self, last: EntryId) {
        self.core.stable_to(last);
    }

    /// Returns the committed entries after `after` up to `up_to`, as many as weigh `max_bytes`, but
    /// at least one. Where storage cannot be read there are none: it will be asked again.
    pub fn committed_entries(&self, after: Index, up_to: Index, max_bytes: u64) -> Vec<Entry> {
        let up_to = up_to.min(self.core.commit);
        self.core.log.next_entries(after, up_to, Some(max_bytes)).unwrap_or_default()
    }

    /// Learns that the application has applied the log up to `index`, and that so many bytes of payload
    /// wait no more.
    pub(crate) fn applied_to(&mut self, index: Index, payload_bytes: u64) {
        self.core.applied_to(index);
        if let Role::Leader(leader) = &mut self.role {
            leader.uncommitted_bytes = leader.uncommitted_bytes.saturating_sub(payload_bytes);
        }
    }

    /// Returns how far the application has applied the log.
    pub(crate) fn applied(&self) -> Index {
        self.core.applied
    }

    /// Builds the appends that are owed (`batch_append`). Only [`RawNode::ready`](crate::RawNode::ready)
    /// asks for it.
    fn send_owed(&mut self) {
        if let Role::Leader(leader) = &mut self.role {
            self.core.send_owed(leader);
        }
    }

    /// Returns whether anything wants to leave, or is to be built before it does.
    pub(crate) fn has_outbox(&self) -> bool {
        self.core.has_outbox() || self.progress().any(|(_, progress)| progress.is_owed())
    }

    /// Takes what may leave at once, and leaves what promises something.
    pub(crate) fn take_now(&mut self) -> Vec<Message> {
        self.core.take_now()
    }

    /// Returns whether entries wait to be handed out for writing.
    pub(crate) fn has_unwritten(&self) -> bool {
        self.core.log.has_unwritten()
    }

    /// Returns the last entry if it is not known to be durable: what a write that is handed out now
    /// attests, by [`Raft::stable_to`], once it is.
    pub fn undurable_last(&self) -> Option<EntryId> {
        self.core.log.undurable_last()
    }

    /// Returns the last place that storage alone answers for: how far the log is known to be durable.
    pub(crate) fn stored_last(&self) -> Index {
        self.core.log.stored_last()
    }

    /// Returns what must be durable before the promises of the last outbox may leave.
    pub fn hard_state(&self) -> HardState {
        HardState { term: self.core.term, vote: self.core.vote, commit: self.core.commit }
    }
}

// What an onlooker does.

impl<S: Storage> Raft<S> {
    /// Shows the node.
    pub fn inspect(&self) -> Inspect<'_> {
        Inspect {
            id: self.core.id,
            term: self.core.term,
            vote: self.core.vote,
            leader: self.core.leader,
            role: self.role.name(),
            commit: self.core.commit,
            applied: self.core.applied,
            last: self.core.log.last(),
            stored: self.core.log.stored_last(),
            elapsed_ticks: self.core.timer.elapsed_ticks,
            pinned_ticks: self.core.timer.pinned_ticks,
            voters: &self.core.voters,
            votes: match &self.role {
                Role::PreCandidate(votes) | Role::Candidate(votes) => Some(votes),
                Role::Follower | Role::Leader(_) => None,
            },
        }
    }

    /// Returns what a leader knows of its voters' logs, its own among them, in order; nothing on
    /// anyone else.
    pub fn progress(&self) -> impl Iterator<Item = (NodeId, &Progress)> {
        let leader = match &self.role {
            Role::Leader(leader) => Some(leader),
            Role::Follower | Role::PreCandidate(_) | Role::Candidate(_) => None,
        };
        leader.into_iter().flat_map(|leader| leader.progress.iter().map(|(&id, peer)| (id, peer)))
    }

    /// Returns leader and role.
    pub fn soft_state(&self) -> SoftState {
        SoftState { leader: self.core.leader, role: self.role.name() }
    }

    /// Lends the settings.
    pub(crate) fn config(&self) -> &Config {
        &self.core.config
    }

    /// Returns the entries of `low..high`, be they in storage yet or not.
    ///
    /// # Errors
    /// What storage says; [`StorageError::Unavailable`] if `high` is beyond the end.
    pub fn entries(&self, low: Index, high: Index) -> Result<Vec<Entry>, StorageError> {
        self.core.log.entries(low, high, None)
    }

    /// Lends the storage.
    pub fn storage(&self) -> &S {
        self.core.log.storage()
    }

    /// Lends the storage, to write what was handed out.
    pub fn storage_mut(&mut self) -> &mut S {
        self.core.storage_mut()
    }

    /// Lends the journal of events.
    pub fn journal(&mut self) -> &mut Journal {
        self.core.journal()
    }

    /// Fixes the election limit to so many ticks (`Some`), or lets it be drawn again (`None`). For
    /// tests and for stories, where luck would be in the way.
    pub fn pin_election_limit(&mut self, limit_ticks: Option<u64>) {
        self.core.pin(limit_ticks);
    }

    /// Returns whether this node could lead: it votes.
    fn is_promotable(&self) -> bool {
        self.core.voters.contains(self.core.id)
    }
}
