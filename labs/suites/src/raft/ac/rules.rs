//! The rules that the tests of lab 2ac name: the first line of a card, and the key of hints and bugs in
//! the catalogue.
//!
//! ```text
//!   id         persist_before_send        never changes
//!   title      FIRST WRITE, THEN PROMISE  the card's first line
//!   paper      §5.2, Fig. 2 ...           where to read
//!   so what    two leaders in one term    what happens to a cluster that breaks it
//! ```
//!
//! They are in the order of the lab's steps.

use harness::Rule;

// Step 1.

pub(super) const ONLY_NEWS: Rule = Rule::new(
    "ready_only_with_news",
    "THERE IS A READY IF, AND ONLY IF, THERE IS NEWS",
    "",
    "a yes without news keeps the owner's loop busy for ever; a no in spite of news, and a vote or \
     an entry waits for ever",
);

// Step 2.

pub(super) const HARD_NEWS: Rule = Rule::new(
    "hard_state_is_told",
    "WHAT A PROMISE NEEDS IS HANDED OUT TO BE SAVED",
    "Fig. 2 State (persistent); §5.2",
    "the node starts again, has forgotten its vote, and votes for another in the same term: two \
     leaders",
);

pub(super) const SOFT_NEWS: Rule = Rule::new(
    "soft_state_is_told",
    "LEADER AND ROLE ARE REPORTED WHEN THEY CHANGE",
    "§8 (clients are sent to the leader)",
    "the application goes on serving reads as a leader, or sends its clients to a leader that is gone",
);

pub(super) const HARD_ONCE: Rule = Rule::new(
    "hard_state_is_told_once",
    "WHAT IS SAVED IS NOT SAVED AGAIN",
    "Fig. 2 State (persistent)",
    "every Ready costs a write, and a node without news never becomes quiet",
);

pub(super) const PERSIST_FIRST: Rule = Rule::new(
    "persist_before_send",
    "FIRST IT IS DURABLE, THEN IT IS PROMISED",
    "Fig. 2 State (persistent): updated before responding to RPCs",
    "a crash between the two: the node votes twice in a term, or forgets an entry that a leader has \
     counted on it for",
);

pub(super) const ENTRIES_ONCE: Rule = Rule::new(
    "entries_handed_out_once",
    "EVERY ENTRY IS HANDED OUT TO BE WRITTEN ONCE, IN ORDER",
    "§5.3",
    "the same entries are written again and again, or a log with a gap is acknowledged",
);

pub(super) const SYNC: Rule = Rule::new(
    "sync_what_promises_rest_on",
    "ENTRIES, TERM AND VOTE ARE SYNCED; A COMMIT INDEX NEED NOT BE",
    "Fig. 2 State (persistent and volatile)",
    "without the sync a promise rests on a cache that power loss empties; with one too many, \
     each commit costs the time of a sync",
);

// Step 3.

pub(super) const OWN_COPY: Rule = Rule::new(
    "own_copy_counts_once_durable",
    "A LEADER'S OWN COPY COUNTS ONCE IT IS DURABLE",
    "§5.3; thesis §10.2.1",
    "an entry is committed that one disk too few holds: one crash, and it is gone although a client \
     was told that it is done",
);

pub(super) const TWO_READYS: Rule = Rule::new(
    "written_before_committed",
    "ALONE, AN ENTRY IS COMMITTED ONCE IT IS WRITTEN, AND NOT BEFORE",
    "§5.3",
    "the application answers a client, the power fails, and the entry was never on a disk",
);

pub(super) const THAT_READY: Rule = Rule::new(
    "a_ready_makes_durable_what_it_held",
    "A DURABLE READY MAKES DURABLE WHAT IT HELD, AND NOTHING THAT CAME AFTER",
    "",
    "an entry that was never written counts as durable, and is never handed out to be written",
);

pub(super) const MESSAGES_ONCE: Rule = Rule::new(
    "messages_exactly_once",
    "EVERY MESSAGE IS HANDED OUT ONCE",
    "",
    "what is lost between two Readys delays the group until a timeout passes; what comes twice \
     doubles the traffic",
);

