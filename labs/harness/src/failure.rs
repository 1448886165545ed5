//! What a test says when a rule is broken: data, not text. [`crate::card`] makes a card of it.
//!
//! ```text
//!   rule        which rule of the paper, by id and by sentence
//!   because     which node broke it, and when
//!   expected, got, details, picture, table, diagram     what shows it
//!   your line   the line of the student's code that decided, or
//!   in one of   the functions of which one did, where no line is certain
//!   so what     what would happen to a cluster
//! ```

use crate::diagram::Diagram;
use crate::place::Place;
use crate::table::Table;
use std::fmt;

/// How a test ends: well, or with a broken rule.
pub type Verdict = Result<(), Box<Failure>>;

/// A rule that a correct Raft keeps, as cards and catalogues name it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Rule {
    /// Its name in hints and in the bug catalogue: `one_vote_per_term`. Never changes.
    pub id: &'static str,
    /// The rule as a sentence in capitals: `ONE VOTE PER TERM`.
    pub title: &'static str,
    /// Where the paper states it: `§5.2, Fig. 2 RequestVote (2)`. May be empty.
    pub paper: &'static str,
    /// What happens to a cluster that breaks it. May be empty.
    pub so_what: &'static str,
}

impl Rule {
    /// A rule: its id, its title, where the paper states it, and what happens to a cluster without it.
    pub const fn new(
        id: &'static str,
        title: &'static str,
        paper: &'static str,
        so_what: &'static str,
    ) -> Self {
        Rule { id, title, paper, so_what }
    }
}

/// The most functions that a card names. With more it would lead nowhere.
pub(crate) const NAMED_MAX: usize = 3;

/// Returns the first [`NAMED_MAX`] of these, each once.
pub(crate) fn at_most_three(functions: &[&str]) -> Vec<String> {
    let mut named: Vec<String> = Vec::new();
    for &path in functions {
        if named.len() < NAMED_MAX && named.iter().all(|before| before != path) {
            named.push(path.to_owned());
        }
    }
    named
}

/// A broken rule.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Failure {
    pub(crate) rule: Rule,
    pub(crate) because: String,
    pub(crate) row: Option<(u64, String)>,
    pub(crate) sweep: Option<Sweep>,
    pub(crate) expected: String,
    pub(crate) got: String,
    pub(crate) details: Vec<String>,
    pub(crate) picture: Vec<String>,
    pub(crate) table: Option<Table>,
    pub(crate) diagram: Diagram,
    pub(crate) your_line: Option<Place>,
    /// The functions to read, the likeliest first: one if it is certain.
    pub(crate) within: Vec<String>,
    /// The same, where the line is in a function that is still to be written.
    pub(crate) otherwise: Vec<String>,
    pub(crate) so_what: String,
    pub(crate) faults: String,
    pub(crate) shrunk: Option<(u64, u64)>,
    pub(crate) anchor: Option<String>,
    pub(crate) run: Option<RecordedRun>,
}

/// A run that a test recorded, as two texts.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct RecordedRun {
    /// The trace: JSON Lines.
    pub trace: String,
    /// The same as a page, which opens on what broke.
    pub page: String,
}

/// How a sweep over seeds went.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Sweep {
    /// The first seed that failed.
    pub(crate) seed: u64,
    /// How many held.
    pub(crate) held: u64,
    /// How many ran.
    pub(crate) ran: u64,
}

impl Failure {
    /// Says that `rule` is broken.
    pub fn of(rule: &Rule) -> Self {
        Failure {
            rule: *rule,
            because: String::new(),
            row: None,
            sweep: None,
            expected: String::new(),
            got: String::new(),
            details: Vec::new(),
            picture: Vec::new(),
            table: None,
            diagram: Diagram::default(),
            your_line: None,
            within: Vec::new(),
            otherwise: Vec::new(),
            so_what: rule.so_what.to_owned(),
            faults: String::new(),
            shrunk: None,
            anchor: None,
            run: None,
        }
    }

    /// Says which node broke it and when, in domain values: `n1 voted for n2 and then for n3, both in
    /// term 1`.
    #[must_use]
    pub fn because(mut self, because: impl Into<String>) -> Self {
        self.because = because.into();
        self
    }

    /// Names the row of a table-driven scenario, counted from 1, and what it is about.
    #[must_use]
    pub fn row(mut self, number: u64, title: impl Into<String>) -> Self {
        self.row = Some((number, title.into()));
        self
    }

    /// Says what a correct node does: every outcome that is allowed.
    #[must_use]
    pub fn expected(mut self, expected: impl Into<String>) -> Self {
        self.expected = expected.into();
        self
    }

    /// Says what this node did.
    #[must_use]
    pub fn got(mut self, got: impl Into<String>) -> Self {
        self.got = got.into();
        self
    }

