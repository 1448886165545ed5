//! What the command line of a suite may say, besides what every Rust test binary understands.
//!
//! ```text
//!   cargo test -p suites --test lab_2aa -- --seeds 1000 --report out.jsonl  aa_sim  --test-threads 2
//!                                          `--- ours, taken out here ----'  `-- libtest-mimic's --'
//! ```
//!
//! Invariant: an error about a flag is one sentence that names the flag, what it needs and what it
//! got; nothing panics.

use crate::told::Wish;
use std::ffi::OsString;
use std::path::PathBuf;

/// How many seeds a simulation runs by default: quick enough for every save of a file.
pub const QUICK_SEEDS: u64 = 20;
const MOST_SEEDS: u64 = 1_000_000;

/// What `--help` shows above libtest-mimic's own text.
pub(crate) const HELP: &str = "\
OPTIONS of the lab suites (the others follow below):
      --seeds N         simulations run the seeds 0 to N-1 (20)
      --seed S          simulations run this seed only
      --partition K/N   simulations run the K-th of N shares of the seeds
      --only TEST       run this test (whole name); may be given again and again
      --report FILE     write one line of JSON per test, as each ends
      --traces DIR      where failing tests leave their traces (target/traces)
      --story TEST[/R]  tell what happens in a test, or in its row R, here and also
                        if all is well; simulations tell seed 0, or --seed S
      --stop-after-loops N   start no more tests once N did not end: each costs its
                        whole limit of CPU time
      --in-process      no worker processes, one test after the other: for debuggers
";

/// Our part of the command line.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Options {
    /// Which seeds simulations run.
    pub(crate) seeds: Seeds,
    /// The tests to run, by whole name; empty means all that the filters leave.
    pub(crate) only: Vec<String>,
    /// Where the report lines go.
    pub(crate) report: Option<PathBuf>,
    /// Where traces go, if not to the default.
    pub(crate) traces: Option<PathBuf>,
    /// Who runs the tests.
    pub(crate) mode: Mode,
    /// How many tests may run into their limit of CPU time before no more are started.
    pub(crate) stop_after_loops: Option<u64>,
    /// Replaces every test's limit of CPU time. For the harness's own tests.
    pub(crate) cpu_limit_ms: Option<u64>,
    /// Reports every step to the suite at once: a worker's second run, after a first without a verdict.
    pub(crate) tell_all: bool,
    /// Replaces the limit on the wall clock. For the harness's own tests.
    pub(crate) wall_limit_ms: Option<u64>,
}

/// Who runs the tests.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Mode {
    /// A worker process for each test: the rule.
    Workers,
    /// This process, one test after the other: for debuggers.
    InProcess,
    /// This process, one test, which shows its stories.
    Story(Wish),
    /// This is a worker, and this is its one test.
    Worker {
        /// The test's name.
        test: String,
    },
}

/// Which seeds a simulation runs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Seeds {
    /// Seeds `0..count`, or every `of`-th of them from `share` on.
    Sweep {
        /// How many there are, over all shares.
        count: u64,
        /// Our share, from 0.
        share: u64,
        /// How many shares there are.
        of: u64,
    },
    /// One seed.
    One(u64),
}

impl Seeds {
    /// Lists the seeds, in order.
    pub(crate) fn list(self) -> Vec<u64> {
        match self {
            Seeds::Sweep { count, share, of } => (0..count).filter(|s| s % of == share).collect(),
            Seeds::One(seed) => vec![seed],
        }
    }

    /// Counts the seeds.
    pub(crate) fn len(self) -> u64 {
        match self {
            Seeds::Sweep { count, share, of } => (count + of - 1 - share) / of,
            Seeds::One(_) => 1,
        }
    }
}

impl Options {
    /// Takes our flags out of `args` (without the program's name) and returns them with the rest.
    ///
    /// # Errors
    /// A sentence for the person who typed it.
    pub(crate) fn take(
        args: impl IntoIterator<Item = OsString>,
    ) -> Result<(Options, Vec<OsString>), String> {
        let mut given = Given::default();
        let mut rest = Vec::new();
        let mut args = args.into_iter();
        while let Some(arg) = args.next() {
            let text = arg.to_string_lossy().into_owned();
            let (flag, inline) = match text.split_once('=') {
                Some((flag, value)) => (flag, Some(OsString::from(value))),
                None => (text.as_str(), None),
            };
            match flag {
                "--in-process" if inline.is_none() => {
                    given.in_process = true;
                    continue;
                }
                "--tell-all" if inline.is_none() => {
                    given.tell_all = true;
                    continue;
                }
                _ => {}
            }
            let Some(wants) = wants(flag) else {
                rest.push(arg);
                continue;
            };
            let value = inline.or_else(|| args.next());
            let value = value.ok_or_else(|| format!("{flag} wants {wants} after it"))?;
            given.put(flag, wants, value)?;
        }
        Ok((given.into_options()?, rest))
    }

