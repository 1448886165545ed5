//! `labs bugs`: proves that the tests are worth something.
//!
//! ```text
//!              aa_quorum_sizes  aa_vote_once  ...
//!   RE14             x                              killed by its killer, with its rule
//!   RE05                             x         x    and by others
//!   V1               .               .         .    a variant: every test passes
//!              ^ every column has an x
//! ```
//!
//! One build holds every change; a process of the suite runs with each. A bug meets its killer, and the
//! tests that are no bug's killer by name; a variant meets them all. A bug that no test saw run is a
//! fault of its killer, whatever the killer said.

use crate::bugs::blame::{BlameResult, edited_holes};
use crate::changes::{Bug, Changes, Edit, Excused, Fate, Variant};
use crate::closure::{built, surround};
use crate::course::Course;
use crate::grade::lab_grade;
use crate::weave::{Arms, CHANGE, REACHED};
use runner::catalogue::Lab;
use runner::place::lines;
use runner::points::Points;
use runner::report::{Outcome, ReportLine};
use runner::screen::{Landmark, Ticker};
use runner::suite::{self, Request, ShowProgress, Suite};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

pub mod blame;
pub mod table;

/// What came out.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Proof {
    /// How many bugs were killed.
    pub killed: usize,
    /// How many were to be killed.
    pub of: usize,
    /// The bugs.
    pub bugs: Vec<BugProof>,
    /// The variants.
    pub variants: Vec<VariantProof>,
    /// Everything that is not as it should be.
    pub faults: Vec<String>,
}

/// What became of one bug.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct BugProof {
    /// Its id.
    pub id: String,
    /// Its lab.
    pub lab: String,
    /// What it gets wrong.
    pub title: String,
    /// The test that has to kill it.
    pub killer: Option<String>,
    /// What came out.
    pub verdict: BugVerdict,
    /// How many seeds its killer ran.
    pub seeds: Option<u64>,
    /// Every test that fails with it, of those it met.
    pub red: Vec<String>,
    /// Why it is excused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Whether its killer's card names the edited function, if its first edit lies in a hole of its lab.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub blame: Option<BlameResult>,
}

/// What came out for a bug.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum BugVerdict {
    /// Its killer failed, with its rule, and had run it.
    Killed,
    /// It did not die as it should.
    Survived,
    /// The lab that will kill it is still to come.
    Waits,
    /// It is a choice that a correct design may make.
    NotABug,
    /// The language does not let anybody write it.
    Inexpressible,
}

/// What became of one variant.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct VariantProof {
    /// Its id.
    pub id: String,
    /// What is different.
    pub title: String,
    /// The points it earned.
    pub points: Points,
    /// What there was to earn.
    pub of: Points,
}

/// Whom a bug meets.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Meets {
    /// Its killer, and the tests of its lab that are no bug's killer by name: every test must kill.
    Killer,
    /// Every test of its lab.
    Everyone,
    /// Its killer alone; no variant is run. This measures what cards name, and proves less.
    OnlyKiller,
}

/// One change to run against one lab.
struct Job<'a> {
    id: &'a str,
    lab: &'a Lab,
    edits: &'a [Edit],
    /// The tests it meets, or all if empty.
    tests: BTreeSet<String>,
    /// After how many tests without an end the others need not run.
    stop_after_loops: Option<u64>,
}

/// What the suite said with one change live.
struct SuiteRun {
    verdicts: Vec<ReportLine>,
    reached: bool,
}

/// What the reference is called among the jobs.
const REFERENCE: &str = "the reference";

