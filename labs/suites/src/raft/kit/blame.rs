//! Which line to read, or which function if no line decided.
//!
//! ```text
//!   n1 campaigns -> its own vote -> answers counted -> it asks to lead -> it leads
//!      |            |                 |                  |              '-- Raft::become_leader
//!      |            |                 |                  '-- Core::on_vote_reply
//!      |            |                 '-- Core::on_vote_reply, or Raft::update_term
//!      |            '-- Raft::ask_for_votes
//!      '-- Raft::become_candidate            the first link that is missing is to blame
//! ```
//!
//! Whatever a node did has a line: the ledger noted it. What a node failed to do has none. Then the
//! chain of what had to happen names the function that should have done it. This never decides whether
//! a test fails: it only tells where to look.

use super::stage::Stage;
use harness::Place;
use raft::{AppendOutcome, Body, Event, Ignored, NodeId, Note, Raft, RoleName};
use testbed::{Cluster, Input, Step};

/// At most three functions, the likeliest first.
pub(crate) type Names = &'static [&'static str];

/// Where to look.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Blame {
    /// This line decided.
    Line(Place),
    /// No line did: this function should have.
    Function(&'static str),
    /// This function decided, and the line acted on it.
    Decision {
        /// The function that decided.
        function: &'static str,
        /// The line that acted on it.
        acted: Place,
    },
    /// One of these functions decided, the likeliest first.
    OneOf(Names),
}

/// A node has the votes, and does not lead: where to look in a lab that comes after elections.
pub(crate) const NOT_LEADING: Names =
    &["Core::start_term", "Raft::become_leader", "Core::on_vote_reply"];

impl Blame {
    /// Blames this line, or else this function.
    pub(crate) fn line_or(place: Option<Place>, function: &'static str) -> Self {
        place.map_or(Blame::Function(function), Blame::Line)
    }

    fn at(note: &Note) -> Self {
        Blame::Line(Place::from(note.at))
    }
}

/// Says why a node that has the votes, as far as the test knows, does not lead.
pub(crate) fn not_elected(stage: &Stage, id: NodeId) -> Blame {
    let steps = stage.steps();
    let is_own = |step: &&Step| step.node == Some(id);
    let is_campaign = |step: &Step| {
        let asked = |note: &Note| {
            matches!(note.event, Event::RoleChangeAsked { next: RoleName::Candidate })
                || matches!(note.event, Event::RoleEntered { to: RoleName::Candidate, .. })
        };
        step.input == Input::Campaign(id) || step.node == Some(id) && step.notes.iter().any(asked)
    };
    let Some(begun) = steps.iter().rposition(is_campaign) else {
        return Blame::Function("Core::tick_election");
    };
    let since = || steps[begun..].iter().filter(is_own);
    let notes = || since().flat_map(|step| &step.notes);
    let has = |about: &dyn Fn(&Event) -> bool| notes().any(|note| about(&note.event));
    let enters = |role: RoleName| move |event: &Event| matches!(event, Event::RoleEntered { to, .. } if *to == role);
    if !has(&enters(RoleName::Candidate)) {
        return Blame::Function("Raft::become_candidate");
    }
    if has(&|event| matches!(event, Event::RoleChangeAsked { next: RoleName::Leader })) {
        let led = notes().position(|note| enters(RoleName::Leader)(&note.event));
        let Some(led) = led else { return Blame::Function("Raft::become_leader") };
        let leaves = |note: &&Note| {
            matches!(note.event, Event::RoleEntered { .. } | Event::TermEntered { .. })
        };
        let left = notes().skip(led + 1).find(leaves);
        return left.map_or(Blame::Function("Raft::become_leader"), Blame::at);
    }
    let itself = |event: &Event| {
        matches!(event, Event::VoteCounted { voter, .. } if *voter == id)
            || matches!(event, Event::Sent { to, .. } if *to == id)
    };
    if !has(&itself) {
        return Blame::Function("Raft::ask_for_votes");
    }
    if has(&|event| is_wrongly_old(event)) {
        return Blame::Function("Raft::update_term");
    }
    let resigns = notes().find(|note| {
        matches!(note.event, Event::RoleChangeAsked { next: RoleName::Follower })
            || matches!(
                note.event,
                Event::RoleEntered { from: RoleName::Candidate, to: RoleName::Follower }
            )
    });
    let refuses =
        |note: &Note| matches!(note.event, Event::VoteRefused { candidate, .. } if candidate == id);
    let voters = || steps[begun..].iter().flat_map(|step| &step.notes);
    if let Some(refused) = voters().find(|note| refuses(note)) {
        let acted = Place::from(refused.at);
        return Blame::Decision { function: "Core::decide_vote", acted };
    }
    if let Some(note) = resigns {
        // Who asked for it decided; that it was done shows nothing.
        if let Event::RoleEntered { .. } = note.event {
            return Blame::OneOf(&[
                "Raft::update_term",
                "Core::on_vote_reply",
                "Raft::recognize_leader",
            ]);
        }
        return Blame::at(note);
    }
    let counts = |note: &&Note| matches!(note.event, Event::VoteCounted { .. });
    let counted = notes().filter(counts).last();
    counted.map_or(Blame::Function("Core::on_vote_reply"), Blame::at)
}