pub(super) const QUIET: Rule = Rule::new(
    "quiet_when_all_is_done",
    "WHEN ALL IS DONE, NOTHING IS READY",
    "",
    "a node that always has something ready takes a whole processor",
);

// Step 4.

pub(super) const APPLY_ONCE: Rule = Rule::new(
    "applied_in_order_and_once",
    "WHAT IS COMMITTED IS HANDED OUT IN ORDER, EACH ENTRY ONCE, NONE LEFT OUT",
    "Fig. 2 Rules for All Servers (1); §5.3",
    "two state machines have applied different commands: one of them booked a payment twice",
);

pub(super) const ALL_APPLIED: Rule = Rule::new(
    "all_committed_is_handed_out",
    "WHAT IS COMMITTED AND DURABLE IS HANDED OUT IN THE END",
    "Fig. 2 Rules for All Servers (1)",
    "clients wait for answers that never come",
);

pub(super) const CAP: Rule = Rule::new(
    "outstanding_applies_are_capped",
    "NO MORE IS HANDED OUT THAN THE LIMIT ALLOWS TO WAIT",
    "",
    "a slow application fills the memory with what it has not applied yet",
);

pub(super) const GATE: Rule = Rule::new(
    "the_gate_is_kept",
    "A COMMITTED ENTRY IS HANDED OUT WHEN THE GATE SAYS SO, NOT BEFORE",
    "§5.3",
    "an owner that applies at once applies what a crash can still take from its log",
);

pub(super) const OWNER_ORDER: Rule = Rule::new(
    "owners_mistakes_are_refused",
    "WHAT THE OWNER CANNOT HAVE DONE IS REFUSED, AND CHANGES NOTHING",
    "",
    "a mistake of the owner stays unnoticed until two replicas differ",
);

pub(super) const COMMIT_WRITTEN: Rule = Rule::new(
    "commit_within_what_is_written",
    "A SAVED COMMIT INDEX IS WITHIN THE SAVED LOG",
    "§5.3",
    "after a crash the node's disk contradicts itself, and it cannot start",
);

pub(super) const COMMIT_FIRST: Rule = Rule::new(
    "commit_told_before_applied",
    "THE COMMIT INDEX IS SAVED WITH, OR BEFORE, WHAT IS APPLIED",
    "Fig. 2 Rules for All Servers (1)",
    "after a crash the application is ahead of its own log's commit index",
);

// Step 5.

pub(super) const REMEMBERS: Rule = Rule::new(
    "restart_remembers",
    "WHAT WAS DURABLE IS KNOWN AFTER A RESTART",
    "Fig. 2 State (persistent)",
    "two votes in one term, or a commit index that goes back",
);

pub(super) const ONCE_ACROSS_CRASH: Rule = Rule::new(
    "applied_once_across_crashes",
    "A CRASH NEITHER REPEATS NOR LOSES WHAT IS APPLIED",
    "Fig. 2 State (volatile): lastApplied",
    "a payment is booked twice, or not at all, because a machine was restarted",
);

pub(super) const IMPOSSIBLE_START: Rule = Rule::new(
    "an_impossible_memory_is_refused",
    "AN IMPOSSIBLE STATE OF STORAGE IS REFUSED AT THE START",
    "Fig. 2 State (persistent)",
    "a node with a wiped disk joins as if nothing had happened, and breaks what it promised",
);

// Step 6.

pub(super) const WRITE_ORDER: Rule = Rule::new(
    "writes_end_in_order",
    "A WRITE THAT ENDS ENDS THOSE BEFORE IT TOO; A READY THAT DOES NOT WAIT IS AN ERROR",
    "",
    "a promise counts although its write has not ended",
);

pub(super) const ATTEST: Rule = Rule::new(
    "durable_in_its_term",
    "A DURABLE WRITE COUNTS ONLY WHILE NO LATER WRITE CAN REMOVE IT",
    "thesis §10.2.1",
    "an entry counts as durable that a write in progress is about to replace",
);

pub(super) const COVERAGE: Rule = Rule::new(
    "coverage",
    "A SEARCH THAT REACHES NOTHING SHOWS NOTHING",
    "",
    "a node that takes nothing in and hands nothing out breaks no rule, and does nothing",
);
