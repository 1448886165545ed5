//! Garbage collection while other threads write: each test brings about one order of events.

use crate::format::Flags;
use crate::{Batch, Entry, EntryId, GroupId, Index, Log, Options, SegmentId, SimDisk};
use std::time::Duration;

#[test]
fn a_segment_may_become_garbage_before_the_collector_locks_the_writer() {
    let (segment_bytes, max_batch_bytes) = (8192, 2048);
    let options =
        Options { segment_bytes, max_batch_bytes, collect_above_bytes: 0, ..Options::default() };
    let log = Log::open_on(SimDisk::new(1), options).expect("an empty disk");
    let append = |index, batch: &mut Batch| {
        let entry = Entry { id: EntryId::new(index, 1), data: vec![7; 1000].into() };
        log.append(batch.entries(GroupId(1), &[entry])).expect("the disk has room");
    };
    (1..=20).for_each(|index| append(index, &mut Batch::new()));
    // A collector has seen live records in the first segment. Before it locks the writer, they are
    // garbage.
    append(21, Batch::new().compact(GroupId(1), EntryId::new(20, 1)));
    let moved = log.move_some(SegmentId::FIRST).expect("there is nothing to move");
    assert!(moved.is_empty());
    assert_eq!(log.gc().expect("the disk works").removed.first(), Some(&SegmentId::FIRST));
}

/// A record that a batch replaces, while a collector is about to move it, stays replaced.
///
/// ```text
///   collector            move_some: waits for the writer ...... picks, writes
///   writer    locked .......... writes entry 1@2, key "new" ... unlocked
/// ```
///
/// If the collector picked before it locks the writer, it would write the old records after the
/// new.
#[test]
fn what_is_replaced_while_a_collector_waits_is_not_written_again() {
    let (segment_bytes, max_batch_bytes) = (8192, 2048);
    let options =
        Options { segment_bytes, max_batch_bytes, collect_above_bytes: 0, ..Options::default() };
    let log = Log::open_on(SimDisk::new(1), options).expect("an empty disk");
    let group = GroupId(1);
    let entry = |term| Entry { id: EntryId::new(1, term), data: vec![term as u8; 100].into() };
    let mut old = Batch::new();
    log.append(old.entries(group, &[entry(1)]).put(group, b"k", b"old")).expect("there is room");
    for _ in 0..10 {
        let mut filler = Batch::new();
        log.append(filler.put(GroupId(2), b"filler", &[7; 1500])).expect("there is room");
    }
    let mut new = Batch::new();
    let draft = new.entries(group, &[entry(2)]).put(group, b"k", b"new").draft(Flags::Batch, 2048);
    std::thread::scope(|scope| {
        let mut writer = log.writer().expect("nothing has failed");
        let collector = scope.spawn(|| log.move_some(SegmentId::FIRST));
        // Time for the collector to wait for the writer. Without the pause the test still passes,
        // but it may not find the bug.
        std::thread::sleep(Duration::from_millis(100));
        log.write_frame(&mut writer, draft.expect("it is short")).expect("the disk works");
        drop(writer);
        collector.join().expect("it does not panic").expect("there is room");
    });
    assert_eq!(log.entry(group, Index(1)).expect("it holds"), Some(entry(2)));
    assert_eq!(log.get(group, b"k").as_deref(), Some(&b"new"[..]));
}
