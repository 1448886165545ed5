//! What an owner reports, row by row: a node accepts it, or refuses it and stays as it was.
//!
//! ```text
//!    row  on_persist_ready              must be     was
//!      1  1, before any was taken       refused     refused
//!         1, ...: the node              as it was   changed    x
//! ```

use super::owner::Owner;
use crate::raft::rule;
use harness::{Table, Verdict};
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
pub(super) struct Answers(Table);

impl Answers {
    pub(super) fn new(head: &'static str, intro: &'static str) -> Self {
        Answers(Table::new(rule("owners_mistakes_are_refused"), head).intro(intro))
    }

    /// Reports something to n1, and adds its answer; if n1 refuses, also whether n1 has changed. To accept a
    /// mistake breaks one rule, to refuse a correct report another.
    pub(super) fn tell<T, E>(
        &mut self,
        n1: &mut Owner,
        what: &str,
        must_be: Answer,
        say: impl FnOnce(&mut RawNode<MemoryStorage>) -> Result<T, E>,
    ) {
        let before = n1.node().clone();
        let was = say(n1.node()).map_or(Answer::Refused, |_| Answer::Taken);
        self.0.equal(what, must_be.say(), was.say()).breaks_rule(match must_be {
            Answer::Taken => rule("a_correct_owner_is_believed"),
            Answer::Refused => rule("owners_mistakes_are_refused"),
        });
        if was == Answer::Refused {
            let now = if before == *n1.node() { "as it was" } else { "changed" };
            self.0.equal(format!("{what}: the node"), "as it was", now);
        }
    }

    /// Adds which Readys n1 still waits for, after an answer.
    pub(super) fn waits_for(&mut self, n1: &mut Owner, what: &str, must_be: &[u64]) {
        let say = |numbers: Vec<u64>| match numbers.is_empty() {
            true => "none".to_owned(),
            false => numbers.iter().map(u64::to_string).collect::<Vec<_>>().join(" "),
        };
        let was = n1.node().records().map(|record| record.number().0).collect();
        let what = format!("{what}: Readys that wait");
        let row = self.0.equal(what, say(must_be.to_vec()), say(was));
        row.breaks_rule(rule("writes_end_in_order"));
    }

    /// Fails if a row does not hold: one of these functions decided.
    pub(super) fn verdict(self, within: &[&str]) -> Verdict {
        self.0.failure().map_or(Ok(()), |failure| failure.one_of(within).fail())
    }
}
