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
use crate::text::{clip, plain, width};

/// The widest a line of a diagram may be.
const COLUMNS: usize = 76;
/// The least and the most between two nodes.
const GAP_MIN: usize = 8;
const GAP_MAX: usize = 28;
/// The most that a note takes.
const NOTE_MAX: usize = 30;
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
        let shown = Diagram { lanes: self.taking_part(&kept), rows: self.rows.clone() };
        shown.draw_rows(kept, lines_max)
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

    fn draw_rows(&self, kept: Vec<usize>, lines_max: usize) -> Vec<String> {
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
    /// Where each lane's line stands, from the left edge of the picture.
    lanes: Vec<usize>,
    /// The width of the picture.
    picture: usize,
    /// The width of the notes.
    notes: usize,
    with_places: bool,
}

impl Layout {
    fn of(diagram: &Diagram, kept: &[usize]) -> Self {
        let rows: Vec<&Row> = kept.iter().map(|&at| &diagram.rows[at]).collect();
        let ticks = rows.iter().any(|row| row.tick.is_some());
        let most = |of: fn(&Row) -> usize| rows.iter().map(|row| of(row)).max().unwrap_or(0);
        let notes = most(|row| width(&row.note)).min(NOTE_MAX);
        let places = most(|row| row.place.as_ref().map_or(0, |place| width(&place.short())));
        let heres = most(|row| if row.is_here { width(HERE) - 2 } else { 0 });
        let mut gaps = diagram.gaps(&rows);
        let room = |sides: &[usize]| {
            let sides: usize = sides.iter().filter(|&&side| side > 0).map(|side| side + 2).sum();
            COLUMNS.saturating_sub(sides + if ticks { 8 } else { 2 })
        };
        // The card names the line that decided below: what was said is worth more here.
        let with_places = gaps.iter().sum::<usize>() < room(&[notes, places, heres]);
        let room = if with_places { room(&[notes, places, heres]) } else { room(&[notes, heres]) };
        while gaps.iter().sum::<usize>() + 1 > room {
            let widest = gaps.iter_mut().max().filter(|gap| **gap > GAP_MIN);
            let Some(widest) = widest else { break };
            *widest -= 1;
        }
        let mut lanes = vec![0];
        lanes.extend(gaps.iter().scan(0, |at, gap| {
            *at += gap;
            Some(*at)
        }));
        let mut layout = Layout { ticks, lanes, picture: 0, notes, with_places };
        let widths = rows.iter().map(|row| width(&layout.picture_of(diagram, row)));
        layout.picture = widths.max().unwrap_or(0);
        layout
    }

    fn indent(&self) -> &'static str {
        if self.ticks { "        " } else { "  " }
    }

    fn head(&self, diagram: &Diagram) -> String {
        let mut head = if self.ticks { "  tick ".to_owned() } else { " ".to_owned() };
        let start = width(&head);
        for (at, lane) in diagram.lanes.iter().enumerate() {
            let want = start + self.lanes[at];
            head.push_str(&" ".repeat(want.saturating_sub(width(&head))));
            head.push_str(&clip(&plain(lane), GAP_MIN - 1));
        }
        clip(&head, COLUMNS)
    }

    fn line(&self, diagram: &Diagram, row: &Row) -> String {
        let picture = self.picture_of(diagram, row);
        let tick = row.tick.map_or_else(String::new, |tick| tick.to_string());
        let indent = if self.ticks { format!("{tick:>6}  ") } else { "  ".to_owned() };
        let mut line = format!("{indent}{picture:<wide$}", wide = self.picture);
        if self.notes > 0 {
            let note = clip(&plain(&row.note), self.notes);
            line.push_str(&format!("  {note:<wide$}", wide = self.notes));
        }
        if let Some(place) = row.place.as_ref().filter(|_| self.with_places) {
            line.push_str(&format!("  {}", place.short()));
        }
        let here = if row.is_here { HERE } else { "" };
        format!("{}{here}", clip(line.trim_end(), COLUMNS - width(here)))
    }

    fn picture_of(&self, diagram: &Diagram, row: &Row) -> String {
        let end = self.lanes.last().copied().unwrap_or(0);
        let mut cells = vec![' '; end + 1];
        self.lanes.iter().for_each(|&lane| cells[lane] = '|');
        match &row.what {
            What::Arrow { from, to, label, lost } => match (diagram.lane(from), diagram.lane(to)) {
                (Some(from), Some(to)) if from != to => {
                    self.arrow(&mut cells, from, to, &plain(label), *lost);
                }
                _ => self.write(&mut cells, 2, &format!("{from} -> {to}: {label}")),
            },
            What::At { lane, label } => {
                let at = diagram.lane(lane).unwrap_or(0);
                self.write(&mut cells, self.lanes[at] + 2, label);
            }
        }
        cells.into_iter().collect::<String>().trim_end().to_owned()
    }

    /// Draws `<- label ---+---` between two lanes, both ends free. A label too long for its arrow is
    /// cut.
    fn arrow(&self, cells: &mut [char], from: usize, to: usize, label: &str, lost: bool) {
        let (first, last) = (self.lanes[from.min(to)] + 1, self.lanes[from.max(to)] - 1);
        for (at, cell) in cells.iter_mut().enumerate().take(last + 1).skip(first) {
            *cell = if self.lanes.contains(&at) { '+' } else { '-' };
        }
        // Tip, at least one dash on either side of the label, and blanks around it.
        let text = format!(" {} ", clip(label, last + 1 - first - 5));
        let start = first + if from < to { 1 } else { 2 };
        cells[start..].iter_mut().zip(text.chars()).for_each(|(cell, c)| *cell = c);
        match (lost, from < to) {
            (false, true) => cells[last] = '>',
            (false, false) => cells[first] = '<',
            (true, true) => cells[last] = 'X',
            (true, false) => cells[first] = 'X',
        }
    }

    /// Writes over the lanes' lines, and beyond the last one if need be.
    fn write(&self, cells: &mut Vec<char>, start: usize, text: &str) {
        let text = clip(&plain(text), COLUMNS - 10);
        if cells.len() < start + width(&text) {
            cells.resize(start + width(&text), ' ');
        }
        cells[start..].iter_mut().zip(text.chars()).for_each(|(cell, c)| *cell = c);
    }
}

impl Diagram {
    fn lane(&self, name: &str) -> Option<usize> {
        self.lanes.iter().position(|lane| lane == name)
    }

    /// Returns how wide the gaps between lanes would like to be.
    fn gaps(&self, rows: &[&Row]) -> Vec<usize> {
        let mut gaps = vec![GAP_MIN; self.lanes.len().saturating_sub(1)];
        for row in rows {
            match &row.what {
                What::Arrow { from, to, label, .. } => {
                    let (Some(from), Some(to)) = (self.lane(from), self.lane(to)) else { continue };
                    let (left, right) = (from.min(to), from.max(to));
                    let need = (width(label) + 6).min(GAP_MAX);
                    let has: usize = gaps[left..right].iter().sum();
                    if left < right && has < need {
                        gaps[left] += need - has;
                    }
                }
                What::At { lane, label } => {
                    let gap = self.lane(lane).and_then(|lane| gaps.get_mut(lane));
                    if let Some(gap) = gap {
                        *gap = (*gap).max((width(label) + 4).min(GAP_MAX));
                    }
                }
            }
        }
        gaps
    }
}

#[cfg(test)]
mod tests;
