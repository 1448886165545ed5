//! One place in a cluster: a node, up or down, its disk and its application.
//!
//! ```text
//!   Seat   config   disk (durable | pending)   application   ticks
//!            '--> node: Bare(Raft)  or  Owned(RawNode, what its owner holds)   none while it is down
//! ```

use super::application::Application;
use super::setup::Owner;
use crate::disk::Disk;
use bytes::Bytes;
use raft::{
    CampaignError, Config, Entry, Journal, MemoryStorage, Message, ProposeError, Raft, RawNode,
    Ready, StepError,
};
use std::collections::VecDeque;

/// One place in a cluster.
#[derive(Clone, Debug)]
pub(super) struct Seat {
    pub(super) config: Config,
    pub(super) disk: Disk,
    pub(super) application: Application,
    /// None while the node is down.
    pub(super) node: Option<Node>,
    pub(super) ticks: u64,
}

impl Seat {
    /// Lends a node that is up and in the hands of an owner.
    pub(super) fn owned(&self) -> Option<&Owned> {
        match self.node.as_ref()? {
            Node::Bare(_) => None,
            Node::Owned(owned) => Some(owned),
        }
    }
}

/// A node that is up.
#[derive(Clone, Debug)]
pub(super) enum Node {
    /// What it has to say is taken in the step in which it says it.
    Bare(Box<Raft<MemoryStorage>>),
    /// What it has to say waits for its owner.
    Owned(Box<Owned>),
}

/// A node in the hands of an owner.
#[derive(Clone, Debug)]
pub(super) struct Owned {
    pub(super) raw: RawNode<MemoryStorage>,
    pub(super) owner: Owner,
    /// The Ready that an owner who does one thing at a time is writing.
    pub(super) writing: Option<Ready>,
    /// What may be applied, oldest first: the committed entries of one Ready each.
    pub(super) pages: VecDeque<Vec<Entry>>,
}

impl Owned {
    /// Returns a node that has just started.
    pub(super) fn new(raw: RawNode<MemoryStorage>, owner: Owner) -> Self {
        Owned { raw, owner, writing: None, pages: VecDeque::new() }
    }

    /// Returns what keeps the owner from anything else, if it does one thing at a time.
    pub(super) fn busy(&self) -> Option<&'static str> {
        match self.owner {
            Owner::Concurrent => None,
            Owner::OneAtATime if self.writing.is_some() => Some("is writing"),
            Owner::OneAtATime if !self.pages.is_empty() => Some("is applying"),
            Owner::OneAtATime => None,
        }
    }
}

/// The state machine is the same behind both doors.
impl Node {
    pub(super) fn raft(&self) -> &Raft<MemoryStorage> {
        match self {
            Node::Bare(raft) => raft,
            Node::Owned(owned) => owned.raw.raft(),
        }
    }

    pub(super) fn journal(&mut self) -> &mut Journal {
        match self {
            Node::Bare(raft) => raft.journal(),
            Node::Owned(owned) => owned.raw.journal(),
        }
    }

    pub(super) fn storage_mut(&mut self) -> &mut MemoryStorage {
        match self {
            Node::Bare(raft) => raft.storage_mut(),
            Node::Owned(owned) => owned.raw.storage_mut(),
        }
    }

    pub(super) fn tick(&mut self) {
        match self {
            Node::Bare(raft) => raft.tick(),
            Node::Owned(owned) => drop(owned.raw.tick()),
        }
    }

    pub(super) fn campaign(&mut self) -> Result<(), CampaignError> {
        match self {
            Node::Bare(raft) => raft.campaign(),
            Node::Owned(owned) => owned.raw.campaign(),
        }
    }

    pub(super) fn propose(&mut self, data: Bytes) -> Result<(), ProposeError> {
        match self {
            Node::Bare(raft) => raft.propose(Bytes::new(), data),
            Node::Owned(owned) => owned.raw.propose(Bytes::new(), data),
        }
    }

    pub(super) fn step(&mut self, message: Message) -> Result<(), StepError> {
        match self {
            Node::Bare(raft) => raft.step(message),
            Node::Owned(owned) => owned.raw.step(message),
        }
    }

    pub(super) fn pin_election_timeout(&mut self, limit_ticks: Option<u64>) {
        match self {
            Node::Bare(raft) => raft.pin_election_timeout(limit_ticks),
            Node::Owned(owned) => owned.raw.pin_election_timeout(limit_ticks),
        }
    }
}
