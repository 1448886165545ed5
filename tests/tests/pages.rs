//! Pages and pictures: nothing of a trace becomes markup, no page asks for anything, every step has its
//! row and every message its line. What a browser makes of a page is tried in `tests/browser`.

use raft::NodeId;
use testbed::page::STEPS_MAX;
use testbed::page::diagram::Diagram;
use testbed::script::{Interpreter, Script};
use testbed::trace::{Recorder, Trace};
use testbed::{Input, Owner, Setup};

/// Returns the trace of every golden script.
fn golden() -> Vec<Trace> {
    let mut traces = Vec::new();
    for folder in std::fs::read_dir("scripts").expect("there are scripts") {
        let folder = folder.expect("it can be read").path();
        for file in std::fs::read_dir(&folder).into_iter().flatten() {
            let path = file.expect("it can be read").path();
            let script = Script::read(&path).expect("it is a script");
            let (interpreter, _) = Interpreter::play_all(&script).expect("it plays");
            traces.push(interpreter.run().expect("it makes nodes").trace());
        }
    }
    assert!(traces.len() > 100, "{} scripts", traces.len());
    traces
}

/// Returns a run of so many steps, most of them ticks; it ends with what a test found, if anything.
fn long_run(steps: usize, found_at: Option<u64>) -> Trace {
    let mut run = Recorder::new(Setup::new(3, 1)).titled("a long run", "").of_seed(17);
    while run.steps().len() < steps {
        let input = run.cluster().next_in_order(&[]);
        let node = NodeId(run.steps().len() as u64 % 3 + 1);
        run.apply(&input.unwrap_or(Input::Tick(node)));
    }
    if found_at.is_some() {
        run.fail("something", found_at, None);
    }
    run.trace()
}

/// Returns the numbers after each `name="`.
fn numbers(text: &str, name: &str) -> Vec<u64> {
    let mark = format!("{name}=\"");
    let marks = text.split(&mark).skip(1);
    marks.filter_map(|rest| rest.split('"').next()?.parse().ok()).collect()
}

#[test]
fn a_page_asks_for_nothing() {
    for trace in golden() {
        let page = trace.page(None).unwrap();
        for word in ["http:", "https:", "src=", "href=", "@import", "url(", "import("] {
            let (data, rest) = page.split_once(word).unwrap_or((&page, ""));
            let is_source = data.rfind("id=\"data\"").is_some();
            assert!(rest.is_empty() || is_source, "{}: {word}", trace.header.title);
        }
        assert!(page.contains("default-src 'none'"), "{}", trace.header.title);
        assert_eq!(page.matches("</script").count(), 2, "{}", trace.header.title);
    }
}

#[test]
fn what_a_trace_holds_stays_text() {
    let bad = "</script><img src=x onerror=alert(1)><!--DATA--> & \u{2028} \u{1} \"'";
    let mut run = Recorder::new(Setup::new(3, 1)).titled(bad, bad).of_script(bad);
    run.caption(bad);
    run.apply(&Input::Campaign(NodeId(1)));
    run.stabilize();
    run.apply(&Input::Propose { node: NodeId(1), data: bad.as_bytes().to_vec().into() });
    run.stabilize();
    run.fail(bad, Some(1), None);
    let trace = run.trace();
    let page = trace.page(None).unwrap();
    assert!(!page.contains("<img"), "markup of the trace's");
    assert!(
        !page.contains('\u{2028}') && !page.contains('\u{1}'),
        "a character that breaks a script"
    );
    assert_eq!(page.matches("</script").count(), 2);
    let picture = trace.picture(1..=4).unwrap();
    assert!(!picture.contains("<img") && picture.contains("&lt;img"), "{picture}");
}

#[test]
fn every_step_has_one_row_and_every_message_one_line() {
    for trace in golden() {
        let steps = trace.steps.len() as u64;
        let diagram = Diagram::of(&trace, 1..=steps);
        let covered: Vec<u64> = diagram.rows().iter().flat_map(|row| row.steps.clone()).collect();
        assert_eq!(covered, (1..=steps).collect::<Vec<_>>(), "{}", trace.header.title);
        let picture = trace.picture(1..=steps).unwrap();
        let mut drawn = numbers(&picture, "data-message");
        drawn.sort_unstable();
        let sent = trace.steps.iter().flat_map(|step| &step.sent).map(|sent| sent.id);
        // A message that arrives twice has two lines.
        let again = trace.steps.iter().flat_map(|step| &step.gone);
        let again = again.filter(|gone| gone.why == testbed::input::Fate::Duplicated);
        let mut expected: Vec<u64> = sent.chain(again.map(|gone| gone.id)).collect();
        expected.sort_unstable();
        assert_eq!(drawn, expected, "{}", trace.header.title);
    }
}

