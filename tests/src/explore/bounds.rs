//! How far a walk goes, and the bounds that have names.
//!
//! ```text
//!   quick   elections, 3 nodes, 3 terms      every day
//!   logs    logs of two entries, crashes     every day
//!   slow full wide logs_full                 wider, for a release
//! ```

use crate::cluster::{Door, Owner};
use crate::disk::DiskSpeed;

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
    /// states off, so the walk is no longer complete; and since room must be made, there are more
    /// states of it than without one: the network can forget then.
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
    /// What is folded. A walk of everything is there to compare with.
    pub folding: Folding,
    /// The walk gives up beyond so many states, rather than eat the machine's memory.
    pub states_max: usize,
}

/// Which of the reductions that the explorer's header numbers are made.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Folding {
    /// All of them.
    All,
    /// Neither 7 to 9, nor the answers of 2 that tell their receivers nothing: several times as many
    /// states.
    Least,
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
    /// Returns bounds for every day: three nodes, three terms, disks durable at once, a crash. 22,885
    /// states by 236,875 moves, up to 23 moves deep; every fourth state has a leader.
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
            folding: Folding::All,
            states_max: 2_000_000,
        }
    }

    /// Returns bounds that let a crash fall between a write and its being durable: three nodes, one
    /// term, a crash. 26,441 states by 339,303 moves, up to 26 moves deep.
    pub fn slow() -> Self {
        Bounds { terms: 1, disks: DiskSpeed::Slow, ..Bounds::quick() }
    }

    /// Returns bounds for a release: slow disks, a crash, two terms. 264,625 states by 3,176,795
    /// moves, up to 35 moves deep.
    pub fn full() -> Self {
        Bounds { terms: 2, states_max: 20_000_000, ..Bounds::slow() }
    }

    /// Returns bounds for logs, every day: three `RawNode`s with slow disks and an owner who does one
    /// thing at a time, two terms, logs of two entries (the first of each term), a crash, any number
    /// of messages. 89,269 states by 789,673 moves, up to 26 moves deep.
    pub fn logs() -> Self {
        Bounds {
            terms: 2,
            crashes: 1,
            subject: Subject::Logs,
            door: Door::Owned(Owner::OneAtATime),
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

    /// Returns bounds for what a client adds, every day: the first entry of one term and a proposal
    /// behind it. 83,327 states by 1,529,634 moves, up to 24 moves deep.
    pub fn proposal() -> Self {
        Bounds { terms: 1, crashes: 0, proposals: 1, ..Bounds::logs() }
    }

    /// Returns the same with a crash, for a release: 894,517 states by 12,913,743 moves, up to 26 moves
    /// deep.
    pub fn proposal_full() -> Self {
        Bounds { crashes: 1, states_max: 20_000_000, ..Bounds::proposal() }
    }

    /// Returns the bounds for logs with an owner who does several things at once: far too many states
    /// to walk them all from the beginning, so for walks from a state that something interesting is
    /// near to.
    pub fn logs_concurrent() -> Self {
        Bounds { door: Door::Owned(Owner::Concurrent), ..Bounds::logs() }
    }

    /// Returns bounds with a fourth node, where two votes are not enough: two terms, disks durable at
    /// once. 158,423 states by 2,710,538 moves, up to 28 moves deep.
    pub fn wide() -> Self {
        Bounds { nodes: 4, terms: 2, crashes: 0, ..Bounds::quick() }
    }
}

// What is folded because of what a walk looks at.

impl Bounds {
    /// Returns whether the fate of a write is known when it begins: durable at once, or taken by a
    /// crash. Between the two nobody hears of a node whose owner does one thing at a time.
    pub(super) fn tells_fates(&self) -> bool {
        let tells = self.disks == DiskSpeed::Slow && self.door == Door::Owned(Owner::OneAtATime);
        tells && self.folding == Folding::All
    }

    /// Returns whether leaders beat whenever they can. On a network that forgets nothing a heartbeat
    /// too many is in nobody's way.
    pub(super) fn beats_at_once(&self) -> bool {
        let forgets_nothing = self.subject == Subject::Logs && self.in_flight.is_none();
        forgets_nothing && self.folding == Folding::All
    }

    /// Returns whether what is under way can be lost: where the network is a set that forgets nothing,
    /// losing is never hearing.
    pub(super) fn loses_messages(&self) -> bool {
        self.subject == Subject::Logs && self.in_flight.is_some()
    }
}
