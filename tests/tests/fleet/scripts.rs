//! TinyKV's scenarios of its project 2B, in virtual time. Where its tests wait for a second of the clock on
//! the wall, these wait for one of the fleet's.

use testbed::fleet::Fleet;
use testbed::random::Stream;

/// The keys of `clients` clients: each has written `writes` of its own.
fn write_all(fleet: &mut Fleet, clients: usize, writes: usize) {
    for number in 0..writes {
        for client in 0..clients {
            fleet.must_put(&format!("{client} {number:08}"), &format!("x {client} {number} y"));
        }
    }
}

/// Checks that the leader itself holds what all clients have written.
fn check_all(fleet: &mut Fleet, clients: usize, writes: usize) {
    let leader = fleet.leader().expect("it leads: it has just answered");
    for client in 0..clients {
        let held = fleet.scan(leader, &format!("{client} "), &format!("{client}!"));
        let expected = (0..writes).map(|number| {
            let key = format!("{client} {number:08}").into();
            (key, format!("x {client} {number} y").into())
        });
        assert_eq!(held, expected.collect::<Vec<_>>(), "client {client}");
    }
}

#[test]
fn b_basic() {
    for seed in 1..=3 {
        let mut fleet = Fleet::cluster(seed, 5);
        write_all(&mut fleet, 5, 20);
        check_all(&mut fleet, 5, 20);
        fleet.must_delete("0 00000007");
        fleet.must_get_nothing("0 00000007");
        fleet.shutdown();
    }
}

#[test]
fn b_unreliable() {
    for seed in 1..=3 {
        let mut fleet = Fleet::cluster(seed, 5);
        fleet.unreliable(100);
        write_all(&mut fleet, 5, 20);
        check_all(&mut fleet, 5, 20);
        fleet.shutdown();
    }
}

/// The leader is on the smaller side: what it is asked for there is never done; the larger side goes on.
#[test]
fn b_one_partition() {
    for seed in 1..=5 {
        let mut fleet = Fleet::cluster(seed, 5);
        fleet.must_put("k1", "v1");
        let old = fleet.leader().expect("it has answered");
        let beside = (old + 1) % 5;
        fleet.must_get_equal(old, "k1", "v1");
        fleet.must_get_equal(beside, "k1", "v1");
        fleet.partition(&[old, beside]);
        fleet.must_put("k1", "changed");
        fleet.must_put("k2", "v2");
        fleet.must_get("k1", "changed");
        let new = fleet.leader().expect("it has answered");
        assert!(new != old && new != beside, "seed {seed}: s{} leads a minority", new + 1);
        fleet.must_get_equal(old, "k1", "v1");
        fleet.must_get_none(beside, "k2");

        fleet.clear_filters();
        fleet.must_get_equal(old, "k1", "changed");
        fleet.must_get_equal(beside, "k2", "v2");
        // The other way round: those who were cut off are needed now.
        fleet.partition(&[(old + 2) % 5, (old + 3) % 5]);
        fleet.must_put("k3", "v3");
        fleet.must_get("k3", "v3");
        fleet.shutdown();
    }
}

#[test]
fn b_many_partitions() {
    for seed in 1..=3 {
        let (mut fleet, mut random) = (Fleet::cluster(seed, 5), Stream::new(seed, "partitions"));
        for number in 0..10 {
            let side: Vec<_> = (0..5).filter(|_| random.chance(500)).collect();
            // The larger side must have three stores: of five, one side always has.
            fleet.partition(&side);
            fleet.must_put("k", &number.to_string());
            fleet.must_get("k", &number.to_string());
            fleet.run_for(random.within(0, 300));
        }
        fleet.shutdown();
    }
}

/// All stores end, and start again, while messages are lost and links are cut.
#[test]
fn b_persist_partition_unreliable() {
    for seed in 1..=3 {
        let (mut fleet, mut random) = (Fleet::cluster(seed, 5), Stream::new(seed, "persist"));
        fleet.unreliable(50);
        for number in 0..5 {
            fleet.must_put("k", &number.to_string());
            for place in 0..5 {
                fleet.stop_server(place);
            }
            fleet.run_for(100);
            for place in 0..5 {
                fleet.start_server(place);
            }
            fleet.partition(&[random.below(5) as usize]);
            fleet.must_get("k", &number.to_string());
            write_all(&mut fleet, 2, 3);
        }
        fleet.shutdown();
    }
}

/// A minority that is down does not matter; a majority that is down does, and says so.
#[test]
fn b_restart_minority() {
    let mut fleet = Fleet::cluster(1, 3);
    fleet.must_put("k", "1");
    let leader = fleet.leader().expect("it has answered");
    fleet.stop_server(leader);
    fleet.must_put("k", "2");
    fleet.start_server(leader);
    fleet.must_get_equal(leader, "k", "2");
    fleet.shutdown();
}

#[test]
#[should_panic(expected = "is not done after 20 s")]
fn without_a_majority_nothing_is_done() {
    let mut fleet = Fleet::cluster(1, 3);
    fleet.must_put("k", "1");
    fleet.stop_server(0);
    fleet.stop_server(1);
    fleet.must_put("k", "2");
}
