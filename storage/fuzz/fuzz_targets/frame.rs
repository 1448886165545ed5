//! The decoder of frames and headers, over bytes as they are. The body is `storage::fuzz::frame`.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| storage::fuzz::frame(bytes));
