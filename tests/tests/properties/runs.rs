//! What happens: whatever comes, nothing panics, and what cannot be broken is not broken.
//!
//! ```text
//!   an unlucky world     every rule holds
//!   a world with liars   the rules that a node keeps by itself hold: its term grows, it votes once a
//!                        term, it says what is on its disk, its commit index stays in its log
//! ```

use crate::wild::{self, KINDS, corrupt, hostile, is_instant, play, unlucky};
use proptest::collection::vec;
use proptest::prelude::*;
use raft::{Config, MemoryStorage, Message, NodeId, Raft, RoleName};
use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use testbed::sim::Digest;
use testbed::strategy::{Scene, holds, message};
use testbed::{Cluster, Input, Rule};

#[test]
fn an_unlucky_world_breaks_no_rule() {
    let (led, crashed) = (Cell::new(0), Cell::new(0));
    holds(400, unlucky().up_to(300), |drawn| {
        let (_, cluster, violation) = play(&drawn);
        prop_assert_eq!(violation, None);
        led.set(led.get() + u32::from(!cluster.leaders().is_empty()));
        let down = cluster.ids().any(|id| cluster.node(id).is_none());
        crashed.set(crashed.get() + u32::from(down));
        Ok(())
    });
    // Else nothing was tried.
    assert!(led.get() > 10 && crashed.get() > 10, "{led:?} led, {crashed:?} with a node down");
}

/// Returns whether a rule is a node's own affair, which no message can make it break.
fn is_own_affair(rule: Rule) -> bool {
    match rule {
        Rule::TermMonotone | Rule::VoteOncePerTerm | Rule::PersistBeforeSend => true,
        Rule::CommitMonotone | Rule::CommitWithinLog => true,
        // What it took as a follower may reach its disk when bought votes have made it a leader. The judge sees
        // that by the last entry's id, under which a liar may send two entries.
        Rule::LeaderAppendOnly => false,
        // The judge believes what was posted, so a winner needs its votes, be they lies.
        Rule::LeaderHasQuorum => true,
        // Two winners by votes that were sold twice; logs by a leader that never was.
        Rule::ElectionSafety | Rule::LeaderCompleteness => false,
        Rule::LogMatching | Rule::StateMachineSafety => false,
        Rule::LinearizableRead | Rule::ReadEndsOnce => false,
        Rule::Liveness | Rule::AppliedByAll => false,
        Rule::CommitOnQuorum | Rule::CommitInTwoGroups => false,
        Rule::AckMatches | Rule::AppliedInOrder => false,
    }
}

#[test]
fn a_liar_makes_no_node_panic_or_break_its_own_word() {
    let kinds = RefCell::new(BTreeSet::new());
    let see = |drawn: &Scene| {
        let posted = drawn.inputs.iter().filter_map(|input| {
            let Input::Post(message) = input else { return None };
            Some(message.body.kind())
        });
        kinds.borrow_mut().extend(posted);
    };
    holds(250, hostile().up_to(300), |drawn| {
        see(&drawn);
        let (_, _, violation) = play(&drawn);
        prop_assert!(!violation.as_ref().is_some_and(|it| is_own_affair(it.rule)), "{violation:?}");
        Ok(())
    });
    assert_eq!(kinds.borrow().len(), KINDS, "{kinds:?}");
}

#[test]
fn bought_votes_elect_two_leaders_and_break_nothing_else_of_a_nodes_own() {
    let broken = Cell::new(0);
    holds(400, corrupt().up_to(200), |drawn| {
        let (inputs, _, violation) = play(&drawn);
        let Some(violation) = violation else { return Ok(()) };
        prop_assert!(!is_own_affair(violation.rule), "{violation:?}");
        prop_assert_eq!(inputs.len(), drawn.inputs.len(), "a scene ends when a rule breaks");
        broken.set(broken.get() + 1);
        Ok(())
    });
    assert!(broken.get() > 10, "only {broken:?} elections were rigged");
}

#[test]
fn the_same_inputs_lead_to_the_same_steps() {
    holds(200, hostile().up_to(200), |drawn| {
        let (inputs, _, _) = play(&drawn);
        let digest = |cluster: Cluster| {
            let (mut cluster, mut digest) = (cluster, Digest::default());
            inputs.iter().for_each(|input| digest.take(&cluster.apply(input)));
            digest.value()
        };
        let quiet = digest(Cluster::new(drawn.setup.clone()));
        prop_assert_eq!(quiet, digest(Cluster::new(drawn.setup.clone())));
        // Who listens changes nothing.
        prop_assert_eq!(quiet, digest(Cluster::new(drawn.setup.clone()).listening()));
        Ok(())
    });
}

