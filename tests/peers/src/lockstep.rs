//! Lock step: the same random operations on our nodes and on the peer's, compared whenever all is quiet.
//!
//! ```text
//!   campaign 1     ours:  step, deliver, save, apply ... until nothing is left to do
//!                  peer:  the same
//!                  compare of every node: role, term, vote, leader, log, commit, applied, members, reads
//!   propose 2      ...
//! ```
//!
//! Both sides run under settings that make them as alike as they can be. What still differs is a
//! divergence. The first of each kind is shrunk to a few operations and printed. `README.md` explains each
//! kind: theirs, ours, or deliberate.

mod operation; // what happens to both sides
mod ours; // our nodes
mod peers; // the peer's nodes

use operation::Operation;
use ours::Ours;
use peers::Peers;
use rand::SeedableRng;
use rand::rngs::ChaCha8Rng;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook};

/// How many nodes there are: the first three vote at first, the others are not in the group.
pub(crate) const NODES: u64 = 5;

/// Every node's name.
pub(crate) fn ids() -> impl Iterator<Item = u64> {
    1..=NODES
}

/// What is compared of a node.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct View {
    /// Its role.
    pub(crate) role: &'static str,
    /// Its term.
    pub(crate) term: u64,
    /// The node it voted for in that term; 0 for none.
    pub(crate) vote: u64,
    /// The leader that it knows; 0 for none.
    pub(crate) leader: u64,
    /// Its commit index.
    pub(crate) commit: u64,
    /// The last index that it has applied.
    pub(crate) applied: u64,
    /// The index and the term of its last entry.
    pub(crate) last: (u64, u64),
    /// The term of each entry that it still has.
    pub(crate) log: BTreeMap<u64, u64>,
    /// Its members, as sets.
    pub(crate) members: String,
    /// The reads that ended with an index.
    pub(crate) reads: BTreeMap<Vec<u8>, u64>,
}

/// The settings of both sides, by the number of the schedule.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Settings {
    /// Whether nodes ask before they campaign: in every second schedule.
    pub(crate) pre_vote: bool,
    /// Whether nodes have priorities: in half of the schedules.
    has_priorities: bool,
    /// Whether nodes are in commit groups: in half of the schedules.
    pub(crate) has_groups: bool,
}

impl Settings {
    fn of(schedule: u64) -> Self {
        let is_odd = |part: u64| schedule / part % 2 == 1;
        Settings { pre_vote: is_odd(1), has_priorities: is_odd(2), has_groups: is_odd(4) }
    }

    /// Returns a node's priority.
    pub(crate) fn priority(self, id: u64) -> u64 {
        if self.has_priorities { id % 3 } else { 0 }
    }

    /// Returns each node that is in a commit group, and the group. The last node is in none.
    pub(crate) fn groups(self) -> impl Iterator<Item = (u64, u64)> {
        (1..NODES).map(|id| (id, id.div_ceil(2))).filter(move |_| self.has_groups)
    }
}

impl fmt::Display for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Settings { pre_vote, has_priorities, has_groups } = self;
        write!(f, "pre_vote {pre_vote}, priorities {has_priorities}, groups {has_groups}")
    }
}

/// One side: five nodes, which have all been given what was sent to them.
pub(crate) trait Side {
    /// What its nodes send to each other.
    type Message;

    /// Returns the nodes as they start.
    fn new(settings: Settings) -> Self;

    /// Does an operation to a node. The outcome is not compared, what follows from it is.
    fn operate(&mut self, operation: &Operation);

    /// Lets every leader send heartbeats.
    fn beat(&mut self);

    /// Lets a node save, apply and send all that it can, and returns the messages.
    fn work(&mut self, id: u64) -> Vec<Self::Message>;

    /// Hands a message to the node it is for.
    fn deliver(&mut self, message: Self::Message);

    /// Loses a message. If it is a snapshot, the node that sent it hears of that: both libraries wait for it.
    fn lose(&mut self, from: u64, message: Self::Message);

