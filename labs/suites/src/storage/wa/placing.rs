//! Step 3: a frame gets its LSN, and a checksum that holds only there.
//!
//! ```text
//!   [ CRC | length | LSN | durable | CRC of descriptors | items | flags ] descriptors, payloads
//!      ^   '------------------------- covered ------------------------'
//!      '-- starts from the salt
//! ```

use crate::storage::kit::words::{G7, at};
use crate::storage::rule;
use harness::{Check, Table, Verdict};
use storage::Lsn;
use storage::format::{Draft, Flags, Item, Op, Salt};

/// The worked example of the format's page.
const EXAMPLE: [u8; 72] = [
    0xc0, 0x7d, 0x7e, 0xa0, 0x48, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, //
    0, 0, 0, 0, 0, 0, 0, 0, 0x95, 0x65, 0x6d, 0x36, 1, 0, 0, 0, //
    7, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, //
    1, 0, 0, 0, 0, 0, 0, 0, 5, 0, 0, 0x10, 0x86, 0xa6, 0x10, 0x36, //
    0x68, 0x65, 0x6c, 0x6c, 0x6f, 0, 0, 0,
];

/// The fields of a frame, where each begins and ends, and which functions write it.
const FIELDS: [(&str, usize, usize, &[&str]); 9] = [
    ("length", 4, 8, &["Draft::place"]),
    ("LSN", 8, 16, &["Draft::place"]),
    ("durable LSN", 16, 24, &["Draft::place"]),
    ("checksum of the descriptors", 24, 28, &["Item::encode"]),
    ("items", 28, 30, &["Draft::place"]),
    ("flags", 30, 32, &["Draft::place"]),
    ("the descriptor", 32, 64, &["Item::encode"]),
    ("payload and padding", 64, 72, &["Draft::place"]),
    // Last: it differs whenever anything before it does.
    ("checksum of the header", 0, 4, &["header_crc", "Draft::place"]),
];

/// Entry 1@1 of group 7, `hello`.
fn hello() -> Draft {
    let op = Op::Entry { id: at(1, 1) };
    Draft::new(&[Item { group: G7, op, len: 5, crc: 0x3610_a686 }], b"hello", Flags::Batch)
}

/// Returns bytes in hexadecimal, as the page writes them.
fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(" ")
}

/// The frame on the page, field by field.
pub(super) fn worked_example(_: &mut Check) -> Verdict {
    let was = hello().place(Lsn(1), Lsn(0), Salt::new(0x1122_3344));
    let intro = "entry 1@1 of group 7, \"hello\", LSN 1, nothing durable, salt 11223344: its bytes";
    let mut table = Table::new(rule("frame_is_as_on_the_page"), "field").intro(intro);
    table.reads("the whole frame", EXAMPLE.len(), was.len(), "Draft::place");
    for (what, from, to, function) in FIELDS {
        let found = was.get(from..to).map_or("not there".to_owned(), hex);
        table.equal(what, hex(&EXAMPLE[from..to]), found).decided_in_one_of(function);
    }
    table.verdict()
}

/// The checksum of a header, with several salts and LSNs.
pub(super) fn header_checksum(_: &mut Check) -> Verdict {
    let rows: [(u64, u64, u64); 8] = [
        (0x1122_3344, 1, 0),
        (0x1122_3345, 1, 0),
        (1, 1, 0),
        (0xffff_ffff_0000_0001, 1, 0),
        (1, 2, 0),
        (1, 2, 1),
        (1, 0x0102_0304_0506_0708, 0x0102_0304_0506_0707),
        (0xffff_ffff, 1 << 62, (1 << 62) - 1),
    ];
    let intro = "a frame's checksum under this salt, with this LSN and durable LSN";
    let mut table =
        Table::new(rule("header_checksum_covers_all"), "salt, LSN, durable").intro(intro);
    for (salt, lsn, durable) in rows {
        let was = hello().place(Lsn(lsn), Lsn(durable), Salt::new(salt));
        let must_be = checksum(&expected(lsn, durable), salt as u32);
        let stated = was.get(..4).map_or("not there".to_owned(), hex);
        let what = format!("{salt:x}, {lsn}, {durable}");
        table.reads(what, hex(&must_be.to_le_bytes()), stated, "header_crc");
    }
    table.verdict()
}

/// The bytes that the checksum covers.
fn expected(lsn: u64, durable: u64) -> Vec<u8> {
    let mut covered = EXAMPLE[4..8].to_vec();
    covered.extend(lsn.to_le_bytes());
    covered.extend(durable.to_le_bytes());
    covered.extend(&EXAMPLE[24..32]);
    covered
}

/// CRC-32 as in zlib, starting from `seed`: bit by bit, because speed does not matter here.
fn checksum(bytes: &[u8], seed: u32) -> u32 {
    !bytes.iter().fold(!seed, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
            let carry = crc & 1;
            (crc >> 1) ^ (carry * 0xedb8_8320)
        })
    })
}
