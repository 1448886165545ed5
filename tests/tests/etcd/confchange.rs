//! etcd's tables of membership changes: which configuration a change leads to, and whose progress begins
//! again.
//!
//! ```text
//!   enter-joint autoleave=true              the sixth command, in a group of node 3 alone
//!   v1 l2 r3 u4                             1 votes, 2 learns, 3 leaves, 4 is updated: nothing for Raft
//!   ----
//!   voters=(1)&&(3) learners=(2) autoleave
//!   1: StateProbe match=0 next=5            one line for each node that is sent entries
//!   2: StateProbe match=0 next=5 learner    next: how many commands came before the node was added,
//!   3: StateProbe match=0 next=1            but at least 1
//! ```
//!
//! Our [`Changer`] knows no progress: the lines are derived from its configurations. Its refusals are put
//! in etcd's words.

use crate::format::Block;
use crate::verdict::Halt;
use raft::{ChangeError, ChangeKind, Changer, ConfChange, ConfState, NodeId, Transition};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

/// A group whose members change.
#[derive(Default)]
pub(crate) struct Group {
    conf: ConfState,
    /// The next index of each node that is sent entries.
    next: BTreeMap<NodeId, u64>,
    /// The index of the last entry: how many commands came before, refused ones included.
    last_index: u64,
}

impl Group {
    /// Plays one directive, and returns what etcd's test would print.
    ///
    /// # Errors
    /// [`Halt::Malformed`] with what was expected.
    pub(crate) fn play(&mut self, block: &Block) -> Result<String, Halt> {
        let changes = changes(block)?;
        let changer = Changer::new(&self.conf).map_err(|why| wrong(block, why.to_string()))?;
        let changed = match block.command.as_str() {
            "simple" => changer.simple(&changes),
            "enter-joint" => changer.enter_joint(transition(block)?, &changes),
            "leave-joint" if block.input.is_empty() => changer.leave_joint(),
            "leave-joint" => return Err(wrong(block, "leave-joint takes no input".to_string())),
            other => {
                let what = format!("expected simple, enter-joint or leave-joint, found {other}");
                return Err(wrong(block, what));
            }
        };
        let text = match changed {
            Ok(after) => {
                self.switch_to(after, &changes);
                self.show()
            }
            Err(why) => format!("{}\n", in_etcds_words(&block.command, why)),
        };
        self.last_index += 1;
        Ok(text)
    }

    /// Takes over a configuration, and begins the progress of the nodes that are new. Also of a node that
    /// was removed and added again by the same command, unless the old half kept it.
    fn switch_to(&mut self, after: ConfState, changes: &[ConfChange]) {
        let removed = changes.iter().filter(|change| change.kind == ChangeKind::Remove);
        for change in removed.filter(|change| !after.voters_outgoing.contains(&change.node)) {
            self.next.remove(&change.node);
        }
        let sets = [&after.voters, &after.learners, &after.voters_outgoing];
        let members: BTreeSet<NodeId> = sets.into_iter().flatten().copied().collect();
        self.next.retain(|id, _| members.contains(id));
        for id in members {
            self.next.entry(id).or_insert(self.last_index.max(1));
        }
        self.conf = after;
    }

    fn show(&self) -> String {
        let mut text = configuration(&self.conf);
        text.push('\n');
        for (id, next) in &self.next {
            let learner = if self.conf.learners.contains(id) { " learner" } else { "" };
            put(&mut text, format_args!("{}: StateProbe match=0 next={next}{learner}\n", id.0));
        }
        text
    }
}

/// Returns a configuration in etcd's output format.
fn configuration(conf: &ConfState) -> String {
    let ids = |set: &BTreeSet<NodeId>| {
        let ids: Vec<String> = set.iter().map(|id| id.0.to_string()).collect();
        format!("({})", ids.join(" "))
    };
    let mut text = format!("voters={}", ids(&conf.voters));
    if !conf.voters_outgoing.is_empty() {
        put(&mut text, format_args!("&&{}", ids(&conf.voters_outgoing)));
    }
    for (name, set) in [("learners", &conf.learners), ("learners_next", &conf.learners_next)] {
        if !set.is_empty() {
            put(&mut text, format_args!(" {name}={}", ids(set)));
        }
    }
    if conf.auto_leave {
        text.push_str(" autoleave");
    }
    text
}

/// Reads the changes of a directive. What etcd leaves alone is left out: updates, and node 0, which our
/// core refuses.
pub(crate) fn changes(block: &Block) -> Result<Vec<ConfChange>, Halt> {
    let mut changes = Vec::new();
    for word in block.input.split_whitespace() {
        let unknown = || wrong(block, format!("expected v1, l1, r1 or u1, found {word:?}"));
        let mut rest = word.chars();
        let kind = match rest.next() {
            Some('v') => Some(ChangeKind::AddVoter),
            Some('l') => Some(ChangeKind::AddLearner),
            Some('r') => Some(ChangeKind::Remove),
            Some('u') => None,
            _ => return Err(unknown()),
        };
        let node = NodeId(rest.as_str().parse().map_err(|_| unknown())?);
        if let Some(kind) = kind
            && node != NodeId(0)
        {
            changes.push(ConfChange { kind, node });
        }
    }
    Ok(changes)
}

/// Returns how the group leaves the joint configuration that a directive enters.
fn transition(block: &Block) -> Result<Transition, Halt> {
    let mut transition = Transition::Explicit;
    for word in &block.arguments {
        let values: Vec<&str> = word.values.iter().flatten().map(String::as_str).collect();
        transition = match (word.key.as_str(), &values[..]) {
            ("autoleave", ["true"]) => Transition::Implicit,
            ("autoleave", ["false"]) => Transition::Explicit,
            (key, _) => {
                let what = format!("expected autoleave=true or autoleave=false, found {key}");
                return Err(wrong(block, what));
            }
        };
    }
    Ok(transition)
}

/// Says as etcd does why a command was refused.
fn in_etcds_words(command: &str, why: ChangeError) -> String {
    match why {
        ChangeError::NoVoterLeft { .. } => "removed all voters".to_string(),
        ChangeError::TooManyVoters { .. } => {
            "more than one voter changed without entering joint config".to_string()
        }
        ChangeError::InJoint { .. } if command == "simple" => {
            "can't apply simple config change in joint config".to_string()
        }
        ChangeError::InJoint { .. } => "config is already joint".to_string(),
        ChangeError::NotInJoint { .. } => "can't leave a non-joint config".to_string(),
        ChangeError::NoVoterYet => "can't make a zero-voter config joint".to_string(),
        // etcd says nothing of the kind: no file may lead here.
        ChangeError::Impossible(_) | ChangeError::NodeZero { .. } => format!("ours alone: {why}"),
    }
}

fn wrong(block: &Block, what: String) -> Halt {
    Halt::Malformed { line: block.line, what }
}

fn put(text: &mut String, words: std::fmt::Arguments<'_>) {
    text.write_fmt(words).expect("a string takes what it is given");
}
