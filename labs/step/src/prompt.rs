//! The prompt: takes one line, and shows what it causes.
//!
//! ```text
//!   a terminal      history, completion; a mistake is reported, and the prompt goes on
//!   a pipe or file  the same lines, plain; a mistake is reported with its line, the session goes on,
//!                   and ends with exit code 2
//! ```

use crate::session::{Session, Trouble};
use crate::words::{self, Ask};
use crate::{facts, find, screen, why};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use testbed::Input;
use testbed::script::interpreter::STEPS_MAX;
use testbed::script::{CommandOutput, Directive, Script};
use testbed::trace::{self, Kind, Line, TraceStep};

/// The longest line that is taken, in bytes.
pub(crate) const LINE_BYTES_MAX: u64 = 1 << 16;

/// A session with its prompt.
pub(crate) struct Prompt {
    session: Session,
    /// The comment lines above the next command.
    caption: Vec<String>,
    from: Source,
    /// The files that were written: they may be written again, others not.
    saved: Vec<PathBuf>,
}

/// Where the lines come from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Source {
    /// A person who has just typed them.
    Typed,
    /// A pipe or a file.
    Piped,
}

impl Source {
    /// Returns what errors and scripts call it.
    fn name(self) -> &'static str {
        match self {
            Source::Typed => "the prompt",
            Source::Piped => "standard input",
        }
    }
}

/// What comes after an answer.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) enum After {
    /// The next line.
    GoOn,
    /// The end.
    Leave,
    /// The end, because the code stopped: this is how the program ends.
    Stopped(ExitCode),
}

impl Prompt {
    pub(crate) fn new(from: Source) -> Self {
        Prompt { session: Session::new(from.name()), caption: Vec::new(), from, saved: Vec::new() }
    }

    /// Returns the text before the next line: the current step, if it is not the last.
    pub(crate) fn sign(&self) -> String {
        match (self.session.at(), self.session.len()) {
            (at, steps) if at < steps => format!("raft {at}/{steps}> "),
            _ => "raft> ".to_string(),
        }
    }

    /// Returns how the program ends: with a failure if a rule broke.
    pub(crate) fn exit_code(&self) -> ExitCode {
        let broken = self.session.interpreter().run().is_some_and(|run| run.violation().is_some());
        if broken { ExitCode::FAILURE } else { ExitCode::SUCCESS }
    }

    /// Answers one line.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(crate) fn answer(&mut self, number: usize, line: &str) -> Result<After, String> {
        let line = line.trim();
        if let Some(words) = line.strip_prefix('#') {
            self.caption.push(words.strip_prefix(' ').unwrap_or(words).to_string());
            return Ok(After::GoOn);
        }
        if line.is_empty() {
            self.caption.clear();
            return Ok(After::GoOn);
        }
        let ask = Ask::read(line)?;
        if self.from == Source::Piped && ask != Ask::Play {
            let echo = Line::wrapped(Kind::Command, 0, line);
            screen::print(&[vec![Line::blank()], echo].concat())?;
        }
        match ask {
            Ask::Play => return self.play(number, line),
            Ask::Next(count) => return self.next(number, count),
            Ask::Back(count) => self.back(count)?,
            Ask::Goto(step) => {
                self.session.go(step)?;
                self.show_here()?;
            }
            Ask::Steps => screen::print(&self.steps())?,
            Ask::Why(which) => screen::print(&why::tell(&self.session, which)?)?,
            Ask::Diff(since) => screen::print(&self.diff(since)?)?,
            Ask::Save(path) => self.save(&path)?,
            Ask::Open(name) => self.open(&name)?,
            Ask::Stories => screen::stories(&find::scripts(), "open")?,
            Ask::New => {
                self.session = Session::new(self.from.name());
                screen::print(&screen::caption("Forgotten. add-nodes 3 makes a cluster."))?;
            }
            Ask::Help(word) => screen::print(&help(word.as_deref())?)?,
            Ask::Quit => return Ok(After::Leave),
        }
        Ok(After::GoOn)
    }
}

