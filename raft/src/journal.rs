//! The journal of a node: what happened, and the line of the rule that decided it.
//!
//! ```text
//!   ledger --note(event)--> [ Note { event, at: election.rs:83 }, ... ] --drain--> card, trace, test
//! ```
//!
//! Switched off, which is the default, an event costs one branch.

use crate::event::Event;
use std::panic::Location;

/// An event and the line of source that caused it.
#[derive(Clone, Copy, Debug)]
pub struct Note {
    /// What happened.
    pub event: Event,
    /// The line that decided it.
    pub at: &'static Location<'static>,
}

/// The notes of one node, in order, until they are drained. Switched off unless
/// [`Journal::listen`] was called.
#[derive(Clone, Debug, Default)]
pub struct Journal {
    on: bool,
    notes: Vec<Note>,
}

impl Journal {
    /// Begins to note events.
    pub fn listen(&mut self) {
        self.on = true;
    }

    /// Takes all notes since the last call.
    pub fn drain(&mut self) -> Vec<Note> {
        std::mem::take(&mut self.notes)
    }

    /// Notes an event at the caller's line. Inlined, so that an event is not even built while the
    /// journal is off.
    #[inline]
    #[track_caller]
    pub(crate) fn note(&mut self, event: Event) {
        self.note_at(event, Location::caller());
    }

    /// Notes an event even while the journal is off: for what happens before anyone can listen.
    #[track_caller]
    pub(crate) fn note_always(&mut self, event: Event) {
        self.notes.push(Note { event, at: Location::caller() });
    }

    /// Notes an event at the given line.
    #[inline]
    pub(crate) fn note_at(&mut self, event: Event, at: &'static Location<'static>) {
        if self.on {
            self.notes.push(Note { event, at });
        }
    }
}
