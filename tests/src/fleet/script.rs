//! A fleet that a test leads by hand, in virtual time: TinyKV's test API, in snake case.
//!
//! ```text
//!   let mut fleet = Fleet::cluster(7, 5);         five stores, a good network, nobody else's requests
//!   fleet.must_put("k", "1");                     tried again, under the same id, until it is done
//!   fleet.partition(&[0, 1]);                     from now on, two stores reach nobody else
//!   fleet.must_get("k", "1");                     linearizable: the majority answers
//!   fleet.clear_filters();
//!   fleet.must_get_equal(0, "k", "1");            store 0 itself holds it, after a while
//!   fleet.shutdown();                             all stores hold what the log says; the judge agrees
//! ```
//!
//! Stores are named by their place, from 0. What takes too long ends the test with the seed, what was asked
//! for, and what each store has answered. All that is asked for goes into the history, too.

use super::client::{Asked, Ending, OperationRecord, Saw};
use super::env::SimEnv;
use super::plan::{FleetPlan, MILLISECOND, SECOND};
use super::{Fleet, REGION};
use bytes::Bytes;
use kv::memtable::{Family, KeyRange};
use kv::model::{Epoch, Outcome, RequestId, Write};
use kv::store::{
    KvError, RaftKv, ReadCallback, ReadMode, RegionSnapshot, RequestContext, WriteCallback,
    WriteEvent,
};
use raft::RoleName;
use std::sync::{Arc, Mutex};

/// How long something may take before a test fails, in the fleet's nanoseconds: several elections.
const PATIENCE: u64 = 20 * SECOND;

/// How long one store may take to answer, before another one is asked.
const ANSWER: u64 = 2 * SECOND;

/// The answer that somebody waits for.
type Awaited<T> = Arc<Mutex<Option<Result<T, KvError>>>>;

// Stores, links and time.

impl Fleet {
    /// Returns a fleet of `stores` stores without clients and mishaps, whose network is good.
    pub fn cluster(seed: u64, stores: usize) -> Fleet {
        let drift_ppm = vec![0; stores];
        Fleet::new(FleetPlan { stores, clients: 0, until: 0, drift_ppm, ..FleetPlan::quiet(seed) })
    }

    /// Lets time pass.
    pub fn run_for(&mut self, milliseconds: u64) {
        let done = self.run_until(self.now + milliseconds * MILLISECOND);
        self.hold(done);
    }

    /// Returns the store that leads in the latest term; none if no running store leads.
    pub fn leader(&self) -> Option<usize> {
        let leads = |place: usize| {
            let status = self.nodes[place].store.as_ref()?.peer(REGION)?;
            (status.role == RoleName::Leader).then_some((status.term, place))
        };
        (0..self.nodes.len()).filter_map(leads).max().map(|(_, place)| place)
    }

    /// Kills a store. What it wrote stays.
    pub fn stop_server(&mut self, place: usize) {
        self.nodes[place].keeps_writes = true;
        self.crash(place, u64::MAX / 2 - self.now);
    }

    /// Starts a store that does not run.
    pub fn start_server(&mut self, place: usize) {
        self.restart(place);
    }

    /// Cuts all links between `side` and the other stores, and mends all others.
    pub fn partition(&mut self, side: &[usize]) {
        let stores = self.nodes.len();
        let pairs = (0..stores).flat_map(|from| (0..stores).map(move |to| (from, to)));
        self.cut = pairs.filter(|(from, to)| side.contains(from) != side.contains(to)).collect();
    }

    /// Lets so many of 1000 messages be lost, and others come late.
    pub fn unreliable(&mut self, loss_permille: u64) {
        (self.plan.loss_permille, self.plan.delay) = (loss_permille, 20 * MILLISECOND);
    }

    /// Mends all links.
    pub fn clear_filters(&mut self) {
        self.cut.clear();
        (self.plan.loss_permille, self.plan.delay) = (0, MILLISECOND);
    }

    /// Mends everything, starts all stores, waits until they are still, and judges the run.
    pub fn shutdown(mut self) {
        self.clear_filters();
        self.heal();
        let done = self.run_until(self.now + PATIENCE).and_then(|()| self.finish());
        self.hold(done);
    }

    /// Ends the test if an invariant does not hold.
    fn hold(&self, done: Result<(), String>) {
        if let Err(wrong) = done {
            panic!("seed {}: {wrong}", self.plan.seed);
        }
    }
}

// Requests.

impl Fleet {
    /// Writes, and returns the outcome. Repeated under the same id, so that it is run once.
    pub fn must_write(&mut self, write: Write) -> Outcome {
        let numbers = self.nodes.iter().find_map(|node| node.kv.as_ref());
        let request = numbers.expect("a store runs").handle().next_request();
        let asked = Asked::Write(write.clone());
        let outcome = self.must(Some(request), asked, |kv, awaited| {
            let callback = WriteCallback::new(move |event| {
                if let WriteEvent::Finished(outcome) = event {
                    *awaited.lock().expect("one thread") = Some(outcome.map(Saw::Outcome));
                }
            });
            kv.async_write(context(), request, write.clone(), callback);
        });
        let Saw::Outcome(outcome) = outcome else { unreachable!("a write has an outcome") };
        outcome
    }

    /// Puts a value.
    pub fn must_put(&mut self, key: &str, value: &str) {
        let (key, value) = (bytes(key), bytes(value));
        assert_eq!(self.must_write(Write::Put { key, value }), Outcome::Done);
    }

