//! Step 1: there is a Ready if there is news, and only then.
//!
//! ```text
//!   starts again with term 5 on its disk     nothing is new     has_ready: no
//!   learns of term 7                         the term is        has_ready: yes
//! ```

use super::owner::{Owner, group, settings};
use crate::raft::kit::{N1, N2, ask, at, beat_with, sends};
use crate::raft::rule;
use harness::{Check, Table, Verdict};
use raft::{Body, HardState, MemoryStorage, Message, Session, Term};

/// Returns a disk that holds term 5.
fn in_term_5() -> MemoryStorage {
    let mut disk = group(3);
    disk.save(HardState { term: Term(5), ..HardState::default() });
    disk
}

/// Nothing new: no Ready. One new thing: a Ready.
pub(super) fn no_spurious_ready(_: &mut Check) -> Verdict {
    let later = || {
        let (token, session) = (None, Session::default());
        let body = Body::HeartbeatReply { token, session };
        Message { from: N2, to: N1, term: Some(Term(7)), body }
    };
    type Happens = Box<dyn Fn(&mut Owner)>;
    let heard = |message: Message| -> Happens { Box::new(move |n1| n1.hear(message.clone())) };
    let rows: [(&str, Happens, bool); 8] = [
        ("nothing: n1 has just started", Box::new(|_| {}), false),
        ("9 ticks: less than any election timeout", Box::new(|n1| n1.ticks(9)), false),
        ("21 ticks without a message: it campaigns", Box::new(|n1| n1.ticks(21)), true),
        ("the owner lets it campaign", Box::new(Owner::campaign), true),
        ("a leader's message, t5", heard(beat_with(N2, N1, 5, 0)), true),
        ("a leader's entry, t5", heard(sends(N2, N1, 5, at(0, 0), &[5], 0)), true),
        ("a request for its vote, t5", heard(ask(N2, N1, 5)), true),
        ("an answer to nothing, of term 7", heard(later()), true),
    ];
    let intro = "n1, of three, starts with term 5 on its disk; then, before any Ready is taken:";
    let mut table = Table::new(rule("ready_only_with_news"), "what happens").intro(intro);
    for (what, happens, news) in rows {
        let mut n1 = Owner::of(settings(), in_term_5());
        happens(&mut n1);
        let say = |ready: bool| if ready { "ready" } else { "not ready" };
        table.equal(what, say(news), say(n1.has_ready()));
    }
    match table.failure() {
        Some(failure) => failure.function("RawNode::has_ready").fail(),
        None => Ok(()),
    }
}
