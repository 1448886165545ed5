//! The router: from the number of a region to the mailbox of its peer.

use super::mailbox::{Fsm, Mailbox, SendError};
use std::collections::BTreeMap;
use std::sync::{Arc, RwLock};

/// The mailboxes of a store, by number. A clone is the same router.
pub struct Router<F: Fsm> {
    mailboxes: Arc<RwLock<BTreeMap<u64, Mailbox<F>>>>,
}

impl<F: Fsm> Clone for Router<F> {
    fn clone(&self) -> Self {
        Router { mailboxes: self.mailboxes.clone() }
    }
}

impl<F: Fsm> Default for Router<F> {
    fn default() -> Self {
        Router { mailboxes: Arc::default() }
    }
}

impl<F: Fsm> Router<F> {
    /// Adds a mailbox.
    ///
    /// # Panics
    /// If the number has one already: the caller's mistake.
    pub fn register(&self, number: u64, mailbox: Mailbox<F>) {
        let mut mailboxes = self.mailboxes.write().expect("no thread panics while it holds it");
        let before = mailboxes.insert(number, mailbox);
        assert!(before.is_none(), "{number} has a mailbox already");
    }

    /// Sends a message.
    ///
    /// # Errors
    /// [`SendError`]; the message comes back.
    pub fn send(&self, number: u64, message: F::Message) -> Result<(), SendError<F::Message>> {
        match self.mailbox(number) {
            Some(mailbox) => mailbox.send(message),
            None => Err(SendError::NotFound(message)),
        }
    }

    /// Sends to everybody what `message` returns, however many messages wait.
    pub fn broadcast(&self, message: impl Fn() -> F::Message) {
        for mailbox in self.mailboxes() {
            drop(mailbox.force_send(message())); // one that is closed needs no message
        }
    }

    /// Removes and closes a mailbox. Returns the messages that waited, and the FSM if it was idle.
    pub fn close(&self, number: u64) -> (Vec<F::Message>, Option<Box<F>>) {
        let mut mailboxes = self.mailboxes.write().expect("no thread panics while it holds it");
        let removed = mailboxes.remove(&number);
        drop(mailboxes);
        removed.map(|mailbox| mailbox.close()).unwrap_or_default()
    }

    /// Returns every number that has a mailbox, in order.
    pub fn numbers(&self) -> Vec<u64> {
        let mailboxes = self.mailboxes.read().expect("no thread panics while it holds it");
        mailboxes.keys().copied().collect()
    }

    /// Returns the mailbox of a number.
    pub fn mailbox(&self, number: u64) -> Option<Mailbox<F>> {
        let mailboxes = self.mailboxes.read().expect("no thread panics while it holds it");
        mailboxes.get(&number).cloned()
    }

    fn mailboxes(&self) -> Vec<Mailbox<F>> {
        let mailboxes = self.mailboxes.read().expect("no thread panics while it holds it");
        mailboxes.values().cloned().collect()
    }
}
