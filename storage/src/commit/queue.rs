//! The queue of those who wait for a sync: whom to wake, and whether a leader waits for company.
//!
//! ```text
//!   eight callers, four of them in each sync       the same, once the leader waits for company
//!
//!   == a b c d ==                                  == a b c d ==
//!                == e f g h ==                                  ....== a b c d e f g h ==
//!                             == a b c d ==                     '--' a to d append again
//! ```
//!
//! When a sync returns, those whom it served go and append again, which takes microseconds; a sync
//! takes hundreds. So the next leader waits for as many callers as were served or were already
//! waiting. The last of them to come leads at once. Who measures time says when it is too late;
//! PostgreSQL's `commit_delay` is the same idea with a fixed time. There is no clock in here.
//!
//! Invariants: while nobody syncs and somebody waits, one of those who wait, the attendant, was woken
//! or wakes by itself when the time is over. A sync wakes those whom it served, and one more at most.
//! A failure wakes everybody. One caller alone waits for nobody. What is durable is [`GroupCommit`]'s
//! affair: whatever is decided here costs time at worst.

use super::{GroupCommit, SyncRole};
use crate::types::Lsn;

/// How many syncs in a row do without company, at most, after leaders have waited in vain.
const BACKOFF_SYNCS_MAX: u32 = 16;

/// Who wants something to be durable.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Caller {
    /// One who appended, and may soon append again.
    Writer,
    /// One who does the log's chores: it waits for nobody, for it may hold the writer's lock, and
    /// nobody waits for it.
    Maintenance,
}

/// What a caller has to do.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Turn {
    /// Go: it is durable.
    Go,
    /// Sleep until it is woken, and ask again unless it is told that its batch is durable.
    Sleep,
    /// The same, but ask again when the time for gathering is over: it is the attendant.
    SleepWithTimeout,
    /// Sync, for everything through this one.
    Lead {
        /// The last one that the sync covers.
        through: Lsn,
    },
    /// Give up: the disk has failed.
    GiveUp,
}

/// Whom to wake.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Wakeups<W> {
    /// Their batches are durable: they need not ask.
    pub(super) served: Vec<W>,
    /// They have to ask again.
    pub(super) again: Vec<W>,
}

/// One who waits.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Waiter<W> {
    who: W,
    caller: Caller,
    lsn: Lsn,
    /// Whether it is the attendant: awake, or waking by itself when time is over.
    is_next_leader: bool,
}

/// Group commit, and those who wait for it. A caller is known as a `W`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct CommitQueue<W> {
    commit: GroupCommit,
    /// Those who wait, in the order in which they came.
    waiters: Vec<Waiter<W>>,
    /// For how many writers the next sync waits; none while one is under way.
    expected: usize,
    /// How many of them were waiting already when the last sync returned.
    were_waiting: usize,
    /// Whether the leader is a writer.
    is_led_by_writer: bool,
    /// How many syncs do without company after the next wait in vain.
    backoff_syncs: u32,
    /// How many syncs still do.
    backoff_syncs_left: u32,
}

impl<W: Clone + PartialEq> CommitQueue<W> {
    /// Returns the queue in which everything through `durable` is durable, and nobody waits.
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

    /// Says what a caller has to do who wants `lsn` to be durable. `is_in_time` says whether there is
    /// still time for company to come; it is asked only if somebody is due.
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

    /// Notes that the leader's sync has returned, and says whom to wake: those whom it served, and
    /// the one who attends to the next.
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

    /// Notes that the leader's sync has failed, and says whom to wake: everybody.
    pub(super) fn finish_failed(&mut self) -> Wakeups<W> {
        self.commit.finish_failed();
        self.wake_all()
    }

    /// Notes that the disk has failed, in a sync or elsewhere, and says whom to wake: everybody.
    pub(super) fn fail(&mut self) -> Wakeups<W> {
        self.commit.fail();
        self.wake_all()
    }

    /// Returns whether a caller who could lead waits for company first.
    fn waits_for_writers(&self, caller: Caller, lsn: Lsn) -> bool {
        caller == Caller::Writer
            && lsn > self.commit.durable()
            && writers(&self.waiters) + 1 < self.expected
    }

    /// Begins a sync: for all who wait, and for the one who leads.
    fn begin(&mut self, caller: Caller) {
        self.is_led_by_writer = caller == Caller::Writer;
        self.update_backoff(writers(&self.waiters) + usize::from(self.is_led_by_writer));
        self.expected = 0;
    }

    /// Judges whether it was worth waiting for company: at least half of those who were away have to
    /// be back. Each time in vain doubles the number of syncs that do without.
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

    /// Expects writers who were served to come again, and to join those who wait.
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

    /// Sends everybody away, to ask again.
    fn wake_all(&mut self) -> Wakeups<W> {
        self.expected = 0;
        let again = self.waiters.drain(..).map(|waiter| waiter.who).collect();
        Wakeups { served: Vec::new(), again }
    }

    /// Lets a caller wait.
    fn enqueue(&mut self, who: &W, caller: Caller, lsn: Lsn, is_next_leader: bool) {
        self.waiters.push(Waiter { who: who.clone(), caller, lsn, is_next_leader });
    }

    /// Takes a caller who is awake out of the queue, if it is there.
    fn dequeue(&mut self, who: &W) {
        if let Some(at) = self.waiters.iter().position(|waiter| waiter.who == *who) {
            self.waiters.remove(at);
        }
    }
}

/// Returns how many of those who wait are writers.
fn writers<W>(waiters: &[Waiter<W>]) -> usize {
    waiters.iter().filter(|waiter| waiter.caller == Caller::Writer).count()
}

#[cfg(test)]
mod tests;
