//! Each mistake with logs, on a step made by hand; and right beside it the step of a correct node.

use super::{Mistake, ObservedNode, Oracle};
use crate::cluster::{Cluster, Setup};
use crate::input::{Fate, Input, Step};
use crate::network::Flight;
use raft::{
    AppendOutcome, Body, Entry, EntryId, Event, Index, Message, NodeId, Note, Payload, RoleName,
    Session, Term, VoteRequest,
};
use std::panic::Location;

const N1: NodeId = NodeId(1);
const N2: NodeId = NodeId(2);

fn at(index: u64, term: u64) -> EntryId {
    EntryId { index: Index(index), term: Term(term) }
}

/// Returns a node in term 4 with entries of these terms, from place 1.
fn look(role: RoleName, commit: u64, terms: &[u64]) -> ObservedNode {
    let named = |(index, &term): (u64, &u64)| at(index, term);
    let log = [at(0, 0)].into_iter().chain((1..).zip(terms).map(named)).collect();
    ObservedNode { term: Term(4), role, vote: None, commit: Index(commit), log }
}

/// Returns words of term 4.
fn message(from: NodeId, to: NodeId, body: Body) -> Message {
    Message { from, to, term: Some(Term(4)), body }
}

/// Returns entries of these terms behind one.
fn append(from: NodeId, to: NodeId, prev: EntryId, terms: &[u64], commit: u64) -> Message {
    let entry = |(index, &term)| Entry::unplaced(Payload::Noop).at(at(index, term));
    let entries = (prev.index.0 + 1..).zip(terms).map(entry).collect();
    let (commit, session) = (Index(commit), Session::default());
    message(from, to, Body::AppendEntries { prev, entries, commit, session })
}

fn heartbeat(from: NodeId, to: NodeId, commit: u64) -> Message {
    let (commit, session) = (Index(commit), Session::default());
    message(from, to, Body::Heartbeat { commit, session, token: None })
}

/// Three nodes, of which n1 leads term 1 and knows n2 to hold its first entry.
fn cluster() -> Cluster {
    let mut cluster = Cluster::new(Setup::new(3, 0));
    cluster.apply(&Input::Campaign(N1));
    while let Some(flight) = cluster.network().flights().iter().find(|f| {
        let between = |node| f.message.from == node || f.message.to == node;
        between(N1) && between(N2)
    }) {
        let message = flight.message.clone();
        cluster.apply(&Input::Deliver(message));
    }
    cluster
}

/// What happened in a step.
#[derive(Default)]
struct Happened {
    arrived: Option<Message>,
    said: Vec<Message>,
    noted: Vec<Event>,
}

/// Returns the mistake of a node that was and is so.
fn judged(
    id: NodeId,
    before: &ObservedNode,
    after: &ObservedNode,
    happened: Happened,
) -> Option<Mistake> {
    let Happened { arrived, said, noted } = happened;
    let cluster = cluster();
    let flight = |message| Flight { id: 0, message };
    let step = Step {
        node: Some(id),
        gone: arrived.map(|message| (flight(message), Fate::Delivered)).into_iter().collect(),
        sent: said.into_iter().map(flight).collect(),
        notes: noted.into_iter().map(|event| Note { event, at: Location::caller() }).collect(),
        ..cluster.clone().apply(&Input::Heal)
    };
    let wrong = Oracle::default().compare(id, before, after, &step, &cluster)?;
    assert!(wrong.text.starts_with(&id.to_string()), "{}", wrong.text);
    Some(wrong.mistake)
}

/// Returns the mistake of a follower, n2, whose log was and is so, when this arrived.
fn takes(had: &[u64], arrived: Message, has: &[u64]) -> Option<Mistake> {
    let follower = |terms| look(RoleName::Follower, 0, terms);
    let happened = Happened { arrived: Some(arrived), ..Happened::default() };
    judged(N2, &follower(had), &follower(has), happened)
}

#[test]
fn what_a_follower_does_to_its_log() {
    let (had, two) = ([1, 1, 2, 2], at(2, 1));
    let extends = || append(N1, N2, at(4, 2), &[4], 0);
    assert_eq!(takes(&had, extends(), &[1, 1, 2, 2, 4]), None);
    assert_eq!(takes(&had, extends(), &had), None, "it may refuse, or be slow");
    let conflicts = || append(N1, N2, two, &[4], 0);
    assert_eq!(takes(&had, conflicts(), &[1, 1, 4]), None);
    assert_eq!(takes(&had, conflicts(), &[1, 1, 4, 2]), Some(Mistake::KeepsWhatFollowed));
    assert_eq!(takes(&had, conflicts(), &[1, 4]), Some(Mistake::RemovesWhatAgrees));
    let old = || append(N1, N2, two, &[2], 0);
    assert_eq!(takes(&had, old(), &had), None);
    assert_eq!(takes(&had, old(), &[1, 1, 2]), Some(Mistake::RemovesWhatAgrees));
    let behind_another = || append(N1, N2, at(3, 3), &[4], 0);
    assert_eq!(takes(&had, behind_another(), &had), None);
    assert_eq!(takes(&had, behind_another(), &[1, 1]), None, "its third entry is another, too");
    assert_eq!(takes(&had, behind_another(), &[1, 1, 2, 4]), Some(Mistake::TakesWithoutMatch));
    let behind_nothing = append(N1, N2, at(5, 4), &[4], 0);
    let filled = [1, 1, 2, 2, 4, 4];
    assert_eq!(takes(&had, behind_nothing, &filled), Some(Mistake::TakesWithoutMatch));
}

