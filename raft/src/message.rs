//! Everything nodes say to each other (Fig. 2; thesis §3.10, §6.4, §9.6).
//!
//! ```text
//!   envelope   from  to  term     the sender's term travels with every word of Raft's own
//!   body       one of fourteen    named as in the paper, where the paper has it
//! ```
//!
//! Three facts about a body decide what becomes of it before any handler reads it: is it a PROMISE
//! (it leaves only once what it promises is durable), does it come from a LEADER (only the leader of
//! its term sends it), is it a REPLY (nobody answers a question that we did not ask). Elections use
//! the vote and heartbeat bodies, replication the append bodies and `Propose`; the others are here so
//! that the language is whole, and have no rule yet.

use crate::entry::Entry;
use crate::storage::Snapshot;
use crate::types::{EntryId, Index, NodeId, Term};
use bytes::Bytes;
use std::fmt;

/// One message.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Message {
    /// Who says it.
    pub from: NodeId,
    /// To whom.
    pub to: NodeId,
    /// The sender's term; for a pre-vote and its grant, the term it would campaign in. None for what
    /// carries a client's words and no claim of the sender's: `Propose`, `ReadIndex` and
    /// `ReadIndexReply`.
    pub term: Option<Term>,
    /// What is said.
    pub body: Body,
}

impl Message {
    /// Returns whether this acknowledges, to the same node, all that `earlier` does: then nobody need
    /// hear `earlier`.
    pub(crate) fn acknowledges_all_of(&self, earlier: &Message) -> bool {
        use AppendOutcome::Matched;
        if let Body::AppendReply { outcome: Matched(index), session } = self.body
            && let Body::AppendReply { outcome: Matched(before), session: theirs } = earlier.body
        {
            let same_talk = (self.to, self.term, session) == (earlier.to, earlier.term, theirs);
            return same_talk && index >= before;
        }
        false
    }
}

/// What is said.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Body {
    /// "Would you vote for me?" (thesis §9.6).
    RequestPreVote(VoteRequest),
    /// "I would", or "I would not".
    PreVoteReply {
        /// Whether the voter would.
        granted: bool,
    },
    /// "Vote for me in this term" (Fig. 2 RequestVote).
    RequestVote(VoteRequest),
    /// "You have my vote", or "you have not".
    VoteReply {
        /// Whether the vote is given.
        granted: bool,
    },
    /// "These entries follow that one" (Fig. 2 AppendEntries).
    AppendEntries {
        /// The entry just before the new ones.
        prev: EntryId,
        /// The new ones; none for a probe.
        entries: Vec<Entry>,
        /// How far the leader has committed.
        commit: Index,
        /// Which replication to this peer it belongs to.
        session: Session,
    },
    /// "My log now matches yours up to here", or "it does not".
    AppendReply {
        /// How it went.
        outcome: AppendOutcome,
        /// The session of the append it answers, if it answers one.
        session: Option<Session>,
    },
    /// "Take this image instead of entries I no longer have" (§7).
    InstallSnapshot {
        /// The image.
        snapshot: Box<Snapshot>,
        /// Which replication to this peer it belongs to.
        session: Session,
    },
    /// "I lead this term" (§5.2).
    Heartbeat {
        /// How far the receiver may commit: never beyond what it is known to hold.
        commit: Index,
        /// The round of linearizable reads it confirms, if any (thesis §6.4).
        token: Option<ReadToken>,
        /// Which replication to this peer it belongs to.
        session: Session,
    },
    /// "I still follow you".
    HeartbeatReply {
        /// The heartbeat's token, echoed.
        token: Option<ReadToken>,
        /// The heartbeat's session, echoed.
        session: Session,
    },
    /// A follower hands a client's proposal on to its leader.
    Propose {
        /// The proposal; the leader gives it its place.
        entries: Vec<Entry>,
    },
    /// A follower hands a wish for another leader on to its leader (thesis §3.10).
    TransferLeader {
        /// Who should lead.
        target: NodeId,
    },
    /// "Campaign now, do not wait" (thesis §3.10).
    TimeoutNow,
    /// A follower asks its leader for an index to read at (thesis §6.4).
    ReadIndex {
        /// The reader's mark, returned with the answer.
        context: Bytes,
    },
    /// The leader's answer.
    ReadIndexReply {
        /// The reader's mark.
        context: Bytes,
        /// The index to read at, or why there is none.
        outcome: Result<Index, ReadDropped>,
    },
}

