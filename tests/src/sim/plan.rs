//! The plan of a run: a profile names the kind of fault, and a seed draws the rest.
//!
//! ```text
//!   (profile, even seed) --> the profile's default rates, default settings, 5 nodes
//!   (profile, odd seed) ---> rates, settings and size drawn at random (a swarm of one)
//!   (Swarm, any seed) -----> a random part of all faults, at random rates
//! ```
//!
//! Both halves are needed: default rates find bugs that show in most runs, and drawn rates find bugs that
//! need two rare settings at once.

use crate::cluster::{Driver, Owner, Setup};
use crate::disk::DiskSpeed;
use crate::random::Stream;
use raft::{CommitGroup, CommitGroups, MemoryStorage, NodeId, Priority, ReadMode};
use std::fmt;

/// The approximate size of a client's entry, in bytes.
const ENTRY_BYTES: u64 = 32;

/// A kind of fault.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Profile {
    /// No faults: a reliable network and reliable disks.
    Calm,
    /// One message in ten is lost.
    Drop,
    /// Messages take 1 to 30 ticks, so that later ones overtake earlier ones.
    Reorder,
    /// One message in fifty arrives twice.
    Duplicate,
    /// Partitions: into two parts, around the leader, in one direction, or with one bridge.
    Partition,
    /// Nodes lose power while writes are pending, and restart.
    Crash,
    /// Clocks run at different speeds, up to twice as fast.
    Skew,
    /// A random selection of all faults above.
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

/// When a fault begins and ends.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Interval {
    /// The longest time before it begins, in ticks.
    pub pause_ticks: u64,
    /// The longest time it lasts, in ticks.
    pub lasts_ticks: u64,
}

/// The faults of a run, and how often they happen.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Faults {
    /// How many of 1000 messages are lost.
    pub drop_permille: u64,
    /// How many of 1000 messages arrive twice.
    pub duplicate_permille: u64,
    /// The longest delay of a message, in ticks; the shortest is one tick. Most messages take less than
    /// half of it.
    pub delay_ticks: u64,
    /// When the network is partitioned, if it is.
    pub partitions: Option<Interval>,
    /// When nodes lose power, if they do. Then their disks are slow, too.
    pub crashes: Option<Interval>,
    /// The longest time that a slow disk needs for a write, in ticks.
    pub persist_ticks: u64,
    /// The longest time between two extra elections, which the simulator starts without need, in ticks; 0
    /// for none. Without them a healthy leader would survive most faults, and elections stay untested.
    pub unrest_ticks: u64,
    /// How much longer a tick of the slowest clock may last than one of the fastest clock, in percent.
    pub skew_percent: u64,
    /// When a node's storage fails a read, if it does. The node halts; its owner takes its power, and
    /// starts it again.
    pub read_failures: Option<Interval>,
}

impl Faults {
    /// Returns no faults at all.
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
            read_failures: None,
        }
    }

    /// Returns the default faults of a profile.
    pub fn usual(profile: Profile) -> Self {
        let none = Faults { unrest_ticks: 60, ..Faults::none() };
        let interval = |pause_ticks, lasts_ticks| Some(Interval { pause_ticks, lasts_ticks });
        match profile {
            Profile::Calm => Faults::none(),
            Profile::Drop => Faults { drop_permille: 100, ..none },
            Profile::Reorder => Faults { delay_ticks: 30, ..none },
            Profile::Duplicate => Faults { duplicate_permille: 20, delay_ticks: 5, ..none },
            Profile::Partition => Faults { partitions: interval(60, 90), ..none },
            Profile::Crash => Faults { crashes: interval(30, 40), persist_ticks: 4, ..none },
            Profile::Skew => Faults { skew_percent: 100, delay_ticks: 2, ..none },
            Profile::Swarm => Faults {
                drop_permille: 50,
                duplicate_permille: 20,
                delay_ticks: 10,
                partitions: interval(120, 60),
                crashes: interval(60, 40),
                persist_ticks: 4,
                skew_percent: 50,
                read_failures: interval(60, 20),
                ..none
            },
        }
    }

    /// Draws the rate of each fault of `usual` at random.
    fn drawn(usual: &Faults, luck: &mut Stream) -> Self {
        let mut interval = |usual: Option<Interval>| {
            usual.map(|_| Interval {
                pause_ticks: luck.within(5, 150),
                lasts_ticks: luck.within(2, 120),
            })
        };
        let (partitions, crashes) = (interval(usual.partitions), interval(usual.crashes));
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
            read_failures: None,
        }
    }

    /// Keeps each kind of fault with a probability of one half.
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
            read_failures: None,
        }
    }
}

