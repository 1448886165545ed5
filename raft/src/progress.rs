//! What a leader knows of one peer's log, and how it sends to it (Fig. 2 State: nextIndex,
//! matchIndex; thesis §10.2.1).
//!
//! ```text
//!              the first entries are acknowledged
//!       Probe ------------------------------------> Replicate
//!         ^    <------------------------------------    |
//!         |     a rejection, or the peer is unreachable |
//!         '----------------- Snapshot <-----------------'
//!                      entries it needs are compacted
//!
//!    index    1 2 3 4 5 6 7 8 9
//!             [match] [in flight)[next: to be sent
//! ```
//!
//! Probe: one append at a time, until we know where the two logs agree. Replicate: `next` runs ahead
//! of what is acknowledged, as far as the window lets it. Snapshot: nothing until it has the image.
//!
//! Invariants: `match < next`; `match` never goes back within a leadership.

pub(crate) mod inflight;

use crate::event::Uncompared;
use crate::message::Session;
use crate::types::Index;
use inflight::Inflights;
use std::fmt;

/// How entries are sent to a peer.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum ProgressState {
    /// One append at a time.
    Probe,
    /// A window of them.
    Replicate,
    /// None, until a snapshot is there.
    Snapshot {
        /// The last entry the snapshot covers.
        pending: Index,
    },
}

/// What a leader knows of one peer.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Progress {
    matched: Index,
    next: Index,
    state: ProgressState,
    /// Whether nothing more is sent until the peer speaks, or a heartbeat is answered.
    paused: bool,
    /// The commit index the peer was told last, as far as it can have made use of it: not beyond what
    /// it was sent.
    sent_commit: Index,
    inflights: Inflights,
    session: Session,
    /// Whether an append is to be built when the next Ready is taken (`batch_append`).
    owed: bool,
    /// Whether the peer has answered in this leadership. No rule reads it yet.
    heard: Uncompared<bool>,
}

// Being looked at.

impl Progress {
    /// Returns the progress of a peer to which nothing is to be sent yet: what stands in a new leader
    /// until it begins its term.
    pub(crate) fn unknown() -> Self {
        Progress::new(Index(0), Inflights::new(usize::MAX, None), Session::default())
    }

    /// Returns the progress of a peer of whose log nothing is known, when ours ends at `last`: it is
    /// sent what comes after (Fig. 2: nextIndex starts at last + 1, matchIndex at 0).
    pub(crate) fn new(last: Index, window: Inflights, session: Session) -> Self {
        Progress {
            matched: Index(0),
            next: last + 1,
            state: ProgressState::Probe,
            paused: false,
            sent_commit: Index(0),
            inflights: window,
            session,
            owed: false,
            heard: Uncompared(false),
        }
    }

    /// Returns the last place at which the peer's log is known to agree with ours.
    pub fn matched(&self) -> Index {
        self.matched
    }

    /// Returns the place of the next entry to send.
    pub fn next(&self) -> Index {
        self.next
    }

    /// Returns how entries are sent to it.
    pub fn state(&self) -> &ProgressState {
        &self.state
    }

    /// Lends the window of appends under way.
    pub fn inflights(&self) -> &Inflights {
        &self.inflights
    }

    /// Returns which replication to this peer this is.
    pub fn session(&self) -> Session {
        self.session
    }

    /// Returns whether the peer has answered since we lead.
    pub fn is_heard(&self) -> bool {
        self.heard.0
    }

    /// Returns whether an append waits to be built.
    pub(crate) fn is_owed(&self) -> bool {
        self.owed
    }

    /// Returns whether nothing may be sent now: a probe is under way, the window is full, or the peer
    /// waits for a snapshot.
    pub fn is_paused(&self) -> bool {
        match self.state {
            ProgressState::Probe | ProgressState::Replicate => self.paused,
            ProgressState::Snapshot { .. } => true,
        }
    }

    /// Returns whether entries may be sent, and not only a sign of life: in a full window, one empty
    /// append at a time asks whether what filled it has been lost.
    pub(crate) fn takes_entries(&self) -> bool {
        self.state != ProgressState::Replicate || !self.inflights.is_full()
    }

