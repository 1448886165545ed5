//! Code in the book, included by the path of its item: it cannot go stale, and no line number rots.
//!
//! ```text
//!   <!-- item: raft/src/step.rs Raft::handle whole -->       whole: kept code, body and all
//!   (a fenced block: `labs fix` writes it, `labs check`      signature: for what a lab cuts
//!    compares it)
//!   <!-- /item -->
//! ```
//!
//! An item is of a package that labs are cut from, or of the test bed (`tests/..`). The pages are plain
//! Markdown with or without this: a terminal shows what a browser does.
//!
//! Invariant: no page shows the body of a function that a lab cuts.

use crate::course::{Course, files};
use crate::cutter;

/// How the line begins behind which an item is included.
pub(crate) const OPEN: &str = "<!-- item: ";
/// The line behind an included item.
pub(crate) const CLOSE: &str = "<!-- /item -->";

/// A page of the book whose included items are not what the sources have.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Stale {
    /// Its path from the root of the course.
    pub name: String,
    /// What it should say.
    pub fresh: String,
}

/// Returns every page under `book/src`, in folders of it too, that is not as it should be.
///
/// # Errors
/// A page cannot be read, or names an item that is not there: the page, the line, what was expected.
pub fn stale(course: &Course) -> Result<Vec<Stale>, String> {
    let mut stale = Vec::new();
    for (name, path) in files(&course.root, "book/src")? {
        if !name.ends_with(".md") {
            continue;
        }
        let text = std::fs::read_to_string(path).map_err(|why| format!("{name}: {why}"))?;
        let fresh = refresh(&name, &text, course)?;
        if fresh != text {
            stale.push(Stale { name, fresh });
        }
    }
    Ok(stale)
}

/// Returns a page with every included item as the sources have it now.
///
/// # Errors
/// Names the page, the line, and what was expected there.
pub fn refresh(page: &str, text: &str, course: &Course) -> Result<String, String> {
    let mut fresh = String::with_capacity(text.len());
    let mut lines = text.lines().enumerate();
    while let Some((number, line)) = lines.next() {
        fresh.push_str(line);
        fresh.push('\n');
        let Some(named) = line.strip_prefix(OPEN) else { continue };
        let at = |what: String| format!("{page}:{}: {what}", number + 1);
        let named = named
            .strip_suffix(" -->")
            .ok_or_else(|| at(format!("expected ` -->` at the end of {line:?}")))?;
        fresh.push_str(&fenced(&item(named, course).map_err(at)?));
        let closed = lines.by_ref().any(|(_, line)| line == CLOSE);
        if !closed {
            return Err(at(format!("expected {CLOSE:?} on a line of its own after this")));
        }
        fresh.push_str(CLOSE);
        fresh.push('\n');
    }
    Ok(fresh)
}

/// Returns the text of one item, named as `file path kind`.
fn item(named: &str, course: &Course) -> Result<String, String> {
    let words: Vec<_> = named.split(' ').collect();
    let [file, path, kind] = words[..] else {
        return Err(format!("expected `file path signature` or `file path whole`, got {named:?}"));
    };
    let source = match course.reference.get(file) {
        Some(source) => source.clone(),
        // Labs cut nothing of the test bed, so it is not read before.
        None if file.starts_with("tests/") => std::fs::read_to_string(course.root.join(file))
            .map_err(|why| format!("{file}: {why}"))?,
        None => {
            let known = course.reference.keys().map(String::as_str);
            return Err(runner::nearest::unknown("source", file, known));
        }
    };
    let source = source.as_str();
    let whole = cutter::whole(source, path).map_err(|why| format!("{file}: {why}"))?;
    match kind {
        "signature" => {
            let body = cutter::body(source, path).map_err(|why| format!("{file}: {why}"))?;
            Ok(dedent(source, whole.start, body.start))
        }
        "whole" if is_cut(course, file, path) => {
            Err(format!("{path} is cut by a lab: a page may show its signature only"))
        }
        "whole" => Ok(dedent(source, whole.start, whole.end)),
        other => Err(format!("expected `signature` or `whole`, got {other:?}")),
    }
}

/// Returns whether some lab cuts this function.
fn is_cut(course: &Course, file: &str, path: &str) -> bool {
    course.catalogue.holes().any(|(_, _, hole)| hole.file == file && hole.path == path)
}

/// Returns a range of the source, moved to the left margin.
fn dedent(source: &str, start: usize, end: usize) -> String {
    let margin = start - source[..start].rfind('\n').map_or(0, |newline| newline + 1);
    let lines = source[start..end].trim_end().lines();
    let cut = |line: &str| line.get(margin..).unwrap_or("").to_owned();
    let lines = lines.enumerate().map(|(n, line)| if n == 0 { line.to_owned() } else { cut(line) });
    lines.collect::<Vec<_>>().join("\n")
}

/// Returns the text as a fenced block that no tool tries to compile.
fn fenced(text: &str) -> String {
    format!("```rust,ignore\n{text}\n```\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use runner::catalogue::Catalogue;
    use std::collections::BTreeMap;

    #[test]
    fn a_page_in_a_folder_of_the_book_is_held_to_the_sources_too() {
        let folder = tempfile::tempdir().expect("a folder");
        let zh = folder.path().join("book/src/zh");
        std::fs::create_dir_all(&zh).expect("the folder");
        let page = |shown| format!("{OPEN}raft/src/a.rs f whole -->\n{}{CLOSE}\n", fenced(shown));
        std::fs::write(zh.join("page.md"), page("fn f() {}")).expect("a page");
        let course = Course {
            root: folder.path().to_owned(),
            catalogue: Catalogue::parse(&BTreeMap::new()).expect("no lab"),
            reference: [("raft/src/a.rs".to_owned(), "fn f(x: u8) {}\n".to_owned())].into(),
            version: String::new(),
        };
        let wanted = Stale { name: "book/src/zh/page.md".into(), fresh: page("fn f(x: u8) {}") };
        assert_eq!(stale(&course), Ok(vec![wanted]));
    }

    #[test]
    fn an_item_stands_at_the_margin_and_keeps_its_shape() {
        let source =
            "impl A {\n    /// Does.\n    fn f(&self) {\n        if x {\n\n        }\n    }\n}\n";
        let whole = cutter::whole(source, "A::f").expect("it is there");
        let shown = dedent(source, whole.start, whole.end);
        assert_eq!(shown, "/// Does.\nfn f(&self) {\n    if x {\n\n    }\n}");
    }
}
