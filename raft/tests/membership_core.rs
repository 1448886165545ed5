//! Membership changes of a running node: proposed one at a time, effective when applied (§6, thesis §4).
//!
//! ```text
//!   n1 leads, the test plays the others; n1's disk is instant
//!   change --> entry 2 --acknowledged--> committed --the test applies it--> the members change
//! ```

use bytes::Bytes;
use raft::*;

const N1: NodeId = NodeId(1);
const N2: NodeId = NodeId(2);
const N3: NodeId = NodeId(3);
const N4: NodeId = NodeId(4);
const N5: NodeId = NodeId(5);

fn id(index: u64, term: u64) -> EntryId {
    EntryId { index: Index(index), term: Term(term) }
}

fn members(voters: impl IntoIterator<Item = u64>) -> ConfState {
    ConfState { voters: voters.into_iter().map(NodeId).collect(), ..ConfState::default() }
}

/// Reads changes: `v4` adds a voter, `l4` a learner, `r3` removes.
fn change(transition: Transition, words: &str) -> ConfChangeV2 {
    let one = |word: &str| {
        let kind = match &word[..1] {
            "v" => ChangeKind::AddVoter,
            "l" => ChangeKind::AddLearner,
            _ => ChangeKind::Remove,
        };
        ConfChange { kind, node: NodeId(word[1..].parse().expect("a node")) }
    };
    ConfChangeV2 { transition, changes: words.split_whitespace().map(one).collect() }
}

fn auto(words: &str) -> ConfChangeV2 {
    change(Transition::Auto, words)
}

/// A node with an instant disk, whose application applies only when the test says so.
struct Alone {
    raft: Raft<MemoryStorage>,
    /// What has left it.
    sent: Vec<Message>,
}

impl Alone {
    fn new(config: &Config, storage: MemoryStorage) -> Self {
        let mut raft = Raft::new(config, storage).expect("it can start");
        raft.journal().listen();
        Alone { raft, sent: Vec::new() }
    }

    /// Returns n1, elected by n2 in the next term.
    fn elected(config: &Config, storage: MemoryStorage) -> Self {
        let mut n1 = Alone::new(config, storage);
        n1.raft.campaign().expect("a voter");
        n1.write();
        let term = n1.raft.inspect().term.0;
        for voter in n1.raft.inspect().voters.voters().collect::<Vec<_>>() {
            if voter != N1 && n1.raft.inspect().role != RoleName::Leader {
                n1.step(voter, term, Body::vote_reply(true));
            }
        }
        assert_eq!(n1.raft.inspect().role, RoleName::Leader);
        n1
    }

    /// Returns n1, leader of term 1 of these members, which has committed and applied its first entry.
    fn leader_with(config: &Config, conf_state: ConfState) -> Self {
        let mut storage = MemoryStorage::default();
        storage.save_conf_state(conf_state);
        let mut n1 = Alone::elected(config, storage);
        n1.acknowledge_by_all(1);
        n1.apply_all();
        n1.sent.clear();
        n1
    }

    fn leader(voters: impl IntoIterator<Item = u64>) -> Self {
        Alone::leader_with(&Config::new(N1), members(voters))
    }

    /// Makes everything durable, and collects what leaves.
    fn write(&mut self) {
        loop {
            let Outbox { now, promised, own, .. } = self.raft.take_outbox();
            let (entries, last) = (self.raft.take_unwritten(), self.raft.unstable_last());
            self.raft.storage_mut().append(entries);
            let hard_state = self.raft.hard_state();
            self.raft.storage_mut().save(hard_state);
            if now.is_empty() && promised.is_empty() && own.is_empty() {
                return;
            }
            self.sent.extend(now.into_iter().chain(promised));
            self.raft.step_own(own).expect("memory can be read");
            last.into_iter().for_each(|last| self.raft.stable_to(last));
        }
    }

    fn step(&mut self, from: NodeId, term: u64, body: Body) {
        let m = Message { from, to: N1, term: Some(Term(term)), body };
        self.raft.step(m).expect("a correct node sends this");
        self.write();
    }

    fn session(&self, peer: NodeId) -> Session {
        self.raft.progress().find(|(id, _)| *id == peer).expect("a member").1.session()
    }

    fn acknowledge(&mut self, from: NodeId, index: u64) {
        let session = Some(self.session(from));
        let (outcome, term) = (AppendOutcome::Matched(Index(index)), self.raft.inspect().term.0);
        self.step(from, term, Body::AppendReply { outcome, session });
    }

    fn acknowledge_by_all(&mut self, index: u64) {
        let all: Vec<_> = self.raft.progress().map(|(id, _)| id).filter(|&id| id != N1).collect();
        all.into_iter().for_each(|from| self.acknowledge(from, index));
    }