#[test]
fn a_window_has_its_own_steps_and_the_messages_that_cross_its_edges() {
    let script = Script::read("scripts/election/first_election.txt".as_ref()).unwrap();
    let trace = Interpreter::play_all(&script).unwrap().0.run().unwrap().trace();
    let asks = trace.steps.iter().find(|step| !step.sent.is_empty()).expect("somebody campaigns");
    let from = asks.step + 1;
    let picture = trace.picture(from..=from + 2).unwrap();
    let steps = numbers(&picture, "data-step");
    assert!(steps.iter().all(|step| (from..=from + 2).contains(step)), "{steps:?}");
    assert_eq!(steps.last(), Some(&(from + 2)));
    let drawn = numbers(&picture, "data-message");
    assert!(asks.sent.iter().any(|sent| drawn.contains(&sent.id)), "{drawn:?}");
    let later = trace.steps.iter().filter(|step| step.step > from + 2).flat_map(|step| &step.sent);
    assert!(later.into_iter().all(|sent| !drawn.contains(&sent.id)), "{drawn:?}");
}

#[test]
fn a_wait_is_one_row() {
    let trace = long_run(40, None);
    let quiet = trace.steps.iter().take_while(|step| step.facts.is_empty()).count() as u64;
    assert!(quiet > 3, "the run begins with a wait");
    let diagram = Diagram::of(&trace, 1..=40);
    assert_eq!(diagram.rows()[0].steps, 1..=quiet);
}

#[test]
fn a_long_run_is_cut_around_what_a_test_found() {
    let window = |trace: &Trace, opens_on| {
        let page = trace.page(opens_on).unwrap();
        let rows = page.split("\"rows\":").nth(1).unwrap().split("]]").next().unwrap();
        let ends: Vec<u64> = rows.split(['[', ',', ']']).filter_map(|n| n.parse().ok()).collect();
        (ends[0], *ends.last().unwrap(), page)
    };
    let run = long_run(5_000, None);
    assert_eq!(window(&run, None).0..=window(&run, None).1, 1..=STEPS_MAX);
    let (from, to, page) = window(&run, Some(4_000));
    assert_eq!((from, to), (4_200 - STEPS_MAX + 1, 4_200));
    assert!(page.contains("\"seed\":17") && page.contains("\"all_steps\":5000"));
    let (from, to, page) = window(&long_run(5_000, Some(4_950)), None);
    assert_eq!((from, to), (5_000 - STEPS_MAX + 1, 5_000));
    assert!(page.contains("\"opens_on\":4950") && page.contains("\"broken\":4950"));
    let (from, to, _) = window(&long_run(STEPS_MAX as usize, None), None);
    assert_eq!((from, to), (1, STEPS_MAX), "exactly as many as a page has");
}

#[test]
fn a_step_that_is_not_there_is_named() {
    let run = long_run(30, None);
    assert_eq!(run.page(Some(31)).unwrap_err(), "there is no step 31: the run has 1 to 30");
    assert_eq!(run.page(Some(0)).unwrap_err(), "there is no step 0: the run has 1 to 30");
    assert_eq!(run.picture(0..=3).unwrap_err(), "there are no steps 0 to 3: the run has 1 to 30");
    assert_eq!(run.picture(3..=31).unwrap_err(), "there are no steps 3 to 31: the run has 1 to 30");
    let backwards = run.picture(std::ops::RangeInclusive::new(5, 4)).unwrap_err();
    assert_eq!(backwards, "there are no steps 5 to 4: the run has 1 to 30");
    let many = long_run(STEPS_MAX as usize + 1, None).picture(1..=STEPS_MAX + 1).unwrap_err();
    assert_eq!(many, "2001 steps are too many for a picture: at most 2000");
}

#[test]
fn a_log_says_what_a_crash_would_take() {
    let setup = Setup::new(1, 1).with_slow_disks().with_owners(Owner::Concurrent);
    let mut run = Recorder::new(setup);
    let one = NodeId(1);
    run.apply(&Input::Campaign(one));
    run.stabilize();
    run.apply(&Input::Propose { node: one, data: b"x=1".to_vec().into() });
    let log = |run: &Recorder| run.states_after(run.steps().len())[&1]["log"].clone();
    let noop = serde_json::json!([1, ""]);
    let entries = serde_json::json!({"1": noop, "2": [1, "x=1"]});
    assert_eq!(log(&run), serde_json::json!({"last": "2@1", "durable": 1, "entries": entries}));
    let mut kept = run.clone();
    kept.stabilize();
    assert_eq!(log(&kept), serde_json::json!({"last": "2@1", "durable": 2, "entries": entries}));
    run.apply(&Input::Crash(one));
    let left = serde_json::json!({"last": "1@1", "durable": 1, "entries": {"1": noop}});
    assert_eq!(log(&run), left, "the disk's log");
}

#[test]
fn a_long_log_has_its_newest_entries_only() {
    let mut run = Recorder::new(Setup::new(1, 1));
    run.apply(&Input::Campaign(NodeId(1)));
    run.stabilize();
    for number in 0..80 {
        let data = format!("a command with many letters, number {number}").into_bytes();
        run.apply(&Input::Propose { node: NodeId(1), data: data.into() });
        run.stabilize();
    }
    let log = run.states_after(run.steps().len())[&1]["log"].clone();
    let entries = log["entries"].as_object().unwrap();
    assert_eq!((log["last"].as_str(), entries.len()), (Some("81@1"), 64));
    assert!(entries.contains_key("18") && !entries.contains_key("17"));
    assert_eq!(entries["81"][1], "a command with many le..");
}
