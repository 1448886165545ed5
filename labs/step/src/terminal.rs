//! Where the lines come from: a person at a terminal, or a file.
//!
//! ```text
//!   terminal --> rustyline (history, completion) ----.
//!   pipe ------> lines, joined where one ends in \ --+--> Prompt::answer
//! ```

use crate::prompt::{After, LINE_BYTES_MAX, Prompt, Source};
use crate::{find, screen, words};
use rustyline::completion::Completer;
use rustyline::error::ReadlineError;
use rustyline::highlight::Highlighter;
use rustyline::hint::Hinter;
use rustyline::history::MemHistory;
use rustyline::validate::Validator;
use rustyline::{CompletionType, Config, Context, Editor, Helper};
use std::io::{BufRead, Read};
use std::path::Path;
use std::process::ExitCode;

/// Reads from a person.
///
/// # Errors
/// What the terminal says.
pub(crate) fn talk(open: Option<&Path>) -> Result<ExitCode, String> {
    let mut prompt = Prompt::new(Source::Typed);
    match open {
        Some(name) => prompt.open(name)?,
        None => screen::print(&screen::caption(WELCOME))?,
    }
    let config = Config::builder().completion_type(CompletionType::List).build();
    let wrong = |why: ReadlineError| format!("the terminal cannot be read: {why}");
    let mut editor = Editor::with_history(config, MemHistory::new()).map_err(wrong)?;
    editor.set_helper(Some(Words));
    for number in 1.. {
        let line = match editor.readline(&prompt.sign()) {
            Ok(line) => line,
            // Ctrl-C forgets the line, Ctrl-D leaves.
            Err(ReadlineError::Interrupted) => continue,
            Err(ReadlineError::Eof) => break,
            Err(why) => return Err(wrong(why)),
        };
        if !line.trim().is_empty() {
            // A full history drops its oldest line without an error.
            let _kept = editor.add_history_entry(&line);
        }
        match prompt.answer(number, &line) {
            Ok(After::GoOn | After::Stopped(_)) => {}
            Ok(After::Leave) => break,
            Err(why) => screen::error(&why),
        }
    }
    Ok(ExitCode::SUCCESS)
}

const WELCOME: &str = "\
add-nodes 3 makes a cluster that runs the code in this folder, campaign 1 lets a node start \
an election, next lets the next thing happen. open first_election plays a story. help lists the rest.";

/// The most lines of a pipe that may be wrong: after that nobody reads on.
const MISTAKES_MAX: usize = 20;

/// Takes lines from a pipe or a file; prints only what they cause. A line that is wrong is reported
/// by its number, as at a terminal; the program then ends with exit code 2.
///
/// # Errors
/// The input cannot be read as lines of text, or [`MISTAKES_MAX`] of them are wrong.
pub(crate) fn listen(mut input: impl BufRead, open: Option<&Path>) -> Result<ExitCode, String> {
    let mut prompt = Prompt::new(Source::Piped);
    if let Some(name) = open {
        prompt.open(name)?;
    }
    let (mut text, mut first) = (String::new(), 0);
    let mut mistakes = 0;
    let ends = |code, mistakes| if mistakes == 0 { code } else { ExitCode::from(2) };
    for number in 1.. {
        let at = |why: String| format!("standard input, line {number}: {why}");
        let Some(line) = line(&mut input).map_err(at)? else { break };
        if text.is_empty() {
            first = number;
        }
        // As in a script: a \ at the end joins the next line.
        if let Some(part) = line.trim_end().strip_suffix('\\') {
            text += part.trim();
            text.push(' ');
            continue;
        }
        text += &line;
        let at = |why: String| format!("standard input, line {first}: {why}");
        match prompt.answer(first, &std::mem::take(&mut text)) {
            Ok(After::GoOn) => {}
            Ok(After::Leave) => break,
            Ok(After::Stopped(code)) => return Ok(ends(code, mistakes)),
            Err(why) => {
                mistakes += 1;
                screen::error(&at(why));
                if mistakes == MISTAKES_MAX {
                    return Err(format!("{mistakes} lines were wrong; the rest is not read"));
                }
            }
        }
    }
    Ok(ends(prompt.exit_code(), mistakes))
}

