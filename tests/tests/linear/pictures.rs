//! Counterexamples: minimised, explained and drawn.

use crate::orders::{draw_history, is_possible};
use crate::*;
use rand::SeedableRng;
use rand::rngs::ChaCha8Rng;

#[test]
fn a_stale_read_is_drawn() {
    let history = vec![write(1, 1, 0, 1), write(2, 2, 2, 3), read(3, 1, 4, 5)];
    let why = explain(&REGISTER, &history, &EXACT).expect("it is illegal");
    assert_eq!(why.blocked, 2);
    let elected = Annotation { time: 2, lane: "n2".to_owned(), text: "leads term 3".to_owned() };
    let expected = "\
client 1   [1: write(1) -> ok]
client 2                       [2: write(2) -> ok]
client 3                                           [!: read -> 1]
n2                             * leads term 3

1 to 2: the longest order that is possible. The state behind it: Some(2).
!: ends, and cannot have happened.  -: not in that order.  ~>: has not returned.
";
    let drawn = draw(&REGISTER, &history, Some(&why), &[elected]);
    assert_eq!(drawn, expected, "{drawn}");
}

#[test]
fn a_stale_read_keeps_the_writes_that_explain_it() {
    let mut history: History = Vec::new();
    for value in 1..60 {
        history.push(write(1, value, 10 * value as u64, 10 * value as u64 + 4));
        let seen = if value == 40 { 37 } else { value };
        history.push(read(2, seen, 10 * value as u64 + 5, 10 * value as u64 + 7));
    }
    let fewest = minimise(&REGISTER, &history, &EXACT);
    let values: Vec<_> =
        fewest.iter().map(|it| REGISTER.describe(&it.input, it.output.as_ref())).collect();
    // A write of 37; another write, or a read that saw it; and the stale read.
    assert_eq!(values.len(), 3, "{values:?}");
    assert!(values.contains(&"write(37) -> ok".to_owned()), "{values:?}");
    assert!(values.contains(&"read -> 37".to_owned()), "{values:?}");
}

#[test]
fn what_nothing_explains_is_left_alone() {
    let history = vec![write(1, 1, 0, 1), read(2, 7, 2, 3), write(1, 2, 4, 5)];
    assert_eq!(minimise(&REGISTER, &history, &EXACT), [read(2, 7, 2, 3)]);
}

#[test]
fn what_is_not_illegal_is_not_minimised() {
    let history = vec![write(1, 1, 0, 1), read(2, 1, 2, 3)];
    assert_eq!(minimise(&REGISTER, &history, &EXACT), history);
    assert_eq!(explain(&REGISTER, &history, &EXACT), None);
}

#[test]
fn what_is_minimised_is_illegal_and_nothing_can_be_left_out() {
    for seed in 0..2_000 {
        let history = draw_history(&mut ChaCha8Rng::seed_from_u64(seed));
        if judge(&history) != Judgement::Illegal {
            continue;
        }
        let fewest = minimise(&REGISTER, &history, &PRINTS);
        assert_eq!(judge(&fewest), Judgement::Illegal, "seed {seed}");
        assert!(fewest.iter().all(|it| history.contains(it)), "seed {seed}");
        assert_eq!(minimise(&REGISTER, &fewest, &PRINTS), fewest, "seed {seed}");
    }
}

#[test]
fn each_operation_has_the_longest_order_that_it_is_part_of() {
    for seed in 0..2_000 {
        let history = draw_history(&mut ChaCha8Rng::seed_from_u64(seed));
        let Some(why) = explain(&REGISTER, &history, &EXACT) else { continue };
        for (place, order) in why.places.iter().zip(&why.longest) {
            assert!(order.is_empty() || order.contains(place), "seed {seed}: {place} in {order:?}");
            assert!(order.len() <= why.order.len(), "seed {seed}");
            is_possible(&history, order, false).unwrap_or_else(|e| panic!("seed {seed}: {e}"));
        }
        let longest = why.longest.iter().map(|order| order.len()).max();
        assert_eq!(longest, Some(why.order.len()), "seed {seed}");
        assert!(!why.order.contains(&why.blocked), "seed {seed}");
    }
}

#[test]
fn rows_that_overlap_are_drawn_apart() {
    let history = vec![
        pending(1, RegisterInput::Write(1), 0),
        write(1, 2, 1, 4),
        read(1, 2, 5, 6),
        read(2, 3, 5, 4),
    ];
    let expected = "\
client 1   [write(1) -> ?~~~~~~~~~~~~~~~~~~~~~~~~~~~~~>
             [write(2) -> ok----------] [read -> 2]
client 2                                ]read -> 3[
";
    let drawn = draw(&REGISTER, &history, None, &[]);
    assert_eq!(drawn, expected, "{drawn}");
}

#[test]
fn annotations_share_a_row_if_there_is_room() {
    let note = |time, lane: &str, text: &str| Annotation {
        time,
        lane: lane.to_owned(),
        text: text.to_owned(),
    };
    let history = vec![write(1, 1, 0, 9)];
    let notes = [
        note(1, "n1", "crashes"),
        note(2, "n1", "restarts"),
        note(20, "n1", "leads"),
        note(0, "net", "cut"),
    ];
    let drawn = draw(&REGISTER, &history, None, &notes);
    let expected = "\
client 1   [write(1) -> ok]
n1           * crashes      * leads
               * restarts
net        * cut
";
    assert_eq!(drawn, expected, "{drawn}");
}

#[test]
fn a_wide_picture_has_numbers() {
    let history: History = (0..30).map(|at| write(at, at as i64, 10 * at, 10 * at + 5)).collect();
    let drawn = draw(&REGISTER, &history, None, &[]);
    assert!(drawn.lines().next().is_some_and(|line| line == "client 0    [#1]"), "{drawn}");
    assert!(drawn.ends_with("#30   write(29) -> ok\n"), "{drawn}");
}
