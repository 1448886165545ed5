//! Traces: a trace can be read again, its patches give the state after every step, and its replay writes
//! the same bytes. For a file that is not a trace the error names the line.
//!
//! ```text
//!   random inputs --> Recorder --> text --> parse --> replay --> the same text
//! ```

use raft::{
    Body, ChangeError, ChangeRefusal, CommitGroup, CommitGroups, Config, EntryId, Event, Ignored,
    Index, Message, NodeId, Note, Priority, Read, ReadDropped, ReadToken, Refusal, RoleName,
    SnapshotRefusal, Term, VoteRequest,
};
use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};
use testbed::script::{Interpreter, Script};
use testbed::trace::event::{RecordedEvent, RulePlace};
use testbed::trace::format::VERSION;
use testbed::trace::state::NodeState;
use testbed::trace::{self, Outcome, Recorder, Trace};
use testbed::{Input, Owner, Request, Rule, Setup};

/// Returns a cluster and a run of it in which everything happens that can: 60 steps for every seed.
fn random_run(seed: u64) -> Recorder {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let size = rng.random_range(1..=5);
    let setup = Setup::new(size, seed);
    let setup = if seed.is_multiple_of(2) { setup } else { setup.with_slow_disks() };
    let mut setup = match seed % 3 {
        0 => setup,
        1 => setup.with_owners(Owner::OneAtATime),
        _ => setup.with_owners(Owner::Concurrent),
    };
    for (config, _) in &mut setup.nodes {
        config.max_append_bytes = [None, Some(20), Some(1 << 20)][rng.random_range(0..3)];
        config.max_inflight_messages = rng.random_range(1..4);
        config.batch_append = seed % 4 == 3;
    }
    let mut run = Recorder::new(setup).titled(format!("random run {seed}"), "a\nb").of_seed(seed);
    for _ in 0..60 {
        let input = random_input(&mut rng, size, &run);
        run.apply(&input);
    }
    run
}

fn random_request(rng: &mut ChaCha8Rng, peer: NodeId) -> Request {
    match rng.random_range(0..6) {
        0 => Request::Prefer(Priority(rng.random_range(0..3))),
        1 => Request::Divide(None),
        2 => Request::Divide(Some(CommitGroups::new([(peer, CommitGroup(1))]))),
        3 => Request::Resize { peer, appends: rng.random_range(0..3) },
        4 => Request::Ping,
        _ => Request::ForgetLeader,
    }
}

fn random_input(rng: &mut ChaCha8Rng, size: u64, run: &Recorder) -> Input {
    let mut node = || NodeId(rng.random_range(1..=size));
    let (one, two) = (node(), node());
    let flights = run.cluster().network().flights();
    let stray = Message {
        from: NodeId(9),
        to: one,
        term: Some(Term(rng.random_range(0..9))),
        body: Body::RequestVote(VoteRequest::new(EntryId::default())),
    };
    let message = match flights.len() {
        0 => stray.clone(),
        many => flights[rng.random_range(0..many)].message.clone(),
    };
    match rng.random_range(0..32) {
        0 => Input::Campaign(one),
        21 => Input::Ask { node: one, request: Request::Transfer(two) },
        22 => Input::Ask { node: one, request: random_request(rng, two) },
        20 => Input::Read { node: one, context: vec![rng.random_range(0..=255)].into() },
        24 | 25 => Input::Propose { node: one, data: vec![rng.random_range(0..=255)].into() },
        26..=29 => Input::Ready(one),
        30 | 31 => Input::Apply(one),
        1 => Input::Drop(message),
        2 => Input::Duplicate(message),
        3 => Input::Post(stray),
        4 => Input::Crash(one),
        5 | 6 => Input::Restart(one),
        7 => Input::Cut { from: one, to: two },
        8 => Input::Mend { from: one, to: two },
        9 => Input::Partition(vec![vec![one], vec![two]]),
        10 => Input::Heal,
        11 => Input::PinLimit { node: one, ticks: Some(3) },
        12 => Input::PinLimit { node: one, ticks: None },
        13..=16 => Input::Persist(one),
        17..=19 => Input::Tick(one),
        _ => Input::Deliver(message),
    }
}

#[test]
fn a_trace_reads_back_as_it_was_written() {
    for seed in 0..40 {
        let written = random_run(seed).trace();
        let read = trace::parse("memory", &written.to_json_lines()).unwrap();
        assert_eq!(read, written, "seed {seed}");
    }
}

