//! The wire format: what is written is read again, nothing else is read, and the bytes stay as they are.
//!
//! ```text
//!   value --encode--> bytes --decode--> the same value
//!                      |  '--> any change: refused, or another value whose encoding that is
//!                      '-----> the golden file, and the page of the book
//! ```
//!
//! What decoding may allocate is in `wire_memory.rs`, a program of its own.

#[path = "../kit/holds.rs"]
mod holds; // how a property is tried

mod draw; // any value
mod golden; // bytes that are kept
mod page; // the page of the book
mod properties; // what holds for all values, and for all bytes
mod value; // one of the five types

use bytes::{Bytes, BytesMut};
use raft::*;
use value::{Type, Value, hex, unhex};

fn message(body: Body) -> Message {
    Message { from: NodeId(1), to: NodeId(2), term: Some(Term(3)), body }
}

#[track_caller]
fn refused(of_type: Type, bytes: &str, why: &str) {
    let error = of_type.decode(unhex(bytes)).expect_err("these bytes are wrong");
    assert_eq!(error.to_string(), why, "{bytes}");
    assert!(
        !page::accepts(of_type, &unhex(bytes)),
        "{bytes}: the page does not say that it is wrong"
    );
}

#[test]
fn a_vote_request_is_twelve_bytes() {
    let last = EntryId { index: Index(300), term: Term(2) };
    let ask = message(Body::RequestVote(VoteRequest { transfer: true, ..VoteRequest::new(last) }));
    let bytes = Value::Message(ask.clone()).encode();
    //               version from to term  kind last      transfer, no commit, priority 0
    assert_eq!(hex(&bytes), "01 01 02 01 03 03 ac 02 02 01 00 00");
    assert_eq!(wire::decode_message(bytes), Ok(ask));
}

#[test]
fn an_encoding_is_appended_and_its_length_is_known_before() {
    for value in golden::samples() {
        let mut to = BytesMut::from(&b"frame"[..]);
        value.encode_to(&mut to);
        assert_eq!(&to[..5], b"frame");
        assert_eq!(to[5..], value.encode());
        let length = match &value {
            Value::Message(message) => wire::message_len(message),
            Value::Entry(entry) => wire::entry_len(entry),
            Value::Snapshot(_) | Value::ConfState(_) | Value::HardState(_) => continue,
        };
        assert_eq!(length, to.len() - 5, "{value}");
    }
}

#[test]
fn an_entry_is_written_without_its_id() {
    let content = Entry::marked(Bytes::from_static(b"c7"), Payload::Normal("x=1".into()));
    let (here, there) = [(5, 2), (900, 70)]
        .map(|(index, term)| content.clone().at(EntryId { index: Index(index), term: Term(term) }))
        .into();
    let bytes = Value::Entry(here.clone()).encode();
    assert_eq!(bytes, Value::Entry(there.clone()).encode());
    assert_eq!(wire::decode_entry(here.id, bytes.clone()), Ok(here));
    assert_eq!(wire::decode_entry(there.id, bytes), Ok(there));
}

#[test]
fn payload_context_and_data_are_slices_of_the_input() {
    let entry = Entry::marked(Bytes::from(vec![7; 100]), Payload::Normal(vec![8; 1000].into()));
    let snapshot = Snapshot { data: vec![9; 1000].into(), ..Snapshot::default() };
    let append = Body::AppendEntries {
        prev: EntryId::default(),
        entries: vec![entry.clone(), entry.clone()],
        commit: Index(0),
        session: Session(0),
    };
    let install =
        Body::InstallSnapshot { snapshot: Box::new(snapshot.clone()), session: Session(0) };
    let read = Body::ReadIndex { attempt: ReadAttempt(1), context: vec![6; 100].into() };
    let read_reply = Body::ReadIndexReply {
        attempt: ReadAttempt(1),
        context: vec![6; 100].into(),
        outcome: Ok(Index(1)),
    };
    let values =
        [append, Body::Propose { entries: vec![entry.clone()] }, install, read, read_reply]
            .map(|body| Value::Message(message(body)))
            .into_iter()
            .chain([Value::Entry(entry), Value::Snapshot(snapshot)]);
    let mut seen = 0;
    for value in values {
        let input = value.encode();
        let inside = input.as_ptr_range();
        let decoded = value.of_type().decode(input.clone()).expect("it was encoded");
        for part in parts(&decoded) {
            let lies_inside = inside.contains(&part.as_ptr()) && !part.is_empty();
            assert!(lies_inside, "{value}: a copy of {} bytes", part.len());
            seen += 1;
        }
    }
    assert_eq!(seen, 4 + 2 + 1 + 1 + 1 + 2 + 1);
}

