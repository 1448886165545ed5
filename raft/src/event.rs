//! What the ledger notes down: one event for every fact that changed, with the line that changed it.
//!
//! ```text
//!   election.rs:84   self.vote_for(Some(from));
//!        |                  '--> ledger: the fact changes, and a Note { event, at: election.rs:84 }
//!        '-- the rule that decided, a student's line as well as ours
//! ```
//!
//! Events replace log lines. They are typed, so a test, a card or a page can explain them.

use crate::role::RoleName;
use crate::types::{EntryId, NodeId, Term};
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
            Event::VoteCounted { .. } => ("5.2", Some("Fig. 2 Candidates (2)")),
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
            Event::LeaderChanged { .. } => "election.md#heartbeats",
            Event::TimerReset { .. } => "election.md#timer",
            Event::TurnAsked { .. } | Event::RoleEntered { .. } => "election.md#roles",
            Event::VoteCounted { .. } => "election.md#counting",
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
            Event::VoteCounted { voter, granted: true } => write!(f, "counts {voter}'s yes"),
            Event::VoteCounted { voter, granted: false } => write!(f, "counts {voter}'s no"),
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

    /// Returns whether anyone listens.
    pub fn is_on(&self) -> bool {
        self.on
    }

    /// Takes the notes since the last time.
    pub fn drain(&mut self) -> Vec<Note> {
        std::mem::take(&mut self.notes)
    }

    /// Notes an event at the caller's line.
    #[track_caller]
    pub(crate) fn note(&mut self, event: Event) {
        self.note_at(event, Location::caller());
    }

    /// Notes an event at a line remembered from before.
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
