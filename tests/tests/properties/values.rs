//! The strategies keep what they promise: valid values where they say so, every kind, every fault, and
//! scenes that shrink to few inputs and keep their meaning.

use crate::wild::play;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use raft::{ApplyGate, ConfState, Config, Entry, NodeId, ReadMode, RoleName};
use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use testbed::property::Wrong;
use testbed::sim::{Faults, Profile};
use testbed::strategy::{self, Scene, Scenes, conf_state, config, entry, holds, scene};
use testbed::{Cluster, Fate, Input, Property, Run, Verdict};

#[test]
fn a_log_has_no_gap_and_terms_that_only_grow() {
    let longest = Cell::new(0);
    holds(500, strategy::log(7), |log: Vec<Entry>| {
        prop_assert!(log.iter().zip(1..).all(|(entry, place)| entry.id.index.0 == place));
        prop_assert!(log.windows(2).all(|two| two[0].id.term <= two[1].id.term));
        prop_assert!(log.first().is_none_or(|entry| entry.id.term.0 >= 1));
        longest.set(longest.get().max(log.len()));
        Ok(())
    });
    assert_eq!(longest.get(), 7, "as long as allowed");
}

#[test]
fn members_are_possible_and_of_every_shape() {
    let shapes = RefCell::new(BTreeSet::new());
    holds(500, conf_state(), |conf: ConfState| {
        prop_assert_eq!(conf.check(), Ok(()));
        let has = (!conf.learners.is_empty(), !conf.learners_next.is_empty(), conf.auto_leave);
        shapes.borrow_mut().insert((conf.is_joint(), has));
        Ok(())
    });
    // Outside a joint configuration: learners or none. Inside one: each of three things, or not.
    assert_eq!(shapes.borrow().len(), 2 + 8, "{shapes:?}");
}

#[test]
fn settings_work_and_every_one_of_them_varies() {
    let values: RefCell<BTreeMap<String, BTreeSet<String>>> = RefCell::default();
    holds(500, config(), |config: Config| {
        prop_assert_eq!(config.check(), Ok(()));
        let written = serde_json::to_value(&config).expect("settings have string keys");
        for (key, value) in written.as_object().expect("a struct") {
            values.borrow_mut().entry(key.clone()).or_default().insert(value.to_string());
        }
        Ok(())
    });
    let is_fixed = |(_, values): &(&String, &BTreeSet<String>)| values.len() == 1;
    let values = values.into_inner();
    let fixed: Vec<_> = values.iter().filter(is_fixed).map(|(key, _)| key.as_str()).collect();
    // Its name is its owner's affair; it has just started; unchecked changes may elect two leaders.
    assert_eq!(fixed, ["applied", "check_changes", "id"]);
}

#[test]
fn a_cluster_starts_and_is_safe_whatever_clocks_and_disks_do() {
    let (seen, gates) = (RefCell::new(BTreeSet::new()), Cell::new(0));
    holds(300, strategy::setup(), |setup| {
        let first = setup.nodes[0].0.clone();
        let as_first = |own: &Config| Config { id: first.id, ..own.clone() } == first;
        let all = setup.nodes.iter().all(|(own, _)| as_first(own));
        prop_assert!(all, "the nodes differ");
        prop_assert_eq!(first.read_mode, ReadMode::Quorum);
        gates.set(gates.get() + u32::from(first.apply_gate == ApplyGate::Durable));
        let cluster = Cluster::new(setup.clone());
        let kind = format!("{:?} {:?}", setup.disks, setup.driver);
        seen.borrow_mut().insert((cluster.ids().count(), kind));
        Ok(())
    });
    assert_eq!(seen.borrow().len(), 5 * 2 * 3, "every size with every disk and owner");
    assert!((1..300).contains(&gates.get()));
}

#[test]
fn entries_are_of_every_kind() {
    let kinds = RefCell::new(BTreeSet::new());
    holds(200, entry(), |entry: Entry| {
        let text = format!("{:?}", entry.payload());
        kinds.borrow_mut().insert(text.split('(').next().unwrap_or_default().to_owned());
        Ok(())
    });
    assert_eq!(kinds.borrow().len(), 4, "{kinds:?}");
}

