//! What collection meets when others write meanwhile, put together step by step.

use crate::{Batch, Entry, EntryId, GroupId, Log, Options, SegmentId, SimDisk};

#[test]
fn a_segment_that_is_let_go_of_while_it_is_looked_at_is_no_mistake() {
    let (segment_bytes, max_batch_bytes) = (8192, 2048);
    let options =
        Options { segment_bytes, max_batch_bytes, collect_above_bytes: 0, ..Options::default() };
    let log = Log::open_on(SimDisk::new(1), options).expect("an empty disk");
    let append = |index, batch: &mut Batch| {
        let entry = Entry { id: EntryId::new(index, 1), data: vec![7; 1000].into() };
        log.append(batch.entries(GroupId(1), &[entry])).expect("the disk has room");
    };
    (1..=20).for_each(|index| append(index, &mut Batch::new()));
    // A collector has seen that the first segment is wanted; before it locks the writer, it is not.
    append(21, Batch::new().compact(GroupId(1), EntryId::new(20, 1)));
    let moved = log.move_some(SegmentId::FIRST).expect("there is nothing to move");
    assert!(moved.is_empty());
    assert_eq!(log.gc().expect("the disk works").removed.first(), Some(&SegmentId::FIRST));
}
