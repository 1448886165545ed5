//! Where a command was typed: a student's workspace, or the course's own checkout.
//!
//! ```text
//!   workspace   labs.toml       my-raft/  raft, storage (cut)  tests  labs/suites ..  book/2aa.md
//!                  | course = "../course"
//!                  v
//!   checkout    labs/src        the desk, the reference, bugs, variants, book/src
//! ```

use crate::catalogue::{Catalogue, Fingerprint, Lab, Mistake};
use serde::{Deserialize, Serialize};
use std::path::{Component, Path, PathBuf};

/// The file that makes a folder a workspace.
pub const SETTINGS: &str = "labs.toml";

/// The lab that somebody begins with who says nothing else.
pub const FIRST_LAB: &str = "2aa";

/// The packages that labs are cut from: what a student writes lies in the `src` of one of them.
pub const CUT: [&str; 2] = ["raft", "storage"];

/// What a workspace knows of where it comes from.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Settings {
    /// The course checkout, from the workspace.
    pub course: String,
    /// The version of the course it was cut from.
    pub version: String,
    /// The fingerprint of the catalogue it was cut from.
    pub catalogue: String,
    /// The lab that `labs test` means.
    pub lab: String,
    /// Every lab that was opened.
    pub open: Vec<String>,
}

/// A place where labs are run.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CourseFolder {
    /// Its root.
    pub root: PathBuf,
    /// The settings, in a workspace.
    pub settings: Option<Settings>,
}

impl CourseFolder {
    /// Finds the workspace or checkout that holds `from`.
    ///
    /// # Errors
    /// There is none, or its settings cannot be read.
    pub fn find(from: &Path) -> Result<Self, String> {
        for folder in from.ancestors() {
            let settings = folder.join(SETTINGS);
            if settings.is_file() {
                let text = std::fs::read_to_string(&settings)
                    .map_err(|e| format!("{}: {e}", settings.display()))?;
                let settings: Settings =
                    crate::catalogue::parse(SETTINGS, &text).map_err(|e| e.to_string())?;
                return Ok(CourseFolder { root: folder.to_owned(), settings: Some(settings) });
            }
            if is_checkout(folder) {
                return Ok(CourseFolder { root: folder.to_owned(), settings: None });
            }
        }
        Err(format!(
            "{} is in no workspace (no {SETTINGS} here or above).\nGo to yours, or make one in the \
             course: cargo labs start ../my-raft",
            from.display()
        ))
    }

    /// Reads the catalogue of this place.
    ///
    /// # Errors
    /// Every mistake in it, a line each.
    pub fn catalogue(&self) -> Result<Catalogue, String> {
        Catalogue::read(&self.root.join("labs/catalog")).map_err(|found| lines(&found))
    }

    /// Returns whether a lab was opened here; in the checkout all are.
    ///
    /// # Errors
    /// It was not: how to open it.
    pub fn opened(&self, lab: &Lab) -> Result<(), String> {
        match &self.settings {
            Some(settings) if !settings.open.contains(&lab.id) => {
                Err(format!("lab {0} is not open here yet: cargo labs open {0}", lab.id))
            }
            Some(_) | None => Ok(()),
        }
    }

    /// Returns whether a lab's tests may be run here: it was opened, or one that builds upon it was.
    ///
    /// # Errors
    /// It may not: how to open it.
    pub fn testable(&self, catalogue: &Catalogue, lab: &Lab) -> Result<(), String> {
        let opened = catalogue.labs.iter().filter(|other| self.opened(other).is_ok());
        let mut above = opened.filter(|other| catalogue.builds_on(other, &lab.id));
        match above.next() {
            Some(_) => Ok(()),
            None => self.opened(lab),
        }
    }

    /// Returns the course's checkout.
    pub fn course(&self) -> PathBuf {
        match &self.settings {
            Some(settings) => tidy(&self.root.join(&settings.course)),
            None => self.root.clone(),
        }
    }

    /// Returns the folders of the packages that students write in.
    pub fn written(&self) -> Vec<PathBuf> {
        CUT.iter().map(|package| self.root.join(package)).collect()
    }

    /// Returns the folder of the hand-outs.
    pub fn book(&self) -> PathBuf {
        self.root.join(if self.settings.is_some() { "book" } else { "book/src" })
    }

