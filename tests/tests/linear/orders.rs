//! Small histories, judged by the search and by trying all orders.

use crate::*;
use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};

/// Judges by trying every order of every choice of unknown operations.
pub(crate) fn by_all_orders(history: &History) -> Judgement {
    fn goes_on(history: &History, taken: &mut Vec<bool>, state: Option<i64>) -> bool {
        let open = |taken: &[bool]| (0..history.len()).filter(|at| !taken[*at]).collect::<Vec<_>>();
        if open(taken).iter().all(|at| history[*at].end.is_none()) {
            return true;
        }
        // An operation may be next if no other that is open has ended before it was called.
        let first_end = open(taken).iter().filter_map(|at| history[*at].end).min();
        for at in open(taken) {
            let it = &history[at];
            if first_end.is_some_and(|end| it.call > end) {
                continue;
            }
            if let Some(after) = REGISTER.step(&state, &it.input, it.output.as_ref()) {
                taken[at] = true;
                if goes_on(history, taken, after) {
                    return true;
                }
                taken[at] = false;
            }
        }
        false
    }
    let is_possible = goes_on(history, &mut vec![false; history.len()], None);
    if is_possible { Judgement::Linearizable } else { Judgement::Illegal }
}

/// Draws a history: mostly what could have happened, with a lie now and then.
pub(crate) fn draw_history(random: &mut ChaCha8Rng) -> History {
    let (mut history, mut state, mut now) = (History::new(), None, 10);
    for client in 0..random.random_range(1..8u64) {
        let input = match random.random_range(0..3) {
            0 => RegisterInput::Read,
            1 => RegisterInput::Write(random.random_range(0..3)),
            _ => {
                let (from, to) = (random.random_range(0..3), random.random_range(0..3));
                RegisterInput::CompareAndSet { from, to }
            }
        };
        let mut output = match input {
            RegisterInput::Read => state,
            RegisterInput::Write(_) => None,
            RegisterInput::CompareAndSet { from, .. } => Some(i64::from(state == Some(from))),
        };
        state = REGISTER.step(&state, &input, Some(&output)).expect("it is what happened");
        if random.random_ratio(1, 6) && !matches!(input, RegisterInput::Write(_)) {
            output = Some(random.random_range(0..2));
        }
        let (early, late) = (random.random_range(0..9), random.random_range(0..9));
        let has_returned = random.random_ratio(5, 6);
        // One that has returned may say nothing, and one that has not may have said what is on its way.
        let is_known = has_returned != random.random_ratio(1, 12);
        let end = has_returned.then_some(now + late);
        history.push(operation(client, input, is_known.then_some(output), (now - early, end)));
        now += random.random_range(1..5);
    }
    history
}

/// Checks an order: that it is possible in time and by the model, and, if it is to be whole, that it has every
/// operation that has returned.
pub(crate) fn is_possible(
    history: &History,
    order: &[usize],
    is_whole: bool,
) -> Result<(), String> {
    let mut state = None;
    for (at, place) in order.iter().enumerate() {
        let it = &history[*place];
        let step = REGISTER.step(&state, &it.input, it.output.as_ref());
        state = step.ok_or_else(|| format!("operation {place} answers something else"))?;
        let is_late = |other: &usize| history[*other].end.is_some_and(|end| end < it.call);
        if let Some(other) = order[at..].iter().find(|other| is_late(other)) {
            return Err(format!("operation {other} had ended before {place} was called"));
        }
    }
    let missing = |place: &usize| history[*place].end.is_some() && !order.contains(place);
    match (0..history.len()).find(missing).filter(|_| is_whole) {
        Some(place) => Err(format!("operation {place} is missing")),
        None => Ok(()),
    }
}

#[test]
fn the_search_agrees_with_all_orders() {
    let mut illegal = 0;
    for seed in 0..20_000 {
        let history = draw_history(&mut ChaCha8Rng::seed_from_u64(seed));
        let expected = by_all_orders(&history);
        illegal += u64::from(expected == Judgement::Illegal);
        assert_eq!(
            judge(&history),
            expected,
            "seed {seed}:\n{}",
            draw(&REGISTER, &history, None, &[])
        );
    }
    assert!((2_000..18_000).contains(&illegal), "{illegal} of 20,000 are illegal");
}
