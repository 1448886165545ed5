//! One machine of a cluster: a node, up or down, with its disk and its application.
//!
//! ```text
//!   Host   config   disk (durable | pending)   application   ticks
//!            '--> node: Bare(Raft)  or  Owned(RawNode, state of its owner)   none while it is down
//! ```

use super::application::Application;
use super::setup::Owner;
use crate::disk::Disk;
use crate::request::Request;
use bytes::Bytes;
use raft::{
    ApplyChangeError, CampaignError, ConfChangeV2, ConfState, Config, Entry, Halt, Journal,
    MemoryStorage, Message, ProposeError, Raft, RawNode, Ready, StepError,
};
use std::collections::VecDeque;
use std::hash::{Hash, Hasher};

/// One machine of a cluster.
#[derive(Clone, Debug)]
pub(super) struct Host {
    pub(super) config: Config,
    pub(super) disk: Disk,
    pub(super) application: Application,
    /// None while the node is down.
    pub(super) node: Option<Node>,
    pub(super) ticks: u64,
}

impl Host {
    /// Returns a node that is up and has an owner.
    pub(super) fn owned(&self) -> Option<&Owned> {
        match self.node.as_ref()? {
            Node::Bare(_) => None,
            Node::Owned(owned) => Some(owned),
        }
    }
}

impl Hash for Host {
    /// Hashes everything that decides what the machine does later. Its settings are the same all along, and
    /// the ticks are counted for people.
    fn hash<H: Hasher>(&self, state: &mut H) {
        (&self.disk, &self.application, &self.node).hash(state);
    }
}

/// A node that is up.
#[derive(Clone, Hash, Debug)]
pub(super) enum Node {
    /// Its messages are taken in the step that makes them.
    Bare(Box<Raft<MemoryStorage>>),
    /// Its messages wait for its owner.
    Owned(Box<Owned>),
}

/// A node with an owner.
#[derive(Clone, Hash, Debug)]
pub(super) struct Owned {
    pub(super) raw: RawNode<MemoryStorage>,
    pub(super) owner: Owner,
    /// The Ready that a one-at-a-time owner is writing.
    pub(super) writing: Option<Ready>,
    /// The entries that may be applied, oldest first: one item for each Ready.
    pub(super) apply_queue: VecDeque<Vec<Entry>>,
    /// Whether nothing is applied until a snapshot is installed, which covers all that was handed out before.
    pub(super) awaits_snapshot: bool,
}

impl Owned {
    /// Returns a node that has just started.
    pub(super) fn new(raw: RawNode<MemoryStorage>, owner: Owner) -> Self {
        Owned { raw, owner, writing: None, apply_queue: VecDeque::new(), awaits_snapshot: false }
    }

    /// Returns what a one-at-a-time owner is busy with, if it is busy.
    pub(super) fn busy(&self) -> Option<&'static str> {
        match self.owner {
            Owner::Concurrent => None,
            Owner::OneAtATime if self.writing.is_some() => Some("is writing"),
            Owner::OneAtATime if !self.apply_queue.is_empty() => Some("is applying"),
            Owner::OneAtATime => None,
        }
    }
}

/// Both drivers use the same state machine.
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

    pub(super) fn read_index(&mut self, context: Bytes) -> Result<(), Halt> {
        match self {
            Node::Bare(raft) => raft.read_index(context),
            Node::Owned(owned) => owned.raw.read_index(context),
        }
    }

    pub(super) fn apply_conf_change(
        &mut self,
        change: ConfChangeV2,
    ) -> Result<ConfState, ApplyChangeError> {
        match self {
            Node::Bare(raft) => raft.apply_conf_change(change),
            Node::Owned(owned) => owned.raw.apply_conf_change(change),
        }
    }

    /// Asks something of the node. Returns why the node refuses, if it does.
    pub(super) fn ask(&mut self, request: &Request) -> Option<String> {
        match self {
            Node::Bare(raft) => request.ask_bare(raft),
            Node::Owned(owned) => request.ask_owned(&mut owned.raw),
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
