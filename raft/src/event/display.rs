//! What an event says to a person: the end of a sentence about the node.

use super::{Event, Ignored, Refusal, SnapshotRefusal};
use std::fmt;

/// Writes what happened as the end of a sentence about the node: "n2" + " enters term 3".
impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Event::TermEntered { from, to } => write!(f, "enters term {to} (was in {from})"),
            Event::VoteChanged { to: Some(to), .. } => write!(f, "votes for {to}"),
            Event::VoteChanged { to: None, .. } => write!(f, "has granted no vote in this term"),
            Event::LeaderChanged { to: Some(to), .. } => write!(f, "follows {to}"),
            Event::LeaderChanged { to: None, .. } => write!(f, "knows no leader"),
            Event::TimerReset { after_ticks } => {
                write!(f, "restarts its election timer, after {after_ticks} ticks")
            }
            Event::RoleChangeAsked { next } => write!(f, "is to become {next}"),
            Event::RoleEntered { from, to } => write!(f, "changes from {from} to {to}"),
            Event::VoteGranted { candidate } => write!(f, "grants its vote to {candidate}"),
            Event::VoteRefused { candidate, why } => write!(f, "refuses {candidate}: {why}"),
            Event::PreVoteGranted { candidate } => write!(f, "would vote for {candidate}"),
            Event::PreVoteRefused { candidate, why } => {
                write!(f, "would not vote for {candidate}: {why}")
            }
            Event::VoteCounted { voter, granted: true } => write!(f, "counts {voter}'s yes"),
            Event::VoteCounted { voter, granted: false } => write!(f, "counts {voter}'s no"),
            Event::EntriesAppended { first, last } if first == last => {
                write!(f, "writes entry {last} to its log")
            }
            Event::EntriesAppended { first, last } => {
                write!(f, "writes entries {first} to {last} to its log")
            }
            Event::LogTruncated { from, last } if from == last => {
                write!(f, "removes entry {from}: the leader has another there")
            }
            Event::LogTruncated { from, last } => {
                write!(f, "removes entries {from} to {last}: the leader has others there")
            }
            Event::AppendRefused { prev, hint } => {
                write!(f, "refuses entries after {prev}: it does not hold that; try after {hint}")
            }
            Event::CommitAdvanced { from, to } => write!(f, "moves its commit {from} -> {to}"),
            Event::CommitWithheld { at } => {
                write!(f, "does not commit {at}: a majority holds it, but it is of an earlier term")
            }
            Event::MatchAdvanced { peer, from, to } => {
                write!(f, "learns that {peer} holds its log up to {to} (was {from})")
            }
            Event::NextWentBack { peer, from, to } => {
                write!(f, "goes back from {from} to {to} for {peer}")
            }
            Event::Probes { peer, next } => write!(f, "probes {peer} from {next} on"),
            Event::Replicates { peer, next } => write!(f, "streams to {peer} from {next} on"),
            Event::AcknowledgementDenied { peer, index } => write!(
                f,
                "hears that {peer} lacks entry {index}, which {peer} had acknowledged: its disk was \
                 lost, or this answer is an old one"
            ),
            Event::EntriesCompacted { peer, index } => {
                write!(f, "cannot send {peer} what it lacks: entry {index} is compacted")
            }
            Event::EntriesPending { peer, index } => {
                write!(f, "cannot send {peer} what it lacks yet: entry {index} is being fetched")
            }
            Event::ReadRoundBegan { token, index } => {
                write!(f, "asks in round {} whether it still leads, to read at {index}", token.0)
            }
            Event::ReadRoundConfirmed { token, index } => {
                write!(f, "still led when round {} began: its reads read at {index}", token.0)
            }
            Event::ReadEnded { why } => write!(f, "ends a read without an index: {why}"),
            Event::TransferBegan { target } => write!(f, "is to hand its leadership to {target}"),
            Event::TransferEnded { target } => {
                write!(f, "goes on to lead: the transfer to {target} has ended")
            }
            Event::QuorumLost { heard, of } => {
                write!(f, "has heard from no majority for an election timeout: {heard} of {of}")
            }
            Event::LeaseSuspended { last } => {
                write!(f, "trusts its lease again once an entry after {last} is committed")
            }
            Event::SnapshotSent { peer, last } => write!(f, "sends {peer} a snapshot up to {last}"),
            Event::SnapshotPending { peer } => {
                write!(f, "cannot send {peer} a snapshot yet: none covers enough")
            }
            Event::SnapshotGivenUp { peer, next } => {
                write!(f, "does not wait for {peer}'s snapshot any more: probes from {next} on")
            }
            Event::SnapshotWanted { peer, at_least } => {
                write!(f, "hears that {peer} wants a snapshot that covers {at_least}")
            }
            Event::SnapshotRestored { last } => {
                write!(f, "replaces its log by a snapshot up to {last}")
            }
            Event::SnapshotRefused { last, why } => {
                write!(f, "does not install the snapshot up to {last}: {why}")
            }
            Event::MembersChanged { voters, outgoing: 0, learners } => {
                write!(f, "has a group of {voters} voters and {learners} learners now")
            }
            Event::MembersChanged { voters, outgoing, learners } => write!(
                f,
                "has a joint group now: {voters} new voters, {outgoing} old ones, {learners} learners"
            ),
            Event::ChangeReplaced { why } => {
                write!(f, "writes an empty entry in place of a change of the group: {why}")
            }
            Event::JointLeft { index } => {
                write!(f, "proposes in entry {index} to leave the joint configuration")
            }
            Event::CampaignPostponed { change } => write!(
                f,
                "does not campaign: entry {change} changes the group, and is committed, not applied"
            ),
            Event::Halted { read } => write!(f, "halts: it could not read {read}"),
            Event::AppliedAhead { applied, commit } => {
                write!(f, "starts with applied {applied} beyond its saved commit {commit}")
            }
            Event::Sent { to, kind } => write!(f, "sends {kind} to {to}"),
            Event::MessageIgnored { from, kind, why } => match why {
                Ignored::OlderTerm { theirs, ours } => {
                    write!(f, "ignores {kind} from {from}: term {theirs} is over, this is {ours}")
                }
                Ignored::NoTermAbove { theirs } => {
                    write!(f, "ignores {kind} from {from}: no term is left above {theirs}")
                }
                Ignored::RivalLeader => {
                    write!(f, "ignores {kind} from {from}: it leads this term itself")
                }
                Ignored::NotOurRole { role } => {
                    write!(f, "ignores {kind} from {from}: it is a {role} now")
                }
                Ignored::OtherSession => {
                    write!(f, "ignores {kind} from {from}: it is from before the peer came back")
                }
                Ignored::LeaderIsAlive { ticks_left } => write!(
                    f,
                    "ignores {kind} from {from}: a leader may count on it (ticks left: {ticks_left})"
                ),
                Ignored::CannotLead => write!(f, "ignores {kind} from {from}: it cannot lead"),
                Ignored::OtherLog { theirs, ours } => {
                    write!(
                        f,
                        "ignores {kind} from {from}: it is about {theirs}, the log ends in {ours}"
                    )
                }
                Ignored::ReadIsOver => {
                    write!(f, "ignores {kind} from {from}: that read has ended")
                }
            },
        }
    }
}

/// Writes the reason, after the name of the candidate.
impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refusal::VotedFor(other) => write!(f, "it voted for {other} in this term"),
            Refusal::LogIsNewer { ours, theirs } => {
                write!(f, "its last entry {theirs} is behind {ours}")
            }
            Refusal::LowerPriority { ours, theirs } => {
                write!(
                    f,
                    "its priority {} is below {}, and the logs are the same",
                    theirs.0, ours.0
                )
            }
            Refusal::LeaderKnown(leader) => write!(f, "{leader} leads this term"),
            Refusal::TermIsOver { theirs, ours } => {
                write!(f, "term {theirs} is over, this is {ours}")
            }
        }
    }
}

/// Writes the reason, after the name of the snapshot.
impl fmt::Display for SnapshotRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SnapshotRefusal::Committed { commit } => {
                write!(f, "everything up to {commit} is committed here")
            }
            SnapshotRefusal::InOurLog => write!(f, "that entry is in its log"),
            SnapshotRefusal::WithoutUs => write!(f, "this node is not among its members"),
        }
    }
}
