//! `cargo step SCRIPT`: plays a script on the code of this very workspace and tells what happened,
//! with the line of source behind every decision.
//!
//! ```text
//!   script.txt --> testbed::script --> scenes --> story on the screen
//!                                  '--> trace --> --trace FILE
//!   trace.jsonl --> testbed::trace ------------> story on the screen
//! ```
//!
//! A function that is still to be written ends the story with a friendly line, not with a backtrace.

mod find; // which file is meant
mod halt; // a story that a panic ended
mod screen; // colours and lines

use clap::Parser;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use testbed::script::{Script, Stage};
use testbed::trace::{self, Line};

/// Plays a script on your own code, and names the line behind every decision.
#[derive(Parser)]
#[command(name = "cargo step", bin_name = "cargo step", version, after_help = AFTER_HELP)]
struct Arguments {
    /// The script (.txt), or a trace (.jsonl) to be told again; a name under tests/scripts will do
    script: Option<PathBuf>,
    /// Writes the run as a trace, JSON Lines
    #[arg(long, value_name = "FILE")]
    trace: Option<PathBuf>,
}

const AFTER_HELP: &str = "\
Under each fact stands the line of source that decided it, the section of the Raft paper with the
name of the rule in its Figure 2, and a place in the book. NO_COLOR=1 turns colours off.";

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let told = match &arguments.script {
        None => screen::welcome(&find::scripts()).map(|()| ExitCode::SUCCESS),
        Some(name) => find::script(name).and_then(|path| tell(&path, arguments.trace.as_deref())),
    };
    told.unwrap_or_else(|why| {
        screen::error(&why);
        ExitCode::from(2)
    })
}

/// Tells a script or a trace.
fn tell(path: &Path, into: Option<&Path>) -> Result<ExitCode, String> {
    if path.extension().is_some_and(|kind| kind == "jsonl") {
        let trace = trace::read(path).map_err(|why| why.to_string())?;
        if into.is_some() {
            return Err(format!("{} is a trace already: --trace is for scripts", path.display()));
        }
        screen::print(&trace.story())?;
        return Ok(ExitCode::SUCCESS);
    }
    let script = Script::read(path).map_err(|why| why.to_string())?;
    let mut stage = Stage::new(&script);
    screen::print(&screen::head(&script))?;
    let mut differences = Vec::new();
    for directive in &script.directives {
        match halt::watch(|| stage.play(directive)) {
            Ok(scene) => {
                let scene = scene.map_err(|why| why.to_string())?;
                screen::print(&screen::scene(&scene, stage.run()))?;
                differences.extend(script.difference(directive, &scene));
            }
            Err(halt) => {
                let beats = stage.unfinished();
                screen::print(&screen::cut_short(directive, beats, stage.run()))?;
                save(&stage, into)?;
                screen::print(&halt.last_words())?;
                return Ok(halt.exit_code());
            }
        }
    }
    save(&stage, into)?;
    let (last_words, code) = screen::last_words(&script, &stage, &differences);
    screen::print(&last_words)?;
    Ok(code)
}

/// Writes the trace, if one is wanted.
fn save(stage: &Stage, into: Option<&Path>) -> Result<(), String> {
    let Some(path) = into else { return Ok(()) };
    let run = stage.run().ok_or("there is nothing to write: the script made no nodes")?;
    let wrong = |why| format!("{} cannot be written: {why}", path.display());
    run.write_to(path).map_err(wrong)?;
    let text = format!("The trace is in {}.", path.display());
    screen::print(&[vec![Line::blank()], screen::caption(&text)].concat())
}