/// Returns the bytes of the application that a value holds.
fn parts(value: &Value) -> Vec<Bytes> {
    let of_entry = |entry: &Entry| match entry.payload() {
        Payload::Normal(data) => vec![entry.context().clone(), data.clone()],
        Payload::Noop | Payload::Change(_) | Payload::ChangeV2(_) => vec![entry.context().clone()],
    };
    #[expect(clippy::wildcard_enum_match_arm, reason = "only these bodies carry bytes")]
    match value {
        Value::Entry(entry) => of_entry(entry),
        Value::Snapshot(snapshot) => vec![snapshot.data.clone()],
        Value::ConfState(_) | Value::HardState(_) => vec![],
        Value::Message(message) => match &message.body {
            Body::AppendEntries { entries, .. } | Body::Propose { entries } => {
                entries.iter().flat_map(of_entry).collect()
            }
            Body::InstallSnapshot { snapshot, .. } => vec![snapshot.data.clone()],
            Body::ReadIndex { context, .. } | Body::ReadIndexReply { context, .. } => {
                vec![context.clone()]
            }
            _ => vec![],
        },
    }
}

#[test]
fn what_is_wrong_is_named_with_its_place_and_its_number() {
    use Type::{ConfState, HardState, Message};
    let message = |bytes, why| refused(Message, bytes, why);
    message("", "offset 0, version: the input ends too early: bytes needed 1, left 0");
    message("02 01 02 00 0b 05", "the input is of version 2, which this release does not read");
    message("00 01 02 00 0b 05", "the input is of version 0, which this release does not read");
    message("01 01 02 00 00", "offset 4, body: no kind has the number 0");
    message("01 01 02 00 0f", "offset 4, body: no kind has the number 15");
    message("01 01 82", "offset 3, to: the input ends too early: bytes needed 1, left 0");
    message("01 01 02 02 0b 05", "offset 3, term: a flag is 0 or 1, and this is 2");
    message("01 01 02 01 03 04 ff", "offset 6, granted: a flag is 0 or 1, and this is 255");
    message("01 81 00 02 00 0b 05", "offset 1, from: 1 is written in more bytes than it needs");
    message("01 01 80 00 00 0b 05", "offset 2, to: 0 is written in more bytes than it needs");
    message(
        "01 01 ff ff ff ff ff ff ff ff ff 02 00 0b 05",
        "offset 2, to: the number has more than 64 bits: its tenth byte is 0x02",
    );
    message(
        "01 01 ff ff ff ff ff ff ff ff ff 81 00 0b 05",
        "offset 2, to: the number has more than 64 bits: its tenth byte is 0x81",
    );
    message(
        "01 01 02 00 0b 05 00 00 00",
        "offset 6: the value ends here, but not the input: bytes left 3",
    );
    message("01 01 02 01 03 06 05", "offset 6, outcome: no kind has the number 5");
    message("01 01 02 00 0e 09 00 06", "offset 7, outcome: no kind has the number 6");
    message("01 01 02 00 0a 01 00 00 00 05", "offset 9, payload: no kind has the number 5");
    message("01 01 02 00 0a 01 00 00 00 03 04 01", "offset 10, change: no kind has the number 4");
    message(
        "01 01 02 00 0a 01 00 00 00 04 00 00",
        "offset 10, transition: no kind has the number 0",
    );
    message(
        "01 01 02 00 0d 09 ac 02 61",
        "offset 8, context: the input ends too early: bytes needed 300, left 1",
    );
    message(
        "01 01 02 00 0a ff ff ff ff ff ff ff ff ff 01 00 00 00 01",
        "offset 5, entries: 18446744073709551615 are announced, and the rest of the input can hold \
         1 at most",
    );
    message(
        "01 01 02 00 0a 02 00 00 00 01 00 00 00",
        "offset 5, entries: 2 are announced, and the rest of the input can hold 1 at most",
    );
    message(
        "01 01 02 00 0a 01 00 00 00 04 01 02 01 07 01",
        "offset 11, changes: 2 are announced, and the rest of the input can hold 1 at most",
    );
    let members = |bytes, why| refused(ConfState, bytes, why);
    members("01 00 03 01 03 02 00 00 00", "offset 5, learners: n2 comes after n3");
    members("01 02 03 03 00 00 00 00", "offset 3, voters: n3 comes after n3");
    members(
        "01 00 00 05 01 00 00",
        "offset 3, voters_outgoing: 5 are announced, and the rest of the input can hold 3 at most",
    );
    refused(
        HardState,
        "01 03 01",
        "offset 3, vote: the input ends too early: bytes needed 1, left 0",
    );
}

/// What a message means is `step`'s to judge: the codec carries it as it is.
#[test]
fn what_no_correct_node_says_is_carried_and_refused_by_step() {
    let storage = MemoryStorage::with_voters([1, 2].map(NodeId));
    let mut node = RawNode::new(&Config::new(NodeId(2)), storage).expect("settings that work");
    let vote = Body::vote_reply(true);
    let backwards = Body::Propose {
        entries: [2, 1]
            .map(|index| {
                let id = EntryId { index: Index(index), term: Term(0) };
                Entry::unplaced(Payload::Noop).at(id)
            })
            .into(),
    };
    let strange = [
        Message { from: NodeId(0), ..message(vote.clone()) },
        Message { term: None, ..message(vote.clone()) },
        Message { term: Some(Term(u64::MAX)), ..message(vote.clone()) },
        Message { term: Some(Term(0)), ..message(vote) },
        message(backwards),
    ];
    for strange in strange {
        let bytes = Value::Message(strange.clone()).encode();
        let carried = wire::decode_message(bytes).expect("it is well-formed");
        assert_eq!(carried, strange);
        node.step(carried).expect_err("no correct node says it");
    }
}
