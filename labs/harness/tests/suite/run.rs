//! Starts this binary as the suite of bad tests, and reads what it reports.

use harness::Report;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::{Command, Output};

/// Set for the suite and its workers.
pub(crate) const AS_SUITE: &str = "RAFTWRIGHT_HARNESS_SELF_TEST";

/// Runs the suite with these arguments.
pub(crate) fn suite(args: &[&str]) -> Output {
    let exe = std::env::current_exe().unwrap();
    Command::new(exe).args(args).env(AS_SUITE, "1").output().unwrap()
}

/// Runs the suite; returns its report lines by test.
pub(crate) fn reports(args: &[&str]) -> BTreeMap<String, Report> {
    let file = Scratch::new("report");
    let path = file.0.display().to_string();
    let output = suite(&[args, &["--report", &path]].concat());
    let text = std::fs::read_to_string(&file.0);
    let text = text.unwrap_or_else(|why| panic!("{why}: {output:?}"));
    let parse = |line: &str| {
        let report: Report = serde_json::from_str(line).unwrap();
        assert!(report.card.lines().count() <= harness::LINES_MAX, "{}", report.card);
        for line in report.card.lines() {
            assert!(line.chars().count() <= harness::COLUMNS_MAX, "{line}");
        }
        (report.test.clone(), report)
    };
    text.lines().map(parse).collect()
}

/// Runs one bad test; returns its report line.
pub(crate) fn report(test: &str, args: &[&str]) -> Report {
    let mut reports = reports(&[&["--only", test], args].concat());
    assert_eq!(reports.len(), 1, "one line for one test");
    reports.remove(test).unwrap()
}

/// A file or folder that goes when the test does.
pub(crate) struct Scratch(pub(crate) PathBuf);

impl Scratch {
    pub(crate) fn new(what: &str) -> Self {
        use std::sync::atomic::{AtomicU64, Ordering};
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let name = format!(
            "raftwright-{what}-{}-{}",
            std::process::id(),
            COUNT.fetch_add(1, Ordering::Relaxed)
        );
        Scratch(std::env::temp_dir().join(name))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