    /// Returns the node that a message is for.
    fn to(message: &Self::Message) -> u64;

    /// Shows a node.
    fn view(&self, id: u64) -> View;
}

/// What differed first in a schedule.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Divergence {
    /// Which fact: the kinds are named by it.
    field: &'static str,
    /// Which operation led to it, from 0.
    at: usize,
    node: u64,
    ours: String,
    peers: String,
}

/// Runs that many schedules of that many operations each.
///
/// # Errors
/// Names the kinds of divergence that `README.md` does not explain.
pub(crate) fn run(schedules: u64, length: usize, seed: u64) -> Result<(), String> {
    let mut kinds: BTreeMap<String, (u64, String)> = BTreeMap::new();
    for number in seed..seed + schedules {
        let mut rng = ChaCha8Rng::seed_from_u64(number);
        let settings = Settings::of(number);
        let mut schedule = operation::draw(&mut rng, length);
        // A transfer beats priorities here; at the peer a voter with a higher priority refuses the target.
        schedule.retain(|operation| {
            !settings.has_priorities || !matches!(operation, Operation::Transfer(..))
        });
        let Some(first) = diverges(settings, &schedule) else { continue };
        let kind = kind_of(&first, &schedule);
        let known = kinds.entry(kind).or_default();
        known.0 += 1;
        if known.0 == 1 {
            let (few, difference) = shrink(settings, schedule, first.field);
            let script: Vec<_> = few.iter().map(Operation::to_string).collect();
            known.1 =
                format!("seed {number}, {settings}\n    {}\n    {difference}", script.join("; "));
        }
    }
    let differing: u64 = kinds.values().map(|(count, _)| count).sum();
    println!("{schedules} schedules of {length} operations, {differing} diverge");
    for (kind, (count, example)) in &kinds {
        println!("{count:>6} x {kind}: {example}");
    }
    let unexplained: Vec<_> =
        kinds.keys().filter(|kind| !EXPLAINED.contains(&kind.as_str())).cloned().collect();
    if unexplained.is_empty() {
        Ok(())
    } else {
        Err(format!("kinds of divergence without an explanation: {}", unexplained.join(", ")))
    }
}

/// How many rounds of heartbeats follow an operation.
const BEATS: usize = 4;

/// The kinds of divergence that `README.md` explains.
const EXPLAINED: [&str; 13] = [
    "commit after campaign",
    "commit after change",
    "commit after heal",
    "last after heal",
    "members after heal",
    "panic",
    "reads",
    "term after campaign",
    "term after change",
    "term after heal",
    "term after read",
    "vote after campaign",
    "vote after heal",
];

/// Names a divergence by the fact that differs, and by the operation before it.
fn kind_of(first: &Divergence, schedule: &[Operation]) -> String {
    match first.field {
        "panic" | "reads" => first.field.to_string(),
        field => format!("{field} after {}", schedule[first.at].name()),
    }
}

/// Plays a schedule on both sides, and returns the first divergence.
fn diverges(settings: Settings, schedule: &[Operation]) -> Option<Divergence> {
    let (mut ours, mut peers) = (Ours::new(settings), Peers::new(settings));
    let mut cut = BTreeSet::new();
    for (at, operation) in schedule.iter().enumerate() {
        if let Operation::Cut(id) = operation {
            cut.insert(*id);
        }
        if *operation == Operation::Heal {
            cut.clear();
        }
        ours.operate(operation);
        come_to_rest(&mut ours, &cut);
        let survives = survives(|| {
            peers.operate(operation);
            come_to_rest(&mut peers, &cut);
        });
        if !survives {
            let (ours, peers) = ("goes on".to_string(), "panics".to_string());
            return Some(Divergence { field: "panic", at, node: 0, ours, peers });
        }
        for id in ids() {
            let (own, other) = (ours.view(id), peers.view(id));
            if let Some((field, own, other)) = own.differs_from(&other) {
                return Some(Divergence { field, at, node: id, ours: own, peers: other });
            }
        }
    }
    None
}

