//! Invariants: what must never happen (Fig. 3, and the rules of Fig. 2 that lead there). They are checked
//! after every step, and the first rule that breaks is named.
//!
//! ```text
//!   a node handed a write to its disk --> InvariantChecker::check_write    --.
//!   a message is sent ---------> InvariantChecker::check_message       |
//!   an application applied entries -----> InvariantChecker::check_apply    +--> the first broken Rule,
//!   something happened to a node -------> InvariantChecker::check_node     |    as a Violation
//!   a client began a read, a read ended -> read_begins, check_read         |
//!   a node lost power ------------------> InvariantChecker::forget_node    |
//!   a test posted a message ------------> InvariantChecker::accept_posted   --'    (it is taken as true)
//! ```
//!
//! The checker sees what peers and disks see: messages when they are sent, writes when the disk gets them,
//! and what is durable. From the node itself ([`Inspect`]) it takes only the
//! role, the term, the node's own vote, the commit index and the end of the log. So any correct Raft
//! passes, whatever its inside looks like.
//!
//! The checker is part of an explored state. So it remembers only what can still matter: it forgets
//! the votes and leaders of a term once every disk is in a later term.

mod logs; // what logs may never do
mod reads; // what a read must see
mod rule; // the rules and their names
#[cfg(test)]
mod tests; // each rule broken on purpose, and a correct case beside it
mod votes; // who voted for whom, and who led each term

pub use rule::Rule;

use crate::disk::{Disk, Link};
use bytes::Bytes;
use logs::LogHistory;
use raft::{
    Entry, EntryId, Index, Inspect, Message, NodeId, ReadState, RoleName, Term, VoteRequests,
};
use reads::ReadHistory;
use std::collections::BTreeMap;
use votes::VoteHistory;

/// Finds the disk of a node.
pub type DiskLookup<'a> = &'a dyn Fn(NodeId) -> Option<&'a Disk>;

/// A broken rule.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Violation {
    /// Which rule.
    pub rule: Rule,
    /// The nodes that broke it, the last one first; then the nodes that it affects.
    pub who: Vec<NodeId>,
    /// The term in which it was broken, if the rule is about one term.
    pub term: Option<Term>,
    /// What happened, in one sentence with names and numbers.
    pub text: String,
}

/// What the checker sees of a node that is up, after a step of the node.
#[derive(Clone, Copy, Debug)]
pub struct NodeView<'a> {
    /// The node's own state.
    pub node: Inspect<'a>,
    /// Its disk.
    pub disk: &'a Disk,
}

/// The sender of a message.
#[derive(Clone, Copy, Debug)]
pub struct Sender<'a> {
    /// Its id.
    pub id: NodeId,
    /// Its disk when it sends.
    pub disk: &'a Disk,
    /// Whether it may ask for votes before its own vote is durable.
    pub vote_requests: VoteRequests,
}

/// Checks the invariants of a run, and remembers what they need.
#[derive(Clone, PartialEq, Eq, Hash, Default, Debug)]
pub struct InvariantChecker {
    /// The state of each node that is up, after its last step.
    seen: BTreeMap<NodeId, LastSeen>,
    ballots: VoteHistory,
    logs: LogHistory,
    reads: ReadHistory,
}

/// The state of a node after its last step: the next step is compared with it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
struct LastSeen {
    term: Term,
    role: RoleName,
    last: EntryId,
    commit: Index,
}

impl LastSeen {
    /// Returns whether a node has just become leader.
    fn won(before: Option<&LastSeen>, now: &Inspect<'_>) -> bool {
        let led = |seen: &LastSeen| seen.role == RoleName::Leader && seen.term == now.term;
        now.role == RoleName::Leader && !before.is_some_and(led)
    }
}

impl InvariantChecker {
    /// Checks a message as it is sent.
    ///
    /// # Errors
    /// The first rule that the message breaks.
    pub fn check_message(
        &mut self,
        sender: Sender<'_>,
        message: &Message,
        disks: DiskLookup<'_>,
    ) -> Result<(), Violation> {
        votes::persisted_before(sender, message)?;
        self.logs.acknowledged(sender.disk, message, self.seen.get(&message.to), disks)?;
        self.ballots.sent(message)
    }

    /// Notes a message that a test sends in the name of a node. The other nodes may trust it, so the
    /// checker trusts it, too.
    pub fn accept_posted(&mut self, message: &Message) {
        self.ballots.posted(message);
        self.logs.posted(message);
        self.reads.posted(message);
    }

    /// Checks a write that a node has just handed to its disk. `had` is the last link of its log before
    /// the write, and `from` the index of the first entry in the write.
    ///
    /// # Errors
    /// The first rule that the write breaks.
    pub fn check_write(
        &mut self,
        view: &NodeView<'_>,
        had: Link,
        from: Option<Index>,
        disks: DiskLookup<'_>,
    ) -> Result<(), Violation> {
        let before = self.seen.get(&view.node.id).copied();
        self.logs.wrote(view, before.as_ref(), had, from, disks)
    }