    fn propose(&mut self, change: ConfChangeV2) -> Result<(), ProposeError> {
        let proposed = self.raft.propose_conf_change(Bytes::new(), change);
        self.write();
        proposed
    }

    fn write_x(&mut self) -> u64 {
        self.raft.propose(Bytes::new(), Bytes::from_static(b"x")).expect("it leads");
        self.write();
        self.last()
    }

    fn last(&self) -> u64 {
        self.raft.inspect().last.index.0
    }

    fn commit(&self) -> u64 {
        self.raft.inspect().commit.0
    }

    fn conf(&self) -> ConfState {
        self.raft.inspect().conf_state.clone()
    }

    /// Applies the next committed entry.
    fn apply_one(&mut self) -> Option<Result<ConfState, ApplyChangeError>> {
        let (after, commit) = (self.raft.inspect().applied, self.raft.inspect().commit);
        let entries = self.raft.committed_entries(after, commit, 0).expect("memory can be read");
        let entry = entries.first()?;
        let made = entry.payload().change().map(|change| self.raft.apply_conf_change(change));
        if let Some(Ok(conf_state)) = &made {
            self.raft.storage_mut().save_conf_state(conf_state.clone());
        }
        self.raft.applied_to(entry.id.index, 0).expect("memory can be read");
        self.write();
        Some(made.unwrap_or_else(|| Ok(self.conf())))
    }

    fn apply_all(&mut self) {
        while self.apply_one().is_some() {}
    }

    /// Proposes a change, commits it by the present members, and applies it.
    fn make(&mut self, change: ConfChangeV2) {
        self.propose(change).expect("it can be made");
        let at = self.last();
        self.acknowledge_by_all(at);
        self.apply_all();
    }

    fn tracked(&self) -> Vec<u64> {
        self.raft.progress().map(|(id, _)| id.0).collect()
    }

    fn progress(&self, peer: NodeId) -> Progress {
        self.raft.progress().find(|(id, _)| *id == peer).expect("a member").1.clone()
    }

    fn events(&mut self) -> Vec<Event> {
        self.raft.journal().drain().iter().map(|note| note.event).collect()
    }

    /// Returns what has left for a node since the last call.
    fn sent_to(&mut self, to: NodeId) -> Vec<String> {
        let sent = std::mem::take(&mut self.sent);
        sent.iter().filter(|m| m.to == to).map(Message::to_string).collect()
    }
}

fn pending(index: u64, applied: u64) -> ProposeError {
    let (index, applied) = (Index(index), Index(applied));
    ProposeError::ChangeRefused(ChangeRefusal::Pending { index, applied })
}

// Propose.

#[test]
fn one_change_at_a_time_and_it_is_applied_before_the_next_one() {
    let mut n1 = Alone::leader([1, 2, 3]);
    n1.propose(auto("v4")).expect("nothing is on its way");
    assert_eq!(n1.propose(auto("v5")), Err(pending(2, 1)), "not committed");
    n1.acknowledge(N2, 2);
    assert_eq!(n1.commit(), 2);
    assert_eq!(n1.propose(auto("v5")), Err(pending(2, 1)), "not applied");
    assert_eq!(n1.last(), 2, "a refused change leaves no entry");
    n1.apply_all();
    n1.propose(auto("v5")).expect("the first one is applied");
    // A joint change counts, too.
    let mut n1 = Alone::leader([1, 2, 3]);
    n1.propose(auto("v4 v5")).expect("nothing is on its way");
    assert_eq!(n1.propose(auto("r2")), Err(pending(2, 1)));
}

#[test]
fn an_impossible_change_is_refused_by_name_or_replaced() {
    let refused = |why| Err(ProposeError::ChangeRefused(ChangeRefusal::Impossible(why)));
    let mut n1 = Alone::leader([1]);
    assert_eq!(n1.propose(auto("")), refused(ChangeError::NotInJoint { voters: 1 }));
    assert_eq!(n1.propose(auto("r1")), refused(ChangeError::NoVoterLeft { voters: 1 }));
    let node_zero = ChangeError::NodeZero { kind: ChangeKind::AddVoter };
    assert_eq!(n1.propose(auto("v0")), refused(node_zero));
    assert_eq!(n1.last(), 1);

    let config = Config { replace_refused_changes: true, ..Config::new(N1) };
    let mut n1 = Alone::leader_with(&config, members([1, 2]));
    let mark = Bytes::from_static(b"mine");
    n1.raft.propose_conf_change(mark.clone(), auto("")).expect("it is replaced");
    n1.write();
    let entry = n1.raft.entries(Index(2), Index(3)).expect("memory can be read").remove(0);
    assert_eq!((entry.payload(), entry.context()), (&Payload::Noop, &mark), "the mark stays");
    let replaced = |event: &Event| matches!(event, Event::ChangeReplaced { .. });
    assert!(n1.events().iter().any(replaced));
    n1.propose(auto("v3")).expect("nothing is on its way");
    n1.propose(auto("v4")).expect("it is replaced");
    let entry = n1.raft.entries(Index(4), Index(5)).expect("memory can be read").remove(0);
    assert_eq!(entry.payload(), &Payload::Noop);
}

