//! Three stores in one thread, one message at a time: a test sees each message leave, and says which arrive.

use bytes::Bytes;
use kv::env::{Directory, Env, Moment, Transport};
use kv::memtable::Family;
use kv::model::*;
use kv::store::*;
use raft::RoleName;
use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Mutex};
use storage::SimDisk;
use testbed::fleet::env::SimClock;
use testbed::fleet::{config, region};
use testbed::machine::SimMachine;

/// What happens with a message when it leaves.
pub(crate) type OnSend = Box<dyn FnMut(&StoreMessage) + Send>;

/// The way out of a store: a queue, and somebody who looks at each message in the moment it leaves.
#[derive(Clone, Default)]
pub(crate) struct Wire {
    queue: Arc<Mutex<VecDeque<StoreMessage>>>,
    /// Looks at each message in the moment it leaves.
    pub(crate) on_send: Arc<Mutex<Option<OnSend>>>,
}

impl Transport for Wire {
    fn send(&mut self, _: StoreId, message: StoreMessage) {
        if let Some(on_send) = &mut *self.on_send.lock().expect("one thread") {
            on_send(&message);
        }
        self.queue.lock().expect("one thread").push_back(message);
    }

    fn flush(&mut self) {}
}

/// The environment of one of the three.
pub(crate) struct WireEnv {
    clock: SimClock,
    wire: Wire,
    machine: SimMachine,
    entropy: u64,
}

impl Env for WireEnv {
    type Clock = SimClock;
    type Transport = Wire;
    type Disk = SimDisk;

    fn clock(&self) -> SimClock {
        self.clock.clone()
    }

    fn transport(&self) -> Wire {
        self.wire.clone()
    }

    fn disk(&self, directory: Directory) -> io::Result<SimDisk> {
        Ok(self.machine.directory(directory))
    }

    fn entropy(&self) -> u64 {
        self.entropy
    }
}

/// The doors of one of the three.
pub(crate) type Kv = RaftKv<WireEnv>;

/// Three stores, of which the place `leader` leads.
pub(crate) struct Three {
    pub(crate) stores: Vec<Arc<Mutex<Store<WireEnv>>>>,
    pub(crate) doors: Vec<Kv>,
    pub(crate) wires: Vec<Wire>,
    pub(crate) leader: usize,
    /// One that does not run.
    pub(crate) paused: Option<usize>,
    clock: SimClock,
    ticks: u64,
}

impl Three {
    /// Starts three stores, and waits until one leads.
    pub(crate) fn start(change: impl Fn(&mut StoreConfig)) -> Three {
        let clock = SimClock::default();
        let wires: Vec<_> = (0..3).map(|_| Wire::default()).collect();
        let stores = wires.iter().zip(1..).map(|(wire, id)| {
            let mut config = config(StoreId(id));
            change(&mut config);
            let (clock, wire, machine) = (clock.clone(), wire.clone(), SimMachine::new(id));
            let env = WireEnv { clock, wire, machine, entropy: 40 + id };
            bootstrap(&config, &env, &region(3)).expect("the disks work");
            Store::open(config, env).expect("it is bootstrapped")
        });
        let stores: Vec<_> = stores.map(Mutex::new).map(Arc::new).collect();
        let doors: Vec<_> =
            stores.iter().map(|it| RaftKv::new(it.lock().expect("one thread").handle())).collect();
        let mut three = Three { stores, doors, wires, leader: 0, paused: None, clock, ticks: 0 };
        three.elect(|_| true, |_| true);
        three
    }

    /// Lets time pass until one of those that `may_lead` leads, and has applied an entry of its term. Only
    /// messages that `passes` lets through are delivered.
    pub(crate) fn elect(
        &mut self,
        may_lead: impl Fn(usize) -> bool,
        passes: impl Fn(&StoreMessage) -> bool,
    ) {
        let leads = |door: &Kv| {
            let status = door.handle().peer(RegionId(1)).expect("it has a peer");
            status.role == RoleName::Leader && status.applied.term == status.term
        };
        for _ in 0..1000 {
            self.tick(&passes);
            let mut places = (0..self.doors.len()).filter(|place| may_lead(*place));
            if let Some(leader) = places.find(|place| leads(&self.doors[*place])) {
                self.leader = leader;
                return;
            }
        }
        panic!("no leader was elected in 1000 ticks");
    }

    /// Lets a tick pass, and what follows from it.
    pub(crate) fn tick(&mut self, passes: impl Fn(&StoreMessage) -> bool) {
        self.ticks += 1;
        self.clock.set(Moment(self.ticks * 100_000_000));
        self.settle(passes);
    }

    /// Delivers the messages that `passes` lets through, until all stores are idle.
    pub(crate) fn settle(&self, passes: impl Fn(&StoreMessage) -> bool) {
        loop {
            let run =
                |store: &Arc<Mutex<Store<_>>>| store.lock().expect("one thread").run_inline(8);
            let running = self.stores.iter().enumerate();
            let running = running.filter(|(place, _)| self.paused != Some(*place));
            let rounds: usize = running.map(|(_, store)| run(store)).sum();
            let take = |wire: &Wire| wire.queue.lock().expect("one thread").drain(..).collect();
            let sent: Vec<StoreMessage> =
                self.wires.iter().flat_map(|it| -> Vec<_> { take(it) }).collect();
            if rounds == 0 && sent.is_empty() {
                return;
            }
            for message in sent.into_iter().filter(&passes) {
                self.doors[message.to.store.0 as usize - 1].handle().deliver(message);
            }
        }
    }

    /// Begins a write at one of the stores. Returns what its sender is told.
    pub(crate) fn put(&self, place: usize, key: &str, value: Vec<u8>) -> Told<WriteEvent> {
        let told = Told::default();
        let events = told.clone();
        let callback =
            WriteCallback::new(move |event| events.lock().expect("one thread").push(event));
        let door = &self.doors[place];
        let write = Write::Put { key: key.to_owned().into(), value: value.into() };
        door.async_write(context(), door.handle().next_request(), write, callback);
        told
    }

    /// Begins a read at one of the stores. Returns what its sender is told.
    pub(crate) fn get(&self, place: usize, mode: ReadMode, key: &str) -> Told<Seen> {
        let told = Told::default();
        let (seen, key) = (told.clone(), key.to_owned());
        let callback = ReadCallback::new(move |view| {
            let value = view.and_then(|view| view.get(Family::Default, key.as_bytes()));
            seen.lock().expect("one thread").push(value);
        });
        self.doors[place].async_snapshot(context(), mode, callback);
        told
    }
}

/// What a sender is told, in order.
pub(crate) type Told<T> = Arc<Mutex<Vec<T>>>;

/// What a read has seen.
pub(crate) type Seen = Result<Option<Bytes>, KvError>;

/// Returns the last that a sender was told.
pub(crate) fn last<T: Clone>(told: &Told<T>) -> Option<T> {
    told.lock().expect("one thread").last().cloned()
}

/// Whom requests are for: the region, wherever it is.
pub(crate) fn context() -> RequestContext {
    RequestContext { region: RegionId(1), peer: None, epoch: region(3).epoch, term: None }
}
