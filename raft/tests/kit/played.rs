//! One real node. The test plays the others, and the disk, which is instant.
//!
//! ```text
//!   step(node, N2, 1, body)    n2 says something in term 1
//!   said(node)                 what leaves the node then
//! ```

use raft::{Body, MemoryStorage, Message, NodeId, Outbox, Raft, RoleName, Term};

/// Takes what leaves a node whose disk is instant.
pub(crate) fn said(node: &mut Raft<MemoryStorage>) -> Vec<String> {
    let mut messages = Vec::new();
    loop {
        let Outbox { now, promised, own, .. } = node.take_outbox();
        if now.is_empty() && promised.is_empty() && own.is_empty() {
            return messages;
        }
        messages.extend(now.iter().chain(&promised).map(Message::to_string));
        node.step_own(own).expect("memory can be read");
    }
}

/// Hands the node what another one says in `term`.
pub(crate) fn step(node: &mut Raft<MemoryStorage>, from: NodeId, term: u64, body: Body) {
    let message = Message { from, to: node.inspect().id, term: Some(Term(term)), body };
    node.step(message).expect("a correct node sends this");
}

/// Lets ticks pass.
pub(crate) fn ticks(node: &mut Raft<MemoryStorage>, ticks: u64) {
    (0..ticks).for_each(|_| node.tick());
}

/// Returns the node's role and term.
pub(crate) fn stands(node: &Raft<MemoryStorage>) -> (RoleName, u64) {
    let seen = node.inspect();
    (seen.role, seen.term.0)
}
