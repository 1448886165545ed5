//! The proposals of a peer: entries of its log whose senders wait.
//!
//! ```text
//!   waits      5@2  6@2  7@2              the leader of term 2 has appended three
//!   committed  5@2                        finishes 5@2
//!   committed  6@3                        6@2 and 7@2 are stale: another entry stands in their place,
//!                                         and no entry of term 2 can follow one of term 3
//! ```
//!
//! The queue is in the order of (term, index), and is searched by both. An index alone would confuse
//! 6@2 with 6@3, and tell a client that its lost write was applied.

use super::callback::WriteCallback;
use super::error::KvError;
use crate::env::Moment;
use raft::EntryId;
use std::collections::VecDeque;

/// An entry that this peer has proposed.
#[derive(Debug)]
pub(crate) struct Proposal {
    /// The entry.
    pub(crate) id: EntryId,
    /// When it was proposed: a lease is counted from here.
    pub(crate) proposed: Moment,
    /// The callbacks of its commands, in order.
    pub(crate) callbacks: Vec<WriteCallback>,
}

/// The proposals that wait, in the order of their ids.
#[derive(Debug, Default)]
pub(crate) struct ProposalQueue {
    waiting: VecDeque<Proposal>,
}

impl Proposal {
    /// Tells everybody who waits for this entry the same.
    pub(crate) fn fail(self, error: &KvError) {
        for callback in self.callbacks {
            callback.finish(Err(error.clone()));
        }
    }
}

impl ProposalQueue {
    /// Adds a proposal.
    ///
    /// # Panics
    /// If it is not after the last one: a leader appends in order.
    pub(crate) fn push(&mut self, proposal: Proposal) {
        let last = self.waiting.back().map(|last| last.id);
        assert!(last < Some(proposal.id), "{} is not after {last:?}", proposal.id);
        self.waiting.push_back(proposal);
    }

    /// Takes out the proposal of a committed entry, if this peer proposed it. All that come before it
    /// in the order of ids are stale: their senders are told so.
    pub(crate) fn take_committed(&mut self, id: EntryId) -> Option<Proposal> {
        let stale = self.waiting.partition_point(|proposal| proposal.id < id);
        for proposal in self.waiting.drain(..stale) {
            proposal.fail(&KvError::StaleCommand);
        }
        let is_ours = self.waiting.front().is_some_and(|proposal| proposal.id == id);
        if is_ours { self.waiting.pop_front() } else { None }
    }

    /// Gives up all proposals: nobody knows how they will end.
    pub(crate) fn give_up(&mut self) {
        for proposal in self.waiting.drain(..) {
            proposal.fail(&KvError::Undetermined);
        }
    }

    /// Returns whether nobody waits.
    pub(crate) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::callback::WriteEvent;
    use raft::{Index, Term};
    use std::sync::{Arc, Mutex};

    type SeenOutcomes = Arc<Mutex<Vec<(u64, Result<(), KvError>)>>>;

    fn id(index: u64, term: u64) -> EntryId {
        EntryId { term: Term(term), index: Index(index) }
    }

    /// Returns a queue of entries, and what their senders are told.
    fn queue(ids: &[(u64, u64)]) -> (ProposalQueue, SeenOutcomes) {
        let (mut queue, told) = (ProposalQueue::default(), SeenOutcomes::default());
        for &(index, term) in ids {
            let told = told.clone();
            let callback = WriteCallback::new(move |event| {
                if let WriteEvent::Finished(outcome) = event {
                    told.lock().expect("no panic").push((index, outcome.map(|_| ())));
                }
            });
            let proposal =
                Proposal { id: id(index, term), proposed: Moment(0), callbacks: vec![callback] };
            queue.push(proposal);
        }
        (queue, told)
    }

    #[test]
    fn a_proposal_is_found_by_term_and_index() {
        let (mut queue, told) = queue(&[(5, 2), (6, 2)]);
        assert!(queue.take_committed(id(4, 2)).is_none());
        let found = queue.take_committed(id(5, 2)).expect("it waits");
        assert_eq!(found.id, id(5, 2));
        found.fail(&KvError::Undetermined);
        queue.give_up();
        let told = told.lock().expect("no panic");
        assert_eq!(*told, [(5, Err(KvError::Undetermined)), (6, Err(KvError::Undetermined))]);
    }

    #[test]
    fn an_entry_of_a_later_term_proves_all_of_earlier_terms_stale() {
        let (mut queue, told) = queue(&[(5, 2), (6, 2), (7, 2), (6, 4)]);
        assert!(queue.take_committed(id(6, 3)).is_none(), "another leader's entry");
        let stale = Err(KvError::StaleCommand);
        assert_eq!(
            *told.lock().expect("no panic"),
            [(5, stale.clone()), (6, stale.clone()), (7, stale)]
        );
        assert!(!queue.is_empty(), "6@4 may still be committed");
        queue.give_up();
    }
}
