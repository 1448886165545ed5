//! Group commit: which thread syncs, and for which others.
//!
//! ```text
//!   t1  append 1  ask 1: lead through 1  ===== sync =====  finished 1
//!   t2       append 2  ask 2: wait ......................  ask 2: lead through 3  == sync ==  durable
//!   t3            append 3  ask 3: wait .................  ask 3: wait .....................  durable
//! ```
//!
//! Only one thread syncs at a time, the leader. The other threads wait. When the sync has finished,
//! one of them leads the next sync, for all of them. No thread holds the writer's lock during a
//! sync. So other threads can append, and the next group forms.
//!
//! [`GroupCommit`] is a state machine with these rules, and a test can step through it. The queue
//! around it is a state machine, too: it decides which threads wake, and whether a leader waits for
//! more writers. The committer adds the lock and the sleeping.
//!
//! Invariants: `durable <= appended`. A caller is told "durable" only if a sync has finished that
//! began after the caller's append. After a failure no thread leads again.

mod committer; // the lock, the clock and the sleeping
mod queue; // which threads wake, and whether a leader waits for more writers

pub(crate) use committer::{Committer, Syncs};
pub(crate) use queue::Caller;

use crate::types::Lsn;

/// What a caller must do to make its batch durable.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SyncRole {
    /// Nothing: the batch is durable.
    Durable,
    /// Wait, and ask again: another caller is syncing.
    Wait,
    /// Sync, for all frames up to `through`. Then report with [`GroupCommit::finish`] or
    /// [`GroupCommit::finish_failed`].
    Lead {
        /// The last frame that the sync covers.
        through: Lsn,
    },
    /// Give up: the disk has failed.
    Broken,
}

/// The rules of group commit: one caller syncs for all that wait.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct GroupCommit {
    appended: Lsn,
    durable: Lsn,
    is_syncing: bool,
    is_broken: bool,
    syncs: u64,
}

impl GroupCommit {
    /// Returns the state of a log whose last frame is `durable`, and is durable.
    pub fn after(durable: Lsn) -> GroupCommit {
        GroupCommit { appended: durable, durable, is_syncing: false, is_broken: false, syncs: 0 }
    }

    /// Notes that a frame was written.
    pub fn append(&mut self, lsn: Lsn) {
        self.appended = lsn;
    }

    /// Returns what a caller must do to make everything up to and including `lsn` durable.
    pub fn ask(&mut self, lsn: Lsn) -> SyncRole {
        if lsn <= self.durable {
            return SyncRole::Durable;
        }
        if self.is_broken {
            return SyncRole::Broken;
        }
        if self.is_syncing {
            return SyncRole::Wait;
        }
        self.is_syncing = true;
        SyncRole::Lead { through: self.appended }
    }

    /// Notes that the leader's sync, of all frames up to `through`, has succeeded.
    pub fn finish(&mut self, through: Lsn) {
        self.is_syncing = false;
        self.durable = self.durable.max(through);
        self.syncs += 1;
    }

    /// Notes that the disk has failed, in a sync or elsewhere. No new sync begins. A sync that has
    /// begun may still succeed.
    pub fn fail(&mut self) {
        self.is_broken = true;
    }

    /// Notes that the leader's sync has failed.
    pub fn finish_failed(&mut self) {
        self.is_syncing = false;
        self.is_broken = true;
    }

    /// Returns whether the disk has failed.
    pub fn is_broken(&self) -> bool {
        self.is_broken
    }

    /// Returns the LSN of the last frame written.
    pub fn appended(&self) -> Lsn {
        self.appended
    }

    /// Returns the LSN up to which everything is durable.
    pub fn durable(&self) -> Lsn {
        self.durable
    }

    /// Returns how many syncs have succeeded.
    pub fn syncs(&self) -> u64 {
        self.syncs
    }
}
