//! What a store remembers of itself and of its regions, in the memtable.
//!
//! ```text
//!   identity     version | cluster | store | life | incarnation
//!   region       version | 1 normal | id, start, optional end, epoch, peers
//!   apply state  version | applied: index, term | commit | truncated: index, term
//! ```

use super::region::{ClusterId, Region, StoreId, read_region, write_region};
use crate::codec::{CodecError, Input, Output};
use bytes::{Bytes, BytesMut};
use raft::{EntryId, Index, Term};

const VERSION: u8 = 1;

/// Who a store is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct StoreIdent {
    /// The cluster.
    pub cluster: ClusterId,
    /// The store.
    pub store: StoreId,
    /// Which life of the store it is: see [`crate::model::Origin`].
    pub life: u64,
    /// How often the store has started in this life.
    pub incarnation: u64,
}

/// A region, as the store holds it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RegionState {
    /// The region.
    pub region: Region,
    /// What the store's peer of it does.
    pub state: PeerState,
}

/// What a peer does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PeerState {
    /// It serves.
    Normal,
}

/// How far a region's entries are applied: in the same batch as what they did.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ApplyState {
    /// The last entry that is applied.
    pub applied: EntryId,
    /// The last index that was known to be committed then.
    pub commit: Index,
    /// The last entry that may be removed from the log.
    pub truncated: EntryId,
}

impl StoreIdent {
    /// Returns the bytes.
    pub fn encode(&self) -> Bytes {
        let mut to = begin();
        to.u64(self.cluster.0);
        to.u64(self.store.0);
        to.u64(self.life);
        to.u64(self.incarnation);
        to.freeze()
    }

    /// Returns the identity that these bytes are.
    ///
    /// # Errors
    /// [`CodecError`].
    pub fn decode(bytes: Bytes) -> Result<StoreIdent, CodecError> {
        let mut from = Input::versioned(bytes, VERSION)?;
        let cluster = ClusterId(from.u64("a cluster")?);
        let store = StoreId(from.u64("a store")?);
        let life = from.u64("a life")?;
        let incarnation = from.u64("an incarnation")?;
        from.finish()?;
        Ok(StoreIdent { cluster, store, life, incarnation })
    }
}

impl RegionState {
    /// Returns the state of a region that serves.
    pub fn normal(region: Region) -> RegionState {
        RegionState { region, state: PeerState::Normal }
    }

    /// Returns the bytes.
    pub fn encode(&self) -> Bytes {
        let mut to = begin();
        to.byte(match self.state {
            PeerState::Normal => 1,
        });
        write_region(&mut to, &self.region);
        to.freeze()
    }

    /// Returns the state that these bytes are.
    ///
    /// # Errors
    /// [`CodecError`].
    pub fn decode(bytes: Bytes) -> Result<RegionState, CodecError> {
        let mut from = Input::versioned(bytes, VERSION)?;
        let state = match from.byte("a peer's state")? {
            1 => PeerState::Normal,
            found => return Err(CodecError::UnknownKind { what: "a peer's state", found }),
        };
        let region = read_region(&mut from)?;
        from.finish()?;
        Ok(RegionState { region, state })
    }
}

impl ApplyState {
    /// Returns the bytes.
    pub fn encode(&self) -> Bytes {
        let mut to = begin();
        write_id(&mut to, self.applied);
        to.u64(self.commit.0);
        write_id(&mut to, self.truncated);
        to.freeze()
    }

    /// Returns the state that these bytes are.
    ///
    /// # Errors
    /// [`CodecError`].
    pub fn decode(bytes: Bytes) -> Result<ApplyState, CodecError> {
        let mut from = Input::versioned(bytes, VERSION)?;
        let applied = read_id(&mut from)?;
        let commit = Index(from.u64("a commit index")?);
        let truncated = read_id(&mut from)?;
        from.finish()?;
        Ok(ApplyState { applied, commit, truncated })
    }
}

fn begin() -> BytesMut {
    let mut to = BytesMut::with_capacity(48);
    to.byte(VERSION);
    to
}

fn write_id(to: &mut impl Output, id: EntryId) {
    to.u64(id.index.0);
    to.u64(id.term.0);
}

fn read_id(from: &mut Input) -> Result<EntryId, CodecError> {
    let index = Index(from.u64("an index")?);
    Ok(EntryId { index, term: Term(from.u64("a term")?) })
}
