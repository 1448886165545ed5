//! Limits: a batch that no frame can hold is refused in every form, and leaves nothing behind.
//!
//! ```text
//!   sizes   0 ... | max_batch_bytes | ... 2^16 items ... | 2^28 bytes of payload | ... 2^32
//!                 fits <-|-> TooLarge        TooManyItems        TooLarge, and nothing is copied
//! ```
//!
//! All payloads are slices of one buffer of zeros. The engine does not read a payload that it refuses, so
//! sizes beyond 2^28 cost nothing.

use crate::counts::{Row, seeds, tally};
use bytes::Bytes;
use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};
use std::env;
use std::sync::LazyLock;
use storage::format::MAX_PAYLOAD_BYTES;
use storage::{Batch, Entry, EntryId, Error, GroupId, Index, Log, Lsn, SimDisk};
use testbed::engine::entries::small;

/// Zeros, more than any payload may have. Most of these pages are never touched.
static ZEROS: LazyLock<Bytes> = LazyLock::new(|| vec![0; MAX_PAYLOAD_BYTES + 4097].into());

/// The bytes of a frame of one item without its payload: its header and one descriptor.
const AROUND_BYTES: usize = 64;

/// A way to fill a batch with a payload of a length.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Way {
    Entry,
    /// Key and value share the payload; the key has this many bytes of it.
    Put {
        key_len: usize,
    },
    Delete,
}

/// The outcome for a batch.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Outcome {
    Written,
    Refused,
}

/// Fills a batch.
fn fill(batch: &mut Batch, way: Way, len: usize) {
    let zeros = &ZEROS[..len];
    let group = GroupId(1);
    match way {
        Way::Entry => {
            batch.entries(group, &[Entry { id: EntryId::new(1, 1), data: ZEROS.slice(..len) }])
        }
        Way::Put { key_len } => {
            let (key, value) = zeros.split_at(key_len.min(len));
            batch.put(group, key, value)
        }
        Way::Delete => batch.delete(group, zeros),
    };
}

/// Returns the length of a frame with one payload of this length.
fn frame_bytes(len: usize) -> usize {
    (AROUND_BYTES + len).next_multiple_of(8)
}

/// Draws a payload length: near the limit of frames, near the limit of payloads, or anywhere. Up to
/// 2^28 - 1 bytes, the engine copies a payload before it refuses the batch: 256 MiB. One test does that.
fn draw_length(rng: &mut ChaCha8Rng) -> usize {
    let limit = small().max_batch_bytes as usize;
    match rng.random_range(0..11) {
        0..=3 => rng.random_range(limit - AROUND_BYTES - 9..=limit - AROUND_BYTES + 9),
        4..=7 => rng.random_range(MAX_PAYLOAD_BYTES + 1..=MAX_PAYLOAD_BYTES + 4097),
        8 | 9 => rng.random_range(0..=100),
        _ => rng.random_range(limit..=1 << 20),
    }
}

/// Draws a way to fill a batch.
fn draw_way(rng: &mut ChaCha8Rng) -> Way {
    match rng.random_range(0..4) {
        0 => Way::Entry,
        1 => Way::Put { key_len: rng.random_range(0..=10) },
        2 => Way::Put { key_len: rng.random_range(0..=ZEROS.len()) },
        _ => Way::Delete,
    }
}

/// Appends a batch, and checks that it is written if it fits. Otherwise it must be refused with its length,
/// and leave nothing behind.
fn append(log: &Log<SimDisk>, disk: &SimDisk, batch: &Batch, bytes: usize, place: &str) -> Outcome {
    let limit_bytes = small().max_batch_bytes;
    let before = (log.appended_lsn(), log.stats(), disk.operations());
    match log.append(batch) {
        Ok(lsn) => {
            assert!(bytes <= limit_bytes as usize, "{place}: {bytes} bytes were accepted");
            assert_eq!(lsn, before.0.next(), "{place}: acknowledged, but not written");
            Outcome::Written
        }
        Err(Error::TooLarge { bytes: told, limit_bytes: limit }) => {
            assert_eq!((told, limit), (bytes, limit_bytes), "{place}");
            assert!(bytes > limit_bytes as usize, "{place}: {bytes} bytes were refused");
            let after = (log.appended_lsn(), log.stats(), disk.operations());
            assert_eq!(after, before, "{place}: refused, but something was written");
            Outcome::Refused
        }
        Err(other) => panic!("{place}: {other}"),
    }
}

