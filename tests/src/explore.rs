//! The explorer: every state that a small cluster of the real code can reach, breadth first.
//!
//! ```text
//!   start --Campaign n1--> . --Duplicate n1->n2 RequestVote--> . --Persist n2--> ...
//!     '-----Campaign n2--> (the same state but for the names: folded, not walked again)
//! ```
//!
//! A random run meets a rare interleaving once in a million events; the explorer meets every one that
//! its bounds allow, and since it walks breadth first, the way to a broken rule is the shortest.
//!
//! What keeps the number of states small, and why nothing is lost by it:
//!
//! 1. The network is a set that forgets nothing: a message that is under way may arrive any time, any
//!    number of times, or never. So "arrive", "arrive twice", "late", "lost" are one move.
//! 2. A message of a term that its receiver's DISK has left can change nothing, whatever happens: it
//!    is dropped. (Not the receiver's memory: a crash may take that back.)
//!    Nor can the answer to a heartbeat, while only elections are looked at.
//! 3. Nodes differ by their names only: of the states that are alike but for the names, one is walked.
//! 4. Nobody waits: an election begins when the explorer says so, and only leaders hear the clock.
//! 5. Writes of one and the same state become durable together: what the first of them sends without
//!    the others is what they all send, less what never arrives.
//! 6. A node that is down is a node that hears nothing: it starts again at once.
//!
//! States are told apart by 128 bits ([`crate::fingerprint`] says with what odds two would meet) of
//! what [`raft::Inspect`], the disks, the network and the invariants' memory show. State that a node
//! hides from all of these is not told apart: then a walk may miss something, and never accuses
//! wrongly, for it walks real clusters and its path replays.

mod canonical; // one name for all states that are alike but for the nodes' names

use crate::cluster::{Cluster, Door, Owner, Setup};
use crate::disk::{Disk, DiskSpeed};
use crate::input::Input;
use crate::invariant::Violation;
use bytes::Bytes;
use canonical::Canon;
use raft::{Config, NodeId, Raft, RoleName};
use std::collections::HashSet;
use std::fmt;
use std::hash::{BuildHasherDefault, Hasher};

/// How far a walk goes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Bounds {
    /// How many nodes, all of which vote. More than 4 are walked, but hardly folded in time.
    pub nodes: u64,
    /// The last term anybody may campaign for.
    pub terms: u64,
    /// How many crashes may happen, over all nodes.
    pub crashes: u32,
    /// How many different messages may be under way at once; none for any number. A bound here cuts
    /// states off, so the walk is no longer complete.
    pub in_flight: Option<usize>,
    /// What is looked at.
    pub subject: Subject,
    /// Through which door nodes are driven. Owners take what is ready, and apply what they may, at
    /// once: whatever else they do is a message or a write that comes later.
    pub door: Door,
    /// How many proposals clients may make, over all nodes.
    pub proposals: u32,
    /// The last place any log may reach; none for any.
    pub entries: Option<u64>,
    /// Whether a crash may fall between a write and its being durable.
    pub disks: DiskSpeed,
    /// The walk gives up beyond so many states, rather than eat the machine's memory.
    pub states_max: usize,
}

/// What a walk looks at.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Subject {
    /// Who leads. Every append is lost, as it may be on any network: logs differ as elections make
    /// them differ, and nothing is replicated.
    Elections,
    /// What logs hold as well: appends arrive as everything does.
    Logs,
}

impl Bounds {
    /// Returns bounds for every day: three nodes, three terms, disks durable at once, a crash. 28,264
    /// states by 287,812 moves, up to 23 moves deep; every third or fourth state has a leader.
    pub fn quick() -> Self {
        Bounds {
            nodes: 3,
            terms: 3,
            crashes: 1,
            in_flight: None,
            subject: Subject::Elections,
            door: Door::Bare,
            proposals: 0,
            entries: None,
            disks: DiskSpeed::Instant,
            states_max: 2_000_000,
        }
    }

