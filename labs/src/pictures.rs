//! Pictures of runs, drawn by `cargo step svg`: they cannot go stale.
//!
//! ```text
//!   <!-- picture: cargo step svg fig8_d_overwritten --from 1 --to 18 -o book/src/pictures/figure_8.svg -->
//!   ![what it shows](pictures/figure_8.svg)
//! ```
//!
//! The comment is the command that draws the picture, as somebody would type it at the root of the
//! course. `labs fix` runs it; `labs check` runs it with another `-o` and compares, byte for byte. A page
//! is the README, a translation of it, or a page of the book.
//!
//! Invariants: every picture has one such comment; every `.svg` among the book's pictures is some
//! comment's.

use crate::course::Course;
use runner::screen::count;
use runner::suite::cargo;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

const OPEN: &str = "<!-- picture: cargo step svg ";
const CLOSE: &str = " -->";

/// Where the pictures are.
const FOLDER: &str = "book/src/pictures";

/// A picture that a page asks for.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
struct RunPicture {
    /// What is behind `cargo step svg`, without the output.
    arguments: Vec<String>,
    /// Its path from the root of the course.
    output: String,
}

/// Returns what is wrong with the pictures.
///
/// # Errors
/// A page cannot be read, or `cargo step svg` cannot be started.
pub fn find(course: &Course) -> Result<Vec<String>, String> {
    let (pictures, mut faults) = wanted(course)?;
    let scratch = course.scratch("pictures");
    for picture in &pictures {
        let drawn = scratch.join("drawn.svg");
        if let Err(why) = draw(course, picture, &drawn) {
            faults.push(format!("{}: {why}", picture.output));
            continue;
        }
        let fresh = std::fs::read(&drawn).map_err(|why| format!("{}: {why}", drawn.display()))?;
        match std::fs::read(course.root.join(&picture.output)) {
            Ok(there) if there == fresh => {}
            Ok(_) => faults
                .push(format!("{}: it is not what is drawn now: cargo labs fix", picture.output)),
            Err(why) => faults.push(format!("{}: {why}: cargo labs fix", picture.output)),
        }
    }
    let known: BTreeSet<&str> = pictures.iter().map(|picture| picture.output.as_str()).collect();
    for path in svgs(&course.root.join(FOLDER))? {
        let name = format!("{FOLDER}/{path}");
        if !known.contains(name.as_str()) {
            faults.push(format!("{name}: no page has it: remove it, or say how it is drawn"));
        }
    }
    Ok(faults)
}

/// Draws every picture, and says how many.
///
/// # Errors
/// A comment cannot be read, or a picture cannot be drawn.
pub fn fix(course: &Course) -> Result<String, String> {
    let (pictures, faults) = wanted(course)?;
    if !faults.is_empty() {
        return Err(faults.join("\n"));
    }
    for picture in &pictures {
        draw(course, picture, &course.root.join(&picture.output))
            .map_err(|why| format!("{}: {why}", picture.output))?;
    }
    Ok(count(pictures.len() as u64, "picture"))
}

fn draw(course: &Course, picture: &RunPicture, output: &Path) -> Result<(), String> {
    let mut command = cargo(&course.root);
    command.args(["run", "--quiet", "-p", "step", "--", "svg"]).args(&picture.arguments);
    let done = command.arg("-o").arg(output).output();
    let done = done.map_err(|why| format!("cargo cannot be started: {why}"))?;
    if done.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&done.stderr);
    Err(said.lines().last().unwrap_or("cargo step svg failed and said nothing").to_owned())
}

/// Returns every picture that a page asks for, and what is wrong with the comments.
fn wanted(course: &Course) -> Result<(BTreeSet<RunPicture>, Vec<String>), String> {
    let (mut pictures, mut faults) = (BTreeSet::new(), Vec::new());
    for page in pages(&course.root)? {
        let text = std::fs::read_to_string(course.root.join(&page));
        let text = text.map_err(|why| format!("{}: {why}", page.display()))?;
        let (found, wrong) = read(&page, &text);
        pictures.extend(found);
        faults.extend(wrong);
    }
    Ok((pictures, faults))
}

