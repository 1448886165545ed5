//! Opening a directory, under checksums that hold. The body is `storage::fuzz::directory_mended`.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| storage::fuzz::directory_mended(bytes));
