//! A store of several threads: nothing is lost between them, and each write is run once.

use kv::env::{RealEnv, Transport};
use kv::model::{
    ClusterId, Epoch, Outcome, Peer, PeerId, PeerRole, Region, RegionId, StoreId, StoreMessage,
    Write,
};
use kv::store::{RaftKv, RequestContext, Store, StoreConfig, WriteCallback, WriteEvent, bootstrap};
use raft::RoleName;
use std::error::Error;
use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, mpsc};
use std::time::Duration;
use tempfile::TempDir;

/// Nobody else is there.
#[derive(Clone)]
struct Alone;

impl Transport for Alone {
    fn send(&mut self, _: StoreId, _: StoreMessage) {}

    fn flush(&mut self) {}
}

const REGION: RegionId = RegionId(1);
const EPOCH: Epoch = Epoch { version: 1, conf_version: 1 };

/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(20);

fn config() -> StoreConfig {
    let tick = Duration::from_millis(10);
    let max_lease = Duration::from_millis(80);
    let config = StoreConfig::new(ClusterId(1), StoreId(1));
    StoreConfig { tick, max_lease, pollers: 3, peers_per_round: 1, ..config }
}

fn context() -> RequestContext {
    RequestContext { region: REGION, peer: None, epoch: EPOCH, term: None }
}

/// Starts a new store below `folder`.
fn open(folder: &TempDir, config: StoreConfig) -> (Store<RealEnv<Alone>>, RaftKv<RealEnv<Alone>>) {
    let env = RealEnv::new(folder.path(), Alone);
    let peers = vec![Peer { id: PeerId(11), store: StoreId(1), role: PeerRole::Voter }];
    let region = Region { id: REGION, start: Default::default(), end: None, epoch: EPOCH, peers };
    bootstrap(&config, &env, &region).expect("the disk works");
    let store = Store::open(config, env).expect("it is bootstrapped");
    let kv = RaftKv::new(store.handle());
    (store, kv)
}

fn wait_for_the_leader(kv: &RaftKv<RealEnv<Alone>>) {
    while kv.handle().peer(REGION).is_none_or(|peer| peer.role != RoleName::Leader) {
        std::thread::yield_now();
    }
}

/// Adds 1 to the same key `count` times, each time after the last has ended. Returns the last sum.
fn add(
    kv: &RaftKv<RealEnv<Alone>>,
    count: usize,
) -> Result<Option<Outcome>, Box<dyn Error + Send + Sync>> {
    let mut last = None;
    for _ in 0..count {
        let (told, ended) = mpsc::channel();
        let callback = WriteCallback::new(move |event| {
            if let WriteEvent::Finished(outcome) = event {
                drop(told.send(outcome)); // nobody waits any more: the test has failed
            }
        });
        let write = Write::Add { key: "sum".into(), delta: 1 };
        kv.async_write(context(), kv.handle().next_request(), write, callback);
        last = Some(ended.recv_timeout(PATIENCE)??);
    }
    Ok(last)
}

/// A callback that panics ends the store, on whichever thread. It is not called again, and nobody waits on.
#[test]
fn a_callback_that_panics_ends_the_store_and_lets_nobody_wait() {
    for pollers in [1, 3] {
        let folder = tempfile::tempdir().expect("a folder can be made");
        let (mut store, kv) = open(&folder, StoreConfig { pollers, ..config() });
        let calls = Arc::new(AtomicU64::new(0));
        let (count, called) = (calls.clone(), calls.clone());
        // Of several, the first one stands still meanwhile: so another one's thread panics.
        let (must_stand, stands) = (AtomicBool::new(false), AtomicBool::new(pollers == 1));
        let stand = || {
            while must_stand.load(Ordering::SeqCst) && called.load(Ordering::SeqCst) == 0 {
                stands.store(true, Ordering::SeqCst);
                std::thread::yield_now();
            }
        };
        let (give_up, (ran, ended)) = (AtomicBool::new(false), mpsc::channel());
        std::thread::scope(|scope| {
            let (give_up, stand) = (&give_up, &stand);
            scope.spawn(move || {
                let run = AssertUnwindSafe(|| {
                    store.run(|| {
                        stand();
                        give_up.load(Ordering::SeqCst)
                    });
                });
                let is_panic = std::panic::catch_unwind(run).is_err();
                drop(store);
                ran.send(is_panic).expect("the test waits");
            });
            wait_for_the_leader(&kv);
            must_stand.store(pollers > 1, Ordering::SeqCst);
            while !stands.load(Ordering::SeqCst) {
                std::thread::yield_now();
            }
            let callback = WriteCallback::new(move |event| {
                if let WriteEvent::Finished(_) = event {
                    count.fetch_add(1, Ordering::SeqCst);
                    panic!("a callback of the test panics");
                }
            });
            let write = Write::Put { key: "k".into(), value: "v".into() };
            kv.async_write(context(), kv.handle().next_request(), write, callback);
            let end = ended.recv_timeout(PATIENCE);
            give_up.store(true, Ordering::SeqCst);
            assert_eq!(end, Ok(true), "{pollers} pollers go on");
            assert!(add(&kv, 1).is_err(), "the store has ended");
        });
        assert_eq!(calls.load(Ordering::SeqCst), 1, "it is called once");
    }
}

#[test]
fn several_pollers_run_each_write_once_and_end_together() {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let (mut store, kv) = open(&folder, config());
    let (bell, is_done) = (store.bell(), AtomicBool::new(false));
    std::thread::scope(|scope| {
        let runs = scope.spawn(|| store.run(|| is_done.load(Ordering::SeqCst)));
        wait_for_the_leader(&kv);
        let clients: Vec<_> = (0..8).map(|_| scope.spawn(|| add(&kv, 50))).collect();
        let mut ends: Vec<_> =
            clients.into_iter().map(|it| it.join().expect("it does not panic")).collect();
        let last = add(&kv, 1);
        is_done.store(true, Ordering::SeqCst);
        bell.ring();
        runs.join().expect("a store does not panic");
        ends.retain(|end| end.is_err());
        assert!(ends.is_empty(), "{ends:?}");
        assert_eq!(last.expect("the store runs"), Some(Outcome::Number(401)));
    });
    assert!(store.failure().is_none());
}
