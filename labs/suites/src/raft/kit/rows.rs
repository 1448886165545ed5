//! A table in which each row has a stage of its own; the first row that fails is drawn.
//!
//! ```text
//!    row  message to n1            must be           was
//!      2  n2->n1 VoteReply t5 ...  follower, term 5  leader, term 3   x  step.rs:84
//!    n1       n2
//!     |<- VoteReply t5 -|          ignored        <-- here
//! ```

use super::blame::Blame;
use super::stage::Stage;
use harness::{Case, Place, Rule, Table, Verdict};
use raft::Event;

/// The rows of a test.
pub(crate) struct Rows {
    table: Table,
    /// The first row that fails and knows where to look, or else the first that fails.
    shown: Option<(Stage, Option<Blame>)>,
    decides: Option<fn(&Event) -> bool>,
    lines: Lines,
}

/// What the lines of events are worth.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Lines {
    /// They decided: a card names them.
    Decided,
    /// They noted what was decided elsewhere: a diagram points at them.
    Noted,
}

impl Rows {
    /// A table of cases of `rule`: the heading over what each case is, and what every row does.
    pub(crate) fn new(rule: &Rule, head: &str, intro: impl Into<String>) -> Self {
        let table = Table::new(rule, head).intro(intro);
        Rows { table, shown: None, decides: None, lines: Lines::Decided }
    }

    /// Says which events show the decision that the rows are about: their lines are the ones to read,
    /// not the line of the last event.
    pub(crate) fn decided_by(mut self, decides: fn(&Event) -> bool) -> Self {
        self.decides = Some(decides);
        self
    }

    /// Says which events show what was decided. Where it was decided their lines do not say: the diagram
    /// points at them, and [`Rows::verdict_in`] names the functions.
    pub(crate) fn noted_by(mut self, shows: fn(&Event) -> bool) -> Self {
        self.decides = Some(shows);
        self.lines = Lines::Noted;
        self
    }

    /// Adds a row that must be exactly so.
    pub(crate) fn equal(
        &mut self,
        what: impl Into<String>,
        must_be: impl Into<String>,
        was: impl Into<String>,
        stage: Stage,
    ) {
        self.row(stage, |table| table.equal(what, must_be.into(), was.into()));
    }

    /// Adds a row that the closure writes.
    pub(crate) fn row(&mut self, stage: Stage, write: impl FnOnce(&mut Table) -> &mut Case) {
        let place = match self.decides {
            Some(decides) => stage.line(decides),
            None => stage.decided_line(),
        };
        self.row_at(place, stage, write);
    }

    /// Adds a row that was decided at this line, if at any.
    pub(crate) fn row_at(
        &mut self,
        place: Option<Place>,
        stage: Stage,
        write: impl FnOnce(&mut Table) -> &mut Case,
    ) {
        self.judge(place.map(Blame::Line), stage, write);
    }

    /// Adds a row for which it is known where to look if it fails.
    pub(crate) fn row_blamed(
        &mut self,
        blame: Blame,
        stage: Stage,
        write: impl FnOnce(&mut Table) -> &mut Case,
    ) {
        self.judge(Some(blame), stage, write);
    }

    fn judge(
        &mut self,
        blame: Option<Blame>,
        stage: Stage,
        write: impl FnOnce(&mut Table) -> &mut Case,
    ) {
        let row = write(&mut self.table);
        let (number, what) = row.name();
        stage.tell_as(number, what);
        if row.holds() {
            return;
        }
        match &blame {
            Some(Blame::Line(place)) if self.lines == Lines::Decided => {
                row.decided_at(place.clone());
            }
            Some(Blame::Function(function) | Blame::Decision { function, .. }) => {
                row.decided_in(*function);
            }
            Some(Blame::Line(_) | Blame::OneOf(_)) | None => {}
        }
        let is_clear = |blame: &Option<Blame>| blame.is_some();
        if self.shown.as_ref().is_none_or(|(_, shown)| is_clear(&blame) && !is_clear(shown)) {
            self.shown = Some((stage, blame));
        }
    }

    /// Fails the test if any row does not hold; one of `functions` decided, the likeliest first, unless the
    /// row that is shown has a list of its own.
    pub(crate) fn verdict_in(self, functions: &[&str]) -> Verdict {
        let (Some(failure), Some((stage, blame))) = (self.table.failure(), self.shown) else {
            return Ok(());
        };
        let (noted, functions) = match &blame {
            Some(Blame::Line(noted) | Blame::Decision { acted: noted, .. }) => {
                (Some(noted), functions)
            }
            Some(Blame::OneOf(own)) => (None, *own),
            Some(Blame::Function(_)) | None => (None, functions),
        };
        stage.draw_on(failure, noted).one_of(functions).fail()
    }

    /// Fails the test if any row does not hold; `function` is the one to read if no line is known.
    pub(crate) fn verdict(self, function: &str) -> Verdict {
        let (Some(failure), Some((stage, blame))) = (self.table.failure(), self.shown) else {
            return Ok(());
        };
        match blame {
            Some(Blame::Line(place)) => stage.draw_on(failure, Some(&place)).your_line(place),
            Some(Blame::Function(function)) => stage.draw_on(failure, None).function(function),
            Some(Blame::Decision { function, acted }) => {
                stage.draw_on(failure, Some(&acted)).function(function)
            }
            Some(Blame::OneOf(functions)) => stage.draw_on(failure, None).one_of(functions),
            None => stage.draw_on(failure, None).function(function),
        }
        .fail()
    }
}
