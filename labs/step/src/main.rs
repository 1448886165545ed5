//! `cargo step SCRIPT`: plays a script on the code of this workspace and shows what happened, with the
//! line of source of every decision. `cargo step` alone is a prompt.
//!
//! ```text
//!   script.txt --> testbed::script --> outputs --> story on the screen
//!                                  '--> trace --> --trace FILE
//!   trace.jsonl --> testbed::trace ------------> story on the screen
//!   html, svg ------------------> page --> a file for the browser, or a picture
//!   lines typed or piped --> prompt --> session --> the same outputs, forward and back
//! ```
//!
//! A function that is still to be written ends the story with a friendly line, not with a backtrace.

mod story; // a script or a trace, told from beginning to end

mod page; // the same as a page, or as a picture

mod facts; // a node's state in words
mod prompt; // one line in, its story out
mod session; // a run, and the current step in it
mod terminal; // where lines come from
mod why; // what decided
mod words; // what may be typed

mod find; // which file is meant
mod halt; // a story that a panic ended
mod screen; // colours and lines

use clap::{Parser, Subcommand};
use std::io::IsTerminal;
use std::path::PathBuf;
use std::process::ExitCode;

/// Plays a script on your own code, and names the line of every decision. Without a script: a prompt, at
/// which you make the cluster and let things happen, forward and back.
#[derive(Parser)]
#[command(name = "cargo step", bin_name = "cargo step", version, after_help = AFTER_HELP)]
#[command(args_conflicts_with_subcommands = true, disable_help_subcommand = true)]
struct Arguments {
    #[command(subcommand)]
    command: Option<Writing>,
    /// The script (.txt), or a trace (.jsonl) to show again; a name under tests/scripts is enough
    script: Option<PathBuf>,
    /// Opens the script or the trace at the prompt, at its beginning
    #[arg(long, short, requires = "script", conflicts_with = "trace")]
    prompt: bool,
    /// Lists the scripts of the course
    #[arg(long, conflicts_with_all = ["script", "trace"])]
    list: bool,
    /// Writes the run as a trace, JSON Lines
    #[arg(long, value_name = "FILE", requires = "script")]
    trace: Option<PathBuf>,
}

/// What writes a file.
#[derive(Subcommand)]
enum Writing {
    Html(page::Html),
    Svg(page::Svg),
}

const AFTER_HELP: &str = "\
Under each fact is the line of source that decided it, the section of the Raft paper with the name of
the rule in its Figure 2, and a place in the book. NO_COLOR=1 turns colours off.

The prompt takes its lines from a pipe as well:  printf 'add-nodes 3\ncampaign 1\nnext\nwhy\n' | cargo step";

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let told = match (&arguments.command, &arguments.script) {
        (Some(Writing::Html(html)), _) => html.write(),
        (Some(Writing::Svg(svg)), _) => svg.write(),
        (None, None) if arguments.list => {
            screen::welcome(&find::scripts()).map(|()| ExitCode::SUCCESS)
        }
        (None, Some(name)) if !arguments.prompt => {
            find::script(name).and_then(|path| story::tell(&path, arguments.trace.as_deref()))
        }
        (None, name) if std::io::stdin().is_terminal() => terminal::talk(name.as_deref()),
        (None, name) => terminal::listen(std::io::stdin().lock(), name.as_deref()),
    };
    told.unwrap_or_else(|why| {
        screen::error(&why);
        ExitCode::from(2)
    })
}
