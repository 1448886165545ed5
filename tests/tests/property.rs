//! Properties and their runners: two that hold, one that does not, and one that no run meets.
//!
//! `tests/outside` states properties from outside the checkout. Here the runners themselves are tested.

use bytes::Bytes;
use raft::{Index, Message, NodeId, RoleName, Term};
use std::collections::BTreeMap;
use testbed::explore::{Bounds, explore};
use testbed::property::{Report, Wrong};
use testbed::script::Script;
use testbed::sim::{Plan, Profile};
use testbed::{Failure, Input, Property, Run, Setup, Verdict};

/// At most one node leads a term.
fn one_leader(run: &Run) -> Verdict {
    let mut leaders = BTreeMap::new();
    for (at, status) in run.statuses() {
        if status.role != Some(RoleName::Leader) {
            continue;
        }
        let (node, term) = (status.node, status.term);
        let first = *leaders.entry(term).or_insert(node);
        if first != node {
            return Verdict::broken(at, [first, node], format!("both lead term {term}"));
        }
    }
    Verdict::holds_if(!leaders.is_empty())
}

/// Nobody ever leads: wrong, of course.
fn nobody_leads(run: &Run) -> Verdict {
    let mut leaders = run.statuses().filter(|(_, it)| it.role == Some(RoleName::Leader));
    match leaders.next() {
        Some((at, it)) => Verdict::broken(at, [it.node], format!("it leads term {}", it.term)),
        None => Verdict::Holds,
    }
}

const ONE_LEADER: Property = Property::new("one_leader", one_leader);
const NOBODY_LEADS: Property = Property::new("nobody_leads", nobody_leads);

fn script(name: &str, text: &str) -> Script {
    Script::parse(name, text).expect("a script without mistakes")
}

fn swarm(seed: u64) -> Plan {
    Plan::replicating(Profile::Swarm, seed).with_reads(5)
}

// Runners.

#[test]
fn one_leader_holds_in_a_script_and_in_the_swarm() -> Result<(), Failure> {
    let elected = script("elected.txt", "add-nodes 3\n\ncampaign 1\n\nstabilize\n");
    assert_eq!(ONE_LEADER.script(&elected)?, Report { runs: 1, exercised: 1 });
    let report = ONE_LEADER.swarm(12, swarm)?;
    assert!(report.runs == 12 && report.exercised >= 10, "{report}");
    Ok(())
}

#[test]
fn nobody_leads_is_broken_by_a_seed_that_shrinks_to_an_election() {
    let failure = NOBODY_LEADS.swarm(12, swarm).unwrap_err();
    println!("{failure}");
    let Wrong::Broken { verdict, inputs, left, script: text } = &*failure.wrong else {
        panic!("{failure}")
    };
    // n1 stands, its vote and one more are durable, and the answer arrives: 7 inputs with owners.
    assert!(*left <= 8 && left < inputs, "{failure}");
    // The text says all there is to say, and the seed and the script show it again.
    let said = failure.to_string();
    let seed = failure.from.strip_prefix("seed ").expect("a seed broke it").parse().unwrap();
    assert!(said.contains(text.as_str()) && said.contains(&verdict.to_string()), "{said}");
    assert!(said.ends_with(&format!("again: RAFTWRIGHT_SEED={seed} cargo test nobody_leads")));
    let again = NOBODY_LEADS.swarm(1, |_| swarm(seed)).unwrap_err();
    assert_eq!(again.wrong, failure.wrong);
    let played = NOBODY_LEADS.script(&script("shrunk.txt", text)).unwrap_err();
    let Wrong::Broken { verdict: once_more, .. } = &*played.wrong else { panic!("{played}") };
    assert_eq!(once_more, verdict);
    assert_eq!(played.from, "script shrunk.txt");
    assert!(played.to_string().ends_with("again: cargo test nobody_leads"), "{played}");
}

