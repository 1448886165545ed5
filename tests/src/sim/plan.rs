//! What a run is to suffer: a profile names the kind of fault, a seed draws the rest.
//!
//! ```text
//!   (profile, even seed) --> the profile's usual rates, the usual settings, 5 nodes
//!   (profile, odd seed) ---> rates, settings and size drawn anew (a swarm of one)
//!   (Swarm, any seed) -----> a random part of all faults, at random rates
//! ```
//!
//! Both halves are needed: usual rates find what shows itself in most runs, drawn ones what hides
//! where two rare settings meet.

use super::entropy::Stream;
use crate::cluster::{Door, Owner, Setup};
use crate::disk::DiskSpeed;
use std::fmt;

/// What an entry of a client's weighs about, in bytes.
const ENTRY_BYTES: u64 = 32;

/// A kind of trouble.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Profile {
    /// A network and disks that one can rely on.
    Calm,
    /// One message in ten is lost.
    Drop,
    /// Messages take 1 to 30 ticks, so that later ones overtake earlier ones.
    Reorder,
    /// One message in fifty arrives twice.
    Duplicate,
    /// The network falls apart: in two, around the leader, in one direction, with a bridge.
    Partition,
    /// Nodes lose power while their disks still write, and come back.
    Crash,
    /// Clocks run at different speeds, up to twice as fast.
    Skew,
    /// A random part of everything above.
    Swarm,
}

impl Profile {
    /// Every profile.
    pub const ALL: [Profile; 8] = [
        Profile::Calm,
        Profile::Drop,
        Profile::Reorder,
        Profile::Duplicate,
        Profile::Partition,
        Profile::Crash,
        Profile::Skew,
        Profile::Swarm,
    ];

    /// Returns the profile's name: `drop`.
    pub fn id(self) -> &'static str {
        match self {
            Profile::Calm => "calm",
            Profile::Drop => "drop",
            Profile::Reorder => "reorder",
            Profile::Duplicate => "duplicate",
            Profile::Partition => "partition",
            Profile::Crash => "crash",
            Profile::Skew => "skew",
            Profile::Swarm => "swarm",
        }
    }
}

impl fmt::Display for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.id())
    }
}

/// A trouble that comes and goes.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Rhythm {
    /// The longest pause before it comes, in ticks.
    pub pause_ticks: u64,
    /// The longest time it lasts, in ticks.
    pub lasts_ticks: u64,
}

/// Everything that can go wrong, and how often.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Faults {
    /// How many of a thousand messages are lost.
    pub drop_permille: u64,
    /// How many of a thousand arrive twice.
    pub duplicate_permille: u64,
    /// The longest a message takes, in ticks; the shortest is one. Most are quicker than half of it.
    pub delay_ticks: u64,
    /// When the network falls apart, if it does.
    pub partitions: Option<Rhythm>,
    /// When nodes lose power, if they do. Then their disks are slow, too.
    pub crashes: Option<Rhythm>,
    /// The longest a slow disk takes to write, in ticks.
    pub persist_ticks: u64,
    /// The longest time until somebody is told to campaign although nobody need, in ticks; 0 for
    /// never. Without it a healthy leader would sit out most trouble, and elections go untested.
    pub unrest_ticks: u64,
    /// How much longer the slowest clock's tick may last than the quickest one's, in percent.
    pub skew_percent: u64,
}

impl Faults {
    /// Returns no trouble at all.
    pub fn none() -> Self {
        Faults {
            drop_permille: 0,
            duplicate_permille: 0,
            delay_ticks: 1,
            partitions: None,
            crashes: None,
            persist_ticks: 0,
            unrest_ticks: 0,
            skew_percent: 0,
        }
    }

    /// Returns what a profile usually means.
    pub fn usual(profile: Profile) -> Self {
        let none = Faults { unrest_ticks: 60, ..Faults::none() };
        let rhythm = |pause_ticks, lasts_ticks| Some(Rhythm { pause_ticks, lasts_ticks });
        match profile {
            Profile::Calm => Faults::none(),
            Profile::Drop => Faults { drop_permille: 100, ..none },
            Profile::Reorder => Faults { delay_ticks: 30, ..none },
            Profile::Duplicate => Faults { duplicate_permille: 20, delay_ticks: 5, ..none },
            Profile::Partition => Faults { partitions: rhythm(60, 90), ..none },
            Profile::Crash => Faults { crashes: rhythm(30, 40), persist_ticks: 4, ..none },
            Profile::Skew => Faults { skew_percent: 100, delay_ticks: 2, ..none },
            Profile::Swarm => Faults {
                drop_permille: 50,
                duplicate_permille: 20,
                delay_ticks: 10,
                partitions: rhythm(120, 60),
                crashes: rhythm(60, 40),
                persist_ticks: 4,
                skew_percent: 50,
                ..none
            },
        }
    }

    /// Draws how hard each fault of `usual` strikes this time.
    fn drawn(usual: &Faults, luck: &mut Stream) -> Self {
        let mut rhythm = |usual: Option<Rhythm>| {
            usual.map(|_| Rhythm {
                pause_ticks: luck.within(5, 150),
                lasts_ticks: luck.within(2, 120),
            })
        };
        let (partitions, crashes) = (rhythm(usual.partitions), rhythm(usual.crashes));
        let mut up_to = |usual: u64, low, high| if usual > 0 { luck.within(low, high) } else { 0 };
        Faults {
            drop_permille: up_to(usual.drop_permille, 10, 300),
            duplicate_permille: up_to(usual.duplicate_permille, 5, 400),
            delay_ticks: if usual.delay_ticks > 1 { up_to(1, 2, 40) } else { 1 },
            partitions,
            crashes,
            persist_ticks: up_to(usual.persist_ticks, 1, 15),
            unrest_ticks: up_to(usual.unrest_ticks, 10, 120),
            skew_percent: up_to(usual.skew_percent, 10, 100),
        }
    }

