//! Every interleaving of senders, a poller and a close, as single steps; and real threads.

use super::*;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// A mailbox as its rules see it, one poller, and the messages that are still to be sent.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
struct Steps {
    /// The state, as a number so that models are ordered.
    state: u8,
    queue: u8,
    /// How often the FSM is in the run queue.
    scheduled: u8,
    /// Whether the poller has the FSM, and whether it has looked into the queue.
    polled: Option<bool>,
    to_send: u8,
    delivered: u8,
    returned: u8,
    refused: u8,
    may_close: bool,
}

const STATES: [Delivery; 3] = [Delivery::Idle, Delivery::Notified, Delivery::Closed];

impl Steps {
    fn new(messages: u8) -> Steps {
        Steps {
            state: 0,
            queue: 0,
            scheduled: 0,
            polled: None,
            to_send: messages,
            delivered: 0,
            returned: 0,
            refused: 0,
            may_close: true,
        }
    }

    /// Lets the rules decide, and notes the new state.
    fn decide(&mut self, rule: impl FnOnce(&mut Delivery) -> Wake) {
        let mut delivery = STATES[usize::from(self.state)];
        if rule(&mut delivery) == Wake::Schedule {
            self.scheduled += 1;
        }
        let state = STATES.iter().position(|state| *state == delivery);
        self.state = state.expect("there are three") as u8;
    }

    /// Returns every state that one step leads to.
    fn next(&self) -> Vec<Steps> {
        let mut next = Vec::new();
        let mut step = |is_possible: bool, change: &dyn Fn(&mut Steps)| {
            if is_possible {
                let mut model = self.clone();
                change(&mut model);
                next.push(model);
            }
        };
        let is_open = STATES[usize::from(self.state)].is_open();
        step(self.to_send > 0 && is_open, &|m| {
            m.to_send -= 1;
            m.queue += 1;
            m.decide(Delivery::sent);
        });
        step(self.to_send > 0 && !is_open, &|m| {
            m.to_send -= 1;
            m.refused += 1;
        });
        step(self.scheduled > 0 && self.polled.is_none(), &|m| {
            m.scheduled -= 1;
            m.polled = Some(false);
        });
        step(self.polled == Some(false), &|m| {
            m.delivered += std::mem::take(&mut m.queue);
            m.polled = Some(true);
        });
        step(self.polled == Some(true), &|m| {
            m.polled = None;
            let waits = m.queue > 0;
            m.decide(|delivery| delivery.released(waits));
        });
        step(self.may_close, &|m| {
            m.may_close = false;
            m.returned += std::mem::take(&mut m.queue);
            m.decide(|delivery| {
                delivery.close();
                Wake::Nothing
            });
        });
        next
    }

    fn check(&self) {
        let somebody_looks = self.scheduled > 0 || self.polled.is_some();
        assert!(self.queue == 0 || somebody_looks, "a message waits for nobody: {self:?}");
        let holders = self.scheduled + u8::from(self.polled.is_some());
        assert!(holders <= 1, "the FSM is in two places: {self:?}");
    }
}

#[test]
fn no_interleaving_loses_a_message_or_doubles_the_fsm() {
    const MESSAGES: u8 = 5;
    let mut seen = BTreeSet::from([Steps::new(MESSAGES)]);
    let mut open = vec![Steps::new(MESSAGES)];
    let mut ends = 0;
    while let Some(model) = open.pop() {
        model.check();
        let next = model.next();
        if next.is_empty() {
            ends += 1;
            let known = model.delivered + model.returned + model.refused;
            assert_eq!(known, MESSAGES, "every message has an end: {model:?}");
        }
        open.extend(next.into_iter().filter(|model| seen.insert(model.clone())));
    }
    println!("{} states, {ends} of them ends", seen.len());
    assert!(seen.len() > 150, "{} states are too few", seen.len());
}

/// Counts its messages.
struct Counter(Arc<AtomicU64>);

impl Fsm for Counter {
    type Message = u64;

    fn size_bytes(_: &u64) -> usize {
        8
    }
}

const fn limits(messages: usize) -> MailboxLimits {
    MailboxLimits { messages, bytes: usize::MAX }
}

#[test]
fn threads_deliver_every_message_once() {
    const SENDERS: u64 = 4;
    const EACH: u64 = 20_000;
    let (bell, sum) = (Bell::default(), Arc::new(AtomicU64::new(0)));
    let runnable = RunQueue::new(bell.clone());
    let mailbox = Mailbox::new(Counter(sum.clone()), limits(1000), runnable.clone());
    let expected = SENDERS * EACH * (EACH + 1) / 2;
    std::thread::scope(|scope| {
        for _ in 0..SENDERS {
            scope.spawn(|| {
                for number in 1..=EACH {
                    let mut message = number;
                    while let Err(SendError::Full(back)) = mailbox.send(message) {
                        message = back;
                        std::thread::yield_now();
                    }
                }
            });
        }
        for _ in 0..2 {
            scope.spawn(|| {
                let mut messages = Vec::new();
                while sum.load(Ordering::SeqCst) < expected {
                    let ready = runnable.take(1);
                    if ready.is_empty() {
                        bell.wait(Duration::from_millis(1));
                    }
                    for Scheduled { fsm, mailbox } in ready {
                        mailbox.drain(100, &mut messages);
                        fsm.0.fetch_add(messages.drain(..).sum(), Ordering::SeqCst);
                        mailbox.release(fsm);
                    }
                }
            });
        }
    });
    assert_eq!(sum.load(Ordering::SeqCst), expected);
}

#[test]
fn a_mailbox_is_bounded_and_gives_back_what_it_does_not_take() {
    let runnable = RunQueue::new(Bell::default());
    let router = Router::default();
    let mailbox = Mailbox::new(Counter(Arc::default()), limits(2), runnable.clone());
    router.register(7, mailbox.clone());
    assert_eq!(router.send(8, 1), Err(SendError::NotFound(1)));
    assert_eq!((router.send(7, 1), router.send(7, 2)), (Ok(()), Ok(())));
    assert_eq!(router.send(7, 3), Err(SendError::Full(3)));
    router.broadcast(|| 9);
    assert_eq!(runnable.len(), 1, "it is scheduled once");

    let (messages, fsm) = router.close(7);
    assert_eq!(messages, [1, 2, 9]);
    assert!(fsm.is_none(), "it is in the run queue");
    assert_eq!(mailbox.send(4), Err(SendError::Closed(4)));
    for Scheduled { fsm, mailbox } in runnable.take(9) {
        mailbox.release(fsm);
    }
    assert!(runnable.is_empty(), "a closed mailbox schedules nobody");
}

#[test]
fn what_one_poller_leaves_wakes_another() {
    let bell = Bell::default();
    let runnable = RunQueue::new(bell.clone());
    let open = || Mailbox::new(Counter(Arc::default()), limits(9), runnable.clone());
    let mailboxes = [open(), open()];
    mailboxes.iter().for_each(|mailbox| assert_eq!(mailbox.send(1), Ok(())));
    assert!(bell.wait(Duration::ZERO), "both have rung, and one has heard it");
    assert_eq!(runnable.take(1).len(), 1);
    assert!(bell.wait(Duration::ZERO), "one waits");
    assert_eq!(runnable.take(1).len(), 1);
    assert!(!bell.wait(Duration::ZERO), "none waits");
}
