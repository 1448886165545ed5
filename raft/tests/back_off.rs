//! Fast back-off: a leader and a peer whose logs disagree find the last entry that both hold, with one question for
//! each term and not one for each entry (§5.3, last paragraphs).
//!
//! ```text
//!   the follower   "I refuse what follows 6@2. After 2@1 my log is of later terms than 2: try there."
//!   the leader     "Up to 6 you have nothing later than term 3. My last such entry is 3@2: I ask there."
//! ```
//!
//! `properties/back_off.rs` draws logs, and compares both searches with a scan.

#[path = "kit/names.rs"]
mod names; // n1, n2, n3, and ids of entries
#[path = "kit/played.rs"]
mod played; // one real node; the test plays the others

use names::{N1, N2, N3, id};
use played::{said, stands, step, ticks};
use raft::*;

/// Returns n1 with a log whose entries have these terms, and nothing committed.
fn node(terms: &[u64]) -> Raft<MemoryStorage> {
    let mut storage = MemoryStorage::with_voters([N1, N2, N3]);
    let entry = |(index, &term)| Entry::unplaced(Payload::Noop).at(id(index, term));
    storage.append((1..).zip(terms).map(entry).collect::<Vec<_>>());
    let term = terms.last().map_or(Term(0), |&term| Term(term));
    storage.save(HardState { term, vote: None, commit: Index(0) });
    Raft::new(&Config::new(N1), storage).expect("it can start")
}

/// ```text
///   index  1  2  3  4  5  6
///   n2     1  1  2  2  2  2     leads term 6
///   n1     1  1  5  5  5  5     none of 3 to 6 can be n2's: n2 has nothing of term 5 up to 6
/// ```
#[test]
fn a_follower_hints_at_the_last_entry_that_the_leader_may_hold() {
    let answer = |ours: &[u64], prev: EntryId| {
        let mut n1 = node(ours);
        let (entries, commit, session) = (Vec::new(), Index(0), Session::default());
        step(&mut n1, N2, 6, Body::AppendEntries { prev, entries, commit, session });
        said(&mut n1)
    };
    let cases = [
        (&[1, 1, 5, 5, 5, 5][..], id(6, 2), "rejected=6 hint=2"), // all of term 5 at once
        (&[1, 1, 3, 5, 5, 5], id(6, 3), "rejected=6 hint=3"),     // 3@3 may be n2's
        (&[1, 1, 3, 3, 3, 3], id(6, 5), "rejected=6 hint=6"),     // so may all of these
        (&[1, 1], id(6, 2), "rejected=6 hint=2"),                 // the log ends there
        (&[5, 5, 5, 5, 5, 5], id(6, 2), "rejected=6 hint=0"),     // nothing in common
    ];
    for (ours, prev, said) in cases {
        assert_eq!(answer(ours, prev), [format!("n1->n2 AppendReply t6 {said}")], "{ours:?}");
    }
}

/// ```text
///   index  1  2  3  4  5  6  7
///   n1     1  1  2  4  4  4  4  + 8@7, leads term 7
///   n2     1  1  2  3  3  3        hints at 6, of term 3
/// ```
#[test]
fn a_leader_skips_its_entries_of_later_terms_than_the_hint() {
    // Where the peer hints, the term there, and the entry after which the leader asks next.
    let cases = [
        (6, 3, "3@2"), // all of term 4 at once
        (6, 2, "3@2"),
        (6, 1, "2@1"),
        (3, 2, "3@2"), // it agrees at the hint
        (6, 4, "6@4"),
        (2, 1, "2@1"),
    ];
    for (hint, term, prev) in cases {
        let mut n1 = node(&[1, 1, 2, 4, 4, 4, 4]);
        let (commit, token, session) = (Index(0), None, Session::default());
        step(&mut n1, N2, 6, Body::Heartbeat { commit, token, session });
        n1.pin_election_timeout(Some(10));
        ticks(&mut n1, 10);
        said(&mut n1);
        step(&mut n1, N3, 7, Body::vote_reply(true));
        assert_eq!(stands(&n1), (RoleName::Leader, 7));
        said(&mut n1);
        let (rejected, hint, hint_term) = (Index(7), Index(hint), Some(Term(term)));
        let outcome = AppendOutcome::Rejected { prev: rejected, hint, hint_term };
        step(&mut n1, N2, 7, Body::AppendReply { outcome, session: Some(Session::default()) });
        let asks = said(&mut n1);
        let start = format!("n1->n2 AppendEntries t7 prev={prev} ");
        assert!(asks.len() == 1 && asks[0].starts_with(&start), "{hint} of {term}: {asks:?}");
    }
}
