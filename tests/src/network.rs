//! Messages in flight, and the links that lose them.
//!
//! ```text
//!   n1 ==#3 RequestVote==> n2      a flight: a message in flight, with its number
//!   n1 --x--> n3                   a cut link loses its messages; n3 --> n1 is another link
//! ```

use raft::{Message, NodeId};
use std::collections::BTreeSet;

/// A message in flight, and its number.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Flight {
    /// The number of the message in its run, from 1. It is for people and traces; no rule uses it.
    pub id: u64,
    /// The message.
    pub message: Message,
}

/// The network: the messages in flight, oldest first, and the links that are cut.
#[derive(Clone, Default, Debug)]
pub struct Network {
    sent: u64,
    flights: Vec<Flight>,
    cut: BTreeSet<(NodeId, NodeId)>,
}

impl Network {
    /// Puts a message in flight.
    pub fn send(&mut self, message: Message) -> Flight {
        self.sent += 1;
        let flight = Flight { id: self.sent, message };
        self.flights.push(flight.clone());
        flight
    }

    /// Returns the messages in flight, oldest first.
    pub fn flights(&self) -> &[Flight] {
        &self.flights
    }

    /// Returns the oldest flight with this message.
    pub fn find(&self, message: &Message) -> Option<&Flight> {
        self.flights.iter().find(|flight| flight.message == *message)
    }

    /// Removes and returns the oldest flight with this message.
    pub fn take(&mut self, message: &Message) -> Option<Flight> {
        let at = self.flights.iter().position(|flight| flight.message == *message)?;
        Some(self.flights.remove(at))
    }

    /// Keeps only the flights for which `keep` returns true.
    pub fn retain(&mut self, keep: impl FnMut(&Flight) -> bool) {
        self.flights.retain(keep);
    }

    /// Removes every flight whose message an older flight carries, too.
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

    /// Repairs a link in one direction.
    pub fn mend(&mut self, from: NodeId, to: NodeId) {
        self.cut.remove(&(from, to));
    }

    /// Repairs every link.
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
