//! The batch system: how messages reach the state machines of a store, and who runs them.
//!
//! ```text
//!   send --> mailbox: queue + FSM --(the FSM was idle)--> run queue --> Poller
//!               ^                                                         | handles a batch of FSMs,
//!               '---------------- released: idle, or scheduled again -----'  and ends a round
//! ```
//!
//! An FSM (finite state machine) owns the state of one peer. It moves: it lies in its mailbox while it
//! is idle, then in the run queue, then with a poller. So at most one thread has it, without a lock
//! around it. The names are TiKV's, where this is a crate of its own.

mod delivery; // the rules of one mailbox, as a state machine

mod mailbox; // a queue of messages, and the FSM that they are for

mod router; // which mailbox is whose

mod run_queue; // the FSMs that have something to do

mod bell; // what a thread waits on

pub use bell::Bell;
pub use delivery::{Delivery, Wake};
pub use mailbox::{Fsm, Mailbox, MailboxLimits, SendError};
pub use router::Router;
pub use run_queue::{RunQueue, Scheduled};

#[cfg(test)]
mod tests;
