//! What the ledger notes down: one event for every fact that changed, with the line that changed it.
//!
//! ```text
//!   election.rs:83   self.vote_for(Some(from));
//!        |                  '--> ledger: the fact changes, and a Note { event, at: election.rs:83 }
//!        '-- the rule that decided, a student's line as well as ours
//! ```
//!
//! Events replace log lines. They are typed, so a test, a card or a page can explain them.

use crate::role::RoleName;
use crate::types::{EntryId, Index, NodeId, Term};
use std::fmt;
use std::hash::{Hash, Hasher};
use std::panic::Location;

/// One thing that happened inside a node.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Event {
    /// The node entered a later term.
    TermEntered {
        /// The term it left.
        from: Term,
        /// The term it is in.
        to: Term,
    },
    /// The node gave its vote, or a new term took the old vote back.
    VoteChanged {
        /// Whom it had voted for.
        from: Option<NodeId>,
        /// Whom it has voted for now.
        to: Option<NodeId>,
    },
    /// The node learnt who leads, or that it no longer knows.
    LeaderChanged {
        /// Whom it followed.
        from: Option<NodeId>,
        /// Whom it follows now.
        to: Option<NodeId>,
    },
    /// The node starts waiting anew.
    TimerReset {
        /// How long it had waited, in ticks.
        after_ticks: u64,
    },
    /// A rule asked for another role.
    TurnAsked {
        /// The role asked for.
        next: RoleName,
    },
    /// The node took another role.
    RoleEntered {
        /// The role it had.
        from: RoleName,
        /// The role it has.
        to: RoleName,
    },
    /// The node promised its vote to a candidate.
    VoteGranted {
        /// The candidate.
        candidate: NodeId,
    },
    /// The node refused a candidate.
    VoteRefused {
        /// The candidate.
        candidate: NodeId,
        /// Which rule said no.
        why: Refusal,
    },
    /// A candidate took down a voter's answer.
    VoteCounted {
        /// Who answered.
        voter: NodeId,
        /// What it said.
        granted: bool,
    },
    /// The node wrote entries at the end of its log.
    EntriesAppended {
        /// The first of them.
        first: EntryId,
        /// The last of them.
        last: EntryId,
    },
    /// The node removed entries that the leader does not have.
    LogTruncated {
        /// The first place that was removed.
        from: Index,
        /// The last one.
        last: Index,
    },
    /// The node refused a leader's entries: what they follow is not in its log.
    AppendRefused {
        /// What they follow.
        prev: EntryId,
        /// Where the two logs may agree.
        hint: Index,
    },
    /// The node learnt that more of its log is committed.
    CommitAdvanced {
        /// How far it was.
        from: Index,
        /// How far it is.
        to: Index,
    },
    /// A majority holds this entry, and it is of an earlier term: it may not be counted.
    CommitWithheld {
        /// The entry.
        at: EntryId,
    },
    /// A leader learnt that more of a peer's log agrees with its own.
    MatchAdvanced {
        /// The peer.
        peer: NodeId,
        /// How far it was known to.
        from: Index,
        /// How far it is.
        to: Index,
    },
    /// A leader learnt that a peer lacks what came before the entries it was sent, and goes back.
    NextWentBack {
        /// The peer.
        peer: NodeId,
        /// Which entry was to be sent next.
        from: Index,
        /// Which one is.
        to: Index,
    },
    /// A leader sends a peer one append at a time from now on.
    Probes {
        /// The peer.
        peer: NodeId,
        /// The entry to be sent next.
        next: Index,
    },
    /// A leader sends a peer a window of appends from now on.
    Replicates {
        /// The peer.
        peer: NodeId,
        /// The entry to be sent next.
        next: Index,
    },
    /// A leader cannot send a peer what it lacks: storage has it no more.
    EntriesUnreadable {
        /// The peer.
        peer: NodeId,
        /// The first place that cannot be read.
        index: Index,
    },
    /// At its start, the node's application has applied more than the saved commit index says: the
    /// commit index was not saved with, or before, what was applied.
    AppliedAhead {
        /// How far it was applied.
        applied: Index,
        /// The saved commit index.
        commit: Index,
    },
    /// A message was put into the outbox.
    Sent {
        /// Whom it is for.
        to: NodeId,
        /// What it says.
        kind: &'static str,
    },
    /// A message changed nothing.
    MessageIgnored {
        /// Who sent it.
        from: NodeId,
        /// What it says.
        kind: &'static str,
        /// Why it changed nothing.
        why: Ignored,
    },
}

