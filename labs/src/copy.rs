//! Copies of the course without the desk: a student's workspace, and the desk's own scratch folders.
//!
//! ```text
//!   course  raft storage kv tests labs/{harness,suites,runner,step,catalog} book/src/*.{md,svg}  Cargo.{toml,lock}
//!     |        '-------'--- with other bodies                     '-> book/*.md, book/zh/*.md, with GLOSSARY.md
//!     v
//!   a map from path to bytes  -->  written to a folder, whole or not at all
//! ```
//!
//! What is not in a copy: the desk, bugs, variants, reference bodies, the core's own unit tests.

use crate::course::{Course, Sources, files, manifest};
use runner::place::build_version;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// File contents by path from the root of the copy.
pub type Files = BTreeMap<String, Vec<u8>>;

/// The packages of a copy, by folder.
const MEMBERS: [&str; 8] =
    ["raft", "storage", "kv", "tests", "labs/harness", "labs/suites", "labs/runner", "labs/step"];

/// The folders that a copy takes as they are.
const WHOLE: [&str; 7] = [
    "kv/src",
    "tests/src",
    "tests/scripts",
    "labs/harness/src",
    "labs/suites",
    "labs/runner",
    "labs/step/src",
];

/// Pages of the book that stay in the course: the table for mdBook, and the teachers' chapter.
const NOT_FOR_STUDENTS: [&str; 2] = ["SUMMARY.md", "teachers.md"];

/// What the core's own unit tests are replaced with: they show the bodies that students write.
const NO_UNIT_TESTS: &str = "//! The course keeps its own unit tests of this module.\n";

/// Returns the files of a copy that holds `sources` as its core and is going to lie at `root`.
///
/// # Errors
/// A file of the course cannot be read.
pub fn plan(course: &Course, sources: &Sources, root: &Path) -> Result<Files, String> {
    let mut plan = Files::new();
    let mut take = |name: &str, path: &Path| {
        let bytes = std::fs::read(path).map_err(|e| format!("{}: {e}", path.display()))?;
        plan.insert(name.to_owned(), bytes);
        Ok::<(), String>(())
    };
    for folder in WHOLE {
        if course.root.join(folder).is_dir() {
            for (name, path) in files(&course.root, folder)? {
                take(&name, &path)?;
            }
        }
    }
    for (name, path) in files(&course.root, "labs/catalog")? {
        take(&name, &path)?;
    }
    if course.root.join("book/src").is_dir() {
        for (name, path) in files(&course.root, "book/src")? {
            let page = name.strip_prefix("book/src/").unwrap_or(&name);
            let is_read = page.ends_with(".md") || page.ends_with(".svg");
            if is_read && !NOT_FOR_STUDENTS.contains(&page) {
                take(&format!("book/{page}"), &path)?;
            }
        }
    }
    // The book's page only includes it.
    let glossary = course.root.join("GLOSSARY.md");
    if glossary.is_file() {
        take("book/glossary.md", &glossary)?;
    }
    take("rustfmt.toml", &course.root.join("rustfmt.toml"))?;
    for (name, text) in sources {
        let text = if name.ends_with("/tests.rs") { NO_UNIT_TESTS } else { text };
        plan.insert(name.clone(), text.into());
    }
    for member in MEMBERS {
        let name = format!("{member}/Cargo.toml");
        let path = course.root.join(&name);
        let text = std::fs::read_to_string(&path).map_err(|e| format!("{name}: {e}"))?;
        plan.insert(name, lean(member, &text).into());
    }
    let version = build_version(&course.version, root);
    plan.insert("Cargo.toml".into(), workspace_manifest(&course.root, &version)?.into());
    let lock = std::fs::read_to_string(course.root.join("Cargo.lock"))
        .map_err(|e| format!("Cargo.lock: {e}"))?;
    plan.insert("Cargo.lock".into(), workspace_lock(&lock, &version).into());
    Ok(plan)
}

/// Takes out of a manifest what the copy does not hold: benches and tests that stay in the course.
fn lean(member: &str, manifest: &str) -> String {
    if member == "labs/suites" {
        return manifest.to_owned();
    }
    let mut out = String::new();
    let mut dropped = false;
    for line in manifest.split_inclusive('\n') {
        if line.starts_with('[') {
            let name = line.trim().trim_matches(['[', ']']);
            dropped = matches!(name, "bench" | "test" | "example" | "dev-dependencies")
                || name.starts_with("dev-dependencies.");
        }
        if !dropped {
            out += line;
        }
    }
    out
}

