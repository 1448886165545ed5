//! Messages under way, and the links that lose them.
//!
//! ```text
//!   n1 ==#3 RequestVote==> n2      a flight: a message with the number of its sending
//!   n1 --x--> n3                   a cut link loses what it should deliver; the other way is another link
//! ```

use raft::{Message, NodeId};
use std::collections::BTreeSet;

/// A message under way.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Flight {
    /// Counts the messages of a run, from 1. For people and traces: no rule looks at it.
    pub id: u64,
    /// What is said.
    pub message: Message,
}

/// One network: what is under way, oldest first, and which links are cut.
#[derive(Clone, Default, Debug)]
pub struct Network {
    sent: u64,
    flights: Vec<Flight>,
    cut: BTreeSet<(NodeId, NodeId)>,
}

impl Network {
    /// Puts a message under way.
    pub fn send(&mut self, message: Message) -> Flight {
        self.sent += 1;
        let flight = Flight { id: self.sent, message };
        self.flights.push(flight.clone());
        flight
    }

    /// Returns what is under way, oldest first.
    pub fn flights(&self) -> &[Flight] {
        &self.flights
    }

    /// Returns the oldest flight that says this.
    pub fn find(&self, message: &Message) -> Option<&Flight> {
        self.flights.iter().find(|flight| flight.message == *message)
    }

    /// Takes the oldest flight that says this out of the air.
    pub fn take(&mut self, message: &Message) -> Option<Flight> {
        let at = self.flights.iter().position(|flight| flight.message == *message)?;
        Some(self.flights.remove(at))
    }

    /// Keeps only the flights that `keep` wants.
    pub fn retain(&mut self, keep: impl FnMut(&Flight) -> bool) {
        self.flights.retain(keep);
    }

    /// Forgets every flight that says what an older one says.
    pub(crate) fn forget_repetitions(&mut self) {
        let mut at = 0;
        while at < self.flights.len() {
            let (older, rest) = self.flights.split_at(at);
            match older.iter().any(|flight| flight.message == rest[0].message) {
                true => drop(self.flights.remove(at)),
                false => at += 1,
            }
        }
    }

    /// Cuts a link in one direction.
    pub fn cut(&mut self, from: NodeId, to: NodeId) {
        self.cut.insert((from, to));
    }

    /// Makes a link work again in one direction.
    pub fn mend(&mut self, from: NodeId, to: NodeId) {
        self.cut.remove(&(from, to));
    }

    /// Makes every link work again.
    pub fn heal(&mut self) {
        self.cut.clear();
    }

    /// Returns whether a link is cut in this direction.
    pub fn is_cut(&self, from: NodeId, to: NodeId) -> bool {
        self.cut.contains(&(from, to))
    }

    /// Returns every cut link, in order.
    pub fn cuts(&self) -> impl Iterator<Item = (NodeId, NodeId)> + '_ {
        self.cut.iter().copied()
    }
}