/// Runs every bug of these labs against its lab, and every variant against its lab and those that
/// build upon it: who chose it there must be able to go on. Labs that one does not build upon are
/// inert, as they are for its students.
///
/// # Errors
/// The changes have mistakes, or a suite cannot be built or run.
pub fn prove(
    course: &Course,
    labs: &[&Lab],
    meets: Meets,
    seeds: Option<u64>,
) -> Result<Proof, String> {
    let changes = Changes::read(course).map_err(|found| lines(&found))?;
    let jobs = jobs(course, labs, meets, &changes);
    let mut arms = Arms::default();
    for (index, job) in jobs.iter().enumerate() {
        arms.change(index + 1, &course.reference, job.edits)
            .map_err(|e| format!("{}: {e}", job.id))?;
    }
    let numbered: Vec<_> = jobs.iter().enumerate().map(|(n, job)| (n + 1, job.lab)).collect();
    surround(course, &mut arms, &numbered)?;
    let suites = built(course, labs, &arms.weave(&course.reference)?)?;
    let suites: BTreeMap<_, _> = labs.iter().map(|lab| lab.id.as_str()).zip(suites).collect();
    let runs = run_all(course, &suites, &jobs, seeds)?;
    let runs: Runs =
        jobs.iter().map(|job| (job.lab.id.clone(), job.id.to_owned())).zip(runs).collect();
    let mut proof = Proof { killed: 0, of: 0, bugs: vec![], variants: vec![], faults: vec![] };
    for lab in labs {
        for v in wrong(of(&runs, lab, REFERENCE)?) {
            proof.faults.push(format!("the reference fails {}", v.test));
        }
        for bug in changes.bugs.iter().filter(|bug| bug.lab == lab.id) {
            judge_bug(lab, bug, &runs, &mut proof)?;
        }
    }
    if meets == Meets::OnlyKiller {
        return Ok(proof);
    }
    for variant in &changes.variants {
        judge_variant(course, labs, variant, &runs, &mut proof)?;
    }
    for test in labs.iter().flat_map(|lab| lab.tests()) {
        if !proof.bugs.iter().any(|bug| bug.red.contains(&test.name)) {
            proof.faults.push(format!("{} kills no bug", test.name));
        }
    }
    Ok(proof)
}

/// A body for a function of a lab, and the tests that may notice it.
#[derive(Clone, Copy)]
pub struct Try<'a> {
    /// The source file.
    pub file: &'a str,
    /// The function.
    pub function: &'a str,
    /// Its body, braces included.
    pub body: &'a str,
    /// The tests.
    pub tests: &'a BTreeSet<String>,
}

/// Runs tests of a lab with each of these bodies. Returns for each whether a test failed that had run it.
///
/// # Errors
/// A body does not compile, or the suite cannot be run.
pub fn tried(course: &Course, lab: &Lab, tries: &[Try<'_>]) -> Result<Vec<bool>, String> {
    let mut arms = Arms::default();
    let mut numbered = Vec::new();
    for (number, attempt) in (1..).zip(tries) {
        arms.add(number, attempt.file, attempt.function, attempt.body.to_owned());
        numbered.push((number, lab));
    }
    surround(course, &mut arms, &numbered)?;
    let suites = built(course, &[lab], &arms.weave(&course.reference)?)?;
    let suites = std::iter::once(lab.id.as_str()).zip(suites).collect();
    let ids: Vec<String> = (1..=tries.len()).map(|number| format!("mistake {number}")).collect();
    let jobs: Vec<Job<'_>> = ids
        .iter()
        .zip(tries)
        .map(|(id, attempt)| {
            let tests = attempt.tests.clone();
            Job { id, lab, edits: &[], tests, stop_after_loops: Some(1) }
        })
        .collect();
    let runs = run_all(course, &suites, &jobs, None)?;
    Ok(runs.iter().map(|run| run.reached && wrong(run).next().is_some()).collect())
}

fn jobs<'a>(course: &Course, labs: &[&'a Lab], meets: Meets, changes: &'a Changes) -> Vec<Job<'a>> {
    let mut jobs = Vec::new();
    for lab in labs.iter().copied() {
        let all = BTreeSet::new;
        jobs.push(Job { id: REFERENCE, lab, edits: &[], tests: all(), stop_after_loops: None });
        let bugs = changes.bugs.iter().filter(|bug| bug.lab == lab.id);
        let killed: Vec<_> = bugs.filter_map(|bug| Some((bug, bug.fate.killer()?))).collect();
        let is_killer = |test: &str| killed.iter().any(|(_, killer)| *killer == test);
        let others = lab.tests().map(|test| &test.name).filter(|test| !is_killer(test));
        let others: BTreeSet<_> = others.cloned().collect();
        jobs.extend(killed.iter().map(|(bug, killer)| {
            let tests = match meets {
                Meets::Killer => others.iter().cloned().chain([(*killer).to_owned()]).collect(),
                Meets::Everyone => all(),
                Meets::OnlyKiller => BTreeSet::from([(*killer).to_owned()]),
            };
            Job { id: &bug.id, lab, edits: &bug.edits, tests, stop_after_loops: None }
        }));
        if meets == Meets::OnlyKiller {
            continue;
        }
        let variants = changes.variants.iter().filter(|v| concerns(course, v, lab));
        jobs.extend(variants.map(|v| Job {
            id: &v.id,
            lab,
            edits: &v.edits,
            tests: all(),
            stop_after_loops: None,
        }));
    }
    jobs
}

