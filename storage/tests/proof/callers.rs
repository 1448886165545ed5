//! Callers: those who share syncs, in every order there is (P11).
//!
//! ```text
//!   a caller    about to append --> asks --Lead--> syncs --> asks again --> durable, or broken
//!                                    | ^ '--Wait--> sleeps
//!                                    '-'   woken by whoever finishes a sync, or fails
//! ```
//!
//! The state machine is stepped as its threaded shell steps it: asking, and going to sleep, are one
//! step, for they happen under one lock. All states that any order can reach are gone through.

use crate::counts::{Row, rounds, tally};
use std::collections::BTreeSet;
use storage::{GroupCommit, Lsn, SyncRole};

/// What a caller is about to do.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Caller {
    Append,
    Ask(Lsn),
    Sleep(Lsn),
    /// Its sync is under way. It covers what was written when it began.
    Sync {
        mine: Lsn,
        through: Lsn,
    },
    Durable(Lsn),
    Broken,
}

/// The callers, what they share, and what the disk holds.
#[derive(Clone, Debug)]
struct Hall {
    commit: GroupCommit,
    callers: Vec<Caller>,
    /// What has been written; what of it a sync that returned had found.
    written: Lsn,
    platter: Lsn,
}

impl Hall {
    /// Returns the state in a form that can be compared.
    fn key(&self) -> String {
        format!("{self:?}")
    }

    /// Wakes whoever sleeps.
    fn wake(&mut self) {
        for caller in &mut self.callers {
            if let Caller::Sleep(lsn) = *caller {
                *caller = Caller::Ask(lsn);
            }
        }
    }

    /// Returns what may come next, if this caller goes on: one way, or two if its sync may fail.
    fn after(&self, nth: usize) -> Vec<Hall> {
        let mut next = self.clone();
        match self.callers[nth] {
            Caller::Append => {
                next.written = next.written.next();
                next.commit.append(next.written);
                next.callers[nth] = Caller::Ask(next.written);
            }
            Caller::Ask(mine) => match next.commit.ask(mine) {
                SyncRole::Durable => {
                    assert!(mine <= self.platter, "{mine} was called durable: {self:#?}");
                    next.callers[nth] = Caller::Durable(mine);
                }
                SyncRole::Wait => next.callers[nth] = Caller::Sleep(mine),
                SyncRole::Lead { through } => {
                    assert_eq!(through, self.written, "a sync is for all that came");
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
                next.platter = next.platter.max(through);
                next.commit.finish(through);
                next.callers[nth] = Caller::Ask(mine);
                next.wake();
                return vec![next, failed];
            }
            Caller::Sleep(_) | Caller::Durable(_) | Caller::Broken => return Vec::new(),
        }
        vec![next]
    }

    /// Returns whether everybody has got an answer.
    fn is_over(&self) -> bool {
        self.callers.iter().all(|c| matches!(c, Caller::Durable(_) | Caller::Broken))
    }
}

#[test]
fn in_every_order_of_callers_each_is_answered_and_the_answer_is_true() {
    let callers = rounds(4, 5) as usize;
    let first = Hall {
        commit: GroupCommit::after(Lsn(0)),
        callers: vec![Caller::Append; callers],
        written: Lsn(0),
        platter: Lsn(0),
    };
    let mut seen = BTreeSet::from([first.key()]);
    let mut waiting = vec![first];
    let mut fewest_syncs = u64::MAX;
    while let Some(hall) = waiting.pop() {
        let next: Vec<Hall> = (0..callers).flat_map(|nth| hall.after(nth)).collect();
        if next.is_empty() {
            assert!(hall.is_over(), "somebody sleeps for ever: {hall:#?}");
            let all_durable = hall.callers.iter().all(|c| matches!(c, Caller::Durable(_)));
            if all_durable {
                fewest_syncs = fewest_syncs.min(hall.commit.syncs());
            }
        }
        waiting.extend(next.into_iter().filter(|hall| seen.insert(hall.key())));
    }
    assert_eq!(fewest_syncs, 1, "all may come before the first sync begins");
    tally(Row::Interleavings, seen.len() as u64, 100);
}
