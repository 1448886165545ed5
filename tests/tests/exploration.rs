//! The explorer walks every state of small clusters, and finds nothing wrong with ours.

use testbed::explore::{Bounds, explore};

#[test]
fn every_state_of_three_nodes_and_three_terms_keeps_the_rules() {
    let walk = explore(&Bounds::quick()).expect("it fits");
    assert_eq!(walk.violation, None);
    assert!(walk.with_leader * 5 > walk.states, "too few of the states have a leader: {walk:?}");
}