/// Returns whether the peer does this without a panic. Its words are not wanted each time; ours would be.
fn survives(peer: impl FnOnce()) -> bool {
    let hook = take_hook();
    set_hook(Box::new(|_| {}));
    let survived = catch_unwind(AssertUnwindSafe(peer));
    set_hook(hook);
    survived.is_ok()
}

/// Lets a side come to rest. What a leader does not send at once, it sends after a heartbeat or two: such a
/// delay is no divergence here.
fn come_to_rest(side: &mut impl Side, cut: &BTreeSet<u64>) {
    settle(side, cut);
    for _ in 0..BEATS {
        side.beat();
        settle(side, cut);
    }
}

/// Delivers and does everything until nothing is left. Messages to and from nodes that are cut off are
/// lost; a node whose snapshot is lost hears of it.
fn settle<S: Side>(side: &mut S, cut: &BTreeSet<u64>) {
    loop {
        let mut sent = Vec::new();
        for from in ids() {
            sent.extend(side.work(from).into_iter().map(|message| (from, message)));
        }
        if sent.is_empty() {
            return;
        }
        for (from, message) in sent {
            let to = S::to(&message);
            if from == to || !cut.contains(&from) && !cut.contains(&to) {
                side.deliver(message);
            } else {
                side.lose(from, message);
            }
        }
    }
}

/// Takes out operations as long as the same fact still differs.
fn shrink(
    settings: Settings,
    mut schedule: Vec<Operation>,
    field: &str,
) -> (Vec<Operation>, Divergence) {
    let same = |schedule: &[Operation]| {
        diverges(settings, schedule).filter(|difference| difference.field == field)
    };
    let mut found = same(&schedule).expect("it diverged");
    loop {
        schedule.truncate(found.at + 1);
        let shorter = (0..schedule.len()).find_map(|without| {
            let mut fewer = schedule.clone();
            fewer.remove(without);
            same(&fewer).map(|difference| (fewer, difference))
        });
        match shorter {
            Some((fewer, difference)) => (schedule, found) = (fewer, difference),
            None => return (schedule, found),
        }
    }
}

impl View {
    /// Returns the first fact that differs, and how it is on both sides.
    fn differs_from(&self, other: &View) -> Option<(&'static str, String, String)> {
        let both = self.log.keys().filter(|index| other.log.contains_key(index));
        let log = both.clone().all(|index| self.log[index] == other.log[index]);
        let facts: [(&str, bool, String, String); 10] = [
            ("term", self.term == other.term, self.term.to_string(), other.term.to_string()),
            ("role", self.role == other.role, self.role.into(), other.role.into()),
            ("vote", self.vote == other.vote, self.vote.to_string(), other.vote.to_string()),
            (
                "leader",
                self.leader == other.leader,
                self.leader.to_string(),
                other.leader.to_string(),
            ),
            (
                "last",
                self.last == other.last,
                format!("{:?}", self.last),
                format!("{:?}", other.last),
            ),
            ("log", log, format!("{:?}", self.log), format!("{:?}", other.log)),
            (
                "commit",
                self.commit == other.commit,
                self.commit.to_string(),
                other.commit.to_string(),
            ),
            (
                "applied",
                self.applied == other.applied,
                self.applied.to_string(),
                other.applied.to_string(),
            ),
            ("members", self.members == other.members, self.members.clone(), other.members.clone()),
            (
                "reads",
                self.reads == other.reads,
                format!("{:?}", self.reads),
                format!("{:?}", other.reads),
            ),
        ];
        let first = facts.into_iter().find(|(_, same, ..)| !same);
        first.map(|(field, _, ours, peers)| (field, ours, peers))
    }
}

impl fmt::Display for Divergence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Divergence { field, node, ours, peers, .. } = self;
        write!(f, "node {node}, {field}: ours {ours}, peer's {peers}")
    }
}
