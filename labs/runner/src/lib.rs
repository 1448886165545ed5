//! The runner: what a student types in a workspace, and what the desk shares with it.
//!
//! ```text
//!   cargo labs test ---> place: where are we?     suite: build, run      report: what it says
//!                         |                        |                      |
//!                         v                        v                      v
//!                        catalogue: what is asked  trial: what it means   card: how it looks
//! ```
//!
//! It depends on no crate of the course: it must build and speak when the student's code does not.
//! Modules stand in reading order.

pub mod card; // how that looks
pub mod catalogue; // what a lab asks for, as data
pub mod choice; // what a name typed by a student means
pub mod command;
pub mod consistency; // what must hold between labs
pub mod desk; // what the desk answers instead
pub mod handout; // labs read
pub mod here; // where am I
pub mod hint; // labs hint
pub mod nearest; // did you mean
pub mod place; // a workspace, or the course's checkout
pub mod points; // what a test is worth
pub mod progress; // how far a student has come
pub mod replay; // labs replay
pub mod report; // what tests say
pub mod screen; // 80 columns, three colours
pub mod source; // finding holes in text
pub mod suite; // building and running tests
pub mod trial; // labs test
pub mod watch; // labs watch // all that can be typed
