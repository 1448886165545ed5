//! Counts what is asked of the memory allocator, while somebody wants to know.
//!
//! ```text
//!   off   one load, one branch        while time is measured
//!   on    two additions more          in a run of its own, on a fixed number of entries
//! ```

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};

static COUNTS: AtomicBool = AtomicBool::new(false);
static CALLS: AtomicU64 = AtomicU64::new(0);
static BYTES: AtomicU64 = AtomicU64::new(0);

/// The system's allocator, with a counter.
pub(crate) struct Counting;

/// What was asked of the allocator. What is given back is not counted.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Allocations {
    /// How often memory was asked for, or a piece asked to grow.
    pub(crate) calls: u64,
    /// How many bytes that were.
    pub(crate) bytes: u64,
}

/// Runs `work` and returns what it asked for, on any thread.
pub(crate) fn counted<T>(work: impl FnOnce() -> T) -> (T, Allocations) {
    let before = read();
    COUNTS.store(true, Relaxed);
    let result = work();
    COUNTS.store(false, Relaxed);
    let after = read();
    let asked =
        Allocations { calls: after.calls - before.calls, bytes: after.bytes - before.bytes };
    (result, asked)
}

fn read() -> Allocations {
    Allocations { calls: CALLS.load(Relaxed), bytes: BYTES.load(Relaxed) }
}

fn note(bytes: usize) {
    if COUNTS.load(Relaxed) {
        CALLS.fetch_add(1, Relaxed);
        BYTES.fetch_add(bytes as u64, Relaxed);
    }
}

#[expect(
    unsafe_code,
    reason = "an allocator is unsafe by contract; this one passes all on to System"
)]
// SAFETY: every call goes to `System` with the arguments it came with; the counters allocate nothing.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        note(layout.size());
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        note(layout.size());
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, old: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        note(size);
        unsafe { System.realloc(old, layout, size) }
    }

    unsafe fn dealloc(&self, old: *mut u8, layout: Layout) {
        unsafe { System.dealloc(old, layout) }
    }
}
