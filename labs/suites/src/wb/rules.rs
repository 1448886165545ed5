//! The rules that the tests of lab 1wb name: what a card says first, and what a hint or a bug of the
//! catalogue is found by. Those of the crash tests are shared with lab 1wc ([`crate::w::rules`]).
//!
//! ```text
//!   id         torn_tail_is_discarded                       never changes
//!   title      WHAT WAS TORN IS DISCARDED, ALL OF IT        the card's first words
//!   so what    a node that never boots again                what comes of a log that breaks it
//! ```
//!
//! They stand in the order of the lab's steps.

use crate::Rule;

// Step 8.

pub(super) const COVERAGE: Rule = Rule::new(
    "coverage",
    "A SWEEP THAT REACHES NOTHING SHOWS NOTHING",
    "",
    "a log that acknowledges nothing loses nothing, and is of no use",
);
