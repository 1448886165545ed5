//! The rules that the tests of lab 2ab name: the first line of a card, and the key of hints and bugs in
//! the catalogue.
//!
//! ```text
//!   id         only_own_term_is_counted   never changes
//!   title      ONLY ENTRIES OF ...        the card's first line
//!   paper      §5.4.2, Figure 8           where to read
//!   so what    a committed entry is ...   what happens to a cluster that breaks it
//! ```
//!
//! They are in the order of the lab's steps.

use harness::Rule;

// Step 1.

pub(super) const ASKS_WITH_LOG: Rule = Rule::new(
    "request_names_last_entry",
    "A CANDIDATE NAMES THE LAST ENTRY OF ITS LOG",
    "§5.4.1, Fig. 2 RequestVote: lastLogIndex, lastLogTerm",
    "voters compare with a log that the candidate does not have: a leader without committed \
     entries, or no leader at all",
);

pub(super) const NEWER: Rule = Rule::new(
    "older_log_gets_no_vote",
    "NO VOTE FOR A LOG THAT IS OLDER THAN THE VOTER'S",
    "§5.4.1, Fig. 2 RequestVote (2)",
    "a vote for an older log elects a leader without committed entries: they are lost",
);

pub(super) const AS_NEW: Rule = Rule::new(
    "newer_log_gets_the_vote",
    "A LOG THAT IS AT LEAST AS NEW AS THE VOTER'S GETS THE VOTE",
    "§5.4.1, Fig. 2 RequestVote (2)",
    "a candidate that holds everything cannot win: a cluster may stay without a leader",
);

pub(super) const REFUSAL_IS_FREE: Rule = Rule::new(
    "refused_candidate_uses_no_vote",
    "A CANDIDATE THAT IS REFUSED FOR ITS LOG USES UP NO VOTE",
    "§5.4.1, Fig. 2 RequestVote (2)",
    "the next candidate, whose log is new enough, is refused as well: nobody wins this term",
);

// Step 2.

pub(super) const WRITTEN: Rule = Rule::new(
    "log_is_what_was_written",
    "A LOG HOLDS WHAT WAS WRITTEN LAST AT EVERY INDEX, AND NOTHING AFTER IT",
    "§5.3, Fig. 2 AppendEntries (3) (4)",
    "two logs that should be equal differ for ever",
);

pub(super) const EMPTY_WRITES_NOTHING: Rule = Rule::new(
    "empty_append_writes_nothing",
    "A MESSAGE WITHOUT ENTRIES LEAVES THE LOG ALONE",
    "§5.3, Fig. 2 AppendEntries (3) (4)",
    "a probe, or a heartbeat, removes entries that the node has acknowledged",
);

// Step 3.

pub(super) const CONFLICT: Rule = Rule::new(
    "conflict_removes_the_tail",
    "AN ENTRY THAT DIFFERS IS REMOVED WITH ALL AFTER IT; NOTHING ELSE IS",
    "§5.3, Fig. 2 AppendEntries (2) (3) (4)",
    "one log holds entries that no leader's log holds together: Log Matching is broken",
);

pub(super) const TAKES: Rule = Rule::new(
    "fitting_entries_are_taken",
    "ENTRIES THAT FOLLOW AN ENTRY OF THE LOG ARE WRITTEN AFTER IT",
    "§5.3, Fig. 2 AppendEntries (4)",
    "the follower never gets what its leader has: nothing can be committed",
);

pub(super) const FAILED_READ: Rule = Rule::new(
    "failed_read_decides_nothing",
    "WHAT CANNOT BE READ IS NEITHER HELD NOR MISSING: A FAILED READ DECIDES NOTHING",
    "§5.3: an acknowledgement is a promise; our book, Ready, \"Halt\"",
    "one bad sector removes entries that were acknowledged, and perhaps committed",
);

pub(super) const STALE: Rule = Rule::new(
    "old_append_removes_nothing",
    "AN APPEND THAT BRINGS NOTHING NEW REMOVES NOTHING",
    "§5.3, Fig. 2 AppendEntries (3)",
    "an entry that was acknowledged, and perhaps committed, is lost because an old \
     message arrives late",
);

pub(super) const ACKNOWLEDGES: Rule = Rule::new(
    "acknowledgement_names_what_was_sent",
    "AN ACKNOWLEDGEMENT NAMES THE LAST INDEX OF THE MESSAGE, NOT OF THE LOG",
    "§5.3, Fig. 2 AppendEntries (5): index of last new entry",
    "too high: the leader counts copies of entries that this node does not have; too low: what \
     a majority holds is not committed",
);

// Step 4.

