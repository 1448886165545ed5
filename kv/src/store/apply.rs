//! Applying: what a committed entry does to the memtable.
//!
//! ```text
//!   entries 6@2 7@2 8@2 --> commands --evaluate--> one batch: data, requests seen, apply state
//!                               |                                  |
//!                               '-- outcomes                       v  one record of the WAL a round
//!                                      '---- callbacks <---- the batch is visible
//! ```
//!
//! Invariants, by the numbers of the list in `store.rs`:
//!
//! * (3) The applied index is in the same batch as the data of its entries. So no crash leaves one
//!   without the other, and a restart applies no entry twice. Callbacks come after the batch is visible.
//! * (6) A command that is refused moves the applied index, and changes nothing else.
//! * (15) Applying is a function of the entries: no clock, no random number. A setting that differs from the
//!   cluster's may end a store, and never changes what an entry does.

use super::callback::WriteCallback;
use super::error::KvError;
use super::proposal::{Proposal, ProposalQueue};
use crate::env::Moment;
use crate::memtable::{Family, Reader, WriteBatch};
use crate::model::{
    ApplyState, Command, Epoch, Outcome, Pending, Refusal, Region, Window, decode_commands,
    evaluate, keys,
};
use raft::{Entry, EntryId, Index, Payload, Term};
use std::fmt;
use std::sync::Arc;

/// What applies the entries of one region.
pub(crate) struct ApplyFsm {
    region: Arc<Region>,
    state: ApplyState,
    window: Window,
    /// The longest entry of the cluster: see [`crate::store::StoreConfig`].
    entry_bytes_max: usize,
}

/// What a round has applied, and who is to be told once it is visible.
#[derive(Default)]
pub(crate) struct Applied {
    /// The outcomes, in the order of the commands.
    outcomes: Vec<(WriteCallback, Result<Outcome, KvError>)>,
    /// When the latest of the leader's own entries was proposed.
    pub(crate) proposed: Option<Moment>,
}

/// An entry that cannot be applied: a bug of the proposer, or a log that is not ours. The peer stops.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ApplyError {
    /// The entry.
    pub id: EntryId,
    /// What is wrong with it.
    pub what: String,
}

impl ApplyFsm {
    /// Returns what applies a region's entries after those of `state`, if each may change
    /// `entry_bytes_max` at most.
    pub(crate) fn new(
        region: Arc<Region>,
        state: ApplyState,
        window: Window,
        entry_bytes_max: usize,
    ) -> ApplyFsm {
        ApplyFsm { region, state, window, entry_bytes_max }
    }

    /// Returns the last entry that is applied.
    pub(crate) fn applied(&self) -> EntryId {
        self.state.applied
    }

    /// Adds to `pending` what an entry does, and to `applied` who is to be told.
    ///
    /// # Errors
    /// [`ApplyError`]: nothing of this entry may be written.
    pub(crate) fn apply<R: Reader>(
        &mut self,
        entry: &Entry,
        proposals: &mut ProposalQueue,
        pending: &mut Pending<'_, R>,
        applied: &mut Applied,
    ) -> Result<(), ApplyError> {
        self.check_order(entry.id)?;
        let outcomes = self.apply_entry(entry, pending)?;
        if let Some(proposal) = proposals.take_committed(entry.id) {
            applied.note(proposal, outcomes, &self.region);
        }
        self.state.applied = entry.id;
        Ok(())
    }

    /// Adds the apply state to a batch. `commit` is the commit index that the peer knows.
    pub(crate) fn save(&mut self, commit: Index, batch: &mut WriteBatch) {
        self.state.commit = self.state.commit.max(commit);
        batch.put(Family::Raft, keys::apply_state(self.region.id), self.state.encode());
    }

    /// Checks that an entry is the next one.
    fn check_order(&self, id: EntryId) -> Result<(), ApplyError> {
        let applied = self.state.applied;
        if id.index == applied.index + 1 && id.term >= applied.term {
            return Ok(());
        }
        Err(ApplyError { id, what: format!("it cannot follow {applied}, the last one applied") })
    }

