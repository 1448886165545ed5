//! What a terminal shows: 80 columns, three colours, one glance.
//!
//! ```text
//!   + green: holds        o grey: not written yet        x red: wrong
//! ```
//!
//! Colour goes through `anstream`, which honours NO_COLOR and knows a terminal from a file. Every
//! mark is a letter too: nothing is said by colour alone.

use anstyle::{AnsiColor, Style};
use std::io::{IsTerminal, Write};

/// The columns we write in.
pub const WIDTH: usize = 80;
/// What holds.
pub const GREEN: Style = AnsiColor::Green.on_default();
/// What is wrong.
pub const RED: Style = AnsiColor::Red.on_default();
/// What is not written yet, or only an aside.
pub const GREY: Style = AnsiColor::BrightBlack.on_default();
/// What to look at first.
pub const BOLD: Style = Style::new().bold();

/// Returns text in a style; `anstream` takes the style out again where there is no terminal.
pub fn paint(style: Style, text: &str) -> String {
    format!("{style}{text}{style:#}")
}

/// Returns how many columns a text takes: a Chinese character or a full-width mark takes two.
pub fn columns(text: &str) -> usize {
    text.chars().map(|c| if is_wide(c) { 2 } else { 1 }).sum()
}

fn is_wide(c: char) -> bool {
    matches!(c, '\u{2e80}'..='\u{a4cf}' | '\u{ac00}'..='\u{d7a3}' | '\u{f900}'..='\u{faff}'
        | '\u{fe30}'..='\u{fe4f}' | '\u{ff00}'..='\u{ff60}')
}

/// Breaks a text into lines of at most `width` columns: at spaces, and between Chinese characters.
pub fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        for (number, piece) in pieces(word).into_iter().enumerate() {
            let last = lines.last_mut().expect("there is always a last line");
            let taken = columns(last);
            let space = usize::from(number == 0 && taken > 0);
            if taken > 0 && taken + space + columns(piece) > width {
                lines.push(piece.to_owned());
            } else {
                last.push_str(&" ".repeat(space));
                last.push_str(piece);
            }
        }
    }
    lines
}

/// Splits a word where a line may end: beside a Chinese character, but not before a mark that closes,
/// and not behind one that opens.
fn pieces(word: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut start = 0;
    let pairs = word.char_indices().zip(word.char_indices().skip(1));
    for ((_, before), (at, after)) in pairs {
        let is_beside = is_wide(before) || is_wide(after);
        if is_beside && !"（“".contains(before) && !"，。、；：！？）”".contains(after)
        {
            found.push(&word[start..at]);
            start = at;
        }
    }
    found.push(&word[start..]);
    found
}

/// Returns a paragraph under a first prefix and indented alike after it.
pub fn hang(first: &str, text: &str) -> String {
    let indent = first.chars().count();
    let lines = wrap(text, WIDTH.saturating_sub(indent).max(20));
    let mut out = String::new();
    for (number, line) in lines.iter().enumerate() {
        if number == 0 {
            out += first;
        } else {
            out.push('\n');
            out += &" ".repeat(indent);
        }
        out += line;
    }
    out
}

/// Returns code with its wide comments re-flowed. Code itself is not changed: where a line of it is
/// broken can be part of what it says.
pub fn narrow(code: &str) -> String {
    let mut out = Vec::new();
    let mut paragraph: Vec<&str> = Vec::new();
    let mut fenced = false;
    for line in code.lines() {
        let text = comment(line).map(|(_, text)| text.trim());
        fenced ^= text.is_some_and(|text| text.starts_with("```"));
        let goes_on = text.is_some_and(|text| {
            let begins = ["#", "*", "-", "```", "|"].iter().any(|mark| text.starts_with(mark));
            !fenced && !text.is_empty() && !begins
        });
        let joins = paragraph.last().is_none_or(|last| {
            comment(last).map(|(mark, _)| mark) == comment(line).map(|(mark, _)| mark)
        });
        if !(goes_on && joins) {
            flow(&mut out, &mut paragraph);
        }
        if text.is_some_and(|text| !text.is_empty()) && !fenced {
            paragraph.push(line);
        } else {
            out.push(line.to_owned());
        }
    }
    flow(&mut out, &mut paragraph);
    out.join("\n")
}

/// Splits a line that is a comment into its indent with the slashes, and its text.
fn comment(line: &str) -> Option<(&str, &str)> {
    let code = line.trim_start();
    let slashes = code.len() - code.trim_start_matches(['/', '!']).len();
    code.starts_with("//").then(|| line.split_at(line.len() - code.len() + slashes))
}

/// Moves a paragraph of a comment to what is printed, re-flowed if it is too wide.
fn flow(out: &mut Vec<String>, paragraph: &mut Vec<&str>) {
    let lines = std::mem::take(paragraph);
    let wide = lines.iter().any(|line| line.chars().count() > WIDTH);
    match lines.first().and_then(|line| comment(line)) {
        Some((mark, _)) if wide => {
            let text = lines.iter().filter_map(|line| Some(comment(line)?.1.trim()));
            let text = text.collect::<Vec<_>>().join(" ");
            let room = WIDTH.saturating_sub(mark.chars().count() + 1).max(20);
            out.extend(wrap(&text, room).into_iter().map(|line| format!("{mark} {line}")));
        }
        Some(_) | None => out.extend(lines.into_iter().map(str::to_owned)),
    }
}

