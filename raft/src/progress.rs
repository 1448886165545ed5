//! What a leader knows of one peer's log, and how it sends to that peer (Fig. 2 State: nextIndex,
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
//! Probe: one append at a time, until the leader knows where the two logs agree. Replicate: `next` runs
//! ahead of what is acknowledged, as far as the window allows. Snapshot: nothing is sent until the peer
//! has the snapshot.
//!
//! Only the ledger changes a Progress, and asserts the invariants after every change.
//!
//! Invariants: `match < next`; `match` never decreases within a leadership; the window is never over its
//! limits, but for the append that crosses the limit of bytes.

pub(crate) mod inflight;

use crate::message::{ReadToken, Session};
use crate::types::{Index, Uncompared};
use inflight::Inflights;
use std::fmt;

/// How entries are sent to a peer.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum ProgressState {
    /// One append at a time.
    Probe,
    /// A window of appends.
    Replicate,
    /// None, until the peer has a snapshot.
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
    /// Whether nothing more is sent until the peer answers an append or a heartbeat.
    paused: bool,
    /// The commit index the peer was sent last, as far as the peer could use it: not beyond the entries
    /// it was sent.
    sent_commit: Index,
    inflights: Inflights,
    session: Session,
    /// Whether an append is to be built when the next Ready is taken (`batch_append`).
    append_pending: bool,
    /// The round of reads that heartbeats to the peer ask for.
    read_round: Option<ReadToken>,
    /// The last round of reads that the peer has answered.
    answered_round: ReadToken,
    /// The index that a snapshot must cover, which the peer has asked for.
    wanted_snapshot: Option<Index>,
    /// The index that every snapshot for the peer must cover: before it, the peer was no member.
    snapshot_floor: Index,
    /// The ticks since a snapshot was sent.
    snapshot_ticks: u64,
    /// Whether the peer has answered in this leadership, or since the last check of who listens. Only
    /// check-quorum and snapshots read it: where neither plays a part, it makes no two states different.
    recent_active: Uncompared<bool>,
}

// Being looked at.

impl Progress {
    /// Returns the progress of a peer to which nothing is sent yet: what a new leader has until it
    /// begins its term.
    pub(crate) fn unknown() -> Self {
        Progress::new(Index(0), Inflights::new(usize::MAX, None), Session::default())
    }

    /// Returns the progress of a peer of whose log nothing is known, when the leader's log ends at
    /// `last`: the peer is sent what comes after (Fig. 2: nextIndex starts at last + 1, matchIndex at 0).
    pub(crate) fn new(last: Index, window: Inflights, session: Session) -> Self {
        Progress {
            matched: Index(0),
            next: last + 1,
            state: ProgressState::Probe,
            paused: false,
            sent_commit: Index(0),
            inflights: window,
            session,
            append_pending: false,
            read_round: None,
            answered_round: ReadToken::default(),
            wanted_snapshot: None,
            snapshot_floor: Index(0),
            snapshot_ticks: 0,
            recent_active: Uncompared(false),
        }
    }

    /// Returns the last index at which the peer's log is known to agree with the leader's.
    pub fn matched(&self) -> Index {
        self.matched
    }

    /// Returns the index of the next entry to send.
    pub fn next(&self) -> Index {
        self.next
    }

    /// Returns how entries are sent to the peer.
    pub fn state(&self) -> &ProgressState {
        &self.state
    }

    /// Returns the window of appends in flight.
    pub fn inflights(&self) -> &Inflights {
        &self.inflights
    }

    /// Returns the session of the replication to this peer.
    pub fn session(&self) -> Session {
        self.session
    }

    /// Returns whether the peer has answered in this leadership; with check-quorum, since the last check.
    pub fn is_recent_active(&self) -> bool {
        self.recent_active.0
    }

    /// Returns whether an append is to be built when the next Ready is taken (`batch_append`).
    pub fn has_pending_append(&self) -> bool {
        self.append_pending
    }

