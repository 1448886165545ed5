//! The rules, and what a card says about each.
//!
//! ```text
//!   one_vote_per_term   ONE VOTE PER TERM   §5.2, Fig. 2 RequestVote (2)
//!        |                    |                   |
//!        id: catalogues       title: cards        section: where the paper states it
//! ```

use std::fmt;

/// A rule of Raft that a run can break. Causes come before effects: if one step breaks several rules,
/// the first in this order is named.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Rule {
    /// A node's term only grows, and a restart finds the term that was durable.
    TermMonotone,
    /// What a message promises is durable before the message is sent.
    PersistBeforeSend,
    /// A voter grants at most one vote per term, its vote for itself included.
    VoteOncePerTerm,
    /// A leader has the votes of more than half of the voters.
    LeaderHasQuorum,
    /// At most one leader per term.
    ElectionSafety,
    /// A node's commit index never decreases.
    CommitMonotone,
    /// Nothing is committed that the log does not hold.
    CommitWithinLog,
    /// A leader only appends to its log.
    LeaderAppendOnly,
    /// LogHistory that share an entry share everything before it.
    LogMatching,
    /// An entry that a follower acknowledges is the one its leader holds.
    AckMatches,
    /// What is committed is durable on more than half of the disks.
    CommitOnQuorum,
    /// With commit groups: what is committed is durable in two of them.
    CommitInTwoGroups,
    /// Two nodes never commit different entries at one place.
    StateMachineSafety,
    /// A leader's log holds everything that was committed in earlier terms.
    LeaderCompleteness,
    /// What is applied is committed, in order, each entry once.
    AppliedInOrder,
    /// A read sees everything that was committed, on any node, when it began.
    LinearizableRead,
    /// A read that a client asked for ends once.
    ReadEndsOnce,
    /// After the network heals, all nodes follow one leader in bounded time.
    Liveness,
    /// After that, all nodes apply a new command, and equally much, in bounded time.
    AppliedByAll,
}

/// The texts about a rule.
struct Words {
    id: &'static str,
    title: &'static str,
    section: &'static str,
    so_what: &'static str,
    chapter: &'static str,
}

impl Rule {
    /// Every rule, causes before effects.
    pub const ALL: [Rule; 19] = [
        Rule::TermMonotone,
        Rule::PersistBeforeSend,
        Rule::VoteOncePerTerm,
        Rule::LeaderHasQuorum,
        Rule::ElectionSafety,
        Rule::CommitMonotone,
        Rule::CommitWithinLog,
        Rule::LeaderAppendOnly,
        Rule::LogMatching,
        Rule::AckMatches,
        Rule::CommitOnQuorum,
        Rule::CommitInTwoGroups,
        Rule::StateMachineSafety,
        Rule::LeaderCompleteness,
        Rule::AppliedInOrder,
        Rule::LinearizableRead,
        Rule::ReadEndsOnce,
        Rule::Liveness,
        Rule::AppliedByAll,
    ];