// Making the run longer.

impl Prompt {
    fn play(&mut self, number: usize, line: &str) -> Result<After, String> {
        let mut directive = self.session.read(number, line).map_err(|why| why.what)?;
        let caption = std::mem::take(&mut self.caption).join("\n");
        directive.caption = Some(caption).filter(|caption| !caption.is_empty());
        self.perform(&directive, self.from)
    }

    /// Plays one command and shows what it caused, below the command itself if it was not typed.
    fn perform(&mut self, directive: &Directive, from: Source) -> Result<After, String> {
        let before = self.session.at();
        match self.session.play(directive) {
            Ok((output, forgotten)) => {
                if forgotten > 0 {
                    let steps = if forgotten == 1 {
                        "step that came after is"
                    } else {
                        "steps that came after are"
                    };
                    let text = format!("(The {forgotten} {steps} forgotten.)");
                    screen::print(&screen::caption(&text))?;
                }
                let run = self.session.interpreter().run();
                let steps = self.session.at() - before;
                let silent = screen::told(&without_words(&output), run).is_empty();
                match from {
                    Source::Typed => {
                        // It is on the screen already.
                        screen::print(&screen::told(&without_words(&output), run))?;
                    }
                    Source::Piped => screen::print(&screen::output(&output, run))?,
                }
                if silent {
                    screen::print(&self.in_passing(before, before + steps))?;
                }
                Ok(After::GoOn)
            }
            Err(Trouble::Wrong(why)) => Err(why.what),
            Err(Trouble::Halted(parts, halt)) => {
                let run = self.session.interpreter().run();
                screen::print(&screen::cut_short(directive, parts, run))?;
                screen::print(&halt.last_words())?;
                Ok(After::Stopped(halt.exit_code()))
            }
        }
    }

    /// Shows steps without effect: how many ticks passed, and what else happened.
    fn in_passing(&self, from: usize, to: usize) -> Vec<Line> {
        let steps = &self.session.steps()[from..to];
        let (ticks, others): (Vec<_>, Vec<_>) =
            steps.iter().partition(|recorded| matches!(recorded.input, Input::Tick(_)));
        let headline = |recorded: &&TraceStep| Line::wrapped(Kind::Headline, 0, &recorded.headline);
        let mut lines: Vec<_> = others.iter().flat_map(headline).collect();
        lines.extend(match ticks.len() {
            0 => Vec::new(),
            1 => screen::caption("1 tick passed, and nothing came of it."),
            many => screen::caption(&format!("{many} ticks passed, and nothing came of them.")),
        });
        lines
    }

    /// Goes on: through the steps played already, then with a network that delivers everything.
    fn next(&mut self, number: usize, count: usize) -> Result<After, String> {
        for _ in 0..count.min(STEPS_MAX) {
            let (at, steps) = (self.session.at(), self.session.len());
            if at < steps {
                let to = self.session.following(at);
                self.session.go(to)?;
                self.show_from(at)?;
                continue;
            }
            if self.session.interpreter().run().is_none() {
                return Err(
                    "there are no nodes yet: begin with add-nodes 3, or open a story".into()
                );
            }
            let Some(command) = self.session.interpreter().next_command() else {
                let text = "No message is in flight and no write is pending: use tick or campaign.";
                screen::print(&screen::caption(text))?;
                break;
            };
            let directive = self.session.read(number, &command).map_err(|why| why.what)?;
            match self.perform(&directive, Source::Piped)? {
                After::GoOn => {}
                stop @ (After::Leave | After::Stopped(_)) => return Ok(stop),
            }
        }
        Ok(After::GoOn)
    }
}

// Moving in time.