/// Returns how often scenes of a world have each kind of input and fate.
fn counted(scenes: &Scenes) -> BTreeMap<&'static str, u32> {
    let mut counts: BTreeMap<_, u32> = BTreeMap::new();
    let mut runner = TestRunner::deterministic();
    for _ in 0..60 {
        let scene = scenes.new_tree(&mut runner).expect("nothing is rejected").current();
        for step in scene.run().steps() {
            let mut count = |name| *counts.entry(name).or_default() += 1;
            match &step.input {
                Input::Crash(_) => count("crash"),
                Input::Cut { .. } | Input::Partition(_) => count("cut"),
                Input::FailRead { .. } => count("fail"),
                Input::Campaign(_) | Input::Ask { .. } | Input::PinLimit { .. } => count("unrest"),
                Input::Propose { .. } => count("propose"),
                Input::Read { .. } => count("read"),
                Input::Tick(_) | Input::Ready(_) | Input::Persist(_) | Input::Apply(_) => {}
                Input::Deliver(_) | Input::Drop(_) | Input::Duplicate(_) | Input::Post(_) => {}
                Input::Restart(_) | Input::Mend { .. } | Input::Heal => {}
            }
            for (_, fate) in &step.gone {
                match fate {
                    Fate::Delivered => count("delivered"),
                    Fate::Duplicated => count("duplicated"),
                    Fate::Dropped => count("dropped"),
                    Fate::LinkCut | Fate::ReceiverDown => {}
                }
            }
        }
    }
    counts
}

#[test]
fn a_scene_has_the_faults_that_it_is_given_and_no_others() {
    let none = Faults::none();
    let calm = counted(&scene(none.clone()));
    assert_eq!(
        calm.keys().copied().collect::<Vec<_>>(),
        ["delivered", "propose", "read"],
        "{calm:?}"
    );
    assert!(calm.values().all(|&count| count > 30), "{calm:?}");
    let usual = Faults::usual(Profile::Swarm);
    let one_each: [(&str, Faults); 6] = [
        ("dropped", Faults { drop_permille: 1, ..none.clone() }),
        ("duplicated", Faults { duplicate_permille: 1, ..none.clone() }),
        ("crash", Faults { crashes: usual.crashes, ..none.clone() }),
        ("cut", Faults { partitions: usual.partitions, ..none.clone() }),
        ("fail", Faults { read_failures: usual.read_failures, ..none.clone() }),
        ("unrest", Faults { unrest_ticks: 1, ..none }),
    ];
    for (fault, faults) in one_each {
        let counts = counted(&scene(faults));
        let more: Vec<_> = counts.keys().filter(|key| !calm.contains_key(*key)).collect();
        assert_eq!(more, [&fault], "{counts:?}");
        assert!(counts[fault] > 10, "{counts:?}");
    }
}

#[test]
fn clocks_disks_and_the_order_of_messages_are_faults_too() {
    let drawn = |faults: Faults| {
        let (scenes, mut runner) = (scene(faults), TestRunner::deterministic());
        let draw = |_| scenes.new_tree(&mut runner).expect("nothing is rejected").current();
        (0..60).map(draw).collect::<Vec<Scene>>()
    };
    let slow = |scenes: &[Scene]| {
        let is_slow = |scene: &&Scene| !crate::wild::is_instant(&scene.setup);
        scenes.iter().filter(is_slow).count()
    };
    // How far the clocks of nodes that never crash are apart, and whether a message overtook another one.
    let apart = |scene: &Scene| {
        let ticks = |id: u64| {
            let its = |input: &&Input| **input == Input::Tick(NodeId(id));
            scene.inputs.iter().filter(its).count()
        };
        let all: Vec<_> = (1..=scene.setup.nodes.len() as u64).map(ticks).collect();
        all.iter().max() != all.iter().min()
    };
    let overtakes = |scene: &Scene| {
        let run = scene.run();
        let arrived = run.steps().iter().flat_map(|step| &step.gone).map(|(flight, _)| flight.id);
        !arrived.collect::<Vec<_>>().is_sorted()
    };
    let calm = drawn(Faults::none());
    assert_eq!(
        (slow(&calm), calm.iter().any(apart), calm.iter().any(overtakes)),
        (0, false, false)
    );
    assert!((15..45).contains(&slow(&drawn(Faults { persist_ticks: 1, ..Faults::none() }))));
    assert!(drawn(Faults { skew_percent: 1, ..Faults::none() }).iter().any(apart));
    assert!(drawn(Faults { delay_ticks: 2, ..Faults::none() }).iter().any(overtakes));
}

