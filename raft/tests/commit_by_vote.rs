//! Commitment that travels with votes: what a node says of it, and what it believes (etcd issue 12359).
//!
//! ```text
//!   n1 is a real node: 1@1 2@2 3@2, of which 1@1 is committed, as far as it knows
//!   n1 --RequestVote t3 last=3@2 commit=1@1--> n2
//!   n1 <--VoteReply t3 refused commit=2@2----- n2        n1 holds 2@2: so it is committed here, too
//! ```

#[path = "kit/names.rs"]
mod names; // n1, n2, n3, and ids of entries
#[path = "kit/played.rs"]
mod played; // one real node; the test plays the others

use bytes::Bytes;
use names::{N1, N2, N3, id};
use played::{said, stands, step, ticks};
use raft::*;

fn by_vote() -> Config {
    Config { commit_by_vote: true, ..Config::new(N1) }
}

fn with_pre_votes() -> Config {
    Config { pre_vote: true, ..by_vote() }
}

fn plain(index: u64, term: u64) -> Entry {
    Entry::unplaced(Payload::Normal(Bytes::from_static(b"x"))).at(id(index, term))
}

/// The removal of n3, or of whom the test names.
fn removal(index: u64, term: u64, node: NodeId) -> Entry {
    let change = ConfChange { kind: ChangeKind::Remove, node };
    Entry::unplaced(Payload::Change(change)).at(id(index, term))
}

fn storage(entries: Vec<Entry>, commit: u64) -> MemoryStorage {
    let mut storage = MemoryStorage::with_voters([N1, N2, N3]);
    let term = entries.last().map_or(Term(0), |entry| entry.id.term);
    storage.append(entries);
    storage.save(HardState { term, vote: None, commit: Index(commit) });
    storage
}

fn start(config: &Config, storage: MemoryStorage) -> Raft<MemoryStorage> {
    let mut node = Raft::new(config, storage).expect("the settings are good");
    node.pin_election_timeout(Some(10));
    node
}

/// Returns n1 with the log 1@1 2@2 3@2, which is committed up to `commit`.
fn node(config: &Config, commit: u64) -> Raft<MemoryStorage> {
    start(config, storage(vec![plain(1, 1), plain(2, 2), plain(3, 2)], commit))
}

/// A candidate's question, with a log as long as n1's.
fn ask(commit: EntryId) -> Body {
    Body::RequestVote(VoteRequest { commit: Some(commit), ..VoteRequest::new(id(9, 2)) })
}

fn refusal(commit: EntryId) -> Body {
    Body::VoteReply { granted: false, commit: Some(commit) }
}

fn commit(node: &Raft<MemoryStorage>) -> u64 {
    node.inspect().commit.0
}

// Say.

#[test]
fn a_candidate_names_the_entry_at_its_commit_index() {
    let questions = |config: &Config, commit| {
        let mut n1 = node(config, commit);
        n1.campaign().expect("a voter");
        said(&mut n1)
    };
    let asked = |text| [format!("n1->n2 {text}"), format!("n1->n3 {text}")];
    assert_eq!(questions(&by_vote(), 1), asked("RequestVote t3 last=3@2 commit=1@1"));
    assert_eq!(questions(&by_vote(), 3), asked("RequestVote t3 last=3@2 commit=3@2"));
    assert_eq!(questions(&by_vote(), 0), asked("RequestVote t3 last=3@2"));
    assert_eq!(questions(&with_pre_votes(), 2), asked("RequestPreVote t3 last=3@2 commit=2@2"));
    assert_eq!(questions(&Config::new(N1), 2), asked("RequestVote t3 last=3@2"), "off by default");
}

#[test]
fn a_timeout_and_a_transfer_lead_to_the_same_question() {
    let mut n1 = node(&by_vote(), 2);
    ticks(&mut n1, 10);
    assert_eq!(said(&mut n1)[0], "n1->n2 RequestVote t3 last=3@2 commit=2@2");
    let mut n1 = node(&by_vote(), 2);
    step(&mut n1, N2, 2, Body::TimeoutNow { last: id(3, 2) });
    assert_eq!(said(&mut n1)[0], "n1->n2 RequestVote t3 last=3@2 transfer commit=2@2");
    // A pre-vote that is won leads to a campaign, which looks the entry up again.
    let mut n1 = node(&with_pre_votes(), 1);
    ticks(&mut n1, 10);
    said(&mut n1);
    step(&mut n1, N3, 3, Body::PreVoteReply { granted: true, commit: Some(id(2, 2)) });
    assert_eq!(stands(&n1), (RoleName::Candidate, 3));
    assert_eq!(said(&mut n1)[0], "n1->n2 RequestVote t3 last=3@2 commit=1@1");
    assert_eq!(commit(&n1), 2, "what came with the answer counts for the next question");
}