    /// Returns bounds that let a crash fall between a write and its being durable: three nodes, one
    /// term, a crash. 35,759 states by 446,013 moves, up to 26 moves deep.
    pub fn slow() -> Self {
        Bounds { terms: 1, disks: DiskSpeed::Slow, ..Bounds::quick() }
    }

    /// Returns bounds for a release: slow disks, a crash, two terms. 337,872 states by 4,009,600
    /// moves, up to 35 moves deep.
    pub fn full() -> Self {
        Bounds { terms: 2, states_max: 20_000_000, ..Bounds::slow() }
    }

    /// Returns bounds for logs, every day: three `RawNode`s with slow disks and an owner who does one
    /// thing at a time, two terms, a log of one entry, a crash, two messages under way. 240,012 states
    /// by 1,224,489 moves, up to 37 moves deep.
    pub fn logs() -> Self {
        Bounds {
            terms: 2,
            crashes: 1,
            in_flight: Some(2),
            subject: Subject::Logs,
            door: Door::Owned(Owner::OneAtATime),
            entries: Some(1),
            disks: DiskSpeed::Slow,
            ..Bounds::quick()
        }
    }

    /// Returns the same with a log of two entries, for a release.
    pub fn logs_full() -> Self {
        Bounds { entries: Some(2), states_max: 20_000_000, ..Bounds::logs() }
    }

    /// Returns the same with an owner who does several things at once: far too many states to walk
    /// them all from the beginning, so for walks from a state that something interesting is near to.
    pub fn logs_concurrent() -> Self {
        Bounds { door: Door::Owned(Owner::Concurrent), ..Bounds::logs() }
    }

    /// Returns bounds with a fourth node, where two votes are not enough: two terms, disks durable at
    /// once. 158,423 states by 2,710,538 moves, up to 28 moves deep.
    pub fn wide() -> Self {
        Bounds { nodes: 4, terms: 2, crashes: 0, ..Bounds::quick() }
    }
}

/// What a walk saw.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Exploration {
    /// Different states.
    pub states: usize,
    /// Moves tried: the ways from one state to another.
    pub transitions: u64,
    /// The length of the longest shortest way.
    pub depth: usize,
    /// States in which somebody led. A walk that elects nobody proves nothing.
    pub with_leader: usize,
    /// The first broken rule, and the shortest list of inputs that breaks it.
    pub violation: Option<(Violation, Vec<Input>)>,
}

/// A walk that was given up.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TooManyStates {
    /// How many states were allowed.
    pub states_max: usize,
    /// How deep the walk had come.
    pub depth: usize,
    /// How many states waited to be walked from.
    pub frontier: usize,
}

impl fmt::Display for TooManyStates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let TooManyStates { states_max, depth, frontier } = self;
        write!(
            f,
            "more than {states_max} states, {frontier} of them waiting at depth {depth}: some state \
             grows without bound, or the bounds are too wide"
        )
    }
}

impl std::error::Error for TooManyStates {}

/// Walks every state within the bounds, from a cluster that has just been set up.
///
/// # Errors
/// [`TooManyStates`] when the walk would eat the machine's memory.
pub fn explore(bounds: &Bounds) -> Result<Exploration, TooManyStates> {
    let Bounds { disks, door, .. } = *bounds;
    let setup = Setup { disks, door, ..Setup::new(bounds.nodes, 0) };
    explore_from(Cluster::new(setup), bounds)
}

/// Walks every state within the bounds, from this one. `nodes` and `disks` are the cluster's own.
///
/// # Errors
/// [`TooManyStates`] when the walk would eat the machine's memory.
pub fn explore_from(start: Cluster, bounds: &Bounds) -> Result<Exploration, TooManyStates> {
    let mut walk = Walk::new(&start, bounds);
    let mut frontier = vec![Found { cluster: start.clone(), number: 0, spent: Spent::default() }];
    while !frontier.is_empty() {
        let mut next = Vec::new();
        for found in &frontier {
            if let Some((violation, last)) = walk.expand(found, &mut next) {
                let inputs = walk.way_to(&start, last);
                walk.seen.violation = Some((violation, inputs));
                return Ok(walk.seen);
            }
            if walk.parents.len() > bounds.states_max {
                let (states_max, depth) = (bounds.states_max, walk.seen.depth);
                return Err(TooManyStates { states_max, depth, frontier: next.len() });
            }
        }
        walk.seen.depth += usize::from(!next.is_empty());
        frontier = next;
    }
    Ok(walk.seen)
}

