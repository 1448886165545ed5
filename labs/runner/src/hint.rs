//! `labs hint`: a question first, then a pointer, then pseudo-code; one more each time.
//!
//! ```text
//!   hint                  the card of the last run; else the first function that waits to be written
//!   hint decide_vote      that function          hint aa_single_node    what that test shows
//!   hint 3                that step              no hint fits, nothing is red: where to read on
//! ```
//!
//! Hints are found by what the last run showed: (test, rule) before (test, any) before (any, rule).
//! They never name a bug of the catalogue, and reading them costs nothing but is counted.
//!
//! Invariant: in a workspace there is an answer at every moment, for every name that exists.

use crate::card::is_wrong;
use crate::catalogue::{Catalogue, Hint, Hole, Lab, Step};
use crate::choice::{Choice, functions};
use crate::last::{Age, Last};
use crate::nearest::{nearest, unknown};
use crate::place::CourseFolder;
use crate::progress::Progress;
use crate::report::{Outcome, ReportLine};
use crate::screen::{BOLD, count, hang, paint, wrap};
use crate::source::spot;

/// The rule under which the catalogue keeps hints for a function that is not written.
const NOT_WRITTEN: &str = "not_written";

/// What the levels are called.
const NAMES: [&str; 3] = ["a question", "a pointer", "pseudo-code"];

/// Prints the next hint: for a function, a test or a step that is named, else for what the student
/// looks at. It always has an answer; where no hint fits, that is where to read on.
///
/// # Errors
/// Nothing is called so, this is no workspace, or the progress cannot be written.
pub fn hint(place: &CourseFolder, about: Option<&str>) -> Result<(), String> {
    if place.settings.is_none() {
        return Err("hints belong to a workspace: cargo labs start ../my-raft".into());
    }
    let catalogue = place.catalogue()?;
    let (mut progress, _) = Progress::read(place);
    let asked =
        Asked { place, catalogue: &catalogue, progress: progress.clone(), last: Last::read(place) };
    let found = match about {
        Some(typed) => asked.named(typed)?,
        None => asked.current()?,
    };
    if crate::last::is_fault(place) {
        let said = "Your code does not compile. Read the compiler's first message before this: cargo \
                    labs test shows it.";
        anstream::println!("{}", hang("", said));
    }
    let HintSubject { lab, step, need } = found;
    let Some(need) = need else {
        anstream::println!("{}", hang("", &nothing(lab, step)));
        return Ok(());
    };
    let Some((index, hint)) = find(lab, &need) else {
        anstream::println!("{}", hang("", &elsewhere(lab, step, &need)));
        return Ok(());
    };
    let here = progress.lab_mut(&lab.id);
    let key = format!("{index}");
    let level = (here.hints.get(&key).copied().unwrap_or(0) + 1).min(hint.levels.len());
    here.hints.insert(key, level);
    progress.save(place)?;
    let of = hint.levels.len();
    let title = format!("hint {level} of {of} for {}", need.said());
    anstream::println!("{}", paint(BOLD, &hang("", &title)));
    for (name, text) in NAMES.iter().zip(&hint.levels).take(level) {
        anstream::println!("  {name}:");
        print(text);
    }
    if level < of {
        let left = count((of - level) as u64, "more level");
        let again = about.map_or(String::new(), |typed| format!(" {typed}"));
        anstream::println!("  ({left}: cargo labs hint{again})");
    } else {
        // What is wrong need not be in the function that is named, but the step always is.
        let what = need.hole.unwrap_or_else(|| format!("{}.{}", lab.id, step.number));
        anstream::println!("  (the last one; our own body: cargo labs reveal {what})");
    }
    Ok(())
}

/// Returns what is said where a step has nothing red and nothing to write.
fn nothing(lab: &Lab, step: &Step) -> String {
    let (id, number) = (&lab.id, step.number);
    if step.holes.is_empty() {
        return format!(
            "Step {number} of lab {id} has no function to write, and the last run shows nothing \
             wrong. Do this: cargo labs test {id}. If a card comes, cargo labs hint says more."
        );
    }
    format!(
        "The functions of step {number} of lab {id} are written, and the last run shows nothing \
         wrong. Do this: cargo labs test {id}. A hint about one function: cargo labs hint {}",
        step.holes[0].path
    )
}

