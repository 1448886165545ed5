//! What must never happen (Fig. 3, and what Fig. 2 asks for on the way there), checked after every
//! step; the first rule that breaks is named.
//!
//! ```text
//!   a message is put under way --> Memory::sent   --.
//!   a node did something --------> Memory::looked --+--> the first broken Rule, as a Violation
//!   a node lost power -----------> Memory::crashed  |
//!   a test posted a message -----> Memory::posted --'    (a test's word is taken as true)
//! ```
//!
//! The judge sees what peers and disks see: messages as they leave, and the disk's durable image.
//! What a node says of itself ([`Inspect`]) is only asked for its role, its term, its own vote and
//! its log. So any correct Raft passes, whatever it looks like inside.
//!
//! A memory is part of an explored state: it holds what can still matter, and forgets the votes and
//! leaders of terms that every disk has left behind.

mod logs; // what logs may never do
mod rule; // the rules by name
#[cfg(test)]
mod tests; // each rule broken by hand, and its correct twin
mod votes; // who voted for whom, who led what

pub use rule::Rule;

use logs::Logs;
use raft::{HardState, Inspect, MemoryStorage, Message, NodeId, RoleName, Term, VoteRequests};
use std::collections::BTreeMap;
use votes::Ballots;

/// A broken rule.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Violation {
    /// Which rule.
    pub rule: Rule,
    /// Who broke it, the last one first; then those it was broken towards.
    pub who: Vec<NodeId>,
    /// The term it was broken in, where it is a matter of one term.
    pub term: Option<Term>,
    /// What happened, in one sentence with names and numbers.
    pub text: String,
}

/// What the judge sees of a node that is up, after something happened to it.
#[derive(Clone, Copy, Debug)]
pub struct Sight<'a> {
    /// What the node says of itself.
    pub node: Inspect<'a>,
    /// The log it works with.
    pub log: &'a MemoryStorage,
    /// What its disk would still hold after a crash.
    pub durable: HardState,
}

/// Who puts a message under way, and what its disk holds as it does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Sender {
    /// Its name.
    pub id: NodeId,
    /// What its disk would still hold after a crash.
    pub durable: HardState,
    /// Whether it may ask for votes before its own vote is durable.
    pub vote_requests: VoteRequests,
}

/// What the invariants remember of a run.
#[derive(Clone, PartialEq, Eq, Hash, Default, Debug)]
pub struct Memory {
    /// What each node that is up looked like when something last happened to it.
    seen: BTreeMap<NodeId, Seen>,
    ballots: Ballots,
    logs: Logs,
}

/// What the next look at a node is compared with.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
struct Seen {
    term: Term,
    role: RoleName,
    tip: logs::Tip,
}

impl Seen {
    /// Returns whether a node with this term and role has just won.
    fn won(before: Option<&Seen>, now: &Inspect<'_>) -> bool {
        let led = |seen: &Seen| seen.role == RoleName::Leader && seen.term == now.term;
        now.role == RoleName::Leader && !before.is_some_and(led)
    }
}

impl Memory {
    /// Judges a message as it is put under way.
    ///
    /// # Errors
    /// The first rule that the message breaks.
    pub fn sent(&mut self, sender: Sender, message: &Message) -> Result<(), Violation> {
        votes::persisted_before(sender, message)?;
        self.ballots.sent(message)
    }

    /// Takes note of a message that a test puts under way in a node's name. The others may believe
    /// it, so the judge does too.
    pub fn posted(&mut self, message: &Message) {
        self.ballots.posted(message);
    }

    /// Judges a node that something has just happened to.
    ///
    /// # Errors
    /// The first rule that the node breaks.
    pub fn looked(&mut self, sight: &Sight<'_>) -> Result<(), Violation> {
        let id = sight.node.id;
        let before = self.seen.get(&id).copied();
        let tip = self.logs.tip(sight);
        let now = Seen { term: sight.node.term, role: sight.node.role, tip };
        self.seen.insert(id, now);
        term_grows(before.as_ref(), sight)?;
        self.ballots.cast(id, sight.durable)?;
        if Seen::won(before.as_ref(), &sight.node) {
            self.ballots.won(&sight.node)?;
        }
        self.logs.looked(before.as_ref(), &now, sight)
    }

    /// Forgets what a node that lost power had only in its memory.
    pub fn crashed(&mut self, id: NodeId) {
        self.seen.remove(&id);
    }

    /// Forgets the votes and leaders of terms before `floor`: every disk is past them.
    pub fn forget_before(&mut self, floor: Term) {
        self.ballots.forget_before(floor);
    }

    /// Returns every vote granted and every term led that is remembered, for those who tell states
    /// apart: the voter, the term, whom it voted for; then the leader and its term.
    pub(crate) fn ballots(
        &self,
    ) -> (
        impl Iterator<Item = (Term, NodeId, NodeId)> + '_,
        impl Iterator<Item = (Term, NodeId)> + '_,
    ) {
        (self.ballots.granted(), self.ballots.led())
    }
}

/// Checks that a node's term is no older than it was, and no older than its disk says.
fn term_grows(before: Option<&Seen>, sight: &Sight<'_>) -> Result<(), Violation> {
    let (id, term) = (sight.node.id, sight.node.term);
    let broken =
        |text| Err(Violation { rule: Rule::TermMonotone, who: vec![id], term: Some(term), text });
    if let Some(before) = before.filter(|before| before.term > term) {
        return broken(format!("{id} was in term {} and is in term {term} now", before.term));
    }
    if sight.durable.term > term {
        let durable = sight.durable.term;
        return broken(format!("{id} is in term {term}, and term {durable} is on its disk"));
    }
    Ok(())
}
