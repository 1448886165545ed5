//! Three stores on threads, which are killed and paused at random under load; the second judge looks at what clients saw.
//!
//! ```text
//!   cargo run -p testbed --features fleet --example kills                   10 times 60 s
//!   cargo run -p testbed --features fleet --example kills -- 2 5            2 times 5 s
//!
//!   store 1 ======x  ====================x   ===     x killed: on the real disk with all that was written,
//!   store 2 ===============x    ============         on a simulated one its power is cut at any operation
//!   store 3 ======================================   every other round
//!   clients  put append get get append get ...  ---> linear::check
//! ```
//!
//! Threads and the clock of the machine decide what happens, so no number repeats a round: the Fleet is for
//! that. This looks at what the Fleet cannot see: real threads in the doors, the mailboxes and the log.

mod clients; // what clients do, and what they saw
mod place; // disks that outlive a store

use clients::{Client, Operation};
use kv::env::RealClock;
use kv::memtable::Family;
use kv::model::{Epoch, Peer, PeerId, PeerRole, Region, RegionId, StoreId};
use kv::store::{RaftKv, ReadCallback, ReadMode, Store, StoreConfig, bootstrap};
use place::{Folder, Network, Place, ThreadEnv};
use std::collections::BTreeMap;
use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};
use testbed::linear::{Appends, Judgement, Limits, check, draw, explain, minimise, text};
use testbed::machine::SimMachine;
use testbed::random::Stream;

/// The only region.
const REGION: RegionId = RegionId(1);

/// How many clients there are.
const CLIENTS: u64 = 8;

/// How long a start, an end, or coming to rest may take.
const PATIENCE: Duration = Duration::from_secs(20);

fn region() -> Region {
    let voter = |id| Peer { id: PeerId(id + 10), store: StoreId(id), role: PeerRole::Voter };
    let epoch = Epoch { version: 1, conf_version: 1 };
    let peers = (1..=3).map(voter).collect();
    Region { id: REGION, start: Default::default(), end: None, epoch, peers }
}

