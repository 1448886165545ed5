//! `labs start`: makes a student's workspace, whole or not at all.
//!
//! ```text
//!   plan --> .my-raft.partial-123/ --rename--> my-raft/ --> build suites --> git --> the screen
//!              '-- removed if anything goes wrong before the rename
//! ```

use crate::copy::{self, Files};
use crate::course::{Course, at_start, cut};
use runner::catalogue::Lab;
use runner::here;
use runner::last::{self, Age, Last};
use runner::place::{CourseFolder, SETTINGS, Settings, lines, target, tidy, way};
use runner::progress::Progress;
use runner::screen::{Landmark, Ticker};
use runner::suite::{self, Request, cargo};
use runner::trial::built;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The story of a first election, which the student gets under a name of their own to play with. It
/// says not what has to come out: a correct design may campaign a tick later, or send its heartbeats
/// as appends, and lab 2ab adds to the log.
pub const FIRST_ELECTION: &str = include_str!("workspace/my_first_election.txt");

/// The tasks of an editor that knows VS Code's: each types a command.
pub const TASKS: &str = include_str!("workspace/tasks.json");

/// Returns every file of a workspace for `lab` that is going to lie at `root`.
///
/// # Errors
/// The course cannot be read or cut.
pub fn plan(course: &Course, lab: &Lab, root: &Path) -> Result<Files, String> {
    let sources = cut(&course.reference, &course.catalogue, at_start(&course.catalogue, lab))
        .map_err(|found| lines(&found))?;
    let mut plan = copy::plan(course, &sources, root)?;
    let settings = Settings {
        course: slashes(&way(root, &course.root)),
        version: course.version.clone(),
        catalogue: course.catalogue.hash.clone(),
        lab: lab.id.clone(),
        open: vec![lab.id.clone()],
    };
    plan.insert(SETTINGS.into(), settings.text().into());
    plan.insert(".cargo/config.toml".into(), config(root, &course.root).into());
    plan.insert(".vscode/tasks.json".into(), TASKS.into());
    plan.insert(".gitignore".into(), b"/target\n/.labs\n".to_vec());
    plan.insert(".gitattributes".into(), b"* text=auto eol=lf\n".to_vec());
    plan.insert("README.md".into(), readme(lab).into());
    plan.insert(runner::trial::MY_FIRST_ELECTION.into(), FIRST_ELECTION.into());
    let progress =
        serde_json::to_string_pretty(&Progress::default()).expect("an empty map is always JSON");
    plan.insert(".labs/progress.json".into(), (progress + "\n").into());
    Ok(plan)
}

fn config(root: &Path, course: &Path) -> String {
    let target = slashes(&way(root, &target(course)));
    format!(
        "# `cargo labs` and `cargo step` of this workspace. What the course has compiled already\n\
         # is not compiled again: both build in one folder, the suites in a folder below it.\n\
         [alias]\nlabs = \"run --quiet --package runner --\"\nstep = \"run --package step --\"\n\n\
         [build]\ntarget-dir = {}\n",
        toml::Value::from(target)
    )
}

fn readme(lab: &Lab) -> String {
    let package = package_of(lab);
    let mine = if package.starts_with("storage") { "log" } else { "raft" };
    format!(
        "# My {mine}\n\nLab {} of Raftwright: {}. Functions to write hold a `todo!` in `{package}`;\n\
         those of later labs, and some that an earlier step runs into, do nothing until then.\n\n\
         * `cargo labs` tells where you are and what to do next\n\
         * `cargo labs read` prints the hand-out of your step (all of it: `book/`); with `--zh`, in\n\
         \x20 Chinese where there is a translation (`book/zh/`)\n\
         * `cargo labs watch` tests whenever you save\n\
         * `cargo labs hint` says a little more each time\n",
        lab.id, lab.title
    )
}

/// Returns the folder that a lab's functions are written in.
fn package_of(lab: &Lab) -> &str {
    let mut files = lab.steps.iter().flat_map(|step| &step.holes).map(|hole| hole.file.as_str());
    files.next().and_then(|file| file.find("/src/").map(|at| &file[..at + 4])).unwrap_or("raft/src")
}

fn slashes(path: &Path) -> String {
    path.to_string_lossy().replace('\\', "/")
}

