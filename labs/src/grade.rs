//! `labs grade`: points from the catalogue, verdicts from the suites, each test all or nothing.
//!
//! ```text
//!   student's raft/src  --.
//!                          > a scratch copy --> suites --> verdicts --> points
//!   all else: the course --'
//! ```
//!
//! Nothing of a student's folder is believed but `raft/src`: not its suites, nor its catalogue, nor
//! its cargo configuration.

use crate::copy;
use crate::course::{Course, Sources, at_start, cut, texts};
use runner::card;
use runner::catalogue::{Lab, Status};
use runner::place::{lines, suites_target};
use runner::points::Points;
use runner::report::{Outcome, Verdict};
use runner::screen::{BOLD, paint, spread};
use runner::suite::{self, BuildFault, Request};
use serde::Serialize;
use std::path::Path;

/// Whose sources are graded.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Whose<'a> {
    /// Our own.
    Reference,
    /// What a student starts with.
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
    /// The rule that broke.
    pub rule: Option<String>,
    /// What the card says.
    pub headline: Option<String>,
}

/// Returns the core to be graded.
///
/// # Errors
/// There is none where it was looked for.
pub fn sources(course: &Course, whose: &Whose<'_>) -> Result<Sources, String> {
    match whose {
        Whose::Reference => Ok(course.reference.clone()),
        Whose::Skeleton => {
            let lab = course.catalogue.labs.iter().find(|lab| lab.status == Status::Open);
            let lab = lab.ok_or("no lab is open")?;
            cut(&course.reference, &course.catalogue, at_start(&course.catalogue, lab))
                .map_err(|found| lines(&found))
        }
        Whose::Student(folder) => {
            if !folder.join("raft/src").is_dir() {
                return Err(format!("{} holds no raft/src to grade", folder.display()));
            }
            texts(folder, "raft/src")
        }
    }
}

/// Grades a core in a scratch copy.
///
/// # Errors
/// The suites cannot be built or run for a reason that is not the student's.
pub fn grade(course: &Course, whose: &Whose<'_>, seeds: Option<u64>) -> Result<Grade, String> {
    let name = match whose {
        Whose::Reference => "grade-reference",
        Whose::Skeleton => "grade-skeleton",
        Whose::Student(_) => "grade",
    };
    let root = course.scratch(name);
    copy::write(&root, &copy::plan(course, &sources(course, whose)?, &root)?)?;
    let mut labs = Vec::new();
    let mut blocked = None;
    for lab in course.catalogue.labs.iter().filter(|lab| lab.status == Status::Open) {
        let Some(target) = &lab.suite else { continue };
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
            Err(BuildFault::Compile { package, rendered }) if package == "raft" => {
                anstream::eprint!("{rendered}");
                blocked = Some(format!("{package} does not compile"));
                Vec::new()
            }
            Err(BuildFault::Compile { package, rendered }) => {
                // The course's own crates compile with the reference: the student's core lacks
                // something they use.
                anstream::eprint!("{rendered}");
                blocked = Some(format!("{package} does not compile against this raft"));
                Vec::new()
            }
            Err(BuildFault::Cargo { said }) => return Err(format!("cargo says:\n{said}")),
        };
        labs.push(lab_grade(lab, &verdicts));
    }
    let points = labs.iter().map(|lab| lab.points).sum();
    let of = labs.iter().map(|lab| lab.of).sum();
    Ok(Grade { points, of, blocked, labs })
}

/// Turns verdicts into points.
pub fn lab_grade(lab: &Lab, verdicts: &[Verdict]) -> LabGrade {
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
                let verdict = Verdict {
                    headline: test.headline.clone(),
                    rule: test.rule.clone(),
                    ..Verdict::new(&test.test, outcome)
                };
                anstream::println!("{}", card::line(&verdict));
            }
        }
    }
    if let Some(why) = &grade.blocked {
        anstream::println!("nothing was tested: {why}");
    }
    let total = format!("{} of {} points", grade.points, grade.of);
    anstream::println!("{}", paint(BOLD, &total));
}
