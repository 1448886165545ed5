//! The program and its surroundings: arguments that make no sense, directories that stay unchanged,
//! broken pipes, locks that another process holds.

use crate::places;
use std::fs;
use std::io::Read;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::SystemTime;
use storage::{Batch, Disk, DiskFile, GroupId, Index, Log, Options, RealDisk};

/// Runs the program.
fn logctl(dir: &Path, words: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_logctl")).args(words).current_dir(dir).output().unwrap()
}

/// Returns the exit code, and what the program printed to stderr.
fn code_and_stderr(output: &Output) -> (i32, String) {
    let stderr = String::from_utf8(output.stderr.clone()).unwrap();
    assert!(!stderr.contains("panicked"), "{stderr}");
    (output.status.code().unwrap(), stderr)
}

/// Returns everything in a directory: names, bytes, times.
fn contents(dir: &Path) -> Vec<(String, Vec<u8>, SystemTime)> {
    let mut contents =
        vec![(".".to_owned(), Vec::new(), fs::metadata(dir).unwrap().modified().unwrap())];
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let modified = fs::metadata(&path).unwrap().modified().unwrap();
        contents.push((name, fs::read(&path).unwrap(), modified));
    }
    contents.sort();
    contents
}

/// Commands that only read.
const READ_ONLY: [&[&str]; 7] = [
    &["check"],
    &["dump"],
    &["dump", "--hex", "--group", "g1"],
    &["stats"],
    &["tail", "-n", "3"],
    &["truncate-at", "5"],
    &["drop-group", "1"],
];

/// Runs every read-only command on a directory, and checks that the directory stays unchanged.
fn run_read_only(root: &Path, name: &str) {
    let before = contents(&root.join(name));
    for words in READ_ONLY {
        let mut words = words.to_vec();
        words.insert(1, name);
        let (code, stderr) = code_and_stderr(&logctl(root, &words));
        assert!((0..3).contains(&code), "{words:?}: {code} {stderr}");
    }
    assert!(contents(&root.join(name)) == before, "{name} has changed");
}

#[test]
fn reading_a_log_changes_no_byte_and_no_time_of_it() {
    let dir = tempfile::tempdir().unwrap();
    places::make(dir.path());
    for entry in fs::read_dir(dir.path()).unwrap() {
        run_read_only(dir.path(), entry.unwrap().file_name().to_str().unwrap());
    }
}

#[cfg(unix)]
#[test]
fn a_read_only_directory_can_be_read() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().unwrap();
    places::make(dir.path());
    let log = dir.path().join("rotted");
    let may = |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode));
    for entry in fs::read_dir(&log).unwrap() {
        may(&entry.unwrap().path(), 0o444).unwrap();
    }
    may(&log, 0o555).unwrap();
    run_read_only(dir.path(), "rotted");
    may(&log, 0o755).unwrap();
}

#[test]
fn a_disk_that_is_opened_for_reading_writes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    places::make(dir.path());
    let log = dir.path().join("log");
    let before = contents(&log);
    let disk = RealDisk::to_read(&log).unwrap();
    assert!(disk.create("new").is_err());
    assert!(disk.rename("00000001.log", "new").is_err());
    assert!(disk.remove("00000001.log").is_err());
    assert!(disk.sync_dir().is_err());
    assert!(disk.lock().is_err());
    let file = disk.open("00000001.log").unwrap();
    assert!(file.write_at(0, b"x").is_err());
    assert!(Log::open_on(disk, Options::default()).is_err());
    assert!(contents(&log) == before);
    assert!(RealDisk::to_read(dir.path().join("nowhere")).is_err());
    assert!(!dir.path().join("nowhere").exists());
}

