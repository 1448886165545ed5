//! Closure: every lab can be written step by step, and its tests look at what they say.
//!
//! ```text
//!   filled up to step s   all tests of steps 1 to s pass          later holes cut, or inert
//!   step s cut            each test of step s is not written yet  in a hole of step s
//!   one hole cut alone    some test of its step meets it
//!
//!   lab 2aa               lab 2ab, being proven                   lab 2ac
//!   the reference         one of the above                        inert
//! ```
//!
//! One woven build holds every one of these cores, of every lab; a number tells which is live. That the cut
//! skeleton compiles on its own is proven beside it, where it is graded.

use crate::copy;
use crate::course::{Body, Course, Sources, beside};
use crate::cutter;
use crate::weave::{Arms, CHANGE};
use runner::catalogue::{Hole, Lab, Step, marker};
use runner::place::suites_target;
use runner::report::{Outcome, ReportLine};
use runner::screen::{Landmark, Ticker};
use runner::suite::{self, BuildFault, Program, Request, ShowProgress, Suite};
use std::collections::BTreeSet;
use std::fmt;
use std::path::Path;

/// One core whose verdicts are known beforehand.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PartialCore<'a> {
    /// Everything up to this step is the reference.
    Filled(&'a Step),
    /// Everything up to this step, but the step itself is cut.
    Cut(&'a Step),
    /// Everything up to this step, but this hole of it is cut.
    Alone(&'a Step, &'a Hole),
}

impl fmt::Display for PartialCore<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PartialCore::Filled(step) => write!(f, "filled up to step {}", step.number),
            PartialCore::Cut(step) => write!(f, "step {} cut", step.number),
            PartialCore::Alone(_, hole) => write!(f, "{} alone", hole.path),
        }
    }
}

impl<'a> PartialCore<'a> {
    /// Returns every case of a lab.
    pub fn all(lab: &'a Lab) -> Vec<Self> {
        let filled = lab.steps.iter().map(PartialCore::Filled);
        let cut = lab.steps.iter().filter(|s| !s.holes.is_empty()).map(PartialCore::Cut);
        let alone =
            lab.steps.iter().flat_map(|s| s.holes.iter().map(move |h| PartialCore::Alone(s, h)));
        filled.chain(cut).chain(alone).collect()
    }

    /// Returns the body in a hole of this lab.
    fn body(&self, step: &Step, hole: &Hole) -> Body {
        let at = match self {
            PartialCore::Filled(at) | PartialCore::Cut(at) | PartialCore::Alone(at, _) => at.number,
        };
        match self {
            _ if step.number > at => Body::Inert,
            PartialCore::Cut(_) if step.number == at => Body::Cut,
            PartialCore::Alone(_, alone) if *alone == hole => Body::Cut,
            PartialCore::Filled(_) | PartialCore::Cut(_) | PartialCore::Alone(..) => {
                Body::Reference
            }
        }
    }

    fn tests(&self, lab: &Lab) -> BTreeSet<String> {
        let steps: Vec<&Step> = match self {
            PartialCore::Filled(at) => lab.steps.iter().filter(|s| s.number <= at.number).collect(),
            PartialCore::Cut(at) | PartialCore::Alone(at, _) => vec![at],
        };
        steps.iter().flat_map(|s| &s.tests).map(|t| t.name.clone()).collect()
    }

    /// Returns what is wrong with the verdicts of this case.
    pub fn faults(&self, verdicts: &[ReportLine]) -> Vec<String> {
        let unwritten = |v: &ReportLine, paths: &[&Hole]| {
            v.outcome == Outcome::NotWritten
                && paths.iter().any(|hole| Some(hole.path.as_str()) == v.hole.as_deref())
        };
        let said = |v: &ReportLine| {
            let more = v.hole.as_ref().or(v.headline.as_ref());
            format!("{self}: {} is {:?}: {}", v.test, v.outcome, more.map_or("", |s| s))
        };
        match self {
            PartialCore::Filled(_) => {
                verdicts.iter().filter(|v| v.outcome != Outcome::Passed).map(said).collect()
            }
            PartialCore::Cut(step) => {
                let holes: Vec<_> = step.holes.iter().collect();
                verdicts.iter().filter(|v| !unwritten(v, &holes)).map(said).collect()
            }
            PartialCore::Alone(step, hole) => {
                if verdicts.iter().any(|v| unwritten(v, &[hole])) {
                    return Vec::new();
                }
                vec![format!("{self}: no test of step {} meets it", step.number)]
            }
        }
    }
}

/// One case of one lab.
type LabCase<'a> = (&'a Lab, PartialCore<'a>);

