//! What three stores may show, when they refuse, and what clients are told when leaders change.

use super::wire::{Three, context, last};
use kv::memtable::Family;
use kv::model::*;
use kv::store::*;
use raft::Body;
use std::sync::{Arc, Mutex};
use testbed::fleet::region;

/// A follower may learn that an entry is committed, apply it and show it, before its leader does the next
/// thing. Whoever has read there and then asks the leader must not see less.
#[test]
fn a_follower_shows_nothing_that_its_leader_does_not_show() {
    for applying_bytes_max in [u64::MAX, 0] {
        // A write is an entry, so that several are committed at once.
        let three = Three::start(|config| {
            (config.applying_bytes_max, config.entry_bytes_max) = (applying_bytes_max, 1024);
        });
        drop(three.put(three.leader, "first", vec![7])); // a lease begins with a write
        three.settle(|_| true);
        let follower = (three.leader + 1) % 3;
        let (store, seen) = (three.stores[follower].clone(), three.doors[follower].clone());
        let (leader, shown) = (three.doors[three.leader].clone(), Arc::new(Mutex::new(0)));
        let count = shown.clone();
        let look = move |message: &StoreMessage| {
            if message.to.store.0 as usize != follower + 1 {
                return;
            }
            seen.handle().deliver(message.clone());
            while store.lock().expect("one thread").run_inline(8) > 0 {}
            for number in 0..5 {
                let key = format!("k{number}");
                let (asked, leader, count) = (key.clone(), leader.clone(), count.clone());
                let callback = ReadCallback::new(move |view: Result<RegionSnapshot, _>| {
                    let view = view.expect("any peer serves a stale read");
                    if view.get(Family::Default, asked.as_bytes()) != Ok(None) {
                        *count.lock().expect("one thread") += 1;
                        let local = leader.get_local(&context(), asked.as_bytes());
                        assert_ne!(local, Some(None), "{asked}: the follower shows it already");
                    }
                });
                seen.async_snapshot(context(), ReadMode::Stale, callback);
            }
            while store.lock().expect("one thread").run_inline(8) > 0 {}
        };
        *three.wires[three.leader].on_send.lock().expect("one thread") = Some(Box::new(look));
        let begin = |number| three.put(three.leader, &format!("k{number}"), vec![7; 700]);
        let told: Vec<_> = (0..5).map(begin).collect();
        three.settle(|_| true);
        for told in told {
            let last = told.lock().expect("one thread").pop();
            assert_eq!(last, Some(WriteEvent::Finished(Ok(Outcome::Done))));
        }
        assert!(
            *shown.lock().expect("one thread") >= 5,
            "the follower has shown too little: {shown:?}"
        );
    }
}

/// While followers acknowledge nothing, but are heard of, a leader must not take writes without end.
#[test]
fn a_leader_whose_followers_do_not_keep_up_refuses_writes() {
    let three = Three::start(|config| config.uncommitted_bytes_max = 10_000);
    let is_no_ack =
        |message: &StoreMessage| !matches!(message.message.body, Body::AppendReply { .. });
    let mut told = Vec::new();
    for _ in 0..30 {
        told.push(three.put(three.leader, "k", vec![7; 1_000]));
        three.settle(is_no_ack);
    }
    let busy = KvError::ServerIsBusy { region: RegionId(1) };
    let refused = told.iter().filter(|told| {
        *told.lock().expect("one thread") == [WriteEvent::Finished(Err(busy.clone()))]
    });
    assert!((18..25).contains(&refused.count()), "10,000 bytes are about ten writes");
}

/// Returns whether a message neither comes from a place nor goes to it.
fn is_beside(place: usize) -> impl Fn(&StoreMessage) -> bool {
    let store = StoreId(place as u64 + 1);
    move |message| message.from.store != store && message.to.store != store
}