    /// Keeps each kind of fault with odds of one in two.
    fn thinned(self, luck: &mut Stream) -> Self {
        let none = Faults::none();
        let mut keep = || luck.chance(500);
        let crashes = if keep() { self.crashes } else { None };
        Faults {
            drop_permille: if keep() { self.drop_permille } else { 0 },
            duplicate_permille: if keep() { self.duplicate_permille } else { 0 },
            delay_ticks: if keep() { self.delay_ticks } else { none.delay_ticks },
            partitions: if keep() { self.partitions } else { None },
            persist_ticks: if crashes.is_some() { self.persist_ticks } else { 0 },
            crashes,
            unrest_ticks: self.unrest_ticks,
            skew_percent: if keep() { self.skew_percent } else { 0 },
        }
    }
}

/// Everything that a run is drawn from.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Plan {
    /// What all luck comes from.
    pub seed: u64,
    /// How many nodes.
    pub nodes: u64,
    /// The shortest election wait, in ticks.
    pub election_ticks: u64,
    /// How often a leader speaks, in ticks.
    pub heartbeat_ticks: u64,
    /// What goes wrong.
    pub faults: Faults,
    /// The longest time between two commands of a client, in ticks; 0 for no client.
    pub proposal_ticks: u64,
    /// How long it goes wrong, in ticks of the quickest clock, before everything heals.
    pub trouble_ticks: u64,
    /// Through which door nodes are driven.
    pub door: Door,
    /// How many entries one append may hold at most, and how many appends may be under way to a peer;
    /// none for the usual settings.
    pub window: Option<(u64, usize)>,
}

impl Plan {
    /// Draws a run. An even seed takes the profile's usual rates, an odd one draws them, and the
    /// settings of the nodes with them.
    pub fn new(profile: Profile, seed: u64) -> Self {
        let usual = Faults::usual(profile);
        let plan = Plan {
            seed,
            nodes: 5,
            election_ticks: 10,
            heartbeat_ticks: 1,
            faults: usual.clone(),
            proposal_ticks: 0,
            trouble_ticks: 400,
            door: Door::Bare,
            window: None,
        };
        let mut luck = Stream::new(seed, "swarm");
        if profile == Profile::Swarm {
            let drawn = Faults::drawn(&usual, &mut luck).thinned(&mut luck);
            return Plan { faults: drawn, ..plan }.with_drawn_settings(&mut luck);
        }
        if seed.is_multiple_of(2) {
            return plan;
        }
        let faults = Faults::drawn(&usual, &mut luck);
        Plan { faults, ..plan }.with_drawn_settings(&mut luck)
    }

    /// Returns the same with a client that proposes a command at least this often, mostly to a leader.
    pub fn with_client(self, proposal_ticks: u64) -> Self {
        Plan { proposal_ticks, ..self }
    }

    /// Draws a run in which clients propose, to nodes behind their `RawNode`: in turns by owners who do
    /// one thing at a time and by those who do several at once. Disks are slow in most runs, windows
    /// small in every second drawn one.
    pub fn replicating(profile: Profile, seed: u64) -> Self {
        let mut plan = Plan::new(profile, seed);
        let mut luck = Stream::new(seed, "replication");
        let owner = if seed % 4 < 2 { Owner::Concurrent } else { Owner::OneAtATime };
        plan.door = Door::Owned(owner);
        plan.proposal_ticks = if seed.is_multiple_of(2) { 4 } else { luck.within(1, 20) };
        if profile != Profile::Calm && plan.faults.persist_ticks == 0 {
            plan.faults.persist_ticks = luck.within(1, 3);
        }
        if !seed.is_multiple_of(2) && luck.chance(500) {
            plan.window = Some((luck.within(1, 3), luck.within(1, 3) as usize));
        }
        plan
    }

    /// Draws the nodes' settings and number.
    fn with_drawn_settings(self, luck: &mut Stream) -> Self {
        let heartbeat_ticks = luck.within(1, 3);
        let election_ticks = luck.within(4 * heartbeat_ticks, 20);
        Plan { nodes: luck.within(3, 5), election_ticks, heartbeat_ticks, ..self }
    }

    /// Returns the cluster that the run begins with.
    pub fn setup(&self) -> Setup {
        let mut setup = Setup::new(self.nodes, self.seed);
        for (config, _) in &mut setup.nodes {
            config.election_ticks = self.election_ticks;
            config.heartbeat_ticks = self.heartbeat_ticks;
            if let Some((entries, appends)) = self.window {
                // An entry of a client's weighs a few bytes beside its place.
                config.max_append_bytes = Some(entries * ENTRY_BYTES);
                config.max_inflight_messages = appends;
            }
        }
        let slow = self.faults.persist_ticks > 0;
        let setup = Setup { door: self.door, ..setup };
        Setup { disks: if slow { DiskSpeed::Slow } else { DiskSpeed::Instant }, ..setup }
    }
}
