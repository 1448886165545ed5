//! A mailbox: messages that wait, and the FSM that they are for.
//!
//! ```text
//!   Idle       queue: empty        fsm: here
//!   Notified   queue: any          fsm: in the run queue, or with a poller
//!   Closed     queue: taken away   fsm: dropped when its poller gives it back
//! ```
//!
//! One small lock protects all of it: it is held to push, to take and to give back, and never while an FSM
//! works. [`Delivery`] has the rules.

use super::delivery::{Delivery, Wake};
use super::run_queue::RunQueue;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard};

/// A state machine that is run by pollers.
pub trait Fsm: Send + 'static {
    /// What it is told.
    type Message: Send + 'static;
}

/// Why a message was not accepted. The message comes back.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SendError<M> {
    /// The mailbox holds as many messages as it may.
    Full(M),
    /// The mailbox is closed.
    Closed(M),
    /// Nobody has this number.
    NotFound(M),
}

/// A mailbox. A clone is the same mailbox.
pub struct Mailbox<F: Fsm> {
    inner: Arc<Mutex<Held<F>>>,
    capacity: usize,
    runnable: RunQueue<F>,
}

struct Held<F: Fsm> {
    delivery: Delivery,
    queue: VecDeque<F::Message>,
    /// The FSM, while it is idle.
    fsm: Option<Box<F>>,
}

impl<F: Fsm> Clone for Mailbox<F> {
    fn clone(&self) -> Self {
        let (inner, runnable) = (self.inner.clone(), self.runnable.clone());
        Mailbox { inner, capacity: self.capacity, runnable }
    }
}

impl<F: Fsm> Mailbox<F> {
    /// Returns the mailbox of an FSM that is idle. It holds up to `capacity` messages. When one comes, the
    /// FSM goes into `runnable`.
    pub fn new(fsm: F, capacity: usize, runnable: RunQueue<F>) -> Mailbox<F> {
        let (delivery, queue, fsm) = (Delivery::default(), VecDeque::new(), Some(Box::new(fsm)));
        let inner = Arc::new(Mutex::new(Held { delivery, queue, fsm }));
        Mailbox { inner, capacity, runnable }
    }

    /// Sends a message.
    ///
    /// # Errors
    /// [`SendError::Full`], [`SendError::Closed`].
    pub fn send(&self, message: F::Message) -> Result<(), SendError<F::Message>> {
        self.send_up_to(self.capacity, message)
    }

    /// Sends a message that others wait for: there is room for as many of them again.
    ///
    /// # Errors
    /// [`SendError::Full`], [`SendError::Closed`].
    pub fn send_first(&self, message: F::Message) -> Result<(), SendError<F::Message>> {
        self.send_up_to(self.capacity.saturating_mul(2), message)
    }

    fn send_up_to(
        &self,
        capacity: usize,
        message: F::Message,
    ) -> Result<(), SendError<F::Message>> {
        let mut inner = self.inner();
        if inner.delivery.is_open() && inner.queue.len() >= capacity {
            return Err(SendError::Full(message));
        }
        self.push(&mut inner, message)
    }

    /// Sends a message that must not be refused because many wait: a tick, or what a store tells itself.
    ///
    /// # Errors
    /// [`SendError::Closed`].
    pub fn force_send(&self, message: F::Message) -> Result<(), SendError<F::Message>> {
        self.push(&mut self.inner(), message)
    }

    fn push(&self, inner: &mut Held<F>, message: F::Message) -> Result<(), SendError<F::Message>> {
        if !inner.delivery.is_open() {
            return Err(SendError::Closed(message));
        }
        inner.queue.push_back(message);
        if inner.delivery.sent() == Wake::Schedule {
            let fsm = inner.fsm.take().expect("an idle FSM lies in its mailbox");
            self.runnable.push(fsm, self.clone());
        }
        Ok(())
    }

    /// Moves up to `max` messages to the end of `into`, in the order in which they were sent.
    pub fn drain(&self, max: usize, into: &mut Vec<F::Message>) {
        let mut inner = self.inner();
        let count = inner.queue.len().min(max);
        into.extend(inner.queue.drain(..count));
    }

    /// Gives the FSM back. If messages wait, it goes to the end of the run queue. If the mailbox was
    /// closed meanwhile, the FSM is dropped.
    pub fn release(&self, fsm: Box<F>) {
        let mut inner = self.inner();
        let messages_wait = !inner.queue.is_empty();
        if inner.delivery.released(messages_wait) == Wake::Schedule {
            self.runnable.push(fsm, self.clone());
        } else if inner.delivery.is_open() {
            inner.fsm = Some(fsm);
        }
    }

    /// Accepts no message any more. Returns those that wait, and the FSM if it was idle: their senders
    /// must be answered.
    pub fn close(&self) -> (Vec<F::Message>, Option<Box<F>>) {
        let mut inner = self.inner();
        inner.delivery.close();
        (inner.queue.drain(..).collect(), inner.fsm.take())
    }

    fn inner(&self) -> MutexGuard<'_, Held<F>> {
        self.inner.lock().expect("no thread panics while it holds a mailbox")
    }
}
