//! The rules that the tests of lab 2aa name: the first line of a card, and the key of hints and bugs in
//! the catalogue.
//!
//! ```text
//!   id         one_vote_per_term          never changes
//!   title      ONE VOTE PER TERM          the card's first line
//!   paper      §5.2, Fig. 2 ...           where to read
//!   so what    two leaders in one term    what happens to a cluster that breaks it
//! ```
//!
//! They are in the order of the lab's steps.

use harness::Rule;

// Step 1.

pub(super) const QUORUM: Rule = Rule::new(
    "quorum_is_more_than_half",
    "A QUORUM IS MORE THAN HALF OF THE VOTERS",
    "§5.2, Fig. 2 Candidates (2)",
    "two quorums that share no voter can elect two leaders in one term; a quorum that is too large \
     lets a single crash stop the cluster",
);

pub(super) const OUTCOME: Rule = Rule::new(
    "election_won_lost_open",
    "AN ELECTION IS WON, LOST OR STILL OPEN",
    "§5.2",
    "won too early: a leader of a minority; lost too early: an election given up while voters \
     can still answer; never lost: a candidate that waits for votes that cannot come",
);

// Step 2.

pub(super) const LATER_TERM: Rule = Rule::new(
    "later_term_makes_a_follower",
    "A LATER TERM MAKES A FOLLOWER, ANY OTHER CHANGES NOTHING",
    "§5.1, Fig. 2 Rules for All Servers (2)",
    "a node that stays behind goes on voting, or leading, in a term that is over",
);

pub(super) const HEARD: Rule = Rule::new(
    "only_our_terms_messages_are_heard",
    "A LATER TERM IS ENTERED BEFORE ITS MESSAGE IS HANDLED; AN OLDER ONE'S IS IGNORED",
    "§5.1, Fig. 2 Rules for All Servers (2)",
    "the request that brought a later term is lost, or a vote and a leader of a term that is over \
     count in this one",
);

pub(super) const STARTS_AS_FOLLOWER: Rule = Rule::new(
    "starts_as_follower",
    "A NODE STARTS AS A FOLLOWER, WITH THE TERM AND THE VOTE ON ITS DISK",
    "§5.2, Fig. 2 Persistent state",
    "a node that forgets its term or its vote over a restart can vote twice in one term",
);

// Step 3.

pub(super) const ELECTION_BEGINS: Rule = Rule::new(
    "election_begins_with_term_and_vote",
    "AN ELECTION BEGINS WITH THE NEXT TERM AND A VOTE FOR ONESELF",
    "§5.2, Fig. 2 Candidates (1)",
    "a second election in the same term asks for votes that are given already; a candidate that \
     has not voted for itself can still give its vote to another",
);

pub(super) const ASKS_EVERYONE: Rule = Rule::new(
    "candidate_asks_everyone",
    "A CANDIDATE ASKS EVERY OTHER VOTER, AND COUNTS ON ITSELF",
    "§5.2, Fig. 2 Candidates (1)",
    "a voter that is not asked cannot say yes: with one node down, nobody may ever win",
);

// Step 4.

pub(super) const RANDOM: Rule = Rule::new(
    "timeout_is_random",
    "EVERY TIMEOUT IS DRAWN AGAIN, FROM ONCE TO TWICE ELECTION_TICKS",
    "§5.2",
    "nodes with equal timeouts campaign together, split the votes, and do so again for ever",
);

pub(super) const COLLIDE: Rule = Rule::new(
    "timeouts_rarely_collide",
    "TWO NODES RARELY TIME OUT IN THE SAME TICK",
    "§5.2",
    "votes split in most elections, and the cluster has no leader for many rounds",
);

pub(super) const TIMES_OUT: Rule = Rule::new(
    "election_timeout_passes",
    "A NODE WITHOUT A LEADER'S MESSAGE CAMPAIGNS, AND CAMPAIGNS AGAIN",
    "§5.2, Fig. 2 Followers (2), Candidates (4)",
    "too early, and every short delay of the network makes a new leader; never, and one dead leader \
     or one split vote stops the cluster for ever",
);

