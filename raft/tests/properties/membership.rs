//! Walks through configurations of six nodes: each step against the definition, and every majority before
//! it against every majority after it.
//!
//! ```text
//!   start  -- v4 -->  ok  -- r1 v5 -->  refused  -- enter r1 v5 -->  ok  -- leave -->  ok ...
//!   after each step: do two sets of nodes decide, one before and one after, and share no node?
//! ```

use crate::holds::holds;
use proptest::prelude::*;
use proptest::test_runner::TestCaseResult;
use raft::quorum::Joint;
use raft::{ChangeError, ChangeKind, Changer, ConfChange, ConfState, NodeId, Transition};
use std::collections::BTreeSet;

/// The nodes are n1 to n6.
const NODES: u64 = 6;

/// A set of nodes, as bits: n1 is the lowest.
type Set = u32;

/// One step of a walk.
#[derive(Clone, Debug)]
enum Step {
    Simple(Vec<ConfChange>),
    Enter(Transition, Vec<ConfChange>),
    Leave,
}

fn change() -> impl Strategy<Value = ConfChange> {
    let kind = prop_oneof![
        Just(ChangeKind::AddVoter),
        Just(ChangeKind::AddLearner),
        Just(ChangeKind::Remove),
    ];
    let node = prop_oneof![60 => 1..=NODES, 1 => Just(0)];
    (kind, node).prop_map(|(kind, node)| ConfChange { kind, node: NodeId(node) })
}

fn transition() -> impl Strategy<Value = Transition> {
    prop_oneof![Just(Transition::Auto), Just(Transition::Implicit), Just(Transition::Explicit)]
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => prop::collection::vec(change(), 0..4).prop_map(Step::Simple),
        2 => (transition(), prop::collection::vec(change(), 0..9))
            .prop_map(|(transition, changes)| Step::Enter(transition, changes)),
        3 => Just(Step::Leave),
    ]
}

/// Returns a configuration in which each node votes, learns or is absent; there may be no voter.
fn start() -> impl Strategy<Value = ConfState> {
    prop::collection::vec(0..3, NODES as usize).prop_map(|places| {
        let at = |wanted| {
            let such = (1..).zip(&places).filter(move |(_, place)| **place == wanted);
            such.map(|(id, _)| NodeId(id)).collect()
        };
        ConfState { voters: at(0), learners: at(1), ..ConfState::default() }
    })
}

fn make(before: &ConfState, step: &Step) -> Result<ConfState, ChangeError> {
    let changer = Changer::new(before)?;
    match step {
        Step::Simple(changes) => changer.simple(changes),
        Step::Enter(transition, changes) => changer.enter_joint(*transition, changes),
        Step::Leave => changer.leave_joint(),
    }
}

/// Returns the nodes whose last change is of this kind, and those without a change that are in `now`.
fn last(changes: &[ConfChange], kind: ChangeKind, now: &BTreeSet<NodeId>) -> BTreeSet<NodeId> {
    let last_of = |id: NodeId| changes.iter().rev().find(|change| change.node == id);
    let is_in = |&id: &NodeId| match last_of(id) {
        Some(change) => change.kind == kind,
        None => now.contains(&id),
    };
    (1..=NODES).map(NodeId).filter(is_in).collect()
}

/// Makes a step by its definition: where each node is after the last change that names it. What is refused
/// is `None`.
fn by_definition(before: &ConfState, step: &Step) -> Option<ConfState> {
    let is_joint = !before.voters_outgoing.is_empty();
    let (changes, transition) = match step {
        Step::Leave if is_joint => {
            let learners = before.learners.union(&before.learners_next).copied().collect();
            let voters = before.voters.clone();
            return Some(ConfState { voters, learners, ..ConfState::default() });
        }
        Step::Leave => return None,
        Step::Simple(changes) => (changes, None),
        Step::Enter(transition, changes) => (changes, Some(*transition)),
    };
    let names_zero = changes.iter().any(|change| change.node == NodeId(0));
    let voters = last(changes, ChangeKind::AddVoter, &before.voters);
    let learners = last(changes, ChangeKind::AddLearner, &before.learners);
    if is_joint || names_zero || voters.is_empty() {
        return None;
    }
    let Some(transition) = transition else {
        let is_simple = (&voters ^ &before.voters).len() <= 1;
        return is_simple.then(|| ConfState { voters, learners, ..ConfState::default() });
    };
    let voters_outgoing = before.voters.clone();
    (!voters_outgoing.is_empty()).then(|| ConfState {
        voters,
        learners: &learners - &voters_outgoing,
        learners_next: &learners & &voters_outgoing,
        voters_outgoing,
        auto_leave: transition != Transition::Explicit,
    })
}

fn bits(ids: &BTreeSet<NodeId>) -> Set {
    ids.iter().fold(0, |set, id| set | 1 << (id.0 - 1))
}

/// Returns whether these nodes can decide alone: more than half of the voters, and of the old ones if there
/// are any.
fn decide(conf: &ConfState, nodes: Set) -> bool {
    let leads = |voters: Set| 2 * (voters & nodes).count_ones() > voters.count_ones();
    leads(bits(&conf.voters))
        && (conf.voters_outgoing.is_empty() || leads(bits(&conf.voters_outgoing)))
}

