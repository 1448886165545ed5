//! Building a suite with cargo and running it.
//!
//! ```text
//!   cargo build --test lab_2aa --message-format json  -->  building suites 31/62
//!        |  compiler messages: cargo's own words        -->  "step 4 waits until raft compiles"
//!        v
//!   lab_2aa-0123 --report last.jsonl --only aa_...    -->  one line per test  -->  verdicts
//! ```
//!
//! A suite is believed only through its report: an exit code says nothing.

use crate::catalogue::Lab;
use crate::place::CUT;
use crate::report::{self, ReportLine};
use crate::screen::{Landmark, Ticker};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

/// A suite that was built.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Suite {
    /// The program.
    pub program: PathBuf,
    /// The copy of the course it was built from.
    pub root: PathBuf,
    /// How many warnings each of the packages has that a student writes in, if it has any.
    pub warnings: BTreeMap<String, usize>,
}

/// Why there is no suite to run.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum BuildFault {
    /// A crate does not compile: its name, and what the compiler says.
    Compile {
        /// The crate.
        package: String,
        /// The compiler's messages, rendered.
        rendered: String,
    },
    /// Cargo itself failed.
    Cargo {
        /// What it said.
        said: String,
    },
}

/// A program that is built on a copy's core.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Program<'a> {
    /// The tests of a lab, by the name of their target.
    Suite(&'a str),
    /// The explorer with its hunts.
    Hunter,
    /// The program that tells stories.
    Step,
    /// A test program of another package.
    Test {
        /// The package.
        package: &'a str,
        /// The name of its target.
        name: &'a str,
        /// The feature that it needs.
        feature: Option<&'a str>,
    },
}

impl Program<'_> {
    /// Returns its package, the kind of its target, and the target's name.
    fn target(&self) -> [&str; 3] {
        match self {
            Program::Suite(name) => ["suites", "--test", name],
            Program::Hunter => ["testbed", "--bin", "hunt"],
            Program::Step => ["step", "--bin", "step"],
            Program::Test { package, name, .. } => [package, "--test", name],
        }
    }
}

/// Builds the test target `suite` of the copy at `root`, with its progress on standard error.
///
/// # Errors
/// As [`build_program`].
pub fn build(root: &Path, target: &Path, suite: &str) -> Result<Suite, BuildFault> {
    build_program(root, target, Program::Suite(suite))
}