#[test]
fn a_voter_names_it_when_it_refuses_and_not_when_it_grants() {
    let answer = |config: &Config, body: Body| {
        let mut n1 = node(config, 2);
        step(&mut n1, N2, 3, body);
        said(&mut n1)
    };
    let (short, long) = (VoteRequest::new(id(1, 2)), VoteRequest::new(id(3, 2)));
    let refused = ["n1->n2 VoteReply t3 refused commit=2@2"];
    assert_eq!(answer(&by_vote(), Body::RequestVote(short)), refused);
    assert_eq!(answer(&by_vote(), Body::RequestVote(long)), ["n1->n2 VoteReply t3 granted"]);
    let refused = ["n1->n2 PreVoteReply t2 refused commit=2@2"];
    assert_eq!(answer(&by_vote(), Body::RequestPreVote(short)), refused);
    assert_eq!(answer(&by_vote(), Body::RequestPreVote(long)), ["n1->n2 PreVoteReply t3 granted"]);
    let silent = ["n1->n2 VoteReply t3 refused"];
    assert_eq!(answer(&Config::new(N1), Body::RequestVote(short)), silent);
}

#[test]
fn the_last_entry_of_a_snapshot_has_a_name() {
    let conf_state = ConfState { voters: [N1, N2, N3].into(), ..ConfState::default() };
    let snapshot = Snapshot { id: id(7, 2), conf_state, data: Bytes::new() };
    let mut storage = MemoryStorage::with_snapshot(snapshot);
    storage.save(HardState { term: Term(2), vote: None, commit: Index(7) });
    let mut n1 = start(&by_vote(), storage);
    n1.campaign().expect("a voter");
    assert_eq!(said(&mut n1)[0], "n1->n2 RequestVote t3 last=7@2 commit=7@2");
}

// Learn.

#[test]
fn a_node_commits_what_it_holds_and_nothing_else() {
    // What is named, and the commit index after it: 1 is where it was.
    let cases = [
        (id(1, 1), 1),
        (id(2, 2), 2),
        (id(3, 2), 3),
        (id(2, 1), 1), // another entry is at this index
        (id(3, 1), 1),
        (id(4, 2), 1), // beyond the log
        (id(0, 0), 1), // nothing
    ];
    for (named, then) in cases {
        let mut n1 = node(&by_vote(), 1);
        step(&mut n1, N2, 2, refusal(named));
        assert_eq!(commit(&n1), then, "{named}");
        let mut n1 = node(&Config::new(N1), 1);
        step(&mut n1, N2, 2, refusal(named));
        assert_eq!(commit(&n1), 1, "{named}: off by default");
    }
    let mut n1 = node(&by_vote(), 3);
    step(&mut n1, N2, 2, refusal(id(2, 2)));
    assert_eq!(commit(&n1), 3, "a commit index never decreases");
}

#[test]
fn news_counts_whatever_becomes_of_the_message() {
    // A request that is granted, one that is refused, and one of a term that is over.
    for (term, last) in [(3, id(9, 2)), (3, id(2, 2)), (1, id(9, 2))] {
        for body in [Body::RequestVote, Body::RequestPreVote] {
            let mut n1 = node(&by_vote(), 1);
            let question = VoteRequest { commit: Some(id(2, 2)), ..VoteRequest::new(last) };
            step(&mut n1, N2, term, body(question));
            assert_eq!(commit(&n1), 2, "term {term}, last {last}");
        }
    }
    // An answer that nobody waits for any more, and one of a term that is over.
    for term in [1, 2, 3] {
        let mut n1 = node(&by_vote(), 1);
        step(&mut n1, N2, term, Body::PreVoteReply { granted: false, commit: Some(id(2, 2)) });
        assert_eq!(commit(&n1), 2, "term {term}");
    }
    // A request that is ignored, because a leader is alive.
    let mut n1 = node(&Config { check_quorum: true, ..by_vote() }, 1);
    let (token, session) = (None, Session::default());
    step(&mut n1, N3, 2, Body::Heartbeat { commit: Index(1), token, session });
    said(&mut n1);
    step(&mut n1, N2, 3, ask(id(2, 2)));
    assert_eq!((stands(&n1), said(&mut n1)), ((RoleName::Follower, 2), vec![]));
    assert_eq!(commit(&n1), 2);
}