#[test]
fn without_the_check_an_impossible_change_ends_when_it_is_applied() {
    let config = Config { check_changes: false, ..Config::new(N1) };
    let mut n1 = Alone::leader_with(&config, members([1, 2, 3]));
    n1.propose(auto("")).expect("nobody looks");
    n1.propose(auto("v4")).expect("nobody looks");
    n1.acknowledge(N2, 3);
    let refused = n1.apply_one().expect("it is committed");
    let why = ChangeError::NotInJoint { voters: 3 };
    assert_eq!(refused, Err(ApplyChangeError::Refused(why)));
    assert_eq!((n1.conf(), n1.tracked()), (members([1, 2, 3]), vec![1, 2, 3]), "no change");
    assert_eq!(n1.apply_one(), Some(Ok(members([1, 2, 3, 4]))), "and the node goes on");
}

#[test]
fn a_forwarded_change_meets_the_same_check() {
    let mut n1 = Alone::leader([1, 2, 3]);
    n1.propose(auto("v4")).expect("nothing is on its way");
    let entries = vec![Entry::unplaced(auto("v5").into())];
    let m = Message { from: N2, to: N1, term: None, body: Body::Propose { entries } };
    let why = n1.raft.step(m).expect_err("one at a time");
    assert_eq!(why, StepError::ProposalDropped(pending(2, 1)));
    // Two in one message: neither is taken.
    n1.acknowledge(N2, 2);
    n1.apply_all();
    let both = ["v5", "r4"].map(|words| Entry::unplaced(auto(words).into()));
    let m = Message { from: N2, to: N1, term: None, body: Body::Propose { entries: both.into() } };
    assert_eq!(n1.raft.step(m), Err(StepError::ProposalDropped(pending(3, 2))));
    assert_eq!(n1.last(), 2);
}

fn changed_log(conf_state: ConfState, change: ConfChangeV2, commit: u64) -> MemoryStorage {
    let mut storage = MemoryStorage::default();
    storage.save_conf_state(conf_state);
    let noop = Entry::unplaced(Payload::Noop).at(id(1, 1));
    storage.append(vec![noop, Entry::unplaced(change.into()).at(id(2, 1))]);
    storage.save(HardState { term: Term(1), vote: None, commit: Index(commit) });
    storage
}

/// Entry 2 changes the group. Whether it is committed, the new leader does not know.
#[test]
fn a_new_leader_counts_its_whole_log_as_a_change_on_its_way() {
    let config = Config { applied: Index(1), ..Config::new(N1) };
    let mut n1 = Alone::elected(&config, changed_log(members([1, 2, 3]), auto("v4"), 1));
    assert_eq!(n1.propose(auto("v5")), Err(pending(2, 1)));
    n1.acknowledge(N2, 3);
    assert_eq!(n1.apply_one(), Some(Ok(members([1, 2, 3, 4]))));
    n1.propose(auto("v5")).expect("entry 2 is applied");
}

// Apply.

#[test]
fn a_change_takes_effect_when_it_is_applied_and_not_before() {
    let mut n1 = Alone::leader([1, 2, 3]);
    n1.propose(auto("v4")).expect("nothing is on its way");
    assert_eq!((n1.conf(), n1.tracked()), (members([1, 2, 3]), vec![1, 2, 3]), "written");
    n1.acknowledge(N2, 2);
    assert_eq!(n1.commit(), 2, "two of three are enough for the change itself");
    assert_eq!(n1.conf(), members([1, 2, 3]), "committed");
    n1.sent.clear();
    n1.apply_all();
    assert_eq!((n1.conf(), n1.tracked()), (members([1, 2, 3, 4]), vec![1, 2, 3, 4]));
    assert_eq!(n1.sent_to(N4), ["n1->n4 AppendEntries t1 prev=1@1 entries=1 commit=2"]);
    // Three of four from now on.
    let x = n1.write_x();
    n1.acknowledge(N2, x);
    assert_eq!(n1.commit(), 2);
    n1.acknowledge(N4, x);
    assert_eq!(n1.commit(), x);
}

