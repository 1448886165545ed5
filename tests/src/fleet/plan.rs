//! The plan of a run: how many stores, how good the network is, and which mishaps come when. All of it is
//! drawn from the seed; a shrunk plan has fewer mishaps.

use crate::random::Stream;

/// A millisecond, in the fleet's nanoseconds.
pub const MILLISECOND: u64 = 1_000_000;

/// A second, in the fleet's nanoseconds.
pub const SECOND: u64 = 1_000 * MILLISECOND;

/// What goes wrong. Stores are named by their place, from 0.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mishap {
    /// Messages between stores of the two sides are lost. A bit for each store says which side it is on.
    Partition {
        /// The sides.
        sides: u8,
    },
    /// Messages from one store to another are lost.
    OneWay {
        /// The sender.
        from: usize,
        /// The receiver.
        to: usize,
    },
    /// The leader reaches nobody, and nobody reaches it.
    IsolateLeader {
        /// If given, its clock is so much faster than the fleet's from then on, in parts per million, and all
        /// other clocks are as the fleet's.
        drift_ppm: Option<i64>,
    },
    /// The process is killed. What it wrote stays.
    Kill {
        /// The store.
        store: usize,
        /// How many operations of the store's disks still succeed; none if it is killed at once, between two
        /// rounds.
        after: Option<u64>,
    },
    /// The power fails during one of the next operations of the store's disks.
    PowerCut {
        /// The store.
        store: usize,
        /// How many operations still succeed.
        after: u64,
    },
    /// The process is killed, and the power fails when it starts again.
    PowerCutAtStart {
        /// The store.
        store: usize,
        /// How many operations of the start still succeed.
        after: u64,
    },
    /// One of the next operations of the store's disks fails.
    DiskFails {
        /// The store.
        store: usize,
        /// How many operations succeed before.
        after: u64,
    },
    /// The store's disks are full.
    DiskFull {
        /// The store.
        store: usize,
    },
    /// The process stands still, and its clock goes on.
    Pause {
        /// The store.
        store: usize,
    },
    /// Every sync takes so long, from now on.
    SlowDisk {
        /// The store.
        store: usize,
        /// The time of a sync, in milliseconds.
        sync_ms: u64,
    },
}

/// A mishap, and when it comes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Planned {
    /// When, in nanoseconds from the start.
    pub at: u64,
    /// What.
    pub mishap: Mishap,
    /// How long until it is over: a restart, a resumption, free space. In nanoseconds.
    pub lasts: u64,
}

/// The plan of a run.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FleetPlan {
    /// The seed: of everything that is drawn during the run.
    pub seed: u64,
    /// How many stores.
    pub stores: usize,
    /// How many clients.
    pub clients: usize,
    /// Until when clients write and mishaps come, in nanoseconds.
    pub until: u64,
    /// How many of 1000 messages are lost.
    pub loss_permille: u64,
    /// How many of 1000 messages come twice.
    pub repeat_permille: u64,
    /// The longest time that a message takes, in nanoseconds.
    pub delay: u64,
    /// How fast each store's clock is, in parts per million more than the fleet's.
    pub drift_ppm: Vec<i64>,
    /// What goes wrong.
    pub mishaps: Vec<Planned>,
}

impl FleetPlan {
    /// Draws the plan of a seed.
    pub fn draw(seed: u64) -> FleetPlan {
        let mut random = Stream::new(seed, "plan");
        let stores = 3;
        let until = 30 * SECOND;
        let (lossy, repeats) = (random.chance(500), random.chance(500));
        let mut plan = FleetPlan {
            seed,
            stores,
            clients: 6,
            until,
            loss_permille: if lossy { random.within(5, 100) } else { 0 },
            repeat_permille: if repeats { random.within(5, 100) } else { 0 },
            delay: random.within(1, 20) * MILLISECOND,
            // The bound of the store's settings is 50 in 1000 between two clocks.
            drift_ppm: (0..stores).map(|_| random.within(0, 40_000) as i64 - 20_000).collect(),
            mishaps: Vec::new(),
        };
        let count = random.within(4, 14);
        for _ in 0..count {
            let at = random.within(SECOND, until - 2 * SECOND);
            let longest = if random.chance(300) { 12_000 } else { 3000 };
            let lasts = random.within(100, longest) * MILLISECOND;
            let mishap = Mishap::draw(&mut random, stores);
            plan.mishaps.push(Planned { at, mishap, lasts });
        }
        plan.mishaps.sort_by_key(|planned| planned.at);
        plan
    }

