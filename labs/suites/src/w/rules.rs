//! The rules that every crash of a log is judged by, in every lab of it.
//!
//! ```text
//!   it takes what fits    it shows what it was given          without a crash
//!   it opens              it holds what was acknowledged      after one
//!   it is what it was     what it shows is durable            it goes on
//! ```

use crate::Rule;

pub(crate) const TAKES: Rule = Rule::new(
    "what_fits_is_taken",
    "WHAT FITS IS TAKEN, AND WHAT WAS TAKEN IS SHOWN",
    "",
    "its owner stops for no reason, or acts on something that nobody wrote",
);

pub(crate) const OPENS: Rule = Rule::new(
    "a_crash_is_no_rot",
    "WHAT A CRASH LEAVES IS OPENED",
    "",
    "power fails once, and the node never starts again although nothing was lost",
);

pub(crate) const ACKNOWLEDGED: Rule = Rule::new(
    "acknowledged_survives",
    "WHAT WAS ACKNOWLEDGED OUTLIVES EVERY CRASH",
    "Fig. 2 State (persistent): updated before responding to RPCs",
    "a vote or an entry that a leader has counted on is gone: a majority that never was has committed",
);

pub(crate) const A_STATE: Rule = Rule::new(
    "found_is_what_once_was",
    "WHAT IS FOUND IS WHAT THE LOG ONCE WAS: ALL OF THE FIRST n BATCHES, NOTHING ELSE",
    "",
    "half a batch, or something that was gone: entries without the term they belong to, a log that \
     contradicts what was said of it",
);

pub(crate) const DURABLE: Rule = Rule::new(
    "an_opening_is_durable",
    "WHAT AN OPENING SHOWS IS DURABLE",
    "",
    "the node answers for what it has read in a cache; power fails, and the answer was a lie",
);

pub(crate) const GOES_ON: Rule = Rule::new(
    "it_goes_on",
    "AFTER A CRASH THE LOG IS WRITTEN AND READ AS BEFORE IT",
    "",
    "old bytes come back behind new ones, or new ones are not found again",
);