/// Says where to look if a node leads, or resigns, that must not by the answers it got.
pub(crate) fn elected_wrongly(stage: &Stage, id: NodeId, is_counting: fn(&Event) -> bool) -> Blame {
    let steps = stage.steps();
    let notes = steps.iter().filter(|step| step.node == Some(id)).flat_map(|step| &step.notes);
    let yes = notes.filter(|note| matches!(note.event, Event::VoteCounted { granted: true, .. }));
    let needed = stage.cluster().ids().count() / 2 + 1;
    if stage.leads(id) && yes.count() < needed {
        // The answers were counted as what they are.
        return Blame::OneOf(&["Majority::outcome", "Core::on_vote_reply", "Majority::needed"]);
    }
    Blame::line_or(stage.line(is_counting), "Core::on_vote_reply")
}

/// Returns whether a node took a message of its own term, or of a later one, for an old one.
pub(crate) fn is_wrongly_old(event: &Event) -> bool {
    matches!(
        event,
        Event::MessageIgnored { why: Ignored::OlderTerm { theirs, ours }, .. } if theirs >= ours
    )
}

/// Says why a node gave a wrong answer, or none, to the request that came last.
pub(crate) fn answered_wrongly(stage: &Stage, id: NodeId) -> Blame {
    let has = |about: fn(&Event) -> bool| stage.last_line(about);
    if has(is_wrongly_old).is_some() {
        return Blame::Function("Raft::update_term");
    }
    let granted = has(|event| matches!(event, Event::VoteGranted { .. }));
    let refused = has(|event| matches!(event, Event::VoteRefused { .. }));
    let gives: fn(&Event) -> bool = |event| matches!(event, Event::VoteChanged { to: Some(_), .. });
    let function = "Core::decide_vote";
    match (granted, refused) {
        // It recorded its vote before it decided, and then could only say yes.
        (Some(_), _) if stage.noted_last(gives) > 1 => {
            Blame::line_or(has(gives), "Core::on_request_vote")
        }
        // It knew which node it had voted for.
        (Some(acted), _) if stage.vote_before(id).is_some() => Blame::Decision { function, acted },
        // It did not know: its earlier grant was not recorded.
        (Some(_), _) | (None, None) => Blame::Function("Core::on_request_vote"),
        // It recorded its vote first, and then found it granted.
        (None, Some(_)) if has(gives).is_some() => {
            Blame::line_or(has(gives), "Core::on_request_vote")
        }
        (None, Some(acted)) => match stage.last_line(|event| stage.keeps_vote(id, event)) {
            // It entered a new term with the vote of the old one.
            Some(_) => Blame::line_or(has(is_term), "Raft::become_follower"),
            None => Blame::Decision { function, acted },
        },
    }
}

/// Returns whether an event is about the term.
pub(crate) fn is_term(event: &Event) -> bool {
    matches!(event, Event::TermEntered { .. })
}

/// Says why a node that learned of a later term has not changed.
pub(crate) fn not_deposed(stage: &Stage, id: NodeId) -> Blame {
    let steps = stage.steps();
    let notes = || {
        let own = steps.iter().filter(|step| step.node == Some(id));
        own.flat_map(|step| &step.notes)
    };
    let led = |note: &Note| matches!(note.event, Event::RoleEntered { to: RoleName::Leader, .. });
    let after = notes().position(led).map_or(0, |at| at + 1);
    let entered = notes().skip(after).filter(|note| is_term(&note.event));
    entered.last().map_or(Blame::Function("Raft::update_term"), Blame::at)
}

