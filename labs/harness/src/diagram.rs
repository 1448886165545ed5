//! A sequence diagram in plain text: which node sent what to which, and what that changed.
//!
//! ```text
//!   n1                     n2         n3
//!    |<- RequestVote t1 ---|          |    vote none -> n2    election.rs:84
//!    |--- granted -------->|          |
//!    |<- RequestVote t1 ---+----------|    vote n2 -> n3      election.rs:84  <-- here
//! ```
//!
//! If there is no room for every text on its arrow, all texts are at the right:
//!
//! ```text
//!   n1  n2  n3  n4  n5
//!    |   |   *   |   |   campaigns: term 3, vote n3, candidate
//!    |<------|   |   |   RequestVote t3: term 3, vote n3     <-- here
//! ```
//!
//! Invariant: never wider than the card, and no text is cut while there is a line for it.

mod aside; // arrows without texts, and the texts beside them
mod inline; // texts on their arrows

use crate::place::Place;
use aside::Aside;
use inline::Inline;

/// The widest a line of a diagram may be.
const COLUMNS: usize = 76;
const HERE: &str = "  <-- here";

/// What happened, as a picture.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Diagram {
    lanes: Vec<String>,
    rows: Vec<Row>,
}

/// One thing that happened.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Row {
    tick: Option<u64>,
    what: What,
    note: String,
    place: Option<Place>,
    is_here: bool,
}

#[derive(Clone, PartialEq, Eq, Debug)]
enum What {
    Arrow { from: String, to: String, label: String, lost: bool },
    At { lane: String, label: String },
}

impl Row {
    /// A message that arrives.
    pub fn message(from: impl ToString, to: impl ToString, label: impl Into<String>) -> Self {
        let (from, to, label) = (from.to_string(), to.to_string(), label.into());
        Row::of(What::Arrow { from, to, label, lost: false })
    }

    /// A message that is lost.
    pub fn lost(from: impl ToString, to: impl ToString, label: impl Into<String>) -> Self {
        let (from, to, label) = (from.to_string(), to.to_string(), label.into());
        Row::of(What::Arrow { from, to, label, lost: true })
    }

    /// Something that happens at one node: a tick, a crash, a campaign.
    pub fn at(lane: impl ToString, label: impl Into<String>) -> Self {
        Row::of(What::At { lane: lane.to_string(), label: label.into() })
    }

    fn of(what: What) -> Self {
        Row { tick: None, what, note: String::new(), place: None, is_here: false }
    }

    /// Says when it happened. If any row of a diagram has a tick, there is a column for it.
    #[must_use]
    pub fn tick(mut self, tick: u64) -> Self {
        self.tick = Some(tick);
        self
    }

    /// Says what it changed: `vote none -> n2`.
    #[must_use]
    pub fn note(mut self, note: impl Into<String>) -> Self {
        self.note = note.into();
        self
    }

    /// Says which line decided it.
    #[must_use]
    pub fn decided_at(mut self, place: impl Into<Place>) -> Self {
        self.place = Some(place.into());
        self
    }

    /// Points at this row: here is the mistake.
    #[must_use]
    pub fn here(mut self) -> Self {
        self.is_here = true;
        self
    }
}

impl Diagram {
    /// An empty diagram; nodes are from left to right.
    pub fn new<L: ToString>(lanes: impl IntoIterator<Item = L>) -> Self {
        Diagram { lanes: lanes.into_iter().map(|l| l.to_string()).collect(), rows: Vec::new() }
    }

    /// Adds a row.
    pub fn push(&mut self, row: Row) {
        self.rows.push(row);
    }

    /// Adds a row.
    #[must_use]
    pub fn row(mut self, row: Row) -> Self {
        self.push(row);
        self
    }

    /// Returns whether nothing has happened.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Points at the last row, unless another one is pointed at.
    pub(crate) fn point_at_last(&mut self) {
        if self.rows.iter().all(|row| !row.is_here)
            && let Some(last) = self.rows.last_mut()
        {
            last.is_here = true;
        }
    }

