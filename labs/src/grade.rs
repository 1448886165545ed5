//! `labs grade`: points from the catalogue, verdicts from the suites, each test all or nothing.
//!
//! ```text
//!   student's raft/src  --.
//!                          > a scratch copy --> suites --> verdicts --> points
//!   all else: the course --'
//! ```
//!
//! Nothing of a student's folder is believed but `raft/src`: not its suites, nor its catalogue, nor
//! its cargo configuration. Its `labs.toml` only says which labs were opened, where nobody says which
//! to grade.
//!
//! Each lab is graded in the core that its own students work in: functions of later labs that still
//! wait to be written do nothing, as before those labs were opened.

use crate::copy;
use crate::course::{Course, Sources, at_start, cut, judged, texts};
use runner::card;
use runner::catalogue::{Hole, Lab};
use runner::place::{CUT, CourseFolder, SETTINGS, Settings, lines, suites_target};
use runner::points::Points;
use runner::progress::Progress;
use runner::report::{Outcome, ReportLine};
use runner::screen::{BOLD, GREY, hang, paint, spread};
use runner::suite::{self, BuildFault, Request};
use serde::Serialize;
use std::path::Path;

/// Whose sources are graded.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Whose<'a> {
    /// Our own.
    Reference,
    /// What a student starts each lab with: what it builds upon is there.
    Skeleton,
    /// What lies in a student's folder.
    Student(&'a Path),
}

/// A grade.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Grade {
    /// What was reached.
    pub points: Points,
    /// What there was to reach.
    pub of: Points,
    /// Why nothing could be tested, if so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub blocked: Option<String>,
    /// The labs.
    pub labs: Vec<LabGrade>,
}

/// The grade of one lab.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct LabGrade {
    /// Its id.
    pub id: String,
    /// What was reached.
    pub points: Points,
    /// What there was to reach.
    pub of: Points,
    /// Its tests.
    pub tests: Vec<TestGrade>,
}

/// The grade of one test.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct TestGrade {
    /// Its name.
    pub test: String,
    /// The step it belongs to.
    pub step: u32,
    /// What was reached.
    pub points: Points,
    /// What there was to reach.
    pub of: Points,
    /// How it ended; absent if it could not be run.
    pub outcome: Option<Outcome>,
    /// The function that is not written yet.
    pub hole: Option<String>,
    /// The rule that broke.
    pub rule: Option<String>,
    /// What the card says.
    pub headline: Option<String>,
}

/// Returns the labs to be graded: those that are `named`, else those that were opened in a student's
/// folder, else all.
///
/// # Errors
/// One is unknown, or still to come.
pub fn labs<'a>(
    course: &'a Course,
    whose: &Whose<'_>,
    named: &[String],
) -> Result<Vec<&'a Lab>, String> {
    let opened = match whose {
        Whose::Student(folder) if named.is_empty() => opened(folder),
        Whose::Student(_) | Whose::Reference | Whose::Skeleton => Vec::new(),
    };
    let mut labs = course.labs(named)?;
    if labs.iter().any(|lab| opened.contains(&lab.id)) {
        labs.retain(|lab| opened.contains(&lab.id));
    }
    Ok(labs)
}

/// Returns the labs that a student's folder says were opened in it.
fn opened(folder: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(folder.join(SETTINGS)).unwrap_or_default();
    runner::catalogue::parse::<Settings>(SETTINGS, &text).map_or(Vec::new(), |s| s.open)
}

/// Returns the core in which a lab is graded.
///
/// # Errors
/// There is none where it was looked for.
pub fn sources(course: &Course, whose: &Whose<'_>, lab: &Lab) -> Result<Sources, String> {
    match whose {
        Whose::Reference => Ok(course.reference.clone()),
        Whose::Skeleton => {
            cut(&course.reference, &course.catalogue, at_start(&course.catalogue, lab))
                .map_err(|found| lines(&found))
        }
        Whose::Student(folder) => {
            Ok(judged(handed_in(course, folder, lab)?, &course.catalogue, lab))
        }
    }
}

/// Returns a core to judge a lab in: the student's own packages as far as the lab is about them or builds
/// upon them, and ours for the rest.
fn handed_in(course: &Course, folder: &Path, lab: &Lab) -> Result<Sources, String> {
    let mut found = Sources::new();
    for package in CUT {
        let src = format!("{package}/src");
        let is_in_it = |hole: &Hole| hole.file.strip_prefix(&src).is_some();
        let is_theirs = course.catalogue.holes().any(|(of, _, hole)| {
            is_in_it(hole) && (of.id == lab.id || course.catalogue.builds_on(lab, &of.id))
        });
        if !is_theirs {
            let ours = course.reference.iter().filter(|(name, _)| name.starts_with(&src));
            found.extend(ours.map(|(name, text)| (name.clone(), text.clone())));
        } else if folder.join(&src).is_dir() {
            found.extend(texts(folder, &src)?);
        } else {
            return Err(format!("{} holds no {src} to grade", folder.display()));
        }
    }
    Ok(found)
}

