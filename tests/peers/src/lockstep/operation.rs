//! What happens to both sides, drawn at random.

use super::NODES;
use rand::RngExt;
use rand::rngs::ChaCha8Rng;
use std::fmt;

/// One operation.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Operation {
    /// A node holds an election.
    Campaign(u64),
    /// A client proposes to a node.
    Propose(u64),
    /// A node is cut off.
    Cut(u64),
    /// All nodes reach each other again.
    Heal,
    /// A node starts again from its storage.
    Restart(u64),
    /// A node hears that messages to another are lost.
    Unreachable(u64, u64),
    /// A change of the group is proposed to a node: letters and nodes, and how a joint one is left.
    Change(u64, Vec<(char, u64)>, Leaving),
    /// A node is told to hand its leadership over.
    Transfer(u64, u64),
    /// A client of a node reads, with a mark of its own.
    Read(u64, u8),
    /// A node's storage removes what is applied.
    Compact(u64),
}

/// How a joint configuration is left.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Leaving {
    Auto,
    Implicit,
    Explicit,
}

/// Draws a schedule.
pub(crate) fn draw(rng: &mut ChaCha8Rng, length: usize) -> Vec<Operation> {
    let mut schedule = vec![Operation::Campaign(1)];
    for mark in 0..length {
        let mut node = || rng.random_range(1..=NODES);
        let (one, two) = (node(), node());
        schedule.push(match rng.random_range(0..21_u32) {
            0..=2 => Operation::Campaign(one),
            3..=6 => Operation::Propose(one),
            7 => Operation::Cut(one),
            8 | 9 => Operation::Heal,
            10 => Operation::Restart(one),
            11 => Operation::Unreachable(one, two),
            12..=15 => change(rng, one),
            16 => Operation::Transfer(one, two),
            17 | 18 => Operation::Read(one, mark as u8),
            _ => Operation::Compact(one),
        });
    }
    schedule
}

fn change(rng: &mut ChaCha8Rng, at: u64) -> Operation {
    let count = [0, 1, 1, 1, 2, 3][rng.random_range(0..6)];
    let mut one = || (['v', 'l', 'r'][rng.random_range(0..3)], rng.random_range(1..=NODES));
    let changes: Vec<_> = (0..count).map(|_| one()).collect();
    let leaving = [Leaving::Auto, Leaving::Auto, Leaving::Implicit, Leaving::Explicit]
        [rng.random_range(0..4)];
    // Without changes it leaves a joint configuration, whatever else it says.
    let leaving = if changes.is_empty() { Leaving::Auto } else { leaving };
    Operation::Change(at, changes, leaving)
}

impl Operation {
    /// Returns its name, without its nodes.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Operation::Campaign(_) => "campaign",
            Operation::Propose(_) => "propose",
            Operation::Cut(_) => "cut",
            Operation::Heal => "heal",
            Operation::Restart(_) => "restart",
            Operation::Unreachable(..) => "unreachable",
            Operation::Change(..) => "change",
            Operation::Transfer(..) => "transfer",
            Operation::Read(..) => "read",
            Operation::Compact(_) => "compact",
        }
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.name();
        match self {
            Operation::Heal => f.write_str(name),
            Operation::Campaign(id)
            | Operation::Propose(id)
            | Operation::Cut(id)
            | Operation::Restart(id)
            | Operation::Compact(id)
            | Operation::Read(id, _) => write!(f, "{name} {id}"),
            Operation::Unreachable(id, other) | Operation::Transfer(id, other) => {
                write!(f, "{name} {id} {other}")
            }
            Operation::Change(id, changes, leaving) => {
                write!(f, "{name} {id}")?;
                for (letter, node) in changes {
                    write!(f, " {letter}{node}")?;
                }
                match leaving {
                    Leaving::Auto => Ok(()),
                    Leaving::Implicit => f.write_str(" implicit"),
                    Leaving::Explicit => f.write_str(" explicit"),
                }
            }
        }
    }
}
