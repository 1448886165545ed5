//! Clients on threads: each has one operation at a time, and writes down what it saw.

use crate::place::{Network, Place, ThreadEnv};
use crate::{REGION, region};
use kv::memtable::Family;
use kv::model::{StoreId, Write};
use kv::store::{
    KvError, RaftKv, ReadCallback, ReadMode, RequestContext, WriteCallback, WriteEvent,
};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};
use testbed::linear::{AppendsInput, TimedOperation};
use testbed::random::Stream;

/// An operation as its client saw it.
pub(crate) type Operation = TimedOperation<AppendsInput, String>;

/// How long an attempt may take.
const PATIENCE: Duration = Duration::from_millis(700);

/// The most attempts at one operation.
const ATTEMPTS_MAX: usize = 20;

/// For how long the same keys are used. A write without an answer may still happen while the judge looks at
/// its key, so a key must not be used for ever.
const KEYS_LAST_MS: u128 = 500;

/// A client.
pub(crate) struct Client<'a, P: Place> {
    pub(crate) network: &'a Network<P>,
    pub(crate) random: Stream,
    pub(crate) began: Instant,
    /// Its number: another one after each write without an answer.
    pub(crate) number: u64,
    /// The store that it believes to lead.
    pub(crate) leader: StoreId,
    pub(crate) history: Vec<Operation>,
}

/// How an operation ended: with an answer, without one, or it has not happened.
enum End {
    Saw(String),
    Unknown,
    NotApplied,
}

impl<P: Place> Client<'_, P> {
    /// Works until it is told to stop, and returns what it saw.
    pub(crate) fn work(mut self, is_done: &AtomicBool) -> Vec<Operation> {
        while !is_done.load(Ordering::SeqCst) {
            let input = self.draw();
            let call = self.now();
            let end = match &input {
                AppendsInput::Get(key) => self.read(key),
                AppendsInput::Put(key, value) => {
                    let (key, value) = (key.clone().into(), value.clone().into());
                    self.write(Write::Put { key, value })
                }
                AppendsInput::Append(key, value) => {
                    let (key, value) = (key.clone().into(), value.clone().into());
                    self.write(Write::Append { key, value })
                }
            };
            let (client, now) = (self.number, self.now());
            match end {
                End::Saw(output) => {
                    let (output, end) = (Some(output), Some(now));
                    self.history.push(TimedOperation { client, input, output, call, end });
                }
                End::Unknown => {
                    self.history.push(TimedOperation {
                        client,
                        input,
                        output: None,
                        call,
                        end: None,
                    });
                    self.number += 1_000;
                }
                End::NotApplied => {}
            }
            thread::sleep(Duration::from_micros(self.random.below(3_000)));
        }
        self.history
    }

    fn now(&self) -> u64 {
        self.began.elapsed().as_nanos() as u64
    }

    fn draw(&mut self) -> AppendsInput {
        let slot = self.began.elapsed().as_millis() / KEYS_LAST_MS;
        let key = format!("{slot}.{}", self.random.below(4));
        let value = format!("{}.{};", self.number, self.history.len());
        match self.random.below(5) {
            0 => AppendsInput::Put(key, value),
            1 | 2 => AppendsInput::Append(key, value),
            _ => AppendsInput::Get(key),
        }
    }

    /// Returns the doors of the store that it believes to lead.
    fn door(&mut self) -> Option<RaftKv<ThreadEnv<P>>> {
        let handle = self.network.get(self.leader);
        if handle.is_none() {
            self.look_elsewhere(None);
        }
        handle.map(RaftKv::new)
    }

    fn look_elsewhere(&mut self, error: Option<&KvError>) {
        match error {
            Some(KvError::NotLeader { leader: Some(leader), .. }) => self.leader = leader.store,
            _ => {
                self.leader = StoreId(1 + self.random.below(3));
                thread::sleep(Duration::from_millis(self.random.below(30)));
            }
        }
    }

    /// Writes, under one request id, until there is an answer.
    fn write(&mut self, write: Write) -> End {
        let (mut request, mut maybe) = (None, 0);
        for _ in 0..ATTEMPTS_MAX {
            let Some(door) = self.door() else { continue };
            let id = *request.get_or_insert_with(|| door.handle().next_request());
            let (told, outcome) = mpsc::channel();
            let callback = WriteCallback::new(move |event| {
                if let WriteEvent::Finished(outcome) = event {
                    let _ = told.send(outcome); // its client may wait no more
                }
            });
            door.async_write(context(), id, write.clone(), callback);
            maybe += 1;
            match outcome.recv_timeout(PATIENCE) {
                Ok(Ok(_)) => return End::Saw(String::new()),
                Ok(Err(error)) => {
                    maybe -= i32::from(error.proves_not_applied());
                    self.look_elsewhere(Some(&error));
                }
                Err(_) => self.look_elsewhere(None),
            }
        }
        if maybe > 0 { End::Unknown } else { End::NotApplied }
    }

    fn read(&mut self, key: &str) -> End {
        let modes = [ReadMode::Lease, ReadMode::Lease, ReadMode::Quorum, ReadMode::Follower];
        let mode = *self.random.pick(&modes).expect("there are four");
        if mode == ReadMode::Follower || self.random.chance(100) {
            self.look_elsewhere(None); // an old leader may still believe that it leads
        }
        for _ in 0..ATTEMPTS_MAX {
            let Some(door) = self.door() else { continue };
            let (told, view) = mpsc::channel();
            let callback = ReadCallback::new(move |view| drop(told.send(view)));
            door.async_snapshot(context(), mode, callback);
            let view = view.recv_timeout(PATIENCE).ok();
            match view.map(|view| view?.get(Family::Default, key.as_bytes())) {
                Some(Ok(value)) => {
                    let value = value.unwrap_or_default().to_vec();
                    return End::Saw(String::from_utf8(value).expect("clients write text"));
                }
                Some(Err(error)) => self.look_elsewhere(Some(&error)),
                None => self.look_elsewhere(None),
            }
        }
        End::NotApplied
    }
}

fn context() -> RequestContext {
    RequestContext { region: REGION, peer: None, epoch: region().epoch, term: None }
}
