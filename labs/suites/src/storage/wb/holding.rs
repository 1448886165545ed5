//! Step 1: whether a frame is good.
//!
//! ```text
//!   [ CRC len LSN durable CRC n flags | descriptors | payloads | zeros ]
//!     header: salted CRC                CRC           a CRC each   zero
//!     `-- any bit of it changed: refused
//! ```

use super::images::{Items, mend};
use crate::storage::kit::words::{G1, G7, at};
use crate::storage::rule;
use harness::{Check, Table, Verdict, current};
use storage::format::{Draft, FRAME_HEADER_BYTES, Flags, Frame, FrameFault, Item, Salt};
use storage::{Lsn, format::Op};

const SALT: u64 = 0x1122_3344;
const LSN: u64 = 7;

fn salt() -> Salt {
    Salt::new(SALT)
}

/// Two entries, a key and a deletion: payloads of 4, 4, 6 and 2 bytes, and 0 to 7 of padding.
fn items() -> Items {
    let items = Items::default().entry(G7, at(4, 2)).entry(G7, at(5, 2));
    items.put(G1, "vote", "n2").item(G1, Op::Delete, b"k")
}

fn frame() -> Vec<u8> {
    items().place(LSN, 5, salt())
}

/// Reads a frame with zeros after it.
fn decode(frame: &[u8]) -> Result<(), FrameFault> {
    let mut rest = frame.to_vec();
    rest.resize(frame.len() + 256, 0);
    Frame::decode(&rest, salt(), Lsn(LSN)).map(|_| ())
}

/// Says whether a frame was accepted.
fn said(outcome: Result<(), FrameFault>) -> String {
    outcome.map_or_else(|fault| format!("refused: {fault}"), |()| "it holds".to_owned())
}

/// The parts of a frame: the name of each, where it is, and which function checks it.
fn parts(frame: &[u8]) -> Vec<(String, std::ops::Range<usize>, &'static str)> {
    let header = [
        ("the header's CRC", 0..4),
        ("the length", 4..8),
        ("the LSN", 8..16),
        ("the durable LSN", 16..24),
        ("the descriptors' CRC", 24..28),
        ("the number of items", 28..30),
        ("the flags", 30..32),
    ];
    let mut parts: Vec<_> = header
        .into_iter()
        .map(|(name, place)| (name.to_owned(), place, "FrameHeader::decode"))
        .collect();
    let items = items();
    let payloads = FRAME_HEADER_BYTES + 32 * items.items().len();
    parts.push((
        "the descriptors".into(),
        FRAME_HEADER_BYTES..payloads,
        "Frame::check_descriptors",
    ));
    let mut from = payloads;
    for (n, item) in (1..).zip(items.items()) {
        let to = from + item.len as usize;
        parts.push((format!("payload {n}"), from..to, "Frame::check_payloads"));
        from = to;
    }
    parts.push(("the padding".into(), from..frame.len(), "Frame::check_payloads"));
    parts
}

/// Every bit of a frame is covered.
pub(super) fn frame_every_bit(_: &mut Check) -> Verdict {
    let frame = frame();
    let mut table = Table::new(rule("every_bit_is_covered"), "changed in a frame of four items");
    table.reads("nothing", "it holds", said(decode(&frame)), "Frame::decode");
    for (name, place, function) in parts(&frame) {
        let bits = place.len() * 8;
        let mut noticed = 0;
        for bit in 0..bits {
            let mut damaged = frame.clone();
            damaged[place.start + bit / 8] ^= 1 << (bit % 8);
            let reading = format!("reading a frame with bit {} of {name} changed", bit + 1);
            current::doing_within(reading, &["FrameHeader::decode", "Frame::decode"]);
            noticed += usize::from(decode(&damaged).is_err());
        }
        let [must, was] = [bits, noticed].map(|count| format!("{count} of {bits} noticed"));
        // A check that notices no change at all is most often not called.
        let within = match noticed {
            0 => ["Frame::decode", function],
            _ => [function, "Frame::decode"],
        };
        table.equal(format!("one bit of {name}"), must, was).decided_in_one_of(&within);
    }
    let refused =
        (0..frame.len()).filter(|len| Frame::decode(&frame[..*len], salt(), Lsn(LSN)).is_err());
    let (refused, all) = (refused.count(), frame.len());
    let [must, was] = [all, refused].map(|count| format!("{count} of {all} noticed"));
    table.reads("its end: the segment ends within it", must, was, "FrameHeader::decode");
    table.verdict()
}

