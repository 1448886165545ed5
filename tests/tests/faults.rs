//! The simulator's faults: each does what its name says, as often as its rate says.

use raft::{Body, EntryId, Message, NodeId, RoleName, Term, VoteRequest};
use testbed::sim::{self, Faults, Interval, Plan, Profile, Simulation};
use testbed::{Cluster, Fate, Input, Setup};

const N1: NodeId = NodeId(1);
const N2: NodeId = NodeId(2);
const N3: NodeId = NodeId(3);

/// Returns n1's question of term 1 to another node.
fn question(to: NodeId) -> Message {
    let ask = VoteRequest::new(EntryId::default());
    Message { from: N1, to, term: Some(Term(1)), body: Body::RequestVote(ask) }
}

/// Runs the usual plan of a seed with other faults.
fn with(seed: u64, faults: Faults) -> Simulation {
    let plan = Plan { faults, trouble_ticks: 2000, ..Plan::new(Profile::Calm, 2 * seed) };
    sim::run_plan(plan)
}

/// Returns how many of a thousand `part` of `whole` is.
fn permille(part: u64, whole: u64) -> u64 {
    part * 1000 / whole
}

#[test]
fn one_message_in_ten_is_dropped() {
    let run = with(1, Faults::usual(Profile::Drop));
    assert!((85..115).contains(&permille(run.tally.dropped, run.tally.sent)), "{}", run.tally);
    assert_eq!((run.tally.duplicated, run.tally.cut, run.tally.crashes), (0, 0, 0));
}

#[test]
fn one_message_in_fifty_arrives_twice() {
    let run = with(2, Faults::usual(Profile::Duplicate));
    assert!((14..26).contains(&permille(run.tally.duplicated, run.tally.sent)), "{}", run.tally);
    assert_eq!(run.tally.dropped, 0);
}

#[test]
fn a_calm_network_loses_nothing_and_repeats_nothing() {
    let run = with(3, Faults::none());
    let tally = run.tally;
    assert_eq!((tally.dropped, tally.duplicated, tally.cut, tally.missed), (0, 0, 0, 0));
    let under_way = tally.sent - tally.delivered;
    assert!(under_way < 20, "{under_way} of {} messages never arrived", tally.sent);
}

#[test]
fn messages_overtake_each_other_and_none_takes_longer_than_it_may() {
    let run = with(4, Faults { delay_ticks: 30, ..Faults::none() });
    let steps = run.replay();
    let mut sent = std::collections::BTreeMap::new();
    let (mut overtaken, mut latest, mut slow) = (0, 0, 0);
    for step in &steps[..run.trouble] {
        for flight in &step.sent {
            sent.insert(flight.id, step.clock);
        }
        for (flight, _) in &step.gone {
            let ticks = step.clock - sent[&flight.id];
            assert!(ticks <= 31, "flight {} took {ticks} ticks", flight.id);
            slow += u64::from(ticks > 10);
            overtaken += u64::from(flight.id < latest);
            latest = latest.max(flight.id);
        }
    }
    let arrived = run.tally.delivered;
    assert!(permille(overtaken, arrived) > 300, "{overtaken} of {arrived} were overtaken");
    assert!(permille(slow, arrived) > 100, "{slow} of {arrived} took more than 10 ticks");
}

#[test]
fn crashes_take_unwritten_writes_and_everybody_comes_back() {
    let faults = Faults { persist_ticks: 10, ..Faults::usual(Profile::Crash) };
    let run = with(5, faults);
    assert!((80..220).contains(&run.tally.crashes), "{}", run.tally);
    assert!(run.tally.unwritten > 5 && run.tally.missed > 50, "{}", run.tally);
    let mut cluster = Cluster::new(run.setup());
    run.inputs.iter().for_each(|input| drop(cluster.apply(input)));
    assert!(cluster.ids().all(|id| cluster.node(id).is_some()));
}

#[test]
fn partitions_cut_links_one_way_two_ways_around_the_leader_and_leave_bridges() {
    let rhythm = Interval { pause_ticks: 20, lasts_ticks: 60 };
    let run = with(6, Faults { partitions: Some(rhythm), ..Faults::none() });
    assert!(run.tally.cut > 200, "{}", run.tally);
    let mut cluster = Cluster::new(run.setup());
    let (mut one_way, mut halves, mut lone, mut bridges) = (0, 0, 0, 0);
    for input in &run.inputs[..run.trouble] {
        let was_whole = cluster.network().cuts().count() == 0;
        cluster.apply(input);
        let cuts: Vec<_> = cluster.network().cuts().collect();
        let mutual = cuts.iter().all(|&(from, to)| cuts.contains(&(to, from)));
        if let Input::Partition(groups) = input {
            let alone = groups.iter().any(|group| group.len() == 1);
            lone += u64::from(alone);
            halves += u64::from(!alone);
        } else if let Input::Cut { .. } = input {
            // Of five nodes, one reaches all and two pairs cannot reach each other: eight cuts.
            bridges += u64::from(cuts.len() == 8 && mutual);
            one_way += u64::from(was_whole);
        }
    }
    assert!(one_way > bridges && bridges > 0 && halves > 0 && lone > 0);
}

