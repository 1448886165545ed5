//! The space-time diagram of a run: one row a step, one lane a node, one line a message.
//!
//! ```text
//!   step   n1    n2    n3
//!    1     (1)   |     |     n1 is told to campaign
//!          | \   |     |     n1@0 follower -> n1@1 candidate
//!    2     |  '>(1)    |     n1->n2 RequestVote t1 last=0@0
//!          |     |     |     n2@0 follower -> n2@1 follower; n2 votes for n1
//! ```
//!
//! A mark on a lane has the node's term in it, and its shape says the role: round for a follower, a
//! diamond for a candidate, a square for a leader. So colour, which repeats the term, says nothing alone.
//! A message that is lost ends with a cross before it reaches the next lane.
//!
//! Ticks of which nothing came share one row, so that a long wait stays short.

mod line; // the line of a message
mod text; // what is beside the lanes

use crate::input::{Fate, Input};
use crate::trace::state::merge;
use crate::trace::{Trace, TraceStep};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::ops::RangeInclusive;
use text::{fit, in_two, width_in_code, width_in_prose};

pub(super) use text::escaped;

/// The height of the head, which names the lanes, in pixels.
const HEAD: usize = 30;

/// The height of a line of text, in pixels.
const LINE: usize = 17;

/// The space above and below the text of a row, in pixels.
const PADDING: usize = 5;

/// The width of the column with the step's number, in pixels.
const LEFT: usize = 46;

/// The width of a diagram of up to nine lanes, in pixels: what a page has room for in a window of 800.
const WIDTH: usize = 742;

/// The least room for the text beside the lanes, in pixels.
const TEXT_MIN: usize = 270;

/// The rows of a part of a page's diagram.
const PART_ROWS: usize = 100;

/// How many colours there are for terms: the next term has the first one again.
const COLOURS: u64 = 6;

/// The style of the diagram, in a picture that stands alone and on a page.
pub(super) const STYLE: &str = include_str!("diagram.css");

/// A row: a step, or a few steps of which nothing came.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Row {
    /// The steps, counted from 1.
    pub steps: RangeInclusive<u64>,
    /// Where it begins, in pixels from the top of the first row.
    y: usize,
    /// What happened, and what it led to: a line each, cut to the room beside the lanes.
    headline: String,
    outcome: String,
    /// Both in full, if they were cut.
    whole: Option<String>,
    is_quiet: bool,
    is_broken: bool,
}

impl Row {
    fn height(&self) -> usize {
        let lines = if self.outcome.is_empty() { 1 } else { 2 };
        lines * LINE + 2 * PADDING
    }

    /// Where its mark is, in pixels from the top of the first row.
    fn middle(&self) -> usize {
        self.y + PADDING + LINE / 2
    }
}

/// The diagram of a window of a run.
pub struct Diagram<'a> {
    trace: &'a Trace,
    rows: Vec<Row>,
    /// The row of each step.
    row_of: BTreeMap<u64, usize>,
    /// The node of each lane.
    lanes: Vec<u64>,
    lane_width: usize,
}

/// A message in a window: where it begins and ends.
struct DrawnMessage<'a> {
    id: u64,
    text: &'a str,
    from: u64,
    to: u64,
    term: Option<u64>,
    /// The row in which it was sent; none if that was before the window.
    sent: Option<usize>,
    /// The row in which it ended, and how; none if that is after the window.
    ended: Option<(usize, Fate)>,
}

// Rows.

impl<'a> Diagram<'a> {
    /// Lays out these steps of a trace, counted from 1.
    pub fn of(trace: &'a Trace, steps: RangeInclusive<u64>) -> Self {
        let lanes = trace.header.nodes.clone();
        let lane_width = match lanes.len() {
            0..=3 => 84,
            4..=5 => 62,
            _ => 46,
        };
        let text_at = LEFT + lanes.len() * lane_width + 10;
        let room = WIDTH.saturating_sub(text_at).max(TEXT_MIN);
        let mut rows: Vec<Row> = Vec::new();
        let mut waits: Option<RangeInclusive<u64>> = None;
        let shown = trace.steps.iter().filter(|step| steps.contains(&step.step));
        for step in shown {
            if is_quiet(step) {
                let from = waits.map_or(step.step, |waits| *waits.start());
                waits = Some(from..=step.step);
                continue;
            }
            rows.extend(waits.take().map(quiet_row));
            rows.push(row(step, room));
        }
        rows.extend(waits.take().map(quiet_row));
        let mut y = 0;
        for row in &mut rows {
            row.y = y;
            y += row.height();
        }
        let row_of =
            (0..).zip(&rows).flat_map(|(at, row)| row.steps.clone().map(move |step| (step, at)));
        let row_of = row_of.collect();
        Diagram { trace, rows, row_of, lanes, lane_width }
    }

