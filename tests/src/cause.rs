//! Causes: the few steps that led to a broken rule.
//!
//! ```text
//!   step 3  n1 campaigns              <--.
//!   step 4  n2 grants n1  <-- message ---'<--.
//!   step 7  n3 campaigns              <--.   |
//!   step 9  n2 grants n3  <-- message ---'   |     from here back
//!           ONE VOTE PER TERM: n2 voted for n1 ---'
//! ```
//!
//! Two kinds of links lead back in time. One leads from a message that arrived to the step that sent it.
//! The other leads from a fact that a step relied on to the step that wrote it last. A step that no link reaches is no cause.

use crate::input::{Input, Step};
use crate::invariant::{Rule, Violation};
use raft::{Event, NodeId, RoleName, Term};
use std::collections::{BTreeMap, VecDeque};

/// Returns the indexes in `steps` of the steps that led to the violation of the last step, in order. At
/// most `most` steps are returned: those with the fewest links to the violation. The steps must have
/// notes.
pub fn slice(steps: &[Step], violation: &Violation, most: usize) -> Vec<usize> {
    let Some(last) = steps.len().checked_sub(1) else { return Vec::new() };
    let past = Past::new(steps);
    let mut found = vec![last];
    let mut queue = VecDeque::from([last]);
    let facts = past.behind_rule(violation);
    for fact in facts {
        if !found.contains(&fact) {
            found.push(fact);
            queue.push_back(fact);
        }
    }
    while let Some(at) = queue.pop_front() {
        for cause in past.behind_step(at) {
            if !found.contains(&cause) {
                found.push(cause);
                queue.push_back(cause);
            }
        }
    }
    found.truncate(most);
    found.sort_unstable();
    found
}

/// The steps of a run, with what is needed to find links.
struct Past<'a> {
    steps: &'a [Step],
    /// The step that sent each message, by the number of the message.
    sent: BTreeMap<u64, usize>,
    /// The term of each step's node after the step, as far as the notes tell it.
    terms: Vec<Option<Term>>,
}

impl<'a> Past<'a> {
    fn new(steps: &'a [Step]) -> Self {
        let flights = steps.iter().enumerate();
        let sent = flights.flat_map(|(at, step)| step.sent.iter().map(move |f| (f.id, at)));
        let sent = sent.collect();
        let mut now: BTreeMap<NodeId, Term> = BTreeMap::new();
        let mut terms = Vec::with_capacity(steps.len());
        for step in steps {
            for note in &step.notes {
                if let (Some(node), Event::TermEntered { to, .. }) = (step.node, note.event) {
                    now.insert(node, to);
                }
            }
            if let (Some(node), Input::Crash(_)) = (step.node, &step.input) {
                // The durable term may be lower: the next note tells it.
                now.remove(&node);
            }
            terms.push(step.node.and_then(|node| now.get(&node).copied()));
        }
        Past { steps, sent, terms }
    }