/// Returns what is said where no hint of the catalogue fits.
fn elsewhere(lab: &Lab, step: &Step, need: &Need) -> String {
    let (id, number) = (&lab.id, step.number);
    format!(
        "No hint fits {}. Read the step again: cargo labs read {id}.{number}. Then, with the card \
         beside it, the function that the card names.",
        need.test
    )
}

/// What is asked, and what is known.
struct Asked<'a> {
    place: &'a CourseFolder,
    catalogue: &'a Catalogue,
    progress: Progress,
    last: Last,
}

/// What a hint is about: no need is where nothing is red and nothing waits to be written.
struct HintSubject<'a> {
    lab: &'a Lab,
    step: &'a Step,
    need: Option<Need>,
}

impl<'a> Asked<'a> {
    /// Returns what a name means: a function, a test, a step or a lab.
    fn named(&self, typed: &str) -> Result<HintSubject<'a>, String> {
        let current = crate::here::lab(self.place, self.catalogue)?;
        let named = functions(typed, self.catalogue)?;
        // Two labs may write functions of one name: then the current lab is meant.
        let hole = match named[..] {
            [one] => Some(one),
            _ => named.into_iter().find(|(lab, _, _)| lab.id == current.id),
        };
        if let Some((lab, step, hole)) = hole {
            return Ok(HintSubject { lab, step, need: Some(Need::function(step, hole)) });
        }
        match Choice::of(typed, self.catalogue, &current.id) {
            Ok(Choice::Test(lab, step, test)) => {
                let red = self.last.verdicts.iter().find(|v| v.test == test).and_then(need);
                let about = red.or_else(|| self.of_step(lab, step)).or_else(|| {
                    // It holds, or was never run: what it looks at is the step.
                    Some(Need { test: test.to_owned(), rule: String::new(), hole: None })
                        .filter(|need| find(lab, need).is_some())
                        .or_else(|| Need::first(step))
                });
                Ok(HintSubject { lab, step, need: about })
            }
            Ok(Choice::Step(lab, step)) => {
                let need = self.of_step(lab, step).or_else(|| Need::first(step));
                Ok(HintSubject { lab, step, need })
            }
            Ok(Choice::Lab(lab)) => self.of_lab(lab),
            Err(_) => {
                let paths = self.catalogue.open_holes().map(|(_, _, hole)| hole.path.as_str());
                let tests = self.catalogue.labs.iter().flat_map(Lab::tests);
                let all: Vec<_> = paths.chain(tests.map(|test| test.name.as_str())).collect();
                if nearest(typed, all.iter().copied()).is_some() {
                    return Err(unknown("function, test or step", typed, all));
                }
                let own = current.steps.iter().flat_map(|step| &step.holes);
                Err(unknown("function, test or step", typed, own.map(|h| h.path.as_str())))
            }
        }
    }

    /// Returns what the student looks at: the card of the last run, of whatever lab that was; else
    /// the current step.
    fn current(&self) -> Result<HintSubject<'a>, String> {
        let current = crate::here::lab(self.place, self.catalogue)?;
        let test = self.last.verdicts.first().and_then(|v| self.catalogue.test(&v.test));
        let ran = test.map_or(current, |(lab, _, _)| lab);
        if ran.id != current.id && self.place.opened(ran).is_ok() {
            let wrong = self.last.verdicts.iter().any(is_wrong);
            if wrong && self.last.age == Age::Current {
                return self.of_lab(ran);
            }
        }
        self.of_lab(current)
    }

    /// Returns what is to be done in a lab: in its current step, or what broke in one that was done.
    fn of_lab(&self, lab: &'a Lab) -> Result<HintSubject<'a>, String> {
        let number = self.progress.lab(&lab.id).step;
        let done = lab.step(number).is_none();
        let step = lab.step(number).or(lab.steps.last()).ok_or("this lab has no step")?;
        // A step below that broke again is what the student looks at, too; and of a later one what is
        // wrong, after a run of the whole lab.
        let mut red: Vec<_> = self
            .last
            .verdicts
            .iter()
            .filter_map(|verdict| {
                let (of, _) = lab.test(&verdict.test)?;
                let seen = done || of.number <= number || is_wrong(verdict);
                Some((of, need(verdict).filter(|_| seen)?))
            })
            .collect();
        // Wrong before unwritten, and the current step's before an earlier one's: that card is what the
        // student looks at. Then the step itself.
        red.sort_by_key(|(of, need)| (of.number > number, need.hole.is_some(), of.number < number));
        let red = red.into_iter().next();
        let unwritten = |step: &'a Step| self.unwritten(lab, step).map(|need| (step, need));
        // What was cut since the last run says more than what that run met.
        let found = match self.last.age {
            Age::Current => red.or_else(|| unwritten(step)),
            Age::BeforeLastChange => unwritten(step).or(red),
        };
        let found =
            found.or_else(|| lab.steps.iter().filter(|s| s.number < number).find_map(unwritten));
        // Written, and not compiled or not run yet: then the step itself is what there is to look at.
        let found = found.or_else(|| {
            let untold = self.last.age == Age::BeforeLastChange && !done;
            Need::first(step).filter(|_| untold).map(|need| (step, need))
        });
        Ok(match found {
            Some((step, need)) => HintSubject { lab, step, need: Some(need) },
            None => HintSubject { lab, step, need: None },
        })
    }

    /// Returns what is red or unwritten in one step.
    fn of_step(&self, lab: &Lab, step: &Step) -> Option<Need> {
        let of_step = |v: &&ReportLine| step.tests.iter().any(|test| test.name == v.test);
        let mut red: Vec<_> = self.last.verdicts.iter().filter(of_step).filter_map(need).collect();
        red.sort_by_key(|need| need.hole.is_some());
        red.into_iter().next().or_else(|| self.unwritten(lab, step))
    }

    /// The first function of the step that still waits to be written.
    fn unwritten(&self, lab: &Lab, step: &Step) -> Option<Need> {
        let waits = |hole: &&Hole| spot(self.place, lab, step, hole).unwritten;
        step.holes.iter().find(waits).map(|hole| Need::function(step, hole))
    }
}

