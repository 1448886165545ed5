//! Golden bytes: what version 1 looks like, for as long as there is a version 1.
//!
//! ```text
//!   raft/tests/wire/v1.txt   type | bytes | the value as text
//!                                     '--> decode --> the sample of this file --> encode --> the same
//! ```
//!
//! A later version reads these bytes as the same values. `REWRITE=1 cargo test -p raft --test wire` writes
//! the file. That is for lines that are added; what a line says may change only until the first release
//! that writes version 1.

use crate::value::{Value, hex, unhex};
use bytes::Bytes;
use raft::*;
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

const HEAD: &str = "\
# Version 1 of the wire format: type | bytes | value. See raft/tests/wire/golden.rs, and book/src/wire.md.
# A later version must read these bytes as the same values: from the first release that writes version 1 on, no
# line is changed or removed.
";

fn path() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/wire/v1.txt")
}

fn id(index: u64, term: u64) -> EntryId {
    EntryId { index: Index(index), term: Term(term) }
}

fn set(ids: &[u64]) -> BTreeSet<NodeId> {
    ids.iter().copied().map(NodeId).collect()
}

fn text(text: &'static str) -> Bytes {
    Bytes::from_static(text.as_bytes())
}

/// One entry of each payload.
fn entries() -> Vec<Entry> {
    let changes = [ChangeKind::AddVoter, ChangeKind::AddLearner, ChangeKind::Remove];
    let changes = changes.into_iter().zip(4..);
    let changes = changes.map(|(kind, node)| ConfChange { kind, node: NodeId(node) }).collect();
    let payloads = [
        Payload::Noop,
        Payload::Normal(text("x=1")),
        Payload::Change(ConfChange { kind: ChangeKind::Remove, node: NodeId(300) }),
        Payload::ChangeV2(ConfChangeV2 { transition: Transition::Auto, changes }),
        Payload::ChangeV2(ConfChangeV2 { transition: Transition::Implicit, changes: vec![] }),
        Payload::ChangeV2(ConfChangeV2 { transition: Transition::Explicit, changes: vec![] }),
    ];
    let contexts = ["", "c7", "", "", "", "m"];
    let parts = (6..).zip(payloads.into_iter().zip(contexts));
    parts
        .map(|(index, (payload, context))| Entry::marked(text(context), payload).at(id(index, 3)))
        .collect()
}

fn conf_state() -> ConfState {
    ConfState {
        voters: set(&[1, 2, 300]),
        learners: set(&[4]),
        voters_outgoing: set(&[1, 2, 3]),
        learners_next: set(&[3]),
        auto_leave: true,
    }
}

fn snapshot() -> Snapshot {
    Snapshot { id: id(1000, 3), conf_state: conf_state(), data: text("the state") }
}

fn bodies() -> Vec<(Option<u64>, Body)> {
    let ask = |transfer| VoteRequest { transfer, ..VoteRequest::new(id(5, 2)) };
    let (commit, priority) = (Some(id(4, 2)), Priority(300));
    let answer = |outcome, session: Option<u64>| {
        let session = session.map(Session);
        (Some(3), Body::AppendReply { outcome, session })
    };
    let rejected = |hint_term: Option<u64>| AppendOutcome::Rejected {
        prev: Index(200),
        hint: Index(128),
        hint_term: hint_term.map(Term),
    };
    let append = |entries, session| Body::AppendEntries {
        prev: id(5, 2),
        entries,
        commit: Index(4),
        session: Session(session),
    };
    let found =
        |outcome| Body::ReadIndexReply { attempt: ReadAttempt(9), context: text("r1"), outcome };
    let session = Session(1);
    vec![
        (Some(3), Body::RequestPreVote(ask(false))),
        (Some(3), Body::pre_vote_reply(true)),
        (Some(0), Body::pre_vote_reply(false)),
        (Some(3), Body::RequestVote(ask(false))),
        (Some(3), Body::RequestVote(ask(true))),
        (Some(3), Body::RequestVote(VoteRequest { commit, priority, ..ask(false) })),
        (Some(3), Body::vote_reply(true)),
        (Some(3), Body::vote_reply(false)),
        (Some(3), Body::VoteReply { granted: false, commit }),
        (Some(3), append(vec![], 0)),
        (Some(3), append(entries(), 1)),
        answer(AppendOutcome::Matched(Index(128)), Some(1)),
        answer(rejected(Some(2)), Some(1)),
        answer(rejected(None), Some(1)),
        answer(AppendOutcome::NewerTerm, None),
        answer(AppendOutcome::SnapshotWanted { at_least: Index(300) }, Some(1)),
        (Some(3), Body::InstallSnapshot { snapshot: Box::new(snapshot()), session }),
        (Some(3), Body::Heartbeat { commit: Index(300), token: None, session }),
        (Some(3), Body::Heartbeat { commit: Index(4), token: Some(ReadToken(7)), session }),
        (Some(3), Body::HeartbeatReply { token: None, session }),
        (Some(3), Body::HeartbeatReply { token: Some(ReadToken(7)), session }),
        (None, Body::Propose { entries: vec![Entry::unplaced(Payload::Normal(text("x=1")))] }),
        (None, Body::TransferLeader { target: NodeId(300) }),
        (Some(3), Body::TimeoutNow { last: id(200, 3) }),
        (None, Body::ReadIndex { attempt: ReadAttempt(9), context: text("r1") }),
        (None, found(Ok(Index(300)))),
        (None, found(Err(ReadDropped::NoLeader))),
        (None, found(Err(ReadDropped::SteppedDown))),
        (None, found(Err(ReadDropped::TimedOut))),
        (None, found(Err(ReadDropped::TooMany))),
    ]
}

