//! Step 2: what a Ready holds, and in which of its parts (Fig. 2 State: what is persistent).
//!
//! ```text
//!   hard state, entries     to be saved
//!   messages                leave at once
//!   persisted_messages      leave once it is saved
//! ```

use super::blame::{SOFT, SOFT_AGAIN, SOFT_ALONE, SYNCED, TAKEN, TOLD, UNASKED, VOTE_UNTOLD};
use super::judge::say;
use super::owner::{Checked, Owner, disk, settings};
use crate::raft::kit::{N1, N2, N3, Said, answer, ask, ask_with, at, beat_with, names_of, sends};
use crate::raft::rule;
use harness::{Check, Table, Verdict};
use raft::{Body, Entry, HardState, Message, NodeId, Ready, RoleName, Term};

/// A node may spread its news over several Readys, but not over more than these.
const READYS_MAX: usize = 20;

/// Takes every Ready, and lets no write end.
fn take_all(n1: &mut Owner) -> Checked<Vec<Ready>> {
    let mut taken = Vec::new();
    while taken.len() <= READYS_MAX {
        let Some(ready) = n1.take()? else { break };
        taken.push(ready);
    }
    Ok(taken)
}

/// A vote alone is news that must be saved, and so is a term alone. Each is reported once.
pub(super) fn hardstate_on_vote_only(_: &mut Check) -> Verdict {
    let must_tell = |n1: &mut Owner, term, vote, within, because: &str| {
        take_all(n1)?;
        let told = n1.told();
        let want = HardState { term: Term(term), vote, commit: told.commit };
        let to_be_saved = |hard: HardState| format!("{} to be saved", say(hard));
        let rule = rule("hard_state_is_told");
        n1.must_be(rule, within, because, to_be_saved(want), to_be_saved(told))
    };

    let mut n1 = Owner::in_term(5).row(1, "n1 campaigns: term and vote are new");
    n1.campaign();
    let because = "n1 campaigns in term 6, and no Ready has term and vote";
    must_tell(&mut n1, 6, Some(N1), TOLD, because)?;

    let mut n1 = Owner::in_term(5).row(2, "a later term, and no vote");
    n1.hear(beat_with(N2, N1, 7, 0));
    must_tell(&mut n1, 7, None, TOLD, "n1 is in term 7, and no Ready has the term")?;

    let mut n1 = Owner::in_term(5).row(3, "the term is known, the vote is new");
    n1.hear(ask(N2, N1, 5));
    let because = "n1 votes for n2 in term 5, and no Ready has the vote";
    must_tell(&mut n1, 5, Some(N2), VOTE_UNTOLD, because)?;

    let mut n1 = n1.row(4, "the same request again: nothing is new");
    n1.hear(ask(N2, N1, 5));
    let taken = take_all(&mut n1)?;
    let Some(again) = taken.iter().find(|ready| ready.hard_state().is_some()) else {
        return Ok(());
    };
    let because = format!("Ready {} reports the same state again", again.number());
    let failure = n1.broken(rule("hard_state_is_told_once"), TOLD).because(because);
    failure.expected("a Ready without a hard state").got("one with it").fail()
}

