//! What a step changed, in short: `term 5, vote n2`.
//!
//! ```text
//!   TermEntered { from: 4, to: 5 }    term 5
//!   VoteChanged { n3 -> n2 }          vote n3 -> n2
//!   VoteRefused { voted for n3 }      voted for n3
//! ```

use raft::{Body, Event, Ignored, Message, NodeId, Note, Refusal, RoleName};
use testbed::Input;

/// Says what an input is: `n1 campaigns`.
pub(in crate::raft::kit) fn name(input: &Input) -> String {
    match input {
        Input::Tick(id) => format!("{id} ticks"),
        Input::Campaign(id) => format!("{id} campaigns"),
        Input::Deliver(message) => format!("{message} arrives"),
        Input::Drop(message) => format!("{message} is lost"),
        Input::Duplicate(message) => format!("{message} arrives, and will again"),
        Input::Post(message) => format!("{message} is sent"),
        Input::Persist(id) => format!("{id} writes to disk"),
        Input::Crash(id) => format!("{id} loses power"),
        Input::Restart(id) => format!("{id} starts again"),
        Input::Cut { from, to } => format!("network: {from} -> {to} is cut"),
        Input::Mend { from, to } => format!("network: {from} -> {to} works again"),
        Input::Partition(groups) => {
            let groups: Vec<String> = groups.iter().map(|group| names(group)).collect();
            format!("network: {}", groups.join(" | "))
        }
        Input::Heal => "network: all links work".to_owned(),
        Input::Ready(id) => format!("{id} hands out a Ready"),
        Input::Apply(id) => format!("{id} applies"),
        Input::Propose { node, data } => format!("a client gives {node} {}", data.escape_ascii()),
        Input::Ask { node, request } => format!("{node} is told {request}"),
        Input::Read { node, context } => {
            format!("a client reads {} at {node}", context.escape_ascii())
        }
        Input::FailRead { node, .. } => format!("{node}'s disk will fail a read"),
        Input::PinLimit { node, ticks: Some(ticks) } => format!("{node} timeout is {ticks} ticks"),
        Input::PinLimit { node, ticks: None } => format!("{node} draws its timeout"),
    }
}

/// Lists names: `n1 n2`.
pub(super) fn names(ids: &[NodeId]) -> String {
    ids.iter().map(NodeId::to_string).collect::<Vec<_>>().join(" ")
}

/// Returns the node that an input happens to.
pub(super) fn node_of(input: &Input) -> Option<NodeId> {
    match input {
        Input::Tick(id) | Input::Campaign(id) | Input::Persist(id) => Some(*id),
        Input::Crash(id) | Input::Restart(id) | Input::PinLimit { node: id, .. } => Some(*id),
        Input::Propose { node: id, .. } | Input::FailRead { node: id, .. } => Some(*id),
        Input::Ready(id) | Input::Apply(id) | Input::Read { node: id, .. } => Some(*id),
        Input::Ask { node: id, .. } => Some(*id),
        Input::Deliver(message) | Input::Drop(message) => Some(message.to),
        Input::Duplicate(message) => Some(message.to),
        Input::Post(message) => Some(message.from),
        Input::Cut { .. } | Input::Mend { .. } | Input::Partition(_) | Input::Heal => None,
    }
}

/// Writes a message in short: `granted t1`.
pub(super) fn label(message: &Message) -> String {
    let word = match message.body {
        Body::VoteReply { granted: true, .. } => "granted",
        Body::VoteReply { granted: false, .. } => "refused",
        Body::RequestPreVote(_)
        | Body::PreVoteReply { .. }
        | Body::RequestVote(_)
        | Body::AppendEntries { .. }
        | Body::AppendReply { .. }
        | Body::InstallSnapshot { .. }
        | Body::Heartbeat { .. }
        | Body::HeartbeatReply { .. }
        | Body::Propose { .. }
        | Body::TransferLeader { .. }
        | Body::TimeoutNow { .. }
        | Body::ReadIndex { .. }
        | Body::ReadIndexReply { .. } => message.body.kind(),
    };
    message.term.map_or_else(|| word.to_owned(), |term| format!("{word} t{term}"))
}

