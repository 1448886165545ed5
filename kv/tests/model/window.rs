//! The window against one that remembers everything: it never lets a request run twice.

use crate::open;
use kv::memtable::{Change, Family, Memtable, WriteBatch};
use kv::model::*;
use raft::Index;
use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};
use std::collections::BTreeMap;
use storage::SimDisk;

const REGION: RegionId = RegionId(1);

fn request(store: u64, incarnation: u64, sequence: u64) -> RequestId {
    RequestId { origin: Origin { store: StoreId(store), life: 7, incarnation }, sequence }
}

fn save(window: &mut Window, index: u64, table: &Memtable<SimDisk>) {
    let mut batch = WriteBatch::new();
    window.save(REGION, Index(index), &mut batch);
    table.write(&batch).expect("the disk works");
}

#[test]
fn a_repeated_request_gets_its_first_outcome_and_an_old_one_undetermined() {
    let (mut window, table) = (Window::default(), open());
    assert_eq!(window.admit(request(1, 1, 5)), Ok(()));
    window.record(request(1, 1, 5), Outcome::Number(7));
    assert_eq!(window.admit(request(1, 1, 5)), Err(Outcome::Number(7)), "in the same entry, too");
    save(&mut window, 6, &table);
    assert_eq!(window.admit(request(1, 1, 5)), Err(Outcome::Number(7)));
    assert_eq!(window.admit(request(1, 1, 4)), Ok(()), "it comes late, and is new");
    assert_eq!(window.admit(request(2, 1, 5)), Ok(()), "another store's");

    window.record(request(1, 2, 1), Outcome::Done);
    assert_eq!(window.admit(request(1, 1, 5)), Err(Outcome::Undetermined), "of an earlier start");
    assert_eq!(window.admit(request(1, 1, 6)), Err(Outcome::Undetermined));
    assert_eq!(window.admit(request(1, 3, 1)), Ok(()));
}

#[test]
fn the_window_is_bounded_and_what_leaves_it_is_not_run_again() {
    let (mut window, table) = (Window::default(), open());
    let entries = WINDOW_REQUESTS as u64 + 100;
    for sequence in 1..=entries {
        window.record(request(1, 1, sequence), Outcome::Done);
        save(&mut window, sequence, &table);
    }
    assert_eq!(window.len(), WINDOW_REQUESTS);
    let records = keys::all_requests(REGION);
    let kept = table.snapshot().iter(Family::Raft, &records).count();
    assert_eq!(kept, WINDOW_REQUESTS, "what has left is deleted");
    assert_eq!(window.admit(request(1, 1, 100)), Err(Outcome::Undetermined));
    assert_eq!(window.admit(request(1, 1, 101)), Err(Outcome::Done));
    assert_eq!(Window::load(&table.snapshot(), REGION), Ok(window));
}

#[test]
fn outcomes_are_bounded_by_their_bytes_too() {
    let (mut window, table) = (Window::default(), open());
    let results = vec![Outcome::Number(1); 10_000];
    for sequence in 1..=40 {
        let outcome = Outcome::Txn { succeeded: true, results: results.clone() };
        window.record(request(1, 1, sequence), outcome);
        save(&mut window, sequence, &table);
    }
    let bytes = table.snapshot().size(Family::Raft, &keys::all_requests(REGION)).bytes;
    assert!(bytes <= WINDOW_BYTES as u64 + 40 * 18, "{bytes} bytes");
    assert!(window.admit(request(1, 1, 40)).is_err(), "the last is remembered");
    assert_eq!(window.admit(request(1, 1, 1)), Err(Outcome::Undetermined));
}

#[test]
fn no_request_runs_twice_and_a_restart_changes_nothing() {
    for seed in 0..20 {
        let random = &mut ChaCha8Rng::seed_from_u64(seed);
        let (mut window, table) = (Window::default(), open());
        let mut run: BTreeMap<RequestId, Outcome> = BTreeMap::new();
        for index in 1..1500u64 {
            for _ in 0..random.random_range(0..8) {
                let sequence = (index * 4).saturating_sub(random.random_range(0..6000)).max(1);
                let request = request(random.random_range(1..4), 1 + index / 600, sequence);
                match window.admit(request) {
                    Ok(()) => {
                        let outcome = Outcome::Number(random.random());
                        window.record(request, outcome.clone());
                        let before = run.insert(request, outcome);
                        assert_eq!(before, None, "seed {seed}: {request} ran twice");
                    }
                    Err(Outcome::Undetermined) => {}
                    Err(first) => assert_eq!(run.get(&request), Some(&first), "seed {seed}"),
                }
            }
            save(&mut window, index, &table);
            if random.random_ratio(1, 100) {
                let loaded =
                    Window::load(&table.snapshot(), REGION).expect("it reads what it wrote");
                assert_eq!(loaded, window, "seed {seed}, entry {index}");
                window = loaded;
            }
        }
    }
}