/// Reads the pictures of a page, and what is wrong with them.
fn read(page: &Path, text: &str) -> (Vec<RunPicture>, Vec<String>) {
    let (mut pictures, mut faults) = (Vec::new(), Vec::new());
    let mut above: Option<&str> = None;
    for (number, line) in (1..).zip(text.lines()) {
        let at = |what: &str| format!("{}:{number}: {what}", page.display());
        if let Some(rest) = line.strip_prefix(OPEN) {
            match rest.strip_suffix(CLOSE).and_then(picture) {
                Some(picture) => pictures.push(picture),
                None => faults.push(at("expected `-o book/src/pictures/NAME.svg -->` at its end")),
            }
        } else if let Some((_, target)) = line.split_once("](").filter(|_| line.starts_with("![")) {
            let target = target.split(')').next().unwrap_or_default();
            let shown = target.ends_with(".svg");
            let is_named =
                |above: &str| above.contains(target.rsplit('/').next().unwrap_or(target));
            if shown && !above.is_some_and(|above| above.starts_with(OPEN) && is_named(above)) {
                faults.push(at(
                    "the line above a picture says how it is drawn: <!-- picture: ... -->",
                ));
            }
        }
        above = Some(line);
    }
    (pictures, faults)
}

/// Reads what is behind `cargo step svg`.
fn picture(text: &str) -> Option<RunPicture> {
    let (arguments, output) = text.split_once(" -o ")?;
    let name = output.strip_prefix(FOLDER)?.strip_prefix('/')?;
    let is_plain = !name.contains(['/', ' ', '\\']) && name.ends_with(".svg");
    let arguments = arguments.split_whitespace().map(str::to_owned).collect();
    is_plain.then(|| RunPicture { arguments, output: output.to_owned() })
}

/// Returns the pages that may have pictures, from the root of the course.
fn pages(root: &Path) -> Result<Vec<PathBuf>, String> {
    let mut pages = Vec::new();
    for folder in ["", "book/src", "book/src/zh"] {
        let below = root.join(folder);
        let Ok(entries) = std::fs::read_dir(&below) else { continue };
        for entry in entries {
            let name = entry.map_err(|why| format!("{}: {why}", below.display()))?.file_name();
            if Path::new(&name).extension().is_some_and(|kind| kind == "md") {
                pages.push(Path::new(folder).join(name));
            }
        }
    }
    pages.sort();
    Ok(pages)
}

/// Returns the names of the pictures that are there.
fn svgs(folder: &Path) -> Result<Vec<String>, String> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Ok(Vec::new()) };
    let mut names = Vec::new();
    for entry in entries {
        let name = entry.map_err(|why| format!("{}: {why}", folder.display()))?.file_name();
        names.push(name.to_string_lossy().into_owned());
    }
    names.retain(|name| name.ends_with(".svg"));
    names.sort();
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(text: &str) -> Vec<String> {
        read(Path::new("p.md"), text).1
    }

    #[test]
    fn a_comment_is_the_command_and_stands_above_its_picture() {
        let comment =
            "<!-- picture: cargo step svg joint --from 2 --to 9 -o book/src/pictures/a.svg -->";
        let text = format!("{comment}\n![a change](pictures/a.svg)\n");
        let (pictures, wrong) = read(Path::new("p.md"), &text);
        assert_eq!(wrong, Vec::<String>::new());
        assert_eq!(pictures[0].arguments, ["joint", "--from", "2", "--to", "9"]);
        assert_eq!(pictures[0].output, "book/src/pictures/a.svg");
    }

    #[test]
    fn a_picture_that_nobody_can_draw_again_is_named() {
        let above = "p.md:1: the line above a picture says how it is drawn: <!-- picture: ... -->";
        assert_eq!(faults("![a](pictures/a.svg)"), [above]);
        assert_eq!(faults("![a photograph](a.png)"), Vec::<String>::new());
        let other = "<!-- picture: cargo step svg joint -o book/src/pictures/b.svg -->\n![a](pictures/a.svg)";
        assert_eq!(faults(other).len(), 1, "another picture's comment");
        let end = "p.md:1: expected `-o book/src/pictures/NAME.svg -->` at its end";
        for wrong in [
            "joint",
            "joint -o /tmp/a.svg",
            "joint -o book/src/pictures/../a.svg",
            "joint -o book/src/pictures/a.png",
        ] {
            assert_eq!(faults(&format!("{OPEN}{wrong}{CLOSE}")), [end], "{wrong}");
        }
    }
}
