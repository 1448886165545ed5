//! etcd's tables of quorums: who voted how, who holds what, and what that is enough for.
//!
//! ```text
//!   committed cfg=(1,2,3) idx=(12,5,_)        _ : nothing is known of that voter
//!          idx
//!   xx>     12    (id=1)                      an x for each voter that holds less
//!   x>       5    (id=2)
//!   ?        0    (id=3)
//!   5
//! ```
//!
//! A result is computed in several ways that must agree. Where one does not, etcd's test prints a line
//! that ends in `<-- via ...`, which no file expects.

use crate::format::Block;
use crate::verdict::Halt;
use raft::quorum::{Joint, Majority, Outcome, Votes};
use raft::{Index, NodeId};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

/// What is known of each voter; nothing of those that are left out.
type Known = BTreeMap<NodeId, u64>;

/// One directive's words.
#[derive(Default)]
struct Words {
    voters: Vec<NodeId>,
    /// The other half, if the directive speaks of two; empty where it says `zero`.
    outgoing: Option<Vec<NodeId>>,
    /// What is said of the voters, in their order: an index, or 1 for no and 2 for yes.
    indexes: Vec<u64>,
    votes: Vec<u64>,
}

/// Plays one directive, and returns what etcd's test would print.
///
/// # Errors
/// [`Halt::Malformed`] with what was expected.
pub(crate) fn play(block: &Block) -> Result<String, Halt> {
    let words = Words::read(block)?;
    let said = match block.command.as_str() {
        "committed" => &words.indexes,
        "vote" => &words.votes,
        other => return Err(wrong(block, format!("expected committed or vote, found {other}"))),
    };
    let joint = words.joint();
    let voters = joint.voters().count();
    if said.len() != voters {
        let said = said.len();
        let what = format!("expected one value for each of {voters} voters, found {said}");
        return Err(wrong(block, what));
    }
    let known = words.known(said);
    Ok(match (block.command.as_str(), &words.outgoing) {
        ("committed", None) => majority_committed(&joint, &known),
        ("committed", Some(_)) => joint_committed(&joint, &known),
        (_, None) => format!("{}\n", outcome(vote(&joint, &known))),
        (_, Some(_)) => joint_vote(&joint, &known),
    })
}

impl Words {
    fn read(block: &Block) -> Result<Words, Halt> {
        let mut words = Words::default();
        for word in &block.arguments {
            for value in word.values.iter().flatten() {
                let number = || match value.parse() {
                    Ok(number) if number > 0 => Ok(number),
                    _ => Err(wrong(block, format!("expected a number from 1, found {value:?}"))),
                };
                match (word.key.as_str(), value.as_str()) {
                    ("cfg", _) => words.voters.push(NodeId(number()?)),
                    ("cfgj", "zero") => words.outgoing = Some(Vec::new()),
                    ("cfgj", _) => {
                        words.outgoing.get_or_insert_default().push(NodeId(number()?));
                    }
                    ("idx", "_") => words.indexes.push(0),
                    ("idx", _) => words.indexes.push(number()?),
                    ("votes", "_") => words.votes.push(0),
                    ("votes", "n") => words.votes.push(1),
                    ("votes", "y") => words.votes.push(2),
                    (key, _) => {
                        return Err(wrong(block, format!("cannot read {value:?} of {key}")));
                    }
                }
            }
        }
        Ok(words)
    }

    fn joint(&self) -> Joint {
        let incoming = Majority::new(self.voters.iter().copied());
        let outgoing = self.outgoing.as_ref().map(|ids| Majority::new(ids.iter().copied()));
        Joint::new(incoming, outgoing)
    }

    /// Gives the values to the voters in the order in which they were named, each voter once.
    fn known(&self, said: &[u64]) -> Known {
        let mut seen = BTreeSet::new();
        let named = self.voters.iter().chain(self.outgoing.iter().flatten());
        let once = named.copied().filter(|&id| seen.insert(id));
        once.zip(said.iter().copied()).filter(|&(_, value)| value != 0).collect()
    }
}

fn wrong(block: &Block, what: String) -> Halt {
    Halt::Malformed { line: block.line, what }
}

// What is committed.

fn committed(quorum: &Joint, known: &Known) -> Index {
    quorum.committed_index(|id| known.get(&id).copied().map(Index))
}

