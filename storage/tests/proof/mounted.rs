//! A real file system that is full: a tmpfs of 200 MiB, the default options, in a process of its own.
//!
//! ```text
//!   this test --unshare--> a mount namespace: mount tmpfs --exec--> this program again, as the child
//!                              '-- removed when its last process ends, however it ends
//! ```
//!
//! No other process can see the mount, so nothing is left behind. Mounting needs root or a user namespace.
//! Without either, the test prints that it was skipped, and why.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, io};
use storage::{Batch, EntryId, Error, GroupId, Index, Log, Options};
use testbed::engine::entries::entry;

/// The environment variable that names the child's file system.
const MOUNTED_AT: &str = "STORAGE_MOUNTED_AT";

/// What the child prints when it has finished. A child that ran no test prints nothing.
const DONE: &str = "the child on the tmpfs is done";

/// The size of the file system.
const DISK_BYTES: u64 = 200 << 20;

const G: GroupId = GroupId(1);

#[test]
fn a_log_goes_on_after_its_file_system_was_full() {
    let dir = tempfile::tempdir().unwrap();
    let mount = format!("mount -t tmpfs -o size={DISK_BYTES} tmpfs \"$0\" && exec \"$@\"");
    let exe = env::current_exe().unwrap();
    let mut why = Vec::new();
    for unshare in [&["--mount"][..], &["--mount", "--map-root-user"]] {
        // A program that cannot fail shows whether mounting works at all.
        let within = |program: &[&std::ffi::OsStr]| {
            let mut command = Command::new("unshare");
            command.args(unshare).args(["--", "sh", "-c", &mount]).arg(dir.path()).args(program);
            command.env(MOUNTED_AT, dir.path()).output()
        };
        match within(&["true".as_ref()]) {
            Ok(output) if output.status.success() => {}
            Ok(output) => {
                why.push(String::from_utf8_lossy(&output.stderr).trim().to_owned());
                continue;
            }
            Err(error) => {
                why.push(format!("unshare: {error}"));
                continue;
            }
        }
        let child = ["--exact", "mounted::child", "--ignored", "--nocapture"];
        let program: Vec<&std::ffi::OsStr> =
            [exe.as_os_str()].into_iter().chain(child.iter().map(|word| word.as_ref())).collect();
        let output = within(&program).unwrap();
        let printed = String::from_utf8_lossy(&output.stdout);
        assert!(
            output.status.success() && printed.contains(DONE),
            "{printed}\n{}",
            String::from_utf8_lossy(&output.stderr)
        );
        let left = std::fs::read_dir(dir.path()).unwrap().count();
        assert_eq!(left, 0, "other processes can see the mount");
        return;
    }
    let skipped = format!(
        "SKIPPED a_log_goes_on_after_its_file_system_was_full: no tmpfs: {}\n",
        why.join("; ")
    );
    // Written to stdout directly, because the harness hides the output of passing tests.
    let _ = io::stdout().write_all(skipped.as_bytes());
}

/// Appends entries of 4 KB until there is no room. Returns the last one.
fn fill(log: &Log, mut last: u64) -> u64 {
    loop {
        let entries = [entry(last + 1, 1, 4000)];
        match log.append(Batch::new().entries(G, &entries)) {
            Ok(_) => last += 1,
            Err(Error::NoSpace { .. }) => break,
            Err(other) => panic!("entry {}: {other}", last + 1),
        }
        // Only every 1000th: a tail with many frames that may not be durable is the harder case.
        if last.is_multiple_of(1000) {
            log.sync_to(log.appended_lsn()).unwrap();
        }
    }
    last
}

/// Checks the first and the last index, and reads every seventh entry.
fn check(log: &Log, first: u64, last: u64, place: &str) {
    assert_eq!(log.first_index(G), Some(Index(first)), "{place}");
    assert_eq!(log.last_index(G), Some(Index(last)), "{place}");
    for index in (first..=last).step_by(7).chain([last]) {
        assert_eq!(log.entry(G, Index(index)).unwrap(), Some(entry(index, 1, 4000)), "{place}");
    }
}

/// Compacts all but ten entries, collects, and goes on writing. Returns the first and the last index.
fn compact_and_go_on(log: &Log, last: u64, place: &str) -> (u64, u64) {
    let refused = log.append(Batch::new().entries(G, &[entry(last + 1, 1, 4000)]));
    assert!(matches!(refused, Err(Error::NoSpace { .. })), "{place}: {refused:?}");
    log.write(Batch::new().compact(G, EntryId::new(last - 10, 1))).unwrap();
    let collected = log.gc().unwrap();
    assert!(!collected.removed.is_empty(), "{place}: {collected:?}");
    for index in last + 1..=last + 1000 {
        let entries = [entry(index, 1, 4000)];
        log.append(Batch::new().entries(G, &entries)).unwrap_or_else(|e| panic!("{place}: {e}"));
    }
    log.sync_to(log.appended_lsn()).unwrap();
    (last - 9, last + 1000)
}

/// The child: what the test does on the full file system.
#[test]
#[ignore = "a_log_goes_on_after_its_file_system_was_full starts it"]
fn child() {
    let Some(dir) = env::var_os(MOUNTED_AT).map(PathBuf::from) else {
        panic!("a_log_goes_on_after_its_file_system_was_full starts this, on a tmpfs of its own");
    };
    let open = |place: &str| {
        Log::open(dir.join("log"), Options::default()).unwrap_or_else(|e| panic!("{place}: {e}"))
    };
    let log = open("a new log");
    let last = fill(&log, 0);
    assert!(last > 30_000, "{last} entries of 4 KB in 200 MiB");

    // Killed: the log opens repeatedly, and holds everything.
    drop(log);
    let log = open("killed when the disk was full");
    check(&log, 1, last, "killed");
    drop(log);
    // Another file takes the rest, to the last byte.
    let rest = take_the_rest(&dir);
    let log = open("killed, and not a byte free");
    check(&log, 1, last, "not a byte free");
    let (first, last) = compact_and_go_on(&log, last, "killed");
    check(&log, first, last, "killed, compacted");

    // The same within one process; then in the next process.
    let last = fill(&log, last);
    check(&log, first, last, "full again");
    let (first, last) = compact_and_go_on(&log, last, "in one process");
    let last = fill(&log, last);
    drop(log);
    let log = open("killed once more");
    check(&log, first, last, "killed once more");

    // There is room again, and the log goes on by itself.
    std::fs::remove_file(rest).unwrap();
    log.write(Batch::new().compact(G, EntryId::new(last, 1))).unwrap();
    log.gc().unwrap();
    for index in last + 1..=last + 5000 {
        log.append(Batch::new().entries(G, &[entry(index, 1, 4000)])).unwrap();
    }
    log.close().unwrap();
    check(&open("closed"), last + 1, last + 5000, "closed");
    println!("{DONE}: {last} entries");
}

/// Writes a file until the file system has no byte free.
fn take_the_rest(dir: &Path) -> PathBuf {
    let path = dir.join("another file");
    let mut file = std::fs::File::create(&path).unwrap();
    for bytes in [1 << 20, 4096, 1] {
        while file.write_all(&vec![1; bytes]).is_ok() {}
    }
    path
}
