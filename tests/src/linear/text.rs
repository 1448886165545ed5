//! Histories as text, so that any program can have its runs judged.
//!
//! ```text
//!   # client  call  end  what, with its key; a value; and of a get what it saw
//!   1  0  10  put     a  1
//!   2  3  -   append  a  "x y"        it never returned: nobody knows
//!   3  11 14  get     a  "1x y"
//!   3  15 16  get     a  ?            it returned, and what it saw is not known
//! ```
//!
//! An operation a line, in any order. Clients and times are numbers from 0 to 2^64 - 1; only the order of
//! the times counts. A word with white space, a quotation mark, a backslash, `#` or `?` stands in quotation
//! marks, with `\"`, `\\` and `\n` inside; so does the empty word. What follows a `#` is a remark. A key that
//! was never written holds the empty value.

use super::{AppendsInput, TimedOperation};
use std::fmt::Write;

/// An operation of a history as text.
type Operation = TimedOperation<AppendsInput, String>;

/// Reads a history.
///
/// # Errors
/// The number of the line, and what is wrong with it.
pub fn parse(text: &str) -> Result<Vec<Operation>, String> {
    let mut history = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        let words = words(line).map_err(|what| format!("line {number}: {what}"))?;
        if !words.is_empty() {
            history.push(operation(&words).map_err(|what| format!("line {number}: {what}"))?);
        }
    }
    Ok(history)
}

/// Writes a history: [`parse`] reads the same.
pub fn format(history: &[Operation]) -> String {
    let mut text = String::from("# client  call  end  what, its key, a value or what was seen\n");
    for TimedOperation { client, input, output, call, end } in history {
        let end = end.map_or("-".to_owned(), |end| end.to_string());
        let seen = || output.as_deref().map_or("?".to_owned(), quoted);
        let what = match input {
            AppendsInput::Get(key) => format!("get {} {}", quoted(key), seen()),
            AppendsInput::Put(key, value) => format!("put {} {}", quoted(key), quoted(value)),
            AppendsInput::Append(key, value) => format!("append {} {}", quoted(key), quoted(value)),
        };
        writeln!(text, "{client} {call} {end} {what}").expect("a string takes everything");
    }
    text
}

/// A word of a line.
#[derive(Clone, PartialEq, Eq, Debug)]
enum Word {
    Bare(String),
    Quoted(String),
}

impl Word {
    fn text(&self) -> &str {
        match self {
            Word::Bare(text) | Word::Quoted(text) => text,
        }
    }
}

/// Splits a line into words, without its remark.
fn words(line: &str) -> Result<Vec<Word>, String> {
    let (mut words, mut rest) = (Vec::new(), line.trim_start());
    while !rest.is_empty() && !rest.starts_with('#') {
        let (word, after) = match rest.strip_prefix('"') {
            Some(quoted) => quoted_word(quoted)?,
            None => {
                let is_end = |c: char| c.is_whitespace() || c == '#' || c == '"';
                let (word, after) = rest.split_at(rest.find(is_end).unwrap_or(rest.len()));
                (Word::Bare(word.to_owned()), after)
            }
        };
        words.push(word);
        rest = after.trim_start();
    }
    Ok(words)
}

/// Reads a word up to its closing quotation mark. Returns what follows, too.
fn quoted_word(text: &str) -> Result<(Word, &str), String> {
    let (mut word, mut rest) = (String::new(), text.chars());
    loop {
        match rest.next() {
            Some('"') => return Ok((Word::Quoted(word), rest.as_str())),
            Some('\\') => match rest.next() {
                Some('n') => word.push('\n'),
                Some(c @ ('"' | '\\')) => word.push(c),
                other => return Err(format!("\\{} means nothing", other.unwrap_or(' '))),
            },
            Some(c) => word.push(c),
            None => return Err(format!("no quotation mark ends {word:?}")),
        }
    }
}

fn operation(words: &[Word]) -> Result<Operation, String> {
    let [client, call, end, asked, key, value] = words else {
        let count = words.len();
        return Err(format!("expected client, call, end, what, key and value, not {count} words"));
    };
    let number = |word: &Word, what: &str| {
        word.text().parse::<u64>().map_err(|_| format!("{what} is {:?}, not a number", word.text()))
    };
    let call = number(call, "call")?;
    let end = if end.text() == "-" { None } else { Some(number(end, "end")?) };
    if let Some(end) = end.filter(|end| *end < call) {
        return Err(format!("it ends at {end}, before it is called at {call}"));
    }
    let (key, text) = (key.text().to_owned(), value.text().to_owned());
    let is_known = end.is_some() && *value != Word::Bare("?".into());
    let (input, output) = match asked.text() {
        "get" => (AppendsInput::Get(key), is_known.then_some(text)),
        "put" => (AppendsInput::Put(key, text), end.map(|_| String::new())),
        "append" => (AppendsInput::Append(key, text), end.map(|_| String::new())),
        other => return Err(format!("{other:?} is none of get, put and append")),
    };
    let client = number(client, "client")?;
    Ok(TimedOperation { client, input, output, call, end })
}

/// Returns a word as [`parse`] reads it.
fn quoted(text: &str) -> String {
    let is_plain = |c: char| !c.is_whitespace() && !"\"\\#?".contains(c);
    if !text.is_empty() && text.chars().all(is_plain) {
        return text.to_owned();
    }
    let escaped = text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
    format!("\"{escaped}\"")
}
