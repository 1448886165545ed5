//! Callbacks: how the sender of a request learns what became of it.
//!
//! ```text
//!   a write   Proposed --> Committed --> Finished      each at most once, in this order;
//!                  '-----------'-----------^           Finished exactly once
//!   a read    the view, or an error: exactly once
//! ```
//!
//! Invariant 14 of the store: every callback is finished exactly once. The type keeps half of it: to
//! finish consumes the callback. The other half is the drop guard: a callback that is dropped
//! unfinished is a bug of the store. It panics in a debug build, and says
//! [`KvError::Undetermined`] in a release build, so that nobody waits for ever.

use super::error::KvError;
use super::read::RegionSnapshot;
use crate::model::Outcome;
use std::fmt;

/// What the sender of a write learns.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum WriteEvent {
    /// The write is an entry of the leader's log. It may still be lost.
    Proposed,
    /// The entry is committed: the write will be applied, unless it is refused then.
    Committed,
    /// The write is applied, and this is its outcome; or it was refused, or nobody knows.
    Finished(Result<Outcome, KvError>),
}

/// What is called with each event of a write.
type OnWrite = Box<dyn FnMut(WriteEvent) + Send>;

/// What is called when a read ends.
type OnRead = Box<dyn FnOnce(Result<RegionSnapshot, KvError>) + Send>;

/// The callback of a write.
pub struct WriteCallback {
    /// None once it has finished.
    on: Option<OnWrite>,
}

/// The callback of a read.
pub struct ReadCallback {
    /// None once it has finished.
    on: Option<OnRead>,
}

impl WriteCallback {
    /// Returns a callback that calls `on` with each event.
    pub fn new(on: impl FnMut(WriteEvent) + Send + 'static) -> WriteCallback {
        WriteCallback { on: Some(Box::new(on)) }
    }

    /// Says that the write is in the leader's log.
    pub(crate) fn proposed(&mut self) {
        self.tell(WriteEvent::Proposed);
    }

    /// Says that the write is committed.
    pub(crate) fn committed(&mut self) {
        self.tell(WriteEvent::Committed);
    }

    /// Says how the write ended.
    pub(crate) fn finish(mut self, outcome: Result<Outcome, KvError>) {
        // Taken out before it is called: if it panics, it is not called again.
        if let Some(mut on) = self.on.take() {
            on(WriteEvent::Finished(outcome));
        }
    }

    fn tell(&mut self, event: WriteEvent) {
        if let Some(on) = &mut self.on {
            on(event);
        }
    }
}

impl ReadCallback {
    /// Returns a callback that calls `on` once.
    pub fn new(on: impl FnOnce(Result<RegionSnapshot, KvError>) + Send + 'static) -> ReadCallback {
        ReadCallback { on: Some(Box::new(on)) }
    }

    /// Says how the read ended.
    pub(crate) fn finish(mut self, outcome: Result<RegionSnapshot, KvError>) {
        if let Some(on) = self.on.take() {
            on(outcome);
        }
    }
}

impl Drop for WriteCallback {
    fn drop(&mut self) {
        if let Some(mut on) = self.on.take() {
            on(WriteEvent::Finished(Err(KvError::Undetermined)));
            guard("a write");
        }
    }
}

impl Drop for ReadCallback {
    fn drop(&mut self) {
        if let Some(on) = self.on.take() {
            on(Err(KvError::Undetermined));
            guard("a read");
        }
    }
}

/// Complains that the store has forgotten a callback.
fn guard(what: &str) {
    let is_bug = cfg!(debug_assertions) && !std::thread::panicking();
    assert!(!is_bug, "the callback of {what} was dropped, and nobody has been told how it ended");
}

impl fmt::Debug for WriteCallback {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WriteCallback")
    }
}

impl fmt::Debug for ReadCallback {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ReadCallback")
    }
}