/// Returns whether the step changed nothing: it could happen again and again.
pub(super) fn are_quiet(notes: &[Note]) -> bool {
    notes.iter().all(|note| match note.event {
        Event::TimerReset { .. } | Event::Sent { .. } | Event::RoleChangeAsked { .. } => true,
        Event::MessageIgnored { .. } => true,
        Event::RoleEntered { from, to } => from == to,
        Event::TermEntered { .. } | Event::VoteChanged { .. } | Event::LeaderChanged { .. } => {
            false
        }
        Event::VoteGranted { .. } | Event::VoteRefused { .. } => false,
        Event::VoteCounted { .. } => false,
        Event::PreVoteGranted { .. } | Event::PreVoteRefused { .. } => true,
        Event::QuorumLost { .. } | Event::LeaseSuspended { .. } => false,
        Event::TransferBegan { .. } | Event::TransferEnded { .. } => false,
        Event::SnapshotSent { .. } | Event::SnapshotGivenUp { .. } => false,
        Event::SnapshotPending { .. } | Event::SnapshotWanted { .. } => true,
        Event::SnapshotRestored { .. } | Event::MembersChanged { .. } => false,
        Event::SnapshotRefused { .. } | Event::CampaignPostponed { .. } => true,
        Event::ChangeReplaced { .. } | Event::JointLeft { .. } => false,
        Event::EntriesAppended { .. } | Event::LogTruncated { .. } => false,
        Event::AppendRefused { .. } | Event::EntriesCompacted { .. } => true,
        Event::CommitAdvanced { .. } | Event::MatchAdvanced { .. } => false,
        Event::CommitWithheld { .. } | Event::AppliedAhead { .. } => true,
        Event::AcknowledgementDenied { .. } | Event::EntriesPending { .. } => true,
        Event::ReadRoundBegan { .. } | Event::ReadRoundConfirmed { .. } => false,
        Event::ReadEnded { .. } | Event::Halted { .. } => false,
        Event::NextWentBack { .. } | Event::Probes { .. } | Event::Replicates { .. } => false,
    })
}

/// Says what changed at `node`, and the note with its line: the last one shown. Two facts
/// are not shown: a candidate counts its own vote, and a new term begins without one.
pub(super) fn told(node: Option<NodeId>, notes: &[Note]) -> Option<(String, &Note)> {
    let in_new_term = notes.iter().any(|note| matches!(note.event, Event::TermEntered { .. }));
    let is_plain = |event: &Event| {
        matches!(event, Event::VoteCounted { voter, .. } if Some(*voter) == node)
            || in_new_term && matches!(event, Event::VoteChanged { to: None, .. })
    };
    let notes = || notes.iter().filter(|note| !is_plain(&note.event));
    let told: Vec<(String, &Note)> =
        notes().filter_map(|note| Some((fact(&note.event)?, note))).collect();
    if let Some((_, last)) = told.last() {
        let text: Vec<&str> = told.iter().map(|(fact, _)| fact.as_str()).collect();
        return Some((text.join(", "), last));
    }
    let reset = notes().rfind(|note| matches!(note.event, Event::TimerReset { .. }))?;
    Some(("resets its timer".to_owned(), reset))
}

