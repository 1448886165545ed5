//! Golden files: scripts whose output is checked to the letter.
//!
//! ```text
//!   file --> Script --> play --> the same file with today's output --> equal, or a difference
//! ```
//!
//! Rewriting touches nothing but output: comments, commands and blank lines stay as the author left
//! them.

use crate::script::ScriptError;
use crate::script::grammar::{Directive, FENCE, Script};
use crate::script::scene::Scene;
use crate::script::stage::Stage;

impl Script {
    /// Plays the script and returns its text with what came of every command today.
    ///
    /// # Errors
    /// As [`Stage::play`].
    pub fn rewritten(&self) -> Result<String, ScriptError> {
        let (_, scenes) = Stage::play_all(self)?;
        let mut lines: Vec<String> = Vec::new();
        let mut at = 0;
        for (directive, scene) in self.directives.iter().zip(&scenes) {
            lines.extend_from_slice(&self.lines[at..directive.output.start]);
            lines.push(FENCE.to_string());
            lines.extend(scene.lines());
            at = directive.output.end;
            if self.lines.get(at).is_some_and(|line| !line.is_empty()) {
                lines.push(String::new());
            }
        }
        lines.extend_from_slice(&self.lines[at..]);
        Ok(lines.join("\n").trim_end().to_string() + "\n")
    }

    /// Plays the script and compares what came of every command with what the script says.
    ///
    /// # Errors
    /// As [`Stage::play`].
    pub fn differences(&self) -> Result<Vec<Difference>, ScriptError> {
        let (_, scenes) = Stage::play_all(self)?;
        let pairs = self.directives.iter().zip(&scenes);
        Ok(pairs.filter_map(|(directive, scene)| self.difference(directive, scene)).collect())
    }

    /// Compares what came of one of its commands with what the script says, if it says anything.
    pub fn difference(&self, directive: &Directive, scene: &Scene) -> Option<Difference> {
        let expected = directive.expected.clone()?;
        let got = scene.lines();
        let same = expected.iter().zip(&got).take_while(|(expected, got)| expected == got).count();
        (expected != got).then(|| Difference {
            name: self.name.clone(),
            line: directive.output.start + 2 + same,
            command: directive.text.clone(),
            expected,
            got,
        })
    }
}

/// A command that led to something else than its script says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Difference {
    /// Which file.
    pub name: String,
    /// The line of the first difference.
    pub line: usize,
    /// The command.
    pub command: String,
    /// What the script says.
    pub expected: Vec<String>,
    /// What came of it.
    pub got: Vec<String>,
}

impl Difference {
    /// Returns the difference for people: common lines, `-` what was expected, `+` what came.
    pub fn text(&self) -> String {
        let (expected, got) = (&self.expected, &self.got);
        let same = expected.iter().zip(got).take_while(|(expected, got)| expected == got).count();
        let rest = expected[same..].iter().rev().zip(got[same..].iter().rev());
        let tail = rest.take_while(|(expected, got)| expected == got).count();
        let mut text = format!("{}:{}\n    {}\n    ----\n", self.name, self.line, self.command);
        let mut add = |mark: char, lines: &[String]| {
            for line in lines {
                text.push_str(format!("  {mark} {line}").trim_end());
                text.push('\n');
            }
        };
        add(' ', &expected[..same]);
        add('-', &expected[same..expected.len() - tail]);
        add('+', &got[same..got.len() - tail]);
        add(' ', &expected[expected.len() - tail..]);
        text
    }
}
