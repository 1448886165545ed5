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

    /// Returns how many bytes a message holds of those that sent it: what [`MailboxLimits::bytes`] counts.
    fn size_bytes(message: &Self::Message) -> usize;
}

/// How much may wait in a mailbox before a message is refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct MailboxLimits {
    /// How many messages.
    pub messages: usize,
    /// How many bytes they hold. One message that is longer is accepted while no other bytes wait.
    pub bytes: usize,
}

/// Why a message was not accepted. The message comes back.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SendError<M> {
    /// The mailbox holds as many messages, or bytes, as it may.
    Full(M),
    /// The mailbox is closed.
    Closed(M),
    /// Nobody has this number.
    NotFound(M),
}

/// A mailbox. A clone is the same mailbox.
pub struct Mailbox<F: Fsm> {
    inner: Arc<Mutex<Held<F>>>,
    limits: MailboxLimits,
    runnable: RunQueue<F>,
}

struct Held<F: Fsm> {
    delivery: Delivery,
    /// Each message, and how many bytes it holds.
    queue: VecDeque<(F::Message, usize)>,
    /// How many bytes all of them hold.
    bytes: usize,
    /// The FSM, while it is idle.
    fsm: Option<Box<F>>,
}

impl<F: Fsm> Held<F> {
    fn has_room(&self, limits: MailboxLimits, bytes: usize) -> bool {
        let fits =
            self.bytes == 0 || bytes == 0 || self.bytes.saturating_add(bytes) <= limits.bytes;
        self.queue.len() < limits.messages && fits
    }
}

impl<F: Fsm> Clone for Mailbox<F> {
    fn clone(&self) -> Self {
        let (inner, runnable) = (self.inner.clone(), self.runnable.clone());
        Mailbox { inner, limits: self.limits, runnable }
    }
}

impl<F: Fsm> Mailbox<F> {
    /// Returns the mailbox of an FSM that is idle. When a message comes, the FSM goes into `runnable`.
    pub fn new(fsm: F, limits: MailboxLimits, runnable: RunQueue<F>) -> Mailbox<F> {
        let (delivery, queue, fsm) = (Delivery::default(), VecDeque::new(), Some(Box::new(fsm)));
        let inner = Arc::new(Mutex::new(Held { delivery, queue, bytes: 0, fsm }));
        Mailbox { inner, limits, runnable }
    }

    /// Sends a message.
    ///
    /// # Errors
    /// [`SendError::Full`], [`SendError::Closed`].
    pub fn send(&self, message: F::Message) -> Result<(), SendError<F::Message>> {
        self.send_up_to(self.limits, message)
    }

    /// Sends a message that others wait for: there is room for as much of that again.
    ///
    /// # Errors
    /// [`SendError::Full`], [`SendError::Closed`].
    pub fn send_first(&self, message: F::Message) -> Result<(), SendError<F::Message>> {
        let MailboxLimits { messages, bytes } = self.limits;
        let (messages, bytes) = (messages.saturating_mul(2), bytes.saturating_mul(2));
        self.send_up_to(MailboxLimits { messages, bytes }, message)
    }

    fn send_up_to(
        &self,
        limits: MailboxLimits,
        message: F::Message,
    ) -> Result<(), SendError<F::Message>> {
        let bytes = F::size_bytes(&message);
        let mut inner = self.inner();
        if inner.delivery.is_open() && !inner.has_room(limits, bytes) {
            return Err(SendError::Full(message));
        }
        self.push(&mut inner, message, bytes)
    }

    /// Sends a message that must not be refused because many wait: a tick, or what a store tells itself.
    ///
    /// # Errors
    /// [`SendError::Closed`].
    pub fn force_send(&self, message: F::Message) -> Result<(), SendError<F::Message>> {
        let bytes = F::size_bytes(&message);
        self.push(&mut self.inner(), message, bytes)
    }

    fn push(
        &self,
        inner: &mut Held<F>,
        message: F::Message,
        bytes: usize,
    ) -> Result<(), SendError<F::Message>> {
        if !inner.delivery.is_open() {
            return Err(SendError::Closed(message));
        }
        inner.bytes += bytes;
        inner.queue.push_back((message, bytes));
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
        let Held { queue, bytes, .. } = &mut *inner;
        into.extend(queue.drain(..count).map(|(message, size)| {
            *bytes -= size;
            message
        }));
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
        let messages = inner.queue.drain(..).map(|(message, _)| message).collect();
        inner.bytes = 0;
        (messages, inner.fsm.take())
    }

    fn inner(&self) -> MutexGuard<'_, Held<F>> {
        self.inner.lock().expect("no thread panics while it holds a mailbox")
    }
}
