//! The output of one command: as a golden file has it, and as the terminal shows it.
//!
//! ```text
//!   CommandOutput = caption, command, parts            part = a step, or a line of a display
//!     lines()   golden file: the facts, never a source line
//!     story()   terminal: the same, with the source lines that decided
//! ```

use crate::trace::event::RulePlace;
use crate::trace::{Kind, Line, TraceStep};
use std::collections::BTreeMap;

/// The output of one command.
#[derive(Clone, PartialEq, Debug)]
pub struct CommandOutput {
    /// The line of the script.
    pub line: usize,
    /// The author's comment before it.
    pub caption: Option<String>,
    /// The command and its arguments.
    pub command: String,
    /// What it led to.
    pub parts: Vec<OutputPart>,
}

/// One part of an output.
#[derive(Clone, PartialEq, Debug)]
pub enum OutputPart {
    /// A step, with a headline. It has none if the command itself says what happens.
    Step {
        /// What happened.
        headline: Option<String>,
        /// The step.
        step: Box<TraceStep>,
    },
    /// A line of a display, such as `state`.
    Text(String),
}

impl CommandOutput {
    /// Returns the lines below the command in a golden file.
    pub fn lines(&self) -> Vec<String> {
        let mut lines = Vec::new();
        for part in &self.parts {
            match part {
                OutputPart::Text(line) => lines.push(line.clone()),
                OutputPart::Step { headline, step } => {
                    let indent = if headline.is_some() { "  " } else { "" };
                    lines.extend(headline.clone());
                    lines.extend(step.facts.iter().map(|fact| format!("{indent}{}", fact.text)));
                }
            }
        }
        if lines.is_empty() {
            lines.push("ok".to_string());
        }
        lines
    }

    /// Returns the lines for the terminal.
    pub fn story(&self, rules: &BTreeMap<String, RulePlace>) -> Vec<Line> {
        let mut lines = Vec::new();
        lines.extend(self.caption.iter().flat_map(|text| Line::prose(Kind::Caption, 0, text)));
        lines.extend(Line::wrapped(Kind::Command, 0, &self.command));
        // `ok` is only for golden files.
        for part in &self.parts {
            match part {
                OutputPart::Text(text) => lines.extend(Line::wrapped(Kind::Fact, 2, text)),
                OutputPart::Step { headline, step } => {
                    let headline = headline.as_deref().unwrap_or_default();
                    lines.extend(Line::wrapped(Kind::Headline, 0, headline));
                    lines.extend(step.facts_told(rules));
                }
            }
        }
        lines
    }
}