/// Leader and role are reported when they change, and once.
pub(super) fn soft_state_tells_role_and_leader(_: &mut Check) -> Verdict {
    fn of(role: RoleName, leader: &str) -> String {
        format!("{role}, leader {leader}")
    }
    fn said(n1: &mut Owner) -> Checked<String> {
        let last = take_all(n1)?.iter().filter_map(Ready::soft_state).next_back();
        let leader = |id: Option<NodeId>| id.map_or_else(|| "none".to_owned(), |id| id.to_string());
        Ok(last.map_or_else(|| "nothing".to_owned(), |soft| of(soft.role, &leader(soft.leader))))
    }
    let nothing = || "nothing".to_owned();
    let mut seen = Vec::new();
    let mut n1 = Owner::new(3);
    n1.hear(beat_with(N2, N1, 1, 0));
    seen.push(("n2 leads", of(RoleName::Follower, "n2"), said(&mut n1)?));
    n1.hear(beat_with(N2, N1, 1, 0));
    seen.push(("n2 sends another heartbeat", nothing(), said(&mut n1)?));
    n1.campaign();
    seen.push(("n1 campaigns", of(RoleName::Candidate, "none"), said(&mut n1)?));
    n1.hear(answer(N2, N1, 2, Said::Yes));
    n1.hear(answer(N3, N1, 2, Said::Yes));
    seen.push(("n1 wins", of(RoleName::Leader, "n1"), said(&mut n1)?));

    // A change of role may be all the news there is: no message, nothing to save.
    let mut n1 = Owner::new(3);
    n1.campaign();
    take_all(&mut n1)?;
    n1.hear(answer(N2, N1, 1, Said::No));
    n1.hear(answer(N3, N1, 1, Said::No));
    let role = n1.node().status().role;
    // A candidate may also wait for its timer: then there is no news.
    let is_still_candidate = role == RoleName::Candidate;
    let news = if is_still_candidate { nothing() } else { of(role, "none") };
    seen.push(("another n1 campaigns; both refuse", news, said(&mut n1)?));

    let mut table = Table::new(rule("soft_state_is_told"), "what happens")
        .intro("n1, of three, in term 1; then:");
    let last = seen.len() - 1;
    for (number, (what, want, got)) in seen.into_iter().enumerate() {
        let is_again = want == nothing();
        let row = table.equal(what, want, got);
        match is_again {
            true => row.breaks_rule(rule("soft_state_is_told_once")).decided_in_one_of(SOFT_AGAIN),
            // Only the role is news there.
            false => row.decided_in_one_of(if number == last { SOFT_ALONE } else { SOFT }),
        };
    }
    table.failure().map_or(Ok(()), |failure| failure.fail())
}

/// A promise waits for the write; and some Ready holds it.
pub(super) fn persist_before_send(_: &mut Check) -> Verdict {
    let promised = |n1: &mut Owner, what: &str, is_it: fn(&Message) -> bool| {
        let taken = take_all(n1)?;
        if taken.iter().flat_map(Ready::persisted_messages).any(is_it) {
            return Ok(());
        }
        // The judge has checked what may leave at once: this message is in no Ready.
        let (rule, within, expected) =
            match n1.is_unasked(|ready| ready.persisted_messages().iter().any(is_it)) {
                true => (rule("news_makes_a_ready"), UNASKED, "has_ready is true: it waits"),
                false => (rule("messages_exactly_once"), TAKEN, "it waits for the write"),
            };
        let failure = n1.broken(rule, within);
        failure.because(format!("{what} is in no Ready")).expected(expected).fail()
    };
    fn grants(m: &Message) -> bool {
        matches!(m.body, Body::VoteReply { granted: true, .. })
    }

    let mut n1 = Owner::in_term(5).row(1, "a vote granted");
    n1.hear(ask(N2, N1, 5));
    promised(&mut n1, "n1's vote for n2", |m| m.to == N2 && grants(m))?;

    let mut n1 = Owner::in_term(5).row(2, "entries acknowledged");
    n1.hear(sends(N2, N1, 5, at(0, 0), &[5, 5], 0));
    promised(&mut n1, "n1's acknowledgement", |m| {
        m.to == N2 && matches!(m.body, Body::AppendReply { .. })
    })?;

    let mut n1 = Owner::in_term(5).row(3, "a vote asked for");
    n1.campaign();
    promised(&mut n1, "n1's vote request to n3", |m| {
        m.to == N3 && matches!(m.body, Body::RequestVote(_))
    })?;

    let mut n1 = Owner::in_term(5).row(4, "a vote granted, after a Ready was taken");
    n1.hear(beat_with(N2, N1, 5, 0));
    take_all(&mut n1)?;
    n1.hear(ask(N3, N1, 6));
    promised(&mut n1, "n1's vote for n3", |m| m.to == N3 && grants(m))?;

    // Nothing new is to be saved, and the vote is on its way to the disk all the same.
    let mut n1 = Owner::in_term(5).row(5, "the same vote again, while it is being written");
    n1.hear(ask(N2, N1, 5));
    take_all(&mut n1)?;
    n1.hear(ask(N2, N1, 5));
    promised(&mut n1, "n1's vote for n2", |m| m.to == N2 && grants(m))
}

