//! Translations: a page in another language says which version of its original it translates, and has
//! the original's headings, anchors and code.
//!
//! ```text
//!   book/src/2aa.md                                book/src/zh/2aa.md
//!     prose -----------> version 1f3a..  == noted? <!-- translation of book/src/2aa.md, version 1f3a.. -->
//!     ## Step 5: ... --------- as many, as deep -- ## 第 5 步：... {#step-5}
//!     <a id="one-vote"></a> -- the same anchors -- <a id="one-vote"></a>
//!     ```text .. ``` --------- the same code ----- ```text .. ```   (```text,translated: its words may differ)
//!     [x](election.md) ------- what is linked is there: [x](../election.md)
//! ```
//!
//! A translation is a file in [`FOLDER`], one whose name ends in [`ENDING`], or one that begins with such
//! a note. The version is a checksum of the text, so that a copy without a history can be checked. Code
//! that `labs fix` includes from the sources does not count: it is compared as code.
//!
//! Invariant: nothing here writes the note. A person does, who has read what changed.

use crate::excerpt;
use runner::catalogue::Fingerprint;
use runner::handout::slug;
use runner::place::tidy;
use runner::screen::count;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The folder of the book's translated pages.
pub const FOLDER: &str = "book/src/zh/";

/// How the name of a translated page ends that is beside its original.
pub const ENDING: &str = ".zh-CN.md";

const OPEN: &str = "<!-- translation of ";
const CLOSE: &str = " -->";

/// What the fence of a code block says, after the original's own words, if its text is translated too.
const TRANSLATED: &str = ",translated";

/// The text of every page, by its path from the root of the course.
type Pages = BTreeMap<String, String>;

/// Returns how the translations under `root` differ from their originals.
///
/// # Errors
/// A page cannot be read.
pub fn find(root: &Path) -> Result<Vec<String>, String> {
    let pages = pages(root)?;
    let mut found = Vec::new();
    for (name, text) in &pages {
        if name.starts_with(FOLDER) || name.ends_with(ENDING) || text.starts_with(OPEN) {
            found.extend(differences(name, text, &pages));
            found.extend(dead_links(name, text, &pages, root));
        }
    }
    Ok(found)
}

/// Reads every page of the course, but not what a build writes, and no hidden folder.
fn pages(root: &Path) -> Result<Pages, String> {
    let mut pages = Pages::new();
    let mut folders = vec![PathBuf::new()];
    while let Some(folder) = folders.pop() {
        let path = root.join(&folder);
        let say = |why: std::io::Error| format!("{}: {why}", path.display());
        for entry in std::fs::read_dir(&path).map_err(say)? {
            let entry = entry.map_err(say)?;
            let kind = entry.file_type().map_err(say)?;
            let name = entry.file_name().to_string_lossy().into_owned();
            let inside = folder.join(&name);
            if kind.is_dir() && name != "target" && !name.starts_with('.') {
                folders.push(inside);
            } else if kind.is_file() && name.ends_with(".md") {
                let text = std::fs::read_to_string(entry.path())
                    .map_err(|why| format!("{}: {why}", inside.display()))?;
                pages.insert(inside.to_string_lossy().replace('\\', "/"), text);
            }
        }
    }
    Ok(pages)
}

/// Returns the version of a page: a checksum of its text without the items that are included in it.
pub fn version(text: &str) -> String {
    let mut print = Fingerprint::default();
    let mut is_included = false;
    for line in text.lines() {
        is_included &= line != excerpt::CLOSE;
        if !is_included {
            print.take(line.as_bytes());
        }
        is_included |= line.starts_with(excerpt::OPEN);
    }
    print.to_string()
}

/// Returns the first line of a translation of `original` as it is now.
fn note(original: &str, text: &str) -> String {
    format!("{OPEN}{original}, version {}{CLOSE}", version(text))
}

