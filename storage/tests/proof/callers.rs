//! Callers that share syncs, in every possible order (P11).
//!
//! ```text
//!   a caller    about to append --> asks --Lead--> syncs --> asks again --> durable, or broken
//!                                    | ^ '--Wait--> sleeps
//!                                    '-'   woken when a sync finishes or fails
//! ```
//!
//! The test steps the state machine as the threaded code does: to ask and to go to sleep is one step,
//! because both happen under one lock. The test visits every state that any order can reach.

use crate::counts::{Row, rounds, tally};
use std::collections::BTreeSet;
use storage::{GroupCommit, Lsn, SyncRole};

/// The next step of a caller.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Caller {
    Append,
    Ask(Lsn),
    Sleep(Lsn),
    /// The caller's sync is in progress. It covers what was written when it began.
    Sync {
        mine: Lsn,
        through: Lsn,
    },
    Durable(Lsn),
    Broken,
}

/// A state: the callers, what they share, and what the disk holds.
#[derive(Clone, Debug)]
struct SyncState {
    commit: GroupCommit,
    callers: Vec<Caller>,
    /// The last LSN that is written, and the last one that a finished sync covers.
    written: Lsn,
    synced: Lsn,
}

impl SyncState {
    /// Returns the state in a form that can be compared.
    fn key(&self) -> String {
        format!("{self:?}")
    }

    /// Wakes all sleeping callers.
    fn wake(&mut self) {
        for caller in &mut self.callers {
            if let Caller::Sleep(lsn) = *caller {
                *caller = Caller::Ask(lsn);
            }
        }
    }

    /// Returns the states that may follow when this caller goes on: one, or two if its sync may fail.
    fn after(&self, nth: usize) -> Vec<SyncState> {
        let mut next = self.clone();
        match self.callers[nth] {
            Caller::Append => {
                next.written = next.written.next();
                next.commit.append(next.written);
                next.callers[nth] = Caller::Ask(next.written);
            }
            Caller::Ask(mine) => match next.commit.ask(mine) {
                SyncRole::Durable => {
                    assert!(mine <= self.synced, "{mine} was reported durable: {self:#?}");
                    next.callers[nth] = Caller::Durable(mine);
                }
                SyncRole::Wait => next.callers[nth] = Caller::Sleep(mine),
                SyncRole::Lead { through } => {
                    assert_eq!(through, self.written, "a sync covers everything written");
                    let leads = |caller: &Caller| matches!(caller, Caller::Sync { .. });
                    assert!(!self.callers.iter().any(leads), "two lead: {self:#?}");
                    next.callers[nth] = Caller::Sync { mine, through };
                }
                SyncRole::Broken => next.callers[nth] = Caller::Broken,
            },
            Caller::Sync { mine, through } => {
                let mut failed = self.clone();
                failed.commit.finish_failed();
                failed.callers[nth] = Caller::Broken;
                failed.wake();
                next.synced = next.synced.max(through);
                next.commit.finish(through);
                next.callers[nth] = Caller::Ask(mine);
                next.wake();
                return vec![next, failed];
            }
            Caller::Sleep(_) | Caller::Durable(_) | Caller::Broken => return Vec::new(),
        }
        vec![next]
    }

    /// Returns whether every caller has its answer.
    fn is_over(&self) -> bool {
        self.callers.iter().all(|c| matches!(c, Caller::Durable(_) | Caller::Broken))
    }
}

#[test]
fn in_every_order_each_caller_gets_a_true_answer() {
    let callers = rounds(4, 5) as usize;
    let first = SyncState {
        commit: GroupCommit::after(Lsn(0)),
        callers: vec![Caller::Append; callers],
        written: Lsn(0),
        synced: Lsn(0),
    };
    let mut seen = BTreeSet::from([first.key()]);
    let mut waiting = vec![first];
    let mut fewest_syncs = u64::MAX;
    while let Some(state) = waiting.pop() {
        let next: Vec<SyncState> = (0..callers).flat_map(|nth| state.after(nth)).collect();
        if next.is_empty() {
            assert!(state.is_over(), "a caller sleeps for ever: {state:#?}");
            let all_durable = state.callers.iter().all(|c| matches!(c, Caller::Durable(_)));
            if all_durable {
                fewest_syncs = fewest_syncs.min(state.commit.syncs());
            }
        }
        waiting.extend(next.into_iter().filter(|state| seen.insert(state.key())));
    }
    assert_eq!(fewest_syncs, 1, "all callers may append before the first sync begins");
    tally(Row::Interleavings, seen.len() as u64, 100);
}
