//! The queue of callers that wait for a sync: which to wake, and whether a leader waits for more.
//!
//! ```text
//!   eight callers, four of them in each sync       the same eight, when the leader waits for more
//!
//!   == a b c d ==                                  == a b c d ==
//!                == e f g h ==                                  ....== a b c d e f g h ==
//!                             == a b c d ==                     '--' a to d append again
//! ```
//!
//! When a sync returns, the callers that it served append again. That takes microseconds, and a
//! sync takes hundreds. So the next leader waits until as many callers wait as were served or were
//! waiting already. The last of them to come leads at once. PostgreSQL's `commit_delay` is the same
//! idea with a fixed time. The queue has no clock: its caller says whether there is still time to
//! wait.
//!
//! Invariants: while no caller syncs and some wait, one of them is the next leader. It was woken,
//! or it wakes by itself when the time is over. A sync wakes the callers that it served, and at
//! most one more. A failure wakes all. A single caller never waits. [`GroupCommit`] alone decides
//! what is durable: a wrong decision of the queue can only cost time.

use super::{GroupCommit, SyncRole};
use crate::types::Lsn;

/// The longest backoff: this many syncs in a row do not wait for more writers, after waits that did
/// not help.
const BACKOFF_SYNCS_MAX: u32 = 16;

/// What kind of caller waits for a sync.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Caller {
    /// A thread that appended, and may append again soon.
    Writer,
    /// A thread that does maintenance. It may hold the writer's lock, so it never waits for more
    /// writers. And no leader waits for it.
    Maintenance,
}

/// What a caller must do.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Turn {
    /// Return: the batch is durable.
    Go,
    /// Sleep until another thread wakes it. Then ask again, unless it is told that its batch is
    /// durable.
    Sleep,
    /// As `Sleep`, but also wake and ask again when the time is over: this caller is the next
    /// leader.
    SleepWithTimeout,
    /// Sync, for all frames up to `through`.
    Lead {
        /// The last frame that the sync covers.
        through: Lsn,
    },
    /// Give up: the disk has failed.
    GiveUp,
}

/// Which callers to wake.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Wakeups<W> {
    /// Callers whose batches are durable: they need not ask again.
    pub(super) served: Vec<W>,
    /// Callers that must ask again.
    pub(super) again: Vec<W>,
}

/// A caller that waits.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Waiter<W> {
    who: W,
    caller: Caller,
    lsn: Lsn,
    /// Whether this is the next leader: it is awake, or it wakes by itself when the time is over.
    is_next_leader: bool,
}

/// Group commit, and the callers that wait for it. A `W` identifies a caller.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct CommitQueue<W> {
    commit: GroupCommit,
    /// The callers that wait, in the order in which they came.
    waiters: Vec<Waiter<W>>,
    /// How many writers the next sync waits for; 0 during a sync.
    expected: usize,
    /// How many of these were already waiting when the last sync returned.
    were_waiting: usize,
    /// Whether the leader is a writer.
    is_led_by_writer: bool,
    /// The length of the last backoff: how many syncs did not wait. 0 if the last wait helped.
    backoff_syncs: u32,
    /// How many syncs of the backoff are left.
    backoff_syncs_left: u32,
}

impl<W: Clone + PartialEq> CommitQueue<W> {
    /// Returns the queue of a log whose last frame is `durable`, and is durable. No caller waits.
    pub(super) fn after(durable: Lsn) -> CommitQueue<W> {
        CommitQueue {
            commit: GroupCommit::after(durable),
            waiters: Vec::new(),
            expected: 0,
            were_waiting: 0,
            is_led_by_writer: false,
            backoff_syncs: 0,
            backoff_syncs_left: 0,
        }
    }

    /// Returns what is appended and what is durable.
    pub(super) fn commit(&self) -> &GroupCommit {
        &self.commit
    }

    /// Notes that a frame was written.
    pub(super) fn append(&mut self, lsn: Lsn) {
        self.commit.append(lsn);
    }

