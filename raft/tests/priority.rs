//! Priority: of two nodes with the same log, the one that its owner prefers should lead.
//!
//! ```text
//!   n1 is a real node with priority 5, whose log ends in 2@2; the test plays n2 and n3
//!   n2 --RequestVote t3 last=2@2 priority=1--> n1    no: n1 should lead, and holds all that n2 holds
//! ```

#[path = "kit/names.rs"]
mod names; // n1, n2, n3, and ids of entries
#[path = "kit/played.rs"]
mod played; // one real node; the test plays the others

use names::{N1, N2, N3, id};
use played::{said, stands, step, ticks};
use raft::*;

fn config(priority: u64) -> Config {
    Config { priority: Priority(priority), ..Config::new(N1) }
}

/// Returns n1, which is in the term of its last entry, and campaigns after ten ticks.
fn start(config: &Config, conf_state: ConfState, terms: &[u64]) -> Raft<MemoryStorage> {
    let snapshot = Snapshot { conf_state, ..Snapshot::default() };
    let mut storage = MemoryStorage::with_snapshot(snapshot);
    let entry = |(index, &term)| Entry::unplaced(Payload::Noop).at(id(index, term));
    storage.append((1..).zip(terms).map(entry).collect::<Vec<_>>());
    let term = Term(terms.last().copied().unwrap_or_default());
    storage.save(HardState { term, ..HardState::default() });
    let mut node = Raft::new(config, storage).expect("the settings are good");
    node.pin_election_timeout(Some(10));
    node
}

fn of_three() -> ConfState {
    ConfState { voters: [N1, N2, N3].into(), ..ConfState::default() }
}

fn node(config: &Config, terms: &[u64]) -> Raft<MemoryStorage> {
    start(config, of_three(), terms)
}

fn ask(last: EntryId, priority: u64) -> VoteRequest {
    VoteRequest { priority: Priority(priority), ..VoteRequest::new(last) }
}

#[test]
fn with_equal_logs_a_lower_priority_is_refused_and_with_others_the_log_decides() {
    // The log of n1 ends in 2@2. A log is compared by the term of its last entry, then by its index.
    let logs = [(id(1, 3), "granted"), (id(3, 2), "granted"), (id(1, 2), "refused")];
    for (priority, with_equal_logs) in [(4, "refused"), (5, "granted"), (6, "granted")] {
        for (last, answer) in logs.into_iter().chain([(id(2, 2), with_equal_logs)]) {
            let mut n1 = node(&config(5), &[1, 2]);
            step(&mut n1, N2, 3, Body::RequestVote(ask(last, priority)));
            assert_eq!(said(&mut n1), [format!("n1->n2 VoteReply t3 {answer}")], "{last}");
            let mut n1 = node(&config(5), &[1, 2]);
            step(&mut n1, N2, 3, Body::RequestPreVote(ask(last, priority)));
            let term = if answer == "granted" { 3 } else { 2 };
            let answer = format!("n1->n2 PreVoteReply t{term} {answer}");
            assert_eq!(said(&mut n1), [answer], "{last}, priority {priority}");
        }
    }
}

#[test]
fn the_refusal_names_both_priorities_and_an_older_log_is_the_first_reason() {
    let why = |last, is_pre_vote| {
        let mut n1 = node(&config(5), &[1, 2]);
        n1.journal().listen();
        let body = if is_pre_vote { Body::RequestPreVote } else { Body::RequestVote };
        step(&mut n1, N2, 3, body(ask(last, 1)));
        let notes = n1.journal().drain();
        let refusal = notes.iter().find_map(|note| {
            let (Event::VoteRefused { why, .. } | Event::PreVoteRefused { why, .. }) = note.event
            else {
                return None;
            };
            Some(why)
        });
        refusal.expect("it refuses")
    };
    let lower = Refusal::LowerPriority { ours: Priority(5), theirs: Priority(1) };
    assert_eq!(lower.to_string(), "its priority 1 is below 5, and the logs are the same");
    let newer = Refusal::LogIsNewer { ours: id(2, 2), theirs: id(1, 2) };
    for is_pre_vote in [false, true] {
        assert_eq!(why(id(2, 2), is_pre_vote), lower);
        assert_eq!(why(id(1, 2), is_pre_vote), newer);
    }
}

