//! Each rule broken by hand, and a correct twin beside it: a rule that cannot fail says nothing, and
//! one that fails too soon accuses the innocent.

mod logs; // the rules of logs

use super::*;
use raft::quorum::{Joint, Majority};
use raft::{
    Body, ConfState, EntryId, HardState, Index, MemoryStorage, Payload, ReadDropped, VoteRequest,
};

const N1: NodeId = NodeId(1);
const N2: NodeId = NodeId(2);
const N3: NodeId = NodeId(3);

/// A node by hand.
struct Puppet {
    id: NodeId,
    term: u64,
    vote: Option<NodeId>,
    role: RoleName,
    commit: u64,
    /// The terms of its entries, from place 1.
    log: Vec<u64>,
    /// What its disk holds; the same as its memory if nothing else is given.
    durable: Option<HardState>,
}

fn node(id: NodeId) -> Puppet {
    let role = RoleName::Follower;
    Puppet { id, term: 1, vote: None, role, commit: 0, log: Vec::new(), durable: None }
}

fn leader(id: NodeId, term: u64) -> Puppet {
    Puppet { term, vote: Some(id), role: RoleName::Leader, ..node(id) }
}

fn hard(term: u64, vote: Option<NodeId>) -> HardState {
    HardState { term: Term(term), vote, commit: Index(0) }
}

/// Returns a disk on which all this is durable.
fn disk(state: HardState, terms: &[u64]) -> Disk {
    let mut storage = MemoryStorage::with_voters([N1, N2, N3]);
    storage.append(entries(1, terms));
    storage.save(state);
    Disk::new(storage)
}

/// Returns entries that say nothing, of these terms, from a place on.
fn entries(first: u64, terms: &[u64]) -> Vec<Entry> {
    let places = (first..).zip(terms);
    places.map(|(index, &term)| entry(index, term, Payload::Noop)).collect()
}

/// Lets the checker look at a puppet, and returns the rule it breaks.
fn look(checker: &mut InvariantChecker, puppet: &Puppet) -> Option<Rule> {
    let (term, commit) = (Term(puppet.term), Index(puppet.commit));
    let saved = HardState { term, vote: puppet.vote, commit };
    look_at(checker, puppet, &disk(puppet.durable.unwrap_or(saved), &puppet.log))
}

fn look_at(checker: &mut InvariantChecker, puppet: &Puppet, disk: &Disk) -> Option<Rule> {
    let group = group();
    let view = NodeView { node: inspect(puppet, disk, &group), disk };
    checker.check_node(&view).err().map(|violation| violation.rule)
}

/// Returns the group of the puppets.
fn group() -> (Joint, ConfState) {
    let ids = [N1, N2, N3];
    let conf_state = ConfState { voters: ids.into(), ..ConfState::default() };
    (Joint::new(Majority::new(ids), None), conf_state)
}

/// Returns what a puppet says of itself when its log is the one on this disk.
fn inspect<'a>(puppet: &Puppet, disk: &Disk, group: &'a (Joint, ConfState)) -> Inspect<'a> {
    let last = disk.written().last().id;
    Inspect {
        id: puppet.id,
        term: Term(puppet.term),
        vote: puppet.vote,
        leader: None,
        role: puppet.role,
        commit: Index(puppet.commit),
        applied: Index(0),
        last,
        stored: last.index,
        elapsed_ticks: 0,
        pinned_ticks: None,
        voters: &group.0,
        conf_state: &group.1,
        votes: None,
        halted: None,
    }
}

fn entry(index: u64, term: u64, payload: Payload) -> Entry {
    let id = EntryId { term: Term(term), index: Index(index) };
    Entry::unplaced(payload).at(id)
}

fn grant(term: u64, from: NodeId, to: NodeId) -> Message {
    Message { from, to, term: Some(Term(term)), body: Body::vote_reply(true) }
}

fn question(term: u64, from: NodeId) -> Message {
    let ask = VoteRequest::new(EntryId::default());
    Message { from, to: N2, term: Some(Term(term)), body: Body::RequestVote(ask) }
}

/// Lets a node say something while its disk holds `durable`.
fn say(checker: &mut InvariantChecker, durable: HardState, message: &Message) -> Option<Rule> {
    say_from(checker, &disk(durable, &[]), message, VoteRequests::OnceDurable)
}

fn say_from(
    checker: &mut InvariantChecker,
    disk: &Disk,
    message: &Message,
    vote_requests: VoteRequests,
) -> Option<Rule> {
    let sender = Sender { id: message.from, disk, vote_requests };
    checker.check_message(sender, message, &|_| None).err().map(|violation| violation.rule)
}

/// Lets a node grant its vote as it should.
fn vote(checker: &mut InvariantChecker, term: u64, from: NodeId, to: NodeId) {
    assert_eq!(say(checker, hard(term, Some(to)), &grant(term, from, to)), None);
}

