//! The oracle of wrong decisions and the shrinker, on correct runs and on wrong runs.
//!
//! Correct nodes make no wrong decision. So the wrong runs here come from false messages: a test posts
//! votes in the name of a node.

use raft::{Body, Message, NodeId};
use testbed::decision;
use testbed::shrink::{FailingRun, shrink};
use testbed::sim::{self, Plan, Profile};
use testbed::{Cluster, Input, Rule, Setup, cause};

#[test]
fn a_correct_design_never_decides_wrongly() {
    for profile in Profile::ALL {
        for seed in 0..6 {
            let run = sim::run(profile, seed);
            let wrong = decision::first_wrong(&run.setup(), &run.inputs);
            assert!(wrong.is_none(), "{profile}, seed {seed}: {wrong:?}");
            let run = sim::run_plan(Plan::replicating(profile, seed));
            let wrong = decision::first_wrong(&run.setup(), &run.inputs);
            assert!(wrong.is_none(), "replicating, {profile}, seed {seed}: {wrong:?}");
        }
    }
}

/// Returns a run of five nodes that ends with two leaders of one term, because n5's votes are sold
/// twice, among much that has no part in it.
fn two_leaders() -> (Setup, Vec<Input>) {
    let setup = Setup::new(5, 0);
    let mut cluster = Cluster::new(setup.clone());
    let mut inputs = Vec::new();
    let mut run = |cluster: &mut Cluster, input: Input| {
        inputs.push(input.clone());
        cluster.apply(&input)
    };
    let ids: Vec<_> = cluster.ids().collect();
    for tick in 0..200 {
        for &id in &ids {
            run(&mut cluster, Input::Tick(id));
        }
        let flights: Vec<_> = cluster.network().flights().to_vec();
        for flight in flights {
            run(&mut cluster, Input::Deliver(flight.message));
        }
        if tick == 150 {
            let term =
                ids.iter().map(|&id| cluster.node(id).expect("it is up").inspect().term).max();
            let next = term.expect("five nodes").next();
            for to in [NodeId(1), NodeId(2)] {
                run(&mut cluster, Input::Campaign(to));
                for from in [NodeId(4), NodeId(5)] {
                    let body = Body::vote_reply(true);
                    let lie = Message { from, to, term: Some(next), body };
                    run(&mut cluster, Input::Post(lie.clone()));
                    if run(&mut cluster, Input::Deliver(lie)).violation.is_some() {
                        return (setup, inputs);
                    }
                }
            }
        }
    }
    unreachable!("the lies make two leaders");
}

fn rule(ending: &FailingRun<'_>) -> (Rule, Option<(&'static str, u32)>) {
    (ending.violation.rule, ending.deciding().map(|note| (note.at.file(), note.at.line())))
}

#[test]
fn shrinking_keeps_the_rule_and_the_line_and_replays_strictly() {
    let (setup, inputs) = two_leaders();
    assert!(inputs.len() > 1000, "{}", inputs.len());
    let shrunk = shrink(&setup, &inputs, 2000, rule).expect("it fails");
    assert_eq!(shrunk.violation.rule, Rule::ElectionSafety);
    // Two candidates, four lies put in flight, four arrivals; and since lies name their term, what
    // brings both candidates there.
    assert!(shrunk.inputs.len() <= 13, "{} inputs: {:?}", shrunk.inputs.len(), shrunk.inputs);
    let mut cluster = Cluster::new(setup.clone()).listening();
    let steps: Vec<_> = shrunk.inputs.iter().map(|input| cluster.apply(input)).collect();
    assert!(steps.iter().all(|step| step.refused.is_none()), "every input does something");
    assert_eq!(steps.last().unwrap().violation, Some(shrunk.violation.clone()));
    let again = shrink(&setup, &inputs, 2000, rule).unwrap();
    assert_eq!(again, shrunk, "the same inputs shrink to the same inputs");
}

#[test]
fn shrinking_stops_after_so_many_tries_with_what_it_has() {
    let (setup, inputs) = two_leaders();
    let shrunk = shrink(&setup, &inputs, 3, rule).unwrap();
    assert_eq!((shrunk.tries, shrunk.violation.rule), (3, Rule::ElectionSafety));
}

#[test]
fn a_run_that_breaks_nothing_shrinks_to_nothing() {
    let run = sim::run(Profile::Drop, 3);
    assert_eq!(shrink(&run.setup(), &run.inputs[..run.trouble], 10, rule), None);
}

#[test]
fn the_causes_of_two_leaders_are_their_elections() {
    let (setup, inputs) = two_leaders();
    let mut cluster = Cluster::new(setup).listening();
    let steps: Vec<_> = inputs.iter().map(|input| cluster.apply(input)).collect();
    let violation = steps.last().unwrap().violation.clone().unwrap();
    let causes = cause::slice(&steps, &violation, 8);
    assert!(causes.len() > 3 && causes.len() <= 8 && causes.is_sorted(), "{causes:?}");
    assert_eq!(causes.last(), Some(&(steps.len() - 1)));
    let about: Vec<_> = causes.iter().map(|&at| steps[at].node).collect();
    let leaders = [Some(NodeId(1)), Some(NodeId(2)), None];
    assert!(about.iter().all(|node| leaders.contains(node)), "{about:?}");
}

#[test]
fn a_leader_that_only_lies_elected_decided_nothing_wrong_itself() {
    let (setup, inputs) = two_leaders();
    let wrong = decision::first_wrong(&setup, &inputs);
    assert!(wrong.is_none(), "{wrong:?}");
}