    /// Returns the same flags for a worker that runs `test`.
    pub(crate) fn to_worker(&self, test: &str) -> Vec<OsString> {
        let mut args: Vec<OsString> = vec!["--worker".into(), test.into()];
        let mut push = |flag: &str, value: OsString| args.extend([flag.into(), value]);
        match self.seeds {
            Seeds::One(seed) => push("--seed", seed.to_string().into()),
            Seeds::Sweep { count, share, of } => {
                push("--seeds", count.to_string().into());
                push("--partition", format!("{}/{of}", share + 1).into());
            }
        }
        if let Some(dir) = &self.traces {
            push("--traces", dir.into());
        }
        if let Some(limit) = self.cpu_limit_ms {
            push("--cpu-limit-ms", limit.to_string().into());
        }
        if self.tell_all {
            args.push("--tell-all".into());
        }
        args
    }
}

/// Returns what a flag of ours needs, or nothing for any other flag.
fn wants(flag: &str) -> Option<&'static str> {
    match flag {
        "--seeds" => Some("a number from 1 to 1000000"),
        "--seed" => Some("a number from 0 to 18446744073709551615"),
        "--partition" => Some("a share K/N with K from 1 to N, such as 2/8"),
        "--cpu-limit-ms" | "--wall-limit-ms" => Some("a number of milliseconds, 1 or more"),
        "--stop-after-loops" => Some("a number of tests, 1 or more"),
        "--only" | "--worker" => Some("the whole name of a test"),
        "--story" => Some("the whole name of a test, or with a row: aa_single_node/2"),
        "--report" => Some("the name of a file"),
        "--traces" => Some("the name of a folder"),
        _ => None,
    }
}

/// The flags as they were typed.
#[derive(Default)]
struct Given {
    in_process: bool,
    tell_all: bool,
    seeds: Option<u64>,
    seed: Option<u64>,
    partition: Option<(u64, u64)>,
    only: Vec<String>,
    report: Option<PathBuf>,
    traces: Option<PathBuf>,
    worker: Option<String>,
    story: Option<Wish>,
    stop_after_loops: Option<u64>,
    cpu_limit_ms: Option<u64>,
    wall_limit_ms: Option<u64>,
}

impl Given {
    fn put(&mut self, flag: &str, wants: &str, value: OsString) -> Result<(), String> {
        let text = value.to_string_lossy().into_owned();
        let bad = || format!("{flag} wants {wants}, not '{text}'");
        let number = |from: u64, to: u64| {
            let parsed = text.parse::<u64>().ok().filter(|n| (from..=to).contains(n));
            parsed.ok_or_else(bad)
        };
        let fresh = match flag {
            "--seeds" => self.seeds.replace(number(1, MOST_SEEDS)?).is_none(),
            "--seed" => self.seed.replace(number(0, u64::MAX)?).is_none(),
            "--stop-after-loops" => self.stop_after_loops.replace(number(1, u64::MAX)?).is_none(),
            "--cpu-limit-ms" => self.cpu_limit_ms.replace(number(1, u64::MAX)?).is_none(),
            "--wall-limit-ms" => self.wall_limit_ms.replace(number(1, u64::MAX)?).is_none(),
            "--partition" => {
                let (k, n) = text.split_once('/').ok_or_else(bad)?;
                let n = n.parse().ok().filter(|n| (1..=MOST_SEEDS).contains(n)).ok_or_else(bad)?;
                let k = k.parse().ok().filter(|k| (1..=n).contains(k)).ok_or_else(bad)?;
                self.partition.replace((k, n)).is_none()
            }
            "--report" | "--traces" | "--only" | "--worker" if text.is_empty() => return Err(bad()),
            "--report" => self.report.replace(value.into()).is_none(),
            "--traces" => self.traces.replace(value.into()).is_none(),
            "--worker" => self.worker.replace(text.clone()).is_none(),
            "--story" => self.story.replace(Wish::parse(&text).ok_or_else(bad)?).is_none(),
            _ => {
                self.only.push(text.clone());
                true
            }
        };
        if fresh { Ok(()) } else { Err(format!("{flag} is given twice")) }
    }

    fn into_options(self) -> Result<Options, String> {
        let seeds = match (self.seed, self.seeds, self.partition) {
            (Some(_), Some(_), _) => return Err("give --seed or --seeds, not both".into()),
            (Some(_), None, Some(_)) => {
                return Err("--seed is one seed: --partition has nothing to divide".into());
            }
            (Some(seed), None, None) => Seeds::One(seed),
            (None, seeds, partition) => {
                let count = seeds.unwrap_or(QUICK_SEEDS);
                let (k, of) = partition.unwrap_or((1, 1));
                if k > count {
                    return Err(format!(
                        "--partition {k}/{of} is an empty share: there are {count} seeds (--seeds)"
                    ));
                }
                Seeds::Sweep { count, share: k - 1, of }
            }
        };
        let seeds = if self.story.is_some() { Wish::seeds(seeds) } else { seeds };
        let mode = match (self.worker, self.story, self.in_process) {
            (Some(test), _, _) => Mode::Worker { test },
            (None, Some(wish), _) => Mode::Story(wish),
            (None, None, true) => Mode::InProcess,
            (None, None, false) => Mode::Workers,
        };
        Ok(Options {
            seeds,
            only: self.only,
            report: self.report,
            traces: self.traces,
            mode,
            tell_all: self.tell_all,
            stop_after_loops: self.stop_after_loops,
            cpu_limit_ms: self.cpu_limit_ms,
            wall_limit_ms: self.wall_limit_ms,
        })
    }
}

#[cfg(test)]
mod tests;
