//! A table of cases: one rule, many rows, each with the expected and the actual result.
//!
//! ```text
//!    row  message to n1                        must be      was
//!      4  AppendEntries t4 from an old leader  13           24   x  replication.rs:40
//!      1  AppendEntries t5, live leader        18 or later  21   ok
//! ```
//!
//! Rows that hold are shown beside rows that do not: the difference is the lesson.

use crate::failure::{Failure, Rule, Verdict, at_most_three};
use crate::place::Place;
use crate::text::{clip, plain, width};
use std::fmt::Display;
use std::ops::RangeInclusive;

/// How many rows that hold are shown beside those that do not.
const TWINS: usize = 3;

/// A table of cases.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Table {
    rule: Rule,
    heads: [String; 3],
    intro: String,
    rows: Vec<Case>,
}

/// One row.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Case {
    number: u64,
    what: String,
    must_be: String,
    was: String,
    holds: bool,
    because: String,
    place: Option<Place>,
    within: Vec<String>,
    rule: Option<Rule>,
}

impl Case {
    /// Says which rule this row breaks if it does not hold; the table's own, unless said. A card names
    /// the rule of the first row that fails.
    pub fn breaks_rule(&mut self, rule: &Rule) -> &mut Self {
        self.rule = Some(*rule);
        self
    }

    /// Names the line that decided this row. Only rows that fail show it.
    pub fn decided_at(&mut self, place: impl Into<Place>) -> &mut Self {
        self.place = Some(place.into());
        self
    }

    /// Names the function to read, if no line decided this row. Only rows that fail show it.
    pub fn decided_in(&mut self, function: impl Into<String>) -> &mut Self {
        self.within = vec![function.into()];
        self
    }

    /// Names the functions of which one decided this row, the likeliest first. Only rows that fail show
    /// them.
    pub fn decided_in_one_of(&mut self, functions: &[&str]) -> &mut Self {
        self.within = at_most_three(functions);
        self
    }

    /// Says what happened in this row: `timer reset`. Only rows that fail show it.
    pub fn because(&mut self, because: impl Into<String>) -> &mut Self {
        self.because = because.into();
        self
    }

    /// Returns whether the row holds.
    pub fn holds(&self) -> bool {
        self.holds
    }

    /// Returns the row's number, from 1, and what it is about.
    pub fn name(&self) -> (u64, &str) {
        (self.number, &self.what)
    }
}

impl Table {
    /// A table of cases of `rule`; `head` is the heading over what each case is.
    pub fn new(rule: &Rule, head: impl Into<String>) -> Self {
        let heads = [head.into(), "must be".to_owned(), "was".to_owned()];
        Table { rule: *rule, heads, intro: String::new(), rows: Vec::new() }
    }

    /// Returns the rule.
    pub fn rule(&self) -> &Rule {
        &self.rule
    }

    /// Says what every row does.
    #[must_use]
    pub fn intro(mut self, intro: impl Into<String>) -> Self {
        self.intro = intro.into();
        self
    }

    /// Adds a row that must be exactly so.
    pub fn equal<T: PartialEq + Display>(
        &mut self,
        what: impl Into<String>,
        must_be: T,
        was: T,
    ) -> &mut Case {
        let holds = must_be == was;
        self.push(what.into(), must_be.to_string(), was.to_string(), holds)
    }

    /// Adds a row that must read exactly so, and names the function to read.
    pub fn reads(
        &mut self,
        what: impl Into<String>,
        must_be: impl Display,
        was: impl Display,
        function: &str,
    ) -> &mut Case {
        self.equal(what, must_be.to_string(), was.to_string()).decided_in(function)
    }

    /// Adds a row that must be within bounds; `u64::MAX` as the upper one reads "or later".
    pub fn within(
        &mut self,
        what: impl Into<String>,
        must_be: RangeInclusive<u64>,
        was: u64,
    ) -> &mut Case {
        let (from, to) = (*must_be.start(), *must_be.end());
        let text = match (from, to) {
            (from, u64::MAX) => format!("{from} or more"),
            (from, to) if from == to => from.to_string(),
            (0, to) => format!("{to} or less"),
            (from, to) => format!("{from} to {to}"),
        };
        self.push(what.into(), text, was.to_string(), must_be.contains(&was))
    }