/// Prints why something could not be done, within the columns of a terminal.
pub fn refuse(why: &str) {
    for line in why.lines() {
        let indent = line.len() - line.trim_start().len();
        let fits = line.chars().count() <= WIDTH;
        let shown = if fits { line.to_owned() } else { hang(&line[..indent], line) };
        anstream::eprintln!("{shown}");
    }
}

/// Returns a line with `right` at its end if both fit, else `left` alone on its line above.
pub fn spread(left: &str, right: &str) -> String {
    let (l, r) = (left.chars().count(), right.chars().count());
    if l + 2 + r <= WIDTH {
        format!("{left}{}{right}", " ".repeat(WIDTH - l - r))
    } else {
        format!("{left}\n{right:>WIDTH$}")
    }
}

/// Cuts a line that is too long, and says so with three dots.
pub fn clip(text: &str) -> String {
    if text.chars().count() <= WIDTH {
        return text.to_owned();
    }
    let kept: String = text.chars().take(WIDTH - 3).collect();
    kept + "..."
}

/// Returns "1 line", "2 lines".
pub fn count(number: impl Into<u64>, what: &str) -> String {
    let number = number.into();
    if number == 1 { format!("1 {what}") } else { format!("{number} {what}s") }
}

/// A line that is written over while something takes long; plain lines, and fewer of them, where
/// standard error is not a terminal.
pub struct Ticker {
    terminal: bool,
    shown: String,
    turns: usize,
}

/// What a spinner shows, one after the other.
const SPINNER: [char; 4] = ['|', '/', '-', '\\'];

impl Default for Ticker {
    fn default() -> Self {
        Ticker { terminal: std::io::stderr().is_terminal(), shown: String::new(), turns: 0 }
    }
}

impl Ticker {
    /// Shows how far something is. Where there is no terminal only `landmark`s are printed.
    pub fn show(&mut self, text: &str, landmark: Landmark) {
        if text == self.shown {
            return;
        }
        text.clone_into(&mut self.shown);
        match (self.terminal, landmark) {
            (true, Landmark::No | Landmark::Yes) => self.draw(),
            (false, Landmark::Yes) => eprintln!("{}", clip(text)),
            (false, Landmark::No) => {}
        }
    }

    /// Shows the same, and that it goes on: only on a terminal.
    pub fn spin(&mut self, text: &str) {
        if self.terminal {
            text.clone_into(&mut self.shown);
            self.turns += 1;
            self.draw();
        }
    }

    fn draw(&self) {
        let turn = SPINNER[self.turns % SPINNER.len()];
        let text = clip(&format!("{turn} {}", self.shown));
        let mut out = std::io::stderr();
        // A progress line that cannot be written is no reason to stop.
        let _ignored =
            write!(out, "\r{text:<width$}\r", width = WIDTH - 1).and_then(|()| out.flush());
    }

    /// Takes the line away.
    pub fn clear(&mut self) {
        if self.terminal && !self.shown.is_empty() {
            let mut out = std::io::stderr();
            let _ignored =
                write!(out, "\r{:<width$}\r", "", width = WIDTH - 1).and_then(|()| out.flush());
        }
        self.shown.clear();
    }
}

/// Whether a progress line is worth keeping in a log.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Landmark {
    /// One of few.
    Yes,
    /// One of many.
    No,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wide_comments_flow_and_code_stands() {
        let words = "no vote for a log that is behind ours ".repeat(3);
        let code = format!("    let x = \"{words}\";");
        let text = format!(
            "    /// Short.\n    ///\n    /// {words}\n    /// and on.\n    /// * one\n{code}\n    // why"
        );
        let shown = narrow(&text);
        let lines: Vec<_> = shown.lines().collect();
        assert_eq!((lines[0], lines[1]), ("    /// Short.", "    ///"));
        assert!(lines[3].starts_with("    /// ") && lines[3].ends_with("and on."), "{shown}");
        assert_eq!(lines[4..], ["    /// * one", code.as_str(), "    // why"]);
        assert!(lines.iter().all(|l| l.chars().count() <= WIDTH || *l == code), "{shown}");
        assert_eq!(narrow("fn f() {\n\n    1 // x\n}"), "fn f() {\n\n    1 // x\n}");
    }

    #[test]
    fn a_chinese_line_ends_where_it_may() {
        assert_eq!(columns("任期 5，ok"), 4 + 1 + 1 + 2 + 2);
        let text = "任期（见 §5.1）只增不减，cargo labs 说“旧”的不算。";
        let lines = wrap(text, 14);
        let wanted = ["任期（见", "§5.1）只增不", "减，cargo labs", "说“旧”的不算。"];
        assert_eq!(lines, wanted);
        assert_eq!(
            wrap("任期只增不减，", 12),
            ["任期只增不", "减，"],
            "no line begins with a comma"
        );
        assert_eq!(
            wrap("任期只增（不）", 10),
            ["任期只增", "（不）"],
            "and none ends with a bracket"
        );
    }

    #[test]
    fn lines_stay_within_the_columns() {
        let text = "how many votes are enough ".repeat(20);
        for line in hang("  write   ", &text).lines() {
            assert!(line.chars().count() <= WIDTH, "{line}");
        }
        assert_eq!(clip(&"x".repeat(200)).chars().count(), WIDTH);
        assert_eq!(spread("a", "b").chars().count(), WIDTH);
    }
}
