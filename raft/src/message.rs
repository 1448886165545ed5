//! Everything nodes say to each other (Fig. 2; thesis §3.10, §6.4, §9.6).
//!
//! ```text
//!   envelope   from  to  term     the sender's term travels with every message of Raft's own
//!   body       one of fourteen    named as in the paper, where the paper has it
//! ```
//!
//! [`Body::traits`] is one table with one row a body. It says what a node must know before any handler
//! reads the body: is it a PROMISE (it leaves only once what it promises is durable), does it come from
//! a LEADER (only the leader of its term sends it), is it a REPLY (to a question that this node asked),
//! and what does the term of its envelope mean.

use crate::entry::Entry;
use crate::state::Snapshot;
use crate::types::{EntryId, Index, NodeId, Term};
use bytes::Bytes;
use std::fmt;

/// One message.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Message {
    /// The sender.
    pub from: NodeId,
    /// The receiver.
    pub to: NodeId,
    /// The sender's term; for a pre-vote and its grant, the term it would campaign in. None for what
    /// only carries a client's or an operator's words: `Propose`, `TransferLeader`, `ReadIndex` and
    /// `ReadIndexReply`.
    pub term: Option<Term>,
    /// What is said.
    #[cfg_attr(feature = "serde", serde(flatten))]
    pub body: Body,
}

impl Message {
    /// Returns whether this acknowledges, to the same node, all that `earlier` does: then `earlier`
    /// need not be sent.
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
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(tag = "kind", content = "body"))]
pub enum Body {
    /// "Would you vote for me?" (thesis §9.6).
    RequestPreVote(VoteRequest),
    /// "I would", or "I would not".
    PreVoteReply {
        /// Whether the voter would.
        granted: bool,
        /// With a refusal, the entry at the voter's commit index, if its settings name it.
        #[cfg_attr(feature = "serde", serde(default, skip_serializing_if = "Option::is_none"))]
        commit: Option<EntryId>,
    },
    /// "Vote for me in this term" (Fig. 2 RequestVote).
    RequestVote(VoteRequest),
    /// "You have my vote", or "you do not".
    VoteReply {
        /// Whether the vote is granted.
        granted: bool,
        /// With a refusal, the entry at the voter's commit index, if its settings name it.
        #[cfg_attr(feature = "serde", serde(default, skip_serializing_if = "Option::is_none"))]
        commit: Option<EntryId>,
    },
    /// "These entries follow that one" (Fig. 2 AppendEntries).
    AppendEntries {
        /// The entry just before the new ones.
        prev: EntryId,
        /// The new ones; none in an append that only asks.
        entries: Vec<Entry>,
        /// The leader's commit index.
        commit: Index,
        /// The session of the replication to this peer.
        session: Session,
    },
    /// "My log matches yours up to here", or "it does not".
    AppendReply {
        /// The result.
        outcome: AppendOutcome,
        /// The session of the append it answers, if it answers one.
        session: Option<Session>,
    },
    /// "Take this snapshot instead of entries that I no longer have" (§7).
    InstallSnapshot {
        /// The snapshot.
        snapshot: Box<Snapshot>,
        /// The session of the replication to this peer.
        session: Session,
    },
    /// "I lead this term" (§5.2).
    Heartbeat {
        /// How far the receiver may commit: never beyond what it is known to hold.
        commit: Index,
        /// The round of linearizable reads it confirms, if any (thesis §6.4).
        token: Option<ReadToken>,
        /// The session of the replication to this peer.
        session: Session,
    },
    /// "I still follow you".
    HeartbeatReply {
        /// The heartbeat's token, echoed.
        token: Option<ReadToken>,
        /// The heartbeat's session, echoed.
        session: Session,
    },
    /// A follower forwards a client's proposal to its leader.
    Propose {
        /// The proposal; the leader gives it its index and term.
        entries: Vec<Entry>,
    },
    /// A follower forwards a request to transfer leadership to its leader (thesis §3.10).
    TransferLeader {
        /// The node that should lead.
        target: NodeId,
    },
    /// "Campaign now, do not wait" (thesis §3.10).
    TimeoutNow {
        /// The last entry of the leader's log, which the receiver has.
        last: EntryId,
    },
    /// A follower asks its leader for an index to read at (thesis §6.4).
    ReadIndex {
        /// The follower's own number of this read, returned with the answer.
        attempt: ReadAttempt,
        /// The reader's mark, returned with the answer.
        #[cfg_attr(feature = "serde", serde(with = "crate::serialize::hex"))]
        context: Bytes,
    },
    /// The leader's answer.
    ReadIndexReply {
        /// The number that the question carried.
        attempt: ReadAttempt,
        /// The mark that the question carried.
        #[cfg_attr(feature = "serde", serde(with = "crate::serialize::hex"))]
        context: Bytes,
        /// The index to read at, or why there is none.
        outcome: Result<Index, ReadDropped>,
    },
}