/// Why a vote was refused: one variant per rule that can say no, with what it compared.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Refusal {
    /// One vote per term, and it is given (Fig. 2 RequestVote (2)).
    VotedFor(NodeId),
    /// The candidate's log may lack committed entries (§5.4.1).
    LogIsNewer {
        /// Our last entry.
        ours: EntryId,
        /// The candidate's last entry.
        theirs: EntryId,
    },
    /// The term has a leader, and the settings say that nobody gets a vote beside it.
    LeaderKnown(NodeId),
}

/// Why a message changed nothing.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Ignored {
    /// It is from a term that is over (§5.1).
    OlderTerm {
        /// The message's term.
        theirs: Term,
        /// The term we are in.
        ours: Term,
    },
    /// It claims to come from the leader of a term that we lead: one of us is lying.
    RivalLeader,
    /// It answers a question that only another role asks: we are a candidate, or a leader, no more.
    NotOurRole {
        /// The role we have.
        role: RoleName,
    },
    /// It belongs to an earlier replication to the same peer.
    OtherSession,
    /// This release has no rule for it yet.
    NoRule,
}

/// Where the paper states a rule.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Paper {
    /// The section of the extended Raft paper: `5.4.1`.
    pub section: &'static str,
    /// The rule's place in Figure 2 or 3, if it stands there: `Fig. 2 RequestVote (2)`.
    pub figure: Option<&'static str>,
}

