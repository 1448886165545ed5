//! The owner's half of a node: what its owner tells it, takes from it, and sees of it.
//!
//! ```text
//!   tick, step, propose, campaign --> Raft --> take_outbox, hard_state, take_unwritten
//!                 step_own, stable_to <-- durable <--'
//! ```
//!
//! Every function that may read storage checks first that the node has not halted, and halts it when the
//! read fails. [`Raft::step`] is in `step.rs`.

use crate::config::Config;
use crate::entry::{Entry, Payload};
use crate::error::{CampaignError, Halt, ProposeError, StartError, StorageError};
use crate::journal::Journal;
use crate::ledger::Core;
use crate::message::Message;
use crate::outbox::Outbox;
use crate::progress::Progress;
use crate::quorum::{Joint, Votes};
use crate::raft::{Raft, Role};
use crate::ready::Ready;
use crate::role::RoleChange;
use crate::state::{ConfState, HardState, RoleName, SoftState};
use crate::storage::{Purpose, Storage};
use crate::types::{EntryId, Index, NodeId, Term};
use bytes::Bytes;

/// What can be seen of a node from outside, for status pages, cards and invariants. A test should judge a
/// node by what its peers, its disk and its clock see.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Inspect<'a> {
    /// The node's id.
    pub id: NodeId,
    /// The term it is in.
    pub term: Term,
    /// The candidate that has its vote in that term.
    pub vote: Option<NodeId>,
    /// The leader, if it knows one; itself if it leads.
    pub leader: Option<NodeId>,
    /// Its role.
    pub role: RoleName,
    /// The highest index that it knows to be committed.
    pub commit: Index,
    /// The last index that its application has applied.
    pub applied: Index,
    /// The last entry of its log.
    pub last: EntryId,
    /// The last index that its storage alone answers for: so much of its log is known to be durable.
    pub stored: Index,
    /// Ticks since its timer was reset.
    pub elapsed_ticks: u64,
    /// The election timeout, if one is pinned.
    pub pinned_ticks: Option<u64>,
    /// The voters.
    pub voters: &'a Joint,
    /// The members, as far as it has applied the log.
    pub conf_state: &'a ConfState,
    /// The answers it has got, if it is a candidate.
    pub votes: Option<&'a Votes>,
    /// Why it has halted, if it has.
    pub halted: Option<&'a Halt>,
}

// Telling.

impl<S: Storage> Raft<S> {
    /// Starts a node as a follower that knows no leader, with the term and vote that its storage
    /// remembers (§5.2).
    ///
    /// # Errors
    /// [`StartError`] names the setting that cannot work, or what is wrong with the storage.
    pub fn new(config: &Config, storage: S) -> Result<Self, StartError> {
        config.check()?;
        Ok(Raft { core: Core::new(config.clone(), storage)?, role: Role::Follower })
    }

    /// Counts one tick. A leader sends heartbeats when it is time to, and steps down if nobody listens to
    /// it (check-quorum); any other voter campaigns once its election timeout has passed. A halted node
    /// does nothing.
    pub fn tick(&mut self) {
        if self.is_halted() {
            return;
        }
        self.core.count_tick();
        self.tick_reads();
        let is_promotable = self.is_promotable();
        let change = match &mut self.role {
            Role::Leader(leader) => self.core.tick_quorum(leader),
            Role::Follower | Role::PreCandidate(_) | Role::Candidate(_) if is_promotable => {
                self.core.tick_election()
            }
            Role::Follower | Role::PreCandidate(_) | Role::Candidate(_) => RoleChange::none(),
        };
        if let Err(halt) = self.change_role(change) {
            self.core.halt(halt);
            return;
        }
        if let Role::Leader(leader) = &mut self.role {
            if let Err(halt) = self.core.tick_transfer(leader) {
                self.core.halt(halt);
                return;
            }
            self.core.tick_snapshots(leader);
            self.core.tick_lease(leader);
            self.core.tick_heartbeat(leader);
        }
        self.settle_reads();
    }

