//! From how a test ended to its report line and card.

use crate::card::{self, COLUMNS_MAX, CardPlace, Crash};
use crate::current::Now;
use crate::failure::Failure;
use crate::holes::Holes;
use crate::page;
use crate::panics::FirstPanic;
use crate::place::{Place, workspace_root};
use crate::report::{Outcome, Report};
use crate::text::clip;
use std::path::{Path, PathBuf};

/// Which test this is about, and how it was asked to run.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct About {
    pub(crate) lab: String,
    pub(crate) test: String,
    pub(crate) step: u32,
    pub(crate) seeds: u64,
    /// The folder where traces go.
    pub(crate) traces: PathBuf,
}

impl About {
    fn course<'a>(&'a self, page: Option<&'a str>) -> CardPlace<'a> {
        CardPlace { lab: &self.lab, step: self.step, test: &self.test, page }
    }

    fn report(&self, outcome: Outcome, headline: impl Into<String>) -> Report {
        Report {
            test: self.test.clone(),
            step: self.step,
            outcome,
            hole: None,
            rule: None,
            row: None,
            seed: None,
            seeds: self.seeds,
            headline: headline.into(),
            your_line: None,
            function: None,
            named: Vec::new(),
            card: String::new(),
            trace: None,
            page: None,
        }
    }

    /// Every rule holds.
    pub(crate) fn passed(&self) -> Report {
        self.report(Outcome::Passed, "holds")
    }

    /// A rule is broken. Writes the page of the test, and the trace of its run if it recorded one.
    pub(crate) fn failed(&self, mut failure: Failure) -> Report {
        let holes = Holes::read(&self.lab, self.step);
        failure.within = holes.without_open(failure.within);
        let decided_in = failure.line().and_then(Place::function);
        if !failure.otherwise.is_empty() && decided_in.is_some_and(|name| holes.is_open(&name)) {
            failure.your_line = None;
            failure.within = holes.without_open(std::mem::take(&mut failure.otherwise));
        }
        let files = self.files(failure.sweep.map(|sweep| sweep.seed));
        let mut report = Report {
            rule: Some(failure.rule.id.to_owned()),
            row: failure.first_row(),
            seed: failure.sweep.map(|sweep| sweep.seed),
            your_line: failure.line().map(Place::to_string),
            function: failure.named().into_iter().next(),
            named: failure.named(),
            card: card::draw(&failure, self.course(files.page_name())),
            ..self.report(Outcome::Failed, failure.headline())
        };
        let run = failure.run.take();
        let (trace, page) = run.map_or((None, None), |run| (Some(run.trace), Some(run.page)));
        let of_card = || {
            let (line, named) = (failure.line(), &report.named);
            page::of_card(&report.headline, &report.card, line, named, &holes)
        };
        let page = page.unwrap_or_else(of_card);
        files.leave(&mut report, trace.as_deref(), &page);
        report
    }

    /// Returns the files of this test, if traces are kept.
    fn files(&self, seed: Option<u64>) -> TestFiles {
        let seed = seed.map_or_else(String::new, |seed| format!("-{seed}"));
        let stem = self.traces.join(format!("{}{seed}", self.test));
        TestFiles::new((!self.traces.as_os_str().is_empty()).then_some(stem))
    }

    /// The code under test panicked, or called a hole.
    pub(crate) fn panicked(&self, panic: &FirstPanic, now: Now) -> Report {
        if let Some(hole) = &panic.hole {
            let your_line = panic.at.as_ref();
            return Report {
                hole: Some(hole.clone()),
                your_line: your_line.map(Place::to_string),
                function: Some(hole.clone()),
                named: vec![hole.clone()],
                card: card::draw_not_written(hole, your_line, self.course(None)),
                ..self.report(Outcome::NotWritten, format!("not written yet: {hole}"))
            };
        }
        let (your_line, within) = self.where_to_look(panic, &now.within);
        let crash = Crash {
            headline: format!("THE CODE PANICKED: {}", panic.message),
            doing: now.doing,
            within,
            your_line,
            at: panic.at.clone(),
            advice: "a node that panics is a node that is down: the message says which assumption \
                     did not hold"
                .to_owned(),
            seed: now.seed,
        };
        self.crashed("panicked", crash)
    }