#[test]
fn clocks_drift_up_to_twice_as_fast() {
    let ticks_of = |seed, skew_percent| {
        let run = with(seed, Faults { skew_percent, ..Faults::none() });
        let trouble = &run.inputs[..run.trouble];
        let ticked = |id| trouble.iter().filter(|&input| *input == Input::Tick(id)).count();
        let ticks: Vec<_> = run.setup().nodes.iter().map(|(config, _)| ticked(config.id)).collect();
        (*ticks.iter().min().unwrap(), *ticks.iter().max().unwrap())
    };
    let mut widest = 0;
    for seed in 0..8 {
        let (slowest, fastest) = ticks_of(seed, 0);
        assert!(fastest - slowest <= 1, "seed {seed}: {slowest} and {fastest}");
        let (slowest, fastest) = ticks_of(seed, 100);
        assert!(fastest <= 2 * slowest + 1, "seed {seed}: {slowest} and {fastest}");
        widest = widest.max(fastest * 100 / slowest);
    }
    assert!(widest > 160, "the widest drift is {widest} in 100");
}

#[test]
fn a_swarm_of_seeds_has_every_fault_and_no_two_plans_alike() {
    let plans: Vec<_> = (0..40).map(|seed| Plan::new(Profile::Swarm, seed)).collect();
    let count = |has: fn(&Faults) -> bool| plans.iter().filter(|plan| has(&plan.faults)).count();
    for has in [
        (|f| f.drop_permille > 0) as fn(&Faults) -> bool,
        |f| f.duplicate_permille > 0,
        |f| f.delay_ticks > 1,
        |f| f.partitions.is_some(),
        |f| f.crashes.is_some(),
        |f| f.skew_percent > 0,
    ] {
        assert!((8..32).contains(&count(has)), "{}", count(has));
    }
    assert!(plans.windows(2).all(|pair| pair[0].faults != pair[1].faults));
}

#[test]
fn half_the_seeds_take_the_usual_rates_and_half_draw_them() {
    let usual = Faults::usual(Profile::Drop);
    let is_usual = |seed: &u64| Plan::new(Profile::Drop, *seed).faults == usual;
    assert_eq!((0..40).filter(is_usual).count(), 20);
}

#[test]
fn a_cut_link_loses_its_own_direction_only() {
    let mut cluster = Cluster::new(Setup::new(3, 0));
    cluster.apply(&Input::Cut { from: N1, to: N2 });
    cluster.apply(&Input::Campaign(N1));
    let lost = cluster.apply(&Input::Deliver(question(N2)));
    assert_eq!(lost.gone[0].1, Fate::LinkCut);
    assert!(lost.sent.is_empty());
    let arrived = cluster.apply(&Input::Deliver(question(N3)));
    assert_eq!((arrived.gone[0].1, arrived.sent.len()), (Fate::Delivered, 1));
    assert!(!cluster.network().is_cut(N2, N1));
    cluster.apply(&Input::Mend { from: N1, to: N2 });
    assert!(!cluster.network().is_cut(N1, N2));
}

#[test]
fn a_duplicate_arrives_again_and_a_dropped_message_never() {
    let mut cluster = Cluster::new(Setup::new(3, 0));
    cluster.apply(&Input::Campaign(N1));
    let twice = [Input::Duplicate(question(N2)), Input::Deliver(question(N2))];
    let fates: Vec<_> = twice.iter().map(|input| cluster.apply(input).gone[0].1).collect();
    assert_eq!(fates, [Fate::Duplicated, Fate::Delivered]);
    assert_eq!(cluster.apply(&Input::Drop(question(N3))).gone[0].1, Fate::Dropped);
    let gone = cluster.apply(&Input::Deliver(question(N3)));
    assert!(gone.gone.is_empty() && gone.refused.is_some());
}

#[test]
fn a_crash_takes_what_a_slow_disk_has_not_written_and_leaves_the_rest() {
    let mut cluster = Cluster::new(Setup::new(3, 0).with_slow_disks());
    cluster.apply(&Input::Campaign(N1));
    cluster.apply(&Input::Persist(N1));
    cluster.apply(&Input::Campaign(N1));
    assert_eq!(cluster.node(N1).unwrap().inspect().term, Term(2));
    cluster.apply(&Input::Crash(N1));
    let down = cluster.apply(&Input::Tick(N1));
    assert_eq!(down.refused.as_deref(), Some("n1 is down"));
    let missed = cluster.apply(&Input::Post(Message { from: N3, to: N1, ..question(N2) }));
    let missed = cluster.apply(&Input::Deliver(missed.sent[0].message.clone()));
    assert_eq!(missed.gone[0].1, Fate::ReceiverDown);
    cluster.apply(&Input::Restart(N1));
    let node = cluster.node(N1).unwrap().inspect();
    assert_eq!((node.term, node.vote, node.role), (Term(1), Some(N1), RoleName::Follower));
}
