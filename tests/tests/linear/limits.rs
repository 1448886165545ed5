//! Steps, memory and fingerprints: none of them changes a verdict, but that the steps may not suffice.

use crate::*;

#[test]
fn a_search_ends_after_its_steps_and_says_so() {
    let history: History = (0..12).map(|client| write(client, client as i64, 0, 100)).collect();
    let mut history = history;
    history.push(read(20, 77, 50, 60));
    let checked = check(&REGISTER, &history, &Limits::steps(1000));
    assert_eq!((checked.judgement, checked.steps), (Judgement::Unknown, 1000));
    assert_eq!(judge(&history), Judgement::Illegal);
}

/// Many writes at once, and a read of what none of them wrote: every set of writes is a configuration.
fn crowd(writes: i64) -> History {
    let mut history: History =
        (0..writes).map(|value| write(value as u64, value, 0, 100)).collect();
    history.push(read(99, 77, 50, 60));
    history
}

#[test]
fn the_same_history_takes_the_same_steps() {
    let steps = |limits| check(&REGISTER, &crowd(9), limits).steps;
    assert_eq!(steps(&EXACT), steps(&EXACT));
    assert_eq!(steps(&EXACT), steps(&PRINTS), "no two fingerprints are the same");
}

#[test]
fn a_search_that_forgets_ends_with_the_same_verdict() {
    let history = crowd(9);
    let whole = check(&REGISTER, &history, &EXACT);
    assert_eq!((whole.judgement, whole.forgets), (Judgement::Illegal, 0));
    for remember in [Remember::Exactly, Remember::Fingerprints] {
        for bytes_max in [0, 8 << 10, 32 << 10] {
            let limits = Limits { bytes_max, remember, ..EXACT };
            let short = check(&REGISTER, &history, &limits);
            assert_eq!(short.judgement, Judgement::Illegal, "{limits:?}");
            assert!(short.forgets > 0 && short.steps > whole.steps, "{limits:?}: {short:?}");
        }
    }
}

#[test]
fn only_steps_end_a_search_without_a_verdict() {
    let limits =
        Limits { steps_max: 200_000, bytes_max: 64 << 10, remember: Remember::Fingerprints };
    let checked = check(&REGISTER, &crowd(40), &limits);
    assert_eq!((checked.judgement, checked.steps), (Judgement::Unknown, 200_000));
    assert!(checked.forgets > 10, "{}", checked.forgets);
}

/// A register that says how many bytes of states were alive at most.
#[derive(Default)]
struct Weighed {
    alive: std::rc::Rc<std::cell::Cell<(usize, usize)>>,
}

/// A state of 10,000 bytes that counts itself.
#[derive(Debug)]
struct Heavy(Vec<u64>, std::rc::Rc<std::cell::Cell<(usize, usize)>>);

impl Heavy {
    fn new(writes: Vec<u64>, alive: &std::rc::Rc<std::cell::Cell<(usize, usize)>>) -> Heavy {
        let (now, most) = alive.get();
        alive.set((now + 1, most.max(now + 1)));
        Heavy(writes, alive.clone())
    }
}

impl Clone for Heavy {
    fn clone(&self) -> Heavy {
        Heavy::new(self.0.clone(), &self.1)
    }
}

impl Drop for Heavy {
    fn drop(&mut self) {
        let (now, most) = self.1.get();
        self.1.set((now - 1, most));
    }
}

impl PartialEq for Heavy {
    fn eq(&self, other: &Heavy) -> bool {
        self.0 == other.0
    }
}

impl Eq for Heavy {}

impl std::hash::Hash for Heavy {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}

impl Specification for Weighed {
    type State = Heavy;
    type Input = u64;
    type Output = ();
    type Key = ();

    fn key(&self, _: &u64) {}

    fn first(&self) -> Heavy {
        Heavy::new(Vec::new(), &self.alive)
    }

    fn step(&self, state: &Heavy, input: &u64, _: Option<&()>) -> Option<Heavy> {
        // 0 can never be.
        let writes = state.0.iter().copied().chain([*input]).collect();
        (*input != 0).then(|| Heavy::new(writes, &self.alive))
    }

    fn state_bytes(&self, _: &Heavy) -> usize {
        10_000
    }
}

/// Every order of appends is a state of its own: states, not configurations, take the memory.
#[test]
fn states_count_as_memory() {
    let specification = Weighed::default();
    let history: Vec<_> = (0..=20)
        .map(|input| TimedOperation {
            client: input,
            input,
            output: Some(()),
            call: 0,
            end: Some(10),
        })
        .collect();
    let limits = Limits { steps_max: 100_000, bytes_max: 1_000_000, ..EXACT };
    let checked = check(&specification, &history, &limits);
    assert_eq!(checked.judgement, Judgement::Unknown);
    let (now, most) = specification.alive.get();
    assert_eq!(now, 0, "all states are dropped");
    assert!(most <= 130, "{most} states of 10,000 bytes were alive, where 1,000,000 bytes may be");
}

#[test]
fn a_slow_part_does_not_hide_a_quick_one() {
    // The part of key 1 is a crowd; that of key 2 is a read of nothing.
    let put = |value: i64| AppendsInput::Append("1".to_owned(), value.to_string());
    let mut history: Vec<_> = (0..30)
        .map(|value| TimedOperation {
            client: value as u64,
            input: put(value),
            output: Some(String::new()),
            call: 0,
            end: Some(100),
        })
        .collect();
    for key in ["1", "2"] {
        history.push(TimedOperation {
            client: 99,
            input: AppendsInput::Get(key.to_owned()),
            output: Some("never".to_owned()),
            call: 50,
            end: Some(60),
        });
    }
    let checked = check(&Appends, &history, &Limits::steps(1_000));
    assert_eq!((checked.judgement, checked.blocked), (Judgement::Illegal, Some(31)));
}

#[test]
fn times_that_cannot_be_are_judged_as_they_are() {
    // No moment is in such an interval.
    assert_eq!(judge(&vec![write(1, 1, 5, 4)]), Judgement::Illegal);
    // The last moment there is.
    let last = u64::MAX;
    let history = vec![
        write(1, 1, last, last),
        read(2, 1, last, last),
        pending(3, RegisterInput::Write(2), last),
    ];
    assert_eq!(judge(&history), Judgement::Linearizable);
}