    /// Starts an election now, without waiting for a timeout.
    ///
    /// # Errors
    /// [`CampaignError`] if the node leads already, is no voter, or has halted; or, where reads rest on
    /// leases, if it has heard from a leader too short a time ago.
    pub fn campaign(&mut self) -> Result<(), CampaignError> {
        self.core.check_running()?;
        if let Role::Leader(_) = self.role {
            return Err(CampaignError::AlreadyLeader { term: self.core.term });
        }
        if !self.core.voters.contains(self.core.id) {
            return Err(CampaignError::NotAVoter { us: self.core.id });
        }
        if self.core.term >= Term::LAST {
            return Err(CampaignError::NoTermLeft { term: self.core.term });
        }
        if self.core.log.is_installing() {
            return Err(CampaignError::Installing);
        }
        self.core.check_owes_nothing()?;
        if let Some(index) = self.core.unapplied_change().map_err(|halt| self.core.halt(halt))? {
            return Err(CampaignError::UnappliedChange { index });
        }
        self.core.look_up_commit().map_err(|halt| self.core.halt(halt))?;
        self.start_election();
        self.settle_reads();
        Ok(())
    }

    /// Proposes a command of the application, with a mark by which to recognize it once it is
    /// committed. A leader takes it, a follower forwards it.
    ///
    /// # Errors
    /// [`ProposeError`] if it was not taken; the node has not changed, unless it has halted.
    pub fn propose(&mut self, context: Bytes, data: Bytes) -> Result<(), ProposeError> {
        self.core.check_running()?;
        let mut entries = self.core.log_for_owner().unstable.take_room();
        entries.push(Entry::marked(context, Payload::Normal(data)));
        self.take_proposal(entries)
    }

    /// Takes proposals, of our own client or of another node: the table of `step.rs`, for what has no
    /// term.
    ///
    /// # Errors
    /// As [`Raft::propose`].
    pub(crate) fn take_proposal(&mut self, entries: Vec<Entry>) -> Result<(), ProposeError> {
        if entries.is_empty() {
            return Err(ProposeError::Empty);
        }
        let taken = match &mut self.role {
            Role::Leader(leader) => self.core.take_as_leader(leader, entries),
            Role::Follower => self.core.forward_proposal(entries),
            Role::PreCandidate(_) | Role::Candidate(_) => Err(ProposeError::NoLeader),
        };
        if let Err(ProposeError::Halted(halt)) = taken {
            return Err(ProposeError::Halted(self.core.halt(halt)));
        }
        taken
    }

    /// Learns that messages to a peer are lost: a leader sends it one append at a time until it answers.
    /// Does nothing if the node does not lead, does not know the peer, or has halted.
    pub fn report_unreachable(&mut self, peer: NodeId) {
        if self.is_halted() || peer == self.core.id {
            return;
        }
        if let Role::Leader(leader) = &mut self.role {
            self.core.on_unreachable(leader, peer);
        }
    }

    /// Takes back the promises to itself of an earlier outbox, once [`Raft::hard_state`] as it was then
    /// is durable. Those of an older term change nothing.
    ///
    /// # Errors
    /// [`Halt`] if the node has halted, now or earlier.
    ///
    /// # Panics
    /// If one is not a promise of this node to itself: the owner mixed up two nodes.
    pub fn step_own(&mut self, mut own: Vec<Message>) -> Result<(), Halt> {
        self.core.check_running()?;
        for message in own.drain(..) {
            let (from, to, us) = (message.from, message.to, self.core.id);
            assert!(from == us && to == us, "a promise of {us} to itself, not of {from} to {to}");
            self.handle(message).map_err(|halt| self.core.halt(halt))?;
        }
        self.core.keep_own_room(own);
        Ok(())
    }

    /// Learns that storage holds the log up to `last`. Does nothing if another entry is at that index by
    /// now. An owner that writes while the node goes on must also see that no write which replaces
    /// these entries is in progress: [`RawNode`](crate::RawNode) does.
    pub fn stable_to(&mut self, last: EntryId) {
        self.core.log_for_owner().unstable.stable_to(last);
    }

    /// Learns that the application has applied the log up to `index`, and that this many bytes of
    /// content of this term wait no more.
    ///
    /// # Errors
    /// [`Halt`] if the node has halted, now or earlier.
    pub fn applied_to(&mut self, index: Index, content_bytes: u64) -> Result<(), Halt> {
        self.core.check_running()?;
        self.core.applied_to(index);
        if let Role::Leader(leader) = &mut self.role {
            self.core.remove_uncommitted(leader, content_bytes);
            let left = self.core.leave_joint_by_itself(leader);
            left.map_err(|halt| self.core.halt(halt))?;
        }
        Ok(())
    }