#[test]
fn a_follower_applies_a_change_like_its_leader() {
    let config = Config { applied: Index(1), ..Config::new(N1) };
    let mut n1 = Alone::new(&config, changed_log(members([1, 2, 3]), auto("v4 r3"), 2));
    let made = n1.apply_one().expect("it is committed").expect("it can be made");
    let joint =
        ConfState { voters_outgoing: [N1, N2, N3].into(), auto_leave: true, ..members([1, 2, 4]) };
    assert_eq!((made, n1.conf()), (joint.clone(), joint));
    assert_eq!(n1.last(), 2, "only a leader proposes to leave");
}

#[test]
fn removing_a_voter_may_commit_what_waited() {
    let mut n1 = Alone::leader([1, 2, 3, 4]);
    n1.propose(auto("r4")).expect("nothing is on its way");
    let x = n1.write_x();
    n1.acknowledge(N2, x);
    n1.acknowledge(N3, 2);
    assert_eq!(n1.commit(), 2, "two of four hold x");
    n1.sent.clear();
    n1.apply_all();
    assert_eq!(n1.commit(), x, "two of three do");
    assert_eq!(
        n1.sent_to(N2),
        [format!("n1->n2 AppendEntries t1 prev={x}@1 entries=0 commit={x}")]
    );
}

#[test]
fn adding_a_member_again_keeps_what_is_known_of_it() {
    let mut n1 = Alone::leader([1, 2, 3]);
    let before = n1.progress(N2);
    assert_eq!(before.matched(), Index(1));
    n1.make(auto("v2"));
    assert_eq!((n1.progress(N2).matched(), n1.session(N2)), (Index(2), before.session()));
    assert_eq!(*n1.progress(N2).state(), ProgressState::Replicate);
    // Removed and added by one change: it never was outside.
    n1.make(change(Transition::Explicit, "r2 v2"));
    assert_eq!(n1.session(N2), before.session());
    assert!(n1.conf().is_joint() && n1.progress(N2).matched() > Index(2));
}

/// Its disk may be another one by now: what it said before its removal counts for nothing.
#[test]
fn a_member_that_is_removed_and_added_again_begins_anew() {
    let mut n1 = Alone::leader([1, 2, 3]);
    let old = Some(n1.session(N3));
    n1.make(auto("r3"));
    n1.make(auto("v3"));
    let n3 = n1.progress(N3);
    assert!(n3.session() != Session::default() && n3.is_recent_active());
    assert_eq!((n3.matched(), n3.state()), (Index(0), &ProgressState::Probe));
    let x = n1.write_x();
    n1.events();
    let outcome = AppendOutcome::Matched(Index(x));
    n1.step(N3, 1, Body::AppendReply { outcome, session: old });
    assert_eq!((n1.progress(N3).matched(), n1.commit()), (Index(0), 3));
    let (from, kind, why) = (N3, "AppendReply", Ignored::OtherSession);
    assert!(n1.events().contains(&Event::MessageIgnored { from, kind, why }));
    n1.acknowledge(N3, x);
    assert_eq!(n1.commit(), x);
}

#[test]
fn a_learner_is_replicated_to_and_does_not_count() {
    let mut n1 = Alone::leader([1, 2]);
    n1.make(auto("l3"));
    assert_eq!(n1.sent_to(N3), ["n1->n3 AppendEntries t1 prev=1@1 entries=1 commit=2"]);
    let x = n1.write_x();
    n1.acknowledge(N3, x);
    assert_eq!(n1.commit(), 2, "one of two voters");
    n1.acknowledge(N2, x);
    assert_eq!(n1.commit(), x);
    n1.make(auto("v3"));
    assert_eq!((n1.conf(), n1.progress(N3).matched()), (members([1, 2, 3]), Index(4)), "kept");
    let y = n1.write_x();
    n1.acknowledge(N3, y);
    assert_eq!(n1.commit(), y, "now it counts");
}

#[test]
fn a_learner_votes_when_it_is_asked_and_does_not_campaign() {
    let conf_state = ConfState { learners: [N1].into(), ..members([2, 3]) };
    let mut storage = MemoryStorage::default();
    storage.save_conf_state(conf_state);
    let mut n1 = Alone::new(&Config::new(N1), storage);
    (0..100).for_each(|_| n1.raft.tick());
    assert_eq!(n1.raft.campaign(), Err(CampaignError::NotAVoter { us: N1 }));
    assert_eq!(n1.raft.inspect().role, RoleName::Follower);
    // It may have been promoted, and not know it yet.
    let ask = VoteRequest::new(EntryId::default());
    n1.step(N2, 1, Body::RequestVote(ask));
    assert_eq!(n1.sent_to(N2), ["n1->n2 VoteReply t1 granted"]);
}

