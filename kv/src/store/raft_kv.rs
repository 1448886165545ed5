//! The two doors: `async_write` and `async_snapshot` (TiKV's `RaftKv`), and what both need to get in.
//!
//! ```text
//!   async_write    --> mailbox of the region's peer --> propose ... callback
//!   async_snapshot --> lease valid on this thread?  --> callback at once
//!                      '-- no --> mailbox of the peer --> ReadIndex ... callback
//! ```

use super::PeerRouter;
use super::callback::{ReadCallback, WriteCallback};
use super::config::StoreConfig;
use super::error::KvError;
use super::peer::{PeerMessage, ReadRequest, RequestContext, WriteRequest};
use super::read::{ReadMode, RegionSnapshot};
use super::round::Engines;
use super::status::{PeerStatus, StoreMeta};
use crate::batch::SendError;
use crate::env::{Clock, Env, Moment};
use crate::memtable::{Family, Reader};
use crate::model::{Command, Origin, Region, RegionId, RequestId, StoreMessage, Write};
use bytes::Bytes;
use raft::RoleName;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// The way into a store, from any thread. A clone leads to the same store.
pub struct StoreHandle<E: Env> {
    shared: Arc<Shared<E>>,
}

struct Shared<E: Env> {
    config: StoreConfig,
    router: PeerRouter<E::Disk>,
    engines: Engines<E::Disk>,
    meta: StoreMeta,
    clock: E::Clock,
    origin: Origin,
    sequence: AtomicU64,
}

impl<E: Env> Clone for StoreHandle<E> {
    fn clone(&self) -> Self {
        StoreHandle { shared: self.shared.clone() }
    }
}

impl<E: Env> StoreHandle<E> {
    /// Returns the way into a store that has started.
    pub(crate) fn new(
        config: StoreConfig,
        router: PeerRouter<E::Disk>,
        engines: Engines<E::Disk>,
        meta: StoreMeta,
        (clock, origin): (E::Clock, Origin),
    ) -> StoreHandle<E> {
        let sequence = AtomicU64::new(0);
        let shared = Shared { config, router, engines, meta, clock, origin, sequence };
        StoreHandle { shared: Arc::new(shared) }
    }

    /// Delivers a message of another store. One that is for another store or another cluster, or for a
    /// region that is not here, is dropped; so is any, while the peer's mailbox is full.
    pub fn deliver(&self, message: StoreMessage) {
        let Shared { config, router, .. } = &*self.shared;
        if message.cluster != config.cluster || message.to.store != config.store {
            return;
        }
        let region = message.region;
        if let Some(mailbox) = router.mailbox(region.0) {
            // Raft repeats what is lost.
            drop(mailbox.send_first(PeerMessage::Raft(Box::new(message))));
        }
    }

    /// Returns the store, and which of its starts this is: the first part of its request ids.
    pub fn origin(&self) -> Origin {
        self.shared.origin
    }

    /// Returns a request id that no request had before.
    pub fn next_request(&self) -> RequestId {
        let sequence = self.shared.sequence.fetch_add(1, Ordering::Relaxed) + 1;
        RequestId { origin: self.shared.origin, sequence }
    }

    /// Returns what is known of a region's peer; none if it is not on this store.
    pub fn peer(&self, region: RegionId) -> Option<PeerStatus> {
        self.shared.meta.get(region)
    }
}

/// A store as the layer above uses it: a door for writes, and a door for reads.
pub struct RaftKv<E: Env> {
    handle: StoreHandle<E>,
}

impl<E: Env> Clone for RaftKv<E> {
    fn clone(&self) -> Self {
        RaftKv { handle: self.handle.clone() }
    }
}

impl<E: Env> RaftKv<E> {
    /// Returns the doors of a store.
    pub fn new(handle: StoreHandle<E>) -> RaftKv<E> {
        RaftKv { handle }
    }

    /// Returns the way into the store.
    pub fn handle(&self) -> &StoreHandle<E> {
        &self.handle
    }

    /// Writes. The callback learns what becomes of it: see [`KvError`] for what each outcome proves. A
    /// request that is repeated under its id is run once, and gets its first outcome.
    pub fn async_write(
        &self,
        context: RequestContext,
        request: RequestId,
        write: Write,
        callback: WriteCallback,
    ) {
        let (region, limit) = (context.region, self.handle.shared.config.entry_bytes_max);
        if let Err(why) = write.check() {
            return callback.finish(Err(KvError::InvalidRequest { why }));
        }
        let bytes = Command::encoded_len(&write);
        if bytes > limit {
            return callback.finish(Err(KvError::RaftEntryTooLarge { region, bytes, limit }));
        }
        let request = WriteRequest { context, request, write, callback };
        self.send(region, PeerMessage::Write(request));
    }

    /// Takes a view of a region that is as new as `mode` promises.
    pub fn async_snapshot(&self, context: RequestContext, mode: ReadMode, callback: ReadCallback) {
        if mode == ReadMode::Lease
            && let Some(view) = self.local_snapshot(&context)
        {
            return callback.finish(Ok(view));
        }
        let region = context.region;
        self.send(region, PeerMessage::Read(ReadRequest { context, mode, callback }));
    }

    /// Reads one key under the lease, on this thread; none if the lease does not allow it: ask
    /// [`RaftKv::async_snapshot`]. Takes no snapshot, so no write has to copy anything.
    pub fn get_local(&self, context: &RequestContext, key: &[u8]) -> Option<Option<Bytes>> {
        let memtable = &self.handle.shared.engines.memtable;
        let (value, region) = self.under_lease(context, || memtable.get(Family::Default, key))?;
        region.holds(key).then_some(value)
    }

