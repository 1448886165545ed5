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
//! One build holds every change; a process of the suite runs with each. A bug that no test saw run
//! is a fault of its killer, whatever the killer said.

use crate::changes::{Changes, Edit, Excused, Fate};
use crate::closure::built;
use crate::course::Course;
use crate::grade::lab_grade;
use crate::weave::{Arms, CHANGE, REACHED};
use runner::catalogue::{Lab, Status};
use runner::place::lines;
use runner::points::Points;
use runner::report::{Outcome, Verdict};
use runner::screen::{BOLD, GREEN, GREY, Landmark, RED, Ticker, clip, paint};
use runner::suite::{self, Progress, Request, Suite};
use serde::Serialize;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

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
    /// Every test that fails with it.
    pub red: Vec<String>,
    /// Why it is excused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
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

/// One change to run.
struct Job<'a> {
    id: &'a str,
    edits: &'a [Edit],
}

/// What the suite said with one change live.
struct Run {
    verdicts: Vec<Verdict>,
    reached: bool,
}

/// Runs every change of every open lab.
///
/// # Errors
/// The changes have mistakes, or the suite cannot be built or run.
pub fn prove(course: &Course, seeds: Option<u64>) -> Result<Proof, String> {
    let changes = Changes::read(course).map_err(|found| lines(&found))?;
    let mut proof = Proof { killed: 0, of: 0, bugs: vec![], variants: vec![], faults: vec![] };
    for lab in course.catalogue.labs.iter().filter(|lab| lab.status == Status::Open) {
        prove_lab(course, lab, &changes, seeds, &mut proof)?;
    }
    Ok(proof)
}

fn prove_lab(
    course: &Course,
    lab: &Lab,
    changes: &Changes,
    seeds: Option<u64>,
    proof: &mut Proof,
) -> Result<(), String> {
    let bugs: Vec<_> = changes.bugs.iter().filter(|bug| bug.lab == lab.id).collect();
    let variants: Vec<_> = changes.variants.iter().filter(|v| v.lab == lab.id).collect();
    let mut jobs = vec![Job { id: "the reference", edits: &[] }];
    jobs.extend(
        bugs.iter()
            .filter(|bug| matches!(bug.fate, Fate::Killed { .. }))
            .map(|bug| Job { id: &bug.id, edits: &bug.edits }),
    );
    jobs.extend(variants.iter().map(|v| Job { id: &v.id, edits: &v.edits }));
    let mut arms = Arms::default();
    for (number, job) in jobs.iter().enumerate() {
        arms.change(number, &course.reference, job.edits)
            .map_err(|e| format!("{}: {e}", job.id))?;
    }
    let suite = built(course, lab, &arms.weave(&course.reference)?)?;
    let runs = run_all(course, lab, &suite, &jobs, seeds)?;
    let mut runs = jobs.iter().zip(runs);
    let (_, plain) = runs.next().ok_or("the reference was not run")?;
    for v in plain.verdicts.iter().filter(|v| v.outcome != Outcome::Passed) {
        proof.faults.push(format!("the reference fails {}", v.test));
    }
    for bug in bugs {
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
                });
                continue;
            }
            Fate::Killed { killer, symptom } => (killer, symptom),
        };
        let (_, run) = runs.next().ok_or("a bug was not run")?;
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
        let red = run.verdicts.iter().filter(|v| v.outcome != Outcome::Passed);
        proof.bugs.push(BugProof {
            id: bug.id.clone(),
            lab: lab.id.clone(),
            title: bug.title.clone(),
            killer: Some(killer.clone()),
            verdict: if fault.is_none() { BugVerdict::Killed } else { BugVerdict::Survived },
            seeds: verdict.seeds,
            red: red.map(|v| v.test.clone()).collect(),
            reason: None,
        });
        proof.faults.extend(fault.map(|what| format!("{} {what}", bug.id)));
    }
    for variant in variants {
        let (_, run) = runs.next().ok_or("a variant was not run")?;
        let grade = lab_grade(lab, &run.verdicts);
        if !run.reached {
            proof.faults.push(format!("{} is never run by any test", variant.id));
        }
        for v in run.verdicts.iter().filter(|v| v.outcome != Outcome::Passed) {
            let why = v.headline.as_deref().unwrap_or_default();
            proof.faults.push(format!("{} must live, but fails {}: {why}", variant.id, v.test));
        }
        proof.variants.push(VariantProof {
            id: variant.id.clone(),
            title: variant.title.clone(),
            points: grade.points,
            of: grade.of,
        });
    }
    for test in lab.tests() {
        if !proof.bugs.iter().any(|bug| bug.red.contains(&test.name)) {
            proof.faults.push(format!("{} kills no bug", test.name));
        }
    }
    Ok(())
}

