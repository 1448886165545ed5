//! Runs etcd's own test data against our core: the strongest proof that it behaves like etcd's.
//!
//! ```text
//!   ETCD_RAFT_TESTDATA=<a checkout of etcd-io/raft> cargo test -p testbed --test etcd
//!
//!   testdata/*.txt                          interaction scripts: one command, what etcd printed
//!   quorum/*.txt, quorum/testdata/*.txt     tables of votes and committed indexes
//!   confchange/*.txt, and its testdata/     tables of membership changes
//! ```
//!
//! etcd's names and its output format are used here and nowhere else. Without the variable nothing is
//! compared, and the test says so: etcd's files are not part of this project.

mod command; // the commands of a script

mod confchange; // tables of membership changes

mod format; // the file format

mod layout; // our values in etcd's output format

mod in_flight; // messages in flight

mod member; // one node and its threads

mod own; // scripts of our own

mod quorum; // tables of votes and committed indexes

mod environment; // the nodes, and what is printed

mod table; // all files, and their results

mod verdict; // the result of one file

use std::env;
use std::io::Write;
use std::path::PathBuf;
use table::Table;

/// Names the folder with etcd's files.
const VARIABLE: &str = "ETCD_RAFT_TESTDATA";

/// Returns the folder with etcd's files, if the variable is set. A relative path starts at this package or
/// at the workspace, where people run `cargo test`.
fn folder() -> Option<PathBuf> {
    let named = PathBuf::from(env::var_os(VARIABLE).filter(|name| !name.is_empty())?);
    let workspace = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..");
    Some(if named.is_dir() { named } else { workspace.join(named) })
}

/// Prints a text, whether or not the test passes.
fn say(words: &str) {
    // If standard output is closed, nobody reads the text.
    let _ = std::io::stdout().write_all(words.as_bytes());
}

#[test]
fn etcds_own_files_find_no_difference() {
    let Some(folder) = folder() else {
        return say(&format!(
            "\nSKIPPED: {VARIABLE} is not set, so etcd's files are not compared. Set it to a checkout \
             of etcd-io/raft.\n\n"
        ));
    };
    let table = Table::of(&folder).unwrap_or_else(|why| panic!("{VARIABLE}: {why}"));
    say(&format!("\n{table}\n"));
    let failures = table.failures();
    assert!(failures.is_empty(), "etcd's files are right by definition:\n{}", failures.join("\n"));
}
