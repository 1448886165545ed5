//! Step 6: several writes in progress (thesis §10.2.1; etcd's append ABA race).
//!
//! ```text
//!    n2 leads term 1   w1: 1@1  [=============]
//!    n3 leads term 2   w2: 1@2      [===============]
//!    n2 leads term 3   w3: 1@1 2@3      [================]
//!                                   w1 ends: is 1@1 durable?  w2 is about to remove it
//! ```

use super::answers::{Answer, Answers};
use super::blame::{CURRENT, ENDED, UNASKED};
use super::owner::Owner;
use crate::raft::kit::{N1, N2, N3, Said, answer, ask, at, beat_with, names_of, sends};
use crate::raft::rule;
use harness::{Check, Verdict, current};
use raft::{Entry, Index, Ready, ReadyNumber};

fn committed(taken: &[Ready]) -> Vec<Entry> {
    taken.iter().flat_map(Ready::committed_entries).cloned().collect()
}

/// Reports that a write has ended: which are accepted, and what they change.
pub(super) fn persist_in_order(_: &mut Check) -> Verdict {
    let intro = "n1, of three, writes Readys 1, 2 and 3; the owner reports as durable:";
    let mut table = Answers::new("on_persist_ready", intro);
    let mut n1 = Owner::new(3);
    fn tell(table: &mut Answers, n1: &mut Owner, what: &str, number: u64, must_be: Answer) {
        current::doing_within(format!("on_persist_ready: {what}"), &["RawNode::durable_by"]);
        table.tell(n1, what, must_be, |node| node.on_persist_ready(ReadyNumber(number)));
    }
    tell(&mut table, &mut n1, "1, before any was taken", 1, Answer::Refused);
    // A node may need more than one Ready for an entry: the last of them is the one to report.
    let mut taken: Vec<u64> = Vec::new();
    let mut numbers = Vec::new();
    for behind in 0..3 {
        n1.hear(sends(N2, N1, 1, at(behind, behind.min(1)), &[1], 0));
        taken.extend(n1.start_all()?.iter().map(|ready| ready.number().0));
        numbers.extend(taken.last().copied().filter(|last| !numbers.contains(last)));
    }
    let [_, second, third] = numbers[..] else {
        let failure = n1.broken(rule("news_makes_a_ready"), UNASKED);
        return failure.because("three entries came, but not three Readys").fail();
    };
    taken.retain(|&number| number > second);
    tell(&mut table, &mut n1, "0", 0, Answer::Refused);
    tell(&mut table, &mut n1, "one that was not taken", third + 1, Answer::Refused);
    let what = "the second: the first with it";
    tell(&mut table, &mut n1, what, second, Answer::Taken);
    table.waits_for(&mut n1, "the second", &taken);
    tell(&mut table, &mut n1, "the second again", second, Answer::Refused);
    tell(&mut table, &mut n1, "the first, which is done", 1, Answer::Refused);
    tell(&mut table, &mut n1, "the third", third, Answer::Taken);
    tell(&mut table, &mut n1, "the third again", third, Answer::Refused);
    table.verdict(ENDED)?;

    // One report for two writes: the promises of both count, and the first is n1's vote for itself.
    let mut n1 = Owner::new(3).row(1, "one report for two writes");
    n1.campaign();
    n1.start_all()?;
    n1.hear(ask(N3, N1, 1));
    n1.start_all()?;
    n1.persist_all_at_once()?;
    n1.hear(answer(N2, N1, 1, Said::Yes));
    n1.settle()?;
    if !n1.sent().iter().any(|message| message.body.traits().is_from_leader) {
        let failure = n1.broken(rule("writes_end_in_order"), ENDED);
        let because =
            "the second of two writes is reported durable, and n1's own vote does not count";
        return failure.because(because).expected("n1 leads, with n2's vote and its own").fail();
    }

    let mut n1 = Owner::new(3).row(2, "the first of two writes ends");
    n1.hear(sends(N2, N1, 1, at(0, 0), &[1], 0));
    n1.start_all()?;
    n1.hear(sends(N2, N1, 1, at(1, 1), &[1], 2));
    n1.start_all()?;
    n1.persist()?;
    let taken = n1.start_all()?;
    if committed(&taken).iter().any(|entry| entry.id.index > Index(1)) {
        let because = "the write of 1@1 has ended, and 2@1 counts as durable";
        return n1.broken(rule("writes_end_in_order"), ENDED).because(because).fail();
    }
    n1.settle()
}

