//! `labs doctor`: what on this machine may keep the labs from running.

use crate::course::{Course, manifest};
use runner::place::{suites_target, target};
use runner::screen::{GREEN, RED, hang, paint};
use runner::suite::cargo;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

/// What was found out about one thing.
struct Diagnosis {
    well: bool,
    said: String,
}

fn well(said: String) -> Diagnosis {
    Diagnosis { well: true, said }
}

fn ill(said: String) -> Diagnosis {
    Diagnosis { well: false, said }
}

/// Prints what was found; returns whether everything is ready.
///
/// # Errors
/// The course itself cannot be read.
pub fn examine(course: &Course) -> Result<bool, String> {
    let wanted = manifest(&course.root)?;
    let wanted = wanted
        .get("workspace")
        .and_then(|w| w.get("package")?.get("rust-version")?.as_str())
        .ok_or("Cargo.toml: expected rust-version under [workspace.package]")?;
    let target = target(&course.root);
    let findings = [
        compiler(wanted),
        writable(&target),
        space(&target),
        git(),
        lock(course, &target, "what an editor and `cargo labs` build in"),
        lock(course, &suites_target(&course.root), "what suites are built in"),
    ];
    for finding in &findings {
        let mark = if finding.well { paint(GREEN, "+") } else { paint(RED, "x") };
        anstream::println!("{mark} {}", hang("  ", &finding.said).trim_start());
    }
    Ok(findings.iter().all(|finding| finding.well))
}

fn compiler(wanted: &str) -> Diagnosis {
    let Some(said) = output("rustc", &["--version"]) else {
        return ill("rustc cannot be started: install Rust from https://rustup.rs".into());
    };
    let version = said.split_whitespace().nth(1).unwrap_or_default();
    let number = |version: &str| {
        let mut parts = version.split(['.', '-']).map(|part| part.parse::<u32>().unwrap_or(0));
        (parts.next().unwrap_or(0), parts.next().unwrap_or(0))
    };
    if number(version) >= number(wanted) {
        well(format!("rustc {version} (at least {wanted} is needed)"))
    } else {
        ill(format!("rustc {version} is older than {wanted}: rustup update stable"))
    }
}

fn writable(folder: &Path) -> Diagnosis {
    let shown = folder.display();
    let probe = folder.join(format!("doctor-{}", std::process::id()));
    let tried = std::fs::create_dir_all(folder)
        .and_then(|()| std::fs::write(&probe, [0_u8; 4096]))
        .and_then(|()| std::fs::remove_file(&probe));
    match tried {
        Ok(()) => well(format!("{shown} can be written")),
        Err(e) => ill(format!("{shown} cannot be written: {e}")),
    }
}

/// The least room for the builds of a lab.
const ROOM_MIB: u64 = 1024;

fn space(folder: &Path) -> Diagnosis {
    let said = output("df", &["-Pk", &folder.to_string_lossy()]);
    let free = said.as_deref().and_then(|said| {
        let kib = said.lines().nth(1)?.split_whitespace().nth(3)?;
        Some(kib.parse::<u64>().ok()? / 1024)
    });
    match free {
        Some(mib) if mib >= ROOM_MIB => well(format!("{mib} MiB of disk are free")),
        Some(mib) => ill(format!("{mib} MiB of disk are free: builds need {ROOM_MIB}")),
        None => well("the free disk space is unknown here".into()),
    }
}

fn git() -> Diagnosis {
    match output("git", &["--version"]) {
        Some(said) => well(said.trim().to_owned()),
        None => well("git is not installed: workspaces will have no history of their own".into()),
    }
}

/// Asks cargo to build nothing much, and listens whether it has to wait for another cargo.
fn lock(course: &Course, folder: &Path, what: &str) -> Diagnosis {
    let child = cargo(&course.root)
        .args(["check", "--package", "runner", "--lib", "--target-dir"])
        .arg(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn();
    let Ok(mut child) = child else { return ill("cargo cannot be started".into()) };
    let Some(errors) = child.stderr.take() else { return ill("cargo prints nothing".into()) };
    let (tell, told) = mpsc::channel();
    std::thread::spawn(move || {
        for line in BufReader::new(errors).lines().map_while(Result::ok) {
            // Nobody listens any more once the answer is known.
            let _ignored = tell.send(line);
        }
    });
    let first = told.recv_timeout(Duration::from_secs(5)).unwrap_or_default();
    let waits = first.contains("Blocking");
    // It was only asked to see whether it can begin.
    let _ended = child.kill();
    let _status = child.wait();
    if waits {
        ill(format!("another cargo holds {} ({what}): wait for it", folder.display()))
    } else {
        well(format!("no other cargo holds {} ({what})", folder.display()))
    }
}

fn output(program: &str, args: &[&str]) -> Option<String> {
    let out = Command::new(program).args(args).stdin(Stdio::null()).output().ok()?;
    out.status.success().then(|| String::from_utf8_lossy(&out.stdout).into_owned())
}
