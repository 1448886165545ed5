//! The card: one page that says which rule broke, what shows it, and where to look.
//!
//! ```text
//!   x 2aa step 5 · aa_vote_once_per_term · row 3 "a second candidate asks in the same term"
//!     ONE VOTE PER TERM: n1 voted for n2 and then for n3, both in term 1            §5.2
//!     expected  n3 is refused      got  n3 is granted
//!     <details, picture, table, diagram>
//!     your line   raft/src/election.rs:84   self.vote_for(from);   in Core::on_request_vote
//!     (or, where no line is certain:   in one of   Log::append, Log::last_index)
//!     so what     n2 and n3 may both count n1: two leaders in term 1
//!     replay  cargo labs replay aa_vote_once_per_term/3 --open   hint  ...   read  ...
//! ```
//!
//! Invariant: at most [`LINES_MAX`] lines of [`COLUMNS_MAX`] columns, whatever the data. Sections
//! have limits of their own; table and diagram share what the others leave.

use crate::failure::{Failure, NAMED_MAX};
use crate::place::Place;
use crate::text::{clip, counted, plain, width, wrap};
use crate::wire::Printed;

/// The most lines of a card.
pub const LINES_MAX: usize = 40;
/// The most columns of a card.
pub const COLUMNS_MAX: usize = 80;
/// The most lines of a picture.
const PICTURE_LINES_MAX: usize = 22;
/// The most lines for a student's prints under a card, with their heading.
const PRINTED_LINES_MAX: usize = 7;

/// Where in the course a card belongs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct CardPlace<'a> {
    /// The lab: `2aa`.
    pub(crate) lab: &'a str,
    /// The step of the lab.
    pub(crate) step: u32,
    /// The test.
    pub(crate) test: &'a str,
    /// The test's page, as it is named from the workspace's root.
    pub(crate) page: Option<&'a str>,
}

impl CardPlace<'_> {
    fn head(self, mark: char, more: &str) -> String {
        let CardPlace { lab, step, test, .. } = self;
        let more = if more.is_empty() { String::new() } else { format!(" · {}", plain(more)) };
        format!("{mark} {lab} step {step} · {test}{more}")
    }

    fn replay(self, row: Option<u64>, seed: Option<u64>) -> String {
        let row = row.map_or_else(String::new, |row| format!("/{row}"));
        let seed = seed.map_or_else(String::new, |seed| format!(" {seed}"));
        format!("cargo labs replay {}{row}{seed} --open", self.test)
    }

    fn read(self, anchor: Option<&str>) -> String {
        let step = format!("step-{}", self.step);
        format!("book/{}.md#{}", self.lab, anchor.unwrap_or(&step))
    }

    fn foot(self, replay: &str, anchor: Option<&str>) -> Vec<String> {
        let replay = format!("  replay  {replay}");
        let rest = format!("  hint  cargo labs hint   read  {}", self.read(anchor));
        let both = format!("{replay} {rest}");
        let mut lines = if width(&both) <= COLUMNS_MAX {
            vec![both]
        } else {
            vec![clip(&replay, COLUMNS_MAX), clip(&rest, COLUMNS_MAX)]
        };
        lines.extend(self.page.map(|page| {
            let whole = format!("  page    {page}");
            // Of a path that is too long, what a search would find.
            let name = page.rsplit(['/', '\\']).next().unwrap_or(page);
            if width(&whole) <= COLUMNS_MAX { whole } else { format!("  page    .. {name}") }
        }));
        lines
    }
}

/// Draws the card of a broken rule.
pub(crate) fn draw(failure: &Failure, course: CardPlace<'_>) -> String {
    let seed = failure.sweep.map(|sweep| sweep.seed);
    let mut above = vec![clip(&course.head('x', &which(failure)), COLUMNS_MAX)];
    above.extend(measured(failure));
    above.extend(titled(&failure.headline(), failure.rule.paper));
    above.extend(cap(expected_and_got(failure), 4));
    let details = failure.details.iter().flat_map(|detail| paragraph("  ", detail, 2));
    above.extend(cap(details.collect(), 8));

    let mut below = your_code(failure.line(), failure.named());
    below.extend(paragraph("  so what     ", &failure.so_what, 3));
    let row = failure.first_row();
    below.extend(course.foot(&course.replay(row, seed), failure.anchor.as_deref()));

    let mut room = LINES_MAX - above.len() - below.len();
    above.extend(cap(failure.picture.clone(), room.min(PICTURE_LINES_MAX)));
    room = LINES_MAX - above.len() - below.len();
    if let Some(table) = &failure.table {
        above.extend(paragraph("  ", table.intro_text(), 2));
        room = LINES_MAX - above.len() - below.len();
        let share = if failure.diagram.is_empty() { room } else { room / 2 };
        above.extend(table.draw(share.min(16), COLUMNS_MAX));
        room = LINES_MAX - above.len() - below.len();
    }
    above.extend(failure.diagram.draw(room.min(16)).iter().map(|line| format!("   {line}")));
    finish(above, below)
}

