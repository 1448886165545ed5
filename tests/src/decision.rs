//! The first wrong decision: where a run went wrong, before it showed.
//!
//! ```text
//!   event 6   n1 counts n2's yes of term 1 in term 2     <-- wrong here: a local matter of n1's
//!   event 9   n1 and n3 both lead term 2                 <-- a rule of the whole cluster breaks here
//! ```
//!
//! Each predicate looks at one step of one node: what it was before, what arrived, what it noted, what
//! it is now. It speaks only where no correct design could do the same; so a run in which it is silent
//! may still be wrong, and one in which it speaks never is right.
//!
//! A node may forget in a crash what was never durable, and start anew; so does the oracle.

use crate::cluster::{Cluster, Setup};
use crate::input::{Fate, Input, Step};
use crate::invariant::Rule;
use raft::{Body, Event, Message, NodeId, Note, Raft, RoleName, Term};
use std::collections::{BTreeMap, BTreeSet};
use std::panic::Location;

/// A decision that no correct node takes.
#[derive(Clone, Debug)]
pub struct Wrong {
    /// Who decided.
    pub node: NodeId,
    /// What kind of mistake it is.
    pub mistake: Mistake,
    /// The line that decided, if something was decided: what is missing has no line.
    pub at: Option<&'static Location<'static>>,
    /// What it did, in one sentence with names and numbers.
    pub text: String,
}

/// A kind of mistake.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Mistake {
    /// A later term was heard of, and not entered.
    MissesTerm,
    /// A later term was entered, and the vote of the old one kept.
    KeepsOldVote,
    /// A later term was entered, and the leader of the old one still followed.
    KeepsOldLeader,
    /// A later term was heard of, and the node goes on leading, or standing.
    KeepsRole,
    /// The vote of this term was given to another already.
    VotesTwice,
    /// The vote of this term was taken back, and with it the promise.
    ForgetsVote,
    /// The candidate's log is behind the voter's.
    VotesForShorterLog,
    /// A candidate that does not vote for itself.
    StandsWithoutOwnVote,
    /// A vote was counted that nobody gave in this term.
    CountsWhatWasNotGiven,
    /// A leader with the votes of half or less.
    LeadsWithoutQuorum,
    /// A leader's words from a node that does not lead.
    SpeaksAsLeader,
    /// A candidate that hears the leader of its term, and stands on.
    IgnoresLeader,
    /// A refused vote, or a word from an old term, made a follower wait anew.
    WaitsForNothing,
}

impl Mistake {
    /// Returns the rule that breaks, sooner or later, through such mistakes.
    pub fn rule(self) -> Rule {
        match self {
            Mistake::MissesTerm | Mistake::KeepsRole => Rule::ElectionSafety,
            Mistake::VotesTwice | Mistake::ForgetsVote => Rule::VoteOncePerTerm,
            Mistake::StandsWithoutOwnVote => Rule::VoteOncePerTerm,
            Mistake::VotesForShorterLog => Rule::LeaderCompleteness,
            Mistake::CountsWhatWasNotGiven | Mistake::LeadsWithoutQuorum => Rule::LeaderHasQuorum,
            Mistake::SpeaksAsLeader => Rule::ElectionSafety,
            Mistake::KeepsOldVote | Mistake::KeepsOldLeader => Rule::Liveness,
            Mistake::IgnoresLeader | Mistake::WaitsForNothing => Rule::Liveness,
        }
    }

    /// Returns where the paper states what should have been done.
    pub fn section(self) -> &'static str {
        match self {
            Mistake::MissesTerm | Mistake::KeepsRole => "§5.1, Fig. 2 Rules for All Servers (2)",
            Mistake::KeepsOldVote => "§5.1, Fig. 2 State: votedFor",
            Mistake::KeepsOldLeader => "§5.1",
            Mistake::VotesTwice | Mistake::ForgetsVote => "§5.2, Fig. 2 RequestVote (2)",
            Mistake::VotesForShorterLog => "§5.4.1, Fig. 2 RequestVote (2)",
            Mistake::StandsWithoutOwnVote => "§5.2, Fig. 2 Candidates (1)",
            Mistake::CountsWhatWasNotGiven | Mistake::LeadsWithoutQuorum => {
                "§5.2, Fig. 2 Candidates (2)"
            }
            Mistake::SpeaksAsLeader => "§5.2, Fig. 2 Leaders (1)",
            Mistake::IgnoresLeader => "§5.2, Fig. 2 Candidates (3)",
            Mistake::WaitsForNothing => "§5.2, Fig. 2 Followers (2)",
        }
    }
}

