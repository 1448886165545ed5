//! A sequence diagram in plain text: who said what to whom, and what came of it.
//!
//! ```text
//!   n1                     n2         n3
//!    |<- RequestVote t1 ---|          |    vote none -> n2    election.rs:84
//!    |--- granted -------->|          |
//!    |<- RequestVote t1 ---+----------|    vote n2 -> n3      election.rs:84  <-- here
//! ```
//!
//! Invariant: never wider than the card; what does not fit is cut and ends in `..`.

use crate::place::Place;
use crate::text::{clip, width};

/// The widest a line of a diagram may be.
const COLUMNS: usize = 76;
const LANE_MIN: usize = 8;
const LANE_MAX: usize = 26;

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

    /// Says what came of it: `vote none -> n2`.
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

    /// Points at this row: here it went wrong.
    #[must_use]
    pub fn here(mut self) -> Self {
        self.is_here = true;
        self
    }
}

impl Diagram {
    /// An empty diagram; nodes stand from left to right.
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

    /// Points at the last row, if nobody pointed at another.
    pub(crate) fn point_at_last(&mut self) {
        if self.rows.iter().all(|row| !row.is_here)
            && let Some(last) = self.rows.last_mut()
        {
            last.is_here = true;
        }
    }

    /// Draws it on at most `lines_max` lines. The row that is pointed at and the last ones stay.
    pub(crate) fn draw(&self, lines_max: usize) -> Vec<String> {
        if self.rows.is_empty() || self.lanes.is_empty() || lines_max < 3 {
            return Vec::new();
        }
        let kept = self.kept(lines_max - 1);
        let layout = Layout::of(self, &kept);
        let mut lines = vec![layout.head(self)];
        let mut next = 0;
        for at in kept {
            if at > next {
                lines.push(format!("{}... {} more", layout.indent(), at - next));
            }
            lines.push(layout.line(self, &self.rows[at]));
            next = at + 1;
        }
        if next < self.rows.len() {
            lines.push(format!("{}... {} more", layout.indent(), self.rows.len() - next));
        }
        lines.truncate(lines_max);
        lines
    }

    /// Chooses the rows to show on `lines` lines: what leads up to the row pointed at.
    fn kept(&self, lines: usize) -> Vec<usize> {
        if self.rows.len() <= lines {
            return (0..self.rows.len()).collect();
        }
        let here = self.rows.iter().rposition(|row| row.is_here);
        let end = here.map_or(self.rows.len(), |at| at + 1);
        // One line says what was left out before, one what was left out after.
        let gaps = 1 + usize::from(end < self.rows.len());
        let shown = lines.saturating_sub(gaps).max(1);
        let from = end.saturating_sub(shown);
        (from..(from + shown).min(self.rows.len())).collect()
    }
}

/// Where the columns stand.
struct Layout {
    ticks: bool,
    gap: usize,
}

impl Layout {
    fn of(diagram: &Diagram, kept: &[usize]) -> Self {
        let rows = || kept.iter().map(|&at| &diagram.rows[at]);
        let ticks = rows().any(|row| row.tick.is_some());
        let longest = rows().map(|row| match &row.what {
            What::Arrow { label, .. } => width(label) + 7,
            What::At { label, .. } => width(label) + 3,
        });
        let longest = longest.max().unwrap_or(0);
        let side = rows().map(|row| width(&row.remark())).max().unwrap_or(0).clamp(12, 40);
        let room = COLUMNS.saturating_sub(side + 3 + if ticks { 8 } else { 2 });
        let lanes = diagram.lanes.len();
        let gap = longest.clamp(LANE_MIN, LANE_MAX).min(room / lanes.max(2).saturating_sub(1));
        Layout { ticks, gap: gap.max(LANE_MIN) }
    }

    fn indent(&self) -> &'static str {
        if self.ticks { "        " } else { "  " }
    }

    fn column(&self, lane: usize) -> usize {
        lane * self.gap
    }

    fn head(&self, diagram: &Diagram) -> String {
        let mut head = if self.ticks { "  tick ".to_owned() } else { " ".to_owned() };
        let start = width(&head);
        for (at, lane) in diagram.lanes.iter().enumerate() {
            let want = start + self.column(at);
            head.push_str(&" ".repeat(want.saturating_sub(width(&head))));
            head.push_str(&clip(lane, self.gap - 1));
        }
        clip(&head, COLUMNS)
    }

    fn line(&self, diagram: &Diagram, row: &Row) -> String {
        let mut cells: Vec<char> = Vec::new();
        let end = self.column(diagram.lanes.len() - 1);
        cells.resize(end + 1, ' ');
        (0..diagram.lanes.len()).for_each(|lane| cells[self.column(lane)] = '|');
        let find = |name: &String| diagram.lanes.iter().position(|lane| lane == name);
        match &row.what {
            What::Arrow { from, to, label, lost } => match (find(from), find(to)) {
                (Some(from), Some(to)) if from != to => {
                    self.arrow(&mut cells, from, to, label, *lost)
                }
                _ => self.write(&mut cells, 1, &format!("{from} -> {to}: {label}")),
            },
            What::At { lane, label } => {
                let at = find(lane).unwrap_or(0);
                self.write(&mut cells, self.column(at) + 2, label);
            }
        }
        let tick = row.tick.map_or_else(String::new, |tick| tick.to_string());
        let indent = if self.ticks { format!("{tick:>6}  ") } else { "  ".to_owned() };
        let picture: String = cells.into_iter().collect();
        let line = format!("{indent}{}   {}", picture.trim_end(), row.remark());
        let here = if row.is_here { "  <-- here" } else { "" };
        format!("{}{here}", clip(line.trim_end(), COLUMNS - width(here)))
    }

    fn arrow(&self, cells: &mut [char], from: usize, to: usize, label: &str, lost: bool) {
        let (left, right) = (from.min(to), from.max(to));
        let (first, last) = (self.column(left) + 1, self.column(right) - 1);
        for (at, cell) in cells.iter_mut().enumerate().take(last + 1).skip(first) {
            *cell = if at % self.gap == 0 { '+' } else { '-' };
        }
        let (tip, tail) = if from < to { (last, first) } else { (first, last) };
        cells[tip] = match (lost, from < to) {
            (true, _) => 'X',
            (false, true) => '>',
            (false, false) => '<',
        };
        // The label stands near the receiver's end of a leftward arrow, else near the sender's.
        let room = if right - left == 1 { last - first } else { self.gap * 2 - 4 };
        let text = format!(" {} ", clip(label, room.saturating_sub(4)));
        let start = tip.min(tail) + 2;
        for (cell, c) in cells[start..=last].iter_mut().zip(text.chars()) {
            *cell = c;
        }
        if from < to {
            cells[tip] = if lost { 'X' } else { '>' };
        }
    }

    /// Writes over the lanes' lines, and beyond the last one if need be.
    fn write(&self, cells: &mut Vec<char>, start: usize, text: &str) {
        let text = clip(text, COLUMNS - 10);
        if cells.len() < start + width(&text) {
            cells.resize(start + width(&text), ' ');
        }
        cells[start..].iter_mut().zip(text.chars()).for_each(|(cell, c)| *cell = c);
    }
}

impl Row {
    fn remark(&self) -> String {
        match (&self.place, self.note.is_empty()) {
            (None, _) => self.note.clone(),
            (Some(place), true) => place.short(),
            (Some(place), false) => format!("{}  {}", self.note, place.short()),
        }
    }
}