/// The lints of a copy: cut code does not use what it will use, and is not to be scolded for it.
const LINTS: &str = r#"
unused_variables = "allow"
unused_imports = "allow"
unused_mut = "allow"
dead_code = "allow"
unfulfilled_lint_expectations = "allow"
unsafe_code = "deny"
"#;

fn workspace_manifest(root: &Path, version: &str) -> Result<String, String> {
    let mut table = manifest(root)?;
    let workspace = table
        .get_mut("workspace")
        .and_then(toml::Value::as_table_mut)
        .ok_or("Cargo.toml: expected [workspace]")?;
    let members = MEMBERS.iter().map(|m| toml::Value::from(*m)).collect::<Vec<_>>();
    workspace.insert("members".into(), members.into());
    let package = workspace
        .get_mut("package")
        .and_then(toml::Value::as_table_mut)
        .ok_or("Cargo.toml: expected [workspace.package]")?;
    package.insert("version".into(), version.into());
    let rust: toml::Table = toml::from_str(LINTS).expect("six lints, written above");
    let lints = toml::Table::from_iter([("rust".to_owned(), toml::Value::Table(rust))]);
    workspace.insert("lints".into(), lints.into());
    // The desk is not there, and cargo says so at every build.
    let packages = table.get_mut("profile").and_then(|p| p.get_mut("dev")?.get_mut("package"));
    if let Some(packages) = packages.and_then(toml::Value::as_table_mut) {
        packages.remove("labs");
    }
    let text = toml::to_string(&table).map_err(|e| format!("Cargo.toml: {e}"))?;
    Ok(format!(
        "# Made by `cargo labs start` from the course's own. The version names this folder, so\n\
         # that builds of several workspaces can share one target folder.\n{text}"
    ))
}

/// Keeps of the lock file what the packages of a copy need, under the copy's own version.
fn workspace_lock(lock: &str, version: &str) -> String {
    let names = ["raft", "storage", "kv", "testbed", "harness", "suites", "runner", "step"];
    let mut blocks = lock.split("\n[[package]]\n");
    let mut out = blocks.next().unwrap_or_default().to_owned();
    let blocks: BTreeMap<_, Vec<_>> = blocks.fold(BTreeMap::new(), |mut map, block| {
        let name = block.split('"').nth(1).unwrap_or_default();
        map.entry(name).or_insert_with(Vec::new).push(block);
        map
    });
    let mut needed: BTreeSet<&str> = BTreeSet::new();
    let mut open: Vec<&str> = names.to_vec();
    while let Some(name) = open.pop() {
        if needed.insert(name) {
            for block in blocks.get(name).into_iter().flatten() {
                let list = block.split("dependencies = [").nth(1).unwrap_or_default();
                open.extend(list.split('"').skip(1).step_by(2).filter_map(|d| d.split(' ').next()));
            }
        }
    }
    for (name, blocks) in blocks.iter().filter(|(name, _)| needed.contains(*name)) {
        for block in blocks {
            out += "\n[[package]]\n";
            let mut lines: Vec<String> = block.lines().map(str::to_owned).collect();
            if names.contains(name) {
                for line in lines.iter_mut().filter(|line| line.starts_with("version = ")) {
                    *line = format!("version = \"{version}\"");
                }
            }
            out += &(lines.join("\n") + "\n");
        }
    }
    out
}

/// Makes `folder` hold exactly these files; what is there already keeps its time, so that cargo
/// builds again only what differs.
///
/// # Errors
/// A file cannot be written: its name, and why.
pub fn write(folder: &Path, plan: &Files) -> Result<(), String> {
    let say = |path: &Path, e: std::io::Error| format!("{}: {e}", path.display());
    std::fs::create_dir_all(folder).map_err(|e| say(folder, e))?;
    for (name, path) in listed(folder)? {
        if !plan.contains_key(&name) {
            std::fs::remove_file(&path).map_err(|e| say(&path, e))?;
        }
    }
    for (name, bytes) in plan {
        let path = folder.join(name);
        if std::fs::read(&path).is_ok_and(|there| there == *bytes) {
            continue;
        }
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent).map_err(|e| say(parent, e))?;
        }
        std::fs::write(&path, bytes).map_err(|e| say(&path, e))?;
    }
    Ok(())
}

fn listed(folder: &Path) -> Result<BTreeMap<String, PathBuf>, String> {
    let found = files(folder, ".")?;
    Ok(found.into_iter().map(|(name, path)| (name[2..].to_owned(), path)).collect())
}
