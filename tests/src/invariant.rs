//! What must never happen (Fig. 3), checked after every step.

use raft::{NodeId, RoleName, Term};
use std::collections::BTreeMap;

use crate::bare::Bare;

/// A rule of Raft that a run can break.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Rule {
    /// At most one leader per term (Fig. 3).
    ElectionSafety,
}

/// A broken rule.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Violation {
    /// Which rule.
    pub rule: Rule,
    /// Who broke it, the last one first.
    pub who: Vec<NodeId>,
    /// What happened, in one sentence with names and numbers.
    pub text: String,
}

/// What the invariants remember of a run.
#[derive(Clone, PartialEq, Eq, Hash, Default, Debug)]
pub struct Memory {
    led: BTreeMap<Term, NodeId>,
}

impl Memory {
    /// Checks a node that something has just happened to.
    pub(crate) fn check(&mut self, cluster: &Bare, node: NodeId) -> Option<Violation> {
        let seen = cluster.node(node)?.inspect();
        if seen.role != RoleName::Leader {
            return None;
        }
        let first = *self.led.entry(seen.term).or_insert(node);
        (first != node).then(|| Violation {
            rule: Rule::ElectionSafety,
            who: vec![node, first],
            text: format!("{first} and {node} both lead term {}", seen.term),
        })
    }
}
