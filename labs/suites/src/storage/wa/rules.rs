//! The rules that the tests of lab 1wa name: the first line of a card, and the key of hints and bugs in
//! the catalogue.
//!
//! ```text
//!   id         one_write_per_batch        never changes
//!   title      A BATCH IS ONE FRAME ...   the card's first words
//!   paper      Log::append                where to read: the format's page, a doc comment, Raft
//!   so what    a crash between two ...    what happens to an owner whose log breaks it
//! ```
//!
//! They are in the order of the lab's steps.

use harness::Rule;

// Step 1.

pub(super) const LENGTH: Rule = Rule::new(
    "frame_length_is_stated",
    "A FRAME IS ITS HEADER, ITS DESCRIPTORS, ITS PAYLOADS, AND ZEROS UP TO A MULTIPLE OF 8",
    "the format's page, frame",
    "the reader looks for the next frame at a wrong offset: everything after this frame is lost",
);

// Step 2.

pub(super) const DESCRIPTOR: Rule = Rule::new(
    "descriptor_is_as_on_the_page",
    "A DESCRIPTOR IS WRITTEN AND READ AS THE PAGE SAYS",
    "the format's page, descriptor",
    "a log that is written today reads differently when it is opened tomorrow",
);

pub(super) const REFUSES: Rule = Rule::new(
    "impossible_items_are_refused",
    "A DESCRIPTOR THAT NO WRITER WRITES IS NOT READ AS SOMETHING ELSE",
    "the format's page, descriptor",
    "damage that a checksum missed, or a later version's item, changes a group's log",
);

// Step 3.

pub(super) const PLACED: Rule = Rule::new(
    "frame_is_as_on_the_page",
    "A FRAME'S LSNS AND ITS CHECKSUM ARE WRITTEN AS THE PAGE SAYS",
    "the format's page, frame header",
    "no other reader of the format can open this log",
);

pub(super) const SALTED: Rule = Rule::new(
    "header_checksum_covers_all",
    "THE HEADER'S CHECKSUM STARTS FROM THE SALT AND COVERS EVERY FIELD AFTER IT",
    "the format's page, frame header",
    "a changed length or LSN is believed; a recycled file shows frames of its earlier use",
);

// Step 4.

pub(super) const ONE_WRITE: Rule = Rule::new(
    "one_write_per_batch",
    "A BATCH IS ONE FRAME, IN ONE WRITE, RIGHT AFTER THE LAST ONE",
    "Log::append",
    "every extra write costs time, and a gap between frames ends the log at the next opening",
);

pub(super) const HEADER_TELLS: Rule = Rule::new(
    "frame_says_what_was_durable",
    "A FRAME CARRIES ITS OWN LSN, AND THE DURABLE LSN WHEN IT WAS WRITTEN",
    "the format's page, durable LSN",
    "too high: a torn tail looks like rot, and the node refuses to start; too low: rot looks like a \
     torn tail, and acknowledged data is thrown away",
);

pub(super) const SHOWN_IS_WRITTEN: Rule = Rule::new(
    "shown_only_if_written",
    "READERS SEE A BATCH ONCE ALL OF IT IS WRITTEN, AND NOT BEFORE",
    "Log::append, errors",
    "a reader acts on an entry that is in no file",
);

// Step 5.

pub(super) const POSITIONS: Rule = Rule::new(
    "entries_stand_where_they_were_put",
    "EVERY ENTRY IS FOUND AT ITS INDEX, WITH ITS TERM",
    "Raft §5.3; storage/src/groups/group.rs",
    "a leader sends wrong terms: followers drop entries that they should keep",
);

pub(super) const SUFFIX: Rule = Rule::new(
    "overwrite_ends_the_log",
    "AN ENTRY REPLACES THE ONE AT ITS INDEX, AND REMOVES ALL AFTER IT",
    "Raft §5.3, Fig. 2 AppendEntries (3)",
    "entries that a new leader has replaced are read again, and may be committed",
);