    /// Applies one entry, and returns the outcomes of its commands.
    fn apply_entry<R: Reader>(
        &mut self,
        entry: &Entry,
        pending: &mut Pending<'_, R>,
    ) -> Result<Vec<Outcome>, ApplyError> {
        let refuse = |what: String| ApplyError { id: entry.id, what };
        match entry.payload() {
            Payload::Noop => Ok(Vec::new()),
            Payload::Normal(data) => {
                let commands = decode_commands(data.clone());
                let (commands, limit) = commands.map_err(|error| refuse(error.to_string()))?;
                let most = self.entry_bytes_max;
                if limit > most {
                    return Err(refuse(format!(
                        "it may change {limit} bytes, but cluster_entry_bytes_max is {most}"
                    )));
                }
                pending.begin_entry(limit);
                Ok(self.run(entry.id.index, commands, pending))
            }
            Payload::Change(_) | Payload::ChangeV2(_) => {
                Err(refuse("changes of the group are not built yet".into()))
            }
        }
    }

    /// Runs the commands of one entry, each once: a repeated request gets its first outcome.
    fn run<R: Reader>(
        &mut self,
        index: Index,
        commands: Vec<Command>,
        pending: &mut Pending<'_, R>,
    ) -> Vec<Outcome> {
        let mut outcomes = Vec::with_capacity(commands.len());
        for command in commands {
            outcomes.push(match self.window.admit(command.request) {
                Err(first) => first,
                Ok(()) => {
                    let outcome = self.run_new(&command, pending);
                    self.window.record(command.request, outcome.clone());
                    outcome
                }
            });
        }
        self.window.save(self.region.id, index, pending.batch());
        outcomes
    }

    /// Runs a command that was not seen before.
    fn run_new<R: Reader>(&self, command: &Command, pending: &mut Pending<'_, R>) -> Outcome {
        let asked = command.epoch;
        match check_epoch(asked, &self.region) {
            Err(_) => Outcome::Refused(Refusal::EpochNotMatch { asked }),
            Ok(()) => evaluate(&command.write, &self.region, pending),
        }
    }
}

/// Checks that a command was made for the region as it is: at proposing, and again when it is applied.
/// Equality counts: a command of a later epoch is refused, too.
///
/// # Errors
/// The region as it is.
pub(crate) fn check_epoch(asked: Epoch, region: &Region) -> Result<(), Region> {
    if asked.version == region.epoch.version { Ok(()) } else { Err(region.clone()) }
}

impl Applied {
    /// Notes the outcomes of one entry for those who wait for it.
    fn note(&mut self, proposal: Proposal, outcomes: Vec<Outcome>, region: &Region) {
        self.proposed = self.proposed.max(Some(proposal.proposed));
        assert_eq!(proposal.callbacks.len(), outcomes.len(), "one callback a command");
        for (mut callback, outcome) in proposal.callbacks.into_iter().zip(outcomes) {
            callback.committed();
            self.outcomes.push((callback, told(outcome, region)));
        }
    }

    /// Tells everybody who waits. The batch must be visible.
    pub(crate) fn tell(self) {
        for (callback, outcome) in self.outcomes {
            callback.finish(outcome);
        }
    }

    /// Tells everybody who waits that nobody knows: the batch could not be written.
    pub(crate) fn give_up(self) {
        for (callback, _) in self.outcomes {
            callback.finish(Err(KvError::Undetermined));
        }
    }
}

/// Returns what the sender of a command is told.
fn told(outcome: Outcome, region: &Region) -> Result<Outcome, KvError> {
    match outcome {
        Outcome::Undetermined => Err(KvError::Undetermined),
        Outcome::Refused(Refusal::KeyNotInRegion) => {
            Err(KvError::KeyNotInRegion { region: region.id })
        }
        Outcome::Refused(Refusal::EpochNotMatch { asked }) => {
            Err(KvError::EpochNotMatch { asked, current: Box::new(region.clone()) })
        }
        outcome @ (Outcome::Done
        | Outcome::Number(_)
        | Outcome::Length(_)
        | Outcome::Txn { .. }
        | Outcome::Refused(_)) => Ok(outcome),
    }
}

/// Returns whether an entry of `term` is applied.
pub(crate) fn has_applied_term(applied: EntryId, term: Term) -> bool {
    applied.term == term
}

impl fmt::Display for ApplyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "entry {} cannot be applied: {}", self.id, self.what)
    }
}

impl std::error::Error for ApplyError {}