impl Prompt {
    fn back(&mut self, count: usize) -> Result<(), String> {
        if self.session.at() == 0 {
            return Err("this is the beginning".to_string());
        }
        let mut to = self.session.at();
        for _ in 0..count {
            if to == 0 {
                break;
            }
            to = self.session.preceding(to);
        }
        self.session.go(to)?;
        self.show_here()
    }

    /// Shows the current step's number, and the step.
    fn show_here(&self) -> Result<(), String> {
        let at = self.session.at();
        self.show_from(at.saturating_sub(1))
    }

    /// Shows what happened between an earlier step and this one; of ticks without effect only their number.
    fn show_from(&self, earlier: usize) -> Result<(), String> {
        let (at, steps) = (self.session.at(), self.session.len());
        let mut lines = Vec::new();
        for step in earlier + 1..=at {
            if let Some((caption, command)) = self.session.command(step) {
                lines.extend(caption.iter().flat_map(|text| Line::prose(Kind::Caption, 0, text)));
                lines.extend(Line::wrapped(Kind::Command, 0, command));
            }
            lines.extend(self.session.story(step));
        }
        if at > 0 && self.session.story(at).is_empty() {
            lines.extend(self.in_passing(at - 1, at));
        }
        let place = match at {
            0 => format!("the beginning, of {steps} steps"),
            at => {
                let between = (earlier + 1..at).filter(|&s| self.session.story(s).is_empty());
                match between.count() {
                    0 => format!("step {at} of {steps}"),
                    1 => format!("step {at} of {steps}; nothing came of the one before it"),
                    many => format!("step {at} of {steps}; nothing came of the {many} before it"),
                }
            }
        };
        lines.extend(screen::caption(&place));
        screen::print(&lines)
    }
}

// Looking.

impl Prompt {
    /// Lists the steps with an effect.
    fn steps(&self) -> Vec<Line> {
        let steps = self.session.steps();
        let mut lines = Vec::new();
        for (step, recorded) in (1..).zip(steps) {
            let here = step == self.session.at();
            if here || !self.session.story(step).is_empty() {
                let mark = if here { '>' } else { ' ' };
                let text =
                    format!("{mark}{step:>4}  {}", recorded.headline.trim_start_matches("> "));
                let kind = if here { Kind::Command } else { Kind::Fact };
                lines.extend(Line::wrapped(kind, 0, &text));
            }
        }
        if lines.is_empty() {
            lines = screen::caption("Nothing has happened yet.");
        }
        lines
    }

    /// Shows what this step changed, or what changed since an earlier or later one.
    fn diff(&self, since: Option<usize>) -> Result<Vec<Line>, String> {
        let (at, steps) = (self.session.at(), self.session.len());
        if since.is_some_and(|since| since > steps) {
            return Err(format!("there is no step {}: the run has {steps}", since.unwrap_or(0)));
        }
        let recorded = self.session.current().filter(|_| since.is_none());
        if since.is_none() && recorded.is_none() {
            return Err("nothing has happened yet: next, or a command".to_string());
        }
        let since = since.unwrap_or(at.saturating_sub(1));
        let (before, after) = (self.session.states(since), self.session.states(at));
        let mut lines = Line::wrapped(Kind::Headline, 0, &format!("step {since} -> step {at}"));
        let changes = facts::difference(&before, &after);
        if changes.is_empty() {
            lines.extend(Line::wrapped(Kind::Caption, 2, "no node changed"));
        }
        lines.extend(changes);
        for gone in recorded.iter().flat_map(|recorded| &recorded.gone) {
            let text = format!("message {} is {}", gone.id, gone.why);
            lines.extend(Line::wrapped(Kind::Fact, 2, &text));
        }
        for sent in recorded.iter().flat_map(|recorded| &recorded.sent) {
            lines.extend(Line::wrapped(
                Kind::Fact,
                2,
                &format!("message {}: {}", sent.id, sent.text),
            ));
        }
        Ok(lines)
    }
}

// Files.

