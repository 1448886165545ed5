//! Random runs in which nodes come and go, logs are compacted, and clients write and read: no rule breaks,
//! the group finds a leader, leaves its joint configuration, and every member has applied everything.
//!
//! `RAFTWRIGHT_SEEDS=1000` runs a thousand seeds of each profile instead of twelve;
//! `RAFTWRIGHT_SHARE=2/3` runs every third of them.

#[path = "kit/clean.rs"]
mod clean; // a random run in which no rule may break

use clean::clean_run;
use raft::{Index, Raft, RoleName};
use std::collections::BTreeMap;
use testbed::sim::{self, Churn, Extras, Faults, Interval, Plan, Profile, Shard, Simulation};
use testbed::{Cluster, Input, Step};

/// The longest pause between two reads, in ticks.
const READ_TICKS: u64 = 10;

fn seeds() -> impl Iterator<Item = u64> {
    Shard::seeds_asked_for(12)
}

fn plan(profile: Profile, seed: u64) -> Plan {
    Plan::changing(profile, seed).with_reads(READ_TICKS)
}

fn run(profile: Profile, seed: u64) -> Simulation {
    let again = format!("Plan::changing(Profile::{profile:?}, {seed}).with_reads({READ_TICKS})");
    clean_run(plan(profile, seed), &again)
}

#[test]
fn groups_change_and_compact_their_logs_and_lose_nothing() {
    for profile in Profile::ALL {
        let (mut runs, mut changes, mut compactions, mut installs, mut written) = (0, 0, 0, 0, 0);
        for seed in seeds() {
            let run = run(profile, seed);
            runs += 1;
            changes += run.coverage.changes;
            compactions += run.coverage.compactions;
            installs += run.coverage.installs;
            written += run.coverage.applied;
        }
        println!(
            "{profile}: {runs} runs, changes applied {changes} times, {compactions} compactions, \
             {installs} snapshots installed, clients' entries applied {written} times"
        );
        assert!(changes >= runs * 4, "{profile}: changes applied {changes} times in {runs} runs");
        assert!(compactions >= runs * 4, "{profile}: {compactions} compactions in {runs} runs");
        assert!(installs >= runs / 4, "{profile}: {installs} snapshots installed in {runs} runs");
    }
}

/// `RAFTWRIGHT_SEEDS=1250 cargo test --release -p testbed --test groups everything -- --nocapture`: 10,000 runs.
#[test]
fn everything_at_once_loses_nothing() {
    let names =
        ["changes", "compactions", "reads", "transfers", "failed reads", "installs", "handed over"];
    let (mut sums, mut runs, mut inputs) = ([0; 7], 0, 0);
    for profile in Profile::ALL {
        for seed in seeds() {
            let again = format!("Plan::everything(Profile::{profile:?}, {seed})");
            let run = clean_run(Plan::everything(profile, seed), &again);
            let armed = run.inputs.iter().filter(|it| matches!(it, Input::FailRead { .. })).count();
            let it = &run.coverage;
            let counts = [it.changes, it.compactions, it.reads, it.transfers, armed as u64];
            for (sum, count) in
                sums.iter_mut().zip(counts.into_iter().chain([it.installs, it.handed_over]))
            {
                *sum += count;
            }
            (runs, inputs) = (runs + 1, inputs + run.inputs.len());
        }
    }
    let said: Vec<_> = names.iter().zip(sums).map(|(name, sum)| format!("{sum} {name}")).collect();
    println!("{runs} runs, {inputs} inputs: {}", said.join(", "));
    for (name, sum) in names.iter().zip(sums) {
        assert!(sum >= runs / 4, "{sum} {name} in {runs} runs");
    }
}

#[test]
fn a_seed_gives_the_same_changes_twice() {
    for seed in 0..4 {
        let (one, two) = (run(Profile::Swarm, seed), run(Profile::Swarm, seed));
        assert_eq!((one.digest, one.coverage), (two.digest, two.coverage), "seed {seed}");
    }
}

#[test]
fn a_plan_begins_with_nodes_that_are_no_members() {
    for seed in 0..40 {
        let plan = plan(Profile::Swarm, seed);
        let churn = plan.churn.expect("the group changes");
        assert!(churn.voters >= 2 && churn.voters < plan.nodes, "seed {seed}: {churn:?}");
        for (_, storage) in plan.setup().nodes {
            assert_eq!(storage.conf_state().voters.len() as u64, churn.voters);
        }
    }
}

/// Returns a plan in which changes may take the vote from half of the voters at once.
fn plan_with_extras(profile: Profile, seed: u64) -> Plan {
    plan(profile, seed).with_extras()
}

