//! A run as a page or as a picture: `cargo step html` and `cargo step svg`.
//!
//! ```text
//!   script.txt  --> played --> trace --> testbed::page --> first_election.html
//!   trace.jsonl --> read   ----'                      '--> first_election.svg, a few steps of it
//! ```
//!
//! A script whose run ends in a panic has a page as well: up to the panic.

use crate::{find, halt, screen};
use clap::Args;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use testbed::script::{Interpreter, Script};
use testbed::trace::{self, Kind, Line, Outcome, Trace};

/// Writes a run as one page that needs no network: forward and back with the arrow keys
#[derive(Args)]
pub(crate) struct Html {
    /// The script (.txt) or the trace (.jsonl); a name under tests/scripts is enough
    script: PathBuf,
    /// Where the page goes; without it, into this folder under the script's name
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Opens the page at this step, with the steps around it if the run is long
    #[arg(long, value_name = "STEP")]
    from: Option<u64>,
}

/// Writes a few steps of a run as a picture
#[derive(Args)]
pub(crate) struct Svg {
    /// The script (.txt) or the trace (.jsonl); a name under tests/scripts is enough
    script: PathBuf,
    /// The first step, from 1
    #[arg(long, value_name = "STEP", default_value_t = 1)]
    from: u64,
    /// The last step; without it, the last of the run
    #[arg(long, value_name = "STEP")]
    to: Option<u64>,
    /// Where the picture goes; without it, into this folder under the script's name
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

impl Html {
    /// Writes the page.
    pub(crate) fn write(&self) -> Result<ExitCode, String> {
        let (path, played) = played(&self.script)?;
        let page = played.trace.page(self.from)?;
        let steps = played.trace.steps.len();
        save(&self.output_for(&path), &page, &format!("{steps} steps"))?;
        screen::print(&played.remarks)?;
        Ok(played.code)
    }

    fn output_for(&self, path: &Path) -> PathBuf {
        self.output.clone().unwrap_or_else(|| named_after(path, "html"))
    }
}

impl Svg {
    /// Writes the picture.
    pub(crate) fn write(&self) -> Result<ExitCode, String> {
        let (path, played) = played(&self.script)?;
        let to = self.to.unwrap_or(played.trace.steps.len() as u64);
        let picture = played.trace.picture(self.from..=to)?;
        let output = self.output.clone().unwrap_or_else(|| named_after(&path, "svg"));
        save(&output, &picture, &format!("Steps {} to {to}", self.from))?;
        screen::print(&played.remarks)?;
        Ok(played.code)
    }
}

/// What a script or a file came to.
struct Played {
    trace: Trace,
    /// What was not as it should be.
    remarks: Vec<Line>,
    code: ExitCode,
}

/// Plays a script, or reads a trace.
fn played(name: &Path) -> Result<(PathBuf, Played), String> {
    let path = find::script(name)?;
    if path.extension().is_some_and(|kind| kind == "jsonl") {
        let trace = trace::read(&path).map_err(|why| why.to_string())?;
        return Ok((path, Played { trace, remarks: Vec::new(), code: ExitCode::SUCCESS }));
    }
    let script = Script::read(&path).map_err(|why| why.to_string())?;
    let mut interpreter = Interpreter::new(&script);
    let (mut remarks, mut code) = (Vec::new(), ExitCode::SUCCESS);
    let mut notes = Vec::new();
    for directive in &script.directives {
        match halt::watch(|| interpreter.play(directive)) {
            Ok(output) => {
                let output = output.map_err(|why| why.to_string())?;
                if let Some(difference) = script.difference(directive, &output) {
                    let step = interpreter.run().map_or(0, |run| run.steps().len());
                    notes.push((step, difference.text()));
                    code = ExitCode::FAILURE;
                }
            }
            Err(halt) => {
                remarks.extend(halt.last_words());
                code = halt.exit_code();
                break;
            }
        }
    }
    let run = interpreter.run();
    let run = run.ok_or_else(|| {
        format!("{}: the script made no nodes: it begins with add-nodes 3", path.display())
    })?;
    let mut trace = run.trace();
    for (step, text) in &notes {
        remarks.extend(Line::wrapped(Kind::Broken, 0, "Not as the script says:"));
        remarks.extend(text.lines().map(|line| Line { kind: Kind::Fact, text: line.to_string() }));
        trace.note_difference(*step, text);
    }
    if trace.footer.as_ref().is_some_and(|footer| footer.outcome == Outcome::Broken) {
        code = ExitCode::FAILURE;
    }
    Ok((path, Played { trace, remarks, code }))
}

/// Returns the name of an output: the script's, in this folder.
fn named_after(path: &Path, kind: &str) -> PathBuf {
    PathBuf::from(path.file_name().unwrap_or_default()).with_extension(kind)
}

/// Writes a text to a file, and says so.
fn save(path: &Path, text: &str, what: &str) -> Result<(), String> {
    let wrong = |why| format!("{} cannot be written: {why}", path.display());
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(wrong)?;
    }
    std::fs::write(path, text).map_err(wrong)?;
    screen::print(&screen::caption(&format!("{what}, in {}.", path.display())))
}
