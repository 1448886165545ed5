//! `labs test`: builds, runs, shows, and moves on when a step turns green.
//!
//! The current step is what is asked about. The steps below it run along: a rule that held and holds
//! no more is worth a word at once, and costs milliseconds.

use crate::card::{self, Cards, Held};
use crate::catalogue::{Catalogue, Lab, Status, Step};
use crate::choice::Choice;
use crate::last::{self, Age, Last};
use crate::place::{CourseFolder, suites_target};
use crate::progress::Progress;
use crate::report::{Outcome, ReportLine};
use crate::screen::{BOLD, RED, count, hang, paint};
use crate::source;
use crate::suite::{self, BuildFault, Request, Suite};
use std::collections::BTreeSet;

/// How a test command ended, for the exit code.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Ending {
    /// Everything that was asked for holds.
    Green,
    /// Something is wrong or not written.
    Red,
}

/// What `labs test` was asked for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TestRequest {
    /// A lab, step or test; the current step if absent.
    pub what: Option<String>,
    /// How many seeds each simulation runs.
    pub seeds: Option<u64>,
    /// The one seed to run.
    pub seed: Option<u64>,
    /// How many cards to show.
    pub cards: Cards,
}

/// After so many tests that did not end, no more are started: each takes its whole limit.
const LOOPS_MAX: u64 = 2;

/// The lab and the step after which the first leader is elected, and the script that shows it.
pub const FIRST_LEADER: (&str, u32, &str) = ("2aa", 6, MY_FIRST_ELECTION);

/// The script in a workspace that shows a first election.
pub const MY_FIRST_ELECTION: &str = "my_first_election.txt";

/// Builds and runs what was asked for, and shows what came out.
///
/// # Errors
/// Nothing could be run: the text says why.
pub fn test(place: &CourseFolder, wish: &TestRequest) -> Result<Ending, String> {
    let catalogue = place.catalogue()?;
    let current = crate::here::lab(place, &catalogue)?;
    let (mut progress, said) = Progress::read(place);
    if let Some(said) = said {
        anstream::println!("{}", hang("", &said));
    }
    open_current(place)?;
    let choice = match &wish.what {
        Some(what) => Choice::of(what, &catalogue, &current.id)?,
        None => match current.step(progress.lab(&current.id).step) {
            Some(step) if place.settings.is_some() => Choice::Step(current, step),
            Some(_) | None => Choice::Lab(current),
        },
    };
    let lab = choice.lab();
    place.testable(&catalogue, lab)?;
    let asked = choice.tests();
    let mut tests = asked.clone();
    if let Choice::Step(_, step) = choice {
        let below = lab.steps.iter().filter(|s| s.number < step.number);
        tests.extend(below.flat_map(|s| &s.tests).map(|t| t.name.clone()));
        source::open_step(place, lab, step)?;
    }
    // With the steps that were opened just now.
    (progress, _) = Progress::read(place);
    let reached = progress.lab(&lab.id).step;
    let code = last::code(place);
    let Some(suite) = built(place, lab, reached)? else {
        last::note_fault(place, &code)?;
        return Ok(Ending::Red);
    };
    last::note(place, &code)?;
    let verdicts = run(place, &suite, lab, tests, wish)?;
    show(&choice, &verdicts, &asked, &progress.lab(&lab.id).passed, wish.cards);
    let missing = asked.iter().filter(|name| !verdicts.iter().any(|v| v.test == **name)).count();
    if missing > 0 {
        let not_run = format!("{} not run: ", count(missing as u64, "test"));
        let why = format!("{LOOPS_MAX} tests did not end. First mend what the card shows.");
        anstream::println!("{}", hang("  ", &(not_run + &why)));
    }
    for (package, warnings) in &suite.warnings {
        let warnings = count(*warnings as u64, "compiler warning");
        let shown = format!("cargo check --package {package} shows them");
        anstream::println!("  {warnings} in your code: {shown}");
    }
    let here = progress.lab_mut(&lab.id);
    for verdict in &verdicts {
        match verdict.outcome {
            Outcome::Passed => here.passed.insert(verdict.test.clone()),
            // What is being written for a later lab takes nothing from one that is done.
            Outcome::NotWritten if waits_for_later(&catalogue, lab, verdict) => false,
            Outcome::Failed | Outcome::NotWritten | Outcome::Crashed => {
                here.passed.remove(&verdict.test)
            }
        };
    }
    let turned = advance(lab, here);
    let at = here.step;
    let after = crate::here::following(place, &catalogue, lab, &progress);
    if place.settings.is_some() {
        progress.save(place)?;
        for step in &turned {
            anstream::println!("{}", card::green(step));
        }
        if !turned.is_empty() {
            next(place, lab, at, &turned, after)?;
        }
    }
    let green = verdicts.iter().filter(|v| asked.contains(&v.test));
    let green = green.clone().all(|v| v.outcome == Outcome::Passed);
    Ok(if green { Ending::Green } else { Ending::Red })
}