    /// Says which line led to a panic, or else in which functions to look. A line is certain only if one
    /// function that the student has written is being called, or the one that raised the panic is of the
    /// test's step: an assertion of given code, or an earlier function, may be right to refuse.
    fn where_to_look(&self, panic: &FirstPanic, within: &[String]) -> (Option<Place>, Vec<String>) {
        let holes = Holes::read(&self.lab, self.step);
        // The line that raised it may be a caller's, and then in no frame of its own.
        let raised_at = panic.at.iter().filter(|place| place.is_the_students());
        let places = raised_at.chain(&panic.stack);
        let calls: Vec<(&Place, String)> =
            places.filter_map(|place| Some((place, place.function()?))).collect();
        let named = holes.likeliest(calls.iter().map(|(_, function)| function).chain(within));
        let raised_in = calls.first().map(|(_, function)| function);
        match named.as_slice() {
            [] => (panic.yours.clone(), within.to_vec()),
            [first, others @ ..] if others.is_empty() || raised_in == Some(first) => {
                let line = calls.iter().find(|(_, function)| function == first);
                let line = line.map(|(place, _)| Place::clone(place));
                (line, vec![first.clone()])
            }
            _ => (None, named),
        }
    }

    /// The test ended without a verdict of its own.
    pub(crate) fn crashed(&self, rule: &str, mut crash: Crash) -> Report {
        let holes = Holes::read(&self.lab, self.step);
        let likeliest = holes.likeliest(crash.within.iter());
        if !likeliest.is_empty() {
            crash.within = likeliest;
        }
        let files = self.files(crash.seed);
        let mut report = Report {
            rule: Some(rule.to_owned()),
            seed: crash.seed,
            your_line: crash.your_line.as_ref().map(Place::to_string),
            function: crash.your_line.as_ref().and_then(Place::function),
            named: crash.named(),
            card: card::draw_crash(&crash, self.course(files.page_name())),
            ..self.report(Outcome::Crashed, crash.headline.clone())
        };
        let (line, named) = (crash.your_line.as_ref(), &report.named);
        let page = page::of_card(&report.headline, &report.card, line, named, &holes);
        files.leave(&mut report, None, &page);
        report
    }
}

/// The files that a failing test leaves: `aa_split_vote-17.jsonl` and `.html`.
struct TestFiles {
    stem: Option<PathBuf>,
    /// The page, as a card names it.
    page: Option<String>,
}

impl TestFiles {
    fn new(stem: Option<PathBuf>) -> Self {
        let named = |page: PathBuf| {
            let root = workspace_root();
            let near = root.as_deref().and_then(|root| page.strip_prefix(root).ok());
            near.unwrap_or(&page).display().to_string()
        };
        let page = stem.as_ref().map(|stem| named(with_extension(stem, "html")));
        TestFiles { stem, page }
    }

    fn page_name(&self) -> Option<&str> {
        self.page.as_deref()
    }

    /// Writes the files, and says in the report where they are, or why they are not.
    fn leave(&self, report: &mut Report, trace: Option<&str>, page: &str) {
        let Some(stem) = &self.stem else { return };
        let mut write = |extension: &str, text: &str| {
            let path = with_extension(stem, extension);
            let folder = path.parent().unwrap_or(Path::new("."));
            let written =
                std::fs::create_dir_all(folder).and_then(|()| std::fs::write(&path, text));
            match written {
                Ok(()) => Some(path.display().to_string()),
                Err(why) => {
                    let name = path.file_name().unwrap_or_default().display();
                    let remark = clip(&format!("  ({name} is not written: {why})"), COLUMNS_MAX);
                    report.card.push_str(&format!("\n{remark}"));
                    None
                }
            }
        };
        let trace = trace.and_then(|text| write("jsonl", text));
        let page = write("html", page);
        (report.trace, report.page) = (trace, page);
    }
}