#[test]
fn a_replay_writes_the_same_bytes() {
    for seed in 0..40 {
        let text = random_run(seed).trace().to_json_lines();
        let read = trace::parse("memory", &text).unwrap();
        let again = trace::replay(&read).unwrap().trace().to_json_lines();
        assert!(again == text, "seed {seed}: the replay differs\n{again}\n{text}");
    }
}

#[test]
fn folding_the_patches_gives_the_state_after_every_step() {
    for seed in 0..40 {
        let run = random_run(seed).trace();
        // A second cluster, asked for its whole state after every step.
        let mut again = Recorder::new(run.header.setup().unwrap());
        let mut states = run.states();
        assert_eq!(states.next().unwrap(), run.header.state, "seed {seed}, before the first step");
        for (moment, folded) in run.steps.iter().zip(states) {
            again.apply(&moment.input);
            for (id, state) in NodeState::all_of(again.cluster()) {
                assert_eq!(
                    folded[&id],
                    state.to_value(),
                    "seed {seed}, step {}, n{id}",
                    moment.step
                );
            }
        }
    }
}

#[test]
fn every_fact_of_a_trace_points_at_a_line_that_is_in_its_sources() {
    let mut seen = 0;
    for run in (0..4).map(|seed| random_run(seed).trace()) {
        for happening in run.steps.iter().flat_map(|moment| &moment.events) {
            let mut parts = happening.at.rsplitn(3, ':');
            let (column, line) = (parts.next().unwrap(), parts.next().unwrap());
            let (column, line): (usize, usize) = (column.parse().unwrap(), line.parse().unwrap());
            let source = &run.header.sources[parts.next().unwrap()];
            let text = source.lines().nth(line - 1).expect("the file is that long");
            assert!(text.len() >= column, "{}: the line is {text:?}", happening.at);
            assert!(run.header.rules.contains_key(&happening.rule), "no rule {}", happening.rule);
            seen += 1;
        }
    }
    assert!(seen > 20, "only {seen} events");
}

#[test]
fn a_test_that_fails_leaves_a_trace_that_says_so() {
    let mut run = Recorder::new(Setup::new(1, 0));
    run.apply(&Input::Campaign(NodeId(1)));
    run.fail("expected nothing", Some(1), Some("raft/src/node.rs:1".into()));
    let footer = run.trace().footer.unwrap();
    assert_eq!((footer.outcome, footer.steps), (Outcome::Failed, 1));
    assert_eq!(footer.text.as_deref(), Some("expected nothing"));
}

// Files that are no traces.

fn good() -> Vec<String> {
    random_run(4).trace().to_json_lines().lines().map(str::to_string).collect()
}

/// Returns what is said of a trace with these lines.
fn refused(lines: &[String]) -> String {
    refused_text(&(lines.join("\n") + "\n"))
}

fn refused_text(text: &str) -> String {
    match trace::parse("t.jsonl", text) {
        Ok(Trace { .. }) => panic!("it was read"),
        Err(why) => why.to_string(),
    }
}

#[test]
fn a_file_that_is_no_trace_is_told_so() {
    assert_eq!(refused_text(""), "t.jsonl: is empty, not a trace");
    assert!(refused_text("hello\n").starts_with("t.jsonl, line 1: expected a JSON value"));
    let no_mark = refused_text("{\"a\":1}\n");
    assert!(no_mark.contains("line 1: is not a trace: expected a first line with"), "{no_mark}");
}

#[test]
fn a_trace_from_another_release_is_told_so() {
    let mut lines = good();
    let today = format!("\"version\":{VERSION}");
    lines[0] = lines[0].replacen(&today, &format!("\"version\":{}", VERSION + 1), 1);
    let why = refused(&lines);
    let said = format!("line 1: is a trace of version {}, from a newer release", VERSION + 1);
    assert!(why.contains(&said), "{why}");
    lines[0] = lines[0].replacen(&format!("\"version\":{}", VERSION + 1), "\"version\":1", 1);
    let why = refused(&lines);
    assert!(why.contains("line 1: is a trace of version 1, from an older release"), "{why}");
}

