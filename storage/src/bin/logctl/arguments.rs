//! Parses the command line.
//!
//! ```text
//!   dump log --group 7 --hex     Subcommand::Dump of "log", of group 7, with every byte
//!   dump log --grup 7            unknown option --grup; usage: logctl dump DIR [--group G] ..
//! ```
//!
//! It is parsed by hand: there is little to parse, and a library would slow down every build of the
//! engine.

use std::ffi::OsString;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use storage::inspect::{Bytes, Consent, Gapped, Selection};
use storage::{GroupId, Lsn};

/// The help text.
pub(crate) const HELP: &str = "\
logctl shows the log in a directory. Only a command with --yes changes anything.

  logctl check DIR                tests every byte, and says what opening the log would do
  logctl dump DIR                 shows every segment, frame and item
      --group G                     only frames and items of group G
      --from-lsn N                  only frames from LSN N on
      --limit N                     at most N frames
      --hex                         also the bytes of each frame
  logctl tail DIR                 shows the last ten frames
      -n N                          shows the last N frames instead
      --group G, --hex              as for dump
  logctl stats DIR                shows what is live in each segment and group, and what garbage
                                  collection would copy
  logctl truncate-at DIR LSN      shows what would be lost without this frame and all later ones
      --drop-gapped                 also removes groups that would have a gap
      --yes                         removes it
  logctl drop-group DIR G         shows what would be lost without group G
      --yes                         removes it

Exit codes: 0 if nothing is wrong, except what a crash may leave; 1 if the log is damaged, so that
the engine refuses it; 2 if there is no result: the arguments make no sense, the directory cannot
be read, or another process has the log open that was to be changed.
";

/// The parsed command line: a directory, and what to do with it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Arguments {
    pub(crate) dir: PathBuf,
    pub(crate) subcommand: Subcommand,
}

/// What to do.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Subcommand {
    /// Print the help text.
    Help,
    Check,
    Dump(Selection),
    Tail(NonZeroUsize, Selection),
    Stats,
    TruncateAt(Lsn, Gapped, Consent),
    DropGroup(GroupId, Consent),
}

/// The arguments that a command takes.
struct Command {
    name: &'static str,
    /// The name of the number that follows the directory, if there is one.
    number: Option<&'static str>,
    /// Each option, with the name of its value if it takes one.
    options: &'static [(&'static str, Option<&'static str>)],
}

/// All commands.
const COMMANDS: [Command; 6] = [
    Command { name: "check", number: None, options: &[] },
    Command {
        name: "dump",
        number: None,
        options: &[
            ("--group", Some("G")),
            ("--from-lsn", Some("N")),
            ("--limit", Some("N")),
            ("--hex", None),
        ],
    },
    Command {
        name: "tail",
        number: None,
        options: &[("-n", Some("N")), ("--group", Some("G")), ("--hex", None)],
    },
    Command { name: "stats", number: None, options: &[] },
    Command {
        name: "truncate-at",
        number: Some("LSN"),
        options: &[("--drop-gapped", None), ("--yes", None)],
    },
    Command { name: "drop-group", number: Some("G"), options: &[("--yes", None)] },
];

impl Arguments {
    /// Parses the command line.
    ///
    /// # Errors
    /// A message that says what is wrong, and what is allowed.
    pub(crate) fn read(words: impl Iterator<Item = OsString>) -> Result<Arguments, String> {
        let mut words = words.peekable();
        let Some(first) = words.next() else {
            return Err(format!("no command is given\n\n{HELP}"));
        };
        let name = first.to_string_lossy();
        if ["help", "--help", "-h"].contains(&&*name) {
            return Ok(Arguments { dir: PathBuf::new(), subcommand: Subcommand::Help });
        }
        let Some(command) = COMMANDS.iter().find(|command| command.name == name) else {
            let names = COMMANDS.map(|command| command.name).join(", ");
            return Err(format!("{name:?} is not a command; the commands are {names}, help"));
        };
        command.read(words)
    }
}

/// The parsed arguments of a command.
#[derive(Default)]
struct ParsedOptions {
    dir: Option<PathBuf>,
    number: Option<u64>,
    frames: Option<u64>,
    is_yes: bool,
    is_drop: bool,
    selection: Selection,
}

