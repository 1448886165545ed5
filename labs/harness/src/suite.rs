//! A suite: a list of tests, run the way `cargo test`, nextest and editors expect.

use crate::options::{HELP, Mode, Options};
use crate::report::{Outcome, Report, ReportFile};
use crate::test::{Check, Test};
use crate::told::Wish;
use crate::verdict::About;
use crate::wire::Printed;
use crate::worker::ENDLESS;
use crate::{Memory, current, panics, supervisor, told, worker};
use libtest_mimic::{Arguments, Failed, Trial};
use std::collections::BTreeSet;
use std::ffi::OsString;
use std::io::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// What a wrong command line returns, as clap does.
const USAGE: u8 = 2;

/// Runs the tests of a lab as the command line asks: the whole `main` of a suite.
///
/// `memory` is the binary's global allocator; only workers cap it.
pub fn main(lab: &'static str, tests: &'static [Test], memory: &'static Memory) -> ExitCode {
    let mut args = std::env::args_os();
    let program = args.next().unwrap_or_else(|| "suite".into());
    match run(lab, tests, memory, program, args.collect()) {
        Ok(code) => code,
        Err(sentence) => {
            eprintln!("error: {sentence}");
            ExitCode::from(USAGE)
        }
    }
}

fn run(
    lab: &'static str,
    tests: &'static [Test],
    memory: &'static Memory,
    program: OsString,
    args: Vec<OsString>,
) -> Result<ExitCode, String> {
    let names: BTreeSet<&str> = tests.iter().map(|test| test.name).collect();
    assert_eq!(names.len(), tests.len(), "two tests of lab {lab} share a name");
    if args.iter().any(|arg| arg == "--help" || arg == "-h") {
        println!("{HELP}");
    }
    let (options, rest) = Options::take(args)?;
    let traces = options.traces.clone().unwrap_or_else(default_traces);
    let about = |test: &Test| About {
        lab: lab.to_owned(),
        test: test.name.to_owned(),
        step: test.step,
        seeds: options.seeds.len(),
        traces: traces.clone(),
    };
    if let Mode::Worker { test: name } = &options.mode {
        let test = tests.iter().find(|test| test.name == name);
        let test = test.ok_or_else(|| format!("--worker {name}: lab {lab} has no such test"))?;
        worker::run(test, about(test), &options, memory);
    }
    if let Mode::Story(wish) = &options.mode {
        let test = tests.iter().find(|test| test.name == wish.test);
        let test =
            test.ok_or_else(|| format!("--story {}: lab {lab} has no such test", wish.test))?;
        return story(test, wish, &about(test), &options);
    }
    if let Some(unknown) = options.only.iter().find(|name| !names.contains(name.as_str())) {
        return Err(format!("--only {unknown}: lab {lab} has no such test"));
    }
    let mut arguments = Arguments::from_iter(std::iter::once(program).chain(rest));
    if options.mode == Mode::InProcess {
        arguments.test_threads = Some(1);
    }
    let report_path = options.report.as_deref().filter(|_| !arguments.list);
    let report = Arc::new(ReportFile::create(report_path)?);
    let loops = Arc::new(AtomicU64::new(0));
    let chosen =
        |test: &&Test| options.only.is_empty() || options.only.iter().any(|name| name == test.name);
    let show_prints = arguments.nocapture;
    let trials = tests.iter().filter(chosen).map(|test| {
        let (about, options, report) = (about(test), options.clone(), Arc::clone(&report));
        let loops = Arc::clone(&loops);
        Trial::test(test.name, move || {
            if options.stop_after_loops.is_some_and(|max| loops.load(Ordering::SeqCst) >= max) {
                return Err(Failed::from("not run: too many tests did not end"));
            }
            let (line, printed) = match options.mode {
                Mode::InProcess => (in_process(test, &about, &options), Printed::default()),
                Mode::Workers | Mode::Worker { .. } | Mode::Story(_) => {
                    supervisor::run(test, &about, &options)
                }
            };
            report.write(&line)?;
            if line.rule.as_deref() == Some(ENDLESS) {
                loops.fetch_add(1, Ordering::SeqCst);
            }
            if show_prints && line.outcome == Outcome::Passed {
                show(test.name, &printed);
            }
            verdict(&line)
        })
    });
    Ok(libtest_mimic::run(&arguments, trials.collect()).exit_code())
}

/// Returns a report line as libtest-mimic expects it.
fn verdict(line: &Report) -> Result<(), Failed> {
    match line.outcome {
        Outcome::Passed => Ok(()),
        Outcome::Failed | Outcome::NotWritten | Outcome::Crashed => {
            let trace = line.trace.iter().map(|path| format!("\n  trace   {path}"));
            Err(Failed::from(format!("{}{}", line.card, trace.collect::<String>())))
        }
    }
}

/// Shows what a passed test printed: only if the suite was asked not to capture.
fn show(test: &str, printed: &Printed) {
    if printed.lines() > 0 {
        let lines: String = printed.last().map(|line| format!("  {line}\n")).collect();
        println!("{test} printed {} lines:\n{lines}", printed.lines());
    }
}

/// Runs a test here, so that a debugger sees it. If it ends its process, it ends the suite.
fn in_process(test: &Test, about: &About, options: &Options) -> Report {
    panics::forget();
    current::begin();
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        panics::note(info);
        eprintln!("{info}");
    }));
    let (run, seeds) = (test.run, options.seeds);
    let result = catch_unwind(AssertUnwindSafe(|| run(&mut Check::new(seeds))));
    std::panic::set_hook(usual);
    worker::judge(result, about)
}

/// Runs a test here and shows its stories; then its card, if it fails.
fn story(test: &Test, wish: &Wish, about: &About, options: &Options) -> Result<ExitCode, String> {
    told::listen();
    let line = in_process(test, about, options);
    let stories = told::read_out(wish, &about.traces);
    if let Ok(stories) = &stories {
        // A reader that needs only the beginning closes the pipe: that is no failure.
        let _ = std::io::stdout().write_all(stories.as_bytes());
    }
    match (line.outcome, stories) {
        (Outcome::Passed, stories) => stories.map(|_| ExitCode::SUCCESS),
        (Outcome::Failed | Outcome::NotWritten | Outcome::Crashed, stories) => {
            println!("{}", line.card);
            match wish.row {
                // A row that was not reached has no story: say so after the card.
                Some(_) => stories.map(|_| ExitCode::FAILURE),
                None => Ok(ExitCode::FAILURE),
            }
        }
    }
}

/// The folder `traces` of the target folder of this binary.
fn default_traces() -> PathBuf {
    let exe = std::env::current_exe().ok();
    let deps = exe.as_deref().and_then(|exe| exe.ancestors().find(|dir| dir.ends_with("deps")));
    let target = deps.and_then(|deps| deps.parent()?.parent());
    target.map_or_else(std::env::temp_dir, PathBuf::from).join("traces")
}
