//! Restart: what a node may believe of what its storage remembers (Fig. 2, persistent state).
//!
//! ```text
//!   log      1@1 2@1 3@2            ends at 3
//!   commit             2            at most 3: what is committed is in the log
//!   applied         2               at most 3: what is applied was committed
//!   term, vote      2, n3           exactly as saved, or two leaders are elected in term 2
//! ```
//!
//! Invariant: a node that cannot keep its promises does not start. It says what is wrong, and a person
//! looks; a node that starts without a part of its memory breaks what it promised.

use crate::config::{ApplyGate, Config};
use crate::error::StartError;
use crate::state::{ConfState, HardState};
use crate::types::{Index, NodeId, Term};

impl Config {
    /// Checks what storage remembers, with a log that ends at `last`, and what the application says
    /// it has applied.
    ///
    /// An application that may run ahead of its log ([`ApplyGate::Ahead`]) may have applied entries that
    /// a crash took from the log: no more than the setting allows.
    ///
    /// # Errors
    /// [`StartError`] names what cannot be, with the numbers.
    pub(crate) fn check_restart(&self, hard: HardState, last: Index) -> Result<(), StartError> {
        let HardState { term, commit, .. } = hard;
        if term > Term::LAST {
            return Err(StartError::TermOutOfRange { term });
        }
        if commit > last {
            return Err(StartError::CommitBeyondLog { commit, last });
        }
        let may_be_ahead = match self.apply_gate {
            ApplyGate::Ahead(entries) => entries,
            ApplyGate::WithReady | ApplyGate::Durable => 0,
        };
        if self.applied.0 > last.0.saturating_add(may_be_ahead) {
            return Err(StartError::AppliedBeyondLog { applied: self.applied, last });
        }
        Ok(())
    }
}

impl Config {
    /// Checks that the first entry that the application lacks is in the log, which begins at `first`. An
    /// application that says 0 says nothing: what comes before the log counts as applied.
    ///
    /// # Errors
    /// [`StartError::AppliedBeforeLog`]: some entries would never be applied.
    pub(crate) fn check_applied(&self, first: Index) -> Result<(), StartError> {
        let applied = self.applied;
        if applied > Index(0) && applied + 1 < first {
            return Err(StartError::AppliedBeforeLog { applied, first });
        }
        Ok(())
    }
}

/// Checks the members, and that storage does not write node 0 for "none": such a node would be followed,
/// and asked for votes.
///
/// # Errors
/// [`StartError::NodeZero`] says where; [`StartError::ImpossibleMembers`] says what is wrong with them.
pub(crate) fn check_ids(hard: HardState, conf: &ConfState) -> Result<(), StartError> {
    if conf.voters.contains(&NodeId(0)) {
        return Err(StartError::NodeZero { said_to: "is a voter" });
    }
    if hard.vote == Some(NodeId(0)) {
        return Err(StartError::NodeZero { said_to: "has this node's vote" });
    }
    conf.check().map_err(StartError::ImpossibleMembers)
}
