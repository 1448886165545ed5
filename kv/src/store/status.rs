//! What others may know of a peer: published by its rounds, read by anybody.
//!
//! ```text
//!   round --publish--> PeerStatus --> local reads on the caller's thread, the simulator, operators
//! ```
//!
//! Invariant: a peer whose role has changed publishes that before any message of the new role leaves.

use crate::env::Moment;
use crate::model::{Peer, Region, RegionId};
use raft::{EntryId, Index, RoleName, Term};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

/// What is known of a peer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PeerStatus {
    /// The region.
    pub region: Arc<Region>,
    /// The peer.
    pub peer: Peer,
    /// Its term.
    pub term: Term,
    /// Its role.
    pub role: RoleName,
    /// The leader, if it knows one.
    pub leader: Option<Peer>,
    /// The last index that it knows to be committed.
    pub commit: Index,
    /// The last entry that it has applied.
    pub applied: EntryId,
    /// The last entry of its log.
    pub last: EntryId,
    /// Until when it may read alone; none if it may not.
    pub lease_until: Option<Moment>,
}

/// The peers of a store.
#[derive(Clone, Debug, Default)]
pub(crate) struct StoreMeta {
    peers: Arc<Mutex<BTreeMap<RegionId, PeerStatus>>>,
}

impl StoreMeta {
    /// Publishes what is known of a peer.
    pub(crate) fn publish(&self, status: PeerStatus) {
        self.peers().insert(status.region.id, status);
    }

    /// Removes a peer: nobody reads from it any more.
    pub(crate) fn remove(&self, region: RegionId) {
        self.peers().remove(&region);
    }

    /// Returns what is known of a region's peer.
    pub(crate) fn get(&self, region: RegionId) -> Option<PeerStatus> {
        self.peers().get(&region).cloned()
    }

    fn peers(&self) -> MutexGuard<'_, BTreeMap<RegionId, PeerStatus>> {
        self.peers.lock().expect("no thread panics while it holds the map")
    }
}