/// An entry that was written, replaced and written again is durable when its last write is.
pub(super) fn async_append_aba(_: &mut Check) -> Verdict {
    let mut n1 = Owner::new(3).row(1, "1@1, then 1@2, then 1@1 again");
    for message in [
        sends(N2, N1, 1, at(0, 0), &[1], 0),
        sends(N3, N1, 2, at(0, 0), &[2], 0),
        sends(N2, N1, 3, at(0, 0), &[1, 3], 2),
    ] {
        n1.hear(message);
        n1.start_all()?;
    }
    not_before_the_third(&mut n1)?;
    all_applied(n1, "1@1 2@3")?;

    let mut n1 = Owner::new(3).row(2, "2@1 is replaced while it is written");
    n1.hear(sends(N2, N1, 1, at(0, 0), &[1, 1], 0));
    n1.start_all()?;
    n1.hear(sends(N3, N1, 2, at(1, 1), &[2], 2));
    all_applied(n1, "1@1 2@2")?;

    let mut n1 = Owner::new(3).row(3, "2@1 is replaced within one term");
    n1.hear(sends(N2, N1, 1, at(0, 0), &[1, 1], 0));
    n1.hear(beat_with(N3, N1, 2, 0));
    n1.start_all()?;
    n1.hear(sends(N3, N1, 2, at(1, 1), &[2], 2));
    n1.start_all()?;
    n1.persist()?;
    n1.start_all()?;
    all_applied(n1, "1@1 2@2")?;

    // The last entry is the one of the first write again, and the write in between is not over.
    let mut n1 = Owner::new(3).row(4, "1@1, then 1@2, then 1@1 again and nothing after it");
    for message in [
        sends(N2, N1, 1, at(0, 0), &[1], 0),
        sends(N3, N1, 2, at(0, 0), &[2], 0),
        sends(N2, N1, 3, at(0, 0), &[1], 1),
    ] {
        n1.hear(message);
        n1.start_all()?;
    }
    not_before_the_third(&mut n1)?;
    all_applied(n1, "1@1")
}

/// Two of three writes end: nothing is to be applied before the third does.
fn not_before_the_third(n1: &mut Owner) -> Verdict {
    for ended in ["the first write has ended", "the second write has ended: 1@2 is on disk"] {
        n1.persist()?;
        let taken = committed(&n1.start_all()?);
        let Some(first) = taken.first() else { continue };
        let because = format!("{ended}, the third has not, and {} counts as durable", first.id);
        let failure = n1.broken(rule("durable_in_its_term"), CURRENT).because(because);
        let expected = "nothing to be applied before the third write ends";
        return failure.expected(expected).got(names_of(&taken)).fail();
    }
    Ok(())
}

/// All writes end; then this is applied.
fn all_applied(mut n1: Owner, want: &str) -> Verdict {
    n1.settle()?;
    let because = "all writes have ended, and everything is committed";
    let applied = |names: &str| format!("{names} applied");
    let (rule, got) = (rule("all_committed_is_handed_out"), names_of(n1.application()));
    n1.must_be(rule, n1.unapplied(), because, applied(want), applied(&got))
}

/// If the term changed before a write ended, the next write makes the entries durable.
pub(super) fn next_record_makes_durable(_: &mut Check) -> Verdict {
    let mut n1 = Owner::new(3).row(1, "the term changes while an entry is written");
    n1.hear(sends(N2, N1, 1, at(0, 0), &[1], 0));
    n1.start_all()?;
    n1.hear(beat_with(N3, N1, 2, 0));
    n1.start_all()?;
    n1.persist_all()?;
    n1.hear(sends(N3, N1, 2, at(1, 1), &[], 1));
    all_applied(n1, "1@1")?;

    let mut n1 = Owner::new(3).row(2, "and no message comes in the new term");
    n1.hear(sends(N2, N1, 1, at(0, 0), &[1], 1));
    n1.start_all()?;
    n1.hear(beat_with(N3, N1, 2, 1));
    all_applied(n1, "1@1")
}