/// A candidate's question (Fig. 2 RequestVote).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct VoteRequest {
    /// The last entry of the candidate's log.
    pub last: EntryId,
    /// Whether the old leader itself asked for this election.
    pub transfer: bool,
}

/// A follower's answer to an append.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum AppendOutcome {
    /// The logs are the same up to here.
    Matched(Index),
    /// The entry before the new ones is not there.
    Rejected {
        /// The place that did not match: it tells which append this answers.
        prev: Index,
        /// The last place where the two logs may agree: the leader might send what follows it.
        hint: Index,
        /// The term of the follower's entry there, if it has one.
        hint_term: Option<Term>,
    },
    /// The term of the append is over: this answer's own term says so. Nobody says it yet, since a
    /// message of the past is not answered; pre-votes will need it.
    NewerTerm,
}

impl AppendOutcome {
    /// Returns the place it speaks of.
    pub(crate) fn index(&self) -> Option<Index> {
        match *self {
            AppendOutcome::Matched(index) => Some(index),
            AppendOutcome::Rejected { prev, .. } => Some(prev),
            AppendOutcome::NewerTerm => None,
        }
    }
}

/// Counts how often a leader began to replicate to one peer, so that words from before the peer was
/// removed and added again are known as such. Always 0 as long as no group can change its members.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Session(pub u64);

/// Names one round of a linearizable read (thesis §6.4).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct ReadToken(pub u64);

/// Why a read ended without an index.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum ReadDropped {
    /// Nobody is known to lead.
    NoLeader,
    /// The leader that was asked leads no more.
    SteppedDown,
    /// No answer came in time.
    TimedOut,
}

impl Body {
    /// Returns whether what this says must be durable before it leaves: votes asked for, votes
    /// given, entries acknowledged.
    pub fn is_promise(&self) -> bool {
        use Body::*;
        match self {
            RequestPreVote(_) | RequestVote(_) | PreVoteReply { .. } => true,
            VoteReply { .. } | AppendReply { .. } => true,
            AppendEntries { .. } | InstallSnapshot { .. } | Heartbeat { .. } => false,
            HeartbeatReply { .. } | Propose { .. } | TransferLeader { .. } | TimeoutNow => false,
            ReadIndex { .. } | ReadIndexReply { .. } => false,
        }
    }

    /// Returns whether only the leader of the message's term can have sent this.
    pub fn is_from_leader(&self) -> bool {
        use Body::*;
        match self {
            AppendEntries { .. } | InstallSnapshot { .. } | Heartbeat { .. } => true,
            RequestPreVote(_) | RequestVote(_) | PreVoteReply { .. } | VoteReply { .. } => false,
            AppendReply { .. } | HeartbeatReply { .. } | Propose { .. } => false,
            TransferLeader { .. } | TimeoutNow | ReadIndex { .. } | ReadIndexReply { .. } => false,
        }
    }

    /// Returns whether this answers a question. An answer from a node that we do not know is an
    /// error; a question is not, for it may know more of the group than we do.
    pub fn is_reply(&self) -> bool {
        use Body::*;
        match self {
            PreVoteReply { .. } | VoteReply { .. } | AppendReply { .. } => true,
            HeartbeatReply { .. } | ReadIndexReply { .. } => true,
            RequestPreVote(_) | RequestVote(_) | AppendEntries { .. } => false,
            InstallSnapshot { .. } | Heartbeat { .. } | Propose { .. } => false,
            TransferLeader { .. } | TimeoutNow | ReadIndex { .. } => false,
        }
    }

    /// Returns the last place in a log that this speaks of: 0 if it speaks of none.
    pub(crate) fn last_place(&self) -> Index {
        use Body::*;
        match self {
            RequestPreVote(ask) | RequestVote(ask) => ask.last.index,
            AppendEntries { prev, commit, .. } => prev.index.max(*commit),
            AppendReply { outcome: AppendOutcome::Rejected { prev, hint, .. }, .. } => {
                *prev.max(hint)
            }
            AppendReply { outcome: AppendOutcome::Matched(index), .. } => *index,
            InstallSnapshot { snapshot, .. } => snapshot.id.index,
            Heartbeat { commit, .. } => *commit,
            ReadIndexReply { outcome: Ok(index), .. } => *index,
            AppendReply { outcome: AppendOutcome::NewerTerm, .. }
            | ReadIndexReply { outcome: Err(_), .. } => Index(0),
            PreVoteReply { .. } | VoteReply { .. } | HeartbeatReply { .. } => Index(0),
            Propose { .. } | TransferLeader { .. } | TimeoutNow | ReadIndex { .. } => Index(0),
        }
    }

