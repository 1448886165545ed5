//! What may be typed at the prompt: its own words, and the commands of scripts.
//!
//! ```text
//!   next  back  goto 17  why  diff        the prompt's own: they look at the run, or move in time
//!   campaign 1  deliver 2  crash 3        a script's: they make the run longer
//! ```

use std::path::PathBuf;
use testbed::spelling::did_you_mean;

/// One word, for the help.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Word {
    /// The word.
    pub(crate) name: &'static str,
    /// What follows it.
    pub(crate) arguments: &'static str,
    /// What it does.
    pub(crate) says: &'static str,
}

const fn word(name: &'static str, arguments: &'static str, says: &'static str) -> Word {
    Word { name, arguments, says }
}

/// The prompt's own words.
pub(crate) const OURS: [Word; 12] = [
    word(
        "next",
        "[N]",
        "on to the next step in which something happens, or N times on: through what was played, \
         then what comes in order",
    ),
    word("back", "[N]", "back to the last step in which something happened, or N times back"),
    word("goto", "N", "to step N; goto 0 is the beginning"),
    word("steps", "", "every step so far, with its number"),
    word("why", "[N]", "which rule decided in this step, with what before it, at which line"),
    word("diff", "[N]", "what this step changed; with N, what changed since step N"),
    word(
        "save",
        "FILE",
        "writes the run up to here: a script (.txt), a trace (.jsonl) or a page (.html)",
    ),
    word("open", "FILE", "plays a script, or a trace, and goes to its beginning"),
    word("stories", "", "the scripts of the course"),
    word("new", "", "forgets everything"),
    word("help", "[WORD]", "this, or more of one word"),
    word("quit", "", "leaves; so does Ctrl-D"),
];

/// The commands of scripts.
pub(crate) const SCRIPT: [Word; 42] = [
    word("add-nodes", "3 [disk=slow] [owner=concurrent] [n2.log=(1@1)]", "makes the cluster"),
    word("tick", "1|all [N]", "lets ticks pass"),
    word("campaign", "1", "lets a node start an election"),
    word("propose", "1 x=1", "a client proposes a command"),
    word("read", "1 a", "a client asks for an index to read at; a: its mark"),
    word("transfer-leader", "1 2", "a node's owner wants another node to lead"),
    word("forget-leader", "2", "a node's owner knows that its leader is dead"),
    word("report-unreachable", "1 2", "a node's owner knows that messages to another are lost"),
    word(
        "change",
        "1 v4 r3 [transition=explicit]",
        "a node's owner proposes a change of the group",
    ),
    word("compact", "1 [keep=2]", "a node's owner makes a snapshot, and removes what it covers"),
    word(
        "report-snapshot",
        "1 2 failure",
        "a node's owner knows how a snapshot arrived: finish, failure",
    ),
    word("report-fetched", "1 2", "a node's owner has fetched entries for another"),
    word("request-snapshot", "2", "a node's owner has lost its state"),
    word("set-priority", "1 2", "a node gets another priority"),
    word("set-commit-groups", "1 [groups=(1:1,2:2)]", "a node gets other commit groups, or none"),
    word("set-window", "1 2 appends=4", "a node may have so many appends in flight to another"),
    word("ping", "1", "a leader sends heartbeats now"),
    word("deliver", "[2 3] [from=1] [type=KIND] [nth=1]", "delivers messages in flight"),
    word("drop", "[2 3] [from=1] [type=KIND] [nth=1]", "drops messages in flight"),
    word(
        "duplicate",
        "[2 3] [from=1] [type=KIND] [nth=1]",
        "delivers them, and keeps them in flight",
    ),
    word("stabilize", "[1 2]", "delivers and writes everything until the nodes are quiet"),
    word("ready", "1", "a node's owner takes a Ready (owner=concurrent)"),
    word("apply", "1", "the application applies committed entries (owner=concurrent)"),
    word("persist", "1", "makes the oldest write of a slow disk durable"),
    word("crash", "1", "a node loses power, and every write that is not durable"),
    word("restart", "1", "restarts a node from its disk"),
    word("partition", "1 2 | 3", "partitions the network"),
    word("cut", "1->2", "cuts a link in one direction"),
    word("mend", "1->2", "repairs a link"),
    word("heal", "", "repairs every link"),
    word("post", "9->1 VoteReply term=1 granted", "sends a message that no node made"),
    word("fail-read", "1 3", "a node's storage fails a read, after 3 that succeed: it halts"),
    word("pin", "1 5|free", "fixes an election timeout, or draws it at random again"),
    word("state", "[1 2]", "shows the nodes"),
    word("messages", "", "shows the messages in flight"),
    word("note", "TEXT", "adds a caption to the next step"),
    word("log-level", "none|info", "etcd's: commands print nothing, or print again"),
    word("deliver-msgs", "...", "etcd's deliver"),
    word("tick-election", "1", "as many ticks as the shortest election timeout"),
    word("tick-heartbeat", "1", "as many ticks as between two heartbeats"),
    word("raft-state", "", "etcd's state"),
    word("set-randomized-election-timeout", "1 timeout=5", "etcd's pin"),
];