impl Event {
    /// Returns the event's name as traces write it: `vote_refused`.
    pub fn name(&self) -> &'static str {
        match self {
            Event::TermEntered { .. } => "term_entered",
            Event::VoteChanged { .. } => "vote_changed",
            Event::LeaderChanged { .. } => "leader_changed",
            Event::TimerReset { .. } => "timer_reset",
            Event::TurnAsked { .. } => "turn_asked",
            Event::RoleEntered { .. } => "role_entered",
            Event::VoteGranted { .. } => "vote_granted",
            Event::VoteRefused { .. } => "vote_refused",
            Event::VoteCounted { .. } => "vote_counted",
            Event::EntriesAppended { .. } => "entries_appended",
            Event::LogTruncated { .. } => "log_truncated",
            Event::AppendRefused { .. } => "append_refused",
            Event::CommitAdvanced { .. } => "commit_advanced",
            Event::CommitWithheld { .. } => "commit_withheld",
            Event::MatchAdvanced { .. } => "match_advanced",
            Event::NextWentBack { .. } => "next_went_back",
            Event::Probes { .. } => "probes",
            Event::Replicates { .. } => "replicates",
            Event::EntriesUnreadable { .. } => "entries_unreadable",
            Event::AppliedAhead { .. } => "applied_ahead",
            Event::Sent { .. } => "sent",
            Event::MessageIgnored { .. } => "message_ignored",
        }
    }

    /// Returns where the paper states the rule behind the event.
    pub fn paper(&self) -> Paper {
        let (section, figure) = match self {
            Event::TermEntered { .. } => ("5.1", Some("Fig. 2 Rules for All Servers (2)")),
            Event::VoteChanged { .. } => ("5.2", Some("Fig. 2 State: votedFor")),
            Event::LeaderChanged { .. } => ("5.2", None),
            Event::TimerReset { .. } => ("5.2", Some("Fig. 2 Followers (2)")),
            Event::TurnAsked { next } | Event::RoleEntered { to: next, .. } => match next {
                RoleName::Follower => ("5.2", Some("Fig. 2 Candidates (3)")),
                RoleName::PreCandidate => ("9.6 of the thesis", None),
                RoleName::Candidate => ("5.2", Some("Fig. 2 Candidates (1)")),
                RoleName::Leader => ("5.2", Some("Fig. 2 Candidates (2)")),
            },
            Event::VoteGranted { .. } => ("5.2", Some("Fig. 2 RequestVote (2)")),
            Event::VoteRefused { why: Refusal::VotedFor(_), .. } => {
                ("5.2", Some("Fig. 2 RequestVote (2)"))
            }
            Event::VoteRefused { why: Refusal::LogIsNewer { .. }, .. } => {
                ("5.4.1", Some("Fig. 2 RequestVote (2)"))
            }
            Event::VoteRefused { why: Refusal::LeaderKnown(_), .. } => ("5.2", None),
            Event::VoteCounted { .. } => ("5.2", Some("Fig. 2 Candidates (2)")),
            Event::EntriesAppended { .. } => ("5.3", Some("Fig. 2 AppendEntries (4)")),
            Event::LogTruncated { .. } => ("5.3", Some("Fig. 2 AppendEntries (3)")),
            Event::AppendRefused { .. } => ("5.3", Some("Fig. 2 AppendEntries (2)")),
            Event::CommitAdvanced { .. } => ("5.3", Some("Fig. 2 State: commitIndex")),
            Event::CommitWithheld { .. } => ("5.4.2", Some("Fig. 2 Leaders (4)")),
            Event::MatchAdvanced { .. } => ("5.3", Some("Fig. 2 Leaders (3)")),
            Event::NextWentBack { .. } => ("5.3", Some("Fig. 2 Leaders (3)")),
            Event::Probes { .. } | Event::Replicates { .. } => ("10.2.1 of the thesis", None),
            Event::EntriesUnreadable { .. } => ("7", None),
            Event::AppliedAhead { .. } => ("5.3", Some("Fig. 2 Rules for All Servers (1)")),
            Event::Sent { .. } => ("5.1", None),
            Event::MessageIgnored { .. } => ("5.1", Some("Fig. 2 Rules for All Servers (2)")),
        };
        Paper { section, figure }
    }

    /// Returns the place in the book that explains the event: a file and an anchor.
    pub fn chapter(&self) -> &'static str {
        match self {
            Event::TermEntered { .. } | Event::MessageIgnored { .. } => "election.md#terms",
            Event::VoteChanged { .. } | Event::VoteGranted { .. } => "election.md#one-vote",
            Event::VoteRefused { why: Refusal::VotedFor(_), .. } => "election.md#one-vote",
            Event::VoteRefused { why: Refusal::LogIsNewer { .. }, .. } => "election.md#restriction",
            Event::VoteRefused { why: Refusal::LeaderKnown(_), .. } => "election.md#one-vote",
            Event::LeaderChanged { .. } => "election.md#heartbeats",
            Event::TimerReset { .. } => "election.md#timer",
            Event::TurnAsked { .. } | Event::RoleEntered { .. } => "election.md#roles",
            Event::VoteCounted { .. } => "election.md#counting",
            Event::EntriesAppended { .. } => "replication.md#append",
            Event::LogTruncated { .. } => "replication.md#conflict",
            Event::AppendRefused { .. } => "replication.md#consistency-check",
            Event::CommitAdvanced { .. } => "replication.md#commit",
            Event::CommitWithheld { .. } => "replication.md#figure-8",
            Event::MatchAdvanced { .. } => "replication.md#match",
            Event::NextWentBack { .. } => "replication.md#back-off",
            Event::Probes { .. } | Event::Replicates { .. } => "replication.md#progress",
            Event::EntriesUnreadable { .. } => "replication.md#progress",
            Event::AppliedAhead { .. } => "ready.md#restart",
            Event::Sent { .. } => "election.md#promises",
        }
    }
}