/// Builds a program of the copy at `root`, with its progress on standard error.
///
/// # Errors
/// [`BuildFault`] tells a student's slip from trouble of the machine.
pub fn build_program(root: &Path, target: &Path, wanted: Program<'_>) -> Result<Suite, BuildFault> {
    let [of, kind, name] = wanted.target();
    let features = match wanted {
        Program::Suite(name) => features_of(root, name)?,
        Program::Test { feature: Some(feature), .. } => {
            vec!["--features".to_owned(), feature.to_owned()]
        }
        Program::Hunter | Program::Step | Program::Test { feature: None, .. } => Vec::new(),
    };
    let total = packages(root, of, &features);
    let choice = anstream::AutoStream::choice(&std::io::stderr());
    let colour = choice != anstream::ColorChoice::Never;
    let format = if colour { "json-diagnostic-rendered-ansi" } else { "json" };
    let mut child = cargo(root)
        .args(["build", "--package", of, kind, name])
        .args(&features)
        .args(["--message-format", format, "--target-dir"])
        .arg(target)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|e| BuildFault::Cargo { said: format!("cargo cannot be started: {e}") })?;
    let errors = child.stderr.take().map(listen);
    let mut ticker = Ticker::default();
    let mut built = BTreeSet::new();
    let mut program = None;
    let mut rendered = Vec::new();
    let mut warnings = BTreeMap::new();
    let mut culprit = None;
    let lines = lines(child.stdout.take().expect("it was piped"));
    loop {
        let done = built.len().min(total);
        let line = match lines.recv_timeout(SPIN) {
            Ok(line) => line,
            Err(RecvTimeoutError::Timeout) => {
                ticker.spin(&format!("building {of} {done}/{total}"));
                continue;
            }
            Err(RecvTimeoutError::Disconnected) => break,
        };
        let Ok(message) = serde_json::from_str::<Value>(&line) else { continue };
        let package = package_name(&message);
        match message["reason"].as_str() {
            Some("compiler-artifact") => {
                if message["target"]["name"] == name {
                    program = message["executable"].as_str().map(PathBuf::from);
                }
                built.insert(package);
                let done = built.len().min(total);
                let landmark = if done % 10 == 0 { Landmark::Yes } else { Landmark::No };
                if message["fresh"] != true {
                    ticker.show(&format!("building {of} {done}/{total}"), landmark);
                }
            }
            Some("compiler-message") => match message["message"]["level"].as_str() {
                Some("error") => {
                    let text = message["message"]["rendered"].as_str().unwrap_or_default();
                    rendered.push(text.to_owned());
                    culprit.get_or_insert(package);
                }
                Some("warning")
                    if CUT.contains(&package.as_str()) && !message["message"]["code"].is_null() =>
                {
                    *warnings.entry(package).or_default() += 1;
                }
                Some(_) | None => {}
            },
            Some(_) | None => {}
        }
    }
    ticker.clear();
    let said = errors.and_then(|thread| thread.join().ok()).unwrap_or_default();
    let succeeded = child.wait().is_ok_and(|status| status.success());
    match (succeeded, program, culprit) {
        (true, Some(program), _) => Ok(Suite { program, root: root.to_owned(), warnings }),
        (_, _, Some(package)) => Err(BuildFault::Compile { package, rendered: rendered.concat() }),
        (_, _, None) => Err(BuildFault::Cargo { said }),
    }
}

/// What to run of a suite.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Request {
    /// The tests, or all if empty.
    pub tests: BTreeSet<String>,
    /// How many seeds a simulation runs.
    pub seeds: Option<u64>,
    /// The one seed it runs.
    pub seed: Option<u64>,
    /// Where traces go.
    pub traces: PathBuf,
    /// Where the report goes.
    pub report: PathBuf,
    /// How many tests run at once, if that is limited.
    pub threads: Option<usize>,
    /// After how many tests that did not end no more are started. None: all tests run.
    pub stop_after_loops: Option<u64>,
    /// Variables for the suite and its workers.
    pub env: Vec<(String, String)>,
    /// Whether progress is shown.
    pub progress: ShowProgress,
}

/// Whether a run shows how far it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum ShowProgress {
    /// On standard error, where that is a terminal.
    #[default]
    Shown,
    /// Somebody else shows it.
    Silent,
}

/// Tells the story of a test that is known to end, or of one of its rows: what each node was told,
/// noted and said. The test runs in a process that nothing watches over.
///
/// # Errors
/// It cannot be started, or the suite says why there is no such story.
pub fn tell(suite: &Suite, what: &str, request: &Request) -> Result<(), String> {
    let mut command = start(suite);
    command.args(["--story", what]).arg("--traces").arg(&request.traces);
    if let Some(seed) = request.seed {
        command.args(["--seed", &seed.to_string()]);
    }
    let child = command.stdin(Stdio::null()).stderr(Stdio::piped()).spawn();
    let told = child.and_then(Child::wait_with_output);
    let told = told.map_err(|e| format!("{} cannot be started: {e}", suite.program.display()))?;
    let said = String::from_utf8_lossy(&told.stderr);
    match said.lines().find_map(|line| line.strip_prefix("error: ")) {
        Some(why) if !told.status.success() => Err(why.to_owned()),
        Some(_) | None => Ok(()),
    }
}

/// Returns the suite's program, about to run where it was built and on nobody's changes.
fn start(suite: &Suite) -> Command {
    let mut command = Command::new(&suite.program);
    command.current_dir(suite.root.join("labs/suites"));
    command.env("CARGO_MANIFEST_DIR", suite.root.join("labs/suites"));
    command.env_remove("RAFTWRIGHT_CHANGE").env_remove("RAFTWRIGHT_REACHED");
    command
}