/// A request at the prompt.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Ask {
    /// This many steps with an effect forward, from 1.
    Next(usize),
    /// This many steps with an effect back, from 1.
    Back(usize),
    /// To this step.
    Goto(usize),
    /// A list of the steps.
    Steps,
    /// What decided; of several decisions in a step, the one with this number, from 1.
    Why(Option<usize>),
    /// What changed; since this step.
    Diff(Option<usize>),
    /// The run as a file.
    Save(PathBuf),
    /// A run from a file.
    Open(PathBuf),
    /// The list of scripts.
    Stories,
    /// A new, empty run.
    New,
    /// Help with a word, or with all.
    Help(Option<String>),
    /// The end.
    Quit,
    /// A command of a script.
    Play,
}

impl Ask {
    /// Understands a line that is not blank.
    ///
    /// # Errors
    /// What was expected; for an unknown word, the nearest ones.
    pub(crate) fn read(line: &str) -> Result<Ask, String> {
        let (name, rest) = line.trim().split_once(char::is_whitespace).unwrap_or((line.trim(), ""));
        let rest = rest.trim();
        let number = || match rest {
            "" => Ok(None),
            word => match word.parse() {
                Ok(number) => Ok(Some(number)),
                Err(_) => Err(format!("expected a number after {name}, found {word:?}")),
            },
        };
        let times = || match number()? {
            Some(0) => Err(format!("expected a number from 1 after {name}, found 0")),
            times => Ok(times.unwrap_or(1)),
        };
        let file = || match rest {
            "" => Err(format!("expected a file after {name}")),
            path => Ok(PathBuf::from(path)),
        };
        let alone = |ask: Ask| match rest {
            "" => Ok(ask),
            more => Err(format!("{name} takes nothing more, found {more:?}")),
        };
        match name {
            "next" => Ok(Ask::Next(times()?)),
            "back" => Ok(Ask::Back(times()?)),
            "goto" => {
                let step = number()?.ok_or("expected the number of a step after goto")?;
                Ok(Ask::Goto(step))
            }
            "steps" => alone(Ask::Steps),
            "why" => Ok(Ask::Why(number()?)),
            "diff" => Ok(Ask::Diff(number()?)),
            "save" => Ok(Ask::Save(file()?)),
            "open" => Ok(Ask::Open(file()?)),
            "stories" => alone(Ask::Stories),
            "new" => alone(Ask::New),
            "help" | "?" => Ok(Ask::Help((!rest.is_empty()).then(|| rest.to_string()))),
            "quit" | "exit" => alone(Ask::Quit),
            _ if find(name).is_some() => Ok(Ask::Play),
            _ => Err(unknown(name)),
        }
    }
}

/// Returns a word by its name.
pub(crate) fn find(name: &str) -> Option<Word> {
    OURS.into_iter().chain(SCRIPT).find(|word| word.name == name)
}

/// Says that there is no such word, and which are near.
pub(crate) fn unknown(name: &str) -> String {
    let names = OURS.iter().chain(&SCRIPT).map(|word| word.name);
    match did_you_mean(name, names) {
        none if none.is_empty() => format!("there is no command {name:?}; help lists them"),
        near => format!("there is no command {name:?}{near}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use testbed::script::command::NAMES;

    #[test]
    fn every_command_of_scripts_has_a_line_of_help_and_no_other_has() {
        let mut ours: Vec<_> = SCRIPT.iter().map(|word| word.name).collect();
        let mut theirs = NAMES.to_vec();
        ours.sort_unstable();
        theirs.sort_unstable();
        assert_eq!(ours, theirs);
    }

    #[test]
    fn what_is_wrong_with_a_line_is_said_with_what_was_expected() {
        for (line, expected) in [
            ("nxt", "there is no command \"nxt\"; did you mean next?"),
            ("campain 1", "there is no command \"campain\"; did you mean campaign or compact?"),
            ("xyzzy", "there is no command \"xyzzy\"; help lists them"),
            ("goto", "expected the number of a step after goto"),
            ("goto one", "expected a number after goto, found \"one\""),
            ("back -1", "expected a number after back, found \"-1\""),
            ("next 99999999999999999999", "expected a number after next, found"),
            ("next 0", "expected a number from 1 after next, found 0"),
            ("back 0", "expected a number from 1 after back, found 0"),
            ("save", "expected a file after save"),
            ("steps 3", "steps takes nothing more, found \"3\""),
        ] {
            let why = Ask::read(line).expect_err(line);
            assert!(why.contains(expected), "{line}: {why}");
        }
        assert_eq!(Ask::read("  back   2 "), Ok(Ask::Back(2)));
        assert_eq!(Ask::read("campaign 1"), Ok(Ask::Play));
    }
}
