//! The output of `state` and `messages`.
//!
//! ```text
//!   n1@1 leader     vote n1  leader n1  last 2@1
//!   n2@1 candidate  vote n2  leader -   last 2@1  heard n2 yes, n3 no
//!   n3 is down; its disk holds term 1, vote n1
//! ```

use crate::cluster::Cluster;
use crate::trace::describe::hard_state;
use crate::trace::state::{Durable, NodeState};
use raft::NodeId;

/// Returns a line for each message in flight, oldest first.
pub(crate) fn messages(cluster: &Cluster) -> Vec<String> {
    let flights = cluster.network().flights();
    let lines: Vec<_> = flights.iter().map(|flight| flight.message.to_string()).collect();
    if lines.is_empty() { vec!["none".to_string()] } else { lines }
}

/// Returns a line for each node.
pub(crate) fn state(cluster: &Cluster, ids: &[NodeId]) -> Vec<String> {
    let wanted = cluster.ids().filter(|id| ids.is_empty() || ids.contains(id));
    let seen = wanted.filter_map(|id| Some((id, NodeState::of(cluster, id)?)));
    seen.map(|(id, state)| show(id, &state)).collect()
}

fn show(id: NodeId, state: &NodeState) -> String {
    let (Some(role), Some(term), Some(log)) = (state.role, state.term, &state.log) else {
        return format!("{id} is down; its disk holds {}", hard_state(&state.disk.durable));
    };
    let name = |id: Option<u64>| id.map_or("-".to_string(), |id| format!("n{id}"));
    let (vote, leader, last) = (name(state.vote), name(state.leader), log.last);
    let mut line =
        format!("{id}@{term} {role:<9}  vote {vote:<2}  leader {leader:<2}  last {last}");
    if let Some(commit) = state.commit.filter(|&commit| commit > 0) {
        line += &format!("  commit {commit}");
    }
    if let Some((elapsed, Some(limit))) = state.timer {
        line += &format!("  timer {elapsed}/{limit}");
    }
    if let Some(votes) = &state.votes {
        let answer =
            |(id, &yes): (&u64, &bool)| format!("n{id} {}", if yes { "yes" } else { "no" });
        let heard: Vec<_> = votes.iter().map(answer).collect();
        line +=
            &format!("  heard {}", if heard.is_empty() { "none".into() } else { heard.join(", ") });
    }
    let here = Durable { term, vote: state.vote };
    if state.disk.durable != here {
        line += &format!("  (on disk: {})", hard_state(&state.disk.durable));
    }
    line
}
