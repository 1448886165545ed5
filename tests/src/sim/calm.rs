//! The time after trouble: everything heals, and a leader must be found (§5.2, §5.6).
//!
//! ```text
//!   heal, restart   |-- 20 election time-outs --|-- 5 more --|
//!                                               all follow n2   still n2, still its term
//! ```
//!
//! From here on nothing is left to luck: in every round each disk writes, every message arrives, each
//! clock ticks once. That is more than any cluster needs, so whoever finds no leader has no excuse.

use crate::cluster::Cluster;
use crate::input::Input;
use crate::invariant::{Rule, Violation};
use bytes::Bytes;
use raft::{MemoryStorage, NodeId, Payload, Raft, RoleName, Term};

/// Election time-outs until everyone must follow one leader.
const PATIENCE: u64 = 20;

/// Election time-outs for which they must then follow it.
const CONSTANCY: u64 = 5;

/// Heals a cluster, and sees whether it finds a leader and keeps it. Every input goes through
/// `apply`, which may end the matter by a violation of its own.
///
/// # Errors
/// The broken rule: liveness, or what `apply` says.
pub(super) fn find_a_leader(
    cluster: &mut Cluster,
    mut apply: impl FnMut(&mut Cluster, Input) -> Result<(), Violation>,
) -> Result<(), Violation> {
    apply(cluster, Input::Heal)?;
    let is_armed = |id: &NodeId| {
        let reads_left = |raft: &Raft<MemoryStorage>| raft.storage().reads_before_failure();
        cluster.node(*id).and_then(reads_left).is_some()
    };
    for id in cluster.ids().filter(is_armed).collect::<Vec<_>>() {
        apply(cluster, Input::Crash(id))?;
    }
    let down: Vec<_> = cluster.ids().filter(|&id| cluster.node(id).is_none()).collect();
    for id in down {
        apply(cluster, Input::Restart(id))?;
    }
    let ids: Vec<_> = cluster.ids().collect();
    let patience = ids.iter().filter_map(|&id| Some(cluster.config(id)?.election_ticks)).max();
    let timeout = patience.unwrap_or(1);
    rounds(cluster, &ids, PATIENCE * timeout, &mut apply)?;
    let Some(first) = agreed(cluster) else {
        return Err(leaderless(cluster, format!("{PATIENCE} election time-outs")));
    };
    rounds(cluster, &ids, CONSTANCY * timeout, &mut apply)?;
    if agreed(cluster) == Some(first) {
        return Ok(());
    }
    let (leader, term) = first;
    let why = format!("all followed {leader} in term {term}; {CONSTANCY} election time-outs");
    Err(leaderless(cluster, why))
}

/// Lets so many ticks pass everywhere.
fn rounds(
    cluster: &mut Cluster,
    ids: &[NodeId],
    rounds: u64,
    apply: &mut impl FnMut(&mut Cluster, Input) -> Result<(), Violation>,
) -> Result<(), Violation> {
    for _ in 0..rounds {
        for &id in ids {
            while let Some(input) = at_home(cluster, id) {
                apply(cluster, input)?;
            }
        }
        let flights = cluster.network().flights();
        for message in flights.iter().map(|flight| flight.message.clone()).collect::<Vec<_>>() {
            apply(cluster, Input::Deliver(message))?;
        }
        for &id in ids {
            apply(cluster, Input::Tick(id))?;
        }
    }
    Ok(())
}

/// Returns what a node's disk, owner and application have to do before it can hear anything.
fn at_home(cluster: &Cluster, id: NodeId) -> Option<Input> {
    let is_at_home =
        |input: &Input| matches!(input, Input::Persist(_) | Input::Apply(_) | Input::Ready(_));
    cluster.next_in_order(&[id]).filter(is_at_home)
}

/// Proposes something to the leader, and sees whether everyone applies it, and the same as everyone
/// else, in as long as it takes to carry the whole log to them.
///
/// # Errors
/// The broken rule: liveness, or what `apply` says.
pub(super) fn serve(
    cluster: &mut Cluster,
    mut apply: impl FnMut(&mut Cluster, Input) -> Result<(), Violation>,
) -> Result<(), Violation> {
    let Some((leader, _)) = agreed(cluster) else {
        return Err(leaderless(cluster, "to serve a client".to_string()));
    };
    let ids: Vec<_> = cluster.ids().collect();
    while let Some(input) = at_home(cluster, leader) {
        apply(cluster, input)?;
    }
    let data = Bytes::from_static(b"after all");
    apply(cluster, Input::Propose { node: leader, data: data.clone() })?;
    let timeout = cluster.config(leader).map_or(1, |config| config.election_ticks);
    let entries = cluster.node(leader).map_or(0, |node| node.inspect().last.index.0);
    // The smallest window carries an entry in two rounds; a whole log may have to be carried.
    let patience = CONSTANCY * timeout + 4 * entries;
    let mut waited = 0;
    while waited < patience && !served(cluster, &ids, &data) {
        rounds(cluster, &ids, timeout, &mut apply)?;
        waited += timeout;
    }
    if served(cluster, &ids, &data) {
        return Ok(());
    }
    let applied = |id: &NodeId| cluster.application(*id).map_or(0, |it| it.applied().0);
    let views: Vec<_> = ids.iter().map(|id| format!("{id} {}", applied(id))).collect();
    let text = format!(
        "{waited} ticks after everything healed and a client proposed, not all had applied the same: {}",
        views.join(", ")
    );
    Err(Violation { rule: Rule::Liveness, who: ids, term: None, text })
}

/// Returns whether everyone has applied this, and as much as everyone else.
fn served(cluster: &Cluster, ids: &[NodeId], data: &Bytes) -> bool {
    let applications: Vec<_> = ids.iter().filter_map(|&id| cluster.application(id)).collect();
    let says = |entry: &raft::Entry| *entry.payload() == Payload::Normal(data.clone());
    let far = applications.iter().map(|application| application.applied()).max();
    applications.iter().all(|application| {
        Some(application.applied()) == far && application.entries().iter().any(says)
    })
}

/// Returns the leader that everyone follows in its own term, if there is one.
fn agreed(cluster: &Cluster) -> Option<(NodeId, Term)> {
    let nodes: Option<Vec<_>> =
        cluster.ids().map(|id| cluster.node(id).map(Raft::inspect)).collect();
    let nodes = nodes?;
    let leader = nodes.iter().find(|node| node.role == RoleName::Leader)?;
    let (id, term) = (leader.id, leader.term);
    let follows = |role| role == RoleName::Follower;
    let all = nodes.iter().all(|node| {
        node.term == term && (node.id == id || follows(node.role) && node.leader == Some(id))
    });
    all.then_some((id, term))
}

/// Returns the violation, with what each node thinks.
fn leaderless(cluster: &Cluster, since: String) -> Violation {
    let nodes = cluster.ids().filter_map(|id| cluster.node(id)).map(Raft::inspect);
    let view = |node: raft::Inspect<'_>| {
        let (id, role, term) = (node.id, node.role, node.term);
        match node.leader.filter(|_| role == RoleName::Follower) {
            Some(leader) => format!("{id} follows {leader} in term {term}"),
            None => format!("{id} is {role} in term {term}"),
        }
    };
    let views: Vec<_> = nodes.map(view).collect();
    let text = format!("{since} after everything healed: {}", views.join(", "));
    Violation { rule: Rule::Liveness, who: cluster.ids().collect(), term: None, text }
}
