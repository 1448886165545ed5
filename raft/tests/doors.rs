//! What comes in from outside: settings, storage, messages, an operator's wish. Everything that cannot
//! be is refused with an error that names the thing and the number, and changes nothing.

use raft::*;

const N1: NodeId = NodeId(1);
const N2: NodeId = NodeId(2);
const STRANGER: NodeId = NodeId(9);

fn node() -> Raft<MemoryStorage> {
    let storage = MemoryStorage::with_voters([N1, N2, NodeId(3)]);
    Raft::new(&Config::new(N1), storage).expect("the usual settings")
}

fn vote_reply(from: NodeId, to: NodeId, term: Option<Term>) -> Message {
    Message { from, to, term, body: Body::VoteReply { granted: true } }
}

/// Steps a message that must be refused, and returns what is said of it.
fn refusal(m: Message) -> String {
    let mut node = node();
    let before = node.clone();
    let said = node.step(m).expect_err("no correct network delivers this").to_string();
    assert!(node == before, "a refused message changed the node");
    said
}

#[test]
fn every_bad_setting_has_its_own_error() {
    let good = Config::new(N1);
    assert_eq!(good.check(), Ok(()));
    let cases = [
        (Config { id: NodeId(0), ..good.clone() }, "id is 0"),
        (Config { heartbeat_ticks: 0, ..good.clone() }, "heartbeat_ticks is 0"),
        (Config { heartbeat_ticks: 10, ..good.clone() }, "heartbeat_ticks is 10"),
        (Config { election_ticks: u64::MAX, ..good.clone() }, "at most 4294967296"),
    ];
    for (config, says) in cases {
        let storage = MemoryStorage::with_voters([N1]);
        let why = Raft::new(&config, storage).expect_err("cannot work").to_string();
        assert!(why.contains(says), "{why}");
    }
}

#[test]
fn etcds_settings_work_and_differ_where_the_table_says() {
    let (ours, etcds) = (Config::new(N1), Config::etcd(N1));
    assert_eq!(etcds.check(), Ok(()));
    let (vote_requests, election_ticks) = (etcds.vote_requests, etcds.election_ticks);
    assert_eq!((vote_requests, election_ticks), (VoteRequests::AtOnce, 3));
    let (gate, append) = (etcds.apply_gate, etcds.max_append_bytes);
    assert_eq!((gate, append), (ApplyGate::WithReady, None));
    assert_eq!(etcds.max_inflight_messages, i32::MAX as usize);
    assert!(!etcds.merge_acknowledgements);
    let back = Config {
        vote_requests: ours.vote_requests,
        election_ticks: 10,
        apply_gate: ours.apply_gate,
        max_append_bytes: ours.max_append_bytes,
        max_inflight_messages: ours.max_inflight_messages,
        merge_acknowledgements: true,
        wait_anew_each_term: ours.wait_anew_each_term,
        vote_beside_leader: ours.vote_beside_leader,
        ..etcds
    };
    assert_eq!(back, ours);
}

#[test]
fn storage_that_remembers_the_impossible_is_refused() {
    let mut storage = MemoryStorage::with_voters([N1]);
    storage.save(HardState { commit: Index(7), ..HardState::default() });
    let why = Raft::new(&Config::new(N1), storage.clone()).expect_err("no entry 7").to_string();
    assert!(why.contains("commit 7") && why.contains("ends at 0"), "{why}");

    storage.save(HardState { term: Term(u64::MAX), ..HardState::default() });
    let why = Raft::new(&Config::new(N1), storage).expect_err("no such term").to_string();
    assert!(why.contains("18446744073709551615"), "{why}");
}

#[test]
fn a_message_for_another_node_is_refused() {
    let said = refusal(vote_reply(N2, NodeId(3), Some(Term(1))));
    assert_eq!(said, "the message is for n3, we are n1");
}

#[test]
fn a_message_from_oneself_is_refused() {
    let said = refusal(vote_reply(N1, N1, Some(Term(1))));
    assert_eq!(said, "VoteReply claims to come from ourselves");
}

#[test]
fn a_strangers_answer_is_refused_and_a_strangers_question_is_not() {
    let said = refusal(vote_reply(STRANGER, N1, Some(Term(1))));
    assert_eq!(said, "VoteReply from n9, which is not in our group");

    let ask = Body::RequestVote(VoteRequest { last: EntryId::default(), transfer: false });
    let mut node = node();
    node.step(Message { from: STRANGER, to: N1, term: Some(Term(1)), body: ask })
        .expect("it may know more of the group than we do (thesis 4.1)");
    assert_eq!(node.inspect().term, Term(1));
}

#[test]
fn a_missing_term_and_one_too_many_are_refused() {
    assert_eq!(refusal(vote_reply(N2, N1, None)), "VoteReply carries no term");
    let propose = Body::Propose { entries: Vec::new() };
    let said = refusal(Message { from: N2, to: N1, term: Some(Term(1)), body: propose });
    assert_eq!(said, "Propose carries term 1, and its kind has none");
}

#[test]
fn a_term_beyond_the_last_is_refused_and_the_last_one_can_be_lived_in() {
    let said = refusal(vote_reply(N2, N1, Some(Term(u64::MAX))));
    assert!(said.contains("n2 speaks of term 18446744073709551615"), "{said}");

    let mut node = node();
    node.step(vote_reply(N2, N1, Some(Term::LAST))).expect("the last term is a term");
    node.campaign().expect("and there is one after it");
    assert_eq!(node.inspect().term, Term::LAST.next());
}

#[test]
fn a_hoped_for_term_is_nobodys_term() {
    let ask = VoteRequest { last: EntryId::default(), transfer: false };
    let mut node = node();
    let body = Body::RequestPreVote(ask);
    node.step(Message { from: N2, to: N1, term: Some(Term(8)), body }).expect("a question");
    assert_eq!(node.inspect().term, Term(0), "a pre-vote changes no term (thesis 9.6)");
    node.step(Message { from: N2, to: N1, term: Some(Term(8)), body: Body::RequestVote(ask) })
        .expect("a question");
    assert_eq!(node.inspect().term, Term(8), "a vote does");
}

#[test]
fn only_a_voter_that_does_not_lead_can_campaign() {
    let outsider = MemoryStorage::with_voters([N2]);
    let mut node = Raft::new(&Config::new(N1), outsider).expect("an outsider may listen");
    assert_eq!(node.campaign(), Err(CampaignError::NotAVoter { us: N1 }));
    (0..100).for_each(|_| node.tick());
    assert_eq!(node.inspect().term, Term(0), "nor does it lose patience");

    let mut node = Raft::new(&Config::new(N1), MemoryStorage::with_voters([N1])).expect("alone");
    node.campaign().expect("a voter");
    let own = node.take_outbox().own;
    node.keep_promises(own);
    assert_eq!(node.campaign(), Err(CampaignError::AlreadyLeader { term: Term(1) }));
}