#[test]
fn a_term_only_grows() {
    let mut checker = InvariantChecker::default();
    assert_eq!(look(&mut checker, &Puppet { term: 2, ..node(N1) }), None);
    assert_eq!(look(&mut checker, &Puppet { term: 2, ..node(N1) }), None);
    let older = Puppet { term: 1, ..node(N1) };
    assert_eq!(look(&mut checker.clone(), &older), Some(Rule::TermMonotone));
    // A crash may take back what was not durable, and nothing else.
    checker.forget_node(N1);
    assert_eq!(look(&mut checker.clone(), &older), None);
    let forgetful = Puppet { durable: Some(hard(2, None)), ..older };
    assert_eq!(look(&mut checker, &forgetful), Some(Rule::TermMonotone));
}

#[test]
fn a_granted_vote_is_durable_before_it_is_sent() {
    let said = |durable| say(&mut InvariantChecker::default(), durable, &grant(2, N1, N2));
    assert_eq!(said(hard(2, Some(N2))), None);
    assert_eq!(
        said(hard(3, None)),
        None,
        "a later term is durable: this vote is never given again"
    );
    assert_eq!(said(hard(2, None)), Some(Rule::PersistBeforeSend));
    assert_eq!(said(hard(2, Some(N3))), Some(Rule::PersistBeforeSend));
    assert_eq!(said(hard(1, Some(N2))), Some(Rule::PersistBeforeSend));
}

#[test]
fn a_refusal_needs_its_term_to_be_durable_and_no_vote() {
    let body = Body::vote_reply(false);
    let refusal = Message { body, ..grant(2, N1, N2) };
    assert_eq!(say(&mut InvariantChecker::default(), hard(2, Some(N3)), &refusal), None);
    let early = say(&mut InvariantChecker::default(), hard(1, None), &refusal);
    assert_eq!(early, Some(Rule::PersistBeforeSend));
}

#[test]
fn a_question_rests_on_the_candidates_own_vote_unless_it_may_leave_at_once() {
    let said = |durable| say(&mut InvariantChecker::default(), durable, &question(2, N1));
    assert_eq!(said(hard(2, Some(N1))), None);
    assert_eq!(said(hard(2, None)), Some(Rule::PersistBeforeSend));
    assert_eq!(said(hard(1, Some(N1))), Some(Rule::PersistBeforeSend));
    let (checker, new) = (&mut InvariantChecker::default(), disk(hard(0, None), &[]));
    assert_eq!(say_from(checker, &new, &question(2, N1), VoteRequests::AtOnce), None);
}

#[test]
fn a_heartbeat_and_its_answer_promise_nothing() {
    let (token, session) = (None, raft::Session::default());
    for body in [
        Body::Heartbeat { commit: Index(0), token, session },
        Body::HeartbeatReply { token, session },
    ] {
        let message = Message { body, ..grant(2, N1, N2) };
        assert_eq!(say(&mut InvariantChecker::default(), hard(0, None), &message), None);
    }
}

#[test]
fn one_vote_per_term() {
    let mut checker = InvariantChecker::default();
    vote(&mut checker, 1, N1, N2);
    vote(&mut checker, 1, N1, N2);
    vote(&mut checker, 2, N1, N3);
    // The disk says n3, so nothing else is wrong with this one.
    let second = say(&mut checker, hard(1, Some(N3)), &grant(1, N1, N3));
    assert_eq!(second, Some(Rule::VoteOncePerTerm));
}

#[test]
fn a_vote_for_oneself_is_the_one_vote_once_it_is_durable() {
    let mut checker = InvariantChecker::default();
    let candidate = Puppet { vote: Some(N1), role: RoleName::Candidate, ..node(N1) };
    // Not durable yet: a crash may take it back, and the vote may go to another.
    let in_memory = Puppet { durable: Some(hard(0, None)), ..candidate };
    assert_eq!(look(&mut checker, &in_memory), None);
    vote(&mut checker.clone(), 1, N1, N2);
    let durable = Puppet { durable: None, ..in_memory };
    assert_eq!(look(&mut checker, &durable), None);
    let other = say(&mut checker, hard(1, Some(N2)), &grant(1, N1, N2));
    assert_eq!(other, Some(Rule::VoteOncePerTerm));
}

#[test]
fn more_than_half_make_a_leader() {
    let mut checker = InvariantChecker::default();
    assert_eq!(look(&mut checker.clone(), &leader(N1, 1)), Some(Rule::LeaderHasQuorum));
    vote(&mut checker, 2, N2, N1);
    vote(&mut checker, 1, N3, N2);
    let others = look(&mut checker.clone(), &leader(N1, 1));
    assert_eq!(others, Some(Rule::LeaderHasQuorum), "votes of term 2, or for n2, do not count");
    vote(&mut checker, 1, N2, N1);
    // Its own vote counts as soon as it is cast, durable or not.
    let at_once = Puppet { durable: Some(hard(0, None)), ..leader(N1, 1) };
    assert_eq!(look(&mut checker, &at_once), None);
}

