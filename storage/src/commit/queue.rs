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
const PAUSE_SYNCS_MAX: u32 = 16;

/// Who wants something to be durable.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Caller {
    /// One who appended, and may soon append again.
    Writer,
    /// One who does the log's chores: it waits for nobody, for it may hold the writer's lock, and
    /// nobody waits for it.
    Chore,
}

/// What a caller has to do.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Turn {
    /// Go: it is durable.
    Go,
    /// Sleep until it is woken, and ask again unless it is told that its batch is durable.
    Sleep,
    /// The same, but ask again when the time for gathering is over: it is the attendant.
    SleepInTime,
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
pub(super) struct Calls<W> {
    /// Their batches are durable: they need not ask.
    pub(super) served: Vec<W>,
    /// They have to ask again.
    pub(super) again: Vec<W>,
}

/// One who waits.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Seat<W> {
    who: W,
    caller: Caller,
    lsn: Lsn,
    /// Whether it is the attendant: awake, or waking by itself when time is over.
    is_attendant: bool,
}

/// Group commit, and those who wait for it. A caller is known as a `W`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct CommitQueue<W> {
    commit: GroupCommit,
    /// Those who wait, in the order in which they came.
    seats: Vec<Seat<W>>,
    /// For how many writers the next sync waits; none while one is under way.
    due: usize,
    /// How many of them were waiting already when the last sync returned.
    stayed: usize,
    /// Whether the leader is a writer.
    is_led_by_writer: bool,
    /// How many syncs do without company after the next wait in vain.
    pause_syncs: u32,
    /// How many syncs still do.
    paused_syncs: u32,
}

impl<W: Clone + PartialEq> CommitQueue<W> {
    /// Returns the queue in which everything through `durable` is durable, and nobody waits.
    pub(super) fn after(durable: Lsn) -> CommitQueue<W> {
        CommitQueue {
            commit: GroupCommit::after(durable),
            seats: Vec::new(),
            due: 0,
            stayed: 0,
            is_led_by_writer: false,
            pause_syncs: 0,
            paused_syncs: 0,
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
        self.leave(who);
        if self.waits_for_company(caller, lsn) && is_in_time() {
            let is_attendant = !self.seats.iter().any(|seat| seat.is_attendant);
            self.sit(who, caller, lsn, is_attendant);
            return if is_attendant { Turn::SleepInTime } else { Turn::Sleep };
        }
        match self.commit.ask(lsn) {
            SyncRole::Durable => Turn::Go,
            SyncRole::Broken => Turn::GiveUp,
            SyncRole::Wait => {
                self.sit(who, caller, lsn, false);
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
    pub(super) fn finish(&mut self, through: Lsn) -> Calls<W> {
        self.commit.finish(through);
        let durable = self.commit.durable();
        let (served, stayed) = self.seats.drain(..).partition(|seat| seat.lsn <= durable);
        let served: Vec<Seat<W>> = served;
        self.seats = stayed;
        self.expect_again(writers(&served) + usize::from(self.is_led_by_writer));
        let next = self.seats.first_mut().map(|seat| {
            seat.is_attendant = true;
            seat.who.clone()
        });
        let served = served.into_iter().map(|seat| seat.who).collect();
        Calls { served, again: next.into_iter().collect() }
    }

    /// Notes that the leader's sync has failed, and says whom to wake: everybody.
    pub(super) fn finish_failed(&mut self) -> Calls<W> {
        self.commit.finish_failed();
        self.dismiss()
    }

    /// Notes that the disk has failed, in a sync or elsewhere, and says whom to wake: everybody.
    pub(super) fn fail(&mut self) -> Calls<W> {
        self.commit.fail();
        self.dismiss()
    }

    /// Returns whether a caller who could lead waits for company first.
    fn waits_for_company(&self, caller: Caller, lsn: Lsn) -> bool {
        caller == Caller::Writer
            && lsn > self.commit.durable()
            && writers(&self.seats) + 1 < self.due
    }

    /// Begins a sync: for all who wait, and for the one who leads.
    fn begin(&mut self, caller: Caller) {
        self.is_led_by_writer = caller == Caller::Writer;
        self.judge(writers(&self.seats) + usize::from(self.is_led_by_writer));
        self.due = 0;
    }

    /// Judges whether it was worth waiting for company: at least half of those who were away have to
    /// be back. Each time in vain doubles the number of syncs that do without.
    fn judge(&mut self, came: usize) {
        if self.due < 2 {
            return;
        }
        let (were_away, are_back) = (self.due - self.stayed, came.saturating_sub(self.stayed));
        if 2 * are_back >= were_away {
            self.pause_syncs = 0;
        } else {
            self.pause_syncs = (2 * self.pause_syncs).clamp(1, PAUSE_SYNCS_MAX);
            self.paused_syncs = self.pause_syncs;
        }
    }

    /// Expects writers who were served to come again, and to join those who wait.
    fn expect_again(&mut self, served: usize) {
        self.stayed = writers(&self.seats);
        self.due = served + self.stayed;
        if self.commit.is_broken() {
            self.due = 0;
        } else if self.paused_syncs > 0 {
            self.paused_syncs -= 1;
            self.due = 0;
        }
    }

    /// Sends everybody away, to ask again.
    fn dismiss(&mut self) -> Calls<W> {
        self.due = 0;
        let again = self.seats.drain(..).map(|seat| seat.who).collect();
        Calls { served: Vec::new(), again }
    }

    /// Lets a caller wait.
    fn sit(&mut self, who: &W, caller: Caller, lsn: Lsn, is_attendant: bool) {
        self.seats.push(Seat { who: who.clone(), caller, lsn, is_attendant });
    }

    /// Takes a caller who is awake out of the queue, if it is there.
    fn leave(&mut self, who: &W) {
        if let Some(at) = self.seats.iter().position(|seat| seat.who == *who) {
            self.seats.remove(at);
        }
    }
}

/// Returns how many of those who wait are writers.
fn writers<W>(seats: &[Seat<W>]) -> usize {
    seats.iter().filter(|seat| seat.caller == Caller::Writer).count()
}

#[cfg(test)]
mod tests;
