//! Golden scripts: every story under `scripts/` still goes as it is written.
//!
//! ```text
//!   REWRITE=1 cargo test -p testbed --test scripts      writes what comes of them today; then read
//!                                                       the difference before you commit it
//! ```

use std::fs;
use std::path::{Path, PathBuf};
use testbed::script::Script;

/// Returns every script, in order, by its path from the package.
fn scripts() -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![PathBuf::from("scripts")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("the folder is there") {
            let path = entry.expect("it can be listed").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|kind| kind == "txt") {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

fn read(path: &Path) -> Script {
    Script::read(path).unwrap_or_else(|why| panic!("{why}"))
}

#[test]
fn every_script_goes_as_it_is_written() {
    let mut differences = String::new();
    for path in scripts() {
        let script = read(&path);
        let today = script.rewritten().unwrap_or_else(|why| panic!("{why}"));
        if std::env::var_os("REWRITE").is_some() {
            fs::write(&path, today).unwrap();
            continue;
        }
        let found = script.differences().unwrap();
        for difference in &found {
            differences += &(difference.text() + "\n");
        }
        let text = fs::read_to_string(&path).unwrap();
        if found.is_empty() && text != today {
            differences += &format!("{}: a command has no output\n", path.display());
        }
    }
    assert!(differences.is_empty(), "\n\n{differences}\nREWRITE=1 writes what came of them.\n");
}
