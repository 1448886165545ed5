//! The store: regions whose replicas agree through Raft, on one thread or several.
//!
//! ```text
//!   RaftKv --> Router --> mailbox --> PeerFsm --> the round's frame --> the raft log
//!                                        '-- committed --> ApplyFsm --> the memtable
//! ```
//!
//! # Invariants
//!
//! The numbers are those that comments and tests name.
//!
//! 1. A promise leaves only after the Ready that holds it is durable; Readys become durable in order.
//! 2. A leader sends entries before they are durable here, and counts itself only afterwards.
//! 3. The applied index is in the same batch as the data of its entries; callbacks come after the batch is
//!    visible.
//! 4. Where both engines are written, the memtable is synced first, the raft log second; a crash between
//!    the two is recovered.
//! 5. At a start: applied <= max(commit of both halves) <= the last entry; the log begins after what was
//!    removed; the terms fit.
//! 6. A command that is refused moves the applied index, and changes nothing else.
//! 11. A change of the role is published before any message of the new role leaves. What is committed is
//!     applied here before a message tells it to others, or no read is served under the lease.
//! 12. A lease: see `store/lease.rs`.
//! 13. A local read takes its view between two looks at the peer: it led before, and has a lease after.
//! 14. Every callback is finished exactly once.
//! 15. Applying is deterministic.
//!
//! (7 to 10, 16 and 17 are about splits, membership and snapshots, which are not built yet.)
//!
//! The modules below are in reading order: a write's way first, then a read's.

mod raft_kv; // the doors: async_write, async_snapshot

mod callback; // how a sender learns what became of its request

mod error; // the errors, and what each proves about a write

mod peer; // a replica: step, propose, read, a Ready

mod policy; // how a request is served: a pure function

mod proposal; // entries whose senders wait

mod poller; // what a thread runs: rounds of peers that have something to do

mod round; // one frame, one sync, one record: what a thread does with its peers

mod frames; // what a round writes to the raft log

mod peer_storage; // what Raft reads and a round writes

mod apply; // what a committed entry does

mod read; // reads that ask a majority

mod lease; // for how long a leader may read alone

mod status; // what others may know of a peer

mod start; // bootstrap, and what a start may believe

mod config; // settings

use crate::batch::{Bell, Fsm, Mailbox, Router, RunQueue};
use crate::env::{Clock, Env, Moment, Ticker};
use crate::model::{Origin, RegionId};
use peer::PeerMessage;
use poller::{Poller, run_beside};
use round::{FirstFailure, PeerFsm, Round};
use start::{Started, start};
use status::StoreMeta;
use std::sync::atomic::Ordering;
use std::time::Duration;
use storage::Disk;

pub use apply::ApplyError;
pub use callback::{ReadCallback, WriteCallback, WriteEvent};
pub use config::{ConfigError, StoreConfig};
pub use error::KvError;
pub use lease::{Lease, LeaseState, VoteBan};
pub use peer::RequestContext;
pub use policy::{RequestKind, RequestPolicy, decide_policy};
pub use raft_kv::{RaftKv, StoreHandle};
pub use read::{ReadMode, RegionSnapshot};
pub use round::StoreFailure;
pub use start::{OpenError, bootstrap};
pub use status::PeerStatus;

/// The mailboxes of a store's peers, by region.
pub(crate) type PeerRouter<D> = Router<PeerFsm<D>>;

impl<D: Disk> Fsm for PeerFsm<D> {
    type Message = PeerMessage;

    fn size_bytes(message: &PeerMessage) -> usize {
        message.size_bytes()
    }
}

/// A store. It runs on the thread that calls it, and on more if its settings say so.
pub struct Store<E: Env> {
    handle: StoreHandle<E>,
    router: PeerRouter<E::Disk>,
    runnable: RunQueue<PeerFsm<E::Disk>>,
    bell: Bell,
    /// At least one.
    pollers: Vec<Poller<E>>,
    peers_per_round: usize,
    tick: Duration,
    meta: StoreMeta,
    failure: FirstFailure,
    clock: E::Clock,
    ticker: Ticker,
}

