//! Which functions to read first, where no line is certain.
//!
//! ```text
//!   what is sent --> is it taken? --> is it acknowledged? --> is that noted? --> does it commit?
//!   on_propose       on_append        on_append               on_matched         commit_by_counting
//!   send_append      maybe_append                             maybe_update       committed_index
//!                            the first link that is missing is likeliest
//! ```
//!
//! An event says what a node did, and the line that noted it: most often given code, or the function that
//! called the one that decided. So a card of this lab names at most three functions: those of the test's
//! step first, then earlier ones, never one that a student has still to write. This never decides whether
//! a test fails.

use crate::raft::kit::{N1, Names, Stage};
use raft::{AppendOutcome, Body, Entry, Event, Index, NodeId, Note, RoleName};
use std::collections::BTreeMap;
use testbed::{Input, Step};

/// A vote was granted or refused wrongly.
pub(super) const VOTED: Names = &["Log::is_up_to_date", "Core::decide_vote", "Log::last_index"];
/// A majority holds an entry, and it is committed wrongly.
pub(super) const COUNTED: Names =
    &["Majority::committed_index", "Core::commit_by_counting", "Core::on_matched"];
/// It is known what a majority holds; what follows from it is wrong.
pub(super) const COMMITTED: Names =
    &["Core::commit_by_counting", "Majority::committed_index", "Core::on_matched"];
/// What an acknowledgement says is not what the leader then knows.
const ACKNOWLEDGED: Names =
    &["Core::on_matched", "Progress::maybe_update", "Core::commit_by_counting"];
/// A leader knows less of a peer than it knew.
const FORGOTTEN: Names =
    &["Progress::maybe_update", "Core::on_matched", "Majority::committed_index"];
/// A follower acknowledges what it does not hold.
const DIFFERS: Names = &["Log::find_conflict", "Log::maybe_append", "Core::on_append"];
/// A follower gets entries and does not answer.
const UNANSWERED: Names = &["Core::on_append", "Log::maybe_append", "Raft::recognize_leader"];
/// A follower refuses, and is not asked further back.
const REFUSED: Names =
    &["Core::on_rejected", "Progress::maybe_decr_to", "Core::on_heartbeat_reply"];
/// A follower lacks entries, and is not sent them.
const UNSENT: Names = &["Core::on_heartbeat_reply", "Core::on_propose", "Core::send_append"];
/// A follower holds everything, and does not commit it.
const UNTOLD: Names = &["Core::on_append", "Core::learn_commit", "Core::on_matched"];
/// A leader's log has no entry of its term.
const UNOPENED: Names = &["Core::start_term", "Core::on_propose", "Log::append"];

/// Returns the steps since a node last began to lead.
fn since_it_leads(steps: &[Step], leader: NodeId) -> &[Step] {
    let begins = |step: &Step| {
        let leads = |note: &Note| matches!(note.event, Event::RoleEntered { to, .. } if to == RoleName::Leader);
        step.node == Some(leader) && step.notes.iter().any(leads)
    };
    &steps[steps.iter().rposition(begins).unwrap_or(0)..]
}

/// Says where to look if n1 committed too much or too little: follows the acknowledgements.
pub(super) fn counting(stage: &Stage) -> Names {
    commits_wrongly(stage, N1)
}

fn commits_wrongly(stage: &Stage, leader: NodeId) -> Names {
    let steps = stage.steps();
    let steps = since_it_leads(&steps, leader);
    let mut said: BTreeMap<NodeId, Index> = BTreeMap::new();
    let mut known: BTreeMap<NodeId, Index> = BTreeMap::new();
    let (mut withheld, mut committed) = (false, None);
    for step in steps.iter().filter(|step| step.node == Some(leader)) {
        if let Input::Deliver(message) = &step.input
            && let Body::AppendReply { outcome: AppendOutcome::Matched(index), .. } = message.body
            && message.from != leader
        {
            let so_far = said.entry(message.from).or_default();
            *so_far = index.max(*so_far);
        }
        for note in &step.notes {
            if let Event::MatchAdvanced { peer, from, to } = note.event {
                if to < from {
                    return FORGOTTEN;
                }
                known.insert(peer, to);
            } else if let Event::CommitWithheld { .. } = note.event {
                withheld = true;
            } else if let Event::CommitAdvanced { to, .. } = note.event {
                (withheld, committed) = (false, Some(to));
            }
        }
    }
    let knows = |id: &NodeId| known.get(id).copied().unwrap_or_default();
    if said.iter().any(|(peer, index)| knows(peer) != *index) {
        return ACKNOWLEDGED;
    }
    let durable = stage.cluster().disk(leader).is_some_and(|disk| disk.pending().len() == 0);
    let last = stage.log(leader).last().map_or(Index(0), |entry| entry.id.index);
    if durable && knows(&leader) < last {
        return ACKNOWLEDGED;
    }
    // What a majority holds is always what one of them holds: any other index was made up later.
    let is_nobodys = |to: Index| known.values().all(|known| *known != to);
    if withheld || committed.is_some_and(is_nobodys) { COMMITTED } else { COUNTED }
}

/// Says where to look if a node's log is not the leader's, or is not committed: follows the entries.
pub(super) fn apart(stage: &Stage, leader: NodeId, node: NodeId) -> Names {
    let (log, theirs) = (stage.log(leader), stage.log(node));
    let term = stage.cluster().disk(leader).map(|_| stage.disk(leader).term);
    if !log.iter().any(|entry| Some(entry.id.term) == term) {
        return UNOPENED;
    }
    if log == theirs {
        if stage.commit(leader) == log.len() as u64 {
            return UNTOLD;
        }
        // What no majority holds cannot be committed: another node's log says why.
        let mut others = stage.cluster().ids();
        return match others.find(|&other| stage.log(other) != log) {
            Some(other) => apart(stage, leader, other),
            None => commits_wrongly(stage, leader),
        };
    }
    let words = stage.words(node);
    let answers = words.iter().filter(|word| word.to == leader && word.term == term);
    let mut outcomes = answers.filter_map(|word| {
        let Body::AppendReply { outcome, .. } = word.body else { return None };
        Some(outcome)
    });
    match outcomes.next_back() {
        Some(AppendOutcome::Matched(index)) if upto(&log, index) != upto(&theirs, index) => DIFFERS,
        Some(AppendOutcome::Matched(index)) if index.0 >= log.len() as u64 => DIFFERS,
        Some(
            AppendOutcome::Matched(_)
            | AppendOutcome::SnapshotWanted { .. }
            | AppendOutcome::NewerTerm,
        ) => UNSENT,
        Some(AppendOutcome::Rejected { .. }) => REFUSED,
        None => {
            let steps = stage.steps();
            let arrives = |step: &Step| {
                let Input::Deliver(message) = &step.input else { return false };
                let is_append = matches!(message.body, Body::AppendEntries { .. });
                // What a cut link swallows happens to no node.
                is_append && step.node == Some(node) && message.term == term
            };
            if since_it_leads(&steps, leader).iter().any(arrives) { UNANSWERED } else { UNSENT }
        }
    }
}

fn upto(log: &[Entry], index: Index) -> &[Entry] {
    &log[..log.len().min(index.0 as usize)]
}