fn config(store: StoreId) -> StoreConfig {
    StoreConfig {
        tick: Duration::from_millis(20),
        max_lease: Duration::from_millis(160),
        pollers: 2,
        ..testbed::fleet::config(store)
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let numbers = std::env::args().skip(1).map(|text| text.parse());
    let (rounds, seconds) = match numbers.collect::<Result<Vec<u64>, _>>()?[..] {
        [] => (10, 60),
        [rounds, seconds] => (rounds, seconds),
        _ => return Err("expected nothing, or how many rounds, and the seconds of each".into()),
    };
    for number in 1..=rounds {
        let random = Stream::new(number, "kills");
        if number % 2 == 1 {
            let folder = tempfile::tempdir()?;
            let places = (1..=3).map(|id| Folder(folder.path().join(format!("s{id}"))));
            round("killed, real disks", places.collect(), random, seconds)?;
        } else {
            let places = (1..=3).map(SimMachine::new).collect();
            round("power cut, simulated disks", places, random, seconds)?;
        }
    }
    Ok(())
}

/// A store on its thread.
struct Running {
    must_end: Arc<AtomicBool>,
    /// For how many milliseconds its thread is to stand still, after its next round.
    pause_ms: Arc<AtomicU64>,
    bell: kv::batch::Bell,
    thread: JoinHandle<()>,
}

/// The stores, and what is left of those that do not run.
struct Stores<P: Place> {
    network: Network<P>,
    places: Vec<P>,
    running: BTreeMap<StoreId, Running>,
    random: Stream,
}

impl<P: Place> Stores<P> {
    fn env(&mut self, id: StoreId) -> ThreadEnv<P> {
        let place = self.places[id.0 as usize - 1].clone();
        let (clock, entropy) = (RealClock::default(), self.random.below(u64::MAX));
        ThreadEnv { clock, network: self.network.clone(), place, entropy }
    }

    /// Starts a store. Its directories may be locked for as long as a client still holds the old one.
    fn start(&mut self, id: StoreId) -> Result<(), Box<dyn Error>> {
        let env = self.env(id);
        let began = Instant::now();
        let mut store = loop {
            match Store::open(config(id), env.clone()) {
                Ok(store) => break store,
                Err(error) if began.elapsed() > PATIENCE => {
                    return Err(format!("{id} does not start: {error}").into());
                }
                Err(_) => thread::sleep(Duration::from_millis(5)),
            }
        };
        self.network.add(store.handle());
        let (must_end, pause_ms) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let (is_done, pause, bell) = (must_end.clone(), pause_ms.clone(), store.bell());
        let thread = thread::spawn(move || {
            store.run(|| {
                thread::sleep(Duration::from_millis(pause.swap(0, Ordering::SeqCst)));
                is_done.load(Ordering::SeqCst)
            });
        });
        self.running.insert(id, Running { must_end, pause_ms, bell, thread });
        Ok(())
    }

    /// Kills a store: at an operation of its disks soon, if they can do that, else between two rounds.
    fn kill(&mut self, id: StoreId) {
        let Some(Running { must_end, bell, thread, .. }) = self.running.remove(&id) else { return };
        let place = self.places[id.0 as usize - 1].clone();
        place.plan_end(&mut self.random);
        thread::sleep(Duration::from_millis(self.random.below(30)));
        must_end.store(true, Ordering::SeqCst);
        bell.ring();
        thread.join().expect("a store does not panic");
        self.network.remove(id);
        self.places[id.0 as usize - 1] = place.after_end(&mut self.random);
    }

    /// Returns a store: often the leader.
    fn victim(&mut self) -> StoreId {
        let leads = |id: &StoreId| {
            let status = self.network.get(*id).and_then(|store| store.peer(REGION));
            status.is_some_and(|status| status.role == raft::RoleName::Leader)
        };
        let leader = [1, 2, 3].map(StoreId).into_iter().find(leads);
        let any = StoreId(1 + self.random.below(3));
        leader.filter(|_| self.random.chance(500)).unwrap_or(any)
    }

    /// Lets a store stand still, longer than others wait for it. Clients go on to read from it.
    fn pause(&mut self, met: &mut Met) {
        let (id, pause_ms) = (self.victim(), 300 + self.random.below(500));
        if let Some(running) = self.running.get(&id) {
            running.pause_ms.store(pause_ms, Ordering::SeqCst);
            running.bell.ring();
            thread::sleep(Duration::from_millis(pause_ms));
            met.pauses += 1;
        }
    }

    /// Kills a store, now and then two, and starts them again.
    fn kill_some(&mut self, met: &mut Met) -> Result<(), Box<dyn Error>> {
        let first = self.victim();
        let mut victims = vec![first];
        if self.random.chance(200) {
            victims.push(StoreId(first.0 % 3 + 1));
        }
        victims.iter().for_each(|id| self.kill(*id));
        thread::sleep(Duration::from_millis(self.random.below(500)));
        for id in &victims {
            self.start(*id)?;
        }
        met.kills += victims.len() as u64;
        Ok(())
    }
}

/// What a round has met.
#[derive(Default)]
struct Met {
    kills: u64,
    pauses: u64,
}

/// Kills and pauses stores for some time, and judges what clients saw.
fn round<P: Place>(
    name: &str,
    places: Vec<P>,
    random: Stream,
    seconds: u64,
) -> Result<(), Box<dyn Error>> {
    let (network, running) = (Network::default(), BTreeMap::new());
    let mut stores = Stores { network, places, running, random };
    for id in [1, 2, 3].map(StoreId) {
        bootstrap(&config(id), &stores.env(id), &region())?;
        stores.start(id)?;
    }
    let (network, began, is_done) =
        (stores.network.clone(), Instant::now(), AtomicBool::new(false));
    let mut met = Met::default();
    let history = thread::scope(|scope| {
        let client = |number| Client {
            network: &network,
            random: Stream::new(number, "client"),
            began,
            number,
            leader: StoreId(1),
            history: Vec::new(),
        };
        let is_done = &is_done;
        let start = |number| {
            let client = client(number);
            scope.spawn(move || client.work(is_done))
        };
        let clients: Vec<_> = (1..=CLIENTS).map(start).collect();
        let mut outcome = Ok(());
        while outcome.is_ok() && began.elapsed() < Duration::from_secs(seconds) {
            thread::sleep(Duration::from_millis(200 + stores.random.below(400)));
            stores.pause(&mut met);
            thread::sleep(Duration::from_millis(200 + stores.random.below(400)));
            outcome = stores.kill_some(&mut met);
        }
        is_done.store(true, Ordering::SeqCst);
        let history = clients.into_iter().map(|it| it.join().expect("a client does not panic"));
        let history: Vec<Operation> = history.flatten().collect();
        outcome.map(|()| history)
    })?;
    come_to_rest(&stores.network)?;
    for id in [1, 2, 3].map(StoreId) {
        stores.kill(id);
    }
    let answered = history.iter().filter(|it| it.end.is_some()).count();
    let unknown = history.len() - answered;
    let Met { kills, pauses } = met;
    println!(
        "{name}: {kills} kills, {pauses} pauses, {answered} operations answered, {unknown} writes not"
    );
    if (answered as u64) < 100 * seconds || kills * 5 < seconds || pauses * 5 < seconds {
        return Err("too little has happened: the round shows nothing".into());
    }
    judge(&history)
}

/// Waits until all stores hold the same.
fn come_to_rest<P: Place>(network: &Network<P>) -> Result<(), Box<dyn Error>> {
    let began = Instant::now();
    loop {
        let stores = [1, 2, 3].map(|id| network.get(StoreId(id)).ok_or(format!("s{id} has ended")));
        let mut held = Vec::new();
        for store in stores {
            let store = store?;
            let (told, view) = std::sync::mpsc::channel();
            let callback = ReadCallback::new(move |view| drop(told.send(view)));
            let epoch = region().epoch;
            let context =
                kv::store::RequestContext { region: REGION, peer: None, epoch, term: None };
            RaftKv::new(store).async_snapshot(context, ReadMode::Stale, callback);
            let view = view.recv_timeout(PATIENCE)??;
            let all = kv::memtable::KeyRange::all();
            let pairs = view.iter(Family::Default, &all).map(|(key, it)| (key.clone(), it.clone()));
            held.push((view.applied(), pairs.collect::<Vec<_>>()));
        }
        if held[0] == held[1] && held[1] == held[2] {
            return Ok(());
        }
        if began.elapsed() > PATIENCE {
            let applied: Vec<_> = held.iter().map(|(applied, _)| applied).collect();
            return Err(format!("the stores hold different data, applied: {applied:?}").into());
        }
        thread::sleep(Duration::from_millis(10));
    }
}

fn judge(history: &[Operation]) -> Result<(), Box<dyn Error>> {
    let limits = Limits::default();
    let checked = check(&Appends, history, &limits);
    println!("    {:?}, after {} steps", checked.judgement, checked.steps);
    if checked.judgement == Judgement::Linearizable {
        return Ok(());
    }
    let fewest = minimise(&Appends, history, &limits);
    let why = explain(&Appends, &fewest, &limits);
    let file = std::env::temp_dir().join("kills-history.txt");
    std::fs::write(&file, text::format(history))?;
    let (picture, file) = (draw(&Appends, &fewest, why.as_ref(), &[]), file.display());
    let again = "cargo run -p testbed --features fleet --example linear --";
    Err(format!("{:?}\n{picture}\nthe whole history: {again} {file}", checked.judgement).into())
}