    /// Returns which replication this answers, if it answers one.
    pub(crate) fn answers_session(&self) -> Option<Session> {
        use Body::*;
        match self {
            AppendReply { session, .. } => *session,
            HeartbeatReply { session, .. } => Some(*session),
            RequestPreVote(_) | RequestVote(_) | PreVoteReply { .. } | VoteReply { .. } => None,
            AppendEntries { .. } | InstallSnapshot { .. } | Heartbeat { .. } => None,
            Propose { .. } | TransferLeader { .. } | TimeoutNow => None,
            ReadIndex { .. } | ReadIndexReply { .. } => None,
        }
    }

    /// Returns what the envelope's term means for this body.
    pub(crate) fn term_kind(&self) -> TermKind {
        use Body::*;
        match self {
            Propose { .. } | ReadIndex { .. } | ReadIndexReply { .. } => TermKind::Absent,
            RequestPreVote(_) | PreVoteReply { granted: true } => TermKind::Wished,
            PreVoteReply { granted: false } | RequestVote(_) | VoteReply { .. } => {
                TermKind::Senders
            }
            AppendEntries { .. } | AppendReply { .. } | InstallSnapshot { .. } => TermKind::Senders,
            Heartbeat { .. } | HeartbeatReply { .. } => TermKind::Senders,
            TransferLeader { .. } | TimeoutNow => TermKind::Senders,
        }
    }

    /// Returns the body's name, as the paper writes it.
    pub fn kind(&self) -> &'static str {
        use Body::*;
        match self {
            RequestPreVote(_) => "RequestPreVote",
            PreVoteReply { .. } => "PreVoteReply",
            RequestVote(_) => "RequestVote",
            VoteReply { .. } => "VoteReply",
            AppendEntries { .. } => "AppendEntries",
            AppendReply { .. } => "AppendReply",
            InstallSnapshot { .. } => "InstallSnapshot",
            Heartbeat { .. } => "Heartbeat",
            HeartbeatReply { .. } => "HeartbeatReply",
            Propose { .. } => "Propose",
            TransferLeader { .. } => "TransferLeader",
            TimeoutNow => "TimeoutNow",
            ReadIndex { .. } => "ReadIndex",
            ReadIndexReply { .. } => "ReadIndexReply",
        }
    }
}

/// What the envelope's term means.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum TermKind {
    /// The term the sender is in: ours is compared with it.
    Senders,
    /// A term the sender has not entered, and nobody enters by hearing of it (thesis §9.6).
    Wished,
    /// There is none.
    Absent,
}

impl fmt::Display for Message {
    /// Writes `n1->n2 RequestVote t3 last=4@1`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}->{} {}", self.from, self.to, self.body.kind())?;
        if let Some(term) = self.term {
            write!(f, " t{term}")?;
        }
        write!(f, "{}", self.body)
    }
}

impl fmt::Display for Body {
    /// Writes what the kind does not say, each fact after a blank: ` last=4@1`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use Body::*;
        match self {
            RequestPreVote(ask) | RequestVote(ask) => {
                write!(f, " last={}{}", ask.last, if ask.transfer { " transfer" } else { "" })
            }
            PreVoteReply { granted } | VoteReply { granted } => {
                f.write_str(if *granted { " granted" } else { " refused" })
            }
            AppendEntries { prev, entries, commit, .. } => {
                write!(f, " prev={prev} entries={} commit={commit}", entries.len())
            }
            AppendReply { outcome: AppendOutcome::Matched(index), .. } => {
                write!(f, " matched={index}")
            }
            AppendReply { outcome: AppendOutcome::Rejected { prev, hint, .. }, .. } => {
                write!(f, " rejected={prev} hint={hint}")
            }
            AppendReply { outcome: AppendOutcome::NewerTerm, .. } => f.write_str(" newer-term"),
            InstallSnapshot { snapshot, .. } => write!(f, " last={}", snapshot.id),
            Heartbeat { commit, .. } => write!(f, " commit={commit}"),
            Propose { entries } => write!(f, " entries={}", entries.len()),
            TransferLeader { target } => write!(f, " target={target}"),
            ReadIndexReply { outcome: Ok(index), .. } => write!(f, " index={index}"),
            ReadIndexReply { outcome: Err(why), .. } => write!(f, " dropped={why:?}"),
            HeartbeatReply { .. } | TimeoutNow | ReadIndex { .. } => Ok(()),
        }
    }
}