#[test]
fn a_batch_that_no_frame_can_hold_is_not_empty() {
    for way in [Way::Entry, Way::Put { key_len: 3 }, Way::Put { key_len: usize::MAX }, Way::Delete]
    {
        let log = Log::open_on(SimDisk::new(1), small()).unwrap();
        let mut batch = Batch::new();
        fill(&mut batch, way, MAX_PAYLOAD_BYTES + 1);
        assert!(!batch.is_empty(), "{way:?}: the refused payload counts");
        let error = log.write(&batch).unwrap_err();
        let bytes = frame_bytes(MAX_PAYLOAD_BYTES + 1);
        assert!(
            matches!(error, Error::TooLarge { bytes: told, limit_bytes: 2048 } if told == bytes),
            "{way:?}: {error}"
        );
        assert_eq!(log.appended_lsn(), Lsn(0));

        // The batch stays refused, whatever is added, until it is cleared.
        batch.put(GroupId(1), b"k", b"v");
        assert!(matches!(log.append(&batch), Err(Error::TooLarge { .. })), "{way:?}");
        batch.clear();
        assert!(batch.is_empty());
        batch.put(GroupId(1), b"k", b"v");
        assert_eq!(log.append(&batch).unwrap(), Lsn(1));
    }
}

#[test]
fn an_entry_in_parts_has_the_bytes_of_the_same_entry_in_one() {
    let id = EntryId::new(1, 1);
    let files = [&[&b"hel"[..], b"", b"lo"][..], &[b"hello"]].map(|parts| {
        let disk = SimDisk::new(1);
        let log = Log::open_on(disk.clone(), small()).unwrap();
        let mut batch = Batch::new();
        batch.entry(GroupId(1), id, parts);
        log.write(&batch).unwrap();
        assert_eq!(log.entry(GroupId(1), Index(1)).unwrap().unwrap().data, "hello");
        disk.bytes("00000001.log")
    });
    assert_eq!(files[0], files[1]);

    let mut batch = Batch::new();
    let half = vec![7; MAX_PAYLOAD_BYTES / 2 + 1];
    batch.entry(GroupId(1), id, &[&half, &half]);
    let log = Log::open_on(SimDisk::new(1), small()).unwrap();
    assert!(
        matches!(log.append(&batch), Err(Error::TooLarge { .. })),
        "together they are too long"
    );
}

#[test]
fn the_longest_payload_is_refused_because_of_its_frame() {
    let log = Log::open_on(SimDisk::new(1), small()).unwrap();
    for way in [Way::Entry, Way::Put { key_len: 8 }, Way::Delete] {
        let mut batch = Batch::new();
        fill(&mut batch, way, MAX_PAYLOAD_BYTES);
        let error = log.append(&batch).unwrap_err();
        let bytes = frame_bytes(MAX_PAYLOAD_BYTES);
        assert!(matches!(error, Error::TooLarge { bytes: told, .. } if told == bytes), "{error}");
    }
}

#[test]
fn a_batch_is_written_or_refused_on_both_sides_of_every_limit() {
    let (mut written, mut refused) = (0, 0);
    for seed in seeds(400, 4000) {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let disk = SimDisk::new(seed);
        let log = Log::open_on(disk.clone(), small()).unwrap();
        let (mut batch, mut items, mut payload_bytes) = (Batch::new(), 0, 0);
        for nth in 0..4 {
            // The same batch is used again, cleared or not.
            if rng.random() {
                batch.clear();
                (items, payload_bytes) = (0, 0);
            }
            let is_of_many = rng.random_ratio(1, 3);
            for _ in 0..if is_of_many { rng.random_range(2..5) } else { 1 } {
                let (way, len) = (draw_way(&mut rng), draw_length(&mut rng));
                fill(&mut batch, way, len);
                items += 1;
                payload_bytes += len;
            }
            let bytes = (32 + 32 * items + payload_bytes).next_multiple_of(8);
            let place = format!("seed {seed}, batch {nth}: {items} items, {payload_bytes} bytes");
            assert_eq!(batch.size_bytes(), bytes, "{place}");
            match append(&log, &disk, &batch, bytes, &place) {
                Outcome::Written => written += 1,
                Outcome::Refused => refused += 1,
            }
        }
    }
    tally(Row::Limits, written + refused, 1000);
    assert!(
        env::var_os("STORAGE_SEED").is_some() || written.min(refused) > 200,
        "{written}, {refused}"
    );
}

#[test]
fn a_frame_takes_65535_items_and_not_one_more() {
    let options = storage::Options::default();
    let log = Log::open_on(SimDisk::new(1), options).unwrap();
    let mut batch = Batch::new();
    for _ in 0..u16::MAX {
        batch.put(GroupId(1), b"k", b"v");
    }
    assert_eq!(log.append(&batch).unwrap(), Lsn(1));
    batch.put(GroupId(1), b"k", b"v");
    let error = log.append(&batch).unwrap_err();
    assert!(matches!(error, Error::TooManyItems { items: 65_536, limit: u16::MAX }), "{error}");
    assert_eq!(log.appended_lsn(), Lsn(1));
}
