//! Closure: every lab can be written step by step, and its tests look at what they say.
//!
//! ```text
//!   filled up to step s   all tests of steps 1 to s pass          later holes cut, or inert
//!   step s cut            each test of step s is not written yet  in a hole of step s
//!   one hole cut alone    some test of its step meets it
//! ```
//!
//! One woven build holds every one of these cores; a number tells which is live. That the cut
//! skeleton compiles on its own is proven beside it, where it is graded.

use crate::copy;
use crate::course::{Body, Course, Sources};
use crate::cutter;
use crate::weave::{Arms, CHANGE};
use runner::catalogue::{Hole, Lab, Status, Step, marker};
use runner::place::suites_target;
use runner::report::{Outcome, Verdict};
use runner::screen::{Landmark, Ticker};
use runner::suite::{self, BuildFault, Progress, Request, Suite};
use std::collections::BTreeSet;
use std::fmt;

/// One core whose verdicts are known beforehand.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Case<'a> {
    /// Everything up to this step is the reference.
    Filled(&'a Step),
    /// Everything up to this step, but the step itself is cut.
    Cut(&'a Step),
    /// Everything up to this step, but this hole of it is cut.
    Alone(&'a Step, &'a Hole),
}

impl fmt::Display for Case<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Case::Filled(step) => write!(f, "filled up to step {}", step.number),
            Case::Cut(step) => write!(f, "step {} cut", step.number),
            Case::Alone(_, hole) => write!(f, "{} alone", hole.path),
        }
    }
}

impl<'a> Case<'a> {
    /// Returns every case of a lab.
    pub fn all(lab: &'a Lab) -> Vec<Self> {
        let filled = lab.steps.iter().map(Case::Filled);
        let cut = lab.steps.iter().filter(|s| !s.holes.is_empty()).map(Case::Cut);
        let alone = lab.steps.iter().flat_map(|s| s.holes.iter().map(move |h| Case::Alone(s, h)));
        filled.chain(cut).chain(alone).collect()
    }

    /// Returns what stands in a hole of this lab.
    fn body(&self, step: &Step, hole: &Hole) -> Body {
        let at = match self {
            Case::Filled(at) | Case::Cut(at) | Case::Alone(at, _) => at.number,
        };
        match self {
            _ if step.number > at => Body::Inert,
            Case::Cut(_) if step.number == at => Body::Cut,
            Case::Alone(_, alone) if *alone == hole => Body::Cut,
            Case::Filled(_) | Case::Cut(_) | Case::Alone(..) => Body::Reference,
        }
    }

    fn tests(&self, lab: &Lab) -> BTreeSet<String> {
        let steps: Vec<&Step> = match self {
            Case::Filled(at) => lab.steps.iter().filter(|s| s.number <= at.number).collect(),
            Case::Cut(at) | Case::Alone(at, _) => vec![at],
        };
        steps.iter().flat_map(|s| &s.tests).map(|t| t.name.clone()).collect()
    }

    /// Returns what is wrong with the verdicts of this case.
    pub fn faults(&self, verdicts: &[Verdict]) -> Vec<String> {
        let unwritten = |v: &Verdict, paths: &[&Hole]| {
            v.outcome == Outcome::NotWritten
                && paths.iter().any(|hole| Some(hole.path.as_str()) == v.hole.as_deref())
        };
        let said = |v: &Verdict| {
            let more = v.hole.as_ref().or(v.headline.as_ref());
            format!("{self}: {} is {:?}: {}", v.test, v.outcome, more.map_or("", |s| s))
        };
        match self {
            Case::Filled(_) => {
                verdicts.iter().filter(|v| v.outcome != Outcome::Passed).map(said).collect()
            }
            Case::Cut(step) => {
                let holes: Vec<_> = step.holes.iter().collect();
                verdicts.iter().filter(|v| !unwritten(v, &holes)).map(said).collect()
            }
            Case::Alone(step, hole) => {
                if verdicts.iter().any(|v| unwritten(v, &[hole])) {
                    return Vec::new();
                }
                vec![format!("{self}: no test of step {} meets it", step.number)]
            }
        }
    }
}

/// Proves the closure of every open lab; returns what is wrong.
///
/// # Errors
/// The proof cannot be run.
pub fn prove(course: &Course) -> Result<Vec<String>, String> {
    let mut faults = Vec::new();
    for lab in course.catalogue.labs.iter().filter(|lab| lab.status == Status::Open) {
        let cases = Case::all(lab);
        let suite = built(course, lab, &woven(course, lab, &cases)?)?;
        let mut ticker = Ticker::default();
        for (number, case) in cases.iter().enumerate() {
            let said = format!("closure of {}: {}/{} {case}", lab.id, number + 1, cases.len());
            ticker.show(&said, Landmark::No);
            let memory = course.scratch("closure-reports");
            let request = Request {
                tests: case.tests(lab),
                traces: memory.join("traces"),
                report: memory.join(format!("{}-{}.jsonl", lab.id, number + 1)),
                env: vec![(CHANGE.to_owned(), (number + 1).to_string())],
                progress: Progress::Silent,
                ..Request::default()
            };
            match suite::run(&suite, lab, &request) {
                Ok(verdicts) => faults.extend(case.faults(&verdicts)),
                Err(why) => faults.push(format!("{case}: {why}")),
            }
        }
        ticker.clear();
    }
    Ok(faults)
}

/// Returns one core that holds every case.
///
/// # Errors
/// A hole cannot be cut.
pub fn woven(course: &Course, lab: &Lab, cases: &[Case<'_>]) -> Result<Sources, String> {
    let mut arms = Arms::default();
    for (number, case) in cases.iter().enumerate() {
        for (of, step, hole) in course.catalogue.holes() {
            let body = if of.id == lab.id {
                case.body(step, hole)
            } else if lab.depends.contains(&of.id) {
                Body::Reference
            } else {
                Body::Inert
            };
            let source = course.reference.get(&hole.file);
            let source = source.ok_or_else(|| format!("there is no {}", hole.file))?;
            let range = cutter::body(source, &hole.path)?;
            let cut = || cutter::one_line(source, &range, &marker(of, step, hole));
            let new = match body {
                Body::Reference => continue,
                Body::Cut => cut(),
                Body::Inert => hole.before.clone().unwrap_or_else(cut),
            };
            arms.add(number + 1, &hole.file, &hole.path, new);
        }
    }
    arms.weave(&course.reference)
}

/// Builds a woven core's suite.
///
/// # Errors
/// It does not compile, which is a fault of the course, or cargo failed.
pub fn built(course: &Course, lab: &Lab, sources: &Sources) -> Result<Suite, String> {
    let root = course.scratch("proof");
    copy::write(&root, &copy::plan(course, sources, &root)?)?;
    let target = lab.suite.as_deref().ok_or_else(|| format!("lab {} has no suite", lab.id))?;
    suite::build(&root, &suites_target(&course.root), target).map_err(|fault| match fault {
        BuildFault::Compile { package, rendered } => {
            format!("{rendered}\n{package} does not compile in {}", root.display())
        }
        BuildFault::Cargo { said } => format!("cargo says:\n{said}"),
    })
}