#[test]
fn a_trace_that_was_cut_off_is_told_where() {
    let lines = good();
    let text = lines.join("\n");
    let cut = &text[..text.len() - 10];
    let why = refused_text(cut);
    assert!(why.contains(&format!("line {}: ends in the middle", lines.len())), "{why}");

    // At the end of a line, it is whole as far as it goes.
    let run = trace::parse("t.jsonl", &(lines[..5].join("\n") + "\n")).unwrap();
    assert_eq!((run.steps.len(), run.footer), (4, None));
}

#[test]
fn a_broken_trace_is_told_which_line_and_what_was_expected() {
    let mut lines = good();
    lines.remove(3);
    assert!(refused(&lines).contains("line 4: expected step 3, found step 4"));

    let mut lines = good();
    lines[2] = "{\"step\":2}".to_string();
    assert!(refused(&lines).contains("line 3: expected a step: missing field"));

    for (bad, said) in [
        (r#"{"sleep":1}"#, "unknown variant `sleep`, expected one of `tick`"),
        (r#"{"tick":-1}"#, "invalid value: integer `-1`, expected u64"),
        (r#"{"propose":{"node":1,"data":"abc"}}"#, "expected an even number of hex digits"),
        (r#"{"propose":{"node":1,"data":"0g"}}"#, "expected an even number of hex digits"),
        (
            r#"{"post":{"from":1,"to":2,"term":1,"kind":"RequestVote","body":{"last":"4","transfer":false}}}"#,
            r#"expected an entry id such as 4@1, found "4""#,
        ),
        (
            r#"{"post":{"from":1,"to":2,"kind":"Bribe","body":{}}}"#,
            "unknown variant `Bribe`, expected one of `RequestPreVote`",
        ),
    ] {
        let mut lines = good();
        lines[2] = format!(r#"{{"step":2,"clock":0,"headline":"","input":{bad}}}"#);
        let why = refused(&lines);
        assert!(
            why.starts_with("t.jsonl, line 3: expected a step: ") && why.contains(said),
            "{why}"
        );
    }

    let mut lines = good();
    lines[0] = lines[0].replacen("\"nodes\":[1", "\"nodes\":[7", 1);
    assert!(refused(&lines).contains("line 1: expected the same nodes"));

    let mut lines = good();
    lines.push("{}".to_string());
    let why = refused(&lines);
    assert!(why.contains("expected nothing after the line that ends a trace"), "{why}");
}

#[test]
fn a_replay_says_which_step_cannot_be_replayed() {
    let mut run = Recorder::new(Setup::new(3, 0));
    run.apply(&Input::Campaign(NodeId(1)));
    run.stabilize();
    let mut read = trace::parse("t", &run.trace().to_json_lines()).unwrap();
    let Input::Deliver(message) = &mut read.steps[2].input else { panic!("it delivers") };
    message.term = Some(Term(77));
    let Err(why) = trace::replay(&read) else { panic!("it went on") };
    let (why, said) =
        (why.to_string(), "step 3 cannot be replayed: n1->n3 RequestVote t77 last=0@0");
    assert!(why.starts_with(&format!("{said} is not in flight")), "{why}");
}

#[test]
fn a_damaged_trace_is_refused_or_replayed_and_never_panics() {
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let (mut refused, mut read) = (0, 0);
    let mut run = random_run(3).trace();
    run.header.sources.clear();
    let good = run.to_json_lines().into_bytes();
    for _ in 0..3000 {
        let mut bytes = good.clone();
        for _ in 0..rng.random_range(1..4) {
            let at = rng.random_range(0..bytes.len());
            match rng.random_range(0..3) {
                0 => bytes[at] = b"0123456789,:{}[]\"\n@x-e."[rng.random_range(0..23)],
                1 => bytes.truncate(at.max(1)),
                _ => drop(bytes.remove(at)),
            }
        }
        let text = String::from_utf8_lossy(&bytes);
        match trace::parse("t", &text).map(|damaged| trace::replay(&damaged).is_ok()) {
            Ok(_) => read += 1,
            Err(_) => refused += 1,
        }
    }
    assert!(refused > 100 && read > 100, "{refused} refused, {read} read");
}

// Every event has a story and a page.

/// Returns one event of each kind, refusal and reason.
fn events() -> Vec<Event> {
    let (n1, n2, t1, t2) = (NodeId(1), NodeId(2), Term(1), Term(2));
    let at = |index, term| EntryId { term, index: Index(index) };
    let (id, index) = (at(1, t1), Index(1));
    let refused = |why| Event::VoteRefused { candidate: n1, why };
    let ignored = |why| Event::MessageIgnored { from: n1, kind: "VoteReply", why };
    let unneeded = |why| Event::SnapshotRefused { last: EntryId::default(), why };
    vec![
        Event::TermEntered { from: t1, to: t2 },
        Event::VoteChanged { from: None, to: Some(n1) },
        Event::LeaderChanged { from: None, to: Some(n1) },
        Event::TimerReset { after_ticks: 3 },
        Event::RoleChangeAsked { next: RoleName::Leader },
        Event::RoleEntered { from: RoleName::Candidate, to: RoleName::Leader },
        Event::VoteGranted { candidate: n1 },
        refused(Refusal::VotedFor(n2)),
        refused(Refusal::LogIsNewer { ours: at(2, t1), theirs: at(1, t1) }),
        Event::VoteCounted { voter: n1, granted: true },
        Event::Sent { to: n1, kind: "RequestVote" },
        ignored(Ignored::OlderTerm { theirs: t1, ours: t2 }),
        ignored(Ignored::RivalLeader),
        ignored(Ignored::NotOurRole { role: RoleName::Leader }),
        ignored(Ignored::OtherSession),
        Event::EntriesAppended { first: id, last: id },
        Event::LogTruncated { from: index, last: index },
        Event::AppendRefused { prev: id, hint: index },
        Event::CommitAdvanced { from: index, to: index },
        Event::CommitWithheld { at: id },
        Event::MatchAdvanced { peer: n1, from: index, to: index },
        Event::NextWentBack { peer: n1, from: index, to: index },
        Event::Probes { peer: n1, next: index },
        Event::Replicates { peer: n1, next: index },
        Event::EntriesCompacted { peer: n1, index },
        Event::AppliedAhead { applied: index, commit: index },
        refused(Refusal::LeaderKnown(n2)),
        Event::AcknowledgementDenied { peer: n1, index },
        Event::Halted { read: Read::Term { index } },
        ignored(Ignored::NoTermAbove { theirs: Term(1) }),
        Event::EntriesPending { peer: n1, index },
        Event::ReadRoundBegan { token: ReadToken(1), index },
        Event::ReadRoundConfirmed { token: ReadToken(1), index },
        Event::ReadEnded { why: ReadDropped::NoLeader },
        Event::ReadEnded { why: ReadDropped::SteppedDown },
        Event::ReadEnded { why: ReadDropped::TimedOut },
        Event::ReadEnded { why: ReadDropped::TooMany },
        ignored(Ignored::ReadIsOver),
        Event::PreVoteRefused {
            candidate: n1,
            why: Refusal::TermIsOver { theirs: Term(1), ours: Term(2) },
        },
        Event::PreVoteGranted { candidate: n1 },
        Event::PreVoteRefused { candidate: n1, why: Refusal::LeaderKnown(n2) },
        Event::QuorumLost { heard: 1, of: 3 },
        Event::LeaseSuspended { last: index },
        Event::TransferBegan { target: n1 },
        Event::TransferEnded { target: n1 },
        ignored(Ignored::LeaderIsAlive { ticks_left: 3 }),
        ignored(Ignored::CannotLead),
        ignored(Ignored::OtherLog { theirs: EntryId::default(), ours: EntryId::default() }),
        Event::SnapshotSent { peer: n1, last: EntryId::default() },
        Event::SnapshotPending { peer: n1 },
        Event::SnapshotGivenUp { peer: n1, next: index },
        Event::SnapshotWanted { peer: n1, at_least: index },
        Event::SnapshotRestored { last: EntryId::default() },
        unneeded(SnapshotRefusal::Committed { commit: index }),
        unneeded(SnapshotRefusal::InOurLog),
        unneeded(SnapshotRefusal::WithoutUs),
        Event::MembersChanged { voters: 3, outgoing: 0, learners: 0 },
        Event::ChangeReplaced { why: ChangeRefusal::Pending { index, applied: index } },
        Event::ChangeReplaced { why: ChangeRefusal::Impossible(ChangeError::NoVoterYet) },
        Event::JointLeft { index },
        Event::CampaignPostponed { change: index },
        refused(Refusal::LowerPriority { ours: Priority(2), theirs: Priority(1) }),
    ]
}

/// Returns the place of an event's kind in [`events`]. A new event does not build before it has one.
fn place(event: &Event) -> usize {
    match event {
        Event::TermEntered { .. } => 0,
        Event::VoteChanged { .. } => 1,
        Event::LeaderChanged { .. } => 2,
        Event::TimerReset { .. } => 3,
        Event::RoleChangeAsked { .. } => 4,
        Event::RoleEntered { .. } => 5,
        Event::VoteGranted { .. } => 6,
        Event::VoteRefused { why: Refusal::VotedFor(_), .. } => 7,
        Event::VoteRefused { why: Refusal::LogIsNewer { .. }, .. } => 8,
        Event::VoteCounted { .. } => 9,
        Event::Sent { .. } => 10,
        Event::MessageIgnored { why: Ignored::OlderTerm { .. }, .. } => 11,
        Event::MessageIgnored { why: Ignored::RivalLeader, .. } => 12,
        Event::MessageIgnored { why: Ignored::NotOurRole { .. }, .. } => 13,
        Event::MessageIgnored { why: Ignored::OtherSession, .. } => 14,
        Event::EntriesAppended { .. } => 15,
        Event::LogTruncated { .. } => 16,
        Event::AppendRefused { .. } => 17,
        Event::CommitAdvanced { .. } => 18,
        Event::CommitWithheld { .. } => 19,
        Event::MatchAdvanced { .. } => 20,
        Event::NextWentBack { .. } => 21,
        Event::Probes { .. } => 22,
        Event::Replicates { .. } => 23,
        Event::EntriesCompacted { .. } => 24,
        Event::AppliedAhead { .. } => 25,
        Event::VoteRefused { why: Refusal::LeaderKnown(_), .. } => 26,
        Event::AcknowledgementDenied { .. } => 27,
        Event::Halted { .. } => 28,
        Event::MessageIgnored { why: Ignored::NoTermAbove { .. }, .. } => 29,
        Event::EntriesPending { .. } => 30,
        Event::ReadRoundBegan { .. } => 31,
        Event::ReadRoundConfirmed { .. } => 32,
        Event::ReadEnded { why: ReadDropped::NoLeader } => 33,
        Event::ReadEnded { why: ReadDropped::SteppedDown } => 34,
        Event::ReadEnded { why: ReadDropped::TimedOut } => 35,
        Event::ReadEnded { why: ReadDropped::TooMany } => 36,
        Event::MessageIgnored { why: Ignored::ReadIsOver, .. } => 37,
        // A vote is never refused for its term: such a request is ignored.
        Event::VoteRefused { why: Refusal::TermIsOver { .. }, .. }
        | Event::PreVoteRefused { why: Refusal::TermIsOver { .. }, .. } => 38,
        Event::PreVoteGranted { .. } => 39,
        Event::PreVoteRefused { .. } => 40,
        Event::QuorumLost { .. } => 41,
        Event::LeaseSuspended { .. } => 42,
        Event::TransferBegan { .. } => 43,
        Event::TransferEnded { .. } => 44,
        Event::MessageIgnored { why: Ignored::LeaderIsAlive { .. }, .. } => 45,
        Event::MessageIgnored { why: Ignored::CannotLead, .. } => 46,
        Event::MessageIgnored { why: Ignored::OtherLog { .. }, .. } => 47,
        Event::SnapshotSent { .. } => 48,
        Event::SnapshotPending { .. } => 49,
        Event::SnapshotGivenUp { .. } => 50,
        Event::SnapshotWanted { .. } => 51,
        Event::SnapshotRestored { .. } => 52,
        Event::SnapshotRefused { why: SnapshotRefusal::Committed { .. }, .. } => 53,
        Event::SnapshotRefused { why: SnapshotRefusal::InOurLog, .. } => 54,
        Event::SnapshotRefused { why: SnapshotRefusal::WithoutUs, .. } => 55,
        Event::MembersChanged { .. } => 56,
        Event::ChangeReplaced { why: ChangeRefusal::Pending { .. } } => 57,
        Event::ChangeReplaced { why: ChangeRefusal::Impossible(_) } => 58,
        Event::JointLeft { .. } => 59,
        Event::CampaignPostponed { .. } => 60,
        Event::VoteRefused { why: Refusal::LowerPriority { .. }, .. } => 61,
    }
}

/// Returns what tells one kind of event from another in a trace: its type, and the name of its reason.
fn kind(happening: &RecordedEvent) -> (String, Option<String>) {
    let why = &happening.data["why"];
    let name = why.as_str().map(str::to_string);
    let why = name.or_else(|| why.as_object()?.keys().next().cloned());
    (happening.kind.clone(), why)
}

#[test]
fn a_trace_names_an_event_as_the_core_does_and_a_rule_is_stated_in_one_place() {
    let here = std::panic::Location::caller();
    let mut places = std::collections::BTreeMap::new();
    for event in events() {
        let written = serde_json::to_value(event).unwrap();
        assert_eq!(written["type"], event.name());
        assert!(written["data"].is_object(), "{written}: Event's variants have named fields");
        let recorded = RecordedEvent::new(NodeId(1), &Note { event, at: here });
        assert_eq!(recorded.data, written["data"]);
        let place = RulePlace::of(&event);
        let first = places.entry(recorded.rule.clone()).or_insert(place.clone());
        assert_eq!(*first, place, "{} is stated in two places: name two rules", recorded.rule);
    }
}

#[test]
fn a_setting_that_a_trace_lacks_has_its_default_value() {
    let mut lines = good();
    let header: serde_json::Value = serde_json::from_str(&lines[0]).unwrap();
    let without = |setting: &str| {
        let mut header = header.clone();
        let settings = header["config"]["1"]["settings"].as_object_mut().unwrap();
        settings.remove(setting).unwrap_or_else(|| panic!("there is a setting {setting}"));
        header.to_string()
    };
    lines[0] = without("max_inflight_messages");
    let read = trace::parse("t.jsonl", &(lines.join("\n") + "\n")).unwrap();
    let settings = &read.header.config[&1].settings;
    assert_eq!(settings.max_inflight_messages, Config::new(NodeId(1)).max_inflight_messages);
    // But not the id: no node is called n0.
    lines[0] = without("id");
    let read = trace::parse("t.jsonl", &(lines.join("\n") + "\n")).unwrap();
    assert_eq!(read.header.setup().unwrap_err(), "n1's settings are those of n0");
}

#[test]
fn every_event_is_produced_by_some_golden_script() {
    let mut told = std::collections::BTreeSet::new();
    let folders = std::fs::read_dir("scripts").unwrap();
    let files = folders.flat_map(|folder| std::fs::read_dir(folder.unwrap().path()).unwrap());
    for entry in files {
        let script = Script::read(&entry.unwrap().path()).unwrap();
        let (interpreter, _) = Interpreter::play_all(&script).unwrap();
        let moments = interpreter.run().unwrap().steps();
        told.extend(moments.iter().flat_map(|moment| &moment.events).map(kind));
    }
    let here = std::panic::Location::caller();
    for (number, event) in events().into_iter().enumerate() {
        assert_eq!(place(&event), number, "events() holds one of each, in the order of place()");
        // No storage of the test bed fetches entries: `raft/tests/halt.rs` shows this event. Sixty thousand
        // reads make no story: `raft/tests/read.rs` has them.
        let too_many = Event::ReadEnded { why: ReadDropped::TooMany };
        if matches!(event, Event::EntriesPending { .. }) || event == too_many {
            continue;
        }
        let wanted = kind(&RecordedEvent::new(NodeId(1), &Note { event, at: here }));
        assert!(told.contains(&wanted), "no golden script tells of {wanted:?}");
    }
}

#[test]
fn every_place_in_the_book_that_an_event_or_a_rule_names_is_there() {
    let events = events();
    let of_events = events.iter().map(Event::chapter);
    // The chapter on replication comes with the rules of replication; nothing breaks them before.
    let of_rules = Rule::ALL.into_iter().map(Rule::chapter);
    let of_rules = of_rules.filter(|chapter| !chapter.starts_with("replication.md#"));
    for chapter in of_events.chain(of_rules) {
        let (file, anchor) = chapter.split_once('#').expect("a file and an anchor");
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../book/src").join(file);
        let text = std::fs::read_to_string(&path).unwrap_or_else(|why| panic!("{file}: {why}"));
        let named = [format!("{{#{anchor}}}"), format!("<a id=\"{anchor}\"></a>")];
        assert!(named.iter().any(|mark| text.contains(mark)), "{file} has no anchor {anchor}");
    }
}
