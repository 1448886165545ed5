//! Step 1: there is a Ready if there is news, and only then.
//!
//! ```text
//!   starts again with term 5 on its disk     nothing is new     has_ready: no
//!   learns of term 7                         the term is        has_ready: yes
//! ```

use super::blame::{SILENT, SPURIOUS};
use super::owner::Owner;
use crate::raft::kit::{N1, N2, ask, at, beat_with, sends};
use crate::raft::rule;
use harness::{Check, Table, Verdict};
use raft::{Body, Message, Session, Term};

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
    let seen = rows.map(|(what, happens, news)| {
        let mut n1 = Owner::in_term(5);
        happens(&mut n1);
        (what, news, n1.has_ready())
    });
    // A yes without news is one mistake, a no in spite of news another.
    let is_spurious = seen.iter().any(|&(_, news, is_ready)| is_ready && !news);
    let (rule, within) = match is_spurious {
        true => (rule("ready_only_with_news"), SPURIOUS),
        false => (rule("news_makes_a_ready"), SILENT),
    };
    let intro = "n1, of three, starts with term 5 on its disk; then, before any Ready is taken:";
    let mut table = Table::new(rule, "what happens").intro(intro);
    for (what, news, is_ready) in seen {
        let say = |ready: bool| if ready { "ready" } else { "not ready" };
        table.equal(what, say(news), say(is_ready));
    }
    table.failure().map_or(Ok(()), |failure| failure.one_of(within).fail())
}
