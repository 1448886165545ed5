//! How many are enough, against the definition: every election of up to seven voters, and every joint
//! election among seven nodes.
//!
//! ```text
//!   won      it leads whatever the silent ones will say
//!   lost     it does not lead whatever they will say
//!   pending  it depends on them
//! ```
//!
//! The oracle asks every completion of the votes, and knows of majorities only that they are more
//! than half.

use raft::quorum::{Joint, Majority, Outcome, Votes};
use raft::{ConfState, Index, NodeId};

/// One node's vote: yes, no, or nothing yet.
const ANSWERS: [Option<bool>; 3] = [None, Some(false), Some(true)];

/// Returns every way in which `size` nodes may have answered.
fn answers(size: usize) -> Vec<Vec<Option<bool>>> {
    let mut all = vec![Vec::new()];
    for _ in 0..size {
        let longer = |one: &Vec<Option<bool>>| {
            let one = one.clone();
            ANSWERS.into_iter().map(move |next| [one.clone(), vec![next]].concat())
        };
        all = all.iter().flat_map(longer).collect();
    }
    all
}

/// Returns the votes of nodes n1, n2, ... as an election counts them.
fn votes(answers: &[Option<bool>]) -> Votes {
    let mut votes = Votes::default();
    for (id, answer) in (1..).zip(answers) {
        if let Some(granted) = answer {
            votes.record(NodeId(id), *granted);
        }
    }
    votes
}

/// A set of nodes, as bits: n1 is the lowest.
type Set = u32;

fn majority(set: Set) -> Majority {
    Majority::new((0..7).filter(|at| set >> at & 1 == 1).map(|at| NodeId(at + 1)))
}

/// Returns whether these yeses are more than half of these voters.
fn leads(voters: Set, yes: Set) -> bool {
    2 * (voters & yes).count_ones() > voters.count_ones()
}

/// Returns the state of an election, by trying every way in which it may go on.
fn oracle(answers: &[Option<bool>], leads: impl Fn(Set) -> bool) -> Outcome {
    let bits = |wanted: Option<bool>| {
        let such = (0..).zip(answers).filter(|(_, answer)| **answer == wanted);
        such.fold(0, |set, (at, _)| set | 1 << at)
    };
    let (yes, silent): (Set, Set) = (bits(Some(true)), bits(None));
    // Every subset of the silent ones, the empty one last.
    let (mut some_lead, mut some_lose, mut more) = (false, false, silent);
    loop {
        if leads(yes | more) {
            some_lead = true
        } else {
            some_lose = true
        }
        if more == 0 {
            break;
        }
        more = (more - 1) & silent;
    }
    match (some_lead, some_lose) {
        (true, false) => Outcome::Won,
        (false, _) => Outcome::Lost,
        (true, true) => Outcome::Pending,
    }
}

#[test]
fn every_election_of_up_to_seven_voters_stands_as_its_completions_say() {
    for size in 0..=7 {
        let voters: Set = (1 << size) - 1;
        let quorum = majority(voters);
        for answers in answers(size) {
            let expected = oracle(&answers, |yes| leads(voters, yes));
            assert_eq!(quorum.outcome(&votes(&answers)), expected, "{size} voters, {answers:?}");
        }
    }
}

#[test]
fn a_majority_is_the_fewest_that_always_meet() {
    for size in 1..=7_u32 {
        let needed = u32::try_from(majority((1 << size) - 1).needed()).expect("a small number");
        let sets = || 0..(1 as Set) << size;
        let meet = |members: u32| {
            let such = || sets().filter(move |set| set.count_ones() >= members);
            such().all(|one| such().all(|other| one & other != 0))
        };
        assert!(meet(needed), "{needed} of {size} may miss each other");
        assert!(!meet(needed - 1), "{} of {size} would do", needed - 1);
    }
}

#[test]
fn votes_of_strangers_and_second_words_change_nothing() {
    for answers in answers(5) {
        // Of n1 to n5, only n1 to n3 vote.
        let voters: Set = 0b111;
        let mut counted = votes(&answers);
        let expected = oracle(&answers, |yes| leads(voters, yes));
        assert_eq!(majority(voters).outcome(&counted), expected, "{answers:?}");
        for (id, answer) in (1..).zip(&answers) {
            if let Some(granted) = answer {
                counted.record(NodeId(id), !granted);
            }
        }
        assert_eq!(majority(voters).outcome(&counted), expected, "{answers:?}, said twice");
    }
}

/// Returns the voters of each kind of joint configuration of seven nodes: new ones, and old ones. Nodes
/// differ by name only, so the two halves are told apart by their sizes and by how many are in both: n1 to
/// n_a vote in the new half, the old one begins where as many as are in both are left of it.
fn halves() -> Vec<(Set, Set)> {
    let mut all = Vec::new();
    for new in 0..=7_u32 {
        for old in 0..=7_u32 {
            let both = (0..=new.min(old)).filter(|both| new + old - both <= 7);
            all.extend(both.map(|both| ((1 << new) - 1, ((1 << old) - 1) << (new - both))));
        }
    }
    assert_eq!(all.len(), 120);
    all
}

/// Returns whether these yeses are more than half of each half. A half without voters is in nobody's
/// way: etcd's tables say so.
fn leads_both(incoming: Set, outgoing: Set, yes: Set) -> bool {
    [incoming, outgoing].into_iter().all(|half| half == 0 || leads(half, yes))
}