    /// Returns the round of reads that heartbeats to the peer ask for, if one is under way.
    pub fn read_round(&self) -> Option<ReadToken> {
        self.read_round
    }

    /// Returns the last round of reads that the peer has answered; 0 if none.
    pub fn answered_round(&self) -> ReadToken {
        self.answered_round
    }

    /// Returns whether the peer was sent a snapshot, and nothing more until it has it.
    pub(crate) fn is_waiting_for_snapshot(&self) -> bool {
        matches!(self.state, ProgressState::Snapshot { .. })
    }

    /// Returns the index that a snapshot must cover, if the peer has asked for one.
    pub(crate) fn wanted_snapshot(&self) -> Option<Index> {
        self.wanted_snapshot
    }

    /// Returns whether nothing may be sent now: a probe is in flight, the window is full, or the peer
    /// waits for a snapshot.
    pub fn is_paused(&self) -> bool {
        match self.state {
            ProgressState::Probe | ProgressState::Replicate => self.paused,
            ProgressState::Snapshot { .. } => true,
        }
    }

    /// Returns whether entries may be sent, and not only an empty append. In a full window, one empty
    /// append at a time asks whether the appends in flight were lost.
    pub(crate) fn takes_entries(&self) -> bool {
        self.state != ProgressState::Replicate || !self.inflights.is_full()
    }

    /// Returns whether sending `commit` to the peer could advance its commit index.
    pub(crate) fn can_bump_commit(&self, commit: Index) -> bool {
        commit > self.sent_commit && self.sent_commit + 1 < self.next
    }
}

// What answers say. Holes of lab 2ab.

impl Progress {
    /// Learns that the peer's log agrees with the leader's up to `index`. Old news changes nothing.
    /// Returns whether it was news.
    pub(crate) fn maybe_update(&mut self, index: Index) -> bool {
        if index <= self.matched {
            return false;
        }
        self.matched = index;
        self.next = self.next.max(index + 1);
        self.paused = false;
        true
    }