/// Opens the inert functions of the current step, if they are not open yet.
///
/// # Errors
/// The catalogue cannot be read, or a file not written.
pub fn open_current(place: &CourseFolder) -> Result<(), String> {
    let catalogue = place.catalogue()?;
    let lab = crate::here::lab(place, &catalogue)?;
    let step = lab.step(Progress::read(place).0.lab(&lab.id).step);
    match step.filter(|_| place.settings.is_some()) {
        Some(step) => source::open_step(place, lab, step),
        None => Ok(()),
    }
}

/// Builds the suite of a lab; shows the compiler's words if it cannot be.
///
/// # Errors
/// The lab has no suite, or cargo itself failed.
pub fn built(place: &CourseFolder, lab: &Lab, reached: u32) -> Result<Option<Suite>, String> {
    let Some(name) = &lab.suite else {
        return Err(format!("lab {} has no suite yet", lab.id));
    };
    match suite::build(&place.root, &suites_target(&place.root), name) {
        Ok(suite) => Ok(Some(suite)),
        Err(BuildFault::Compile { package, rendered }) => {
            anstream::eprint!("{rendered}");
            crate::slip::explain(place, &rendered);
            let step = lab.step(reached).map_or_else(
                || format!("lab {}", lab.id),
                |step| format!("step {} ({})", step.number, step.title),
            );
            let what = format!("{step} waits until {package} compiles.");
            anstream::println!("{}", hang("", &what).replacen("waits", &paint(RED, "waits"), 1));
            if let Some(remark) = remark(&rendered) {
                anstream::println!("{}", hang("remark  ", remark));
            }
            Ok(None)
        }
        Err(BuildFault::Cargo { said }) => Err(format!(
            "the suite cannot be built; cargo says:\n{}\ncargo labs doctor looks for the reason",
            said.trim_end()
        )),
    }
}

/// Returns what this course has to say to an error of the compiler's, beyond the compiler's own words.
fn remark(rendered: &str) -> Option<&'static str> {
    let codes = ["E0499", "E0502", "E0505", "E0506"];
    codes.iter().any(|code| rendered.contains(&format!("[{code}]"))).then_some(
        "a part of the node is lent while another is changed: take a copy of what you read first \
         (names, terms and places are copied by a plain let), then call the ledger",
    )
}

fn run(
    place: &CourseFolder,
    suite: &Suite,
    lab: &Lab,
    tests: BTreeSet<String>,
    wish: &TestRequest,
) -> Result<Vec<ReportLine>, String> {
    let memory = place.memory();
    let request = Request {
        tests,
        seeds: wish.seeds,
        seed: wish.seed,
        traces: memory.join("traces"),
        report: last::report_file(place),
        stop_after_loops: Some(LOOPS_MAX),
        ..Request::default()
    };
    suite::run(suite, lab, &request)
}

