//! A trace for the terminal: what happened, what it led to, and which source line decided.
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
//! Every line has a kind, so that a screen can colour it. No line is wider than 80 columns.

use crate::input::Input;
use crate::trace::event::RulePlace;
use crate::trace::format::{Outcome, Trace, TraceStep, UnfinishedInput};
use std::collections::BTreeMap;

/// The width of a line, in columns.
pub const WIDTH: usize = 80;

/// The kind of a line.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// The title.
    Title,
    /// A comment of the author.
    Caption,
    /// A command of the script.
    Command,
    /// What happened.
    Headline,
    /// What it led to.
    Fact,
    /// Which line decided, and where the rule is stated.
    Source,
    /// A broken rule.
    Broken,
    /// An empty line.
    Blank,
}

/// One line for the terminal.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Line {
    /// Its kind.
    pub kind: Kind,
    /// Its text, indented.
    pub text: String,
}

impl Line {
    /// Returns the lines of a text. A line that is too wide is broken at a space, and its rest is indented
    /// by two more columns.
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

    /// Returns the lines of prose: its paragraphs are wrapped again. An indented line belongs to a picture
    /// and stays as it is.
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
    /// Returns the lines of the whole trace.
    pub fn story(&self) -> Vec<Line> {
        let mut lines = Line::wrapped(Kind::Title, 0, &self.header.title);
        lines.extend(Line::prose(Kind::Caption, 2, &self.header.intro));
        for step in &self.steps {
            if step.caption.is_some() || step.command.is_some() {
                lines.push(Line::blank());
            }
            lines.extend(step.caption.iter().flat_map(|text| Line::prose(Kind::Caption, 0, text)));
            lines
                .extend(step.command.iter().flat_map(|text| Line::wrapped(Kind::Command, 0, text)));
            lines.extend(step.story(&self.header.rules));
        }
        lines.push(Line::blank());
        lines.extend(self.last_words());
        lines
    }

    /// Returns the whole trace as plain text.
    pub fn text(&self) -> String {
        self.story().into_iter().map(|line| line.text + "\n").collect()
    }

    /// Returns how the run ended.
    fn last_words(&self) -> Vec<Line> {
        let steps = self.steps.len();
        let Some(footer) = &self.footer else {
            let text = format!("The trace ends here, after {steps} steps: the run was cut short.");
            return Line::wrapped(Kind::Broken, 0, &text);
        };
        let said = footer.text.as_deref().unwrap_or("no reason given");
        match footer.outcome {
            Outcome::Done => {
                let steps = if steps == 1 { "1 step".into() } else { format!("{steps} steps") };
                Line::wrapped(Kind::Caption, 0, &format!("{steps}, and no invariant broke."))
            }
            Outcome::Broken => {
                let Some(broken) = &footer.violation else { return Vec::new() };
                let text = format!("Broken in step {}: {}.", broken.step, broken.text);
                Line::wrapped(Kind::Broken, 0, &text)
            }
            Outcome::Failed => Line::wrapped(Kind::Broken, 0, &format!("The test failed: {said}")),
            Outcome::Crashed => {
                let unanswered = footer.unanswered.iter();
                let headline =
                    |it: &UnfinishedInput| Line::wrapped(Kind::Headline, 0, &it.headline);
                let mut lines: Vec<_> = unanswered.flat_map(headline).collect();
                let text = format!("The code panicked here: {said}");
                lines.extend(Line::wrapped(Kind::Broken, 0, &text));
                lines
            }
        }
    }
}

impl TraceStep {
    /// Returns the lines of one step. A tick that led to nothing has none.
    pub fn story(&self, rules: &BTreeMap<String, RulePlace>) -> Vec<Line> {
        if self.facts.is_empty() && matches!(self.input, Input::Tick(_)) {
            return Vec::new();
        }
        let mut lines = Line::wrapped(Kind::Headline, 0, &self.headline);
        lines.extend(self.facts_told(rules));
        lines
    }

    /// Returns the lines of what the step led to. A message that was sent has no source line: the line
    /// before already names the rule that sent it.
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

/// Returns the source line that decided, and where its rule is stated.
fn source(at: &str, rule: Option<&RulePlace>) -> String {
    let line = at.rsplit_once(':').map_or(at, |(line, _column)| line);
    let Some(rule) = rule else { return line.to_string() };
    let figure = rule.figure.as_deref().map(|figure| figure.trim_start_matches("Fig. 2 "));
    let figure = figure.map_or(String::new(), |figure| format!(", {figure}"));
    format!("{line}  §{}{figure}  {}", rule.section, rule.chapter)
}

/// Breaks a text at spaces into parts of at most `width` characters. A wider word is a part of its own.
/// Spaces at the beginning of the text stay.
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
