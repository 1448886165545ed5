//! `logctl` as its users run it: the program itself, on real directories.
//!
//! ```text
//!   a page of the book    $ logctl check rotted     the page must show what the program prints
//!   REWRITE=1 cargo test -p storage --test logctl   rewrites the page; read it before you commit
//! ```

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod pages; // transcripts
mod places; // the logs that all tests here use
mod program; // arguments, pipes, locks, and directories that stay unchanged