#[test]
fn a_directory_without_a_log_is_reported_and_stays_unchanged() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path();
    places::make(root);
    fs::write(root.join("a-file"), "x").unwrap();
    fs::create_dir(root.join("strange")).unwrap();
    fs::write(root.join("strange/\u{1b}[31m.txt"), "x").unwrap();
    fs::create_dir_all(root.join("nested/00000001.log")).unwrap();
    fs::create_dir(root.join("sparse")).unwrap();
    fs::File::create(root.join("sparse/00000001.log")).unwrap().set_len(1 << 40).unwrap();
    for words in READ_ONLY.into_iter().chain([&["truncate-at", "5", "--yes"][..]]) {
        for (name, why) in [
            ("nowhere", "No such file or directory"),
            ("a-file", "Not a directory"),
            ("empty", "there is no log here"),
            ("strange", "\\u{1b}[31m.txt is not a file of the log"),
        ] {
            let mut words = words.to_vec();
            words.insert(1, name);
            let (code, stderr) = code_and_stderr(&logctl(root, &words));
            assert_eq!(code, 2, "{words:?}: {stderr}");
            assert!(stderr.contains(why), "{words:?}: {stderr}");
        }
    }
    for (name, why) in [("nested", "not a regular file"), ("sparse", "no segment is longer")] {
        let output = logctl(root, &["check", name]);
        let page = String::from_utf8(output.stdout.clone()).unwrap();
        assert_eq!(code_and_stderr(&output).0, 2, "{page}");
        assert!(page.contains("NOT READABLE HERE") && page.contains(why), "{page}");
    }
    assert!(!root.join("nowhere").exists());
    assert_eq!(fs::read_dir(root.join("strange")).unwrap().count(), 1, "no LOCK either");
    assert_eq!(fs::read_dir(root.join("empty")).unwrap().count(), 0, "no LOCK either");
}

#[cfg(unix)]
#[test]
fn a_pipe_with_a_segments_name_does_not_block_the_program() {
    let dir = tempfile::tempdir().unwrap();
    let pipe = dir.path().join("00000001.log");
    if !Command::new("mkfifo").arg(&pipe).status().is_ok_and(|status| status.success()) {
        return; // mkfifo does not exist here
    }
    let (code, _) = code_and_stderr(&logctl(dir.path(), &["check", "."]));
    assert_eq!(code, 2);
}

