//! The runner: what a student types in a workspace, and what the desk shares with it.
//!
//! ```text
//!   cargo labs test ---> place: where are we?     suite: build, run      report: what it says
//!                         |                        |                      |
//!                         v                        v                      v
//!                        catalogue: what is asked  trial: what it means   card: how it looks
//! ```
//!
//! It depends on no crate of the course: it must build and run when the student's code does not.
//! Modules are in reading order.

// What is asked: labs, steps, holes, tests, hints.
pub mod catalogue;

pub mod points;

pub mod consistency;

// Where we are, and how far.
pub mod place;

pub mod progress;

pub mod source;

// What is said: names, screens.
pub mod choice;

pub mod nearest;

pub mod screen;

// Running tests.
pub mod suite;

pub mod report;

pub mod last;

pub mod card;

pub mod slip;

// What a student types.
pub mod here;

pub mod trial;

pub mod keys;

pub mod watch;

pub mod hint;

pub mod handout;

pub mod browser;

pub mod pager;

pub mod replay;

pub mod desk;

pub mod command;