/// One thing the explorer can do.
#[derive(Clone, PartialEq, Eq, Debug)]
enum Move {
    /// One input.
    Once(Input),
    /// As many ticks as a leader may be silent.
    Beat(NodeId, u64),
    /// So many writes of one and the same state become durable.
    Persist(NodeId, usize),
    /// A crash, and the restart after it.
    Reboot(NodeId),
}

impl Move {
    /// Returns the inputs that make it happen.
    fn inputs(&self) -> Vec<Input> {
        match self {
            Move::Once(input) => vec![input.clone()],
            Move::Beat(id, ticks) => vec![Input::Tick(*id); *ticks as usize],
            Move::Persist(id, writes) => vec![Input::Persist(*id); *writes],
            Move::Reboot(id) => vec![Input::Crash(*id), Input::Restart(*id)],
        }
    }
}

/// A state to walk on from.
struct Found {
    cluster: Cluster,
    /// Its place among the parents.
    number: u32,
    spent: Spent,
}

/// How much of what is bounded has happened on the way to a state.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default, Debug)]
struct Spent {
    crashes: u32,
    proposals: u32,
}

impl Spent {
    /// Returns what is spent after one more move.
    fn after(self, one: &Move) -> Self {
        let crashes = self.crashes + u32::from(matches!(one, Move::Reboot(_)));
        let is_proposal = matches!(one, Move::Once(Input::Propose { .. }));
        Spent { crashes, proposals: self.proposals + u32::from(is_proposal) }
    }
}

/// A hasher for what is a hash already.
#[derive(Default)]
struct AsIs(u64);

impl Hasher for AsIs {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            self.0 ^= u64::from_le_bytes(word);
        }
    }
}

struct Walk<'a> {
    bounds: &'a Bounds,
    canon: Canon,
    /// The states that were seen. Never iterated, so its order cannot show.
    visited: HashSet<u128, BuildHasherDefault<AsIs>>,
    /// For every state: the one it was reached from, and which of that one's moves led here.
    parents: Vec<(u32, u16)>,
    seen: Exploration,
}

impl<'a> Walk<'a> {
    fn new(start: &Cluster, bounds: &'a Bounds) -> Self {
        let canon = Canon::new(start.ids(), bounds.subject);
        let visited = [canon.name(start, Spent::default())].into_iter().collect();
        let with_leader = usize::from(!start.leaders().is_empty());
        let seen =
            Exploration { states: 1, transitions: 0, depth: 0, with_leader, violation: None };
        Walk { bounds, canon, visited, parents: vec![(0, 0)], seen }
    }

    /// Tries every move of a state. Returns the broken rule and the way to it, if one breaks.
    fn expand(&mut self, found: &Found, next: &mut Vec<Found>) -> Option<(Violation, (u32, u16))> {
        for (at, one) in moves(&found.cluster, found.spent, self.bounds).iter().enumerate() {
            let at = u16::try_from(at).expect("a small cluster has few moves");
            self.seen.transitions += 1;
            let mut cluster = found.cluster.clone();
            if let (Some(violation), _) = play(&mut cluster, one) {
                return Some((violation, (found.number, at)));
            }
            cluster.fold(self.bounds.subject);
            let spent = found.spent.after(one);
            if self.is_within(&cluster) && self.visited.insert(self.canon.name(&cluster, spent)) {
                let number = u32::try_from(self.parents.len()).expect("memory ends before that");
                self.parents.push((found.number, at));
                self.seen.states += 1;
                self.seen.with_leader += usize::from(!cluster.leaders().is_empty());
                next.push(Found { cluster, number, spent });
            }
        }
        None
    }