#[test]
fn a_scene_is_as_long_as_it_may_be_and_runs_as_it_was_drawn() {
    let longest = Cell::new(0);
    holds(100, scene(Faults::usual(Profile::Swarm)).up_to(5), |scene: Scene| {
        let run = scene.run();
        prop_assert_eq!(run.inputs(), &scene.inputs[..]);
        let (inputs, _, violation) = play(&scene);
        prop_assert_eq!((inputs.len(), violation), (scene.inputs.len(), None));
        // A happening is at most 11 ticks of one node, or 29 things in order.
        longest.set(longest.get().max(scene.inputs.len()));
        Ok(())
    });
    assert!((12..=5 * 29).contains(&longest.get()), "{longest:?}");
}

// Shrinking.

/// Nobody ever leads: wrong, of course.
fn nobody_leads(run: &Run) -> Verdict {
    let mut leaders = run.statuses().filter(|(_, it)| it.role == Some(RoleName::Leader));
    match leaders.next() {
        Some((at, it)) => Verdict::broken(at, [it.node], format!("it leads term {}", it.term)),
        None => Verdict::Holds,
    }
}

#[test]
fn a_scene_shrinks_to_inputs_that_are_all_needed_and_lead_to_the_same() {
    let scenes = scene(Faults::usual(Profile::Swarm));
    let mut runner = TestRunner::deterministic();
    let mut tried = 0;
    while tried < 20 {
        let mut tree = scenes.new_tree(&mut runner).expect("nothing is rejected");
        let is_broken = |scene: &Scene| nobody_leads(&scene.run()) != Verdict::Holds;
        let whole = tree.current();
        if !is_broken(&whole) {
            continue;
        }
        tried += 1;
        // As proptest does it.
        let mut shorter = tree.simplify();
        while shorter {
            shorter = if is_broken(&tree.current()) { tree.simplify() } else { tree.complicate() };
        }
        let few = tree.current();
        assert!(is_broken(&few), "{few:?}");
        assert!(few.inputs.len() <= 60 && few.inputs.len() <= whole.inputs.len(), "{few:?}");
        for at in 0..few.inputs.len() {
            let mut less = few.clone();
            less.inputs.remove(at);
            assert!(!is_broken(&less), "{at} is not needed: {few:?}");
        }
    }
}

#[test]
fn cases_report_how_many_exercised_it_and_a_failure_is_a_script_with_its_command() {
    let scenes = || scene(Faults::usual(Profile::Swarm));
    let leads = Property::new("somebody_leads", |run| {
        let leads = run.statuses().any(|(_, it)| it.role == Some(RoleName::Leader));
        Verdict::holds_if(leads)
    });
    let report = leads.cases(40, scenes()).unwrap();
    assert!(report.runs == 40 && (10..40).contains(&report.exercised), "{report}");

    let failure = Property::new("nobody_leads", nobody_leads).cases(40, scenes()).unwrap_err();
    let Wrong::Broken { left, .. } = &*failure.wrong else { panic!("{failure}") };
    assert!(*left <= 8, "{failure}");
    let command = "again: PROPTEST_RNG_SEED=1 PROPTEST_CASES=40 cargo test nobody_leads";
    assert!(failure.to_string().ends_with(command), "{failure}");

    let never = Property::new("never", |_| Verdict::NotExercised);
    let failure = never.cases(5, scenes()).unwrap_err();
    assert!(matches!(&*failure.wrong, Wrong::NeverExercised(report) if report.runs == 5));
    let panics = Property::new("panics", |_| panic!("as a node would"));
    let failure = panics.cases(5, scenes().up_to(0)).unwrap_err();
    assert!(matches!(&*failure.wrong, Wrong::Panicked(why) if why.contains("as a node would")));
}
