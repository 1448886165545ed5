//! The bell: what a thread waits on when it has nothing to do.

use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

/// A bell. A clone is the same bell.
#[derive(Clone, Debug, Default)]
pub struct Bell {
    inner: Arc<(Mutex<bool>, Condvar)>,
}

impl Bell {
    /// Rings: one thread that waits goes on. If nobody waits, the next one that does goes on at once.
    pub fn ring(&self) {
        let (has_rung, condition) = &*self.inner;
        *has_rung.lock().expect("no thread panics while it holds the bell") = true;
        condition.notify_one();
    }

    /// Waits until the bell rings, at most for `longest`. Returns whether it has rung.
    pub fn wait(&self, longest: Duration) -> bool {
        let (has_rung, condition) = &*self.inner;
        let guard = has_rung.lock().expect("no thread panics while it holds the bell");
        let waited = condition.wait_timeout_while(guard, longest, |has_rung| !*has_rung);
        let (mut guard, _) = waited.expect("no thread panics while it holds the bell");
        std::mem::take(&mut *guard)
    }
}