pub(super) const COMMIT_GROWS: Rule = Rule::new(
    "commit_only_grows",
    "A COMMIT INDEX ONLY GROWS",
    "§5.3, Fig. 2 State: commitIndex",
    "entries are applied twice, or not at all",
);

pub(super) const LEARNS: Rule = Rule::new(
    "follower_learns_commit",
    "A FOLLOWER COMMITS WHAT ITS LEADER SAYS IS COMMITTED",
    "§5.3, Fig. 2 AppendEntries (5)",
    "its state machine falls behind, or never sees an entry",
);

pub(super) const APPLIED: Rule = Rule::new(
    "committed_entries_in_order",
    "COMMITTED ENTRIES ARE APPLIED IN ORDER, EACH ONCE, AND NO OTHERS",
    "§5.3, Fig. 2 Rules for All Servers (1), Fig. 3 State Machine Safety",
    "two state machines that took the same commands differ",
);

// Step 5.

pub(super) const CHECK: Rule = Rule::new(
    "append_needs_its_predecessor",
    "ENTRIES ARE TAKEN ONLY AFTER THE ENTRY THAT THEY FOLLOW, AND THE ANSWER SAYS SO",
    "§5.3, Fig. 2 AppendEntries (2)",
    "a log with a gap, or with a past that its leader does not have, counts as a copy",
);

pub(super) const REFUSES: Rule = Rule::new(
    "rejection_names_what_was_asked",
    "A REJECTION NAMES THE INDEX THAT THE LEADER ASKED FOR, AND A HINT NO LATER",
    "§5.3, Fig. 2 AppendEntries (2)",
    "the leader takes the answer for an old one, or goes forward when it should go back",
);

pub(super) const COMMIT_BOUND: Rule = Rule::new(
    "commit_no_further_than_agreed",
    "A FOLLOWER COMMITS NO FURTHER THAN ITS LOG IS KNOWN TO BE THE LEADER'S",
    "§5.3, Fig. 2 AppendEntries (5)",
    "it applies entries that the leader is about to replace",
);

pub(super) const COMMITTED_STAYS: Rule = Rule::new(
    "committed_entries_stay",
    "WHAT IS COMMITTED IS NEVER REPLACED",
    "§5.4.3, Fig. 3 State Machine Safety",
    "a client was told that its write is safe, and it is gone",
);

pub(super) const OLD_LEADER: Rule = Rule::new(
    "old_leader_is_not_obeyed",
    "A LEADER WHOSE TERM IS OVER CHANGES NO LOG",
    "§5.1, Fig. 2 AppendEntries (1)",
    "an old leader, back from a pause, overwrites what the new one has committed",
);

// Step 6.

pub(super) const NOOP: Rule = Rule::new(
    "term_begins_with_an_entry",
    "A LEADER'S TERM BEGINS WITH AN ENTRY OF ITS OWN",
    "§8, §5.4.2",
    "entries of earlier terms are not committed until a client happens to write",
);

pub(super) const PROPOSED: Rule = Rule::new(
    "proposal_is_appended",
    "A LEADER WRITES PROPOSALS AT THE END OF ITS LOG, IN ORDER, IN ITS TERM",
    "§5.3, Fig. 2 Leaders (2), Fig. 3 Leader Append-Only",
    "a client's command is lost, or is in the log as another leader's",
);

pub(super) const ONLY_LEADER: Rule = Rule::new(
    "only_a_leader_takes_proposals",
    "ONLY A LEADER TAKES PROPOSALS INTO ITS LOG",
    "§5.1, §8",
    "two nodes write different entries with one id: Log Matching is broken",
);

pub(super) const STEPS_DOWN: Rule = Rule::new(
    "later_term_makes_a_follower",
    "A LATER TERM MAKES ANY NODE A FOLLOWER, AND CHANGES NO ENTRY",
    "§5.1, Fig. 2 Rules for All Servers (2)",
    "two nodes go on leading, or a log changes without a write",
);

// Step 7.

pub(super) const TO_EVERYONE: Rule = Rule::new(
    "entries_go_to_everyone",
    "A LEADER SENDS EVERY OTHER VOTER WHAT IT LACKS",
    "§5.3, Fig. 2 Leaders (2) (3)",
    "entries that are not sent are never committed",
);

pub(super) const SAYS: Rule = Rule::new(
    "append_says_what_it_follows",
    "AN APPEND CARRIES A PIECE OF THE LEADER'S LOG, AND NAMES THE ENTRY BEFORE IT",
    "§5.3, Fig. 2 AppendEntries: prevLogIndex, prevLogTerm",
    "followers check the wrong entry: they refuse what fits, or take what does not",
);