#[test]
fn two_lives_of_a_store_share_no_request_and_neither_shuts_the_other_out() {
    let (mut window, table) = (Window::default(), open());
    let of = |life, incarnation, sequence| {
        let origin = Origin { store: StoreId(1), life, incarnation };
        RequestId { origin, sequence }
    };
    window.record(of(9, 4, 1), Outcome::Number(1));
    save(&mut window, 6, &table);
    assert_eq!(window.admit(of(3, 1, 1)), Ok(()), "the disks were lost: not the old outcome");
    window.record(of(3, 1, 1), Outcome::Number(2));
    save(&mut window, 7, &table);
    let window = Window::load(&table.snapshot(), REGION).expect("it reads what it wrote");
    assert_eq!(window.admit(of(3, 1, 1)), Err(Outcome::Number(2)));
    assert_eq!(window.admit(of(3, 2, 1)), Ok(()), "its next start");
    assert_eq!(window.admit(of(9, 4, 1)), Err(Outcome::Number(1)), "a late repetition");
    assert_eq!(window.admit(of(9, 3, 1)), Err(Outcome::Undetermined));
}

#[test]
fn a_million_lives_leave_a_bounded_window() {
    const LIVES_OF_AN_ENTRY: u64 = 1000;
    let (mut window, mut batch) = (Window::default(), WriteBatch::new());
    let (mut most, mut value) = (0, None);
    for index in 1..=1000 {
        for store in 0..LIVES_OF_AN_ENTRY {
            window.record(request(index * LIVES_OF_AN_ENTRY + store, 1, 1), Outcome::Done);
        }
        batch.clear();
        window.save(REGION, Index(index), &mut batch);
        for (_, change) in batch.changes() {
            if let Change::Put { key, value: floors } = change
                && *key == keys::floors(REGION)
            {
                (most, value) = (most.max(floors.len()), Some(floors.clone()));
            }
        }
        let entry_bytes = LIVES_OF_AN_ENTRY as usize * Command::encoded_len(&delete());
        assert!(batch.size_bytes() <= saved_bytes_max(entry_bytes), "{}", batch.size_bytes());
    }
    assert!(value.is_some() && most <= 40 * (QUIET_LIVES + WINDOW_REQUESTS) + 5, "{most} bytes");
    println!("{most} bytes of floors at most");
}

fn delete() -> Write {
    Write::Delete { key: "".into() }
}

#[test]
fn the_lives_that_were_heard_last_keep_their_floors_and_a_restart_changes_nothing() {
    let (mut window, table) = (Window::default(), open());
    let fill = WINDOW_REQUESTS as u64;
    // Store 1 is heard first, the others after it; then the window is filled by one that is not quiet.
    let quiet = QUIET_LIVES as u64 + 1;
    for index in 1..=quiet + fill {
        window.record(request(index.min(quiet + 1), 1, index), Outcome::Done);
        save(&mut window, index, &table);
    }
    let loaded = Window::load(&table.snapshot(), REGION).expect("it reads what it wrote");
    assert_eq!(loaded, window);
    assert_eq!(window.admit(request(2, 1, 2)), Err(Outcome::Undetermined), "its floor is kept");
    assert_eq!(window.admit(request(1, 1, 1)), Ok(()), "it is forgotten");
    let last = quiet + 1;
    assert_eq!(window.admit(request(last, 1, last)), Err(Outcome::Done));
}

/// The longest that one entry saves: it drives out a full window, and every request is of another life.
#[test]
fn what_an_entry_saves_has_a_bound() {
    let (mut window, mut batch) = (Window::default(), WriteBatch::new());
    let mut lives = 0;
    let mut next = || {
        lives += 1;
        request(lives, 1, 1)
    };
    let of_entry = ENTRY_BYTES_MAX / Command::encoded_len(&delete());
    for index in 1..=WINDOW_REQUESTS as u64 {
        window.record(next(), Outcome::Done);
        window.save(REGION, Index(index), &mut batch);
    }
    batch.clear();
    for _ in 0..of_entry {
        window.record(next(), Outcome::Refused(Refusal::EpochNotMatch { asked: Epoch::default() }));
    }
    window.save(REGION, Index(1 << 20), &mut batch);
    let (bytes, most) = (batch.size_bytes(), saved_bytes_max(ENTRY_BYTES_MAX));
    println!("{bytes} bytes of {most}");
    assert!(bytes <= most, "{bytes} bytes, and the bound is {most}");
}
