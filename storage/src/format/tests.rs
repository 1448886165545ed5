//! Tests of the format: against its page, and with random and damaged bytes.

use super::*;
use crate::batch::Batch;
use crate::types::{Entry, EntryId, GroupId, Lsn, SegmentId};
use proptest::prelude::*;

const SALT: u64 = 0x1122_3344;

/// Returns the bytes of the worked example on the format's page.
fn worked_example() -> Vec<u8> {
    let page = include_str!("../format.rs");
    let lines = page.lines().skip_while(|line| !line.starts_with("//! A worked example"));
    let rows = lines.filter_map(|line| line.strip_prefix("//!   "));
    let rows = rows.take_while(|row| row.get(2..4) == Some("  "));
    let bytes = rows.flat_map(|row| row[4..].chars().take(50).collect::<String>().into_bytes());
    let text = String::from_utf8(bytes.collect()).unwrap();
    text.split_whitespace().filter_map(|hex| u8::from_str_radix(hex, 16).ok()).collect()
}

/// Returns a batch of arbitrary items.
fn batches() -> impl Strategy<Value = Batch> {
    let bytes = || prop::collection::vec(any::<u8>(), 0..40);
    let item = (0..7u8, any::<u64>(), 1..1u64 << 62, any::<u64>(), bytes(), bytes());
    prop::collection::vec(item, 0..12).prop_map(|items| {
        let mut batch = Batch::new();
        for (kind, group, index, term, key, value) in items {
            let (group, id) = (GroupId(group), EntryId::new(index, term));
            match kind {
                0 => batch.entries(group, &[Entry { id, data: value.into() }]),
                1 => batch.put(group, &key, &value),
                2 => batch.delete(group, &key),
                3 => batch.compact(group, id),
                4 => batch.remove_group(group),
                5 => batch.reset(group, id),
                _ => {
                    batch.moved(group, id, &value);
                    &mut batch
                }
            };
        }
        batch
    })
}

/// Returns a batch's frame.
fn frame_of(batch: &Batch, lsn: u64) -> Vec<u8> {
    let draft = batch.draft(Flags::Batch, 1 << 20).unwrap();
    draft.place(Lsn(lsn), Lsn(lsn - 1), Salt::new(SALT))
}

#[test]
fn the_worked_example_is_what_is_written() {
    let mut batch = Batch::new();
    batch.entries(GroupId(7), &[Entry { id: EntryId::new(1, 1), data: "hello".into() }]);
    let written = frame_of(&batch, 1);
    let rows = written.chunks(16).map(|row| row.iter().map(|b| format!("{b:02x} ")).collect());
    let hex: Vec<String> = rows.collect();
    assert_eq!(worked_example(), written, "the frame is\n{}", hex.join("\n"));
}

#[test]
fn the_worked_example_is_read_as_the_page_says() {
    let bytes = worked_example();
    let frame = Frame::decode(&bytes, Salt::new(SALT), Lsn(1)).unwrap();
    let (item, at) = frame.items().next().unwrap();
    assert_eq!((item.group, item.op), (GroupId(7), Op::Entry { id: EntryId::new(1, 1) }));
    assert_eq!(frame.payload(&item, at), b"hello");
    assert_eq!((frame.header().lsn, frame.header().durable), (Lsn(1), Lsn(0)));
}

#[test]
fn every_bit_of_the_example_matters() {
    let bytes = worked_example();
    for bit in 0..bytes.len() * 8 {
        let mut flipped = bytes.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        let decoded = Frame::decode(&flipped, Salt::new(SALT), Lsn(1));
        assert!(decoded.is_err(), "bit {bit}");
    }
}

#[test]
fn zeros_are_not_a_frame_under_any_salt() {
    for salt in [1, 7, SALT, u64::MAX, 0] {
        for len in [0, 8, 31, 32, 4096] {
            assert!(Frame::decode(&vec![0; len], Salt::new(salt), Lsn(0)).is_err());
        }
    }
}