    /// Returns a short plan in which one thing goes wrong, five seconds after the start.
    pub fn with_one(seed: u64, mishap: Mishap) -> FleetPlan {
        let mishaps = vec![Planned { at: 5 * SECOND, mishap, lasts: SECOND }];
        FleetPlan { until: 8 * SECOND, mishaps, ..FleetPlan::quiet(seed) }
    }

    /// Draws the plan of a seed in which clocks drift far beyond the bound of the store's settings: a lease
    /// lasts longer on one store than a vote ban on the others. A store that reads under leases MUST fail.
    pub fn skewed(seed: u64) -> FleetPlan {
        let mishap = Mishap::IsolateLeader { drift_ppm: Some(-800_000) };
        let isolated =
            |number: u64| Planned { at: (number * 7 + 5) * SECOND, mishap, lasts: 5 * SECOND };
        FleetPlan { mishaps: (0..3).map(isolated).collect(), ..FleetPlan::draw(seed) }
    }

    /// Returns the plan without what does not matter: with fewer mishaps, it still fails.
    pub fn shrunk(mut self, fails: impl Fn(&FleetPlan) -> bool) -> FleetPlan {
        let mut at = 0;
        while at < self.mishaps.len() {
            let mut fewer = self.clone();
            fewer.mishaps.remove(at);
            if fails(&fewer) { self = fewer } else { at += 1 }
        }
        self
    }

    /// Returns a plan in which nothing goes wrong.
    pub fn quiet(seed: u64) -> FleetPlan {
        let drawn = FleetPlan::draw(seed);
        let drift_ppm = vec![0; drawn.stores];
        FleetPlan {
            loss_permille: 0,
            repeat_permille: 0,
            delay: MILLISECOND,
            drift_ppm,
            mishaps: Vec::new(),
            ..drawn
        }
    }
}

impl Mishap {
    fn draw(random: &mut Stream, stores: usize) -> Mishap {
        let store = random.below(stores as u64) as usize;
        match random.below(17) {
            0..=2 => Mishap::Partition { sides: random.within(1, (1 << stores) - 2) as u8 },
            3 => {
                let to = (store + 1 + random.below(stores as u64 - 1) as usize) % stores;
                Mishap::OneWay { from: store, to }
            }
            4 => {
                let after = random.chance(500).then(|| random.below(60));
                Mishap::Kill { store, after }
            }
            5..=7 => Mishap::PowerCut { store, after: random.below(60) },
            8 => Mishap::DiskFails { store, after: random.below(60) },
            9 => Mishap::DiskFull { store },
            10 => Mishap::Pause { store },
            11..=13 => Mishap::IsolateLeader { drift_ppm: None },
            14..=15 => Mishap::PowerCutAtStart { store, after: random.below(30) },
            _ => Mishap::SlowDisk { store, sync_ms: random.within(2, 50) },
        }
    }

    /// Returns whether it cuts links of the network. Of several, the last counts until it is over.
    pub fn cuts(self) -> bool {
        match self {
            Mishap::Partition { .. } | Mishap::OneWay { .. } | Mishap::IsolateLeader { .. } => true,
            Mishap::Kill { .. }
            | Mishap::PowerCut { .. }
            | Mishap::PowerCutAtStart { .. }
            | Mishap::DiskFails { .. }
            | Mishap::DiskFull { .. }
            | Mishap::Pause { .. }
            | Mishap::SlowDisk { .. } => false,
        }
    }

    /// Returns the mishap's place in [`MISHAPS`].
    pub fn kind(self) -> usize {
        match self {
            Mishap::Partition { .. } => 0,
            Mishap::OneWay { .. } => 1,
            Mishap::IsolateLeader { .. } => 2,
            Mishap::Kill { .. } => 3,
            Mishap::PowerCut { .. } => 4,
            Mishap::PowerCutAtStart { .. } => 5,
            Mishap::DiskFails { .. } => 6,
            Mishap::DiskFull { .. } => 7,
            Mishap::Pause { .. } => 8,
            Mishap::SlowDisk { .. } => 9,
        }
    }
}

/// The names of the mishaps.
pub const MISHAPS: [&str; 10] = [
    "partition",
    "one-way partition",
    "isolated leader",
    "kill",
    "power cut",
    "power cut at a start",
    "failing disk",
    "full disk",
    "pause",
    "slow disk",
];