    /// Adds a row that may be any of several things.
    pub fn one_of<T: PartialEq + Display>(
        &mut self,
        what: impl Into<String>,
        allowed: &[T],
        was: T,
    ) -> &mut Case {
        let names: Vec<String> = allowed.iter().map(ToString::to_string).collect();
        self.push(what.into(), names.join(" or "), was.to_string(), allowed.contains(&was))
    }

    /// Adds a row that holds, in words of its own.
    pub fn holds(
        &mut self,
        what: impl Into<String>,
        must_be: impl Into<String>,
        was: impl Into<String>,
    ) -> &mut Case {
        self.push(what.into(), must_be.into(), was.into(), true)
    }

    /// Adds a row that does not hold, in words of its own.
    pub fn breaks(
        &mut self,
        what: impl Into<String>,
        must_be: impl Into<String>,
        was: impl Into<String>,
    ) -> &mut Case {
        self.push(what.into(), must_be.into(), was.into(), false)
    }

    /// Returns the failure, if any row does not hold: the caller adds what it knows.
    pub fn failure(self) -> Option<Failure> {
        assert!(!self.rows.is_empty(), "a table without rows checks nothing");
        let rule = self.broken().next()?.rule.unwrap_or(self.rule);
        Some(Failure::of(&rule).table(self))
    }

    /// Fails the test if any row does not hold.
    ///
    /// # Errors
    /// The failure shows the table.
    pub fn verdict(self) -> Verdict {
        self.failure().map_or(Ok(()), Failure::fail)
    }

    fn push(&mut self, what: String, must_be: String, was: String, holds: bool) -> &mut Case {
        let number = self.rows.len() as u64 + 1;
        let (because, place, within, rule) = (String::new(), None, Vec::new(), None);
        self.rows.push(Case { number, what, must_be, was, holds, because, place, within, rule });
        self.rows.last_mut().expect("a row was pushed just now")
    }

    fn broken(&self) -> impl Iterator<Item = &Case> {
        self.rows.iter().filter(|row| !row.holds)
    }

    /// Returns the number of the first row that does not hold.
    pub fn first_broken(&self) -> Option<u64> {
        self.broken().next().map(|row| row.number)
    }

    pub(crate) fn first_line(&self) -> Option<&Place> {
        self.broken().find_map(|row| row.place.as_ref())
    }

    /// Returns the functions to read for the first row that names any.
    pub(crate) fn first_functions(&self) -> Vec<String> {
        self.broken()
            .map(|row| &row.within)
            .find(|names| !names.is_empty())
            .cloned()
            .unwrap_or_default()
    }

    /// Returns `2 of 12 rows`.
    pub(crate) fn count(&self) -> String {
        format!("{} of {} rows", self.broken().count(), self.rows.len())
    }

    pub(crate) fn intro_text(&self) -> &str {
        &self.intro
    }

    /// Says the first row that fails, in one sentence.
    pub(crate) fn summary(&self) -> String {
        let say = |row: &Case| {
            let (must_be, was) = (quoted(&row.must_be), quoted(&row.was));
            format!("{}: must be {must_be}, but was {was}", row.what)
        };
        self.broken().next().map_or_else(String::new, say)
    }

    /// Draws it on at most `lines_max` lines of `columns`: rows that fail, then a few that hold.
    pub(crate) fn draw(&self, lines_max: usize, columns: usize) -> Vec<String> {
        let twins: Vec<&Case> = self.rows.iter().filter(|row| row.holds).take(TWINS).collect();
        let broken: Vec<&Case> = self.broken().take(lines_max).collect();
        let all: Vec<&Case> = broken.iter().chain(&twins).copied().collect();
        let widths = self.widths(&all, columns);
        let [wide, must, _] = widths;
        let head =
            format!("   row  {:wide$}  {:must$}  {}", self.heads[0], self.heads[1], self.heads[2]);
        let mut lines = vec![head.trim_end().to_owned()];
        let mut room = lines_max.saturating_sub(2 + twins.len());
        let (mut shown, mut said) = (0, String::new());
        for row in &broken {
            let mut drawn = row.draw(widths, columns);
            // What the row before said is not repeated.
            let remark = row.remark();
            if !remark.is_empty() && remark != said {
                drawn.push(clip(&format!("          {remark}"), columns));
            }
            said = remark;
            if drawn.len() > room {
                break;
            }
            room -= drawn.len();
            shown += 1;
            lines.extend(drawn);
        }
        lines.extend(twins.iter().map(|row| row.line(widths)));
        match self.broken().count() - shown {
            0 => {}
            1 => lines.push("        ... 1 more row fails".to_owned()),
            more => lines.push(format!("        ... {more} more rows fail")),
        }
        lines.truncate(lines_max);
        lines
    }

