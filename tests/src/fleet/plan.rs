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
    /// The network is whole again.
    Heal,
    /// The process is killed. What it wrote stays.
    Kill {
        /// The store.
        store: usize,
    },
    /// The power fails during one of the next operations of the store's disks.
    PowerCut {
        /// The store.
        store: usize,
        /// How many operations still succeed.
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
pub struct Plan {
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

impl Plan {
    /// Draws the plan of a seed.
    pub fn draw(seed: u64) -> Plan {
        let mut random = Stream::new(seed, "plan");
        let stores = 3;
        let until = 30 * SECOND;
        let (lossy, repeats) = (random.chance(500), random.chance(500));
        let mut plan = Plan {
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

    /// Returns a plan in which nothing goes wrong.
    pub fn quiet(seed: u64) -> Plan {
        let drawn = Plan::draw(seed);
        let drift_ppm = vec![0; drawn.stores];
        Plan {
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
        match random.below(12) {
            0..=2 => Mishap::Partition { sides: random.within(1, (1 << stores) - 2) as u8 },
            3 => {
                let to = (store + 1 + random.below(stores as u64 - 1) as usize) % stores;
                Mishap::OneWay { from: store, to }
            }
            4 => Mishap::Kill { store },
            5..=7 => Mishap::PowerCut { store, after: random.below(60) },
            8 => Mishap::DiskFails { store, after: random.below(60) },
            9 => Mishap::DiskFull { store },
            10 => Mishap::Pause { store },
            _ => Mishap::SlowDisk { store, sync_ms: random.within(2, 50) },
        }
    }

    /// Returns the mishap's place in [`MISHAPS`].
    pub fn kind(self) -> usize {
        match self {
            Mishap::Partition { .. } => 0,
            Mishap::OneWay { .. } => 1,
            Mishap::Heal => 2,
            Mishap::Kill { .. } => 3,
            Mishap::PowerCut { .. } => 4,
            Mishap::DiskFails { .. } => 5,
            Mishap::DiskFull { .. } => 6,
            Mishap::Pause { .. } => 7,
            Mishap::SlowDisk { .. } => 8,
        }
    }
}

/// The names of the mishaps.
pub const MISHAPS: [&str; 9] = [
    "partition",
    "one-way partition",
    "heal",
    "kill",
    "power cut",
    "failing disk",
    "full disk",
    "pause",
    "slow disk",
];