/// Returns a path with one more extension: what is behind a dot of the name stays.
fn with_extension(stem: &Path, extension: &str) -> PathBuf {
    let mut name = stem.as_os_str().to_owned();
    name.push(format!(".{extension}"));
    name.into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::failure::Rule;

    fn about(step: u32) -> About {
        let (lab, test) = ("2ab".to_owned(), "ab_test".to_owned());
        About { lab, test, step, seeds: 1, traces: PathBuf::new() }
    }

    /// Returns the first line of a file of the reference that holds this text.
    fn line_of(file: &str, text: &str) -> Place {
        let root = workspace_root().expect("the workspace");
        let source = std::fs::read_to_string(root.join(file)).expect("a source file");
        let at = source.lines().position(|line| line.contains(text)).expect(text);
        Place { file: file.to_owned(), line: at as u32 + 1 }
    }

    /// Says where a panic in given code leads, in a test of this step: the line's function if there is a
    /// line, and what is named.
    fn looks(step: u32, stack: &[&Place], within: &[&str]) -> (Option<String>, Vec<String>) {
        let stack: Vec<Place> = stack.iter().map(|&place| place.clone()).collect();
        let (at, yours) = (stack.first().cloned(), stack.first().cloned());
        let panic = FirstPanic { message: "no".to_owned(), at, yours, stack, hole: None };
        let within: Vec<String> = within.iter().map(|&path| path.to_owned()).collect();
        let (line, named) = about(step).where_to_look(&panic, &within);
        (line.and_then(|line| line.function()), named)
    }

    #[test]
    fn a_panic_leads_to_what_the_student_has_written_of_the_calls() {
        let given = line_of("raft/src/log/unstable.rs", "entries come without a gap");
        let append = line_of("raft/src/log.rs", "self.unstable.extend(entries)");
        let maybe_append = line_of("raft/src/log.rs", "self.append(entries.into_iter()");
        let on_append = line_of("raft/src/replication.rs", "self.take_entries(prev, entries)?");
        let stack = [&given, &append, &maybe_append, &on_append];
        let names = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>();
        let one = |name: &str| (Some(name.to_owned()), names(&[name]));
        // In step 2 only one of them is written: its line called what refused.
        assert_eq!(looks(2, &stack, &[]), one("Log::append"));
        // Later, any caller may be wrong, the step's own first.
        let named = names(&["Log::maybe_append", "Log::append"]);
        assert_eq!(looks(3, &stack, &[]), (None, named));
        let named = names(&["Core::on_append", "Log::append", "Log::maybe_append"]);
        assert_eq!(looks(5, &stack, &[]), (None, named));
        // What the test says that it leads to fills the list, unless it is to come.
        let named = names(&["Log::append", "Core::decide_vote"]);
        assert_eq!(looks(2, &stack, &["Core::on_propose", "Core::decide_vote"]), (None, named));
        // A function of the step that panics itself is the one.
        assert_eq!(looks(5, &[&on_append, &append], &[]), one("Core::on_append"));
        // Without any, the line is all there is.
        assert_eq!(looks(2, &[&given], &[]), (Some("Unstable::extend".to_owned()), vec![]));
    }

    #[test]
    fn a_card_names_no_function_that_is_still_to_be_written() {
        let rule = Rule::new("rule", "RULE", "", "");
        let named = |failure: Failure, step| about(step).failed(failure).named;
        let list = || Failure::of(&rule).one_of(&["Core::on_append", "Log::append"]);
        assert_eq!(named(list(), 2), ["Log::append"]);
        assert_eq!(named(list(), 5), ["Core::on_append", "Log::append"]);
        // A line in such a function did as it was told.
        let line = line_of("raft/src/replication.rs", "self.take_entries(prev, entries)?");
        let failure = || Failure::of(&rule).your_line(line.clone()).or_one_of(&["Log::append"]);
        let report = about(2).failed(failure());
        assert_eq!((report.your_line, report.named), (None, vec!["Log::append".to_owned()]));
        let report = about(5).failed(failure());
        assert_eq!(report.your_line, Some(line.to_string()));
        assert_eq!(report.named, ["Core::on_append"]);
    }
}
