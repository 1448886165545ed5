//! Passing a command on to the desk, in the checkout that the workspace came from.

use crate::place::{CourseFolder, is_checkout, target};
use crate::suite::cargo;
use std::ffi::OsString;
use std::process::ExitCode;

/// Runs the desk with these words, in the folder where they were typed.
///
/// # Errors
/// The course is not where `labs.toml` says, or cargo cannot be started.
pub fn pass_on(place: &CourseFolder, words: &[OsString]) -> Result<ExitCode, String> {
    let course = place.course();
    if !is_checkout(&course) {
        return Err(format!(
            "the course is not at {} any more.\nWrite its path into labs.toml (course = \"...\"), \
             or clone it again there.",
            course.display()
        ));
    }
    let here =
        std::env::current_dir().map_err(|e| format!("the current folder cannot be found: {e}"))?;
    let status = cargo(&here)
        .args(["run", "--quiet", "--package", "labs", "--manifest-path"])
        .arg(course.join("Cargo.toml"))
        .arg("--target-dir")
        .arg(target(&place.root))
        .arg("--")
        .args(words)
        .status()
        .map_err(|e| format!("cargo cannot be started: {e}"))?;
    Ok(ExitCode::from(u8::try_from(status.code().unwrap_or(101)).unwrap_or(1)))
}
