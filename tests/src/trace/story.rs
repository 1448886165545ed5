//! A trace for the terminal: what happened, what came of it, and which line decided.
//!
//! ```text
//!   campaign 1
//!   > n1 is told to campaign
//!     n1@0 follower -> n1@1 candidate
//!       raft/src/role.rs:150  §5.2, Candidates (1)  election.md#roles
//! ```
//!
//! `Candidates (1)` is the name of a rule in the paper's Figure 2, `election.md#roles` a place in the
//! book.
//!
//! Lines carry what they are, so that a screen can colour them; no line is wider than 80 columns.

use crate::trace::cause::Cause;
use crate::trace::event::RulePlace;
use crate::trace::page::{Moment, Outcome, Trace, Unanswered};
use std::collections::BTreeMap;

/// How wide a story is, in columns.
pub const WIDTH: usize = 80;

/// What a line of a story is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// What the story is called.
    Title,
    /// What the author says.
    Caption,
    /// What the script says.
    Command,
    /// What happened.
    Headline,
    /// What came of it.
    Fact,
    /// Which line decided, and where the rule is stated.
    Source,
    /// What must never happen, and did.
    Broken,
    /// Nothing: room.
    Blank,
}

/// One line of a story.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Line {
    /// What it is.
    pub kind: Kind,
    /// Its text, indented.
    pub text: String,
}

impl Line {
    /// Returns the lines that a text fills: its own lines, each broken at blanks where it is too wide,
    /// and what is left of it two columns further in.
    pub fn wrapped(kind: Kind, indent: usize, text: &str) -> Vec<Line> {
        let mut lines = Vec::new();
        for row in text.lines() {
            for (number, part) in wrap(row, WIDTH.saturating_sub(indent + 2)).iter().enumerate() {
                let indent = if number == 0 { indent } else { indent + 2 };
                let text = format!("{:indent$}{part}", "").trim_end().to_string();
                lines.push(Line { kind, text });
            }
        }
        lines
    }

    /// Returns the lines that prose fills: its paragraphs, filled anew. A line that is indented is a
    /// picture, and stays as it is.
    pub fn prose(kind: Kind, indent: usize, text: &str) -> Vec<Line> {
        let mut rows: Vec<String> = Vec::new();
        let mut goes_on = false;
        for row in text.lines() {
            let is_prose = !row.is_empty() && !row.starts_with(' ');
            match rows.last_mut().filter(|_| is_prose && goes_on) {
                Some(last) => *last = format!("{last} {row}"),
                None => rows.push(row.to_string()),
            }
            goes_on = is_prose;
        }
        let parts = rows.iter().flat_map(|row| wrap(row, WIDTH.saturating_sub(indent + 2)));
        let line = |part: String| format!("{:indent$}{part}", "").trim_end().to_string();
        parts.map(|part| Line { kind, text: line(part) }).collect()
    }

    /// Returns an empty line.
    pub fn blank() -> Line {
        Line { kind: Kind::Blank, text: String::new() }
    }
}

impl Trace {
    /// Tells the trace.
    pub fn story(&self) -> Vec<Line> {
        let mut lines = Line::wrapped(Kind::Title, 0, &self.header.title);
        lines.extend(Line::prose(Kind::Caption, 2, &self.header.intro));
        for moment in &self.moments {
            if moment.caption.is_some() || moment.command.is_some() {
                lines.push(Line::blank());
            }
            lines
                .extend(moment.caption.iter().flat_map(|text| Line::prose(Kind::Caption, 0, text)));
            lines.extend(
                moment.command.iter().flat_map(|text| Line::wrapped(Kind::Command, 0, text)),
            );
            lines.extend(moment.story(&self.header.rules));
        }
        lines.push(Line::blank());
        lines.extend(self.last_words());
        lines
    }

    /// Tells the trace as plain text.
    pub fn text(&self) -> String {
        self.story().into_iter().map(|line| line.text + "\n").collect()
    }