/// Draws the card of a hole that is not written yet.
pub(crate) fn draw_not_written(hole: &str, at: Option<&Place>, course: CardPlace<'_>) -> String {
    let mut lines = vec![clip(&course.head('o', ""), COLUMNS_MAX)];
    let at = at.map_or_else(String::new, |place| format!("   {place}"));
    lines.push(format!("  not written yet: {}{at}", plain(hole)));
    lines.push(format!("  hint  cargo labs hint   read  {}", course.read(None)));
    finish(lines, Vec::new())
}

/// What is known about a test that ended without a verdict.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Crash {
    /// What happened, as a sentence in capitals and one in small letters.
    pub(crate) headline: String,
    /// What the test was doing.
    pub(crate) doing: Option<String>,
    /// The functions that this leads to, of those that students write.
    pub(crate) within: Vec<String>,
    /// The line, if it is known.
    pub(crate) your_line: Option<Place>,
    /// Where it happened, if that is not the student's line.
    pub(crate) at: Option<Place>,
    /// What to do about it.
    pub(crate) advice: String,
    /// The seed that was running.
    pub(crate) seed: Option<u64>,
}

impl Crash {
    /// Returns the functions that the card names: that of the line, or else the first that this leads to.
    pub(crate) fn named(&self) -> Vec<String> {
        match &self.your_line {
            Some(line) => line.function().into_iter().collect(),
            None => self.within.iter().take(NAMED_MAX).cloned().collect(),
        }
    }
}

/// Draws the card of a test that ended without a verdict.
pub(crate) fn draw_crash(crash: &Crash, course: CardPlace<'_>) -> String {
    let seed = crash.seed.map_or_else(String::new, |seed| format!("seed {seed}"));
    let mut lines = vec![clip(&course.head('x', &seed), COLUMNS_MAX)];
    lines.extend(cap(paragraph("  ", &crash.headline, 6), 6));
    if let Some(doing) = &crash.doing {
        lines.extend(paragraph("  while       ", doing, 3));
    }
    if let Some(at) = crash.at.as_ref().filter(|at| Some(*at) != crash.your_line.as_ref()) {
        lines.push(clip(&format!("  raised at   {at}"), COLUMNS_MAX));
    }
    lines.extend(your_code(crash.your_line.as_ref(), crash.named()));
    lines.extend(paragraph("  remark      ", &crash.advice, 3));
    let replay = match crash.seed {
        Some(_) => course.replay(None, crash.seed),
        None => format!("cargo labs test {}", course.test),
    };
    finish(lines, course.foot(&replay, None))
}

/// Adds what the student's code printed to a card, if there is room.
pub(crate) fn with_printed(card: &str, printed: &Printed) -> String {
    let room = LINES_MAX.saturating_sub(card.lines().count()).min(PRINTED_LINES_MAX);
    if printed.lines() == 0 || room < 2 {
        return card.to_owned();
    }
    let shown = (room - 1).min(printed.last().len());
    let heading = match printed.lines() {
        1 => "  your code printed:".to_owned(),
        lines if lines == shown as u64 => format!("  your code printed {lines} lines:"),
        lines => format!("  your code printed {lines} lines; the last {shown}:"),
    };
    let last: Vec<&str> = printed.last().rev().take(shown).collect();
    let last = last.iter().rev().map(|line| clip(&format!("    {}", plain(line)), COLUMNS_MAX));
    let lines: Vec<String> = card.lines().map(str::to_owned).chain([heading]).chain(last).collect();
    lines.join("\n")
}

