//! The healing phase: all faults end, and a leader must be elected (§5.2, §5.6).
//!
//! ```text
//!   heal, restart   |-- 20 election timeouts ---|-- 5 more --|
//!                                               all follow n2   still n2, still its term
//! ```
//!
//! Nothing is random here: in every round each disk writes, every message arrives, and each clock ticks
//! once. A correct cluster needs less, so a cluster without a leader is wrong.

use crate::cluster::Cluster;
use crate::input::Input;
use crate::invariant::{Rule, Violation};
use crate::request::Request;
use bytes::Bytes;
use raft::{
    ConfChangeV2, ConfState, Index, MemoryStorage, NodeId, Payload, Raft, RoleName, Term,
    Transition,
};

/// The number of election timeouts after which all nodes must follow one leader.
const ELECT_TIMEOUTS: u64 = 20;

/// The number of election timeouts for which they must then follow it.
const KEEP_TIMEOUTS: u64 = 5;

/// The time for a last change and for a snapshot, beside the time for the entries, in entries.
const ENTRIES_MORE: u64 = 20;

/// Whether the members of a group may change.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Group {
    /// All nodes vote, from the start to the end.
    Fixed,
    /// Nodes come and go.
    Changing,
    /// Nodes come and go, and nobody compacts a log: a snapshot would help a node that entries must help.
    Uncompacted,
}

/// Heals a cluster, and checks that it elects a leader and keeps it. Every input goes through `apply`,
/// which may report a violation, too.
///
/// # Errors
/// The broken rule: liveness, or what `apply` says.
pub(super) fn find_a_leader(
    cluster: &mut Cluster,
    group: Group,
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
    let longest = ids.iter().filter_map(|&id| Some(cluster.config(id)?.election_ticks)).max();
    let timeout = longest.unwrap_or(1);
    let mut waited = 0;
    while waited < ELECT_TIMEOUTS * timeout || waited < ticks_to_catch_up(cluster, group) {
        rounds(cluster, &ids, timeout, &mut apply)?;
        operate(cluster, group, &mut apply)?;
        waited += timeout;
    }
    let Some(first) = agreed(cluster, group) else {
        return Err(leaderless(cluster, format!("{} election timeouts", waited / timeout)));
    };
    rounds(cluster, &ids, KEEP_TIMEOUTS * timeout, &mut apply)?;
    if agreed(cluster, group) == Some(first) {
        return Ok(());
    }
    let (leader, term) = first;
    let why = format!("all followed {leader} in term {term}; {KEEP_TIMEOUTS} election timeouts");
    Err(leaderless(cluster, why))
}

/// Checks what would become of a cluster if every message in flight were lost, and no other fault came: it
/// finds a leader, every member applies all, and every read ends.
///
/// # Errors
/// The broken rule.
pub(crate) fn check_recovery(mut cluster: Cluster) -> Result<(), Violation> {
    let apply = |cluster: &mut Cluster, input| cluster.apply(&input).violation.map_or(Ok(()), Err);
    for flight in cluster.network().flights().to_vec() {
        apply(&mut cluster, Input::Drop(flight.message))?;
    }
    find_a_leader(&mut cluster, Group::Uncompacted, apply)?;
    serve(&mut cluster, Group::Uncompacted, apply)?;
    read(&mut cluster, apply)
}

/// Returns the ticks that a group needs, if it changes, before it can have applied its last change: the
/// smallest window sends an entry in two rounds, and perhaps the whole log must be sent. None if all agree
/// already.
fn ticks_to_catch_up(cluster: &Cluster, group: Group) -> u64 {
    if group == Group::Fixed || agreed(cluster, group).is_some() {
        return 0;
    }
    let ends = cluster.ids().filter_map(|id| Some(cluster.node(id)?.inspect().last.index.0));
    10 * (ends.max().unwrap_or(0) + ENTRIES_MORE)
}