/// Every entry is handed out once, in order; one that is replaced is written again.
pub(super) fn no_dup_entries(_: &mut Check) -> Verdict {
    let must_write = |n1: &mut Owner, want: &str, because: &str| {
        let taken = take_all(n1)?;
        let entries: Vec<Entry> = taken.iter().flat_map(Ready::entries).cloned().collect();
        let to_be_written = |names: &str| format!("{names} to be written");
        let (rule, got) = (rule("entries_handed_out_once"), names_of(&entries));
        n1.must_be(rule, TAKEN, because, to_be_written(want), to_be_written(&got))
    };

    let mut n1 = Owner::new(3).row(1, "a leader's own entries");
    n1.elect_by(&[N2, N3]);
    must_write(&mut n1, "1@1", "n1 leads term 1 and begins it with an entry")?;
    n1.propose("a");
    must_write(&mut n1, "2@1", "the first entry is being written; the second is new")?;
    n1.propose("b");
    n1.propose("c");
    must_write(&mut n1, "3@1 4@1", "two more are new")?;

    let mut n1 = Owner::new(3).row(2, "a follower's entries, and others that replace them");
    n1.hear(sends(N2, N1, 1, at(0, 0), &[1, 1], 0));
    must_write(&mut n1, "1@1 2@1", "n2 sends two entries")?;
    n1.hear(sends(N2, N1, 1, at(0, 0), &[1, 1], 0));
    let because = "the same two again: they are in the log, and being written";
    must_write(&mut n1, "nothing", because)?;
    n1.hear(sends(N3, N1, 2, at(1, 1), &[2], 0));
    must_write(&mut n1, "2@2", "n3 replaces the second: it must be written")
}

/// What must reach the disk, and what need not.
pub(super) fn must_sync(_: &mut Check) -> Verdict {
    let rows: [(&str, Vec<Message>, bool); 6] = [
        ("a vote", vec![ask_with(N2, N1, 5, at(1, 1))], true),
        ("a term", vec![beat_with(N2, N1, 7, 0)], true),
        ("entries", vec![sends(N2, N1, 5, at(1, 1), &[5], 0)], true),
        ("entries and a commit index", vec![sends(N2, N1, 5, at(1, 1), &[5], 1)], true),
        ("a commit index", vec![beat_with(N2, N1, 5, 1)], false),
        ("messages, and which node leads", vec![beat_with(N2, N1, 5, 0)], false),
    ];
    let intro = "n1's disk holds term 5, no vote, and entry 1@1; must a Ready be synced?";
    let mut table = Table::new(rule("sync_what_promises_rest_on"), "what is new").intro(intro);
    for (what, messages, needed) in rows {
        let mut n1 = Owner::of(settings(), disk(&[1], 5, None, 0));
        messages.into_iter().for_each(|message| n1.hear(message));
        let synced = take_all(&mut n1)?.iter().any(Ready::must_sync);
        let say = |sync: bool| if sync { "yes" } else { "no" };
        // A sync that is missing breaks a promise; one too many costs time.
        table.equal(what, say(needed), say(synced)).breaks_rule(match needed {
            true => rule("sync_what_promises_rest_on"),
            false => rule("no_sync_for_what_is_learned_again"),
        });
    }
    table.failure().map_or(Ok(()), |failure| failure.one_of(SYNCED).fail())
}
