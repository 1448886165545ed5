//! Random runs in which operators transfer the leadership, with and without pre-votes, check-quorum and
//! leases: no rule breaks, and a leader is found once all faults have ended.
//!
//! ```text
//!   (profile, seed) --> a plan with clients and reads --> transfers, settings of leaders --> Simulation
//! ```
//!
//! `RAFTWRIGHT_SEEDS=1000` runs a thousand seeds of each profile instead of sixteen;
//! `RAFTWRIGHT_SHARE=2/3` runs every third of them.

#[path = "kit/clean.rs"]
mod clean; // a random run in which no rule may break

use clean::clean_run;
use testbed::sim::{Faults, Interval, Plan, Profile, Shard, Simulation};

/// The longest pause between two reads, in ticks.
const READ_TICKS: u64 = 3;

fn seeds() -> impl Iterator<Item = u64> {
    Shard::seeds_asked_for(16)
}

fn plan(profile: Profile, seed: u64) -> Plan {
    Plan::replicating(profile, seed).with_reads(READ_TICKS).with_transfers()
}

fn run(profile: Profile, seed: u64) -> Simulation {
    let again = format!(
        "Plan::replicating(Profile::{profile:?}, {seed}).with_reads({READ_TICKS}).with_transfers()"
    );
    clean_run(plan(profile, seed), &again)
}

/// What the runs of one kind did together.
#[derive(Default)]
struct Sum {
    runs: u64,
    transfers: u64,
    handed_over: u64,
    reads: u64,
    led_ticks: u64,
    ticks: u64,
}

impl Sum {
    fn add(&mut self, run: &Simulation) {
        self.runs += 1;
        self.transfers += run.coverage.transfers;
        self.handed_over += run.coverage.handed_over;
        self.reads += run.coverage.reads;
        self.led_ticks += run.coverage.led_ticks;
        self.ticks += run.coverage.trouble_ticks;
    }

    fn print(&self, name: &str) {
        let Sum { runs, transfers, handed_over, reads, led_ticks, ticks } = self;
        println!(
            "{name}: {runs} runs, {transfers} transfers, {handed_over} handed over, {reads} reads, \
             led in {led_ticks} of {ticks} ticks"
        );
    }
}

#[test]
fn nothing_breaks_and_leaders_hand_over() {
    let (mut with_leases, mut plain) = (Sum::default(), Sum::default());
    for profile in Profile::ALL {
        let mut sum = Sum::default();
        for seed in seeds() {
            let run = run(profile, seed);
            sum.add(&run);
            let leading = &run.plan.leading;
            if leading.lease_ticks.is_some() {
                with_leases.add(&run);
            } else if !leading.pre_vote && !leading.check_quorum {
                plain.add(&run);
            }
        }
        sum.print(profile.id());
        assert!(sum.handed_over * 2 >= sum.runs, "{profile}: {} handed over", sum.handed_over);
    }
    plain.print("without pre-vote and check-quorum");
    with_leases.print("with leases");
    assert!(with_leases.reads >= with_leases.runs * 20, "{} reads in leases", with_leases.reads);
    assert!(plain.runs > 0, "some runs are as in the paper");
}

/// Returns a plan for leases alone. Leaders are cut off all the time, transfers are frequent, and somebody
/// reads in every tick. Half of the seeds have slow messages. A lease that survives a transfer shows within
/// 30 seeds. Other wrong leases are too rare for random runs: `raft/tests/lease.rs` has them, and the
/// stories.
fn lease_plan(seed: u64) -> Plan {
    let partitions = Some(Interval { pause_ticks: 15, lasts_ticks: 25 });
    let delay_ticks = if seed.is_multiple_of(2) { 1 } else { 5 };
    let faults = Faults { partitions, delay_ticks, ..Faults::none() };
    // Every 16th seed and the one after it have leases, owners that do several things at once, and no skew.
    let plan = Plan::replicating(Profile::Calm, 16 * (seed / 2) + seed % 2);
    let plan = Plan { faults, nodes: 3 + 2 * (seed / 2 % 2), ..plan };
    let plan = Plan { election_ticks: 10, heartbeat_ticks: 1, proposal_ticks: 3, ..plan };
    let mut plan = plan.with_reads(1).with_transfers();
    plan.leading.lease_ticks = Some(8);
    plan.leading.transfer_ticks = 15;
    plan
}

#[test]
fn every_read_in_a_lease_sees_what_was_committed_before_it() {
    let mut sum = Sum::default();
    for seed in Shard::seeds_asked_for(60) {
        sum.add(&clean_run(lease_plan(seed), &format!("lease_plan({seed})")));
    }
    sum.print("leases alone");
    assert!(sum.reads >= sum.runs * 50, "{} reads in {} runs", sum.reads, sum.runs);
    assert!(sum.handed_over >= sum.runs, "{} handed over in {} runs", sum.handed_over, sum.runs);
}

#[test]
fn a_seed_gives_the_same_run_twice() {
    for seed in 0..4 {
        let (one, two) = (run(Profile::Swarm, seed), run(Profile::Swarm, seed));
        assert_eq!((one.digest, one.coverage), (two.digest, two.coverage), "seed {seed}");
    }
}
