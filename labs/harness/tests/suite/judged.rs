//! What each bad test must be told.

use super::run::{Scratch, report, reports, suite};
use harness::{Outcome, Report};

/// One thing that must be so.
pub(crate) type Case = (&'static str, fn());

pub(crate) const CASES: &[Case] = &[
    ("a_test_that_holds_passes", holds),
    ("a_failure_is_reported_with_all_it_knows", failure),
    ("a_test_that_records_no_run_leaves_its_card_as_a_page", page_of_a_card),
    ("a_page_that_cannot_be_written_is_said_on_the_card", no_page),
    ("a_table_of_many_rows_fits_on_a_card", table),
    ("a_hole_is_not_written_and_not_wrong", hole),
    ("only_the_first_panic_counts", first_panic),
    ("a_panic_is_told", panics),
    ("a_loop_is_ended_by_cpu_time", loops),
    ("a_stack_that_overflows_is_told", stack),
    ("an_exit_code_proves_nothing", exits),
    ("an_abort_is_told", aborts),
    ("memory_is_capped", memory),
    ("a_test_that_waits_is_ended", blocks),
    ("a_lie_is_not_believed", lies),
    ("closing_stdout_changes_nothing", closes),
    ("printing_is_bounded_and_never_blocks", prints),
    ("what_is_left_behind_holds_nobody_up", leaves),
    ("a_sweep_names_its_first_seed_and_counts", sweeps),
    ("the_rest_of_the_suite_runs_on", rest),
];

fn crash(test: &str, rule: &str, args: &[&str]) -> Report {
    let report = report(test, args);
    assert_eq!((report.outcome, report.rule.as_deref()), (Outcome::Crashed, Some(rule)));
    assert!(!report.card.is_empty());
    report
}

fn has(report: &Report, text: &str) {
    assert!(report.card.contains(text), "no '{text}' in\n{}", report.card);
}

fn holds() {
    let report = report("good", &[]);
    assert_eq!((report.outcome, report.step, report.seeds), (Outcome::Passed, 1, 20));
    assert_eq!((report.card.as_str(), report.rule), ("", None));
}

fn failure() {
    let traces = Scratch::new("traces");
    let report = report("fails", &["--traces", &traces.0.display().to_string()]);
    assert_eq!(report.outcome, Outcome::Failed);
    assert_eq!((report.rule.as_deref(), report.row), (Some("one_vote_per_term"), Some(3)));
    assert_eq!(
        report.headline,
        "ONE VOTE PER TERM: n1 voted for n2 and then for n3, both in term 1"
    );
    let trace = std::fs::read_to_string(report.trace.as_ref().unwrap()).unwrap();
    assert_eq!(trace, "{\"a\":1}\n");
    let page = std::fs::read_to_string(report.page.as_ref().unwrap()).unwrap();
    assert_eq!(page, "<p>the run");
    let named = report.card.lines().find_map(|line| line.strip_prefix("  page    ")).unwrap();
    let named = named.trim_start_matches(".. ");
    assert!(report.page.as_ref().unwrap().ends_with(named), "{named}");
    has(&report, "x 0 step 2 · fails · row 3");
    has(&report, "cargo labs replay fails/3");
    has(&report, "your code printed 2 lines:\n    first line of what I print\n    ?[31mand a red");
}

fn table() {
    let report = report("table_fails", &[]);
    assert_eq!((report.outcome, report.row), (Outcome::Failed, Some(2)));
    has(&report, "20 of 40 rows");
    has(&report, "more rows fail");
}

fn hole() {
    let report = report("hole", &[]);
    assert_eq!(report.outcome, Outcome::NotWritten);
    assert_eq!(report.hole.as_deref(), Some("Core::decide_vote"));
    assert_eq!(report.rule, None);
    has(&report, "o 0 step 3 · hole");
    crash("another_todo", "panicked", &[]);
}

fn first_panic() {
    for test in ["hole_then_failure", "hole_then_abort"] {
        let report = report(test, &[]);
        assert_eq!(report.outcome, Outcome::NotWritten, "{test}");
        assert_eq!(report.hole.as_deref(), Some("Majority::needed"));
    }
    has(&crash("panics_twice", "panicked", &[]), "THE CODE PANICKED: the first panic");
}

fn panics() {
    let report = crash("panics", "panicked", &[]);
    has(&report, "THE CODE PANICKED: vote is none none");
    has(&report, "suite/bad.rs:");
    has(&crash("panics_with_a_value", "panicked", &[]), "a value that is no text");
    has(&crash("unwinds_without_a_panic", "panicked", &[]), "quietly");
}

fn loops() {
    for test in ["loops", "loops_and_prints", "loops_holding_stdout"] {
        let report = crash(test, "endless_loop", &["--cpu-limit-ms", "300"]);
        if test == "loops" {
            has(&report, "while       n1 hears n2: RequestVote t1");
        }
    }
}

fn stack() {
    let report = crash("recurses", "stack_overflow", &[]);
    has(&report, "while       n1 hears n2: VoteReply t1");
}

fn exits() {
    has(&crash("exits_with_0", "exited_early", &[]), "code 0");
    let report = crash("exits_with_7", "exited_early", &[]);
    has(&report, "code 7");
    has(&report, "while       n1 ticks");
    has(&report, "your code printed:\n    bye");
}

fn aborts() {
    crash("aborts", "aborted", &[]);
}

fn memory() {
    crash("grows", "out_of_memory", &[]);
    crash("allocates_at_once", "out_of_memory", &[]);
}

fn blocks() {
    for test in ["blocks", "reads_stdin"] {
        crash(test, "blocked", &["--wall-limit-ms", "400"]);
    }
    // The watchdog does not wait for the wall-clock limit: a test that uses no CPU time sleeps.
    has(&crash("blocks", "blocked", &["--cpu-limit-ms", "600"]), "and no other thread can end it");
}

fn lies() {
    crash("lies_and_exits", "exited_early", &[]);
    assert_eq!(report("lies_and_fails", &[]).outcome, Outcome::Failed);
}

fn closes() {
    assert_eq!(report("closes_stdout", &[]).outcome, Outcome::Passed);
}

fn prints() {
    let report = report("prints_megabytes", &[]);
    assert_eq!(report.outcome, Outcome::Failed);
    has(&report, "your code printed 200002 lines; the last 6:");
    let report = super::run::report("prints_one_long_line", &[]);
    assert_eq!(report.outcome, Outcome::Failed);
    has(&report, "    longlong");
}

fn leaves() {
    for test in ["leaves_a_thread", "leaves_a_child"] {
        assert_eq!(report(test, &[]).outcome, Outcome::Passed, "{test}");
    }
    assert_eq!(report("leaves_a_loud_thread", &[]).outcome, Outcome::Failed);
}

fn sweeps() {
    let traces = Scratch::new("traces");
    let report = report("sweep_fails", &["--traces", &traces.0.display().to_string()]);
    assert_eq!((report.seed, report.seeds), (Some(3), 20));
    has(&report, "seed 3 (17 of 20 seeds hold)");
    has(&report, "shrunk 4112 -> 9 events, crashes 2, dropped 0 of 31");
    has(&report, "cargo labs replay sweep_fails 3 --open");
    assert!(report.trace.unwrap().ends_with("sweep_fails-3.jsonl"));
    assert!(report.page.unwrap().ends_with("sweep_fails-3.html"));

    let one = super::run::report("sweep_fails", &["--seed", "10"]);
    assert_eq!((one.seed, one.seeds), (Some(10), 1));
    let share = super::run::report("sweep_fails", &["--partition", "2/2", "--seeds", "3"]);
    assert_eq!((share.outcome, share.seeds), (Outcome::Passed, 1));
    assert_eq!(super::run::report("sweep_holds", &["--seeds", "1000"]).seeds, 1000);

    let looping = crash("sweep_loops", "endless_loop", &["--cpu-limit-ms", "300"]);
    assert_eq!(looping.seed, Some(5));
    assert_eq!(crash("sweep_aborts", "aborted", &[]).seed, Some(5));
}

fn rest() {
    let names = ["exits_with_0", "good", "recurses", "fails", "grows"];
    let args: Vec<&str> = names.iter().flat_map(|name| ["--only", name]).collect();
    assert_eq!(reports(&args).len(), names.len());
    let output = suite(&args);
    assert_eq!(output.status.code(), Some(101));
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("1 passed; 4 failed"), "{text}");
}

fn page_of_a_card() {
    let traces = Scratch::new("traces");
    for test in ["table_fails", "panics", "loops"] {
        let report = report(test, &["--traces", &traces.0.display().to_string()]);
        assert_eq!(report.trace, None, "{test}");
        let page = std::fs::read_to_string(report.page.as_ref().unwrap()).unwrap();
        let first = report.card.lines().next().unwrap();
        assert!(page.contains(first), "{test}: {first} is not in\n{page}");
    }
}

fn no_page() {
    let traces = Scratch::new("traces");
    std::fs::create_dir_all(&traces.0).unwrap();
    let file = traces.0.join("a_file");
    std::fs::write(&file, "").unwrap();
    let report = report("fails", &["--traces", &file.display().to_string()]);
    assert_eq!((report.trace, report.page), (None, None));
    assert!(report.card.contains("fails.html is not written: "), "{}", report.card);
}
