//! The rules of one mailbox: when its FSM must be scheduled. A state machine, without lock and queue.
//!
//! ```text
//!             send: schedule                 release, nothing came
//!   Idle -------------------> Notified ---------------------------> Idle
//!                              |    ^ '-- release, more came: schedule again
//!                              |    '---- send: nothing to do
//!                              '-- close, from any state --> Closed
//! ```
//!
//! Invariant: while a message waits in an open mailbox, its FSM is scheduled or with a poller. Nobody has
//! to look again later: no wake-up is lost.

/// What a caller must do with the FSM.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Wake {
    /// Put it into the run queue.
    Schedule,
    /// Nothing.
    Nothing,
}

/// The state of one mailbox.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum Delivery {
    /// The FSM lies in the mailbox, and no message waits.
    #[default]
    Idle,
    /// The FSM is in the run queue, or with a poller.
    Notified,
    /// No message is accepted any more.
    Closed,
}

impl Delivery {
    /// Learns that a message was put into the queue.
    pub fn sent(&mut self) -> Wake {
        match self {
            Delivery::Idle => {
                *self = Delivery::Notified;
                Wake::Schedule
            }
            Delivery::Notified | Delivery::Closed => Wake::Nothing,
        }
    }

    /// Learns that the poller gives the FSM back, and whether messages wait.
    pub fn released(&mut self, messages_wait: bool) -> Wake {
        match self {
            Delivery::Notified if messages_wait => Wake::Schedule,
            Delivery::Notified => {
                *self = Delivery::Idle;
                Wake::Nothing
            }
            Delivery::Idle | Delivery::Closed => Wake::Nothing,
        }
    }

    /// Accepts no message any more.
    pub fn close(&mut self) {
        *self = Delivery::Closed;
    }

    /// Returns whether messages are accepted.
    pub fn is_open(self) -> bool {
        self != Delivery::Closed
    }
}