    /// Learns that the snapshot of an earlier outbox, which ends in `last`, is installed: storage answers for
    /// it, and the application has its state.
    pub fn snapshot_installed(&mut self, last: EntryId) {
        self.core.log_for_owner().unstable.installed(last);
        let applied = self.core.applied.max(last.index);
        self.core.applied_to(applied);
    }

    /// Learns that storage has fetched entries that it had answered [`StorageError::Pending`] for: a leader
    /// sends them to the peer.
    ///
    /// # Errors
    /// [`Halt`] if the node has halted, now or earlier.
    pub fn on_entries_fetched(&mut self, peer: NodeId) -> Result<(), Halt> {
        self.core.check_running()?;
        let Role::Leader(leader) = &mut self.role else { return Ok(()) };
        self.core.on_fetched(leader, peer).map_err(|halt| self.core.halt(halt))
    }
}

// Taking.

impl<S: Storage> Raft<S> {
    /// Builds the appends that wait to be built (`batch_append`). An owner with that setting calls this
    /// before [`Raft::take_outbox`]; [`RawNode::ready`](crate::RawNode::ready) does.
    ///
    /// # Errors
    /// [`Halt`] if the node has halted, now or earlier.
    pub fn flush_pending_appends(&mut self) -> Result<(), Halt> {
        self.core.check_running()?;
        let Role::Leader(leader) = &mut self.role else { return Ok(()) };
        self.core.flush_pending_appends(leader).map_err(|halt| self.core.halt(halt))
    }

    /// Takes what waits to leave: nothing, if the node has halted. [`Outbox`] says what the owner must
    /// do first.
    pub fn take_outbox(&mut self) -> Outbox {
        self.core.take_outbox()
    }

    /// Keeps the memory of a Ready that has been worked off, for the next one.
    pub(crate) fn keep_room(&mut self, ready: Ready) {
        self.core.keep_room(ready.messages, ready.persisted_messages);
    }

    /// Takes what may leave at once, and leaves the promises where they are.
    pub(crate) fn take_now(&mut self) -> Vec<Message> {
        self.core.take_now()
    }

    /// Hands out, once, the entries that must be durable before the promises of the last outbox may
    /// leave: none, if the node has halted. They replace what is at their indexes, and everything after.
    pub fn take_unwritten(&mut self) -> Vec<Entry> {
        if self.is_halted() {
            return Vec::new();
        }
        self.core.log_for_owner().unstable.take_unwritten()
    }

    /// Returns the committed entries after `after` up to `up_to`: at least one, and after that as many
    /// as have together at most `max_bytes`. None while a snapshot is not installed: it comes first.
    ///
    /// # Errors
    /// [`Halt`] if the node has halted, now or earlier.
    pub fn committed_entries(
        &mut self,
        after: Index,
        up_to: Index,
        max_bytes: u64,
    ) -> Result<Vec<Entry>, Halt> {
        self.core.check_running()?;
        let up_to = up_to.min(self.core.commit);
        if after >= up_to {
            return Ok(Vec::new());
        }
        if self.core.log.is_installing() {
            return Ok(Vec::new());
        }
        let read = self.core.log.next_entries(after, up_to, Some(max_bytes));
        read.map_err(|halt| self.core.halt(halt))
    }

    /// Takes the storage back out of a node that is not needed any more: to start another node on it.
    pub fn into_storage(self) -> S {
        self.core.into_storage()
    }
}

// Asking.

impl<S: Storage> Raft<S> {
    /// Returns what must be durable before the promises of the last outbox may leave. Do not save it once
    /// the node has halted: its entries were not handed out.
    pub fn hard_state(&self) -> HardState {
        HardState { term: self.core.term, vote: self.core.vote, commit: self.core.commit }
    }

    /// Returns leader and role.
    pub fn soft_state(&self) -> SoftState {
        SoftState { leader: self.core.leader, role: self.role.name() }
    }

    /// Checks that the node has not halted.
    ///
    /// # Errors
    /// [`Halt`]: why it has.
    pub(crate) fn check_running(&self) -> Result<(), Halt> {
        self.core.check_running()
    }

    /// Returns whether a read of storage has failed: [`Inspect::halted`] says which.
    pub fn is_halted(&self) -> bool {
        self.core.halted.is_some()
    }