/// Runs tests of a lab and returns what they say, in the order of the lab's steps.
///
/// After [`Request::stop_after_loops`] tests without an end, the others have no verdict.
///
/// # Errors
/// The suite did not run, or reported less than it was asked for.
pub fn run(suite: &Suite, lab: &Lab, request: &Request) -> Result<Vec<ReportLine>, String> {
    for folder in [request.report.parent(), Some(request.traces.as_path())].into_iter().flatten() {
        std::fs::create_dir_all(folder)
            .map_err(|e| format!("{} cannot be made: {e}", folder.display()))?;
    }
    let _absent = std::fs::remove_file(&request.report);
    let mut command = start(suite);
    command.envs(request.env.iter().map(|(key, value)| (key, value)));
    command.arg("--report").arg(&request.report).arg("--traces").arg(&request.traces);
    let numbers = [
        ("--seeds", request.seeds),
        ("--seed", request.seed),
        ("--stop-after-loops", request.stop_after_loops),
    ];
    for (flag, value) in numbers {
        if let Some(value) = value {
            command.args([flag, &value.to_string()]);
        }
    }
    let wanted: Vec<_> = lab
        .tests()
        .map(|t| t.name.as_str())
        .filter(|name| request.tests.is_empty() || request.tests.contains(*name))
        .collect();
    if !request.tests.is_empty() {
        wanted.iter().for_each(|test| {
            command.args(["--only", test]);
        });
    }
    if let Some(threads) = request.threads {
        command.arg(format!("--test-threads={threads}"));
    }
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut child = command
        .spawn()
        .map_err(|e| format!("{} cannot be started: {e}", suite.program.display()))?;
    let errors = child.stderr.take().map(listen);
    let mut ticker = Ticker::default();
    let status = loop {
        match child.try_wait() {
            Ok(Some(status)) => break status,
            Ok(None) => {}
            Err(e) => return Err(format!("the suite cannot be waited for: {e}")),
        }
        if request.progress == ShowProgress::Shown {
            let done = std::fs::read(&request.report).unwrap_or_default();
            let done = done.iter().filter(|&&byte| byte == b'\n').count();
            ticker.show(&format!("testing {done}/{}", wanted.len()), Landmark::No);
        }
        std::thread::sleep(Duration::from_millis(20));
    };
    ticker.clear();
    let said = errors.and_then(|thread| thread.join().ok()).unwrap_or_default();
    let text = std::fs::read_to_string(&request.report)
        .map_err(|e| format!("the suite left no report ({e}), {status}.\n{}", tail(&said)))?;
    let mut verdicts = report::parse(&text)?;
    verdicts.retain(|v| wanted.contains(&v.test.as_str()));
    let missing: Vec<_> =
        wanted.iter().filter(|name| !verdicts.iter().any(|v| v.test == **name)).copied().collect();
    let loops = verdicts.iter().filter(|v| v.rule.as_deref() == Some("endless_loop")).count();
    let has_stopped = request.stop_after_loops.is_some_and(|max| loops as u64 >= max);
    if !missing.is_empty() && !has_stopped {
        return Err(format!(
            "the suite said nothing about {} ({status}).\n{}",
            missing.join(", "),
            tail(&said)
        ));
    }
    verdicts.sort_by_key(|v| wanted.iter().position(|name| *name == v.test));
    Ok(verdicts)
}

/// Returns cargo, as it was called itself, in a folder.
pub fn cargo(root: &Path) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root);
    // These are the caller's: a build of another package must not see them.
    for name in ["CARGO_MANIFEST_DIR", "CARGO_MANIFEST_PATH", "CARGO_PKG_NAME", "CARGO_TARGET_DIR"]
    {
        command.env_remove(name);
    }
    command
}