    /// Returns the rows, from the top.
    pub fn rows(&self) -> &[Row] {
        &self.rows
    }

    fn row_of(&self, step: u64) -> Option<usize> {
        self.row_of.get(&step).copied()
    }

    fn height(&self) -> usize {
        self.rows.last().map_or(0, |row| row.y + row.height())
    }

    fn width(&self) -> usize {
        WIDTH.max(self.text_at() + TEXT_MIN)
    }

    fn text_at(&self) -> usize {
        LEFT + self.lanes.len() * self.lane_width + 10
    }

    /// Returns the middle of a node's lane. A node that has no lane is to the left of all.
    fn lane(&self, node: u64) -> usize {
        let at = self.lanes.iter().position(|&lane| lane == node);
        at.map_or(LEFT - 8, |at| LEFT + at * self.lane_width + self.lane_width / 2)
    }
}

/// Returns whether nothing came of a step.
fn is_quiet(step: &TraceStep) -> bool {
    let says = step.caption.is_some() || step.violation.is_some();
    matches!(step.input, Input::Tick(_)) && step.facts.is_empty() && step.sent.is_empty() && !says
}

fn quiet_row(steps: RangeInclusive<u64>) -> Row {
    let headline = match steps.end() - steps.start() {
        0 => "1 tick, and nothing came of it".to_string(),
        more => format!("{} ticks, and nothing came of them", more + 1),
    };
    let outcome = String::new();
    Row { steps, y: 0, headline, outcome, whole: None, is_quiet: true, is_broken: false }
}

/// Returns the row of a step whose text has so much room, in pixels.
fn row(step: &TraceStep, room: usize) -> Row {
    let said = step.headline.trim_start_matches("> ");
    let is_broken = step.violation.is_some();
    let prose = if is_broken { room * 7 / 8 } else { room };
    let (headline, outcome) = match outcome(step) {
        none if none.is_empty() => in_two(said, room),
        outcome => (said, outcome),
    };
    let fits_headline = fit(headline, room, width_in_code);
    let fits_outcome = fit(&outcome, prose, width_in_prose);
    let is_cut = fits_headline != headline || fits_outcome != outcome;
    Row {
        steps: step.step..=step.step,
        y: 0,
        whole: is_cut.then(|| format!("{headline}\n{outcome}")),
        headline: fits_headline,
        outcome: fits_outcome,
        is_quiet: false,
        is_broken,
    }
}

/// Returns what a step led to, in a line: without the messages, which are drawn; without the timer, if
/// there is more to say; and with the node's name once.
fn outcome(step: &TraceStep) -> String {
    let is_sent = |text: &str| step.sent.iter().any(|sent| sent.text == text);
    let is_timer = |text: &str| text.contains("restarts its election timer");
    let told = step.facts.iter().map(|fact| fact.text.as_str()).filter(|text| !is_sent(text));
    let (timer, rest): (Vec<_>, Vec<_>) = told.partition(|text| is_timer(text));
    let broken = rest.iter().rev().take_while(|text| text.starts_with("***"));
    let mut words: Vec<&str> = broken.copied().collect();
    words.extend(rest.iter().filter(|text| !text.starts_with("***")));
    if words.is_empty() {
        words = timer;
    }
    let name = step.node.map(|node| format!("n{node} ")).unwrap_or_default();
    let mut line = String::new();
    for (at, word) in words.into_iter().enumerate() {
        let short = word.strip_prefix(&name).filter(|_| at > 0 && !name.is_empty());
        line += if at > 0 { "; " } else { "" };
        line += short.unwrap_or(word);
    }
    line
}

// Messages.