impl Prompt {
    fn save(&mut self, path: &Path) -> Result<(), String> {
        let wrong =
            |why: &dyn std::fmt::Display| format!("{} cannot be written: {why}", path.display());
        if path.exists() && !self.saved.iter().any(|saved| saved == path) {
            return Err(wrong(&"it is there already, and was not saved from here"));
        }
        let steps = self.session.at();
        match path.extension().and_then(|kind| kind.to_str()) {
            Some("txt") => {
                let text = self.session.script()?;
                std::fs::write(path, text).map_err(|why| wrong(&why))?;
            }
            Some(kind @ ("jsonl" | "html")) => {
                let run = self.session.interpreter().run();
                let trace = run.ok_or("there is nothing to save: no nodes were made")?.trace();
                let text = match kind {
                    "html" => trace.page(None)?,
                    _ => trace.to_json_lines(),
                };
                std::fs::write(path, text).map_err(|why| wrong(&why))?;
            }
            Some(_) | None => {
                return Err(wrong(
                    &"expected a name that ends in .txt (a script), .jsonl (a trace) or .html (a page)",
                ));
            }
        }
        self.saved.push(path.to_path_buf());
        let many = if steps == 1 { "step" } else { "steps" };
        let text = match path.extension().is_some_and(|kind| kind == "html") {
            true => format!("{steps} {many}, in {}, for a browser.", path.display()),
            false => format!("{steps} {many}, in {0}. cargo step {0} tells them.", path.display()),
        };
        screen::print(&screen::caption(&text))
    }

    /// Plays a file and goes to its beginning.
    pub(crate) fn open(&mut self, name: &Path) -> Result<(), String> {
        let path: PathBuf = find::script(name)?;
        let (head, (session, halt)) = if path.extension().is_some_and(|kind| kind == "jsonl") {
            let trace = trace::read(&path).map_err(|why| why.to_string())?;
            let mut head = Line::wrapped(Kind::Title, 0, &trace.header.title);
            head.extend(Line::prose(Kind::Caption, 2, &trace.header.intro));
            (head, Session::replay(&path.display().to_string(), &trace)?)
        } else {
            let script = Script::read(&path).map_err(|why| why.to_string())?;
            (screen::head(&script), Session::open(&script).map_err(|why| why.to_string())?)
        };
        self.session = session;
        screen::print(&head)?;
        if let Some(halt) = halt {
            screen::print(&halt.last_words())?;
        }
        let steps = self.session.len();
        let text =
            format!("The beginning, of {steps} steps: next shows the first, goto {steps} the end.");
        screen::print(&screen::caption(&text))
    }
}

/// Returns what a command caused, without the command itself.
fn without_words(output: &CommandOutput) -> CommandOutput {
    CommandOutput { caption: None, command: String::new(), ..output.clone() }
}

/// Returns the list of commands, or more about one.
fn help(word: Option<&str>) -> Result<Vec<Line>, String> {
    if let Some(name) = word {
        let word = words::find(name).ok_or_else(|| words::unknown(name))?;
        let mut lines =
            Line::wrapped(Kind::Command, 0, &format!("{} {}", word.name, word.arguments));
        lines.extend(Line::wrapped(Kind::Fact, 2, word.says));
        return Ok(lines);
    }
    let mut lines = screen::caption("At the prompt:");
    for word in words::OURS {
        lines.extend(row(&format!("{} {}", word.name, word.arguments), word.says));
    }
    lines.extend(screen::caption("Commands of a script; a line that begins with # is a caption:"));
    for word in words::SCRIPT.iter().take_while(|word| word.name != "log-level") {
        lines.extend(row(word.name, word.says));
    }
    lines.extend(screen::caption("help deliver shows what follows deliver; Tab completes words."));
    Ok(lines)
}

fn row(name: &str, says: &str) -> Vec<Line> {
    screen::row(name, 14, says)
}
