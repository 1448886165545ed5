//! Histories that people know, and the fleet's.

use crate::orders::by_all_orders;
use crate::*;
use testbed::fleet::client::timed;
use testbed::fleet::plan::FleetPlan;

#[test]
fn histories_that_people_know() {
    use Judgement::{Illegal, Linearizable};
    let unknown = |value| operation(9, RegisterInput::Write(value), None, (1, None));
    let swap = |client, from, to, call, end| {
        let input = RegisterInput::CompareAndSet { from, to };
        operation(client, input, Some(Some(1)), (call, Some(end)))
    };
    let cases: [(&str, Judgement, History); 10] = [
        ("nothing", Linearizable, vec![]),
        ("only unknown writes", Linearizable, vec![unknown(1), unknown(2)]),
        ("a stale read", Illegal, vec![write(1, 1, 0, 1), write(1, 2, 2, 3), read(2, 1, 4, 5)]),
        (
            "a read beside a write",
            Linearizable,
            vec![write(1, 1, 0, 1), write(1, 2, 2, 6), read(2, 1, 4, 5)],
        ),
        (
            "touching counts as beside",
            Linearizable,
            vec![write(1, 1, 0, 4), read(2, 1, 4, 5), write(1, 2, 5, 6)],
        ),
        (
            "two swaps of one value",
            Illegal,
            vec![write(1, 1, 0, 1), swap(1, 1, 2, 2, 9), swap(2, 1, 3, 2, 9)],
        ),
        (
            "an unknown write is seen later",
            Linearizable,
            vec![write(1, 1, 2, 3), read(1, 1, 4, 5), unknown(7), read(2, 7, 8, 9)],
        ),
        (
            "an unknown write is seen, and undone",
            Illegal,
            vec![write(1, 1, 2, 3), unknown(7), read(1, 7, 4, 5), read(1, 1, 6, 7)],
        ),
        (
            "an unknown write is never seen",
            Linearizable,
            vec![write(1, 1, 2, 3), unknown(7), read(1, 1, 8, 9)],
        ),
        (
            "own writes are not read",
            Illegal,
            vec![write(1, 1, 0, 1), write(1, 2, 2, 3), read(1, 1, 4, 5), write(2, 3, 0, 9)],
        ),
    ];
    for (name, expected, history) in cases {
        assert_eq!(judge(&history), expected, "{name}");
        assert_eq!(by_all_orders(&history), expected, "{name}, by all orders");
        for limits in [PRINTS, NO_MEMORY] {
            let judgement = check(&REGISTER, &history, &limits).judgement;
            assert_eq!(judgement, expected, "{name}: {limits:?}");
        }
        if expected == Illegal {
            let fewest = minimise(&REGISTER, &history, &EXACT);
            assert_eq!(judge(&fewest), Illegal, "{name}");
            assert_eq!(by_all_orders(&fewest), Illegal, "{name}");
            assert!(fewest.len() <= 4, "{name}: {} operations", fewest.len());
        }
    }
}

#[test]
fn the_fleets_histories_are_linearizable() {
    for seed in 1..=5 {
        let fleet = testbed::fleet::run(FleetPlan::draw(seed));
        let history = timed(&fleet.history);
        let checked = check(&StoreValues, &history, &Limits::steps(50_000_000));
        println!("seed {seed}: {} operations, {} steps", history.len(), checked.steps);
        if checked.judgement != Judgement::Linearizable {
            let fewest = minimise(&StoreValues, &history, &Limits::steps(1_000_000));
            panic!(
                "seed {seed}: {:?}\n{}",
                checked.judgement,
                draw(&StoreValues, &fewest, None, &[])
            );
        }
    }
}
