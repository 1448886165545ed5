//! Golden files: scripts whose output must be exactly the expected one.
//!
//! ```text
//!   file --> Script --> run --> the same file with the actual output --> equal, or a difference
//! ```
//!
//! Rewriting changes only the output: comments, commands and blank lines stay as they are.

use crate::script::ScriptError;
use crate::script::grammar::{Directive, FENCE, Script};
use crate::script::interpreter::Interpreter;
use crate::script::output::CommandOutput;

impl Script {
    /// Runs the script and returns its text with the actual output of every command.
    ///
    /// # Errors
    /// As [`Interpreter::play`].
    pub fn rewritten(&self) -> Result<String, ScriptError> {
        let (_, outputs) = Interpreter::play_all(self)?;
        let mut lines: Vec<String> = Vec::new();
        let mut at = 0;
        for (directive, output) in self.directives.iter().zip(&outputs) {
            lines.extend_from_slice(&self.lines[at..directive.output.start]);
            lines.push(FENCE.to_string());
            lines.extend(output.lines());
            at = directive.output.end;
            if self.lines.get(at).is_some_and(|line| !line.is_empty()) {
                lines.push(String::new());
            }
        }
        lines.extend_from_slice(&self.lines[at..]);
        Ok(lines.join("\n").trim_end().to_string() + "\n")
    }

    /// Runs the script and compares the output of every command with the expected output.
    ///
    /// # Errors
    /// As [`Interpreter::play`].
    pub fn differences(&self) -> Result<Vec<Difference>, ScriptError> {
        let (_, outputs) = Interpreter::play_all(self)?;
        let pairs = self.directives.iter().zip(&outputs);
        Ok(pairs.filter_map(|(directive, output)| self.difference(directive, output)).collect())
    }

    /// Compares the output of one command with the expected output, if the script has one.
    pub fn difference(&self, directive: &Directive, output: &CommandOutput) -> Option<Difference> {
        let expected = directive.expected.clone()?;
        let got = output.lines();
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

/// A command with another output than expected.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Difference {
    /// The file.
    pub name: String,
    /// The line of the first difference.
    pub line: usize,
    /// The command.
    pub command: String,
    /// The expected output.
    pub expected: Vec<String>,
    /// The actual output.
    pub got: Vec<String>,
}

impl Difference {
    /// Returns the difference as text: common lines, `-` before an expected line, `+` before an actual one.
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
