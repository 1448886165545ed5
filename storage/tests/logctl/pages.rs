//! Transcripts: the book and the page of damages show what the program prints.
//!
//! ```text
//!   $ logctl check rotted        a command, in a block of kind `console`
//!   ...                          what it prints: stdout first, then stderr
//!   $ echo $?
//!   1                            its exit code
//! ```

use crate::places;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Runs the commands of a page in order, and returns the page with their current output.
fn rewritten(page: &str) -> String {
    let dir = tempfile::tempdir().unwrap();
    places::make(dir.path());
    let mut today = String::new();
    let mut is_console = false;
    let mut code = 0;
    for line in page.lines() {
        if line.starts_with("```") {
            is_console = line == "```console";
        } else if is_console && !line.starts_with("$ ") {
            continue; // the old output
        }
        today += line;
        today.push('\n');
        if is_console && let Some(command) = line.strip_prefix("$ ") {
            today += &run(command, dir.path(), &mut code);
        }
    }
    today
}

/// Runs a command, and returns what it prints.
fn run(command: &str, dir: &Path, code: &mut i32) -> String {
    if command == "echo $?" {
        return format!("{code}\n");
    }
    let words: Vec<&str> = command.split_whitespace().collect();
    assert_eq!(words[0], "logctl", "{command}");
    let mut logctl = Command::new(env!("CARGO_BIN_EXE_logctl"));
    let output = logctl.args(&words[1..]).current_dir(dir).output().unwrap();
    *code = output.status.code().unwrap();
    String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap()
}

/// Checks that a page shows what the program prints today.
fn check_page(page: &Path) {
    let text = fs::read_to_string(page).unwrap();
    let today = rewritten(&text);
    if std::env::var_os("REWRITE").is_some() {
        fs::write(page, today).unwrap();
        return;
    }
    for (n, (line, today)) in text.lines().zip(today.lines()).enumerate() {
        assert_eq!(line, today, "{}:{}; REWRITE=1 writes it", page.display(), n + 1);
    }
    assert_eq!(text, today, "{}; REWRITE=1 writes it", page.display());
}

/// Returns the path of a page, given from the package.
fn page(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

#[test]
fn the_book_shows_what_logctl_prints() {
    check_page(&page("../book/src/logctl.md"));
}

#[test]
fn the_page_of_damages_shows_what_logctl_prints() {
    check_page(&page("tests/logctl/damages.md"));
}