pub(super) const SPEAKS: Rule = Rule::new(
    "leader_speaks_while_clients_write",
    "A LEADER SENDS HEARTBEATS IN EVERY INTERVAL, HOWEVER MUCH CLIENTS WRITE",
    "§5.2, Fig. 2 Leaders (1)",
    "a follower that is a little behind campaigns against a leader that is healthy and busy",
);

// Step 8.

pub(super) const MOVES_ON: Rule = Rule::new(
    "acknowledged_peer_gets_the_next",
    "A PEER THAT HAS ACKNOWLEDGED AN ENTRY IS SENT WHAT FOLLOWS IT",
    "§5.3, Fig. 2 Leaders (3): nextIndex, matchIndex",
    "the same entries go out again and again, and new ones never do",
);

pub(super) const GOES_BACK: Rule = Rule::new(
    "rejection_goes_back",
    "A REJECTION MAKES THE LEADER GO BACK, NEVER BEYOND THE FIRST ENTRY",
    "§5.3, Fig. 2 Leaders (3)",
    "leader and follower repeat the same rejection for ever",
);

pub(super) const OLD_NEWS: Rule = Rule::new(
    "old_news_changes_nothing",
    "OLD ANSWERS CHANGE NOTHING",
    "§5.3, Fig. 2 Leaders (3) (4)",
    "an entry that a peer holds is sent again, or an entry that a majority holds is not committed",
);

// Step 9.

pub(super) const MAJORITY_COMMITS: Rule = Rule::new(
    "majority_commits",
    "WHAT A MAJORITY HOLDS IS COMMITTED",
    "§5.3, Fig. 2 Leaders (4)",
    "a client waits for ever: a cluster that could serve does not",
);

pub(super) const NO_MAJORITY: Rule = Rule::new(
    "only_a_majority_commits",
    "WHAT NO MAJORITY HOLDS IS NOT COMMITTED",
    "§5.3, Fig. 2 Leaders (4)",
    "one crash loses what a client was told is safe",
);

pub(super) const OWN_TERM: Rule = Rule::new(
    "only_own_term_is_counted",
    "ONLY ENTRIES OF THE LEADER'S OWN TERM ARE COUNTED",
    "§5.4.2, Figure 8",
    "an entry of an earlier term can be on a majority and still be replaced",
);

pub(super) const FORGETS: Rule = Rule::new(
    "new_leader_knows_no_copies",
    "A NEW LEADER KNOWS ONLY OF ITS OWN COPIES",
    "§5.3, Fig. 2 State: matchIndex starts at 0",
    "copies that were replaced long ago are counted",
);

pub(super) const BEAT_BOUND: Rule = Rule::new(
    "beat_commits_what_is_held",
    "A HEARTBEAT CARRIES NO COMMIT INDEX BEYOND WHAT ITS RECEIVER HOLDS",
    "§5.3, Fig. 2 AppendEntries (5)",
    "a follower commits entries of its own that the leader never had",
);

pub(super) const TOLD: Rule = Rule::new(
    "commit_is_told",
    "A LEADER TELLS ITS FOLLOWERS ITS COMMIT INDEX",
    "§5.3, Fig. 2 AppendEntries: leaderCommit",
    "followers never apply anything",
);

// Step 10.

pub(super) const REPAIRS: Rule = Rule::new(
    "logs_become_the_leaders",
    "EVERY LOG BECOMES THE LEADER'S",
    "§5.3, Figure 7",
    "followers that were down, or were leaders themselves, never catch up",
);

pub(super) const CATCHES_UP: Rule = Rule::new(
    "lost_entries_are_sent_again",
    "A PEER THAT ANSWERS AGAIN IS SENT WHAT IT LACKS",
    "§5.3: the leader retries AppendEntries indefinitely",
    "after one lost message a follower stays behind until it is too late",
);

// Step 11: other rules that break here are the test bed's.

pub(super) const BUDGET: Rule = Rule::new(
    "entries_are_sent_once",
    "ON A NETWORK THAT LOSES NOTHING, EVERY ENTRY IS SENT TO EVERYONE ABOUT ONCE",
    "§5.3",
    "the network is full of entries that everybody has",
);

pub(super) const CONVERGES: Rule = Rule::new(
    "logs_converge",
    "ONCE EVERYTHING WORKS AGAIN, ALL LOGS BECOME ONE, AND NEW COMMANDS ARE COMMITTED",
    "§5.3, §5.5",
    "a cluster that has healed does not serve",
);

pub(super) const COVERAGE: Rule = Rule::new(
    "coverage",
    "A RUN THAT COMMITS NOTHING SHOWS NOTHING",
    "",
    "a cluster that never commits anything breaks no rule, and serves nobody",
);
