//! Raft on the log engine: a node's hard state and entries go into one frame, and a crash of its disk
//! is a crash of the node.
//!
//! ```text
//!   RawNode::ready --> entries, hard state --> one batch --> Log::append, sync_to --> persisted
//!   RawNode        <-- Storage for Replica <-- term, entries, first, last <-- Log
//! ```
//!
//! The engine does not know Raft, and Raft does not know the engine. This test connects them.

use bytes::{BufMut, Bytes, BytesMut};
use raft::{
    ConfState, Config, Entry, EntryId, HardState, Index, InitialState, Message, NodeId, Payload,
    Purpose, RawNode, Snapshot, Storage, StorageError, Term,
};
use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};
use std::cell::Cell;
use std::collections::VecDeque;
use std::rc::Rc;
use std::sync::Arc;
use storage::{Batch, Error, Fate, Fates, GroupId, Log, Options, Sector, SimDisk};

const GROUP: GroupId = GroupId(1);
const HARD_STATE: &[u8] = b"hard state";

/// One replica's part of a log engine.
#[derive(Clone)]
struct Replica {
    log: Arc<Log<SimDisk>>,
    voters: Vec<NodeId>,
    /// How many reads succeed before one fails.
    reads_left: Rc<Cell<u64>>,
}

/// Translates an engine's error into a storage error of Raft.
fn in_rafts_words(error: Error) -> StorageError {
    if let Error::Compacted { index, first, .. } = error {
        return StorageError::Compacted { index: Index(index.0), first: Index(first.0) };
    }
    if let Error::Beyond { index, last, .. } = error {
        return StorageError::Unavailable { index: Index(index.0), last: Index(last.0) };
    }
    StorageError::Failed(error.to_string())
}

/// Returns an entry's bytes: what kind it is, how long its context is, context, command.
fn encode(entry: &Entry) -> Bytes {
    let mut bytes = BytesMut::new();
    let (kind, data) = match entry.payload() {
        Payload::Noop => (0, Bytes::new()),
        Payload::Normal(data) => (1, data.clone()),
        Payload::Change(_) | Payload::ChangeV2(_) => panic!("these groups change no members"),
    };
    bytes.put_u8(kind);
    bytes.put_u32_le(entry.context().len() as u32);
    bytes.extend_from_slice(entry.context());
    bytes.extend_from_slice(&data);
    bytes.freeze()
}

/// Returns the entry that these bytes are.
fn decode(stored: &storage::Entry) -> Entry {
    let (head, rest) = stored.data.split_at(5);
    let context_len = u32::from_le_bytes(head[1..].try_into().expect("four bytes")) as usize;
    let context = stored.data.slice(5..5 + context_len);
    let payload = match head[0] {
        0 => Payload::Noop,
        _ => Payload::Normal(stored.data.slice(stored.data.len() - (rest.len() - context_len)..)),
    };
    let index = Index(stored.id.index.0);
    Entry::marked(context, payload).at(EntryId { index, term: Term(stored.id.term.0) })
}

impl Replica {
    /// Opens the engine on a disk.
    fn open(disk: &SimDisk, voters: &[NodeId]) -> Replica {
        let options = Options {
            segment_bytes: 1 << 14,
            max_batch_bytes: 1 << 13,
            collect_above_bytes: 0,
            ..Options::default()
        };
        let log = Log::open_on(disk.clone(), options).expect("a crash leaves a log that opens");
        let reads_left = Rc::new(Cell::new(u64::MAX));
        Replica { log: Arc::new(log), voters: voters.to_vec(), reads_left }
    }

    /// Counts one read.
    ///
    /// # Errors
    /// If this is the one that fails.
    fn count_read(&self) -> Result<(), StorageError> {
        let left = self.reads_left.get();
        self.reads_left.set(left.checked_sub(1).unwrap_or(u64::MAX));
        if left == 0 { Err(StorageError::Failed("a bad sector".into())) } else { Ok(()) }
    }

    /// Saves a hard state and entries: both or neither, and with one sync.
    fn save(&self, hard: Option<HardState>, entries: &[Entry]) -> Result<(), Error> {
        let stored = |entry: &Entry| storage::Entry {
            id: storage::EntryId::new(entry.id.index.0, entry.id.term.0),
            data: encode(entry),
        };
        let mut batch = Batch::new();
        batch.entries(GROUP, &entries.iter().map(stored).collect::<Vec<_>>());
        if let Some(HardState { term, vote, commit }) = hard {
            let vote = vote.map_or(0, |vote| vote.0);
            let words = [term.0, vote, commit.0].map(u64::to_le_bytes);
            batch.put(GROUP, HARD_STATE, &words.concat());
        }
        self.log.write(&batch)?;
        Ok(())
    }

