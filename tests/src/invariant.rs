//! What must never happen (Fig. 3, and what Fig. 2 asks for on the way there), checked after every
//! step; the first rule that breaks is named.
//!
//! ```text
//!   a node handed a write to its disk --> Memory::wrote    --.
//!   a message is put under way ---------> Memory::sent       |
//!   an application applied entries -----> Memory::applied    +--> the first broken Rule,
//!   something happened to a node -------> Memory::looked     |    as a Violation
//!   a node lost power ------------------> Memory::crashed    |
//!   a test posted a message ------------> Memory::posted   --'    (a test's word is taken as true)
//! ```
//!
//! The judge sees what peers and disks see: messages as they leave, writes as they are handed over,
//! and the disk's durable image. What a node says of itself ([`Inspect`]) is only asked for its role,
//! its term, its own vote, its commit index and the end of its log. So any correct Raft passes,
//! whatever it looks like inside.
//!
//! A memory is part of an explored state: it holds what can still matter, and forgets the votes and
//! leaders of terms that every disk has left behind.

mod logs; // what logs may never do
mod rule; // the rules by name
#[cfg(test)]
mod tests; // each rule broken by hand, and its correct twin
mod votes; // who voted for whom, who led what

pub use rule::Rule;

use crate::disk::{Disk, Link};
use logs::Logs;
use raft::{Entry, EntryId, Index, Inspect, Message, NodeId, RoleName, Term, VoteRequests};
use std::collections::BTreeMap;
use votes::Ballots;

/// Where the judge finds the disks of a cluster.
pub type Disks<'a> = &'a dyn Fn(NodeId) -> Option<&'a Disk>;

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
    /// Its disk.
    pub disk: &'a Disk,
}

/// Who puts a message under way.
#[derive(Clone, Copy, Debug)]
pub struct Sender<'a> {
    /// Its name.
    pub id: NodeId,
    /// Its disk as it does.
    pub disk: &'a Disk,
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
    last: EntryId,
    commit: Index,
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
    pub fn sent(
        &mut self,
        sender: Sender<'_>,
        message: &Message,
        disks: Disks<'_>,
    ) -> Result<(), Violation> {
        votes::persisted_before(sender, message)?;
        self.logs.acknowledged(sender.disk, message, self.seen.get(&message.to), disks)?;
        self.ballots.sent(message)
    }

    /// Takes note of a message that a test puts under way in a node's name. The others may believe
    /// it, so the judge does too.
    pub fn posted(&mut self, message: &Message) {
        self.ballots.posted(message);
        self.logs.posted(message);
    }

    /// Judges a write that a node has just handed to its disk: `had` is the end of its log before,
    /// `from` the place of the first entry that is written.
    ///
    /// # Errors
    /// The first rule that the write breaks.
    pub fn wrote(
        &mut self,
        sight: &Sight<'_>,
        had: Link,
        from: Option<Index>,
        disks: Disks<'_>,
    ) -> Result<(), Violation> {
        let before = self.seen.get(&sight.node.id).copied();
        self.logs.wrote(sight, before.as_ref(), had, from, disks)
    }

    /// Judges a commit index that a node hands out without a write.
    ///
    /// # Errors
    /// The first rule that it breaks.
    pub fn committed(
        &mut self,
        sight: &Sight<'_>,
        commit: Index,
        disks: Disks<'_>,
    ) -> Result<(), Violation> {
        self.logs.committed(sight, commit, disks)
    }

    /// Judges entries that a node's application has just applied, behind `applied`.
    ///
    /// # Errors
    /// The first rule that this breaks.
    pub fn applied(
        &self,
        id: NodeId,
        disk: &Disk,
        applied: Index,
        entries: &[Entry],
    ) -> Result<(), Violation> {
        self.logs.applied(id, disk.kept(), applied, entries)
    }

    /// Judges a node that something has just happened to.
    ///
    /// # Errors
    /// The first rule that the node breaks.
    pub fn looked(&mut self, sight: &Sight<'_>) -> Result<(), Violation> {
        let Inspect { id, term, role, last, commit, .. } = sight.node;
        let before = self.seen.insert(id, Seen { term, role, last, commit });
        term_grows(before.as_ref(), sight)?;
        self.ballots.cast(id, sight.disk.durable().hard_state())?;
        if Seen::won(before.as_ref(), &sight.node) {
            self.ballots.won(&sight.node)?;
        }
        self.logs.looked(before.as_ref(), sight)
    }

    /// Judges a node that has just started, before anything happens to it.
    ///
    /// # Errors
    /// The first rule that its disk breaks.
    pub fn opened(&mut self, sight: &Sight<'_>) -> Result<(), Violation> {
        self.logs.opened(sight)
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

    /// Returns what is remembered of every entry, for those who tell states apart: its id, its past,
    /// and if it is committed, the term of whoever knew it first.
    pub(crate) fn entries(&self) -> impl Iterator<Item = (EntryId, u64, Option<Term>)> + '_ {
        self.logs.remembered()
    }

    /// Forgets what entries had before them of which `lives` says that they are nowhere any more.
    pub(crate) fn forget_pasts(&mut self, lives: impl Fn(EntryId) -> bool) {
        self.logs.forget_pasts(lives);
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
    let durable = sight.disk.durable().hard_state().term;
    if durable > term {
        return broken(format!("{id} is in term {term}, and term {durable} is on its disk"));
    }
    Ok(())
}