    /// Returns the steps that a broken rule depends on, nearest first.
    fn behind_rule(&self, violation: &Violation) -> Vec<usize> {
        let Violation { rule, who, term, .. } = violation;
        let before = 0..self.steps.len() - 1;
        let in_term = |at: &usize| term.is_none() || self.terms[*at] == *term;
        match (rule, who.as_slice()) {
            (Rule::VoteOncePerTerm, [voter, _, first]) => {
                let gave = |at: &usize| self.gives_vote(*at, *voter, *first);
                before.rev().filter(in_term).find(gave).into_iter().collect()
            }
            (Rule::ElectionSafety, [second, first]) => {
                let led = |at: &usize| self.enters(*at, *first, RoleName::Leader);
                let leader = before.clone().rev().filter(in_term).find(led);
                let votes = |id: NodeId| {
                    let counts = move |at: &usize| self.counts(*at, id);
                    before.clone().rev().filter(in_term).filter(counts)
                };
                leader.into_iter().chain(votes(*second)).chain(votes(*first)).collect()
            }
            (Rule::LeaderHasQuorum | Rule::LeaderCompleteness, [leader, ..]) => {
                before.rev().filter(in_term).filter(|at| self.counts(*at, *leader)).collect()
            }
            (Rule::LinearizableRead, [reader, ..]) => {
                let reads = |at: &usize| matches!(self.steps[*at].input, Input::Read { node, .. } if node == *reader);
                let commits = |at: &usize| {
                    let commits = |event| matches!(event, Event::CommitAdvanced { .. });
                    self.steps[*at].notes.iter().any(|note| commits(note.event))
                };
                let begins = before.rev().find(reads);
                let committed = begins.and_then(|at| (0..at).rev().find(commits));
                begins.into_iter().chain(committed).collect()
            }
            (Rule::Liveness | Rule::AppliedByAll, _) => {
                let turns = |at: &usize| {
                    let enters = |event| matches!(event, Event::RoleEntered { .. });
                    self.steps[*at].notes.iter().any(|note| enters(note.event))
                };
                before.rev().filter(turns).collect()
            }
            (
                Rule::VoteOncePerTerm
                | Rule::ElectionSafety
                | Rule::LeaderHasQuorum
                | Rule::LeaderCompleteness
                | Rule::TermMonotone
                | Rule::PersistBeforeSend
                | Rule::CommitMonotone
                | Rule::CommitWithinLog
                | Rule::LeaderAppendOnly
                | Rule::LogMatching
                | Rule::AckMatches
                | Rule::CommitOnQuorum
                | Rule::CommitInTwoGroups
                | Rule::StateMachineSafety
                | Rule::LinearizableRead
                | Rule::ReadEndsOnce
                | Rule::AppliedInOrder,
                _,
            ) => Vec::new(),
        }
    }

    /// Returns the steps that one step depends on.
    fn behind_step(&self, at: usize) -> Vec<usize> {
        let step = &self.steps[at];
        let mut causes: Vec<_> =
            step.gone.iter().filter_map(|(flight, _)| self.sent.get(&flight.id).copied()).collect();
        let Some(node) = step.node else { return causes };
        let earlier = || (0..at).rev().filter(|&other| self.steps[other].node == Some(node));
        let speaks = |other: &usize| {
            let sent = |event| matches!(event, Event::Sent { .. });
            self.steps[*other].notes.iter().any(|note| sent(note.event))
        };
        match &step.input {
            // What is written now was sent in an earlier step.
            Input::Persist(_) => causes.extend(earlier().find(speaks)),
            Input::Restart(_) => {
                let crash = |other: &usize| matches!(self.steps[*other].input, Input::Crash(_));
                causes.extend(earlier().find(crash));
            }
            Input::Tick(_) | Input::Campaign(_) | Input::Deliver(_) | Input::Drop(_) => {}
            Input::Duplicate(_) | Input::Post(_) | Input::Crash(_) | Input::Heal => {}
            Input::Cut { .. } | Input::Mend { .. } | Input::Partition(_) => {}
            // What the Ready sends was produced in an earlier step.
            Input::Ready(_) => causes.extend(earlier().find(speaks)),
            Input::FailRead { .. } | Input::PinLimit { .. } => {}
            Input::Propose { .. } | Input::Read { .. } | Input::Apply(_) | Input::Ask { .. } => {}
        }
        let counts = |event| matches!(event, Event::VoteCounted { .. });
        if step.notes.iter().any(|note| counts(note.event)) {
            let campaigned = |other: &usize| self.enters(*other, node, RoleName::Candidate);
            causes.extend(earlier().find(campaigned));
        }
        causes
    }

    fn enters(&self, at: usize, node: NodeId, role: RoleName) -> bool {
        let step = &self.steps[at];
        let enters = |event| matches!(event, Event::RoleEntered { to, .. } if to == role);
        step.node == Some(node) && step.notes.iter().any(|note| enters(note.event))
    }

    fn counts(&self, at: usize, node: NodeId) -> bool {
        let step = &self.steps[at];
        let counts = |event| matches!(event, Event::VoteCounted { granted: true, .. });
        step.node == Some(node) && step.notes.iter().any(|note| counts(note.event))
    }

    fn gives_vote(&self, at: usize, voter: NodeId, to: NodeId) -> bool {
        let step = &self.steps[at];
        let gives = |event| matches!(event, Event::VoteChanged { to: Some(one), .. } if one == to);
        step.node == Some(voter) && step.notes.iter().any(|note| gives(note.event))
    }
}