#[test]
fn a_reader_that_closes_the_pipe_early_causes_no_message() {
    let dir = tempfile::tempdir().unwrap();
    let options =
        Options { segment_bytes: 1 << 20, max_batch_bytes: 1 << 19, ..Options::default() };
    let log = Log::open(dir.path().join("log"), options).unwrap();
    for n in 0..5000u32 {
        log.append(Batch::new().put(GroupId(1), b"key", &n.to_le_bytes())).unwrap();
    }
    log.close().unwrap();
    let mut child = Command::new(env!("CARGO_BIN_EXE_logctl"))
        .args(["dump", "log", "--hex"])
        .current_dir(dir.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut page = child.stdout.take().unwrap();
    page.read_exact(&mut [0; 100]).unwrap();
    drop(page);
    let (code, stderr) = code_and_stderr(&child.wait_with_output().unwrap());
    assert_eq!((code, stderr.as_str()), (141, ""));
}

#[test]
fn a_log_that_is_open_elsewhere_is_not_changed() {
    let dir = tempfile::tempdir().unwrap();
    places::make(dir.path());
    let options = Options { segment_bytes: 8192, max_batch_bytes: 2048, ..Options::default() };
    let log = Log::open(dir.path().join("log"), options).unwrap();
    let before = contents(&dir.path().join("log"));
    for words in [&["truncate-at", "log", "5", "--yes"][..], &["drop-group", "log", "2", "--yes"]] {
        let (code, stderr) = code_and_stderr(&logctl(dir.path(), words));
        assert_eq!(code, 2, "{stderr}");
        assert!(stderr.contains("already open"), "{stderr}");
    }
    assert!(contents(&dir.path().join("log")) == before);
    let (code, stderr) = code_and_stderr(&logctl(dir.path(), &["check", "log"]));
    assert_eq!((code, stderr.as_str()), (0, ""), "reading needs no lock");
    drop(log);
}

#[test]
fn a_real_log_that_was_cut_opens_with_the_kept_frames() {
    let dir = tempfile::tempdir().unwrap();
    places::make(dir.path());
    let page = logctl(dir.path(), &["truncate-at", "rotted", "3", "--yes"]);
    assert_eq!(code_and_stderr(&page), (0, String::new()));
    let options = Options { segment_bytes: 8192, max_batch_bytes: 2048, ..Options::default() };
    let log = Log::open(dir.path().join("rotted"), options).unwrap();
    assert_eq!(log.groups(), [GroupId(1), GroupId(2)]);
    assert_eq!(log.last_index(GroupId(1)), Some(Index(1)));
    assert_eq!(log.entry(GroupId(1), Index(1)).unwrap().unwrap().data, "3 apples");
    assert_eq!(log.last_index(GroupId(2)), Some(Index(0)));
    assert_eq!(log.get(GroupId(2), b"vote").as_deref(), Some(&b"n3 in term 1"[..]));
}

#[test]
fn wrong_arguments_are_answered_with_the_right_ones() {
    let dir = tempfile::tempdir().unwrap();
    places::make(dir.path());
    let cases: [(&[&str], &str); 20] = [
        (&[], "no command is given"),
        (&["chek", "log"], "\"chek\" is not a command; the commands are check, dump"),
        (&["check"], "DIR is missing; usage: logctl check DIR"),
        (&["check", "log", "log"], "unexpected argument \"log\"; usage: logctl check DIR"),
        (&["check", "log", "--yes"], "unknown option --yes; usage: logctl check DIR"),
        (
            &["dump", "log", "--grup", "7"],
            "unknown option --grup; usage: logctl dump DIR [--group G]",
        ),
        (&["dump", "log", "--group"], "--group needs a value: G"),
        (&["dump", "log", "--group", "x"], "--group must be a number, not \"x\""),
        (&["dump", "log", "--limit=-1"], "--limit must be a number, not \"-1\""),
        (&["dump", "log", "--hex=no"], "--hex takes no value"),
        (&["dump", "log", "--limit", "99999999999999999999"], "must be a number"),
        (&["tail", "log", "-n", "0"], "-n must be at least 1"),
        (&["tail", "log", "-n"], "-n needs a value: N"),
        (&["truncate-at", "log"], "LSN is missing; usage: logctl truncate-at DIR LSN"),
        (&["truncate-at", "log", "seven"], "LSN must be a number, not \"seven\""),
        (&["truncate-at", "log", "g7"], "LSN must be a number, not \"g7\""),
        (&["drop-group", "log"], "G is missing; usage: logctl drop-group DIR G [--yes]"),
        (&["drop-group", "log", "g9"], "there is no group g9; the groups are g1 g2"),
        (&["drop-group", "log", "--yes", "--", "-1"], "G must be a number, not \"-1\""),
        (&["truncate-at", "log", "0", "--yes"], "LSN 0 is not in the log, which begins with LSN 1"),
    ];
    let before = contents(&dir.path().join("log"));
    for (words, why) in cases {
        let output = logctl(dir.path(), words);
        let (code, stderr) = code_and_stderr(&output);
        assert_eq!(code, 2, "{words:?}: {stderr}");
        assert!(stderr.starts_with("logctl: ") && stderr.contains(why), "{words:?}: {stderr}");
        assert!(output.stdout.is_empty(), "{words:?}");
    }
    for words in [&["help"][..], &["--help"], &["dump", "-h"]] {
        let output = logctl(dir.path(), words);
        assert_eq!(code_and_stderr(&output), (0, String::new()));
        assert!(output.stdout.starts_with(b"logctl shows the log"));
    }
    let mut after = contents(&dir.path().join("log"));
    after.retain(|(name, ..)| name != "LOCK"); // with --yes the program may take the lock first
    let files = |contents: &[(String, Vec<u8>, SystemTime)]| contents[1..].to_vec();
    assert!(files(&after) == files(&before));
}

#[test]
fn the_program_uses_only_its_arguments_and_its_streams() {
    let words = ["std::fs", "std::net", "std::process", "std::time", "std::env", "unsafe"];
    let allowed = ["std::env::args_os", "std::process::ExitCode"];
    for entry in fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/bin/logctl")).unwrap()
    {
        let path = entry.unwrap().path();
        let source = fs::read_to_string(&path).unwrap();
        let source = allowed.iter().fold(source, |source, word| source.replace(word, ""));
        for word in words {
            assert!(!source.contains(word), "{}: {word}", path.display());
        }
    }
}
