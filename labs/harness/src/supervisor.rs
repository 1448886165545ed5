//! The suite's side of a worker: start it, read what it reports, and judge an end without a verdict.
//!
//! ```text
//!   a verdict                   -> that is the verdict
//!   a first panic, then nothing -> that panic
//!   nothing                     -> how did it end? stack, memory, exit, abort, no end
//! ```
//!
//! Exit codes prove nothing: a student's code may exit with any. They only help to explain a missing
//! verdict.

use crate::card::{self, Crash};
use crate::current::Now;
use crate::options::Options;
use crate::report::Report;
use crate::test::Test;
use crate::verdict::About;
use crate::wire::{Listener, Printed, WorkerWord, nonce};
use std::io::{self, Read, Write};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// How long a worker may run at most: long, and only for workers that block.
const WALL: Duration = Duration::from_secs(600);
/// How long a worker may take to end after its verdict, and its pipes to close.
const GRACE: Duration = Duration::from_secs(2);

/// What comes from the threads that read a worker's pipes.
enum Heard {
    Word(Box<WorkerWord>),
    Closed,
}

/// How a worker's run went.
struct WorkerRun {
    verdict: Option<Report>,
    panicked: Option<Report>,
    now: Now,
    end: End,
    out: Printed,
    err: Printed,
}

enum End {
    Left(ExitStatus),
    Blocked(Duration),
    NotStarted(io::Error),
}

/// Runs a test in a worker; returns its report, with what was printed under its card, and the
/// prints.
pub(crate) fn run(test: &Test, about: &About, options: &Options) -> (Report, Printed) {
    let wall = wall(test, options);
    let mut first = supervise(about, options, wall);
    let mut report = match (first.verdict.take(), first.panicked.take()) {
        (Some(verdict), _) => verdict,
        (None, Some(panicked)) => panicked,
        (None, None) => {
            // Nothing is known of its last step. Tests are functions of code and seed: the same happens
            // again, and this time every step is reported before it is taken.
            if let End::Left(_) = first.end {
                let again = Options { tell_all: true, ..options.clone() };
                let second = supervise(about, &again, wall);
                if second.verdict.is_none() {
                    first.now = second.now;
                }
            }
            silence(&first, about)
        }
    };
    let printed = first.out.and(first.err).without(is_last_cry);
    if !report.card.is_empty() {
        report.card = card::with_printed(&report.card, &printed);
    }
    (report, printed)
}

fn wall(test: &Test, options: &Options) -> Duration {
    let cpu = Duration::from_millis(test.total_ms(options.seeds));
    let wall = WALL.max(cpu.saturating_mul(4));
    options.wall_limit_ms.map_or(wall, Duration::from_millis)
}

/// Runs one worker to its end.
fn supervise(about: &About, options: &Options, wall: Duration) -> WorkerRun {
    let mut run = WorkerRun {
        verdict: None,
        panicked: None,
        now: Now::new(None),
        end: End::Blocked(wall),
        out: Printed::default(),
        err: Printed::default(),
    };
    let nonce = nonce();
    let mut child = match start(about, options, &nonce) {
        Ok(child) => child,
        Err(why) => {
            run.end = End::NotStarted(why);
            return run;
        }
    };
    let (sender, receiver) = channel();
    let out = listen(child.stdout.take(), Some(&nonce), sender.clone());
    let err = listen(child.stderr.take(), None, sender);
    let mut open = 2;
    let deadline = Instant::now() + wall;
    hear(&receiver, &mut run, &mut open, deadline, |run, open| run.verdict.is_none() && open > 0);
    // A verdict, or no process that could report one, or too late. A worker ends right after its verdict.
    let blocked = run.verdict.is_none() && open > 0;
    let left = if blocked { None } else { wait(&mut child, GRACE) };
    if left.is_none() {
        let _ = child.kill();
    }
    let left = left.or_else(|| child.wait().ok());
    if let (false, Some(status)) = (blocked, left) {
        run.end = End::Left(status);
    }
    // Do not wait for pipes that a grandchild still holds open.
    let deadline = Instant::now() + GRACE;
    hear(&receiver, &mut run, &mut open, deadline, |_, open| open > 0);
    run.out = printed(&out);
    run.err = printed(&err);
    run
}

fn start(about: &About, options: &Options, nonce: &str) -> io::Result<Child> {
    let mut command = Command::new(std::env::current_exe()?);
    // Backtraces would push the student's prints off the card; the panic hook makes its own.
    command.args(options.to_worker(&about.test)).env("RUST_BACKTRACE", "0");
    let pipes = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = pipes.spawn()?;
    // The pipe stays open in `child`: the worker ends when the pipe closes, that is, when this process
    // ends. A worker that dies before it reads has no verdict.
    if let Some(stdin) = child.stdin.as_mut() {
        let _ = writeln!(stdin, "{nonce}");
    }
    Ok(child)
}

