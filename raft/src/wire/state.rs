//! What survives a crash: hard state, members, snapshot (Fig. 2 State, §6, §7).
//!
//! ```text
//!   hard state   term  vote:optional  commit
//!   conf state   voters  learners  voters_outgoing  learners_next  auto_leave:flag
//!   snapshot     last entry's id  conf state  data:bytes
//! ```
//!
//! A set of nodes is its count, then the ids from the smallest to the largest.

use super::entry::{read_id, write_id};
use super::input::Input;
use super::output::Output;
use crate::error::WireError;
use crate::state::{ConfState, HardState, Snapshot};
use crate::types::{Index, NodeId, Term};
use std::collections::BTreeSet;

/// Writes term, vote and commit index.
pub(super) fn write_hard_state(to: &mut impl Output, hard_state: &HardState) {
    let HardState { term, vote, commit } = hard_state;
    to.number(term.0);
    to.optional(vote.map(|node| node.0));
    to.number(commit.0);
}

/// Reads term, vote and commit index.
pub(super) fn read_hard_state(from: &mut Input) -> Result<HardState, WireError> {
    let term = Term(from.number("term")?);
    let vote = from.optional("vote")?.map(NodeId);
    let commit = Index(from.number("commit")?);
    Ok(HardState { term, vote, commit })
}

/// Writes the members of a group.
pub(super) fn write_conf_state(to: &mut impl Output, conf_state: &ConfState) {
    let ConfState { voters, learners, voters_outgoing, learners_next, auto_leave } = conf_state;
    for nodes in [voters, learners, voters_outgoing, learners_next] {
        write_nodes(to, nodes);
    }
    to.flag(*auto_leave);
}

/// Reads the members of a group.
pub(super) fn read_conf_state(from: &mut Input) -> Result<ConfState, WireError> {
    let voters = from.nodes("voters")?;
    let learners = from.nodes("learners")?;
    let voters_outgoing = from.nodes("voters_outgoing")?;
    let learners_next = from.nodes("learners_next")?;
    let auto_leave = from.flag("auto_leave")?;
    Ok(ConfState { voters, learners, voters_outgoing, learners_next, auto_leave })
}

/// Writes a snapshot.
pub(super) fn write_snapshot(to: &mut impl Output, snapshot: &Snapshot) {
    let Snapshot { id, conf_state, data } = snapshot;
    write_id(to, *id);
    write_conf_state(to, conf_state);
    to.bytes_with_length(data);
}

/// Reads a snapshot.
pub(super) fn read_snapshot(from: &mut Input) -> Result<Snapshot, WireError> {
    let id = read_id(from, "last")?;
    let conf_state = read_conf_state(from)?;
    let data = from.bytes("data")?;
    Ok(Snapshot { id, conf_state, data })
}

fn write_nodes(to: &mut impl Output, nodes: &BTreeSet<NodeId>) {
    to.count(nodes.len());
    nodes.iter().for_each(|node| to.number(node.0));
}
