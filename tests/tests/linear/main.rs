//! The second judge against histories whose verdicts are known, and against all permutations.
//!
//! ```text
//!   PORCUPINE_TESTDATA=<etcd/etcd_NNN.log, kv/*.txt> cargo test -p testbed --test linear
//! ```

use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};
use std::path::PathBuf;
use testbed::fleet::client::timed;
use testbed::fleet::plan::FleetPlan;
use testbed::linear::*;

/// Names the folder of porcupine's histories.
const VARIABLE: &str = "PORCUPINE_TESTDATA";

/// The histories of Jepsen's register that are linearizable; all others are not.
const LINEARIZABLE: [u32; 23] =
    [2, 5, 7, 18, 25, 31, 38, 45, 48, 49, 51, 53, 56, 67, 75, 76, 80, 87, 92, 98, 100, 101, 102];

type History = Vec<TimedOperation<RegisterInput, Option<i64>>>;

const REGISTER: Register = Register { first: None };

fn judge(history: &History) -> Judgement {
    check(&REGISTER, history, u64::MAX).judgement
}

fn corpus() -> Option<PathBuf> {
    let folder = std::env::var_os(VARIABLE).map(PathBuf::from);
    if folder.is_none() {
        println!("SKIPPED: {VARIABLE} names no folder of histories");
    }
    folder
}

#[test]
fn every_history_of_jepsens_register_has_porcupines_verdict() {
    let Some(folder) = corpus() else { return };
    let (mut histories, mut operations, mut steps) = (0, 0, 0);
    for number in (0..=102).filter(|number| *number != 95) {
        let path = folder.join(format!("etcd/etcd_{number:03}.log"));
        let Ok(text) = std::fs::read_to_string(&path) else { continue };
        let history = jepsen(&text).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        let checked = check(&REGISTER, &history, u64::MAX);
        let is_linearizable = checked.judgement == Judgement::Linearizable;
        assert_eq!(is_linearizable, LINEARIZABLE.contains(&number), "{}", path.display());
        histories += 1;
        operations += history.len();
        steps += checked.steps;
    }
    println!("{histories} histories, {operations} operations, {steps} steps");
    assert!(histories >= 50, "{} holds only {histories} histories", folder.display());
    if histories == 102 {
        assert_eq!(operations, 8_523);
        assert!(steps <= 3_301_715 * 105 / 100, "{steps} steps: porcupine takes 3,301,715");
    }
}

#[test]
fn every_key_value_history_has_porcupines_verdict() {
    let Some(folder) = corpus() else { return };
    let known = [
        ("c01-ok", 58),
        ("c01-bad", 38),
        ("c10-ok", 337),
        ("c10-bad", 405),
        ("c50-ok", 1712),
        ("c50-bad", 2024),
    ];
    let mut histories = 0;
    for (name, operations) in known {
        let path = folder.join(format!("kv/{name}.txt"));
        let Ok(text) = std::fs::read_to_string(&path) else { continue };
        let history = key_value(&text).unwrap_or_else(|e| panic!("{name}: {e}"));
        assert_eq!(history.len(), operations, "{name}");
        let checked = check(&Appends, &history, u64::MAX);
        println!("{name}: {:?}, {} steps", checked.judgement, checked.steps);
        let is_linearizable = checked.judgement == Judgement::Linearizable;
        assert_eq!(is_linearizable, name.ends_with("ok"), "{name}");
        histories += 1;
    }
    assert!(histories >= 4, "{} holds only {histories} histories", folder.display());
}

fn operation(
    client: u64,
    input: RegisterInput,
    output: Option<Option<i64>>,
    (call, end): (u64, Option<u64>),
) -> TimedOperation<RegisterInput, Option<i64>> {
    TimedOperation { client, input, output, call, end }
}

fn write(
    client: u64,
    value: i64,
    call: u64,
    end: u64,
) -> TimedOperation<RegisterInput, Option<i64>> {
    operation(client, RegisterInput::Write(value), Some(None), (call, Some(end)))
}

fn read(
    client: u64,
    value: i64,
    call: u64,
    end: u64,
) -> TimedOperation<RegisterInput, Option<i64>> {
    operation(client, RegisterInput::Read, Some(Some(value)), (call, Some(end)))
}

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
        if expected == Illegal {
            let fewest = minimise(&REGISTER, &history, u64::MAX);
            assert_eq!(judge(&fewest), Illegal, "{name}");
            assert!(fewest.len() <= 4, "{name}: {} operations", fewest.len());
        }
    }
}

/// Judges by trying every order of every choice of unknown operations.
fn by_all_orders(history: &History) -> Judgement {
    fn goes_on(history: &History, taken: &mut Vec<bool>, state: Option<i64>) -> bool {
        let open = |taken: &[bool]| (0..history.len()).filter(|at| !taken[*at]).collect::<Vec<_>>();
        if open(taken).iter().all(|at| history[*at].output.is_none()) {
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
fn draw_history(random: &mut ChaCha8Rng) -> History {
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
        let is_known = random.random_ratio(5, 6);
        let end = is_known.then_some(now + late);
        history.push(operation(client, input, is_known.then_some(output), (now - early, end)));
        now += random.random_range(1..5);
    }
    history
}

#[test]
fn the_search_agrees_with_all_orders() {
    let mut illegal = 0;
    for seed in 0..20_000 {
        let history = draw_history(&mut ChaCha8Rng::seed_from_u64(seed));
        let expected = by_all_orders(&history);
        illegal += u64::from(expected == Judgement::Illegal);
        assert_eq!(judge(&history), expected, "seed {seed}:\n{}", draw(&history, None));
    }
    assert!((2_000..18_000).contains(&illegal), "{illegal} of 20,000 are illegal");
}

#[test]
fn a_search_ends_after_its_steps_and_says_so() {
    let history: History = (0..12).map(|client| write(client, client as i64, 0, 100)).collect();
    let mut history = history;
    history.push(read(20, 77, 50, 60));
    let checked = check(&REGISTER, &history, 1000);
    assert_eq!((checked.judgement, checked.steps), (Judgement::Unknown, 1000));
    assert_eq!(judge(&history), Judgement::Illegal);
}

#[test]
fn a_stale_read_is_drawn() {
    let history = vec![write(1, 1, 0, 1), write(2, 2, 2, 3), read(3, 1, 4, 5)];
    let checked = check(&REGISTER, &history, u64::MAX);
    assert_eq!(checked.blocked, Some(2));
    let expected = "\
client 1   [- Write(1): None -]
client 2                        [- Write(2): None -]
client 3                                             [- Read: Some(1) -]   <-- fits nowhere
";
    assert_eq!(draw(&history, checked.blocked), expected);
}

#[test]
fn the_fleets_histories_are_linearizable() {
    for seed in 1..=5 {
        let fleet = testbed::fleet::run(FleetPlan::draw(seed));
        let history = timed(&fleet.history);
        let checked = check(&StoreValues, &history, 50_000_000);
        println!("seed {seed}: {} operations, {} steps", history.len(), checked.steps);
        if checked.judgement != Judgement::Linearizable {
            let fewest = minimise(&StoreValues, &history, 1_000_000);
            panic!("seed {seed}: {:?}\n{}", checked.judgement, draw(&fewest, None));
        }
    }
}