/// The answer of a learner, or of a stranger, decides no election.
#[test]
fn only_voters_elect() {
    let conf_state = ConfState { learners: [N4].into(), ..members([1, 2, 3]) };
    let mut storage = MemoryStorage::default();
    storage.save_conf_state(conf_state);
    let mut n1 = Alone::new(&Config::new(N1), storage);
    n1.raft.campaign().expect("a voter");
    n1.write();
    n1.step(N4, 1, Body::vote_reply(true));
    assert_eq!(n1.raft.inspect().role, RoleName::Candidate);
    let body = Body::vote_reply(true);
    let stranger = Message { from: N5, to: N1, term: Some(Term(1)), body };
    assert!(matches!(n1.raft.step(stranger), Err(StepError::ReplyFromStranger { .. })));
    n1.step(N3, 1, Body::vote_reply(true));
    assert_eq!(n1.raft.inspect().role, RoleName::Leader);
}

// The leader is removed.

#[test]
fn a_leader_that_is_removed_steps_down() {
    let mut n1 = Alone::leader([1, 2, 3]);
    n1.make(auto("r1"));
    let seen = n1.raft.inspect();
    assert_eq!((seen.role, seen.term, seen.leader), (RoleName::Follower, Term(1), None));
    assert_eq!(n1.raft.campaign(), Err(CampaignError::NotAVoter { us: N1 }));
    // One that becomes a learner, too.
    let mut n1 = Alone::leader([1, 2, 3]);
    n1.make(auto("l1"));
    assert_eq!(n1.raft.inspect().role, RoleName::Follower);
}

/// n2 does not know that the removal is committed, so it needs n1's vote; and n1's log is longer. If n1 had
/// stepped down already, nobody could ever lead.
#[test]
fn a_removed_leader_leads_until_a_majority_holds_its_whole_log() {
    let mut n1 = Alone::leader([1, 2]);
    n1.propose(auto("r1")).expect("nothing is on its way");
    let x = n1.write_x();
    n1.acknowledge(N2, 2);
    n1.apply_all();
    assert_eq!((n1.conf(), n1.raft.inspect().role), (members([2]), RoleName::Leader));
    let refused = n1.raft.propose(Bytes::new(), Bytes::from_static(b"y"));
    assert_eq!(refused, Err(ProposeError::NotAMember { us: N1 }), "or it would never end");
    n1.raft.tick();
    n1.write();
    assert_eq!(n1.raft.inspect().role, RoleName::Leader);
    n1.acknowledge(N2, x);
    let seen = n1.raft.inspect();
    assert_eq!((seen.role, seen.commit), (RoleName::Follower, Index(x)));
    // Its vote goes to a log that is as long as its own.
    let ask = VoteRequest::new(id(x, 1));
    n1.sent.clear();
    n1.step(N2, 2, Body::RequestVote(ask));
    assert_eq!(n1.sent_to(N2), ["n1->n2 VoteReply t2 granted"]);
}

#[test]
fn a_removed_leader_may_lead_on_and_takes_no_proposals() {
    let config = Config { step_down_on_removal: StepDownOnRemoval::Never, ..Config::new(N1) };
    let mut n1 = Alone::leader_with(&config, members([1, 2, 3]));
    n1.propose(auto("r1")).expect("nothing is on its way");
    let x = n1.write_x();
    n1.acknowledge(N2, 2);
    n1.acknowledge(N3, 2);
    n1.apply_all();
    assert_eq!((n1.raft.inspect().role, n1.tracked()), (RoleName::Leader, vec![2, 3]));
    let refused = n1.raft.propose(Bytes::new(), Bytes::from_static(b"y"));
    assert_eq!(refused, Err(ProposeError::NotAMember { us: N1 }));
    // Its own log does not count: n2 alone is one of two.
    n1.acknowledge(N2, x);
    assert_eq!(n1.commit(), 2);
    n1.acknowledge(N3, x);
    assert_eq!(n1.commit(), x);
}

/// etcd's own setting: the leader leaves, whatever its followers hold.
#[test]
fn a_removed_leader_steps_down_at_once_if_the_settings_say_so() {
    for (when, role) in [
        (StepDownOnRemoval::AtOnce, RoleName::Follower),
        (StepDownOnRemoval::OnceReplicated, RoleName::Leader),
    ] {
        let config = Config { step_down_on_removal: when, ..Config::new(N1) };
        let mut n1 = Alone::leader_with(&config, members([1, 2]));
        n1.propose(auto("r1")).expect("nothing is on its way");
        n1.write_x();
        n1.acknowledge(N2, 2);
        n1.apply_all();
        assert_eq!(n1.raft.inspect().role, role, "{when:?}: n2 does not hold x");
    }
}