    /// Shares the columns out among what, must be and was. Rows that fail are read whole before rows
    /// that hold.
    fn widths(&self, rows: &[&Case], columns: usize) -> [usize; 3] {
        let widest = |head: &str, all: bool, of: fn(&Case) -> &str| {
            let rows = rows.iter().filter(|row| all || !row.holds);
            rows.map(|row| width(of(row))).max().unwrap_or(0).max(width(head))
        };
        let [what, must_be, was]: [fn(&Case) -> &str; 3] =
            [|row| &row.what, |row| &row.must_be, |row| &row.was];
        // Number, mark, and two blanks before each of the others.
        let room = columns.saturating_sub(8 + 2 + 2 + 4);
        let mut shares = [
            widest(&self.heads[0], false, what),
            widest(&self.heads[1], false, must_be).min(24),
            widest(&self.heads[2], false, was).min(18),
        ];
        shares[0] = shares[0].min(room.saturating_sub(shares[1] + shares[2]));
        let wishes = [
            widest(&self.heads[0], true, what),
            widest(&self.heads[1], true, must_be),
            widest(&self.heads[2], true, was),
        ];
        for (column, wish) in wishes.into_iter().enumerate() {
            let left = room.saturating_sub(shares.iter().sum());
            shares[column] += wish.saturating_sub(shares[column]).min(left);
        }
        shares
    }
}

impl Case {
    /// Draws a row that fails: on one line, or what must be and what was below each other, where one
    /// of them would be cut.
    fn draw(&self, widths: [usize; 3], columns: usize) -> Vec<String> {
        let [_, must, was] = widths;
        if width(&self.must_be) <= must && width(&self.was) <= was {
            return vec![self.line(widths)];
        }
        let what = clip(&plain(&self.what), columns.saturating_sub(12));
        let part = |head: &str, text: &str| clip(&format!("{head:>18}  {}", plain(text)), columns);
        vec![
            format!("{:>6}  {what}  x", self.number),
            part("must be", &self.must_be),
            part("was", &self.was),
        ]
    }

    /// Draws a row on one line.
    fn line(&self, [wide, must, was]: [usize; 3]) -> String {
        let mark = if self.holds { "ok" } else { "x" };
        let what = clip(&plain(&self.what), wide);
        let must_be = clip(&plain(&self.must_be), must);
        let is = clip(&plain(&self.was), was);
        let line = format!("{:>6}  {what:wide$}  {must_be:must$}  {is:was$}  {mark}", self.number);
        line.trim_end().to_owned()
    }

    /// Says what happened, and where to read.
    fn remark(&self) -> String {
        let place = self.place.as_ref().map(|place| {
            let function = place.function().map(|path| format!(" {path}"));
            format!("{}{}", place.short(), function.unwrap_or_default())
        });
        let because = plain(&self.because);
        let read = match self.within.as_slice() {
            [] => None,
            [one] => Some(one.clone()),
            [first @ .., last] => Some(format!("{} or {last}", first.join(", "))),
        };
        match (because.is_empty(), place, read) {
            (true, Some(place), _) => format!("decided at {place}"),
            (false, Some(place), _) => format!("{because} at {place}"),
            (true, None, Some(function)) => format!("read {function}"),
            (false, None, Some(function)) => format!("{because}: read {function}"),
            (_, None, None) => because,
        }
    }
}

/// Sets a text off from the sentence around it, where its own commas would run into it.
fn quoted(text: &str) -> String {
    if text.contains(',') { format!("\"{text}\"") } else { text.to_owned() }
}
