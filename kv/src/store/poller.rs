//! A poller: a thread's share of a store.
//!
//! ```text
//!   run queue --> take --> drain, handle --> drain, handle --> end of the round --> give back
//!                            region 1          region 2        one frame, one sync
//! ```
//!
//! A peer is with one poller at most, and goes back only when its round has ended. So rounds of several
//! pollers hold different peers, and meet only in the two logs.

use super::PeerFsm;
use super::peer::PeerMessage;
use super::round::Round;
use crate::batch::{Bell, RunQueue, Scheduled};
use crate::env::Env;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;
use storage::Disk;

/// Runs peers that have something to do.
pub(crate) struct Poller<E: Env> {
    runnable: RunQueue<PeerFsm<E::Disk>>,
    round: Round<E>,
    messages_per_round: usize,
    /// The messages of one peer, in memory that is used again.
    messages: Vec<PeerMessage>,
}

impl<E: Env> Poller<E> {
    /// Returns a poller of the peers in `runnable`.
    pub(crate) fn new(
        runnable: RunQueue<PeerFsm<E::Disk>>,
        round: Round<E>,
        messages_per_round: usize,
    ) -> Poller<E> {
        Poller { runnable, round, messages_per_round, messages: Vec::new() }
    }

    /// Runs one round of up to `max_peers` peers that have something to do. Returns how many there were.
    pub(crate) fn poll(&mut self, max_peers: usize) -> usize {
        let mut ready = self.runnable.take(max_peers);
        if ready.is_empty() {
            return 0;
        }
        self.round.begin();
        for Scheduled { fsm, mailbox } in &mut ready {
            mailbox.drain(self.messages_per_round, &mut self.messages);
            self.round.handle(fsm, &mut self.messages);
        }
        self.round.end(ready.iter_mut().map(|ready| &mut *ready.fsm));
        let polled = ready.len();
        ready.into_iter().for_each(give_back);
        polled
    }
}

/// Gives a peer back to its mailbox, and looks at it again soon if it has more to do.
fn give_back<D: Disk>(scheduled: Scheduled<PeerFsm<D>>) {
    let Scheduled { fsm, mailbox } = scheduled;
    if !fsm.is_stopped && fsm.peer.has_ready() {
        drop(mailbox.force_send(PeerMessage::Continue)); // a closed mailbox needs no message
    }
    mailbox.release(fsm);
}

/// Runs each poller on a thread of its own, while `first` runs on this one. A poller that has nothing to do
/// waits for the bell, at most for `longest`. If one of the threads panics, the flag that `first` is given is
/// raised: it must return.
///
/// # Panics
/// If one of the threads did.
pub(crate) fn run_beside<E: Env>(
    pollers: &mut [Poller<E>],
    max_peers: usize,
    (bell, longest): (&Bell, Duration),
    first: impl FnOnce(&AtomicBool),
) {
    let must_end = AtomicBool::new(false);
    thread::scope(|scope| {
        for poller in pollers {
            scope.spawn(|| {
                let _end = Raised(&must_end);
                while !must_end.load(Ordering::SeqCst) {
                    if poller.poll(max_peers) == 0 {
                        bell.wait(longest);
                    }
                }
            });
        }
        let _end = Raised(&must_end);
        first(&must_end);
    });
}

/// A flag that is raised when this is dropped: also by a panic, or the others would never end.
struct Raised<'a>(&'a AtomicBool);

impl Drop for Raised<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}
