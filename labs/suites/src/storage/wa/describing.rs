//! Step 2: an item, as 32 bytes, and back.
//!
//! ```text
//!   g7: entry 5@2, 3 bytes   07 00 .. | 05 00 .. | 02 00 .. | 03 00 00 10 | CRC      encode
//!                             group      a          b          kind, length          decode
//! ```
//!
//! The cards show numbers, not bytes: the value of each field, read as the format's page says.

use crate::storage::kit::words::{G1, G7, G9, at};
use crate::storage::rule;
use harness::{Check, Table, Verdict};
use storage::format::{Item, Op};
use storage::{EntryId, GroupId};

/// A descriptor's fields: group, a, b, kind, length, checksum.
type Fields = (u64, u64, u64, u32, u32, u32);

/// Writes fields as the page defines them.
fn bytes_of((group, a, b, kind, len, crc): Fields) -> Vec<u8> {
    let words = [group, a, b, u64::from(crc) << 32 | u64::from(kind) << 28 | u64::from(len)];
    words.into_iter().flat_map(u64::to_le_bytes).collect()
}

/// Says which fields these bytes are.
fn say(bytes: &[u8]) -> String {
    let Ok(all) = <[u8; 32]>::try_from(bytes) else { return format!("{} bytes", bytes.len()) };
    let word = |n: usize| -> u64 { (0..8).map(|i| u64::from(all[n * 8 + i]) << (8 * i)).sum() };
    let (last, crc) = (word(3) as u32, (word(3) >> 32) as u32);
    let (kind, len) = (last >> 28, last << 4 >> 4);
    format!("group {:x} a {:x} b {:x} kind {kind} len {len} crc {crc:x}", word(0), word(1), word(2))
}

/// Every kind of item, and its fields.
fn items() -> Vec<(&'static str, Item, Fields)> {
    let item = |group: GroupId, op: Op, len: u32, crc: u32| Item { group, op, len, crc };
    let (longest, last) = (0xfff_ffff, 1 << 62);
    let far = EntryId { index: storage::Index::LAST, ..at(1, u64::MAX) };
    vec![
        ("entry 5@2", item(G7, Op::Entry { id: at(5, 2) }, 3, 0xab), (7, 5, 2, 1, 3, 0xab)),
        ("entry 1@0, no bytes", item(G1, Op::Entry { id: at(1, 0) }, 0, 0), (1, 1, 0, 1, 0, 0)),
        (
            "the last index, Index::LAST",
            item(G9, Op::Entry { id: far }, longest, u32::MAX),
            (G9.0, last, u64::MAX, 1, longest, u32::MAX),
        ),
        ("put, key of 4", item(G7, Op::Put { key_len: 4 }, 6, 9), (7, 4, 0, 2, 6, 9)),
        ("put, all of it key", item(G7, Op::Put { key_len: 6 }, 6, 9), (7, 6, 0, 2, 6, 9)),
        ("put, empty key", item(G7, Op::Put { key_len: 0 }, 6, 9), (7, 0, 0, 2, 6, 9)),
        ("delete", item(G7, Op::Delete, 4, 9), (7, 0, 0, 3, 4, 9)),
        ("compact 4@2", item(G7, Op::Compact { through: at(4, 2) }, 0, 0), (7, 4, 2, 4, 0, 0)),
        ("compact 0@0", item(G7, Op::Compact { through: at(0, 0) }, 0, 0), (7, 0, 0, 4, 0, 0)),
        ("clean", item(G9, Op::Clean, 0, 0), (G9.0, 0, 0, 5, 0, 0)),
        ("moved 5@2", item(G7, Op::Moved { id: at(5, 2) }, 3, 0xab), (7, 5, 2, 6, 3, 0xab)),
        ("reset 9@3", item(G7, Op::Reset { through: at(9, 3) }, 0, 0), (7, 9, 3, 7, 0, 0)),
        (
            "reset to a large index",
            item(G7, Op::Reset { through: far }, 0, 0),
            (7, last, u64::MAX, 7, 0, 0),
        ),
    ]
}