/// What somebody needs help with.
struct Need {
    test: String,
    rule: String,
    hole: Option<String>,
}

impl Need {
    /// Help with a function that is to be written.
    fn function(step: &Step, hole: &Hole) -> Self {
        let test = step.tests.first().map(|test| test.name.clone()).unwrap_or_default();
        Need { test, rule: NOT_WRITTEN.into(), hole: Some(hole.path.clone()) }
    }

    /// Help with the first function of a step.
    fn first(step: &Step) -> Option<Self> {
        step.holes.first().map(|hole| Need::function(step, hole))
    }

    /// Returns what the title says.
    fn said(&self) -> String {
        match &self.hole {
            Some(hole) => hole.clone(),
            None if self.rule.is_empty() => self.test.clone(),
            None => format!("{}, rule {}", self.test, self.rule),
        }
    }
}

fn need(verdict: &ReportLine) -> Option<Need> {
    let test = verdict.test.clone();
    match verdict.outcome {
        Outcome::Passed => None,
        Outcome::NotWritten => {
            Some(Need { test, rule: NOT_WRITTEN.into(), hole: verdict.hole.clone() })
        }
        Outcome::Failed | Outcome::Crashed => {
            debug_assert!(is_wrong(verdict));
            Some(Need { test, rule: verdict.rule.clone().unwrap_or_default(), hole: None })
        }
    }
}

/// Finds the hint that fits best.
fn find<'a>(lab: &'a Lab, need: &Need) -> Option<(usize, &'a Hint)> {
    let fits = |hint: &Hint| {
        let test = hint.test == need.test;
        let rule = hint.rule == need.rule && (hint.rule != NOT_WRITTEN || hint.hole == need.hole);
        let any_rule = hint.rule == "*" && need.rule != NOT_WRITTEN;
        match (test, hint.test == "*") {
            (true, _) if rule => Some(3),
            (true, _) if any_rule => Some(2),
            (_, true) if rule => Some(1),
            (_, true) if any_rule => Some(0),
            (_, _) => None,
        }
    };
    let ranked = lab.hints.iter().enumerate().filter_map(|(n, hint)| Some((fits(hint)?, n, hint)));
    ranked.max_by_key(|(rank, n, _)| (*rank, usize::MAX - n)).map(|(_, n, hint)| (n, hint))
}

/// Prints a level: prose re-flowed, pseudo-code (indented lines) unchanged.
fn print(text: &str) {
    let code = text.trim_end().lines().count() > 1;
    for line in text.trim_end().lines() {
        let lines = if code { vec![line.to_owned()] } else { wrap(line, 74) };
        for line in lines {
            anstream::println!("    {line}");
        }
    }
}