#[test]
fn every_joint_election_among_seven_nodes_stands_as_its_completions_say() {
    let all = answers(7);
    for (incoming, outgoing) in halves() {
        let joint = Joint::new(majority(incoming), Some(majority(outgoing)));
        let union = incoming | outgoing;
        // Who votes in neither half says nothing, so that no case is tried twice.
        let silent = |answers: &&Vec<Option<bool>>| {
            (0..7).all(|at| union >> at & 1 == 1 || answers[at].is_none())
        };
        for answers in all.iter().filter(silent) {
            let expected = oracle(answers, |yes| leads_both(incoming, outgoing, yes));
            let got = joint.outcome(&votes(answers));
            assert_eq!(got, expected, "{incoming:07b} and {outgoing:07b}, {answers:?}");
        }
    }
}

#[test]
fn the_voters_of_a_joint_configuration_come_in_order_and_each_once() {
    for (incoming, outgoing) in halves() {
        let conf = ConfState {
            voters: majority(incoming).voters().collect(),
            voters_outgoing: majority(outgoing).voters().collect(),
            ..ConfState::default()
        };
        let joint = Joint::of(&conf);
        assert_eq!(joint.incoming(), &majority(incoming));
        assert_eq!(joint.outgoing(), Some(&majority(outgoing)).filter(|_| outgoing != 0));
        let union = incoming | outgoing;
        let ids = (0..=8).map(NodeId);
        let in_order: Vec<NodeId> =
            ids.clone().filter(|id| id.0 > 0 && union >> (id.0 - 1) & 1 == 1).collect();
        assert_eq!(joint.voters().collect::<Vec<_>>(), in_order);
        assert!(ids.clone().all(|id| joint.contains(id) == in_order.contains(&id)));
    }
}

#[test]
fn a_joint_configuration_agrees_if_more_than_half_of_each_half_do_and_never_fewer_than_needed() {
    for (incoming, outgoing) in halves() {
        let joint = Joint::new(majority(incoming), Some(majority(outgoing)));
        let mut fewest = u32::MAX;
        for yes in 0..(1 as Set) << 7 {
            let agrees = joint.agrees(|NodeId(id)| yes >> (id - 1) & 1 == 1);
            let expected = leads_both(incoming, outgoing, yes);
            assert_eq!(agrees, expected, "{incoming:07b} and {outgoing:07b}, {yes:07b} agree");
            if agrees {
                fewest = fewest.min(yes.count_ones());
            }
        }
        let needed = u32::try_from(joint.needed()).expect("a small number");
        assert_eq!(needed, fewest, "{incoming:07b} and {outgoing:07b}");
    }
}

#[test]
fn with_fewer_voters_ahead_than_needed_a_joint_configuration_commits_nothing() {
    let mut tight = 0;
    for (incoming, outgoing) in halves().into_iter().filter(|(incoming, _)| *incoming != 0) {
        let joint = Joint::new(majority(incoming), Some(majority(outgoing)));
        for draw in 0..200_u64 {
            let held = |NodeId(id): NodeId| Index((id * 7 + draw * (id + 3)) % 9);
            let committed = joint.committed_index(|id| Some(held(id)));
            // What is committed is what each half holds, and nothing beyond.
            let holders = |place: Index| {
                let ids = joint.voters().filter(|&id| held(id) >= place);
                ids.fold(0, |set: Set, NodeId(id)| set | 1 << (id - 1))
            };
            assert!(leads_both(incoming, outgoing, holders(committed)));
            assert!(!leads_both(incoming, outgoing, holders(committed + 1)));
            for commit in (0..9).map(Index) {
                let ahead = joint.voters().filter(|&id| held(id) > commit).count();
                let may_commit = committed > commit;
                let which = format!("{incoming:07b} and {outgoing:07b}, draw {draw}, {commit}");
                assert!(!may_commit || ahead >= joint.needed(), "{which}: {ahead} are ahead");
                tight += usize::from(may_commit && ahead == joint.needed());
            }
        }
    }
    assert!(tight > 0, "as many as needed may be enough");
}

#[test]
fn a_group_that_does_not_change_is_one_majority() {
    for answers in answers(5) {
        let incoming = majority(0b11111);
        let joint = Joint::new(incoming.clone(), None);
        assert_eq!(joint.outcome(&votes(&answers)), incoming.outcome(&votes(&answers)));
        assert_eq!(joint.needed(), incoming.needed());
    }
}

#[test]
fn a_place_is_committed_exactly_if_more_than_half_of_the_voters_hold_it() {
    // Nine voters, too: more than are put in order on the stack.
    for size in 1..=9_u64 {
        for draw in 0..200_u64 {
            let held = |id: u64| (id * 7 + draw * (id + 3)) % (size + 2);
            let majority = Majority::new((1..=size).map(NodeId));
            let matched = |NodeId(id): NodeId| Some(Index(held(id))).filter(|index| index.0 > 0);
            let Index(committed) = majority.committed_index(matched);
            let holders = |place: u64| (1..=size).filter(|&id| held(id) >= place).count() as u64;
            assert!(holders(committed) * 2 > size, "{size} voters, draw {draw}: {committed}");
            assert!(holders(committed + 1) * 2 <= size, "{size} voters, draw {draw}: {committed}");
        }
    }
}
