//! Group commit: which thread syncs, and for which others.
//!
//! ```text
//!   t1  append 1  ask 1: lead through 1  ===== sync =====  finished 1
//!   t2       append 2  ask 2: wait ......................  ask 2: lead through 3  == sync ==  durable
//!   t3            append 3  ask 3: wait .................  ask 3: wait .....................  durable
//! ```
//!
//! Only one thread syncs at a time, the leader. The other threads wait meanwhile. When the sync has
//! finished, one of them leads the next sync, for all of them. No thread holds the writer's lock
//! during a sync, so other threads can append, and the next group forms.
//!
//! These rules are a state machine, and a test can step through it. The queue around it is a state
//! machine, too: it decides which threads wake, and whether a leader waits for more appends. The
//! committer adds the lock and the sleeping.
//!
//! Invariants: `durable <= appended`. A caller is told "durable" only if a sync has finished that
//! began after the caller's append. After a failure no thread leads again.

mod committer; // the lock, the clock and the sleeping
mod queue; // whom to wake, and whether a leader waits for company

pub(crate) use committer::{Committer, Syncs};
pub(crate) use queue::Caller;

use crate::types::Lsn;

/// What a caller has to do who wants its batch to be durable.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SyncRole {
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

    /// Returns whether the disk has failed.
    pub fn is_broken(&self) -> bool {
        self.is_broken
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
