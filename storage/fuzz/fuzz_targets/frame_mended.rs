//! The decoder of frames and headers, under checksums that hold. The body is `storage::fuzz::frame_mended`.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| storage::fuzz::frame_mended(bytes));
