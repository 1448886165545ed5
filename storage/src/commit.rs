//! Group commit: who syncs, and for whom.
//!
//! ```text
//!   t1  append 1  ask 1: lead through 1  ===== sync =====  finished 1
//!   t2       append 2  ask 2: wait ......................  ask 2: lead through 3  == sync ==  durable
//!   t3            append 3  ask 3: wait .................  ask 3: wait .....................  durable
//! ```
//!
//! One thread at a time syncs; whoever comes meanwhile waits, and whoever wakes first leads for all
//! that came. Nobody holds the writer's lock while syncing, so that the next group gathers.
//!
//! The rules are a state machine that a test can step; the lock around it and the waiting are not.
//!
//! Invariants: `durable <= appended`. A caller is told "durable" only of what a sync that began
//! after its append has finished. After a failure nobody leads again.

use crate::error::{Error, Result};
use crate::types::Lsn;
use std::sync::{Arc, Condvar, Mutex, MutexGuard};

/// What a caller has to do who wants its batch to be durable.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Duty {
    /// Nothing: it is.
    Durable,
    /// Wait, and ask again: somebody is syncing.
    Wait,
    /// Sync, for everything through this one, and say how it went.
    Lead {
        /// The last one that the sync covers.
        through: Lsn,
    },
    /// Give up: the disk has failed.
    Broken,
}

/// Who syncs, and for whom.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct GroupCommit {
    appended: Lsn,
    durable: Lsn,
    is_syncing: bool,
    is_broken: bool,
    syncs: u64,
}

impl GroupCommit {
    /// Returns the state in which everything through `durable` is durable, and nothing else is there.
    pub fn after(durable: Lsn) -> GroupCommit {
        GroupCommit { appended: durable, durable, is_syncing: false, is_broken: false, syncs: 0 }
    }

    /// Notes that a frame was written.
    pub fn append(&mut self, lsn: Lsn) {
        self.appended = lsn;
    }

    /// Says what a caller has to do who wants `lsn` to be durable.
    pub fn ask(&mut self, lsn: Lsn) -> Duty {
        if lsn <= self.durable {
            return Duty::Durable;
        }
        if self.is_broken {
            return Duty::Broken;
        }
        if self.is_syncing {
            return Duty::Wait;
        }
        self.is_syncing = true;
        Duty::Lead { through: self.appended }
    }

    /// Notes that the leader's sync has returned.
    pub fn finish(&mut self, through: Lsn) {
        self.is_syncing = false;
        self.durable = self.durable.max(through);
        self.syncs += 1;
    }

    /// Notes that the disk has failed, in a sync or elsewhere. Nothing more becomes durable, unless
    /// a sync that had begun returns after all.
    pub fn fail(&mut self) {
        self.is_broken = true;
    }

    /// Notes that the leader's sync has failed.
    pub fn finish_failed(&mut self) {
        self.is_syncing = false;
        self.is_broken = true;
    }

    /// Returns the last frame written.
    pub fn appended(&self) -> Lsn {
        self.appended
    }

    /// Returns up to where everything is durable.
    pub fn durable(&self) -> Lsn {
        self.durable
    }

    /// Returns how many syncs have returned.
    pub fn syncs(&self) -> u64 {
        self.syncs
    }
}

/// The state machine, the file that its leader syncs, and those who wait.
#[derive(Debug)]
pub(crate) struct Committer<F> {
    state: Mutex<(GroupCommit, Arc<F>)>,
    woken: Condvar,
}

impl<F> Committer<F> {
    /// Returns a committer for a file whose frames are all durable.
    pub(crate) fn new(durable: Lsn, file: Arc<F>) -> Committer<F> {
        Committer { state: Mutex::new((GroupCommit::after(durable), file)), woken: Condvar::new() }
    }

    /// Notes that a frame was written.
    pub(crate) fn append(&self, lsn: Lsn) {
        self.lock().0.append(lsn);
    }

    /// Lets later frames go to another file.
    ///
    /// # Panics
    /// If what was written to the one before is not durable.
    #[track_caller]
    pub(crate) fn turn_to(&self, file: Arc<F>) {
        let mut state = self.lock();
        let (appended, durable) = (state.0.appended(), state.0.durable());
        assert_eq!(appended, durable, "a segment is left only when all of it is durable");
        state.1 = file;
    }

    /// Returns when `lsn` is durable: by a sync of one's own, for all that wait, or by another's.
    ///
    /// # Errors
    /// [`Error::NotAppended`]; what `sync` says, or what `why_broken` says if the disk had failed
    /// before.
    pub(crate) fn wait_for(
        &self,
        lsn: Lsn,
        sync: impl Fn(&F) -> Result<()>,
        why_broken: impl Fn() -> Error,
    ) -> Result<()> {
        let mut state = self.lock();
        if lsn > state.0.appended() {
            return Err(Error::NotAppended { lsn, last: state.0.appended() });
        }
        loop {
            match state.0.ask(lsn) {
                Duty::Durable => return Ok(()),
                Duty::Broken => return Err(why_broken()),
                Duty::Wait => {
                    state = self.woken.wait(state).expect("no thread panics while it holds this");
                }
                Duty::Lead { through } => {
                    let file = state.1.clone();
                    drop(state);
                    let outcome = sync(&file);
                    state = self.lock();
                    match &outcome {
                        Ok(()) => state.0.finish(through),
                        Err(_) => state.0.finish_failed(),
                    }
                    self.woken.notify_all();
                    outcome?;
                }
            }
        }
    }

    /// Notes that the disk has failed, and wakes everybody.
    pub(crate) fn fail(&self) {
        self.lock().0.fail();
        self.woken.notify_all();
    }

    /// Returns the state machine as it is.
    pub(crate) fn state(&self) -> GroupCommit {
        self.lock().0.clone()
    }

    /// Locks the state.
    fn lock(&self) -> MutexGuard<'_, (GroupCommit, Arc<F>)> {
        self.state.lock().expect("no thread panics while it holds this")
    }
}