#[test]
fn an_instant_disk_never_keeps_anybody_waiting() {
    holds(100, unlucky().up_to(100), |drawn| {
        if !is_instant(&drawn.setup) {
            return Ok(());
        }
        let (_, cluster, _) = play(&drawn);
        let waits = |id| cluster.disk(id).is_some_and(|disk| disk.pending().len() > 0);
        prop_assert!(!cluster.ids().any(waits));
        Ok(())
    });
}

// One node alone, without a test bed around it.

/// What its owner does with a node.
#[derive(Clone, Debug)]
enum Act {
    Step(Message),
    Tick(u64),
    Campaign,
    /// Takes the outbox, and gives the own promises back at once, later, or never.
    Take(Keeping),
}

#[derive(Clone, Copy, Debug)]
enum Keeping {
    Now,
    Later,
    Never,
}

fn act() -> impl Strategy<Value = Act> {
    let keepings = vec![Keeping::Now, Keeping::Later, Keeping::Never];
    // Its own name is 1: most messages are for it.
    let to_it = message().prop_map(|message| Message { to: NodeId(1), ..message });
    prop_oneof![
        12 => to_it.prop_map(Act::Step),
        2 => message().prop_map(Act::Step),
        3 => (1..25_u64).prop_map(Act::Tick),
        1 => Just(Act::Campaign),
        4 => proptest::sample::select(keepings).prop_map(Act::Take),
    ]
}

/// Lets one thing happen to a node; returns an error if the node was changed by what it refused.
fn happen(
    node: &mut Raft<MemoryStorage>,
    waiting: &mut Vec<Message>,
    act: &Act,
) -> Result<(), TestCaseError> {
    match act {
        Act::Step(message) => {
            let before = node.clone();
            if let Err(why) = node.step(message.clone()) {
                prop_assert!(*node == before, "refused, and changed: {}", why);
                prop_assert!(!why.to_string().is_empty());
            }
        }
        Act::Tick(ticks) => (0..*ticks).for_each(|_| node.tick()),
        Act::Campaign => {
            let before = node.clone();
            if let Err(why) = node.campaign() {
                prop_assert!(*node == before, "refused, and changed: {}", why);
            }
        }
        Act::Take(keeping) => {
            let outbox = node.take_outbox();
            let addressed = outbox.now.iter().chain(&outbox.promised);
            for message in addressed {
                prop_assert!(message.from == NodeId(1) && message.to != NodeId(1), "{}", message);
            }
            prop_assert!(outbox.now.iter().all(|message| !message.body.traits().is_promise));
            match keeping {
                Keeping::Now => node.step_own(outbox.own).expect("memory can be read"),
                Keeping::Later => {
                    let own = std::mem::replace(waiting, outbox.own);
                    node.step_own(own).expect("memory can be read");
                }
                Keeping::Never => {}
            }
        }
    }
    Ok(())
}

#[test]
fn a_node_survives_whatever_it_is_told() {
    let roles = RefCell::new(BTreeSet::new());
    let lives =
        (proptest::collection::btree_set(1..=5_u64, 1..5), any::<u64>(), vec(act(), 0..300));
    holds(250, lives, |(voters, seed, acts)| {
        let config = Config { seed, ..Config::new(NodeId(1)) };
        let node = Raft::new(&config, wild::storage(voters));
        let mut node = node.expect("settings that work");
        let mut twin = node.clone();
        let (mut waiting, mut twins) = (Vec::new(), Vec::new());
        for act in &acts {
            let before = node.inspect().term;
            happen(&mut node, &mut waiting, act)?;
            happen(&mut twin, &mut twins, act)?;
            prop_assert!(node == twin, "two nodes that got the same messages differ");
            let now = node.inspect();
            prop_assert!(now.term >= before);
            prop_assert!(now.commit <= now.last.index);
            prop_assert_eq!(now.role == RoleName::Leader, now.leader == Some(NodeId(1)));
            roles.borrow_mut().insert(now.role.to_string());
        }
        Ok(())
    });
    for role in ["follower", "candidate", "leader"] {
        assert!(roles.borrow().contains(role), "no node was ever a {role}");
    }
}
