//! The rules for every crash of a log, in all labs of the log engine.
//!
//! ```text
//!   it takes what fits    it shows what it was given          without a crash
//!   it opens              it holds what was acknowledged      after one
//!   it is what it was     what it shows is durable            it goes on
//! ```

use harness::Rule;

pub(crate) const TAKES: Rule = Rule::new(
    "what_fits_is_taken",
    "WHAT FITS IS TAKEN, AND WHAT WAS TAKEN IS SHOWN",
    "",
    "its owner stops without a reason, or acts on data that was never written",
);

pub(crate) const OPENS: Rule = Rule::new(
    "a_crash_is_no_rot",
    "WHAT A CRASH LEAVES IS OPENED",
    "",
    "power fails once, and the node never starts again, although nothing was lost",
);

pub(crate) const ACKNOWLEDGED: Rule = Rule::new(
    "acknowledged_survives",
    "WHAT WAS ACKNOWLEDGED SURVIVES EVERY CRASH",
    "Fig. 2 State (persistent): updated before responding to RPCs",
    "a vote or an entry that a leader has counted is lost: an entry is committed without a majority",
);

pub(crate) const A_STATE: Rule = Rule::new(
    "found_is_what_once_was",
    "WHAT IS FOUND IS AN EARLIER STATE OF THE LOG: ALL OF THE FIRST n BATCHES, NOTHING ELSE",
    "",
    "half a batch, or something that was removed: entries without their term, a log that \
     contradicts what the node has promised",
);

pub(crate) const DURABLE: Rule = Rule::new(
    "an_opening_is_durable",
    "WHAT AN OPENING SHOWS IS DURABLE",
    "",
    "the node promises what it has read from a cache; power fails, and the promise is broken",
);

pub(crate) const GOES_ON: Rule = Rule::new(
    "it_goes_on",
    "AFTER A CRASH THE LOG IS WRITTEN AND READ AS BEFORE",
    "",
    "old bytes come back after new ones, or new ones are not found again",
);