/// A candidate's question (Fig. 2 RequestVote).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct VoteRequest {
    /// The last entry of the candidate's log.
    pub last: EntryId,
    /// Whether the old leader itself asked for this election.
    pub transfer: bool,
    /// The entry at the candidate's commit index, if its settings name it (`commit_by_vote`): the log is
    /// committed up to there.
    #[cfg_attr(feature = "serde", serde(default, skip_serializing_if = "Option::is_none"))]
    pub commit: Option<EntryId>,
    /// The candidate's priority.
    #[cfg_attr(feature = "serde", serde(default, skip_serializing_if = "Priority::is_usual"))]
    pub priority: Priority,
}

impl VoteRequest {
    /// Returns the question of a candidate whose log ends in `last`. What its settings let it say besides
    /// is added when the question leaves.
    pub fn new(last: EntryId) -> Self {
        VoteRequest { last, transfer: false, commit: None, priority: Priority::default() }
    }
}

/// How much an owner wants a node to lead. Of two candidates with equal logs, a voter prefers the one with
/// the higher priority.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Priority(pub u64);

impl Priority {
    /// Returns whether it is the one that every node has if its settings name no other.
    pub fn is_usual(&self) -> bool {
        *self == Priority::default()
    }
}

/// A follower's answer to an append.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
pub enum AppendOutcome {
    /// The logs are the same up to here.
    Matched(Index),
    /// The entry before the new ones is not in the follower's log.
    Rejected {
        /// The index that did not match: it tells which append this answers.
        prev: Index,
        /// The last index at which the two logs may agree: the leader may send what follows it.
        hint: Index,
        /// The term of the follower's entry there, if it has one.
        hint_term: Option<Term>,
    },
    /// The follower takes no entries: its owner wants a snapshot.
    SnapshotWanted {
        /// The index that the snapshot must cover.
        at_least: Index,
    },
    /// The term of the append or heartbeat is over: this answer's own term says so. Sent only where nodes
    /// may ignore vote requests (`check_quorum`, `pre_vote`); else a message of an older term is not
    /// answered.
    NewerTerm,
}

impl AppendOutcome {
    /// Returns the index that the answer is about.
    pub(crate) fn index(&self) -> Option<Index> {
        match *self {
            AppendOutcome::Matched(index) => Some(index),
            AppendOutcome::Rejected { prev, .. } => Some(prev),
            AppendOutcome::SnapshotWanted { at_least } => Some(at_least),
            AppendOutcome::NewerTerm => None,
        }
    }
}

/// Counts how often a leader began to replicate to one peer. So an answer from before the peer was
/// removed and added again is recognized. 0 for the members that a leader has when it is elected.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Session(pub u64);

/// The id of one round of a linearizable read (thesis §6.4).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct ReadToken(pub u64);

/// Numbers the reads that a node forwards. So an answer that comes late is not taken for the answer to
/// another read with the same mark. A node that restarts counts from 1 again.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct ReadAttempt(pub u64);

/// How a read ended. Every read that was asked for ends once.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct ReadState {
    /// The mark that the application gave it.
    #[cfg_attr(feature = "serde", serde(with = "crate::serialize::hex"))]
    pub context: Bytes,
    /// The index to read at: serve the read once everything up to it is applied. Or why there is none:
    /// ask again.
    pub outcome: Result<Index, ReadDropped>,
}

/// Why a read ended without an index.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
pub enum ReadDropped {
    /// No leader is known.
    NoLeader,
    /// The leader that was asked leads no more.
    SteppedDown,
    /// No answer came in time: in the length of two of the shortest election timeouts.
    TimedOut,
    /// Too many reads wait already.
    TooMany,
}

/// What a node must know of a body before it reads it. [`Body::traits`] has one row a body.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BodyTraits {
    /// The name, as the paper writes it.
    pub name: &'static str,
    /// Whether what the body says must be durable before it leaves: a vote that is asked for or
    /// granted, entries that are acknowledged.
    pub is_promise: bool,
    /// Whether only the leader of the message's term can have sent it.
    pub is_from_leader: bool,
    /// Whether it answers a question that only members are asked. Such a reply from a node that is not a
    /// member is an error; a question is not, because the sender may know of a change of the group that
    /// this node does not know yet. (A leader answers reads of nodes that do not know their group yet, so
    /// that this answer is none of these: it counts if it comes from the node that was asked.)
    pub is_reply: bool,
    /// What the envelope's term means.
    pub(crate) term: TermKind,
}

