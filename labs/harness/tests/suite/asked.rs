//! The suite as others run it: cargo with filters, nextest and editors with lists, people with
//! typing errors, debuggers.

use super::judged::Case;
use super::run::{Scratch, report, reports, suite};
use harness::Outcome;

pub(crate) const CASES: &[Case] = &[
    ("tests_are_listed_as_nextest_wants_them", lists),
    ("filters_and_exact_names_choose", filters),
    ("a_wrong_flag_is_a_sentence", wrong_flags),
    ("help_shows_our_flags_and_the_usual_ones", help),
    ("a_debugger_runs_in_process", in_process),
    ("prints_of_a_test_that_passes_are_shown_when_asked", nocapture),
    ("a_worker_started_by_hand_says_so", by_hand),
    ("after_two_loops_no_more_are_started", stops_after_loops),
];

fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap()
}

fn lists() {
    let output = suite(&["--list", "--format", "terse"]);
    let listed = text(output.stdout);
    assert!(output.status.success());
    assert!(listed.lines().any(|line| line == "good: test"), "{listed}");
}

fn filters() {
    let output = text(suite(&["good", "--exact", "--nocapture"]).stdout);
    assert!(output.contains("1 passed; 0 failed"), "{output}");
    let output = text(suite(&["sweep_h", "--seeds", "30"]).stdout);
    assert!(output.contains("1 passed; 0 failed"), "{output}");
}

fn wrong_flags() {
    let wrong = [
        (&["--seeds", "x"][..], "error: --seeds wants a number from 1 to 1000000, not 'x'\n"),
        (&["--only", "nobody"], "error: --only nobody: lab 0 has no such test\n"),
        (&["--worker", "nobody"], "error: --worker nobody: lab 0 has no such test\n"),
        (&["--report", "/no/such/folder/r"], "error: --report /no/such/folder/r: cannot write it"),
    ];
    for (args, sentence) in wrong {
        let output = suite(args);
        assert_eq!(output.status.code(), Some(2), "{args:?}");
        let said = text(output.stderr);
        assert!(said.starts_with(sentence), "{said}");
    }
}

fn help() {
    let output = text(suite(&["--help"]).stdout);
    assert!(output.contains("--partition K/N") && output.contains("--test-threads"), "{output}");
}

fn in_process() {
    let failed = report("fails", &["--in-process"]);
    assert_eq!((failed.outcome, failed.row), (Outcome::Failed, Some(3)));
    let hole = report("hole", &["--in-process"]);
    assert_eq!(
        (hole.outcome, hole.hole.as_deref()),
        (Outcome::NotWritten, Some("Core::decide_vote"))
    );
    assert_eq!(report("panics", &["--in-process"]).outcome, Outcome::Crashed);
}

fn nocapture() {
    let traces = Scratch::new("traces");
    let traces = traces.0.display().to_string();
    let output = text(suite(&["leaves_a_child", "--nocapture", "--traces", &traces]).stdout);
    assert!(output.contains("leaves_a_child printed 1 lines:"), "{output}");
    let output = text(suite(&["leaves_a_child"]).stdout);
    assert!(!output.contains("printed"), "{output}");
}

fn by_hand() {
    let output = suite(&["--worker", "good"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(output.stderr).contains("--in-process"));
}

fn stops_after_loops() {
    let tests = ["loops", "loops_and_prints", "loops_holding_stdout", "good"];
    let only = tests.iter().flat_map(|test| ["--only", test]);
    let limits = ["--test-threads=1", "--cpu-limit-ms", "100"];
    let args: Vec<&str> = only.chain(limits).collect();
    let all = reports(&args);
    assert_eq!(all.len(), 4, "without the flag all of them run");
    let some = reports(&[&args[..], &["--stop-after-loops", "2"]].concat());
    let loops = some.values().filter(|line| line.rule.as_deref() == Some("endless_loop")).count();
    assert_eq!(loops, 2, "{:?}", some.keys());
    assert!(some.len() < 4, "a test after them has run: {:?}", some.keys());
}
