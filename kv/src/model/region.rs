//! Stores, regions, peers and epochs: who holds which keys.
//!
//! ```text
//!   keys     ""                    m                     t                "no end"
//!   regions  [------- r1 ---------)[------- r2 ---------)[------ r3 ------)
//!   peers    s1/p1  s2/p2  s3/p3    s1/p4  s2/p5  s3/p6   ...
//! ```
//!
//! A region is a range of keys, replicated by one Raft group. Each of its peers is on another store.

use super::command::read_key;
use crate::codec::{CodecError, Input, Output};
use bytes::Bytes;
use std::fmt;

/// The number of a cluster: stores of two clusters never talk to each other.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct ClusterId(pub u64);

/// The number of a store, from 1: one process, with disks of its own.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct StoreId(pub u64);

/// The number of a region, from 1: also the number of its group in the raft log.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct RegionId(pub u64);

/// The number of a peer, from 1: one replica of one region. It is the peer's Raft id, and never
/// reused.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct PeerId(pub u64);

/// The version of a region's shape. A request names the epoch that its sender knows, and is refused
/// if the region has another one.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct Epoch {
    /// Grows when the range changes: at a split or a merge.
    pub version: u64,
    /// Grows when a peer is added or removed.
    pub conf_version: u64,
}

/// What a peer may do.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum PeerRole {
    /// Votes, and counts in a majority.
    Voter,
    /// Receives the log, and does not vote.
    Learner,
}

/// One replica of a region.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Peer {
    /// The peer.
    pub id: PeerId,
    /// The store that holds it.
    pub store: StoreId,
    /// What it may do.
    pub role: PeerRole,
}

/// A range of keys, and who holds it.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Region {
    /// The region.
    pub id: RegionId,
    /// The first key of its range. The empty key is the smallest.
    pub start: Bytes,
    /// The first key after its range; none if the range has no end.
    pub end: Option<Bytes>,
    /// The version of range and peers.
    pub epoch: Epoch,
    /// The peers, in the order of their ids.
    pub peers: Vec<Peer>,
}

impl Region {
    /// Returns whether the region's range holds a key.
    pub fn holds(&self, key: &[u8]) -> bool {
        *self.start <= *key && self.end.as_deref().is_none_or(|end| key < end)
    }

    /// Returns the peer on a store.
    pub fn peer_on(&self, store: StoreId) -> Option<Peer> {
        self.peers.iter().copied().find(|peer| peer.store == store)
    }

    /// Returns the peer with this id.
    pub fn peer(&self, id: PeerId) -> Option<Peer> {
        self.peers.iter().copied().find(|peer| peer.id == id)
    }
}

impl Epoch {
    /// Returns whether this epoch is older than `current` in either part.
    pub fn is_stale(self, current: Epoch) -> bool {
        self.version < current.version || self.conf_version < current.conf_version
    }
}

impl fmt::Display for ClusterId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "c{}", self.0)
    }
}

impl fmt::Display for StoreId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "s{}", self.0)
    }
}

impl fmt::Display for RegionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "r{}", self.0)
    }
}

impl fmt::Display for PeerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "p{}", self.0)
    }
}

impl fmt::Display for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.version, self.conf_version)
    }
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.store, self.id)
    }
}

// Bytes.

pub(super) fn write_epoch(to: &mut impl Output, epoch: Epoch) {
    to.u64(epoch.version);
    to.u64(epoch.conf_version);
}

pub(super) fn read_epoch(from: &mut Input) -> Result<Epoch, CodecError> {
    let version = from.u64("an epoch")?;
    Ok(Epoch { version, conf_version: from.u64("an epoch")? })
}

pub(super) fn write_peer(to: &mut impl Output, peer: Peer) {
    to.u64(peer.id.0);
    to.u64(peer.store.0);
    to.byte(match peer.role {
        PeerRole::Voter => 1,
        PeerRole::Learner => 2,
    });
}

pub(super) fn read_peer(from: &mut Input) -> Result<Peer, CodecError> {
    let (id, store) = (PeerId(from.u64("a peer")?), StoreId(from.u64("a peer's store")?));
    let role = match from.byte("a peer's role")? {
        1 => PeerRole::Voter,
        2 => PeerRole::Learner,
        found => return Err(CodecError::UnknownKind { what: "a peer's role", found }),
    };
    Ok(Peer { id, store, role })
}

pub(super) fn write_region(to: &mut impl Output, region: &Region) {
    to.u64(region.id.0);
    to.bytes(&region.start);
    to.byte(u8::from(region.end.is_some()));
    region.end.iter().for_each(|end| to.bytes(end));
    write_epoch(to, region.epoch);
    to.count(region.peers.len());
    region.peers.iter().for_each(|peer| write_peer(to, *peer));
}

pub(super) fn read_region(from: &mut Input) -> Result<Region, CodecError> {
    Ok(Region {
        id: RegionId(from.u64("a region")?),
        start: read_key(from)?,
        end: from.optional("the end of a region", read_key)?,
        epoch: read_epoch(from)?,
        peers: Input::in_order("the peers", from.list("the peers", 17, read_peer)?, |it| it.id)?,
    })
}