    /// Adds a line of evidence: `match n1 2  n2 2  n3 2 -> a quorum has 2`.
    #[must_use]
    pub fn detail(mut self, detail: impl Into<String>) -> Self {
        self.details.push(detail.into());
        self
    }

    /// Shows a picture of a disk: lines of finished text.
    #[must_use]
    pub fn picture(mut self, lines: Vec<String>) -> Self {
        self.picture = lines;
        self
    }

    /// Shows rows that hold beside rows that do not.
    #[must_use]
    pub fn table(mut self, table: Table) -> Self {
        self.table = Some(table);
        self
    }

    /// Shows what happened. The last row is pointed at unless another one is.
    #[must_use]
    pub fn diagram(mut self, mut diagram: Diagram) -> Self {
        diagram.point_at_last();
        self.diagram = diagram;
        self
    }

    /// Names the line that decided, where that is certain: a line that only noted an event is not it. Its
    /// text and function are read from the source.
    #[must_use]
    pub fn your_line(mut self, place: impl Into<Place>) -> Self {
        self.your_line = Some(place.into());
        self
    }

    /// Names the function, if no line is known: a function that was never called has none.
    #[must_use]
    pub fn function(mut self, path: impl Into<String>) -> Self {
        self.within = vec![path.into()];
        self
    }

    /// Names the functions of which one decided, the likeliest first, where no line is certain. The card
    /// names the first [`NAMED_MAX`].
    #[must_use]
    pub fn one_of(mut self, functions: &[&str]) -> Self {
        self.within = at_most_three(functions);
        self
    }

    /// Names the functions of which one decided if the line is in a function that the student has still to
    /// write, which did as it was told.
    #[must_use]
    pub fn or_one_of(mut self, functions: &[&str]) -> Self {
        self.otherwise = at_most_three(functions);
        self
    }

    /// Says what happens to a cluster that breaks the rule, if the rule's own text is not precise
    /// enough.
    #[must_use]
    pub fn so_what(mut self, so_what: impl Into<String>) -> Self {
        self.so_what = so_what.into();
        self
    }

    /// Says which faults were measured: `crashes 2, dropped 0 of 31`.
    #[must_use]
    pub fn faults(mut self, measured: impl Into<String>) -> Self {
        self.faults = measured.into();
        self
    }

    /// Says how long the schedule was, and how long it still is.
    #[must_use]
    pub fn shrunk(mut self, from_events: u64, to_events: u64) -> Self {
        self.shrunk = Some((from_events, to_events));
        self
    }

    /// Says where in the lab's chapter to read, unless it is the step itself: `one-vote`.
    #[must_use]
    pub fn read(mut self, anchor: impl Into<String>) -> Self {
        self.anchor = Some(anchor.into());
        self
    }

    /// Adds the run that the test recorded; its two files go into the folder of traces.
    #[must_use]
    pub fn run(mut self, run: RecordedRun) -> Self {
        self.run = Some(run);
        self
    }

    /// Fails the test.
    ///
    /// # Errors
    /// Always.
    pub fn fail(self) -> Verdict {
        Err(Box::new(self))
    }

    /// Returns the rule.
    pub fn rule(&self) -> &Rule {
        &self.rule
    }

    /// Returns the whole failure in one sentence.
    pub fn headline(&self) -> String {
        let because = match (&self.because, &self.table) {
            (because, _) if !because.is_empty() => because.clone(),
            (_, Some(table)) => table.summary(),
            (_, None) => self.got.clone(),
        };
        if because.is_empty() {
            self.rule.title.to_owned()
        } else {
            format!("{}: {because}", self.rule.title)
        }
    }

    /// Returns the line that decided: the failure's own, or its table's first. Where only a function is
    /// named, no line decided.
    pub(crate) fn line(&self) -> Option<&Place> {
        let of_table = || self.table.as_ref().and_then(Table::first_line);
        self.your_line.as_ref().or_else(|| of_table().filter(|_| self.within.is_empty()))
    }

    /// Returns the first row that fails.
    pub(crate) fn first_row(&self) -> Option<u64> {
        let of_table = || self.table.as_ref().and_then(Table::first_broken);
        self.row.as_ref().map(|(number, _)| *number).or_else(of_table)
    }

    /// Returns the functions that the card names, the likeliest first: one if it is certain, none if
    /// nothing is known.
    pub(crate) fn named(&self) -> Vec<String> {
        if !self.within.is_empty() {
            return self.within.clone();
        }
        match self.line().and_then(Place::function) {
            Some(function) => vec![function],
            None => self.table.as_ref().map(Table::first_functions).unwrap_or_default(),
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.headline())
    }
}

impl std::error::Error for Failure {}
