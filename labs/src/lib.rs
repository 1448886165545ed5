//! The desk: cuts the labs, hands out workspaces, grades them, and proves its own tests.
//!
//! ```text
//!   catalogue --+--> cutter --> copy --> workspace, grade     what students get and are worth
//!   raft/src ---'      |
//!                      '--> weave --> closure, bugs           what the tests are worth
//! ```
//!
//! Modules stand in reading order.

pub mod copy; // the course without the desk
pub mod course; // the checkout: sources, catalogue, cuts
pub mod cutter; // bodies, and no other byte
pub mod excerpt; // code in the book, by the path of its item
pub mod grade;
pub mod student; // open, fill, reset, reveal
pub mod workspace; // labs start // points