#[test]
fn the_explorer_judges_the_way_to_every_state() -> Result<(), Failure> {
    let (start, bounds) = (script("three.txt", "add-nodes 3\n"), Bounds::quick());
    let bounds = Bounds { terms: 2, ..bounds };
    let report = ONE_LEADER.explore(&start, &bounds)?;
    let walk = explore(&bounds).unwrap();
    // The last state of a way may have no leader, and an earlier one of it may.
    assert_eq!(report.runs, walk.states as u64);
    assert!(
        report.exercised > walk.with_leader as u64 && report.exercised < report.runs,
        "{report}"
    );
    Ok(())
}

#[test]
fn what_the_explorer_finds_is_the_shortest_script_and_begins_with_the_start() {
    let bounds = Bounds { terms: 1, ..Bounds::quick() };
    let failure = NOBODY_LEADS.explore(&script("three.txt", "add-nodes 3\n"), &bounds).unwrap_err();
    let Wrong::Broken { script: text, .. } = &*failure.wrong else { panic!("{failure}") };
    let way = "add-nodes 3\ncampaign 1\ndeliver 2 from=1 type=RequestVote\n\
               deliver 1 from=2 type=VoteReply\n";
    assert_eq!(text, way);
    assert!(failure.to_string().contains("the explorer, from three.txt: 3 inputs"), "{failure}");
    // n3's vote was sold before: the way goes on from there, and no broken invariant ends it.
    let sold = "add-nodes 3\n\npost 3->1 VoteReply term=1 granted\n\n\
                post 3->2 VoteReply term=1 granted\n";
    let failure = ONE_LEADER.explore(&script("sold.txt", sold), &bounds).unwrap_err();
    let Wrong::Broken { script: text, left, .. } = &*failure.wrong else { panic!("{failure}") };
    assert!(*left == 6 && text.contains("post 3->2"), "{failure}");
}

#[test]
fn the_explorer_says_that_bounds_are_too_wide_and_that_nothing_was_tested() {
    let start = script("three.txt", "add-nodes 3\n");
    let bounds = Bounds { states_max: 50, ..Bounds::quick() };
    let failure = ONE_LEADER.explore(&start, &bounds).unwrap_err();
    assert!(matches!(&*failure.wrong, Wrong::NoRun(why) if why.contains("more than 50 states")));
    let bounds = Bounds { terms: 0, crashes: 0, ..Bounds::quick() };
    let failure = ONE_LEADER.explore(&start, &bounds).unwrap_err();
    assert_eq!(*failure.wrong, Wrong::NeverExercised(Report { runs: 1, exercised: 0 }));
}

#[test]
fn the_explorer_says_that_a_property_is_not_asked_what_would_become_of_a_state() {
    let start = script("three.txt", "add-nodes 3\n");
    let bounds = Bounds { terms: 1, recovers: true, ..Bounds::quick() };
    let failure = ONE_LEADER.explore(&start, &bounds).unwrap_err();
    assert!(matches!(&*failure.wrong, Wrong::NoRun(why) if why.contains("`recovers: true`")));
    let said = failure.to_string();
    assert!(said.contains("the explorer, from three.txt: the bounds have"), "{said}");
    assert!(said.contains("Property::swarm"), "{said}");
}

#[test]
fn a_property_that_no_run_meets_fails() {
    let never = Property::new("never", |_| Verdict::NotExercised);
    let failure = never.swarm(3, swarm).unwrap_err();
    assert_eq!(*failure.wrong, Wrong::NeverExercised(Report { runs: 3, exercised: 0 }));
    let said = failure.to_string();
    assert!(said.contains("not tested by random runs: 3 runs, 0 exercised it"), "{said}");
    let failure = ONE_LEADER.script(&script("idle.txt", "add-nodes 3\n")).unwrap_err();
    assert_eq!(*failure.wrong, Wrong::NeverExercised(Report { runs: 1, exercised: 0 }));
}

#[test]
fn a_script_with_an_error_is_no_run() {
    for text in ["campaign 1\n", "add-nodes 3\n\ncampaign 9\n", "# nothing\n"] {
        let failure = ONE_LEADER.script(&script("wrong.txt", text)).unwrap_err();
        assert!(
            matches!(&*failure.wrong, Wrong::NoRun(why) if why.contains("wrong.txt")),
            "{failure}"
        );
    }
}