    /// Returns the hard state saved last.
    fn hard_state(&self) -> HardState {
        let Some(saved) = self.log.get(GROUP, HARD_STATE) else { return HardState::default() };
        let word = |n: usize| u64::from_le_bytes(saved[n * 8..][..8].try_into().expect("eight"));
        let vote = Some(NodeId(word(1))).filter(|vote| vote.0 > 0);
        HardState { term: Term(word(0)), vote, commit: Index(word(2)) }
    }
}

impl Storage for Replica {
    fn initial_state(&self) -> Result<InitialState, StorageError> {
        self.count_read()?;
        let voters = self.voters.iter().copied().collect();
        let conf_state = ConfState { voters, ..ConfState::default() };
        Ok(InitialState { hard_state: self.hard_state(), conf_state })
    }

    fn entries(
        &self,
        low: Index,
        high: Index,
        max: Option<u64>,
        _: Purpose,
    ) -> Result<Vec<Entry>, StorageError> {
        self.count_read()?;
        let range = storage::Index(low.0)..storage::Index(high.0);
        // The engine's limit counts its own bytes, Raft's counts what an entry weighs in a message.
        let limit = max.unwrap_or(u64::MAX);
        let stored = self.log.entries(GROUP, range, limit).map_err(in_rafts_words)?;
        let mut entries: Vec<Entry> = stored.iter().map(decode).collect();
        entries.truncate(Entry::fitting(&entries, max).max(1));
        Ok(entries)
    }

    fn term(&self, index: Index) -> Result<Term, StorageError> {
        self.count_read()?;
        if index == Index(0) && self.first_index()? == Index(1) {
            return Ok(Term(0));
        }
        let (first, last) = (self.first_index()?, self.last_index()?);
        match self.log.term(GROUP, storage::Index(index.0)) {
            Some(term) => Ok(Term(term.0)),
            None if index < first => Err(StorageError::Compacted { index, first }),
            None => Err(StorageError::Unavailable { index, last }),
        }
    }

    fn first_index(&self) -> Result<Index, StorageError> {
        self.count_read()?;
        Ok(self.log.first_index(GROUP).map_or(Index(1), |first| Index(first.0)))
    }

    fn last_index(&self) -> Result<Index, StorageError> {
        self.count_read()?;
        Ok(self.log.last_index(GROUP).map_or(Index(0), |last| Index(last.0)))
    }

    fn snapshot(&self, _: Index, _: NodeId) -> Result<Snapshot, StorageError> {
        Err(StorageError::Pending)
    }
}

/// A node, its disk, and what it has applied.
struct Member {
    disk: SimDisk,
    node: Option<RawNode<Replica>>,
    applied: Vec<Bytes>,
}

/// Three of them, and what is in flight between them.
struct Group {
    members: Vec<Member>,
    messages: VecDeque<Message>,
    rng: ChaCha8Rng,
    crashes: u64,
    /// Nodes that were restarted because a read failed.
    halts: u64,
}

/// Draws what a power cut leaves.
struct Drawn<'a>(&'a mut ChaCha8Rng);

impl Fates for Drawn<'_> {
    fn sector(&mut self, _: Sector) -> Fate {
        [Fate::Kept, Fate::Lost, Fate::Torn { with: 0xa5 }][self.0.random_range(0..3)]
    }

    fn keeps_name(&mut self) -> bool {
        self.0.random()
    }
}

/// Returns who is a member.
fn voters() -> Vec<NodeId> {
    (1..=3).map(NodeId).collect()
}

impl Group {
    /// Returns three nodes on empty disks.
    fn new(seed: u64) -> Group {
        let members = (1..=3u64).map(|id| Member {
            disk: SimDisk::new(seed * 10 + id),
            node: None,
            applied: Vec::new(),
        });
        let rng = ChaCha8Rng::seed_from_u64(seed);
        let members = members.collect();
        let mut group = Group { members, messages: VecDeque::new(), rng, crashes: 0, halts: 0 };
        (0..3).for_each(|at| group.start(at));
        group
    }

    /// Starts a node on what its disk holds.
    fn start(&mut self, at: usize) {
        let member = &mut self.members[at];
        let replica = Replica::open(&member.disk, &voters());
        let config = Config { seed: 7, ..Config::new(NodeId(at as u64 + 1)) };
        member.node = Some(RawNode::new(&config, replica).expect("what was saved can be"));
        member.applied.clear(); // the application is only in memory, and applies its log again
    }

    /// Cuts a node off power, and starts it again.
    fn crash(&mut self, at: usize) {
        self.crashes += 1;
        let member = &mut self.members[at];
        member.node = None;
        member.disk = member.disk.after_power_cut(&mut Drawn(&mut self.rng));
        self.start(at);
    }

