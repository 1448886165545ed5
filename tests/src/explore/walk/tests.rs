//! Reduction loses no state of the nodes: small bounds, walked with and without it.
//!
//! ```text
//!   every state walked --> those in which nobody writes --> roles, terms, votes, logs, disks: a line each
//!                                                           the same lines in both walks
//! ```
//!
//! What is compared is written here a second time, and not taken from the names that distinguish states.

use super::super::bounds::{Bounds, Reduction};
use super::{OpenState, Walk};
use crate::cluster::{Cluster, Setup};
use crate::input::Input;
use crate::request::Request;
use raft::{ChangeKind, ConfChange, ConfChangeV2, NodeId, Purpose, Storage, Transition};
use std::collections::BTreeSet;

/// Returns what peers, disks and clients could find out about the nodes, under the names that come
/// first in the alphabet.
fn line(cluster: &Cluster) -> String {
    let orders = [[1, 2, 3], [1, 3, 2], [2, 1, 3], [2, 3, 1], [3, 1, 2], [3, 2, 1]];
    let under = |order: &[u64; 3]| {
        let name = |id: NodeId| order.iter().position(|&old| old == id.0);
        let node = |&old: &u64| {
            let id = NodeId(old);
            let node = cluster.node(id).expect("it starts again at once").inspect();
            let mut heard: Vec<_> =
                node.votes.into_iter().flat_map(|votes| votes.answers()).collect();
            heard.sort_by_key(|&(voter, _)| name(voter));
            let heard: Vec<_> = heard.into_iter().map(|(voter, yes)| (name(voter), yes)).collect();
            let (vote, leader) = (node.vote.map(name), node.leader.map(name));
            let disk = cluster.disk(id).expect("it has one").durable();
            let saved = disk.hard_state();
            let last = disk.last_index().expect("memory can be read");
            let log =
                disk.entries(disk.first_index().expect("memory"), last + 1, None, Purpose::Check);
            let places: Vec<_> = log.expect("memory").iter().map(|entry| entry.id).collect();
            let applied = cluster.application(id).map(|application| application.applied());
            format!(
                "{:?} {} {vote:?} {leader:?} {:?} {} | {} {:?} {} {places:?} {applied:?} {heard:?}\n",
                node.role,
                node.term,
                node.last,
                node.commit,
                saved.term,
                saved.vote.map(name),
                saved.commit,
            )
        };
        order.iter().map(node).collect::<String>()
    };
    orders.iter().map(under).min().expect("there are six")
}

/// Walks everything, and returns the lines of all states in which nobody writes, and how many states
/// there were.
fn lines(bounds: &Bounds) -> (BTreeSet<String>, usize) {
    let Bounds { disks, driver, .. } = *bounds;
    let start = Cluster::new(Setup { disks, driver, ..Setup::new(bounds.nodes, 0) });
    let mut walk = Walk::new(&start, bounds, None);
    let mut frontier = vec![OpenState::first(start)];
    let mut lines = BTreeSet::new();
    while !frontier.is_empty() {
        let mut next = Vec::new();
        for found in &frontier {
            let writes = |id| found.cluster.disk(id).is_some_and(|disk| disk.pending().len() > 0);
            if !found.cluster.ids().any(writes) {
                lines.insert(line(&found.cluster));
            }
            assert_eq!(walk.expand(found, &mut next), None, "a rule is broken");
        }
        frontier = next;
    }
    (lines, walk.seen.states)
}

#[test]
fn folding_loses_no_state_of_the_nodes() {
    let with_a_crash = Bounds { terms: 1, entries: Some(1), ..Bounds::logs() };
    let two_terms = Bounds { terms: 2, crashes: 0, entries: Some(1), ..Bounds::logs() };
    for bounds in [with_a_crash, two_terms] {
        let (least, many) = lines(&Bounds { reduction: Reduction::Minimal, ..bounds.clone() });
        let (all, few) = lines(&bounds);
        println!("{few} states represent {many}: {} lines of nodes", all.len());
        assert!(many > 5 * few, "{bounds:?}");
        let lost: Vec<_> = least.difference(&all).collect();
        assert!(lost.is_empty(), "{} are lost, such as\n{}", lost.len(), lost[0]);
        assert_eq!(all.difference(&least).count(), 0, "what reduction adds cannot be");
    }
}

#[test]
fn folding_loses_no_state_of_a_groups_nodes() {
    let remove = ConfChange { kind: ChangeKind::Remove, node: NodeId(3) };
    let change =
        Request::Change(ConfChangeV2 { transition: Transition::Auto, changes: vec![remove] });
    let change = Input::Ask { node: NodeId(1), request: change };
    let once = [Input::Campaign(NodeId(1)), change].map(|input| vec![input]);
    let bounds = Bounds { once: once.to_vec(), ..Bounds::groups() };
    let (least, many) = lines(&Bounds { reduction: Reduction::Minimal, ..bounds.clone() });
    let (all, few) = lines(&bounds);
    println!("{few} states represent {many}: {} lines of nodes", all.len());
    assert!(many > 2 * few, "{bounds:?}");
    assert_eq!(least, all, "{bounds:?}");
}
