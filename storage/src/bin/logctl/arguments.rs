//! What is asked for, read from the command line.
//!
//! ```text
//!   dump log --group 7 --hex     Subcommand::Dump of "log", of group 7, with every byte
//!   dump log --grup 7            --grup: dump takes --group G, --from-lsn N, --limit N, --hex
//! ```
//!
//! By hand, for it is little, and whoever builds the log engine waits for whatever it needs.

use std::ffi::OsString;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use storage::inspect::{Bytes, Consent, Gapped, Selection};
use storage::{GroupId, Lsn};

/// What is said of it all.
pub(crate) const HELP: &str = "\
logctl looks into the log in a directory. What only looks changes nothing, whatever it finds.

  logctl check DIR                tests every byte, and says what opening the log would do
  logctl dump DIR                 shows every segment, frame and item
      --group G                     only those of this group
      --from-lsn N                  only frames from this one on
      --limit N                     at most so many frames
      --hex                         with their bytes
  logctl tail DIR                 shows the last ten frames
      -n N                          so many instead
      --group G, --hex              as for dump
  logctl stats DIR                counts what is live, by segment and group, and what collection
                                  would move
  logctl truncate-at DIR LSN      says what would go with this frame and all behind it
      --drop-gapped                 with groups that would have a gap
      --yes                         and lets it go
  logctl drop-group DIR G         says what would go with a group
      --yes                         and lets it go

It ends with 0 if nothing is wrong, or nothing that a crash does not leave; with 1 if the log is
damaged, and the engine refuses it; with 2 if there is no answer: the directory or the arguments
make no sense, or somebody has the log open that was to be changed.
";

/// What is asked for, of which directory.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Arguments {
    pub(crate) dir: PathBuf,
    pub(crate) subcommand: Subcommand,
}

/// What is asked for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Subcommand {
    /// How to ask.
    Help,
    Check,
    Dump(Selection),
    Tail(NonZeroUsize, Selection),
    Stats,
    TruncateAt(Lsn, Gapped, Consent),
    DropGroup(GroupId, Consent),
}

/// What may be written behind a command.
struct Command {
    name: &'static str,
    /// What stands behind the directory, if something does.
    number: Option<&'static str>,
    /// Each with what follows it, if something does.
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
    /// Reads the command line.
    ///
    /// # Errors
    /// What is wrong with it, and what is right.
    pub(crate) fn read(words: impl Iterator<Item = OsString>) -> Result<Arguments, String> {
        let mut words = words.peekable();
        let Some(first) = words.next() else {
            return Err(format!("what is to be done?\n\n{HELP}"));
        };
        let name = first.to_string_lossy();
        if ["help", "--help", "-h"].contains(&&*name) {
            return Ok(Arguments { dir: PathBuf::new(), subcommand: Subcommand::Help });
        }
        let Some(command) = COMMANDS.iter().find(|command| command.name == name) else {
            let names = COMMANDS.map(|command| command.name).join(", ");
            return Err(format!("{name:?} is no command; there are {names}, and help"));
        };
        command.read(words)
    }
}

/// What stands behind a command.
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
    /// Reads what stands behind it.
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
                return Err(format!("{text:?} is too much: {}", self.usage()));
            }
        }
        let Some(dir) = parsed.dir.take() else {
            return Err(format!("of which directory? {}", self.usage()));
        };
        let subcommand = self.subcommand(&parsed)?;
        Ok(Arguments { dir, subcommand })
    }

    /// Reads an option, and what follows it: `--limit 5`, or `--limit=5`.
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
            return Err(format!("{name} is no option here: {}", self.usage()));
        };
        let value = match what {
            None if value.is_some() => return Err(format!("{name} takes nothing behind it")),
            None => 0,
            Some(what) => {
                value = value.or_else(|| Some(words.next()?.to_string_lossy().into_owned()));
                let value = value.ok_or_else(|| format!("{name} wants {what} behind it"))?;
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
            name => return Err(format!("{name} is no option")),
        }
        Ok(())
    }

    /// Returns what is asked for.
    fn subcommand(&self, parsed: &ParsedOptions) -> Result<Subcommand, String> {
        let consent = if parsed.is_yes { Consent::Given } else { Consent::Ask };
        let gapped = if parsed.is_drop { Gapped::Dropped } else { Gapped::Refused };
        let number = || {
            let what = self.number.unwrap_or_default();
            parsed.number.ok_or_else(|| format!("{what} is missing: {}", self.usage()))
        };
        Ok(match self.name {
            "check" => Subcommand::Check,
            "dump" => Subcommand::Dump(parsed.selection),
            "tail" => {
                let frames = usize::try_from(parsed.frames.unwrap_or(10)).unwrap_or(usize::MAX);
                let frames = NonZeroUsize::new(frames).ok_or("-n wants 1 at least")?;
                Subcommand::Tail(frames, parsed.selection)
            }
            "stats" => Subcommand::Stats,
            "truncate-at" => Subcommand::TruncateAt(Lsn(number()?), gapped, consent),
            _ => Subcommand::DropGroup(GroupId(number()?), consent),
        })
    }

    /// Says how it is written.
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

/// Reads a number, or a group as it is printed: `7`, `g7`.
fn number(what: &str, text: &str) -> Result<u64, String> {
    let digits = match what {
        "G" | "--group" => text.strip_prefix('g').unwrap_or(text),
        _ => text,
    };
    digits.parse().map_err(|_| format!("{what} is to be a number, and {text:?} is none"))
}
