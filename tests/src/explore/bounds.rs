//! How far the explorer goes, and the named bounds.
//!
//! ```text
//!   quick   elections, 3 nodes, 3 terms      every day
//!   logs    logs of two entries, crashes     every day
//!   slow full wide logs_full                 wider, for a release
//! ```

use crate::cluster::{Driver, Owner};
use crate::disk::DiskSpeed;
use crate::input::Input;

/// How far the explorer goes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Bounds {
    /// The number of nodes, all voters. More than 4 work, but the symmetry reduction becomes slow.
    pub nodes: u64,
    /// The last term for which a node may campaign.
    pub terms: u64,
    /// The most crashes, over all nodes.
    pub crashes: u32,
    /// The most different messages in flight at once; `None` for any number. With a bound the exploration
    /// is not complete. It also has more states than without one, because the network then loses
    /// messages.
    pub in_flight: Option<usize>,
    /// What is explored.
    pub subject: Subject,
    /// What drives the nodes. Owners take a Ready and apply entries at once: to do so later equals a later
    /// message or write.
    pub driver: Driver,
    /// The most proposals of clients, over all nodes.
    pub proposals: u32,
    /// What else may happen, at any time and in any order, each at most once. The inputs of one item happen
    /// together. At most 16 items.
    pub once: Vec<Vec<Input>>,
    /// Whether every state is also asked what would become of it if all messages in flight were lost and no
    /// fault came after: the group must find a leader, apply everything, and end every read. That costs as
    /// much as hundreds of moves. [`Property::explore`](crate::Property::explore) refuses such bounds.
    pub recovers: bool,
    /// The highest index of any log; `None` for no limit.
    pub entries: Option<u64>,
    /// Whether a crash may come between a write and its durability.
    pub disks: DiskSpeed,
    /// Which reductions are used. The weaker ones serve for comparison.
    pub reduction: Reduction,
    /// The explorer gives up after this many states, to limit memory.
    pub states_max: usize,
}

/// Which of the reductions are used that the head of `explore.rs` numbers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Reduction {
    /// All of them.
    Full,
    /// Not 7 to 9, and not the dropped answers of 2: several times as many states.
    Minimal,
}

/// What is explored.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Subject {
    /// Elections. Every append is lost, so nothing is replicated: logs differ only by the first entries of
    /// leaders.
    Elections,
    /// Elections and logs: appends arrive like every other message.
    Logs,
    /// Whole groups: every part of a node counts, whatever it is for, and no two nodes are alike. Heartbeats
    /// are sent only in the ticks of [`Bounds::once`].
    Groups,
}

impl Bounds {
    /// Returns bounds for every test run: three nodes, three terms, disks durable at once, a crash. 22,885
    /// states by 236,875 moves, up to 23 moves deep; every fourth state has a leader.
    pub fn quick() -> Self {
        Bounds {
            nodes: 3,
            terms: 3,
            crashes: 1,
            in_flight: None,
            subject: Subject::Elections,
            driver: Driver::Bare,
            proposals: 0,
            once: Vec::new(),
            recovers: false,
            entries: None,
            disks: DiskSpeed::Instant,
            reduction: Reduction::Full,
            states_max: 2_000_000,
        }
    }

    /// Returns bounds in which a crash may come between a write and its durability: three nodes, one
    /// term, a crash. 26,441 states by 339,303 moves, up to 26 moves deep.
    pub fn slow() -> Self {
        Bounds { terms: 1, disks: DiskSpeed::Slow, ..Bounds::quick() }
    }

    /// Returns bounds for a release: slow disks, a crash, two terms. 264,625 states by 3,176,795
    /// moves, up to 35 moves deep.
    pub fn full() -> Self {
        Bounds { terms: 2, states_max: 20_000_000, ..Bounds::slow() }
    }

    /// Returns bounds for logs, for every test run: three `RawNode`s with slow disks and owners that do one
    /// thing at a time, two terms, logs of two entries (the first of each term), a crash, any number
    /// of messages. 89,269 states by 789,673 moves, up to 26 moves deep.
    pub fn logs() -> Self {
        Bounds {
            terms: 2,
            crashes: 1,
            subject: Subject::Logs,
            driver: Driver::Owned(Owner::OneAtATime),
            entries: Some(2),
            disks: DiskSpeed::Slow,
            ..Bounds::quick()
        }
    }

    /// Returns the same with a second crash, for a release: 234,194 states by 2,226,268 moves, up to 27
    /// moves deep.
    pub fn logs_full() -> Self {
        Bounds { crashes: 2, states_max: 20_000_000, ..Bounds::logs() }
    }

    /// Returns bounds with a proposal, for every test run: the first entry of one term and a proposal
    /// behind it. 83,327 states by 1,529,634 moves, up to 24 moves deep.
    pub fn proposal() -> Self {
        Bounds { terms: 1, crashes: 0, proposals: 1, ..Bounds::logs() }
    }

    /// Returns the same with a crash, for a release: 894,517 states by 12,913,743 moves, up to 26 moves
    /// deep.
    pub fn proposal_full() -> Self {
        Bounds { crashes: 1, states_max: 20_000_000, ..Bounds::proposal() }
    }

    /// Returns the bounds for logs with owners that do several things at once. From the beginning there are
    /// far too many states, so these bounds are for a start close to something interesting.
    pub fn logs_concurrent() -> Self {
        Bounds { driver: Driver::Owned(Owner::Concurrent), ..Bounds::logs() }
    }

    /// Returns bounds for whole groups, in which nothing happens but what [`Bounds::once`] will list, and
    /// messages that arrive: `RawNode`s with instant disks, and owners that do one thing at a time.
    pub fn groups() -> Self {
        Bounds {
            crashes: 0,
            subject: Subject::Groups,
            driver: Driver::Owned(Owner::OneAtATime),
            states_max: 500_000,
            ..Bounds::quick()
        }
    }

    /// Returns bounds with a fourth node, where two votes are not enough: two terms, disks durable at
    /// once. 158,423 states by 2,710,538 moves, up to 28 moves deep.
    pub fn wide() -> Self {
        Bounds { nodes: 4, terms: 2, crashes: 0, ..Bounds::quick() }
    }
}

// Which reductions the bounds allow.

impl Bounds {
    /// Returns whether a write is durable at once or lost in a crash (7): between the two a node with a
    /// one-at-a-time owner does nothing that others see.
    pub(super) fn decides_writes_at_once(&self) -> bool {
        let tells =
            self.disks == DiskSpeed::Slow && self.driver == Driver::Owned(Owner::OneAtATime);
        tells && self.reduction == Reduction::Full
    }

    /// Returns whether leaders send heartbeats whenever they can (8): on a network that only grows an extra
    /// heartbeat does no harm.
    pub(super) fn beats_at_once(&self) -> bool {
        let only_grows = self.subject == Subject::Logs && self.in_flight.is_none();
        only_grows && self.reduction == Reduction::Full
    }

    /// Returns whether the loss of a message is a move. On a network that only grows a lost message is one
    /// that never arrives.
    pub(super) fn loses_messages(&self) -> bool {
        self.subject != Subject::Elections && self.in_flight.is_some()
    }
}