#[test]
fn a_leader_commits_by_its_own_rule() {
    let mut n1 = node(&by_vote(), 1);
    n1.campaign().expect("a voter");
    said(&mut n1);
    step(&mut n1, N3, 3, Body::vote_reply(true));
    assert_eq!(stands(&n1), (RoleName::Leader, 3));
    said(&mut n1);
    step(&mut n1, N2, 3, refusal(id(3, 2)));
    assert_eq!(commit(&n1), 1);
    // A leader that a later term deposes is a leader no more when it learns.
    step(&mut n1, N2, 4, ask(id(3, 2)));
    assert_eq!((stands(&n1), commit(&n1)), ((RoleName::Follower, 4), 3));
}

// A change of the group.

#[test]
fn a_candidate_gives_up_when_a_change_turns_out_to_be_committed() {
    for pre_vote in [false, true] {
        let log = vec![plain(1, 1), removal(2, 2, N3), plain(3, 2)];
        let config = Config { pre_vote, ..by_vote() };
        let mut n1 = start(&config, storage(log, 1));
        n1.journal().listen();
        n1.applied_to(Index(1), 0).expect("it runs");
        n1.campaign().expect("a voter");
        said(&mut n1);
        n1.journal().drain();
        let term = n1.inspect().term.0;
        let answer = |commit| match pre_vote {
            true => Body::PreVoteReply { granted: false, commit: Some(commit) },
            false => refusal(commit),
        };
        step(&mut n1, N2, term, answer(id(1, 1)));
        assert_ne!(stands(&n1).0, RoleName::Follower, "1@1 is no news");
        step(&mut n1, N2, term, answer(id(2, 2)));
        assert_eq!((stands(&n1), commit(&n1)), ((RoleName::Follower, term), 2));
        let events: Vec<_> = n1.journal().drain().iter().map(|note| note.event).collect();
        assert!(events.contains(&Event::CampaignPostponed { change: Index(2) }), "{events:?}");
        // Once it has applied the change, n2 alone is enough.
        let change = ConfChange { kind: ChangeKind::Remove, node: N3 };
        n1.apply_conf_change(change).expect("n3 is a member");
        n1.applied_to(Index(2), 0).expect("it runs");
        n1.campaign().expect("nothing is left to apply");
        let questions = said(&mut n1);
        assert!(questions.iter().all(|text| text.starts_with("n1->n2 ")), "{questions:?}");
    }
}

#[test]
fn a_candidate_goes_on_when_no_change_is_committed() {
    let log = vec![plain(1, 1), plain(2, 2), removal(3, 2, N3)];
    let mut n1 = start(&by_vote(), storage(log, 1));
    n1.campaign().expect("a voter");
    said(&mut n1);
    step(&mut n1, N2, 3, refusal(id(2, 2)));
    assert_eq!((stands(&n1), commit(&n1)), ((RoleName::Candidate, 3), 2));
    step(&mut n1, N3, 3, Body::vote_reply(true));
    assert_eq!(stands(&n1), (RoleName::Leader, 3), "n3 is not known to be removed");
}

/// voters=(1 4)&&(1 2 3), of which n1 is left with n2; n2 knows that the joint configuration was left.
#[test]
fn a_node_in_a_joint_configuration_learns_that_it_was_left() {
    let n4 = NodeId(4);
    let (voters, voters_outgoing) = ([N1, n4].into(), [N1, N2, N3].into());
    let conf_state = ConfState { voters, voters_outgoing, ..ConfState::default() };
    let snapshot = Snapshot { id: id(1, 1), conf_state, data: Bytes::new() };
    let mut storage = MemoryStorage::with_snapshot(snapshot);
    let leave = ConfChangeV2 { transition: Transition::Auto, changes: vec![] };
    storage.append(vec![Entry::unplaced(leave.clone().into()).at(id(2, 1))]);
    storage.save(HardState { term: Term(1), vote: None, commit: Index(1) });
    let mut n1 = start(&by_vote(), storage);
    n1.campaign().expect("a voter of both halves");
    said(&mut n1);
    step(&mut n1, n4, 2, Body::vote_reply(true));
    assert_eq!(stands(&n1), (RoleName::Candidate, 2), "the old half has not agreed");
    step(&mut n1, N2, 2, refusal(id(2, 1)));
    assert_eq!((stands(&n1), commit(&n1)), ((RoleName::Follower, 2), 2));
    n1.apply_conf_change(leave).expect("it is joint");
    n1.applied_to(Index(2), 0).expect("it runs");
    n1.campaign().expect("a voter");
    said(&mut n1);
    step(&mut n1, n4, 3, Body::vote_reply(true));
    assert_eq!(stands(&n1), (RoleName::Leader, 3), "of two voters both have granted");
}