/// How leaders are chosen and kept, beyond the paper's Fig. 2. The default is nothing of it.
#[derive(Clone, PartialEq, Eq, Hash, Default, Debug)]
pub struct Leading {
    /// Whether nodes ask before they campaign.
    pub pre_vote: bool,
    /// Whether leaders step down to which nobody listens, and whether votes against a leader are ignored.
    pub check_quorum: bool,
    /// For how many ticks reads rest on a lease, if they do. Then all clocks run at the same speed, and no
    /// owner keeps its node's clock waiting.
    pub lease_ticks: Option<u64>,
    /// The longest time between two transfers of the leadership that operators ask for, in ticks; 0 for
    /// none. One in four is a wish to forget the leader instead.
    pub transfer_ticks: u64,
}

/// What raft-rs has beyond etcd, each a setting. The default is nothing of it.
#[derive(Clone, PartialEq, Eq, Hash, Default, Debug)]
pub struct Extras {
    /// Whether votes tell what is committed. Then a change may take the vote from half of the voters.
    pub commit_by_vote: bool,
    /// The priority of each node, from the first on; 0 for those that are left.
    pub priorities: Vec<u64>,
    /// The commit group of each node, from the first on, if there are any; 0 for a node that is in none.
    pub commit_groups: Option<Vec<u64>>,
}

impl Extras {
    /// Returns the commit groups, if there are any.
    pub fn groups(&self) -> Option<CommitGroups> {
        self.commit_groups.as_ref().map(|groups| {
            let placed = (1..).map(NodeId).zip(groups.iter().copied().map(CommitGroup));
            CommitGroups::new(placed.filter(|&(_, group)| group != CommitGroup(0)))
        })
    }
}

/// How a group changes its members, and how often its logs are compacted.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Churn {
    /// The number of voters at the start: the first ones. The other nodes are no members yet.
    pub voters: u64,
    /// The longest time between two proposed changes, in ticks.
    pub change_ticks: u64,
    /// The longest time between two compactions, or other requests about snapshots, in ticks.
    pub compact_ticks: u64,
    /// How long a leader waits for a peer to have its snapshot, in ticks.
    pub snapshot_ticks: u64,
}

/// Everything that determines a run.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Plan {
    /// The seed of all random numbers.
    pub seed: u64,
    /// The number of nodes.
    pub nodes: u64,
    /// The shortest election timeout, in ticks.
    pub election_ticks: u64,
    /// The ticks between two heartbeats.
    pub heartbeat_ticks: u64,
    /// The faults.
    pub faults: Faults,
    /// The longest time between two commands of a client, in ticks; 0 for no client.
    pub proposal_ticks: u64,
    /// The longest time between two reads of a client, in ticks; 0 for none.
    pub read_ticks: u64,
    /// How leaders are chosen and kept, beyond the paper's Fig. 2.
    pub leading: Leading,
    /// What raft-rs has beyond etcd.
    pub extras: Extras,
    /// How the group changes, if it does.
    pub churn: Option<Churn>,
    /// The length of the fault phase, in ticks of the fastest clock.
    pub trouble_ticks: u64,
    /// What drives the nodes.
    pub driver: Driver,
    /// The most entries in one append, and the most appends in flight to a peer; `None` for the default
    /// settings.
    pub window: Option<(u64, usize)>,
}

