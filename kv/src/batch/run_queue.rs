//! The run queue: the FSMs that have something to do, in the order in which they were scheduled.

use super::bell::Bell;
use super::mailbox::{Fsm, Mailbox};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard};

/// An FSM that has something to do, and the mailbox to give it back to.
pub struct Scheduled<F: Fsm> {
    /// The FSM.
    pub fsm: Box<F>,
    /// Its mailbox.
    pub mailbox: Mailbox<F>,
}

/// The FSMs that have something to do. A clone is the same queue.
pub struct RunQueue<F: Fsm> {
    queue: Arc<Mutex<VecDeque<Scheduled<F>>>>,
    bell: Bell,
}

impl<F: Fsm> Clone for RunQueue<F> {
    fn clone(&self) -> Self {
        RunQueue { queue: self.queue.clone(), bell: self.bell.clone() }
    }
}

impl<F: Fsm> RunQueue<F> {
    /// Returns an empty queue, whose pollers wait for `bell`.
    pub fn new(bell: Bell) -> RunQueue<F> {
        RunQueue { queue: Arc::default(), bell }
    }

    /// Schedules an FSM.
    pub(super) fn push(&self, fsm: Box<F>, mailbox: Mailbox<F>) {
        self.queue().push_back(Scheduled { fsm, mailbox });
        self.bell.ring();
    }

    /// Takes up to `max` FSMs, those that have waited longest. If more wait, another poller is woken.
    pub fn take(&self, max: usize) -> Vec<Scheduled<F>> {
        let mut queue = self.queue();
        let count = queue.len().min(max);
        let taken = queue.drain(..count).collect();
        if !queue.is_empty() {
            self.bell.ring();
        }
        taken
    }

    /// Returns how many FSMs wait.
    pub fn len(&self) -> usize {
        self.queue().len()
    }

    /// Returns whether no FSM waits.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn queue(&self) -> MutexGuard<'_, VecDeque<Scheduled<F>>> {
        self.queue.lock().expect("no thread panics while it holds the queue")
    }
}
