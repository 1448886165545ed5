//! Three stores in one thread, one message at a time: what they may show, and when they refuse.

use kv::env::{Directory, Env, Moment, Transport};
use kv::memtable::Family;
use kv::model::*;
use kv::store::*;
use raft::{Body, RoleName};
use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Mutex};
use storage::SimDisk;
use testbed::fleet::env::SimClock;
use testbed::fleet::{config, region};
use testbed::machine::SimMachine;

/// What happens with a message when it leaves.
type OnSend = Box<dyn FnMut(&StoreMessage) + Send>;

/// The way out of a store: a queue, and somebody who looks at each message in the moment it leaves.
#[derive(Clone, Default)]
struct Wire {
    queue: Arc<Mutex<VecDeque<StoreMessage>>>,
    on_send: Arc<Mutex<Option<OnSend>>>,
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

struct WireEnv {
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

type Kv = RaftKv<WireEnv>;

/// Three stores, of which the place `leader` leads.
struct Three {
    stores: Vec<Arc<Mutex<Store<WireEnv>>>>,
    doors: Vec<Kv>,
    wires: Vec<Wire>,
    leader: usize,
}

impl Three {
    fn start(change: impl Fn(&mut StoreConfig)) -> Three {
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
        let mut three = Three { stores, doors, wires, leader: 0 };
        let leads = |door: &Kv| {
            let status = door.handle().peer(RegionId(1)).expect("it has a peer");
            status.role == RoleName::Leader && status.applied.term == status.term
        };
        for tick in 1.. {
            clock.set(Moment(tick * 100_000_000));
            three.settle(|_| true);
            if let Some(leader) = three.doors.iter().position(leads) {
                three.leader = leader;
                return three;
            }
        }
        unreachable!("an election ends")
    }

    /// Delivers the messages that `passes` lets through, until all stores are idle.
    fn settle(&self, passes: impl Fn(&StoreMessage) -> bool) {
        loop {
            let run =
                |store: &Arc<Mutex<Store<_>>>| store.lock().expect("one thread").run_inline(8);
            let rounds: usize = self.stores.iter().map(run).sum();
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

    /// Begins a write at the leader.
    fn put(&self, key: &str, value: Vec<u8>) -> Arc<Mutex<Vec<WriteEvent>>> {
        let told = Arc::new(Mutex::new(Vec::new()));
        let events = told.clone();
        let callback =
            WriteCallback::new(move |event| events.lock().expect("one thread").push(event));
        let door = &self.doors[self.leader];
        let write = Write::Put { key: key.to_owned().into(), value: value.into() };
        door.async_write(context(), door.handle().next_request(), write, callback);
        told
    }
}

fn context() -> RequestContext {
    RequestContext { region: RegionId(1), peer: None, epoch: region(3).epoch, term: None }
}

/// A follower may learn that an entry is committed, apply it and show it, before its leader does the next
/// thing. Whoever has read there and then asks the leader must not see less.
#[test]
fn a_follower_shows_nothing_that_its_leader_does_not_show() {
    for applying_bytes_max in [u64::MAX, 0] {
        // A write is an entry, so that several are committed at once.
        let three = Three::start(|config| {
            (config.applying_bytes_max, config.entry_bytes_max) = (applying_bytes_max, 1024);
        });
        drop(three.put("first", vec![7])); // a lease begins with a write
        three.settle(|_| true);
        let follower = (three.leader + 1) % 3;
        let (store, seen) = (three.stores[follower].clone(), three.doors[follower].clone());
        let (leader, shown) = (three.doors[three.leader].clone(), Arc::new(Mutex::new(0)));
        let count = shown.clone();
        let look = move |message: &StoreMessage| {
            if message.to.store.0 as usize != follower + 1 {
                return;
            }
            seen.handle().deliver(message.clone());
            while store.lock().expect("one thread").run_inline(8) > 0 {}
            for number in 0..5 {
                let key = format!("k{number}");
                let (asked, leader, count) = (key.clone(), leader.clone(), count.clone());
                let callback = ReadCallback::new(move |view: Result<RegionSnapshot, _>| {
                    let view = view.expect("any peer serves a stale read");
                    if view.get(Family::Default, asked.as_bytes()) != Ok(None) {
                        *count.lock().expect("one thread") += 1;
                        let local = leader.get_local(&context(), asked.as_bytes());
                        assert_ne!(local, Some(None), "{asked}: the follower shows it already");
                    }
                });
                seen.async_snapshot(context(), ReadMode::Stale, callback);
            }
            while store.lock().expect("one thread").run_inline(8) > 0 {}
        };
        *three.wires[three.leader].on_send.lock().expect("one thread") = Some(Box::new(look));
        let begin = |number| three.put(&format!("k{number}"), vec![7; 700]);
        let told: Vec<_> = (0..5).map(begin).collect();
        three.settle(|_| true);
        for told in told {
            let last = told.lock().expect("one thread").pop();
            assert_eq!(last, Some(WriteEvent::Finished(Ok(Outcome::Done))));
        }
        assert!(
            *shown.lock().expect("one thread") >= 5,
            "the follower has shown too little: {shown:?}"
        );
    }
}

/// While followers acknowledge nothing, but are heard of, a leader must not take writes without end.
#[test]
fn a_leader_whose_followers_do_not_keep_up_refuses_writes() {
    let three = Three::start(|config| config.uncommitted_bytes_max = 10_000);
    let is_no_ack =
        |message: &StoreMessage| !matches!(message.message.body, Body::AppendReply { .. });
    let mut told = Vec::new();
    for _ in 0..30 {
        told.push(three.put("k", vec![7; 1_000]));
        three.settle(is_no_ack);
    }
    let busy = KvError::ServerIsBusy { region: RegionId(1) };
    let refused = told.iter().filter(|told| {
        *told.lock().expect("one thread") == [WriteEvent::Finished(Err(busy.clone()))]
    });
    assert!((18..25).contains(&refused.count()), "10,000 bytes are about ten writes");
}