    /// Deletes a key.
    pub fn must_delete(&mut self, key: &str) {
        assert_eq!(self.must_write(Write::Delete { key: bytes(key) }), Outcome::Done);
    }

    /// Reads a key, linearizably.
    pub fn get(&mut self, key: &str) -> Option<Bytes> {
        let (key, mode) = (bytes(key), ReadMode::Quorum);
        let asked = Asked::Get { key: key.clone(), mode };
        let seen = self.must(None, asked, |kv, awaited| {
            let key = key.clone();
            let callback = ReadCallback::new(move |view| {
                *awaited.lock().expect("one thread") = Some(view.and_then(|view| {
                    Ok(Saw::Value(view.get(Family::Default, &key)?, view.applied()))
                }));
            });
            kv.async_snapshot(context(), mode, callback);
        });
        let Saw::Value(value, _) = seen else { unreachable!("a read has a value") };
        value
    }

    /// Checks what a linearizable read of a key sees.
    pub fn must_get(&mut self, key: &str, value: &str) {
        let seen = self.get(key);
        assert_eq!(seen, Some(bytes(value)), "seed {}: key {key}", self.plan.seed);
    }

    /// Checks that a linearizable read of a key sees nothing.
    pub fn must_get_nothing(&mut self, key: &str) {
        let seen = self.get(key);
        assert_eq!(seen, None, "seed {}: key {key}", self.plan.seed);
    }

    /// Checks that a store itself holds a value, after a while.
    pub fn must_get_equal(&mut self, place: usize, key: &str, value: &str) {
        self.must_hold(place, key, Some(bytes(value)));
    }

    /// Checks that a store itself does not hold a key, after a while.
    pub fn must_get_none(&mut self, place: usize, key: &str) {
        self.must_hold(place, key, None);
    }

    fn must_hold(&mut self, place: usize, key: &str, expected: Option<Bytes>) {
        let (began, mut held) = (self.now, None);
        while self.now < began + PATIENCE {
            held = self.view_of(place).map(|view| view.get(Family::Default, key.as_bytes()));
            if held == Some(Ok(expected.clone())) {
                return;
            }
            self.run_for(50);
        }
        let seed = self.plan.seed;
        panic!("seed {seed}: s{} holds {held:?} of key {key}, expected {expected:?}", place + 1);
    }

    /// Returns the keys and values from `from` to `to`, without `to`, that a store itself holds.
    pub fn scan(&mut self, place: usize, from: &str, to: &str) -> Vec<(Bytes, Bytes)> {
        let view = self.view_of(place).expect("the store runs");
        let range = KeyRange::new(bytes(from), bytes(to));
        let pairs = view.iter(Family::Default, &range);
        pairs.map(|(key, value)| (key.clone(), value.clone())).collect()
    }

    /// Returns what a store itself holds; none if it does not run.
    fn view_of(&mut self, place: usize) -> Option<RegionSnapshot> {
        let awaited: Awaited<RegionSnapshot> = Awaited::default();
        let seen = awaited.clone();
        let callback =
            ReadCallback::new(move |view| *seen.lock().expect("one thread") = Some(view));
        self.nodes[place].kv.as_ref()?.async_snapshot(context(), ReadMode::Stale, callback);
        let done = self.step(place);
        self.hold(done);
        awaited.lock().expect("one thread").take()?.ok()
    }

    /// Asks one store after the other, until one has done what is asked for.
    fn must(
        &mut self,
        request: Option<RequestId>,
        asked: Asked,
        ask: impl Fn(&RaftKv<SimEnv>, Awaited<Saw>),
    ) -> Saw {
        let (call, mut answers) = (self.now, Vec::new());
        let mut place = 0;
        while self.now < call + PATIENCE {
            place = self.leader().unwrap_or((place + 1) % self.nodes.len());
            let answer = self.ask(place, &ask);
            if let Some(Ok(saw)) = answer {
                let (end, ending) = (self.now, Ending::Saw(saw.clone()));
                let record = OperationRecord { client: 0, request, asked, call, end, ending };
                self.history.push(record);
                return saw;
            }
            answers.push(match answer {
                Some(Err(error)) => format!("s{}: {error}", place + 1),
                _ if self.nodes[place].kv.is_none() => format!("s{}: does not run", place + 1),
                Some(Ok(_)) | None => format!("s{}: no answer", place + 1),
            });
            self.run_for(100);
        }
        let seed = self.plan.seed;
        panic!("seed {seed}: {asked:?} is not done after 20 s:\n  {}", answers.join("\n  "));
    }

    /// Asks one store, and waits for its answer; none if it does not answer in time.
    fn ask(
        &mut self,
        place: usize,
        ask: impl Fn(&RaftKv<SimEnv>, Awaited<Saw>),
    ) -> Option<Result<Saw, KvError>> {
        let kv = self.nodes[place].kv.clone()?;
        let (awaited, began) = (Awaited::default(), self.now);
        self.nodes[place].set_clock(self.now);
        ask(&kv, awaited.clone());
        let done = self.step(place);
        self.hold(done);
        while self.now < began + ANSWER {
            if let Some(answer) = awaited.lock().expect("one thread").take() {
                return Some(answer);
            }
            self.run_for(1);
        }
        None
    }
}

fn bytes(text: &str) -> Bytes {
    Bytes::from(text.to_owned())
}

fn context() -> RequestContext {
    let epoch = Epoch { version: 1, conf_version: 1 };
    RequestContext { region: REGION, peer: None, epoch, term: None }
}
