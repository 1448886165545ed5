//! The screen: lines in colour on a terminal, plain text elsewhere.
//!
//! ```text
//!   title      bold          command   bold cyan       fact     plain
//!   caption    italic        source    grey            broken   bold red
//! ```
//!
//! If the reader stops (`cargo step x | head`), the rest is not printed.

use anstyle::{AnsiColor, Style};
use std::io::{ErrorKind, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use testbed::script::golden::Difference;
use testbed::script::output::OutputPart;
use testbed::script::{CommandOutput, Directive, Interpreter, Script};
use testbed::trace::{Kind, Line, Recorder};

fn style(kind: Kind) -> Style {
    let plain = Style::new();
    match kind {
        Kind::Title => plain.bold(),
        Kind::Caption => plain.italic(),
        Kind::Command => plain.bold().fg_color(Some(AnsiColor::Cyan.into())),
        Kind::Source => plain.fg_color(Some(AnsiColor::BrightBlack.into())),
        Kind::Broken => plain.bold().fg_color(Some(AnsiColor::Red.into())),
        Kind::Headline | Kind::Fact | Kind::Blank => plain,
    }
}

/// Prints lines.
///
/// # Errors
/// The terminal's error; not that the reader has stopped.
pub(crate) fn print(lines: &[Line]) -> Result<(), String> {
    let mut out = anstream::stdout().lock();
    for line in lines {
        let style = style(line.kind);
        let written = writeln!(out, "{style}{}{style:#}", line.text);
        match written {
            Ok(()) => {}
            Err(why) if why.kind() == ErrorKind::BrokenPipe => return Ok(()),
            Err(why) => return Err(format!("the screen cannot be written to: {why}")),
        }
    }
    Ok(())
}

/// Prints what is wrong with a request.
pub(crate) fn error(why: &str) {
    let style = style(Kind::Broken);
    anstream::eprintln!("{style}error:{style:#} {why}");
}

/// Says how to begin: what `cargo step --list` prints.
pub(crate) fn welcome(scripts: &[PathBuf]) -> Result<(), String> {
    print(&caption(
        "cargo step SCRIPT plays a script on the code in this folder and names the line behind every \
         decision. A script is a text file: add-nodes 3, campaign 1, stabilize; one command a line. \
         cargo step alone is a prompt. cargo step --help tells more.",
    ))?;
    if !scripts.is_empty() {
        print(&[Line::blank()])?;
    }
    stories(scripts, "cargo step")
}

/// Lists scripts, each with the command that plays it.
pub(crate) fn stories(scripts: &[PathBuf], play: &str) -> Result<(), String> {
    let mut lines = Vec::new();
    for path in scripts {
        let title = Script::read(path).map(|script| script.title).unwrap_or_default();
        lines.push(Line { kind: Kind::Command, text: format!("  {play} {}", path.display()) });
        lines.extend(Line::wrapped(Kind::Fact, 6, &title));
    }
    print(&lines)
}

/// Returns a remark.
pub(crate) fn caption(text: &str) -> Vec<Line> {
    Line::prose(Kind::Caption, 0, text)
}

/// Returns a named row: the name in this many columns, the text beside it, the rest of the text below.
pub(crate) fn row(name: &str, columns: usize, text: &str) -> Vec<Line> {
    let mut lines = Line::wrapped(Kind::Fact, columns + 3, text);
    if let Some(first) = lines.first_mut() {
        first.text = format!("  {name:<columns$} {}", first.text.trim_start());
    }
    lines
}

/// Returns the head of a script.
pub(crate) fn head(script: &Script) -> Vec<Line> {
    let title = if script.title.is_empty() { &script.name } else { &script.title };
    let mut lines = Line::wrapped(Kind::Title, 0, title);
    lines.extend(Line::prose(Kind::Caption, 2, &script.intro));
    lines
}

/// Shows an output, below what was shown before it.
pub(crate) fn output(output: &CommandOutput, run: Option<&Recorder>) -> Vec<Line> {
    let mut lines = vec![Line::blank()];
    lines.extend(told(output, run));
    lines
}

/// Shows an output.
pub(crate) fn told(output: &CommandOutput, run: Option<&Recorder>) -> Vec<Line> {
    run.map(|run| output.story(run.rules())).unwrap_or_default()
}

/// Shows what a command caused before a panic ended it.
pub(crate) fn cut_short(
    directive: &Directive,
    parts: Vec<OutputPart>,
    run: Option<&Recorder>,
) -> Vec<Line> {
    let Directive { line, caption, text, .. } = directive.clone();
    output(&CommandOutput { line, caption, command: text, parts }, run)
}

/// Says how the story ended, and how the program ends.
pub(crate) fn last_words(
    script: &Script,
    interpreter: &Interpreter,
    differences: &[Difference],
) -> (Vec<Line>, ExitCode) {
    let mut lines = vec![Line::blank()];
    let Some(run) = interpreter.run() else {
        lines.extend(caption("The script made no nodes: it begins with add-nodes 3."));
        return (lines, ExitCode::SUCCESS);
    };
    for difference in differences {
        lines.extend(Line::wrapped(Kind::Broken, 0, "Not as the script says:"));
        let text = difference.text();
        lines.extend(text.lines().map(|line| Line { kind: Kind::Fact, text: line.to_string() }));
    }
    let steps = run.steps().len();
    if let Some(broken) = run.violation() {
        let text = format!("{steps} steps; broken in step {}: {}", broken.step, broken.property);
        lines.extend(Line::wrapped(Kind::Broken, 0, &text));
        return (lines, ExitCode::FAILURE);
    }
    let checked = script.directives.iter().any(|directive| directive.expected.is_some());
    let text = match (differences, checked) {
        ([], true) => {
            format!("{steps} steps, no invariant broke, and all went as the script says.")
        }
        ([], false) => format!("{steps} steps, and no invariant broke."),
        (_, _) => format!("{steps} steps, and no invariant broke; but see above."),
    };
    lines.extend(caption(&text));
    let code = if differences.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE };
    (lines, code)
}