/// Writes what happened as the end of a sentence about the node: "n2" + " enters term 3".
impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Event::TermEntered { from, to } => write!(f, "enters term {to} (was in {from})"),
            Event::VoteChanged { to: Some(to), .. } => write!(f, "votes for {to}"),
            Event::VoteChanged { to: None, .. } => write!(f, "has no vote given in this term"),
            Event::LeaderChanged { to: Some(to), .. } => write!(f, "follows {to}"),
            Event::LeaderChanged { to: None, .. } => write!(f, "knows no leader"),
            Event::TimerReset { after_ticks } => {
                write!(f, "starts waiting anew, after {after_ticks} ticks")
            }
            Event::TurnAsked { next } => write!(f, "is to become {next}"),
            Event::RoleEntered { from, to } => write!(f, "turns from {from} to {to}"),
            Event::VoteGranted { candidate } => write!(f, "grants its vote to {candidate}"),
            Event::VoteRefused { candidate, why: Refusal::VotedFor(other) } => {
                write!(f, "refuses {candidate}: it voted for {other} in this term")
            }
            Event::VoteRefused { candidate, why: Refusal::LogIsNewer { ours, theirs } } => {
                write!(f, "refuses {candidate}: its last entry {theirs} is behind {ours}")
            }
            Event::VoteRefused { candidate, why: Refusal::LeaderKnown(leader) } => {
                write!(f, "refuses {candidate}: {leader} leads this term")
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
            Event::EntriesUnreadable { peer, index } => {
                write!(f, "cannot send {peer} what it lacks: entry {index} cannot be read any more")
            }
            Event::AppliedAhead { applied, commit } => {
                write!(f, "starts with applied {applied} beyond its saved commit {commit}")
            }
            Event::Sent { to, kind } => write!(f, "says {kind} to {to}"),
            Event::MessageIgnored { from, kind, why } => match why {
                Ignored::OlderTerm { theirs, ours } => {
                    write!(f, "ignores {kind} from {from}: term {theirs} is over, this is {ours}")
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
                Ignored::NoRule => write!(f, "ignores {kind} from {from}: no rule for it yet"),
            },
        }
    }
}

/// An event and the line of source that caused it.
#[derive(Clone, Copy, Debug)]
pub struct Note {
    /// What happened.
    pub event: Event,
    /// The line that decided it.
    pub at: &'static Location<'static>,
}

/// The notes of one node, in order, until somebody takes them. Off unless someone listens.
#[derive(Clone, Debug, Default)]
pub struct Journal {
    on: bool,
    notes: Vec<Note>,
}

impl Journal {
    /// Begins to note events.
    pub fn listen(&mut self) {
        self.on = true;
    }

    /// Takes the notes since the last time.
    pub fn drain(&mut self) -> Vec<Note> {
        std::mem::take(&mut self.notes)
    }

    /// Notes an event at the caller's line. In line, so that an event which nobody listens to is not
    /// even made.
    #[inline]
    #[track_caller]
    pub(crate) fn note(&mut self, event: Event) {
        self.note_at(event, Location::caller());
    }

    /// Notes an event for whoever will listen.
    #[track_caller]
    pub(crate) fn keep(&mut self, event: Event) {
        self.notes.push(Note { event, at: Location::caller() });
    }

    /// Notes an event at a line remembered from before.
    #[inline]
    pub(crate) fn note_at(&mut self, event: Event, at: &'static Location<'static>) {
        if self.on {
            self.notes.push(Note { event, at });
        }
    }
}

/// Something carried along that does not make two states different.
#[derive(Clone, Debug, Default)]
pub(crate) struct Uncompared<T>(pub(crate) T);

impl<T> PartialEq for Uncompared<T> {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl<T> Eq for Uncompared<T> {}

impl<T> Hash for Uncompared<T> {
    fn hash<H: Hasher>(&self, _: &mut H) {}
}