    /// Draws it on at most `lines_max` lines. The row that is pointed at and the last ones stay.
    pub fn draw(&self, lines_max: usize) -> Vec<String> {
        if self.rows.is_empty() || self.lanes.is_empty() || lines_max < 3 {
            return Vec::new();
        }
        let kept = self.kept(lines_max - 1, |_| 1);
        let shown = self.showing(&kept);
        if let Some(inline) = Inline::of(&shown, &kept) {
            return self.draw_rows(kept, lines_max, inline.head(), |row| vec![inline.line(row)]);
        }
        let costs = Aside::of(&shown, &kept);
        let kept = self.kept(lines_max - 1, |row| costs.lines(row).len());
        let shown = self.showing(&kept);
        let aside = Aside::of(&shown, &kept);
        self.draw_rows(kept, lines_max, aside.head(), |row| aside.lines(row))
    }

    /// Returns the diagram without the nodes that have no part in these rows.
    fn showing(&self, kept: &[usize]) -> Diagram {
        Diagram { lanes: self.taking_part(kept), rows: self.rows.clone() }
    }

    /// Returns the nodes that have a part in these rows: the others would only take room.
    fn taking_part(&self, kept: &[usize]) -> Vec<String> {
        let has_part = |lane: &String| {
            kept.iter().any(|&at| match &self.rows[at].what {
                What::Arrow { from, to, .. } => from == lane || to == lane,
                What::At { lane: at, .. } => at == lane,
            })
        };
        let lanes: Vec<String> = self.lanes.iter().filter(|lane| has_part(lane)).cloned().collect();
        if lanes.is_empty() { self.lanes.clone() } else { lanes }
    }

    /// Draws these rows under a head, and says how many were left out before, between and after.
    fn draw_rows(
        &self,
        kept: Vec<usize>,
        lines_max: usize,
        head: String,
        draw: impl Fn(&Row) -> Vec<String>,
    ) -> Vec<String> {
        let mut lines = vec![head];
        let mut next = 0;
        for at in kept {
            if at > next {
                lines.push(format!("{}... {} more", self.indent(), at - next));
            }
            lines.extend(draw(&self.rows[at]));
            next = at + 1;
        }
        if next < self.rows.len() {
            lines.push(format!("{}... {} more", self.indent(), self.rows.len() - next));
        }
        lines.truncate(lines_max);
        lines
    }

    /// Chooses the rows to show on `lines` lines: what leads up to the row pointed at. `cost` says how
    /// many lines a row takes.
    fn kept(&self, lines: usize, cost: impl Fn(&Row) -> usize) -> Vec<usize> {
        let costs: Vec<usize> = self.rows.iter().map(cost).collect();
        if costs.iter().sum::<usize>() <= lines {
            return (0..self.rows.len()).collect();
        }
        let here = self.rows.iter().rposition(|row| row.is_here);
        let end = here.map_or(self.rows.len(), |at| at + 1);
        // One line says what was left out before, one what was left out after.
        let gaps = 1 + usize::from(end < self.rows.len());
        let mut room = lines.saturating_sub(gaps);
        let mut fits = |at: &usize| {
            let fits = costs[*at] <= room;
            room = room.saturating_sub(costs[*at]);
            fits
        };
        let from = (0..end).rev().take_while(&mut fits).last().unwrap_or(end - 1);
        let to = (end..self.rows.len()).take_while(&mut fits).last().map_or(end, |at| at + 1);
        (from..to).collect()
    }

    /// Returns whether there is a column for ticks.
    fn has_ticks(&self) -> bool {
        self.rows.iter().any(|row| row.tick.is_some())
    }

    /// Returns what stands before a line that says how many rows were left out.
    fn indent(&self) -> &'static str {
        if self.has_ticks() { "        " } else { "  " }
    }

    /// Returns what stands before a row: its tick, if there is a column for ticks.
    fn margin(&self, row: &Row) -> String {
        let tick = row.tick.map_or_else(String::new, |tick| tick.to_string());
        if self.has_ticks() { format!("{tick:>6}  ") } else { "  ".to_owned() }
    }

    fn lane(&self, name: &str) -> Option<usize> {
        self.lanes.iter().position(|lane| lane == name)
    }
}

#[cfg(test)]
mod tests;