/// Every kind of item, written and read.
pub(super) fn item_bytes(_: &mut Check) -> Verdict {
    let mut table = Table::new(rule("descriptor_is_as_on_the_page"), "written")
        .intro("an item's fields, as its bytes have them");
    for (what, item, fields) in items() {
        let mut out = vec![0xee; 3];
        item.encode(&mut out);
        let was = match out.strip_prefix(&[0xee; 3]) {
            Some(bytes) => say(bytes),
            None => "other bytes before it have changed".to_owned(),
        };
        table.reads(what, say(&bytes_of(fields)), was, "Item::encode");
    }
    table.verdict()?;
    let mut table = Table::new(rule("descriptor_is_as_on_the_page"), "read")
        .intro("the item that these bytes are");
    for (what, item, fields) in items() {
        let read = |item: Option<Item>| item.map_or("none".to_owned(), |item| format!("{item:?}"));
        let was = Item::decode(&bytes_of(fields));
        table.reads(what, read(Some(item)), read(was), "Item::decode");
    }
    table.verdict()
}

/// Bytes that no writer has written, and similar ones that a writer may have.
pub(super) fn item_refusals(_: &mut Check) -> Verdict {
    let rows: [(&str, Fields, bool); 29] = [
        ("kind 0", (7, 1, 1, 0, 0, 0), false),
        ("kind 8", (7, 1, 1, 8, 0, 0), false),
        ("kind 15", (7, 1, 1, 15, 0, 0), false),
        ("entry at 1", (7, 1, 1, 1, 0, 0), true),
        ("entry at 0", (7, 0, 1, 1, 0, 0), false),
        ("entry at the last index", (7, 1 << 62, 1, 1, 0, 0), true),
        ("entry after the last index", (7, (1 << 62) + 1, 1, 1, 0, 0), false),
        ("put: key 3 of 3 bytes", (7, 3, 0, 2, 3, 0), true),
        ("put: key 4 of 3 bytes", (7, 4, 0, 2, 3, 0), false),
        ("put: key 2^32 of 3 bytes", (7, 1 << 32, 0, 2, 3, 0), false),
        ("put: b is 1", (7, 3, 1, 2, 3, 0), false),
        ("delete", (7, 0, 0, 3, 3, 0), true),
        ("delete: a is 1", (7, 1, 0, 3, 3, 0), false),
        ("delete: b is 1", (7, 0, 1, 3, 3, 0), false),
        ("compact", (7, 4, 2, 4, 0, 0), true),
        ("compact with a payload", (7, 4, 2, 4, 1, 0), false),
        ("compact after the last index", (7, (1 << 62) + 1, 2, 4, 0, 0), false),
        ("clean", (7, 0, 0, 5, 0, 0), true),
        ("clean with a payload", (7, 0, 0, 5, 1, 0), false),
        ("clean: a is 1", (7, 1, 0, 5, 0, 0), false),
        ("clean: b is 1", (7, 0, 1, 5, 0, 0), false),
        ("moved at 1", (7, 1, 1, 6, 0, 0), true),
        ("moved at 0", (7, 0, 1, 6, 0, 0), false),
        ("moved after the last index", (7, u64::MAX, 1, 6, 0, 0), false),
        ("reset to 0", (7, 0, 0, 7, 0, 0), true),
        ("reset with a payload", (7, 4, 2, 7, 1, 0), false),
        ("reset to the last index", (7, 1 << 62, 2, 7, 0, 0), true),
        ("reset after the last index", (7, (1 << 62) + 1, 2, 7, 0, 0), false),
        ("put at all", (7, 0, 0, 2, 0, 0), true),
    ];
    let mut table = Table::new(rule("impossible_items_are_refused"), "the bytes say")
        .intro("whether they are an item");
    for (what, fields, is_one) in rows {
        let say = |is_one: bool| if is_one { "an item" } else { "none" };
        let was = Item::decode(&bytes_of(fields)).is_some();
        table.reads(what, say(is_one), say(was), "Item::decode");
    }
    table.verdict()
}