fn show(
    choice: &Choice<'_>,
    verdicts: &[ReportLine],
    asked: &BTreeSet<String>,
    held: &BTreeSet<String>,
    cards: Cards,
) {
    let (mine, below): (Vec<_>, Vec<_>) = verdicts.iter().partition(|v| asked.contains(&v.test));
    let folded = if verdicts.iter().any(card::is_wrong) { Held::Folded } else { Held::Listed };
    match choice {
        Choice::Step(lab, step) => {
            anstream::println!("{}", paint(BOLD, &card::heading(lab, step, "")));
            card::lines(&mine, folded);
        }
        Choice::Test(..) => card::lines(&mine, folded),
        Choice::Lab(lab) => {
            anstream::println!("{}", paint(BOLD, &format!("lab {}: {}", lab.id, lab.title)));
            for step in &lab.steps {
                anstream::println!("step {}: {}", step.number, step.title);
                let of_step = |v: &&&ReportLine| step.tests.iter().any(|t| t.name == v.test);
                let of_step: Vec<_> = mine.iter().filter(of_step).copied().collect();
                card::lines(&of_step, folded);
            }
        }
    }
    let not_held = below.into_iter().filter(|v| v.outcome != Outcome::Passed);
    let (waiting, broken): (Vec<_>, Vec<_>) =
        not_held.partition(|v| v.outcome == Outcome::NotWritten);
    for (what, which) in [("no longer:", broken), ("waiting for a function again:", waiting)] {
        if !which.is_empty() {
            anstream::println!("of the steps before this one, {what}");
            which.iter().for_each(|v| anstream::println!("{}", card::line(v)));
        }
    }
    // Earlier steps were green when this one began: what is written for this one is the likeliest cause,
    // and its own card names its functions. Else in the order of the steps: what an earlier step gets
    // wrong explains the later ones.
    let (mut first, rest): (Vec<_>, Vec<_>) =
        verdicts.iter().cloned().partition(|v| asked.contains(&v.test));
    let broke = |v: &ReportLine| card::is_wrong(v) && held.contains(&v.test);
    if !first.iter().any(card::is_wrong) && rest.iter().any(broke) {
        let said = "They held before. What you changed last is the likeliest cause, also where a card \
                    names another function.";
        anstream::println!("{}", hang("  ", said));
    }
    first.extend(rest);
    card::show(&first, cards);
}

/// Moves on past every step whose tests all hold.
pub fn advance<'a>(lab: &'a Lab, here: &mut crate::progress::LabProgress) -> Vec<&'a Step> {
    let mut turned = Vec::new();
    while let Some(step) = lab.step(here.step) {
        let upto = lab.steps.iter().filter(|s| s.number <= step.number);
        if !upto.flat_map(|s| &s.tests).all(|t| here.passed.contains(&t.name)) {
            break;
        }
        turned.push(step);
        here.step += 1;
    }
    turned
}

/// Returns whether a test stopped in a function of a lab that its own does not build upon.
fn waits_for_later(catalogue: &Catalogue, lab: &Lab, verdict: &ReportLine) -> bool {
    let mut holes = catalogue.holes();
    let of = holes.find(|(_, _, hole)| Some(hole.path.as_str()) == verdict.hole.as_deref());
    of.is_some_and(|(of, _, _)| of.id != lab.id && !catalogue.builds_on(lab, &of.id))
}

