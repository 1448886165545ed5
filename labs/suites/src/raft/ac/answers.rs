//! What an owner reports, row by row: a node accepts it, or refuses it and stays as it was.
//!
//! ```text
//!    row  on_persist_ready              must be     was
//!      1  1, before any was taken       refused     refused
//!         1, ...: the node              as it was   changed    x
//! ```

use super::owner::Owner;
use crate::raft::rule;
use harness::{Failure, Table};
use raft::{MemoryStorage, RawNode};

/// How a node answers its owner.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Answer {
    Taken,
    Refused,
}

impl Answer {
    fn say(self) -> &'static str {
        match self {
            Answer::Taken => "taken",
            Answer::Refused => "refused",
        }
    }
}

/// A table of answers.
pub(super) struct Answers {
    head: &'static str,
    intro: &'static str,
    /// What is reported, what the answer must be, and what it was.
    rows: Vec<(String, &'static str, &'static str)>,
    /// Whether a correct report was refused, and every mistake too.
    is_too_strict: bool,
}

impl Answers {
    pub(super) fn new(head: &'static str, intro: &'static str) -> Self {
        Answers { head, intro, rows: Vec::new(), is_too_strict: true }
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
        self.rows.push((what.to_owned(), must_be.say(), was.say()));
        self.is_too_strict &= must_be == Answer::Taken || was == Answer::Refused;
        if was == Answer::Refused {
            let is_same = before == *n1.node();
            let now = if is_same { "as it was" } else { "changed" };
            self.rows.push((format!("{what}: the node"), "as it was", now));
            self.is_too_strict &= is_same;
        }
    }

    /// Returns the failure for the card if a row does not hold. To accept a mistake breaks one rule, to
    /// refuse a correct report another.
    pub(super) fn failure(self) -> Option<Failure> {
        let rule = match self.is_too_strict {
            true => rule("a_correct_owner_is_believed"),
            false => rule("owners_mistakes_are_refused"),
        };
        let mut table = Table::new(rule, self.head).intro(self.intro);
        for (what, must_be, was) in self.rows {
            table.equal(what, must_be, was);
        }
        table.failure()
    }
}
