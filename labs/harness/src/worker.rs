//! The worker: one process, one test.
//!
//! ```text
//!   read the nonce | keep a private output | cap memory | run the test on a small stack
//!                                                 |                |
//!   watchdog: CPU time used up, or none used? ----+-> verdict <----'
//! ```
//!
//! Invariant: exactly one verdict is reported, and the process ends right after it.

use crate::card::Crash;
use crate::failure::Verdict;
use crate::options::Options;
use crate::report::Report;
use crate::test::{Check, Test};
use crate::verdict::About;
use crate::wire::{Speaker, WorkerWord};
use crate::{Memory, current, panics};
use cpu_time::ProcessTime;
use std::fs::File;
use std::io::{self, BufRead, Read};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Duration;

/// The stack of the thread that runs the test: enough for any correct recursion.
const STACK_BYTES: usize = 4 << 20;
/// What a worker may allocate.
pub(crate) const MEMORY_BYTES: usize = 512 << 20;
/// How often the watchdog checks.
const WATCH: Duration = Duration::from_millis(20);
/// How long a test may use almost no CPU time: no lab test sleeps, or reads.
const ASLEEP: Duration = Duration::from_secs(8);
/// What a worker prints if it was started by hand.
pub(crate) const NO_NONCE: &str =
    "--worker is how a suite starts its own workers; to run one test here use --in-process";

/// Runs `test` and never returns.
pub(crate) fn run(test: &Test, about: About, options: &Options, memory: &'static Memory) -> ! {
    let mut nonce = String::new();
    let heard = io::stdin().lock().take(200).read_line(&mut nonce);
    let nonce = nonce.trim_end();
    if heard.is_err() || nonce.len() < 16 {
        eprintln!("{NO_NONCE}");
        std::process::exit(2);
    }
    let Ok(out) = private_stdout() else {
        eprintln!("the worker cannot use its standard output");
        std::process::exit(2);
    };
    // One worker has one reporter, until the process ends.
    let speaker: &'static Speaker = Box::leak(Box::new(Speaker::new(nonce.to_owned(), out)));
    let about: &'static About = Box::leak(Box::new(about));
    if options.tell_all {
        current::tell(speaker);
    }
    install_hook(speaker, about, memory);
    watch_for_orphanhood();
    watch(speaker, about, options.cpu_limit_ms.unwrap_or(test.limit_ms()));
    memory.set_limit(MEMORY_BYTES).expect("little is allocated before the test");

    let (run, seeds) = (test.run, options.seeds);
    let body = move || {
        let result = catch_unwind(AssertUnwindSafe(|| run(&mut Check::new(seeds))));
        // The harness makes the verdict: it needs memory even if the test used it all.
        let _ = memory.set_limit(usize::MAX);
        finish(speaker, || judge(result, about));
    };
    let thread = thread::Builder::new().name(about.test.clone()).stack_size(STACK_BYTES);
    if let Ok(thread) = thread.spawn(body) {
        let _ = thread.join();
    }
    // The thread ends the process; if it could not be started, there is no verdict.
    std::process::exit(2);
}

/// Says how the test ended.
pub(crate) fn judge(result: thread::Result<Verdict>, about: &About) -> Report {
    let first = panics::first();
    match (result, first) {
        (Ok(Ok(())), _) => about.passed(),
        (Ok(Err(_)), Some(panic)) if panic.hole.is_some() => about.panicked(&panic, current::now()),
        (Ok(Err(failure)), _) => about.failed(*failure),
        (Err(_), Some(panic)) => about.panicked(&panic, current::now()),
        (Err(payload), None) => {
            // Unwinding without a panic: `resume_unwind` calls no hook.
            let message = panics::message(&*payload);
            let panic = panics::FirstPanic {
                message,
                at: None,
                yours: None,
                stack: Vec::new(),
                hole: None,
            };
            about.panicked(&panic, current::now())
        }
    }
}

/// Reports the verdict and ends the process. A second caller waits for that end.
fn finish(speaker: &Speaker, verdict: impl FnOnce() -> Report) -> ! {
    static SPEAKING: Mutex<()> = Mutex::new(());
    let _until_the_end = SPEAKING.lock().unwrap_or_else(PoisonError::into_inner);
    speaker.say(&WorkerWord::Verdict(verdict()));
    std::process::exit(0);
}

