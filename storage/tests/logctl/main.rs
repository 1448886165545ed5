//! `logctl` as people meet it: the program itself, on real directories.
//!
//! ```text
//!   a page of the book    $ logctl check rotted     what it prints today is what stands there
//!   REWRITE=1 cargo test -p storage --test logctl   writes what it prints; read it before you commit
//! ```

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod pages; // transcripts
mod places; // the logs that everything here is tried on
mod program; // arguments, pipes, locks, and directories that are left alone