/// Returns the mistake of n2, a follower whose commit index moves to this.
fn commits(arrived: Message, log: &[u64], to: u64) -> Option<Mistake> {
    let (before, after) = (look(RoleName::Follower, 0, log), look(RoleName::Follower, to, log));
    judged(N2, &before, &after, Happened { arrived: Some(arrived), ..Happened::default() })
}

#[test]
fn what_a_follower_takes_to_be_committed() {
    let told = |commit| append(N1, N2, at(2, 1), &[], commit);
    assert_eq!(commits(told(2), &[1, 1, 1], 2), None);
    assert_eq!(commits(told(2), &[1, 1, 1], 3), Some(Mistake::CommitsUnchecked));
    assert_eq!(commits(heartbeat(N1, N2, 1), &[1, 1], 2), Some(Mistake::CommitsUnchecked));
    // n1 leads term 1 of the real cluster, with one entry, 1@1.
    let of_term_1 = Message { term: Some(Term(1)), ..told(1) };
    assert_eq!(commits(of_term_1.clone(), &[1], 1), None);
    assert_eq!(commits(of_term_1, &[2], 1), Some(Mistake::CommitsUnchecked));
}

/// Returns the mistake of n1, a leader that says this, or notes it.
fn leads(had: &[u64], has: &[u64], commit: u64, happened: Happened) -> Option<Mistake> {
    let (before, after) = (look(RoleName::Leader, 0, had), look(RoleName::Leader, commit, has));
    judged(N1, &before, &after, happened)
}

#[test]
fn what_a_leader_commits() {
    let nothing = Happened::default;
    assert_eq!(leads(&[4], &[4], 1, nothing()), None, "n2 holds it as well");
    assert_eq!(leads(&[4, 4], &[4, 4], 2, nothing()), Some(Mistake::CountsTooFew));
    assert_eq!(leads(&[3, 4], &[3, 4], 1, nothing()), Some(Mistake::CountsOldTerm));
}

#[test]
fn what_a_leader_writes() {
    let nothing = Happened::default;
    assert_eq!(leads(&[3], &[3, 4], 0, nothing()), None);
    assert_eq!(leads(&[3], &[3, 3], 0, nothing()), Some(Mistake::StampsAnotherTerm));
}

#[test]
fn what_a_leader_learns() {
    let learns = |outcome: Option<AppendOutcome>, to| {
        let session = Some(Session::default());
        let reply = |outcome| message(N2, N1, Body::AppendReply { outcome, session });
        let arrived = outcome.map(reply);
        let noted = vec![Event::MatchAdvanced { peer: N2, from: Index(0), to: Index(to) }];
        leads(&[4, 4], &[4, 4], 0, Happened { arrived, noted, ..Happened::default() })
    };
    let refused = AppendOutcome::Rejected { prev: Index(2), hint: Index(1), hint_term: None };
    assert_eq!(learns(Some(AppendOutcome::Matched(Index(2))), 2), None);
    let unsaid = Some(Mistake::CountsWhatWasNotSaid);
    assert_eq!(learns(Some(AppendOutcome::Matched(Index(1))), 2), unsaid);
    assert_eq!(learns(Some(refused), 2), unsaid);
    assert_eq!(learns(None, 2), unsaid);
}

#[test]
fn what_a_leader_says() {
    let says = |message| {
        leads(&[3, 4], &[3, 4], 0, Happened { said: vec![message], ..Happened::default() })
    };
    assert_eq!(says(append(N1, N2, at(1, 3), &[4], 0)), None);
    assert_eq!(says(append(N1, N2, at(1, 3), &[], 0)), None);
    let has_not = Some(Mistake::SendsWhatItHasNot);
    assert_eq!(says(append(N1, N2, at(1, 2), &[4], 0)), has_not);
    assert_eq!(says(append(N1, N2, at(1, 3), &[3], 0)), has_not);
    assert_eq!(says(append(N1, N2, at(1, 3), &[4, 4], 0)), has_not);
    let mut gap = append(N1, N2, at(0, 0), &[3, 4], 0);
    if let Body::AppendEntries { entries, .. } = &mut gap.body {
        entries.remove(0);
    }
    assert_eq!(says(gap), has_not);
    let too_much = Some(Mistake::TellsTooMuch);
    assert_eq!(says(append(N1, N2, at(1, 3), &[], 1)), too_much);
    assert_eq!(says(heartbeat(N1, N2, 1)), too_much);
    let knows_two = |message| {
        let said = vec![message];
        let log = [4, 4];
        let before = look(RoleName::Leader, 2, &log);
        judged(N1, &before, &before, Happened { said, ..Happened::default() })
    };
    assert_eq!(knows_two(heartbeat(N1, N2, 1)), None, "n2 is known to hold one");
    assert_eq!(knows_two(heartbeat(N1, N2, 2)), too_much);
}

#[test]
fn what_a_candidate_says_of_its_log() {
    let asks = |last| {
        let body = Body::RequestVote(VoteRequest::new(last));
        let log = look(RoleName::Candidate, 0, &[3]);
        let said = vec![message(N1, N2, body)];
        judged(N1, &log, &log, Happened { said, ..Happened::default() })
    };
    assert_eq!(asks(at(1, 3)), None);
    assert_eq!(asks(at(0, 0)), Some(Mistake::AsksWithAnotherLog));
}