    /// Cuts a node off power whose storage failed a read: it is as good as crashed.
    fn restart_if_halted(&mut self, at: usize) {
        if self.members[at].node.as_ref().is_some_and(|node| node.status().halted.is_some()) {
            self.halts += 1;
            self.crash(at);
        }
    }

    /// Does what a node's owner does, until nothing is ready. Its disk may fail it on the way: then
    /// it is as good as dead, and restarted.
    fn turn(&mut self, at: usize) {
        let member = &mut self.members[at];
        let node = member.node.as_mut().expect("it was started");
        while node.has_ready() {
            let Ok(mut ready) = node.ready() else { return self.restart_if_halted(at) };
            self.messages.extend(ready.take_messages());
            let saved = node.storage().save(ready.hard_state(), ready.entries());
            if saved.is_err() {
                return self.crash(at);
            }
            self.messages.extend(ready.take_persisted_messages());
            let mut committed = ready.take_committed_entries();
            let Ok(mut light) = node.advance_append(ready) else {
                return self.restart_if_halted(at);
            };
            self.messages.extend(light.take_messages());
            committed.extend(light.take_committed_entries());
            for entry in committed {
                if let Payload::Normal(data) = entry.payload() {
                    member.applied.push(data.clone());
                }
            }
            node.advance_apply().expect("it has just given a LightReady");
        }
    }

    /// Lets time pass, messages arrive or get lost, clients propose, disks fail.
    fn live(&mut self, rounds: u64, is_troubled: bool) {
        for round in 0..rounds {
            for at in 0..3 {
                self.members[at].node.as_mut().expect("it was started").tick();
                self.turn(at);
            }
            for _ in 0..self.messages.len() {
                let message = self.messages.pop_front().expect("there are so many");
                if is_troubled && self.rng.random_bool(0.05) {
                    continue;
                }
                let to = message.to.0 as usize - 1;
                // A message may be too late for a node that was restarted: the node decides.
                let _ = self.members[to].node.as_mut().expect("it was started").step(message);
                self.restart_if_halted(to);
                self.turn(to);
            }
            let at = self.rng.random_range(0..3);
            let data = Bytes::from(format!("command {round} of n{}", at + 1));
            let node = self.members[at].node.as_mut().expect("it was started");
            if node.propose(Bytes::new(), data).is_ok() {
                self.turn(at);
            }
            self.restart_if_halted(at);
            if is_troubled && self.rng.random_bool(0.1) {
                let node = self.members[at].node.as_ref().expect("it was started");
                node.storage().reads_left.set(self.rng.random_range(0..40));
            }
            if is_troubled && self.rng.random_bool(0.02) {
                let disk = &self.members[at].disk;
                let soon = disk.operations() + self.rng.random_range(1..6);
                disk.plan(soon, storage::Fault::PowerCut);
            }
        }
    }
}

#[test]
fn three_nodes_on_engines_agree_through_power_cuts_at_any_write_and_reads_that_fail() {
    let (mut crashes, mut halts, mut applied) = (0, 0, 0);
    for seed in 0..20 {
        let mut group = Group::new(seed);
        let mut longest: Vec<Bytes> = Vec::new();
        for _ in 0..30 {
            group.live(20, true);
            for member in &group.members {
                let both = longest.len().min(member.applied.len());
                assert_eq!(longest[..both], member.applied[..both], "seed {seed}: they disagree");
                if member.applied.len() > longest.len() {
                    longest = member.applied.clone();
                }
            }
        }
        for member in &group.members {
            let node = member.node.as_ref().expect("it was started");
            node.storage().reads_left.set(u64::MAX);
        }
        group.live(100, false);
        for member in &group.members {
            assert!(member.applied.len() >= longest.len(), "seed {seed}: something was forgotten");
            assert_eq!(member.applied[..longest.len()], longest, "seed {seed}: not what it was");
        }
        crashes += group.crashes;
        halts += group.halts;
        applied += longest.len();
    }
    println!(
        "{crashes} power cuts, {halts} of them after a failed read, {applied} commands applied"
    );
    assert!(crashes > 100 && halts > 100, "{crashes} power cuts, {halts} failed reads");
    assert!(applied > 1000, "{applied} commands");
}

#[test]
fn a_ready_costs_one_sync() {
    let mut group = Group::new(1);
    group.live(50, false);
    for member in &mut group.members {
        let node = member.node.as_mut().expect("it was started");
        let before = node.storage().log.stats().syncs;
        let entry = Entry::unplaced(Payload::Normal("x".into()));
        let last = node.storage().last_index().expect("it can be read");
        let term = node.hard_state().term;
        let entries = [entry.at(EntryId { index: last + 1, term })];
        node.storage().save(Some(node.hard_state()), &entries).expect("the disk is well");
        assert_eq!(node.storage().log.stats().syncs, before + 1);
    }
}
