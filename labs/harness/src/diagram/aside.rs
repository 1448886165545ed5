//! Arrows without words, and the words beside them: for many nodes, or long words.
//!
//! ```text
//!   n1  n2  n3  n4  n5
//!    |   |   *   |   |   campaigns: term 3, vote n3, candidate
//!    |<------|   |   |   RequestVote t3: term 3, vote n3     <-- here
//! ```
//!
//! What is too long for its line goes on in the next.

use super::{COLUMNS, Diagram, HERE, Row, What};
use crate::text::{clip, plain, width, wrap};

/// The least and the most between two nodes.
const GAP_MIN: usize = 4;
const GAP_MAX: usize = 8;
/// What words are worth, when nodes take up nearly all the room.
const WORDS_MIN: usize = 20;
/// The most nodes that are drawn: more would leave no room for words.
const LANES_MAX: usize = 10;
/// The most lines of a row.
const LINES_MAX: usize = 3;

/// Where the columns stand.
pub(super) struct Aside<'a> {
    diagram: &'a Diagram,
    gap: usize,
    /// How many lanes are drawn.
    lanes: usize,
    /// The width of the words.
    words: usize,
}

impl<'a> Aside<'a> {
    /// Lays out these rows: as wide as leaves every row on one line, or else as narrow as can be.
    pub(super) fn of(diagram: &'a Diagram, kept: &[usize]) -> Self {
        let lanes = diagram.lanes.len().min(LANES_MAX);
        let longest = kept.iter().map(|&at| &diagram.rows[at]);
        let longest =
            longest.map(|row| width(&words(row)) + if row.is_here { HERE.len() } else { 0 });
        let longest = longest.max().unwrap_or(0);
        let margin = if diagram.has_ticks() { 8 } else { 2 };
        let left = |gap: usize| {
            COLUMNS.saturating_sub(margin + gap * lanes.saturating_sub(1) + 4).max(WORDS_MIN)
        };
        let gap =
            (GAP_MIN..=GAP_MAX).rev().find(|&gap| left(gap) >= longest).unwrap_or(GAP_MIN + 1);
        Aside { diagram, gap, lanes, words: left(gap) }
    }

    /// Returns the line that names the nodes.
    pub(super) fn head(&self) -> String {
        let mut head = if self.diagram.has_ticks() { "  tick " } else { " " }.to_owned();
        for lane in &self.diagram.lanes[..self.lanes] {
            head.push_str(&format!("{:<gap$}", clip(&plain(lane), self.gap - 1), gap = self.gap));
        }
        clip(head.trim_end(), COLUMNS)
    }

    /// Draws a row, on as many lines as its text needs.
    pub(super) fn lines(&self, row: &Row) -> Vec<String> {
        let here = if row.is_here { HERE } else { "" };
        let mut words = wrap(&plain(&words(row)), self.words - width(here), 2);
        words.truncate(LINES_MAX);
        if words.is_empty() {
            words.push(String::new());
        }
        let margin = self.diagram.margin(row);
        let first = format!("{margin}{}   {}{here}", self.picture_of(row), words[0]);
        let blank = " ".repeat(width(&margin));
        let more = words[1..].iter().map(|words| format!("{blank}{}   {words}", self.bare()));
        let lines = std::iter::once(first).chain(more);
        lines.map(|line| clip(line.trim_end(), COLUMNS)).collect()
    }

    /// Returns the lanes with nothing on them.
    fn bare(&self) -> String {
        let lane = |at: usize| if at.is_multiple_of(self.gap) { '|' } else { ' ' };
        (0..=self.gap * (self.lanes - 1)).map(lane).collect()
    }

    fn picture_of(&self, row: &Row) -> String {
        let mut cells: Vec<char> = self.bare().chars().collect();
        let lane = |name: &str| {
            let lane = self.diagram.lane(name).filter(|&lane| lane < self.lanes);
            lane.map(|lane| lane * self.gap)
        };
        match &row.what {
            What::Arrow { from, to, lost, .. } => {
                let (Some(from), Some(to)) = (lane(from), lane(to)) else {
                    return self.bare();
                };
                let (first, last) = (from.min(to) + 1, from.max(to));
                for (at, cell) in (first..last).zip(&mut cells[first..]) {
                    *cell = if at.is_multiple_of(self.gap) { '+' } else { '-' };
                }
                if from != to {
                    let tip = if from < to { to - 1 } else { to + 1 };
                    cells[tip] = match (lost, from < to) {
                        (true, _) => 'X',
                        (false, true) => '>',
                        (false, false) => '<',
                    };
                }
            }
            What::At { lane: at, .. } => {
                if let Some(at) = lane(at) {
                    cells[at] = '*';
                }
            }
        }
        cells.into_iter().collect()
    }
}

/// Writes a row: what happened, and what it changed.
fn words(row: &Row) -> String {
    let label = match &row.what {
        What::Arrow { label, lost: true, .. } => format!("{label}, lost"),
        What::Arrow { label, lost: false, .. } | What::At { label, .. } => label.clone(),
    };
    match (label.is_empty(), row.note.is_empty()) {
        (_, true) => label,
        (true, false) => row.note.clone(),
        (false, false) => format!("{label}: {}", row.note),
    }
}
