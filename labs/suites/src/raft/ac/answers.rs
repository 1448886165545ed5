//! What an owner reports, row by row: a node accepts it, or refuses it and stays as it was.
//!
//! ```text
//!    row  on_persist_ready              must be     was
//!      1  1, before any was taken       refused     refused
//!         1, ...: the node              as it was   changed    x
//! ```

use super::owner::Owner;
use harness::{Failure, Rule, Table};
use raft::{MemoryStorage, RawNode};
use std::fmt::{self, Display};

/// How a node answers its owner.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Answer {
    Taken,
    Refused,
}

impl Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Answer::Taken => "taken",
            Answer::Refused => "refused",
        })
    }
}

/// A table of answers.
pub(super) struct Answers(Table);

impl Answers {
    pub(super) fn new(rule: &Rule, head: &str, intro: &str) -> Self {
        Answers(Table::new(rule, head).intro(intro))
    }

    /// Reports something to n1, and adds its answer; if n1 refuses, also whether n1 has changed.
    pub(super) fn tell<T, E>(
        &mut self,
        n1: &mut Owner,
        what: &str,
        must_be: Answer,
        say: impl FnOnce(&mut RawNode<MemoryStorage>) -> Result<T, E>,
    ) {
        let before = n1.node().clone();
        let was = say(n1.node()).map_or(Answer::Refused, |_| Answer::Taken);
        self.0.equal(what, must_be, was);
        if was == Answer::Refused {
            let now = if before == *n1.node() { "as it was" } else { "changed" };
            self.0.equal(format!("{what}: the node"), "as it was", now);
        }
    }

    /// Returns the failure for the card if a row does not hold.
    pub(super) fn failure(self) -> Option<Failure> {
        self.0.failure()
    }
}
