//! Histories that did happen: a model was asked one operation at a time, and each interval holds its moment.
//! None of them is illegal. With one answer changed they are what all orders say.

use crate::orders::{by_all_orders, is_possible};
use crate::*;
use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};

/// Asks the register `count` operations, with so many clients at work, about.
fn happened(random: &mut ChaCha8Rng, count: u64, overlap: u64) -> History {
    let (mut history, mut state) = (History::new(), None);
    for number in 0..count {
        let moment = 1_000 + 10 * number;
        let value = random.random_range(0..4);
        let input = match random.random_range(0..3) {
            0 => RegisterInput::Read,
            1 => RegisterInput::Write(value),
            _ => RegisterInput::CompareAndSet { from: value, to: random.random_range(0..4) },
        };
        let output = match input {
            RegisterInput::Read => state,
            RegisterInput::Write(_) => None,
            RegisterInput::CompareAndSet { from, .. } => Some(i64::from(state == Some(from))),
        };
        let before = state;
        state = REGISTER.step(&before, &input, Some(&output)).expect("it is what happened");
        let (early, late) =
            (random.random_range(0..10 * overlap), random.random_range(0..10 * overlap));
        let times = (moment - early.min(moment), moment + late);
        history.push(match random.random_range(0..20) {
            // It did not return, and had an effect or not.
            0 => {
                state = if random.random() { state } else { before };
                pending(number, input, times.0)
            }
            // It did return, and nobody knows what.
            1 => operation(number, input, None, (times.0, Some(times.1))),
            _ => operation(number, input, Some(output), (times.0, Some(times.1))),
        });
    }
    history
}

#[test]
fn what_has_happened_is_linearizable() {
    for seed in 0..10_000 {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let (count, overlap) = (random.random_range(0..40), random.random_range(1..5));
        let history = happened(&mut random, count, overlap);
        for limits in [EXACT, PRINTS] {
            let checked = check(&REGISTER, &history, &limits);
            assert_eq!(checked.judgement, Judgement::Linearizable, "seed {seed}: {limits:?}");
            for order in &checked.orders {
                is_possible(&history, order, true).unwrap_or_else(|e| panic!("seed {seed}: {e}"));
            }
        }
    }
}

#[test]
fn with_one_answer_changed_it_is_what_all_orders_say() {
    let mut illegal = 0;
    for seed in 0..20_000 {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let (count, overlap) = (random.random_range(1..8), random.random_range(1..4));
        let mut history = happened(&mut random, count, overlap);
        let changed = random.random_range(0..history.len());
        let input = history[changed].input;
        if let Some(output) = &mut history[changed].output {
            *output = match input {
                RegisterInput::Read => Some(random.random_range(0..4)),
                RegisterInput::Write(_) => continue,
                RegisterInput::CompareAndSet { .. } => output.map(|is_done| 1 - is_done),
            };
        }
        let expected = by_all_orders(&history);
        illegal += u64::from(expected == Judgement::Illegal);
        let drawn = || draw(&REGISTER, &history, None, &[]);
        assert_eq!(judge(&history), expected, "seed {seed}:\n{}", drawn());
    }
    assert!(illegal > 3_000, "{illegal} of 20,000 are illegal");
}