impl Command {
    /// Parses the arguments of this command.
    fn read(&self, mut words: impl Iterator<Item = OsString>) -> Result<Arguments, String> {
        let mut parsed = ParsedOptions::default();
        let mut is_plain = false;
        while let Some(word) = words.next() {
            let text = word.to_string_lossy().into_owned();
            if text == "--" && !is_plain {
                is_plain = true;
            } else if !is_plain && (text == "--help" || text == "-h") {
                return Ok(Arguments { dir: PathBuf::new(), subcommand: Subcommand::Help });
            } else if !is_plain && text.starts_with('-') && text.len() > 1 {
                self.option(&text, &mut words, &mut parsed)?;
            } else if parsed.dir.is_none() {
                parsed.dir = Some(word.into());
            } else if let Some(what) = self.number.filter(|_| parsed.number.is_none()) {
                parsed.number = Some(number(what, &text)?);
            } else {
                return Err(format!("unexpected argument {text:?}; usage: {}", self.usage()));
            }
        }
        let Some(dir) = parsed.dir.take() else {
            return Err(format!("DIR is missing; usage: {}", self.usage()));
        };
        let subcommand = self.subcommand(&parsed)?;
        Ok(Arguments { dir, subcommand })
    }

    /// Parses an option and its value: `--limit 5`, or `--limit=5`.
    fn option(
        &self,
        text: &str,
        words: &mut impl Iterator<Item = OsString>,
        parsed: &mut ParsedOptions,
    ) -> Result<(), String> {
        let (name, mut value) = match text.split_once('=') {
            Some((name, value)) => (name, Some(value.to_owned())),
            None => (text, None),
        };
        let Some((name, what)) = self.options.iter().find(|(option, _)| *option == name) else {
            return Err(format!("unknown option {name}; usage: {}", self.usage()));
        };
        let value = match what {
            None if value.is_some() => return Err(format!("{name} takes no value")),
            None => 0,
            Some(what) => {
                value = value.or_else(|| Some(words.next()?.to_string_lossy().into_owned()));
                let value = value.ok_or_else(|| format!("{name} needs a value: {what}"))?;
                self::number(name, &value)?
            }
        };
        match *name {
            "--group" => parsed.selection.group = Some(GroupId(value)),
            "--from-lsn" => parsed.selection.from = Lsn(value),
            "--limit" => parsed.selection.limit = value,
            "--hex" => parsed.selection.bytes = Bytes::Shown,
            "-n" => parsed.frames = Some(value),
            "--yes" => parsed.is_yes = true,
            "--drop-gapped" => parsed.is_drop = true,
            name => return Err(format!("unknown option {name}")),
        }
        Ok(())
    }

    /// Returns what to do.
    fn subcommand(&self, parsed: &ParsedOptions) -> Result<Subcommand, String> {
        let consent = if parsed.is_yes { Consent::Given } else { Consent::Ask };
        let gapped = if parsed.is_drop { Gapped::Dropped } else { Gapped::Refused };
        let number = || {
            let what = self.number.unwrap_or_default();
            parsed.number.ok_or_else(|| format!("{what} is missing; usage: {}", self.usage()))
        };
        Ok(match self.name {
            "check" => Subcommand::Check,
            "dump" => Subcommand::Dump(parsed.selection),
            "tail" => {
                let frames = usize::try_from(parsed.frames.unwrap_or(10)).unwrap_or(usize::MAX);
                let frames = NonZeroUsize::new(frames).ok_or("-n must be at least 1")?;
                Subcommand::Tail(frames, parsed.selection)
            }
            "stats" => Subcommand::Stats,
            "truncate-at" => Subcommand::TruncateAt(Lsn(number()?), gapped, consent),
            _ => Subcommand::DropGroup(GroupId(number()?), consent),
        })
    }

    /// Returns how the command is written.
    fn usage(&self) -> String {
        let mut usage = format!("logctl {} DIR", self.name);
        if let Some(number) = self.number {
            usage += &format!(" {number}");
        }
        for (name, what) in self.options {
            usage += &match what {
                Some(what) => format!(" [{name} {what}]"),
                None => format!(" [{name}]"),
            };
        }
        usage
    }
}

/// Parses a number, or a group as it is printed: `7`, `g7`.
fn number(what: &str, text: &str) -> Result<u64, String> {
    let digits = match what {
        "G" | "--group" => text.strip_prefix('g').unwrap_or(text),
        _ => text,
    };
    digits.parse().map_err(|_| format!("{what} must be a number, not {text:?}"))
}
