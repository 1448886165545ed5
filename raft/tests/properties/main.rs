//! The log, the window, the back-off, the members and the commit groups, each against the plainest thing that does the same;
//! and a node that is told a million things nobody would say.

#[path = "../kit/holds.rs"]
mod holds; // how a property is tried

mod commit_groups; // what two groups hold, by trying every index

mod back_off; // a leader looks for the last entry that two logs share
mod log; // a follower's log against a Vec
mod membership; // walks through configurations, and every majority of each
mod noise; // anything from anyone
mod window; // the appends in flight against a list of all that were sent

use raft::{Body, Entry, EntryId, Index, MemoryStorage, Message, NodeId, Payload, Raft, Term};

/// We.
pub const US: NodeId = NodeId(1);
/// The leader, or a peer.
pub const THEM: NodeId = NodeId(2);

/// Returns an entry's name.
pub fn id(index: u64, term: u64) -> EntryId {
    EntryId { index: Index(index), term: Term(term) }
}

/// Returns the entries of a log, given the terms of its places from 1 on.
pub fn entries(terms: &[u64]) -> Vec<Entry> {
    let entry = |(index, &term)| Entry::unplaced(Payload::Noop).at(id(index, term));
    (1..).zip(terms).map(entry).collect()
}

/// Returns storage with this log, of a node that is in the log's last term.
pub fn storage(terms: &[u64]) -> MemoryStorage {
    let mut storage = MemoryStorage::with_voters([1, 2, 3].map(NodeId));
    storage.append(entries(terms));
    let term = Term(terms.last().copied().unwrap_or(0));
    storage.save(raft::HardState { term, ..raft::HardState::default() });
    storage
}

/// Returns the last place at or before `at` whose term is no later than `term`, place by place.
pub fn scan(log: &[u64], at: u64, term: u64) -> u64 {
    (0..=at).rev().find(|&place| place == 0 || log[place as usize - 1] <= term).unwrap_or(0)
}

/// Makes everything durable that waits, and returns the messages that may leave then.
pub fn write_and_collect(node: &mut Raft<MemoryStorage>) -> Vec<Message> {
    let mut left = Vec::new();
    loop {
        let outbox = node.take_outbox();
        let (unwritten, last) = (node.take_unwritten(), node.unstable_last());
        let is_quiet = outbox.own.is_empty() && unwritten.is_empty();
        let hard_state = node.hard_state();
        node.storage_mut().append(&unwritten);
        node.storage_mut().save(hard_state);
        left.extend(outbox.now);
        left.extend(outbox.promised);
        node.step_own(outbox.own).expect("memory can be read");
        last.into_iter().for_each(|last| node.stable_to(last));
        if is_quiet {
            return left;
        }
    }
}

/// Returns the append among these messages to `to`, if there is one.
pub fn append_to(to: NodeId, messages: &[Message]) -> Option<&Message> {
    let is_append = |m: &&Message| m.to == to && matches!(m.body, Body::AppendEntries { .. });
    messages.iter().rev().find(is_append)
}