    /// Returns the rule's name in catalogues and reports: `election_safety`.
    pub fn id(self) -> &'static str {
        self.words().id
    }

    /// Returns the headline of a card: `AT MOST ONE LEADER PER TERM`.
    pub fn title(self) -> &'static str {
        self.words().title
    }

    /// Returns where the paper states the rule: `Fig. 3`.
    pub fn section(self) -> &'static str {
        self.words().section
    }

    /// Returns what can happen to a cluster that breaks the rule, in one sentence.
    pub fn so_what(self) -> &'static str {
        self.words().so_what
    }

    /// Returns the place in the book that explains the rule: a file and an anchor.
    pub fn chapter(self) -> &'static str {
        self.words().chapter
    }

    fn words(self) -> Words {
        match self {
            Rule::TermMonotone => Words {
                id: "term_monotone",
                title: "A TERM ONLY GROWS",
                section: "§5.1, Fig. 2 State: currentTerm",
                so_what: "a node that returns to an old term votes in it a second time",
                chapter: "election.md#terms",
            },
            Rule::PersistBeforeSend => Words {
                id: "persist_before_send",
                title: "DURABLE BEFORE IT IS PROMISED",
                section: "§5.2, Fig. 2 State: updated on stable storage before responding",
                so_what: "a crash takes back what others already count on",
                chapter: "election.md#promises",
            },
            Rule::VoteOncePerTerm => Words {
                id: "one_vote_per_term",
                title: "ONE VOTE PER TERM",
                section: "§5.2, Fig. 2 RequestVote (2)",
                so_what: "two candidates may both count the voter: two leaders in one term",
                chapter: "election.md#one-vote",
            },
            Rule::LeaderHasQuorum => Words {
                id: "leader_has_quorum",
                title: "MORE THAN HALF MAKE A LEADER",
                section: "§5.2, Fig. 2 Candidates (2)",
                so_what: "the others can elect a second leader for the same term",
                chapter: "election.md#counting",
            },
            Rule::ElectionSafety => Words {
                id: "election_safety",
                title: "AT MOST ONE LEADER PER TERM",
                section: "Fig. 3 Election Safety",
                so_what: "two leaders give the same place in the log to different commands",
                chapter: "election.md#counting",
            },
            Rule::CommitMonotone => Words {
                id: "commit_monotone",
                title: "COMMITTED STAYS COMMITTED",
                section: "Fig. 2 State: commitIndex",
                so_what: "what a client was told has happened is open again",
                chapter: "replication.md#commit",
            },
            Rule::CommitWithinLog => Words {
                id: "commit_within_log",
                title: "ONLY WHAT THE LOG HOLDS IS COMMITTED",
                section: "Fig. 2 AppendEntries (5)",
                so_what: "the node will take a later entry at that place for a committed one",
                chapter: "replication.md#commit",
            },
            Rule::LeaderAppendOnly => Words {
                id: "leader_append_only",
                title: "A LEADER ONLY APPENDS",
                section: "Fig. 3 Leader Append-Only",
                so_what: "an entry that followers already hold changes under their hands",
                chapter: "replication.md#append",
            },
            Rule::LogMatching => Words {
                id: "log_matching",
                title: "ONE ENTRY, ONE PAST",
                section: "Fig. 3 Log Matching",
                so_what: "the check of one entry no longer vouches for those before it",
                chapter: "replication.md#matching",
            },
            Rule::AckMatches => Words {
                id: "acknowledged_is_the_leaders",
                title: "WHAT IS ACKNOWLEDGED IS THE LEADER'S",
                section: "§5.3, Fig. 2 AppendEntries (2)",
                so_what: "the leader counts a copy that nobody has: it commits what a crash can take",
                chapter: "replication.md#match",
            },
            Rule::CommitOnQuorum => Words {
                id: "commit_on_quorum",
                title: "COMMITTED MEANS DURABLE ON MORE THAN HALF",
                section: "§5.3, Fig. 2 Leaders (4)",
                so_what: "a majority without the entry can elect a leader that never had it",
                chapter: "replication.md#commit",
            },
            Rule::CommitInTwoGroups => Words {
                id: "commit_in_two_groups",
                title: "COMMITTED MEANS DURABLE IN TWO PLACES",
                section: "group commit of raft-rs (not in the paper)",
                so_what: "what clients were told has happened is lost with one data centre",
                chapter: "membership.md#commit-groups",
            },
            Rule::AppliedInOrder => Words {
                id: "applied_in_order",
                title: "WHAT IS APPLIED IS COMMITTED, IN ORDER, ONCE",
                section: "§5.3, Fig. 2 Rules for All Servers (1)",
                so_what: "two state machines that took different steps never agree again",
                chapter: "ready.md#apply",
            },
            Rule::StateMachineSafety => Words {
                id: "state_machine_safety",
                title: "ONE COMMAND PER PLACE",
                section: "Fig. 3 State Machine Safety",
                so_what: "the copies of the state differ for ever",
                chapter: "replication.md#commit",
            },
            Rule::LeaderCompleteness => Words {
                id: "leader_completeness",
                title: "A LEADER HOLDS ALL THAT IS COMMITTED",
                section: "Fig. 3 Leader Completeness, §5.4.1",
                so_what: "the leader overwrites what clients were told has happened",
                chapter: "election.md#restriction",
            },
            Rule::LinearizableRead => Words {
                id: "linearizable_read",
                title: "A READ SEES WHAT WAS ACKNOWLEDGED BEFORE IT",
                section: "§8, thesis §6.4",
                so_what: "a client that has written does not see its own write",
                chapter: "ready.md#reads",
            },
            Rule::ReadEndsOnce => Words {
                id: "read_ends_once",
                title: "EVERY READ ENDS, ONCE",
                section: "thesis §6.4",
                so_what: "a client waits for ever, or gets the answer to another question",
                chapter: "ready.md#reads",
            },
            Rule::AppliedByAll => Words {
                id: "applied_by_all",
                title: "AFTER THE NETWORK HEALS, EVERY NODE APPLIES THE SAME",
                section: "§5.3, Fig. 2 Rules for All Servers (1)",
                so_what: "clients wait for answers that never come",
                chapter: "replication.md#commit",
            },
            Rule::Liveness => Words {
                id: "liveness",
                title: "AFTER THE NETWORK HEALS, A LEADER",
                section: "§5.2, §5.6",
                so_what: "the cluster is up and serves nobody",
                chapter: "election.md#timer",
            },
        }
    }
}

impl fmt::Display for Rule {
    /// Writes the name that catalogues use.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.id())
    }
}
