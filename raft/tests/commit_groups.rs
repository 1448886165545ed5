//! Commit groups: what is committed is in two places, unless there is no second one.
//!
//! ```text
//!   n1 leads, and is in group 1 with n2; n3 is in group 2; the test plays n2 and n3
//!   n2 acknowledges 2: a majority, in one place.   n3 acknowledges 2: now it is committed
//! ```

#[path = "kit/names.rs"]
mod names; // n1, n2, n3, and ids of entries
#[path = "kit/played.rs"]
mod played; // one real node; the test plays the others

use bytes::Bytes;
use names::{N1, N2, N3, id};
use played::{said, stands, step, ticks};
use raft::quorum::{Joint, Majority};
use raft::*;

const N4: NodeId = NodeId(4);

/// Returns groups such as `1:1 2:1 3:2`: a node, and its group.
fn groups(words: &str) -> CommitGroups {
    let number = |word: &str| word.parse::<u64>().expect("a number");
    let pair = |word: &str| {
        let (node, group) = word.split_once(':').expect("a node and its group");
        (NodeId(number(node)), CommitGroup(number(group)))
    };
    CommitGroups::new(words.split_whitespace().map(pair))
}

fn set(ids: &str) -> Majority {
    Majority::new(ids.split_whitespace().map(|word| NodeId(word.parse().expect("a node"))))
}

/// Returns what is committed by voters whose match indexes are `held`, from n1 on.
fn committed(voters: &Joint, held: &[u64]) -> u64 {
    voters.committed_index(|id| held.get(id.0 as usize - 1).copied().map(Index)).0
}

// The rule.

#[test]
fn an_entry_needs_a_majority_and_a_second_group() {
    let committed = |words, held: &[u64]| {
        let ids = "1 2 3 4 5".split_at(2 * held.len() - 1).0;
        committed(&Joint::new(set(ids), None).with_commit_groups(Some(groups(words))), held)
    };
    // The examples of raft-rs: a majority holds 2, and two groups hold 1.
    assert_eq!(committed("1:1 2:2 3:2", &[1, 2, 2]), 1);
    assert_eq!(committed("1:1 2:1 3:2", &[7, 7, 5]), 5);
    assert_eq!(committed("1:1 2:1 3:2", &[7, 5, 7]), 7, "the second group has it, too");
    assert_eq!(committed("1:1 2:1 3:2", &[9, 5, 3]), 3);
    assert_eq!(committed("1:1 2:2 3:3", &[9, 5, 3]), 5, "two groups are enough");
    assert_eq!(
        committed("1:1 2:2 3:1 4:1 5:1", &[9, 8, 3, 3, 3]),
        3,
        "and so is no less than half"
    );
    // All in one group: there is no second place.
    assert_eq!(committed("1:1 2:1 3:1", &[9, 5, 3]), 5);
    assert_eq!(committed("1:1", &[9]), 9);
    // No second group, and a voter of which nobody knows where it is: all must hold it.
    assert_eq!(committed("1:1 2:1", &[9, 5, 3]), 3);
    assert_eq!(committed("", &[9, 5, 3]), 3);
    // Two groups, and such a voter: it counts for the majority alone.
    assert_eq!(committed("1:1 2:2", &[9, 5, 9]), 5);
    assert_eq!(committed("1:1 3:2", &[9, 9, 4]), 4);
}

#[test]
fn both_halves_of_a_joint_configuration_need_a_second_group() {
    let joint = |words| {
        Joint::new(set("1 2 3"), Some(set("3 4 5"))).with_commit_groups(Some(groups(words)))
    };
    // n4 and n5 are where n3 is, so the old half has one group; the new one has two.
    assert_eq!(committed(&joint("1:1 2:1 3:2 4:2 5:2"), &[9, 9, 6, 8, 8]), 6);
    assert_eq!(committed(&joint("1:1 2:1 3:2 4:2 5:2"), &[9, 9, 9, 4, 8]), 8);
    // The old half is in two groups, and the second one holds 2.
    assert_eq!(committed(&joint("1:1 2:1 3:2 4:2 5:3"), &[9, 9, 9, 9, 2]), 2);
    assert!(joint("1:1 2:1 3:2 4:2 5:3").is_divided());
    assert!(!joint("1:1 2:1 3:2 4:2 5:2").is_divided(), "one half is not");
}