impl<'a> Diagram<'a> {
    fn flights(&self) -> Vec<DrawnMessage<'a>> {
        let mut flights: Vec<DrawnMessage<'a>> = Vec::new();
        let mut open: BTreeMap<u64, DrawnMessage<'a>> = BTreeMap::new();
        let row_of = |step: &TraceStep| self.row_of(step.step);
        let last = self.rows.last().map_or(0, |row| *row.steps.end());
        for step in self.trace.steps.iter().take_while(|step| step.step <= last) {
            for sent in &step.sent {
                let flight = DrawnMessage {
                    id: sent.id,
                    text: &sent.text,
                    from: sent.message.from.0,
                    to: sent.message.to.0,
                    term: sent.message.term.map(|term| term.0),
                    sent: row_of(step),
                    ended: None,
                };
                open.insert(sent.id, flight);
            }
            for gone in &step.gone {
                let Some(flight) = open.get(&gone.id) else { continue };
                let ended = row_of(step).map(|row| (row, gone.why));
                if ended.is_some() {
                    flights.push(DrawnMessage { ended, ..*flight });
                }
                if gone.why != Fate::Duplicated {
                    open.remove(&gone.id);
                }
            }
        }
        flights.extend(open.into_values().filter(|flight| flight.sent.is_some()));
        flights
    }
}

// Pictures.

