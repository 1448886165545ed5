//! What nobody would think of: worlds with strangers, with liars, and with votes for sale.
//!
//! ```text
//!   unlucky    every fault there is, and inputs that name strangers     no message is made up
//!   hostile    the same, and messages of every kind from anyone
//!   corrupt    the same as unlucky, and candidates who buy votes
//! ```

use bytes::Bytes;
use proptest::collection::vec;
use proptest::prelude::*;
use raft::{Body, MemoryStorage, Message, NodeId, Raft, RoleName};
use testbed::disk::DiskSpeed;
use testbed::sim::{Faults, Profile};
use testbed::strategy::{Happening, Scene, Scenes, message, scene};
use testbed::{Cluster, Input, Setup, Violation};

/// How many kinds of messages there are.
pub(crate) const KINDS: usize = 14;

/// What an honest, unlucky world does to a cluster of at most five nodes. Some inputs name n6, or a message
/// that nobody sent.
pub(crate) fn unlucky() -> Scenes {
    let node = || (1..=6_u64).prop_map(NodeId);
    let strange = prop_oneof![
        2 => node().prop_map(Input::Persist),
        2 => node().prop_map(Input::Ready),
        2 => node().prop_map(Input::Apply),
        2 => node().prop_map(Input::Tick),
        1 => (node(), "[a-z]{1,3}")
            .prop_map(|(node, data)| Input::Propose { node, data: Bytes::from(data) }),
        1 => (node(), "[ab]")
            .prop_map(|(node, mark)| Input::Read { node, context: Bytes::from(mark) }),
        1 => node().prop_map(Input::Campaign),
        1 => (node(), node()).prop_map(|(from, to)| Input::Cut { from, to }),
        1 => vec(vec(node(), 0..3), 0..3).prop_map(Input::Partition),
        2 => message().prop_map(Input::Deliver),
    ];
    scene(Faults::usual(Profile::Swarm)).and(8, strange.prop_map(Happening::input))
}

/// What a world does in which somebody makes up messages of every kind.
pub(crate) fn hostile() -> Scenes {
    unlucky()
        .until_broken()
        .and(55, message().prop_map(|message| Happening::input(Input::Post(message))))
}

/// What a world does in which votes are for sale.
pub(crate) fn corrupt() -> Scenes {
    let node = || (1..=5_u64).prop_map(NodeId);
    let stands = node().prop_map(Input::Campaign).prop_map(Happening::input);
    let buys = node().prop_map(|id| Happening::new(move |cluster| bought(id, cluster)));
    unlucky().until_broken().and(40, stands).and(60, buys)
}

/// If a node campaigns, it gets the votes of all others.
fn bought(id: NodeId, cluster: &Cluster) -> Vec<Input> {
    let stands = |node: &raft::Inspect<'_>| node.role == RoleName::Candidate;
    let Some(node) = cluster.node(id).map(Raft::inspect).filter(stands) else { return Vec::new() };
    let vote = |from| Message { from, to: id, term: Some(node.term), body: Body::vote_reply(true) };
    let votes = cluster.ids().filter(|&other| other != id).map(vote);
    votes.flat_map(|vote| [Input::Post(vote.clone()), Input::Deliver(vote)]).collect()
}

/// Lets a scene happen up to the first broken rule. Returns its inputs until then.
pub(crate) fn play(scene: &Scene) -> (Vec<Input>, Cluster, Option<Violation>) {
    let mut cluster = Cluster::new(scene.setup.clone());
    let mut inputs = Vec::new();
    for input in &scene.inputs {
        inputs.push(input.clone());
        let step = cluster.apply(input);
        if step.violation.is_some() {
            return (inputs, cluster, step.violation);
        }
    }
    (inputs, cluster, None)
}

/// Returns one empty storage with these voters.
pub(crate) fn storage(voters: impl IntoIterator<Item = u64>) -> MemoryStorage {
    MemoryStorage::with_voters(voters.into_iter().map(NodeId))
}

/// Returns whether a cluster's writes are durable at once.
pub(crate) fn is_instant(setup: &Setup) -> bool {
    setup.disks == DiskSpeed::Instant
}