impl<E: Env> Store<E> {
    /// Starts a store on what its disks hold.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn open(config: StoreConfig, env: E) -> Result<Store<E>, OpenError> {
        let Started { engines, ident, peers } = start(&config, &env)?;
        let (bell, router, meta) = (Bell::default(), Router::default(), StoreMeta::default());
        let (runnable, failure) = (RunQueue::new(bell.clone()), FirstFailure::default());
        for fsm in peers {
            meta.publish(fsm.peer.status());
            let region = fsm.peer.region.id;
            let mailbox = Mailbox::new(fsm, config.mailbox, runnable.clone());
            router.register(region.0, mailbox);
        }
        router.broadcast(|| PeerMessage::Start);
        let clock = env.clock();
        let ticker = Ticker::new(config.tick, clock.now());
        let origin =
            Origin { store: ident.store, life: ident.life, incarnation: ident.incarnation };
        let poller = |_| {
            let round = Round::new(&config, engines.clone(), &env, meta.clone(), failure.clone());
            Poller::new(runnable.clone(), round, config.messages_per_round)
        };
        let pollers = (0..config.pollers).map(poller).collect();
        let (peers_per_round, tick) = (config.peers_per_round, config.tick);
        let inside = (clock.clone(), origin);
        let handle = StoreHandle::new(config, router.clone(), engines, meta.clone(), inside);
        Ok(Store {
            handle,
            router,
            runnable,
            bell,
            pollers,
            peers_per_round,
            tick,
            meta,
            failure,
            clock,
            ticker,
        })
    }

    /// Returns the way into the store, from any thread.
    pub fn handle(&self) -> StoreHandle<E> {
        self.handle.clone()
    }

    /// Returns what is known of a region's peer; none if it is not on this store.
    pub fn peer(&self, region: RegionId) -> Option<PeerStatus> {
        self.meta.get(region)
    }

    /// Returns why the store has ended; none while it runs.
    pub fn failure(&self) -> Option<&StoreFailure> {
        self.failure.get()
    }

    /// Returns when the next tick is due.
    pub fn next_tick(&self) -> Moment {
        self.ticker.next()
    }

    /// Delivers a tick if one is due, and runs one round of up to `max_peers` peers that have something to
    /// do. Returns how many there were; 0 if the store has nothing to do until its next tick or message.
    pub fn run_inline(&mut self, max_peers: usize) -> usize {
        if self.failure.get().is_some() {
            self.end();
            return 0;
        }
        self.deliver_tick();
        let [first, ..] = &mut self.pollers[..] else { return 0 };
        let polled = first.poll(max_peers);
        if self.failure.get().is_some() {
            self.end();
        }
        polled
    }

    /// Runs the store on this thread, until `is_done` says so. It sleeps while there is nothing to do. The
    /// other pollers of the settings run on threads of their own meanwhile.
    ///
    /// Returns early if the store fails: see [`Store::failure`].
    ///
    /// # Panics
    /// If a callback panics, on whichever thread. Drop the store then: it answers everybody who waits.
    pub fn run(&mut self, is_done: impl Fn() -> bool) {
        let mut others = self.pollers.split_off(1);
        let (bell, max_peers, longest) = (self.bell(), self.peers_per_round, self.tick);
        run_beside(&mut others, max_peers, (&bell, longest), |must_end| {
            self.run_first(|| is_done() || must_end.load(Ordering::SeqCst));
        });
        self.pollers.append(&mut others);
    }

    fn run_first(&mut self, is_done: impl Fn() -> bool) {
        while !is_done() && self.failure.get().is_none() {
            if self.run_inline(self.peers_per_round) == 0 {
                let until = self.ticker.next().since(self.clock.now());
                self.bell.wait(until.max(Duration::from_micros(1)));
            }
        }
    }

    /// Delivers a tick if one is due.
    fn deliver_tick(&mut self) {
        if self.ticker.take(self.clock.now()) {
            self.router.broadcast(|| PeerMessage::Tick);
        }
    }

    /// Returns what wakes a thread in [`Store::run`].
    pub fn bell(&self) -> Bell {
        self.bell.clone()
    }

    /// Ends the store: everybody who waits is answered. What was proposed may still be applied; what was
    /// not, will not be.
    fn end(&mut self) {
        for region in self.router.numbers() {
            let region = RegionId(region);
            self.meta.remove(region);
            let (messages, _) = self.router.close(region.0);
            for message in messages {
                message.refuse(KvError::RegionNotFound { region });
            }
        }
        drop(self.runnable.take(usize::MAX));
    }
}

impl<E: Env> Drop for Store<E> {
    fn drop(&mut self) {
        self.end();
    }
}
