//! The bytes of a batch: golden, back again, and nothing else is read.

use super::*;
use proptest::prelude::*;

fn encode(batch: &WriteBatch) -> Bytes {
    let mut bytes = Vec::new();
    write(&mut bytes, batch);
    bytes.into()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn a_batch_has_these_bytes() {
    let mut batch = WriteBatch::new();
    batch.put(Family::Default, "k", "vw");
    batch.delete(Family::Lock, "k");
    batch.delete_range(Family::Write, "a", None);
    batch.delete_range(Family::Raft, "a", Some("b".into()));
    let bytes = encode(&batch);
    let changes =
        ["00010000006b020000007677", "05010000006b", "0a010000006100", "0e0100000061010100000062"];
    assert_eq!(hex(&bytes), format!("0104000000{}", changes.concat()));
    assert_eq!(bytes.len(), batch.size_bytes());
    assert_eq!(decode(bytes), Ok(batch));
}

#[test]
fn what_is_no_batch_is_refused_with_the_reason() {
    let refuse = |bytes: &[u8]| decode(Bytes::copy_from_slice(bytes)).unwrap_err().to_string();
    assert_eq!(refuse(b""), "version needs 1 bytes, but only 0 are left");
    assert_eq!(refuse(b"\x02"), "the version is 2, but this program reads only 1");
    assert_eq!(
        refuse(b"\x01\xff\xff\xff\xff"),
        "the changes needs 21474836475 bytes, but only 0 are left"
    );
    assert_eq!(refuse(b"\x01\x01\0\0\0\x03\0\0\0\0"), "a change has kind 3, which does not exist");
    assert_eq!(refuse(b"\x01\x01\0\0\0\x10\0\0\0\0"), "a change has kind 16, which does not exist");
    assert_eq!(refuse(b"\x01\0\0\0\0\0"), "1 bytes are left over after the last value");
}

/// At a start, keys and values are read from a log of gigabytes.
#[test]
fn what_is_decoded_shares_no_memory_with_the_log() {
    let mut batch = WriteBatch::new();
    batch.put(Family::Default, "k", vec![7; 1 << 20]);
    batch.put(Family::Default, "small", "v");
    batch.delete_range(Family::Default, "a", Some("b".into()));
    let bytes = encode(&batch);
    let decoded = decode(bytes.clone()).unwrap();
    assert!(bytes.is_unique(), "the batch holds a part of the log");
    assert_eq!(decoded, batch);
}

fn any_bytes() -> impl Strategy<Value = Bytes> {
    proptest::collection::vec(any::<u8>(), 0..20).prop_map(Bytes::from)
}

fn any_change() -> impl Strategy<Value = (Family, Change)> {
    let family = (0..4usize).prop_map(|number| Family::ALL[number]);
    let change = prop_oneof![
        (any_bytes(), any_bytes()).prop_map(|(key, value)| Change::Put { key, value }),
        any_bytes().prop_map(|key| Change::Delete { key }),
        (any_bytes(), proptest::option::of(any_bytes()))
            .prop_map(|(from, to)| Change::DeleteRange { from, to }),
    ];
    (family, change)
}

proptest! {
    #[test]
    fn a_batch_comes_back(changes in proptest::collection::vec(any_change(), 0..20)) {
        let batch: WriteBatch = changes.into_iter().collect();
        let bytes = encode(&batch);
        prop_assert_eq!(bytes.len(), batch.size_bytes());
        prop_assert_eq!(decode(bytes), Ok(batch));
    }

    #[test]
    fn any_bytes_are_refused_or_are_exactly_one_batch(
        changes in proptest::collection::vec(any_change(), 0..5),
        at in any::<prop::sample::Index>(),
        byte in any::<u8>(),
        cut in any::<prop::sample::Index>(),
    ) {
        let mut bytes = encode(&changes.into_iter().collect()).to_vec();
        let place = at.index(bytes.len());
        bytes[place] = byte;
        bytes.truncate(cut.index(bytes.len() + 1));
        if let Ok(batch) = decode(Bytes::from(bytes.clone())) {
            prop_assert_eq!(&encode(&batch)[..], &bytes[..]);
        }
    }
}