/// Does what an operator does for a group that changes: leaves a joint configuration, keeps a fresh
/// snapshot, and switches removed nodes off the network, once every member knows the same members. Before,
/// the vote of a removed node may still be needed.
fn operate(
    cluster: &mut Cluster,
    group: Group,
    mut apply: impl FnMut(&mut Cluster, Input) -> Result<(), Violation>,
) -> Result<(), Violation> {
    let covered =
        |id: NodeId| cluster.disk(id).map(|disk| disk.durable().latest_snapshot().id.index);
    if group == Group::Fixed {
        return Ok(());
    }
    let compacts = group == Group::Changing && cluster.ids().any(|id| covered(id) > Some(Index(0)));
    for (node, _) in cluster.leaders() {
        while let Some(input) = local_action(cluster, node) {
            apply(cluster, input)?;
        }
        let conf = cluster.node(node).map(|raft| raft.inspect().conf_state.clone());
        if conf.is_some_and(|conf| conf.is_joint() && !conf.auto_leave) {
            let leave = ConfChangeV2 { transition: Transition::Auto, changes: Vec::new() };
            apply(cluster, Input::Ask { node, request: Request::Change(leave) })?;
        }
        // A follower that has asked for a snapshot takes no entries before it has one.
        let wants =
            |raft: &Raft<_>| raft.progress().any(|(_, peer)| peer.wanted_snapshot().is_some());
        let is_wanted = group == Group::Changing && cluster.node(node).is_some_and(wants);
        if compacts || is_wanted {
            apply(cluster, Input::Ask { node, request: Request::Compact { keep: 0 } })?;
        }
    }
    let conf = latest_members(cluster);
    let members = conf.members();
    let strangers: Vec<_> = cluster.ids().filter(|id| !members.contains(id)).collect();
    let knows =
        |id: &NodeId| cluster.node(*id).is_some_and(|raft| *raft.inspect().conf_state == conf);
    if strangers.is_empty() || conf.is_joint() || !members.iter().all(knows) {
        let is_cut = cluster.network().cuts().count() > 0;
        return if is_cut { apply(cluster, Input::Heal) } else { Ok(()) };
    }
    let mut groups: Vec<Vec<NodeId>> = strangers.into_iter().map(|id| vec![id]).collect();
    groups.push(members.into_iter().collect());
    apply(cluster, Input::Partition(groups))
}

/// Returns the members, as the node knows them that has applied the most.
fn latest_members(cluster: &Cluster) -> ConfState {
    let seen = cluster.ids().filter_map(|id| cluster.node(id)).map(Raft::inspect);
    let latest = seen.max_by_key(|node| node.applied);
    latest.map(|node| node.conf_state.clone()).unwrap_or_default()
}