/// Returns the value of each golden line.
pub(super) fn samples() -> Vec<Value> {
    let message = |(term, body): (Option<u64>, Body)| Message {
        from: NodeId(1),
        to: NodeId(2),
        term: term.map(Term),
        body,
    };
    let far = Message {
        from: NodeId(u64::MAX),
        to: NodeId(0),
        term: Some(Term(1 << 63)),
        body: Body::TransferLeader { target: NodeId(u64::MAX - 1) },
    };
    let messages = bodies().into_iter().map(message).chain([far]);
    let hard_states = [
        HardState::default(),
        HardState { term: Term(3), vote: Some(NodeId(2)), commit: Index(300) },
    ];
    messages
        .map(Value::Message)
        .chain(entries().into_iter().map(Value::Entry))
        .chain([Value::Snapshot(Snapshot::default()), Value::Snapshot(snapshot())])
        .chain([Value::ConfState(ConfState::default()), Value::ConfState(conf_state())])
        .chain(hard_states.map(Value::HardState))
        .collect()
}

#[test]
fn the_golden_bytes_are_read_as_the_same_values_and_written_as_they_were() {
    let line = |value: &Value| {
        format!("{} | {} | {value}\n", value.of_type().name(), hex(&value.encode()))
    };
    let today = HEAD.to_owned() + &samples().iter().map(line).collect::<String>();
    if std::env::var_os("REWRITE").is_some() {
        fs::write(path(), &today).expect("the file can be written");
    }
    let kept = fs::read_to_string(path()).expect("the file is there");
    let lines: Vec<&str> = kept.lines().filter(|line| !line.starts_with('#')).collect();
    for (line, sample) in lines.iter().zip(samples()) {
        let bytes = unhex(line.split(" | ").nth(1).expect("bytes"));
        assert_eq!(sample.of_type().decode(bytes).as_ref(), Ok(&sample), "{line}");
    }
    for (kept, today) in kept.lines().zip(today.lines()) {
        assert_eq!(kept, today, "what is kept, and what is written today");
    }
    assert_eq!(kept, today, "REWRITE=1 writes the new lines");
}

/// Returns the names of an enum's variants, from the source.
fn variants(file: &str, name: &str) -> Vec<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src").join(file);
    let text = fs::read_to_string(path).expect("the source is there");
    let opening = format!("pub enum {name} {{\n");
    let (_, inside) = text.split_once(&opening).expect("the enum is there");
    let (inside, _) = inside.split_once("\n}").expect("the enum has an end");
    let at_margin = inside.lines().filter_map(|line| line.strip_prefix("    "));
    let names = at_margin.filter(|line| line.starts_with(|c: char| c.is_ascii_uppercase()));
    let end = |line: &str| line.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(line.len());
    names.map(|line| line[..end(line)].to_owned()).collect()
}

/// Returns the variants, as `Enum::Variant`, whose names do not occur among these words.
fn missing(debug: &str) -> Vec<String> {
    let words: BTreeSet<&str> = debug.split(|c: char| !c.is_ascii_alphanumeric()).collect();
    let enums = [
        ("message.rs", "Body", 14),
        ("message.rs", "AppendOutcome", 3),
        ("message.rs", "ReadDropped", 4),
        ("entry.rs", "Payload", 4),
        ("entry.rs", "ChangeKind", 3),
        ("entry.rs", "Transition", 3),
    ];
    let mut missing = Vec::new();
    for (file, name, at_least) in enums {
        let variants = variants(file, name);
        assert!(variants.len() >= at_least, "{name}: only {variants:?} were found in {file}");
        let unseen = variants.iter().filter(|variant| !words.contains(variant.as_str()));
        missing.extend(unseen.map(|variant| format!("{name}::{variant}")));
    }
    missing
}

#[test]
fn every_variant_has_a_golden_line() {
    assert_eq!(missing(&format!("{:?}", samples())), [""; 0], "add a sample for each");
}

#[test]
fn every_variant_is_drawn() {
    let drawn = RefCell::new(String::new());
    crate::holds::holds(1024, crate::draw::message(), |message| {
        drawn.borrow_mut().push_str(&format!("{message:?}"));
        Ok(())
    });
    assert_eq!(missing(&drawn.into_inner()), [""; 0], "draw.rs has no way to draw it");
}