    /// Returns whether telling the peer of `commit` could move its commit index.
    pub(crate) fn can_bump_commit(&self, commit: Index) -> bool {
        commit > self.sent_commit && self.sent_commit + 1 < self.next
    }
}

// What answers tell. Holes of lab 2ab.

impl Progress {
    /// Learns that the peer's log agrees with ours up to `index`. Old news changes nothing. Returns
    /// whether it was news.
    pub(crate) fn maybe_update(&mut self, index: Index) -> bool {
        if index <= self.matched {
            return false;
        }
        self.matched = index;
        self.next = self.next.max(index + 1);
        self.paused = false;
        true
    }

    /// Learns that the peer refused the append after `rejected`, and may agree at `hint`. A refusal
    /// of something else than what we last asked is old and changes nothing. Returns whether it
    /// was news.
    pub(crate) fn maybe_decr_to(&mut self, rejected: Index, hint: Index) -> bool {
        let is_news = match self.state {
            ProgressState::Replicate => rejected > self.matched,
            ProgressState::Probe | ProgressState::Snapshot { .. } => rejected + 1 == self.next,
        };
        if !is_news {
            return false;
        }
        self.next = match self.state {
            ProgressState::Replicate => self.matched + 1,
            ProgressState::Probe | ProgressState::Snapshot { .. } => {
                rejected.min(hint + 1).max(self.matched + 1)
            }
        };
        self.sent_commit = self.sent_commit.min(Index(self.next.0 - 1));
        self.paused = false;
        true
    }
}

// What is sent.

impl Progress {
    /// Takes down that an append left, with its last entry if it had any, and so many `bytes` of
    /// payload; and that it told `commit`.
    pub(crate) fn sent_append(&mut self, last: Option<Index>, bytes: u64, commit: Index) {
        self.owed = false;
        self.sent_commit = commit;
        match self.state {
            ProgressState::Replicate => {
                if let Some(last) = last {
                    self.next = last + 1;
                    self.inflights.add(last, bytes);
                }
                self.paused = self.inflights.is_full();
            }
            ProgressState::Probe => self.paused = self.paused || last.is_some(),
            ProgressState::Snapshot { .. } => {}
        }
    }

    /// Takes down which commit index a heartbeat told.
    pub(crate) fn sent_heartbeat(&mut self, commit: Index) {
        self.sent_commit = commit;
    }

    /// Takes down that the peer answered an append or a heartbeat: it is alive.
    pub(crate) fn hear(&mut self) {
        self.heard.0 = true;
    }

    /// Takes down that an append is to be built later.
    pub(crate) fn owe(&mut self) {
        self.owed = true;
    }

    /// Takes down that nothing is to be built any more.
    pub(crate) fn settle(&mut self) {
        self.owed = false;
    }

    /// Takes down that the peer answered: a probe may be sent again.
    pub(crate) fn resume(&mut self) {
        self.paused = false;
    }

    /// Frees the window's places up to `index`.
    pub(crate) fn free_to(&mut self, index: Index) {
        self.inflights.free_to(index);
    }

    /// Sends one append at a time from now on, after what is known to match.
    pub(crate) fn become_probe(&mut self) {
        let next = match self.state {
            ProgressState::Snapshot { pending } => (self.matched + 1).max(pending + 1),
            ProgressState::Probe | ProgressState::Replicate => self.matched + 1,
        };
        self.enter(ProgressState::Probe, next);
        self.sent_commit = self.sent_commit.min(Index(self.next.0 - 1));
    }

    /// Sends a window of appends from now on.
    pub(crate) fn become_replicate(&mut self) {
        self.enter(ProgressState::Replicate, self.matched + 1);
    }

    fn enter(&mut self, state: ProgressState, next: Index) {
        self.state = state;
        self.next = next;
        self.paused = false;
        self.inflights.clear();
    }
}

impl fmt::Display for ProgressState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ProgressState::Probe => f.pad("probe"),
            ProgressState::Replicate => f.pad("replicate"),
            ProgressState::Snapshot { .. } => f.pad("snapshot"),
        }
    }
}