/// What a node was when something last happened to it.
#[derive(Clone, Copy, Debug)]
struct Before {
    term: Term,
    role: RoleName,
    vote: Option<NodeId>,
}

/// Watches a run, step by step.
#[derive(Clone, Default, Debug)]
pub struct Oracle {
    before: BTreeMap<NodeId, Before>,
    /// Grants that arrived: at whom, in which term, from whom.
    heard: BTreeSet<(NodeId, Term, NodeId)>,
}

/// Replays inputs and returns the first wrong decision, with the place of its step.
pub fn first_wrong(setup: &Setup, inputs: &[Input]) -> Option<(usize, Wrong)> {
    let mut cluster = Cluster::new(setup.clone()).listening();
    let mut oracle = Oracle::new(&cluster);
    let mut judge = |input| {
        let step = cluster.apply(input);
        oracle.judge(&step, &cluster)
    };
    inputs.iter().enumerate().find_map(|(at, input)| Some((at, judge(input)?)))
}

impl Oracle {
    /// Begins to watch a cluster.
    pub fn new(cluster: &Cluster) -> Self {
        let before = cluster.ids().filter_map(|id| Some((id, look(cluster, id)?))).collect();
        Oracle { before, heard: BTreeSet::new() }
    }

    /// Judges a step of a cluster that listens, right after it was taken. Returns what was decided
    /// wrongly in it first, if anything was.
    pub fn judge(&mut self, step: &Step, cluster: &Cluster) -> Option<Wrong> {
        let id = step.node?;
        let Some(after) = look(cluster, id) else {
            self.before.remove(&id);
            return None;
        };
        let before = self.before.insert(id, after)?;
        let arrived = step.gone.iter().filter(|(_, fate)| has_arrived(*fate));
        let message = arrived.map(|(flight, _)| &flight.message).next();
        if let Some(Message {
            from,
            term: Some(term),
            body: Body::VoteReply { granted: true },
            ..
        }) = message
        {
            self.heard.insert((id, *term, *from));
        }
        self.heard.retain(|&(at, term, _)| at != id || term >= before.term);
        let seen = Seen { id, before, after, message, step, cluster, heard: &self.heard };
        seen.terms()
            .or_else(|| seen.votes())
            .or_else(|| seen.counts())
            .or_else(|| seen.leads())
            .or_else(|| seen.waits())
    }
}

/// Returns whether a message reached its receiver.
fn has_arrived(fate: Fate) -> bool {
    match fate {
        Fate::Delivered | Fate::Duplicated => true,
        Fate::Dropped | Fate::LinkCut | Fate::ReceiverDown => false,
    }
}

fn look(cluster: &Cluster, id: NodeId) -> Option<Before> {
    let node = cluster.node(id).map(Raft::inspect)?;
    Some(Before { term: node.term, role: node.role, vote: node.vote })
}

/// One step of one node.
struct Seen<'a> {
    id: NodeId,
    before: Before,
    after: Before,
    /// What arrived, if something did.
    message: Option<&'a Message>,
    step: &'a Step,
    cluster: &'a Cluster,
    heard: &'a BTreeSet<(NodeId, Term, NodeId)>,
}