// A leader.

fn config(words: &str) -> Config {
    Config { commit_groups: Some(groups(words)), ..Config::new(N1) }
}

/// Returns n1, leader of term 1, whose log is 1@1 2@1.
fn leader(config: &Config, conf_state: ConfState) -> Raft<MemoryStorage> {
    let snapshot = Snapshot { conf_state, ..Snapshot::default() };
    let mut node = Raft::new(config, MemoryStorage::with_snapshot(snapshot)).expect("it can start");
    node.campaign().expect("a voter");
    said(&mut node);
    for voter in [N2, N3] {
        step(&mut node, voter, 1, Body::vote_reply(true));
    }
    assert_eq!(stands(&node), (RoleName::Leader, 1));
    node.propose(Bytes::new(), Bytes::from_static(b"x")).expect("it leads");
    said(&mut node);
    node
}

fn of_three() -> ConfState {
    ConfState { voters: [N1, N2, N3].into(), ..ConfState::default() }
}

fn acknowledge(node: &mut Raft<MemoryStorage>, from: NodeId, index: u64) {
    let (outcome, session) = (AppendOutcome::Matched(Index(index)), Some(Session::default()));
    step(node, from, 1, Body::AppendReply { outcome, session });
}

fn commit(node: &Raft<MemoryStorage>) -> u64 {
    node.inspect().commit.0
}

#[test]
fn a_leader_waits_for_the_second_group() {
    let mut n1 = leader(&config("1:1 2:1 3:2"), of_three());
    acknowledge(&mut n1, N2, 2);
    assert_eq!(commit(&n1), 0, "a majority, in one place");
    acknowledge(&mut n1, N3, 1);
    assert_eq!(commit(&n1), 1);
    acknowledge(&mut n1, N3, 2);
    assert_eq!(commit(&n1), 2);
    let mut n1 = leader(&Config::new(N1), of_three());
    acknowledge(&mut n1, N2, 2);
    assert_eq!(commit(&n1), 2, "without groups a majority is enough");
}

#[test]
fn a_learner_is_no_second_place() {
    let learns = ConfState { learners: [N4].into(), ..of_three() };
    let mut n1 = leader(&config("1:1 2:1 3:1 4:2"), learns.clone());
    acknowledge(&mut n1, N2, 2);
    assert_eq!(commit(&n1), 2, "the voters are in one group");
    let mut n1 = leader(&config("1:1 2:1 3:2 4:2"), learns);
    acknowledge(&mut n1, N2, 2);
    acknowledge(&mut n1, N4, 2);
    assert_eq!(commit(&n1), 0, "group 2 has a voter, and it has nothing");
}

#[test]
fn groups_that_are_taken_away_or_changed_let_a_leader_commit_at_once_and_tell_it() {
    let told = ["n1->n2 AppendEntries t1 prev=2@1 entries=0 commit=2"];
    for then in [None, Some(groups("1:1 2:2 3:2")), Some(groups("1:1 2:1 3:1"))] {
        let mut n1 = leader(&config("1:1 2:1 3:2"), of_three());
        acknowledge(&mut n1, N2, 2);
        said(&mut n1);
        n1.set_commit_groups(then.clone()).expect("it runs");
        assert_eq!(commit(&n1), 2, "{then:?}");
        assert_eq!(said(&mut n1), told, "{then:?}");
    }
    // What is committed stays committed.
    let mut n1 = leader(&Config::new(N1), of_three());
    acknowledge(&mut n1, N2, 2);
    n1.set_commit_groups(Some(groups("1:1 2:1 3:2"))).expect("it runs");
    assert_eq!(commit(&n1), 2);
    n1.propose(Bytes::new(), Bytes::from_static(b"y")).expect("it leads");
    said(&mut n1);
    acknowledge(&mut n1, N2, 3);
    assert_eq!(commit(&n1), 2, "and the next entry needs n3");
}

