//! One line of the report: what both sides did, round by round.

/// Which way is better.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Better {
    /// More of it: speed.
    More,
    /// Less of it: time, space.
    Less,
}

/// What a ratio should be.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) enum Goal {
    /// At least so much.
    AtLeast(f64),
    /// At most so much.
    AtMost(f64),
    /// None was set.
    None,
}

impl Goal {
    /// Returns whether a ratio is what it should be; `None` if there is no goal.
    pub(crate) fn is_reached(self, ratio: f64) -> Option<bool> {
        match self {
            Goal::AtLeast(goal) => Some(ratio >= goal),
            Goal::AtMost(goal) => Some(ratio <= goal),
            Goal::None => None,
        }
    }
}

/// One round of both sides.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) struct Round {
    pub(crate) ours: f64,
    pub(crate) peer: f64,
}

impl Round {
    /// Returns ours over the peer's.
    pub(crate) fn ratio(self) -> f64 {
        self.ours / self.peer
    }
}

/// Something else that was counted on the way.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Count {
    pub(crate) what: &'static str,
    pub(crate) rounds: Vec<Round>,
    pub(crate) goal: Goal,
}

/// One line.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Line {
    /// Its name, which `--only` takes.
    pub(crate) cell: String,
    /// What ours is compared with.
    pub(crate) peer: &'static str,
    pub(crate) unit: &'static str,
    pub(crate) better: Better,
    pub(crate) rounds: Vec<Round>,
    /// The same for each second of processor time, where that says something.
    pub(crate) by_cpu: Vec<Round>,
    /// For ours over the peer's.
    pub(crate) goal: Goal,
    pub(crate) counts: Vec<Count>,
}

impl Line {
    /// Returns a line without rounds.
    pub(crate) fn new(cell: String, unit: &'static str, better: Better, goal: Goal) -> Line {
        let (rounds, by_cpu, counts) = (Vec::new(), Vec::new(), Vec::new());
        Line { cell, peer: "raft-engine", unit, better, rounds, by_cpu, goal, counts }
    }

    /// Adds a round of something that is counted besides.
    pub(crate) fn count(&mut self, what: &'static str, goal: Goal, round: Round) {
        match self.counts.iter_mut().find(|count| count.what == what) {
            Some(count) => count.rounds.push(round),
            None => self.counts.push(Count { what, rounds: vec![round], goal }),
        }
    }
}