/// Standard output without a lock: a student's code may hold the lock for ever, or close it.
#[cfg(unix)]
fn private_stdout() -> io::Result<File> {
    use std::os::fd::AsFd;
    Ok(File::from(io::stdout().as_fd().try_clone_to_owned()?))
}

/// Standard output without a lock: a student's code may hold the lock for ever, or close it.
#[cfg(windows)]
fn private_stdout() -> io::Result<File> {
    use std::os::windows::io::AsHandle;
    Ok(File::from(io::stdout().as_handle().try_clone_to_owned()?))
}

/// Records the first panic, and reports it at once: a panic during clean-up aborts the process.
fn install_hook(speaker: &'static Speaker, about: &'static About, memory: &'static Memory) {
    std::panic::set_hook(Box::new(move |info| {
        // Reading debug information takes memory that the test did not ask for.
        let _ = memory.set_limit(usize::MAX);
        if let Some(panic) = panics::note(info) {
            speaker.say(&WorkerWord::Panicked(about.panicked(&panic, current::now())));
        }
        let _ = memory.set_limit(MEMORY_BYTES);
    }));
}

/// Ends the process when the suite is gone: the suite holds the other end of standard input.
fn watch_for_orphanhood() {
    let wait = || {
        let mut nothing = [0];
        while io::stdin().read(&mut nothing).is_ok_and(|bytes| bytes > 0) {}
        std::process::exit(2);
    };
    let _ = thread::Builder::new().name("orphan".into()).stack_size(1 << 17).spawn(wait);
}

/// Ends the test when one thing it does has used up its CPU time, or uses none at all. Only these
/// verdicts are no function of code and seed, so the limits are high.
///
/// How does it tell a test that sleeps from a busy machine? This thread has checked hundreds of times: a
/// machine that runs this thread would also have run the test.
fn watch(speaker: &'static Speaker, about: &'static About, limit_ms: u64) {
    let limit = Duration::from_millis(limit_ms);
    let asleep_looks = (limit.min(ASLEEP).as_millis() / WATCH.as_millis()) as u32;
    let watch = move || {
        let (mut since, mut seen, mut looks) = (ProcessTime::now(), current::turned(), 0_u32);
        let mut awake = ProcessTime::now();
        loop {
            thread::sleep(WATCH);
            let turned = current::turned();
            if turned != seen {
                (since, seen) = (ProcessTime::now(), turned);
                (awake, looks) = (ProcessTime::now(), 0);
            } else if since.elapsed() >= limit {
                finish(speaker, || endless(about, limit));
            }
            looks += 1;
            if looks >= asleep_looks {
                if awake.elapsed() < WATCH * looks / 50 {
                    finish(speaker, || asleep(about, WATCH * looks));
                }
                (awake, looks) = (ProcessTime::now(), 0);
            }
        }
    };
    let _ = thread::Builder::new().name("watchdog".into()).stack_size(1 << 20).spawn(watch);
}

fn asleep(about: &About, looks: Duration) -> Report {
    let now = current::now();
    let crash = Crash {
        headline: format!(
            "BLOCKED: this has waited for {:.1} seconds, and no other thread can end it",
            looks.as_secs_f64()
        ),
        doing: now.doing,
        within: now.within,
        advice: "there is one thread: look for a lock that it takes a second time, or for a wait \
                 that only another call could end"
            .to_owned(),
        seed: now.seed,
        ..Crash::default()
    };
    about.crashed("blocked", crash)
}

/// The rule that a test breaks whose CPU time is used up.
pub(crate) const ENDLESS: &str = "endless_loop";

fn endless(about: &About, limit: Duration) -> Report {
    let now = current::now();
    let crash = Crash {
        headline: format!(
            "A LOOP WITHOUT END: this has computed for {:.1} seconds, over a hundred times \
             what it takes",
            limit.as_secs_f64()
        ),
        doing: now.doing,
        within: now.within,
        advice: "something never returns: look for a loop whose condition no longer changes"
            .to_owned(),
        seed: now.seed,
        ..Crash::default()
    };
    about.crashed(ENDLESS, crash)
}
