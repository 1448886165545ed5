//! The rules that the tests of lab 1wb name: the first line of a card, and the key of hints and bugs in
//! the catalogue. Those of the crash tests are shared with lab 1wc ([`crate::storage::kit::rules`]).
//!
//! ```text
//!   id         torn_tail_is_discarded                       never changes
//!   title      WHAT WAS TORN IS DISCARDED, ALL OF IT        the card's first words
//!   so what    a node that never boots again                what happens to a log that breaks it
//! ```
//!
//! They are in the order of the lab's steps.

use harness::Rule;

// Step 1.

pub(super) const EVERY_BIT: Rule = Rule::new(
    "every_bit_is_covered",
    "EVERY BIT OF A FRAME IS COVERED: CHANGE ONE, AND THE FRAME IS REFUSED",
    "",
    "a flipped bit in a length or a term is believed: the reader goes on in the middle of a \
     payload",
);

pub(super) const ONE_PLACE: Rule = Rule::new(
    "a_frame_has_one_place",
    "A FRAME COUNTS AS THE NEXT LSN OF ITS SEGMENT, AND NOWHERE ELSE",
    "",
    "an old frame counts a second time, or zeros count as a batch that nobody wrote",
);

pub(super) const CANNOT_BE: Rule = Rule::new(
    "what_no_writer_says",
    "WHAT NO WRITER WRITES IS REFUSED, WHATEVER ITS CHECKSUM",
    "",
    "a reader that believes a wrong length reads beyond the end of the file",
);

pub(super) const NAMES_PAYLOADS: Rule = Rule::new(
    "damaged_payloads_are_named",
    "EXACTLY THE PAYLOADS THAT HAVE ROTTED ARE NAMED",
    "",
    "a peer is asked for entries that are here, and not for the lost one",
);

// Step 2.

pub(super) const ZEROS: Rule = Rule::new(
    "zeros_are_no_frames",
    "ZEROS ARE NO FRAMES",
    "",
    "a log that was never written shows batches, without end",
);

pub(super) const ENDS: Rule = Rule::new(
    "frames_end_where_one_fails",
    "FRAMES COUNT ONE BY ONE, UP TO THE FIRST BAD ONE",
    "",
    "an acknowledged batch is not found, or a batch after a gap is",
);

// Step 3.

pub(super) const SAME: Rule = Rule::new(
    "reopened_is_the_same",
    "A LOG THAT IS OPENED AGAIN SHOWS WHAT IT SHOWED",
    "",
    "the node has forgotten a vote or an entry, although nothing has failed",
);

pub(super) const OVERWRITE: Rule = Rule::new(
    "an_entry_ends_the_log",
    "AN ENTRY REMOVES WHAT IS AT ITS INDEX AND AFTER IT, IN REPLAY TOO",
    "§5.3",
    "entries that a leader has replaced are back after a restart, and are sent to peers",
);

pub(super) const BOUNDS: Rule = Rule::new(
    "the_beginning_is_kept",
    "WHERE A LOG BEGINS IS REPLAYED LIKE EVERYTHING ELSE",
    "§7",
    "entries that a snapshot has replaced are back, or the log begins with a gap",
);

pub(super) const ATOMIC: Rule = Rule::new(
    "a_batch_is_atomic",
    "A BATCH COUNTS AS A WHOLE, OR NOT AT ALL",
    "Fig. 2 State (persistent)",
    "entries of a term that the node does not know: it votes in that term again",
);

pub(super) const HOLE: Rule = Rule::new(
    "no_hole_is_shown",
    "A LOG WITH A MISSING ENTRY IS NOT SHOWN",
    "",
    "a log with a gap counts as a whole copy",
);

// Step 4.

pub(super) const TORN: Rule = Rule::new(
    "torn_is_discarded",
    "ALL THAT A CRASH HAS TORN IS DISCARDED, AND NOTHING ELSE",
    "",
    "half a batch counts; or power fails, and the node never starts again",
);

