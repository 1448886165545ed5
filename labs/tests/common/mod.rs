//! What several test programs of the desk share: the course, a workspace, a command typed in it.
#![allow(dead_code, reason = "each test program uses a part of it")]

use labs::course::Course;
use labs::workspace;
use runner::place::CourseFolder;
use std::path::Path;
use std::process::Command;
use tempfile::TempDir;

/// Returns the course that this checkout is.
pub(crate) fn course() -> Course {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the root");
    Course::read(root.to_owned()).expect("the course")
}

/// Makes a workspace for lab 2aa, and builds nothing.
pub(crate) fn made(course: &Course, folder: &TempDir) -> CourseFolder {
    let root = folder.path().join("my-raft");
    let lab = course.lab("2aa").expect("the first lab");
    let plan = workspace::plan(course, lab, &root).expect("a plan");
    workspace::make(&plan, &root).expect("a workspace");
    CourseFolder::find(&root).expect("found")
}

/// Types a command in a folder; returns how it ended and all that it said.
pub(crate) fn typed(folder: &Path, words: &[impl AsRef<std::ffi::OsStr>]) -> (Option<i32>, String) {
    let out = Command::new(env!("CARGO_BIN_EXE_labs"))
        .args(words)
        .current_dir(folder)
        .env("NO_COLOR", "1")
        .output()
        .expect("it starts");
    let said = [out.stdout, out.stderr].concat();
    (out.status.code(), String::from_utf8(said).expect("text"))
}
