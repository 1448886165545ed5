//! What decoding may allocate: at most 32 bytes for each byte of the input, and 256 more, whatever the input
//! announces.
//!
//! ```text
//!   input  "2^60 entries follow" ...        refused, and nothing was reserved for them
//!   input  n entries of 4 bytes each        each becomes 24 bytes of a list and 88 of content
//! ```
//!
//! The allocator counts for the whole program, so this program has one test. `RAFTWRIGHT_SEED` chooses the
//! random inputs.

use bytes::{Bytes, BytesMut};
use cap::Cap;
use raft::{
    Body, ChangeKind, ConfChange, ConfChangeV2, ConfState, Entry, EntryId, Message, NodeId,
    Payload, Session, Snapshot, Term, Transition, wire,
};
use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};
use std::alloc::System;
use std::collections::BTreeSet;

/// Counts every byte that is ever allocated.
#[global_allocator]
static MEMORY: Cap<System> = Cap::new(System, usize::MAX);

const BYTES_PER_BYTE: usize = 32;
const BYTES_MORE: usize = 256;

/// What the inputs that were tried had in common.
#[derive(Default)]
struct Seen {
    accepted: usize,
    refused: usize,
    /// The most bytes that were allocated for each byte of an input of 1000 bytes or more.
    worst_ratio: usize,
}

impl Seen {
    /// Decodes an input as each type, and looks at what that allocates.
    fn decode(&mut self, bytes: &[u8], what: &str) {
        let input = Bytes::copy_from_slice(bytes);
        let decoders: [(&str, &dyn Fn(Bytes) -> bool); 5] = [
            ("message", &|bytes| wire::decode_message(bytes).is_ok()),
            ("entry", &|bytes| wire::decode_entry(EntryId::default(), bytes).is_ok()),
            ("snapshot", &|bytes| wire::decode_snapshot(bytes).is_ok()),
            ("conf_state", &|bytes| wire::decode_conf_state(bytes).is_ok()),
            ("hard_state", &|bytes| wire::decode_hard_state(bytes).is_ok()),
        ];
        for (name, decode) in decoders {
            let before = MEMORY.total_allocated();
            let is_accepted = decode(input.clone());
            let allocated = MEMORY.total_allocated() - before;
            let allowed = BYTES_PER_BYTE * bytes.len() + BYTES_MORE;
            assert!(
                allocated <= allowed,
                "{what}: {} bytes, read as {name}, allocate {allocated}: {allowed} are allowed",
                bytes.len()
            );
            *(if is_accepted { &mut self.accepted } else { &mut self.refused }) += 1;
            if bytes.len() >= 1000 {
                self.worst_ratio = self.worst_ratio.max(allocated / bytes.len());
            }
        }
    }
}

fn encoded(body: Body) -> Vec<u8> {
    let message = Message { from: NodeId(1), to: NodeId(2), term: Some(Term(3)), body };
    let mut to = BytesMut::new();
    wire::encode_message(&message, &mut to);
    to.to_vec()
}

/// Returns the messages that become the most memory, each with `count` things in it.
fn largest(count: u64) -> Vec<Vec<u8>> {
    let entries = |payload: Payload| -> Vec<Entry> {
        (0..count).map(|_| Entry::unplaced(payload.clone())).collect()
    };
    let changes = (0..count).map(|_| ConfChange { kind: ChangeKind::Remove, node: NodeId(0) });
    let changes = ConfChangeV2 { transition: Transition::Auto, changes: changes.collect() };
    let empty = ConfChangeV2 { transition: Transition::Auto, changes: vec![] };
    let voters: BTreeSet<NodeId> = (0..count).map(NodeId).collect();
    let conf_state = ConfState { voters, ..ConfState::default() };
    let snapshot = Box::new(Snapshot { conf_state, ..Snapshot::default() });
    vec![
        encoded(Body::Propose { entries: entries(Payload::Noop) }),
        encoded(Body::Propose { entries: entries(Payload::Normal(Bytes::new())) }),
        encoded(Body::Propose { entries: entries(Payload::Normal("x".into())) }),
        encoded(Body::Propose { entries: entries(Payload::ChangeV2(empty)) }),
        encoded(Body::Propose { entries: vec![Entry::unplaced(Payload::ChangeV2(changes))] }),
        encoded(Body::InstallSnapshot { snapshot, session: Session(0) }),
    ]
}

#[test]
fn no_input_allocates_more_than_32_times_its_length() {
    let mut seen = Seen::default();
    for count in [0, 1, 2, 3, 10, 100, 128, 1000, 10_000] {
        for bytes in largest(count) {
            seen.decode(&bytes, "well-formed");
            // Refused at its very end: everything before was allocated.
            seen.decode(&bytes[..bytes.len() - 1], "cut");
        }
    }
    // A count in front of a kilobyte that may hold so many, or far fewer.
    let announced = [&[1][..], &[0x80, 0x01], &[0xff; 9], &[0xff, 0x01]];
    for filling in [0, 1, 2, 3, 4, 0x80, 0xff] {
        for count in announced {
            let last: &[u8] = if count.len() == 9 { &[1] } else { &[] };
            // Entries, a string of bytes, changes, members.
            for before in [&[1, 1, 2, 0, 10][..], &[1, 1, 2, 0, 13, 9], &[1, 0, 4, 1], &[1]] {
                let bytes = [before, count, last, &[filling; 1000]].concat();
                seen.decode(&bytes, "announced");
            }
        }
    }
    let seed = std::env::var("RAFTWRIGHT_SEED").ok().and_then(|seed| seed.parse().ok());
    let seed = seed.unwrap_or(0x5EED);
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let whole: Vec<Vec<u8>> = [1, 3, 20].into_iter().flat_map(largest).collect();
    for number in 0..20_000 {
        let mut bytes = whole[rng.random_range(0..whole.len())].clone();
        for _ in 0..rng.random_range(1..4_u32) {
            let place = rng.random_range(0..bytes.len());
            bytes[place] = rng.random_range(0..=255_u8);
        }
        seen.decode(&bytes, &format!("input {number} of seed {seed}"));
    }
    let Seen { accepted, refused, worst_ratio } = seen;
    println!("{accepted} accepted, {refused} refused, at most {worst_ratio} bytes for each byte");
    assert!(accepted > 1000 && refused > 10_000, "{accepted} accepted, {refused} refused");
    assert!(worst_ratio > BYTES_PER_BYTE / 2, "the bound is too loose: {worst_ratio}");
}
