//! The rules that the tests of lab 1wc name: what a card says first, and what a hint or a bug of the
//! catalogue is found by.
//!
//! ```text
//!   id         durable_before_it_goes             never changes
//!   title      WHAT MADE A SEGMENT NEEDLESS ..    the card's first words
//!   paper      where it is written, if a paper says it
//!   so what    what a store comes to that breaks it
//! ```
//!
//! They stand in the order of the lab's steps.

use crate::Rule;

// Step 1.

pub(super) const COUNTED: Rule = Rule::new(
    "wanted_is_counted",
    "WHAT IS COUNTED IS EXACTLY WHAT IS WANTED",
    "",
    "one too few, and a segment is deleted that somebody needs; one too many, and it stays for ever",
);

// Step 2.

pub(super) const WORTH_IT: Rule = Rule::new(
    "collected_when_worth_it",
    "GARBAGE IS COLLECTED WHEN THERE IS ENOUGH OF IT, AND NOT BEFORE",
    "",
    "too early, and the disk is kept busy with copies of what is wanted; too late, and it is full",
);

pub(super) const OLDEST_FIRST: Rule = Rule::new(
    "oldest_goes_first",
    "SEGMENTS GO OLDEST FIRST, AND ONE AT A TIME",
    "",
    "after a power cut a segment is missing in the middle: the log cannot be opened, or what was \
     removed is back",
);

pub(super) const DURABLE_FIRST: Rule = Rule::new(
    "durable_before_it_goes",
    "WHAT MADE A SEGMENT NEEDLESS IS DURABLE BEFORE THE SEGMENT GOES",
    "",
    "a power cut takes the newer record, and the older one is deleted already: both are lost",
);

// Steps 3 and 4.

pub(super) const NEVER_LOST: Rule = Rule::new(
    "wanted_is_never_lost",
    "WHAT IS WANTED OUTLIVES ITS SEGMENT",
    "",
    "what was acknowledged long ago, and never replaced, is gone: nobody looked at it, and so nobody \
     noticed",
);

pub(super) const COPIES: Rule = Rule::new(
    "a_copy_changes_nothing",
    "A COPY STANDS WHERE ITS ORIGINAL STOOD, AND CHANGES NOTHING ELSE",
    "",
    "an old record, written again, undoes newer ones: time runs backwards",
);

pub(super) const ROT: Rule = Rule::new(
    "rot_gets_no_checksum",
    "ROT GETS NO NEW CHECKSUM",
    "",
    "damaged bytes become right ones: no checksum will ever tell again",
);

pub(super) const WITNESS: Rule = Rule::new(
    "a_copy_has_a_witness",
    "A COPY THAT ROTS IS TOLD FROM ONE THAT WAS NEVER DURABLE",
    "",
    "the original is deleted, one bit of the copy flips, and the log opens without it as if nothing had \
     been there",
);

pub(super) const FULL_DISK: Rule = Rule::new(
    "collects_on_a_full_disk",
    "WHO MAKES ROOM IS LET IN WHEN THE DISK IS FULL",
    "",
    "a full disk stays full: the one that could empty it waits for room itself",
);

pub(super) const STAYS_GONE: Rule = Rule::new(
    "gone_stays_gone",
    "WHAT IS GONE STAYS GONE",
    "",
    "a group that was removed, or a key that was deleted, is back after a restart",
);

// Step 5.

pub(super) const HELD: Rule = Rule::new(
    "held_bytes_stay",
    "BYTES THAT SOMEBODY HOLDS ARE NOT WRITTEN OVER",
    "",
    "a reader sends a follower an entry whose bytes change under its hands",
);

pub(super) const USED_AGAIN: Rule = Rule::new(
    "files_are_used_again",
    "A FILE THAT NOBODY READS IS USED AGAIN",
    "",
    "every new segment is filled with zeros first, byte for byte: the disk writes all of the log twice",
);

pub(super) const NO_SEGMENT: Rule = Rule::new(
    "a_spare_is_no_segment",
    "BEFORE A FILE IS WRITTEN AGAIN, IT IS CERTAIN THAT IT IS NO SEGMENT ANY MORE",
    "",
    "after a power cut the file has its old name and new bytes, and the log cannot be opened",
);

// Step 6.

pub(super) const ASKED: Rule = Rule::new(
    "owners_are_asked_first",
    "WHO HOLDS MUCH IS ASKED FIRST, AND MOVED WHEN THERE IS TOO MUCH LOG",
    "",
    "all that a slow group holds is copied again and again; or an idle group pins the log for ever",
);

pub(super) const A_LITTLE: Rule = Rule::new(
    "one_call_moves_a_little",
    "ONE CALL MOVES ABOUT AS MUCH AS IT MAY, AND SAYS WHEN THERE IS MORE",
    "",
    "the owner's thread is away for seconds, and its heartbeats with it",
);

// Step 7.

pub(super) const BOUNDED: Rule = Rule::new(
    "space_is_bounded",
    "AT MOST THREE TIMES WHAT IS WANTED, AND TWO SEGMENTS",
    "",
    "fifty idle groups keep five times the disk that anybody asked for",
);

pub(super) const COVERAGE: Rule = Rule::new(
    "coverage",
    "A SWEEP THAT REACHES NOTHING SHOWS NOTHING",
    "",
    "a log that collects nothing loses nothing by it, and fills the disk",
);