/// A leader that was cut off believes for a while that it still leads. It must not show what is old.
#[test]
fn a_deposed_leader_shows_nothing_old_and_names_the_new_leader() {
    let mut three = Three::start(|_| {});
    let old = three.leader;
    drop(three.put(old, "k", b"1".into()));
    three.settle(|_| true);
    assert_eq!(three.doors[old].get_local(&context(), b"k"), Some(Some("1".into())), "its lease");

    // It does not run while the others elect, as if it was paused.
    three.paused = Some(old);
    three.elect(|place| place != old, is_beside(old));
    let told = three.put(three.leader, "k", b"2".into());
    three.settle(is_beside(old));
    assert_eq!(last(&told), Some(WriteEvent::Finished(Ok(Outcome::Done))));
    let status = three.doors[old].handle().peer(RegionId(1)).expect("it has a peer");
    assert_eq!(status.role, raft::RoleName::Leader, "it knows nothing yet");
    assert_eq!(three.doors[old].get_local(&context(), b"k"), None);
    three.paused = None;

    let modes = [ReadMode::Lease, ReadMode::Quorum, ReadMode::Follower];
    let reads: Vec<_> = modes.iter().map(|mode| three.get(old, *mode, "k")).collect();
    three.settle(is_beside(old));
    for _ in 0..50 {
        three.tick(|_| true);
    }
    for (read, mode) in reads.iter().zip(modes) {
        let seen = last(read).unwrap_or_else(|| panic!("{mode:?}: nobody answers"));
        assert!(seen.is_err() || seen == Ok(Some("2".into())), "{mode:?}: {seen:?}");
    }
    let leader = region(3).peer_on(StoreId(three.leader as u64 + 1));
    let told = three.put(old, "k", b"3".into());
    three.settle(|_| true);
    let error = KvError::NotLeader { region: RegionId(1), leader };
    assert_eq!(last(&told), Some(WriteEvent::Finished(Err(error))));
}

/// Entries of a leader that was cut off are replaced by others with the same indexes. Their senders must
/// learn that, and never that their writes were done.
#[test]
fn a_write_whose_entry_was_replaced_is_told_so() {
    let mut three = Three::start(|_| {});
    let old = three.leader;
    let mut lost = Vec::new();
    for key in ["a", "b"] {
        lost.push(three.put(old, key, b"lost".into()));
        three.settle(|_| false);
    }
    three.paused = Some(old);
    three.elect(|place| place != old, is_beside(old));
    for _ in 0..3 {
        drop(three.put(three.leader, "c", b"kept".into()));
        three.settle(is_beside(old));
    }
    three.paused = None;
    for _ in 0..3 {
        three.tick(|_| true); // a heartbeat finds the old leader
    }
    for told in lost {
        let end = last(&told);
        let is_open = matches!(end, Some(WriteEvent::Proposed | WriteEvent::Committed) | None);
        assert!(!is_open, "nobody answers: {end:?}");
        assert_ne!(end, Some(WriteEvent::Finished(Ok(Outcome::Done))), "it was lost");
    }
    let seen = ["a", "b"].map(|key| three.get(old, ReadMode::Stale, key));
    three.settle(|_| true);
    assert_eq!(seen.map(|told| last(&told)), [Some(Ok(None)), Some(Ok(None))]);
}

/// A majority may have committed what a follower does not hold yet. Its reads wait for that.
#[test]
fn a_read_at_a_follower_waits_until_its_index_is_applied() {
    let mut three = Three::start(|_| {});
    let follower = (three.leader + 1) % 3;
    drop(three.put(three.leader, "k", b"1".into()));
    three.tick(|_| true);
    // The follower gets everything but entries.
    let store = StoreId(follower as u64 + 1);
    let no_entries = |message: &StoreMessage| {
        message.to.store != store || !matches!(message.message.body, Body::AppendEntries { .. })
    };
    let told = three.put(three.leader, "k", b"2".into());
    three.settle(no_entries);
    assert_eq!(last(&told), Some(WriteEvent::Finished(Ok(Outcome::Done))));
    let read = three.get(follower, ReadMode::Follower, "k");
    three.settle(no_entries);
    assert_eq!(last(&read), None, "the write is not here yet");
    for _ in 0..9 {
        three.tick(|_| true);
    }
    assert_eq!(last(&read), Some(Ok(Some("2".into()))));
}
