//! The shape of a script: comments, commands with arguments, expected output.
//!
//! ```text
//!   text --> Script { title, intro, directives }
//!              Directive { line, caption, command, arguments, input, expected }
//! ```
//!
//! This module does not know what a command means.

use crate::script::ScriptError;
use std::fs::File;
use std::io::Read;
use std::ops::Range;
use std::path::Path;

/// The longest script that is read, in bytes.
pub const SIZE_BYTES_MAX: u64 = 1 << 20;

/// A script.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Script {
    /// The name of the file, or of another source.
    pub name: String,
    /// The first line of its first comment.
    pub title: String,
    /// The rest of its first comment.
    pub intro: String,
    /// Its commands.
    pub directives: Vec<Directive>,
    /// The text itself, for rewriting.
    pub(crate) lines: Vec<String>,
}

/// One command of a script.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Directive {
    /// Its first line, from 1.
    pub line: usize,
    /// The comment above it.
    pub caption: Option<String>,
    /// The command and its arguments as written, joined into one line.
    pub text: String,
    /// The command.
    pub command: String,
    /// Its arguments.
    pub arguments: Vec<Argument>,
    /// The lines between the command and `----`.
    pub input: Vec<String>,
    /// The expected output, if the script has one.
    pub expected: Option<Vec<String>>,
    /// The lines from below the input to the end of the output.
    pub(crate) output: Range<usize>,
}

/// One argument: `key`, `key=value` or `key=(value,value)`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Argument {
    /// The text before the `=`, or the whole argument.
    pub key: String,
    /// The values after the `=`; `None` if there is no `=`.
    pub values: Option<Vec<String>>,
}

/// The line between a command and its output.
pub(crate) const FENCE: &str = "----";

impl Script {
    /// Reads a script from a file.
    ///
    /// # Errors
    /// [`ScriptError`] names the file, the line, and what was expected there.
    pub fn read(path: &Path) -> Result<Script, ScriptError> {
        let name = path.display().to_string();
        let wrong = |what: String| ScriptError { name: name.clone(), line: None, what };
        let file = File::open(path).map_err(|why| wrong(format!("cannot be opened: {why}")))?;
        let mut bytes = Vec::new();
        let read = file.take(SIZE_BYTES_MAX + 1).read_to_end(&mut bytes);
        read.map_err(|why| wrong(format!("cannot be read: {why}")))?;
        if bytes.len() as u64 > SIZE_BYTES_MAX {
            return Err(wrong("is larger than 1 MiB, the longest script that is read".to_string()));
        }
        match String::from_utf8(bytes) {
            Ok(text) => Script::parse(&name, &text),
            Err(why) => {
                let at = why.utf8_error().valid_up_to();
                Err(wrong(format!("is not text: byte {at} is not UTF-8")))
            }
        }
    }

    /// Parses a script. Errors name `name` as its source.
    ///
    /// # Errors
    /// As [`Script::read`].
    pub fn parse(name: &str, text: &str) -> Result<Script, ScriptError> {
        let lines: Vec<_> = text.lines().map(|line| line.trim_end().to_string()).collect();
        let mut parser = Parser { name, lines: &lines, at: 0 };
        let (mut directives, mut head, mut comment) = (Vec::new(), None, Vec::new());
        while let Some(line) = lines.get(parser.at) {
            let line = line.trim_start();
            if let Some(words) = line.strip_prefix('#') {
                comment.push(words.strip_prefix(' ').unwrap_or(words).to_string());
                parser.at += 1;
                continue;
            }
            // The first comment is about the script; every other comment is about the command below it.
            if head.is_none() && (!line.is_empty() || !comment.is_empty()) {
                head = Some(std::mem::take(&mut comment));
            }
            if line.is_empty() {
                if !comment.is_empty() {
                    comment.push(String::new());
                }
                parser.at += 1;
            } else if line == FENCE {
                return Err(
                    parser.wrong("expected a command, found ---- without a command above it")
                );
            } else {
                directives.push(parser.directive(&mut comment)?);
            }
        }
        let mut head = head.unwrap_or(comment).into_iter();
        let title = head.next().unwrap_or_default();
        let intro = head.collect::<Vec<_>>().join("\n").trim_matches('\n').to_string();
        Ok(Script { name: name.to_string(), title, intro, directives, lines })
    }
}

impl Directive {
    /// Parses one command alone, for a prompt.
    ///
    /// # Errors
    /// As [`Script::parse`], and if the text is not exactly one command.
    pub fn parse(name: &str, text: &str) -> Result<Directive, ScriptError> {
        let mut script = Script::parse(name, text)?;
        match (script.directives.pop(), script.directives.len()) {
            (Some(directive), 0) => Ok(directive),
            (_, more) => {
                let what = format!(
                    "expected one command, found {}",
                    if more > 0 { "more" } else { "none" }
                );
                Err(ScriptError { name: name.to_string(), line: Some(1), what })
            }
        }
    }
}

/// A text and how far it has been read.
struct Parser<'a> {
    name: &'a str,
    lines: &'a [String],
    at: usize,
}

