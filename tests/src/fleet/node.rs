//! A store of the fleet: its process, which may not run, its machine, which goes on, and its clock.

use super::env::{SimClock, SimEnv, SimOutbox};
use super::plan::SECOND;
use crate::machine::SimMachine;
use crate::random::Stream;
use kv::env::Moment;
use kv::model::{StoreId, StoreMessage};
use kv::store::{RaftKv, Store};
use raft::{Index, Term};

/// A store, its machine and its clock.
pub(super) struct StoreNode {
    pub(super) id: StoreId,
    pub(super) env: SimEnv,
    pub(super) store: Option<Store<SimEnv>>,
    pub(super) kv: Option<RaftKv<SimEnv>>,
    pub(super) is_paused: bool,
    /// What arrives while the store stands still.
    pub(super) waiting: Vec<StoreMessage>,
    pub(super) busy_until: u64,
    pub(super) sync_ms: u64,
    pub(super) wakes: u64,
    /// How fast its clock is, in parts per million more than the fleet's.
    pub(super) drift_ppm: i64,
    /// A time of the fleet, and what the clock showed then.
    pub(super) clock_base: (u64, u64),
    /// After how many operations the power fails when the store starts again.
    pub(super) cut_at_start: Option<u64>,
    /// Whether the next end of the process is a kill: its disks keep what was written.
    pub(super) keeps_writes: bool,
    /// Term and commit index of the last look.
    pub(super) seen: (Term, Index),
}

impl StoreNode {
    pub(super) fn new(seed: u64, place: usize, drift_ppm: i64) -> StoreNode {
        let machine = SimMachine::new(seed ^ (place as u64) << 32);
        let entropy = Stream::new(seed, &format!("entropy {place}")).below(u64::MAX);
        let env = SimEnv {
            clock: SimClock::default(),
            outbox: SimOutbox::default(),
            machine,
            entropy: std::sync::Arc::new(entropy.into()),
        };
        StoreNode {
            id: StoreId(place as u64 + 1),
            env,
            store: None,
            kv: None,
            is_paused: false,
            waiting: Vec::new(),
            busy_until: 0,
            sync_ms: 0,
            wakes: 0,
            drift_ppm,
            // It began long ago, at another time than the others.
            clock_base: (0, (place as u64 + 1) * 1_000 * SECOND),
            cut_at_start: None,
            keeps_writes: false,
            seen: (Term(0), Index(0)),
        }
    }

    /// Returns what this node's clock shows.
    pub(super) fn clock(&self, now: u64) -> Moment {
        let (base, shown) = self.clock_base;
        let rate = 1_000_000 + i128::from(self.drift_ppm);
        let passed = i128::from(now - base) * rate / 1_000_000;
        Moment(shown + passed as u64)
    }

    /// Lets the clock go at another rate from now on.
    pub(super) fn set_drift(&mut self, now: u64, drift_ppm: i64) {
        self.clock_base = (now, self.clock(now).0);
        self.drift_ppm = drift_ppm;
    }

    /// Returns how long a time on this node's clock lasts.
    pub(super) fn lasts(&self, local: u64) -> u64 {
        let rate = 1_000_000 + i128::from(self.drift_ppm);
        (i128::from(local) * 1_000_000 / rate) as u64
    }

    /// Sets the clock.
    pub(super) fn set_clock(&self, now: u64) {
        self.env.clock.set(self.clock(now));
    }
}