/// Returns whether a lab's students may have chosen this variant.
pub(crate) fn concerns(course: &Course, variant: &Variant, lab: &Lab) -> bool {
    variant.lab == lab.id || course.catalogue.builds_on(lab, &variant.lab)
}

/// What was said, by lab and change.
type Runs = BTreeMap<(String, String), SuiteRun>;

fn of<'a>(runs: &'a Runs, lab: &Lab, id: &str) -> Result<&'a SuiteRun, String> {
    runs.get(&(lab.id.clone(), id.to_owned()))
        .ok_or_else(|| format!("lab {}: {id} was not run", lab.id))
}

fn wrong(run: &SuiteRun) -> impl Iterator<Item = &ReportLine> {
    run.verdicts.iter().filter(|v| v.outcome != Outcome::Passed)
}

fn judge_bug(lab: &Lab, bug: &Bug, runs: &Runs, proof: &mut Proof) -> Result<(), String> {
    let (killer, symptom) = match &bug.fate {
        Fate::Excused { verdict, reason } => {
            proof.bugs.push(BugProof {
                id: bug.id.clone(),
                lab: lab.id.clone(),
                title: bug.title.clone(),
                killer: None,
                verdict: match verdict {
                    Excused::NotABug => BugVerdict::NotABug,
                    Excused::Inexpressible => BugVerdict::Inexpressible,
                    Excused::Waits => BugVerdict::Waits,
                },
                seeds: None,
                red: vec![],
                reason: Some(reason.clone()),
                blame: None,
            });
            return Ok(());
        }
        Fate::Killed { killer, symptom } => (killer, symptom),
    };
    let run = of(runs, lab, &bug.id)?;
    let verdict = run.verdicts.iter().find(|v| v.test == *killer);
    let verdict = verdict.ok_or_else(|| format!("{killer} was not run"))?;
    let fault = match (verdict.outcome, &verdict.rule) {
        _ if !run.reached => Some("is never run by any test".to_owned()),
        (Outcome::Passed, _) => Some(format!("survives its killer {killer}")),
        (_, rule) if rule.as_ref() != Some(symptom) => Some(format!(
            "is killed by {killer} with rule {}, expected {symptom}",
            rule.as_deref().unwrap_or("none")
        )),
        (Outcome::Failed | Outcome::Crashed | Outcome::NotWritten, _) => None,
    };
    proof.of += 1;
    proof.killed += usize::from(fault.is_none());
    proof.bugs.push(BugProof {
        id: bug.id.clone(),
        lab: lab.id.clone(),
        title: bug.title.clone(),
        killer: Some(killer.clone()),
        verdict: if fault.is_none() { BugVerdict::Killed } else { BugVerdict::Survived },
        seeds: verdict.seeds,
        red: wrong(run).map(|v| v.test.clone()).collect(),
        reason: None,
        blame: edited_holes(lab, bug).map(|edited| {
            let step = lab.test(killer).map_or(0, |(step, _)| step.number);
            BlameResult::of(edited, &verdict.named).at_step(lab, step)
        }),
    });
    proof.faults.extend(fault.map(|what| format!("{} {what}", bug.id)));
    Ok(())
}