    /// Returns the folder for what the runner itself remembers.
    pub fn memory(&self) -> PathBuf {
        match self.settings {
            Some(_) => self.root.join(".labs"),
            None => target(&self.root).join("labs"),
        }
    }

    /// Writes the settings of a workspace back.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn save(&self) -> Result<(), String> {
        match &self.settings {
            Some(settings) => replace_file(&self.root.join(SETTINGS), &settings.text()),
            None => Ok(()),
        }
    }
}

impl Settings {
    /// Returns the text of `labs.toml`.
    pub fn text(&self) -> String {
        let body = toml::to_string(self).expect("five strings are always TOML");
        format!("# Where this workspace comes from. `cargo labs` keeps it.\n{body}")
    }
}

/// Returns whether a folder is the course's own checkout.
pub fn is_checkout(folder: &Path) -> bool {
    folder.join("labs/catalog").is_dir() && folder.join("labs/src/main.rs").is_file()
}

/// Returns the lines of several mistakes.
pub fn lines(mistakes: &[Mistake]) -> String {
    mistakes.iter().map(Mistake::to_string).collect::<Vec<_>>().join("\n")
}

/// Returns the folder cargo builds in: the one this program was built in, as it is the same.
pub fn target(root: &Path) -> PathBuf {
    std::env::current_exe()
        .ok()
        .and_then(|exe| Some(exe.parent()?.parent()?.to_owned()))
        .filter(|folder| folder.join("CACHEDIR.TAG").is_file())
        .unwrap_or_else(|| root.join("target"))
}

/// Returns the folder in which suites are built. It is their own, so that an editor that checks and
/// a watch that tests do not wait for each other; all workspaces share it, so that a third-party
/// crate is built once.
pub fn suites_target(root: &Path) -> PathBuf {
    target(root).join("suites")
}

/// Returns the version under which a copy of the sources is built. Cargo tells packages in a shared
/// folder apart by name, version and path from the workspace's root: two copies differ in none of
/// these, and would take each other's builds for their own.
pub fn build_version(version: &str, root: &Path) -> String {
    let mut print = Fingerprint::default();
    print.take(root.to_string_lossy().as_bytes());
    format!("{version}+copy.{print}")
}

/// Returns a path without `.` and `..`, as far as that can be told without asking the disk.
pub fn tidy(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir if out.file_name().is_some() => {
                out.pop();
            }
            Component::ParentDir
            | Component::Prefix(_)
            | Component::RootDir
            | Component::Normal(_) => out.push(part),
        }
    }
    out
}

/// Returns how to get from one folder to another: relative if they are near, so that both can be
/// moved together.
pub fn way(from: &Path, to: &Path) -> PathBuf {
    let shared = from.components().zip(to.components()).take_while(|(a, b)| a == b).count();
    let up = from.components().count() - shared;
    if up > 4 || shared <= 1 {
        return to.to_owned();
    }
    let mut out: PathBuf = std::iter::repeat_n("..", up).collect();
    out.extend(to.components().skip(shared));
    if out.as_os_str().is_empty() { PathBuf::from(".") } else { out }
}

/// Writes a file so that a reader finds the old one or the new one, and never half of it.
///
/// # Errors
/// It cannot be written.
pub fn replace_file(path: &Path, text: &str) -> Result<(), String> {
    let beside = path.with_extension(format!("new-{}", std::process::id()));
    let written = std::fs::write(&beside, text).and_then(|()| std::fs::rename(&beside, path));
    written.map_err(|e| {
        let _gone = std::fs::remove_file(&beside);
        format!("{} cannot be written: {e}", path.display())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ways_are_relative_when_near() {
        let way = |a: &str, b: &str| way(Path::new(a), Path::new(b)).display().to_string();
        assert_eq!(way("/home/ann/my-raft", "/home/ann/course"), "../course");
        assert_eq!(way("/home/ann/course", "/home/ann/course"), ".");
        assert_eq!(way("/home/ann/my-raft", "/opt/course"), "/opt/course");
        assert_eq!(tidy(Path::new("/a/b/../c/./d")), Path::new("/a/c/d"));
    }
}
