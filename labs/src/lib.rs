//! The desk: cuts the labs, hands out workspaces, grades them, and proves its own tests.
//!
//! ```text
//!   catalogue --+--> cutter --> copy --> workspace, grade     what students get and are worth
//!   raft/src ---'      |
//!                      '--> weave --> closure, bugs           what the tests are worth
//! ```
//!
//! Modules stand in reading order.

pub mod bugs; // labs bugs
pub mod changes; // bugs and variants, as data
pub mod check; // labs check, labs fix
pub mod closure; // every lab can be written step by step
pub mod copy; // the course without the desk
pub mod course; // the checkout: sources, catalogue, cuts
pub mod cutter; // bodies, and no other byte
pub mod doctor;
pub mod grade;
pub mod leaks; // no reference body in a workspace
pub mod student; // open, fill, reset, reveal
pub mod weave; // one build that holds them all
pub mod workspace; // labs start // points // labs doctor