#[test]
fn a_broken_invariant_ends_no_run() {
    // n3's vote is sold twice. The first broken rule comes before both lead.
    let text = "add-nodes 3\n\ncampaign 1\n\ncampaign 2\n\npost 3->1 VoteReply term=1 granted\n\n\
                post 3->2 VoteReply term=1 granted\n\ndeliver 1 from=3\n\ndeliver 2 from=3\n";
    let failure = ONE_LEADER.script(&script("sold.txt", text)).unwrap_err();
    let Wrong::Broken { verdict: Verdict::Broken { at, who, because }, .. } = &*failure.wrong
    else {
        panic!("{failure}")
    };
    assert_eq!(
        (*at, &who[..], because.as_str()),
        (6, &[NodeId(1), NodeId(2)][..], "both lead term 1")
    );
}

/// When n3 ticks, n1 and n2 are never candidates of one term: wrong, of course.
fn never_rivals(run: &Run) -> Verdict {
    let mut terms = BTreeMap::new();
    for (at, status) in run.statuses() {
        if at > 0 && run.steps()[at as usize - 1].input == Input::Tick(NodeId(3)) {
            let (one, two) = (terms.get(&NodeId(1)), terms.get(&NodeId(2)));
            if let (Some(one), Some(_)) = (one, two.filter(|_| one == two)) {
                return Verdict::broken(at, [NodeId(1), NodeId(2)], format!("both in term {one}"));
            }
        }
        if status.role == Some(RoleName::Candidate) {
            terms.insert(status.node, status.term);
        }
    }
    Verdict::Holds
}

#[test]
fn what_cannot_be_left_out_alone_is_left_out_together() {
    // Each needs the elections of the other to be in its term: no one, two or four of them can go.
    let ids = [2, 1, 1, 2, 2, 1];
    let campaigns: String = ids.iter().map(|id| format!("campaign {id}\n\n")).collect();
    let text = format!("add-nodes 3\n\n{campaigns}tick 3\n");
    let never = Property::new("never_rivals", never_rivals);
    let failure = never.script(&script("rivals.txt", &text)).unwrap_err();
    let Wrong::Broken { script: text, .. } = &*failure.wrong else { panic!("{failure}") };
    assert_eq!(text, "add-nodes 3\ncampaign 2\ncampaign 1\ntick 3\n");
}

// The history.

#[test]
fn a_run_knows_what_nodes_show_and_what_clients_did() {
    let text = "add-nodes 3 owner=concurrent\n\nread 2 early\n\ncampaign 1\n\nstabilize\n\n\
                propose 1 x=1\n\nread 1 x\n\nstabilize\n\nread 2 lost\n\ncrash 2\n\npropose 2 y=2\n";
    let (setup, inputs) = script("run.txt", text).inputs().unwrap();
    let run = Run::of(setup, &inputs);
    assert_eq!(run.inputs(), inputs);
    assert!(run.steps().iter().zip(1..).all(|(step, number)| step.number == number));

    let first: Vec<_> = run.statuses().take_while(|(at, _)| *at == 0).collect();
    assert_eq!(first.len(), 3);
    let (_, last) = run.statuses().filter(|(_, it)| it.node == NodeId(1)).last().unwrap();
    assert_eq!(
        (last.role, last.term, last.leader),
        (Some(RoleName::Leader), Term(1), Some(NodeId(1)))
    );
    assert_eq!(
        (last.commit, last.applied, last.last_durable.index),
        (Index(2), Index(2), Index(2))
    );
    let (_, down) = run.statuses().filter(|(_, it)| it.node == NodeId(2)).last().unwrap();
    assert_eq!((down.role, down.leader, down.durable.vote), (None, None, Some(NodeId(1))));

    let asks = |message: &Message| message.body.kind() == "RequestVote";
    assert_eq!(run.sent().filter(|(_, message)| asks(message)).count(), 2);
    let nodes = run.applied().filter(|(.., entry)| entry.id.index == Index(2)).map(|(_, id, _)| id);
    assert_eq!(nodes.collect::<Vec<_>>().len(), 3, "each node applies x=1");

    let proposals = run.proposals();
    assert_eq!(proposals.len(), 1, "n2 was down: {proposals:?}");
    let (at, index) = proposals[0].applied.expect("x=1 was applied");
    assert_eq!((proposals[0].data.as_ref(), index), (&b"x=1"[..], Index(2)));
    assert!(run.applied().all(|(step, _, entry)| entry.id.index != index || step >= at));

    let reads = run.reads();
    let ends: Vec<_> =
        reads.iter().map(|it| (it.context.as_ref(), it.ended.map(|(_, end)| end))).collect();
    assert_eq!(ends[0], (&b"early"[..], Some(Err(raft::ReadDropped::NoLeader))));
    assert_eq!(ends[1], (&b"x"[..], Some(Ok(Index(1)))));
    assert_eq!(ends[2], (&b"lost"[..], None));
}

