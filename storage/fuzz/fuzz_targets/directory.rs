//! Opening a directory, over files as they are. The body is `storage::fuzz::directory`.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| storage::fuzz::directory(bytes));
