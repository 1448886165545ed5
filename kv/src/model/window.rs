//! The window of recent requests: a request that comes again is answered, and not run again.
//!
//! ```text
//!   store s2, life a, start 4   floor 17      18 Done   19 Number(7)   21 Done
//!
//!   request 19 again    its first outcome
//!   request 20          new: it is run
//!   request 17          at or below the floor: Undetermined, and not run
//!   start 3             an earlier start of this life: Undetermined, and not run
//!   life b, start 1     another life of s2, which has lost its disks: new, with a floor of its own
//! ```
//!
//! The window is part of the replicated state: every replica has the same, and a restart brings it back.
//! It is bounded. When it is full, the requests of the oldest entry leave, and the floor of their lives
//! rises: from then on nobody knows what they led to.
//!
//! A refusal is an outcome as well. So a command that was refused once is never run later under the same
//! id.
//!
//! A life whose requests have all left is quiet: only its floor is kept. The floors of the
//! [`QUIET_LIVES`] lives that were heard last stay; an older one is forgotten. The rule looks at the entries
//! alone, so all replicas forget alike.
//!
//! Invariant: no request is run twice, unless [`QUIET_LIVES`] other lives were heard and went quiet between
//! the request and its repetition.

use super::command::{
    COMMAND_BYTES_MIN, Outcome, RequestId, read_outcome, read_request, write_outcome, write_request,
};
use super::keys;
use super::region::{RegionId, StoreId};
use crate::codec::{CodecError, Input, Output};
use crate::memtable::{Family, Snapshot, WriteBatch};
use bytes::{Bytes, BytesMut};
use raft::Index;
use std::collections::{BTreeMap, VecDeque};

const VERSION: u8 = 1;

/// How many requests a region remembers, but for those of its last entry. A part of the format: all
/// replicas must forget alike.
pub const WINDOW_REQUESTS: usize = 4096;

/// How many bytes the records of a region's requests have together, but for those of its last entry.
pub const WINDOW_BYTES: usize = 1 << 20;

/// How many lives without a remembered request a region keeps the floors of: far more than a cluster has
/// stores. A part of the format, as well.
pub const QUIET_LIVES: usize = 256;

/// The length of a floor, in bytes.
const FLOOR_BYTES: usize = 40;

/// The length of the change that deletes the record of an entry's requests, or of a put without its value.
const RECORD_CHANGE_BYTES: usize = 27;

/// Returns how many bytes [`Window::save`] adds to a batch at most, for an entry of `entry_bytes`:
///
/// * the record of its requests: never longer than the entry. A request has the same bytes in both, and an
///   outcome is never longer than the epoch and the write that led to it;
/// * the deletes of the oldest records: each has a request at least, so there is one more than
///   [`WINDOW_REQUESTS`] at most;
/// * the floors: of quiet lives, and of lives with remembered requests: those of a full window, or of this entry
///   alone.
pub fn saved_bytes_max(entry_bytes: usize) -> usize {
    let record = RECORD_CHANGE_BYTES + entry_bytes;
    let deletes = (WINDOW_REQUESTS + 1) * RECORD_CHANGE_BYTES;
    let lives = QUIET_LIVES + WINDOW_REQUESTS.max(entry_bytes / COMMAND_BYTES_MIN);
    record + deletes + 2 * RECORD_CHANGE_BYTES + FLOOR_BYTES * lives
}

/// The recent requests of a region.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Window {
    lives: BTreeMap<Life, Recent>,
    /// The entries whose requests are remembered, oldest first.
    entries: VecDeque<Remembered>,
    requests: usize,
    bytes: usize,
    /// The requests of the entry that is being applied.
    current: Vec<(RequestId, Outcome)>,
}

/// A life of a store.
type Life = (StoreId, u64);

/// The recent requests of one life of a store: those of its last start.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
struct Recent {
    incarnation: u64,
    /// The last entry that holds a request of it which was new.
    heard: Index,
    /// Of the requests up to this one, only those in `outcomes` are remembered.
    floor: u64,
    outcomes: BTreeMap<u64, Outcome>,
}

/// The requests of one entry.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Remembered {
    index: Index,
    requests: Vec<RequestId>,
    bytes: usize,
}

impl Window {
    /// Decides whether a request is new.
    ///
    /// # Errors
    /// The outcome to answer with instead of running it: its first one, or [`Outcome::Undetermined`].
    pub fn admit(&self, request: RequestId) -> Result<(), Outcome> {
        let Some(recent) = self.lives.get(&life_of(request)) else { return Ok(()) };
        if request.origin.incarnation > recent.incarnation {
            return Ok(());
        }
        if request.origin.incarnation < recent.incarnation {
            return Err(Outcome::Undetermined);
        }
        match recent.outcomes.get(&request.sequence) {
            Some(first) => Err(first.clone()),
            None if request.sequence <= recent.floor => Err(Outcome::Undetermined),
            None => Ok(()),
        }
    }

    /// Remembers what a new request has led to.
    pub fn record(&mut self, request: RequestId, outcome: Outcome) {
        self.remember(request, outcome.clone());
        self.current.push((request, outcome));
    }

    /// Adds a request to its life. [`Window::hear`] follows, once the index of its entry is known.
    fn remember(&mut self, request: RequestId, outcome: Outcome) {
        let recent = self.lives.entry(life_of(request)).or_default();
        let incarnation = request.origin.incarnation;
        if incarnation > recent.incarnation {
            *recent = Recent { incarnation, ..Recent::default() };
        }
        if incarnation == recent.incarnation {
            recent.outcomes.insert(request.sequence, outcome);
        }
    }

    /// Notes the entry of a request.
    fn hear(&mut self, request: RequestId, index: Index) {
        if let Some(recent) = self.lives.get_mut(&life_of(request)) {
            recent.heard = index;
        }
    }

