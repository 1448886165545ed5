//! The window of appends in flight, against a list of everything that was ever sent.

use crate::holds::holds;
use proptest::prelude::*;
use raft::{Index, Inflights};

/// What happens to a window.
#[derive(Clone, Debug)]
enum Act {
    /// An append of so many entries, so many bytes, is sent, if there is room.
    Send { entries: u64, bytes: u64 },
    /// Everything up to so many entries before the last one sent is acknowledged.
    Acknowledge { back: u64 },
    /// Everything is forgotten.
    Clear,
    /// From now on so many messages may be in flight.
    Resize { max: usize },
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        5 => (1..4_u64, 0..40_u64).prop_map(|(entries, bytes)| Act::Send { entries, bytes }),
        3 => (0..12_u64).prop_map(|back| Act::Acknowledge { back }),
        1 => Just(Act::Clear),
        1 => (0..8_usize).prop_map(|max| Act::Resize { max }),
    ]
}

#[test]
fn a_window_is_what_was_sent_less_what_was_acknowledged() {
    let acts = prop::collection::vec(act(), 0..80);
    let cases = (1..6_usize, prop::option::of(1..100_u64), acts);
    holds(500, cases, |(max_messages, max_bytes, acts)| {
        let mut max_messages = max_messages;
        let mut window = Inflights::new(max_messages, max_bytes);
        // Every append: its last entry, its bytes, and whether it is in flight.
        let mut sent: Vec<(u64, u64, bool)> = Vec::new();
        let mut last = 0;
        for act in acts {
            match act {
                Act::Send { entries, bytes } if !window.is_full() => {
                    last += entries;
                    window.add(Index(last), bytes);
                    sent.push((last, bytes, true));
                }
                Act::Send { .. } => {}
                Act::Acknowledge { back } => {
                    let index = last.saturating_sub(back);
                    window.free_to(Index(index));
                    for append in sent.iter_mut().filter(|append| append.0 <= index) {
                        append.2 = false;
                    }
                }
                Act::Resize { max } => {
                    window.set_max_messages(max);
                    max_messages = max;
                }
                Act::Clear => {
                    window.clear();
                    sent.clear();
                }
            }
            let under_way: Vec<_> = sent.iter().filter(|append| append.2).collect();
            let bytes: u64 = under_way.iter().map(|append| append.1).sum();
            prop_assert_eq!((window.count(), window.bytes()), (under_way.len(), bytes));
            let is_full =
                under_way.len() >= max_messages || max_bytes.is_some_and(|max| bytes >= max);
            prop_assert_eq!(window.is_full(), is_full);
        }
        Ok(())
    });
}
