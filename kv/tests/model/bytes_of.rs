//! Bytes: golden ones, and properties.

use crate::draw::any_command;
use bytes::{Bytes, BytesMut};
use kv::model::*;
use proptest::prelude::*;
use raft::{Body, EntryId, Index, Message, NodeId, Term, VoteRequest};

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn region() -> Region {
    let peer = |id, store, role| Peer { id: PeerId(id), store: StoreId(store), role };
    Region {
        id: RegionId(2),
        start: "a".into(),
        end: Some("m".into()),
        epoch: Epoch { version: 3, conf_version: 4 },
        peers: vec![peer(5, 6, PeerRole::Voter), peer(7, 8, PeerRole::Learner)],
    }
}

#[test]
fn an_entry_of_one_command_has_these_bytes() {
    let origin = Origin { store: StoreId(1), life: 6, incarnation: 2 };
    let request = RequestId { origin, sequence: 3 };
    let epoch = Epoch { version: 4, conf_version: 5 };
    let write = Write::Put { key: "k".into(), value: "vw".into() };
    let command = Command { request, epoch, write };
    let bytes = encode_commands(std::slice::from_ref(&command), 0x10);
    let number = |number: u8| format!("{number:02x}00000000000000");
    let request = format!("{}{}{}{}", number(1), number(6), number(2), number(3));
    let head = format!("011000000001000000{request}");
    let expected = format!("{head}{}{}01010000006b020000007677", number(4), number(5));
    assert_eq!(hex(&bytes), expected);
    assert_eq!(bytes.len(), 9 + Command::encoded_len(&command.write));
    assert_eq!(decode_commands(bytes), Ok((vec![command], 16)));
}

#[test]
fn local_states_have_these_bytes_and_come_back() {
    let ident = StoreIdent { cluster: ClusterId(1), store: StoreId(2), life: 4, incarnation: 3 };
    let expected = "0101000000000000000200000000000000\
                    04000000000000000300000000000000";
    assert_eq!(hex(&ident.encode()), expected);
    assert_eq!(StoreIdent::decode(ident.encode()), Ok(ident));

    let state = RegionState::normal(region());
    let expected = "01010200000000000000010000006101010000006d\
                    03000000000000000400000000000000\
                    02000000\
                    0500000000000000060000000000000001\
                    0700000000000000080000000000000002";
    assert_eq!(hex(&state.encode()), expected);
    assert_eq!(RegionState::decode(state.encode()), Ok(state));

    let id = |index, term| EntryId { index: Index(index), term: Term(term) };
    let apply = ApplyState { applied: id(9, 2), commit: Index(10), truncated: id(5, 1) };
    let expected = "01\
                    09000000000000000200000000000000\
                    0a00000000000000\
                    05000000000000000100000000000000";
    assert_eq!(hex(&apply.encode()), expected);
    assert_eq!(ApplyState::decode(apply.encode()), Ok(apply));
}

#[test]
fn a_message_comes_back_and_one_that_is_cut_is_refused() {
    let last = EntryId { index: Index(3), term: Term(2) };
    let ask = VoteRequest { last, transfer: false, commit: None, priority: raft::Priority(0) };
    let body = Body::RequestVote(ask);
    let message = Message { from: NodeId(5), to: NodeId(7), term: Some(Term(4)), body };
    let Region { id, epoch, peers, .. } = region();
    let (from, to) = (peers[0], peers[1]);
    let message = StoreMessage { cluster: ClusterId(9), region: id, from, to, epoch, message };
    let mut bytes = BytesMut::new();
    message.encode(&mut bytes);
    let bytes = bytes.freeze();
    assert_eq!(StoreMessage::decode(bytes.clone()), Ok(message));
    for len in 0..bytes.len() {
        assert!(StoreMessage::decode(bytes.slice(..len)).is_err(), "cut to {len}");
    }
}

#[test]
fn keys_of_local_state_are_in_the_order_of_regions() {
    let one = RegionId(1);
    assert_eq!(hex(&keys::store_ident()), "01");
    assert_eq!(hex(&keys::region_state(one)), "02000000000000000101");
    assert_eq!(hex(&keys::apply_state(one)), "02000000000000000102");
    assert_eq!(hex(&keys::requests(one, Index(258))), "020000000000000001030000000000000102");
    assert_eq!(hex(&keys::floors(one)), "02000000000000000104");
    assert_eq!(keys::region_of_state(&keys::region_state(one)), Some(one));
    assert_eq!(keys::region_of_state(&keys::apply_state(one)), None);
    assert_eq!(keys::index_of_requests(&keys::requests(one, Index(258))), Some(Index(258)));
    assert_eq!(keys::index_of_requests(&keys::floors(one)), None);
    assert!(keys::floors(one) < keys::region_state(RegionId(256)));
    assert!(keys::all_requests(one).holds(&keys::requests(one, Index(u64::MAX))));
    assert!(!keys::all_requests(one).holds(&keys::floors(one)));
}

