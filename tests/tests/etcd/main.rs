//! etcd's own files, run against our core: the strongest proof that it does what etcd's does.
//!
//! ```text
//!   ETCD_RAFT_TESTDATA=<a checkout of etcd-io/raft> content test -p testbed --test etcd
//!
//!   testdata/*.txt                          interaction scripts: one command, what etcd printed
//!   quorum/*.txt, quorum/testdata/*.txt     tables of votes and committed indexes
//! ```
//!
//! etcd's names and its layout live here and nowhere else. Without the variable nothing is compared,
//! and the test says so: none of etcd's files is part of this project.

mod command; // what a script can say

mod feature; // what it may ask for too soon

mod format; // how its file is laid out

mod layout; // how etcd lays out our values

mod in_flight; // what is under way

mod member; // one node and its threads

mod own; // scripts of our own

mod quorum; // tables of votes and committed indexes

mod environment; // the nodes, and what is printed

mod table; // all files, and what became of them

mod verdict; // what became of one

use std::env;
use std::io::Write;
use std::path::PathBuf;
use table::Table;

/// Names the folder with etcd's files.
const VARIABLE: &str = "ETCD_RAFT_TESTDATA";

/// Returns the folder with etcd's files, if the variable names one: seen from here, or from the
/// workspace, which is where a person stands who says `content test`.
fn folder() -> Option<PathBuf> {
    let named = PathBuf::from(env::var_os(VARIABLE).filter(|name| !name.is_empty())?);
    let workspace = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..");
    Some(if named.is_dir() { named } else { workspace.join(named) })
}

/// Says something whether or not the test passes.
fn say(words: &str) {
    // If nobody reads it any more, there is nobody to tell.
    let _ = std::io::stdout().write_all(words.as_bytes());
}

#[test]
fn etcds_own_files_find_no_difference() {
    let Some(folder) = folder() else {
        return say(&format!(
            "\nSKIPPED: set {VARIABLE} to a checkout of etcd-io/raft, and its files are run against \
             this core\n\n"
        ));
    };
    let table = Table::of(&folder).unwrap_or_else(|why| panic!("{VARIABLE}: {why}"));
    say(&format!("\n{table}\n"));
    let failures = table.failures();
    assert!(failures.is_empty(), "etcd's files are right by definition:\n{}", failures.join("\n"));
}
