//! Finds a file: by its path, or by the name of a script of the course.
//!
//! ```text
//!   my_story.txt            a path: it exists
//!   first_election          found below tests/scripts, here or in a folder above
//!   frist_election.txt      not found; the nearest names are offered
//! ```

use std::path::{Path, PathBuf};
use testbed::spelling::nearest;

/// Returns the file that a name on the command line means.
///
/// # Errors
/// Which files have a name like it.
pub(crate) fn script(name: &Path) -> Result<PathBuf, String> {
    if name.is_file() {
        return Ok(name.to_path_buf());
    }
    if name.is_dir() {
        return Err(format!("{} is a folder; expected a script, a .txt file", name.display()));
    }
    let scripts = scripts();
    let wanted = stem(name);
    let named: Vec<_> = scripts.iter().filter(|path| stem(path) == wanted).collect();
    // Only a name, or a path that ends like it: not a path to somewhere else.
    let alone = name.components().count() == 1;
    match named.as_slice() {
        [path] if alone => return Ok((*path).clone()),
        _ => {}
    }
    let mut message = format!("there is no file {}", name.display());
    let below =
        name.parent().map(|folder| if folder == Path::new("") { Path::new(".") } else { folder });
    let beside = below.map(scripts_in).unwrap_or_default();
    let known: Vec<_> = beside.iter().chain(&scripts).collect();
    let own = wanted.strip_prefix("my_").unwrap_or(&wanted);
    let stems: Vec<_> = known.iter().map(|path| stem(path)).collect();
    let mut near = nearest(&wanted, stems.iter().map(String::as_str));
    near.extend(nearest(own, stems.iter().map(String::as_str)));
    let mut offered: Vec<String> = Vec::new();
    for (path, stem) in known.iter().zip(&stems) {
        let line = format!("\n  cargo step {}", path.display());
        if near.contains(&stem.as_str()) && !offered.contains(&line) {
            offered.push(line);
        }
    }
    if offered.is_empty() {
        message += "; cargo step --list lists the scripts of the course";
    } else {
        message += "; did you mean";
        message.extend(offered);
    }
    Err(message)
}

/// Returns the scripts of the course, in order.
pub(crate) fn scripts() -> Vec<PathBuf> {
    let mut up = PathBuf::new();
    // The current folder, or the nearest one above it that has scripts.
    for _ in 0..16 {
        let scripts = scripts_below(&up.join("tests/scripts"));
        if !scripts.is_empty() {
            return scripts;
        }
        up.push("..");
    }
    Vec::new()
}

/// Returns the scripts of a folder and of those in it, in order.
fn scripts_below(folder: &Path) -> Vec<PathBuf> {
    let mut found = scripts_in(folder);
    let Ok(entries) = std::fs::read_dir(folder) else { return found };
    let mut folders: Vec<_> = entries.flatten().map(|entry| entry.path()).collect();
    folders.retain(|path| path.is_dir());
    folders.sort();
    found.extend(folders.iter().flat_map(|folder| scripts_in(folder)));
    found
}

/// Returns the scripts of one folder, in order.
fn scripts_in(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let mut found: Vec<_> = entries.flatten().map(|entry| entry.path()).collect();
    found.retain(|path| path.extension().is_some_and(|kind| kind == "txt"));
    found.sort();
    found
}

fn stem(path: &Path) -> String {
    path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default()
}
