//! The keys of a store's own state, in the family `Raft` of the memtable.
//!
//! ```text
//!   01                            the store: cluster, store, life, incarnation
//!   02 | region | 01              the region's state
//!   02 | region | 02              the apply state
//!   02 | region | 03 | index      the requests of the entry at this index, and their outcomes
//!   02 | region | 04              below which request nothing is remembered, for each life of a store,
//!                                 and when it was heard last
//!   02 | region | 05              the mark that the region's raft log was begun: version 1
//! ```
//!
//! Numbers are big-endian, so that keys are in the order of numbers, and all keys of one region lie
//! together. The application's data is in the family `Default`, under its own keys.

use super::region::RegionId;
use crate::memtable::KeyRange;
use bytes::Bytes;
use raft::Index;

const STORE: u8 = 1;
const REGION: u8 = 2;
const REGION_STATE: u8 = 1;
const APPLY_STATE: u8 = 2;
const REQUESTS: u8 = 3;
const FLOORS: u8 = 4;
const LOG_MARK: u8 = 5;

/// The mark that a region's raft log was begun: its version.
pub const LOG_BEGUN: &[u8] = &[1];

/// The length of a key that names a region and a kind of state.
const STATE_KEY_BYTES: usize = 10;

/// Returns the key of the store's identity.
pub fn store_ident() -> Bytes {
    Bytes::from_static(&[STORE])
}

/// Returns the key of a region's state.
pub fn region_state(region: RegionId) -> Bytes {
    state(region, REGION_STATE)
}

/// Returns the key of a region's apply state.
pub fn apply_state(region: RegionId) -> Bytes {
    state(region, APPLY_STATE)
}

/// Returns the key of the requests of one entry.
pub fn requests(region: RegionId, index: Index) -> Bytes {
    [&state(region, REQUESTS)[..], &index.0.to_be_bytes()].concat().into()
}

/// Returns the key of a region's floors.
pub fn floors(region: RegionId) -> Bytes {
    state(region, FLOORS)
}

/// Returns the key of the mark that a region's raft log was begun.
pub fn log_begun(region: RegionId) -> Bytes {
    state(region, LOG_MARK)
}

/// Returns the range of the requests of all of a region's entries.
pub fn all_requests(region: RegionId) -> KeyRange {
    KeyRange::new(state(region, REQUESTS), state(region, REQUESTS + 1))
}

/// Returns the range of the states of all regions.
pub fn all_regions() -> KeyRange {
    KeyRange::new(&[REGION][..], &[REGION + 1][..])
}

/// Returns the region whose state has this key; none if it is another kind of key.
pub fn region_of_state(key: &[u8]) -> Option<RegionId> {
    let is_state = key.len() == STATE_KEY_BYTES && key[0] == REGION && key[9] == REGION_STATE;
    is_state.then(|| RegionId(u64::from_be_bytes(key[1..9].try_into().expect("eight bytes"))))
}

/// Returns the index in the key of an entry's requests; none if it is another kind of key.
pub fn index_of_requests(key: &[u8]) -> Option<Index> {
    let (state, index) = key.split_at_checked(STATE_KEY_BYTES)?;
    let index = index.try_into().ok()?;
    (state[0] == REGION && state[9] == REQUESTS).then(|| Index(u64::from_be_bytes(index)))
}

fn state(region: RegionId, kind: u8) -> Bytes {
    let mut key = [REGION, 0, 0, 0, 0, 0, 0, 0, 0, kind];
    key[1..9].copy_from_slice(&region.0.to_be_bytes());
    Bytes::copy_from_slice(&key)
}
