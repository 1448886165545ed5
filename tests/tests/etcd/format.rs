//! The shape of etcd's files: directives, their input, and what came of them (datadriven v1.0.2).
//!
//! ```text
//!   # a comment, only between directives
//!   deliver-msgs 2 drop=(1,3) \
//!                type=MsgApp          a line that ends in \ goes on in the next
//!   input, to a line that is ----
//!   ----
//!   output, to the first blank line; or, after a second ----, to two of them in a row
//! ```
//!
//! Our own scripts are stricter and friendlier (`testbed::script`): their input ends at a blank line,
//! and blanks at the end of a line do not count. Here every byte does.

use crate::verdict::Halt;
use std::iter::Enumerate;
use std::str::Lines;
use testbed::script::grammar::{Argument, split};

/// One directive of a file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Block {
    /// Its line, from 1.
    pub(crate) line: usize,
    /// Its first word.
    pub(crate) command: String,
    /// Its other words.
    pub(crate) arguments: Vec<Argument>,
    /// The text above the `----`, without blanks around it.
    pub(crate) input: String,
    /// What should come of it, each line with its number.
    pub(crate) expected: Vec<(usize, String)>,
}

/// A file and how far it has been read; lines count from 0.
struct Reader<'a> {
    lines: Enumerate<Lines<'a>>,
}

/// The line above an output.
const FENCE: &str = "----";

/// Reads a file's text.
///
/// # Errors
/// [`Halt::Malformed`] with the line, and what was expected there.
pub(crate) fn read(text: &str) -> Result<Vec<Block>, Halt> {
    let mut reader = Reader { lines: text.lines().enumerate() };
    let mut blocks = Vec::new();
    while let Some((at, line)) = reader.lines.next() {
        let line = line.trim();
        if !line.is_empty() && !line.starts_with('#') {
            blocks.push(reader.block(at + 1, line.to_string())?);
        }
    }
    Ok(blocks)
}

impl Reader<'_> {
    /// Reads the directive that begins with `first`.
    fn block(&mut self, line: usize, first: String) -> Result<Block, Halt> {
        let mut words = first;
        while words.ends_with('\\')
            && let Some((_, more)) = self.lines.next()
        {
            words.pop();
            words = format!("{} {}", words.trim_end(), more.trim());
        }
        let mut words = split(&words).map_err(|what| Halt::Malformed { line, what })?.into_iter();
        let command = words.next().map(|word| word.key).unwrap_or_default();
        let mut block = Block {
            line,
            command,
            arguments: words.collect(),
            input: String::new(),
            expected: Vec::new(),
        };
        let mut fenced = false;
        for (_, input) in self.lines.by_ref() {
            fenced = input == FENCE;
            if fenced {
                break;
            }
            block.input += input;
            block.input.push('\n');
        }
        if !fenced {
            let what = format!("expected a line that is {FENCE} below {}", block.command);
            return Err(Halt::Malformed { line, what });
        }
        block.input = block.input.trim().to_string();
        block.expected = self.output();
        Ok(block)
    }

    /// Reads what should come of a directive, from below its fence.
    fn output(&mut self) -> Vec<(usize, String)> {
        let mut output = Vec::new();
        let Some(first) = self.lines.next() else { return output };
        if first.1 == FENCE {
            for (at, line) in self.lines.by_ref() {
                output.push((at + 1, line.to_string()));
                if let [.., (_, before), (_, last)] = &output[..]
                    && before == FENCE
                    && last == FENCE
                {
                    output.truncate(output.len() - 2);
                    break;
                }
            }
            return output;
        }
        let mut line = Some(first);
        while let Some((at, text)) = line.filter(|(_, text)| !text.trim().is_empty()) {
            output.push((at + 1, text.to_string()));
            line = self.lines.next();
        }
        output
    }
}

#[test]
fn input_may_hold_blank_lines_and_output_every_byte() {
    let text = "# head\n\n one 1 a=(2, 3) \\\n   b=c\nv1\n\n# not a comment\n----\nout \n  in\n\ntwo\n----\n----\na\n\nb\n----\n----\n\n";
    let blocks = read(text).unwrap();
    let [one, two] = &blocks[..] else { panic!("{blocks:?}") };
    assert_eq!((one.line, one.command.as_str()), (3, "one"));
    let words: Vec<_> =
        one.arguments.iter().map(|word| (&word.key[..], word.values.clone())).collect();
    let list = |values: &[&str]| Some(values.iter().map(|value| value.to_string()).collect());
    assert_eq!(words, [("1", None), ("a", list(&["2", "3"])), ("b", list(&["c"]))]);
    assert_eq!(one.input, "v1\n\n# not a comment");
    assert_eq!(one.expected, [(9, "out ".to_string()), (10, "  in".to_string())]);
    let lines: Vec<_> = two.expected.iter().map(|(_, line)| line.as_str()).collect();
    assert_eq!(lines, ["a", "", "b"]);
    let Err(Halt::Malformed { line: 1, what }) = read("one\ntwo\n") else { panic!() };
    assert_eq!(what, "expected a line that is ---- below one");
}
