//! A mailbox between a sender and a poller: what is sent is run, whenever it is sent.

use kv::batch::{Bell, Fsm, Mailbox, MailboxLimits, RunQueue};

struct Counter;

impl Fsm for Counter {
    type Message = u64;

    fn size_bytes(_: &u64) -> usize {
        0
    }
}

fn open() -> (RunQueue<Counter>, Mailbox<Counter>) {
    let runnable = RunQueue::new(Bell::default());
    let limits = MailboxLimits { messages: 9, bytes: 0 };
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
