//! Which parts `labs check` goes through.

use clap::ValueEnum;
use labs::check::{Part, parts};

#[test]
fn check_alone_is_complete() {
    assert_eq!(parts(&[], &[]), Part::value_variants());
}

#[test]
fn a_skipped_part_is_left_out_and_no_other() {
    let rest = parts(&[], &[Part::Tests]);
    assert!(!rest.contains(&Part::Tests));
    assert_eq!(rest.len() + 1, Part::value_variants().len());
}

#[test]
fn named_parts_come_in_the_order_of_the_check() {
    assert_eq!(parts(&[Part::Leaks, Part::Format], &[]), [Part::Format, Part::Leaks]);
}