#[test]
fn groups_outlast_a_change_of_the_members_and_of_the_role() {
    let mut n1 = leader(&config("1:1 2:1 3:2 4:2"), of_three());
    acknowledge(&mut n1, N2, 2);
    acknowledge(&mut n1, N3, 2);
    let change = ConfChange { kind: ChangeKind::AddVoter, node: N4 };
    n1.applied_to(Index(2), 0).expect("it runs");
    n1.propose_conf_change(Bytes::new(), change).expect("it leads");
    said(&mut n1);
    acknowledge(&mut n1, N2, 3);
    acknowledge(&mut n1, N3, 3);
    assert_eq!(commit(&n1), 3);
    n1.apply_conf_change(change).expect("n4 is none");
    n1.applied_to(Index(3), 0).expect("it runs");
    n1.propose(Bytes::new(), Bytes::from_static(b"y")).expect("it leads");
    said(&mut n1);
    acknowledge(&mut n1, N2, 4);
    acknowledge(&mut n1, N3, 3);
    assert_eq!(commit(&n1), 3, "three of four are needed, in two groups");
    acknowledge(&mut n1, N3, 4);
    assert_eq!(commit(&n1), 4);
    // A follower keeps them until it leads.
    step(&mut n1, N2, 2, Body::RequestVote(VoteRequest::new(id(9, 1))));
    said(&mut n1);
    assert_eq!(stands(&n1), (RoleName::Follower, 2));
    let expected = groups("1:1 2:1 3:2 4:2");
    assert_eq!(n1.inspect().voters.commit_groups(), Some(&expected));
    assert_eq!((expected.of(N4), expected.of(NodeId(5))), (Some(CommitGroup(2)), None));
    assert_eq!(expected.iter().count(), 4);
}

// Is all in two groups?

#[test]
fn a_leader_that_has_applied_an_entry_of_its_term_says_whether_all_is_in_two_groups() {
    let mut n1 = leader(&Config::new(N1), of_three());
    assert_eq!(n1.check_group_commit_consistent(), None, "it has applied nothing of its term");
    acknowledge(&mut n1, N2, 2);
    n1.applied_to(Index(1), 0).expect("it runs");
    assert_eq!(n1.check_group_commit_consistent(), Some(false), "there are no groups");
    n1.set_commit_groups(Some(groups("1:1 2:1 3:2"))).expect("it runs");
    assert_eq!(n1.check_group_commit_consistent(), Some(false), "n3 has nothing yet");
    acknowledge(&mut n1, N3, 1);
    assert_eq!(n1.check_group_commit_consistent(), Some(false), "n3 lacks 2, which is committed");
    acknowledge(&mut n1, N3, 2);
    assert_eq!(n1.check_group_commit_consistent(), Some(true));
    n1.set_commit_groups(Some(groups("1:1 2:1 3:1"))).expect("it runs");
    assert_eq!(n1.check_group_commit_consistent(), Some(false), "one group is not two");
    n1.set_commit_groups(Some(groups("1:1 2:1 3:2"))).expect("it runs");
    ticks(&mut n1, 1);
    step(&mut n1, N2, 2, Body::RequestVote(VoteRequest::new(id(9, 1))));
    assert_eq!(n1.check_group_commit_consistent(), None, "it leads no more");
}

#[test]
fn a_node_that_has_halted_takes_no_groups() {
    let mut storage = MemoryStorage::with_voters([N1, N2, N3]);
    storage.append(vec![Entry::unplaced(Payload::Noop).at(id(1, 1))]);
    storage.save(HardState { term: Term(1), vote: None, commit: Index(0) });
    let mut n1 = Raft::new(&Config::new(N1), storage).expect("it can start");
    n1.storage_mut().fail_read(0);
    let (prev, entries, commit, session) = (id(1, 1), vec![], Index(0), Session::default());
    let append = Body::AppendEntries { prev, entries, commit, session };
    let message = Message { from: N2, to: N1, term: Some(Term(1)), body: append };
    let why = n1.step(message).expect_err("the read fails");
    let StepError::Halted(halt) = why else { panic!("{why}") };
    assert_eq!(n1.set_commit_groups(None), Err(halt));
}