pub(super) const FLIPS: Rule = Rule::new(
    "rot_is_noticed",
    "NO BIT OF WHAT WAS ACKNOWLEDGED CHANGES UNNOTICED",
    "",
    "acknowledged entries are lost, and the node says that it never had them",
);

pub(super) const MIDDLE: Rule = Rule::new(
    "a_witness_decides",
    "A LATER FRAME SAYS WHETHER A BAD FRAME WAS DURABLE: ROT, OR A TORN TAIL",
    "",
    "one flipped bit, and every later batch is lost without an error; or a torn tail counts as rot",
);

pub(super) const LOST: Rule = Rule::new(
    "what_is_lost_is_named",
    "A REFUSAL NAMES WHAT WAS LOST",
    "",
    "an operator has to replace a whole node to restore one entry",
);

// Step 5.

pub(super) const ORDER: Rule = Rule::new(
    "segments_in_order",
    "SEGMENTS ARE READ IN THE ORDER OF THEIR NUMBERS",
    "",
    "the tenth file is read before the second: old entries replace new ones",
);

pub(super) const LENGTH: Rule = Rule::new(
    "segments_keep_their_length",
    "A FRAME IS WITHIN ITS SEGMENT, AND A SEGMENT KEEPS ITS LENGTH",
    "",
    "a write that finds the disk full in the middle of a frame, and a file that no opening takes",
);

pub(super) const FOLLOWS: Rule = Rule::new(
    "the_directory_is_whole",
    "A DIRECTORY IS THE WHOLE LOG, IN ORDER, OR IT IS REFUSED",
    "",
    "a segment in the middle is missing, and no error says so",
);

pub(super) const SALT: Rule = Rule::new(
    "a_salt_of_its_own",
    "FRAMES FROM AN EARLIER USE OF A FILE DO NOT COUNT",
    "",
    "batches of last week come back after those of today",
);

// Step 6.

pub(super) const STALE: Rule = Rule::new(
    "old_bytes_stay_dead",
    "WHAT FOLLOWS A TORN FRAME NEVER COUNTS, WHATEVER IS WRITTEN BEFORE IT",
    "",
    "a batch that never counted comes back, after one that does",
);

pub(super) const FILLS: Rule = Rule::new(
    "reopening_fills_no_disk",
    "OPENING A LOG AGAIN AND AGAIN FILLS NO DISK",
    "",
    "a process that dies at every start takes a segment each time, until nothing works",
);

pub(super) const NUMBERS: Rule = Rule::new(
    "rewritten_in_order",
    "REWRITTEN FRAMES KEEP THEIR LSNS, THEIR ORDER AND THEIR BYTES",
    "",
    "rewritten batches are not found at the next opening",
);

// Step 7.

pub(super) const FATAL: Rule = Rule::new(
    "a_failed_sync_is_final",
    "A SYNC THAT FAILS IS NEVER TRIED AGAIN, AND NOTHING IS ACKNOWLEDGED AFTER IT",
    "",
    "the second sync succeeds, because the cache dropped the bytes of the first one: \
     acknowledged, and lost",
);

pub(super) const STOPS: Rule = Rule::new(
    "nothing_after_the_first_failure",
    "AFTER THE FIRST FAILURE NOTHING IS WRITTEN, AND EVERY CALLER GETS THAT FAILURE",
    "",
    "batches after one that is missing; and an operator who sees the tenth error, \
     not the first",
);

pub(super) const SHORT: Rule = Rule::new(
    "a_write_is_whole",
    "A DISK MAY TAKE FEWER BYTES THAN IT IS GIVEN",
    "",
    "half a frame in the middle of the file, and the next frame right after it",
);

pub(super) const FULL: Rule = Rule::new(
    "a_full_disk_costs_nothing",
    "A FULL DISK IS FOUND BEFORE A BYTE IS WRITTEN",
    "",
    "half a batch on a full disk; or a node that has to stop although it could make room",
);

// Step 8.

pub(super) const COVERAGE: Rule = Rule::new(
    "coverage",
    "A SWEEP THAT REACHES NOTHING SHOWS NOTHING",
    "",
    "a log that acknowledges nothing loses nothing, and is useless",
);
