//! The errors of a request, and what each says about a write.
//!
//! ```text
//!   NotLeader, RegionNotFound, KeyNotInRegion, EpochNotMatch, ServerIsBusy,
//!   RaftEntryTooLarge, InvalidRequest, StoreNotMatch, PeerNotMatch,
//!   ProposalDropped                                                      the write is not applied
//!   StaleCommand     another entry stands, committed, where it stood:    it never will be applied
//!   Undetermined     it was appended, and nobody saw how it ended:       it may be applied, or not
//! ```
//!
//! The names are TiKV's, but for `InvalidRequest` and `Undetermined`: there a client must derive it from a timeout.

use crate::model::{Epoch, InvalidWrite, Peer, PeerId, Region, RegionId, StoreId};
use std::fmt;

/// Why a request was not served.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum KvError {
    /// This peer does not lead. Ask the leader, if it is known.
    NotLeader {
        /// The region.
        region: RegionId,
        /// The leader, if this peer knows it. Never this peer.
        leader: Option<Peer>,
    },
    /// No peer of the region is on this store.
    RegionNotFound {
        /// The region.
        region: RegionId,
    },
    /// The region's range does not hold a key of the request.
    KeyNotInRegion {
        /// The region.
        region: RegionId,
    },
    /// The region's range or peers are not those that the request names.
    EpochNotMatch {
        /// The epoch of the request.
        asked: Epoch,
        /// The region as it is now.
        current: Box<Region>,
    },
    /// The request names a term that is over, or another term's entry was committed in its place.
    StaleCommand,
    /// Too many requests wait. Try again later.
    ServerIsBusy {
        /// The region.
        region: RegionId,
    },
    /// The leader is handing its leadership over. Try again later.
    ProposalDropped {
        /// The region.
        region: RegionId,
    },
    /// The command is longer than an entry may be.
    RaftEntryTooLarge {
        /// The region.
        region: RegionId,
        /// The length of the command.
        bytes: usize,
        /// The longest entry.
        limit: usize,
    },
    /// The request is no command: a key is too long, say. It will never be served.
    InvalidRequest {
        /// What is wrong.
        why: InvalidWrite,
    },
    /// The read got no index: no leader is known, or the leader's leadership ended meanwhile.
    ReadIndexNotReady {
        /// The region.
        region: RegionId,
    },
    /// The request is for another store.
    StoreNotMatch {
        /// The store of the request.
        asked: StoreId,
        /// This store.
        actual: StoreId,
    },
    /// The request is for another peer of the region.
    PeerNotMatch {
        /// The peer of the request.
        asked: PeerId,
        /// This peer.
        actual: PeerId,
    },
    /// The write was appended, and this store does not know how it ended. Do not repeat it under another
    /// request id, unless it may be applied twice.
    Undetermined,
}

impl KvError {
    /// Returns whether the write that got this error is not applied, and never will be.
    pub fn proves_not_applied(&self) -> bool {
        match self {
            KvError::Undetermined => false,
            KvError::NotLeader { .. }
            | KvError::RegionNotFound { .. }
            | KvError::KeyNotInRegion { .. }
            | KvError::EpochNotMatch { .. }
            | KvError::StaleCommand
            | KvError::ServerIsBusy { .. }
            | KvError::ProposalDropped { .. }
            | KvError::RaftEntryTooLarge { .. }
            | KvError::InvalidRequest { .. }
            | KvError::ReadIndexNotReady { .. }
            | KvError::StoreNotMatch { .. }
            | KvError::PeerNotMatch { .. } => true,
        }
    }
}

impl fmt::Display for KvError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            KvError::NotLeader { region, leader: Some(leader) } => {
                write!(f, "{region}: not the leader; {leader} is")
            }
            KvError::NotLeader { region, leader: None } => {
                write!(f, "{region}: not the leader, and no leader is known")
            }
            KvError::RegionNotFound { region } => write!(f, "{region} has no peer on this store"),
            KvError::KeyNotInRegion { region } => {
                write!(f, "{region} does not hold a key of the request")
            }
            KvError::EpochNotMatch { asked, current } => {
                write!(f, "{}: the epoch is {}, not {asked}", current.id, current.epoch)
            }
            KvError::StaleCommand => write!(f, "the request's term is over"),
            KvError::ServerIsBusy { region } => write!(f, "{region}: too many requests wait"),
            KvError::ProposalDropped { region } => {
                write!(f, "{region}: the leader is handing its leadership over")
            }
            KvError::RaftEntryTooLarge { region, bytes, limit } => {
                write!(f, "{region}: the command has {bytes} bytes, but the limit is {limit}")
            }
            KvError::InvalidRequest { why } => why.fmt(f),
            KvError::ReadIndexNotReady { region } => {
                write!(f, "{region}: no leader has confirmed the read")
            }
            KvError::StoreNotMatch { asked, actual } => {
                write!(f, "the request is for {asked}, and this is {actual}")
            }
            KvError::PeerNotMatch { asked, actual } => {
                write!(f, "the request is for {asked}, and this is {actual}")
            }
            KvError::Undetermined => {
                write!(f, "it is not known whether the write was or will be applied")
            }
        }
    }
}

impl std::error::Error for KvError {}
