//! Restart: what a node may believe of what it finds on its disk (Fig. 2, persistent state).
//!
//! ```text
//!   log      1@1 2@1 3@2            ends at 3
//!   commit             2            at most 3: what is committed is in the log
//!   applied         2               at most 3: what is applied was committed
//!   term, vote      2, n3           exactly as saved, or two leaders are elected in term 2
//! ```
//!
//! Invariant: a node that cannot keep its promises does not start. It says what is wrong, and somebody
//! looks; a node that starts with half a memory is a node that lies.

use crate::config::{ApplyGate, Config};
use crate::error::StartError;
use crate::storage::HardState;
use crate::types::{Index, Term};

impl Config {
    /// Checks what storage remembers, with a log that ends at `last`, and what the application says
    /// it has applied.
    ///
    /// An application that runs ahead of its log ([`ApplyGate::Ahead`]) may have applied what the
    /// crash took from it.
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
        let may_be_ahead = matches!(self.apply_gate, ApplyGate::Ahead(_));
        if self.applied > last && !may_be_ahead {
            return Err(StartError::AppliedBeyondLog { applied: self.applied, last });
        }
        Ok(())
    }
}