/// Runs the whole suite once per change, two at a time.
fn run_all(
    course: &Course,
    lab: &Lab,
    suite: &Suite,
    jobs: &[Job<'_>],
    seeds: Option<u64>,
) -> Result<Vec<Run>, String> {
    let next = AtomicUsize::new(0);
    let done = Mutex::new((Ticker::default(), 0_usize, Vec::new()));
    let work = || {
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            let Some(job) = jobs.get(number) else { return };
            let run = run_one(course, lab, suite, number, seeds);
            let mut done = done.lock().expect("no worker panics while it holds this");
            done.1 += 1;
            let said = format!("bugs of {}: {}/{} {}", lab.id, done.1, jobs.len(), job.id);
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
    let named = |(number, run): (usize, Result<Run, String>)| {
        run.map_err(|e| format!("{}: {e}", jobs[number].id))
    };
    runs.into_iter().map(named).collect()
}

fn run_one(
    course: &Course,
    lab: &Lab,
    suite: &Suite,
    number: usize,
    seeds: Option<u64>,
) -> Result<Run, String> {
    let memory = course.scratch("bugs-reports");
    std::fs::create_dir_all(&memory).map_err(|e| format!("{}: {e}", memory.display()))?;
    let reached = memory.join(format!("reached-{}-{number}", lab.id));
    let _absent = std::fs::remove_file(&reached);
    let request = Request {
        seeds,
        traces: memory.join(format!("traces-{number}")),
        report: memory.join(format!("{}-{number}.jsonl", lab.id)),
        threads: Some(1),
        env: vec![
            (CHANGE.to_owned(), number.to_string()),
            (REACHED.to_owned(), reached.to_string_lossy().into_owned()),
        ],
        progress: Progress::Silent,
        ..Request::default()
    };
    let verdicts = suite::run(suite, lab, &request)?;
    Ok(Run { verdicts, reached: reached.exists() })
}

/// Prints what came out, a line per change.
pub fn print(proof: &Proof) {
    for bug in &proof.bugs {
        let killer = bug.killer.as_deref().or(bug.reason.as_deref()).unwrap_or_default();
        let (style, mark, said) = match bug.verdict {
            BugVerdict::Killed => (GREEN, "+", "killed by "),
            BugVerdict::Survived => (RED, "x", "SURVIVES "),
            BugVerdict::Waits => (GREY, "o", "waits: "),
            BugVerdict::NotABug => (GREY, "o", "no bug: "),
            BugVerdict::Inexpressible => (GREY, "o", "inexpressible: "),
        };
        let line = clip(&format!("  {mark} {:<6} {}", bug.id, bug.title));
        anstream::println!("{}", paint(style, &line));
        anstream::println!("{}", clip(&format!("           {said}{killer}")));
    }
    for variant in &proof.variants {
        let lives = variant.points == variant.of;
        let (style, mark) = if lives { (GREEN, "+") } else { (RED, "x") };
        let sum = format!("{} of {}", variant.points, variant.of);
        let line = format!("  {mark} {:<6} {}", variant.id, variant.title);
        anstream::println!("{}", paint(style, &clip(&line)));
        anstream::println!("           a correct design: {sum} points");
    }
    for fault in &proof.faults {
        anstream::println!("{}", runner::screen::hang(&paint(RED, "x "), fault));
    }
    let lives = proof.variants.iter().filter(|v| v.points == v.of).count();
    let sum = format!(
        "{} of {} bugs killed, {lives} of {} variants live",
        proof.killed,
        proof.of,
        proof.variants.len()
    );
    anstream::println!("{}", paint(BOLD, &sum));
}

/// Prints which test kills which bug: a row per test, a column per bug.
pub fn matrix(course: &Course, proof: &Proof) {
    let run: Vec<_> = proof.bugs.iter().filter(|bug| bug.killer.is_some()).collect();
    let width = runner::screen::WIDTH - 40;
    for bugs in run.chunks(width / 3) {
        for row in 0..6 {
            let letters = bugs.iter().map(|bug| bug.id.chars().nth(row).unwrap_or(' '));
            let letters: String = letters.flat_map(|c| [' ', ' ', c]).collect();
            if !letters.trim().is_empty() {
                anstream::println!("{:40}{letters}", "");
            }
        }
        for test in course.catalogue.labs.iter().flat_map(Lab::tests) {
            let cells = bugs.iter().map(|bug| {
                match (bug.red.contains(&test.name), bug.killer.as_ref() == Some(&test.name)) {
                    (true, true) => "  X",
                    (true, false) => "  x",
                    (false, _) => "  .",
                }
            });
            anstream::println!("{:<40}{}", test.name, cells.collect::<String>());
        }
    }
    anstream::println!("X: the killer   x: fails too   .: passes");
}
