//! What readers ask their files for: those who go on where they were, and those who jump.

use super::{Readers, STRETCH_BYTES_MAX, STRETCH_BYTES_MIN};
use crate::disk::{Advice, Disk, DiskFile, RealDisk};
use crate::groups::Loc;
use crate::types::{GroupId, Index, SegmentId};

const ENTRY_BYTES: u32 = 320;

fn loc(segment: u32, offset: u32) -> Loc {
    Loc { segment: SegmentId(segment), offset, len: ENTRY_BYTES, crc: 0 }
}

/// Reads one entry, and returns from where to where the file was asked for, if it was.
fn read_one(readers: &Readers, group: u64, index: u64, loc: Loc) -> Option<(u64, u64)> {
    let mut reader = readers.begin(GroupId(group), Index(index));
    let asked = reader.read(loc).map(|advice| match advice {
        Advice::WillNeed { offset, len } => (offset, offset + len),
        Advice::Around | Advice::Random => panic!("a reader says what it needs"),
    });
    readers.end(GroupId(group), Index(index + 1), reader);
    asked
}

#[test]
fn a_reader_in_order_asks_for_stretch_after_stretch_before_it_is_there() {
    let readers = Readers::new();
    let mut stretches = Vec::new();
    let mut asked_to = 0;
    for index in 0..20_000 {
        let at = loc(1, index * ENTRY_BYTES);
        let asked = read_one(&readers, 7, u64::from(index) + 1, at);
        if index == 0 {
            assert_eq!(asked, None, "nobody knows yet that it goes on");
            continue;
        }
        if let Some((from, to)) = asked {
            assert!(stretches.is_empty() || from == asked_to, "{from}, and not {asked_to}");
            stretches.push(to - from);
            asked_to = to;
        }
        assert!(u64::from(at.offset + ENTRY_BYTES) <= asked_to, "{at:?} was not asked for");
    }
    assert!(stretches.iter().all(|len| *len <= u64::from(STRETCH_BYTES_MAX)), "{stretches:?}");
    let bytes = u64::from(20_000 * ENTRY_BYTES);
    assert!((stretches.len() as u64) < bytes / u64::from(STRETCH_BYTES_MAX) + 10, "{stretches:?}");
    assert!(asked_to < bytes + u64::from(STRETCH_BYTES_MAX), "{asked_to} of {bytes}");
}

#[test]
fn a_reader_here_and_there_asks_for_what_it_reads_and_no_more() {
    let readers = Readers::new();
    let mut number = 1_u64;
    for _ in 0..2_000 {
        number = number.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let index = number >> 44; // a million of them
        let at = loc(1, (index as u32) << 8);
        let asked = read_one(&readers, 7, index, at);
        // But for one on two pages: these are read at once.
        let end = at.offset + ENTRY_BYTES;
        let is_on_one_page = at.offset >> 12 == (end - 1) >> 12;
        let must_be = (!is_on_one_page).then_some((at.offset.into(), end.into()));
        assert_eq!(asked, must_be, "entry {index}");
    }
}

#[test]
fn readers_of_many_groups_and_two_of_one_group_go_on_side_by_side() {
    let readers = Readers::new();
    let mut asked = [0; 9];
    for index in 1..=200 {
        for (reader, (group, first)) in
            [(1, 0), (2, 0), (3, 0), (4, 0), (5, 0), (6, 0), (7, 0), (8, 0), (8, 9_000)]
                .into_iter()
                .enumerate()
        {
            let at = loc(group, (first + index as u32) * ENTRY_BYTES);
            let index = u64::from(first) + index;
            asked[reader] += u32::from(read_one(&readers, group.into(), index, at).is_some());
        }
    }
    // A reader whose slot another takes begins with the first stretch: that costs an advice, no more.
    assert!(asked.iter().all(|asked| (1..40).contains(asked)), "{asked:?}");
}

#[test]
fn a_reader_of_few_bytes_far_apart_asks_for_the_first_stretch_at_each() {
    let readers = Readers::new();
    let gap = 10 * STRETCH_BYTES_MIN;
    for index in 1..100 {
        let at = loc(1, index * gap);
        let asked = read_one(&readers, 7, index.into(), at);
        let long = asked.map_or(0, |(from, to)| to - from);
        assert!(long <= 2 * u64::from(STRETCH_BYTES_MIN), "{long} at entry {index}");
    }
}

#[test]
fn a_reader_that_comes_to_another_segment_begins_there_anew() {
    let readers = Readers::new();
    let last = 63 << 20;
    assert_eq!(read_one(&readers, 7, 1, loc(1, last)), None);
    assert!(read_one(&readers, 7, 2, loc(1, last + ENTRY_BYTES)).is_some());
    let (from, to) = read_one(&readers, 7, 3, loc(2, 4096)).unwrap();
    assert!(from == 4096 && to >= 4096 + u64::from(ENTRY_BYTES), "{from} to {to}");
    // And at the end of the largest file there can be, nothing overflows.
    let last = u32::MAX - ENTRY_BYTES;
    assert!(read_one(&readers, 7, 4, loc(3, last - ENTRY_BYTES)).is_some());
    read_one(&readers, 7, 5, loc(3, last));
}

#[test]
fn advice_changes_nothing_that_is_read_wherever_it_points() {
    let dir = tempfile::tempdir().unwrap();
    let file = RealDisk::at(dir.path()).unwrap().create("it").unwrap();
    let bytes: Vec<u8> = (0..100_000_u32).map(|at| at as u8).collect();
    file.write_all_at(0, &bytes).unwrap();
    let mapped = file.map().unwrap();
    let advised = mapped.advised().unwrap();
    for advice in [
        Advice::Random,
        Advice::WillNeed { offset: 0, len: 1 },
        Advice::WillNeed { offset: 5000, len: 9000 },
        Advice::WillNeed { offset: 99_999, len: 1 << 30 },
        Advice::WillNeed { offset: u64::MAX, len: u64::MAX },
        Advice::Around,
    ] {
        advised.advise(advice);
        assert_eq!(mapped.bytes(), &bytes, "{advice:?}");
    }
}