/// x is on all that are left, and nobody will acknowledge anything more: the leader takes no proposals.
#[test]
fn a_removed_leader_that_leads_on_commits_what_waited_for_it() {
    let config = Config { step_down_on_removal: StepDownOnRemoval::Never, ..Config::new(N1) };
    let mut n1 = Alone::leader_with(&config, members([1, 2]));
    n1.propose(auto("r1")).expect("nothing is on its way");
    n1.acknowledge(N2, 2);
    // Its own disk is slow: it has sent x, and has not written it.
    n1.raft.propose(Bytes::new(), Bytes::from_static(b"x")).expect("it leads");
    let outcome = AppendOutcome::Matched(Index(3));
    let body = Body::AppendReply { outcome, session: Some(n1.session(N2)) };
    let m = Message { from: N2, to: N1, term: Some(Term(1)), body };
    n1.raft.step(m).expect("n2 has x");
    assert_eq!(n1.commit(), 2, "one of two");
    n1.raft.apply_conf_change(auto("r1")).expect("it is committed");
    assert_eq!(n1.commit(), 3, "one of one");
}

#[test]
fn a_transfer_ends_when_its_target_leaves() {
    for words in ["r2", "l2"] {
        let mut n1 = Alone::leader([1, 2, 3]);
        n1.propose(auto(words)).expect("nothing is on its way");
        n1.raft.transfer_leader(N2).expect("a voter");
        n1.acknowledge(N3, 2);
        n1.events();
        n1.apply_all();
        assert!(n1.events().contains(&Event::TransferEnded { target: N2 }), "{words}");
        n1.write_x();
    }
}

// Campaign.

/// Entry 2 is committed, and n1 has not applied it: it does not know who votes.
#[test]
fn a_node_does_not_campaign_with_a_change_that_it_has_not_applied() {
    let config = Config { applied: Index(1), ..Config::new(N1) };
    for words in ["v4", "v4 v5"] {
        let mut n1 = Alone::new(&config, changed_log(members([1, 2, 3]), auto(words), 2));
        let refused = n1.raft.campaign();
        assert_eq!(refused, Err(CampaignError::UnappliedChange { index: Index(2) }));
        let postponed = Event::CampaignPostponed { change: Index(2) };
        (0..25).for_each(|_| n1.raft.tick());
        assert_eq!(n1.raft.inspect().term, Term(1));
        assert!(n1.events().contains(&postponed), "its timeout has passed");
        n1.step(N2, 1, Body::TimeoutNow { last: id(2, 1) });
        assert_eq!(n1.raft.inspect().term, Term(1));
        assert!(n1.events().contains(&postponed), "even if its leader says so");
        n1.apply_all();
        n1.raft.campaign().expect("it knows the voters");
        assert_eq!(n1.raft.inspect().term, Term(2));
    }
    // A change that is not committed does not matter: its voters do not count yet.
    let mut n1 = Alone::new(&config, changed_log(members([1, 2, 3]), auto("v4"), 1));
    n1.raft.campaign().expect("it knows the voters");
}

/// The change is far behind a page of entries.
#[test]
fn the_guard_looks_at_every_entry_that_is_not_applied() {
    let mut storage = MemoryStorage::with_voters([N1, N2, N3]);
    let large = Payload::Normal(Bytes::from(vec![0; 1 << 19]));
    let entries = (1..=7).map(|index| Entry::unplaced(large.clone()).at(id(index, 1)));
    storage.append(entries.collect::<Vec<_>>());
    storage.append(vec![Entry::unplaced(auto("v4").into()).at(id(8, 1))]);
    storage.save(HardState { term: Term(1), vote: None, commit: Index(8) });
    let mut n1 = Alone::new(&Config::new(N1), storage.clone());
    let refused = n1.raft.campaign();
    assert_eq!(refused, Err(CampaignError::UnappliedChange { index: Index(8) }));
    // A read that fails halts the node: no change that was not seen is taken for none.
    for successes in 0..4 {
        let mut n1 = Alone::new(&Config::new(N1), storage.clone());
        n1.raft.storage_mut().fail_read(successes);
        assert!(matches!(n1.raft.campaign(), Err(CampaignError::Halted(_))), "{successes}");
    }
}

