//! Step 1: there is a Ready if there is news, and only then.
//!
//! ```text
//!   starts again with term 5 on its disk     nothing is new     has_ready: no
//!   learns of term 7                         the term is        has_ready: yes
//! ```

use super::blame::{SILENT, SILENT_TERM, SPURIOUS, SPURIOUS_STATE};
use super::owner::Owner;
use crate::raft::kit::{N1, N2, Names, ask, at, beat_with, sends};
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
    let (empty, five) = (|| Owner::new(3), || Owner::in_term(5));
    type News = (&'static str, fn() -> Owner, Happens, Option<Names>);
    // What is news names the functions that must see it.
    let rows: [News; 9] = [
        ("nothing: n1 starts with an empty disk", empty, Box::new(|_| {}), None),
        ("nothing: n1 starts, its disk holds term 5", five, Box::new(|_| {}), None),
        ("9 ticks: less than any election timeout", five, Box::new(|n1| n1.ticks(9)), None),
        (
            "21 ticks without a message: it campaigns",
            five,
            Box::new(|n1| n1.ticks(21)),
            Some(SILENT),
        ),
        ("the owner lets it campaign", five, Box::new(Owner::campaign), Some(SILENT)),
        ("a leader's message, t5", five, heard(beat_with(N2, N1, 5, 0)), Some(SILENT)),
        ("a leader's entry, t5", five, heard(sends(N2, N1, 5, at(0, 0), &[5], 0)), Some(SILENT)),
        ("a request for its vote, t5", five, heard(ask(N2, N1, 5)), Some(SILENT)),
        ("an answer to nothing, of term 7", five, heard(later()), Some(SILENT_TERM)),
    ];
    // A yes without news is one mistake, a no in spite of news another.
    let intro = "n1, of three, in term 5 unless said otherwise; then, before any Ready is taken:";
    let mut table = Table::new(rule("ready_only_with_news"), "what happens").intro(intro);
    for (number, (what, start, happens, news)) in (1..).zip(rows) {
        let mut n1 = start();
        happens(&mut n1);
        let say = |ready: bool| if ready { "ready" } else { "not ready" };
        let row = table.equal(what, say(news.is_some()), say(n1.has_ready()));
        match news {
            Some(within) => row.breaks_rule(rule("news_makes_a_ready")).decided_in_one_of(within),
            None if number == 1 => row.decided_in_one_of(SPURIOUS),
            None => row.decided_in_one_of(SPURIOUS_STATE),
        };
    }
    table.failure().map_or(Ok(()), |failure| failure.fail())
}
