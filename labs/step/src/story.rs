//! A script or a trace, shown from beginning to end.
//!
//! ```text
//!   head   output   output   output ...   summary: how many steps, what broke, what differed
//! ```

use crate::{halt, screen};
use std::path::Path;
use std::process::ExitCode;
use testbed::script::{Interpreter, Script};
use testbed::trace::{self, Line};

/// Shows a script or a trace.
pub(crate) fn tell(path: &Path, into: Option<&Path>) -> Result<ExitCode, String> {
    if path.extension().is_some_and(|kind| kind == "jsonl") {
        let trace = trace::read(path).map_err(|why| why.to_string())?;
        if into.is_some() {
            return Err(format!("{} is a trace already: --trace is for scripts", path.display()));
        }
        screen::print(&trace.story())?;
        return Ok(ExitCode::SUCCESS);
    }
    let script = Script::read(path).map_err(|why| why.to_string())?;
    let mut interpreter = Interpreter::new(&script);
    screen::print(&screen::head(&script))?;
    let mut differences = Vec::new();
    for directive in &script.directives {
        match halt::watch(|| interpreter.play(directive)) {
            Ok(output) => {
                let output = output.map_err(|why| why.to_string())?;
                screen::print(&screen::output(&output, interpreter.run()))?;
                differences.extend(script.difference(directive, &output));
            }
            Err(halt) => {
                let parts = interpreter.unfinished();
                screen::print(&screen::cut_short(directive, parts, interpreter.run()))?;
                save(&interpreter, into)?;
                screen::print(&halt.last_words())?;
                return Ok(halt.exit_code());
            }
        }
    }
    save(&interpreter, into)?;
    let (last_words, code) = screen::last_words(&script, &interpreter, &differences);
    screen::print(&last_words)?;
    Ok(code)
}

/// Writes the trace, if one was asked for.
fn save(interpreter: &Interpreter, into: Option<&Path>) -> Result<(), String> {
    let Some(path) = into else { return Ok(()) };
    let run = interpreter.run().ok_or("there is nothing to write: the script made no nodes")?;
    let wrong = |why| format!("{} cannot be written: {why}", path.display());
    run.write_to(path).map_err(wrong)?;
    let text = format!("The trace is in {}.", path.display());
    screen::print(&[vec![Line::blank()], screen::caption(&text)].concat())
}