fn majority_committed(quorum: &Joint, known: &Known) -> String {
    let majority = quorum.incoming();
    let index = committed(quorum, known);
    let mut text = chart(quorum, known);
    let mut must_agree = |other: Index, how: &str| {
        if other != index {
            put(&mut text, format_args!("{} <-- {how}\n", show(other)));
        }
    };
    must_agree(by_definition(majority, known), "via alternative computation");
    let halves = |incoming: &Majority, outgoing: Option<&Majority>| {
        committed(&Joint::new(incoming.clone(), outgoing.cloned()), known)
    };
    must_agree(halves(majority, Some(&Majority::new([]))), "via zero-joint quorum");
    must_agree(halves(majority, Some(majority)), "via self-joint quorum");
    must_agree(majority.committed_index(|id| known.get(&id).copied().map(Index)), "alone");
    // Who holds less than what is committed did not matter: let it hold less still.
    for (&id, &held) in known.iter().filter(|&(_, &held)| Index(held) < index) {
        for less in [held - 1, 0] {
            let overlaid = known.iter().map(|(&id, &held)| (id, held)).chain([(id, less)]);
            let other = committed(quorum, &overlaid.collect());
            must_agree(other, &format!("overlaying {}->{less}", id.0));
        }
    }
    put(&mut text, format_args!("{}\n", show(index)));
    text
}

fn joint_committed(quorum: &Joint, known: &Known) -> String {
    let index = committed(quorum, known);
    let mut text = chart(quorum, known);
    let mirrored = committed(&mirror(quorum), known);
    if mirrored != index {
        put(&mut text, format_args!("{} <-- via symmetry\n", show(mirrored)));
    }
    put(&mut text, format_args!("{}\n", show(index)));
    text
}

/// Returns what is committed by the words of the definition: the highest index that more than half
/// of the voters hold.
fn by_definition(majority: &Majority, known: &Known) -> Index {
    let voters = majority.voters().count();
    if voters == 0 {
        return Index(u64::MAX);
    }
    let holds = |id: NodeId, index: u64| known.get(&id).is_some_and(|&held| held >= index);
    let is_held =
        |&index: &u64| 2 * majority.voters().filter(|&id| holds(id, index)).count() > voters;
    Index(known.values().copied().filter(is_held).max().unwrap_or(0))
}

/// Swaps the two halves.
fn mirror(quorum: &Joint) -> Joint {
    let outgoing = quorum.outgoing().cloned();
    Joint::new(outgoing.unwrap_or_else(|| Majority::new([])), Some(quorum.incoming().clone()))
}

/// Draws who holds what.
fn chart(quorum: &Joint, known: &Known) -> String {
    let voters: Vec<NodeId> = quorum.voters().collect();
    let width = voters.len();
    if width == 0 {
        return "<empty majority quorum>".to_string();
    }
    let held = |id: &NodeId| known.get(id).copied().unwrap_or(0);
    let mut text = format!("{}    idx\n", " ".repeat(width));
    for id in &voters {
        let below = voters.iter().filter(|other| held(other) < held(id)).count();
        let bar = match known.contains_key(id) {
            true => format!("{}>{}", "x".repeat(below), " ".repeat(width - below)),
            false => format!("?{}", " ".repeat(width)),
        };
        put(&mut text, format_args!("{bar} {:>5}    (id={})\n", held(id), id.0));
    }
    text
}

fn show(index: Index) -> String {
    if index == Index(u64::MAX) { "∞".to_string() } else { index.to_string() }
}

// Who has won.

fn vote(quorum: &Joint, known: &Known) -> Outcome {
    let mut votes = Votes::default();
    for (&id, &said) in known {
        votes.record(id, said == 2);
    }
    quorum.outcome(&votes)
}

fn joint_vote(quorum: &Joint, known: &Known) -> String {
    let (result, mirrored) = (vote(quorum, known), vote(&mirror(quorum), known));
    let mut text = String::new();
    if mirrored != result {
        put(&mut text, format_args!("{} <-- via symmetry\n", outcome(mirrored)));
    }
    put(&mut text, format_args!("{}\n", outcome(result)));
    text
}

fn outcome(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Won => "VoteWon",
        Outcome::Lost => "VoteLost",
        Outcome::Pending => "VotePending",
    }
}

fn put(text: &mut String, words: std::fmt::Arguments<'_>) {
    text.write_fmt(words).expect("a string takes what it is given");
}