    /// Returns whether the walk goes on from here.
    fn is_within(&self, cluster: &Cluster) -> bool {
        let Bounds { terms, entries, in_flight, .. } = *self.bounds;
        in_flight.is_none_or(|max| cluster.network().flights().len() <= max)
            && cluster.ids().filter_map(|id| cluster.node(id)).map(Raft::inspect).all(|node| {
                node.term.0 <= terms && entries.is_none_or(|max| node.last.index.0 <= max)
            })
    }

    /// Returns the inputs that lead from the start through a state's given move. A message that is
    /// not needed again arrives for good.
    fn way_to(&self, start: &Cluster, last: (u32, u16)) -> Vec<Input> {
        let mut steps = vec![last];
        while let Some(&(number, _)) = steps.last().filter(|(number, _)| *number != 0) {
            steps.push(self.parents[number as usize]);
        }
        let (mut cluster, mut spent, mut way) = (start.clone(), Spent::default(), Vec::new());
        for &(_, at) in steps.iter().rev() {
            let one = moves(&cluster, spent, self.bounds).swap_remove(at as usize);
            spent = spent.after(&one);
            way.extend(play(&mut cluster, &one).1);
            cluster.fold(self.bounds.subject);
        }
        for at in 0..way.len() {
            if let Input::Duplicate(message) = way[at].clone()
                && !way[at + 1..].contains(&Input::Duplicate(message.clone()))
            {
                way[at] = Input::Deliver(message);
            }
        }
        way
    }
}

/// Makes a move, and whatever owners do at once after it. Returns the broken rule, if one breaks, and
/// every input it took.
fn play(cluster: &mut Cluster, one: &Move) -> (Option<Violation>, Vec<Input>) {
    let mut taken = Vec::new();
    for input in one.inputs() {
        let violation = cluster.apply(&input).violation;
        taken.push(input);
        if violation.is_some() {
            return (violation, taken);
        }
    }
    while let Some(input) = cluster.next_by_owners() {
        let violation = cluster.apply(&input).violation;
        taken.push(input);
        if violation.is_some() {
            return (violation, taken);
        }
    }
    (None, taken)
}

/// Returns everything that can happen in a state, always in the same order.
fn moves(cluster: &Cluster, spent: Spent, bounds: &Bounds) -> Vec<Move> {
    let mut moves = Vec::new();
    for flight in cluster.network().flights() {
        let message = || flight.message.clone();
        if bounds.in_flight.is_some() && bounds.subject == Subject::Logs {
            moves.push(Move::Once(Input::Drop(message())));
        }
        if cluster.is_busy(flight.message.to) {
            continue;
        }
        if bounds.in_flight.is_none() || bounds.subject == Subject::Elections {
            moves.push(Move::Once(Input::Duplicate(message())));
        }
        if bounds.in_flight.is_some() {
            moves.push(Move::Once(Input::Deliver(message())));
        }
    }
    for id in cluster.ids() {
        let Some(node) = cluster.node(id).map(Raft::inspect) else { continue };
        let writes = cluster.disk(id).map_or(0, same_image);
        if writes > 0 {
            moves.push(Move::Persist(id, writes));
        }
        let is_free = !cluster.is_busy(id);
        if node.role == RoleName::Leader && is_free {
            moves.push(Move::Beat(id, cluster.config(id).map_or(1, beat_ticks)));
            if spent.proposals < bounds.proposals {
                let data = Bytes::from(vec![b'a' + (spent.proposals % 26) as u8]);
                moves.push(Move::Once(Input::Propose { node: id, data }));
            }
        }
        if node.term.0 < bounds.terms && is_free {
            moves.push(Move::Once(Input::Campaign(id)));
        }
        if spent.crashes < bounds.crashes {
            moves.push(Move::Reboot(id));
        }
    }
    moves
}

/// Returns how many of the oldest waiting writes save one and the same state.
fn same_image(disk: &Disk) -> usize {
    let Some(oldest) = disk.pending().next() else { return 0 };
    disk.pending().take_while(|write| write.is_same_image(oldest)).count()
}

/// Returns how many ticks a leader may be silent.
fn beat_ticks(config: &Config) -> u64 {
    config.heartbeat_ticks
}