/// Says which row, rows or seed.
fn which(failure: &Failure) -> String {
    match (&failure.row, &failure.table, failure.sweep) {
        (Some((number, title)), _, _) if title.is_empty() => format!("row {number}"),
        (Some((number, title)), _, _) => format!("row {number} \"{title}\""),
        (None, _, Some(sweep)) if sweep.ran == 1 => format!("seed {}", sweep.seed),
        (None, _, Some(sweep)) => {
            format!("seed {} ({} of {} seeds hold)", sweep.seed, sweep.held, sweep.ran)
        }
        (None, Some(table), None) => table.count(),
        (None, None, None) => String::new(),
    }
}

fn measured(failure: &Failure) -> Vec<String> {
    let shrunk =
        failure.shrunk.map(|(from, to)| format!("shrunk {from} -> {}", counted(to, "event")));
    let parts: Vec<String> =
        shrunk.into_iter().chain(Some(failure.faults.clone()).filter(|f| !f.is_empty())).collect();
    paragraph("  ", &parts.join(", "), 2)
}

/// The rule, and where the paper states it: at the right if there is room.
fn titled(headline: &str, paper: &str) -> Vec<String> {
    let mut lines = paragraph("  ", headline, 4);
    let used = lines.last().map_or(0, |line| width(line));
    match lines.last_mut() {
        Some(last) if !paper.is_empty() && used + 3 + width(paper) <= COLUMNS_MAX => {
            last.push_str(&" ".repeat(COLUMNS_MAX - used - width(paper)));
            last.push_str(paper);
        }
        Some(_) | None => lines.extend(paragraph("      ", paper, 1)),
    }
    lines
}

fn expected_and_got(failure: &Failure) -> Vec<String> {
    let (expected, got) = (plain(&failure.expected), plain(&failure.got));
    if !expected.is_empty() && !got.is_empty() {
        let both = format!("  expected  {expected:<21}  got  {got}");
        if width(&both) <= COLUMNS_MAX {
            return vec![both];
        }
    }
    let mut lines = paragraph("  expected  ", &expected, 2);
    lines.extend(paragraph("  got       ", &got, 2));
    lines
}

/// Says where to look: the line, the function, or the functions of which one decided.
fn your_code(place: Option<&Place>, named: Vec<String>) -> Vec<String> {
    let Some(place) = place else {
        return match named.as_slice() {
            [] => Vec::new(),
            [path] => vec![format!("  your code   in {path}")],
            several => paragraph("  in one of   ", &several.join(", "), 2),
        };
    };
    let function = named.first().map(|path| format!("in {path}"));
    let text = place.text().map(|text| plain(&text)).filter(|text| !text.is_empty());
    let parts = [Some(place.to_string()), text, function];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    let one = format!("  your line   {}", parts.join("   "));
    if width(&one) <= COLUMNS_MAX {
        return vec![one];
    }
    let (first, rest) = parts.split_first().expect("the place is there");
    let function = rest.last().filter(|_| parts.len() > 1).cloned().unwrap_or_default();
    let mut lines = vec![clip(&format!("  your line   {first}   {function}"), COLUMNS_MAX)];
    if let [text, _] = rest {
        lines.push(clip(&format!("              {text}"), COLUMNS_MAX));
    }
    lines
}

/// Breaks a text into at most `lines_max` lines under a heading.
fn paragraph(heading: &str, text: &str, lines_max: usize) -> Vec<String> {
    if text.is_empty() {
        return Vec::new();
    }
    let indent = width(heading);
    let lines = wrap(&plain(text), COLUMNS_MAX - indent, 0);
    let lines = cap(lines, lines_max);
    let pad = " ".repeat(indent);
    let first = lines.iter().take(1).map(|line| format!("{heading}{line}"));
    first.chain(lines.iter().skip(1).map(|line| format!("{pad}{line}"))).collect()
}

/// Keeps the first lines; `..` marks a cut.
fn cap(mut lines: Vec<String>, lines_max: usize) -> Vec<String> {
    if lines.len() > lines_max {
        lines.truncate(lines_max);
        if let Some(last) = lines.last_mut() {
            *last = format!("{} ..", clip(last, COLUMNS_MAX - 12));
        }
    }
    lines
}

/// Joins the sections. The sections' own limits make them fit; this limit holds in any case.
fn finish(above: Vec<String>, below: Vec<String>) -> String {
    let room = LINES_MAX.saturating_sub(below.len());
    let lines = cap(above, room).into_iter().chain(below);
    let lines: Vec<String> =
        lines.map(|line| clip(plain(&line).trim_end(), COLUMNS_MAX)).take(LINES_MAX).collect();
    lines.join("\n")
}

#[cfg(test)]
mod tests;