#[test]
fn groups_whose_votes_tell_what_is_committed_may_lose_half_of_their_voters_at_once() {
    for profile in Profile::ALL {
        let (mut runs, mut changes) = (0, 0);
        for seed in seeds() {
            let again = format!(
                "Plan::changing(Profile::{profile:?}, {seed}).with_reads({READ_TICKS}).with_extras()"
            );
            changes += clean_run(plan_with_extras(profile, seed), &again).coverage.changes;
            runs += 1;
        }
        println!("{profile}: {runs} runs, changes applied {changes} times");
        assert!(changes >= runs * 4, "{profile}: changes applied {changes} times in {runs} runs");
    }
}

/// Returns a plan in which the nodes with odd ids are in one place, and the others in another.
fn plan_in_two_places(profile: Profile, seed: u64) -> Plan {
    let plan = plan_with_extras(profile, seed);
    let commit_groups = Some((1..=plan.nodes).map(|id| 1 + id % 2).collect());
    Plan { extras: Extras { commit_groups, ..plan.extras }, ..plan }
}

/// The invariant [`testbed::Rule::CommitInTwoGroups`] looks at the disks of both places at every new commit index, while
/// the members change.
#[test]
fn what_groups_in_two_places_commit_is_durable_in_both() {
    for profile in Profile::ALL {
        let (mut runs, mut written) = (0, 0);
        for seed in seeds() {
            let again = format!("plan_in_two_places(Profile::{profile:?}, {seed})");
            written += clean_run(plan_in_two_places(profile, seed), &again).coverage.applied;
            runs += 1;
        }
        println!("{profile}: {runs} runs, clients' entries applied {written} times");
        assert!(written >= runs * 4, "{profile}: applied {written} times in {runs} runs");
    }
}

/// What the rule Leader Append-Only rests on when it looks at disks. A vote counts once it is durable, and a question
/// leaves with a Ready that hands the whole log to the disk. A candidate takes no entries. So a node that wins has
/// handed its disk what it took as a follower, and the writes of a leader only append. That is so, too, where votes
/// tell what is committed: what a candidate learns changes its commit index, not its log.
#[test]
fn a_node_that_wins_has_handed_its_disk_all_that_it_took_as_a_follower() {
    for profile in Profile::ALL {
        let (mut wins, mut replaced) = (0, 0);
        for seed in seeds() {
            let mut ends = BTreeMap::new();
            let see = |step: &Step, cluster: &Cluster| {
                let Some(id) = step.node else { return };
                let seen = cluster.node(id).map(Raft::inspect);
                let now = seen.map(|node| (node.role == RoleName::Leader, node.term, node.last));
                let before = ends.insert(id, now).flatten();
                let (Some((true, term, _)), Some((led, led_in, last))) = (now, before) else {
                    return;
                };
                if led && led_in == term {
                    return;
                }
                let disk = cluster.disk(id).expect("it runs").written();
                let is_handed = last.index <= disk.base().id.index
                    || disk.get(last.index).map(|link| link.id) == Some(last);
                let again = format!("{profile:?}, {seed}, step {}", step.number);
                assert!(is_handed, "{id} leads {term}, and its disk lacks {last}: {again}");
                wins += 1;
                // More than its own entries are in the log of a node that has followed.
                replaced += u64::from(last.term < term && last.index > Index(1));
            };
            sim::observe(plan_with_extras(profile, seed), see);
        }
        println!("{profile}: {wins} nodes won, {replaced} of them with entries of earlier terms");
        assert!(wins > 0 && replaced > 0, "{profile}: {wins} won, {replaced} with entries");
    }
}

/// Returns a plan for small groups alone: voters come and go all the time, proposals are frequent, messages are
/// slow, and leaders lose power. Where votes do not tell what is committed, some of these groups end
/// without a leader (etcd issue 12359).
fn plan_of_small_groups(seed: u64) -> Plan {
    let crashes = Some(Interval { pause_ticks: 20, lasts_ticks: 20 });
    let faults = Faults { crashes, delay_ticks: 6, persist_ticks: 1, ..Faults::none() };
    let churn = Churn { voters: 2, change_ticks: 8, compact_ticks: 40, snapshot_ticks: 20 };
    let plan = Plan::changing(Profile::Crash, 2 * seed).with_extras();
    Plan { faults, nodes: 3, churn: Some(churn), proposal_ticks: 1, ..plan }
}

#[test]
fn small_groups_that_lose_voters_and_leaders_find_a_leader() {
    for seed in Shard::seeds_asked_for(60) {
        clean_run(plan_of_small_groups(seed), &format!("plan_of_small_groups({seed})"));
    }
}
