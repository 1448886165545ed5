//! The advice for files: while readers read sequentially, and while they jump.

use super::{JUMPS, JUMPS_BETWEEN, Readers, STEPS};
use crate::disk::{Advice, Disk, DiskFile, RealDisk};
use crate::groups::Loc;
use crate::types::{GroupId, Index, SegmentId};

/// Reads one entry, and returns the new advice for all files, if there is any.
fn read_one(readers: &Readers, group: u64, index: u64) -> Option<Advice> {
    readers.note(GroupId(group), Index(index)..Index(index + 1))
}

/// Reads `times` entries at random places, and returns all new advice.
fn jump(readers: &Readers, times: u32) -> Vec<Advice> {
    let jumps = (1..=u64::from(times)).map(|time| 1_000_000 - 7 * time);
    jumps.filter_map(|index| read_one(readers, 3, index)).collect()
}

#[test]
fn read_ahead_is_off_after_many_jumps_until_reads_are_sequential_again() {
    let readers = Readers::new();
    assert_eq!(jump(&readers, JUMPS - 1), [], "not yet");
    assert_eq!(jump(&readers, 1000), [Advice::Random], "said once");
    assert_eq!(jump(&readers, JUMPS_BETWEEN), [Advice::Random], "said again for new files");
    assert_eq!(read_one(&readers, 7, 1), None, "it looks like one more jump");
    assert_eq!(read_one(&readers, 7, 2), None, "a jump may end where a reader once stopped");
    assert_eq!(jump(&readers, 1), [], "the jumps continue");
    let said: Vec<_> = (3..20).map(|index| read_one(&readers, 7, index)).collect();
    assert_eq!(said.iter().flatten().collect::<Vec<_>>(), [&Advice::Around], "said once");
    assert_eq!(said[STEPS as usize - 1], Some(Advice::Around), "{said:?}");
}

#[test]
fn a_range_of_entries_is_sequential_by_itself() {
    let readers = Readers::new();
    assert_eq!(jump(&readers, JUMPS), [Advice::Random]);
    let asked = readers.note(GroupId(7), Index(50)..Index(150));
    assert_eq!(asked, Some(Advice::Around));
    assert_eq!(read_one(&readers, 7, 150), None, "it continues behind the range");
    assert_eq!(jump(&readers, JUMPS - 1), [], "jumps are counted from the last sequential read");
    assert_eq!(jump(&readers, 1), [Advice::Random]);
}

#[test]
fn many_readers_are_sequential_at_once_and_two_of_them_in_one_group() {
    let readers = Readers::new();
    let places = [(1, 0), (2, 0), (3, 0), (4, 0), (5, 0), (6, 0), (7, 0), (8, 0), (8, 9_000)];
    for index in 1..=1_000 {
        for (group, first) in places {
            let said = read_one(&readers, group, first + index);
            // The first entries of each reader look like jumps.
            assert!(index < 3 || said.is_none(), "{said:?}: group {group}, {}", first + index);
        }
    }
    assert!(!readers.is_random());
}

#[test]
fn all_pages_of_a_long_entry_are_requested_at_once_while_read_ahead_is_off() {
    let readers = Readers::new();
    let loc = |offset, len| Loc { segment: SegmentId(1), offset, len, crc: 0 };
    assert_eq!(readers.advice_on(loc(4000, 20_000)), None, "read ahead anyway");
    jump(&readers, JUMPS);
    let asked = readers.advice_on(loc(4000, 20_000));
    assert_eq!(asked, Some(Advice::WillNeed { offset: 4000, len: 20_000 }));
    for short in [loc(4090, 7), loc(4096, 4096), loc(4000, 0), loc(u32::MAX - 5, 5)] {
        assert_eq!(readers.advice_on(short), None, "{short:?}");
    }
}

#[test]
fn no_advice_changes_what_is_read() {
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