pub(super) const RESTARTS_TIMER: Rule = Rule::new(
    "candidate_restarts_its_timer",
    "A CANDIDATE RESETS ITS ELECTION TIMER",
    "§5.2, Fig. 2 Candidates (1)",
    "a candidate whose timer was not reset campaigns again in the next tick: no term lasts \
     long enough for its answers to arrive",
);

// Step 5.

pub(super) const ONE_VOTE: Rule = Rule::new(
    "one_vote_per_term",
    "ONE VOTE PER TERM",
    "§5.2, Fig. 2 RequestVote (2)",
    "two candidates may both count this node: two leaders in one term",
);

pub(super) const SAME_ANSWER: Rule = Rule::new(
    "repeated_request_same_answer",
    "A REPEATED REQUEST GETS THE SAME ANSWER",
    "§5.1, Fig. 2 RequestVote (2)",
    "the first answer may have been lost: without it the candidate cannot win, and nobody else \
     can be voted for in this term",
);

pub(super) const BOTH_RULES: Rule = Rule::new(
    "vote_needs_both_rules",
    "A VOTE IS GRANTED IF NO RULE FORBIDS IT, AND REFUSED IF ONE DOES",
    "§5.2, §5.4.1, Fig. 2 RequestVote (1) (2)",
    "a vote too many makes two leaders, a vote too few makes none",
);

pub(super) const TIMER: Rule = Rule::new(
    "only_leader_or_grant_resets_timer",
    "ONLY A LIVE LEADER OR A GRANTED VOTE RESETS THE TIMER",
    "§5.2, Fig. 2 Followers (2)",
    "one outdated node that keeps asking can stop every election; or a voter campaigns against \
     the candidate \
     it has just voted for",
);

// Step 6.

pub(super) const MAJORITY: Rule = Rule::new(
    "majority_elects",
    "A MAJORITY OF GRANTED VOTES ELECTS, AND NOTHING LESS",
    "§5.2, Fig. 2 Candidates (2)",
    "with less than a majority, the other half may elect a leader of its own; with more than \
     one, nobody may ever be elected",
);

pub(super) const SINGLE: Rule = Rule::new(
    "single_node_elects_itself",
    "A NODE THAT IS ALONE ELECTS ITSELF",
    "§5.2, Fig. 2 Candidates (2)",
    "a cluster of one never serves anybody",
);

pub(super) const VOTERS: Rule = Rule::new(
    "voters_counted_not_messages",
    "VOTERS ARE COUNTED, NOT MESSAGES",
    "§5.2, §5.1 (requests are repeated)",
    "one voter whose answer is delivered twice elects a leader of a minority",
);

pub(super) const THIS_TERM: Rule = Rule::new(
    "only_this_terms_votes_count",
    "ONLY THIS TERM'S VOTES COUNT",
    "§5.1, Fig. 2 Rules for All Servers",
    "the voter may have promised its vote of this term to another: two leaders in one term",
);

pub(super) const START_EMPTY: Rule = Rule::new(
    "votes_start_empty",
    "A NEW ELECTION STARTS WITHOUT ANYBODY'S VOTES",
    "§5.2, Fig. 2 Candidates (1)",
    "a voter that said yes in the last term may have voted for another in this one",
);

pub(super) const KNOWS_ITSELF: Rule = Rule::new(
    "leader_knows_itself",
    "A LEADER KNOWS THAT IT LEADS",
    "§5.2, §8 (clients are sent to the leader)",
    "a client asks this leader which node leads: it names none, or an old leader",
);

pub(super) const VOTE_CLEARED: Rule = Rule::new(
    "later_term_clears_vote",
    "A LATER TERM CLEARS THE VOTE",
    "§5.2, Fig. 2 State: votedFor",
    "the node never votes again: after a few elections nobody can win",
);