/// What the envelope's term means.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum TermKind {
    /// The term of the sender, at least 1: the receiver compares it with its own.
    Senders,
    /// As `Senders`, and 0 is possible: a node that has seen no election may refuse a pre-vote.
    SendersOrZero,
    /// The term in which the sender would campaign. Nobody enters it by hearing of it (thesis §9.6).
    Campaign,
    /// There is none.
    Absent,
}

impl Body {
    /// Returns the answer to a candidate.
    pub fn vote_reply(granted: bool) -> Self {
        Body::VoteReply { granted, commit: None }
    }

    /// Returns the answer to a node that asks whether it would win.
    pub fn pre_vote_reply(granted: bool) -> Self {
        Body::PreVoteReply { granted, commit: None }
    }

    /// Returns the same, and if it asks for a vote or refuses one, with what the sender's settings let it say
    /// besides.
    #[expect(clippy::wildcard_enum_match_arm, reason = "only these bodies say more")]
    pub(crate) fn saying(mut self, priority: Priority, named: Option<EntryId>) -> Self {
        match &mut self {
            Body::RequestPreVote(ask) | Body::RequestVote(ask) => {
                (ask.priority, ask.commit) = (priority, named);
            }
            Body::PreVoteReply { granted: false, commit }
            | Body::VoteReply { granted: false, commit } => *commit = named,
            _ => {}
        }
        self
    }

    /// Returns the entry that the sender knows to be committed, if it says so in a vote.
    #[expect(clippy::wildcard_enum_match_arm, reason = "only these bodies say so")]
    pub(crate) fn named_commit(&self) -> Option<EntryId> {
        match self {
            Body::RequestPreVote(ask) | Body::RequestVote(ask) => ask.commit,
            Body::PreVoteReply { commit, .. } | Body::VoteReply { commit, .. } => *commit,
            _ => None,
        }
    }

    /// Returns the body's row in the table of bodies. What a row leaves out is "no"; the term is usually
    /// the sender's.
    pub fn traits(&self) -> &'static BodyTraits {
        use Body::*;
        use TermKind::*;
        const PLAIN: BodyTraits = BodyTraits {
            name: "",
            is_promise: false,
            is_from_leader: false,
            is_reply: false,
            term: Senders,
        };
        const PROMISE: BodyTraits = BodyTraits { is_promise: true, ..PLAIN };
        const PROMISED_REPLY: BodyTraits = BodyTraits { is_reply: true, ..PROMISE };
        const REPLY: BodyTraits = BodyTraits { is_reply: true, ..PLAIN };
        const FROM_LEADER: BodyTraits = BodyTraits { is_from_leader: true, ..PLAIN };
        match self {
            RequestPreVote(_) => &BodyTraits { name: "RequestPreVote", term: Campaign, ..PROMISE },
            PreVoteReply { granted: true, .. } => {
                &BodyTraits { name: "PreVoteReply", term: Campaign, ..PROMISED_REPLY }
            }
            PreVoteReply { granted: false, .. } => {
                &BodyTraits { name: "PreVoteReply", term: SendersOrZero, ..PROMISED_REPLY }
            }
            RequestVote(_) => &BodyTraits { name: "RequestVote", ..PROMISE },
            VoteReply { .. } => &BodyTraits { name: "VoteReply", ..PROMISED_REPLY },
            AppendEntries { .. } => &BodyTraits { name: "AppendEntries", ..FROM_LEADER },
            AppendReply { .. } => &BodyTraits { name: "AppendReply", ..PROMISED_REPLY },
            InstallSnapshot { .. } => &BodyTraits { name: "InstallSnapshot", ..FROM_LEADER },
            Heartbeat { .. } => &BodyTraits { name: "Heartbeat", ..FROM_LEADER },
            HeartbeatReply { .. } => &BodyTraits { name: "HeartbeatReply", ..REPLY },
            Propose { .. } => &BodyTraits { name: "Propose", term: Absent, ..PLAIN },
            TransferLeader { .. } => &BodyTraits { name: "TransferLeader", term: Absent, ..PLAIN },
            TimeoutNow { .. } => &BodyTraits { name: "TimeoutNow", ..FROM_LEADER },
            ReadIndex { .. } => &BodyTraits { name: "ReadIndex", term: Absent, ..PLAIN },
            ReadIndexReply { .. } => &BodyTraits { name: "ReadIndexReply", term: Absent, ..PLAIN },
        }
    }

    /// Returns the body's name, as the paper writes it.
    pub fn kind(&self) -> &'static str {
        self.traits().name
    }

    /// Returns the highest index of a log that the body is about: 0 if it is about none.
    #[expect(clippy::wildcard_enum_match_arm, reason = "only these bodies are about an index")]
    pub(crate) fn max_index(&self) -> Index {
        use AppendOutcome::*;
        match self {
            Body::AppendEntries { prev, commit, .. } => prev.index.max(*commit),
            Body::AppendReply { outcome: Matched(index), .. } => *index,
            Body::AppendReply { outcome: Rejected { prev, hint, .. }, .. } => *prev.max(hint),
            Body::AppendReply { outcome: SnapshotWanted { at_least }, .. } => *at_least,
            Body::Heartbeat { commit, .. } => *commit,
            Body::RequestPreVote(ask) | Body::RequestVote(ask) => {
                ask.commit.map_or(ask.last.index, |commit| commit.index.max(ask.last.index))
            }
            Body::PreVoteReply { commit, .. } | Body::VoteReply { commit, .. } => {
                commit.map_or(Index(0), |commit| commit.index)
            }
            Body::TimeoutNow { last } => last.index,
            Body::InstallSnapshot { snapshot, .. } => snapshot.id.index,
            Body::ReadIndexReply { outcome: Ok(index), .. } => *index,
            _ => Index(0),
        }
    }

    /// Returns the ids of the entries that the body names as being in a log: two at most.
    #[expect(clippy::wildcard_enum_match_arm, reason = "only these bodies name an entry")]
    pub(crate) fn entry_ids(&self) -> impl Iterator<Item = EntryId> {
        use AppendOutcome::*;
        let named = match self {
            Body::AppendEntries { prev, .. } => [Some(*prev), None],
            Body::AppendReply { outcome: Rejected { hint, hint_term, .. }, .. } => {
                [hint_term.map(|term| EntryId { term, index: *hint }), None]
            }
            Body::RequestPreVote(ask) | Body::RequestVote(ask) => [Some(ask.last), ask.commit],
            Body::PreVoteReply { commit, .. } | Body::VoteReply { commit, .. } => [*commit, None],
            Body::TimeoutNow { last } => [Some(*last), None],
            Body::InstallSnapshot { snapshot, .. } => [Some(snapshot.id), None],
            _ => [None, None],
        };
        named.into_iter().flatten()
    }

    /// Returns the session that this answers, if it answers one.
    #[expect(clippy::wildcard_enum_match_arm, reason = "only these bodies answer a session")]
    pub(crate) fn answers_session(&self) -> Option<Session> {
        match self {
            Body::AppendReply { session, .. } => *session,
            Body::HeartbeatReply { session, .. } => Some(*session),
            _ => None,
        }
    }
}

