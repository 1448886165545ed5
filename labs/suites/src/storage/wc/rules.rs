//! The rules that the tests of lab 1wc name: the first line of a card, and the key of hints and bugs in
//! the catalogue.
//!
//! ```text
//!   id         durable_before_it_goes             never changes
//!   title      THE FRAMES THAT MADE A ..         the card's first words
//!   paper      where to read, if a paper says it
//!   so what    what happens to a store that breaks it
//! ```
//!
//! They are in the order of the lab's steps.

use harness::Rule;

// Step 1.

pub(super) const COUNTED: Rule = Rule::new(
    "wanted_is_counted",
    "THE LOG COUNTS EXACTLY WHAT IS LIVE",
    "",
    "too low: a segment is removed although it is needed; too high: it stays for ever",
);

// Step 2.

pub(super) const WORTH_IT: Rule = Rule::new(
    "collected_when_worth_it",
    "GARBAGE IS COLLECTED WHEN THERE IS ENOUGH OF IT, NOT BEFORE",
    "",
    "too early: the disk is busy with copies of live data; too late: it is full",
);

pub(super) const OLDEST_FIRST: Rule = Rule::new(
    "oldest_goes_first",
    "SEGMENTS ARE REMOVED OLDEST FIRST, ONE AT A TIME",
    "",
    "after a power cut a segment is missing in the middle: the log cannot be opened, or what was \
     removed is back",
);

pub(super) const DURABLE_FIRST: Rule = Rule::new(
    "durable_before_it_goes",
    "THE FRAMES THAT MADE A SEGMENT GARBAGE ARE DURABLE BEFORE IT IS REMOVED",
    "",
    "a power cut loses the newer record, and the older one is removed already: both are lost",
);

// Steps 3 and 4.

pub(super) const NEVER_LOST: Rule = Rule::new(
    "wanted_is_never_lost",
    "LIVE DATA OUTLIVES ITS SEGMENT",
    "",
    "what was acknowledged long ago, and never replaced, is lost, and no reader notices",
);

pub(super) const COPIES: Rule = Rule::new(
    "a_copy_changes_nothing",
    "A COPY HAS THE INDEX OF ITS ORIGINAL, AND CHANGES NOTHING ELSE",
    "",
    "a copy of an old record undoes newer ones",
);

pub(super) const ROT: Rule = Rule::new(
    "rot_gets_no_checksum",
    "ROT GETS NO NEW CHECKSUM",
    "",
    "damaged bytes get a right checksum: no reader can find the damage",
);

pub(super) const WITNESS: Rule = Rule::new(
    "a_copy_has_a_witness",
    "A ROTTED COPY IS NOT TAKEN FOR ONE THAT WAS NEVER DURABLE",
    "",
    "the original is removed, one bit of the copy flips, and the log opens without the entry and \
     without an error",
);

pub(super) const FULL_DISK: Rule = Rule::new(
    "collects_on_a_full_disk",
    "COLLECTION WORKS ON A FULL DISK",
    "",
    "a full disk stays full: the collection that could free room needs room itself",
);

pub(super) const STAYS_GONE: Rule = Rule::new(
    "gone_stays_gone",
    "WHAT IS REMOVED STAYS REMOVED",
    "",
    "a group that was removed, or a key that was deleted, is back after a restart",
);

// Step 5.

pub(super) const HELD: Rule = Rule::new(
    "held_bytes_stay",
    "BYTES THAT A READER HOLDS ARE NOT OVERWRITTEN",
    "",
    "a leader sends a follower an entry, and its bytes change meanwhile",
);

pub(super) const USED_AGAIN: Rule = Rule::new(
    "files_are_used_again",
    "A FILE WITHOUT READERS IS RECYCLED",
    "",
    "every new segment is filled with zeros first: the disk writes the whole log twice",
);

pub(super) const NO_SEGMENT: Rule = Rule::new(
    "a_spare_is_no_segment",
    "A RECYCLED FILE IS DURABLY RENAMED BEFORE IT IS WRITTEN",
    "",
    "after a power cut the file has its old name and new bytes, and the log cannot be opened",
);

// Step 6.

pub(super) const ASKED: Rule = Rule::new(
    "owners_are_asked_first",
    "OWNERS OF LARGE GROUPS ARE ASKED FIRST; IN A LONG LOG THEIR ENTRIES ARE COPIED",
    "",
    "the entries of a slow group are copied again and again; or an idle group pins the log for ever",
);

pub(super) const A_LITTLE: Rule = Rule::new(
    "one_call_moves_a_little",
    "ONE CALL COPIES ABOUT AS MUCH AS IT MAY, AND SAYS WHEN THERE IS MORE",
    "",
    "the owner's thread is busy for seconds, and sends no heartbeats",
);

// Step 7.

pub(super) const BOUNDED: Rule = Rule::new(
    "space_is_bounded",
    "AT MOST THREE TIMES THE LIVE BYTES, AND TWO SEGMENTS",
    "",
    "fifty idle groups use five times the disk that they need",
);

pub(super) const COVERAGE: Rule = Rule::new(
    "coverage",
    "A SWEEP THAT REACHES NOTHING SHOWS NOTHING",
    "",
    "a log that collects nothing loses nothing, and fills the disk",
);
