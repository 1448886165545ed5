//! A line of source: where it is, what it says, and which function it is in.
//!
//! ```text
//!   raft/src/election.rs:84   self.vote_for(Some(from));   in Core::on_request_vote
//!   `---- known from an event ----' `-- read at card time, if the file is there --'
//! ```
//!
//! The function is found by reading the text up to the line: [`Scanner`] skips comments and
//! strings, and keeps a stack of the open braces and what opened them. That is no parser: the card
//! leaves out a name that cannot be found.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::panic::Location;
use std::path::{Path, PathBuf};

mod scanner;

pub use scanner::FoundFunction;
use scanner::Scanner;

/// A line of a source file of the workspace.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct Place {
    /// The file, from the workspace's root, with forward slashes: `raft/src/election.rs`.
    pub file: String,
    /// The line, from 1.
    pub line: u32,
}

impl From<&Location<'_>> for Place {
    fn from(at: &Location<'_>) -> Self {
        Place { file: tidy(at.file()), line: at.line() }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file, self.line)
    }
}

impl Place {
    /// Returns the file's own name and the line: `election.rs:84`.
    pub fn short(&self) -> String {
        let name = self.file.rsplit('/').next().unwrap_or(&self.file);
        format!("{name}:{}", self.line)
    }

    /// Returns whether a student may have written this line: it is in a crate that labs cut.
    pub fn is_the_students(&self) -> bool {
        ["raft/src/", "storage/src/", "kv/src/"].iter().any(|dir| self.file.starts_with(dir))
    }

    /// Reads what the line says, if the file is there.
    pub fn text(&self) -> Option<String> {
        let source = self.read()?;
        let line = source.lines().nth(usize::try_from(self.line.checked_sub(1)?).ok()?)?;
        Some(line.trim().to_owned())
    }

    /// Finds the function that the line is in: `Core::on_request_vote`.
    pub fn function(&self) -> Option<String> {
        function_at(&self.read()?, self.line)
    }

    fn read(&self) -> Option<String> {
        std::fs::read_to_string(workspace_root()?.join(&self.file)).ok()
    }
}

/// Finds the function around `line` (from 1) of a Rust source text, with the type of its `impl`, or
/// its trait.
pub fn function_at(source: &str, line: u32) -> Option<String> {
    Scanner::new(source).function_at(line)
}

/// Finds a function of a Rust source text by its path: `Core::decide_vote`. The text need not parse.
pub fn function_named(source: &str, path: &str) -> Option<FoundFunction> {
    Scanner::new(source).function_named(path)
}

/// Makes a compiler's path one of ours: forward slashes, and from the workspace's root even if the
/// compiler was given an absolute path.
pub(crate) fn tidy(path: &str) -> String {
    let path = path.replace('\\', "/");
    let path = path.strip_prefix("./").unwrap_or(&path);
    for crate_dir in ["raft/src/", "storage/src/", "kv/src/"] {
        if let Some(at) = path.rfind(&format!("/{crate_dir}")) {
            return path[at + 1..].to_owned();
        }
    }
    path.to_owned()
}

/// Finds the workspace that this binary was built from: line numbers are right only there. Cargo passes
/// it; otherwise it is known from the build, or is the folder in which the binary runs.
pub(crate) fn workspace_root() -> Option<PathBuf> {
    let told = std::env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from);
    let built = Some(PathBuf::from(env!("CARGO_MANIFEST_DIR")));
    let here = std::env::current_dir().ok();
    let root = |dir: PathBuf| dir.ancestors().find(|dir| is_root(dir)).map(Path::to_owned);
    [told, built, here].into_iter().flatten().find_map(root)
}

fn is_root(dir: &Path) -> bool {
    dir.join("raft/src").is_dir()
}

#[cfg(test)]
mod tests;