#[test]
fn a_refused_candidate_has_no_vote_and_does_not_delay_the_one_that_should_lead() {
    let mut n1 = node(&config(5), &[1, 2]);
    ticks(&mut n1, 9);
    step(&mut n1, N2, 3, Body::RequestVote(ask(id(2, 2), 1)));
    assert_eq!(n1.hard_state().vote, None);
    step(&mut n1, N3, 3, Body::RequestVote(ask(id(2, 2), 5)));
    assert_eq!(n1.hard_state().vote, Some(N3), "the vote was free");
    let mut n1 = node(&config(5), &[1, 2]);
    ticks(&mut n1, 9);
    step(&mut n1, N2, 3, Body::RequestVote(ask(id(2, 2), 1)));
    said(&mut n1);
    ticks(&mut n1, 1);
    assert_eq!(stands(&n1), (RoleName::Candidate, 4));
    let asked =
        ["n1->n2 RequestVote t4 last=2@2 priority=5", "n1->n3 RequestVote t4 last=2@2 priority=5"];
    assert_eq!(said(&mut n1), asked);
}

#[test]
fn a_vote_that_was_granted_is_granted_again_whatever_the_priority_is_now() {
    let mut n1 = node(&config(0), &[1, 2]);
    step(&mut n1, N2, 3, Body::RequestVote(ask(id(2, 2), 1)));
    assert_eq!(said(&mut n1), ["n1->n2 VoteReply t3 granted"]);
    n1.set_priority(Priority(9));
    step(&mut n1, N2, 3, Body::RequestVote(ask(id(2, 2), 1)));
    assert_eq!(said(&mut n1), ["n1->n2 VoteReply t3 granted"], "it was promised");
    step(&mut n1, N2, 4, Body::RequestVote(ask(id(2, 2), 1)));
    assert_eq!(said(&mut n1), ["n1->n2 VoteReply t4 refused"], "another term is another vote");
    n1.set_priority(Priority(1));
    step(&mut n1, N2, 4, Body::RequestVote(ask(id(2, 2), 1)));
    assert_eq!(said(&mut n1), ["n1->n2 VoteReply t4 granted"], "it may change its mind to a yes");
}

#[test]
fn a_transfer_that_an_owner_asked_for_beats_priorities() {
    let mut n1 = node(&config(5), &[1, 2]);
    let wanted = VoteRequest { transfer: true, ..ask(id(2, 2), 1) };
    step(&mut n1, N2, 3, Body::RequestVote(wanted));
    assert_eq!(said(&mut n1), ["n1->n2 VoteReply t3 granted"]);
}

#[test]
fn nobody_waits_for_a_node_that_cannot_lead() {
    // A learner is asked by a candidate that does not know yet that it votes no more.
    let learner =
        ConfState { voters: [N2, N3].into(), learners: [N1].into(), ..Default::default() };
    let mut n1 = start(&config(5), learner, &[1, 2]);
    step(&mut n1, N2, 3, Body::RequestVote(ask(id(2, 2), 1)));
    assert_eq!(said(&mut n1), ["n1->n2 VoteReply t3 granted"]);
    // In a joint configuration both halves vote, and both may lead.
    let (voters, voters_outgoing) = ([N2, N3].into(), [N1, N2].into());
    let leaves = ConfState { voters, voters_outgoing, ..ConfState::default() };
    let mut n1 = start(&config(5), leaves, &[1, 2]);
    step(&mut n1, N2, 3, Body::RequestVote(ask(id(2, 2), 1)));
    assert_eq!(said(&mut n1), ["n1->n2 VoteReply t3 refused"]);
}

#[test]
fn every_question_for_votes_names_the_priority_and_zero_is_not_written() {
    let questions = |priority, pre_vote| {
        let mut n1 = node(&Config { pre_vote, ..config(priority) }, &[1, 2]);
        n1.campaign().expect("a voter");
        said(&mut n1)
    };
    assert_eq!(questions(7, false)[0], "n1->n2 RequestVote t3 last=2@2 priority=7");
    assert_eq!(questions(7, true)[0], "n1->n2 RequestPreVote t3 last=2@2 priority=7");
    assert_eq!(questions(0, false)[0], "n1->n2 RequestVote t3 last=2@2");
    let mut n1 = node(&config(7), &[1, 2]);
    step(&mut n1, N2, 2, Body::TimeoutNow { last: id(2, 2) });
    assert_eq!(said(&mut n1)[0], "n1->n2 RequestVote t3 last=2@2 transfer priority=7");
    n1.set_priority(Priority(u64::MAX));
    n1.campaign().expect("a voter");
    let most = "n1->n2 RequestVote t4 last=2@2 priority=18446744073709551615";
    assert_eq!(said(&mut n1)[0], most);
}

/// Where raft-rs compares the indexes alone, neither of these two elects the other, and nobody leads.
#[test]
fn a_shorter_log_of_a_later_term_beats_a_priority() {
    let mut n1 = node(&config(5), &[1, 1, 1]);
    step(&mut n1, N2, 3, Body::RequestVote(ask(id(2, 2), 1)));
    assert_eq!(said(&mut n1), ["n1->n2 VoteReply t3 granted"]);
}
