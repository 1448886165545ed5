//! `labs read`: the hand-out of a step, from plain Markdown, re-flowed for the terminal.
//!
//! ```text
//!   ## Step 4: A random timeout    <- found by its anchor, `step-4`
//!   prose ...                      <- re-flowed
//!       code, | tables |           <- unchanged
//!   ## Step 5: ...                 <- the end
//! ```

use crate::catalogue::{Lab, Step};
use crate::place::CourseFolder;
use crate::screen::{BOLD, GREY, WIDTH, columns, hang, narrow, paint};

/// The language of a hand-out.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Language {
    /// What every lab has.
    English,
    /// A translation, which lies in a folder `zh` beside the original.
    Chinese,
}

/// Prints the section of a step.
///
/// # Errors
/// There is no hand-out in this language, or it has no section for the step.
pub fn read(
    place: &CourseFolder,
    lab: &Lab,
    step: &Step,
    language: Language,
) -> Result<(), String> {
    let chapter = lab.chapter.as_deref().ok_or("this lab has no hand-out yet")?;
    let path = match language {
        Language::English => place.book().join(chapter),
        Language::Chinese => place.book().join("zh").join(chapter),
    };
    if language == Language::Chinese && !path.is_file() {
        return Err(format!(
            "lab {} has no hand-out in Chinese yet. In English: cargo labs read",
            lab.id
        ));
    }
    let text = std::fs::read_to_string(&path).map_err(|e| format!("{}: {e}", path.display()))?;
    let section = section(&text, &step.anchor)
        .ok_or_else(|| format!("{}: no section has the anchor #{}", path.display(), step.anchor))?;
    for block in reflow(section) {
        anstream::println!("{block}");
    }
    Ok(())
}

/// Returns the section whose heading has this anchor, with the sections below it.
pub fn section<'a>(text: &'a str, anchor: &str) -> Option<&'a str> {
    let mut start = None;
    let mut at = 0;
    let mut fenced = false;
    for line in text.split_inclusive('\n') {
        fenced ^= line.trim_start().starts_with("```");
        let depth = line.chars().take_while(|c| *c == '#').count();
        if !fenced && depth > 0 && line[depth..].starts_with(' ') {
            match start {
                None if has_anchor(line, anchor) => start = Some((at, depth)),
                Some((from, above)) if depth <= above => return Some(&text[from..at]),
                None | Some(_) => {}
            }
        }
        at += line.len();
    }
    start.map(|(from, _)| &text[from..])
}

/// A heading has the anchor it spells out (`{#step-1}`), or the one its words make.
fn has_anchor(heading: &str, anchor: &str) -> bool {
    if let Some((_, given)) = heading.split_once("{#") {
        return given.split('}').next() == Some(anchor);
    }
    let slug = slug(heading);
    slug.strip_prefix(anchor).is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
}

/// Returns the anchor that mdBook makes of the words of a heading.
pub fn slug(heading: &str) -> String {
    let words = heading.trim_start_matches('#').trim().to_lowercase();
    let kept = words.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.map(|c| if c == ' ' { '-' } else { c }).collect()
}

/// Returns the lines to print.
fn reflow(section: &str) -> Vec<String> {
    let mut out = Vec::new();
    let mut paragraph = String::new();
    let mut first = String::new();
    let mut block = String::new();
    let mut fenced = false;
    for line in section.lines().chain([""]) {
        let code = line.trim_start();
        let fence = code.starts_with("```");
        let item = code.starts_with("- ") || code.starts_with("* ") || numbered(code);
        let verbatim =
            fenced || fence || code.starts_with('|') || line.starts_with('#') || is_unseen(code);
        if verbatim || item || code.is_empty() || code.starts_with('>') {
            if !paragraph.is_empty() {
                out.push(hang(&first, &plain(&paragraph)));
                paragraph.clear();
            }
            first.clear();
        }
        if !fenced && is_unseen(code) {
            // Nothing for a person.
        } else if fence {
            if fenced {
                let shown = narrow(&std::mem::take(&mut block));
                out.extend(shown.lines().map(|line| paint(GREY, line)));
            }
            fenced = !fenced;
        } else if fenced {
            block += &format!("  {line}\n");
        } else if line.starts_with('#') {
            let title = line.trim_start_matches('#').split("{#").next().unwrap_or_default();
            out.push(paint(BOLD, &plain(title.trim())));
        } else if verbatim {
            out.push(row(line));
        } else if code.is_empty() {
            if out.last().is_some_and(|last| !last.is_empty()) {
                out.push(String::new());
            }
        } else {
            let quote = code.trim_start_matches(['>', ' ']);
            let text = if item {
                let (mark, text) = code.split_once(' ').unwrap_or(("-", code));
                first = format!("{}{mark} ", " ".repeat(line.len() - code.len()));
                text
            } else {
                if code.starts_with('>') {
                    first = "  | ".into();
                }
                quote
            };
            if !paragraph.is_empty() {
                paragraph.push(' ');
            }
            paragraph += text;
        }
    }
    // A block that nobody closed ends with the section.
    out.extend(narrow(&block).lines().map(|line| paint(GREY, line)));
    out
}

/// Returns the row of a table; the last cell of a wide one is below the others.
fn row(line: &str) -> String {
    if columns(line) <= WIDTH {
        return line.to_owned();
    }
    let cells = line.trim().trim_end_matches('|');
    match cells.rsplit_once('|') {
        Some((first, last)) => {
            format!("{}\n{}", hang("", &format!("{first}|")), hang("    ", last.trim()))
        }
        None => hang("", line),
    }
}

/// A line for the book's tools, or one that only marks a place to jump to.
fn is_unseen(code: &str) -> bool {
    code.starts_with("<!--") || code.starts_with("<a id=")
}

fn numbered(code: &str) -> bool {
    let digits = code.chars().take_while(char::is_ascii_digit).count();
    digits > 0 && code[digits..].starts_with(". ")
}

/// Takes out what only a browser shows: emphasis and the targets of links.
fn plain(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(open) = rest.find("](") {
        let close = rest[open..].find(')').map(|n| open + n + 1);
        let Some(close) = close else { break };
        let label = rest[..open].rfind('[').unwrap_or(open);
        out += &rest[..label];
        out += rest.get(label + 1..open).unwrap_or_default();
        rest = &rest[close..];
    }
    out += rest;
    out.replace("**", "").replace('`', "")
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "# Lab\n\nhello\n\n## Step 1: Enough\n\nFour nodes\nneed **three**.\n\n<!-- item: x -->\n<a id=\"y\"></a>\n\
                        ```text\n# not a heading\n```\n\n### Aside\n\nmore\n\n## Step 10: Last\nx\n";

    #[test]
    fn a_section_ends_where_the_next_begins() {
        let one = section(TEXT, "step-1").expect("step 1");
        assert!(one.starts_with("## Step 1: Enough") && one.ends_with("more\n\n"), "{one}");
        assert!(section(TEXT, "step-10").expect("step 10").ends_with("x\n"));
        assert_eq!(section(TEXT, "step-2"), None);
    }

    #[test]
    fn prose_flows_and_code_stands() {
        let lines = reflow(section(TEXT, "step-1").expect("step 1"));
        assert!(lines.contains(&"Four nodes need three.".to_owned()), "{lines:?}");
        assert!(lines.iter().any(|l| l.contains("  # not a heading")), "{lines:?}");
        assert!(!lines.iter().any(|l| l.contains("<!--")), "{lines:?}");
    }
}
