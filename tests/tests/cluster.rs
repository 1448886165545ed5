//! Clusters of `RawNode`s: an owner's loop in small steps, with a crash between any two of them.

use bytes::Bytes;
use raft::{Body, Index, NodeId, Payload, RoleName};
use testbed::{Cluster, Input, Owner, Setup};

const N1: NodeId = NodeId(1);
const OWNERS: [Owner; 2] = [Owner::OneAtATime, Owner::Concurrent];

/// Returns nodes with slow disks and such owners; n1 leads, and all nodes know it.
fn led(size: u64, owner: Owner) -> Cluster {
    let mut cluster = Cluster::new(Setup::new(size, 0).with_slow_disks().with_owners(owner));
    drive(&mut cluster, Input::Campaign(N1));
    cluster.stabilize();
    assert_eq!(cluster.leaders().len(), 1);
    cluster
}

/// Lets one thing happen, which must be taken.
fn drive(cluster: &mut Cluster, input: Input) {
    let step = cluster.apply(&input);
    assert_eq!((step.refused, step.violation), (None, None), "{input:?}");
}

fn propose(data: &'static str) -> Input {
    Input::Propose { node: N1, data: Bytes::from_static(data.as_bytes()) }
}

/// Returns the commands that a node's application has applied.
fn commands(cluster: &Cluster, id: NodeId) -> Vec<String> {
    let application = cluster.application(id).expect("a node of this cluster");
    let words = application.entries().iter().filter_map(|entry| match entry.payload() {
        Payload::Normal(data) => {
            Some(String::from_utf8(data.to_vec()).expect("the tests propose text"))
        }
        Payload::Noop | Payload::Change(_) | Payload::ChangeV2(_) => None,
    });
    words.collect()
}

#[test]
fn a_proposal_is_applied_everywhere_whatever_the_owner() {
    for owner in OWNERS {
        let mut cluster = led(3, owner);
        drive(&mut cluster, propose("x=1"));
        assert!(cluster.stabilize().iter().all(|step| step.violation.is_none()));
        for id in cluster.ids().collect::<Vec<_>>() {
            // What the followers commit, they learn with the next word of their leader.
            if id == N1 {
                assert_eq!(commands(&cluster, id), ["x=1"], "{owner:?}, {id}");
            }
        }
        drive(&mut cluster, Input::Tick(N1));
        cluster.stabilize();
        for id in cluster.ids().collect::<Vec<_>>() {
            assert_eq!(commands(&cluster, id), ["x=1"], "{owner:?}, {id}");
            assert_eq!(cluster.application(id).unwrap().applied(), Index(2));
        }
    }
}

#[test]
fn nothing_leaves_before_a_ready_is_taken_and_no_promise_before_it_is_durable() {
    for owner in OWNERS {
        let mut cluster = Cluster::new(Setup::new(3, 0).with_slow_disks().with_owners(owner));
        let step = cluster.apply(&Input::Campaign(N1));
        assert!(step.sent.is_empty() && cluster.raw_node(N1).unwrap().has_ready());
        let step = cluster.apply(&Input::Ready(N1));
        assert!(step.sent.is_empty(), "a question rests on the candidate's own vote");
        let step = cluster.apply(&Input::Persist(N1));
        let asks = |message: &raft::Message| matches!(message.body, Body::RequestVote(_));
        assert!(step.sent.len() == 2 && step.sent.iter().all(|flight| asks(&flight.message)));
    }
}

#[test]
fn an_owner_who_does_one_thing_at_a_time_lets_the_node_hear_nothing_meanwhile() {
    let mut cluster = led(3, Owner::OneAtATime);
    drive(&mut cluster, propose("x=1"));
    drive(&mut cluster, Input::Ready(N1));
    let step = cluster.apply(&Input::Tick(N1));
    assert_eq!(step.refused.unwrap(), "n1's owner is writing, and does one thing at a time");
    let answer = cluster.network().flights()[0].message.clone();
    assert_eq!(answer.to, NodeId(2), "the append left before the write");
    let under_way = cluster.network().flights().len();
    let back = cluster.apply(&propose("x=2"));
    assert!(back.refused.is_some() && back.node.is_none());
    assert_eq!(cluster.network().flights().len(), under_way);
    drive(&mut cluster, Input::Persist(N1));
    drive(&mut cluster, Input::Tick(N1));
}

#[test]
fn a_concurrent_owner_goes_on_and_writes_end_in_order() {
    let mut cluster = led(3, Owner::Concurrent);
    for data in ["a", "b", "c"] {
        drive(&mut cluster, propose(data));
        drive(&mut cluster, Input::Ready(N1));
    }
    assert_eq!(cluster.disk(N1).unwrap().pending().len(), 3);
    assert_eq!(cluster.raw_node(N1).unwrap().records().len(), 3);
    for _ in 0..3 {
        drive(&mut cluster, Input::Persist(N1));
    }
    cluster.stabilize();
    assert_eq!(commands(&cluster, N1), ["a", "b", "c"]);
}

#[test]
fn power_loss_takes_what_was_not_durable_and_a_restart_goes_on_after_what_was_applied() {
    for owner in OWNERS {
        let mut cluster = led(1, owner);
        drive(&mut cluster, propose("kept"));
        cluster.stabilize();
        let last = |cluster: &Cluster| cluster.node(N1).unwrap().inspect().last.index;
        assert_eq!(commands(&cluster, N1), ["kept"]);
        // Between propose and Ready, and between Ready and persist: the entry is gone.
        for inputs in [vec![], vec![Input::Ready(N1)]] {
            let before = last(&cluster);
            drive(&mut cluster, propose("lost"));
            inputs.into_iter().for_each(|input| drive(&mut cluster, input));
            drive(&mut cluster, Input::Crash(N1));
            drive(&mut cluster, Input::Restart(N1));
            assert_eq!(last(&cluster), before, "{owner:?}");
            drive(&mut cluster, Input::Campaign(N1));
            cluster.stabilize();
        }
        // Between persist and apply: it is there, and applied once, after the restart.
        drive(&mut cluster, propose("late"));
        drive(&mut cluster, Input::Ready(N1));
        drive(&mut cluster, Input::Persist(N1));
        drive(&mut cluster, Input::Crash(N1));
        assert_eq!(commands(&cluster, N1), ["kept"]);
        drive(&mut cluster, Input::Restart(N1));
        assert_eq!(cluster.node(N1).unwrap().inspect().role, RoleName::Follower);
        drive(&mut cluster, Input::Campaign(N1));
        cluster.stabilize();
        assert_eq!(commands(&cluster, N1), ["kept", "late"], "{owner:?}");
    }
}

#[test]
fn what_an_owner_cannot_do_is_refused_with_the_reason() {
    let mut cluster = led(3, Owner::Concurrent);
    let mut why = |input| cluster.apply(&input).refused.unwrap();
    assert_eq!(why(Input::Ready(N1)), "n1 has nothing ready");
    assert_eq!(why(Input::Persist(N1)), "n1 has nothing to write");
    assert_eq!(why(Input::Apply(N1)), "n1 has nothing to apply");
    assert_eq!(why(Input::Apply(NodeId(9))), "n9 is not in this cluster");
    let mut bare = Cluster::new(Setup::new(3, 0));
    let why = bare.apply(&Input::Ready(N1)).refused.unwrap();
    assert_eq!(why, "n1 is a bare node: it has no Ready to take");
}
