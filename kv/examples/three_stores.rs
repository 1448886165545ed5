//! Three stores in one process, on real disks: a write and a read, followed from the door to the callback.
//!
//! ```text
//!   cargo run --release -p kv --example three_stores
//! ```

use kv::env::{RealEnv, Transport};
use kv::memtable::Family;
use kv::model::{
    ClusterId, Epoch, Peer, PeerId, PeerRole, Region, RegionId, StoreId, StoreMessage, Write,
};
use kv::store::{
    RaftKv, ReadCallback, ReadMode, RequestContext, Store, StoreConfig, StoreHandle, WriteCallback,
    WriteEvent, bootstrap,
};
use raft::RoleName;
use std::error::Error;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock, mpsc};
use std::time::{Duration, Instant};

/// How long one thing may take, before the example says that something is wrong.
const PATIENCE: Duration = Duration::from_secs(20);

type Envs = RealEnv<Local>;

/// A network within the process: a message goes straight into the mailbox of its peer.
#[derive(Clone, Default)]
struct Local {
    stores: Arc<OnceLock<Vec<StoreHandle<Envs>>>>,
}

impl Transport for Local {
    fn send(&mut self, to: StoreId, message: StoreMessage) {
        if let Some(stores) = self.stores.get() {
            stores[to.0 as usize - 1].deliver(message);
        }
    }

    fn flush(&mut self) {}
}

fn region() -> Region {
    let voter = |id| Peer { id: PeerId(id + 10), store: StoreId(id), role: PeerRole::Voter };
    Region {
        id: RegionId(1),
        start: Default::default(),
        end: None,
        epoch: Epoch { version: 1, conf_version: 1 },
        peers: (1..=3).map(voter).collect(),
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let network = Local::default();
    let mut stores = Vec::new();
    for id in 1..=3 {
        let config = StoreConfig {
            tick: Duration::from_millis(20),
            max_lease: Duration::from_millis(160),
            ..StoreConfig::new(ClusterId(1), StoreId(id))
        };
        let env = RealEnv::new(folder.path().join(format!("s{id}")), network.clone());
        bootstrap(&config, &env, &region())?;
        stores.push(Store::open(config, env)?);
    }
    let doors: Vec<_> = stores.iter().map(|store| RaftKv::new(store.handle())).collect();
    let handles = stores.iter().map(Store::handle).collect();
    network.stores.set(handles).map_err(|_| "the network is set once")?;

    let (is_done, bells) =
        (AtomicBool::new(false), stores.iter().map(Store::bell).collect::<Vec<_>>());
    std::thread::scope(|scope| {
        for mut store in stores {
            let is_done = &is_done;
            scope.spawn(move || store.run(|| is_done.load(Ordering::SeqCst)));
        }
        let outcome = tour(&doors);
        is_done.store(true, Ordering::SeqCst);
        bells.iter().for_each(|bell| bell.ring());
        outcome
    })
}

/// Waits for a leader, and follows a write, two reads and many writes at once.
fn tour(doors: &[RaftKv<Envs>]) -> Result<(), Box<dyn Error>> {
    let began = Instant::now();
    let leader = loop {
        if let Some(leader) = doors.iter().find(|door| leads(door)) {
            break leader;
        }
        if began.elapsed() > PATIENCE {
            return Err("no leader was elected".into());
        }
        std::thread::sleep(Duration::from_millis(1));
    };
    println!("a leader after {:?}: {}", began.elapsed(), leader.handle().origin());

    println!("a write:");
    let (told, events) = mpsc::channel();
    let began = Instant::now();
    write(leader, "apple", "red", move |event| drop(told.send((began.elapsed(), event))));
    for (after, event) in events {
        println!("{after:>12.1?}  {event:?}");
    }
    for mode in [ReadMode::Lease, ReadMode::Quorum] {
        let (told, views) = mpsc::channel();
        let began = Instant::now();
        let callback = ReadCallback::new(move |view| drop(told.send(view)));
        leader.async_snapshot(context(), mode, callback);
        let view = views.recv_timeout(PATIENCE)??;
        let value = view.get(Family::Default, b"apple")?;
        println!(
            "a read, {mode:?}: {value:?} after {:.1?}, at index {}",
            began.elapsed(),
            view.applied()
        );
    }
    many(leader, 64, 20_000)
}

/// Returns whether a store's peer leads, and has applied an entry of its term.
fn leads(door: &RaftKv<Envs>) -> bool {
    let status = door.handle().peer(RegionId(1));
    status.is_some_and(|it| it.role == RoleName::Leader && it.applied.term == it.term)
}

fn context() -> RequestContext {
    let epoch = region().epoch;
    RequestContext { region: RegionId(1), peer: None, epoch, term: None }
}

fn write(
    door: &RaftKv<Envs>,
    key: &str,
    value: impl Into<Vec<u8>>,
    on: impl FnMut(WriteEvent) + Send + 'static,
) {
    let write = Write::Put { key: key.to_owned().into(), value: value.into().into() };
    door.async_write(context(), door.handle().next_request(), write, WriteCallback::new(on));
}

/// Writes `count` values of 256 bytes, `at_once` of them at a time.
fn many(door: &RaftKv<Envs>, at_once: usize, count: usize) -> Result<(), Box<dyn Error>> {
    let (told, ended) = mpsc::channel();
    let began = Instant::now();
    let first = door.handle().peer(RegionId(1)).ok_or("the store has ended")?.last;
    for number in 0..count + at_once {
        if number >= at_once {
            ended.recv_timeout(PATIENCE)?;
        }
        if number < count {
            let told = told.clone();
            write(door, &format!("key{number:08}"), vec![7; 256], move |event| {
                if let WriteEvent::Finished(_) = event {
                    let _ = told.send(()); // nobody waits any more
                }
            });
        }
    }
    let seconds = began.elapsed().as_secs_f64();
    let last = door.handle().peer(RegionId(1)).ok_or("the store has ended")?.last;
    let entries = last.index.0 - first.index.0;
    println!(
        "{count} writes of 256 bytes, {at_once} at once: {:.0} a second,",
        count as f64 / seconds
    );
    println!("{:.1} of them in an entry", count as f64 / entries as f64);
    Ok(())
}
