//! A trace's story, in the pager: what `replay --open` opens.
//!
//! ```text
//!   .labs/traces/aa_model_3x3.jsonl --> the program of `cargo step` --> less -R      on a terminal
//!                                                                   '-> as it is     elsewhere
//! ```
//!
//! The program is built where suites are built, so it is there soon after a run.

use crate::place::{CourseFolder, suites_target};
use crate::suite::{self, BuildFault, Program};
use std::io::IsTerminal;
use std::path::Path;
use std::process::{Command, Stdio};

/// Returns the command that tells the story of a trace, as it is typed in the place's root.
pub fn offer(place: &CourseFolder, trace: &Path) -> String {
    let near = trace.strip_prefix(&place.root).unwrap_or(trace);
    format!("cargo step {}", near.display())
}

/// Tells the story of a trace: in the pager on a terminal, else as it is.
///
/// # Errors
/// The program cannot be built or started.
pub fn open(place: &CourseFolder, trace: &Path) -> Result<(), String> {
    let target = suites_target(&place.root);
    let built = suite::build_program(&place.root, &target, Program::Step);
    let program = built.map_err(|fault| match fault {
        BuildFault::Compile { package, rendered } => {
            format!("{rendered}\n{package} does not compile")
        }
        BuildFault::Cargo { said } => format!("cargo says:\n{said}"),
    })?;
    let mut step = Command::new(&program.program);
    step.arg(trace).current_dir(&place.root);
    let wrong = |why: std::io::Error| format!("{} cannot be started: {why}", offer(place, trace));
    if !std::io::stdout().is_terminal() {
        return step.status().map(|_| ()).map_err(wrong);
    }
    // The pager is what a person set, and perhaps is not there: then the story comes as it is.
    let named = std::env::var("PAGER").ok().filter(|pager| !pager.trim().is_empty());
    let named = named.unwrap_or_else(|| "less -R".to_owned());
    let mut words = named.split_whitespace();
    let pager =
        Command::new(words.next().unwrap_or("less")).args(words).stdin(Stdio::piped()).spawn();
    let Ok(mut pager) = pager else { return step.status().map(|_| ()).map_err(wrong) };
    if std::env::var_os("NO_COLOR").is_none() {
        step.env("CLICOLOR_FORCE", "1");
    }
    let told = match pager.stdin.take() {
        Some(pipe) => step.stdout(pipe).status().map(|_| ()).map_err(wrong),
        None => Err("the pager takes no text".to_owned()),
    };
    // Its end of the pipe is closed with `step`, so that the pager sees where the story ends.
    drop(step);
    pager.wait().map_err(|why| format!("{named}: {why}"))?;
    told
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trace_of_the_place_is_offered_by_its_short_name() {
        let place = CourseFolder { root: "/home/me/my-raft".into(), settings: None };
        let trace = Path::new("/home/me/my-raft/.labs/traces/aa_x.jsonl");
        assert_eq!(offer(&place, trace), "cargo step .labs/traces/aa_x.jsonl");
        assert_eq!(offer(&place, Path::new("/tmp/y.jsonl")), "cargo step /tmp/y.jsonl");
    }
}