    /// Returns whether anything waits to leave, or is to be built before it does.
    pub(crate) fn has_outbox(&self) -> bool {
        let waits_to_be_built = |(_, progress): (NodeId, &Progress)| progress.has_pending_append();
        self.core.has_outbox()
            || self.core.config.batch_append && self.progress().any(waits_to_be_built)
    }

    /// Returns whether entries wait to be handed out for writing.
    pub(crate) fn has_unwritten(&self) -> bool {
        self.core.log.unstable.has_unwritten()
    }

    /// Returns the last entry if it is not known to be durable: what a write that is handed out now
    /// makes durable. [`Raft::stable_to`] is told so once it is.
    pub fn unstable_last(&self) -> Option<EntryId> {
        self.core.log.unstable.last_id()
    }

    /// Returns the last entry of the snapshot that is not known to be installed, if there is one.
    pub fn unstable_snapshot(&self) -> Option<EntryId> {
        self.core.log.unstable.snapshot_id()
    }

    /// Returns the last index that storage alone answers for: so much of the log is known to be durable.
    pub(crate) fn stored_last(&self) -> Index {
        self.core.log.stored_last()
    }

    /// Returns the last index that the application has applied.
    pub(crate) fn applied(&self) -> Index {
        self.core.applied
    }

    /// Shows the node, also one that has halted. Reads no storage.
    pub fn inspect(&self) -> Inspect<'_> {
        Inspect {
            id: self.core.id,
            term: self.core.term,
            vote: self.core.vote,
            leader: self.core.leader,
            role: self.role.name(),
            commit: self.core.commit,
            applied: self.core.applied,
            last: self.core.log.last(),
            stored: self.core.log.stored_last(),
            elapsed_ticks: self.core.timer.elapsed_ticks,
            pinned_ticks: self.core.timer.pinned_ticks,
            voters: &self.core.voters,
            conf_state: &self.core.conf,
            votes: match &self.role {
                Role::PreCandidate(votes) | Role::Candidate(votes) => Some(votes),
                Role::Follower | Role::Leader(_) => None,
            },
            halted: self.core.halted.as_ref(),
        }
    }

    /// Returns what a leader knows of its voters' logs, its own among them, in ascending order; nothing
    /// for any other role.
    pub fn progress(&self) -> impl Iterator<Item = (NodeId, &Progress)> {
        let leader = match &self.role {
            Role::Leader(leader) => Some(leader),
            Role::Follower | Role::PreCandidate(_) | Role::Candidate(_) => None,
        };
        leader
            .into_iter()
            .flat_map(|leader| leader.progress.iter().map(|(&id, peer)| (id, &**peer)))
    }

    /// Returns the settings.
    pub(crate) fn config(&self) -> &Config {
        &self.core.config
    }

    /// Returns the entries of `low..high`, durable or not. For those who look on: a read that fails here
    /// does not halt the node.
    ///
    /// # Errors
    /// What storage says; [`StorageError::Unavailable`] if `high` is beyond the end.
    pub fn entries(&self, low: Index, high: Index) -> Result<Vec<Entry>, StorageError> {
        let last = self.core.log.last_index();
        if low < high && high.0 > last.0 + 1 {
            return Err(StorageError::Unavailable { index: Index(high.0 - 1), last });
        }
        let entries = self.core.log.read_entries(low, high, None, Purpose::Check);
        entries.map_err(|halt| halt.why().clone())
    }

    /// Returns the storage.
    pub fn storage(&self) -> &S {
        &self.core.log.storage
    }

    /// Returns the storage, to write what was handed out.
    pub fn storage_mut(&mut self) -> &mut S {
        &mut self.core.log_for_owner().storage
    }

    /// Returns the journal of events.
    pub fn journal(&mut self) -> &mut Journal {
        self.core.journal()
    }

    /// Fixes the election timeout to this many ticks (`Some`), or lets it be drawn again (`None`). For
    /// tests and for stories, where chance would be in the way.
    pub fn pin_election_timeout(&mut self, timeout_ticks: Option<u64>) {
        self.core.pin(timeout_ticks);
    }

    /// Returns whether this node can lead: it is a voter, has its log, and there is a later term to lead.
    pub(crate) fn is_promotable(&self) -> bool {
        self.core.term < Term::LAST
            && self.core.voters.contains(self.core.id)
            && !self.core.log.is_installing()
    }
}
