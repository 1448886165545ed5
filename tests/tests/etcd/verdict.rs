//! What became of a file: whether what came of its commands is what it says, line by line.
//!
//! Lines of etcd's log at levels DEBUG and INFO are left out on both sides: events take their place
//! with us. WARN and ERROR lines count, since each means that something was refused.

use crate::environment::Environment;
use crate::format::{self, Block};
use std::any::Any;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Why a file cannot be played on.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Halt {
    /// It cannot be read.
    Malformed {
        /// The line.
        line: usize,
        /// What was expected there, or what is wrong.
        what: String,
    },
}

/// What became of a file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Verdict {
    /// How it ended.
    pub(crate) outcome: Outcome,
    /// How many lines of expected output were compared and found equal.
    pub(crate) lines: usize,
}

/// How a file ended.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Outcome {
    /// Everything came as it says.
    Passed,
    /// Something else came.
    Differs {
        /// The line of the first difference, or of its directive.
        line: usize,
        /// What the file says; none where it says nothing more.
        expected: Option<String>,
        /// What came; none where nothing more did.
        got: Option<String>,
    },
    /// The file cannot be read, or the node panicked.
    Broken {
        /// The directive's line.
        line: usize,
        /// What happened.
        what: String,
    },
}

/// Returns whether a line is one of the log's that are left out.
fn is_left_out(line: &str) -> bool {
    let line = line.trim_start();
    line.starts_with("DEBUG ") || line.starts_with("INFO ")
}

/// Plays a file's text, and says what became of it. `play` plays one directive.
pub(crate) fn judge(text: &str, mut play: impl FnMut(&Block) -> Result<String, Halt>) -> Verdict {
    let mut lines = 0;
    let outcome = match format::read(text) {
        Ok(blocks) => judge_blocks(&blocks, &mut play, &mut lines),
        Err(Halt::Malformed { line, what }) => Outcome::Broken { line, what },
    };
    Verdict { outcome, lines }
}

/// Plays an interaction script.
pub(crate) fn judge_script(text: &str) -> Verdict {
    let mut stage = Environment::default();
    judge(text, |block| stage.play(block))
}

fn judge_blocks(
    blocks: &[Block],
    play: &mut impl FnMut(&Block) -> Result<String, Halt>,
    lines: &mut usize,
) -> Outcome {
    for block in blocks {
        let line = block.line;
        let played = catch_unwind(AssertUnwindSafe(|| play(block)));
        let got = match played {
            Ok(Ok(got)) => got,
            Ok(Err(Halt::Malformed { line, what })) => return Outcome::Broken { line, what },
            Err(panic) => return Outcome::Broken { line, what: words_of(panic.as_ref()) },
        };
        if let Some(difference) = compare(block, &got, lines) {
            return difference;
        }
    }
    Outcome::Passed
}

/// Compares what came of a directive with what its file says, and counts the lines that agree.
fn compare(block: &Block, got: &str, lines: &mut usize) -> Option<Outcome> {
    let wanted = block.expected.iter().filter(|(_, line)| !is_left_out(line));
    let mut wanted = wanted.peekable();
    let mut got = got.lines().filter(|line| !is_left_out(line)).peekable();
    // A command that only logs says `ok` here, since nothing else came of it.
    if wanted.peek().is_none() && !block.expected.is_empty() {
        got.next_if_eq(&"ok");
    }
    loop {
        let (wanted, got) = (wanted.next(), got.next());
        let expected = wanted.map(|(_, line)| line.as_str());
        if expected != got {
            let line = wanted.map_or(block.line, |(line, _)| *line);
            let [expected, got] = [expected, got].map(|line| line.map(str::to_string));
            return Some(Outcome::Differs { line, expected, got });
        }
        // Both have ended.
        wanted?;
        *lines += 1;
    }
}

/// Returns what a panic said.
fn words_of(panic: &(dyn Any + Send)) -> String {
    let words = panic.downcast_ref::<String>().map(String::as_str);
    let words = words.or_else(|| panic.downcast_ref::<&str>().copied());
    format!("panicked: {}", words.unwrap_or("without words"))
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Outcome::Passed => write!(f, "passed"),
            Outcome::Differs { line, expected, got } => {
                let show = |line: &Option<String>| match line {
                    Some(line) => format!("{line:?}"),
                    None => "nothing more".to_string(),
                };
                write!(f, "differs, line {line}: ")?;
                write!(f, "expected {}, got {}", show(expected), show(got))
            }
            Outcome::Broken { line, what } => write!(f, "broken, line {line}: {what}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Judges one directive with this output, when `got` comes of it.
    fn verdict(expected: &str, got: &str) -> Verdict {
        judge(&format!("x\n----\n{expected}\n"), |_| Ok(got.to_string()))
    }

    #[test]
    fn the_first_line_that_differs_is_shown_with_its_number() {
        let differs = verdict("one\n  two\nthree", "one\n  2\nthree");
        let outcome = "differs, line 4: expected \"  two\", got \"  2\"";
        assert_eq!((differs.outcome.to_string().as_str(), differs.lines), (outcome, 1));
        let short = verdict("one\ntwo", "one").outcome.to_string();
        assert_eq!(short, "differs, line 4: expected \"two\", got nothing more");
        let long = verdict("one", "one\ntwo").outcome.to_string();
        assert_eq!(long, "differs, line 1: expected nothing more, got \"two\"");
        assert_ne!(verdict("one ", "one").outcome, Outcome::Passed, "blanks at the end count");
    }

    #[test]
    fn info_and_debug_lines_are_left_out_and_warnings_are_not() {
        let passed = |lines| Verdict { outcome: Outcome::Passed, lines };
        assert_eq!(verdict("INFO a\nb\n  DEBUG c", "b"), passed(1));
        assert_eq!(verdict("INFO a", "ok"), passed(0));
        assert_eq!(verdict("WARN a", "WARN a"), passed(1));
        assert_ne!(verdict("WARN a", "ok").outcome, Outcome::Passed);
        assert_ne!(verdict("INFO a", "b").outcome, Outcome::Passed);
        assert_ne!(verdict("b", "ok").outcome, Outcome::Passed);
    }

    #[test]
    fn a_panic_breaks_one_file_and_not_the_run() {
        let verdict = judge("a\n----\nok\n\nb\n----\nok\n", |block| {
            assert!(block.command == "a", "b is one too many");
            Ok("ok".to_string())
        });
        assert_eq!(verdict.outcome.to_string(), "broken, line 5: panicked: b is one too many");
        assert_eq!(verdict.lines, 1);
    }
}