#[test]
fn a_learner_learns_and_is_asked_for_nothing() {
    let conf_state =
        ConfState { voters: [N2, N3].into(), learners: [N1].into(), ..ConfState::default() };
    let snapshot = Snapshot { conf_state, ..Snapshot::default() };
    let mut storage = MemoryStorage::with_snapshot(snapshot);
    storage.append(vec![plain(1, 1), plain(2, 1)]);
    storage.save(HardState { term: Term(1), vote: None, commit: Index(1) });
    let mut n1 = start(&by_vote(), storage);
    let short = VoteRequest { commit: Some(id(1, 1)), ..VoteRequest::new(id(1, 1)) };
    step(&mut n1, N2, 2, Body::RequestVote(short));
    assert_eq!(said(&mut n1), ["n1->n2 VoteReply t2 refused commit=1@1"]);
    let long = VoteRequest { commit: Some(id(2, 1)), ..VoteRequest::new(id(2, 1)) };
    step(&mut n1, N2, 3, Body::RequestVote(long));
    assert_eq!(commit(&n1), 2);
}

/// A node that starts again may find that its application is ahead of the commit index that was saved. Then
/// the log may be compacted beyond that index: the entry has no name any more.
#[test]
fn a_compacted_entry_is_neither_named_nor_looked_for() {
    let (applied, log) = (Index(3), vec![plain(1, 1), plain(2, 2), plain(3, 2)]);
    let mut n1 = start(&Config { applied, ..by_vote() }, storage(log, 1));
    let conf_state = ConfState { voters: [N1, N2, N3].into(), ..ConfState::default() };
    n1.storage_mut().create_snapshot(Index(3), conf_state, Bytes::new());
    n1.storage_mut().compact(Index(3));
    assert_eq!(commit(&n1), 1);
    n1.campaign().expect("a voter");
    assert_eq!(said(&mut n1)[0], "n1->n2 RequestVote t3 last=3@2");
    step(&mut n1, N2, 3, refusal(id(2, 2)));
    assert_eq!((commit(&n1), n1.is_halted()), (1, false));
    step(&mut n1, N2, 3, refusal(id(3, 2)));
    assert_eq!(commit(&n1), 3, "the last entry that a snapshot covers is known");
}

// Storage that fails.

#[test]
fn a_node_that_cannot_look_its_commit_up_halts() {
    let failing = |commit| {
        let mut n1 = node(&by_vote(), commit);
        n1.storage_mut().fail_read(0);
        n1
    };
    // The question of another, which it may answer with the entry.
    let mut n1 = failing(1);
    let question = Body::RequestVote(VoteRequest::new(id(1, 2)));
    let message = Message { from: N2, to: N1, term: Some(Term(3)), body: question };
    let why = n1.step(message).expect_err("the read fails");
    assert!(
        matches!(&why, StepError::Halted(halt) if halt.read() == Read::Term { index: Index(1) })
    );
    assert_eq!(said(&mut n1), [""; 0], "nothing leaves a node that has halted");
    // What another names, which it looks up in its log.
    let mut n1 = failing(1);
    let message = Message { from: N2, to: N1, term: Some(Term(2)), body: refusal(id(2, 2)) };
    let why = n1.step(message).expect_err("the read fails");
    assert!(
        matches!(&why, StepError::Halted(halt) if halt.read() == Read::Term { index: Index(2) })
    );
    assert_eq!(commit(&n1), 1);
    // Without the setting it reads nothing.
    let mut n1 = node(&Config::new(N1), 1);
    n1.storage_mut().fail_read(0);
    step(&mut n1, N2, 3, ask(id(2, 2)));
    assert_eq!(said(&mut n1), ["n1->n2 VoteReply t3 granted"]);
}
