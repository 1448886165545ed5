//! What holds for all values, and for all bytes.

use crate::golden::samples;
use crate::holds::holds;
use crate::value::{Type, any_value, hex};
use bytes::{Bytes, BytesMut};
use proptest::collection::vec;
use proptest::prelude::*;
use raft::wire;

/// Returns whether these bytes are accepted. If they are, they must be the encoding of what they mean.
#[track_caller]
fn accepts(of_type: Type, bytes: &Bytes) -> bool {
    match of_type.decode(bytes.clone()) {
        Err(_) => false,
        Ok(value) => {
            let (again, name) = (value.encode(), of_type.name());
            assert_eq!(again, bytes, "{name} {}: accepted as {value:?}", hex(bytes));
            true
        }
    }
}

#[test]
fn what_is_written_is_read_again() {
    holds(4096, any_value(), |value| {
        let bytes = value.encode();
        prop_assert_eq!(value.of_type().decode(bytes), Ok(value));
        Ok(())
    });
}

#[test]
fn every_length_is_told_before() {
    holds(1024, crate::draw::message(), |message| {
        let mut to = BytesMut::new();
        wire::encode_message(&message, &mut to);
        prop_assert_eq!(wire::message_len(&message), to.len());
        Ok(())
    });
}

#[test]
fn no_encoding_is_the_beginning_of_another() {
    holds(1024, (any_value(), any::<u8>()), |(value, byte)| {
        let bytes = value.encode();
        for end in 0..bytes.len() {
            let cut = bytes.slice(..end);
            prop_assert!(value.of_type().decode(cut).is_err(), "cut after {} bytes", end);
        }
        let longer = Bytes::from([&bytes[..], &[byte]].concat());
        prop_assert!(value.of_type().decode(longer).is_err(), "with {} behind it", byte);
        Ok(())
    });
}

/// Tries each byte of each golden line with each other value.
#[test]
fn a_changed_byte_is_refused_or_makes_another_value() {
    let (mut refused, mut accepted) = (0, 0);
    for sample in samples() {
        let bytes = sample.encode();
        for place in 0..bytes.len() {
            for change in 1..=255_u8 {
                let mut changed = bytes.to_vec();
                changed[place] ^= change;
                let is_accepted = accepts(sample.of_type(), &Bytes::from(changed));
                *(if is_accepted { &mut accepted } else { &mut refused }) += 1;
            }
        }
    }
    println!("{refused} changes were refused, {accepted} made another value");
    assert!(refused > 10_000 && accepted > 10_000, "{refused} refused, {accepted} accepted");
}

#[test]
fn damage_is_refused_or_makes_another_value() {
    let damage = vec((any::<proptest::sample::Index>(), any::<u8>(), 0..3_u8), 1..4);
    holds(8192, (any_value(), damage), |(value, damage)| {
        let mut bytes = value.encode().to_vec();
        for (place, byte, how) in damage {
            let place = place.index(bytes.len() + 1);
            match how {
                0 => bytes.insert(place, byte),
                1 if place < bytes.len() => drop(bytes.remove(place)),
                _ if place < bytes.len() => bytes[place] = byte,
                _ => {}
            }
        }
        accepts(value.of_type(), &bytes.into());
        Ok(())
    });
}

#[test]
fn no_bytes_make_the_decoder_panic() {
    let any_bytes = vec(any::<u8>(), 0..64);
    let small = vec(prop_oneof![4 => 0..16_u8, 1 => any::<u8>()], 0..64);
    holds(16_384, prop_oneof![1 => any_bytes, 4 => small], |mut bytes| {
        for of_type in Type::ALL {
            accepts(of_type, &bytes.clone().into());
            if let Some(version) = bytes.first_mut() {
                *version = wire::VERSION;
            }
            accepts(of_type, &bytes.clone().into());
        }
        Ok(())
    });
}
