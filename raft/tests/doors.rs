//! What comes in from outside: settings, storage, messages, an operator's commands. Everything that
//! cannot be is refused with an error that names the thing and the number, and changes nothing.

use raft::*;

const N1: NodeId = NodeId(1);
const N2: NodeId = NodeId(2);
const STRANGER: NodeId = NodeId(9);

fn node() -> Raft<MemoryStorage> {
    let storage = MemoryStorage::with_voters([N1, N2, NodeId(3)]);
    Raft::new(&Config::new(N1), storage).expect("the usual settings")
}

fn vote_reply(from: NodeId, to: NodeId, term: Option<Term>) -> Message {
    Message { from, to, term, body: Body::vote_reply(true) }
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
        (Config { applied: Index(u64::MAX), ..good.clone() }, "applied is 18446744073709551615"),
        (Config { max_inflight_messages: 0, ..good.clone() }, "max_inflight_messages is 0"),
        (
            Config { max_inflight_bytes: Some(0), max_append_bytes: Some(0), ..good.clone() },
            "max_inflight_bytes is 0",
        ),
        (
            Config { read_mode: ReadMode::Lease(5), ..good.clone() },
            "read_mode is a lease, and check_quorum is off",
        ),
        (
            Config { read_mode: ReadMode::Lease(0), check_quorum: true, ..good.clone() },
            "a lease of 0 ticks: it must be shorter than election_ticks, 10, and at least 1",
        ),
        (
            Config { read_mode: ReadMode::Lease(10), check_quorum: true, ..good.clone() },
            "a lease of 10 ticks: it must be shorter than election_ticks, 10, and at least 1",
        ),
        (
            Config { max_inflight_bytes: Some(9), max_append_bytes: Some(10), ..good.clone() },
            "max_inflight_bytes is 9, max_append_bytes is 10",
        ),
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
    assert!(!etcds.merge_acknowledgements && !etcds.batch_reads);
    let back = Config {
        vote_requests: ours.vote_requests,
        election_ticks: 10,
        apply_gate: ours.apply_gate,
        max_append_bytes: ours.max_append_bytes,
        max_inflight_messages: ours.max_inflight_messages,
        merge_acknowledgements: true,
        batch_reads: true,
        snapshot_ticks: ours.snapshot_ticks,
        replace_refused_changes: false,
        step_down_on_removal: ours.step_down_on_removal,
        answer_older_leaders: true,
        reset_timer_on_new_term: ours.reset_timer_on_new_term,
        vote_when_leader_known: ours.vote_when_leader_known,
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
    assert_eq!(said, "the message is for n3, this is n1");
}

#[test]
fn a_message_from_oneself_is_refused() {
    let said = refusal(vote_reply(N1, N1, Some(Term(1))));
    assert_eq!(said, "VoteReply claims to come from this node itself");
}

#[test]
fn a_strangers_answer_is_refused_and_a_strangers_question_is_not() {
    let said = refusal(vote_reply(STRANGER, N1, Some(Term(1))));
    assert_eq!(said, "VoteReply from n9, which is not in this group");

    let ask = Body::RequestVote(VoteRequest::new(EntryId::default()));
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
fn a_term_that_leaves_no_term_above_it_is_refused_with_an_event() {
    for term in [Term::LAST, Term(u64::MAX)] {
        let mut node = node();
        node.journal().listen();
        let said = node.step(vote_reply(N2, N1, Some(term))).expect_err("no term is left above");
        assert!(said.to_string().contains(&format!("n2 sends term {term}")), "{said}");
        let notes = node.journal().drain();
        let why = Ignored::NoTermAbove { theirs: term };
        let event = Event::MessageIgnored { from: N2, kind: "VoteReply", why };
        assert_eq!(notes.iter().map(|note| note.event).collect::<Vec<_>>(), [event]);
        node.campaign().expect("the node goes on as before");
        assert_eq!(node.inspect().term, Term(1));
    }
}

#[test]
fn the_last_term_but_one_can_be_lived_in_and_the_last_one_can_be_restarted_in() {
    let mut node = node();
    node.step(vote_reply(N2, N1, Some(Term(Term::LAST.0 - 1)))).expect("a term is left above");
    node.campaign().expect("and this is it");
    assert_eq!(node.inspect().term, Term::LAST);
    assert_eq!(node.campaign(), Err(CampaignError::NoTermLeft { term: Term::LAST }));
    (0..100).for_each(|_| node.tick());
    assert_eq!(node.inspect().term, Term::LAST, "ticks cannot campaign in a later one either");
    let saved = node.hard_state();
    let mut storage = node.into_storage();
    storage.save(saved);
    Raft::new(&Config::new(N1), storage).expect("what a node can reach, it can start from");
}

#[test]
fn node_zero_is_nobody() {
    let zero = NodeId(0);
    let ask = Body::RequestVote(VoteRequest::new(EntryId::default()));
    let said = refusal(Message { from: zero, to: N1, term: Some(Term(1)), body: ask });
    assert_eq!(said, "RequestVote comes from node 0, but ids start at 1");
    let propose = Body::Propose { entries: vec![Entry::unplaced(Payload::Noop)] };
    let said = refusal(Message { from: zero, to: N1, term: None, body: propose });
    assert_eq!(said, "Propose comes from node 0, but ids start at 1");

    let storage = MemoryStorage::with_voters([zero, N1]);
    let why = Raft::new(&Config::new(N1), storage).expect_err("no node").to_string();
    assert_eq!(why, "storage says that node 0 is a voter, but ids start at 1");
    let mut storage = MemoryStorage::with_voters([N1]);
    storage.save(HardState { vote: Some(zero), ..HardState::default() });
    let why = Raft::new(&Config::new(N1), storage).expect_err("no node").to_string();
    assert_eq!(why, "storage says that node 0 has this node's vote, but ids start at 1");
}

/// Returns an append of n2, with one entry `1@term_of_entry` after `prev`.
fn append(term: u64, prev: EntryId, term_of_entry: u64) -> Message {
    let id = EntryId { index: prev.index + 1, term: Term(term_of_entry) };
    let entries = vec![Entry::unplaced(Payload::Noop).at(id)];
    let (commit, session) = (Index(1), Session::default());
    let body = Body::AppendEntries { prev, entries, commit, session };
    Message { from: N2, to: N1, term: Some(Term(term)), body }
}

#[test]
fn nobody_campaigns_or_leads_in_term_0() {
    let ask = Body::RequestVote(VoteRequest::new(EntryId::default()));
    let heartbeat = Body::Heartbeat { commit: Index(0), token: None, session: Session::default() };
    let now = Body::TimeoutNow { last: EntryId::default() };
    for body in [ask, heartbeat, Body::vote_reply(true), now] {
        let kind = body.kind();
        let said = refusal(Message { from: N2, to: N1, term: Some(Term(0)), body });
        assert_eq!(said, format!("{kind} from n2 carries term 0: nobody campaigns or leads in it"));
    }
    let said = refusal(append(0, EntryId::default(), 0));
    assert!(said.contains("carries term 0"), "{said}");
    // A node that has seen no election may refuse a pre-vote, in its own term.
    let body = Body::pre_vote_reply(false);
    node().step(Message { from: N2, to: N1, term: Some(Term(0)), body }).expect("a correct answer");
}

#[test]
fn an_append_is_one_piece_of_one_log() {
    let entries = |ids: &[(u64, u64)]| -> Vec<Entry> {
        let id = |&(index, term)| EntryId { index: Index(index), term: Term(term) };
        ids.iter().map(|at| Entry::unplaced(Payload::Noop).at(id(at))).collect()
    };
    let says = |ids: &[(u64, u64)]| {
        let (prev, session) = (EntryId { index: Index(2), term: Term(2) }, Session::default());
        let body = Body::AppendEntries { prev, entries: entries(ids), commit: Index(0), session };
        refusal(Message { from: N2, to: N1, term: Some(Term(4)), body })
    };
    // Indexes follow each other; terms never fall, and none is later than the leader's.
    assert_eq!(says(&[(4, 2)]), "n2 sends entry 4 where entry 3 is expected");
    assert_eq!(says(&[(3, 2), (3, 2)]), "n2 sends entry 3 where entry 4 is expected");
    assert_eq!(says(&[(3, 1)]), "n2 sends entry 3@1 after one of term 2, in a message of term 4");
    assert_eq!(
        says(&[(3, 3), (4, 2)]),
        "n2 sends entry 4@2 after one of term 3, in a message of term 4"
    );
    assert_eq!(says(&[(3, 5)]), "n2 sends entry 3@5 after one of term 2, in a message of term 4");
}

fn entry_id(index: u64, term: u64) -> EntryId {
    EntryId { index: Index(index), term: Term(term) }
}

#[test]
fn what_a_candidate_says_to_be_committed_is_in_its_log() {
    let ask = |commit| VoteRequest { commit: Some(commit), ..VoteRequest::new(entry_id(4, 2)) };
    let message = |body| Message { from: N2, to: N1, term: Some(Term(3)), body };
    for body in [Body::RequestVote, Body::RequestPreVote] {
        for (commit, name) in [(entry_id(5, 2), "5@2"), (entry_id(4, 3), "4@3")] {
            let said = refusal(message(body(ask(commit))));
            let says = format!("n2 says that {name} is committed, but that its log ends in 4@2");
            assert_eq!(said, says);
        }
        node().step(message(body(ask(entry_id(4, 2))))).expect("its last entry may be committed");
        let far = EntryId { index: Index(Index::LAST.0 + 1), term: Term(2) };
        let far = VoteRequest { commit: Some(far), ..VoteRequest::new(far) };
        assert!(refusal(message(body(far))).contains("beyond the last"));
    }
    let commit = Some(EntryId { index: Index(Index::LAST.0 + 1), term: Term(2) });
    for body in
        [Body::VoteReply { granted: false, commit }, Body::PreVoteReply { granted: false, commit }]
    {
        assert!(refusal(message(body)).contains("beyond the last"));
    }
}

#[test]
fn no_entry_is_of_term_0_or_at_index_0() {
    let says = "indexes and terms of entries start at 1";
    let said = refusal(append(3, EntryId::default(), 0));
    assert_eq!(said, format!("n2 names entry 1@0: {says}"));
    let prev = EntryId { index: Index(7), term: Term(0) };
    assert_eq!(refusal(append(3, prev, 1)), format!("n2 names entry 7@0: {says}"));
    let prev = EntryId { index: Index(0), term: Term(2) };
    assert_eq!(refusal(append(3, prev, 2)), format!("n2 names entry 0@2: {says}"));
    let last = EntryId { index: Index(9), term: Term(0) };
    let body = Body::RequestVote(VoteRequest::new(last));
    let said = refusal(Message { from: N2, to: N1, term: Some(Term(3)), body });
    assert_eq!(said, format!("n2 names entry 9@0: {says}"));
    let commit = Some(EntryId { index: Index(0), term: Term(2) });
    let answer = Body::VoteReply { granted: false, commit };
    let asked = Body::RequestVote(VoteRequest { commit, ..VoteRequest::new(entry_id(9, 3)) });
    for body in [answer, asked] {
        let said = refusal(Message { from: N2, to: N1, term: Some(Term(3)), body });
        assert_eq!(said, format!("n2 names entry 0@2: {says}"));
    }
    let (prev, hint, hint_term) = (Index(4), Index(3), Some(Term(0)));
    let outcome = AppendOutcome::Rejected { prev, hint, hint_term };
    let body = Body::AppendReply { outcome, session: Some(Session::default()) };
    let said = refusal(Message { from: N2, to: N1, term: Some(Term(3)), body });
    assert_eq!(said, format!("n2 names entry 3@0: {says}"));
}

/// A leader that crashes before its own write is durable restarts in the same term with a shorter log,
/// and is answered for entries that it does not have any more. No correct network could avoid that.
#[test]
fn a_former_leader_may_be_answered_for_entries_that_a_crash_took() {
    let mut storage = MemoryStorage::with_voters([N1, N2, NodeId(3)]);
    storage.save(HardState { term: Term(1), vote: Some(N1), commit: Index(0) });
    let mut node = Raft::new(&Config::new(N1), storage).expect("its own vote is durable");
    let reply = |outcome| {
        let body = Body::AppendReply { outcome, session: Some(Session::default()) };
        Message { from: N2, to: N1, term: Some(Term(1)), body }
    };
    node.step(reply(AppendOutcome::Matched(Index(5)))).expect("it leads no more: it cannot judge");
    assert_eq!(node.inspect().role, RoleName::Follower);

    let mut leader = self::node();
    leader.campaign().expect("a voter");
    let own = leader.take_outbox().own;
    leader.step_own(own).expect("memory can be read");
    leader.step(vote_reply(N2, N1, Some(Term(1)))).expect("a vote");
    let said = leader.step(reply(AppendOutcome::Matched(Index(5)))).expect_err("it leads");
    assert_eq!(said.to_string(), "n2 answers for entry 5, but the log of this leader ends at 1");
}

/// Storage that says what no correct storage says.
#[derive(Clone)]
struct Lying {
    first: u64,
    last: u64,
}

impl Storage for Lying {
    fn initial_state(&self) -> Result<InitialState, StorageError> {
        MemoryStorage::with_voters([N1]).initial_state()
    }

    fn entries(
        &self,
        _: Index,
        _: Index,
        _: Option<u64>,
        _: Purpose,
    ) -> Result<Vec<Entry>, StorageError> {
        Ok(Vec::new())
    }

    fn term(&self, _: Index) -> Result<Term, StorageError> {
        Ok(Term(0))
    }

    fn first_index(&self) -> Result<Index, StorageError> {
        Ok(Index(self.first))
    }

    fn last_index(&self) -> Result<Index, StorageError> {
        Ok(Index(self.last))
    }

    fn snapshot(&self, _: Index, _: NodeId) -> Result<Snapshot, StorageError> {
        Err(StorageError::Pending)
    }
}

#[test]
fn storage_whose_log_cannot_be_is_refused_at_the_start() {
    let start = |first, last| Raft::new(&Config::new(N1), Lying { first, last }).map(drop);
    let why = start(0, 0).expect_err("entries start at 1").to_string();
    assert_eq!(why, "storage says that its log starts at index 0, but entries start at 1");
    let why = start(5, 3).expect_err("a hole").to_string();
    assert_eq!(why, "storage says that its log starts at 5 and ends at 3");
    start(4, 3).expect("an empty log after a snapshot");
    start(1, 0).expect("an empty log");
}

#[test]
fn a_hoped_for_term_is_nobodys_term() {
    let ask = VoteRequest::new(EntryId::default());
    let mut node = node();
    let body = Body::RequestPreVote(ask);
    node.step(Message { from: N2, to: N1, term: Some(Term(8)), body }).expect("a question");
    assert_eq!(node.inspect().term, Term(0), "a pre-vote changes no term (thesis 9.6)");
    node.step(Message { from: N2, to: N1, term: Some(Term(8)), body: Body::RequestVote(ask) })
        .expect("a question");
    assert_eq!(node.inspect().term, Term(8), "a vote does");
}

#[test]
fn a_leader_does_not_probe_itself() {
    let alone = MemoryStorage::with_voters([N1]);
    let mut node = Raft::new(&Config::new(N1), alone).expect("alone");
    node.campaign().expect("a voter");
    let own = node.take_outbox().own;
    node.step_own(own).expect("memory can be read");
    node.report_unreachable(N1);
    let (_, own) = node.progress().next().expect("its own");
    assert_eq!(*own.state(), ProgressState::Replicate);
}

#[test]
fn only_a_voter_that_does_not_lead_can_campaign() {
    let outsider = MemoryStorage::with_voters([N2]);
    let mut node = Raft::new(&Config::new(N1), outsider).expect("an outsider may listen");
    assert_eq!(node.campaign(), Err(CampaignError::NotAVoter { us: N1 }));
    (0..100).for_each(|_| node.tick());
    assert_eq!(node.inspect().term, Term(0), "nor does its election timeout pass");

    let mut node = Raft::new(&Config::new(N1), MemoryStorage::with_voters([N1])).expect("alone");
    node.campaign().expect("a voter");
    let own = node.take_outbox().own;
    node.step_own(own).expect("memory can be read");
    assert_eq!(node.campaign(), Err(CampaignError::AlreadyLeader { term: Term(1) }));
}

/// A disk was wiped, or an id was used again: by far the most reported panic of other libraries.
#[test]
fn a_node_that_has_lost_its_log_says_so_and_does_not_panic() {
    let (token, session) = (None, Session::default());
    let heartbeat = Body::Heartbeat { commit: Index(5), token, session };
    let said = refusal(Message { from: N2, to: N1, term: Some(Term(3)), body: heartbeat });
    assert!(said.contains("n2") && said.contains('5') && said.contains("ends at 0"), "{said}");

    // And a leader that has lost entries which a peer has.
    let mut leader = node();
    leader.campaign().expect("nobody leads");
    let own = leader.take_outbox().own;
    leader.step_own(own).expect("memory can be read");
    leader.step(vote_reply(N2, N1, Some(Term(1)))).expect("it was asked");
    assert_eq!(leader.inspect().role, RoleName::Leader);
    let (outcome, session) = (AppendOutcome::Matched(Index(7)), Some(Session::default()));
    let body = Body::AppendReply { outcome, session };
    let answer = Message { from: N2, to: N1, term: Some(Term(1)), body };
    let why = leader.step(answer).expect_err("no such entry").to_string();
    assert!(why.contains("n2") && why.contains('7') && why.contains('1'), "{why}");
}
