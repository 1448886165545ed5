//! Two properties of Raft, stated by somebody who has only the crates `raft` and `testbed`.
//!
//! ```text
//!   one_leader_per_term        who leads, in which term         (Fig. 3, Election Safety)
//!   a_read_sees_what_was_done  what clients asked and heard     (§8; thesis §6.4)
//! ```
//!
//! `tests/properties.rs` tries both on scripts, on random runs, on every state of small clusters and on
//! scenes of proptest. The book's page "State a property" is made of both files.

use raft::RoleName;
use std::collections::BTreeMap;
use testbed::{Run, Verdict};

/// At most one node leads a term.
pub fn one_leader_per_term(run: &Run) -> Verdict {
    let mut leaders = BTreeMap::new();
    for (step, status) in run.statuses() {
        if status.role != Some(RoleName::Leader) {
            continue;
        }
        let (node, term) = (status.node, status.term);
        let first = *leaders.entry(term).or_insert(node);
        if first != node {
            return Verdict::broken(step, [first, node], format!("both lead term {term}"));
        }
    }
    Verdict::holds_if(!leaders.is_empty())
}

/// A read sees everything that any node had applied when the read was asked: its client may know of that.
pub fn a_read_sees_what_was_done(run: &Run) -> Verdict {
    let mut is_exercised = false;
    for read in run.reads() {
        let Some((step, Ok(index))) = read.ended else { continue };
        let before = run.applied().take_while(|(step, ..)| *step < read.asked);
        let Some(done) = before.map(|(_, _, entry)| entry.id.index).max() else { continue };
        is_exercised = true;
        if index < done {
            let asked = read.asked;
            let because = format!("it reads at {index}; {done} was applied before step {asked}");
            return Verdict::broken(step, [read.node], because);
        }
    }
    Verdict::holds_if(is_exercised)
}
