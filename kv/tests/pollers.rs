//! A store of several threads: nothing is lost between them, and each write is run once.

use kv::env::{RealEnv, Transport};
use kv::model::{
    ClusterId, Epoch, Outcome, Peer, PeerId, PeerRole, Region, RegionId, StoreId, StoreMessage,
    Write,
};
use kv::store::{RaftKv, RequestContext, Store, StoreConfig, WriteCallback, WriteEvent, bootstrap};
use raft::RoleName;
use std::error::Error;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::time::Duration;

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
const PATIENCE: Duration = Duration::from_secs(30);

fn config() -> StoreConfig {
    let tick = Duration::from_millis(10);
    let max_lease = Duration::from_millis(80);
    let config = StoreConfig::new(ClusterId(1), StoreId(1));
    StoreConfig { tick, max_lease, pollers: 3, peers_per_round: 1, ..config }
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
        let context = RequestContext { region: REGION, peer: None, epoch: EPOCH, term: None };
        let write = Write::Add { key: "sum".into(), delta: 1 };
        kv.async_write(context, kv.handle().next_request(), write, callback);
        last = Some(ended.recv_timeout(PATIENCE)??);
    }
    Ok(last)
}

#[test]
fn several_pollers_run_each_write_once_and_end_together() {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let env = RealEnv::new(folder.path(), Alone);
    let voter = Peer { id: PeerId(11), store: StoreId(1), role: PeerRole::Voter };
    let region = Region {
        id: REGION,
        start: Default::default(),
        end: None,
        epoch: EPOCH,
        peers: vec![voter],
    };
    bootstrap(&config(), &env, &region).expect("the disk works");
    let mut store = Store::open(config(), env).expect("it is bootstrapped");
    let (kv, bell, is_done) = (RaftKv::new(store.handle()), store.bell(), AtomicBool::new(false));
    std::thread::scope(|scope| {
        let runs = scope.spawn(|| store.run(|| is_done.load(Ordering::SeqCst)));
        while kv.handle().peer(REGION).is_none_or(|peer| peer.role != RoleName::Leader) {
            std::thread::yield_now();
        }
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