#[test]
fn a_segments_header_is_read_as_it_was_written() {
    let header = SegmentHeader {
        store: StoreId(0x0123_4567_89ab_cdef_0011_2233_4455_6677),
        segment: SegmentId(9),
        first_lsn: Lsn(77),
        salt: Salt::new(SALT),
        capacity: 64 << 20,
    };
    let bytes = header.encode();
    assert_eq!(SegmentHeader::decode(&bytes), Ok(header));
    assert_eq!(&bytes[..16], b"RFTLOG\x01\n\x0d\x0c\x0b\x0a\x01\x00\x40\x00");
    for at in 0..bytes.len() * 8 {
        let mut flipped = bytes;
        flipped[at / 8] ^= 1 << (at % 8);
        assert!(SegmentHeader::decode(&flipped).is_err(), "bit {at}");
    }
}

proptest! {
    #[test]
    fn a_frame_is_read_as_it_was_written(batch in batches(), lsn in 1..=1u64 << 62) {
        let bytes = frame_of(&batch, lsn);
        prop_assert_eq!(bytes.len(), batch.size_bytes());
        let frame = Frame::decode(&bytes, Salt::new(SALT), Lsn(lsn)).unwrap();
        let items: Vec<Item> = frame.items().map(|(item, _)| item).collect();
        prop_assert_eq!(&items[..], batch.items());
    }

    #[test]
    fn a_frame_is_not_valid_under_another_salt_or_lsn(
        batch in batches(), salt in any::<u64>(), lsn in 1..1000u64,
    ) {
        let bytes = frame_of(&batch, 500);
        if Salt::new(salt).seed() != Salt::new(SALT).seed() {
            prop_assert!(Frame::decode(&bytes, Salt::new(salt), Lsn(500)).is_err());
        }
        let here = Frame::decode(&bytes, Salt::new(SALT), Lsn(lsn));
        prop_assert_eq!(here.is_ok(), lsn == 500);
    }

    #[test]
    fn a_flipped_bit_is_noticed(batch in batches(), at in any::<prop::sample::Index>()) {
        let mut bytes = frame_of(&batch, 3);
        let bit = at.index(bytes.len() * 8);
        bytes[bit / 8] ^= 1 << (bit % 8);
        prop_assert!(Frame::decode(&bytes, Salt::new(SALT), Lsn(3)).is_err());
    }

    #[test]
    fn a_frame_cut_short_is_noticed(batch in batches(), at in any::<prop::sample::Index>()) {
        let bytes = frame_of(&batch, 3);
        let cut = at.index(bytes.len());
        prop_assert!(Frame::decode(&bytes[..cut], Salt::new(SALT), Lsn(3)).is_err());
    }

    #[test]
    fn random_bytes_are_refused_and_never_panic(
        bytes in prop::collection::vec(any::<u8>(), 0..300),
    ) {
        let _ = Frame::peek(&bytes);
        let _ = SegmentHeader::decode(&bytes);
        prop_assert!(Frame::decode(&bytes, Salt::new(SALT), Lsn(1)).is_err());
    }

    /// Random bytes never pass a checksum. So this test makes every checksum match.
    #[test]
    fn hostile_bytes_under_matching_checksums_never_panic(
        batch in batches(),
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        count in prop::option::of(any::<u16>()),
        len in prop::option::of(any::<u32>()),
    ) {
        let mut bytes = frame_of(&batch, 3);
        for (at, byte) in damage {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if let Some(count) = count {
            bytes[28..30].copy_from_slice(&count.to_le_bytes());
        }
        if let Some(len) = len {
            bytes[4..8].copy_from_slice(&len.to_le_bytes());
        }
        let items = usize::from(u16_at(&bytes, 28)).min(bytes.len() / DESCRIPTOR_BYTES - 1);
        let descriptors_crc = crc32fast::hash(&bytes[32..32 + items * DESCRIPTOR_BYTES]);
        bytes[24..28].copy_from_slice(&descriptors_crc.to_le_bytes());
        let _ = Frame::peek(&bytes);
        let lsn = Lsn(u64_at(&bytes, 8));
        let durable = Lsn(u64_at(&bytes, 16));
        let mended = Draft::of(&bytes).place(lsn, durable, Salt::new(SALT));
        if let Ok(frame) = Frame::decode(&mended, Salt::new(SALT), lsn) {
            for (item, at) in frame.items() {
                prop_assert_eq!(frame.payload(&item, at).len(), item.len as usize);
            }
        }
    }
}