fn judge_variant(
    course: &Course,
    labs: &[&Lab],
    variant: &Variant,
    runs: &Runs,
    proof: &mut Proof,
) -> Result<(), String> {
    let mut grades = Vec::new();
    for lab in labs.iter().filter(|lab| concerns(course, variant, lab)) {
        let run = of(runs, lab, &variant.id)?;
        if !run.reached && lab.id == variant.lab {
            proof.faults.push(format!("{} is never run by any test", variant.id));
        }
        for v in wrong(run) {
            let why = v.headline.as_deref().unwrap_or_default();
            proof.faults.push(format!("{} must live, but fails {}: {why}", variant.id, v.test));
        }
        grades.push(lab_grade(lab, &run.verdicts));
    }
    if !grades.is_empty() {
        proof.variants.push(VariantProof {
            id: variant.id.clone(),
            title: variant.title.clone(),
            points: grades.iter().map(|grade| grade.points).sum(),
            of: grades.iter().map(|grade| grade.of).sum(),
        });
    }
    Ok(())
}

/// Runs the suite once per change, two at a time.
fn run_all(
    course: &Course,
    suites: &BTreeMap<&str, Suite>,
    jobs: &[Job<'_>],
    seeds: Option<u64>,
) -> Result<Vec<SuiteRun>, String> {
    let next = AtomicUsize::new(0);
    let done = Mutex::new((Ticker::default(), 0_usize, Vec::new()));
    let work = || {
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            let Some(job) = jobs.get(number) else { return };
            let run = match suites.get(job.lab.id.as_str()) {
                Some(suite) => run_one(course, job, suite, number + 1, seeds),
                None => Err(format!("the suite of lab {} was not built", job.lab.id)),
            };
            let mut done = done.lock().expect("no worker panics while it holds this");
            done.1 += 1;
            let said = format!("lab {}: {}/{} {}", job.lab.id, done.1, jobs.len(), job.id);
            let landmark = if done.1 % 10 == 0 { Landmark::Yes } else { Landmark::No };
            done.0.show(&said, landmark);
            done.2.push((number, run));
        }
    };
    std::thread::scope(|scope| {
        scope.spawn(work);
        scope.spawn(work);
    });
    let (mut ticker, _, mut runs) = done.into_inner().expect("every worker is done");
    ticker.clear();
    runs.sort_by_key(|(number, _)| *number);
    let named = |(number, run): (usize, Result<SuiteRun, String>)| {
        run.map_err(|e| format!("{}: {e}", jobs[number].id))
    };
    runs.into_iter().map(named).collect()
}

fn run_one(
    course: &Course,
    job: &Job<'_>,
    suite: &Suite,
    number: usize,
    seeds: Option<u64>,
) -> Result<SuiteRun, String> {
    let lab = job.lab;
    let memory = course.scratch("bugs-reports");
    std::fs::create_dir_all(&memory).map_err(|e| format!("{}: {e}", memory.display()))?;
    let reached = memory.join(format!("reached-{}-{number}", lab.id));
    let _absent = std::fs::remove_file(&reached);
    let request = Request {
        tests: job.tests.clone(),
        seeds,
        traces: memory.join(format!("traces-{number}")),
        report: memory.join(format!("{}-{number}.jsonl", lab.id)),
        threads: Some(1),
        stop_after_loops: job.stop_after_loops,
        env: vec![
            (CHANGE.to_owned(), number.to_string()),
            (REACHED.to_owned(), reached.to_string_lossy().into_owned()),
        ],
        progress: ShowProgress::Silent,
        ..Request::default()
    };
    let verdicts = suite::run(suite, lab, &request)?;
    Ok(SuiteRun { verdicts, reached: reached.exists() })
}