/// Returns two sets of nodes that share none, of which one decides before and the other after.
fn disjoint(before: &ConfState, after: &ConfState) -> Option<(Set, Set)> {
    // If a set decides, so does every larger one: the others of all nodes are the most that share none.
    let all: Set = (1 << NODES) - 1;
    let pairs = (0..=all).map(|set| (set, all & !set));
    pairs.into_iter().find(|&(one, other)| decide(before, one) && decide(after, other))
}

/// Checks each rule for each node by itself.
fn is_possible(conf: &ConfState) -> bool {
    let is_joint = !conf.voters_outgoing.is_empty();
    let is_good = |id: &NodeId| {
        let [votes, learns] = [&conf.voters, &conf.learners].map(|set| set.contains(id));
        let [voted, waits] =
            [&conf.voters_outgoing, &conf.learners_next].map(|set| set.contains(id));
        let places = [votes, learns, waits].into_iter().filter(|is_there| *is_there).count();
        places <= 1 && (!learns || !voted) && (!waits || voted)
    };
    let is_nobody = |set: &BTreeSet<NodeId>| set.contains(&NodeId(0));
    let ids = (1..=NODES).map(NodeId);
    ids.into_iter().all(|id| is_good(&id))
        && (!is_joint || !conf.voters.is_empty())
        && (is_joint || !conf.auto_leave)
        && ![&conf.voters, &conf.learners, &conf.voters_outgoing, &conf.learners_next]
            .into_iter()
            .any(is_nobody)
}

/// Walks, and calls `look` with the configuration before each step, the step, and what came of it. The walk
/// goes on from the new configuration; from where it was, if the step is refused.
fn walks(look: impl Fn(&ConfState, &Step, &Result<ConfState, ChangeError>) -> TestCaseResult) {
    let cases = (start(), prop::collection::vec(step(), 1..30));
    holds(1000, cases, |(mut conf, steps)| {
        for step in steps {
            let made = make(&conf, &step);
            look(&conf, &step, &made)?;
            conf = made.unwrap_or(conf);
        }
        Ok(())
    });
}

#[test]
fn every_step_is_what_the_definition_says() {
    walks(|before, step, made| {
        let expected = by_definition(before, step);
        prop_assert_eq!(made.clone().ok(), expected, "{:?} --{:?}-->", before, step);
        Ok(())
    });
}

#[test]
fn every_step_leads_to_a_configuration_that_is_possible() {
    walks(|before, step, made| {
        let is_good = made.as_ref().is_ok_and(is_possible) || made.is_err();
        prop_assert!(is_good, "{:?} --{:?}--> {:?}", before, step, made);
        Ok(())
    });
}

#[test]
fn every_majority_after_a_step_meets_every_majority_before_it() {
    walks(|before, step, made| {
        let Ok(after) = made else { return Ok(()) };
        let apart = disjoint(before, after);
        prop_assert_eq!(apart, None, "{:?} --{:?}--> {:?}", before, step, after);
        Ok(())
    });
}

#[test]
fn a_joint_quorum_agrees_with_every_configuration_on_every_set_of_nodes() {
    walks(|_, _, made| {
        let Ok(after) = made else { return Ok(()) };
        let joint = Joint::of(after);
        for nodes in 0..1 << NODES {
            let agrees = joint.agrees(|id| nodes >> (id.0 - 1) & 1 == 1);
            prop_assert_eq!(agrees, decide(after, nodes), "{:?}, {:06b}", after, nodes);
        }
        Ok(())
    });
}

#[test]
fn changes_one_by_one_lead_where_a_joint_configuration_of_all_of_them_leads() {
    let cases = (start(), transition(), prop::collection::vec(change(), 0..30));
    holds(1000, cases, |(start, transition, changes)| {
        prop_assume!(!start.voters.is_empty());
        let (mut conf, mut made) = (start.clone(), Vec::new());
        for change in changes {
            // A change that is refused is left out in both.
            let Ok(after) = make(&conf, &Step::Simple(vec![change])) else { continue };
            made.push(change);
            conf = after;
        }
        let joint = make(&start, &Step::Enter(transition, made));
        let left = joint.and_then(|joint| make(&joint, &Step::Leave));
        prop_assert_eq!(left, Ok(conf));
        Ok(())
    });
}

/// Every configuration of three nodes, possible or not: five bits a node, and whether the group leaves by
/// itself.
#[test]
fn a_configuration_passes_exactly_if_each_rule_holds_for_each_node() {
    let mut passed = 0;
    for sets in 0..1_u32 << 13 {
        let set = |at: u32| {
            let bits = sets >> (3 * at) & 0b111;
            (1..=3_u64).filter(|id| bits >> (id - 1) & 1 == 1).map(NodeId).collect()
        };
        let conf = ConfState {
            voters: set(0),
            learners: set(1),
            voters_outgoing: set(2),
            learners_next: set(3),
            auto_leave: sets >> 12 & 1 == 1,
        };
        assert_eq!(conf.check().is_ok(), is_possible(&conf), "{conf:?}");
        passed += u32::from(conf.check().is_ok());
    }
    // Outside a joint configuration, each node votes, learns or is absent. In one, each node has six places,
    // but both halves need a voter: 6^3 - 3^3 - 4^3 + 2^3, with and without auto_leave.
    assert_eq!(passed, 27 + 2 * 133);
}