    /// Says how it ended.
    fn last_words(&self) -> Vec<Line> {
        let steps = self.moments.len();
        let Some(ending) = &self.ending else {
            let text = format!("Here the trace stops, after {steps} steps: the run was cut short.");
            return Line::wrapped(Kind::Broken, 0, &text);
        };
        let said = ending.text.as_deref().unwrap_or("no reason given");
        match ending.outcome {
            Outcome::Done => {
                let steps = if steps == 1 { "1 step".into() } else { format!("{steps} steps") };
                Line::wrapped(Kind::Caption, 0, &format!("{steps}, and no invariant broke."))
            }
            Outcome::Broken => {
                let Some(broken) = &ending.violation else { return Vec::new() };
                let text = format!("Broken in step {}: {}.", broken.step, broken.text);
                Line::wrapped(Kind::Broken, 0, &text)
            }
            Outcome::Failed => Line::wrapped(Kind::Broken, 0, &format!("The test failed: {said}")),
            Outcome::Crashed => {
                let unanswered = ending.unanswered.iter();
                let headline = |it: &Unanswered| Line::wrapped(Kind::Headline, 0, &it.headline);
                let mut lines: Vec<_> = unanswered.flat_map(headline).collect();
                let text = format!("Here the code stopped: {said}");
                lines.extend(Line::wrapped(Kind::Broken, 0, &text));
                lines
            }
        }
    }
}

impl Moment {
    /// Tells one step. A tick that nothing came of is not worth telling.
    pub fn story(&self, rules: &BTreeMap<String, RulePlace>) -> Vec<Line> {
        if self.facts.is_empty() && matches!(self.input, Cause::Tick(_)) {
            return Vec::new();
        }
        let mut lines = Line::wrapped(Kind::Headline, 0, &self.headline);
        lines.extend(self.facts_told(rules));
        lines
    }

    /// Tells what came of the step. What was sent needs no line of source: the rule that sent it has
    /// just been told.
    pub fn facts_told(&self, rules: &BTreeMap<String, RulePlace>) -> Vec<Line> {
        let mut lines = Vec::new();
        for fact in &self.facts {
            let broken = fact.text.starts_with("***");
            let kind = if broken { Kind::Broken } else { Kind::Fact };
            lines.extend(Line::wrapped(kind, 2, &fact.text));
            let decided = fact.event.and_then(|event| self.events.get(event));
            if let Some(happening) = decided.filter(|happening| happening.kind != "sent") {
                let source = source(&happening.at, rules.get(&happening.rule));
                lines.extend(Line::wrapped(Kind::Source, 6, &source));
            }
        }
        lines
    }
}

/// Says which line decided, and where the rule is stated.
fn source(at: &str, rule: Option<&RulePlace>) -> String {
    let line = at.rsplit_once(':').map_or(at, |(line, _column)| line);
    let Some(rule) = rule else { return line.to_string() };
    let figure = rule.figure.as_deref().map(|figure| figure.trim_start_matches("Fig. 2 "));
    let figure = figure.map_or(String::new(), |figure| format!(", {figure}"));
    format!("{line}  §{}{figure}  {}", rule.section, rule.chapter)
}

/// Breaks a text at blanks into parts of at most so many characters. A word that is wider stands
/// alone; blanks at the beginning of the text stay.
fn wrap(text: &str, width: usize) -> Vec<String> {
    if text.chars().count() <= width + 2 {
        return vec![text.to_string()];
    }
    let mut parts = vec![String::new()];
    for word in text.split(' ') {
        let last = parts.last_mut().expect("there is always one part");
        if last.is_empty() {
            last.push_str(word);
        } else if last.chars().count() + 1 + word.chars().count() <= width {
            last.push(' ');
            last.push_str(word);
        } else {
            parts.push(word.to_string());
        }
    }
    parts
}