/// A frame counts as the next LSN of its segment, and nowhere else.
pub(super) fn frame_at_its_turn(_: &mut Check) -> Verdict {
    let frame = frame();
    let read = |frame: &[u8], salt: u64, lsn: u64| {
        let outcome = Frame::decode(frame, Salt::new(salt), Lsn(lsn));
        outcome.map_or("refused", |_| "it holds").to_owned()
    };
    let mut table = Table::new(rule("a_frame_has_one_place"), "a frame of LSN 7");
    table.reads("read when 7 is next", "it holds", read(&frame, SALT, 7), "Frame::decode");
    for lsn in [6, 8, 0] {
        let was = read(&frame, SALT, lsn);
        table.reads(format!("read when {lsn} is next"), "refused", was, "Frame::decode");
    }
    for salt in [SALT + 1, SALT ^ 0x8000_0000] {
        let was = read(&frame, salt, 7);
        table.reads("read in a segment of another salt", "refused", was, "FrameHeader::decode");
    }
    // The shortest frame there is: nothing but a header.
    let seal = Draft::new(&[], &[], Flags::Seal).place(Lsn(7), Lsn(6), salt());
    let what = "a seal, and the segment ends with it";
    table.reads(what, "it holds", read(&seal, SALT, 7), "FrameHeader::decode");
    let zeros = vec![0; 512];
    for (len, salt) in [(512, SALT), (512, 1), (32, 7), (40, u64::from(u32::MAX)), (31, 7), (0, 7)]
    {
        let what = format!("{len} bytes of zeros, salt {salt:x}");
        table.reads(what, "refused", read(&zeros[..len], salt, 7), "FrameHeader::decode");
    }
    table.verdict()
}

/// A checksum matches whatever it was computed from: what no writer writes is refused nevertheless.
pub(super) fn frame_cannot_be(_: &mut Check) -> Verdict {
    let mended = |change: &dyn Fn(&mut Vec<u8>)| {
        let mut frame = frame();
        change(&mut frame);
        mend(&mut frame, salt());
        said(decode(&frame))
    };
    let mut table = Table::new(rule("what_no_writer_says"), "changed, and checksummed again");
    table.reads("nothing", "it holds", mended(&|_| {}), "Frame::decode");
    type Changed = (&'static str, &'static str, fn(&mut Vec<u8>));
    let changes: [Changed; 6] = [
        ("an item of kind 9", "Frame::check_descriptors", |f| f[32 + 27] = 0x90 | f[32 + 27] & 15),
        ("an entry at index 0", "Frame::check_descriptors", |f| f[40..48].fill(0)),
        ("a payload longer by 200 bytes", "Frame::check_descriptors", |f| f[32 + 24] = 204),
        ("payloads of 100 MB", "Frame::check_descriptors", |f| f[32 + 27] |= 6),
        ("items whose payloads leave room", "Frame::check_descriptors", |f| {
            f[4..8].copy_from_slice(&240_u32.to_le_bytes());
            f.resize(240, 0);
        }),
        ("padding that is not zero", "Frame::check_payloads", |f| {
            let last = f.len() - 1;
            f[last] = 1;
        }),
    ];
    for (what, function, change) in changes {
        current::doing_within(format!("reading a frame: {what}"), &[function]);
        let was = mended(&change);
        let is_refused = was.starts_with("refused");
        match is_refused {
            true => table.holds(what, "refused", was),
            false => table.breaks(what, "refused", was),
        }
        .decided_in(function);
    }
    table.verdict()
}

/// Exactly the payloads that have rotted are named.
pub(super) fn frame_names_damage(_: &mut Check) -> Verdict {
    let (whole, items) = (frame(), items());
    let starts: Vec<usize> = items
        .items()
        .iter()
        .scan(FRAME_HEADER_BYTES + 32 * items.items().len(), |at, item| {
            let start = *at;
            *at += item.len as usize;
            Some(start)
        })
        .collect();
    let name = |items: &[Item]| {
        let names: Vec<String> = items
            .iter()
            .map(|item| match item.op {
                Op::Entry { id } => format!("entry {id}"),
                Op::Put { .. } => "put".to_owned(),
                Op::Delete => "delete".to_owned(),
                other @ (Op::Compact { .. } | Op::Clean | Op::Moved { .. } | Op::Reset { .. }) => {
                    format!("{other:?}")
                }
            })
            .collect();
        names.join(", ")
    };
    let mut table = Table::new(rule("damaged_payloads_are_named"), "payloads damaged");
    for damaged in [vec![0], vec![1], vec![2], vec![3], vec![0, 1], vec![1, 3], vec![0, 1, 2, 3]] {
        let mut frame = whole.clone();
        damaged.iter().for_each(|&n| frame[starts[n]] ^= 0x10);
        let must: Vec<Item> = damaged.iter().map(|&n| items.items()[n]).collect();
        let was = match decode(&frame) {
            Err(FrameFault::Payloads { items }) => name(&items),
            outcome => said(outcome),
        };
        let what: Vec<String> = damaged.iter().map(|n| (n + 1).to_string()).collect();
        table.reads(what.join(", "), name(&must), was, "Frame::check_payloads");
    }
    table.verdict()
}