#[test]
fn of_two_equal_proposals_the_first_is_applied_first() {
    // When n1 has applied the first, the second is proposed; then n2 applies the first.
    let text = "add-nodes 3\n\ncampaign 1\n\nstabilize\n\npropose 1 x=1\n\ndeliver 2\n\n\
                deliver 1 from=2\n\npropose 1 x=1\n\nstabilize\n\npropose 1 z=1\n";
    let (setup, inputs) = script("twice.txt", text).inputs().unwrap();
    let proposals = Run::of(setup, &inputs).proposals();
    let places: Vec<_> =
        proposals.iter().map(|one| one.applied.map(|(_, index)| index.0)).collect();
    assert_eq!(places, [Some(2), Some(3), None]);
}

#[test]
fn a_run_has_no_notes_and_a_read_that_a_crash_ends_is_over() {
    let setup = Setup::new(1, 0);
    let mut cluster = testbed::Cluster::new(setup.clone()).listening();
    let mut run = Run::new(setup);
    let id = NodeId(1);
    let read = Input::Read { node: id, context: Bytes::from("r") };
    for input in [Input::Campaign(id), read] {
        let step = cluster.apply(&input);
        assert!(!step.notes.is_empty());
        run.record(&step, &cluster);
    }
    assert!(run.steps().iter().all(|step| step.notes.is_empty()));
    let text = "add-nodes 3\n\ncampaign 1\n\nstabilize\n\nread 1 r\n\ncrash 1\n\nrestart 1\n\n\
                campaign 1\n\nstabilize\n\nread 1 r\n\nstabilize\n";
    let (setup, inputs) = script("crash.txt", text).inputs().unwrap();
    let reads = Run::of(setup, &inputs).reads();
    assert!(reads.len() == 2 && reads[0].ended.is_none(), "{reads:?}");
    assert!(reads[1].asked > reads[0].asked && reads[1].ended.is_some(), "{reads:?}");
}

#[test]
fn reads_with_one_mark_that_wait_together_count_as_asked_when_the_first_was() {
    let read = || Input::Read { node: NodeId(2), context: Bytes::from("r") };
    let setup = Setup::new(3, 0);
    let mut inputs = vec![Input::Campaign(NodeId(1))];
    let settle = |inputs: &mut Vec<Input>| {
        let mut cluster = testbed::Cluster::new(Setup::new(3, 0));
        inputs.iter().for_each(|input| drop(cluster.apply(input)));
        inputs.extend(cluster.stabilize().into_iter().map(|step| step.input));
    };
    settle(&mut inputs);
    let first = inputs.len() as u64 + 1;
    inputs.extend([read(), Input::Tick(NodeId(3)), read()]);
    settle(&mut inputs);
    let later = inputs.len() as u64 + 1;
    inputs.push(read());
    settle(&mut inputs);
    let reads = Run::of(setup, &inputs).reads();
    let asked: Vec<_> = reads.iter().map(|read| read.asked).collect();
    assert_eq!(asked, [first, first, later]);
    assert!(reads.iter().all(|read| matches!(read.ended, Some((_, Ok(Index(1)))))), "{reads:?}");
}
