//! What one command led to: as a golden file writes it, and as the terminal tells it.
//!
//! ```text
//!   Scene = caption, command, beats            beat = a step worth telling, or a line of a display
//!     lines()   golden file: words, never a line of source
//!     story()   terminal: the same, and which line decided
//! ```

use crate::trace::event::RulePlace;
use crate::trace::{Kind, Line, Moment};
use std::collections::BTreeMap;

/// What one command led to.
#[derive(Clone, PartialEq, Debug)]
pub struct Scene {
    /// The line of the script.
    pub line: usize,
    /// What the author says before it.
    pub caption: Option<String>,
    /// The command and its arguments.
    pub command: String,
    /// What came of it.
    pub beats: Vec<Beat>,
}

/// One thing worth telling.
#[derive(Clone, PartialEq, Debug)]
pub enum Beat {
    /// A step, under a headline or, where the command is the headline, under none.
    Step {
        /// What happened.
        headline: Option<String>,
        /// The step.
        moment: Box<Moment>,
    },
    /// A line of a display, such as `state`.
    Shown(String),
}

impl Scene {
    /// Returns what a golden file says below the command.
    pub fn lines(&self) -> Vec<String> {
        let mut lines = Vec::new();
        for beat in &self.beats {
            match beat {
                Beat::Shown(line) => lines.push(line.clone()),
                Beat::Step { headline, moment } => {
                    let indent = if headline.is_some() { "  " } else { "" };
                    lines.extend(headline.clone());
                    lines.extend(moment.facts.iter().map(|fact| format!("{indent}{}", fact.text)));
                }
            }
        }
        if lines.is_empty() {
            lines.push("ok".to_string());
        }
        lines
    }

    /// Tells the scene in the terminal.
    pub fn story(&self, rules: &BTreeMap<String, RulePlace>) -> Vec<Line> {
        let mut lines = Vec::new();
        lines.extend(self.caption.iter().flat_map(|text| Line::prose(Kind::Caption, 0, text)));
        lines.extend(Line::wrapped(Kind::Command, 0, &self.command));
        // `ok` is for golden files: here the next command tells that this one is done.
        for beat in &self.beats {
            match beat {
                Beat::Shown(text) => lines.extend(Line::wrapped(Kind::Fact, 2, text)),
                Beat::Step { headline, moment } => {
                    let headline = headline.as_deref().unwrap_or_default();
                    lines.extend(Line::wrapped(Kind::Headline, 0, headline));
                    lines.extend(moment.facts_told(rules));
                }
            }
        }
        lines
    }
}