/// Returns how a translation differs from what it says it translates.
fn differences(name: &str, text: &str, pages: &Pages) -> Vec<String> {
    let first = text.lines().next().unwrap_or_default();
    let noted = first
        .strip_prefix(OPEN)
        .and_then(|rest| rest.strip_suffix(CLOSE)?.split_once(", version "));
    let Some((original, noted)) = noted else {
        let likely = likely_original(name);
        let line = match pages.get(&likely) {
            Some(text) => note(&likely, text),
            None => format!("{OPEN}the path of the original, version 0{CLOSE}"),
        };
        return vec![format!(
            "{name}:1: a translation begins with a note of what it translates. Write as the first \
             line:\n{line}"
        )];
    };
    let Some(source) = pages.get(original) else {
        return vec![format!(
            "{name}:1: translates {original}, which is not there: expected the path of a page, from \
             the root of the course"
        )];
    };
    let mut found = Vec::new();
    let now = version(source);
    if noted != now {
        found.push(format!(
            "{name}:1: {original} is at version {now}, and this translates version {noted}. \
             Translate what has changed in {original} since then. Then write as the first line:\n{}",
            note(original, source)
        ));
    }
    let (ours, theirs) = (Outline::of(text), Outline::of(source));
    found.extend(headings(name, &ours, original, &theirs));
    for (line, anchor) in &theirs.anchors {
        if !ours.anchors.iter().any(|(_, ours)| ours == anchor) {
            found.push(format!(
                "{name}: has no anchor {anchor}, which {original}:{line} has: expected \
                 <a id=\"{anchor}\"></a> before its place, or {{#{anchor}}} behind a heading"
            ));
        }
    }
    found.extend(blocks(name, &ours, original, &theirs));
    found
}

/// Returns the page that a translation of this name most likely translates.
fn likely_original(name: &str) -> String {
    match (name.strip_prefix(FOLDER), name.strip_suffix(ENDING)) {
        (Some(page), _) => format!("book/src/{page}"),
        (None, Some(stem)) => format!("{stem}.md"),
        (None, None) => String::new(),
    }
}

/// Compares the headings of levels 2 and 3, in their order.
fn headings(name: &str, ours: &Outline, original: &str, theirs: &Outline) -> Option<String> {
    let (many, wanted) = (ours.headings.len(), theirs.headings.len());
    let told = |of: &str, heading: Option<&(usize, &str)>| match heading {
        Some((line, text)) => format!("{of}:{line} has `{text}`"),
        None => format!("{of} has no other"),
    };
    let depth = |heading: &(usize, &str)| level(heading.1);
    let differs = (0..many.max(wanted))
        .find(|&at| ours.headings.get(at).map(depth) != theirs.headings.get(at).map(depth))?;
    let many = count(many as u64, "heading");
    Some(format!(
        "{name}: has {many} of levels 2 and 3, and {original} has {wanted}. The first that differs: \
         {}, {}.",
        told(original, theirs.headings.get(differs)),
        told("the translation", ours.headings.get(differs))
    ))
}

/// Compares the code blocks, one by one.
fn blocks(name: &str, ours: &Outline, original: &str, theirs: &Outline) -> Vec<String> {
    let (many, wanted) = (ours.blocks.len(), theirs.blocks.len());
    if many != wanted {
        let many = count(many as u64, "code block");
        return vec![format!("{name}: has {many}, and {original} has {wanted}")];
    }
    let mut found = Vec::new();
    for (ours, theirs) in ours.blocks.iter().zip(&theirs.blocks) {
        let language = ours.language.strip_suffix(TRANSLATED);
        let is_same = match language {
            Some(language) => language == theirs.language,
            None => ours.language == theirs.language && ours.text == theirs.text,
        };
        if !is_same {
            found.push(format!(
                "{name}:{}: this code block is not the one at {original}:{}. Copy that one; if its words \
                 are to be translated, let its fence say ```{}{TRANSLATED}",
                ours.line, theirs.line, theirs.language
            ));
        }
    }
    found
}