impl Seen<'_> {
    fn wrong(&self, mistake: Mistake, at: Option<&Note>, text: String) -> Option<Wrong> {
        Some(Wrong { node: self.id, mistake, at: at.map(|note| note.at), text })
    }

    /// Returns the last note that is about this.
    fn note(&self, about: impl Fn(Event) -> bool) -> Option<&Note> {
        self.step.notes.iter().rev().find(|note| about(note.event))
    }

    /// Returns the term of a message whose sender is in that term, if the node took it.
    fn senders_term(&self) -> Option<Term> {
        let message = self.message.filter(|_| self.step.refused.is_none())?;
        let wished =
            matches!(message.body, Body::RequestPreVote(_) | Body::PreVoteReply { granted: true });
        message.term.filter(|_| !wished)
    }

    /// Fig. 2, Rules for All Servers (2): a later term is entered, as a follower without a vote.
    fn terms(&self) -> Option<Wrong> {
        let Seen { id, before, after, .. } = *self;
        let theirs = self.senders_term()?;
        if theirs > after.term {
            let text = format!("{id} hears of term {theirs} and stays in term {}", after.term);
            return self.wrong(Mistake::MissesTerm, None, text);
        }
        if after.term == before.term || theirs <= before.term {
            return None;
        }
        let (from, to) = (before.term, after.term);
        if after.role == RoleName::Leader
            || after.role == RoleName::Candidate && before.role == RoleName::Candidate
        {
            let at = self.note(|event| matches!(event, Event::TermEntered { .. }));
            let text = format!("{id} hears of term {to} and is still {}", after.role);
            return self.wrong(Mistake::KeepsRole, at, text);
        }
        let granted =
            |to| self.note(|event| event == Event::VoteGranted { candidate: to }).is_some();
        if let Some(vote) = after.vote.filter(|&vote| before.vote == Some(vote) && !granted(vote)) {
            let at = self.note(|event| matches!(event, Event::TermEntered { .. }));
            let text = format!("{id} enters term {to} with its vote of term {from}, for {vote}");
            return self.wrong(Mistake::KeepsOldVote, at, text);
        }
        let leader = self.cluster.node(id)?.inspect().leader?;
        let says_so = self.message.is_some_and(|m| m.body.is_from_leader() && m.from == leader);
        if says_so {
            return None;
        }
        let at = self.note(|event| matches!(event, Event::TermEntered { .. }));
        let text = format!("{id} enters term {to} and follows {leader}, who has not led it");
        self.wrong(Mistake::KeepsOldLeader, at, text)
    }

    /// Fig. 2, RequestVote (2): one vote per term, to a log that is not behind.
    fn votes(&self) -> Option<Wrong> {
        let Seen { id, before, after, .. } = *self;
        let term = after.term;
        let given = before.vote.filter(|_| before.term == term);
        for note in &self.step.notes {
            if let (Event::VoteGranted { candidate }, Some(other)) = (note.event, given)
                && candidate != other
            {
                let text =
                    format!("{id} grants {candidate} its vote in term {term}; {other} has it");
                return self.wrong(Mistake::VotesTwice, Some(note), text);
            }
        }
        if let Some(other) = given.filter(|&other| after.vote != Some(other)) {
            let at = self.note(|event| matches!(event, Event::VoteChanged { .. }));
            let now = after.vote.map_or("nobody".into(), |vote| vote.to_string());
            let text = format!("{id} voted for {other} in term {term}; now its vote is {now}'s");
            return self.wrong(Mistake::ForgetsVote, at, text);
        }
        if let Some(Message { from, body: Body::RequestVote(ask), .. }) = self.message {
            let granted = |event| event == Event::VoteGranted { candidate: *from };
            let last = self.cluster.node(id)?.inspect().last;
            if let Some(note) = self.note(granted).filter(|_| ask.last < last) {
                let text = format!(
                    "{id} grants {from}, whose log ends with {}; its own ends with {last}",
                    ask.last
                );
                return self.wrong(Mistake::VotesForShorterLog, Some(note), text);
            }
        }
        let stands = |event| matches!(event, Event::RoleEntered { to: RoleName::Candidate, .. });
        if let Some(note) = self.note(stands)
            && after.role == RoleName::Candidate
            && after.vote != Some(id)
        {
            let text = format!("{id} stands in term {term} and does not vote for itself");
            return self.wrong(Mistake::StandsWithoutOwnVote, Some(note), text);
        }
        None
    }

    /// Fig. 2, Candidates (2): what is counted was given in this term.
    fn counts(&self) -> Option<Wrong> {
        let Seen { id, before, after, .. } = *self;
        for note in &self.step.notes {
            let Event::VoteCounted { voter, granted: true } = note.event else { continue };
            if voter == id {
                continue;
            }
            let reply = self.message.filter(|message| message.from == voter);
            let (term, yes) = match reply.map(|message| (message.term, &message.body)) {
                Some((term, Body::VoteReply { granted })) => (term, *granted),
                Some(_) | None => (None, false),
            };
            let now = before.term.min(after.term);
            let text = match term {
                None => format!("{id} counts a yes of {voter}'s that did not arrive"),
                Some(_) if !yes => format!("{id} counts {voter}'s no as a yes"),
                Some(term) if term < now => {
                    format!("{id} counts {voter}'s yes of term {term} in term {now}")
                }
                Some(_) => continue,
            };
            return self.wrong(Mistake::CountsWhatWasNotGiven, Some(note), text);
        }
        None
    }

    /// Fig. 2, Candidates (2), Leaders (1): more than half make a leader, and only a leader speaks as
    /// one.
    fn leads(&self) -> Option<Wrong> {
        let Seen { id, before, after, .. } = *self;
        let lead = |event| matches!(event, Event::RoleEntered { to: RoleName::Leader, .. });
        if let Some(note) = self.note(lead) {
            let node = self.cluster.node(id)?.inspect();
            let term = after.term;
            let yes = |&voter: &NodeId| {
                self.heard.contains(&(id, term, voter)) || voter == id && after.vote == Some(id)
            };
            let all: Vec<_> = node.voters.voters().collect();
            let votes: Vec<_> =
                all.iter().filter(|voter| yes(voter)).map(NodeId::to_string).collect();
            if 2 * votes.len() <= all.len() {
                let from = if votes.is_empty() { "nobody".into() } else { votes.join(", ") };
                let text = format!(
                    "{id} takes office in term {term} with {} of {} votes (from {from})",
                    votes.len(),
                    all.len()
                );
                let asked = |event| event == Event::TurnAsked { next: RoleName::Leader };
                let at = self.note(asked).or(Some(note));
                return self.wrong(Mistake::LeadsWithoutQuorum, at, text);
            }
        } else if before.role != RoleName::Leader && after.role != RoleName::Leader {
            let speaks =
                |event| matches!(event, Event::Sent { kind: "Heartbeat" | "AppendEntries", .. });
            let speaks = self.note(speaks)?;
            let text =
                format!("{id} speaks as leader of term {} and is {}", after.term, after.role);
            return self.wrong(Mistake::SpeaksAsLeader, Some(speaks), text);
        }
        None
    }

    /// Fig. 2, Followers (2), Candidates (3): whom a node waits for.
    fn waits(&self) -> Option<Wrong> {
        let Seen { id, before, after, .. } = *self;
        let (message, theirs) = (self.message?, self.senders_term()?);
        let stays = before.term == after.term;
        if stays && message.body.is_from_leader() && theirs == after.term {
            let stands = before.role == RoleName::Candidate && after.role == RoleName::Candidate;
            let text =
                format!("{id} hears {}, leader of term {theirs}, and stands on", message.from);
            return if stands { self.wrong(Mistake::IgnoresLeader, None, text) } else { None };
        }
        let follows = before.role == RoleName::Follower && after.role == RoleName::Follower;
        let reset = self.note(|event| matches!(event, Event::TimerReset { .. }))?;
        let refused = |event| matches!(event, Event::VoteRefused { .. });
        let why = if theirs < before.term {
            format!("a word from term {theirs}, which is over")
        } else if self.note(refused).is_some() {
            format!("the question of {}, which it refused", message.from)
        } else {
            return None;
        };
        if !stays || !follows {
            return None;
        }
        let text = format!("{id}, follower in term {}, waits anew after {why}", after.term);
        self.wrong(Mistake::WaitsForNothing, Some(reset), text)
    }
}