/// Proves the closure of these labs; returns what is wrong. The labs that one builds upon are the
/// reference, and all others are inert.
///
/// # Errors
/// The proof cannot be run.
pub fn prove(course: &Course, labs: &[&Lab]) -> Result<Vec<String>, String> {
    let cases: Vec<LabCase<'_>> = labs
        .iter()
        .flat_map(|lab| PartialCore::all(lab).into_iter().map(|case| (*lab, case)))
        .collect();
    let suites = built(course, labs, &woven(course, &cases)?)?;
    let mut faults = Vec::new();
    let mut ticker = Ticker::default();
    for (index, (lab, case)) in cases.iter().enumerate() {
        let number = index + 1;
        let said = format!("closure: {number}/{} lab {}, {case}", cases.len(), lab.id);
        ticker.show(&said, if number % 10 == 0 { Landmark::Yes } else { Landmark::No });
        let memory = course.scratch("closure-reports");
        let request = Request {
            tests: case.tests(lab),
            traces: memory.join("traces"),
            report: memory.join(format!("{}-{number}.jsonl", lab.id)),
            env: vec![(CHANGE.to_owned(), number.to_string())],
            progress: ShowProgress::Silent,
            ..Request::default()
        };
        let suite = labs.iter().zip(&suites).find(|(l, _)| l.id == lab.id);
        let (_, suite) =
            suite.ok_or_else(|| format!("the suite of lab {} was not built", lab.id))?;
        let found = suite::run(suite, lab, &request)
            .map_or_else(|why| vec![format!("{case}: {why}")], |verdicts| case.faults(&verdicts));
        faults.extend(found.iter().map(|fault| format!("lab {}, {fault}", lab.id)));
    }
    ticker.clear();
    Ok(faults)
}

/// What a hole can hold besides the reference.
pub(crate) struct HoleBodies {
    /// What waits to be written.
    pub(crate) cut: String,
    /// What does nothing yet.
    pub(crate) inert: String,
}

impl HoleBodies {
    /// Returns what a hole can hold.
    ///
    /// # Errors
    /// It cannot be found.
    pub(crate) fn of(course: &Course, lab: &Lab, step: &Step, hole: &Hole) -> Result<Self, String> {
        let source = course.reference.get(&hole.file);
        let source = source.ok_or_else(|| format!("there is no {}", hole.file))?;
        let range = cutter::body(source, &hole.path).map_err(|e| format!("{}: {e}", hole.file))?;
        let cut = cutter::one_line(source, &range, &marker(lab, step, hole));
        let inert = hole.before.clone().unwrap_or_else(|| cut.clone());
        Ok(HoleBodies { cut, inert })
    }
}

/// Returns one core that holds every case, numbered from 1.
///
/// # Errors
/// A hole cannot be cut.
pub fn woven(course: &Course, cases: &[LabCase<'_>]) -> Result<Sources, String> {
    let mut arms = Arms::default();
    for (of, step, hole) in course.catalogue.holes() {
        let bodies = HoleBodies::of(course, of, step, hole)?;
        for (index, (lab, case)) in cases.iter().enumerate() {
            let body = if of.id == lab.id {
                case.body(step, hole)
            } else {
                beside(&course.catalogue, lab, of)
            };
            let new = match body {
                Body::Reference => continue,
                Body::Cut => bodies.cut.clone(),
                Body::Inert => bodies.inert.clone(),
            };
            arms.add(index + 1, &hole.file, &hole.path, new);
        }
    }
    arms.weave(&course.reference)
}

/// Puts around each numbered change of a lab the inert bodies of everything that the lab does not
/// build upon: in such a core its students work.
///
/// # Errors
/// A hole cannot be found.
pub fn surround(course: &Course, arms: &mut Arms, changes: &[(usize, &Lab)]) -> Result<(), String> {
    for (of, step, hole) in course.catalogue.holes() {
        let bodies = HoleBodies::of(course, of, step, hole)?;
        for (number, lab) in changes {
            if of.id != lab.id && beside(&course.catalogue, lab, of) == Body::Inert {
                arms.surround(*number, &hole.file, &hole.path, bodies.inert.clone());
            }
        }
    }
    Ok(())
}

/// Builds the suites of these labs on a woven core, in the order of the labs.
///
/// # Errors
/// It does not compile, which is a fault of the course, or cargo failed.
pub fn built(course: &Course, labs: &[&Lab], sources: &Sources) -> Result<Vec<Suite>, String> {
    let root = course.scratch("proof");
    copy::write(&root, &copy::plan(course, sources, &root)?)?;
    let suites = labs.iter().map(|lab| {
        let target = lab.suite.as_deref().ok_or_else(|| format!("lab {} has no suite", lab.id))?;
        built_one(course, &root, Program::Suite(target))
    });
    suites.collect()
}

/// Builds one program in the copy at `root`.
///
/// # Errors
/// As [`built`].
pub(crate) fn built_one(
    course: &Course,
    root: &Path,
    wanted: Program<'_>,
) -> Result<Suite, String> {
    let target = suites_target(&course.root);
    suite::build_program(root, &target, wanted).map_err(|fault| match fault {
        BuildFault::Compile { package, rendered } => {
            format!("{rendered}\n{package} does not compile in {}", root.display())
        }
        BuildFault::Cargo { said } => format!("cargo says:\n{said}"),
    })
}