/// Grades labs in a scratch copy.
///
/// # Errors
/// The suites cannot be built or run for a reason that is not the student's.
pub fn grade(
    course: &Course,
    whose: &Whose<'_>,
    labs: &[&Lab],
    seeds: Option<u64>,
) -> Result<Grade, String> {
    let name = match whose {
        Whose::Reference => "grade-reference",
        Whose::Skeleton => "grade-skeleton",
        Whose::Student(_) => "grade",
    };
    let root = course.scratch(name);
    let mut graded = Vec::new();
    let mut blocked = None;
    for lab in labs {
        let Some(target) = lab.suite.as_ref().filter(|_| blocked.is_none()) else {
            graded.push(lab_grade(lab, &[]));
            continue;
        };
        // Only what differs from the lab before is written, and built again.
        copy::write(&root, &copy::plan(course, &sources(course, whose, lab)?, &root)?)?;
        let verdicts = match suite::build(&root, &suites_target(&course.root), target) {
            Ok(built) => {
                let memory = course.scratch(&format!("{name}-reports"));
                let request = Request {
                    seeds,
                    traces: memory.join("traces"),
                    report: memory.join(format!("{}.jsonl", lab.id)),
                    ..Request::default()
                };
                suite::run(&built, lab, &request)?
            }
            Err(BuildFault::Compile { package, rendered }) => {
                anstream::eprint!("{rendered}");
                // The course's own crates compile with the reference: the student's core lacks
                // something they use.
                let is_theirs = CUT.contains(&package.as_str());
                let against = if is_theirs { "" } else { " against these sources" };
                blocked = Some(format!("{package} does not compile{against}"));
                Vec::new()
            }
            Err(BuildFault::Cargo { said }) => return Err(format!("cargo says:\n{said}")),
        };
        graded.push(lab_grade(lab, &verdicts));
    }
    let points = graded.iter().map(|lab| lab.points).sum();
    let of = graded.iter().map(|lab| lab.of).sum();
    Ok(Grade { points, of, blocked, labs: graded })
}

/// Notes in a workspace what its own grade said, so that bare `cargo labs` shows the same points. A
/// step whose tests all hold is passed; none is gone back to. A grade in which nothing was tested
/// says nothing.
///
/// # Errors
/// The progress cannot be written.
pub fn remember(place: &CourseFolder, grade: &Grade) -> Result<(), String> {
    if grade.blocked.is_some() {
        return Ok(());
    }
    let catalogue = place.catalogue()?;
    let (mut progress, said) = Progress::read(place);
    if let Some(said) = said {
        anstream::println!("{}", hang("", &said));
    }
    for graded in &grade.labs {
        let Some(lab) = catalogue.lab(&graded.id) else { continue };
        let here = progress.lab_mut(&lab.id);
        for test in &graded.tests {
            if test.outcome == Some(Outcome::Passed) {
                here.passed.insert(test.test.clone());
            } else {
                here.passed.remove(&test.test);
            }
        }
        runner::trial::advance(lab, here);
    }
    progress.save(place)
}

/// Turns verdicts into points.
pub fn lab_grade(lab: &Lab, verdicts: &[ReportLine]) -> LabGrade {
    let tests = lab.steps.iter().flat_map(|step| step.tests.iter().map(move |test| (step, test)));
    let tests = tests.map(|(step, test)| {
        let verdict = verdicts.iter().find(|v| v.test == test.name);
        let outcome = verdict.map(|v| v.outcome);
        TestGrade {
            test: test.name.clone(),
            step: step.number,
            points: if outcome == Some(Outcome::Passed) { test.points } else { Points::default() },
            of: test.points,
            outcome,
            hole: verdict.and_then(|v| v.hole.clone()),
            rule: verdict.and_then(|v| v.rule.clone()),
            headline: verdict.and_then(|v| v.headline.clone()),
        }
    });
    let tests: Vec<_> = tests.collect();
    LabGrade {
        id: lab.id.clone(),
        points: tests.iter().map(|t| t.points).sum(),
        of: tests.iter().map(|t| t.of).sum(),
        tests,
    }
}

/// Prints a grade as a table.
pub fn print(course: &Course, grade: &Grade) {
    for graded in &grade.labs {
        let Some(lab) = course.catalogue.lab(&graded.id) else { continue };
        let sum = format!("{} of {}", graded.points, graded.of);
        let title = spread(&format!("lab {}: {}", lab.id, lab.title), &sum);
        anstream::println!("{}", paint(BOLD, &title));
        for step in &lab.steps {
            let tests: Vec<_> = graded.tests.iter().filter(|t| t.step == step.number).collect();
            let points: Points = tests.iter().map(|t| t.points).sum();
            let of: Points = tests.iter().map(|t| t.of).sum();
            let left = format!("  step {}  {}", step.number, step.title);
            anstream::println!("{}", spread(&left, &format!("{points} of {of}")));
            for test in tests {
                let Some(outcome) = test.outcome.filter(|o| *o != Outcome::Passed) else {
                    continue;
                };
                let verdict = ReportLine {
                    hole: test.hole.clone(),
                    headline: test.headline.clone(),
                    rule: test.rule.clone(),
                    ..ReportLine::new(&test.test, outcome)
                };
                anstream::println!("{}", card::line(&verdict));
            }
        }
    }
    if let Some(why) = &grade.blocked {
        anstream::println!("nothing was tested: {why}");
    }
    for lab in course.catalogue.open().filter(|lab| grade.labs.iter().all(|g| g.id != lab.id)) {
        let said = format!("lab {}: {}", lab.id, lab.title);
        anstream::println!(
            "{}",
            paint(GREY, &spread(&said, &format!("not graded, {} more", lab.points)))
        );
    }
    let total = format!("{} of {} points", grade.points, grade.of);
    anstream::println!("{}", paint(BOLD, &total));
}