/// Returns why no workspace can be made at `folder`, or where exactly it will lie.
///
/// # Errors
/// One sentence that names the folder, and what to do.
pub fn room(course: &Course, folder: &Path, here: &Path) -> Result<PathBuf, String> {
    let root = tidy(&here.join(folder));
    let shown = folder.display();
    let name = root.file_name().ok_or_else(|| format!("{shown} is no name for a folder"))?;
    let parent = root.parent().ok_or_else(|| format!("{shown} is no name for a folder"))?;
    let parent = parent.canonicalize().map_err(|_| {
        let parent = parent.display();
        format!("{parent} does not exist: make it first, or choose another place for {shown}")
    })?;
    let root = parent.join(name);
    let inside = course.root.canonicalize().unwrap_or_else(|_| course.root.clone());
    // Beside the course, and never the course's own name: that place is taken.
    let own = if root == inside { "my-raft".into() } else { name.to_string_lossy() };
    if root.starts_with(&inside) {
        return Err(format!(
            "{shown} is inside the course itself, whose builds would take it for a part of them.\n\
             Choose a place beside it: cargo labs start ../{own}"
        ));
    }
    // Its own folder is answered below.
    let around = root.ancestors().skip(1).find(|folder| folder.join(SETTINGS).is_file());
    if let Some(around) = around {
        return Err(format!(
            "{shown} is inside the workspace {}: cargo would take one for a part of the other.\n\
             Choose a place beside it: cargo labs start {}",
            around.display(),
            around.with_file_name(own.as_ref()).display()
        ));
    }
    if root.join(SETTINGS).is_file() {
        let version = CourseFolder::find(&root)?.settings.map_or(String::new(), |s| s.version);
        let said = if version == course.version {
            "is a workspace already. Go on there: cargo labs".to_owned()
        } else {
            format!(
                "is a workspace of course version {version}, and this is {}: nothing was touched. \
                 Choose another folder.",
                course.version
            )
        };
        return Err(format!("{shown} {said}"));
    }
    match std::fs::read_dir(&root) {
        Ok(mut entries) => match entries.next() {
            Some(_) => {
                Err(format!("{shown} is not empty: nothing was touched. Choose a new name."))
            }
            None => Ok(root),
        },
        Err(_) if root.exists() => Err(format!("{shown} is a file, not a folder")),
        Err(_) => Ok(root),
    }
}

/// Writes a workspace beside its place and moves it there.
///
/// # Errors
/// It cannot be written; what was written is taken away again.
pub fn make(plan: &Files, root: &Path) -> Result<(), String> {
    let name = root.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let partial = root.with_file_name(format!(".{name}.partial-{}", std::process::id()));
    let made = copy::write(&partial, plan).and_then(|()| {
        if root.is_dir() {
            std::fs::remove_dir(root).map_err(|e| format!("{}: {e}", root.display()))?;
        }
        std::fs::rename(&partial, root).map_err(|e| format!("{}: {e}", root.display()))
    });
    made.map_err(|why| {
        let _gone = std::fs::remove_dir_all(&partial);
        format!("the workspace cannot be written, and nothing is left of it: {why}")
    })
}

/// Makes a workspace, builds its suites, and shows the first step.
///
/// # Errors
/// There is no room, or something cannot be written or built.
pub fn start(course: &Course, folder: &Path, lab: &str, here: &Path) -> Result<(), String> {
    let lab = runner::choice::open(course.lab(lab)?)?;
    let root = room(course, folder, here)?;
    let step = lab.step(1).ok_or("this lab has no step")?;
    make(&plan(course, lab, &root)?, &root)?;
    let place = CourseFolder::find(&root)?;
    let mut verdicts = Vec::new();
    last::note(&place, &last::code(&place))?;
    if let Some(suite) = built(&place, lab, 1)? {
        let request = Request {
            tests: step.tests.iter().map(|t| t.name.clone()).collect(),
            traces: place.memory().join("traces"),
            report: last::report_file(&place),
            ..Request::default()
        };
        verdicts = suite::run(&suite, lab, &request)?;
    }
    let mut ticker = Ticker::default();
    ticker.show("building cargo labs for the workspace", Landmark::Yes);
    let runner = cargo(&root)
        .args(["build", "--quiet", "--package", "runner", "--target-dir"])
        .arg(target(&course.root))
        .status();
    ticker.clear();
    if !runner.is_ok_and(|status| status.success()) {
        anstream::eprintln!("(cargo labs is not built yet: its first call will take a moment)");
    }
    history(&root);
    let name = root.file_name().unwrap_or_default().to_string_lossy();
    let last = Last { verdicts, age: Age::Current };
    here::screen(&place, lab, step, &last, &format!("{name} is ready.  "));
    anstream::println!("do this:  cd {} && cargo labs watch", folder.display());
    Ok(())
}

/// Begins the workspace's own history, where git is.
fn history(root: &Path) {
    let git = |args: &[&str]| {
        Command::new("git")
            .args(args)
            .current_dir(root)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .is_ok_and(|status| status.success())
    };
    let as_us = ["-c", "user.name=Raftwright", "-c", "user.email=labs@localhost"];
    let commit = ["commit", "--quiet", "--no-verify", "-m", "start: the lab as it was handed out"];
    let begun = git(&["init", "--quiet"]) && git(&["add", "--all"]);
    if !(begun && git(&[&as_us[..], &commit[..]].concat())) {
        anstream::eprintln!("(no git here: the workspace has no history of its own)");
    }
}