/// Says what comes after the steps that turned green, and opens its inert functions; not after the
/// step of the first leader.
fn next(
    place: &CourseFolder,
    lab: &Lab,
    at: u32,
    turned: &[&Step],
    after: Option<&Lab>,
) -> Result<(), String> {
    let (led, leader_step, script) = FIRST_LEADER;
    let first_leader = lab.id == led && turned.iter().any(|step| step.number == leader_step);
    if first_leader {
        anstream::println!("your first leader! watch it being elected:  cargo step {script}");
    }
    match lab.step(at) {
        Some(step) => {
            // The first leader's story is played before the next step is written: what the leader
            // sends does nothing until the next test, which opens the step.
            if !first_leader {
                source::open_step(place, lab, step)?;
            }
            let none = Last { verdicts: Vec::new(), age: Age::Current };
            crate::here::screen(place, lab, step, &none, "next: ");
            let waits = |hole| source::spot(place, lab, step, hole).unwritten;
            if !step.holes.is_empty() && !step.holes.iter().any(waits) {
                anstream::println!("all of it is written already:  cargo labs test {}", lab.id);
            }
        }
        None => {
            let points = format!("lab {} is done, all {} points.", lab.id, lab.points);
            anstream::println!("{}  cargo labs grade shows them.", paint(BOLD, &points));
            if lab.status == Status::Open && lab.steps.iter().any(|s| !s.holes.is_empty()) {
                anstream::println!("to compare with our own bodies:  cargo labs reveal {}", lab.id);
            }
            if let Some(after) = after {
                anstream::println!("what comes next:  {}", crate::here::offer(after));
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::place::Settings;
    use crate::progress::LabProgress;

    #[test]
    fn a_borrow_that_cannot_be_gets_a_remark() {
        let said = "error[E0502]: cannot borrow `*self` as mutable";
        assert!(remark(said).is_some_and(|remark| remark.contains("copy")));
        assert_eq!(remark("error[E0308]: mismatched types"), None);
    }

    fn catalogue() -> Catalogue {
        let text = include_str!("../../catalog/2aa.toml");
        let files = [("2aa.toml".to_owned(), text.to_owned())].into();
        Catalogue::parse(&files).expect("the catalogue")
    }

    #[test]
    fn after_the_first_leader_the_next_step_does_nothing_until_it_is_tested() {
        let catalogue = catalogue();
        let lab = &catalogue.labs[0];
        let folder = tempfile::tempdir().expect("a folder");
        let settings = Settings {
            course: "../course".to_owned(),
            version: "0".to_owned(),
            catalogue: catalogue.hash.clone(),
            lab: lab.id.clone(),
            open: vec![lab.id.clone()],
        };
        let place = CourseFolder { root: folder.path().to_owned(), settings: Some(settings) };
        let file = folder.path().join("raft/src/heartbeat.rs");
        std::fs::create_dir_all(file.parent().expect("a folder")).expect("made");
        let inert = "impl Core {\n    fn tick_heartbeat() {}\n    fn bcast_heartbeat() {}\n}\n";
        std::fs::write(&file, inert).expect("written");
        let text = || std::fs::read_to_string(&file).expect("there");
        let step = |number| lab.step(number).expect("a step");
        let waits = |number: usize| {
            let hole = &step(7).holes[number];
            source::spot(&place, lab, step(7), hole).unwritten
        };
        next(&place, lab, 7, &[step(5), step(6)], None).expect("said");
        assert_eq!(text(), inert, "the story of the first leader runs through these");
        assert!(waits(0) && waits(1), "the screen says that they are to be written");
        next(&place, lab, 7, &[step(5)], None).expect("said");
        assert!(text().contains("todo!(\"lab 2aa step 7: Core::bcast_heartbeat\")"), "{}", text());
        std::fs::write(&file, inert.replace("{}", "{ mine() }")).expect("written");
        assert!(!waits(0) && !waits(1));
    }

    #[test]
    fn a_step_is_passed_only_with_all_below_it() {
        let catalogue = catalogue();
        let lab = &catalogue.labs[0];
        let mut here = LabProgress::default();
        let names = |n: usize| lab.steps[n - 1].tests.iter().map(|t| t.name.clone());
        here.passed.extend(names(2));
        assert!(advance(lab, &mut here).is_empty());
        here.passed.extend(names(1));
        assert_eq!(advance(lab, &mut here).len(), 2);
        assert_eq!(here.step, 3);
    }
}