/// Takes one line; none at the end.
fn line(input: &mut impl BufRead) -> Result<Option<String>, String> {
    let mut bytes = Vec::new();
    let read = input.take(LINE_BYTES_MAX + 1).read_until(b'\n', &mut bytes);
    read.map_err(|why| format!("cannot be read: {why}"))?;
    if bytes.len() as u64 > LINE_BYTES_MAX {
        return Err(format!("is longer than {LINE_BYTES_MAX} bytes"));
    }
    if bytes.is_empty() {
        return Ok(None);
    }
    let text = String::from_utf8(bytes);
    let text =
        text.map_err(|why| format!("byte {} is not text", why.utf8_error().valid_up_to()))?;
    Ok(Some(text.trim_end_matches(['\n', '\r']).to_string()))
}

/// Completes what is being typed.
struct Words;

impl Completer for Words {
    type Candidate = String;

    fn complete(
        &self,
        line: &str,
        at: usize,
        _context: &Context<'_>,
    ) -> rustyline::Result<(usize, Vec<String>)> {
        Ok(completions(&line[..at]))
    }
}

impl Hinter for Words {
    type Hint = String;
}

impl Highlighter for Words {}
impl Validator for Words {}
impl Helper for Words {}

/// What may follow a command, word by word.
const ARGUMENTS: [(&str, &[&str]); 7] = [
    (
        "add-nodes",
        &[
            "voters=(",
            "log=(",
            "disk=slow",
            "owner=concurrent",
            "owner=one-at-a-time",
            "seed=",
            "election-ticks=",
            "heartbeat-ticks=",
        ],
    ),
    ("deliver", PICKS),
    ("drop", PICKS),
    ("duplicate", PICKS),
    ("tick", &["all"]),
    ("pin", &["free"]),
    ("log-level", &["none", "info"]),
];

const PICKS: &[&str] = &[
    "from=",
    "nth=",
    "type=AppendEntries",
    "type=AppendReply",
    "type=Heartbeat",
    "type=HeartbeatReply",
    "type=RequestVote",
    "type=VoteReply",
];

/// Returns where the last word of a line begins, and what it may become.
fn completions(line: &str) -> (usize, Vec<String>) {
    let start = line.rfind(char::is_whitespace).map_or(0, |at| at + 1);
    let begun = &line[start..];
    let command = line[..start].split_whitespace().next();
    let may: Vec<String> = match command {
        None => {
            let names = words::OURS.iter().chain(&words::SCRIPT).map(|word| word.name);
            names.map(|name| format!("{name} ")).collect()
        }
        Some("help") => {
            words::OURS.iter().chain(&words::SCRIPT).map(|word| word.name.to_string()).collect()
        }
        Some("open") => {
            let stem = |path: &Path| path.file_stem()?.to_str().map(str::to_string);
            find::scripts().iter().filter_map(|path| stem(path)).collect()
        }
        Some(command) => {
            let found = ARGUMENTS.iter().find(|(name, _)| *name == command);
            found.iter().flat_map(|(_, words)| words.iter().map(|word| word.to_string())).collect()
        }
    };
    (start, may.into_iter().filter(|word| word.starts_with(begun)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_completed_by_what_may_stand_there() {
        assert_eq!(completions("cam"), (0, vec!["campaign ".to_string()]));
        assert_eq!(completions("deliver 2 type=Vo"), (10, vec!["type=VoteReply".to_string()]));
        assert_eq!(completions("help wh"), (5, vec!["why".to_string()]));
        assert_eq!(completions("heal x"), (5, Vec::new()));
        let (_, all) = completions("");
        assert_eq!(all.len(), words::OURS.len() + words::SCRIPT.len());
    }
}