pub(super) const VOTE_KEPT: Rule = Rule::new(
    "same_term_keeps_vote",
    "STEPPING DOWN WITHIN A TERM KEEPS THE VOTE",
    "§5.2, Fig. 2 State: votedFor",
    "it was given, to itself: given again it makes two leaders in one term",
);

pub(super) const EMERGES: Rule = Rule::new(
    "a_leader_emerges",
    "WHERE A MAJORITY CAN TALK, A LEADER EMERGES",
    "§5.2",
    "the cluster serves nobody",
);

pub(super) const STEPS_DOWN_THEN_ANSWERS: Rule = Rule::new(
    "steps_down_then_answers",
    "A NODE THAT LEARNS OF A LATER TERM STEPS DOWN, AND ANSWERS AS A FOLLOWER",
    "§5.1, Fig. 2 Rules for All Servers (2), RequestVote",
    "the message that brought the later term is lost, or answered out of a role that is over",
);

pub(super) const LEADER_STAYS: Rule = Rule::new(
    "leader_does_not_campaign",
    "A LEADER DOES NOT CAMPAIGN",
    "§5.2",
    "a leader that campaigns against itself ends its own term, again and again",
);

// Step 7.

pub(super) const BEATS: Rule = Rule::new(
    "leader_beats",
    "A LEADER SENDS EVERY OTHER VOTER HEARTBEATS, AT ONCE AND IN EVERY INTERVAL",
    "§5.2, Fig. 2 Leaders (1)",
    "a follower without heartbeats campaigns, and a healthy leader is deposed",
);

pub(super) const ONLY_LEADERS_BEAT: Rule = Rule::new(
    "only_leaders_beat",
    "ONLY A LEADER SENDS A LEADER'S MESSAGES",
    "§5.2, Fig. 2 Leaders (1)",
    "followers follow a node that does not lead, and none of them campaigns",
);

pub(super) const BEATS_ANSWERED: Rule = Rule::new(
    "beats_are_answered",
    "A HEARTBEAT IS ANSWERED TO THE LEADER, WITH ITS TOKEN AND SESSION",
    "§5.2, thesis §6.4",
    "the leader cannot know who still follows it, and later whether its reads are up to date",
);

pub(super) const YIELDS: Rule = Rule::new(
    "candidate_yields_to_leader",
    "A CANDIDATE YIELDS TO THE LEADER OF ITS TERM OR A LATER ONE, AND TO NO OTHER",
    "§5.2, Fig. 2 Candidates (3)",
    "two candidates go on although one has won; or an old leader's message ends an election",
);

pub(super) const DEPOSED: Rule = Rule::new(
    "deposed_by_later_term",
    "A LATER TERM DEPOSES THE LEADER, WHATEVER MESSAGE BRINGS IT",
    "§5.1, Fig. 2 Rules for All Servers (2)",
    "the old leader goes on, and the node with the later term never joins the group again",
);

pub(super) const DEPOSED_WAITS: Rule = Rule::new(
    "deposed_leader_waits",
    "A DEPOSED LEADER WAITS AN ELECTION TIMEOUT BEFORE IT CAMPAIGNS",
    "§5.2, Fig. 2 Followers (2)",
    "the node that was deposed campaigns in the next tick, against the leader that replaces it",
);

pub(super) const LEADER_CLEARED: Rule = Rule::new(
    "leader_cleared_with_term",
    "A LATER TERM HAS NO LEADER YET",
    "§5.1, §5.2, §8 (clients are sent to the leader)",
    "clients are sent to a leader of an earlier term",
);

// Step 8: the rules that break here are the test bed's, and these.

pub(crate) const COVERAGE: Rule = Rule::new(
    "coverage",
    "A RUN IN WHICH NOBODY LEADS SHOWS NOTHING",
    "§5.2",
    "a cluster that never elects anybody breaks no rule, and serves nobody",
);

pub(crate) const SAME_RUN: Rule = Rule::new(
    "same_seed_same_run",
    "THE SAME INPUTS GIVE THE SAME RUN",
    "",
    "a failure that cannot be replayed cannot be understood: something depends on more than \
     the node's state, its input and its seed",
);
