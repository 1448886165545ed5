//! `cargo labs` in a workspace.

use clap::{Parser, Subcommand};
use runner::command::{Command, DeskCommand};
use runner::place::CourseFolder;
use runner::trial::Ending;
use std::process::ExitCode;

/// The labs of Raftwright: where am I, test, watch, hint, read, replay
///
/// Without a command: the current step, and the one thing to do next.
#[derive(Parser)]
#[command(name = "cargo labs", bin_name = "cargo labs", version)]
struct CommandLine {
    #[command(subcommand)]
    typed: Option<LabsCommand>,
}

#[derive(Subcommand)]
enum LabsCommand {
    #[command(flatten)]
    Here(Command),
    #[command(flatten)]
    Desk(DeskCommand),
}

fn main() -> ExitCode {
    match run(CommandLine::parse()) {
        Ok(code) => code,
        Err(why) => {
            runner::screen::refuse(&why);
            ExitCode::from(2)
        }
    }
}

fn run(line: CommandLine) -> Result<ExitCode, String> {
    let here =
        std::env::current_dir().map_err(|e| format!("the current folder cannot be found: {e}"))?;
    let place = CourseFolder::find(&here)?;
    match line.typed {
        None => runner::here::tell(&place).map(|()| ExitCode::SUCCESS),
        Some(LabsCommand::Desk(command)) => runner::desk::pass_on(&place, &command.words()),
        Some(LabsCommand::Here(command)) => command.perform(&place).map(|ending| match ending {
            Ending::Green => ExitCode::SUCCESS,
            Ending::Red => ExitCode::FAILURE,
        }),
    }
}