impl Diagram<'_> {
    /// Returns a picture that stands alone: with its title, its style and the names of the lanes.
    pub fn picture(&self, title: &str) -> String {
        let (width, height) = (self.width(), self.height() + HEAD + 8);
        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
             viewBox=\"0 0 {width} {height}\" class=\"diagram\" role=\"img\">\n\
             <title>{}</title>\n<style>\n{STYLE}</style>\n\
             <rect class=\"ground\" width=\"{width}\" height=\"{height}\"/>\n",
            escaped(title)
        );
        svg += &self.names();
        svg += &format!("<g transform=\"translate(0 {HEAD})\">\n{}</g>\n</svg>\n", self.body());
        svg
    }

    /// Returns the head for a page: the names of the lanes.
    pub fn head(&self) -> String {
        let names = self.names();
        self.in_page(HEAD, &format!("aria-hidden=\"true\">\n{names}"))
    }

    /// Returns the rows for a page. The marks and the texts come in parts, of which the page shows those in
    /// sight: the texts of a long run would take a browser half a second to lay out.
    pub fn for_page(&self) -> String {
        let mut body = self.below_marks();
        for (part, rows) in self.rows.chunks(PART_ROWS).zip(self.marks().chunks(PART_ROWS)) {
            let top = part.first().map_or(0, |row| row.y);
            let end = part.last().map_or(0, |row| row.y + row.height());
            let off = if top == 0 { "" } else { " off" };
            let _ = writeln!(body, "<g class=\"part{off}\" data-top=\"{top}\" data-end=\"{end}\">");
            body += &rows.concat();
            body += "</g>\n";
        }
        self.in_page(self.height() + 8, &format!("id=\"rows\" aria-hidden=\"true\">\n{body}"))
    }

    fn in_page(&self, height: usize, rest: &str) -> String {
        let width = self.width();
        format!("<svg class=\"diagram\" width=\"{width}\" height=\"{height}\" {rest}</svg>\n")
    }

    fn names(&self) -> String {
        let mut svg = String::new();
        for &node in &self.lanes {
            let x = self.lane(node);
            let _ =
                writeln!(svg, "<text class=\"name\" x=\"{x}\" y=\"{}\">n{node}</text>", HEAD - 10);
        }
        svg
    }

    /// Draws from the back to the front: bands, lanes, messages; and then marks and texts.
    fn body(&self) -> String {
        self.below_marks() + &self.marks().concat()
    }

    fn below_marks(&self) -> String {
        let mut svg = self.bands();
        svg += &self.lanes_drawn();
        let marks = self.marks_of_lanes();
        let mut still_flying: BTreeMap<(Option<usize>, u64, bool), usize> = BTreeMap::new();
        for flight in self.flights() {
            let mut nth = 0;
            if flight.ended.is_none() {
                let is_to_the_right = self.lane(flight.to) > self.lane(flight.from);
                let count = still_flying.entry((flight.sent, flight.from, is_to_the_right));
                let count = count.or_default();
                nth = std::mem::replace(count, *count + 1);
            }
            svg += &self.message(&flight, &marks, nth);
        }
        svg
    }

    /// A band for every row: to click on, and to light up.
    fn bands(&self) -> String {
        let mut svg = String::new();
        for (at, row) in self.rows.iter().enumerate() {
            let broken = if row.is_broken { " broken" } else { "" };
            let whole = row.whole.as_deref().map(escaped);
            let whole = whole.map(|text| format!("<title>{text}</title>")).unwrap_or_default();
            let _ = writeln!(
                svg,
                "<rect class=\"band{broken}\" data-row=\"{at}\" y=\"{}\" width=\"100%\" height=\"{}\">{whole}</rect>",
                row.y,
                row.height()
            );
        }
        svg
    }

    /// Each lane, in pieces: thin while the node runs, thick while it leads, dotted while it is down.
    fn lanes_drawn(&self) -> String {
        let mut pieces: BTreeMap<u64, Vec<(usize, String)>> = BTreeMap::new();
        let mut state = self.trace.header.state.clone();
        let Some(first) = self.rows.first().map(|row| *row.steps.start()) else {
            return String::new();
        };
        let mut begin = |node: u64, y: usize, state: &BTreeMap<u64, Value>| {
            let class = lane_class(state.get(&node).unwrap_or(&Value::Null));
            let pieces = pieces.entry(node).or_default();
            if pieces.last().is_none_or(|(_, last)| *last != class) {
                pieces.push((y, class));
            }
        };
        for step in &self.trace.steps {
            if step.step == first {
                self.lanes.iter().for_each(|&node| begin(node, 0, &state));
            }
            for (&node, patch) in &step.set {
                merge(state.entry(node).or_insert(Value::Null), patch);
                if let Some(row) = self.row_of(step.step) {
                    begin(node, self.rows[row].middle(), &state);
                }
            }
        }
        let mut svg = String::new();
        for (&node, pieces) in &pieces {
            let x = self.lane(node);
            let ends = pieces.iter().skip(1).map(|(y, _)| *y).chain([self.height() + 8]);
            for ((y, class), end) in pieces.iter().zip(ends) {
                let _ = writeln!(svg, "<path class=\"{class}\" d=\"M{x} {y}V{end}\"/>");
            }
        }
        svg
    }

    /// Where the marks on each lane are, in pixels from the top of the first row.
    fn marks_of_lanes(&self) -> BTreeMap<usize, Vec<i64>> {
        let mut marks: BTreeMap<usize, Vec<i64>> = BTreeMap::new();
        for step in &self.trace.steps {
            let (Some(node), Some(row)) = (step.node, self.row_of(step.step)) else { continue };
            if !self.rows[row].is_quiet {
                marks.entry(self.lane(node)).or_default().push(self.rows[row].middle() as i64);
            }
        }
        marks
    }

    /// Draws a message; of those that stay in flight, `nth` of its sender in its row.
    fn message(
        &self,
        flight: &DrawnMessage<'_>,
        marks: &BTreeMap<usize, Vec<i64>>,
        nth: usize,
    ) -> String {
        let (x1, to) = (self.lane(flight.from) as i64, self.lane(flight.to) as i64);
        let y1 = flight.sent.map_or(0, |row| self.rows[row].middle() as i64);
        let side = (to - x1).signum();
        let half = self.lane_width as i64 / 2;
        let (x2, y2, class) = match flight.ended {
            Some((row, Fate::Delivered)) => (to - side * 11, self.rows[row].middle() as i64, ""),
            Some((row, Fate::Duplicated)) => {
                (to - side * 11, self.rows[row].middle() as i64, " twice")
            }
            Some((row, Fate::Dropped | Fate::LinkCut | Fate::ReceiverDown)) => {
                (x1 + side * half, self.rows[row].middle() as i64, " lost")
            }
            None => (x1 + side * half, y1 + 8 + 7 * nth as i64, " flying"),
        };
        let bend = line::bend(marks, (x1, y1), (x2, y2));
        let pulled = ((x1 + x2) / 2, (y1 + y2) / 2 + bend);
        let (way, comes_from) = match bend {
            0 => (format!("L{x2} {y2}"), (x1, y1)),
            _ => (format!("Q{} {} {x2} {y2}", pulled.0, pulled.1), pulled),
        };
        let colour = colour(flight.term.unwrap_or(0));
        let rows = [flight.sent, flight.ended.map(|(row, _)| row)];
        let rows: Vec<_> = rows.iter().flatten().map(usize::to_string).collect();
        let mut svg = format!(
            "<g class=\"message {colour}{class}\" data-message=\"{}\" data-rows=\"{}\"><title>#{} {}\
             </title><path d=\"M{x1} {y1}{way}\"/>",
            flight.id,
            rows.join(" "),
            flight.id,
            escaped(flight.text)
        );
        match flight.ended {
            Some((_, Fate::Delivered | Fate::Duplicated)) => {
                svg += &line::arrow(comes_from, (x2, y2))
            }
            Some((_, Fate::Dropped | Fate::LinkCut | Fate::ReceiverDown)) => {
                let _ = write!(
                    svg,
                    "<path class=\"cross\" d=\"M{} {}l8 8m0 -8l-8 8\"/>",
                    x2 - 4,
                    y2 - 4
                );
            }
            None => {
                let _ = write!(svg, "<circle cx=\"{x2}\" cy=\"{y2}\" r=\"2.5\"/>");
            }
        }
        if matches!(flight.ended, Some((_, Fate::Duplicated))) {
            let (x, y) = (x2 - side * 14, y2 - 6);
            let _ = write!(svg, "<text class=\"again\" x=\"{x}\" y=\"{y}\">2x</text>");
        }
        svg + "</g>\n"
    }

    /// For each row, the mark on the lane of its node, and its text.
    fn marks(&self) -> Vec<String> {
        let mut drawn = Vec::new();
        let mut state = self.trace.header.state.clone();
        let text_at = self.text_at();
        for step in &self.trace.steps {
            for (&node, patch) in &step.set {
                merge(state.entry(node).or_insert(Value::Null), patch);
            }
            let Some(at) = self.row_of(step.step) else { continue };
            let row = &self.rows[at];
            if *row.steps.end() != step.step {
                continue;
            }
            let (y, mut svg) = (row.middle(), String::new());
            let _ = write!(svg, "<g class=\"row\" data-row=\"{at}\" data-step=\"{}\">", step.step);
            let base = row.y + PADDING + LINE - 4;
            if !row.is_quiet {
                let _ = write!(
                    svg,
                    "<text class=\"number\" x=\"{}\" y=\"{base}\">{}</text>",
                    LEFT - 12,
                    step.step
                );
                match step.node {
                    Some(node) => svg += &self.mark(node, y, state.get(&node)),
                    None if step.gone.is_empty() => {
                        let (from, to) = (LEFT, text_at - 10);
                        let _ = write!(svg, "<path class=\"network\" d=\"M{from} {y}H{to}\"/>");
                    }
                    None => {}
                }
            }
            let quiet = if row.is_quiet { " quiet" } else { "" };
            let _ = write!(
                svg,
                "<text class=\"headline{quiet}\" x=\"{text_at}\" y=\"{base}\">{}</text>",
                escaped(&row.headline)
            );
            if !row.outcome.is_empty() {
                let broken = if row.is_broken { " broken" } else { "" };
                let _ = write!(
                    svg,
                    "<text class=\"outcome{broken}\" x=\"{text_at}\" y=\"{}\">{}</text>",
                    base + LINE,
                    escaped(&row.outcome)
                );
            }
            svg += "</g>\n";
            drawn.push(svg);
        }
        drawn
    }

    /// A node's mark: its term, in the shape of its role.
    fn mark(&self, node: u64, y: usize, state: Option<&Value>) -> String {
        let x = self.lane(node);
        let fact = |name: &str| state.and_then(|state| state.get(name));
        let Some(role) = fact("role").and_then(Value::as_str) else {
            return format!("<path class=\"down\" d=\"M{} {}l12 12m0 -12l-12 12\"/>", x - 6, y - 6);
        };
        let term = fact("term").and_then(Value::as_u64).unwrap_or(0);
        let shape = match role {
            "leader" => format!(
                "<rect x=\"{}\" y=\"{}\" width=\"18\" height=\"18\" rx=\"2\"/>",
                x - 9,
                y - 9
            ),
            "candidate" | "pre-candidate" => {
                let dashed = if role == "candidate" { "" } else { " class=\"maybe\"" };
                format!("<path{dashed} d=\"M{x} {}l11 11l-11 11l-11 -11z\"/>", y - 11)
            }
            _ => format!("<circle cx=\"{x}\" cy=\"{y}\" r=\"9\"/>"),
        };
        let colour = colour(term);
        format!(
            "<g class=\"mark {colour} {role}\">{shape}<text x=\"{x}\" y=\"{}\">{term}</text></g>",
            y + 4
        )
    }
}

/// Returns the class of a lane while its node is in this state.
fn lane_class(state: &Value) -> String {
    let term = state.get("term").and_then(Value::as_u64).unwrap_or(0);
    match state.get("role").and_then(Value::as_str) {
        None => "lane down".to_string(),
        Some("leader") => format!("lane leads {}", colour(term)),
        Some(_) => "lane".to_string(),
    }
}

/// Returns the class of a term's colour.
fn colour(term: u64) -> String {
    match term {
        0 => "t0".to_string(),
        term => format!("t{}", (term - 1) % COLOURS + 1),
    }
}