/// Returns the links of a page that lead nowhere.
fn dead_links(name: &str, text: &str, pages: &Pages, root: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for (line, target) in Outline::of(text).links {
        if target.contains("://") || target.starts_with("mailto:") {
            continue;
        }
        let (file, anchor) = target.split_once('#').unwrap_or((target, ""));
        let path = match file {
            "" => name.to_owned(),
            file => {
                let folder = Path::new(name).parent().unwrap_or(Path::new(""));
                tidy(&folder.join(file)).to_string_lossy().replace('\\', "/")
            }
        };
        if path.starts_with("..") || !root.join(&path).exists() {
            found.push(format!("{name}:{line}: links to {target}, and there is no {path}"));
        } else if let Some(page) = pages.get(&path).filter(|_| !anchor.is_empty())
            && !Outline::of(page).has_anchor(anchor)
        {
            found.push(format!(
                "{name}:{line}: links to {target}, and {path} has no anchor {anchor}"
            ));
        }
    }
    found
}

/// What of a page can be compared without knowing its language. Lines count from 1.
#[derive(Default)]
struct Outline<'a> {
    /// Headings of levels 2 and 3.
    headings: Vec<(usize, &'a str)>,
    /// Every anchor that is spelled out.
    anchors: Vec<(usize, &'a str)>,
    /// The anchors that mdBook makes of the words of a heading.
    slugs: Vec<String>,
    blocks: Vec<Block<'a>>,
    /// Where the links lead.
    links: Vec<(usize, &'a str)>,
    /// Whether another page is included, with anchors of its own.
    includes: bool,
}

/// A block of code.
struct Block<'a> {
    line: usize,
    /// What the fence says.
    language: &'a str,
    text: Vec<&'a str>,
}

impl<'a> Outline<'a> {
    fn of(text: &'a str) -> Self {
        let mut outline = Outline::default();
        // How many backticks end the block that is open.
        let mut open = None;
        for (at, line) in text.lines().enumerate() {
            let code = line.trim();
            let rest = code.trim_start_matches('`');
            let ticks = code.len() - rest.len();
            match open {
                Some(ends) if ticks >= ends && rest.is_empty() => open = None,
                Some(_) => {
                    if let Some(block) = outline.blocks.last_mut() {
                        block.text.push(line);
                    }
                }
                None if ticks >= 3 && !rest.contains('`') => {
                    open = Some(ticks);
                    outline.blocks.push(Block { line: at + 1, language: rest, text: Vec::new() });
                }
                None => outline.prose(at + 1, line),
            }
        }
        outline
    }

    fn prose(&mut self, number: usize, line: &'a str) {
        self.includes |= line.contains("{{#include");
        let is_heading = level(line) > 0;
        if (2..=3).contains(&level(line)) {
            self.headings.push((number, line));
        }
        for (open, close) in [("<a id=\"", '"'), ("{#", '}')] {
            let pieces = line.split(open).skip(1).filter(|_| open.starts_with('<') || is_heading);
            let anchors = pieces.filter_map(|piece| Some((number, piece.split(close).next()?)));
            self.anchors.extend(anchors);
        }
        if is_heading {
            self.slugs.push(slug(line));
        }
        // What is in backticks is code, and no link.
        for piece in line.split('`').step_by(2) {
            let targets = piece.split("](").skip(1).filter_map(|rest| rest.split(')').next());
            self.links.extend(targets.map(|target| (number, target)));
        }
    }

    fn has_anchor(&self, anchor: &str) -> bool {
        self.includes
            || self.anchors.iter().any(|(_, ours)| *ours == anchor)
            || self.slugs.iter().any(|ours| ours == anchor)
    }
}

/// Returns the level of a heading, 0 if the line is none.
fn level(line: &str) -> usize {
    let depth = line.len() - line.trim_start_matches('#').len();
    if line[depth..].starts_with(' ') { depth } else { 0 }
}

#[cfg(test)]
mod tests;
