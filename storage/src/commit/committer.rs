//! The committer: the lock around the queue, the clock, and the sleeping.
//!
//! ```text
//!   lock --> ask --> lead: let go of the lock, sync, lock --> finish --> wake those served
//!              '---> sleep: let go of the lock, sleep ---> told "durable": return without the lock
//!                                                 '------> told "ask again", or time is over: ask
//! ```
//!
//! What to do is the queue's decision; this only does it. Each sleeper has a bed of its own, so that
//! nobody wakes in vain, and who is served need not take the lock once more.
//!
//! Invariant: who sleeps has a seat in the queue, and who takes a seat away wakes its owner.

use super::GroupCommit;
use super::queue::{Caller, CommitQueue, Turn, Wakeups};
use crate::error::{Error, Result};
use crate::types::Lsn;
use core::time::Duration;
use std::sync::{Arc, Condvar, Mutex, MutexGuard};

/// A leader waits for company for no longer than the last sync took, divided by this; all who wait for
/// the same sync together, counted from the end of the last one.
const SHARE_OF_SYNC: u32 = 2;

/// The queue, and the file that its leader syncs.
#[derive(Debug)]
pub(crate) struct Committer<F> {
    state: Mutex<CommitterState<F>>,
}

/// What the lock is for.
#[derive(Debug)]
struct CommitterState<F> {
    queue: CommitQueue<Sleeper>,
    file: Arc<F>,
    /// Until when a leader waits for company, by the disk's clock.
    gathers_until: Duration,
}

/// What a leader needs of the log.
pub(crate) trait Syncs<F> {
    /// Syncs a file.
    ///
    /// # Errors
    /// What the disk says.
    fn sync(&self, file: &F) -> Result<()>;

    /// Returns why the disk is no longer used.
    fn why_broken(&self) -> Error;

    /// Returns how long the disk's clock has run.
    fn now(&self) -> Duration;
}

impl<F> Committer<F> {
    /// Returns a committer for a file whose frames are all durable.
    pub(crate) fn new(durable: Lsn, file: Arc<F>) -> Committer<F> {
        let queue = CommitQueue::after(durable);
        Committer {
            state: Mutex::new(CommitterState { queue, file, gathers_until: Duration::ZERO }),
        }
    }

    /// Notes that a frame was written.
    pub(crate) fn append(&self, lsn: Lsn) {
        self.lock().queue.append(lsn);
    }

    /// Lets later frames go to another file.
    ///
    /// # Panics
    /// If what was written to the one before is not durable.
    #[track_caller]
    pub(crate) fn switch_to(&self, file: Arc<F>) {
        let mut state = self.lock();
        let commit = state.queue.commit();
        let (appended, durable) = (commit.appended(), commit.durable());
        assert_eq!(appended, durable, "a segment is left only when all of it is durable");
        state.file = file;
    }

    /// Returns when `lsn` is durable: by a sync of one's own, for all that wait, or by another's.
    ///
    /// # Errors
    /// [`Error::NotAppended`]; what the sync says, or why the log is broken if the disk had failed
    /// before.
    pub(crate) fn wait_for(&self, lsn: Lsn, caller: Caller, log: &impl Syncs<F>) -> Result<()> {
        let mut state = self.lock();
        let last = state.queue.commit().appended();
        if lsn > last {
            return Err(Error::NotAppended { lsn, last });
        }
        let me = Sleeper::default();
        let mut has_waited = false; // its time is over then, even if the clock stands still
        loop {
            let until = state.gathers_until;
            let told = match state.queue.ask(&me, caller, lsn, || !has_waited && log.now() < until)
            {
                Turn::Go => return Ok(()),
                Turn::GiveUp => return Err(log.why_broken()),
                Turn::Lead { through } => {
                    self.lead(state, through, log)?;
                    WakeReason::AskAgain
                }
                Turn::Sleep => {
                    drop(state);
                    me.sleep()
                }
                Turn::SleepWithTimeout => {
                    drop(state);
                    me.sleep_for(until.saturating_sub(log.now()))
                }
            };
            match told {
                WakeReason::Durable => return Ok(()),
                WakeReason::AskAgain => {}
                WakeReason::Nothing => has_waited = true,
            }
            state = self.lock();
        }
    }

    /// Syncs for everything through `through`, says how it went, and wakes those whom it concerns.
    fn lead(
        &self,
        state: MutexGuard<'_, CommitterState<F>>,
        through: Lsn,
        log: &impl Syncs<F>,
    ) -> Result<()> {
        let file = state.file.clone();
        drop(state);
        let begun = log.now();
        let outcome = log.sync(&file);
        let ended = log.now();
        let mut state = self.lock();
        let wakeups = match &outcome {
            Ok(()) => state.queue.finish(through),
            Err(_) => state.queue.finish_failed(),
        };
        state.gathers_until = ended + ended.saturating_sub(begun) / SHARE_OF_SYNC;
        drop(state);
        wake(wakeups);
        outcome
    }

    /// Notes that the disk has failed, and wakes everybody.
    pub(crate) fn fail(&self) {
        let wakeups = self.lock().queue.fail();
        wake(wakeups);
    }

    /// Returns the state machine as it is.
    pub(crate) fn state(&self) -> GroupCommit {
        self.lock().queue.commit().clone()
    }

    /// Locks the state.
    fn lock(&self) -> MutexGuard<'_, CommitterState<F>> {
        self.state.lock().expect("no thread panics while it holds this")
    }
}

/// Wakes sleepers.
fn wake(wakeups: Wakeups<Sleeper>) {
    for sleeper in wakeups.served {
        sleeper.wake(WakeReason::Durable);
    }
    for sleeper in wakeups.again {
        sleeper.wake(WakeReason::AskAgain);
    }
}

/// What a sleeper hears when it wakes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
enum WakeReason {
    /// Nothing yet: it sleeps, or its time is over.
    #[default]
    Nothing,
    /// To ask again.
    AskAgain,
    /// That its batch is durable.
    Durable,
}

/// A thread that sleeps, or may.
#[derive(Clone, Debug, Default)]
struct Sleeper {
    slot: Arc<(Mutex<WakeReason>, Condvar)>,
}

impl PartialEq for Sleeper {
    fn eq(&self, other: &Sleeper) -> bool {
        Arc::ptr_eq(&self.slot, &other.slot)
    }
}

impl Sleeper {
    /// Sleeps until it is told something, and returns what.
    fn sleep(&self) -> WakeReason {
        let told = self.told();
        let mut told = self.slot.1.wait_while(told, |told| *told == WakeReason::Nothing);
        std::mem::take(told.as_mut().expect("no thread panics while it holds this"))
    }

    /// The same, but for no longer than `time`.
    fn sleep_for(&self, time: Duration) -> WakeReason {
        let told = self.told();
        let slept = self.slot.1.wait_timeout_while(told, time, |told| *told == WakeReason::Nothing);
        let (mut told, _) = slept.expect("no thread panics while it holds this");
        std::mem::take(&mut *told)
    }

    /// Tells it something.
    fn wake(&self, what: WakeReason) {
        *self.told() = what;
        self.slot.1.notify_one();
    }

    /// Locks what it is told.
    fn told(&self) -> MutexGuard<'_, WakeReason> {
        self.slot.0.lock().expect("no thread panics while it holds this")
    }
}
