//! Clients: each has one operation at a time, tries it again where it must, and writes down what it saw.
//!
//! ```text
//!   call --- attempt: NotLeader --- attempt, same id: timeout --- attempt, same id: Done --- return
//! ```
//!
//! A write is tried again under the same id. So a client may say "not applied" only if every attempt has
//! proved it.

use crate::linear::{StoreInput, StoreOutput, TimedOperation};
use crate::random::Stream;
use bytes::Bytes;
use kv::model::{Compare, Condition, Outcome, RequestId, Write};
use kv::store::{KvError, ReadMode};
use raft::Index;
use std::sync::{Arc, Mutex};

/// What a client asks for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Asked {
    /// A write.
    Write(Write),
    /// A read of one key.
    Get {
        /// The key.
        key: Bytes,
        /// How the read is served.
        mode: ReadMode,
    },
}

/// What a client saw.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Saw {
    /// What a write led to.
    Outcome(Outcome),
    /// The value of a key, in a view in which everything up to an index is applied.
    Value(Option<Bytes>, Index),
}

/// How an operation ended.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Ending {
    /// The client saw this.
    Saw(Saw),
    /// Every attempt was refused, and each proved that nothing was applied.
    NotApplied,
    /// The client does not know.
    Unknown,
}

/// An operation, as its client saw it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct OperationRecord {
    /// The client.
    pub client: usize,
    /// The id of the request; none for a read.
    pub request: Option<RequestId>,
    /// What was asked for.
    pub asked: Asked,
    /// When it began.
    pub call: u64,
    /// When it ended.
    pub end: u64,
    /// How it ended.
    pub ending: Ending,
}

/// Returns a history as the second judge takes it. Writes that were not applied are left out, and so are
/// reads that saw nothing.
pub fn timed(history: &[OperationRecord]) -> Vec<TimedOperation<StoreInput, StoreOutput>> {
    let mut timed = Vec::new();
    for record in history {
        let input = match &record.asked {
            Asked::Write(write) => Ok(write.clone()),
            Asked::Get { key, .. } => Err(key.clone()),
        };
        let (end, output) = match &record.ending {
            Ending::Saw(Saw::Outcome(outcome)) => (Some(record.end), Some(Ok(outcome.clone()))),
            Ending::Saw(Saw::Value(value, _)) => (Some(record.end), Some(Err(value.clone()))),
            Ending::Unknown if input.is_ok() => (None, None),
            Ending::Unknown | Ending::NotApplied => continue,
        };
        let client = record.client as u64;
        timed.push(TimedOperation { client, input, output, call: record.call, end });
    }
    timed
}

/// An answer of a store, on its way to a client.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The client.
    pub client: usize,
    /// Which of its operations.
    pub operation: u64,
    /// Which attempt at it.
    pub attempt: u64,
    /// The store's place.
    pub from: usize,
    /// The answer.
    pub result: Result<Saw, KvError>,
}

/// The answers that callbacks have brought, and clients have not seen yet.
pub type Answers = Arc<Mutex<Vec<Answer>>>;

/// A client.
#[derive(Debug)]
pub struct SimClient {
    random: Stream,
    /// The store that numbers its requests.
    pub home: usize,
    /// The store that it believes to lead.
    pub leader: usize,
    /// The number of its operation.
    pub operation: u64,
    /// The operation under way.
    pub open: Option<OpenOperation>,
    /// The number of values it has made up.
    values: u64,
    name: usize,
}

/// An operation under way.
#[derive(Clone, Debug)]
pub struct OpenOperation {
    /// The id of the request; none for a read.
    pub request: Option<RequestId>,
    /// What was asked for.
    pub asked: Asked,
    /// When it began.
    pub call: u64,
    /// The number of the last attempt.
    pub attempt: u64,
    /// Attempts that have not proved that nothing was applied.
    pub maybe: u64,
}

/// The most attempts at one operation.
pub const ATTEMPTS_MAX: u64 = 12;

impl SimClient {
    /// Returns a client.
    pub fn new(seed: u64, name: usize, stores: usize) -> SimClient {
        let random = Stream::new(seed, &format!("client {name}"));
        let home = name % stores;
        SimClient { random, home, leader: home, operation: 0, open: None, values: 0, name }
    }

    /// Draws the next operation. Values are unique, keys are few.
    pub fn draw(&mut self) -> Asked {
        self.values += 1;
        let key = Bytes::from(format!("k{}", self.random.below(5)));
        let number = Bytes::from(format!("n{}", self.random.below(2)));
        let text = format!("{}.{}", self.name, self.values);
        let long = Bytes::from(format!("{text}{}", "x".repeat(self.random.below(400) as usize)));
        let value = Bytes::from(text);
        Asked::Write(match self.random.below(20) {
            0..=4 => Write::Put { key, value: long },
            5 => Write::Delete { key },
            6..=7 => Write::Add { key: number, delta: self.random.within(1, 9) as i64 },
            8..=9 => Write::Append { key, value },
            10 => Write::DeleteRange { from: key, to: Some("k4".into()) },
            11..=12 => {
                let condition = match self.random.below(3) {
                    0 => Condition::Exists,
                    1 => Condition::Missing,
                    _ => Condition::Equals(value.clone()),
                };
                Write::Txn {
                    compares: vec![Compare { key: key.clone(), condition }],
                    then: vec![
                        Write::Put { key: key.clone(), value: value.clone() },
                        Write::Add { key: number.clone(), delta: 1 },
                        Write::Append { key, value },
                    ],
                    otherwise: vec![Write::Put { key: number, value: "7".into() }],
                }
            }
            _ => {
                let modes =
                    [ReadMode::Lease, ReadMode::Lease, ReadMode::Quorum, ReadMode::Follower];
                let mode = *self.random.pick(&modes).expect("there are four");
                let key = if self.random.chance(200) { number } else { key };
                return Asked::Get { key, mode };
            }
        })
    }

    /// Draws how long the client waits, in milliseconds.
    pub fn pause_ms(&mut self, low: u64, high: u64) -> u64 {
        self.random.within(low, high)
    }

    /// Draws whether it does something of this probability.
    pub fn chance(&mut self, permille: u64) -> bool {
        self.random.chance(permille)
    }

    /// Draws a store.
    pub fn any(&mut self, stores: usize) -> usize {
        self.random.below(stores as u64) as usize
    }
}
