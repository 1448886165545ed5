//! Texts on their arrows: for a few nodes and short messages.
//!
//! ```text
//!   n1                  n2
//!    |<- RequestVote t1 -|  vote none -> n2  election.rs:84  <-- here
//! ```

use super::{COLUMNS, Diagram, HERE, Row, What};
use crate::text::{clip, plain, width};

/// The least between two nodes.
const GAP_MIN: usize = 8;

/// Where the columns are.
pub(super) struct Inline<'a> {
    diagram: &'a Diagram,
    /// Where each lane's line is, from the left edge of the picture.
    lanes: Vec<usize>,
    /// The width of the picture.
    picture: usize,
    /// The width of the notes.
    notes: usize,
    with_places: bool,
}

impl<'a> Inline<'a> {
    /// Lays out these rows; none if there is no room for every text.
    pub(super) fn of(diagram: &'a Diagram, kept: &[usize]) -> Option<Self> {
        let rows: Vec<&Row> = kept.iter().map(|&at| &diagram.rows[at]).collect();
        let most = |of: fn(&Row) -> usize| rows.iter().map(|row| of(row)).max().unwrap_or(0);
        let notes = most(|row| width(&row.note));
        let places = most(|row| row.place.as_ref().map_or(0, |place| width(&place.short()) + 2));
        let heres = most(|row| if row.is_here { width(HERE) } else { 0 });
        let gaps = gaps(diagram, &rows);
        let lanes = gaps.iter().scan(0, |at, gap| {
            *at += gap;
            Some(*at)
        });
        let lanes = std::iter::once(0).chain(lanes).collect();
        let mut layout = Inline { diagram, lanes, picture: 0, notes, with_places: false };
        layout.picture = rows.iter().map(|row| width(&layout.picture_of(row))).max().unwrap_or(0);
        let notes = if notes > 0 { notes + 2 } else { 0 };
        let used = if diagram.has_ticks() { 8 } else { 2 } + layout.picture + notes + heres;
        // The card names the deciding line below: the messages are more useful here.
        layout.with_places = used + places <= COLUMNS;
        (used <= COLUMNS).then_some(layout)
    }

    /// Returns the line that names the nodes.
    pub(super) fn head(&self) -> String {
        let mut head = if self.diagram.has_ticks() { "  tick ".to_owned() } else { " ".to_owned() };
        let start = width(&head);
        for (at, lane) in self.diagram.lanes.iter().enumerate() {
            let want = start + self.lanes[at];
            head.push_str(&" ".repeat(want.saturating_sub(width(&head))));
            head.push_str(&clip(&plain(lane), GAP_MIN - 1));
        }
        clip(&head, COLUMNS)
    }

    /// Draws a row.
    pub(super) fn line(&self, row: &Row) -> String {
        let picture = self.picture_of(row);
        let mut line = format!("{}{picture:<wide$}", self.diagram.margin(row), wide = self.picture);
        if self.notes > 0 {
            line.push_str(&format!("  {:<wide$}", plain(&row.note), wide = self.notes));
        }
        if let Some(place) = row.place.as_ref().filter(|_| self.with_places) {
            line.push_str(&format!("  {}", place.short()));
        }
        let here = if row.is_here { HERE } else { "" };
        format!("{}{here}", clip(line.trim_end(), COLUMNS - width(here)))
    }

    fn picture_of(&self, row: &Row) -> String {
        let end = self.lanes.last().copied().unwrap_or(0);
        let mut cells = vec![' '; end + 1];
        self.lanes.iter().for_each(|&lane| cells[lane] = '|');
        let lane = |name: &str| self.diagram.lane(name);
        match &row.what {
            What::Arrow { from, to, label, lost } => match (lane(from), lane(to)) {
                (Some(from), Some(to)) if from != to => {
                    self.arrow(&mut cells, from, to, &plain(label), *lost);
                }
                _ => write(&mut cells, 2, &format!("{from} -> {to}: {label}")),
            },
            What::At { lane: at, label } => {
                write(&mut cells, self.lanes[lane(at).unwrap_or(0)] + 2, label);
            }
        }
        cells.into_iter().collect::<String>().trim_end().to_owned()
    }

    /// Draws `<- label ---+---` between two lanes, both ends free.
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
}

/// Writes over the lanes' lines, and beyond the last one if necessary.
fn write(cells: &mut Vec<char>, start: usize, text: &str) {
    let text = plain(text);
    if cells.len() < start + width(&text) {
        cells.resize(start + width(&text), ' ');
    }
    cells[start..].iter_mut().zip(text.chars()).for_each(|(cell, c)| *cell = c);
}

/// Returns how wide the gaps between lanes must be to show every text uncut.
fn gaps(diagram: &Diagram, rows: &[&Row]) -> Vec<usize> {
    let mut gaps = vec![GAP_MIN; diagram.lanes.len().saturating_sub(1)];
    for row in rows {
        match &row.what {
            What::Arrow { from, to, label, .. } => {
                let (Some(from), Some(to)) = (diagram.lane(from), diagram.lane(to)) else {
                    continue;
                };
                let (left, right) = (from.min(to), from.max(to));
                let has: usize = gaps[left..right].iter().sum();
                if left < right {
                    gaps[left] += (width(label) + 6).saturating_sub(has);
                }
            }
            What::At { lane, label } => {
                let gap = diagram.lane(lane).and_then(|lane| gaps.get_mut(lane));
                if let Some(gap) = gap {
                    *gap = (*gap).max(width(label) + 4);
                }
            }
        }
    }
    gaps
}