    /// Takes a view under the lease, on this thread; none if the lease does not allow it.
    fn local_snapshot(&self, context: &RequestContext) -> Option<RegionSnapshot> {
        let memtable = &self.handle.shared.engines.memtable;
        let (view, region) = self.under_lease(context, || memtable.snapshot())?;
        Some(RegionSnapshot::new(view, region))
    }

    fn under_lease<T>(
        &self,
        context: &RequestContext,
        view: impl FnOnce() -> T,
    ) -> Option<(T, Arc<Region>)> {
        let Shared { meta, clock, .. } = &*self.handle.shared;
        under_lease(|| meta.get(context.region), clock, context, view)
    }

    /// Puts a message into the mailbox of a region's peer, or answers its sender.
    fn send(&self, region: RegionId, message: PeerMessage) {
        match self.handle.shared.router.send(region.0, message) {
            Ok(()) => {}
            Err(SendError::Full(message)) => message.refuse(KvError::ServerIsBusy { region }),
            Err(SendError::Closed(message) | SendError::NotFound(message)) => {
                message.refuse(KvError::RegionNotFound { region });
            }
        }
    }
}

/// Takes a view between two looks at the peer (invariant 13). None if one of them does not allow it.
///
/// * The look before: the peer leads, and has applied all that earlier leaders have committed, and all that
///   it has told others to be committed. So the view holds what anybody has shown by then: a follower may
///   apply an entry before its leader does.
/// * The look after: the peer exists, its term is the same, and its lease is valid NOW. So until the view
///   was taken no later leader has committed anything.
fn under_lease<T>(
    peer: impl Fn() -> Option<PeerStatus>,
    clock: &impl Clock,
    context: &RequestContext,
    view: impl FnOnce() -> T,
) -> Option<(T, Arc<Region>)> {
    let look = || peer().filter(|status| may_read_local(status, context, clock.now()));
    let before = look()?;
    let view = view();
    let after = look()?;
    (before.term == after.term).then_some((view, after.region))
}

/// Returns whether a peer is the one that is meant, leads, has applied its term and all that is committed, and
/// holds a lease at `now`.
fn may_read_local(status: &PeerStatus, context: &RequestContext, now: Moment) -> bool {
    let (id, store) = (status.peer.id, status.peer.store);
    let is_meant = context.peer.is_none_or(|peer| peer.id == id && peer.store == store)
        && context.epoch.version == status.region.epoch.version
        && context.term.is_none_or(|term| term == status.term);
    is_meant
        && status.role == RoleName::Leader
        && status.applied.term == status.term
        && status.applied.index >= status.commit
        && status.lease_until.is_some_and(|until| now < until)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Epoch, Peer, PeerId, PeerRole, StoreId};
    use raft::{EntryId, Index, Term};
    use std::cell::RefCell;

    #[derive(Clone)]
    struct Stopped(Moment);

    impl Clock for Stopped {
        fn now(&self) -> Moment {
            self.0
        }
    }

    /// Returns a leader of term 7 that has applied it, with a lease until 20.
    fn leader() -> PeerStatus {
        let peer = Peer { id: PeerId(11), store: StoreId(1), role: PeerRole::Voter };
        let epoch = Epoch { version: 1, conf_version: 1 };
        let (id, start, end, peers) = (RegionId(1), Bytes::new(), None, vec![peer]);
        let applied = EntryId { term: Term(7), index: Index(9) };
        PeerStatus {
            region: Arc::new(Region { id, start, end, epoch, peers }),
            peer,
            term: Term(7),
            role: RoleName::Leader,
            leader: Some(peer),
            commit: applied.index,
            applied,
            last: applied,
            lease_until: Some(Moment(20)),
        }
    }

    /// Returns whether a view is served if the peer is this before it is taken, and that after.
    fn is_served(before: &PeerStatus, after: Option<&PeerStatus>) -> bool {
        let epoch = before.region.epoch;
        let context = RequestContext { region: RegionId(1), peer: None, epoch, term: None };
        let now = RefCell::new(Some(before.clone()));
        let peer = || now.borrow().clone();
        let view = || drop(now.replace(after.cloned()));
        under_lease(peer, &Stopped(Moment(19)), &context, view).is_some()
    }

    #[test]
    fn a_view_is_served_between_two_looks_at_a_leader_with_a_lease() {
        let leads = leader();
        assert!(is_served(&leads, Some(&leads)));
        let older = EntryId { term: Term(6), index: Index(8) };
        let others = [
            PeerStatus { role: RoleName::Follower, ..leader() },
            PeerStatus { applied: older, ..leader() },
            PeerStatus { commit: Index(10), ..leader() },
            PeerStatus { lease_until: Some(Moment(19)), ..leader() },
            PeerStatus { lease_until: None, ..leader() },
        ];
        for other in &others {
            assert!(!is_served(other, Some(&leads)), "it was not yet a leader: {other:?}");
            assert!(!is_served(&leads, Some(other)), "it is a leader no more: {other:?}");
        }
        assert!(!is_served(&leads, None), "it is destroyed");
        let applied = EntryId { term: Term(9), index: Index(12) };
        let later = PeerStatus { term: Term(9), applied, ..leader() };
        assert!(!is_served(&leads, Some(&later)), "others have led between the two");
    }
}