    /// Returns what a caller must do to make everything up to and including `lsn` durable.
    /// `is_in_time` says whether there is still time to wait for more writers. It is called only if
    /// more are expected.
    pub(super) fn ask(
        &mut self,
        who: &W,
        caller: Caller,
        lsn: Lsn,
        is_in_time: impl FnOnce() -> bool,
    ) -> Turn {
        self.dequeue(who);
        if self.waits_for_writers(caller, lsn) && is_in_time() {
            let is_next_leader = !self.waiters.iter().any(|waiter| waiter.is_next_leader);
            self.enqueue(who, caller, lsn, is_next_leader);
            return if is_next_leader { Turn::SleepWithTimeout } else { Turn::Sleep };
        }
        match self.commit.ask(lsn) {
            SyncRole::Durable => Turn::Go,
            SyncRole::Broken => Turn::GiveUp,
            SyncRole::Wait => {
                self.enqueue(who, caller, lsn, false);
                Turn::Sleep
            }
            SyncRole::Lead { through } => {
                self.begin(caller);
                Turn::Lead { through }
            }
        }
    }

    /// Notes that the leader's sync has succeeded. Returns which callers to wake: those that it
    /// served, and the next leader.
    pub(super) fn finish(&mut self, through: Lsn) -> Wakeups<W> {
        self.commit.finish(through);
        let durable = self.commit.durable();
        let (served, were_waiting) =
            self.waiters.drain(..).partition(|waiter| waiter.lsn <= durable);
        let served: Vec<Waiter<W>> = served;
        self.waiters = were_waiting;
        self.expect_again(writers(&served) + usize::from(self.is_led_by_writer));
        let next = self.waiters.first_mut().map(|waiter| {
            waiter.is_next_leader = true;
            waiter.who.clone()
        });
        let served = served.into_iter().map(|waiter| waiter.who).collect();
        Wakeups { served, again: next.into_iter().collect() }
    }

    /// Notes that the leader's sync has failed. Returns which callers to wake: all.
    pub(super) fn finish_failed(&mut self) -> Wakeups<W> {
        self.commit.finish_failed();
        self.wake_all()
    }

    /// Notes that the disk has failed, in a sync or elsewhere. Returns which callers to wake: all.
    pub(super) fn fail(&mut self) -> Wakeups<W> {
        self.commit.fail();
        self.wake_all()
    }

    /// Returns whether a caller that could lead waits for more writers first.
    fn waits_for_writers(&self, caller: Caller, lsn: Lsn) -> bool {
        caller == Caller::Writer
            && lsn > self.commit.durable()
            && writers(&self.waiters) + 1 < self.expected
    }

    /// Begins a sync, for the leader and for all that wait.
    fn begin(&mut self, caller: Caller) {
        self.is_led_by_writer = caller == Caller::Writer;
        self.update_backoff(writers(&self.waiters) + usize::from(self.is_led_by_writer));
        self.expected = 0;
    }

    /// Decides whether the wait helped: at least half of the writers that were away must be back.
    /// Each wait that did not help doubles the backoff: the number of syncs that do not wait.
    fn update_backoff(&mut self, came: usize) {
        if self.expected < 2 {
            return;
        }
        let (were_away, are_back) =
            (self.expected - self.were_waiting, came.saturating_sub(self.were_waiting));
        if 2 * are_back >= were_away {
            self.backoff_syncs = 0;
        } else {
            self.backoff_syncs = (2 * self.backoff_syncs).clamp(1, BACKOFF_SYNCS_MAX);
            self.backoff_syncs_left = self.backoff_syncs;
        }
    }

    /// Expects the writers that were served to come again, and to join those that wait.
    fn expect_again(&mut self, served: usize) {
        self.were_waiting = writers(&self.waiters);
        self.expected = served + self.were_waiting;
        if self.commit.is_broken() {
            self.expected = 0;
        } else if self.backoff_syncs_left > 0 {
            self.backoff_syncs_left -= 1;
            self.expected = 0;
        }
    }

    /// Empties the queue: all callers must wake and ask again.
    fn wake_all(&mut self) -> Wakeups<W> {
        self.expected = 0;
        let again = self.waiters.drain(..).map(|waiter| waiter.who).collect();
        Wakeups { served: Vec::new(), again }
    }

    /// Puts a caller into the queue.
    fn enqueue(&mut self, who: &W, caller: Caller, lsn: Lsn, is_next_leader: bool) {
        self.waiters.push(Waiter { who: who.clone(), caller, lsn, is_next_leader });
    }

    /// Takes a caller that is awake out of the queue, if it is there.
    fn dequeue(&mut self, who: &W) {
        if let Some(at) = self.waiters.iter().position(|waiter| waiter.who == *who) {
            self.waiters.remove(at);
        }
    }
}

/// Returns how many waiters are writers.
fn writers<W>(waiters: &[Waiter<W>]) -> usize {
    waiters.iter().filter(|waiter| waiter.caller == Caller::Writer).count()
}

#[cfg(test)]
mod tests;