#[test]
fn entries_that_mean_nothing_are_refused_with_the_reason() {
    let refuse = |bytes: &[u8]| decode_commands(Bytes::copy_from_slice(bytes)).unwrap_err();
    assert_eq!(refuse(b"\x01\0\0\0\0\0\0\0\0").to_string(), "the commands must hold at least one");
    assert_eq!(refuse(b"\x09").to_string(), "the version is 9, but this program reads only 1");
    let many = refuse(b"\x01\0\0\0\0\xff\xff\xff\xff").to_string();
    assert!(many.starts_with("the commands needs 227633266635 bytes"), "{many}");
    let wide = refuse(b"\x01\x01\0\x80\0\0\0\0\0").to_string();
    assert_eq!(wide, "what an entry may change has 8388609 bytes, but the limit is 8388608");
    let widest = refuse(b"\x01\0\0\x80\0\0\0\0\0").to_string();
    assert_eq!(widest, "the commands must hold at least one");
    let mut nested = vec![1, 0, 0, 0, 0, 1, 0, 0, 0];
    nested.extend([0; 48]);
    nested.extend([6, 0, 0, 0, 0, 1, 0, 0, 0, 6, 0, 0, 0, 0, 0, 0, 0, 0]);
    assert_eq!(refuse(&nested).to_string(), "a write has kind 6, which does not exist");
}

#[test]
fn outcomes_have_these_bytes() {
    let origin = Origin { store: StoreId(1), life: 6, incarnation: 2 };
    let mut window = Window::default();
    let outcomes = [
        (Outcome::Done, "01"),
        (Outcome::Number(-1), "02ffffffffffffffff"),
        (Outcome::Length(5), "030500000000000000"),
        (Outcome::Txn { succeeded: true, results: vec![Outcome::Done] }, "040100000001"),
        (Outcome::Txn { succeeded: false, results: vec![] }, "0500000000"),
        (Outcome::Refused(Refusal::NotANumber), "10"),
        (Outcome::Refused(Refusal::OutOfRange), "11"),
        (Outcome::Refused(Refusal::TooLong { bytes: 9 }), "120900000000000000"),
        (Outcome::Refused(Refusal::KeyNotInRegion), "13"),
    ];
    let mut expected = format!("01{:02x}000000", outcomes.len());
    for (sequence, (outcome, bytes)) in (1..).zip(outcomes) {
        window.record(RequestId { origin, sequence }, outcome);
        expected += "010000000000000006000000000000000200000000000000";
        expected += &format!("{sequence:02x}00000000000000{bytes}");
    }
    let mut batch = kv::memtable::WriteBatch::new();
    window.save(RegionId(1), Index(6), &mut batch);
    let (_, kv::memtable::Change::Put { value, .. }) = &batch.changes()[0] else {
        panic!("the record of the entry is put first")
    };
    assert_eq!(hex(value), expected);
}

#[test]
fn lists_have_one_order() {
    let mut region = region();
    region.peers.reverse();
    let error = RegionState::decode(RegionState::normal(region).encode()).unwrap_err();
    assert_eq!(error.to_string(), "the peers are not in order");
}

proptest! {
    #[test]
    fn commands_come_back(
        commands in proptest::collection::vec(any_command(), 1..6),
        limit in 0..=ENTRY_BYTES_MAX,
    ) {
        let bytes = encode_commands(&commands, limit);
        let lengths = commands.iter().map(|command| Command::encoded_len(&command.write));
        prop_assert_eq!(bytes.len(), 9 + lengths.sum::<usize>());
        prop_assert_eq!(decode_commands(bytes), Ok((commands, limit)));
    }

    #[test]
    fn any_bytes_are_refused_or_are_exactly_one_entry(
        commands in proptest::collection::vec(any_command(), 1..4),
        at in any::<prop::sample::Index>(),
        byte in any::<u8>(),
        cut in any::<prop::sample::Index>(),
    ) {
        let mut bytes = encode_commands(&commands, 7).to_vec();
        let place = at.index(bytes.len());
        bytes[place] = byte;
        bytes.truncate(cut.index(bytes.len() + 1));
        if let Ok((commands, limit)) = decode_commands(Bytes::from(bytes.clone())) {
            prop_assert_eq!(&encode_commands(&commands, limit)[..], &bytes[..]);
        }
    }
}