// Step 6.

pub(super) const READS: Rule = Rule::new(
    "reads_return_what_was_written",
    "WHAT WAS WRITTEN IS WHAT IS READ",
    "Log::entry, Log::entries",
    "a state machine applies a command that no client sent",
);

pub(super) const LIMIT: Rule = Rule::new(
    "at_least_one_entry",
    "A READ RETURNS ENTRIES UP TO ITS LIMIT, AND AT LEAST THE FIRST",
    "Log::entries",
    "an entry that is longer than the limit is never sent, nor anything after it: replication \
     stops",
);

pub(super) const EMPTY: Rule = Rule::new(
    "nothing_is_something_to_read",
    "AN ENTRY WITHOUT BYTES IS AN ENTRY; A BATCH WITHOUT ITEMS IS NONE",
    "Log::append, Entry::data",
    "a leader's first entry has no bytes: a log that cannot hold it has no leader",
);

// Step 7.

pub(super) const FITS: Rule = Rule::new(
    "batch_fits_or_is_refused",
    "A BATCH THAT FITS IS TAKEN, AND ONE THAT DOES NOT LEAVES NO TRACE",
    "storage/src/groups/check.rs",
    "a gap in a log: entries that were never written are counted as copies",
);

pub(super) const COMPACTED: Rule = Rule::new(
    "compaction_moves_the_beginning",
    "A COMPACTED LOG BEGINS AFTER THE ENTRY IT NAMES, AND KEEPS THAT ENTRY'S ID",
    "Batch::compact; Raft §7",
    "the first append after a snapshot is refused, or is checked against the wrong term",
);

// Step 8.

pub(super) const ACKNOWLEDGED: Rule = Rule::new(
    "acknowledged_is_synced",
    "A BATCH IS REPORTED DURABLE ONLY AFTER A SYNC THAT BEGAN AFTER IT HAS RETURNED",
    "storage/src/commit.rs; Raft Fig. 2, State",
    "a client is told that its write is safe, power fails, and it is gone",
);

pub(super) const NOBODY_WAITS: Rule = Rule::new(
    "nobody_waits_in_vain",
    "A CALLER WAITS ONLY FOR A SYNC THAT IS RUNNING",
    "storage/src/commit.rs, SyncRole::Wait",
    "a thread sleeps for ever: no other thread will wake it",
);

pub(super) const BROKEN: Rule = Rule::new(
    "after_a_failure_nobody_syncs",
    "AFTER A FAILED SYNC THERE IS NO OTHER, AND NOTHING MORE BECOMES DURABLE",
    "storage/src/disk.rs; storage/src/commit.rs",
    "the second sync succeeds, because the first one dropped the data: an acknowledged write is lost",
);

pub(super) const BUDGET: Rule = Rule::new(
    "one_sync_for_all_that_wait",
    "ONE SYNC AT A TIME, AND ONE FOR ALL CALLERS THAT CAME BEFORE IT BEGAN",
    "storage/src/commit.rs",
    "eight writers get an eighth of the disk each, instead of all of it together",
);

pub(super) const ATOMIC: Rule = Rule::new(
    "batch_is_all_or_nothing",
    "AFTER A POWER CUT THE DISK HOLDS ALL OF A BATCH, OR NONE OF IT",
    "storage/src/batch.rs; Raft Fig. 2, State",
    "a node starts with entries of a term that it does not know, and votes in that term again",
);

pub(super) const MODEL: Rule = Rule::new(
    "log_is_what_the_batches_made",
    "A LOG HOLDS WHAT ITS BATCHES WROTE, IN ORDER, AND NOTHING ELSE",
    "storage/src/batch.rs",
    "two nodes that wrote the same batches hold different logs",
);

pub(super) const COVERAGE: Rule = Rule::new(
    "coverage",
    "A RUN THAT CHANGES NOTHING SHOWS NOTHING",
    "",
    "a log that refuses everything breaks no rule, and serves nobody",
);