/// Returns the arguments that let a suite be built alone: the layer that its target requires, and no
/// other. `labs/suites/Cargo.toml` says what each target requires.
///
/// # Errors
/// The file cannot be read.
fn features_of(root: &Path, suite: &str) -> Result<Vec<String>, BuildFault> {
    let path = root.join("labs/suites/Cargo.toml");
    let fault = |why: String| BuildFault::Cargo { said: format!("{}: {why}", path.display()) };
    let text = std::fs::read_to_string(&path).map_err(|e| fault(e.to_string()))?;
    let table: toml::Table = toml::from_str(&text).map_err(|e| fault(e.to_string()))?;
    let targets = table.get("test").and_then(toml::Value::as_array);
    let target = targets.into_iter().flatten().find(|t| t["name"].as_str() == Some(suite));
    let layers = target.and_then(|target| target.get("required-features")?.as_array());
    let layers = layers.into_iter().flatten().filter_map(toml::Value::as_str);
    let with = layers.flat_map(|layer| ["--features".to_owned(), layer.to_owned()]);
    Ok(std::iter::once("--no-default-features".to_owned()).chain(with).collect())
}

/// Counts the packages a program is made of; the total of the progress line.
fn packages(root: &Path, package: &str, features: &[String]) -> usize {
    let tree = cargo(root)
        .args(["tree", "--package", package, "--prefix", "none", "--format", "{p}"])
        .args(["--edges", "normal,build"])
        .args(features)
        .stderr(Stdio::null())
        .output();
    let text = tree.map(|out| String::from_utf8_lossy(&out.stdout).into_owned());
    let text = text.unwrap_or_default();
    let names: BTreeSet<_> = text.lines().filter_map(|l| l.split(" (").next()).collect();
    names.len().max(1)
}

/// Returns the package's name from an id such as `path+file:///x/raft#0.1.0` or `...#name@1.0`.
fn package_name(message: &Value) -> String {
    let id = message["package_id"].as_str().unwrap_or_default();
    let (path, version) = id.split_once('#').unwrap_or((id, ""));
    match version.split_once('@') {
        Some((name, _)) => name.to_owned(),
        None => path.rsplit('/').next().unwrap_or(path).to_owned(),
    }
}

/// How long nothing is said before the spinner turns.
const SPIN: Duration = Duration::from_millis(120);

/// Reads the lines of a child in a thread of its own, so that the caller can turn a spinner while it waits.
fn lines(stream: impl Read + Send + 'static) -> Receiver<String> {
    let (to, lines) = channel();
    std::thread::spawn(move || {
        let read = BufReader::new(stream).lines().map_while(Result::ok);
        read.map_while(|line| to.send(line).ok()).for_each(drop);
    });
    lines
}

/// Keeps what a child says, and passes on at once that it waits for another cargo.
fn listen(stream: impl Read + Send + 'static) -> std::thread::JoinHandle<String> {
    std::thread::spawn(move || {
        let mut said = String::new();
        for line in BufReader::new(stream).split(b'\n').map_while(Result::ok) {
            let line = String::from_utf8_lossy(&line).into_owned();
            if waits_for_build(&line) {
                eprintln!("another cargo is building in the same folder: waiting for it");
            }
            if said.len() < 1 << 20 {
                said += &line;
                said.push('\n');
            }
        }
        said
    })
}

/// Returns whether cargo says that another one builds in its folder. The list of packages is locked for
/// moments by any cargo of the machine: that is nothing to wait for.
fn waits_for_build(line: &str) -> bool {
    line.contains("Blocking waiting for file lock") && !line.contains("package cache")
}

fn tail(said: &str) -> String {
    let lines: Vec<_> = said.lines().collect();
    lines[lines.len().saturating_sub(12)..].join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_build_in_the_same_folder_is_waited_for() {
        let waits =
            |what: &str| waits_for_build(&format!("    Blocking waiting for file lock on {what}"));
        assert!(waits("build directory") && waits("artifact directory"));
        assert!(!waits("package cache") && !waits_for_build("   Compiling raft v0.1.0"));
    }

    #[test]
    fn the_lines_of_a_child_come_one_by_one_and_end() {
        let lines = lines(&b"one\ntwo"[..]);
        let read: Vec<String> = lines.iter().collect();
        assert_eq!(read, ["one", "two"]);
    }
}
