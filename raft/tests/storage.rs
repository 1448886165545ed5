//! `MemoryStorage` keeps the contract of `Storage`, so that a test on it is a test.

use bytes::Bytes;
use raft::*;

fn entry(index: u64, term: u64, size: usize) -> Entry {
    let id = EntryId { index: Index(index), term: Term(term) };
    let payload = Payload::Normal(Bytes::from(vec![0; size]));
    Entry::unplaced(payload).at(id)
}

fn indexes(entries: &[Entry]) -> Vec<u64> {
    entries.iter().map(|entry| entry.id.index.0).collect()
}

#[test]
fn an_empty_log_begins_at_one_and_ends_before_it() {
    let storage = MemoryStorage::with_voters([NodeId(1)]);
    assert_eq!((storage.first_index(), storage.last_index()), (Ok(Index(1)), Ok(Index(0))));
    assert_eq!(storage.term(Index(0)), Ok(Term(0)));
    let beyond = StorageError::Unavailable { index: Index(1), last: Index(0) };
    assert_eq!(storage.term(Index(1)), Err(beyond));
}

#[test]
fn writing_at_a_place_discards_everything_from_there() {
    let mut storage = MemoryStorage::default();
    storage.append(&[entry(1, 1, 1), entry(2, 1, 1), entry(3, 1, 1)]);
    storage.append(&[entry(2, 2, 1)]);
    assert_eq!(storage.last_index(), Ok(Index(2)));
    assert_eq!((storage.term(Index(1)), storage.term(Index(2))), (Ok(Term(1)), Ok(Term(2))));
}

#[test]
fn a_size_limit_always_lets_one_entry_through() {
    let mut storage = MemoryStorage::default();
    storage.append(&[entry(1, 1, 10), entry(2, 1, 10), entry(3, 1, 10)]);
    let read = |low, high, max| {
        storage.entries(Index(low), Index(high), max, Purpose::Check).expect("in range")
    };
    assert_eq!(indexes(&read(1, 4, None)), [1, 2, 3]);
    let two = 2 * entry(1, 1, 10).size_bytes();
    assert_eq!(indexes(&read(1, 4, Some(two))), [1, 2]);
    assert_eq!(indexes(&read(1, 4, Some(two - 1))), [1]);
    assert_eq!(indexes(&read(2, 4, Some(0))), [2]);
    assert_eq!(indexes(&read(2, 2, None)), []);
}

#[test]
#[should_panic(expected = "entry 3 leaves a gap")]
fn a_gap_is_the_owners_mistake() {
    MemoryStorage::default().append(&[entry(3, 1, 1)]);
}

#[test]
fn a_snapshot_that_does_not_reach_far_enough_is_not_given() {
    let storage = MemoryStorage::with_voters([NodeId(1)]);
    assert_eq!(storage.snapshot(Index(0), NodeId(2)), Err(StorageError::Pending), "there is none");
    let storage = MemoryStorage::with_snapshot(snapshot(10, 1));
    assert_eq!(storage.snapshot(Index(10), NodeId(2)).map(|s| s.id.index), Ok(Index(10)));
    assert_eq!(storage.snapshot(Index(11), NodeId(2)), Err(StorageError::Pending));
}

/// Returns a snapshot that covers the log up to `index`, of `term`, in a group of one.
fn snapshot(index: u64, term: u64) -> Snapshot {
    let voters = [NodeId(1)].into();
    let id = EntryId { index: Index(index), term: Term(term) };
    Snapshot { id, conf_state: ConfState { voters, ..ConfState::default() }, data: Bytes::new() }
}

#[test]
fn a_snapshot_answers_for_the_term_of_its_last_entry_and_for_nothing_before() {
    let mut storage = MemoryStorage::with_snapshot(snapshot(10, 1));
    storage.append(&[entry(11, 2, 1)]);
    assert_eq!((storage.first_index(), storage.last_index()), (Ok(Index(11)), Ok(Index(11))));
    assert_eq!((storage.term(Index(10)), storage.term(Index(11))), (Ok(Term(1)), Ok(Term(2))));
    let before = StorageError::Compacted { index: Index(9), first: Index(11) };
    assert_eq!(storage.term(Index(9)), Err(before));
}

#[test]
fn a_node_has_committed_and_applied_what_its_snapshot_covers() {
    let storage = MemoryStorage::with_snapshot(snapshot(10, 1));
    let mut node = RawNode::new(&Config::new(NodeId(1)), storage).expect("it can start");
    assert_eq!((node.status().commit, node.status().applied), (Index(10), Index(10)));
    assert!(!node.has_ready(), "that is no news to its owner");
    node.campaign().expect("it votes");
    let mut applied = Vec::new();
    while node.has_ready() {
        let mut ready = node.ready().expect("memory can be read");
        node.storage_mut().append(ready.entries());
        applied.extend(ready.take_committed_entries());
        applied.extend(node.advance(ready).expect("memory can be read").take_committed_entries());
        node.advance_apply().expect("memory can be read");
    }
    assert_eq!(indexes(&applied), [11]);
}