impl Plan {
    /// Draws a plan. An even seed has the profile's default rates. An odd seed draws the rates and the
    /// settings of the nodes.
    pub fn new(profile: Profile, seed: u64) -> Self {
        let usual = Faults::usual(profile);
        let plan = Plan {
            seed,
            nodes: 5,
            election_ticks: 10,
            heartbeat_ticks: 1,
            faults: usual.clone(),
            proposal_ticks: 0,
            read_ticks: 0,
            leading: Leading::default(),
            extras: Extras::default(),
            churn: None,
            trouble_ticks: 400,
            driver: Driver::Bare,
            window: None,
        };
        let mut luck = Stream::new(seed, "swarm");
        if profile == Profile::Swarm {
            let drawn = Faults::drawn(&usual, &mut luck).thinned(&mut luck);
            let mut plan = Plan { faults: drawn, ..plan }.with_drawn_settings(&mut luck);
            plan.faults.read_failures = usual.read_failures.filter(|_| luck.chance(500));
            return plan;
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

    /// Returns the same with a client that reads at least this often, at any node.
    pub fn with_reads(self, read_ticks: u64) -> Self {
        Plan { read_ticks, ..self }
    }

    /// Draws a plan in which clients propose to nodes behind a `RawNode`. Half of the seeds have owners that
    /// do one thing at a time, the others owners that do several at once. Disks are slow in most runs,
    /// and windows are small in about a quarter of them.
    pub fn replicating(profile: Profile, seed: u64) -> Self {
        let mut plan = Plan::new(profile, seed);
        let mut luck = Stream::new(seed, "replication");
        let owner = if seed % 4 < 2 { Owner::Concurrent } else { Owner::OneAtATime };
        plan.driver = Driver::Owned(owner);
        plan.proposal_ticks = if seed.is_multiple_of(2) { 4 } else { luck.within(1, 20) };
        if profile != Profile::Calm && plan.faults.persist_ticks == 0 {
            plan.faults.persist_ticks = luck.within(1, 3);
        }
        if !seed.is_multiple_of(2) && luck.chance(500) {
            plan.window = Some((luck.within(1, 3), luck.within(1, 3) as usize));
        }
        plan
    }

    /// Returns the same with operators that transfer the leadership. Of every 16 seeds in a row, 8 have
    /// pre-votes and 8 have check-quorum, in all four combinations. With check-quorum reads rest on a
    /// lease, unless clocks differ or an owner keeps its node's clock waiting.
    pub fn with_transfers(self) -> Self {
        let mut luck = Stream::new(self.seed, "leading");
        let is_even = |part: u64| (self.seed / part).is_multiple_of(2);
        let (pre_vote, check_quorum) = (is_even(4), is_even(8));
        let waits = self.driver == Driver::Owned(Owner::OneAtATime);
        let clocks_agree = self.faults.skew_percent == 0 && !waits;
        // A lease is shorter than an election timeout by a tick because clocks are not in step
        // (`ReadMode::Lease`), and by one because all nodes tick together from the healing phase on.
        let longest = self.election_ticks - 2;
        let lease_ticks = luck.within(longest.div_ceil(2), longest);
        let lease_ticks = Some(lease_ticks).filter(|_| check_quorum && clocks_agree);
        let transfer_ticks = luck.within(10, 80);
        let leading = Leading { pre_vote, check_quorum, lease_ticks, transfer_ticks };
        Plan { leading, ..self }
    }

    /// Returns the same with what raft-rs has beyond etcd: votes tell what is committed; in half of the plans
    /// some nodes have a higher priority than others; in half of them nodes are in commit groups.
    pub fn with_extras(self) -> Self {
        let mut luck = Stream::new(self.seed, "extras");
        let has_priorities = luck.chance(500);
        let nodes = if has_priorities { self.nodes } else { 0 };
        let priorities = (0..nodes).map(|_| luck.below(3)).collect();
        let commit_groups = (0..self.nodes).map(|_| luck.below(4)).collect();
        let commit_groups = Some(commit_groups).filter(|_| luck.chance(500));
        Plan { extras: Extras { commit_by_vote: true, priorities, commit_groups }, ..self }
    }

    /// Draws a plan as [`Plan::replicating`] does, in which nodes come and go, and logs are compacted. One or
    /// two of the nodes are no members at the start.
    pub fn changing(profile: Profile, seed: u64) -> Self {
        let plan = Plan::replicating(profile, seed);
        let mut luck = Stream::new(seed, "churn");
        let voters = luck.within(2, plan.nodes.min(4));
        let churn = Churn {
            voters,
            change_ticks: luck.within(10, 60),
            compact_ticks: luck.within(5, 40),
            snapshot_ticks: luck.within(3, 40),
        };
        Plan { nodes: voters + luck.within(1, 2), churn: Some(churn), ..plan }
    }

    /// Draws a plan in which everything happens at once: what [`Plan::changing`] has, reads, transfers,
    /// pre-votes and check-quorum, in half of the seeds storage whose reads fail, and in two thirds
    /// [`Plan::with_extras`].
    pub fn everything(profile: Profile, seed: u64) -> Self {
        let mut plan = Plan::changing(profile, seed).with_reads(10).with_transfers();
        let fails = Some(Interval { pause_ticks: 60, lasts_ticks: 20 });
        plan.faults.read_failures = fails.filter(|_| (seed / 2).is_multiple_of(2));
        if seed.is_multiple_of(3) { plan } else { plan.with_extras() }
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
            config.pre_vote = self.leading.pre_vote;
            config.check_quorum = self.leading.check_quorum;
            if let Some(ticks) = self.leading.lease_ticks {
                config.read_mode = ReadMode::Lease(ticks);
            }
            config.commit_by_vote = self.extras.commit_by_vote;
            let place = config.id.0 as usize - 1;
            config.priority = Priority(self.extras.priorities.get(place).copied().unwrap_or(0));
            config.commit_groups = self.extras.groups();
            if let Some((entries, appends)) = self.window {
                // Beside its payload an entry has a few bytes for its id.
                config.max_append_bytes = Some(entries * ENTRY_BYTES);
                config.max_inflight_messages = appends;
            }
        }
        if let Some(Churn { voters, snapshot_ticks, .. }) = self.churn {
            for (config, storage) in &mut setup.nodes {
                config.snapshot_ticks = Some(snapshot_ticks);
                *storage = MemoryStorage::with_voters((1..=voters).map(NodeId));
            }
        }
        let slow = self.faults.persist_ticks > 0;
        let setup = Setup { driver: self.driver, ..setup };
        Setup { disks: if slow { DiskSpeed::Slow } else { DiskSpeed::Instant }, ..setup }
    }
}