/// Says one fact.
fn fact(event: &Event) -> Option<String> {
    match event {
        Event::TermEntered { to, .. } => Some(format!("term {to}")),
        Event::VoteChanged { from: Some(from), to: Some(to) } => {
            Some(format!("vote {from} -> {to}"))
        }
        Event::VoteChanged { from: None, to: Some(to) } => Some(format!("vote {to}")),
        Event::VoteChanged { to: None, .. } => Some("no vote".to_owned()),
        Event::LeaderChanged { to: Some(leader), .. } => Some(format!("leader {leader}")),
        Event::RoleEntered { from, to } if from != to => Some(match to {
            RoleName::Leader => "it leads".to_owned(),
            RoleName::Follower | RoleName::PreCandidate | RoleName::Candidate => to.to_string(),
        }),
        Event::VoteRefused { why: Refusal::VotedFor(other), .. } => {
            Some(format!("voted for {other}"))
        }
        Event::VoteRefused { why: Refusal::LogIsNewer { .. }, .. } => {
            Some("our log is newer".to_owned())
        }
        Event::VoteRefused { why: Refusal::LeaderKnown(leader), .. } => {
            Some(format!("{leader} leads"))
        }
        Event::VoteRefused { why: Refusal::TermIsOver { .. }, .. } => Some("too old".to_owned()),
        Event::VoteRefused { why: Refusal::LowerPriority { .. }, .. } => {
            Some("our priority is higher".to_owned())
        }
        Event::PreVoteGranted { candidate } => Some(format!("would vote {candidate}")),
        Event::PreVoteRefused { candidate, .. } => Some(format!("no vote for {candidate}")),
        Event::QuorumLost { .. } => Some("hears no majority".to_owned()),
        Event::LeaseSuspended { .. } => Some("no lease".to_owned()),
        Event::TransferBegan { target } => Some(format!("hands over to {target}")),
        Event::TransferEnded { .. } => Some("goes on to lead".to_owned()),
        Event::SnapshotSent { peer, last } => Some(format!("{peer} gets snapshot {last}")),
        Event::SnapshotRestored { last } => Some(format!("snapshot {last}")),
        Event::SnapshotRefused { last, .. } => Some(format!("not snapshot {last}")),
        Event::MembersChanged { voters, .. } => Some(format!("{voters} voters")),
        Event::ChangeReplaced { .. } => Some("no change now".to_owned()),
        Event::JointLeft { index } => Some(format!("leaves the joint group in {index}")),
        Event::CampaignPostponed { .. } => Some("must apply first".to_owned()),
        Event::VoteCounted { voter, granted } => {
            Some(format!("{voter} {}", if *granted { "yes" } else { "no" }))
        }
        Event::MessageIgnored { why, .. } => Some(ignored(why).to_owned()),
        Event::EntriesAppended { last, .. } => Some(format!("writes {last}")),
        Event::LogTruncated { from, last } => Some(format!("removes {from} to {last}")),
        Event::AppendRefused { prev, .. } => Some(format!("lacks {prev}")),
        Event::CommitAdvanced { from, to } => Some(format!("commit {from} -> {to}")),
        Event::CommitWithheld { at } => Some(format!("does not count {at}")),
        Event::MatchAdvanced { peer, to, .. } => Some(format!("{peer} holds {to}")),
        Event::NextWentBack { peer, to, .. } => Some(format!("{peer} from {to}")),
        Event::ReadRoundBegan { token, .. } => Some(format!("asks in round {}", token.0)),
        Event::ReadRoundConfirmed { index, .. } => Some(format!("reads at {index}")),
        Event::ReadEnded { .. } => Some("a read ends".to_owned()),
        Event::Halted { read } => Some(format!("halts: cannot read {read}")),
        Event::Probes { .. }
        | Event::AcknowledgementDenied { .. }
        | Event::EntriesPending { .. }
        | Event::Replicates { .. }
        | Event::EntriesCompacted { .. }
        | Event::SnapshotPending { .. }
        | Event::SnapshotGivenUp { .. }
        | Event::SnapshotWanted { .. }
        | Event::AppliedAhead { .. }
        | Event::LeaderChanged { to: None, .. }
        | Event::RoleEntered { .. }
        | Event::TimerReset { .. }
        | Event::RoleChangeAsked { .. }
        | Event::VoteGranted { .. }
        | Event::Sent { .. } => None,
    }
}

fn ignored(why: &Ignored) -> &'static str {
    match why {
        Ignored::OlderTerm { .. } => "too old",
        Ignored::NoTermAbove { .. } => "no term above",
        Ignored::RivalLeader => "ignored: it leads",
        Ignored::NotOurRole { .. } => "ignored: not its role",
        Ignored::OtherSession => "ignored: before it came back",
        Ignored::LeaderIsAlive { .. } => "ignored: the leader works",
        Ignored::CannotLead => "ignored: cannot lead",
        Ignored::OtherLog { .. } => "ignored: other log",
        Ignored::ReadIsOver => "ignored: that read ended",
    }
}