    /// Checks a commit index that a node hands out without a write.
    ///
    /// # Errors
    /// The first rule that it breaks.
    pub fn check_commit(
        &mut self,
        view: &NodeView<'_>,
        commit: Index,
        disks: DiskLookup<'_>,
    ) -> Result<(), Violation> {
        let before = self.seen.get(&view.node.id).copied();
        self.logs.committed(view, before.as_ref(), commit, disks)
    }

    /// Checks entries that a node's application applies after those up to `applied`.
    ///
    /// # Errors
    /// The first rule that this breaks.
    pub fn check_apply(
        &self,
        id: NodeId,
        disk: &Disk,
        applied: Index,
        entries: &[Entry],
    ) -> Result<(), Violation> {
        self.logs.applied(id, disk.kept(), applied, entries)
    }

    /// Checks a snapshot that a node installs, by its last link.
    ///
    /// # Errors
    /// The first rule that this breaks.
    pub fn check_install(&self, id: NodeId, last: Link) -> Result<(), Violation> {
        self.logs.installed(id, last)
    }

    /// Notes that a client of a node begins to read.
    pub fn read_begins(&mut self, id: NodeId, context: Bytes) {
        self.reads.begins(id, context, self.logs.last_committed());
    }

    /// Checks a read of a node's client that has ended.
    ///
    /// # Errors
    /// The first rule that this breaks.
    pub fn check_read(&mut self, id: NodeId, read: &ReadState) -> Result<(), Violation> {
        self.reads.ended(id, read)
    }

    /// Returns the reads that have not ended, each with its node.
    pub fn open_reads(&self) -> impl Iterator<Item = (NodeId, &Bytes)> {
        self.reads.open()
    }

    /// Checks a node after a step of that node.
    ///
    /// # Errors
    /// The first rule that the node breaks.
    pub fn check_node(&mut self, view: &NodeView<'_>) -> Result<(), Violation> {
        let Inspect { id, term, role, last, commit, .. } = view.node;
        let before = self.seen.insert(id, LastSeen { term, role, last, commit });
        term_grows(before.as_ref(), view)?;
        self.ballots.cast(id, view.disk.durable().hard_state())?;
        if LastSeen::won(before.as_ref(), &view.node) {
            self.ballots.won(&view.node)?;
        }
        self.logs.looked(before.as_ref(), view)
    }

    /// Checks a node that has just started, before its first step.
    ///
    /// # Errors
    /// The first rule that its disk breaks.
    pub fn check_start(&mut self, view: &NodeView<'_>) -> Result<(), Violation> {
        self.logs.opened(view)
    }

    /// Forgets the volatile state of a node that lost power.
    pub fn forget_node(&mut self, id: NodeId) {
        self.seen.remove(&id);
        self.logs.forget(id);
        self.reads.forget(id);
    }

    /// Forgets the votes and leaders of terms before `floor`, the lowest term on any disk.
    pub fn forget_before(&mut self, floor: Term) {
        self.ballots.forget_before(floor);
    }

    /// Returns every remembered vote as term, voter and candidate, and every remembered leader with its
    /// term. The explorer tells states apart by them.
    pub(crate) fn ballots(
        &self,
    ) -> (
        impl Iterator<Item = (Term, NodeId, NodeId)> + '_,
        impl Iterator<Item = (Term, NodeId)> + '_,
    ) {
        (self.ballots.granted(), self.ballots.led())
    }

    /// Returns what is remembered of every entry: its id, the hash of the log up to it, and the term of the
    /// node that committed it first, if one did. The explorer distinguishes states by it.
    pub(crate) fn entries(&self) -> impl Iterator<Item = (EntryId, u64, Option<Term>)> + '_ {
        self.logs.remembered()
    }

    /// Forgets the pasts of entries for which `lives` returns false: no log, disk or message holds them.
    pub(crate) fn forget_pasts(&mut self, lives: impl Fn(EntryId) -> bool) {
        self.logs.forget_pasts(lives);
    }
}

/// Checks that a node's term is not lower than before, and not lower than the term on its disk.
fn term_grows(before: Option<&LastSeen>, view: &NodeView<'_>) -> Result<(), Violation> {
    let (id, term) = (view.node.id, view.node.term);
    let broken =
        |text| Err(Violation { rule: Rule::TermMonotone, who: vec![id], term: Some(term), text });
    if let Some(before) = before.filter(|before| before.term > term) {
        return broken(format!("{id} was in term {} and is in term {term} now", before.term));
    }
    let durable = view.disk.durable().hard_state().term;
    if durable > term {
        return broken(format!("{id} is in term {term}, and term {durable} is on its disk"));
    }
    Ok(())
}