/// Lets this many ticks pass at every node.
fn rounds(
    cluster: &mut Cluster,
    ids: &[NodeId],
    rounds: u64,
    apply: &mut impl FnMut(&mut Cluster, Input) -> Result<(), Violation>,
) -> Result<(), Violation> {
    for _ in 0..rounds {
        for &id in ids {
            while let Some(input) = local_action(cluster, id) {
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

/// Returns the next action of a node's disk, owner or application, if one is waiting.
fn local_action(cluster: &Cluster, id: NodeId) -> Option<Input> {
    let is_local =
        |input: &Input| matches!(input, Input::Persist(_) | Input::Apply(_) | Input::Ready(_));
    cluster.next_in_order(&[id]).filter(is_local)
}

/// Proposes a command to the leader, and checks that all nodes apply it and have applied equally much. It
/// allows the time that is needed to send them the whole log.
///
/// # Errors
/// The broken rule: that all apply the same, liveness, or what `apply` says.
pub(super) fn serve(
    cluster: &mut Cluster,
    group: Group,
    mut apply: impl FnMut(&mut Cluster, Input) -> Result<(), Violation>,
) -> Result<(), Violation> {
    let Some((leader, _)) = agreed(cluster, group) else {
        return Err(leaderless(cluster, "to serve a client".to_string()));
    };
    let members = latest_members(cluster).members();
    let ids: Vec<_> = cluster.ids().filter(|id| members.contains(id)).collect();
    while let Some(input) = local_action(cluster, leader) {
        apply(cluster, input)?;
    }
    let data = Bytes::from_static(b"after all");
    apply(cluster, Input::Propose { node: leader, data: data.clone() })?;
    let timeout = cluster.config(leader).map_or(1, |config| config.election_ticks);
    let entries = cluster.node(leader).map_or(0, |node| node.inspect().last.index.0);
    // The smallest window sends an entry in two rounds, and perhaps the whole log must be sent.
    let ticks_max = KEEP_TIMEOUTS * timeout + 4 * entries;
    let mut waited = 0;
    while waited < ticks_max && !served(cluster, &ids, &data) {
        rounds(cluster, &ids, timeout, &mut apply)?;
        waited += timeout;
    }
    if served(cluster, &ids, &data) {
        return Ok(());
    }
    let applied = |id: &NodeId| cluster.application(*id).map_or(0, |it| it.applied().0);
    let views: Vec<_> = ids.iter().map(|id| format!("{id} {}", applied(id))).collect();
    let text = format!(
        "{waited} ticks after all faults ended and a client proposed, the nodes had not applied the same: {}",
        views.join(", ")
    );
    Err(Violation { rule: Rule::AppliedByAll, who: ids, term: None, text })
}

/// Checks that every read of the fault phase has ended, and that reads of every node end now.
///
/// # Errors
/// The broken rule: that every read ends, or what `apply` says.
pub(super) fn read(
    cluster: &mut Cluster,
    mut apply: impl FnMut(&mut Cluster, Input) -> Result<(), Violation>,
) -> Result<(), Violation> {
    check_ended(cluster, "all faults ended, and a leader was found")?;
    let ids: Vec<_> = cluster.ids().collect();
    for &node in &ids {
        while let Some(input) = local_action(cluster, node) {
            apply(cluster, input)?;
        }
        apply(cluster, Input::Read { node, context: Bytes::from_static(b"after all") })?;
    }
    let longest = ids.iter().filter_map(|&id| Some(cluster.config(id)?.election_ticks)).max();
    rounds(cluster, &ids, KEEP_TIMEOUTS * longest.unwrap_or(1), &mut apply)?;
    check_ended(cluster, &format!("{KEEP_TIMEOUTS} election timeouts without faults"))
}

/// Checks that no client waits for a read.
fn check_ended(cluster: &Cluster, since: &str) -> Result<(), Violation> {
    let waiting: Vec<_> = cluster.checker().open_reads().collect();
    let Some(&(first, _)) = waiting.first() else { return Ok(()) };
    let name = |&(id, context): &(NodeId, &Bytes)| format!("{} at {id}", context.escape_ascii());
    let reads: Vec<_> = waiting.iter().map(name).collect();
    let text = format!("{since}, and clients still wait for reads: {}", reads.join(", "));
    Err(Violation { rule: Rule::ReadEndsOnce, who: vec![first], term: None, text })
}

/// Returns whether all nodes have applied this command, and equally much.
fn served(cluster: &Cluster, ids: &[NodeId], data: &Bytes) -> bool {
    let applications: Vec<_> = ids.iter().filter_map(|&id| cluster.application(id)).collect();
    let says = |entry: &raft::Entry| *entry.payload() == Payload::Normal(data.clone());
    let far = applications.iter().map(|application| application.applied()).max();
    applications.iter().all(|application| {
        Some(application.applied()) == far && application.entries().iter().any(says)
    })
}

/// Returns the leader that all members follow in its term, if there is one; in a group that changes, once all
/// members have applied its whole log and its group is in no joint configuration.
fn agreed(cluster: &Cluster, group: Group) -> Option<(NodeId, Term)> {
    let nodes: Option<Vec<_>> =
        cluster.ids().map(|id| cluster.node(id).map(Raft::inspect)).collect();
    let nodes = nodes?;
    let leads = |node: &&raft::Inspect<'_>| node.role == RoleName::Leader;
    let leader = nodes.iter().filter(leads).max_by_key(|node| node.term)?;
    let (id, term, members) = (leader.id, leader.term, leader.conf_state.members());
    let follows = |role| role == RoleName::Follower;
    let all = nodes.iter().filter(|node| members.contains(&node.id)).all(|node| {
        node.term == term && (node.id == id || follows(node.role) && node.leader == Some(id))
    });
    // Changes may wait to be applied, and end the leadership.
    let is_settled = group == Group::Fixed
        || members.contains(&id)
            && !leader.conf_state.is_joint()
            && nodes.iter().filter(|node| members.contains(&node.id)).all(|node| {
                node.applied == leader.last.index && node.conf_state == leader.conf_state
            });
    (all && is_settled).then_some((id, term))
}

/// Returns the violation, with the state of each node.
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
    let text = format!("{since} after all faults ended: {}", views.join(", "));
    Violation { rule: Rule::Liveness, who: cluster.ids().collect(), term: None, text }
}