impl Parser<'_> {
    fn wrong(&self, what: impl Into<String>) -> ScriptError {
        self.wrong_at(self.at, what)
    }

    fn wrong_at(&self, at: usize, what: impl Into<String>) -> ScriptError {
        ScriptError { name: self.name.to_string(), line: Some(at + 1), what: what.into() }
    }

    /// Reads a command, its input and its expected output.
    fn directive(&mut self, comment: &mut Vec<String>) -> Result<Directive, ScriptError> {
        let start = self.at;
        let text = self.joined();
        let caption = std::mem::take(comment).join("\n").trim_matches('\n').to_string();
        let words = split(&text).map_err(|what| self.wrong_at(start, what))?;
        let mut words = words.into_iter();
        let command = words.next().map(|word| word.key).unwrap_or_default();
        let mut directive = Directive {
            line: start + 1,
            caption: Some(caption).filter(|caption| !caption.is_empty()),
            text,
            command,
            arguments: words.collect(),
            input: Vec::new(),
            expected: None,
            output: self.at..self.at,
        };
        if let Some(fence) = self.fence() {
            directive.input = self.lines[self.at..fence].to_vec();
            self.at = fence + 1;
            directive.expected = Some(self.output(fence)?);
            directive.output = fence..self.at;
        }
        Ok(directive)
    }

    /// Reads a line, and the lines that a `\` joins to it.
    fn joined(&mut self) -> String {
        let mut text = String::new();
        while let Some(line) = self.lines.get(self.at) {
            self.at += 1;
            match line.strip_suffix('\\') {
                Some(part) => {
                    text.push_str(part.trim());
                    text.push(' ');
                }
                None => {
                    text.push_str(line.trim());
                    break;
                }
            }
        }
        text
    }

    /// Finds the `----` of the command just read: before the next blank line or comment.
    fn fence(&self) -> Option<usize> {
        let below = (self.at..).zip(&self.lines[self.at..]);
        let mut block =
            below.take_while(|(_, line)| !line.is_empty() && !line.trim_start().starts_with('#'));
        block.find(|(_, line)| *line == FENCE).map(|(at, _)| at)
    }

    /// Reads the expected output: up to the first blank line, or between two pairs of `----` lines.
    fn output(&mut self, fence: usize) -> Result<Vec<String>, ScriptError> {
        let is_fence = |at: usize| self.lines.get(at).is_some_and(|line| line == FENCE);
        let start = self.at;
        if !is_fence(start) {
            let length = self.lines[start..].iter().take_while(|line| !line.is_empty()).count();
            self.at = start + length;
            return Ok(self.lines[start..self.at].to_vec());
        }
        let closing = |&at: &usize| is_fence(at) && is_fence(at + 1);
        match (start + 1..self.lines.len()).find(closing) {
            Some(end) => {
                self.at = end + 2;
                Ok(self.lines[start + 1..end].to_vec())
            }
            None => {
                let what = "expected two ---- lines at the end of the output, because two ---- lines begin it";
                Err(self.wrong_at(fence, what))
            }
        }
    }
}

/// Splits a command line at spaces into arguments. The first is the command.
///
/// # Errors
/// A parenthesis is not closed, or there is no space between two arguments.
pub fn split(text: &str) -> Result<Vec<Argument>, String> {
    let mut arguments = Vec::new();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        let end = rest.find([' ', '\t', '=']).unwrap_or(rest.len());
        let key = rest[..end].to_string();
        rest = &rest[end..];
        let values = match rest.strip_prefix('=') {
            None => None,
            Some(after) if after.starts_with('(') => {
                let (values, after) = list(&key, after)?;
                rest = after;
                Some(values)
            }
            Some(after) => {
                let end = after.find([' ', '\t']).unwrap_or(after.len());
                rest = &after[end..];
                Some(vec![after[..end].to_string()])
            }
        };
        if !rest.is_empty() && !rest.starts_with([' ', '\t']) {
            return Err(format!("expected a space after {key}=(...), found {rest:?}"));
        }
        rest = rest.trim_start();
        arguments.push(Argument { key, values });
    }
    Ok(arguments)
}

/// Splits `(a, b(c,d))...` at its top-level commas. Also returns the text behind it.
fn list<'a>(key: &str, text: &'a str) -> Result<(Vec<String>, &'a str), String> {
    let mut values = vec![String::new()];
    let mut depth = 0_usize;
    for (at, character) in text.char_indices() {
        match character {
            '(' => depth += 1,
            ')' => depth -= 1,
            _ => {}
        }
        match character {
            '(' if depth == 1 => {}
            ')' if depth == 0 => {
                let values = values.into_iter().map(|value| value.trim().to_string());
                let values = values.filter(|value| !value.is_empty()).collect();
                return Ok((values, &text[at + 1..]));
            }
            ',' if depth == 1 => values.push(String::new()),
            _ => values.last_mut().expect("there is always one").push(character),
        }
    }
    Err(format!("expected ) to close {key}={text}"))
}