impl fmt::Display for ReadDropped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            ReadDropped::NoLeader => "no leader is known",
            ReadDropped::SteppedDown => "the node that was asked does not lead any more",
            ReadDropped::TimedOut => "no answer came in time",
            ReadDropped::TooMany => "too many reads wait",
        })
    }
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

/// Writes the entry at a commit index, if a message names it.
fn write_commit(f: &mut fmt::Formatter<'_>, commit: Option<EntryId>) -> fmt::Result {
    commit.map_or(Ok(()), |commit| write!(f, " commit={commit}"))
}

impl fmt::Display for Body {
    /// Writes what the kind does not say, each fact after a blank: ` last=4@1`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use Body::*;
        match self {
            RequestPreVote(ask) | RequestVote(ask) => {
                write!(f, " last={}{}", ask.last, if ask.transfer { " transfer" } else { "" })?;
                if !ask.priority.is_usual() {
                    write!(f, " priority={}", ask.priority.0)?;
                }
                write_commit(f, ask.commit)
            }
            PreVoteReply { granted, commit } | VoteReply { granted, commit } => {
                f.write_str(if *granted { " granted" } else { " refused" })?;
                write_commit(f, *commit)
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
            AppendReply { outcome: AppendOutcome::SnapshotWanted { at_least }, .. } => {
                write!(f, " wants-snapshot={at_least}")
            }
            AppendReply { outcome: AppendOutcome::NewerTerm, .. } => f.write_str(" newer-term"),
            InstallSnapshot { snapshot, .. } => write!(f, " last={}", snapshot.id),
            Heartbeat { commit, token: None, .. } => write!(f, " commit={commit}"),
            Heartbeat { commit, token: Some(token), .. } => {
                write!(f, " commit={commit} round={}", token.0)
            }
            Propose { entries } => write!(f, " entries={}", entries.len()),
            TransferLeader { target } => write!(f, " target={target}"),
            ReadIndexReply { attempt, outcome: Ok(index), .. } => {
                write!(f, " attempt={} index={index}", attempt.0)
            }
            ReadIndexReply { attempt, outcome: Err(why), .. } => {
                write!(f, " attempt={} dropped: {why}", attempt.0)
            }
            HeartbeatReply { token: Some(token), .. } => write!(f, " round={}", token.0),
            HeartbeatReply { token: None, .. } => Ok(()),
            TimeoutNow { last } => write!(f, " last={last}"),
            ReadIndex { attempt, .. } => write!(f, " attempt={}", attempt.0),
        }
    }
}