/// n1 was cut off while n4 became a voter and then the leader. n1 campaigns, and does not know n4: it never
/// asks it. If n4 did not learn of n1's term, it would wait for n1 for ever.
#[test]
fn a_leader_that_a_candidate_does_not_know_learns_of_its_term() {
    let mut storage = MemoryStorage::with_voters([N1, N2, N3]);
    storage.save(HardState { term: Term(7), vote: Some(N1), commit: Index(0) });
    let mut n1 = Alone::new(&Config::new(N1), storage);
    let heartbeat = |commit| Body::Heartbeat { commit, token: None, session: Session::default() };
    n1.step(N4, 3, heartbeat(Index(0)));
    assert_eq!(n1.sent_to(N4), ["n1->n4 AppendReply t7 newer-term"]);
    n1.step(N2, 3, heartbeat(Index(0)));
    assert_eq!(n1.sent_to(N2), Vec::<String>::new(), "n2 hears of it when n1 campaigns");

    // A learner in a later term does not campaign: it, too, has no other way to say so.
    let mut storage = MemoryStorage::default();
    storage.save_conf_state(ConfState { learners: [N1].into(), ..members([2, 3]) });
    storage.save(HardState { term: Term(7), ..HardState::default() });
    let mut n1 = Alone::new(&Config::new(N1), storage);
    n1.step(N2, 3, heartbeat(Index(0)));
    assert_eq!(n1.sent_to(N2), ["n1->n2 AppendReply t7 newer-term"]);

    // That answer ends the leadership.
    let mut n1 = Alone::leader([1, 2, 3]);
    let body = Body::AppendReply { outcome: AppendOutcome::NewerTerm, session: None };
    n1.step(N2, 7, body);
    let seen = n1.raft.inspect();
    assert_eq!((seen.role, seen.term), (RoleName::Follower, Term(7)));
}

// Joint.

/// old  1 2 3    new  3 4 5
fn joint() -> ConfState {
    ConfState { voters_outgoing: [N1, N2, N3].into(), ..members([1, 4, 5]) }
}

#[test]
fn both_halves_must_elect() {
    let grant = Body::vote_reply(true);
    // Four of five are no majority of the new half, or of the old one.
    for (yes, leads) in
        [(vec![N2, N3], false), (vec![N4, N5], false), (vec![N2, N4], true), (vec![N3, N5], true)]
    {
        let mut storage = MemoryStorage::default();
        storage.save_conf_state(joint());
        let mut n1 = Alone::new(&Config::new(N1), storage);
        n1.raft.campaign().expect("a voter");
        n1.write();
        yes.iter().for_each(|&voter| n1.step(voter, 1, grant.clone()));
        assert_eq!(n1.raft.inspect().role == RoleName::Leader, leads, "{yes:?}");
    }
}

#[test]
fn both_halves_must_hold_an_entry() {
    for (holders, commits) in [
        (vec![N2, N3], false),
        (vec![N4, N5], false),
        (vec![N2, N5], true),
        (vec![N2, N3, N4], true),
    ] {
        let mut n1 = Alone::leader_with(&Config::new(N1), joint());
        let x = n1.write_x();
        holders.iter().for_each(|&holder| n1.acknowledge(holder, x));
        assert_eq!(n1.commit() == x, commits, "{holders:?}");
    }
}

#[test]
fn both_halves_must_confirm_a_read() {
    let mut n1 = Alone::leader_with(&Config::new(N1), joint());
    n1.raft.read_index(Bytes::from_static(b"a")).expect("it runs");
    let echo = |n1: &mut Alone, from| {
        let (token, session) = (Some(ReadToken(1)), n1.session(from));
        let body = Body::HeartbeatReply { token, session };
        let m = Message { from, to: N1, term: Some(Term(1)), body };
        n1.raft.step(m).expect("a member");
        n1.raft.take_outbox().reads.len()
    };
    assert_eq!(echo(&mut n1, N2), 0);
    assert_eq!(echo(&mut n1, N3), 0, "all of the old half, one of the new one");
    assert_eq!(echo(&mut n1, N4), 1);
}

#[test]
fn a_leader_leaves_a_joint_configuration_by_itself_and_once() {
    let mut n1 = Alone::leader([1, 2, 3]);
    n1.propose(auto("r2 r3 v4 v5")).expect("nothing is on its way");
    n1.acknowledge(N2, 2);
    n1.events();
    n1.apply_one().expect("it is committed").expect("it can be made");
    assert_eq!(n1.conf(), ConfState { auto_leave: true, ..joint() });
    assert_eq!(n1.last(), 3, "the entry that leaves");
    assert!(n1.events().contains(&Event::JointLeft { index: Index(3) }));
    for _ in 0..5 {
        n1.raft.tick();
        n1.write();
    }
    let x = n1.write_x();
    assert_eq!(x, 4, "nothing was proposed a second time");
    assert_eq!(n1.propose(auto("")), Err(pending(3, 2)), "nor can it be");
    n1.acknowledge(N2, 3);
    n1.acknowledge(N4, 3);
    n1.apply_all();
    assert_eq!((n1.conf(), n1.tracked()), (members([1, 4, 5]), vec![1, 4, 5]));
    assert_eq!(n1.last(), 4);
}

/// Entry 2 must be committed by the old half alone: the new one does not know it.
#[test]
fn nobody_leaves_a_joint_configuration_before_it_is_applied() {
    let mut n1 = Alone::leader([1, 2, 3]);
    n1.propose(auto("v4 v5")).expect("nothing is on its way");
    for _ in 0..5 {
        n1.raft.tick();
        n1.write();
    }
    assert_eq!((n1.last(), n1.conf().is_joint()), (2, false));
    n1.acknowledge(N2, 2);
    assert_eq!(n1.last(), 2, "committed, not applied");
    n1.apply_all();
    assert_eq!(n1.last(), 3);
}