/// Lists the functions that students write and that an input leads to, the likeliest first: if the step
/// does not end, one of them does not return. Of these a card names only what is written by its step.
pub(crate) fn leads_to(input: &Input, cluster: &Cluster) -> Vec<&'static str> {
    const STAND: [&str; 3] =
        ["Raft::become_candidate", "Raft::ask_for_votes", "Core::on_vote_reply"];
    const COUNT: [&str; 4] = [
        "Core::on_vote_reply",
        "Majority::outcome",
        "Raft::become_leader",
        "Core::bcast_heartbeat",
    ];
    let inspect = |id: &NodeId| cluster.node(*id).map(Raft::inspect);
    let mut functions = Vec::new();
    match input {
        Input::Tick(id) => match inspect(id).map(|node| node.role) {
            Some(RoleName::Leader) => {
                functions.extend(["Core::tick_heartbeat", "Core::bcast_heartbeat"]);
            }
            Some(RoleName::Follower | RoleName::PreCandidate | RoleName::Candidate) | None => {
                functions.extend(["Core::tick_election", "Core::draw_timeout"]);
                functions.extend(STAND);
            }
        },
        Input::Campaign(_) => functions.extend(STAND),
        Input::Persist(_) => functions.extend(COUNT),
        Input::Deliver(message) | Input::Duplicate(message) => {
            let now = inspect(&message.to).map(|node| node.term);
            functions.extend(replicates(&message.body));
            functions.push("Raft::update_term");
            if message.term > now {
                functions.push("Raft::become_follower");
            }
            match message.body {
                Body::RequestVote(_) => {
                    functions.extend(["Core::on_request_vote", "Core::decide_vote"]);
                }
                Body::VoteReply { .. } if message.term == now => functions.extend(COUNT),
                Body::Heartbeat { .. } | Body::AppendEntries { .. } => {
                    functions.extend(["Raft::recognize_leader", "Core::on_heartbeat"]);
                }
                Body::VoteReply { .. }
                | Body::RequestPreVote(_)
                | Body::PreVoteReply { .. }
                | Body::AppendReply { .. }
                | Body::InstallSnapshot { .. }
                | Body::HeartbeatReply { .. }
                | Body::Propose { .. }
                | Body::TransferLeader { .. }
                | Body::TimeoutNow { .. }
                | Body::ReadIndex { .. }
                | Body::ReadIndexReply { .. } => {}
            }
        }
        Input::Drop(_) | Input::Post(_) | Input::Crash(_) | Input::Restart(_) => {}
        Input::Ready(_) | Input::Apply(_) | Input::Read { .. } | Input::Ask { .. } => {}
        Input::Cut { .. } | Input::Mend { .. } | Input::Partition(_) | Input::Heal => {}
        Input::Propose { .. } => functions.extend(PROPOSE),
        Input::PinLimit { .. } | Input::FailRead { .. } => {}
    }
    functions
}

/// What a proposal leads to at a leader.
const PROPOSE: [&str; 3] = ["Core::on_propose", "Core::bcast_append", "Core::send_append"];

/// Lists the functions of lab 2ab that a message leads to.
fn replicates(body: &Body) -> &'static [&'static str] {
    match body {
        Body::AppendEntries { .. } => &["Core::on_append", "Log::maybe_append", "Log::append"],
        Body::AppendReply { outcome: AppendOutcome::Matched(_), .. } => {
            &["Core::on_matched", "Core::send_append", "Progress::maybe_update"]
        }
        Body::AppendReply { .. } => {
            &["Core::on_rejected", "Progress::maybe_decr_to", "Core::send_append"]
        }
        Body::HeartbeatReply { .. } => &["Core::on_heartbeat_reply", "Core::send_append"],
        Body::Propose { .. } => &PROPOSE,
        Body::VoteReply { .. } => &["Core::start_term", "Core::init_progress"],
        Body::Heartbeat { .. } => &["Core::learn_commit"],
        Body::RequestVote(_)
        | Body::RequestPreVote(_)
        | Body::PreVoteReply { .. }
        | Body::InstallSnapshot { .. }
        | Body::TransferLeader { .. }
        | Body::TimeoutNow { .. }
        | Body::ReadIndex { .. }
        | Body::ReadIndexReply { .. } => &[],
    }
}