/// Reads reports until `more` is false or the deadline has come.
fn hear(
    receiver: &Receiver<Heard>,
    run: &mut WorkerRun,
    open: &mut u32,
    deadline: Instant,
    more: impl Fn(&WorkerRun, u32) -> bool,
) {
    while more(run, *open) {
        match receiver.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            Ok(Heard::Word(word)) => match *word {
                WorkerWord::Verdict(report) => run.verdict = Some(report),
                WorkerWord::Panicked(report) => run.panicked = Some(report),
                WorkerWord::Doing { what, within, seed } => {
                    let doing = Some(what).filter(|what| !what.is_empty());
                    run.now = Now { doing, within, seed };
                }
            },
            Ok(Heard::Closed) => *open -= 1,
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => return,
        }
    }
}

/// Reads a pipe to its end on a thread of its own, so that no worker ever waits for us.
fn listen(
    pipe: Option<impl Read + Send + 'static>,
    nonce: Option<&str>,
    to: Sender<Heard>,
) -> Arc<Mutex<Listener>> {
    let ours = Arc::new(Mutex::new(Listener::new(nonce)));
    let listener = Arc::clone(&ours);
    let read = move || {
        let mut bytes = [0; 8192];
        if let Some(mut pipe) = pipe {
            loop {
                match pipe.read(&mut bytes) {
                    Ok(0) => break,
                    Ok(count) => {
                        let words = lock(&listener).hear(&bytes[..count]);
                        for word in words {
                            let _ = to.send(Heard::Word(Box::new(word)));
                        }
                    }
                    Err(why) if why.kind() == io::ErrorKind::Interrupted => {}
                    Err(_) => break,
                }
            }
        }
        let _ = to.send(Heard::Closed);
    };
    // Not scoped: a grandchild may hold the pipe open longer than this process reads.
    let _ = thread::Builder::new().name("listener".into()).spawn(read);
    ours
}

fn lock(listener: &Mutex<Listener>) -> MutexGuard<'_, Listener> {
    listener.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Takes what was printed so far.
fn printed(listener: &Mutex<Listener>) -> Printed {
    std::mem::replace(&mut *lock(listener), Listener::new(None)).finish()
}

fn wait(child: &mut Child, timeout: Duration) -> Option<ExitStatus> {
    let deadline = Instant::now() + timeout;
    loop {
        match child.try_wait() {
            Ok(Some(status)) => return Some(status),
            Ok(None) if Instant::now() < deadline => thread::sleep(Duration::from_millis(2)),
            Ok(None) | Err(_) => return None,
        }
    }
}

/// What a process prints when its stack or memory is used up: the card says it better.
const LAST_CRIES: [&str; 3] =
    ["has overflowed its stack", "fatal runtime error: stack overflow", "memory allocation of"];

fn is_last_cry(line: &str) -> bool {
    LAST_CRIES.iter().any(|cry| line.contains(cry))
}

/// Judges a worker that ended without a verdict.
fn silence(run: &WorkerRun, about: &About) -> Report {
    let said = |what: &str| run.err.last().rev().find(|line| line.contains(what));
    let (rule, headline, advice) = match &run.end {
        End::NotStarted(why) => (
            "not_started",
            format!("THE TEST COULD NOT BE STARTED: {why}"),
            "this is no fault of your code: the suite runs each test in a process of its own",
        ),
        End::Blocked(wall) => (
            "blocked",
            format!("BLOCKED: no end after {:.1} seconds", wall.as_secs_f64()),
            "the code waits for an event that never comes: Raft's core never sleeps, locks or reads",
        ),
        End::Left(_) if said("has overflowed its stack").is_some() => (
            "stack_overflow",
            "THE STACK OVERFLOWED: a function calls itself without end".to_owned(),
            "look for two functions that call each other, or one that hands a message to itself",
        ),
        End::Left(_) if said("memory allocation of").is_some() => (
            "out_of_memory",
            format!(
                "OUT OF MEMORY: the test asked for more than {} MiB",
                crate::worker::MEMORY_BYTES >> 20
            ),
            "something grows without end: look for a loop that pushes or sends",
        ),
        End::Left(status) => match status.code() {
            Some(code) => (
                "exited_early",
                format!("EXITED EARLY: the process left with code {code} and no verdict"),
                "a node never ends the process it lives in: an exit code proves nothing",
            ),
            None => (
                "aborted",
                format!("ABORTED: the process was ended ({status})"),
                "a node never ends the process it lives in",
            ),
        },
    };
    let crash = Crash {
        headline,
        doing: run.now.doing.clone(),
        within: run.now.within.clone(),
        advice: advice.to_owned(),
        seed: run.now.seed,
        ..Crash::default()
    };
    about.crashed(rule, crash)
}