    /// Learns that the peer rejected the append after `rejected`, and may agree at `hint`. A rejection
    /// of something else than the leader asked last is old, and changes nothing. Nor does one of an
    /// entry that the peer has acknowledged: `next` cannot go back behind it. Returns whether it was
    /// news.
    pub(crate) fn maybe_decr_to(&mut self, rejected: Index, hint: Index) -> bool {
        if rejected <= self.matched {
            return false;
        }
        self.next = match self.state {
            ProgressState::Replicate => self.matched + 1,
            ProgressState::Probe | ProgressState::Snapshot { .. } => {
                if rejected + 1 != self.next {
                    return false;
                }
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
    /// Records that an append was sent: the index of its last entry, if it had one, its `bytes` of
    /// content, and the `commit` it carried.
    pub(crate) fn sent_append(&mut self, last: Option<Index>, bytes: u64, commit: Index) {
        self.append_pending = false;
        self.sent_commit = commit;
        match self.state {
            ProgressState::Replicate => self.sent_in_window(last, bytes),
            ProgressState::Probe => self.paused = self.paused || last.is_some(),
            ProgressState::Snapshot { .. } => {}
        }
    }

    /// Records that an append was sent in a window: the next append follows it without waiting for an answer,
    /// until the window is full.
    fn sent_in_window(&mut self, last: Option<Index>, bytes: u64) {
        if let Some(last) = last {
            self.next = last + 1;
            self.inflights.add(last, bytes);
        }
        self.paused = self.inflights.is_full();
    }

    /// Records the commit index that a heartbeat carried.
    pub(crate) fn sent_heartbeat(&mut self, commit: Index) {
        self.sent_commit = commit;
    }

    /// Records that the peer answered an append or a heartbeat.
    pub(crate) fn set_recent_active(&mut self) {
        self.recent_active.0 = true;
    }

    /// Records that the peer has to answer again to count as alive.
    pub(crate) fn clear_recent_active(&mut self) {
        self.recent_active.0 = false;
    }

    /// Records whether an append is to be built later.
    pub(crate) fn set_pending_append(&mut self, is_pending: bool) {
        self.append_pending = is_pending;
    }

    /// Sets the round of reads that heartbeats ask for.
    pub(crate) fn set_read_round(&mut self, round: Option<ReadToken>) {
        self.read_round = round;
    }

    /// Records that the peer answered a round of reads, and so every earlier one.
    pub(crate) fn answered(&mut self, round: ReadToken) {
        self.answered_round = self.answered_round.max(round);
    }

    /// Records that the peer asked for a snapshot, or needs one that covers this index.
    pub(crate) fn want_snapshot(&mut self, at_least: Index) {
        self.wanted_snapshot = Some(at_least);
    }

    /// Returns the index that a snapshot for the peer must cover, whatever it has asked for.
    pub(crate) fn snapshot_floor(&self) -> Index {
        self.snapshot_floor
    }

    /// Sets the index that every snapshot for the peer must cover.
    pub(crate) fn set_snapshot_floor(&mut self, at_least: Index) {
        self.snapshot_floor = at_least;
    }

    /// Counts a tick since a snapshot was sent, and returns how many there are.
    pub(crate) fn count_snapshot_tick(&mut self) -> u64 {
        self.snapshot_ticks += 1;
        self.snapshot_ticks
    }

    /// Sets how many appends may be in flight.
    pub(crate) fn set_window(&mut self, max: usize) {
        self.inflights.set_max_messages(max);
        if self.state == ProgressState::Replicate {
            self.paused = self.inflights.is_full();
        }
    }

    /// Pauses: nothing is sent before the peer's next answer.
    pub(crate) fn pause(&mut self) {
        self.paused = true;
    }

    /// Ends a pause: a probe may be sent again.
    pub(crate) fn resume(&mut self) {
        self.paused = false;
    }

    /// Removes the appends that end at or before `index` from the window.
    pub(crate) fn free_to(&mut self, index: Index) {
        self.inflights.free_to(index);
    }

    /// Enters Probe: one append at a time, after what is known to match.
    pub(crate) fn become_probe(&mut self) {
        let next = match self.state {
            ProgressState::Snapshot { pending } => (self.matched + 1).max(pending + 1),
            ProgressState::Probe | ProgressState::Replicate => self.matched + 1,
        };
        self.enter(ProgressState::Probe, next);
        self.sent_commit = self.sent_commit.min(Index(self.next.0 - 1));
    }

    /// Enters Replicate: a window of appends.
    pub(crate) fn become_replicate(&mut self) {
        self.enter(ProgressState::Replicate, self.matched + 1);
    }

    /// Enters Snapshot: the peer was sent one that ends at `pending`.
    pub(crate) fn become_snapshot(&mut self, pending: Index) {
        self.enter(ProgressState::Snapshot { pending }, pending + 1);
        self.sent_commit = pending;
        self.snapshot_ticks = 0;
        self.wanted_snapshot = self.wanted_snapshot.filter(|&wanted| wanted > pending);
    }

    /// Enters Probe although the snapshot that was sent may not have arrived.
    pub(crate) fn give_up_snapshot(&mut self) {
        self.enter(ProgressState::Probe, self.matched + 1);
        self.sent_commit = self.sent_commit.min(self.matched);
    }

    fn enter(&mut self, state: ProgressState, next: Index) {
        self.state = state;
        self.next = next;
        self.paused = false;
        self.inflights.clear();
    }

    /// Asserts what must hold after every change. If it did not, the leader would send entries that the
    /// peer has, and skip entries that it lacks.
    pub(crate) fn assert_in_order(&self) {
        let Progress { matched, next, .. } = *self;
        assert!(matched < next, "match {matched} is not before next {next}");
        self.inflights.assert_within_limits();
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