#[test]
fn a_later_leader_completes_a_joint_configuration() {
    let conf_state = ConfState { auto_leave: true, ..joint() };
    let config = Config { applied: Index(2), ..Config::new(N1) };
    let storage = changed_log(conf_state, auto("r2 r3 v4 v5"), 2);
    let mut n1 = Alone::elected(&config, storage);
    assert_eq!(n1.last(), 3, "the first entry of its term");
    n1.acknowledge_by_all(3);
    n1.apply_all();
    assert_eq!(n1.last(), 4);
    n1.acknowledge_by_all(4);
    n1.apply_all();
    assert_eq!(n1.conf(), members([1, 4, 5]));
}

/// A transfer is under way when the group should leave, and nobody proposes anything after it.
#[test]
fn leaving_is_tried_again_after_a_transfer() {
    let transferring = || {
        let mut n1 = Alone::leader([1, 2, 3]);
        n1.propose(auto("v4 v5")).expect("nothing is on its way");
        n1.raft.transfer_leader(N3).expect("a voter");
        n1.acknowledge(N2, 2);
        n1.apply_all();
        assert!(n1.conf().is_joint() && n1.last() == 2, "no proposals during a transfer");
        n1
    };
    let mut n1 = transferring();
    for _ in 0..10 {
        n1.raft.tick();
        n1.write();
    }
    assert_eq!(n1.last(), 3, "the transfer has ended by its timeout");
    let mut n1 = transferring();
    n1.raft.transfer_leader(N1).expect("it gives the transfer up");
    n1.write();
    assert_eq!(n1.last(), 3, "the transfer has ended by the owner's wish");
}

#[test]
fn an_explicit_joint_configuration_is_left_by_a_change_without_changes() {
    let mut n1 = Alone::leader([1, 2, 3]);
    n1.make(change(Transition::Explicit, "r2 r3 v4 v5"));
    assert_eq!((n1.conf(), n1.last()), (joint(), 2));
    let in_joint = ChangeError::InJoint { voters: 3, outgoing: 3 };
    let refused = ProposeError::ChangeRefused(ChangeRefusal::Impossible(in_joint));
    assert_eq!(n1.propose(auto("v2")), Err(refused));
    n1.make(auto(""));
    assert_eq!(n1.conf(), members([1, 4, 5]));
}

#[test]
fn a_demoted_voter_votes_until_the_group_leaves() {
    let mut n1 = Alone::leader([1, 2, 3]);
    n1.make(change(Transition::Explicit, "l3 v4"));
    assert_eq!((n1.conf().learners_next, n1.conf().learners), ([N3].into(), [].into()));
    assert!(n1.raft.inspect().voters.contains(N3));
    let session = n1.session(N3);
    n1.make(auto(""));
    assert_eq!((n1.conf().learners, n1.conf().learners_next), ([N3].into(), [].into()));
    assert!(!n1.raft.inspect().voters.contains(N3));
    assert_eq!(n1.session(N3), session, "it has been a member all the time");
}

// New members, and snapshots.

#[test]
fn a_new_member_gets_a_snapshot_that_knows_of_it() {
    let mut n1 = Alone::leader([1, 2, 3]);
    for _ in 0..3 {
        let x = n1.write_x();
        n1.acknowledge_by_all(x);
    }
    n1.apply_all();
    n1.raft.storage_mut().create_snapshot(Index(4), members([1, 2, 3]), Bytes::new());
    n1.raft.storage_mut().compact(Index(4));
    n1.make(auto("v4"));
    n1.sent.clear();
    let session = Some(n1.session(N4));
    let outcome =
        AppendOutcome::Rejected { prev: Index(4), hint: Index(0), hint_term: Some(Term(0)) };
    n1.step(N4, 1, Body::AppendReply { outcome, session });
    assert_eq!(n1.sent_to(N4), Vec::<String>::new(), "the snapshot at 4 is of three members");
    assert!(n1.events().contains(&Event::SnapshotPending { peer: N4 }));
    n1.raft.storage_mut().create_snapshot(Index(5), members(1..=4), Bytes::new());
    let session = n1.session(N4);
    n1.step(N4, 1, Body::HeartbeatReply { token: None, session });
    assert_eq!(n1.sent_to(N4), ["n1->n4 InstallSnapshot t1 last=5@1"]);
    n1.acknowledge(N4, 5);
    let x = n1.write_x();
    n1.acknowledge(N4, x);
    n1.acknowledge(N2, x);
    assert_eq!(n1.commit(), x, "three of four");
}
