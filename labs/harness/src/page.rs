//! The page of a failing test that recorded no run: its card, and the source that the card names.
//!
//! ```text
//!   card                             the text of the card, as the terminal shows it
//!   raft/src/quorum.rs:58            the line, or each function, of the student's own code
//! ```
//!
//! A test that recorded a run has a page from the test bed, with the run on it. Either page is written where
//! traces go, asks nobody for anything, and shows what it holds as text.

use crate::holes::Holes;
use crate::place::{FoundFunction, Place, function_named, workspace_root};
use std::fmt::Write as _;

/// The lines of source above and below the line that decided.
const AROUND: u32 = 14;

/// The most lines of a function.
const FUNCTION_LINES_MAX: u32 = 80;

const STYLE: &str = ":root{color-scheme:light dark}h1{font-size:1.3em}h2{font-size:1.05em}\
    body{font:14px/1.5 system-ui,sans-serif;max-width:100ch;margin:2em auto;padding:0 1em}pre{overflow-x:auto;border:1px solid #8886;border-radius:4px;\
    padding:.6em;font:12px/1.5 ui-monospace,\"DejaVu Sans Mono\",monospace}\
    mark{display:inline-block;min-width:100%;font-weight:700}";

/// A part of a source file: its lines from `first` to `last`, and the one that decided.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Excerpt {
    file: String,
    first: u32,
    last: u32,
    decides: Option<u32>,
}

/// Returns the page of a card.
pub(crate) fn of_card(
    headline: &str,
    card: &str,
    line: Option<&Place>,
    named: &[String],
    holes: &Holes,
) -> String {
    let mut page = format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <title>{0}</title><style>{STYLE}</style></head>\n<body><h1>{0}</h1>\n<pre id=\"card\">{1}</pre>\n",
        escaped(headline),
        escaped(card)
    );
    for excerpt in excerpts(line, named, holes) {
        let _ = write!(page, "{}", excerpt.drawn().unwrap_or_default());
    }
    page + "</body></html>\n"
}

/// Returns the line that decided with those around it; or, if no line is known, each function.
fn excerpts(line: Option<&Place>, named: &[String], holes: &Holes) -> Vec<Excerpt> {
    if let Some(Place { file, line }) = line {
        let (first, last) = (line.saturating_sub(AROUND).max(1), line + AROUND);
        return vec![Excerpt { file: file.clone(), first, last, decides: Some(*line) }];
    }
    let of = |path: &String| {
        let file = holes.file(path)?;
        let found: FoundFunction = function_named(&read(file)?, path)?;
        let last = found.closed_on()?.min(found.line + FUNCTION_LINES_MAX);
        Some(Excerpt { file: file.to_owned(), first: found.line, last, decides: None })
    };
    named.iter().filter_map(of).collect()
}

impl Excerpt {
    fn drawn(&self) -> Option<String> {
        let source = read(&self.file)?;
        let at = self.decides.unwrap_or(self.first);
        let mut text = format!("<h2>{}:{at}</h2>\n<pre class=\"source\">", escaped(&self.file));
        let wanted =
            (1..).zip(source.lines()).filter(|(n, _)| (self.first..=self.last).contains(n));
        for (number, line) in wanted {
            let line = format!("{number:>5}  {}", escaped(line));
            match self.decides == Some(number) {
                true => text += &format!("<mark data-line=\"{number}\">{line}</mark>\n"),
                false => text += &format!("{line}\n"),
            }
        }
        Some(text + "</pre>\n")
    }
}

fn read(file: &str) -> Option<String> {
    std::fs::read_to_string(workspace_root()?.join(file)).ok()
}

fn escaped(text: &str) -> String {
    let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    text.replace('"', "&quot;").replace(|c: char| c.is_control() && c != '\n', "\u{b7}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_is_marked_and_nothing_becomes_markup() {
        let line = Place { file: "raft/src/lib.rs".to_owned(), line: 3 };
        let card = "x 2aa </pre><img src=x onerror=alert(1)> & \u{1}";
        let page = of_card("BAD: <b>", card, Some(&line), &[], &Holes::default());
        assert!(page.contains("<h1>BAD: &lt;b&gt;</h1>"), "{page}");
        assert!(!page.contains("<img") && !page.contains('\u{1}'), "{page}");
        let text = line.text().expect("the file is there");
        assert!(
            page.contains("<h2>raft/src/lib.rs:3</h2>") && page.contains("<mark data-line=\"3\">")
        );
        assert!(page.contains(&escaped(&text)), "{page}");
    }

    #[test]
    fn without_a_line_each_function_is_shown_whole() {
        let holes = Holes::read("2aa", 8);
        let named = ["Majority::needed".to_owned(), "Nobody::knows".to_owned()];
        let page = of_card("x", "card", None, &named, &holes);
        assert_eq!(page.matches("<h2>").count(), 1, "{page}");
        assert!(page.contains("<h2>raft/src/quorum.rs:") && page.contains("fn needed("), "{page}");
        assert!(!page.contains("<mark"), "no line is certain");
    }
}
