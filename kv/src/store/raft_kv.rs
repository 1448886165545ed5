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
use crate::env::{Clock, Env};
use crate::memtable::{Family, Reader};
use crate::model::{Command, Origin, RegionId, RequestId, StoreMessage, Write};
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
        // Raft repeats what is lost.
        drop(router.send(region.0, PeerMessage::Raft(Box::new(message))));
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
        let value = self.handle.shared.engines.memtable.get(Family::Default, key);
        let status = self.may_read_local(context)?;
        status.region.holds(key).then_some(value)
    }

    /// Takes a view under the lease, on this thread; none if the lease does not allow it.
    fn local_snapshot(&self, context: &RequestContext) -> Option<RegionSnapshot> {
        let view = self.handle.shared.engines.memtable.snapshot();
        let status = self.may_read_local(context)?;
        Some(RegionSnapshot::new(view, status.region))
    }

    /// Returns the peer, if it exists, leads, has applied its term and holds a valid lease NOW: after the
    /// view was taken (invariant 13).
    fn may_read_local(&self, context: &RequestContext) -> Option<PeerStatus> {
        let status = self.handle.shared.meta.get(context.region)?;
        let now = self.handle.shared.clock.now();
        let is_meant = context.peer.is_none_or(|peer| peer.id == status.peer.id)
            && context.epoch.version == status.region.epoch.version
            && context.term.is_none_or(|term| term == status.term);
        let may_read = status.role == RoleName::Leader
            && status.applied.term == status.term
            && status.lease_until.is_some_and(|until| now < until);
        Some(status).filter(|_| is_meant && may_read)
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
