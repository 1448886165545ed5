//! Step 3: how an election begins (§5.2, Fig. 2 Candidates (1)).
//!
//! ```text
//!   n1 (term 4) campaigns:   term 5, vote n1  --> its disk
//!                            RequestVote t5   --> n2, n3, once that is durable
//!                            its own vote     --> itself, once that is durable
//! ```
//!
//! No disk is written here: later steps test what a candidate counts.

use crate::raft::kit::{N1, N2, Rows, Stage, remembering, remembers};
use crate::raft::rule;
use harness::{Check, Verdict};
use raft::{Body, Entry, EntryId, Event, Index, NodeId, Payload, Term};
use std::collections::BTreeSet;
use testbed::Setup;

/// A node campaigns, and campaigns again.
pub(super) fn election_begins(_: &mut Check) -> Verdict {
    let stage = Stage::with_slow_disks(3).row(1, "a new node campaigns");
    let stage = campaigns(stage, 1)?.row(2, "nobody answers, and it campaigns again");
    campaigns(stage, 2)?;
    let setup = remembering(Setup::new(5, 0).with_slow_disks(), N1, 4, Some(N2));
    let stage = Stage::of(setup).row(3, "a node that voted for n2 in term 4 campaigns");
    let stage = campaigns(stage, 5)?.row(4, "and again");
    campaigns(stage, 6).map(|_| ())
}

/// Lets n1 campaign: it must be a candidate of `term` that has voted for itself.
fn campaigns(mut stage: Stage, term: u64) -> Result<Stage, Box<harness::Failure>> {
    let before = stage.memory(N1);
    stage.campaign(N1);
    let must_be = format!("candidate, {}", remembers(term, Some(N1)));
    let role = stage.role(N1).map(|role| role.to_string()).unwrap_or_default();
    let was = format!("{role}, {}", stage.memory(N1));
    if must_be == was {
        return Ok(stage);
    }
    let because = format!("n1 ({before}) campaigned and is now: {was}");
    let failure = stage
        .broken(rule("election_begins_with_term_and_vote"), "Raft::become_candidate")
        .because(because);
    Err(Box::new(failure.expected(must_be).got(was)))
}

/// A candidate's vote requests, and its promise to itself.
pub(super) fn asks_everyone_and_itself(_: &mut Check) -> Verdict {
    let intro =
        "one node campaigns; which nodes it asks, in which term, and which last entry it names";
    let mut table =
        Rows::new(rule("candidate_asks_everyone"), "candidate", intro).decided_by(is_question);
    let candidates = [(2, 1, 1), (3, 1, 1), (3, 3, 1), (4, 2, 1), (5, 1, 1), (5, 4, 1), (3, 1, 2)];
    for (size, id, campaigns) in candidates {
        let id = NodeId(id);
        let others = (1..=size).map(NodeId).filter(|&other| other != id);
        let mut stage = Stage::of(with_log(Setup::new(size, 0).with_slow_disks(), id));
        for _ in 0..campaigns {
            stage.forget_words();
            stage.campaign(id);
        }
        let last = EntryId { term: Term(3), index: Index(2) };
        let term = Term(3 + campaigns);
        let must_be = said(&others.map(|other| (other, term, last)).collect(), true);
        let asked = stage.asked(id).into_iter().collect();
        let was = said(&asked, has_own_vote(&stage, id, term));
        let again = if campaigns > 1 { ", again" } else { "" };
        table.equal(format!("{id} of {size}{again}"), must_be, was, stage);
    }
    table.verdict("Raft::ask_for_votes")
}

/// Returns whether an event is a vote request.
fn is_question(event: &Event) -> bool {
    matches!(event, Event::Sent { kind: "RequestVote", .. })
}

/// Gives a node two entries, the last of term 3, and the term that goes with them.
fn with_log(mut setup: Setup, id: NodeId) -> Setup {
    for (config, storage) in &mut setup.nodes {
        if config.id == id {
            let entry = |index, term| {
                let id = EntryId { term: Term(term), index: Index(index) };
                Entry::unplaced(Payload::Noop).at(id)
            };
            storage.append(&[entry(1, 1), entry(2, 3)]);
        }
    }
    remembering(setup, id, 3, None)
}

/// Returns whether a candidate counts on its own vote: by a promise to itself that waits for the disk,
/// or by having counted it.
fn has_own_vote(stage: &Stage, id: NodeId, term: Term) -> bool {
    let Some(disk) = stage.cluster().disk(id) else { return false };
    // Or it sends itself a vote request, as it does to all others, and answers it.
    let is_vote =
        |body: &Body| matches!(body, Body::VoteReply { granted: true, .. } | Body::RequestVote(_));
    let own = disk.pending().flat_map(|write| &write.own);
    let promised = own.filter(|m| m.term == Some(term)).any(|message| is_vote(&message.body));
    let node = stage.cluster().node(id).map(|node| node.inspect());
    let counted = node.and_then(|node| node.votes?.of(id)) == Some(true);
    promised || counted
}

/// Says which nodes were asked, and how: `n2 n3 self t4 2@3`.
fn said(asked: &BTreeSet<(NodeId, Term, EntryId)>, itself: bool) -> String {
    let names: Vec<String> = asked.iter().map(|(id, _, _)| id.to_string()).collect();
    let hows: BTreeSet<String> =
        asked.iter().map(|(_, term, last)| format!("t{term} {last}")).collect();
    let hows: Vec<String> = hows.into_iter().collect();
    let names = if names.is_empty() { "nobody".to_owned() } else { names.join(" ") };
    let itself = if itself { "self" } else { "" };
    let parts = [names, itself.to_owned(), hows.join(", ")];
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ")
}
