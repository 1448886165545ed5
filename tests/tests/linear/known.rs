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

/// A stale read at the end of many appends: the picture must show what it saw being written.
#[test]
fn a_stale_read_behind_many_operations_keeps_what_explains_it() {
    const OPERATIONS: u64 = 300;
    let one = |client, input, output: &str, call, end| TimedOperation {
        client,
        input,
        output: Some(output.to_owned()),
        call,
        end: Some(end),
    };
    let key = || "k".to_owned();
    let (mut history, mut value) = (Vec::new(), String::new());
    for number in 0..OPERATIONS {
        let text = format!("{number};");
        let input = match number % 10 {
            0 => AppendsInput::Put(key(), text.clone()),
            _ => AppendsInput::Append(key(), text.clone()),
        };
        value = if number % 10 == 0 { text } else { value + &text };
        // Each overlaps the next, and a read beside it.
        history.push(one(number % 3, input, "", 10 * number, 10 * number + 14));
        let get = AppendsInput::Get(key());
        history.push(one(3 + number % 2, get, &value, 10 * number + 15, 10 * number + 16));
    }
    assert_eq!(check(&Appends, &history, &EXACT).judgement, Judgement::Linearizable);
    let now = 10 * OPERATIONS + 100;
    history.push(one(1, AppendsInput::Put(key(), "new".into()), "", now, now + 9));
    history.push(one(2, AppendsInput::Get(key()), "new", now + 2, now + 3));
    history.push(one(5, AppendsInput::Get(key()), &value, now + 5, now + 6));
    assert_eq!(check(&Appends, &history, &EXACT).judgement, Judgement::Illegal);
    let fewest = minimise(&Appends, &history, &EXACT);
    assert_eq!(check(&Appends, &fewest, &EXACT).judgement, Judgement::Illegal);
    let writes = fewest.iter().filter(|it| !matches!(it.input, AppendsInput::Get(_))).count();
    let reads = fewest.len() - writes;
    assert_eq!((writes, reads), (11, 2), "{}", draw(&Appends, &fewest, None, &[]));
}