    /// Ends the entry at `index`: adds to `batch` what it led to, and forgets what does not fit any more.
    pub fn save(&mut self, region: RegionId, index: Index, batch: &mut WriteBatch) {
        if self.current.is_empty() {
            return;
        }
        let record = encode_record(&self.current);
        let requests: Vec<_> = self.current.drain(..).map(|(request, _)| request).collect();
        requests.iter().for_each(|request| self.hear(*request, index));
        self.push(Remembered { index, requests, bytes: record.len() });
        batch.put(Family::Raft, keys::requests(region, index), record);
        if self.evict(region, batch) {
            batch.put(Family::Raft, keys::floors(region), self.encode_floors());
        }
    }

    fn push(&mut self, entry: Remembered) {
        self.requests += entry.requests.len();
        self.bytes += entry.bytes;
        self.entries.push_back(entry);
    }

    /// Forgets the oldest entries until the window is within its limits. The last one stays. Returns
    /// whether any was forgotten.
    fn evict(&mut self, region: RegionId, batch: &mut WriteBatch) -> bool {
        let before = self.entries.len();
        while self.entries.len() > 1
            && (self.requests > WINDOW_REQUESTS || self.bytes > WINDOW_BYTES)
        {
            let oldest = self.entries.pop_front().expect("there are two at least");
            self.requests -= oldest.requests.len();
            self.bytes -= oldest.bytes;
            batch.delete(Family::Raft, keys::requests(region, oldest.index));
            oldest.requests.into_iter().for_each(|request| self.forget(request));
        }
        self.forget_quiet();
        self.entries.len() < before
    }

    /// Forgets the quiet lives that were heard before the last [`QUIET_LIVES`] of them.
    fn forget_quiet(&mut self) {
        if self.lives.len() <= QUIET_LIVES {
            return;
        }
        let quiet = self.lives.iter().filter(|(_, recent)| recent.outcomes.is_empty());
        let mut quiet: Vec<_> = quiet.map(|(life, recent)| (recent.heard, *life)).collect();
        quiet.sort_unstable();
        for (_, life) in &quiet[..quiet.len().saturating_sub(QUIET_LIVES)] {
            self.lives.remove(life);
        }
    }

    /// Forgets a request: the floor rises.
    fn forget(&mut self, request: RequestId) {
        let Some(recent) = self.lives.get_mut(&life_of(request)) else { return };
        if recent.incarnation == request.origin.incarnation {
            recent.outcomes.remove(&request.sequence);
            recent.floor = recent.floor.max(request.sequence);
        }
    }

    /// Returns how many requests are remembered.
    pub fn len(&self) -> usize {
        self.requests
    }

    /// Returns whether no request is remembered.
    pub fn is_empty(&self) -> bool {
        self.requests == 0
    }

    /// Reads a region's window from the memtable.
    ///
    /// # Errors
    /// [`CodecError`].
    pub fn load(view: &Snapshot, region: RegionId) -> Result<Window, CodecError> {
        let mut window = Window::default();
        if let Some(floors) =
            crate::memtable::Reader::get(view, Family::Raft, &keys::floors(region))
        {
            window.lives = decode_floors(floors)?;
        }
        for (key, record) in view.iter(Family::Raft, &keys::all_requests(region)) {
            let Some(index) = keys::index_of_requests(key) else { continue };
            let outcomes = decode_record(record.clone())?;
            let requests = outcomes.iter().map(|(request, _)| *request).collect();
            window.push(Remembered { index, requests, bytes: record.len() });
            for (request, outcome) in outcomes {
                window.remember(request, outcome);
                window.hear(request, index);
            }
        }
        Ok(window)
    }

    fn encode_floors(&self) -> Bytes {
        let mut to = BytesMut::with_capacity(5 + FLOOR_BYTES * self.lives.len());
        to.byte(VERSION);
        to.count(self.lives.len());
        for ((store, life), recent) in &self.lives {
            to.u64(store.0);
            to.u64(*life);
            to.u64(recent.incarnation);
            to.u64(recent.floor);
            to.u64(recent.heard.0);
        }
        to.freeze()
    }
}

fn life_of(request: RequestId) -> Life {
    (request.origin.store, request.origin.life)
}

fn decode_floors(bytes: Bytes) -> Result<BTreeMap<Life, Recent>, CodecError> {
    let mut input = Input::versioned(bytes, VERSION)?;
    let floors = input.list("the floors", FLOOR_BYTES, |input| {
        let store = StoreId(input.u64("a store")?);
        let life = input.u64("a life")?;
        let incarnation = input.u64("an incarnation")?;
        let floor = input.u64("a floor")?;
        let heard = Index(input.u64("an index")?);
        Ok(((store, life), Recent { incarnation, heard, floor, outcomes: BTreeMap::new() }))
    })?;
    input.finish()?;
    let floors = Input::in_order("the floors", floors, |(life, _)| *life)?;
    Ok(floors.into_iter().collect())
}

fn encode_record(requests: &[(RequestId, Outcome)]) -> Bytes {
    let mut to = BytesMut::with_capacity(5 + 32 * requests.len());
    to.byte(VERSION);
    to.count(requests.len());
    for (request, outcome) in requests {
        write_request(&mut to, *request);
        write_outcome(&mut to, outcome);
    }
    to.freeze()
}

fn decode_record(bytes: Bytes) -> Result<Vec<(RequestId, Outcome)>, CodecError> {
    let mut input = Input::versioned(bytes, VERSION)?;
    let requests =
        input.list("the requests", 33, |input| Ok((read_request(input)?, read_outcome(input)?)))?;
    input.finish()?;
    Ok(requests)
}
