//! A mailbox between a sender and a poller: what is sent is run, whenever it is sent.

use kv::batch::{Bell, Fsm, Mailbox, MailboxLimits, RunQueue, SendError};

struct Counter;

impl Fsm for Counter {
    type Message = u64;

    /// A message holds as many bytes as it is large.
    fn size_bytes(message: &u64) -> usize {
        *message as usize
    }
}

fn open() -> (RunQueue<Counter>, Mailbox<Counter>) {
    let runnable = RunQueue::new(Bell::default());
    let limits = MailboxLimits { messages: 9, bytes: 100 };
    (runnable.clone(), Mailbox::new(Counter, limits, runnable))
}

#[test]
fn a_message_that_comes_after_the_poller_has_looked_wakes_the_fsm_again() {
    let (runnable, mailbox) = open();
    mailbox.send(1).expect("it is open");
    let scheduled = runnable.take(9).pop().expect("it has a message");
    let mut messages = Vec::new();
    mailbox.drain(9, &mut messages);
    mailbox.send(2).expect("it is open");
    assert!(runnable.is_empty(), "a poller has the FSM");
    mailbox.release(scheduled.fsm);
    assert_eq!(runnable.len(), 1, "the message that came last must not wait");
    mailbox.drain(9, &mut messages);
    assert_eq!(messages, [1, 2]);
}

#[test]
fn an_idle_fsm_is_scheduled_by_the_first_message_only() {
    let (runnable, mailbox) = open();
    mailbox.send(1).expect("it is open");
    mailbox.send(2).expect("it is open");
    assert_eq!(runnable.len(), 1);
}

#[test]
fn a_mailbox_is_bounded_by_its_bytes_too() {
    let (_runnable, mailbox) = open();
    let mut messages = Vec::new();
    assert_eq!((mailbox.send(60), mailbox.send(40)), (Ok(()), Ok(())));
    assert_eq!(mailbox.send(1), Err(SendError::Full(1)));
    assert_eq!(mailbox.send(0), Ok(()), "it takes none");
    assert_eq!((mailbox.send_first(100), mailbox.send_first(1)), (Ok(()), Err(SendError::Full(1))));
    assert_eq!(mailbox.force_send(7), Ok(()));

    mailbox.drain(4, &mut messages);
    assert_eq!(mailbox.send(93), Ok(()), "7 bytes wait");
    assert_eq!(mailbox.send(1), Err(SendError::Full(1)));
    mailbox.drain(9, &mut messages);
    assert_eq!(messages, [60, 40, 0, 100, 7, 93]);
    assert_eq!(mailbox.send(101), Ok(()), "alone, a message may be longer");
    assert_eq!(mailbox.send(1), Err(SendError::Full(1)));
}