#[test]
fn a_stranger_makes_no_leader_and_a_tests_word_is_believed() {
    let mut checker = InvariantChecker::default();
    vote(&mut checker, 1, NodeId(9), N1);
    assert_eq!(look(&mut checker.clone(), &leader(N1, 1)), Some(Rule::LeaderHasQuorum));
    checker.accept_posted(&grant(1, N3, N1));
    assert_eq!(look(&mut checker, &leader(N1, 1)), None);
    // A posted vote binds nobody: the real n3 never gave it.
    vote(&mut checker, 1, N3, N2);
}

#[test]
fn at_most_one_leader_per_term() {
    let mut checker = InvariantChecker::default();
    vote(&mut checker, 1, N3, N1);
    assert_eq!(look(&mut checker, &leader(N1, 1)), None);
    assert_eq!(look(&mut checker, &leader(N1, 1)), None, "leading on is not winning again");
    checker.accept_posted(&grant(1, N3, N2));
    assert_eq!(look(&mut checker.clone(), &leader(N2, 1)), Some(Rule::ElectionSafety));
    vote(&mut checker, 2, N3, N2);
    assert_eq!(look(&mut checker, &leader(N2, 2)), None);
}

#[test]
fn terms_that_every_disk_has_left_are_forgotten_and_no_others() {
    let mut checker = InvariantChecker::default();
    vote(&mut checker, 1, N3, N1);
    assert_eq!(look(&mut checker, &leader(N1, 1)), None);
    checker.forget_before(Term(1));
    let second = say(&mut checker.clone(), hard(1, Some(N2)), &grant(1, N3, N2));
    assert_eq!(second, Some(Rule::VoteOncePerTerm));
    checker.forget_before(Term(2));
    let (granted, led) = checker.ballots();
    assert_eq!((granted.count(), led.count()), (0, 0));
}

fn read(mark: &'static str, outcome: Result<u64, ReadDropped>) -> ReadState {
    ReadState { context: Bytes::from_static(mark.as_bytes()), outcome: outcome.map(Index) }
}

#[test]
fn a_read_sees_what_was_committed_when_it_began() {
    let begun = |floor: u64| {
        let mut reads = ReadHistory::default();
        reads.begins(N1, read("a", Ok(0)).context, Index(floor));
        reads
    };
    let ended = |mut reads: ReadHistory, read| reads.ended(N1, &read).err().map(|it| it.rule);
    assert_eq!(ended(begun(5), read("a", Ok(4))), Some(Rule::LinearizableRead));
    assert_eq!(ended(begun(5), read("a", Ok(5))), None);
    assert_eq!(ended(begun(5), read("a", Err(ReadDropped::NoLeader))), None);
    // Two reads with one mark: answers may overtake each other, and both must be high enough.
    let mut two = begun(4);
    two.begins(N1, read("a", Ok(0)).context, Index(6));
    assert_eq!(ended(two.clone(), read("a", Ok(3))), Some(Rule::LinearizableRead));
    for (first, second) in [(4, 6), (6, 4), (5, 7), (7, 5)] {
        let mut two = two.clone();
        assert_eq!(two.ended(N1, &read("a", Ok(first))), Ok(()));
        assert_eq!(ended(two, read("a", Ok(second))), None, "{first}, then {second}");
    }
    assert_eq!(two.ended(N1, &read("a", Ok(4))), Ok(()));
    assert_eq!(ended(two, read("a", Ok(4))), Some(Rule::LinearizableRead));
    // What a test has answered for a node is the test's affair.
    let mut posted = begun(5);
    let (token, session) = (Some(raft::ReadToken(1)), raft::Session::default());
    let body = Body::HeartbeatReply { token, session };
    posted.posted(&Message { from: N2, to: N1, term: Some(Term(1)), body });
    assert_eq!(ended(posted, read("a", Ok(4))), None);
}

#[test]
fn a_read_ends_once_and_only_if_a_client_waits() {
    let mut reads = ReadHistory::default();
    let nobody = reads.clone().ended(N1, &read("a", Ok(9))).err().map(|it| it.rule);
    assert_eq!(nobody, Some(Rule::ReadEndsOnce));
    reads.begins(N1, read("a", Ok(0)).context, Index(0));
    let other = reads.clone().ended(N2, &read("a", Ok(9))).err().map(|it| it.rule);
    assert_eq!(other, Some(Rule::ReadEndsOnce));
    assert_eq!(reads.open().count(), 1);
    assert_eq!(reads.ended(N1, &read("a", Ok(9))), Ok(()));
    assert_eq!(reads.open().count(), 0);
    let twice = reads.ended(N1, &read("a", Ok(9))).err().map(|it| it.rule);
    assert_eq!(twice, Some(Rule::ReadEndsOnce));
    reads.begins(N1, read("a", Ok(0)).context, Index(0));
    reads.forget(N1);
    assert_eq!(reads.open().count(), 0, "nobody waits at a node without power");
}

#[test]
fn every_rule_has_a_name_of_its_own() {
    for rule in Rule::ALL {
        assert_eq!(Rule::ALL.iter().filter(|other| other.id() == rule.id()).count(), 1, "{rule}");
        assert_eq!(rule.title(), rule.title().to_uppercase());
        assert!(!rule.section().is_empty() && !rule.so_what().is_empty());
        assert!(rule.chapter().contains(".md#"));
    }
}
