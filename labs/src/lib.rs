//! The desk: cuts the labs, hands out workspaces, grades them, and proves its own tests.
//!
//! ```text
//!   catalogue --+--> cutter --> copy --> workspace, grade     what students get and are worth
//!   raft/src ---'      |
//!                      '--> weave --> closure, bugs           what the tests are worth
//! ```
//!
//! Modules are in reading order.

// The sources, and what is cut from them.
pub mod course;

pub mod cutter;

pub mod copy;

// What students get, and what it is worth.
pub mod workspace;

pub mod student;

pub mod grade;

// What the tests are worth.
pub mod changes;

pub mod weave;

pub mod closure;

pub mod bugs;

pub mod mutations;

pub mod random;

pub mod hunts;

pub mod core_bugs;

// What must hold before the course is handed out.
pub mod leaks;

pub mod names;

pub mod rules;

pub mod identifiers;

pub mod offers;

pub mod workflow;

pub mod check;

pub mod doctor;

// Code in the book, by the path of its item.
pub mod excerpt;

pub mod pictures;

// Pages in another language, and the originals that they translate.
pub mod translations;
